package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// What was read ahead is what the first reader gets, and nobody else.
func TestAhead(t *testing.T) {
	first := store.Query{Partition: "policy/all", Prefix: "server/", Limit: 10}
	put := func(sort string) store.Op {
		return store.Put(store.Item{Partition: "policy/all", Sort: sort, Body: []byte(`{}`)}, store.Always())
	}
	for _, c := range []struct {
		name   string
		broken bool                          // the read ahead fails
		passes time.Duration                 // before anybody asks
		asks   func(store.Query) store.Query // nil: for that very list
		before func(store.Store) error       // somebody does this first
		sees   int                           // servers: 1 of what was read ahead, 2 of a fresh read
	}{
		{name: "at once", sees: 1},
		{name: "just in time", passes: time.Second - 1, sees: 1},
		{name: "a second later", passes: time.Second, sees: 2},
		{name: "by a clock that was set back", passes: -1, sees: 2},
		{name: "another list", asks: func(q store.Query) store.Query { q.Limit++; return q }, sees: 2},
		{name: "the second reader", before: func(s store.Store) error { return second(s.List(t.Context(), first)) }, sees: 2},
		{name: "who wrote before", before: func(s store.Store) error { return s.Write(t.Context(), put("role/new")) }, sees: 2},
		{name: "after a failure", broken: true, sees: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			db := storetest.Open(t, clock)
			if err := db.Write(t.Context(), put("server/one")); err != nil {
				t.Fatal(err)
			}
			watched := &watchedLists{Store: db, broken: c.broken, done: make(chan bool)}
			s := store.Ahead(watched, clock, first)
			<-watched.done
			if err := db.Write(t.Context(), put("server/two")); err != nil { // by another process
				t.Fatal(err)
			}
			if c.before != nil {
				if err := c.before(s); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(c.passes)
			q := first
			if c.asks != nil {
				q = c.asks(q)
			}
			page, err := s.List(t.Context(), q)
			if err != nil || len(page.Items) != c.sees {
				t.Errorf("%d servers, want %d: %v", len(page.Items), c.sees, err)
			}
		})
	}
}

// Who gives up does not wait for what is being read ahead.
func TestAheadGivenUp(t *testing.T) {
	hold := make(chan bool)
	defer close(hold)
	s := store.Ahead(heldLists{hold}, time.Now, store.Query{Partition: "policy/all"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.List(ctx, store.Query{Partition: "policy/all"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// watchedLists tells when the first list has been read; broken, that one fails.
type watchedLists struct {
	store.Store
	broken bool
	done   chan bool // closed
	first  sync.Once
}

func (w *watchedLists) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := w.Store.List(ctx, q)
	w.first.Do(func() {
		if w.broken {
			page, err = store.Page{}, store.ErrBusy
		}
		close(w.done)
	})
	return page, err
}

// heldLists answers when its caller has given up, or at the end.
type heldLists struct{ hold chan bool }

func (h heldLists) List(ctx context.Context, _ store.Query) (store.Page, error) {
	select {
	case <-h.hold:
	case <-ctx.Done():
	}
	return store.Page{}, ctx.Err()
}

func (heldLists) Get(context.Context, string, string) (store.Item, error) {
	return store.Item{}, store.ErrNotFound
}

func (heldLists) Write(context.Context, ...store.Op) error { return store.ErrBusy }
