package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestShownNotRedirected: when the client or its redirect_uri is not known to be right, a person sees a page, and
// nobody is sent anywhere.
func TestShownNotRedirected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, target := range map[string]string{
		"no client":                    w.request("client_id", ""),
		"unknown client":               w.request("client_id", "nobody"),
		"client id with a slash":       w.request("client_id", "a/../vet-assist-ai"),
		"huge client id":               w.request("client_id", strings.Repeat("x", 3000)),
		"client id not UTF-8":          w.request("client_id", "\xff"),
		"client twice":                 w.request() + "&client_id=" + clientID,
		"redirect_uri twice":           w.request() + "&redirect_uri=" + url.QueryEscape(w.url+"/callback"),
		"another path":                 w.request("redirect_uri", w.url+"/callback2"),
		"a longer path":                w.request("redirect_uri", w.url+"/callback/x"),
		"a trailing slash":             w.request("redirect_uri", w.url+"/callback/"),
		"a query":                      w.request("redirect_uri", w.url+"/callback?x=1"),
		"a fragment":                   w.request("redirect_uri", w.url+"/callback#x"),
		"dots":                         w.request("redirect_uri", w.url+"/x/../callback"),
		"upper case":                   w.request("redirect_uri", w.url+"/Callback"),
		"another port":                 w.request("redirect_uri", "http://127.0.0.1:1/callback"),
		"another host":                 w.request("redirect_uri", "https://evil.example/callback"),
		"user information":             w.request("redirect_uri", strings.Replace(w.url, "//", "//evil@", 1)+"/callback"),
		"host as a prefix":             w.request("redirect_uri", w.url+".evil.example/callback"),
		"encoded":                      w.request("redirect_uri", w.url+"/%63allback"),
		"javascript":                   w.request("redirect_uri", "javascript:alert(1)"),
		"relative":                     w.request("redirect_uri", "/callback"),
		"the placeholder of the store": w.request("redirect_uri", "{base}/callback"),
		"broken query":                 "/oauth/authorize?client_id=%zz",
		"semicolons":                   w.request() + ";x=1",
		"too long":                     w.request("state", strings.Repeat("x", 9000)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/oauth/authorize", "/oauth/login"} {
				a := w.browser().get(strings.Replace(target, "/oauth/authorize", path, 1))
				if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(a.body, "This link does not work") {
					t.Errorf("%s: %d %q", path, a.status, a.header.Get("Location"))
				}
				if strings.Contains(a.body, "evil") || strings.Contains(a.body, "javascript:") {
					t.Errorf("%s: the page repeats what was sent", path)
				}
			}
		})
	}
}

// TestRedirectedErrors: once client and redirect_uri are right, the client is told, with state and iss, before
// anybody has logged in.
func TestRedirectedErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ name, target, code string }{
		{"no response_type", w.request("response_type", ""), "invalid_request"},
		{"implicit", w.request("response_type", "token"), "unsupported_response_type"},
		{"hybrid", w.request("response_type", "code id_token"), "unsupported_response_type"},
		{"fragment mode", w.request("response_mode", "fragment"), "invalid_request"},
		{"no PKCE", w.request("code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"no method means plain", w.request("code_challenge_method", ""), "invalid_request"},
		{"plain", w.request("code_challenge_method", "plain"), "invalid_request"},
		{"lower-case method", w.request("code_challenge_method", "s256"), "invalid_request"},
		{"short challenge", w.request("code_challenge", "abc"), "invalid_request"},
		{"challenge with padding", w.request("code_challenge", challenge+"="), "invalid_request"},
		{"challenge not base64url", w.request("code_challenge", strings.Repeat("+", 43)), "invalid_request"},
		{"malformed scope", w.request("scope", `pet"profile`), "invalid_scope"},
		{"unknown resource", w.request("resource", "https://elsewhere.example/mcp"), "invalid_target"},
		{"resource with a path more", w.request("resource", w.url+"/mcp/x"), "invalid_target"},
		{"two resources", w.request() + "&resource=https://elsewhere.example/mcp", "invalid_target"},
		{"scope twice", w.request() + "&scope=reminder:read", "invalid_request"},
		{"an unknown parameter twice", w.request() + "&x=1&x=2", "invalid_request"},
		{"unknown prompt", w.request("prompt", "always"), "invalid_request"},
		{"none with another", w.request("prompt", "none login"), "invalid_request"},
		{"prompt none without a login", w.request("prompt", "none"), "login_required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.browser()
			got := b.callback(b.get(c.target))
			if got.Get("error") != c.code || got.Get("error_description") == "" || got.Get("state") != "s t/a+te" || got.Has("code") {
				t.Errorf("got %v, want %s", got, c.code)
			}
		})
	}
	b := w.browser()
	if got := b.callback(b.get(w.request() + "&state=other")); got.Get("error") != "invalid_request" || got.Has("state") {
		t.Errorf("with two states: %v", got)
	}
	// Short as it came, too long for the next page when encoded.
	if got := b.callback(b.get(w.request("state", "") + "&state=" + strings.Repeat("'", 4000))); got.Get("error") != "invalid_request" || got.Has("state") {
		t.Errorf("with a state that grows: %v", got)
	}
	if a := b.do(http.MethodHead, w.request(), nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d", a.status)
	}
}

