package app

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRefreshAhead(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.pass(w.ttl - refreshAhead + time.Second) // still valid, not for long
	if a := p.say("vaccination"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "ok answer") {
		t.Fatalf("%+v", a)
	}
	f := w.forms[len(w.forms)-1]
	if len(w.forms) != 2 || f.Get("grant_type") != "refresh_token" || f.Get("resource") != w.other.URL+"/mcp" || f.Get("client_id") != "vet-assist-ai" {
		t.Errorf("%v", w.forms)
	}
}

// TestRefreshOn401: the server refuses a token that by its own account is still good.
func TestRefreshOn401(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	clear(w.access)
	if a := p.say("vaccination"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "ok answer") || len(w.forms) != 2 {
		t.Fatalf("%d token requests, %+v", len(w.forms), a)
	}
}

// TestTwoTabs: many requests of one session find the token ended at the same time, in two processes.
// The authorization server ends everything on the second use of a refresh token.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	second := w.start(nil)
	clear(w.access)
	w.pass(w.ttl)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			tab := *p
			if i%2 == 1 {
				tab.base = second.URL
			}
			status, body := tab.post("/chat", "application/json", `{"message":"vaccination"}`)
			if status != http.StatusOK || !strings.Contains(body, `"outcome":"ok"`) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	wg.Wait()
	if len(w.forms) != 2 || len(w.refreshes) != 1 {
		t.Errorf("%d token requests, %d refresh tokens left", len(w.forms), len(w.refreshes))
	}
}

func TestRevokedLogin(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	p.get(p.say("book").AuthorizeURL)
	clear(w.refreshes)
	w.pass(w.ttl)
	a := p.say("vaccination")
	if a.AuthorizeURL == "" || a.Connected || !strings.Contains(a.Reply, "Your login was ended at the authorization server") {
		t.Fatalf("%+v", a)
	}
	if got := query(t, a.AuthorizeURL).Get("scope"); got != "pet-profile:read appointment:write" {
		t.Errorf("asks for %q: what was allowed before is forgotten", got)
	}
	if _, page := p.get(a.AuthorizeURL); !strings.Contains(page, "Connected</summary>") {
		t.Error("cannot connect again")
	}
}

func TestNoRefreshToken(t *testing.T) {
	w := newWorld(t)
	w.onToken = func(rw http.ResponseWriter, _ url.Values) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		token := w.secret()
		w.access[token] = access{[]string{"pet-profile:read"}, w.time.Add(time.Minute)}
		rw.Header().Set("Content-Type", "application/json")
		rw.Write([]byte(`{"access_token":"` + token + `","token_type":"bearer","expires_in":60}`))
		return true
	}
	p := w.connected()
	w.pass(time.Minute)
	if a := p.say("vaccination"); a.AuthorizeURL == "" || !strings.Contains(a.Reply, "Your login has run out.") {
		t.Errorf("%+v", a)
	}
}

// TestRefreshTrouble keeps the login when the authorization server only has a bad moment.
func TestRefreshTrouble(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	down := func(rw http.ResponseWriter, _ url.Values) bool {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	w.mu.Lock()
	w.onToken = down
	w.mu.Unlock()
	w.pass(w.ttl - time.Second) // the old token still works
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
		t.Errorf("before its end: %+v", a)
	}
	w.pass(time.Second)
	if a := p.say("vaccination"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "The server that keeps your login did not answer") {
		t.Errorf("after its end: %+v", a)
	}
	w.mu.Lock()
	w.onToken = nil
	w.mu.Unlock()
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
		t.Errorf("not recovered: %+v", a)
	}
}

// TestLogoutDuringRefresh: the token that came too late is revoked, not kept.
func TestLogoutDuringRefresh(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.pass(w.ttl)
	tab := *p
	w.mu.Lock()
	w.onToken = func(http.ResponseWriter, url.Values) bool {
		tab.post("/logout", "application/x-www-form-urlencoded", "")
		return false
	}
	w.mu.Unlock()
	a := p.say("vaccination and search")
	if strings.Contains(a.Reply, "ok answer") || len(w.refreshes) != 0 {
		t.Errorf("%d refresh tokens left, %+v", len(w.refreshes), a)
	}
}
