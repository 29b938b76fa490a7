package app

import (
	"net/http"
	"strings"
	"testing"
)

// TestConnectNavigation: other sites cannot have requests sent without a click.
func TestConnectNavigation(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	p.say("vaccination")
	authorizations := func() int { return strings.Count(w.store.written.String(), authorizationPartition) }
	before := authorizations()
	p.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, tc := range []struct {
		name, dest, site, user string
		status                 int
	}{
		{"no headers", "", "", "", 303},
		{"typed", "document", "none", "?1", 303},
		{"own link", "document", "same-origin", "?1", 303},
		{"own script", "document", "same-origin", "", 303},
		{"link elsewhere", "document", "cross-site", "?1", 303},
		{"redirect elsewhere", "document", "cross-site", "", 403},
		{"another port", "document", "same-site", "", 403},
		{"image", "image", "cross-site", "", 403},
		{"own image", "image", "same-origin", "", 403},
		{"frame", "iframe", "cross-site", "?1", 403},
		{"fetch", "empty", "cross-site", "", 403},
	} {
		resp, err := p.fetch("/connect", tc.dest, tc.site, tc.user)
		status, body := p.read(resp, err)
		if status != tc.status || status == 403 && !strings.Contains(body, "Back to the chat") {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
		if status == 303 {
			before++
		}
	}
	if n := authorizations(); n != before {
		t.Errorf("%d authorizations stored, want %d", n, before)
	}
}

// TestConnectWithoutSession stores nothing and asks nobody.
func TestConnectWithoutSession(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"/connect", "/connect?switch=1", "/connect?for=x"} {
		p := w.person()
		if status, page := p.get(address); status != http.StatusOK || !strings.Contains(page, "Ask something first.") || p.cookie() != "" {
			t.Errorf("%s: %d %s", address, status, page)
		}
	}
	if w.store.written.Len() != 0 || len(w.calls) != 0 {
		t.Errorf("stored %s, called %v", w.store.written.String(), w.calls)
	}
}

// TestStoredOnce: an authorization is stored for whoever gets its URL, and for nobody else.
func TestStoredOnce(t *testing.T) {
	w := newWorld(t)
	count := func() int { return strings.Count(w.store.written.String(), authorizationPartition) }
	p := w.person()
	p.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.post("/chat", "application/x-www-form-urlencoded", "message=vaccination")
	if n := count(); n != 0 {
		t.Errorf("a form stores %d", n)
	}
	for i, path := range []string{"/connect", "/connect?switch=1"} {
		if status, _ := p.get(path); status != http.StatusSeeOther || count() != i+1 {
			t.Errorf("%s: %d, %d stored", path, status, count())
		}
	}
}
