package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Those who share a transaction share nothing else: each has its own conflict, also where it comes to light when half is done, and what one
// wrote is there for the conditions of the next.
func TestTogether(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "v.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	create := func(sort string) store.Op {
		return store.Put(store.Item{Partition: "p", Sort: sort, Body: []byte(`{}`)}, store.IfAbsent())
	}
	change := func(sort string, version int64) store.Op {
		return store.Put(store.Item{Partition: "p", Sort: sort, Body: []byte(`{}`)}, store.IfVersion(version))
	}
	if err := db.Write(t.Context(), create("there")); err != nil {
		t.Fatal(err)
	}
	var all []*pending
	writes := []struct {
		ops      []store.Op
		conflict int // index; -1: none
	}{
		{[]store.Op{create("a")}, -1},
		{[]store.Op{create("half"), create("there")}, 1}, // half done
		{[]store.Op{change("there", 1)}, -1},
		{[]store.Op{change("there", 1), create("late")}, 0}, // somebody before it was faster
		{[]store.Op{create("a")}, 0},
		{[]store.Op{change("a", 1), create("b")}, -1},
	}
	for _, w := range writes {
		all = append(all, &pending{w.ops, make(chan error, 1)})
	}
	w, err := db.writer.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db.writeAll(w, all)
	db.writer.give(w)
	for i, want := range writes {
		err := <-all[i].done
		var conflict *store.ConflictError
		if errors.As(err, &conflict) != (want.conflict >= 0) || conflict != nil && conflict.Index != want.conflict || conflict == nil && err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	for sort, version := range map[string]int64{"a": 2, "b": 1, "there": 2, "half": 0, "late": 0} {
		item, err := db.Get(t.Context(), "p", sort)
		if item.Version != version || (version == 0) != errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s is at version %d, want %d, %v", sort, item.Version, version, err)
		}
	}
}

// Whoever's write was carried out hears so, also where its time was over meanwhile.
func TestHearsOfWhatWasDone(t *testing.T) {
	end := func() {}
	db, err := Open(t.Context(), ":memory:", func() time.Time { end(); return time.Now() })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 50 { // select takes any
		ctx, cancel := context.WithCancel(t.Context())
		end = cancel
		err := db.Write(ctx, store.Put(store.Item{Partition: "p", Sort: "a", Body: []byte(`{}`)}, store.Always()))
		if cancel(); err != nil {
			t.Fatalf("it was written, and is answered with %v", err)
		}
	}
}
