package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// logged is how many pages the write-ahead log has.
func logged(t *testing.T, db *DB) int {
	t.Helper()
	pages, ok := db.cache.logged()
	if !ok {
		t.Fatal("the log's index cannot be read")
	}
	return pages
}

// The log is brought into the file beside those who write, however long they go on: it becomes short again and again, and is never long.
func TestCheckpoints(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "v.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	shorter, before := 0, 0
	const enough = 2
	n := 0
	for ; shorter < enough && n < 20*checkpointAfter; n += store.MaxOps {
		var ops []store.Op
		for i := range store.MaxOps {
			ops = append(ops, store.Put(store.Item{Partition: fmt.Sprint("test/", n), Sort: fmt.Sprint(i), Body: []byte(`"` + strings.Repeat("x", 2000) + `"`)}, store.IfAbsent()))
		}
		if err := db.Write(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
		now := logged(t, db)
		if now < before {
			shorter++
		}
		if before = now; now > 4*mostLogged { // one who writes all the time may go on while it is done
			t.Fatalf("after %d items the log has %d pages", n, now)
		}
	}
	if shorter < enough {
		t.Errorf("after %d items the log became short %d times, want %d", n, shorter, enough)
	}
	db.checkpoint()
	if err := db.Write(t.Context(), store.Put(store.Item{Partition: "test/last", Sort: "a", Body: []byte(`1`)}, store.IfAbsent())); err != nil {
		t.Fatal(err)
	}
	if now := logged(t, db); now > 10 {
		t.Errorf("after a checkpoint and a write the log has %d pages", now)
	}
	for i := 0; i < n; i += store.MaxOps {
		if _, err := db.Get(t.Context(), fmt.Sprint("test/", i), "0"); err != nil {
			t.Fatalf("item %d of %d: %v", i, n, err)
		}
	}
}
