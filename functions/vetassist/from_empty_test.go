package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// TestHalfConfigured sets up everything from empty, one step at a time: at each the chat says what is missing.
func TestHalfConfigured(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.DB, o.Seed = filepath.Join(t.TempDir(), "empty.db"), config.SeedNone })
	ctx := t.Context()
	const question = "When is Fido's next vaccination?"
	bob := w.person()
	says := func(what, text, want string) {
		t.Helper()
		if !strings.Contains(text, want) {
			t.Errorf("%s: it does not say %q:\n%s", what, want, text)
		}
	}
	// asks and goes wherever the chat sends Bob.
	asks := func() string {
		t.Helper()
		a := bob.ask(question)
		if a.AuthorizeURL == "" {
			return a.Reply
		}
		return bob.open(a.AuthorizeURL).text
	}

	bob.open("/")
	says("no client id", bob.page.text, "Set up Vet Assist AI")
	says("a wrong client id", bob.submit("client_id", url.Values{"client_id": {"wrong"}}).text, "does not know an application with this client id")

	var chat directory.Client
	w.change(func(d *directory.Directory) error {
		r, _, err := d.AddClient(ctx, directory.NewClient{Name: "Vet Assist AI", Template: directory.MCPClientTemplate, RedirectURIs: []string{w.URL + "/callback"}})
		chat = r.Value
		return err
	})
	says("a right client id", bob.submit("client_id", url.Values{"client_id": {chat.ID}}).text, "Saved.")

	says("no MCP server", asks(), "Either that MCP server is not registered there yet")
	w.change(func(d *directory.Directory) error {
		_, err := d.AddServer(ctx, directory.Server{Identifier: "mcp://vetassist", Name: "VetAssist MCP Server", URL: w.URL + "/mcp",
			Scopes: []directory.Scope{{Name: "pet-profile:read", Title: "See pets"}}})
		return err
	})
	says("not authorized for it", asks(), "or this application is not authorized for it")
	w.change(func(d *directory.Directory) error {
		r, err := d.ClientRecord(ctx, chat.ID)
		if err == nil {
			_, err = d.AuthorizeClient(ctx, chat.ID, r.Version, "mcp://vetassist", []string{"pet-profile:read"})
		}
		return err
	})
	says("a login", asks(), "Log in")
	var user directory.User
	w.change(func(d *directory.Directory) error {
		r, err := d.AddUser(ctx, directory.NewUser{Username: "bob", Name: "Bob", Password: "bob-from-empty"})
		user = r.Value
		return err
	})
	bob.submit("username", url.Values{"username": {"bob"}, "password": {"bob-from-empty"}})
	says("no role", bob.page.text, "nothing here that you could allow")
	says("no role, back at the chat", bob.submit("decision", url.Values{"decision": {"deny"}}).text, "was not allowed to see pet profiles")
	w.change(func(d *directory.Directory) error {
		if _, err := d.AddRole(ctx, directory.Role{Name: "Pet Owner", Permissions: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}); err != nil {
			return err
		}
		r, err := d.UserRecord(ctx, user.ID)
		if err == nil {
			_, err = d.UpdateUser(ctx, user.ID, r.Version, directory.UserEdit{Roles: &[]string{"Pet Owner"}})
		}
		return err
	})
	says("a role", asks(), "Allow Vet Assist AI to do this for you?")
	says("an empty clinic", bob.submit("decision", url.Values{"decision": {"approve"}}).text, "no pet called")
	says("an empty clinic, listed", bob.ask("Which pets do I have?").Reply, "no pets")

	db, closeDB, err := w.options.Open(ctx, w.clock.Now)
	if err == nil {
		_, err = clinic.Reset(ctx, db, seed.Files, w.clock.Now(), map[string]string{"user-bob": user.ID})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := closeDB(); err != nil {
		t.Fatal(err)
	}
	says("the end", asks(), "Rabies")

	// It works, so it stays.
	if a := w.send("POST", "/setup", "client_id=vetassist-console", "Content-Type", "application/x-www-form-urlencoded"); a.status != http.StatusConflict {
		t.Errorf("%d %s", a.status, a.body)
	}
}
