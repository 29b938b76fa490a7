package visitor_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// site answers at these addresses, and says which requests it got.
func site(t *testing.T, routes map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, h)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, text)
	}
}

const consentPage = `<h1>Allow  it?</h1><script>const hidden = 1;</script>
<input name="outside" value="of every form">
<form method="post" action="/consent?n=1"><input type="hidden" name="form_token" value="f0rm">
 <input type="checkbox" name="scope" value="write"><input type="checkbox" name="scope" value="read" checked><input type="checkbox" name="scope" value="book" checked>
 <textarea name="why">because</textarea><button name="decision" value="approve">Allow</button><button name="decision" value="deny">Deny</button></form>
<form method="get" action="/search"><input name="q" value="cats"></form><a href="/account"> your <b>account</b> </a>`

func TestBrowser(t *testing.T) {
	var got *http.Request
	remember := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
		http.Redirect(w, r, "/callback?code=c0de&state=st", http.StatusSeeOther)
	}
	srv := site(t, map[string]http.HandlerFunc{
		"GET /ask": page(consentPage), "POST /consent": remember, "GET /callback": page("back"), "GET /account": page("<p>yours</p>"),
		"GET /search":   func(w http.ResponseWriter, r *http.Request) { got = r },
		"GET /for-ever": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/for-ever", http.StatusFound) },
		"GET /large": func(w http.ResponseWriter, _ *http.Request) {
			for range 17 {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		},
		"GET /app": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "cursor://app?code=1", http.StatusFound)
		},
		"GET /keep": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/consent", http.StatusTemporaryRedirect)
		},
		"POST /keep": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/consent", http.StatusTemporaryRedirect)
		},
	})
	b := visitor.NewBrowser(srv.URL+"/", nil)
	ctx := t.Context()

	if _, err := b.Submit(ctx, "decision", nil); err == nil || !strings.Contains(err.Error(), "an empty screen") {
		t.Errorf("a form on no page: %v", err)
	}
	p, err := b.Open(ctx, "/ask")
	if err != nil || p.Status != http.StatusOK || p.Text() != "Allow it? because Allow Deny your account" || p.Links["your account"] != "/account" {
		t.Fatalf("%v %+v %q", err, p, p.Text())
	}
	if !p.Has("decision") || p.Has("outside") || p.Has("password") || !slices.Equal(p.Offered("scope"), []string{"book", "read"}) || len(p.Forms) != 2 {
		t.Errorf("%+v", p.Forms)
	}
	if _, err := b.Submit(ctx, "password", nil); err == nil || !strings.Contains(err.Error(), `no form with "password" on the page /ask (200): Allow it?`) {
		t.Errorf("a form that is not there: %v", err)
	}

	// It stops where the test wants to read the redirect, and not when that has ended.
	b.StopAt(srv.URL + "/callback")
	if p, err = b.Allow(ctx, "read"); err != nil || p.Status != http.StatusSeeOther || p.Redirect().Get("code") != "c0de" {
		t.Fatalf("%v %+v", err, p)
	}
	want := url.Values{"form_token": {"f0rm"}, "scope": {"read"}, "why": {"because"}, "decision": {"approve"}}
	if got.PostForm.Encode() != want.Encode() || got.URL.RawQuery != "n=1" || got.Header.Get("Origin") != srv.URL || got.Header.Get("Sec-Fetch-Site") != "same-origin" {
		t.Errorf("sent %v %s %v", got.PostForm, got.URL, got.Header)
	}
	if c := b.Cookies("/"); len(c) != 1 || c[0].Value != "s1" {
		t.Errorf("cookies: %v", c)
	}
	b.StopAt("")
	if p, err = b.Open(ctx, "/ask"); err == nil {
		p, err = b.Deny(ctx)
	}
	if err != nil || p.URL.Path != "/callback" || p.Text() != "back" || got.PostForm.Get("decision") != "deny" || len(got.PostForm["scope"]) != 2 || len(p.Redirect()) != 0 {
		t.Errorf("%v %+v %v", err, p, got.PostForm)
	}
	if got.Header.Get("Cookie") != "session=s1" {
		t.Errorf("the cookie is not sent: %q", got.Header.Get("Cookie"))
	}

	// A form that asks by GET, a link, a redirect that keeps the method, one to an app of the device.
	if _, err = b.Open(ctx, "/ask"); err == nil {
		_, err = b.Submit(ctx, "q", nil)
	}
	if err != nil || got.URL.String() != "/search?q=cats" {
		t.Errorf("%v %s", err, got.URL)
	}
	if _, err = b.Open(ctx, "/ask"); err == nil {
		p, err = b.Click(ctx, "your account")
	}
	if err != nil || p.Text() != "yours" {
		t.Errorf("%v %+v", err, p)
	}
	if _, err := b.Click(ctx, "your account"); err == nil {
		t.Error("a link that is not there")
	}
	if p, err = b.Open(ctx, "/app"); err != nil || p.Target().Scheme != "cursor" || p.Redirect().Get("code") != "1" {
		t.Errorf("%v %+v", err, p)
	}

	for address, says := range map[string]string{"/for-ever": "more than 20 redirects", "/large": "more than 1 MiB", "http://[": "missing ']'", "http://localhost:1/": "refused"} {
		if _, err := b.Open(ctx, address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAccount: what the account page offers to remove, and removing one of it.
func TestAccount(t *testing.T) {
	row := func(client, name string) string {
		return `<form method="post" action="/oauth/account/apps/remove"><input type="hidden" name="form_token" value="t"><input type="hidden" name="client_id" value="` + client +
			`"><input type="hidden" name="server" value="mcp://vetassist"><button aria-label="Remove access of ` + name + ` at VetAssist MCP Server">Remove access</button></form>`
	}
	var sent url.Values
	srv := site(t, map[string]http.HandlerFunc{
		"GET /oauth/account": page(`<form method="post" action="/oauth/logout"><button>Log out</button></form>` + row("one", "Vet Assist AI") + row("two", "A Host (host.example)")),
		"POST /oauth/account/apps/remove": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			sent = r.PostForm
			http.Redirect(w, r, "/oauth/account", http.StatusSeeOther)
		},
	})
	b := visitor.NewBrowser(srv.URL, nil)
	p, err := b.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := p.Removable()
	if len(all) != 2 || all[1].Get("client_id") != "two" || p.Access(all[1]) != "A Host (host.example) at VetAssist MCP Server" || p.Access(url.Values{}) != "" {
		t.Fatalf("%v", all)
	}
	if p, err = b.Remove(t.Context(), all[1]); err != nil || p.URL.Path != "/oauth/account" || sent.Encode() != all[1].Encode() {
		t.Errorf("%v: sent %v", err, sent)
	}
}

func TestAsk(t *testing.T) {
	answer := `{"id":"e1","reply":"Connect first.","tool_calls":[{"name":"get_pet","arguments":{"pet":"Fido"},"scope":"pet-profile:read","outcome":"needs_consent"}],"authorize_url":"https://as.example"}`
	srv := site(t, map[string]http.HandlerFunc{"POST /chat": func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Message string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		switch in.Message {
		case "":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_request","message":"The message is empty."}`)
		case "break":
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, `<html>`)
		default:
			fmt.Fprint(w, answer)
		}
	}})
	b := visitor.NewBrowser(srv.URL, nil)
	a, err := b.Ask(t.Context(), "Fido?")
	call, called := a.Called("get_pet", "needs_consent")
	if err != nil || a.Status != http.StatusOK || a.AuthorizeURL != "https://as.example" || !called || call.Arguments["pet"] != "Fido" {
		t.Errorf("%v %+v", err, a)
	}
	if _, called := a.Called("get_pet", "ok"); called {
		t.Error("it was not called")
	}
	if a, err = b.Ask(t.Context(), ""); err != nil || a.Status != http.StatusBadRequest || a.Message != "The message is empty." {
		t.Errorf("a refusal: %v %+v", err, a)
	}
	if _, err = b.Ask(t.Context(), "break"); err == nil || !strings.Contains(err.Error(), "answered 502, and no JSON") {
		t.Errorf("no answer: %v", err)
	}
}

