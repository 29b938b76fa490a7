package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Where nothing is, a person gets a page that leads on, and a program JSON. An address that is there, but not for this method, says for which
// (RFC 9110 §15.5.5, §15.5.6).
func TestNothingHere(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	for _, c := range []struct {
		method, path  string
		status        int
		allow, code   string
		words, accept string
	}{
		{"GET", "/oauth/nothing", 404, "", "not_found", "leads nowhere", "text/html,*/*"},
		{"GET", "/oauth/", 404, "", "not_found", "leads nowhere", "text/html"},
		{"GET", "/oauth/login/nothing", 404, "", "not_found", "leads nowhere", "text/html"},
		{"POST", "/oauth/nothing", 404, "", "not_found", "leads nowhere", "text/html"},
		{"DELETE", "/oauth/nothing", 404, "", "not_found", "leads nowhere", "text/html"},
		{"GET", "/oauth/account/password", 405, "POST", "method_not_allowed", "takes POST only", "text/html"}, // somebody reloads it
		{"PUT", "/oauth/login", 405, "GET, POST", "method_not_allowed", "takes GET or POST only", "text/html"},
	} {
		page := b.do(c.method, c.path, nil, func(r *http.Request) { r.Header.Set("Accept", c.accept) })
		if page.status != c.status || page.header.Get("Allow") != c.allow || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, page.status, page.header.Get("Allow"), page.header.Get("Content-Type"))
		}
		for _, want := range []string{"There is nothing here", c.words, `href="/oauth/account"`} {
			if !strings.Contains(page.body, want) {
				t.Errorf("%s %s does not say %q: %s", c.method, c.path, want, page.body)
			}
		}
		for _, accept := range []string{"", "*/*", "application/json"} {
			a := b.do(c.method, c.path, nil, func(r *http.Request) { r.Header.Set("Accept", accept) })
			var says map[string]string
			if err := json.Unmarshal([]byte(a.body), &says); err != nil || a.status != c.status || a.header.Get("Allow") != c.allow ||
				a.header.Get("Content-Type") != "application/json" || says["error"] != c.code || !strings.Contains(says["error_description"], c.words) {
				t.Errorf("%s %s for %q: %d %s", c.method, c.path, accept, a.status, a.body)
			}
		}
	}
}

// A form that cannot be read is no link that does not work.
func TestUnreadableForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, guest := range map[string]bool{
		"/oauth/login": true, "/oauth/authorize": true, "/oauth/logout": false, "/oauth/logout/confirm?client_id=" + clientID: false,
		"/oauth/account/password": false, "/oauth/account/apps/remove": false, w.consentForm(): false,
	} {
		for name, c := range map[string]struct {
			body   string
			status int
			words  string
		}{
			"too large":  {"x=" + strings.Repeat("x", 65<<10), http.StatusRequestEntityTooLarge, "What was sent is too large"},
			"broken":     {"x=%zz", http.StatusBadRequest, "What was sent is broken"},
			"of another": {"form_token=x", http.StatusBadRequest, "open for too long"},
		} {
			if guest && name == "of another" { // the one has no token, the other shows its form once more
				continue
			}
			b := w.browser()
			if !guest {
				b.login("bob", "/oauth/login")
			}
			a := b.do("POST", path, url.Values{}, func(r *http.Request) { setBody(r, c.body) })
			if a.status != c.status || !strings.Contains(a.body, "That form did not get through") || !strings.Contains(a.body, c.words) || strings.Contains(a.body, "This link") {
				t.Errorf("%s, %s: %d %s", path, name, a.status, a.body)
			}
		}
	}
}

// consentForm is where the consent page sends its form.
func (w *world) consentForm() string {
	w.t.Helper()
	b := w.browser()
	action, _ := b.form(b.login("bob", w.request()), "/oauth/consent")
	return action
}
