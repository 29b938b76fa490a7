package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// What this process writes changes the number at once, and that of nobody else's partition, but for the few that share one.
func TestChangesHere(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "v.db"), time.Now)
	s := store.Restrict(store.Split(db, open(t, ":memory:", time.Now), "trace/"), "test/", "trace/")
	for _, partition := range []string{"test/1", "trace/1"} {
		before, ok := store.Changes(s, partition)
		if !ok {
			t.Fatal("it cannot tell")
		}
		if again, _ := store.Changes(s, partition); again != before {
			t.Errorf("%s: it changed by looking", partition)
		}
		if err := s.Write(t.Context(), store.Put(store.Item{Partition: partition, Sort: "a", Body: []byte(`{}`)}, store.Always())); err != nil {
			t.Fatal(err)
		}
		if after, _ := store.Changes(s, partition); after == before {
			t.Errorf("%s: a write changed nothing", partition)
		}
	}
	if _, ok := store.Changes(s, "user/bob"); ok {
		t.Error("it tells of a partition that is not allowed")
	}
	same := 0
	for _, partition := range []string{"test/2", "test/3", "test/4", "test/5"} {
		before, _ := store.Changes(s, partition)
		put(t, db, "b") // of test/1
		if after, _ := store.Changes(s, partition); after == before {
			same++
		}
	}
	if same == 0 {
		t.Error("what is written in one partition changes all others")
	}
}

var _ store.Watcher = (*sqlite.DB)(nil)
