package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestShownNotRedirected: when the client or its redirect_uri is not known to be right, a person sees a page, and
// nobody is sent anywhere.
func TestShownNotRedirected(t *testing.T) {
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

func TestConsentPageTellsEverything(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.login("bob", w.request("scope", "pet-profile:read pet-profile:write appointment:read pets:all"))
	for _, want := range []string{"Vet Assist AI", "VetAssist MCP Server", "<code>" + strings.TrimPrefix(w.url, "http://") + "</code>", "Bob Miller",
		"Permission to get the authorized user&#39;s Pet information", `value="pet-profile:read" checked`, `value="appointment:read" checked`,
		"Asked for, but not available to you", "Change pet records", "Your role Pet Owner does not include it.", "There is no such permission."} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{`value="pet-profile:write"`, `value="pets:all"`, "<script", "style=", "onclick"} {
		if strings.Contains(page.body, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	if csp := page.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "form-action") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
}

func TestConsent(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.login("bob", w.request("scope", "pet-profile:read appointment:read"))

	// One of two ticked: the token has the one.
	if got := w.redeem(b.callback(b.approve(page, "pet-profile:read")).Get("code")); got.Scope != "pet-profile:read" {
		t.Errorf("one ticked gave %q", got.Scope)
	}
	// The same request again asks only for the other.
	page = b.get(w.request("scope", "pet-profile:read appointment:read"))
	if _, form := b.form(page, "/oauth/consent"); strings.Join(form["scope"], " ") != "appointment:read" || !strings.Contains(page.body, "You allowed this before") {
		t.Errorf("asks for %v", form["scope"])
	}
	if got := b.callback(b.approve(page)); got.Get("state") != "s t/a+te" {
		t.Errorf("state came back as %q", got.Get("state"))
	}
	// All consented: no page, unless the client wants one.
	if got := w.redeem(b.callback(b.get(w.request("scope", "appointment:read pet-profile:read"))).Get("code")); got.Scope != "appointment:read pet-profile:read" {
		t.Errorf("remembered consent gave %q", got.Scope)
	}
	if got := b.callback(b.get(w.request("prompt", "none"))); got.Get("code") == "" {
		t.Errorf("prompt=none gave %v", got)
	}
	if page := b.get(w.request("prompt", "consent")); page.status != http.StatusOK {
		t.Errorf("prompt=consent: %d", page.status)
	}
	// New scope and prompt=none.
	if got := b.callback(b.get(w.request("prompt", "none", "scope", "reminder:read"))); got.Get("error") != "consent_required" {
		t.Errorf("prompt=none with a new scope gave %v", got)
	}
	// What Alice sees does not depend on Bob's consent.
	if page := w.browser().login("alice", w.request()); page.status != http.StatusOK {
		t.Errorf("alice is not asked: %d", page.status)
	}
}

func TestConsentForm(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.login("bob", w.request("scope", "pet-profile:read pet-profile:write"))
	action, good := b.form(page, "/oauth/consent")
	with := func(name string, values ...string) url.Values {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set("decision", "approve")
		form[name] = values
		return form
	}
	wider := strings.Replace(action, "scope=pet-profile%3Aread+pet-profile%3Awrite", "scope=pet-profile%3Aread+reminder%3Awrite", 1)
	if wider == action {
		t.Fatal("the action does not hold the scopes")
	}
	for _, c := range []struct {
		name, action string
		form         url.Values
		status       int
		says         string
	}{
		{"no token", action, with("form_token"), 400, "This page was open for too long"},
		{"wrong token", action, with("form_token", "x"), 400, "This page was open for too long"},
		{"a request that was not shown", wider, with("scope", "reminder:write"), 400, "This page was open for too long"},
		{"no decision", action, with("decision"), 400, "choose Allow or Deny"},
		{"nothing ticked", action, with("scope"), 400, "Tick at least one"},
		{"only what the role forbids", action, with("scope", "pet-profile:write"), 400, "Tick at least one"},
		{"only what was not asked for", action, with("scope", "reminder:read"), 400, "Tick at least one"},
	} {
		if a := b.do(http.MethodPost, c.action, c.form); a.status != c.status || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d\n%s", c.name, a.status, a.body)
		}
	}
	// More ticked than may be: the rest is granted.
	a := b.do(http.MethodPost, action, with("scope", "pet-profile:read", "pet-profile:write", "reminder:read", "admin:write"))
	if got := w.redeem(b.callback(a).Get("code")); got.Scope != "pet-profile:read" {
		t.Errorf("a form with too much gave %q", got.Scope)
	}
	// Another site's page cannot send it, though the browser would add the cookie.
	crossSite := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := b.do(http.MethodPost, action, with("x"), crossSite); a.status != http.StatusForbidden {
		t.Errorf("cross-site: %d", a.status)
	}
	// Another browser with the same form.
	other := w.browser()
	other.login("alice", w.request())
	if a := other.do(http.MethodPost, action, with("x")); a.status != http.StatusBadRequest {
		t.Errorf("another browser's form: %d", a.status)
	}
	// Nobody logged in: to the login page.
	if a := w.browser().do(http.MethodPost, action, with("x")); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
		t.Errorf("logged out: %d %s", a.status, a.header.Get("Location"))
	}
	// A reload of the form's address shows the page again.
	if a := b.follow(b.get(action)); a.status != http.StatusSeeOther && a.status != http.StatusOK {
		t.Errorf("reload: %d", a.status)
	}
	big := with("scope", strings.Repeat("x", 70<<10))
	if a := b.do(http.MethodPost, action, big); a.status != http.StatusBadRequest {
		t.Errorf("oversized form: %d", a.status)
	}
}

