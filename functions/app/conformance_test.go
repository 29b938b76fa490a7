package app

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is here proves requirements of the MCP specification that no other test of this package is about. Which, says
// scripts/conformance/README.md.

// TestEveryRequestCarriesTheToken: after the login, each request to the MCP server has a token in its header, in no address, and never one
// that another server gave or none gave.
func TestEveryRequestCarriesTheToken(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	type request struct{ authorization, query string }
	var seen []request
	w.mu.Lock()
	w.calls = nil
	w.mcp = func(_ http.ResponseWriter, r *http.Request) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		seen = append(seen, request{r.Header.Get("Authorization"), r.URL.RawQuery})
		return false
	}
	w.mu.Unlock()
	p.say("vaccination and search")
	w.pass(w.ttl) // over a refresh
	p.say("vaccination and search")
	p.get(p.say("book").AuthorizeURL) // and a step-up
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range seen {
		raw, bearer := strings.CutPrefix(r.authorization, "Bearer ")
		if _, issued := w.access[raw]; !bearer || !issued || r.query != "" {
			t.Errorf("%q with the query %q", r.authorization, r.query)
		}
	}
	if len(seen) < 6 || len(seen) != len(w.calls) {
		t.Errorf("%d requests, calls %v", len(seen), w.calls)
	}
	if len(w.access) != 3 {
		t.Errorf("%d tokens, want one of the login, one of the refresh and one of the step-up", len(w.access))
	}
}

// TestTokenGoesToNobodyElse: where a server sends us on to, or says that its metadata is, the token does not go.
func TestTokenGoesToNobodyElse(t *testing.T) {
	for name, answer := range map[string]func(rw http.ResponseWriter, trap string){
		"redirect": func(rw http.ResponseWriter, trap string) {
			rw.Header().Set("Location", trap)
			rw.WriteHeader(http.StatusTemporaryRedirect)
		},
		"metadata": func(rw http.ResponseWriter, trap string) {
			rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="x", resource_metadata="`+trap+`"`)
			rw.WriteHeader(http.StatusForbidden)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			visits := 0
			w.serve("/trap", func(rw http.ResponseWriter, r *http.Request) {
				w.mu.Lock()
				defer w.mu.Unlock()
				visits++
				if r.Header.Get("Authorization") != "" || r.URL.RawQuery != "" || r.Method != http.MethodGet {
					t.Errorf("the other place got %s %q %q", r.Method, r.Header.Get("Authorization"), r.URL.RawQuery)
				}
				http.NotFound(rw, r)
			})
			p := w.connected()
			w.mu.Lock()
			w.mcp = func(rw http.ResponseWriter, _ *http.Request) bool { answer(rw, w.other.URL+"/trap"); return true }
			w.mu.Unlock()
			if a := p.say("search"); strings.Contains(a.Reply, "ok answer") {
				t.Errorf("%+v", a)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if (visits > 0) != (name == "metadata") {
				t.Errorf("%d requests to the other place", visits)
			}
		})
	}
}

// serve answers one path of the other server in another way than the world does.
func (w *world) serve(path string, answer http.HandlerFunc) {
	inner := w.other.Config.Handler
	w.other.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			answer(rw, r)
			return
		}
		inner.ServeHTTP(rw, r)
	})
}

// TestScopeSelection is "Scope Selection Strategy": what the challenge says, in whatever relation to scopes_supported; else all of
// scopes_supported; without both no scope at all.
func TestScopeSelection(t *testing.T) {
	for _, c := range []struct {
		name, challenge, supported, want string
		has                              bool
	}{
		{"as challenged", `, scope="pet-profile:read"`, `["pet-profile:read","appointment:write"]`, "pet-profile:read", true},
		{"more than is supported", `, scope="a:read b:read"`, `["a:read"]`, "a:read b:read", true},
		{"other than is supported", `, scope="notes:delete"`, `["a:read","b:read"]`, "notes:delete", true},
		{"no challenge", ``, `["a:read","b:read"]`, "a:read b:read", true},
		{"neither", ``, `null`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve("/document", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				rw.Write([]byte(`{"resource":"` + w.other.URL + `/mcp","authorization_servers":["` + w.other.URL + `"],"scopes_supported":` + c.supported + `}`))
			})
			w.mcp = func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+w.other.URL+`/document"`+c.challenge)
				rw.WriteHeader(http.StatusUnauthorized)
				return true
			}
			q := query(t, w.person().say("vaccination").AuthorizeURL)
			if q.Get("state") == "" || q.Get("scope") != c.want || q.Has("scope") != c.has {
				t.Errorf("asks for %q: %v", q.Get("scope"), q)
			}
		})
	}
}

