package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// There is a file of every schema that there was, and each comes to be what the newest is.
func TestMigrations(t *testing.T) {
	want := schemaOf(t, filepath.Join(t.TempDir(), "new.db"))
	for n := 1; n <= len(migrations); n++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.db", n))
		if err != nil {
			t.Fatal(err)
		}
		if got := int(text[63]); got != n { // the last byte of user_version (SQLite, Database File Format §1.3)
			t.Errorf("schema-%d.db has the schema %d", n, got)
		}
		path := filepath.Join(t.TempDir(), "old.db")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := schemaOf(t, path); got != want {
			t.Errorf("a file of schema %d becomes\n%s\nand a new one is\n%s", n, got, want)
		}
	}
}

// schemaOf opens a file, and says what is in it then.
func schemaOf(t *testing.T, path string) string {
	t.Helper()
	db, err := Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var version, text string
	if err := raw.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	const all = "SELECT group_concat(sql, ';' ORDER BY name) FROM sqlite_schema"
	if err := raw.QueryRowContext(t.Context(), all).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return "schema " + version + "\n" + text
}

// What somebody has made of the items in an older file, to look at them, is there in the new one.
func TestMigrationsKeepViews(t *testing.T) {
	for n := 1; n <= len(migrations); n++ {
		path := filepath.Join(t.TempDir(), "old.db")
		text, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.db", n))
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := raw.ExecContext(t.Context(), "CREATE VIEW mine AS SELECT body FROM items"); err != nil {
			t.Fatal(err)
		}
		var before, after int
		if err := raw.QueryRowContext(t.Context(), "SELECT count(*) FROM mine").Scan(&before); err != nil || before == 0 {
			t.Fatal(before, err)
		}
		schemaOf(t, path)
		if err := raw.QueryRowContext(t.Context(), "SELECT count(*) FROM mine").Scan(&after); err != nil || after != before {
			t.Errorf("schema %d: the view shows %d of %d items, %v", n, after, before, err)
		}
	}
}

// A database that has no more room refuses to write and says why, reads on, and writes again when there is room.
func TestFull(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "v.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	limit := func(pages int) {
		t.Helper()
		w, err := db.writer.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.writer.give(w)
		if _, err := w.pool.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	item := func(n int) store.Item {
		return store.Item{Partition: "test/full", Sort: fmt.Sprintf("%04d", n), Body: []byte(`"` + strings.Repeat("x", 2000) + `"`)}
	}
	limit(30)
	kept := 0
	for err == nil && kept < 100 {
		if err = db.Write(t.Context(), store.Put(item(kept), store.IfAbsent()), store.Put(item(1000+kept), store.IfAbsent())); err == nil {
			kept++
		}
	}
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "the disk is full") || kept == 0 {
		t.Fatalf("after %d: %v", kept, err)
	}
	for _, n := range []int{kept, 1000 + kept} {
		if _, err := db.Get(t.Context(), "test/full", item(n).Sort); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of the Write that had no room: %v", err)
		}
	}
	limit(1000)
	if err := db.Write(t.Context(), store.Put(item(kept), store.IfAbsent())); err != nil {
		t.Errorf("with room again: %v", err)
	}
	for n := range kept + 1 {
		if got, err := db.Get(t.Context(), "test/full", item(n).Sort); err != nil || got.Version != 1 {
			t.Errorf("%d: %v %v", n, got.Version, err)
		}
	}
}
