package oauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A name is locked after ten wrong passwords, whether or not somebody has it, and the page says so in the same words.
func TestLockedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	var pages []string
	for _, name := range []string{"bob", "nobody"} {
		for n := range 10 {
			if a := w.logIn(b, w.request(), name, "wrong"); a.status != http.StatusUnauthorized {
				t.Errorf("%s, wrong password %d: %d", name, n+1, a.status)
			}
		}
		for _, password := range []string{"wrong", name + "-demo"} {
			a := w.logIn(b, w.request(), name, password)
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "900" {
				t.Errorf("%s, locked, %s: %d, Retry-After %q", name, password, a.status, a.header.Get("Retry-After"))
			}
			pages = append(pages, strings.Split(a.body, "<form")[0])
		}
	}
	for _, p := range pages {
		if p != pages[0] || !strings.Contains(p, "locked for 15 minutes") || !strings.Contains(p, "administrator") {
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

	w.clock.Advance(14*time.Minute + 30*time.Second)
	if a := w.logIn(b, w.request(), "bob", "bob-demo"); a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "locked for a minute") {
		t.Errorf("half a minute before the end: %d", a.status)
	}
	w.clock.Advance(30 * time.Second)
	b.login("bob", w.request())
}
