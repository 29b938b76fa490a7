package app

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
)

// second is another authorization server beside the world's, which keeps the same books.
func (w *world) second() *httptest.Server {
	srv := httptest.NewServer(w.other.Config.Handler)
	w.t.Cleanup(srv.Close)
	return srv
}

// TestAnotherAuthorizationServer: the MCP server leaves one authorization server for another. Nothing that the first gave, no id, no
// secret, no token, is sent to the second, and no token of the first to the MCP server again.
func TestAnotherAuthorizationServer(t *testing.T) {
	outside := func(c *Config) { c.Outside = &http.Client{} } // the second is on this machine too
	move := func(w *world) *httptest.Server {
		second := w.second()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.servers = []string{second.URL}
		clear(w.access)
		return second
	}
	for _, tc := range []struct {
		setting, offers string
		clients         [2]string
	}{
		{config.AppClientRegistered, "registration", [2]string{"registered-1", "registered-2"}},
		{config.AppClientDocument, "documents", [2]string{described, described}}, // portable
	} {
		t.Run(tc.setting, func(t *testing.T) {
			w := newWorld(t)
			w.offers(tc.offers)
			w.client = tc.clients[0]
			w.set(tc.setting, outside)
			p := w.connected()
			p.get(p.say("book").AuthorizeURL)
			second := move(w)
			forms, revoked, calls := len(w.forms), len(w.revoked), len(w.calls)
			a := p.say("vaccination")
			if !strings.Contains(a.Reply, "The logins of VetAssist are now kept at "+hostOf(second.URL)) || !strings.HasPrefix(a.AuthorizeURL, second.URL) {
				t.Fatalf("%+v", a)
			}
			if len(w.forms) != forms || len(w.calls) != calls+1 {
				t.Errorf("%d token requests, calls %v", len(w.forms)-forms, w.calls[calls:])
			}
			if q := query(t, a.AuthorizeURL); q.Get("client_id") != tc.clients[1] || q.Get("scope") != "pet-profile:read" {
				t.Errorf("%v", q)
			}
			if _, page := p.get(a.AuthorizeURL); !strings.Contains(page, "answer of get_pet_vaccination_info") {
				t.Errorf("%s", page)
			}
			for i, f := range w.forms {
				here := "http://"+w.answered[i] == second.URL
				if want := tc.clients[0]; i < forms && (here || f.Get("client_id") != want) {
					t.Errorf("before: %s %v", w.answered[i], f)
				}
				if want := tc.clients[1]; i >= forms && (!here || f.Get("client_id") != want || f.Get("refresh_token") != "" || tc.offers == "registration" && f.Get("basic") != "s%3Aregistered-2") {
					t.Errorf("after: %s %v", w.answered[i], f)
				}
			}
			if len(w.revoked) != revoked+1 {
				t.Error("the login at the first is not revoked")
			}
			if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
				t.Errorf("%+v", a)
			}
		})
	}
	for _, secret := range []string{"", "s"} {
		t.Run("pre-registered "+secret, func(t *testing.T) {
			w := newWorld(t)
			w.set("vet-assist-ai", outside, func(c *Config) { c.Secret = secret })
			p := w.connected()
			second := move(w)
			forms := len(w.forms)
			a := p.say("vaccination")
			if a.AuthorizeURL != "" || !strings.Contains(a.Reply, "now lets people log in at "+hostOf(second.URL)+", but Vet Assist AI is registered at "+hostOf(w.other.URL)) {
				t.Errorf("%+v", a)
			}
			if len(w.forms) != forms {
				t.Errorf("asked %v", w.answered[forms:])
			}
		})
	}
	t.Run("entered by hand", func(t *testing.T) {
		w := newWorld(t)
		w.unset(func(c *Config) { c.ClientID, c.Document = config.AppClientAuto, described; outside(c) }, "vet-assist-ai")
		p := w.person()
		p.enter("vet-assist-ai")
		w.connected()
		w.offers("documents")
		move(w)
		if to := w.person().say("vaccination").AuthorizeURL; query(t, to).Get("client_id") != described {
			t.Errorf("%s", to)
		}
		// Another setting of the authorization server: what was entered for the first is none.
		w.app = w.start(func(c *Config) { c.ClientID, c.Issuer = "", w.servers[0] })
		if _, page := w.person().get("/"); !strings.Contains(page, `name="client_id" value=""`) {
			t.Errorf("%s", page)
		}
	})
}

// TestOneOfMany: of several authorization servers we take the one that we are set up with, else the first (RFC 9728 §7.6).
func TestOneOfMany(t *testing.T) {
	w := newWorld(t)
	w.offers("documents")
	second := w.second()
	for _, tc := range []struct {
		servers []string
		want    string
	}{
		{[]string{second.URL, w.other.URL}, w.other.URL},
		{[]string{second.URL, "https://third.example"}, second.URL},
	} {
		w.servers = tc.servers
		w.set(config.AppClientDocument, func(c *Config) { c.Outside = &http.Client{} })
		if to := w.person().say("vaccination").AuthorizeURL; !strings.HasPrefix(to, tc.want+"/authorize?") {
			t.Errorf("%v: %s", tc.servers, to)
		}
	}
}

// TestAnotherMCPServer: a token is for one server, so one that was given before the setting changed is not sent to the next.
func TestAnotherMCPServer(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	var sent []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		http.NotFound(rw, r)
	}))
	defer elsewhere.Close()
	p.base = w.start(func(c *Config) { c.MCPURL = elsewhere.URL + "/mcp" }).URL
	p.say("vaccination")
	if len(sent) == 0 || slices.ContainsFunc(sent, func(s string) bool { return s != "" }) {
		t.Errorf("sent %q", sent)
	}
}
