package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func (p *person) logOut() string {
	p.w.t.Helper()
	status, page := p.post("/logout", "application/x-www-form-urlencoded", "")
	if status != http.StatusOK {
		p.w.t.Fatalf("log out: %d %s", status, page)
	}
	return page
}

func (w *world) revocation(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revokeDown = down
}

// left is how many refresh tokens still work.
func (w *world) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.refreshes)
}

// TestReplacedLogins: each login that takes the place of another ends the other, and the last one ends with the log out.
func TestReplacedLogins(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	p.get(p.say("book").AuthorizeURL)
	if n := w.left(); n != 1 {
		t.Errorf("after the step-up %d refresh tokens work", n)
	}
	p.get("/connect?switch=1")
	if n := w.left(); n != 1 {
		t.Errorf("after the change of user %d refresh tokens work", n)
	}
	if page := p.logOut(); !strings.Contains(page, "can no longer act for you") || !strings.Contains(page, "up to ten minutes more") {
		t.Errorf("%s", page)
	}
	if n := w.left(); n != 0 {
		t.Errorf("after the log out %d refresh tokens work", n)
	}
}

// TestReplacedWhileDown: what could not be revoked at the time is revoked later.
func TestReplacedWhileDown(t *testing.T) {
	for name, later := range map[string]func(p *person) (left int){
		"with the next message": func(p *person) int { p.say("hello"); return 1 },
		"with the log out":      func(p *person) int { p.logOut(); return 0 },
		"with the next login":   func(p *person) int { p.get("/connect?switch=1"); return 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.connected()
			w.revocation(true)
			if _, page := p.get(p.say("book").AuthorizeURL); !strings.Contains(page, "answer of book_vet_appointment") {
				t.Fatalf("the step-up failed with it: %s", page)
			}
			p.get(p.say("remind").AuthorizeURL)
			p.say("hello")
			if n := w.left(); n != 3 {
				t.Fatalf("%d refresh tokens work", n)
			}
			w.revocation(false)
			if want := later(p); w.left() != want {
				t.Errorf("%d refresh tokens work, want %d", w.left(), want)
			}
			w.mu.Lock()
			w.revoked = nil
			w.mu.Unlock()
			if p.say("hello"); len(w.revoked) != 0 {
				t.Errorf("%d revoked again", len(w.revoked))
			}
		})
	}
}

func TestLogoutWhileDown(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.revocation(true)
	p.get(p.say("book").AuthorizeURL)
	if page := p.logOut(); !strings.Contains(page, "could not be told") {
		t.Errorf("%s", page)
	}
}

func TestReplacedBounds(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.revocation(true)
	for range maxReplaced + 2 {
		p.get("/connect?switch=1")
	}
	a := &app{store: w.store, rand: zeros{}, now: w.now}
	b, err := a.unlock(t.Context(), p.cookie())
	if err != nil || len(b.session.Replaced) != maxReplaced {
		t.Fatalf("%d kept, %v", len(b.session.Replaced), err)
	}
	w.revocation(false)
	p.say("hello")
	if n := w.left(); n != 1+2 { // this login, and the two that gave way
		t.Errorf("%d refresh tokens work", n)
	}
}

// TestSameRefreshToken: some authorization servers give the same refresh token again. It must live.
func TestSameRefreshToken(t *testing.T) {
	w := newWorld(t)
	w.onToken = func(rw http.ResponseWriter, _ url.Values) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		token := w.secret()
		w.access[token] = access{[]string{"pet-profile:read", "appointment:write"}, w.time.Add(w.ttl)}
		rw.Header().Set("Content-Type", "application/json")
		rw.Write([]byte(`{"access_token":"` + token + `","token_type":"Bearer","refresh_token":"always-the-same"}`))
		return true
	}
	p := w.connected()
	p.get("/connect?switch=1")
	if len(w.revoked) != 0 {
		t.Errorf("revoked %v", w.revoked)
	}
	if p.logOut(); len(w.revoked) != 1 {
		t.Errorf("log out revoked %v", w.revoked)
	}
}