// TestClient: what it sends, and how it reads what comes back.
func TestClient(t *testing.T) {
	var got *http.Request
	srv := site(t, map[string]http.HandlerFunc{"POST /oauth/token": func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r
		if r.PostForm.Get("code") == "stolen" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Start again."}`)
			return
		}
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"user-bob"}`))
		fmt.Fprint(w, `{"access_token":"h.`+claims+`.s","refresh_token":"r","token_type":"Bearer","scope":"a b","expires_in":600}`)
	}, "POST /oauth/revoke": func(http.ResponseWriter, *http.Request) {}})
	c := visitor.NewClient(srv.URL, nil)
	a := c.Request(url.Values{"scope": {"a b"}, "resource": {}})
	q := a.Query
	if q.Get("client_id") != "vet-assist-ai" || q.Get("redirect_uri") != srv.URL+"/callback" || q.Get("scope") != "a b" || len(q["resource"]) != 0 ||
		q.Get("code_challenge") != visitor.Challenge(a.Verifier) || len(a.Verifier) < 43 || q.Get("state") != a.State || !strings.HasPrefix(a.URL, srv.URL+"/oauth/authorize?") {
		t.Errorf("%+v", a)
	}
	if again := c.Request(nil); again.Verifier == a.Verifier || again.State == a.State {
		t.Error("the same secrets twice")
	}
	tokens, err := c.Redeem(t.Context(), "c0de", a.Verifier, nil)
	if err != nil || tokens.Status != http.StatusOK || tokens.Scope != "a b" || tokens.Expires != 600 || tokens.Claims()["sub"] != "user-bob" {
		t.Errorf("%v %+v", err, tokens)
	}
	want := url.Values{"grant_type": {"authorization_code"}, "client_id": {"vet-assist-ai"}, "code": {"c0de"}, "code_verifier": {a.Verifier},
		"redirect_uri": {srv.URL + "/callback"}, "resource": {srv.URL + "/mcp"}}
	if got.PostForm.Encode() != want.Encode() || got.Header.Get("Authorization") != "" {
		t.Errorf("sent %v", got.PostForm)
	}
	if tokens, err = c.Redeem(t.Context(), "stolen", a.Verifier, nil); err != nil || tokens.Status != http.StatusBadRequest || tokens.Error != "invalid_grant" || tokens.Claims() != nil {
		t.Errorf("a refusal: %v %+v", err, tokens)
	}
	c.ID, c.Secret = "app one", "s:1"
	if _, err = c.Refresh(t.Context(), "r", nil); err != nil || got.PostForm.Get("client_id") != "" || got.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("app+one:s%3A1")) {
		t.Errorf("%v %v %v", err, got.PostForm, got.Header)
	}
	if tokens, err = c.Revoke(t.Context(), "r", nil); err != nil || tokens.Status != http.StatusOK || tokens.Error != "" {
		t.Errorf("%v %+v", err, tokens)
	}
}

// TestDiscover: where each revision looks, and what it does not believe.
func TestDiscover(t *testing.T) {
	for _, c := range []struct {
		what, revision string
		resource       string // of the metadata; empty: its own
		issuer         string
		asked          string
		says           string
	}{
		{"2025-03-26 looks at the MCP server's origin", "2025-03-26", "", "", "/mcp /.well-known/oauth-authorization-server", ""},
		{"later ones ask the resource", "2025-06-18", "", "", "/mcp /elsewhere /.well-known/oauth-authorization-server", ""},
		{"a resource that is another", "2025-06-18", "https://evil.example/mcp", "", "/mcp /elsewhere", "is about"},
		{"an issuer that is another", "2025-11-25", "", "https://evil.example", "/mcp /elsewhere /.well-known/oauth-authorization-server", "is of"},
	} {
		t.Run(c.what, func(t *testing.T) {
			var asked []string
			var srv *httptest.Server
			srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				resource, issuer := srv.URL+"/mcp", srv.URL
				if c.resource != "" {
					resource = c.resource
				}
				if c.issuer != "" {
					issuer = c.issuer
				}
				switch r.URL.Path {
				case "/mcp":
					w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+srv.URL+`/elsewhere", scope="a"`)
					w.WriteHeader(http.StatusUnauthorized)
				case "/elsewhere":
					fmt.Fprintf(w, `{"resource":%q,"authorization_servers":[%q]}`, resource, srv.URL)
				case "/.well-known/oauth-authorization-server":
					fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":"https://as.example/t"}`, issuer)
				}
			}))
			defer srv.Close()
			client := visitor.NewClient(srv.URL, nil)
			client.Revision = c.revision
			d, err := client.Discover(t.Context())
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked %s", got)
			}
			switch {
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("%v", err)
			case c.says == "" && (err != nil || d.First.Status != http.StatusUnauthorized || !slices.Equal(d.Challenge.Scopes, []string{"a"}) || client.Server.Token != "https://as.example/t"):
				t.Errorf("%v %+v", err, d)
			}
		})
	}
}

// TestMessage: since 2026-07-28 a request says in headers and in _meta what it is.
func TestMessage(t *testing.T) {
	c := visitor.NewClient("http://localhost", nil)
	for _, test := range []struct {
		revision, method string
		params           map[string]any
		headers          string
		meta             bool
	}{
		{"2025-11-25", "tools/call", map[string]any{"name": "get_pet"}, "", false},
		{"2026-07-28", "tools/call", map[string]any{"name": "get_pet"}, "Mcp-Method tools/call Mcp-Name get_pet", true},
		{"2026-07-28", "resources/read", map[string]any{"uri": "vetassist://pets/x"}, "Mcp-Method resources/read Mcp-Name vetassist://pets/x", true},
		{"2026-07-28", "server/discover", nil, "Mcp-Method server/discover", true},
	} {
		c.Revision = test.revision
		message, headers, err := c.Message(test.method, test.params)
		if err != nil || strings.Join(headers, " ") != test.headers || strings.Contains(message, "protocolVersion") != test.meta {
			t.Errorf("%s %s: %v %s %v", test.revision, test.method, err, message, headers)
		}
	}
}
