package oauth_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// One account logs in so often that nobody does it by hand: then it has to wait, with its password as with its passkey, whatever browser it is in.
// What it has open goes on, and so do all others.
func TestOneAccountLogsInTooOften(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob") // the first login
	open := w.browser()
	open.login("bob", "/oauth/login")
	n := 2
	var last scriptAnswer
	for ; n < 400; n++ {
		if last = w.browser().passkeyLogin(a, a.keys[0], "/oauth/login"); last.Status != http.StatusOK {
			break
		}
	}
	if n != 300 || last.Status != http.StatusTooManyRequests || !strings.Contains(last.Message, "This account has logged in very often just now. Please wait for 10 seconds") {
		t.Fatalf("%d logins, and then %d %s", n, last.Status, last.raw)
	}
	before := len(w.lines())
	for name, password := range map[string]string{"bob": "bob-demo", " BOB ": "wrong"} {
		got := w.logIn(w.browser(), "/oauth/login", name, password)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "10" || !strings.Contains(got.body, "logged in very often just now") {
			t.Errorf("%s with a password: %d, Retry-After %q", name, got.status, got.header.Get("Retry-After"))
		}
	}
	if lines := w.lines()[before:]; strings.Join(lines, "; ") != "login refused - - error=address; login refused - - error=address" {
		t.Errorf("recorded %q", lines)
	}
	if !open.isLoggedIn() {
		t.Error("what was open has ended")
	}
	if a := w.logIn(w.browser(), "/oauth/login", "alice", "alice-demo"); a.status != http.StatusSeeOther {
		t.Errorf("somebody else: %d", a.status)
	}
	w.clock.Advance(10 * time.Second)
	if a := w.logIn(w.browser(), "/oauth/login", "bob", "bob-demo"); a.status != http.StatusSeeOther {
		t.Errorf("after the wait: %d", a.status)
	}
}

// Whoever is logged in can have so many passwords looked at to change their own, also at once, and then has to wait before the next is.
func TestOneAccountTriesTooManyPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.login("bob", "/oauth/login")
	action, form := b.form(b.get("/oauth/account"), "/oauth/account/password")
	form.Set("current", "wrong")
	form.Set("new", "a brand new one")
	form.Set("again", "a brand new one")
	const often = "This account has tried to change its password very often just now. Please wait for "
	before := len(w.lines())
	var mu sync.Mutex
	answers := map[string]int{}
	var wait int
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			a := b.do(http.MethodPost, action, form)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case strings.Contains(a.body, often):
				answers["waits"]++
				wait, _ = strconv.Atoi(a.header.Get("Retry-After"))
			case a.status == http.StatusForbidden, a.status == http.StatusTooManyRequests:
				answers["looked at"]++
			default:
				answers[fmt.Sprint(a.status)]++
			}
		})
	}
	all.Wait()
	if answers["looked at"] > 20 || answers["waits"] < 40 || len(answers) != 2 || wait < 30 {
		t.Errorf("of 60 at once: %v, Retry-After %d", answers, wait)
	}
	right := func() answer {
		return b.send("/oauth/account/password", "current", "bob-demo", "new", "a brand new one", "again", "a brand new one")
	}
	if a := right(); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, often) {
		t.Errorf("the right one: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	if n := len(w.lines()) - before; n > 61 {
		t.Errorf("%d are recorded", n)
	}
	alice := w.browser()
	alice.login("alice", "/oauth/login")
	if a := alice.send("/oauth/account/password", "current", "alice-demo", "new", "a brand new one", "again", "a brand new one"); a.status != http.StatusSeeOther {
		t.Errorf("somebody else: %d", a.status)
	}
	w.clock.Advance(time.Hour) // the lock of the name is over, too
	if a := right(); a.status != http.StatusSeeOther {
		t.Errorf("after an hour: %d", a.status)
	}
}
