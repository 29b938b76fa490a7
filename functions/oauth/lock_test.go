package oauth_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A name is locked after five wrong passwords, for longer with each more, whether or not somebody has it, and the page says so in the same words.
func TestLockedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	var pages []string
	for _, name := range []string{"bob", "nobody"} {
		for n := range 5 {
			if a := w.logIn(b, w.request(), name, "wrong"); a.status != http.StatusUnauthorized {
				t.Errorf("%s, wrong password %d: %d", name, n+1, a.status)
			}
		}
		for _, password := range []string{"wrong", name + "-demo"} {
			a := w.logIn(b, w.request(), name, password)
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "30" {
				t.Errorf("%s, locked, %s: %d, Retry-After %q", name, password, a.status, a.header.Get("Retry-After"))
			}
			pages = append(pages, strings.Split(a.body, "<form")[0])
		}
	}
	for _, p := range pages {
		if p != pages[0] || !strings.Contains(p, "locked for 30 seconds") || !strings.Contains(p, "administrator") {
			t.Errorf("two answers differ:\n%s\n%s", p, pages[0])
		}
	}
	var refused []string
	for _, e := range w.events() {
		refused = append(refused, line(e))
	}
	for _, want := range []string{"login refused user-bob vet-assist-ai", "login refused user-bob vet-assist-ai error=locked", "login refused - vet-assist-ai error=locked"} {
		if !slices.Contains(refused, want) {
			t.Errorf("not recorded: %s", want)
		}
	}

	w.clock.Advance(30 * time.Second)
	for _, want := range []string{"a minute", "2 minutes", "4 minutes", "8 minutes", "15 minutes", "15 minutes"} {
		if a := w.logIn(b, w.request(), "bob", "wrong"); a.status != http.StatusUnauthorized {
			t.Errorf("after the wait: %d", a.status)
		}
		a := w.logIn(b, w.request(), "bob", "bob-demo")
		if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "locked for "+want) {
			t.Errorf("want %s: %d\n%s", want, a.status, strings.Split(a.body, "<form")[0])
		}
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Duration(wait) * time.Second)
	}
	b.login("bob", w.request())
}

// Who keeps a name locked does not keep its owner out of a browser that they have used before; and that browser's cookie is good for nothing
// else, for nobody else, and not when it was changed.
func TestKnownBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := w.browser()
	home.login("bob", "/oauth/login")
	home.get("/oauth/logout")
	known := home.known()
	for _, name := range []string{"bob", "alice"} {
		for range 5 {
			w.logIn(w.browser(), "/oauth/login", name, "wrong")
		}
	}
	changed := []byte(known)
	changed[30] ^= 1
	for _, c := range []struct {
		what, name, cookie string
		status             int
	}{
		{"a stranger", "bob", "", http.StatusTooManyRequests},
		{"another person's", "alice", known, http.StatusTooManyRequests},
		{"a changed one", "bob", string(changed), http.StatusTooManyRequests},
		{"nonsense", "bob", strings.Repeat("A", 43), http.StatusTooManyRequests},
		{"the owner's", " Bob ", known, http.StatusSeeOther},
	} {
		if a := w.logIn(w.browserWith(c.cookie), "/oauth/login", c.name, strings.ToLower(strings.TrimSpace(c.name))+"-demo"); a.status != c.status {
			t.Errorf("%s: %d, want %d", c.what, a.status, c.status)
		}
	}
	if a := w.browserWith(known).get("/oauth/account"); a.status != http.StatusSeeOther {
		t.Errorf("the cookie alone logs in: %d", a.status)
	}
}

// known is the value of the cookie that says that somebody has logged in with the browser.
func (b *browser) known() string {
	b.t.Helper()
	for _, c := range b.client.Jar.Cookies(mustParse(b.t, b.url)) {
		if c.Name == "vetassist_browser" {
			return c.Value
		}
	}
	b.t.Fatal("the browser got no cookie")
	return ""
}

// browserWith is another browser with that cookie.
func (w *world) browserWith(known string) *browser {
	b := w.browser()
	b.client.Jar.SetCookies(mustParse(w.t, w.url), []*http.Cookie{{Name: "vetassist_browser", Value: known}})
	return b
}

// Who had the old password has no tries of their own at the new one, however often they have logged in before; nor has anybody after three months.
func TestKnownBrowserEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const fresh = "Correct-Horse-7"
	thief, home := w.browser(), w.browser()
	thief.login("bob", "/oauth/login")
	home.login("bob", "/oauth/login")
	thiefs, before := thief.known(), home.known()
	w.clock.Advance(time.Minute)
	if a := home.send("/oauth/account/password", "current", "bob-demo", "new", fresh, "again", fresh); a.status != http.StatusSeeOther {
		t.Fatal(a.status)
	}
	here := home.known()
	if here == before {
		t.Error("the browser has the same cookie as before")
	}
	lock := func() {
		for range 5 {
			w.logIn(w.browser(), "/oauth/login", "bob", "wrong")
		}
	}
	expect := func(what, cookie string, status int) {
		t.Helper()
		if a := w.logIn(w.browserWith(cookie), "/oauth/login", "bob", fresh); a.status != status {
			t.Errorf("%s: %d, want %d", what, a.status, status)
		}
	}
	lock()
	expect("the thief's", thiefs, http.StatusTooManyRequests)
	expect("from before the change", before, http.StatusTooManyRequests)
	expect("where it was changed", here, http.StatusSeeOther)
	w.clock.Advance(90*24*time.Hour - time.Second)
	lock()
	expect("almost three months later", here, http.StatusSeeOther)
	w.clock.Advance(time.Minute)
	lock()
	expect("three months later", here, http.StatusTooManyRequests)
	w.clock.Advance(time.Hour)
	b := w.browser()
	if a := w.logIn(b, "/oauth/login", "bob", fresh); a.status != http.StatusSeeOther {
		t.Fatal(a.status)
	}
	w.clock.Advance(time.Second)
	w.signOut("user-bob")
	lock()
	expect("signed out everywhere", b.known(), http.StatusTooManyRequests)
}
