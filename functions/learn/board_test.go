package learn_test

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/learn"
	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
)

// TestWhoLeads: a token opens the board when the admin API would take it, now.
func TestWhoLeads(t *testing.T) {
	w := newWorld(t)
	clock := func() time.Time { return w.now }
	d := directory.New(w.db, base, true, clock)
	keys := token.NewKeyring(base, w.db, clock, rand.Reader)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	handler, err := learn.New(learn.Config{BaseURL: base, Recorder: true, Directory: d, Access: access.New(w.db, clock), Flows: trace.NewReader(w.db, clock), Now: clock, Log: log,
		Store: w.db, Audit: audit.New(w.db, clock, rand.Reader, log), Tokens: token.NewVerifier(base, []string{directory.AdminServer}, token.StoredKeys(w.db, clock), clock)})
	if err != nil {
		t.Fatal(err)
	}
	app, _, err := d.AddClient(t.Context(), directory.NewClient{Name: "A Program", Template: "Machine-to-machine application", Roles: []string{directory.AdministratorRole}})
	if err == nil {
		app, err = d.AuthorizeClient(t.Context(), app.Value.ID, app.Version, directory.AdminServer, []string{"admin:read", "admin:write"})
	}
	_, consent, err2 := d.Allow(t.Context(), "user-admin", "vetassist-console", directory.AdminServer, []string{"admin:read", "admin:write"})
	if err = errors.Join(err, err2); err == nil {
		err = w.db.Write(t.Context(), consent...)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := app.Value.ID
	for _, c := range []struct {
		name   string
		change func(*token.Grant)
		status int
		says   string
	}{
		{"an administrator", func(*token.Grant) {}, 200, ""},
		{"a program that administers", func(g *token.Grant) { g.Subject, g.ClientID = program, program }, 200, ""},
		{"for the MCP server", func(g *token.Grant) { g.Audience = []string{base + "/mcp", "mcp://vetassist"} }, 401, "another resource"},
		{"bound to a key", func(g *token.Grant) { g.Key = strings.Repeat("k", 43) }, 401, "bound to a key"},
		{"without the scope", func(g *token.Grant) { g.Scopes = []string{"pet-profile:read"} }, 403, "needs the scope admin:read"},
		{"of another role", func(g *token.Grant) { g.Roles = []string{"Vet Staff"} }, 403, "Only the role Administrator"},
		{"of who is an administrator no more", func(g *token.Grant) { g.Subject = "user-carol" }, 403, "Only the role Administrator"},
		{"of a client that may not ask for it any more", func(g *token.Grant) { g.ClientID = "vet-assist-ai" }, 401, "was taken back"},
		{"of a client that is gone", func(g *token.Grant) { g.ClientID = "app-gone" }, 401, "disabled or deleted"},
		{"of a user who is gone", func(g *token.Grant) { g.Subject = "user-gone" }, 401, "can no longer log in"},
		{"of a program with another secret since", func(g *token.Grant) {
			g.Subject, g.ClientID = program, program
		}, 401, "another secret"},
		{"of who signed out everywhere since", func(*token.Grant) {}, 401, "signed out everywhere"},
	} {
		grant := token.Grant{ID: c.name, Subject: "user-admin", ClientID: "vetassist-console", Audience: []string{base + "/admin/api", directory.AdminServer},
			Scopes: []string{"admin:read", "admin:write"}, Roles: []string{directory.AdministratorRole}}
		c.change(&grant)
		w.now = w.now.Add(time.Second)
		raw, _, err := keys.Mint(t.Context(), grant)
		w.now = w.now.Add(time.Second)
		if err == nil && strings.HasSuffix(c.name, " since") {
			if grant.Subject == program {
				var r store.Record[directory.Client]
				if r, err = d.ClientRecord(t.Context(), program); err == nil {
					_, _, err = d.RotateSecret(t.Context(), program, r.Version)
				}
			} else {
				err = d.SignOut(t.Context(), grant.Subject)
			}
		}
		if err != nil {
			t.Fatal(c.name, err)
		}
		r := httptest.NewRequest("GET", base+"/learn/api/board?users=bob", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		challenge := rec.Header().Get("WWW-Authenticate")
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.says) || c.status == 401 != strings.Contains(challenge, `error="invalid_token"`) ||
			(c.name == "without the scope") != strings.Contains(challenge, `error="insufficient_scope"`) || (c.status == 200) != strings.Contains(rec.Body.String(), `"people"`) {
			t.Errorf("%s: %d %q %s", c.name, rec.Code, challenge, rec.Body)
		}
	}
}
