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

const bye = "https://app.example/bye?from=vetassist"

// logoutClients are one that an administrator made and one that registered itself; both may send people to bye.
func (w *world) logoutClients() (known, stranger string) {
	w.t.Helper()
	for _, c := range []directory.Client{{ID: "known", Source: directory.SourceAdmin}, {ID: "stranger", Source: directory.SourceDynamic}} {
		c.Name, c.RedirectURIs, c.LogoutURIs = "App "+c.ID, []string{w.url + "/callback"}, []string{bye}
		c.GrantTypes, c.Authorized = []string{"authorization_code"}, map[string][]string{mcp: {"pet-profile:read"}}
		if err := w.directory.PutClient(w.t.Context(), c, store.IfAbsent()); err != nil {
			w.t.Fatal(err)
		}
	}
	return "known", "stranger"
}

// idTokenIn is an ID token of the login that is in a browser.
func (b *browser) idTokenIn(client string) string {
	b.t.Helper()
	a := b.get(b.request("client_id", client, "scope", "openid pet-profile:read", "prompt", "consent"))
	return b.redeem(b.callback(b.approve(a)).Get("code"), "client_id", client).ID
}

func logoutAt(changes ...string) string {
	q := url.Values{"post_logout_redirect_uri": {bye}, "state": {"s&t"}}
	for i := 0; i < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "/oauth/logout?" + q.Encode()
}

const gone = bye + "&state=s%26t"

