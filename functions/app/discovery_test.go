package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestReadChallenge(t *testing.T) {
	const metadata = `resource_metadata="https://s.example/m"`
	for _, tc := range []struct {
		name   string
		header http.Header
		body   string
		want   challenge
	}{
		{"plain", http.Header{"Www-Authenticate": {`Bearer ` + metadata + `, scope="a:read b:read"`}}, "",
			challenge{ResourceMetadata: "https://s.example/m", Scopes: []string{"a:read", "b:read"}}},
		{"after another scheme", http.Header{"Www-Authenticate": {`Basic realm="x", Bearer scope="a"`}}, "", challenge{Scopes: []string{"a"}}},
		{"two headers", http.Header{"Www-Authenticate": {`Basic realm="x"`, `bearer scope=a`}}, "", challenge{Scopes: []string{"a"}}},
		{"renamed by API Gateway", http.Header{"X-Amzn-Remapped-Www-Authenticate": {`Bearer error="insufficient_scope", scope="a"`}}, "",
			challenge{Scopes: []string{"a"}, Error: "insufficient_scope"}},
		{"only the body", nil, `{"error":"insufficient_scope","scope":"a","resource_metadata":"https://s.example/m","error_description":"d"}`,
			challenge{ResourceMetadata: "https://s.example/m", Scopes: []string{"a"}, Error: "insufficient_scope", Description: "d"}},
		{"body of JSON-RPC", nil, `{"jsonrpc":"2.0","error":{"code":-32001,"data":{"error":"insufficient_scope","scope":"a"}}}`,
			challenge{Scopes: []string{"a"}, Error: "insufficient_scope"}},
		{"the header wins", http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="a"`}}, `{"scope":"b","error_description":"d"}`,
			challenge{Scopes: []string{"a"}, Error: "insufficient_scope", Description: "d"}},
		{"malformed header", http.Header{"Www-Authenticate": {`Bearer scope="a`}}, `{"scope":"b"}`, challenge{Scopes: []string{"b"}}},
		{"proofs", http.Header{"Www-Authenticate": {`DPoP algs="RS256 ES256", ` + metadata}}, "", challenge{ResourceMetadata: "https://s.example/m", Proofs: true}},
		{"proofs of any kind", http.Header{"Www-Authenticate": {`DPoP scope="a"`}}, "", challenge{Scopes: []string{"a"}, Proofs: true}},
		{"proofs that we cannot make", http.Header{"Www-Authenticate": {`DPoP algs="RS256", scope="a"`}}, "", challenge{Scopes: []string{"a"}}},
		{"both kinds", http.Header{"Www-Authenticate": {`Bearer scope="a", error="invalid_token"`, `DPoP scope="a", error="use_dpop_nonce"`}}, "",
			challenge{Scopes: []string{"a"}, Error: "use_dpop_nonce", Proofs: true}},
		{"nothing", nil, "<html>", challenge{}},
		{"scopes that are none", http.Header{"Www-Authenticate": {`Bearer scope="a é b\\c a"`}}, "", challenge{Scopes: []string{"a"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := readChallenge(&http.Response{Header: tc.header, Body: io.NopCloser(strings.NewReader(tc.body))})
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestMetadataURLs(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://as.example": {"https://as.example/.well-known/oauth-authorization-server", "https://as.example/.well-known/openid-configuration"},
		"https://as.example/t1": {"https://as.example/.well-known/oauth-authorization-server/t1",
			"https://as.example/.well-known/openid-configuration/t1", "https://as.example/t1/.well-known/openid-configuration"},
		"https://as.example/?x=1": nil,
		"no url":                  nil,
	} {
		if got, err := metadataURLs(issuer); !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %v %v", issuer, got, err)
		}
	}
}

// TestDiscover serves documents at some addresses and looks which were asked for, and what was believed.
func TestDiscover(t *testing.T) {
	resource := `{"resource":"BASE/mcp","authorization_servers":["https://other.example","BASE"],"resource_name":"N"}`
	origin := `{"resource":"BASE","authorization_servers":["BASE"]}`
	auth := `{"issuer":"BASE","authorization_endpoint":"BASE/a","token_endpoint":"BASE/t","code_challenge_methods_supported":["S256"],"scopes_supported":["offline_access"]}`
	const r, o = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"
	for _, tc := range []struct {
		name     string
		header   string // resource_metadata
		docs     map[string]string
		asked    []string
		resource string // empty: refused
	}{
		{"as the challenge says", "BASE/here", map[string]string{"/here": resource, o: auth}, []string{"/here", o}, "BASE/mcp"},
		{"the challenge is authoritative", "BASE/gone", map[string]string{r + "/mcp": resource, o: auth}, []string{"/gone"}, ""},
		{"path form", "", map[string]string{r + "/mcp": resource, r: origin, o: auth}, []string{r + "/mcp", o}, "BASE/mcp"},
		{"root form", "", map[string]string{r: resource, o: auth}, []string{r + "/mcp", r, o}, "BASE/mcp"},
		{"root form for the origin", "", map[string]string{r: origin, o: auth}, []string{r + "/mcp", r, r, o}, "BASE"},
		{"no metadata", "", nil, []string{r + "/mcp", r, r}, ""},
		{"of another resource", "BASE/here", map[string]string{"/here": strings.Replace(resource, "BASE/mcp", "BASE/other", 1), o: auth}, []string{"/here"}, ""},
		{"another authorization server", "BASE/here", map[string]string{"/here": `{"resource":"BASE/mcp","authorization_servers":["https://other.example"]}`, o: auth}, []string{"/here"}, ""},
		{"no authorization server", "BASE/here", map[string]string{"/here": `{"resource":"BASE/mcp"}`, o: auth}, []string{"/here"}, ""},
		{"OpenID Connect form", "BASE/here", map[string]string{"/here": resource, "/.well-known/openid-configuration": auth},
			[]string{"/here", o, "/.well-known/openid-configuration"}, "BASE/mcp"},
		{"issuer with a slash", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, `"BASE"`, `"BASE/"`, 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"of another issuer", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, `"BASE"`, `"https://honest.example"`, 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"no PKCE", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, `"code_challenge_methods_supported":["S256"],`, "", 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"plain PKCE only", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, "S256", "plain", 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"token endpoint without TLS", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, "BASE/t", "http://as.example/t", 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"script as endpoint", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, "BASE/a", "javascript:alert(1)", 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
		{"no token endpoint", "BASE/here", map[string]string{"/here": resource, o: strings.Replace(auth, "BASE/t", "", 1)},
			[]string{"/here", o, "/.well-known/openid-configuration"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked []string
			var srv *httptest.Server
			srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				doc, ok := tc.docs[r.URL.Path]
				if !ok {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, strings.ReplaceAll(doc, "BASE", srv.URL))
			}))
			defer srv.Close()
			a := &app{mcpURL: srv.URL + "/mcp", issuer: srv.URL, local: true, http: srv.Client()}
			got, err := a.discover(t.Context(), strings.ReplaceAll(tc.header, "BASE", srv.URL))
			if (err == nil) != (tc.resource != "") || got.Resource != strings.ReplaceAll(tc.resource, "BASE", srv.URL) {
				t.Errorf("%+v %v", got, err)
			}
			if err == nil && (got.Issuer != srv.URL || got.Token != srv.URL+"/t" || !got.Offline) {
				t.Errorf("%+v", got)
			}
			if !slices.Equal(asked, tc.asked) {
				t.Errorf("asked %v, want %v", asked, tc.asked)
			}
		})
	}
}

// TestOfflineAccess: asked for only where the authorization server lists it, and no news to a person ("Refresh Tokens").
func TestOfflineAccess(t *testing.T) {
	for listed, want := range map[bool]string{true: "pet-profile:read offline_access", false: "pet-profile:read"} {
		w := newWorld(t)
		w.metadata = func(m map[string]any) {
			if listed {
				m["scopes_supported"] = []string{"openid", "offline_access"}
			}
		}
		a := w.person().say("vaccination")
		if got := query(t, a.AuthorizeURL).Get("scope"); got != want || strings.Contains(a.HTML, "offline") {
			t.Errorf("listed %v: asked for %q, and said %s", listed, got, a.HTML)
		}
	}
}

func TestScopeWords(t *testing.T) {
	for scope, want := range map[string]string{
		"pet-profile:read": "see pet profiles", "appointment:write": "add and change appointments", "reminder:read": "see reminders",
		"notes:delete": "delete notes", "everything": "“everything”",
	} {
		if got := scopeWord(scope); got != want {
			t.Errorf("%s: %q, want %q", scope, got, want)
		}
	}
	if got := scopeWords([]string{"a:read", "b:read", "offline_access", "c:read"}); got != "see as, see bs, and see cs" {
		t.Error(got)
	}
}
