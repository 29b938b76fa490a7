package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

func memory(t *testing.T, now func() time.Time) store.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), ":memory:", now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A split store is a store, on either side.
func TestSplitContract(t *testing.T) {
	for name, prefix := range map[string]string{"main": "elsewhere/", "aside": ""} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
				return store.Split(memory(t, now), memory(t, now), prefix)
			})
		})
	}
}

func TestSplit(t *testing.T) {
	main, aside := memory(t, time.Now), memory(t, time.Now)
	s := store.Split(main, aside, "trace/")
	put := func(partition string) store.Op {
		return store.Put(store.Item{Partition: partition, Sort: "a", Body: []byte(`{}`)}, store.Always())
	}
	for partition, side := range map[string]store.Store{"trace/flow": aside, "trace": main, "user/bob": main, "x/trace/": main} {
		if err := s.Write(t.Context(), put(partition)); err != nil {
			t.Fatal(err)
		}
		for _, one := range []store.Store{main, aside} {
			if _, err := one.Get(t.Context(), partition, "a"); (err == nil) != (one == side) {
				t.Errorf("%s: %v in the main store %v", partition, err, one == main)
			}
		}
		page, err := s.List(t.Context(), store.Query{Partition: partition})
		if _, got := s.Get(t.Context(), partition, "a"); got != nil || err != nil || len(page.Items) != 1 {
			t.Errorf("%s: %v, %v, %v", partition, got, page, err)
		}
	}
	if err := s.Write(t.Context(), put("user/eve"), put("trace/eve")); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("one Write over two stores: %v", err)
	}
	if _, err := main.Get(t.Context(), "user/eve", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("half of it was written: %v", err)
	}
}
