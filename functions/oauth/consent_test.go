package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestConsentPageTellsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	page := b.login("bob", w.request("scope", "pet-profile:read pet-profile:write appointment:read pets:all"))
	for _, want := range []string{"Vet Assist AI", "VetAssist MCP Server", "<code>" + strings.TrimPrefix(w.url, "http://") + "</code>", "Bob Miller",
		"Permission to get the authorized user&#39;s Pet information", `value="pet-profile:read" checked`, `value="appointment:read" checked`,
		"Asked for, but not available to you", "Add and change pet profiles", "Your role Pet Owner does not include it.", "There is no such permission."} {
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
	t.Parallel()
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
	t.Parallel()
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
	if a := b.do(http.MethodPost, action, big); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("oversized form: %d", a.status)
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

// TestAddressIsShownAsItIs: where the answer goes is not decoded for the page, where it could look like something else.
func TestAddressIsShownAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const redirect = "com.example.app:/%E2%80%AEelgoog"
	made := w.register("", `{"redirect_uris": ["`+redirect+`"], "token_endpoint_auth_method": "none", "client_name": "Host"}`)
	page := w.browser().login("bob", w.request("client_id", made.ClientID, "redirect_uri", redirect))
	if !strings.Contains(page.body, "<code>"+redirect+"</code>") || strings.Contains(page.body, "\u202e") {
		t.Errorf("%d\n%s", page.status, page.body)
	}
}
