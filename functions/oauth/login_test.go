package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

func TestLogin(t *testing.T) {
	t.Parallel()
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
	w.clock.Advance(time.Minute) // bob was five of them
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
	t.Parallel()
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
	t.Parallel()
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
