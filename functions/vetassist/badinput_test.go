package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// Before client and redirect_uri are known to be right, an error is a page: a redirect would send the person, and
// perhaps a code, wherever the request says.
func TestAuthorizationErrorPages(t *testing.T) {
	w := newWorld(t)
	for name, changes := range map[string]url.Values{
		"unknown client":        {"client_id": {"nobody"}},
		"no client":             {"client_id": nil},
		"client twice":          {"client_id": {"vet-assist-ai", "vet-assist-ai"}},
		"strange client":        {"client_id": {"a\x00b"}},
		"long client":           {"client_id": {strings.Repeat("x", 2000)}},
		"foreign redirect":      {"redirect_uri": {"https://evil.example/callback"}},
		"redirect with a path":  {"redirect_uri": {w.URL + "/callback/../other"}},
		"redirect with a query": {"redirect_uri": {w.URL + "/callback?x=1"}},
		"redirect twice":        {"redirect_uri": {w.URL + "/callback", w.URL + "/callback"}},
		"another port":          {"redirect_uri": {"http://localhost:1/callback"}},
		"too long":              {"state": {strings.Repeat("s", 9000)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			resp := w.send("GET", "/oauth/authorize?"+w.request(changes).Encode(), "")
			if resp.status != http.StatusBadRequest || resp.header.Get("Location") != "" {
				t.Errorf("%d, Location %q", resp.status, resp.header.Get("Location"))
			}
			if !strings.HasPrefix(resp.header.Get("Content-Type"), "text/html") {
				t.Errorf("not a page: %s", resp.body)
			}
		})
	}
}

// Every other error goes back to the client, with state and iss (RFC 6749 §4.1.2.1, RFC 9207 §2).
func TestAuthorizationErrorRedirects(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name    string
		changes url.Values
		want    string
	}{
		{"no response_type", url.Values{"response_type": nil}, "invalid_request"},
		{"implicit flow", url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		{"no PKCE", url.Values{"code_challenge": nil}, "invalid_request"},
		{"plain PKCE", url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		{"no PKCE method", url.Values{"code_challenge_method": nil}, "invalid_request"},
		{"short challenge", url.Values{"code_challenge": {"short"}}, "invalid_request"},
		{"broken scope", url.Values{"scope": {"pet-profile:read \"quoted\""}}, "invalid_scope"},
		{"unknown resource", url.Values{"resource": {"https://elsewhere.example/mcp"}}, "invalid_target"},
		{"resource in part", url.Values{"resource": {w.URL}}, "invalid_target"},
		{"two resources", url.Values{"resource": {w.URL + "/mcp", "https://elsewhere.example/mcp"}}, "invalid_target"},
		{"scope twice", url.Values{"scope": {"pet-profile:read", "pet-profile:write"}}, "invalid_request"},
		{"unknown parameter twice", url.Values{"x": {"1", "2"}}, "invalid_request"},
		{"bad prompt", url.Values{"prompt": {"often"}}, "invalid_request"},
		{"nobody there to ask", url.Values{"prompt": {"none"}}, "login_required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			resp := w.send("GET", "/oauth/authorize?"+w.request(c.changes).Encode(), "")
			to, err := url.Parse(resp.header.Get("Location"))
			if err != nil || resp.status/100 != 3 || !strings.HasPrefix(to.String(), w.URL+"/callback?") {
				t.Fatalf("%d, Location %q", resp.status, resp.header.Get("Location"))
			}
			q := to.Query()
			if q.Get("error") != c.want || q.Get("state") != testState || q.Get("iss") != w.URL || q.Has("code") {
				t.Errorf("want error %s with state and iss, got %v", c.want, q)
			}
		})
	}
}

