package directory_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func TestTemplates(t *testing.T) {
	w := newWorld(t, true)
	uri := []string{"https://app.example/callback"}
	for _, c := range []struct {
		what  string
		n     directory.NewClient
		field string // that is wrong
	}{
		{"MCP client", directory.NewClient{Name: "A", Template: directory.MCPClientTemplate, RedirectURIs: uri}, ""},
		{"web", directory.NewClient{Name: "A", Template: directory.WebTemplate, RedirectURIs: uri}, ""},
		{"machine", directory.NewClient{Name: "A", Template: directory.MachineTemplate}, ""},
		{"machine with a role", directory.NewClient{Name: "A", Template: directory.MachineTemplate, Roles: []string{"Vet Staff"}}, ""},
		{"no template", directory.NewClient{Name: "A", RedirectURIs: uri}, "template"},
		{"web without a redirect", directory.NewClient{Name: "A", Template: directory.WebTemplate}, "redirect_uris"},
		{"machine with a redirect", directory.NewClient{Name: "A", Template: directory.MachineTemplate, RedirectURIs: uri}, "redirect_uris"},
		{"machine with an unknown role", directory.NewClient{Name: "A", Template: directory.MachineTemplate, Roles: []string{"King"}}, "roles"},
		{"machine with four roles", directory.NewClient{Name: "A", Template: directory.MachineTemplate, Roles: []string{"a", "b", "c", "d"}}, "roles"},
		{"MCP client with a role", directory.NewClient{Name: "A", Template: directory.MCPClientTemplate, RedirectURIs: uri, Roles: []string{"Vet Staff"}}, "roles"},
		{"a user's id", directory.NewClient{ID: "user-bob", Name: "A", Template: directory.MachineTemplate}, "client_id"},
		{"an id that is none", directory.NewClient{ID: "app-a/b", Name: "A", Template: directory.MCPClientTemplate, RedirectURIs: uri}, "client_id"},
	} {
		r, secret, err := w.AddClient(t.Context(), c.n)
		if c.field != "" {
			wantField(t, c.what, err, c.field)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		confidential := c.n.Template != directory.MCPClientTemplate
		got, err := w.Client(t.Context(), r.Value.ID)
		if err != nil || got.Confidential() != confidential || (secret != "") != confidential || got.SecretFits(secret) != confidential {
			t.Errorf("%s: %+v, secret %q, %v", c.what, got, secret, err)
		}
		if got.SecretFits("") || got.SecretFits(secret+"x") {
			t.Errorf("%s: any secret fits", c.what)
		}
		if got.May("client_credentials") != (c.n.Template == directory.MachineTemplate) || got.May("authorization_code") == got.May("client_credentials") {
			t.Errorf("%s: grant types %q", c.what, got.GrantTypes)
		}
	}
}

func TestSecretIsKeptAsHash(t *testing.T) {
	w := newWorld(t, true)
	r, first, err := w.AddClient(t.Context(), directory.NewClient{Name: "A", Template: directory.MachineTemplate})
	if err != nil {
		t.Fatal(err)
	}
	r, second, err := w.RotateSecret(t.Context(), r.Value.ID, r.Version)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Client(t.Context(), r.Value.ID)
	if err != nil || got.SecretFits(first) || !got.SecretFits(second) || first == second {
		t.Errorf("after a rotation the secret before fits, or the new one does not: %v", err)
	}
	if _, _, err := w.RotateSecret(t.Context(), r.Value.ID, 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("at an old version: %v", err)
	}
	item, err := w.db.Get(t.Context(), "client/"+r.Value.ID, "client")
	if err != nil || strings.Contains(string(item.Body), first) || strings.Contains(string(item.Body), second) {
		t.Errorf("the store knows the secret: %s %v", item.Body, err)
	}
	public, err := w.addMCPClient(t, "P", []string{"https://app.example/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.RotateSecret(t.Context(), public.Value.ID, 1); err == nil {
		t.Error("a public client got a secret")
	}
}

// A program that lost the answer asks again under the same id, and makes no second one.
func TestIDsThatAProgramChose(t *testing.T) {
	w := newWorld(t, true)
	app := directory.NewClient{ID: "app-idem-1", Name: "A", Template: directory.MachineTemplate}
	if _, _, err := w.AddClient(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.AddClient(t.Context(), app); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an application twice: %v", err)
	}
	user := directory.NewUser{ID: "user-idem-1", Username: "dora", Name: "Dora", Password: "long enough 1"}
	if _, err := w.AddUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddUser(t.Context(), user); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a user twice: %v", err)
	}
	// Nor does it make one again after that is deleted: tokens, and pets, may still say the id.
	made, err := w.ClientRecord(t.Context(), app.ID)
	if err == nil {
		err = errors.Join(w.DeleteClient(t.Context(), app.ID, made.Version, false), w.DeleteUser(t.Context(), user.ID, w.user(t, user.ID).Version))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.AddClient(t.Context(), app); !errors.Is(err, directory.ErrGone) {
		t.Errorf("an application that was deleted: %v", err)
	}
	if _, err := w.AddUser(t.Context(), user); !errors.Is(err, directory.ErrGone) {
		t.Errorf("a user who was deleted: %v", err)
	}
	user.ID, user.Username = "idem-1", "dorothy"
	wantField(t, "an id of another kind", second(w.AddUser(t.Context(), user)), "id")
}

func TestRoleOfAnApplication(t *testing.T) {
	w := newWorld(t, true)
	role, err := w.AddRole(t.Context(), directory.Role{Name: "Night Shift", Permissions: map[string][]string{"mcp://vetassist": {"reminder:read"}}})
	if err != nil {
		t.Fatal(err)
	}
	app, _, err := w.AddClient(t.Context(), directory.NewClient{Name: "Night job", Template: directory.MachineTemplate, Roles: []string{"Night Shift"}})
	if err != nil {
		t.Fatal(err)
	}
	wantUses(t, "the role", w.DeleteRole(t.Context(), "Night Shift", role.Version, false), "application Night job")
	role = w.role(t, "Night Shift")
	if err := w.DeleteRole(t.Context(), "Night Shift", role.Version, true); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Client(t.Context(), app.Value.ID); err != nil || len(got.Roles) != 0 {
		t.Errorf("the application has %q, %v", got.Roles, err)
	}
	now, err := w.ClientRecord(t.Context(), app.Value.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateClient(t.Context(), app.Value.ID, now.Version, directory.ClientEdit{Roles: &[]string{"Night Shift"}}); err == nil {
		t.Error("a role that is gone was given")
	}
	if r, err := w.UpdateClient(t.Context(), app.Value.ID, now.Version, directory.ClientEdit{Roles: &[]string{"Vet Staff", "Vet Staff"}}); err != nil || !slices.Equal(r.Value.Roles, []string{"Vet Staff"}) {
		t.Errorf("%q %v", r.Value.Roles, err)
	}
}

func TestConsents(t *testing.T) {
	w := newWorld(t, true)
	app, err := w.addMCPClient(t, "App", []string{"https://app.example/"})
	if err != nil {
		t.Fatal(err)
	}
	allow := func(user string) {
		t.Helper()
		_, ops, err := w.Allow(t.Context(), user, app.Value.ID, "mcp://vetassist", []string{"pet-profile:read"})
		if err == nil {
			err = w.db.Write(t.Context(), ops...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	given := func() (users []string) {
		t.Helper()
		for q := (directory.Query{Limit: 1}); ; {
			page, err := w.ConsentsFor(t.Context(), app.Value.ID, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Items {
				users = append(users, c.UserID)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return users
			}
		}
	}
	for _, user := range []string{"user-carol", "user-alice", "user-bob"} {
		allow(user)
		allow(user) // once more changes nothing in the list
	}
	if got := given(); !slices.Equal(got, []string{"user-alice", "user-bob", "user-carol"}) {
		t.Errorf("given by %q", got)
	}
	if err := w.Withdraw(t.Context(), "user-bob", app.Value.ID, "mcp://vetassist"); err != nil {
		t.Fatal(err)
	}
	if err := w.Withdraw(t.Context(), "user-bob", app.Value.ID, "mcp://vetassist"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("withdrawn twice: %v", err)
	}
	if c, err := w.Consent(t.Context(), "user-bob", app.Value.ID, "mcp://vetassist"); err != nil || len(c.Scopes) > 0 {
		t.Errorf("still %q, %v", c.Scopes, err)
	}
	if page, err := w.ConsentsOf(t.Context(), "user-alice", directory.Query{}); err != nil || len(page.Items) != 1 || page.Items[0].ClientID != app.Value.ID {
		t.Errorf("alice allowed %+v, %v", page, err)
	}
	if err := w.DeleteUser(t.Context(), "user-alice", w.user(t, "user-alice").Version); err != nil {
		t.Fatal(err)
	}
	if got := given(); !slices.Equal(got, []string{"user-carol"}) {
		t.Errorf("after alice is gone: %q", got)
	}

	wantUses(t, "the application", w.DeleteClient(t.Context(), app.Value.ID, app.Version, false), "user carol")
	now, err := w.ClientRecord(t.Context(), app.Value.ID)
	if err != nil || now.Value.Disabled || now.Value.Deleting {
		t.Fatalf("a refused deletion left %+v, %v", now.Value, err)
	}
	if err := w.DeleteClient(t.Context(), app.Value.ID, now.Version, true); err != nil {
		t.Fatal(err)
	}
	if got := given(); len(got) > 0 {
		t.Errorf("after the application is gone: %q", got)
	}
}

// Each time begins another epoch, also in the same instant, and by a clock that is behind.
func TestEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	made, err := w.AddUser(t.Context(), directory.NewUser{Username: "dora", Name: "Dora", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	seen := []time.Time{made.Value.Epoch()}
	for _, later := range []time.Duration{0, 0, 0, time.Minute, -time.Second} {
		w.clock.Advance(later)
		if err := w.SignOut(t.Context(), made.Value.ID); err != nil {
			t.Fatal(err)
		}
		u := w.user(t, made.Value.ID).Value
		if !u.Ended(w.clock.Now(), u.Epoch()) || u.Ended(u.SignedOut.Add(1), u.Epoch()) || u.Ended(u.SignedOut.Add(1), time.Time{}) {
			t.Errorf("signed out at %v", u.SignedOut)
		}
		for _, epoch := range seen {
			if !u.Ended(u.SignedOut.Add(time.Hour), epoch) {
				t.Errorf("what began in the epoch %v goes on in that of %v", epoch, u.Epoch())
			}
		}
		seen = append(seen, u.Epoch())
	}
}

func TestSignedOut(t *testing.T) {
	w := newWorld(t, true)
	before := w.clock.Now()
	w.clock.Advance(1)
	if err := w.SignOut(t.Context(), "user-bob"); err != nil {
		t.Fatal(err)
	}
	at := w.clock.Now()
	w.clock.Advance(1)
	bob := w.user(t, "user-bob").Value
	if !bob.SignedOutSince(before) || !bob.SignedOutSince(at) || bob.SignedOutSince(w.clock.Now()) {
		t.Errorf("signed out at %v", bob.SignedOut)
	}
	if w.user(t, "user-alice").Value.SignedOutSince(before) {
		t.Error("alice was signed out too")
	}
	for _, off := range []bool{true, false} { // who is disabled and enabled again begins anew
		if _, err := w.UpdateUser(t.Context(), "user-alice", w.user(t, "user-alice").Version, directory.UserEdit{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
	}
	if !w.user(t, "user-alice").Value.SignedOutSince(before) {
		t.Error("what alice had open before she was disabled is open again")
	}
	if err := w.SignOut(t.Context(), "user-nobody"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// What VetAssist itself is made of stays, so that no administrator can lock all of them out.
func TestSystem(t *testing.T) {
	w := newWorld(t, true)
	admin := directory.Server{Identifier: directory.AdminServer, Name: "Admin API", URL: "{base}/admin/api", System: true,
		Scopes: []directory.Scope{{Name: "admin:read", Title: "Read"}, {Name: "admin:write", Title: "Write"}}}
	console := directory.Client{ID: "console", Name: "Console", RedirectURIs: []string{"{base}/admin/callback"}, GrantTypes: []string{"authorization_code"},
		Authorized: map[string][]string{admin.Identifier: {"admin:read"}}, System: true}
	if err := errors.Join(w.PutServer(t.Context(), admin, store.Always()), w.PutClient(t.Context(), console, store.Always())); err != nil {
		t.Fatal(err)
	}
	server := w.server(t, admin.Identifier)
	client, err := w.ClientRecord(t.Context(), console.ID)
	if err != nil {
		t.Fatal(err)
	}
	off := true
	for what, err := range map[string]error{
		"update the server":    second(w.UpdateServer(t.Context(), server.Value, server.Version, true)),
		"delete the server":    w.DeleteServer(t.Context(), admin.Identifier, server.Version, true),
		"disable the client":   second(w.UpdateClient(t.Context(), console.ID, client.Version, directory.ClientEdit{Disabled: &off})),
		"authorize the client": second(w.AuthorizeClient(t.Context(), console.ID, client.Version, admin.Identifier, nil)),
		"delete the client":    w.DeleteClient(t.Context(), console.ID, client.Version, true),
	} {
		if !errors.Is(err, directory.ErrSystem) {
			t.Errorf("%s: %v", what, err)
		}
	}
	role := w.role(t, directory.AdministratorRole)
	r := role.Value
	r.Permissions = map[string][]string{admin.Identifier: {"admin:read"}}
	wantField(t, "the role without writing", second(w.UpdateRole(t.Context(), r, role.Version)), "permissions")
	r.Permissions[admin.Identifier] = append(r.Permissions[admin.Identifier], "admin:write")
	if _, err := w.UpdateRole(t.Context(), r, role.Version); err != nil {
		t.Error(err)
	}
	if _, err := w.Server(t.Context(), "\xff"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("what is no text is no server: %v", err)
	}
	// A server that was registered with the address to which this deployment moves does not stand before its own.
	shadow := directory.Server{Identifier: "aaa://shadow", Name: "Shadow", URL: base + "/admin/api"}
	if err := w.PutServer(t.Context(), shadow, store.Always()); err != nil {
		t.Fatal(err)
	}
	if s, err := w.ServerByResource(t.Context(), base+"/admin/api"); err != nil || s.Identifier != admin.Identifier {
		t.Errorf("the resource is %q, %v", s.Identifier, err)
	}
	made, err := w.AddServer(t.Context(), directory.Server{Identifier: "mcp://x", Name: "X", URL: "https://x.example/mcp", System: true})
	if err != nil || made.Value.System {
		t.Errorf("an administrator made a part of VetAssist: %+v %v", made, err)
	}
}