// TestIssuerIsRecorded: an answer is judged by what the metadata said before the person was sent away, not by what it says now.
func TestIssuerIsRecorded(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	back := p.answer(p.say("vaccination").AuthorizeURL)
	w.metadata = func(m map[string]any) {
		delete(m, "authorization_response_iss_parameter_supported")
		m["token_endpoint"] = w.other.URL + "/elsewhere"
	}
	if _, page := p.get(edited(t, back, func(q url.Values) { q.Del("iss") })); !strings.Contains(page, "did not come from the server") {
		t.Errorf("an answer without iss, which was promised: %s", page)
	}
	w.metadata = nil
	back = p.answer(p.say("vaccination").AuthorizeURL)
	w.metadata = func(m map[string]any) { m["token_endpoint"] = w.other.URL + "/elsewhere" }
	if _, page := p.get(back); !strings.Contains(page, "answer of get_pet") || len(w.forms) != 1 {
		t.Errorf("the code did not go to the recorded token endpoint: %s", page)
	}
}

// TestIssuerIsNotNormalized: equal by RFC 3986 §6.2.2 or §6.2.3 is not equal.
func TestIssuerIsNotNormalized(t *testing.T) {
	const issuer = "https://as.example/tenant"
	for iss, same := range map[string]bool{
		issuer: true, "HTTPS://as.example/tenant": false, "https://AS.example/tenant": false, "https://as.example:443/tenant": false,
		"https://as.example/tenant/": false, "https://as.example/%74enant": false, "https://as.example/x/../tenant": false, "": false,
	} {
		for _, promised := range []bool{true, false} {
			// As it comes: form-encoded, once.
			q, err := url.ParseQuery(url.Values{"iss": {iss}}.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if err := checkIssuer(server{Issuer: issuer, IssPromised: promised}, q); (err == nil) != same {
				t.Errorf("%q, promised %v: %v", iss, promised, err)
			}
		}
	}
}

// TestMetadataOfATenant: an issuer with a path is asked for at three addresses, in the order of "Authorization Server Metadata
// Discovery", and OpenID Connect's document is judged as strictly as OAuth's.
func TestMetadataOfATenant(t *testing.T) {
	const inserted, openID, appended = "/.well-known/oauth-authorization-server/t1", "/.well-known/openid-configuration/t1", "/t1/.well-known/openid-configuration"
	good := map[string]any{"issuer": "BASE/t1", "authorization_endpoint": "BASE/a", "token_endpoint": "BASE/t", "code_challenge_methods_supported": []string{"S256"}}
	for _, c := range []struct {
		name, at string
		change   map[string]any
		asked    []string
		ok       bool
	}{
		{"OAuth", inserted, nil, []string{inserted}, true},
		{"OpenID Connect", openID, nil, []string{inserted, openID}, true},
		{"OpenID Connect, appended", appended, nil, []string{inserted, openID, appended}, true},
		{"none", "/nowhere", nil, []string{inserted, openID, appended}, false},
		{"OAuth without PKCE", inserted, map[string]any{"code_challenge_methods_supported": nil}, []string{inserted, openID, appended}, false},
		{"OpenID Connect without PKCE", openID, map[string]any{"code_challenge_methods_supported": nil}, []string{inserted, openID, appended}, false},
		{"OpenID Connect of another issuer", appended, map[string]any{"issuer": "https://honest.example"}, []string{inserted, openID, appended}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			var asked []string
			var srv *httptest.Server
			srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				doc := maps.Clone(good)
				switch r.URL.Path {
				case "/mcp":
					rw.Header().Set("WWW-Authenticate", `Bearer scope="x"`)
					rw.WriteHeader(http.StatusUnauthorized)
					return
				case "/.well-known/oauth-protected-resource/mcp":
					doc = map[string]any{"resource": "BASE/mcp", "authorization_servers": []string{"BASE/t1"}}
				default:
					w.mu.Lock()
					asked = append(asked, r.URL.Path)
					w.mu.Unlock()
					if r.URL.Path != c.at {
						http.NotFound(rw, r)
						return
					}
					maps.Copy(doc, c.change)
				}
				body, err := json.Marshal(doc)
				if err != nil {
					t.Error(err)
				}
				rw.Header().Set("Content-Type", "application/json")
				rw.Write([]byte(strings.ReplaceAll(string(body), "BASE", srv.URL)))
			}))
			t.Cleanup(srv.Close)
			w.app = w.start(func(cfg *Config) { cfg.MCPURL, cfg.Issuer = srv.URL+"/mcp", srv.URL+"/t1" })
			a := w.person().say("vaccination")
			if ok := strings.HasPrefix(a.AuthorizeURL, srv.URL+"/a?"); ok != c.ok {
				t.Errorf("offered: %+v", a)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

// TestAuthorizationURLs: a person is sent to https, or to this machine, and to nothing else that a server may name.
func TestAuthorizationURLs(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint string
		ok       bool
	}{
		"https":            {"https://as.example/authorize", true},
		"this machine":     {"http://127.0.0.1:1/authorize", true},
		"localhost":        {"http://localhost:1/authorize", true},
		"IPv6":             {"http://[::1]:1/authorize", true},
		"http elsewhere":   {"http://as.example/authorize", false},
		"http, a like one": {"http://localhost.as.example/authorize", false},
		"javascript":       {"javascript:alert(1)", false},
		"javascript, host": {"javascript://as.example/%0Aalert(1)", false},
		"capitals":         {"JavaScript:alert(1)", false},
		"a space before":   {" javascript:alert(1)", false},
		"data":             {"data:text/html,<script>alert(1)</script>", false},
		"file":             {"file:///etc/passwd", false},
		"vbscript":         {"vbscript:msgbox(1)", false},
		"another scheme":   {"com.example.app://authorize", false},
		"no scheme":        {"//as.example/authorize", false},
		"relative":         {"/authorize", false},
		"nothing":          {"", false},
		"control":          {"https://as.example/\n", false},
		"no host":          {"https:///authorize", false},
		"a shell's dollar": {"https://as.example/$(x)", false},
		"a shell's pipe":   {"https://as.example/a|b", false},
		"a shell's tick":   {"https://as.example/`x`", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.metadata = func(m map[string]any) { m["authorization_endpoint"] = c.endpoint }
			a := w.person().say("vaccination")
			switch {
			case c.ok && !strings.HasPrefix(a.AuthorizeURL, c.endpoint+"?"):
				t.Errorf("not offered: %+v", a)
			case !c.ok && (a.AuthorizeURL != "" || strings.Contains(a.HTML, "/connect") || !strings.Contains(a.Reply, "could not find out where")):
				t.Errorf("offered: %+v", a)
			}
		})
	}
}

