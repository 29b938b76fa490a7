package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const vetassist = "mcp://vetassist"

func (w world) server(t *testing.T, identifier string) store.Record[directory.Server] {
	t.Helper()
	r, err := w.ServerRecord(t.Context(), identifier)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w world) role(t *testing.T, name string) store.Record[directory.Role] {
	t.Helper()
	r, err := w.RoleRecord(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// addMCPClient makes an application as an administrator does.
func (w world) addMCPClient(t *testing.T, name string, redirectURIs []string) (store.Record[directory.Client], error) {
	r, secret, err := w.AddClient(t.Context(), directory.NewClient{Name: name, Template: directory.MCPClientTemplate, RedirectURIs: redirectURIs})
	if secret != "" {
		t.Errorf("a public client got a secret")
	}
	return r, err
}

func (w world) addClient(t *testing.T, name string, authorized map[string][]string) store.Record[directory.Client] {
	t.Helper()
	r, err := w.addMCPClient(t, name, []string{"https://app.example/callback"})
	for server, scopes := range authorized {
		if err == nil {
			r, err = w.AuthorizeClient(t.Context(), r.Value.ID, r.Version, server, scopes)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var zoo = directory.Server{
	Identifier: "mcp://zoo", Name: "Zoo", URL: "https://zoo.example/mcp",
	Scopes: []directory.Scope{{Name: "animal:read", Title: "See animals", Open: true}, {Name: "animal:feed", Title: "Feed animals", Description: "Not too much"}},
}

func (w world) addZoo(t *testing.T) store.Record[directory.Server] {
	t.Helper()
	r, err := w.AddServer(t.Context(), zoo)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantUses(t *testing.T, what string, err error, want string) {
	t.Helper()
	var used *directory.InUseError
	if !errors.As(err, &used) {
		t.Errorf("%s: %v, want uses %s", what, err, want)
		return
	}
	var got []string
	for _, u := range used.Uses {
		got = append(got, u.Kind+" "+u.Name)
	}
	if strings.Join(got, ", ") != want || used.More || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %q, more %v, %v; want %q", what, got, used.More, err, want)
	}
}

func TestServers(t *testing.T) {
	w := newWorld(t, true)
	s := zoo
	s.URL, s.Identifier = "HTTPS://Zoo.Example/mcp", "MCP://Zoo"
	r, err := w.AddServer(t.Context(), s)
	if err != nil || r.Value.URL != zoo.URL || r.Value.Identifier != zoo.Identifier || fmt.Sprint(w.server(t, zoo.Identifier)) != fmt.Sprint(r) {
		t.Errorf("%+v, %v", r, err)
	}
	if found, err := w.ServerByResource(t.Context(), "https://ZOO.example/mcp"); err != nil || found.Name != "Zoo" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, c := range []struct {
		field  string
		change func(*directory.Server)
	}{
		{"identifier", func(*directory.Server) {}},
		{"identifier", func(s *directory.Server) { s.Identifier = "" }},
		{"identifier", func(s *directory.Server) { s.Identifier = "zoo" }},
		{"identifier", func(s *directory.Server) { s.Identifier = "mcp://a b" }},
		{"identifier", func(s *directory.Server) { s.Identifier = "mcp://" + strings.Repeat("x", 200) }},
		{"identifier", func(s *directory.Server) { s.Identifier, s.URL = base+"/mcp", "https://new.example/" }},
		{"identifier", func(s *directory.Server) { s.Identifier, s.URL = "mcp://zoo/", "https://new.example/" }},
		{"url", func(s *directory.Server) { s.Identifier = "mcp://new" }},
		{"url", func(s *directory.Server) { s.Identifier, s.URL = "mcp://new", base+"/mcp" }},
		{"url", func(s *directory.Server) { s.URL = "http://zoo.example/mcp" }},
		{"url", func(s *directory.Server) { s.URL = "https:///mcp" }},
		{"url", func(s *directory.Server) { s.URL = "https://zoo.example/mcp#x" }},
		{"url", func(s *directory.Server) { s.URL = "https://me@zoo.example/mcp" }},
		{"url", func(s *directory.Server) { s.URL = "{base}/mcp" }},
		{"name", func(s *directory.Server) { s.Name = "" }},
		{"scopes", func(s *directory.Server) { s.Scopes = []directory.Scope{{Name: "a b", Title: "x"}} }},
		{"scopes", func(s *directory.Server) { s.Scopes = []directory.Scope{{Name: "", Title: "x"}} }},
		{"scopes", func(s *directory.Server) { s.Scopes = []directory.Scope{{Name: "openid", Title: "x"}} }},
		{"scopes", func(s *directory.Server) {
			s.Scopes = []directory.Scope{{Name: "a", Title: "x"}, {Name: "a", Title: "y"}}
		}},
		{"scopes", func(s *directory.Server) { s.Scopes = []directory.Scope{{Name: "a"}} }},
		{"scopes", func(s *directory.Server) {
			s.Scopes = []directory.Scope{{Name: "a", Title: "x", Description: strings.Repeat("x", 501)}}
		}},
		{"scopes", func(s *directory.Server) { s.Scopes = make([]directory.Scope, 51) }},
	} {
		s := zoo
		c.change(&s)
		wantField(t, fmt.Sprintf("%.200v", s), second(w.AddServer(t.Context(), s)), c.field)
	}
	if all, err := w.ServerRecords(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
	s = zoo
	s.Name = "Big Zoo"
	if _, err := w.UpdateServer(t.Context(), s, r.Version+1, false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	s.URL = base + "/mcp"
	wantField(t, "a taken URL", second(w.UpdateServer(t.Context(), s, r.Version, false)), "url")
	s.URL = base + "/zoo"
	r, err = w.UpdateServer(t.Context(), s, r.Version, false)
	if err != nil || fmt.Sprint(w.server(t, zoo.Identifier)) != fmt.Sprint(r) || r.Value.Name != "Big Zoo" {
		t.Errorf("%+v, %v", r, err)
	}
	moved := directory.New(w.db, "https://vet.example", false, w.clock.Now) // our own address moves with us
	if s, err := moved.ServerByResource(t.Context(), "https://vet.example/zoo"); err != nil || s.Name != "Big Zoo" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestOneAddressOneServer: of many who register the same address at the same moment, one does.
func TestOneAddressOneServer(t *testing.T) {
	w := newWorld(t, true)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			s := zoo
			s.Identifier += fmt.Sprint(i)
			_, errs[i] = w.AddServer(t.Context(), s)
		})
	}
	wg.Wait()
	added := len(slices.DeleteFunc(errs, func(err error) bool {
		var f *directory.FieldError
		return errors.As(err, &f) || errors.Is(err, store.ErrConflict)
	}))
	if all, err := w.ServerRecords(t.Context()); err != nil || len(all) != 3 || added != 1 {
		t.Errorf("%d were added: %v, %v", added, all, err)
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t, true)
	w.addZoo(t)
	keeper := directory.Role{Name: "Keeper", Description: "Feeds", Permissions: map[string][]string{
		zoo.Identifier: {"animal:feed", "animal:read", "animal:feed"}, vetassist: {},
	}}
	r, err := w.AddRole(t.Context(), keeper)
	if err != nil || fmt.Sprint(r.Value.Permissions) != "map[mcp://zoo:[animal:read animal:feed]]" || fmt.Sprint(w.role(t, "Keeper")) != fmt.Sprint(r) {
		t.Errorf("%+v, %v", r, err)
	}
	for field, c := range map[string]directory.Role{
		"name":                    {Name: "KEEPER"},
		"name: empty":             {},
		"name: slash":             {Name: "a/b"},
		"name: long":              {Name: strings.Repeat("x", 61)},
		"description":             {Name: "x", Description: strings.Repeat("x", 501)},
		"permissions":             {Name: "x", Permissions: map[string][]string{"mcp://no": {"a"}}},
		"permissions: scope":      {Name: "x", Permissions: map[string][]string{zoo.Identifier: {"pet-profile:read"}}},
		"permissions: no key":     {Name: "x", Permissions: map[string][]string{strings.Repeat("x", 600): {"a"}}},
		"permissions: empty name": {Name: "x", Permissions: map[string][]string{zoo.Identifier: {""}}},
	} {
		field, _, _ := strings.Cut(field, ":")
		wantField(t, fmt.Sprintf("%.200v", c), second(w.AddRole(t.Context(), c)), field)
	}
	keeper.Permissions = nil
	if _, err := w.UpdateRole(t.Context(), keeper, 2); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	if r, err = w.UpdateRole(t.Context(), keeper, 1); err != nil || len(r.Value.Permissions) != 0 || r.Version != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := w.UpdateRole(t.Context(), directory.Role{Name: "Nobody"}, 1); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("no role: %v", err)
	}
	if all, err := w.RoleRecords(t.Context()); err != nil || len(all) != 4 {
		t.Errorf("%v, %v", all, err)
	}
	if err := w.DeleteRole(t.Context(), "Keeper", 2, false); err != nil { // nobody has it
		t.Error(err)
	}
}

// TestSameRoleTwice: of two who define a role at once, by names that differ in case only, one does.
func TestSameRoleTwice(t *testing.T) {
	w := newWorld(t, true)
	for _, names := range [][2]string{{"Groomer", "groomer"}, {"Trainer", "TRAINER"}} { // the first time ever, and later
		late := directory.New(&meanwhile{Store: w.db, f: func() {
			if _, err := w.AddRole(t.Context(), directory.Role{Name: names[0]}); err != nil {
				t.Error(err)
			}
		}}, base, true, w.clock.Now)
		if _, err := late.AddRole(t.Context(), directory.Role{Name: names[1]}); !isField("name")(err) {
			t.Errorf("%s besides %s: %v", names[1], names[0], err)
		}
	}
}

func TestDeleteRoleInUse(t *testing.T) {
	w := newWorld(t, true)
	id := w.addUser(t, "dora", "Pet Owner", "Vet Staff").Value.ID
	r := w.role(t, "Pet Owner")
	wantUses(t, "by three", w.DeleteRole(t.Context(), "Pet Owner", r.Version, false), "user alice, user bob, user dora")
	if again := w.role(t, "Pet Owner"); again.Version != r.Version {
		t.Errorf("a refusal wrote: %+v", again)
	}
	if err := w.DeleteRole(t.Context(), "Pet Owner", r.Version+1, true); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	if err := w.DeleteRole(t.Context(), "Pet Owner", r.Version, true); err != nil {
		t.Fatal(err)
	}
	if got := w.user(t, id); !slices.Equal(got.Value.Roles, []string{"Vet Staff"}) || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	if got := strings.Join(w.indexItems(t, id), " "); got != "username/d name/p role/Vet Staff/d" {
		t.Errorf("indexed in %s", got)
	}
	if _, err := w.RoleRecord(t.Context(), "Pet Owner"); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
}

// TestDeleteRoleAfterACrash: wherever it stopped, the role allows nothing and nobody gets it, and deleting again finishes.
func TestDeleteRoleAfterACrash(t *testing.T) {
	for writes := 1; ; writes++ {
		w := newWorld(t, true)
		crashing := directory.New(&failing{w.db, writes}, base, true, w.clock.Now)
		err := crashing.DeleteRole(t.Context(), "Pet Owner", w.role(t, "Pet Owner").Version, true)
		if err == nil {
			if writes < 3 {
				t.Errorf("after %d writes all was done", writes)
			}
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if scopes, err := w.RoleScopes(t.Context(), []string{"Pet Owner"}, vetassist); err != nil || len(scopes) > 0 {
			t.Errorf("after %d writes it allows %q, %v", writes, scopes, err)
		}
		_, err = w.AddUser(t.Context(), directory.NewUser{Username: "dora", Name: "Dora", Password: good, Roles: []string{"Pet Owner"}})
		wantField(t, "somebody new", err, "roles")
		r := w.role(t, "Pet Owner")
		if _, err := w.UpdateRole(t.Context(), r.Value, r.Version); !errors.Is(err, directory.ErrDeleting) {
			t.Errorf("an edit: %v", err)
		}
		if err := w.DeleteRole(t.Context(), "Pet Owner", r.Version, true); err != nil {
			t.Errorf("again: %v", err)
		}
	}
}

// TestManyMembers: one call does a bounded part, and repeating it does all.
func TestManyMembers(t *testing.T) {
	w := newWorld(t, true)
	if _, err := w.AddRole(t.Context(), directory.Role{Name: "Crowd"}); err != nil {
		t.Fatal(err)
	}
	w.addCrowd(t, 620)
	var used *directory.InUseError
	if err := w.DeleteRole(t.Context(), "Crowd", 1, false); !errors.As(err, &used) || len(used.Uses) != 20 || !used.More {
		t.Errorf("%v", err)
	}
	if err := w.DeleteRole(t.Context(), "Crowd", 1, true); !errors.Is(err, directory.ErrUnfinished) {
		t.Errorf("%v", err)
	}
	if err := w.DeleteRole(t.Context(), "Crowd", w.role(t, "Crowd").Version, true); err != nil {
		t.Errorf("%v", err)
	}
}

// addCrowd writes users without passwords, as records only: hashing so many would take long.
func (w world) addCrowd(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("crowd%04d", i)
		u := directory.User{ID: "user-" + name, Username: name, Name: name, Roles: []string{"Crowd"}}
		var ops []store.Op
		for _, key := range [][2]string{
			{"user/" + u.ID, "profile"}, {"directory/index/username/b", name},
			{"directory/index/name/b", name + "\t" + u.ID}, {"directory/index/role/Crowd/b", name},
		} {
			ops = append(ops, store.Put(store.Encode(key[0], key[1], u, time.Time{}), store.IfAbsent()))
		}
		if err := w.db.Write(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeleteServerInUse(t *testing.T) {
	w := newWorld(t, true)
	r := w.addZoo(t)
	if _, err := w.AddRole(t.Context(), directory.Role{Name: "Keeper", Permissions: map[string][]string{zoo.Identifier: {"animal:read", "animal:feed"}}}); err != nil {
		t.Fatal(err)
	}
	c := w.addClient(t, "Zoo App", map[string][]string{zoo.Identifier: {"animal:feed"}, vetassist: {"pet-profile:read"}})
	wantUses(t, "the server", w.DeleteServer(t.Context(), zoo.Identifier, r.Version, false), "role Keeper, application Zoo App")
	s := zoo
	s.Scopes = zoo.Scopes[:1]
	wantUses(t, "the scope", second(w.UpdateServer(t.Context(), s, r.Version, false)), "role Keeper, application Zoo App")
	s.Scopes = zoo.Scopes[1:]
	wantUses(t, "the other", second(w.UpdateServer(t.Context(), s, r.Version, false)), "role Keeper")

	r, err := w.UpdateServer(t.Context(), s, r.Version, true)
	if err != nil || fmt.Sprint(w.server(t, zoo.Identifier)) != fmt.Sprint(r) || len(r.Value.Scopes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := fmt.Sprint(w.role(t, "Keeper").Value.Permissions); got != "map[mcp://zoo:[animal:feed]]" {
		t.Error(got)
	}
	if err := w.DeleteServer(t.Context(), zoo.Identifier, r.Version+1, true); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	if err := w.DeleteServer(t.Context(), zoo.Identifier, r.Version, true); err != nil {
		t.Fatal(err)
	}
	if got := w.role(t, "Keeper").Value.Permissions; len(got) != 0 {
		t.Error(got)
	}
	after, err := w.ClientRecord(t.Context(), c.Value.ID)
	if err != nil || fmt.Sprint(after.Value.Authorized) != "map[mcp://vetassist:[pet-profile:read]]" {
		t.Errorf("%+v, %v", after, err)
	}
	if left, err := w.db.List(t.Context(), store.Query{Partition: "directory/index/server/" + zoo.Identifier + "/0"}); err != nil || len(left.Items) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	if _, err := w.Server(t.Context(), zoo.Identifier); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
}

// TestDeleteServerAfterACrash: wherever it stopped, no token is issued for the server and nobody gets permissions at it,
// and deleting again finishes. The same for one scope of it.
func TestDeleteServerAfterACrash(t *testing.T) {
	without := zoo
	without.Scopes = zoo.Scopes[:1]
	for name, remove := range map[string]func(d *directory.Directory, version int64) error{
		"the server": func(d *directory.Directory, version int64) error {
			return d.DeleteServer(t.Context(), zoo.Identifier, version, true)
		},
		"the scope": func(d *directory.Directory, version int64) error {
			return second(d.UpdateServer(t.Context(), without, version, true))
		},
	} {
		for writes := 1; ; writes++ {
			w := newWorld(t, true)
			r := w.addZoo(t)
			if _, err := w.AddRole(t.Context(), directory.Role{Name: "Keeper", Permissions: map[string][]string{zoo.Identifier: {"animal:feed"}}}); err != nil {
				t.Fatal(err)
			}
			c := w.addClient(t, "Zoo App", map[string][]string{zoo.Identifier: {"animal:feed"}})
			err := remove(directory.New(&failing{w.db, writes}, base, true, w.clock.Now), r.Version)
			if err == nil {
				if writes < 4 {
					t.Errorf("%s: after %d writes all was done", name, writes)
				}
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			if s, err := w.Server(t.Context(), zoo.Identifier); err == nil && slices.Contains(s.ScopeNames(), "animal:feed") {
				t.Errorf("%s, after %d writes: %+v", name, writes, s)
			}
			r = w.server(t, zoo.Identifier)
			if d, err := w.Why(t.Context(), directory.User{Roles: []string{"Keeper"}}, c.Value, r.Value, []string{"animal:feed"}); err != nil || len(d.Sets.Client) > 0 {
				t.Errorf("%s, after %d writes: %+v, %v", name, writes, d, err)
			}
			now, err := w.ClientRecord(t.Context(), c.Value.ID)
			if err != nil {
				t.Fatal(err)
			}
			err = second(w.AuthorizeClient(t.Context(), c.Value.ID, now.Version, zoo.Identifier, []string{"animal:feed"}))
			wantField(t, "authorizing it again", err, "scopes")
			if err := remove(w.Directory, r.Version); err != nil {
				t.Errorf("%s, after %d writes, again: %v", name, writes, err)
			}
			if now, err = w.ClientRecord(t.Context(), c.Value.ID); err != nil || len(now.Value.Authorized) != 0 || len(w.role(t, "Keeper").Value.Permissions) != 0 {
				t.Errorf("%s, after %d writes: left %+v, %v", name, writes, now, err)
			}
		}
	}
}
