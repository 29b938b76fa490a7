package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// unset is an app that has no client_id, with an authorization server that knows only some.
func (w *world) unset(edit func(*Config), known ...string) {
	w.t.Helper()
	inner := w.other.Config.Handler
	w.other.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); r.URL.Path == "/authorize" && q.Get("prompt") == "none" {
			if len(r.Cookies()) > 0 || q.Get("code_challenge") == "" || q.Get("redirect_uri") != w.app.URL+"/callback" {
				w.t.Errorf("asked with %v %v", q, r.Cookies())
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, id := range w.known {
				if id == q.Get("client_id") {
					http.Redirect(rw, r, q.Get("redirect_uri")+"?error=login_required", http.StatusSeeOther)
					return
				}
			}
			http.Error(rw, "who?", http.StatusBadRequest)
			return
		}
		inner.ServeHTTP(rw, r)
	})
	w.known = known
	w.app = w.start(func(c *Config) {
		c.ClientID = ""
		if edit != nil {
			edit(c)
		}
	})
}

func (p *person) enter(id string) (int, string) {
	p.w.t.Helper()
	return p.post("/setup", "application/x-www-form-urlencoded", url.Values{"client_id": {id}}.Encode())
}

// TestSetUp: without a client_id the page says what to do; a right one is taken, a wrong one is not, and can be corrected.
func TestSetUp(t *testing.T) {
	w := newWorld(t)
	w.unset(func(c *Config) { c.Console = "http://console.example/admin/" }, "right", "vet-assist-ai")
	p := w.person()
	status, page := p.get("/")
	if status != http.StatusOK || !strings.Contains(page, `value="`+w.app.URL+`/callback"`) || !strings.Contains(page, `name="client_id"`) ||
		!strings.Contains(page, "http://console.example/admin/") || strings.Contains(page, `id="composer"`) {
		t.Fatalf("%d %s", status, page)
	}
	if status, body := p.post("/chat", "application/json", `{"message":"hello"}`); status != http.StatusConflict || !strings.Contains(body, `"not_set_up"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, page := p.click("/connect"); status != http.StatusOK || !strings.Contains(page, `name="client_id"`) {
		t.Errorf("%d %s", status, page)
	}
	for _, c := range []struct {
		id     string
		status int
		want   string
	}{
		{"", 422, "Enter the client id first."},
		{"  ", 422, "Enter the client id first."},
		{"Client ID: x", 422, "no spaces"},
		{"ключ", 422, "plain letters"},
		{"a\x00b", 422, "plain letters"},
		{strings.Repeat("x", 256), 422, "at most 255"},
		{"<b>wrong</b>", 422, "does not know an application"},
	} {
		status, page := p.enter(c.id)
		if status != c.status || !strings.Contains(page, c.want) || strings.Contains(page, "<b>wrong") {
			t.Errorf("%.20q: %d %s", c.id, status, page)
		}
	}
	if status, page := p.enter(" right\n"); status != http.StatusOK || !strings.Contains(page, "Saved.") || !strings.Contains(page, "Registered as <code>right</code>") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := p.enter("vet-assist-ai"); status != http.StatusOK || !strings.Contains(page, "Registered as <code>vet-assist-ai</code>") { // no login yet: it can be changed
		t.Errorf("%d %s", status, page)
	}

	// The first login fixes it, at every process over this store.
	connected := w.person()
	connected.get(connected.say("vaccination").AuthorizeURL)
	if a := connected.say("vaccination"); !a.Connected {
		t.Fatalf("%+v", a)
	}
	w.app = w.start(func(c *Config) { c.ClientID = "" })
	p = w.person()
	if _, page := p.get("/setup"); strings.Contains(page, `name="client_id"`) || !strings.Contains(page, "People log in with it") {
		t.Errorf("%s", page)
	}
	if status, page := p.enter("right"); status != http.StatusConflict || !strings.Contains(page, "it stays") {
		t.Errorf("%d %s", status, page)
	}
	// Only the authorization server can say that it is one no more.
	w.mu.Lock()
	w.known = []string{"right"}
	w.mu.Unlock()
	a := p.say("vaccination")
	if status, page := p.click("/connect?for=" + a.ID); status != http.StatusOK || !strings.Contains(page, "does not know an application") || !strings.Contains(page, `name="client_id"`) {
		t.Errorf("%d %s", status, page)
	}
	if status, page := p.enter("right"); status != http.StatusOK || !strings.Contains(page, "Log in and connect") { // the question still waits
		t.Errorf("%d %s", status, page)
	}
	if to := p.say("vaccination").AuthorizeURL; !strings.Contains(to, "client_id=right&") {
		t.Errorf("%s", to)
	}
}

// TestWhoMaySetUp: a stranger cannot, wherever this runs.
func TestWhoMaySetUp(t *testing.T) {
	w := newWorld(t)
	w.unset(nil, "right")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		req, err := http.NewRequest(http.MethodPost, w.app.URL+"/setup", strings.NewReader("client_id=right"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(name, value)
		resp, err := w.person().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: %d", name, value, resp.StatusCode)
		}
	}
	if _, page := w.person().get("/"); !strings.Contains(page, `name="client_id"`) {
		t.Error("somebody set it up")
	}
	for what, edit := range map[string]func(*Config){
		"deployed":  func(c *Config) { c.BaseURL = "https://chat.example" },
		"a setting": func(c *Config) { c.ClientID = "set" },
	} {
		app := w.start(func(c *Config) { c.ClientID = ""; edit(c) })
		p := w.person()
		p.base = app.URL
		if status, page := p.enter("right"); status != http.StatusForbidden || strings.Contains(page, `name="client_id"`) || !strings.Contains(page, "VETASSIST_APP_CLIENT_ID") {
			t.Errorf("%s: %d %s", what, status, page)
		}
	}
	// What cannot be checked is not taken.
	w.other.Close()
	if status, page := w.person().enter("right"); status != http.StatusBadGateway || !strings.Contains(page, "does not answer") {
		t.Errorf("%d %s", status, page)
	}
}