// TestClientLogout: who is logged out at once, who is asked, and where they go (RP-Initiated Logout §2, §3).
func TestClientLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, stranger := w.logoutClients()
	other := w.browser() // another login of bob, an hour before
	other.login("bob", "/oauth/login")
	older, foreign := other.idTokenIn(known), w.redeem(w.code("scope", "openid pet-profile:read")).ID
	w.clock.Advance(time.Hour)
	for _, c := range []struct {
		name   string
		person string // who is logged in
		target func(b *browser) string
		at     string // where the browser is sent at once; empty: a page asks
		after  string // and where when the person said yes
	}{
		{"the hint is of this login", "bob", func(b *browser) string { return logoutAt("id_token_hint", b.idTokenIn(known)) }, gone, ""},
		{"and the client is named too", "bob", func(b *browser) string { return logoutAt("id_token_hint", b.idTokenIn(known), "client_id", known) }, gone, ""},
		{"no state", "bob", func(b *browser) string { return logoutAt("id_token_hint", b.idTokenIn(known), "state", "") }, bye, ""},
		{"nowhere to go", "bob", func(b *browser) string {
			return logoutAt("id_token_hint", b.idTokenIn(known), "post_logout_redirect_uri", "")
		}, "/oauth/logout", ""},
		{"a client that registered itself", "bob", func(b *browser) string { return logoutAt("id_token_hint", b.idTokenIn(stranger)) }, gone, ""},
		{"an expired hint", "bob", func(b *browser) string {
			hint := b.idTokenIn(known)
			w.clock.Advance(11 * time.Minute)
			return logoutAt("id_token_hint", hint)
		}, gone, ""},
		{"a hint of another login of the person", "bob", func(*browser) string { return logoutAt("id_token_hint", older) }, "", gone},
		{"a hint of another person", "alice", func(*browser) string { return logoutAt("id_token_hint", older) }, "", gone},
		{"no hint", "bob", func(*browser) string { return logoutAt("client_id", known) }, "", gone},
		{"no hint, with a hint of another kind", "bob", func(*browser) string { return logoutAt("client_id", known, "logout_hint", "bob", "ui_locales", "fr") }, "", gone},
		{"a hint that is none", "bob", func(*browser) string { return logoutAt("id_token_hint", "x", "client_id", known) }, "", gone},
		{"an access token as hint", "bob", func(b *browser) string {
			a := b.get(b.request("client_id", known, "prompt", "consent"))
			return logoutAt("id_token_hint", b.redeem(b.callback(b.approve(a)).Get("code"), "client_id", known).Access, "client_id", known)
		}, "", gone},
		{"nothing but a state", "bob", func(*browser) string { return logoutAt("post_logout_redirect_uri", "") }, "", "/oauth/logout"},
		{"nobody is logged in", "", func(*browser) string { return logoutAt("id_token_hint", older) }, gone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.browser()
			if c.person != "" {
				b.login(c.person, "/oauth/login")
			}
			target := c.target(b)
			post := w.browser() // §2: by POST, too, from any site
			post.client.Jar = b.client.Jar
			path, query, _ := strings.Cut(target, "?")
			form, _ := url.ParseQuery(query)
			a := post.do(http.MethodPost, path, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/oauth/logout?") || c.person != "" && !b.isLoggedIn() {
				t.Errorf("by POST: %d %s", a.status, a.header.Get("Location"))
			}
			a = b.get(target)
			if c.at == "" {
				if a.status != http.StatusOK || a.header.Get("Location") != "" || !b.isLoggedIn() {
					t.Fatalf("nobody is asked: %d %s", a.status, a.header.Get("Location"))
				}
				action, values := b.form(a, "/oauth/logout/confirm")
				for name, edit := range map[string]func(*http.Request){"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
					"without its token": func(r *http.Request) { setBody(r, "x=1") }} {
					if a := b.do(http.MethodPost, action, values, edit); a.status != http.StatusForbidden && a.status != http.StatusBadRequest || !b.isLoggedIn() {
						t.Errorf("%s: %d", name, a.status)
					}
				}
				a = b.do(http.MethodPost, action, values)
				c.at = c.after
			}
			if a.status != http.StatusSeeOther || a.header.Get("Location") != c.at || b.isLoggedIn() {
				t.Errorf("%d %q, want %q; still logged in: %v", a.status, a.header.Get("Location"), c.at, b.isLoggedIn())
			}
		})
	}

	// Nobody is sent anywhere that is not registered, and nobody is logged out on the way.
	for name, target := range map[string]string{
		"no client":                logoutAt(),
		"an unknown client":        logoutAt("client_id", "nobody"),
		"another client's address": logoutAt("id_token_hint", foreign),
		"the hint of another":      logoutAt("id_token_hint", foreign, "client_id", known),
		"a hint that is none":      logoutAt("id_token_hint", "x"),
		"another address":          logoutAt("client_id", known, "post_logout_redirect_uri", "https://evil.example/"),
		"another path":             logoutAt("client_id", known, "post_logout_redirect_uri", bye+"/../x"),
		"another query":            logoutAt("client_id", known, "post_logout_redirect_uri", bye+"&x=1"),
		"upper case":               logoutAt("client_id", known, "post_logout_redirect_uri", strings.ToUpper(bye)),
		"where codes go":           logoutAt("client_id", known, "post_logout_redirect_uri", w.url+"/callback"),
		"a script":                 logoutAt("client_id", known, "post_logout_redirect_uri", "javascript:alert(1)"),
		"twice":                    logoutAt("client_id", known) + "&post_logout_redirect_uri=https://evil.example/",
		"broken":                   "/oauth/logout?client_id=%zz",
		"too long":                 logoutAt("client_id", known, "state", strings.Repeat("x", 9000)),
		"too long, encoded":        "/oauth/logout?client_id=known&state=" + strings.Repeat("'", 4000),
	} {
		b := w.browser()
		b.login("bob", "/oauth/login")
		a := b.get(target)
		if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || strings.Contains(a.body, "evil") || strings.Contains(a.body, "javascript:") || !b.isLoggedIn() {
			t.Errorf("%s: %d %q\n%s", name, a.status, a.header.Get("Location"), a.body)
		}
	}

	// A client that nobody here vouches for could use us to send people anywhere: whoever is not logged in sees a page, with the address.
	b := w.browser()
	b.login("bob", "/oauth/login")
	hint := b.idTokenIn(stranger)
	page := w.browser().get(logoutAt("id_token_hint", hint))
	if page.status != http.StatusOK || page.header.Get("Location") != "" || !strings.Contains(page.body, "Go to app.example") {
		t.Errorf("a stranger sends people on: %d %s\n%s", page.status, page.header.Get("Location"), page.body)
	}
	// What the page that asks says of it.
	if page := b.get(logoutAt("client_id", stranger)); !strings.Contains(page.body, "An app that calls itself <strong>App stranger</strong> asks you to log out here. You are sent to <code>app.example</code> then.") {
		t.Errorf("the page says %s", page.body)
	}
	if page := b.get(logoutAt("client_id", known, "post_logout_redirect_uri", "")); !strings.Contains(page.body, "asks you to log out here.</p>") {
		t.Errorf("without an address to go to, the page says %s", page.body)
	}
	// The answer is bound to the request that was shown.
	action, values := b.form(b.get(logoutAt("client_id", known)), "/oauth/logout/confirm")
	if a := b.do(http.MethodPost, strings.Replace(action, "state=", "state=x", 1), values); a.status != http.StatusBadRequest || !b.isLoggedIn() {
		t.Errorf("another request slipped in: %d", a.status)
	}
}