// TestEmptyMeansOmitted: a parameter without a value counts as left out (RFC 6749 §3.1, §3.2).
func TestEmptyMeansOmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	target := w.request("redirect_uri", "", "resource", "", "scope", "", "state", "") + "&redirect_uri=&resource=&scope=&state=&response_mode=&prompt=&x="
	got := b.callback(b.approve(b.login("bob", target), "pet-profile:read"))
	if got.Get("code") == "" || got.Has("state") {
		t.Fatalf("authorize: %v", got)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {got.Get("code")}, "code_verifier": {verifier},
		"redirect_uri": {""}, "resource": {""}, "client_secret": {""}}
	tokens, _ := w.post("/oauth/token", form)
	tokens.expect(t, "")
}

func TestResourceInUpperCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for resource, ok := range map[string]bool{
		strings.ToUpper(w.url) + "/mcp": true, "MCP://VetAssist": true,
		w.url + "/MCP": false, w.url + "/mcp/": false, "vetassist": false,
	} {
		b := w.browser()
		a := b.get(w.request("resource", resource))
		if got := strings.HasPrefix(a.header.Get("Location"), "/oauth/login?"); got != ok {
			t.Errorf("%s: %d %s", resource, a.status, a.header.Get("Location"))
		}
	}
}

// TestRegisteredDifferently: redirect_uri may be left out when there is one, a query in it stays, and a client
// that may not use codes is told so.
func TestRegisteredDifferently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	if got := b.callback(b.approve(b.login("bob", w.request("redirect_uri", "", "resource", "", "state", "")))); got.Get("code") == "" || got.Has("state") {
		t.Errorf("no redirect_uri, resource and state: %v", got)
	}
	put := func(c directory.Client) {
		c.Name = c.ID
		if err := w.directory.PutClient(t.Context(), c, store.Always()); err != nil {
			t.Fatal(err)
		}
	}
	authorized := map[string][]string{"mcp://vetassist": {"pet-profile:read"}}
	put(directory.Client{ID: "query", RedirectURIs: []string{w.url + "/callback?app=1", w.url + "/two"}, GrantTypes: []string{"authorization_code"}, Authorized: authorized})
	got := b.callback(b.get(w.request("client_id", "query", "redirect_uri", w.url+"/callback?app=1", "prompt", "none")))
	if got.Get("app") != "1" || got.Get("error") != "consent_required" {
		t.Errorf("redirect with a query: %v", got)
	}
	if a := b.get(w.request("client_id", "query", "redirect_uri", "")); a.status != http.StatusBadRequest {
		t.Errorf("none of two redirect URIs named: %d", a.status)
	}
	put(directory.Client{ID: "no-codes", RedirectURIs: []string{w.url + "/callback"}, Authorized: authorized})
	if got := b.callback(b.get(w.request("client_id", "no-codes"))); got.Get("error") != "unauthorized_client" {
		t.Errorf("no grant types: %v", got)
	}
	put(directory.Client{ID: "nowhere", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"}})
	for _, resource := range []string{"", w.url + "/mcp"} {
		if got := b.callback(b.get(w.request("client_id", "nowhere", "resource", resource))); got.Get("error") != "invalid_target" {
			t.Errorf("authorized nowhere, resource %q: %v", resource, got)
		}
	}
	put(directory.Client{ID: "off", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"}, Authorized: authorized, Disabled: true})
	if a := b.get(w.request("client_id", "off")); a.status != http.StatusBadRequest {
		t.Errorf("disabled client: %d", a.status)
	}
	if page := b.get(w.request("client_id", "query", "redirect_uri", w.url+"/two", "scope", "pet-profile:read reminder:read")); !strings.Contains(page.body, "query is not authorized for it.") {
		t.Errorf("a scope that the client is not authorized for: %d\n%s", page.status, page.body)
	}
}
