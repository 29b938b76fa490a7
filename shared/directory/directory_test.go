package directory_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

const base = "http://localhost:8080"

type world struct {
	*directory.Directory
	db    store.Store
	clock *storetest.Clock
}

func newWorld(t *testing.T, local bool) world {
	t.Helper()
	w := newEmptyWorld(t, local)
	if err := storetest.Replay(t.Context(), w.db, seeding); err != nil {
		t.Fatal(err)
	}
	return w
}

func newEmptyWorld(t *testing.T, local bool) world {
	t.Helper()
	clock := storetest.NewClock()
	db := storetest.Open(t, clock.Now)
	return world{directory.New(store.Restrict(db, directory.Partitions...), base, local, clock.Now), db, clock}
}

// seeding is what Seed writes into an empty store.
var seeding = storetest.Seeding(storetest.NewClock().Now, func(s store.Store) error {
	s = store.Restrict(s, directory.Partitions...)
	return directory.New(s, base, true, storetest.NewClock().Now).Seed(context.Background(), seed.Files)
})

func TestSeed(t *testing.T) {
	w := newWorld(t, true)
	server, err := w.Server(t.Context(), "mcp://vetassist")
	if err != nil || server.Name != "VetAssist MCP Server" || server.URL != base+"/mcp" || len(server.Scopes) != 6 {
		t.Errorf("server %+v, %v", server, err)
	}
	client, err := w.Client(t.Context(), "vet-assist-ai")
	if err != nil || client.Name != "Vet Assist AI" || !reflect.DeepEqual(client.RedirectURIs, []string{base + "/callback"}) ||
		!reflect.DeepEqual(client.Authorized["mcp://vetassist"], server.ScopeNames()) {
		t.Errorf("client %+v, %v", client, err)
	}
	for role, want := range map[string]string{
		"Pet Owner":     "appointment:read appointment:write pet-profile:read reminder:read reminder:write",
		"Vet Staff":     "appointment:read appointment:write pet-profile:read pet-profile:write reminder:read reminder:write",
		"Administrator": "",
		"Nobody":        "",
	} {
		got, err := w.RoleScopes(t.Context(), []string{role}, "mcp://vetassist")
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v", role, got, err)
		}
	}
	both, err := w.RoleScopes(t.Context(), []string{"Vet Staff", "Pet Owner", "Gone"}, "mcp://vetassist")
	if err != nil || len(both) != 6 {
		t.Errorf("two roles allow %v, %v", both, err)
	}
	if admin, err := w.RoleScopes(t.Context(), []string{"Administrator"}, "admin://vetassist"); err != nil || strings.Join(admin, " ") != "admin:read admin:write" {
		t.Errorf("the administrator: %v, %v", admin, err)
	}
	if none, err := w.RoleScopes(t.Context(), []string{"Vet Staff"}, "mcp://other"); err != nil || len(none) != 0 {
		t.Errorf("at another server: %v, %v", none, err)
	}
}

func TestSeedAgainChangesNothing(t *testing.T) {
	w := newWorld(t, true)
	if err := w.PutRole(t.Context(), directory.Role{Name: "Pet Owner"}, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if err := w.Seed(t.Context(), seed.Files); err != nil {
		t.Fatal(err)
	}
	if scopes, err := w.RoleScopes(t.Context(), []string{"Pet Owner"}, "mcp://vetassist"); err != nil || len(scopes) != 0 {
		t.Errorf("the change was undone: %v, %v", scopes, err)
	}
	for _, name := range []string{"admin.json", "policy.json", "people.json"} {
		files := fstest.MapFS{"admin.json": {Data: []byte(`{}`)}, "policy.json": {Data: []byte(`{}`)}, "people.json": {Data: []byte(`{}`)}}
		files[name] = &fstest.MapFile{Data: []byte(`{`)}
		if err := w.Seed(t.Context(), files); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a broken %s: %v", name, err)
		}
	}
}

