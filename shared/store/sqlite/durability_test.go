package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// What PRAGMA synchronous says to each connection that writes. NORMAL is 1 and syncs at checkpoints; FULL is 2 and syncs the log at each
// commit (https://sqlite.org/pragma.html#pragma_synchronous).
func TestDurability(t *testing.T) {
	for name, c := range map[string]struct {
		options     []Option
		synchronous int
	}{
		"the default": {nil, 1},
		"full":        {[]Option{Full}, 2},
	} {
		db, err := Open(t.Context(), filepath.Join(t.TempDir(), "v.db"), time.Now, c.options...)
		if err != nil {
			t.Fatal(err)
		}
		var synchronous int
		var journal string
		w, err := db.writer.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.pool.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != c.synchronous {
			t.Errorf("%s: synchronous is %d, want %d, %v", name, synchronous, c.synchronous, err)
		}
		if err := w.pool.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&journal); err != nil || journal != "wal" {
			t.Errorf("%s: the journal is %s, %v", name, journal, err)
		}
		db.writer.give(w)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
