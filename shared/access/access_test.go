package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// world is a registry over a store that it opens as a function would.
type world struct {
	*access.Registry
	t     *testing.T
	clock *storetest.Clock
	store store.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := storetest.NewClock()
	s := store.Restrict(storetest.Open(t, clock.Now), append(access.Partitions, "note/")...)
	return &world{access.New(s, clock.Now), t, clock, s}
}

func (w *world) write(ops []store.Op) {
	w.t.Helper()
	if err := w.store.Write(w.t.Context(), ops...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) logIn(id, user string) {
	w.t.Helper()
	w.write(access.BeginLogin(access.Login{ID: id, UserID: user, Since: w.clock.Now(), Method: access.Password, From: "127.0.0.1", Agent: "Firefox"}))
}

// give begins a grant whose first refresh token has the hash "<id>-0".
func (w *world) give(id, user, client, server string) {
	w.t.Helper()
	now := w.clock.Now()
	w.write(access.BeginGrant(access.Grant{ID: id, UserID: user, ClientID: client, Server: server, Scopes: []string{"a", "b"},
		Since: now, LastUsed: now, Ends: now.Add(access.GrantLifetime)}, id+"-0"))
}

// refresh rotates a token of a grant, as far as the registry is concerned.
func (w *world) refresh(presented, next string) error {
	token, err := w.RefreshToken(w.t.Context(), presented)
	if err != nil {
		return err
	}
	family, err := w.GrantRecord(w.t.Context(), token.Value.GrantID)
	if err != nil {
		return err
	}
	return w.store.Write(w.t.Context(), w.Rotate(family, token, presented, next)...)
}

// all reads a whole list, so many at a time, and returns the ids.
func all[T any](t *testing.T, limit int, read func(access.Query) (access.Page[T], error), id func(T) string) []string {
	t.Helper()
	var ids []string
	q := access.Query{Limit: limit}
	for range 1000 {
		page, err := read(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > max(limit, 50) {
			t.Fatalf("a page of %d, limit %d", len(page.Items), limit)
		}
		for _, item := range page.Items {
			ids = append(ids, id(item))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return ids
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func (w *world) logins(user string, limit int) string {
	w.t.Helper()
	return strings.Join(all(w.t, limit, func(q access.Query) (access.Page[access.Login], error) { return w.LoginsOf(w.t.Context(), user, q) },
		func(l access.Login) string { return l.ID }), " ")
}

func (w *world) grants(read func(context.Context, access.Query) (access.Page[access.Grant], error), limit int) []string {
	w.t.Helper()
	return all(w.t, limit, func(q access.Query) (access.Page[access.Grant], error) { return read(w.t.Context(), q) },
		func(g access.Grant) string { return g.ID })
}

func (w *world) grantsOf(user string, limit int) string {
	return strings.Join(w.grants(func(ctx context.Context, q access.Query) (access.Page[access.Grant], error) {
		return w.GrantsOf(ctx, user, q)
	}, limit), " ")
}

func (w *world) grantsUnder(user, client, server string) string {
	return strings.Join(w.grants(func(ctx context.Context, q access.Query) (access.Page[access.Grant], error) {
		return w.GrantsUnder(ctx, user, client, server, q)
	}, 1), " ")
}

// grantsFor are sorted, since the list is not.
func (w *world) grantsFor(client string, limit int) string {
	return strings.Join(slices.Sorted(slices.Values(w.grants(func(ctx context.Context, q access.Query) (access.Page[access.Grant], error) {
		return w.GrantsFor(ctx, client, q)
	}, limit))), " ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func expectError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"b", "c", "a"} {
		w.logIn(id, "bob")
		w.clock.Advance(time.Hour)
	}
	w.logIn("z", "alice")
	for _, limit := range []int{0, 1, 2, 200} {
		expect(t, "newest first", w.logins("bob", limit), "a c b")
	}
	expect(t, "nobody", w.logins("carol", 1), "")
	expect(t, "an id that cannot be", w.logins(strings.Repeat("x", 600), 1), "")

	l, err := w.Login(t.Context(), "b")
	if err != nil || l.UserID != "bob" || l.Method != access.Password || l.From != "127.0.0.1" || l.Agent != "Firefox" || l.Expires.Sub(l.Since) != access.LoginLifetime {
		t.Errorf("%+v, %v", l, err)
	}
	for _, id := range []string{"nothing", "", strings.Repeat("x", 600), "\xff"} {
		_, err := w.Login(t.Context(), id)
		expectError(t, "an unknown login", err, store.ErrNotFound)
	}

	w.clock.Advance(access.LoginLifetime - 3*time.Hour)
	expect(t, "after eight hours", w.logins("bob", 1), "a c")
	_, err = w.Login(t.Context(), "b")
	expectError(t, "after eight hours", err, store.ErrNotFound)
}

func TestAgentIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(access.BeginLogin(access.Login{ID: "a", UserID: "bob", Since: w.clock.Now(), Agent: strings.Repeat("é", 5000)}))
	if l, err := w.Login(t.Context(), "a"); err != nil || len(l.Agent) > 300 || !strings.HasSuffix(l.Agent, "é") {
		t.Errorf("%d bytes, %v", len(l.Agent), err)
	}
}

func TestEndLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.logIn("a", "bob")
	w.clock.Advance(time.Minute)
	w.logIn("b", "bob")
	note := store.Put(store.Encode("note/1", "x", "ended", time.Time{}), store.IfAbsent())
	expectError(t, "ending", w.EndLogin(t.Context(), "a", note), nil)
	expect(t, "what is left", w.logins("bob", 50), "b")
	_, err := w.Login(t.Context(), "a")
	expectError(t, "reading what ended", err, store.ErrNotFound)
	if _, err := w.store.Get(t.Context(), "note/1", "x"); err != nil {
		t.Errorf("what was to be written with it: %v", err)
	}
	expectError(t, "ending again", w.EndLogin(t.Context(), "a"), store.ErrNotFound)
	expectError(t, "with what cannot be written", w.EndLogin(t.Context(), "b", note), store.ErrConflict)
	expect(t, "it is there", w.logins("bob", 50), "b")
}

func TestGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("1", "bob", "app", "mcp://a")
	w.give("2", "bob", "app", "mcp://b")
	w.give("3", "bob", "app2", "mcp://a")
	w.give("4", "alice", "app", "mcp://a")
	w.give("5", "bob", "app", "mcp://a")
	w.give("6", "bob", "https://apps.example/1/", "mcp://a")
	for _, limit := range []int{0, 1, 2, 200} {
		expect(t, "of bob", w.grantsOf("bob", limit), "1 5 2 3 6")
		expect(t, "of alice", w.grantsOf("alice", limit), "4")
		expect(t, "for app", w.grantsFor("app", limit), "1 2 4 5")
		expect(t, "for a URL", w.grantsFor("https://apps.example/1/", limit), "6")
		expect(t, "for the beginning of a URL", w.grantsFor("https://apps.example", limit), "")
	}
	expect(t, "under a consent", w.grantsUnder("bob", "app", "mcp://a"), "1 5")
	expect(t, "under none", w.grantsUnder("bob", "app", "mcp://"), "")
	expect(t, "ids that cannot be", w.grantsOf(strings.Repeat("x", 600), 1)+w.grantsFor(strings.Repeat("x", 600), 1)+
		w.grantsUnder("bob", strings.Repeat("x", 600), "x"), "")

	g, err := w.Grant(t.Context(), "1")
	if err != nil || g.ID != "1" || g.UserID != "bob" || g.ClientID != "app" || g.Server != "mcp://a" || len(g.Scopes) != 2 || !g.LastUsed.Equal(w.clock.Now()) {
		t.Errorf("%+v, %v", g, err)
	}
	for _, id := range []string{"nothing", "", strings.Repeat("x", 600)} {
		_, err := w.Grant(t.Context(), id)
		expectError(t, "an unknown grant", err, store.ErrNotFound)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("1", "bob", "app", "mcp://a")
	w.clock.Advance(time.Hour)
	expectError(t, "a refresh", w.refresh("1-0", "1-1"), nil)
	token, err := w.RefreshToken(t.Context(), "1-0")
	if err != nil || !token.Value.Rotated.Equal(w.clock.Now()) {
		t.Errorf("the token before: %+v, %v", token, err)
	}
	if token, err = w.RefreshToken(t.Context(), "1-1"); err != nil || !token.Value.Rotated.IsZero() || token.Value.GrantID != "1" {
		t.Errorf("the next token: %+v, %v", token, err)
	}
	for name, read := range map[string]func() (access.Page[access.Grant], error){
		"of the user":  func() (access.Page[access.Grant], error) { return w.GrantsOf(t.Context(), "bob", access.Query{}) },
		"for a client": func() (access.Page[access.Grant], error) { return w.GrantsFor(t.Context(), "app", access.Query{}) },
	} {
		if page, err := read(); err != nil || len(page.Items) != 1 || !page.Items[0].LastUsed.Equal(w.clock.Now()) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	expectError(t, "an unknown token", w.refresh("nothing", "x"), store.ErrNotFound)
	expectError(t, "the grant ends", w.EndGrant(t.Context(), "1"), nil)
	expectError(t, "a refresh of it", w.refresh("1-1", "1-2"), store.ErrNotFound)
}

// Of many who rotate one token, or end its grant meanwhile, one wins; a grant that ended is not brought back.
func TestRotateRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("1", "bob", "app", "mcp://a")
	token, err := w.RefreshToken(t.Context(), "1-0")
	if err != nil {
		t.Fatal(err)
	}
	family, err := w.GrantRecord(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = w.store.Write(t.Context(), w.Rotate(family, token, "1-0", "1-1")...) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			expectError(t, "a loser", err, store.ErrConflict)
		}
	}
	if won != 1 {
		t.Errorf("%d have won", won)
	}

	if token, err = w.RefreshToken(t.Context(), "1-1"); err != nil {
		t.Fatal(err)
	}
	if family, err = w.GrantRecord(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	expectError(t, "ending", w.EndGrant(t.Context(), "1"), nil)
	expectError(t, "a refresh that had begun", w.store.Write(t.Context(), w.Rotate(family, token, "1-1", "1-2")...), store.ErrConflict)
	expect(t, "what is left", w.grantsOf("bob", 50)+w.grantsFor("app", 50), "")
}

// A grant is there as long as it can be refreshed, and vanishes from the lists with that.
func TestGrantsExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const day = 24 * time.Hour
	w.give("unused", "bob", "app", "mcp://a")
	w.give("used", "bob", "app", "mcp://a")
	for n := range 4 {
		w.clock.Advance(20 * day)
		expectError(t, "a refresh", w.refresh(fmt.Sprintf("used-%d", n), fmt.Sprintf("used-%d", n+1)), nil)
	}
	expect(t, "after 80 days", w.grantsOf("bob", 50)+","+w.grantsFor("app", 50), "used,used")
	w.clock.Advance(10*day - time.Second)
	expect(t, "just before 90 days", w.grantsOf("bob", 50), "used")
	w.clock.Advance(time.Second)
	expect(t, "after 90 days", w.grantsOf("bob", 50)+w.grantsFor("app", 50), "")
	_, err := w.Grant(t.Context(), "used")
	expectError(t, "after 90 days", err, store.ErrNotFound)
}

func TestEndMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := func() {
		for i := range 30 {
			w.logIn(fmt.Sprintf("login-%02d", i), "bob")
			w.give(fmt.Sprintf("a%02d", i), "bob", "app", "mcp://a")
		}
		w.give("b", "bob", "app", "mcp://b")
		w.give("c", "bob", "app2", "mcp://a")
		w.give("d", "alice", "app", "mcp://a")
	}
	count := func(what string, n int, err error, want int) {
		t.Helper()
		if n != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", what, n, err, want)
		}
	}
	begin()
	n, err := w.EndGrantsOf(t.Context(), "bob", "app", "mcp://a")
	count("of one consent", n, err, 30)
	expect(t, "left of bob", w.grantsOf("bob", 50), "b c")
	expect(t, "left for app", w.grantsFor("app", 50), "b d")
	n, err = w.EndGrantsOf(t.Context(), "bob", "app", "")
	count("of one client", n, err, 1)
	n, err = w.EndGrantsOf(t.Context(), strings.Repeat("x", 600), "app", "")
	count("of nobody", n, err, 0)
	n, err = w.EndGrantsFor(t.Context(), "app")
	count("for a client", n, err, 1)
	expect(t, "left", w.grantsOf("bob", 50)+w.grantsOf("alice", 50), "c")
	n, err = w.EndLoginsOf(t.Context(), "bob", "login-07")
	count("logins but one", n, err, 29)
	expect(t, "logins left", w.logins("bob", 50), "login-07")
	logins, grants, err := w.EndAllOf(t.Context(), "bob")
	count("all logins", logins, err, 1)
	count("all grants", grants, err, 1)
	_, err = w.Login(t.Context(), "login-07")
	expectError(t, "the last login", err, store.ErrNotFound)
}