// TestAnotherAddress: a database is not bound to the address that it was made at.
func TestAnotherAddress(t *testing.T) {
	w := newWorld(t, true)
	moved := directory.New(w.db, "https://vet.example", false, w.clock.Now)
	client, err := moved.Client(t.Context(), "vet-assist-ai")
	if err != nil || client.RedirectURIs[0] != "https://vet.example/callback" {
		t.Errorf("%v, %v", client.RedirectURIs, err)
	}
	if _, err := moved.ServerByResource(t.Context(), base+"/mcp"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("the old address: %v", err)
	}
	for _, resource := range []string{"https://vet.example/mcp", "mcp://vetassist"} {
		if s, err := moved.ServerByResource(t.Context(), resource); err != nil || s.Identifier != "mcp://vetassist" {
			t.Errorf("%s: %+v, %v", resource, s, err)
		}
	}
}

// TestResource: what names a server in a resource parameter (RFC 8707 §2; MCP Authorization, "Canonical Server URI").
func TestResource(t *testing.T) {
	w := newWorld(t, true)
	for _, s := range []directory.Server{
		{Identifier: "mcp://root", Name: "Root", URL: "https://root.example"},
		{Identifier: "mcp://slash", Name: "Slash", URL: "https://slash.example:8443/"},
		{Identifier: "mcp://deep", Name: "Deep", URL: "https://deep.example/Server/mcp"},
		{Identifier: "mcp://last", Name: "Last", URL: "https://last.example/mcp/"},
	} {
		if err := w.PutServer(t.Context(), s, store.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	for resource, want := range map[string]string{
		"https://root.example":              "Root",
		"https://root.example/":             "Root",
		"HTTPS://Root.Example":              "Root",
		"HTTPS://ROOT.EXAMPLE/":             "Root",
		"mcp://root":                        "Root",
		"mcp://root/":                       "Root",
		"MCP://Root":                        "Root",
		"https://slash.example:8443":        "Slash",
		"https://slash.example:8443/":       "Slash",
		"https://deep.example/Server/mcp":   "Deep",
		"Https://DEEP.example/Server/mcp":   "Deep",
		"https://last.example/mcp/":         "Last",
		base + "/mcp":                       "VetAssist MCP Server",
		"mcp://vetassist":                   "VetAssist MCP Server",
		"https://root.example//":            "",
		"https://root.example/x":            "",
		"https://root.example#":             "",
		"https://root.example/#top":         "",
		"https://root.example?":             "",
		"https://root.example/?x=1":         "",
		"https://root.example:443":          "",
		"http://root.example":               "",
		"root.example":                      "",
		"//root.example":                    "",
		"https://user@root.example":         "",
		"https://slash.example":             "",
		"https://deep.example/Server/mcp/":  "",
		"https://deep.example/server/mcp":   "",
		"https://deep.example/Server":       "",
		"https://deep.example/Server/mcp?x": "",
		"https://deep.example/Server/mcp#x": "",
		"https://last.example/mcp":          "",
		base + "/mcp/":                      "",
		"mcp://vetassist/x":                 "",
		"mcp:vetassist":                     "",
		"":                                  "",
	} {
		s, err := w.ServerByResource(t.Context(), resource)
		if s.Name != want || (want == "") != errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%q: %q, %v, want %q", resource, s.Name, err, want)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	w := newWorld(t, true)
	for _, c := range []struct {
		username, password, id string
	}{
		{"bob", "bob-demo", "user-bob"},
		{" BOB ", "bob-demo", "user-bob"},
		{"admin", "admin-demo", "user-admin"},
		{"bob", "alice-demo", ""},
		{"bob", "", ""},
		{"user-bob", "bob-demo", ""},
		{"nobody", "bob-demo", ""},
		{"", "", ""},
		{"bob", strings.Repeat("x", 1000), ""},
		{strings.Repeat("x", 1000), "x", ""},
		{"\xff", "x", ""},
	} {
		user, err := w.Authenticate(t.Context(), c.username, c.password, "")
		if user.ID != c.id || (c.id == "") != errors.Is(err, directory.ErrLogin) {
			t.Errorf("%.20q %.20q: %q, %v", c.username, c.password, user.ID, err)
		}
	}
}

func TestDemoPasswordsAreForLaptops(t *testing.T) {
	w := newWorld(t, false)
	if _, err := w.Authenticate(t.Context(), "bob", "bob-demo", ""); !errors.Is(err, directory.ErrLogin) {
		t.Errorf("a demo password on a public address: %v", err)
	}
	dora := directory.User{ID: "user-dora", Username: "Dora", Name: "Dora", Roles: []string{"Pet Owner"}}
	if err := w.CreateUser(t.Context(), dora, "correct horse", false); err != nil {
		t.Fatal(err)
	}
	if user, err := w.Authenticate(t.Context(), "dora", "correct horse", ""); err != nil || !slices.Equal(user.Roles, dora.Roles) {
		t.Errorf("a password of one's own: %+v, %v", user, err)
	}
	dora.ID = "user-dora-2"
	if err := w.CreateUser(t.Context(), dora, "x", false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the same username again: %v", err)
	}
	if _, err := w.User(t.Context(), dora.ID); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("half a user was made: %v", err)
	}
	for _, bad := range []directory.User{{}, {ID: "x"}, {Username: "x"}, {ID: "x", Username: strings.Repeat("x", 65)}} {
		if err := w.CreateUser(t.Context(), bad, "x", false); err == nil {
			t.Errorf("%+v was created", bad)
		}
	}
	if err := w.CreateUser(t.Context(), directory.User{ID: "y", Username: "y"}, "", false); err == nil {
		t.Error("an empty password was accepted")
	}
}

func TestPasswordsAreHashedAndSalted(t *testing.T) {
	w := newWorld(t, true)
	var hashes []string
	for _, id := range []string{"user-bob", "user-alice"} {
		it, err := w.db.Get(t.Context(), "user/"+id, "password")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(it.Body), "-demo") || !strings.Contains(string(it.Body), "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("%s is stored as %s", id, it.Body)
		}
		hashes = append(hashes, string(it.Body))
	}
	if hashes[0] == hashes[1] {
		t.Error("two hashes are equal")
	}
}

func TestConsentAddsUp(t *testing.T) {
	w := newWorld(t, true)
	allow := func(scopes ...string) error {
		_, ops, err := w.Allow(t.Context(), "user-bob", "vet-assist-ai", "mcp://vetassist", scopes)
		if err != nil {
			t.Fatal(err)
		}
		return w.db.Write(t.Context(), ops...)
	}
	read := func() directory.Consent {
		c, err := w.Consent(t.Context(), "user-bob", "vet-assist-ai", "mcp://vetassist")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := read(); len(c.Scopes) != 0 {
		t.Errorf("before: %+v", c)
	}
	since := w.clock.Now().UTC()
	if err := allow("b", "a"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	if err := allow("c", "a"); err != nil {
		t.Fatal(err)
	}
	if c := read(); strings.Join(c.Scopes, " ") != "a b c" || !c.Since.Equal(since) || !c.Changed.Equal(since.Add(time.Hour)) {
		t.Errorf("after: %+v", c)
	}
	// Two that read the same state: the second write is refused, not lost.
	_, first, _ := w.Allow(t.Context(), "user-bob", "vet-assist-ai", "mcp://vetassist", []string{"d"})
	_, second, _ := w.Allow(t.Context(), "user-bob", "vet-assist-ai", "mcp://vetassist", []string{"e"})
	if err := w.db.Write(t.Context(), first...); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Write(t.Context(), second...); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the second write: %v", err)
	}
}

func TestPolicyIsAllThatAResourceServerReads(t *testing.T) {
	w := newWorld(t, true)
	d := directory.New(store.Restrict(w.db, directory.PolicyPartitions...), base, true, w.clock.Now)
	if _, err := d.RoleScopes(t.Context(), []string{"Pet Owner"}, "mcp://vetassist"); err != nil {
		t.Error(err)
	}
	if _, err := d.User(t.Context(), "user-bob"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("reading a user: %v", err)
	}
	if _, err := d.Client(t.Context(), "vet-assist-ai"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("reading a client: %v", err)
	}
}
