package directory_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// pages reads a whole list, so many at a time, and returns what show makes of each item.
func pages[T any](t *testing.T, read func(context.Context, directory.Query) (directory.Page[T], error), prefix string, limit int, show func(T) string) []string {
	t.Helper()
	var all []string
	q := directory.Query{Prefix: prefix, Limit: limit}
	for range 1000 {
		p, err := read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Items) > limit {
			t.Fatalf("a page of %d, limit %d", len(p.Items), limit)
		}
		for _, item := range p.Items {
			all = append(all, show(item))
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return all
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func username(u directory.User) string            { return u.Username }
func userName(u directory.User) string            { return u.Name }
func clientName(c directory.ClientSummary) string { return c.Name }
func clientID(c directory.ClientSummary) string   { return c.ID }

func TestLists(t *testing.T) {
	w := newWorld(t, true)
	for _, n := range []string{"Zoë Adams", "bob  Miller", "Bob", "Émile", "3M", "Bobby-Jo Miller"} {
		c := directory.Client{ID: "id-" + strings.ToLower(strings.Fields(n)[0]) + fmt.Sprint(len(n)), Name: n, Authorized: map[string][]string{"mcp://vetassist": {"x"}}}
		if err := w.PutClient(t.Context(), c, store.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 2, 3, 200} {
		for _, c := range []struct {
			name string
			got  []string
			want string
		}{
			{"usernames", pages(t, w.UsersByUsername, "", limit, username), "admin alice bob carol"},
			{"usernames from a", pages(t, w.UsersByUsername, " A", limit, username), "admin alice"},
			{"one username", pages(t, w.UsersByUsername, "alice", limit, username), "alice"},
			{"no username", pages(t, w.UsersByUsername, "alicee", limit, username), ""},
			{"names", pages(t, w.UsersByName, "", limit, userName), "Ada Admin Alice Grant Bob Miller Dr. Carol Reyes"},
			{"names, folded", pages(t, w.UsersByName, "DR CAROL", limit, userName), "Dr. Carol Reyes"},
			{"applications", pages(t, w.ClientsByName, "", limit, clientName), "3M Bob bob  Miller Bobby-Jo Miller Scheduling Agent Smart Feeder Vet Assist AI VetAssist Command Line VetAssist Console Zoë Adams Émile"},
			{"applications from bob", pages(t, w.ClientsByName, "Bob", limit, clientName), "Bob bob  Miller Bobby-Jo Miller"},
			{"applications from bob, space", pages(t, w.ClientsByName, "émi", limit, clientName), "Émile"},
			{"client ids", pages(t, w.ClientsByID, "id-b", limit, clientID), "id-bob11 id-bob3 id-bobby-jo15"},
			{"client ids, case counts", pages(t, w.ClientsByID, "ID", limit, clientID), ""},
			{"pet owners", pages(t, func(ctx context.Context, q directory.Query) (directory.Page[directory.User], error) {
				return w.Members(ctx, "Pet Owner", q)
			}, "", limit, username), "alice bob"},
			{"nobody", pages(t, func(ctx context.Context, q directory.Query) (directory.Page[directory.User], error) {
				return w.Members(ctx, "No/such", q)
			}, "", limit, username), ""},
			{"a role that cannot be", pages(t, func(ctx context.Context, q directory.Query) (directory.Page[directory.User], error) {
				return w.Members(ctx, strings.Repeat("x", 600), q)
			}, "", limit, username), ""},
		} {
			if got := strings.Join(c.got, " "); got != c.want {
				t.Errorf("%s by %d: %q, want %q", c.name, limit, got, c.want)
			}
		}
	}
}

func TestListRefuses(t *testing.T) {
	w := newWorld(t, true)
	page, err := w.UsersByUsername(t.Context(), directory.Query{Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatal(page, err)
	}
	for field, q := range map[string]directory.Query{
		"limit":  {Limit: 201},
		"prefix": {Prefix: strings.Repeat("x", 256)},
	} {
		wantField(t, field, second(w.UsersByUsername(t.Context(), q)), field)
	}
	for _, cursor := range []string{"x", ".", "/.x", "CA.", "AA.!", page.Next + "!"} {
		wantField(t, cursor, second(w.UsersByUsername(t.Context(), directory.Query{Cursor: cursor})), "cursor")
	}
	wantField(t, "another list's cursor", second(w.UsersByUsername(t.Context(), directory.Query{Prefix: "z", Cursor: page.Next})), "cursor")
	wantField(t, "negative", second(w.UsersByName(t.Context(), directory.Query{Limit: -1})), "limit")
}

func second[T any](_ T, err error) error { return err }

func wantField(t *testing.T, what string, err error, field string) {
	t.Helper()
	var f *directory.FieldError
	if !errors.As(err, &f) || f.Field != field || f.Message == "" {
		t.Errorf("%s: %v, want an error in %s", what, err, field)
	}
}

// TestListFollowsTheClient: a renamed client moves in the lists; one that was refused does not.
func TestListFollowsTheClient(t *testing.T) {
	w := newWorld(t, true)
	c := directory.Client{ID: "x1", Name: "Old"}
	if err := w.PutClient(t.Context(), c, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	c.Name = "Never"
	for _, condition := range []store.Condition{store.IfAbsent(), store.IfVersion(2)} {
		if err := w.PutClient(t.Context(), c, condition); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%+v: %v", condition, err)
		}
	}
	c.Name = "New"
	if err := w.PutClient(t.Context(), c, store.Always()); err != nil {
		t.Fatal(err)
	}
	if got := pages(t, w.ClientsByName, "", 10, clientName); !slices.Equal(got, []string{"New", "Scheduling Agent", "Smart Feeder", "Vet Assist AI", "VetAssist Command Line", "VetAssist Console"}) {
		t.Errorf("%q", got)
	}
	if got := pages(t, w.ClientsByID, "x", 10, clientName); !slices.Equal(got, []string{"New"}) {
		t.Errorf("%q", got)
	}
}

// TestSeedIndexesAnOlderFile: a file from before there were lists has them after the next start, once.
func TestSeedIndexesAnOlderFile(t *testing.T) {
	clock := storetest.NewClock()
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sqlite.Open(t.Context(), path, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := directory.New(store.Restrict(db, directory.Partitions...), base, true, clock.Now)
	if err := d.Seed(t.Context(), seed.Files); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, statement := range []string{ // what the records were before
		`DELETE FROM items WHERE partition GLOB 'directory/*'`,
		`UPDATE items SET body = json_remove(body, '$.source') WHERE partition GLOB 'client/*'`,
	} {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	before, err := db.Get(t.Context(), "user/user-bob", "password")
	if err != nil {
		t.Fatal(err)
	}
	if got := pages(t, d.UsersByUsername, "", 10, username); len(got) != 0 {
		t.Fatalf("the file is not old: %q", got)
	}
	for range 2 {
		if err := d.Seed(t.Context(), seed.Files); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(pages(t, d.UsersByUsername, "", 10, username), " "); got != "admin alice bob carol" {
			t.Errorf("users %q", got)
		}
		if got := pages(t, d.ClientsByID, "", 10, clientID); !slices.Equal(got, []string{"scheduling-agent", "smart-feeder", "vet-assist-ai", "vetassist-cli", "vetassist-console"}) {
			t.Errorf("clients %q", got)
		}
		page, err := d.ClientsByName(t.Context(), directory.Query{})
		if err != nil || page.Items[0].Source != directory.SourceAdmin {
			t.Errorf("%+v, %v", page, err)
		}
	}
	if after, err := db.Get(t.Context(), "user/user-bob", "password"); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("the password changed: %+v, %v", after, err)
	}
}

// TestSeedElsewhere: what is there to play with on somebody's own machine is nowhere else.
func TestSeedElsewhere(t *testing.T) {
	clock := storetest.NewClock()
	d := directory.New(store.Restrict(storetest.Open(t, clock.Now), directory.Partitions...), "https://vet.example", false, clock.Now)
	if err := d.Seed(t.Context(), seed.Files); err != nil {
		t.Fatal(err)
	}
	if got := pages(t, d.ClientsByID, "", 10, clientID); !slices.Equal(got, []string{"scheduling-agent", "vet-assist-ai", "vetassist-cli", "vetassist-console"}) {
		t.Errorf("clients %q", got)
	}
}

// counting counts what is read and written.
type counting struct {
	store.Store
	lists, items, gets, writes int
}

func (c *counting) Write(ctx context.Context, ops ...store.Op) error {
	c.writes++
	return c.Store.Write(ctx, ops...)
}

func (c *counting) List(ctx context.Context, q store.Query) (store.Page, error) {
	p, err := c.Store.List(ctx, q)
	c.lists++
	c.items += len(p.Items)
	return p, err
}

func (c *counting) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	c.gets++
	return c.Store.Get(ctx, partition, sort)
}

// TestListCostsWhatThePageCosts: the reads of a page do not grow with the directory.
func TestListCostsWhatThePageCosts(t *testing.T) {
	w := newWorld(t, true)
	counted := &counting{Store: w.db}
	d := directory.New(counted, base, true, w.clock.Now)
	cost := func(q directory.Query) [3]int {
		*counted = counting{Store: w.db}
		if _, err := d.ClientsByName(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		return [3]int{counted.lists, counted.items, counted.gets}
	}
	add := func(from, to int) {
		for i := from; i < to; i++ {
			name := fmt.Sprintf("%c%04d", 'a'+i%26, i)
			if err := w.PutClient(t.Context(), directory.Client{ID: name, Name: name}, store.IfAbsent()); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(0, 400)
	queries := []directory.Query{{Limit: 10}, {Limit: 3, Prefix: "m"}, {Limit: 2, Prefix: "z0"}}
	var few [][3]int
	for _, q := range queries {
		few = append(few, cost(q))
	}
	add(400, 2000)
	for i, q := range queries {
		if many := cost(q); many != few[i] {
			t.Errorf("%+v: %v lists, items and gets of 2000, %v of 400", q, many, few[i])
		}
	}
}

// TestSeedBringsNothingBack: the next start does not bring back what is gone.
func TestSeedBringsNothingBack(t *testing.T) {
	w := newWorld(t, true)
	if err := w.db.Write(t.Context(), store.Delete("policy/all", "role/Vet Staff", store.IfPresent())); err != nil {
		t.Fatal(err)
	}
	if err := w.Seed(t.Context(), seed.Files); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Get(t.Context(), "policy/all", "role/Vet Staff"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the role is back: %v", err)
	}
}

// TestSeedAddsTheAdminAPI: in a file from before there was an admin API the administrator gets its permissions at the next
// start, beside what the role has, and once.
func TestSeedAddsTheAdminAPI(t *testing.T) {
	w := newWorld(t, true)
	other := map[string][]string{"mcp://vetassist": {"reminder:read"}}
	err := errors.Join(
		w.PutRole(t.Context(), directory.Role{Name: directory.AdministratorRole, Description: "ours", Permissions: other}, store.IfPresent()),
		w.db.Write(t.Context(),
			store.Delete("policy/all", "server/admin://vetassist", store.IfPresent()),
			store.Delete("directory/seeded", "server/admin://vetassist", store.IfPresent())))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"mcp://vetassist": {"reminder:read"}, "admin://vetassist": {"admin:read", "admin:write"}}
	for range 2 {
		if err := w.Seed(t.Context(), seed.Files); err != nil {
			t.Fatal(err)
		}
		r, err := w.RoleRecord(t.Context(), directory.AdministratorRole)
		if err != nil || r.Value.Description != "ours" || !reflect.DeepEqual(r.Value.Permissions, want) {
			t.Errorf("%+v, %v", r, err)
		}
		if s, err := w.Server(t.Context(), "admin://vetassist"); err != nil || !s.System || s.URL != base+"/admin/api" {
			t.Errorf("%+v, %v", s, err)
		}
		want = other // an administrator takes them away: they stay away
		if err := w.PutRole(t.Context(), directory.Role{Name: directory.AdministratorRole, Description: "ours", Permissions: other}, store.IfPresent()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSeedAdministration is what a start from empty holds: nobody, and no demo.
func TestSeedAdministration(t *testing.T) {
	w := newEmptyWorld(t, false)
	for range 2 {
		if err := w.SeedAdministration(t.Context(), seed.Files); err != nil {
			t.Fatal(err)
		}
	}
	servers, err := w.ServerRecords(t.Context())
	roles, err2 := w.RoleRecords(t.Context())
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if len(servers) != 1 || servers[0].Value.Identifier != "admin://vetassist" || len(roles) != 1 || roles[0].Value.Name != directory.AdministratorRole {
		t.Errorf("servers %+v, roles %+v", servers, roles)
	}
	if scopes := servers[0].Value.Scopes; slices.ContainsFunc(scopes, func(s directory.Scope) bool { return s.Open }) {
		t.Errorf("clients that register themselves may administer: %+v", scopes)
	}
	if got := pages(t, w.ClientsByID, "", 10, clientID); !slices.Equal(got, []string{"vetassist-cli", "vetassist-console"}) {
		t.Errorf("clients %q", got)
	}
	if got := pages(t, w.UsersByUsername, "", 10, username); len(got) != 0 {
		t.Errorf("users %q", got)
	}
}

// TestBeganEmpty: a database remembers that it was begun without the demo, until somebody asks for the demo.
func TestBeganEmpty(t *testing.T) {
	began := func(w world, want bool) {
		t.Helper()
		if got, err := w.BeganEmpty(t.Context()); err != nil || got != want {
			t.Errorf("began empty: %v, %v", got, err)
		}
	}
	w := newEmptyWorld(t, true)
	began(w, false)
	for range 2 {
		if demo, err := w.SeedEmpty(t.Context(), seed.Files); err != nil || demo {
			t.Errorf("%v, %v", demo, err)
		}
		began(w, true)
	}
	files := fstest.MapFS{"people.json": {Data: []byte(`{}`)}} // whose passwords would take long to hash
	for _, name := range []string{"admin.json", "policy.json"} {
		body, err := seed.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: body}
	}
	if err := w.Seed(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	began(w, false)

	w = newWorld(t, true)
	if demo, err := w.SeedEmpty(t.Context(), seed.Files); err != nil || !demo {
		t.Errorf("over the demo: %v, %v", demo, err)
	}
	began(w, false)
}