// What is more than one call may end is ended by the next.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 600 {
		w.give(fmt.Sprint(i), fmt.Sprintf("user-%d", i), "app", "mcp://a")
	}
	first, err := w.EndGrantsFor(t.Context(), "app")
	expectError(t, "the first call", err, access.ErrUnfinished)
	second, err := w.EndGrantsFor(t.Context(), "app")
	expectError(t, "the second call", err, nil)
	if first < 400 || first > 500 || first+second != 600 {
		t.Errorf("%d and %d", first, second)
	}
}

func TestQueryIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("1", "bob", "app", "mcp://a")
	for _, c := range []struct {
		field string
		q     access.Query
	}{
		{"limit", access.Query{Limit: -1}}, {"limit", access.Query{Limit: 201}},
		{"cursor", access.Query{Cursor: "x"}}, {"cursor", access.Query{Cursor: "."}}, {"cursor", access.Query{Cursor: "AA.\x00"}},
		{"cursor", access.Query{Cursor: "OQ.x"}}, // of a shard that is not
	} {
		_, of := w.GrantsOf(t.Context(), "bob", c.q)
		_, for_ := w.GrantsFor(t.Context(), "app", c.q)
		_, logins := w.LoginsOf(t.Context(), "bob", c.q)
		for _, err := range []error{of, for_, logins} {
			var wrong *access.QueryError
			if !errors.As(err, &wrong) || wrong.Field != c.field {
				t.Errorf("%+v: %v", c.q, err)
			}
		}
	}
}

// No partition holds all grants of a client that everybody uses.
func TestClientIndexIsSpread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 200 {
		w.give(fmt.Sprintf("grant-%d", i), fmt.Sprintf("user-%d", i), "app", "mcp://a")
	}
	for n := range 8 {
		page, err := w.store.List(t.Context(), store.Query{Partition: fmt.Sprintf("access/client/app/%d", n), Limit: 200})
		if err != nil || len(page.Items) < 5 || len(page.Items) > 75 {
			t.Errorf("partition %d holds %d of 200, %v", n, len(page.Items), err)
		}
	}
}