// A missing resource is the client's only server; both names of the server are good; a client of two servers must choose.
func TestResource(t *testing.T) {
	w := newWorld(t)
	for name, resource := range map[string][]string{
		"missing":    nil,
		"URL":        {w.URL + "/mcp"},
		"identifier": {"mcp://vetassist"},
		"both":       {w.URL + "/mcp", "mcp://vetassist"},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			request := w.request(url.Values{"resource": resource})
			if code := w.person().answerOf(request, "bob").Get("code"); code == "" {
				t.Error("no code")
			} else if got := w.redeem(code, nil); got.Access == "" || w.callTool(got.Access, "list_pets", "{}").status != http.StatusOK {
				t.Errorf("the token does not open the server: %+v", got)
			}
		})
	}
	t.Run("ambiguous", func(t *testing.T) {
		w := w.in(t)
		w.change(func(d *directory.Directory) error {
			other := directory.Server{Identifier: "mcp://other", Name: "Other", URL: "https://other.example/mcp", Scopes: []directory.Scope{{Name: "x:read"}}}
			two := directory.Client{ID: "two-servers", Name: "Two Servers", RedirectURIs: []string{"{base}/callback"}, GrantTypes: []string{"authorization_code"},
				Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}, "mcp://other": {"x:read"}}}
			if err := d.PutServer(t.Context(), other, store.IfAbsent()); err != nil {
				return err
			}
			return d.PutClient(t.Context(), two, store.IfAbsent())
		})
		for name, resource := range map[string][]string{"none": nil, "both": {w.URL + "/mcp", "https://other.example/mcp"}} {
			resp := w.send("GET", "/oauth/authorize?"+w.request(url.Values{"client_id": {"two-servers"}, "resource": resource}).Encode(), "")
			to, _ := url.Parse(resp.header.Get("Location"))
			if to.Query().Get("error") != "invalid_target" {
				t.Errorf("%s: %d %s", name, resp.status, to)
			}
		}
	})
}

// Requests to the MCP server that are wrong in themselves get an answer in JSON-RPC's own form.
func TestBadMCPRequests(t *testing.T) {
	w := newWorld(t)
	good := w.tokensFor("carol", "pet-profile:read", "pet-profile:write", "appointment:write").Access
	t.Run("protocol", func(t *testing.T) {
		for _, c := range []struct {
			name, body string
			status     int
			code       int
		}{
			{"not JSON", "{", http.StatusBadRequest, -32700},
			{"empty", "", http.StatusBadRequest, -32700},
			{"not a message", `"hello"`, http.StatusBadRequest, 0},
			{"oversized", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusRequestEntityTooLarge, -32600},
			{"unknown method", `{"jsonrpc":"2.0","id":1,"method":"pets/steal"}`, 0, -32601},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := w.in(t)
				resp := w.mcp(good, c.body)
				if c.status != 0 && resp.status != c.status {
					t.Errorf("status %d, want %d", resp.status, c.status)
				}
				r := resp.result(t)
				if r.Error.Message == "" || (c.code != 0 && r.Error.Code != c.code) {
					t.Errorf("%d %s, want code %d", resp.status, resp.body, c.code)
				}
			})
		}
	})
	t.Run("tools", func(t *testing.T) {
		for _, c := range []struct{ name, tool, arguments, says string }{
			{"unknown tool", "steal_pet", `{}`, "steal_pet"},
			{"missing argument", "get_pet", `{}`, "pet"},
			{"wrong type", "get_pet", `{"pet":7}`, "pet"},
			{"not an object", "get_pet", `"Fido"`, ""},
			{"unknown argument", "get_pet", `{"pet":"Fido","colour":"red"}`, "colour"},
			{"too long", "get_pet", `{"pet":"` + strings.Repeat("x", 5000) + `"}`, "pet"},
			{"bad number", "update_pet", `{"pet":"Fido","weight_kg":-1}`, "weight_kg"},
			{"bad date", "book_vet_appointment", `{"pet":"Fido","date":"next week","time":"10:00"}`, "date"},
			{"day that is not", "book_vet_appointment", `{"pet":"Fido","date":"2027-02-30","time":"10:00"}`, "date"},
			{"bad word", "add_pet", `{"pet":"x","name":"A","species":"dragon","owner":"Bob Miller","birth_date":"2020-01-01"}`, "species"},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := w.in(t)
				resp := w.callTool(good, c.tool, c.arguments)
				r := resp.result(t)
				text := r.Error.Message
				if r.Result.IsError && len(r.Result.Content) > 0 {
					text = r.Result.Content[0].Text
				}
				if text == "" || !strings.Contains(text, c.says) {
					t.Errorf("%d %s: want a clear error about %q", resp.status, resp.body, c.says)
				}
			})
		}
	})
}

