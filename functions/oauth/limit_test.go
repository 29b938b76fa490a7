package oauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
)

// Each endpoint of clients slows down one address that keeps failing, says for how long, and serves it again then; all of them together, and
// nobody at another address. An honest client is told what to look at.
func TestStrangersAreSlowedDown(t *testing.T) {
	t.Parallel()
	unknown := func(n int) url.Values {
		return url.Values{"client_id": {fmt.Sprint("nobody-", n)}, "token": {"x"}, "grant_type": {"refresh_token"}, "refresh_token": {"x"}}
	}
	sameClient := func(int) url.Values {
		return url.Values{"client_id": {clientID}, "grant_type": {"authorization_code"}, "code": {"x"}, "refresh_token": {"x"}, "device_code": {"x"}}
	}
	for _, c := range []struct {
		name, path string
		form       func(int) url.Values
		free       int
	}{
		{"unknown clients at token", "/oauth/token", unknown, 300},
		{"unknown clients at introspect", "/oauth/introspect", unknown, 300},
		{"unknown clients at revoke", "/oauth/revoke", unknown, 300},
		{"unknown clients at par", "/oauth/par", unknown, 300},
		{"unknown clients at device_authorization", "/oauth/device_authorization", unknown, 300},
		{"unknown tokens at register", "/oauth/register", func(int) url.Values { return nil }, 300},
		{"unknown codes of one client", "/oauth/token", sameClient, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorldAt(t, "127.0.0.1", func(s store.Store) store.Store { return s }, func(o *oauth.Config) { o.Registration = config.RegistrationToken })
			from := func(address string) func(*http.Request) {
				return func(r *http.Request) {
					r.Header.Set("Test-From", address)
					r.Header.Set("Authorization", map[bool]string{true: "Bearer wrong"}[c.path == "/oauth/register"])
					if r.Header.Get("Authorization") == "" {
						r.Header.Del("Authorization")
					}
				}
			}
			n := 0
			var last answer
			for ; n < 400; n++ {
				if _, last = w.post(c.path, c.form(n), from("192.0.2.1")); last.status == http.StatusTooManyRequests {
					break
				}
			}
			if n != c.free || last.header.Get("Retry-After") != "1" {
				t.Errorf("%d got through, want %d; Retry-After %q: %s", n, c.free, last.header.Get("Retry-After"), last.body)
			}
			if _, a := w.post(c.path, c.form(n), from("192.0.2.2")); a.status == http.StatusTooManyRequests {
				t.Errorf("another address: %d", a.status)
			}
			wait, _ := strconv.Atoi(last.header.Get("Retry-After"))
			w.clock.Advance(time.Duration(wait) * time.Second)
			if _, a := w.post(c.path, c.form(n), from("192.0.2.1")); a.status == http.StatusTooManyRequests {
				t.Errorf("after the wait: %d", a.status)
			}
		})
	}
}

// One password for many names is slowed down by where it comes from; a hundred people behind one address who log in are not, nor is a
// browser that its owner has used before.
func TestOnePasswordForManyNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := w.browser()
	home.login("bob", "/oauth/login")
	action, form := home.form(home.get("/oauth/account"), "/oauth/logout")
	home.do(http.MethodPost, action, form)
	for range 110 { // right ones do not count
		if a := w.logIn(w.browser(), "/oauth/login", "alice", "alice-demo"); a.status != http.StatusSeeOther {
			t.Fatalf("a right password: %d", a.status)
		}
	}
	b := w.browser()
	for n := range 100 {
		if a := w.logIn(b, "/oauth/login", fmt.Sprint("name-", n), "spring-2026"); a.status != http.StatusUnauthorized {
			t.Fatalf("name %d: %d", n, a.status)
		}
	}
	for _, name := range []string{"name-x", "alice"} {
		if a := w.logIn(w.browser(), "/oauth/login", name, "alice-demo"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" {
			t.Errorf("%s, after a hundred wrong ones: %d, Retry-After %q", name, a.status, a.header.Get("Retry-After"))
		}
	}
	if a := w.logIn(home, "/oauth/login", "bob", "bob-demo"); a.status != http.StatusSeeOther {
		t.Errorf("a known browser: %d", a.status)
	}
	page := b.get("/oauth/login")
	action, form = b.form(page, "/oauth/login")
	form.Set("username", "alice")
	before := len(w.lines())
	for range 400 { // who has to wait can send as many as they like: no hash is made for it, so no more is kept of it than of any stranger's
		if a := b.do(http.MethodPost, action, form); a.status != http.StatusTooManyRequests {
			t.Fatalf("while it waits: %d", a.status)
		}
	}
	kept := w.lines()[before:]
	if len(kept) > 300 || !slices.Contains(kept, "login refused - - error=address") {
		t.Errorf("%d are recorded, such as %q", len(kept), kept[0])
	}
}
