package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Many write together into a file that is nearly full, some too much, some with a conflict that comes to light when half is done, some with a
// context that ends meanwhile. What each was answered is so, in the memory and in the file; what was refused left nothing.
func TestTogetherOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	open := func() *DB {
		db, err := Open(t.Context(), path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	db, file := open(), open().WithoutCache()
	w, err := db.writer.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.ExecContext(t.Context(), "PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	db.writer.give(w)
	item := func(sort, body string) store.Item {
		return store.Item{Partition: "p", Sort: sort, Body: []byte(body)}
	}
	if err := db.Write(t.Context(), store.Put(item("there", "{}"), store.Always())); err != nil {
		t.Fatal(err)
	}
	var written, full, halves, ended atomic.Int64
	stop := time.Now().Add(time.Second)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			key := fmt.Sprint("n", i)
			var is store.Item // version 0: none
			for n := 0; time.Now().Before(stop) && !t.Failed(); n++ {
				next := item(key, fmt.Sprintf("%d %s", n, strings.Repeat("x", rand.IntN(40_000))))
				condition := store.IfAbsent()
				if is.Version > 0 {
					condition = store.IfVersion(is.Version)
				}
				ops := []store.Op{store.Put(next, condition)}
				half := rand.IntN(6) == 0
				if half {
					ops = append(ops, store.Put(item("there", "{}"), store.IfAbsent()))
				}
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(4) == 0 {
					time.AfterFunc(rand.N(2*time.Millisecond), cancel)
				}
				next.Version = is.Version + 1
				err := db.Write(ctx, ops...)
				cancel()
				switch {
				case err == nil && !half:
					written.Add(1)
					is = next
				case errors.Is(err, store.ErrUnavailable):
					full.Add(1)
				case errors.Is(err, store.ErrConflict) && half:
					halves.Add(1)
				case errors.Is(err, context.Canceled): // nobody knows, until who had it in hand is done
					ended.Add(1)
					if err := db.Write(t.Context(), store.Check("p", "none", store.IfAbsent())); err != nil && !errors.Is(err, store.ErrUnavailable) {
						t.Error(err)
					}
					if got, _ := file.Get(t.Context(), "p", key); !half && got.Version == next.Version && string(got.Body) == string(next.Body) {
						is = next
					}
				default:
					t.Errorf("%s at version %d: %v (half: %t)", key, is.Version, err, half)
				}
				for name, s := range map[string]*DB{"memory": db, "file": file} {
					got, err := s.Get(t.Context(), "p", key)
					if got.Version != is.Version || string(got.Body) != string(is.Body) || (is.Version == 0) != errors.Is(err, store.ErrNotFound) {
						t.Errorf("%s: the %s has version %d, answered was %d, %v", key, name, got.Version, is.Version, err)
					}
				}
			}
		})
	}
	all.Wait()
	if written.Load() == 0 || full.Load() == 0 || halves.Load() == 0 || ended.Load() == 0 {
		t.Errorf("%d were written, %d found the disk full, %d had a conflict, %d ended before", written.Load(), full.Load(), halves.Load(), ended.Load())
	}
}