// Nor do the other ways in take everything.
func TestBadRequestsElsewhere(t *testing.T) {
	w := newWorld(t)
	formType := []string{"Content-Type", "application/x-www-form-urlencoded"}
	jsonType := []string{"Content-Type", "application/json"}
	big := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		says                     string
	}{
		{"chat: not JSON", "POST", "/chat", "{", jsonType, 400, "invalid_request"},
		{"chat: no message", "POST", "/chat", "{}", jsonType, 400, "message"},
		{"chat: wrong type", "POST", "/chat", `{"message":7}`, jsonType, 400, "invalid_request"},
		{"chat: too long", "POST", "/chat", `{"message":"` + big + `"}`, jsonType, 413, "too_large"},
		{"chat: no type", "POST", "/chat", `{"message":"hi"}`, nil, 415, "unsupported_media_type"},
		{"chat: other site", "POST", "/chat", `{"message":"hi"}`, append(jsonType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403, "cross_origin"},
		{"chat: wrong method", "PUT", "/chat", "", nil, 405, ""},
		{"answer: too long", "POST", "/answer", "f0=" + big, formType, 413, "too long"},
		{"answer: not a form", "POST", "/answer", "f0=%zz", formType, 400, "not readable"},
		{"answer: other site", "POST", "/answer", "f0=a", append(formType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403, "cross_origin"},
		{"answer: wrong method", "PUT", "/answer", "", nil, 405, ""},
		{"callback out of nowhere", "GET", "/callback?code=x&state=y&iss=" + url.QueryEscape(w.URL), "", nil, 400, ""},
		{"token: not a form", "POST", "/oauth/token", "{}", jsonType, 400, "invalid_request"},
		{"token: oversized", "POST", "/oauth/token", "x=" + big, formType, 400, "invalid_request"},
		{"token: GET", "GET", "/oauth/token", "", nil, 405, ""},
		{"token: no grant type", "POST", "/oauth/token", "client_id=vet-assist-ai", formType, 400, "invalid_request"},
		{"token: unknown grant type", "POST", "/oauth/token", "client_id=vet-assist-ai&grant_type=password", formType, 400, "unsupported_grant_type"},
		{"token: twice", "POST", "/oauth/token", "client_id=vet-assist-ai&grant_type=refresh_token&grant_type=refresh_token", formType, 400, "invalid_request"},
		{"token: unknown client", "POST", "/oauth/token", "client_id=nobody&grant_type=refresh_token&refresh_token=x", formType, 401, "invalid_client"},
		{"push: not a form", "POST", "/oauth/par", "{}", jsonType, 400, "invalid_request"},
		{"push: oversized", "POST", "/oauth/par", "x=" + big, formType, 413, "invalid_request"},
		{"push: a request_uri", "POST", "/oauth/par", "client_id=vet-assist-ai&request_uri=urn:x", formType, 400, "invalid_request"},
		{"push: a request object", "POST", "/oauth/par", "client_id=vet-assist-ai&redirect_uri=" + url.QueryEscape(w.URL+"/callback") + "&request=a.b.c", formType, 400, "request_not_supported"},
		{"push: GET", "GET", "/oauth/par", "", nil, 405, ""},
		{"pushed: an unknown name", "GET", "/oauth/authorize?client_id=vet-assist-ai&request_uri=urn:ietf:params:oauth:request_uri:x", "", nil, 400, "used already, or is too old"},
		{"device: not a form", "POST", "/oauth/device_authorization", "{}", jsonType, 400, "invalid_request"},
		{"device: a client without the grant", "POST", "/oauth/device_authorization", "client_id=vet-assist-ai", formType, 400, "unauthorized_client"},
		{"device: an unknown device code", "POST", "/oauth/token", "client_id=smart-feeder&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", formType, 400, "invalid_grant"},
		{"device: not a code", "GET", "/oauth/device?user_code=12", "", nil, 400, "eight letters"},
		{"device: other site", "POST", "/oauth/device?user_code=BBBB-BBBB", "decision=approve", append(formType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403, ""},
		{"login: no form token", "POST", "/oauth/login", "username=bob&password=bob-demo", formType, 400, ""},
		{"login: other site", "POST", "/oauth/login", "username=bob&password=bob-demo", append(formType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403, ""},
		{"MCP: other site", "POST", "/mcp", "{}", append(jsonType, "Origin", "https://evil.example"), 403, ""},
		{"a host name that is not ours", "GET", "/", "", []string{"Host", "evil.example"}, 421, w.URL},
		{"nothing there", "GET", "/nothing/here", "", nil, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			resp := w.send(c.method, c.path, c.body, c.headers...)
			if resp.status != c.status || !strings.Contains(string(resp.body), c.says) {
				t.Errorf("%d %.300s, want %d with %q", resp.status, resp.body, c.status, c.says)
			}
		})
	}
}