// TestNoShell: an address opens because the browser follows a redirect. Nothing here could hand one to a shell, or start any program.
func TestNoShell(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if slices.Contains([]string{`"os/exec"`, `"os"`, `"syscall"`, `"plugin"`}, i.Path.Value) {
				t.Errorf("%s imports %s", file, i.Path.Value)
			}
		}
	}
}

// TestContentSecurityPolicy: scripts come from our own origin, none is inline, whatever a server wrote into the conversation.
func TestContentSecurityPolicy(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.mu.Lock()
	w.mcp = func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.Header.Get("Mcp-Method"), "tools/call") {
			return false
		}
		body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "result": map[string]any{"content": []any{map[string]any{"type": "text", "text": "<script>alert(1)</script>"}}}})
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.Write(body)
		return true
	}
	w.mu.Unlock()
	p.say("search <script>alert(2)</script>")
	resp, err := p.Get(p.base + "/")
	_, page := p.read(resp, err)
	directives := map[string]string{}
	for d := range strings.SplitSeq(resp.Header.Get("Content-Security-Policy"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
		directives[name] = value
	}
	if directives["default-src"] != "'none'" || directives["script-src"] != "'self'" || directives["base-uri"] != "'none'" {
		t.Errorf("%v", directives)
	}
	if strings.Contains(page, "<script>") || !strings.Contains(page, "&lt;script&gt;alert(2)") {
		t.Errorf("%s", page)
	}
}
