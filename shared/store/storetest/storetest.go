// Package storetest is the storage contract as tests: one suite that every engine passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Clock is a clock that a test moves by hand.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock starts at a fixed, unremarkable moment.
func NewClock() *Clock { return &Clock{t: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Run holds an engine to the contract. open returns an empty store that reads the given clock; the test's
// cleanup closes it.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store, *Clock){
		"Get":                 testGet,
		"Versions":            testVersions,
		"Conditions":          testConditions,
		"AllOrNothing":        testAllOrNothing,
		"Expiry":              testExpiry,
		"List":                testList,
		"ListPages":           testListPages,
		"ListLarge":           testListLarge,
		"ListBehindExpired":   testListBehindExpired,
		"ListWhileWriting":    testListWhileWriting,
		"LargestWrite":        testLargestWrite,
		"Invalid":             testInvalid,
		"Bodies":              testBodies,
		"OneWinner":           testOneWinner,
		"NoLostUpdate":        testNoLostUpdate,
		"TransferKeepsTheSum": testTransfer,
		"Cancelled":           testCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(t, open(t, clock.Now), clock)
		})
	}
}

func item(sort, body string) store.Item {
	return store.Item{Partition: "test/1", Sort: sort, Body: []byte(body)}
}

func write(t *testing.T, s store.Store, ops ...store.Op) {
	t.Helper()
	if err := s.Write(t.Context(), ops...); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func get(t *testing.T, s store.Store, sort string) store.Item {
	t.Helper()
	it, err := s.Get(t.Context(), "test/1", sort)
	if err != nil {
		t.Fatalf("get %q: %v", sort, err)
	}
	return it
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func testGet(t *testing.T, s store.Store, clock *Clock) {
	_, err := s.Get(t.Context(), "test/1", "a")
	wantErr(t, "get of what was never written", err, store.ErrNotFound)

	until := clock.Now().Add(time.Hour)
	write(t, s, store.Put(store.Item{Partition: "test/1", Sort: "a", Expires: until, Body: []byte(`{"n":1}`)}, store.IfAbsent()))
	got := get(t, s, "a")
	if got.Partition != "test/1" || got.Sort != "a" || string(got.Body) != `{"n":1}` || got.Version != 1 || !got.Expires.Equal(until) {
		t.Errorf("got %+v", got)
	}
	_, err = s.Get(t.Context(), "test/2", "a")
	wantErr(t, "get from another partition", err, store.ErrNotFound)

	write(t, s, store.Delete("test/1", "a", store.Always()))
	_, err = s.Get(t.Context(), "test/1", "a")
	wantErr(t, "get of what was deleted", err, store.ErrNotFound)
	write(t, s, store.Delete("test/1", "a", store.Always())) // deleting nothing is no error
}

func testVersions(t *testing.T, s store.Store, _ *Clock) {
	for want := int64(1); want <= 5; want++ {
		write(t, s, store.Put(item("a", `{}`), store.Always()))
		if got := get(t, s, "a").Version; got != want {
			t.Fatalf("version %d after write %d", got, want)
		}
	}
	write(t, s, store.Check("test/1", "a", store.IfVersion(5)))
	if got := get(t, s, "a").Version; got != 5 {
		t.Errorf("a check moved the version to %d", got)
	}
}

func testConditions(t *testing.T, s store.Store, _ *Clock) {
	const there, missing = "there", "missing"
	kinds := map[string]func(sort string, c store.Condition) store.Op{
		"put":    func(sort string, c store.Condition) store.Op { return store.Put(item(sort, `{}`), c) },
		"delete": func(sort string, c store.Condition) store.Op { return store.Delete("test/1", sort, c) },
		"check":  func(sort string, c store.Condition) store.Op { return store.Check("test/1", sort, c) },
	}
	for _, c := range []struct {
		name      string
		condition store.Condition
		sort      string
		ok        bool
	}{
		{"always, there", store.Always(), there, true},
		{"always, missing", store.Always(), missing, true},
		{"absent, there", store.IfAbsent(), there, false},
		{"absent, missing", store.IfAbsent(), missing, true},
		{"present, there", store.IfPresent(), there, true},
		{"present, missing", store.IfPresent(), missing, false},
		{"right version", store.IfVersion(2), there, true},
		{"older version", store.IfVersion(1), there, false},
		{"newer version", store.IfVersion(3), there, false},
		{"a version of what is missing", store.IfVersion(1), missing, false},
		{"version zero of what is missing", store.IfVersion(0), missing, false},
	} {
		for kind, op := range kinds {
			write(t, s, store.Delete("test/1", missing, store.Always()), store.Delete("test/1", there, store.Always()))
			write(t, s, store.Put(item(there, `{}`), store.IfAbsent()))
			write(t, s, store.Put(item(there, `{}`), store.IfPresent()))
			err := s.Write(t.Context(), op(c.sort, c.condition))
			if c.ok && err != nil {
				t.Errorf("%s %s: %v", kind, c.name, err)
			}
			if !c.ok {
				wantErr(t, kind+" "+c.name, err, store.ErrConflict)
			}
		}
	}
}

func testAllOrNothing(t *testing.T, s store.Store, _ *Clock) {
	write(t, s, store.Put(item("taken", `{}`), store.IfAbsent()), store.Put(item("old", `{"v":1}`), store.IfAbsent()))
	err := s.Write(t.Context(),
		store.Put(item("new", `{}`), store.IfAbsent()),
		store.Put(item("old", `{"v":2}`), store.Always()),
		store.Delete("test/1", "taken", store.IfVersion(7)),
	)
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) || conflict.Index != 2 {
		t.Errorf("got %v, want a conflict in operation 2", err)
	}
	_, err = s.Get(t.Context(), "test/1", "new")
	wantErr(t, "an item of a write that failed", err, store.ErrNotFound)
	if got := get(t, s, "old"); string(got.Body) != `{"v":1}` || got.Version != 1 {
		t.Errorf("a failed write changed %s, version %d", got.Body, got.Version)
	}

	var ops []store.Op
	for i := range store.MaxOps {
		ops = append(ops, store.Put(store.Item{Partition: fmt.Sprintf("test/p%d", i), Sort: "x", Body: []byte(`{}`)}, store.IfAbsent()))
	}
	write(t, s, ops...) // a write may span partitions
	for i := range store.MaxOps {
		if _, err := s.Get(t.Context(), fmt.Sprintf("test/p%d", i), "x"); err != nil {
			t.Errorf("partition %d: %v", i, err)
		}
	}
}

func testExpiry(t *testing.T, s store.Store, clock *Clock) {
	soon := clock.Now().Add(time.Minute)
	short := item("short", `{}`)
	short.Expires = soon
	write(t, s, store.Put(short, store.IfAbsent()), store.Put(item("long", `{}`), store.IfAbsent()))

	clock.Advance(59 * time.Second)
	get(t, s, "short")
	clock.Advance(time.Second) // from its very second on, it is gone
	_, err := s.Get(t.Context(), "test/1", "short")
	wantErr(t, "get of what expired", err, store.ErrNotFound)
	page, err := s.List(t.Context(), store.Query{Partition: "test/1"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Sort != "long" {
		t.Errorf("list shows %v, %v", page.Items, err)
	}
	wantErr(t, "check present of what expired", s.Write(t.Context(), store.Check("test/1", "short", store.IfPresent())), store.ErrConflict)
	wantErr(t, "put at version of what expired", s.Write(t.Context(), store.Put(short, store.IfVersion(1))), store.ErrConflict)
	ancient := item("ancient", `{}`)
	ancient.Expires = time.Unix(0, 0)
	write(t, s, store.Put(ancient, store.IfAbsent()))
	_, err = s.Get(t.Context(), "test/1", "ancient")
	wantErr(t, "get of what expired at the beginning of time", err, store.ErrNotFound)
	write(t, s, store.Put(item("short", `{"again":true}`), store.IfAbsent()))
	if got := get(t, s, "short"); string(got.Body) != `{"again":true}` || !got.Expires.IsZero() {
		t.Errorf("after expiry: %s until %v", got.Body, got.Expires)
	}
}

// largeOps are n puts of the largest body.
func largeOps(n int) (ops []store.Op) {
	for i := range n {
		ops = append(ops, store.Put(item(fmt.Sprintf("large/%02d", i), `"`+strings.Repeat("x", store.MaxBody-2)+`"`), store.IfAbsent()))
	}
	return ops
}

// testLargestWrite: the largest write goes through, over what was as large and back to nothing.
func testLargestWrite(t *testing.T, s store.Store, _ *Clock) {
	ops := largeOps(store.MaxWrite / store.MaxBody)
	write(t, s, ops...)
	for i := range ops {
		ops[i].Condition = store.IfVersion(1)
	}
	write(t, s, ops...)
	for i, op := range ops {
		ops[i] = store.Delete(op.Item.Partition, op.Item.Sort, store.IfVersion(2))
	}
	write(t, s, ops...)
}

func testInvalid(t *testing.T, s store.Store, _ *Clock) {
	long := strings.Repeat("x", store.MaxKey+1)
	for name, err := range map[string]error{
		"no operations":      s.Write(t.Context()),
		"empty partition":    s.Write(t.Context(), store.Check("", "a", store.Always())),
		"empty sort key":     s.Write(t.Context(), store.Check("test/1", "", store.Always())),
		"long key":           s.Write(t.Context(), store.Check("test/1", long, store.Always())),
		"key is not UTF-8":   s.Write(t.Context(), store.Check("test/1", "\xff", store.Always())),
		"empty body":         s.Write(t.Context(), store.Put(item("a", ""), store.Always())),
		"body too long":      s.Write(t.Context(), store.Put(item("a", strings.Repeat(" ", store.MaxBody+1)), store.Always())),
		"body not UTF-8":     s.Write(t.Context(), store.Put(item("a", "\"\xff\""), store.Always())),
		"bodies too long":    s.Write(t.Context(), largeOps(store.MaxWrite/store.MaxBody+1)...),
		"one key twice":      s.Write(t.Context(), store.Put(item("a", `{}`), store.Always()), store.Check("test/1", "a", store.Always())),
		"too many":           s.Write(t.Context(), make([]store.Op, store.MaxOps+1)...),
		"get without key":    second(s.Get(t.Context(), "test/1", "")),
		"list of nothing":    second(s.List(t.Context(), store.Query{})),
		"negative limit":     second(s.List(t.Context(), store.Query{Partition: "test/1", Limit: -1})),
		"limit too high":     second(s.List(t.Context(), store.Query{Partition: "test/1", Limit: store.MaxLimit + 1})),
		"cursor from nobody": second(s.List(t.Context(), store.Query{Partition: "test/1", Cursor: "%%%"})),
	} {
		wantErr(t, name, err, store.ErrInvalid)
	}
}

func second[T any](_ T, err error) error { return err }

func testBodies(t *testing.T, s store.Store, _ *Clock) {
	for i, body := range []string{
		`{}`, `null`, `"x"`, `[1,2.5e300,-0]`, `{"emoji":"🐶","nul":"\u0000","quote":"\"'\\"}`,
		`{"long":"` + strings.Repeat("é", 60_000) + `"}`, ` {"spaces" : 1 } `,
	} {
		sort := fmt.Sprintf("k%d'\"%%_\n🐱", i)
		write(t, s, store.Put(item(sort, body), store.IfAbsent()))
		if got := string(get(t, s, sort).Body); got != body {
			t.Errorf("wrote %.60q, read %.60q", body, got)
		}
	}
}

func testCancelled(t *testing.T, s store.Store, _ *Clock) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, store.Put(item("a", `{}`), store.Always())); err == nil {
		t.Error("a cancelled write answered without an error")
	}
	_, err := s.Get(t.Context(), "test/1", "a")
	wantErr(t, "after a cancelled write", err, store.ErrNotFound)
}