func TestDeny(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	action, form := b.form(b.login("bob", w.request()), "/oauth/consent")
	form.Set("decision", "deny")
	got := b.callback(b.do(http.MethodPost, action, form))
	if got.Get("error") != "access_denied" || got.Get("state") != "s t/a+te" || got.Has("code") {
		t.Errorf("got %v", got)
	}
	if page := b.get(w.request()); page.status != http.StatusOK {
		t.Errorf("after a denial the page is asked again: %d", page.status)
	}
}

func TestNothingToAllow(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.login("admin", w.request())
	if page.status != http.StatusOK || !strings.Contains(page.body, "nothing here that you could allow") || !strings.Contains(page.body, "Your role Administrator does not include it.") ||
		strings.Contains(page.body, `value="approve"`) {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	action, form := b.form(page, "/oauth/consent")
	form.Set("decision", "deny")
	if got := b.callback(b.do(http.MethodPost, action, form)); got.Get("error") != "access_denied" || !strings.Contains(got.Get("error_description"), "nothing") {
		t.Errorf("got %v", got)
	}
	// "Switch user" ends the login and goes on with the same request.
	action, form = b.form(page, "/oauth/logout")
	page = b.follow(b.do(http.MethodPost, action, form))
	action, form = b.form(page, "/oauth/login")
	form.Set("username", "bob")
	form.Set("password", "bob-demo")
	page = b.follow(b.do(http.MethodPost, action, form))
	if !strings.Contains(page.body, "Bob Miller") || !strings.Contains(page.body, `value="pet-profile:read"`) {
		t.Errorf("after the switch: %d\n%s", page.status, page.body)
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.follow(b.get(w.request()))
	if !strings.Contains(page.body, "to go on with <strong>Vet Assist AI</strong>") {
		t.Errorf("the login page does not name the client")
	}
	action, form := b.form(page, "/oauth/login")
	var refusals []string
	for _, c := range []struct{ username, password string }{
		{"bob", "wrong"}, {"bob", ""}, {"bob", "Bob-demo"}, {"bob", "bob-demo "}, {"nobody", "bob-demo"}, {"", "bob-demo"},
		{"bob", strings.Repeat("x", 300)}, {strings.Repeat("b", 100), "x"}, {"bob\x00", "bob-demo"}, {"user-bob", "bob-demo"},
	} {
		form.Set("username", c.username)
		form.Set("password", c.password)
		a := b.do(http.MethodPost, action, form)
		if a.status != http.StatusUnauthorized {
			t.Errorf("%q %q: %d", c.username, c.password, a.status)
		}
		refusals = append(refusals, strings.Split(a.body, "<form")[0])
	}
	for _, r := range refusals {
		if r != refusals[0] || !strings.Contains(r, "That username and password do not fit") {
			t.Errorf("two refusals differ:\n%s\n%s", r, refusals[0])
		}
	}
	form.Set("username", " Bob ")
	form.Set("password", "bob-demo")
	if a := b.do(http.MethodPost, action, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }); a.status != http.StatusForbidden {
		t.Errorf("sent from another port of this host: %d", a.status)
	}
	// Behind a proxy that changes Host, an older browser says only where the page came from.
	proxied := func(r *http.Request) {
		r.Host, r.Header = "10.0.0.7:9000", http.Header{"Origin": {w.url}, "Content-Type": r.Header["Content-Type"], "Cookie": r.Header["Cookie"]}
	}
	if a := b.do(http.MethodPost, action, form, proxied); a.status == http.StatusForbidden {
		t.Errorf("behind a proxy: %d", a.status)
	}
	// A form of another tab, from before this browser's cookie: the page again, and then it works.
	form.Set("form_token", "")
	again := b.do(http.MethodPost, action, form)
	if again.status != http.StatusBadRequest || !strings.Contains(again.body, "Please try again") {
		t.Errorf("without form token: %d", again.status)
	}
	action, form = b.form(again, "/oauth/login")
	form.Set("username", "bob")
	form.Set("password", "bob-demo")
	if a := b.follow(b.do(http.MethodPost, action, form)); !strings.Contains(a.body, "Bob Miller") {
		t.Errorf("the form that it showed: %d", a.status)
	}
	b = w.browser()
	if a := b.login("bob", w.request()); a.status != http.StatusOK || !strings.Contains(a.body, "Bob Miller") {
		t.Errorf("the right login: %d", a.status)
	}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	cookie := func() string {
		u, _ := url.Parse(w.url)
		for _, c := range b.client.Jar.Cookies(u) {
			return c.Value
		}
		return ""
	}
	b.follow(b.get(w.request()))
	before := cookie()
	b.login("bob", w.request())
	after := cookie()
	if before == "" || after == before {
		t.Error("the session id is the same before and after the login")
	}
	if a := b.do(http.MethodGet, w.request(), nil); strings.Contains(a.body, after) {
		t.Error("the page holds the session id")
	}
	if _, err := w.db.Get(t.Context(), "login/"+after, "session"); err == nil {
		t.Error("the store holds the session id itself")
	}

	// prompt=login asks again, and then is content.
	page := b.follow(b.get(w.request("prompt", "login")))
	if !strings.Contains(page.body, "<h1>Log in</h1>") {
		t.Errorf("prompt=login: %d", page.status)
	}
	if page = b.login("alice", w.request("prompt", "login consent")); !strings.Contains(page.body, "Alice Grant") {
		t.Errorf("after prompt=login: %d\n%s", page.status, page.body)
	}
	stolen := w.browser()
	u, _ := url.Parse(w.url)
	stolen.client.Jar.SetCookies(u, []*http.Cookie{{Name: "vetassist_login", Value: after}})
	if a := stolen.get("/oauth/logout"); !strings.Contains(a.body, "Nobody is logged in") {
		t.Error("the login that was replaced still works")
	}

	w.clock.Advance(8*time.Hour + time.Second)
	if a := b.get(w.request()); !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
		t.Errorf("after eight hours: %d %s", a.status, a.header.Get("Location"))
	}

	// A user who was disabled is logged out.
	b.login("bob", w.request())
	user, err := w.directory.User(t.Context(), "user-bob")
	if err != nil {
		t.Fatal(err)
	}
	user.Disabled = true
	if err := w.db.Write(t.Context(), store.Put(store.Encode("user/user-bob", "profile", user, time.Time{}), store.Always())); err != nil {
		t.Fatal(err)
	}
	if a := b.get(w.request()); !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
		t.Errorf("disabled: %d", a.status)
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if a := b.get("/oauth/logout"); !strings.Contains(a.body, "Nobody is logged in") {
		t.Errorf("nobody: %s", a.body)
	}
	page := b.login("bob", "/oauth/login") // no client sent them here
	if !strings.Contains(page.body, "You are logged in as Bob Miller") {
		t.Errorf("plain login: %s", page.body)
	}
	old := b.client.Jar
	action, form := b.form(page, "/oauth/logout")
	if a := b.do(http.MethodPost, action, url.Values{}); a.status != http.StatusBadRequest {
		t.Errorf("without form token: %d", a.status)
	}
	u, _ := url.Parse(w.url)
	kept := old.Cookies(u)
	if a := b.follow(b.do(http.MethodPost, action, form)); !strings.Contains(a.body, "You are logged out") {
		t.Errorf("after: %s", a.body)
	}
	b.client.Jar.SetCookies(u, kept) // the old cookie opens nothing any more
	if a := b.get("/oauth/logout"); !strings.Contains(a.body, "Nobody is logged in") {
		t.Error("the old cookie still works")
	}
}

// TestRegisteredDifferently: redirect_uri may be left out when there is one, a query in it stays, and a client
// that may not use codes is told so.
func TestRegisteredDifferently(t *testing.T) {
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
