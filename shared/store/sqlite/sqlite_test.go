package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

func open(t *testing.T, path string, now func() time.Time) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestContractInFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		return open(t, filepath.Join(t.TempDir(), "odd name?#%.db"), now)
	})
}

func TestContractInMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store { return open(t, ":memory:", now) })
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "v.db"), nil, 0o644); err != nil { // made by somebody else
		t.Fatal(err)
	}
	db := open(t, filepath.Join(dir, "v.db"), time.Now)
	put(t, db, "a")
	var seen int
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen < 2 { // the database and its write-ahead log
		t.Errorf("saw %d files, %v", seen, err)
	}
}

func TestKeepsItsDataOverReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	first, err := sqlite.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	put(t, first, "a")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path, time.Now).Get(t.Context(), "test/1", "a"); err != nil {
		t.Error(err)
	}
}

func TestRefusesWhatItCannotOpen(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if info, err := os.Stat(garbage); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("a file that is none of ours was changed: %v, %v", info, err)
		}
	}()
	newer := filepath.Join(dir, "newer.db")
	raw, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	for path, want := range map[string]string{
		garbage:                                "not a database",
		newer:                                  "newer vetassist",
		filepath.Join(dir, "none", "there.db"): "no such file or directory",
		dir:                                    "is a directory",
	} {
		_, err := sqlite.Open(t.Context(), path, time.Now)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v, want it to say %q", path, err, want)
		}
	}
}

func TestSweepsWhatExpired(t *testing.T) {
	clock := storetest.NewClock()
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, path, clock.Now)
	for i := range 20 {
		it := store.Item{Partition: "test/1", Sort: fmt.Sprint("old", i), Body: []byte(`{}`), Expires: clock.Now().Add(time.Second)}
		if err := db.Write(t.Context(), store.Put(it, store.IfAbsent())); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Hour)
	for i := range 300 {
		put(t, db, fmt.Sprint("new", i))
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var left int
	if err := raw.QueryRow("SELECT count(*) FROM items WHERE sort LIKE 'old%'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d expired items are left, %v", left, err)
	}
}

// A file does not grow for ever with what lives for a day, also when much is written at once.
func TestSweepKeepsUp(t *testing.T) {
	clock := storetest.NewClock()
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, path, clock.Now)
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for day := range 4 {
		for i := range 100 {
			var ops []store.Op
			for j := range store.MaxOps {
				it := store.Item{Partition: "test/1", Sort: fmt.Sprint(day, "-", i, "-", j), Body: []byte(`{}`), Expires: clock.Now().Add(time.Hour)}
				ops = append(ops, store.Put(it, store.Always()))
			}
			if err := db.Write(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(24 * time.Hour)
		var left int
		if err := raw.QueryRow("SELECT count(*) FROM items").Scan(&left); err != nil || left > 100*store.MaxOps+1000 {
			t.Errorf("day %d: %d items, %v", day, left, err)
		}
	}
}

func TestKilled(t *testing.T) {
	storetest.RunCrash(t, func(ctx context.Context, location string, now func() time.Time) (store.Store, func() error, error) {
		db, err := sqlite.Open(ctx, location, now)
		if err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	})
}

func put(t *testing.T, db *sqlite.DB, sort string) {
	t.Helper()
	it := store.Item{Partition: "test/1", Sort: sort, Body: []byte(`{}`)}
	if err := db.Write(t.Context(), store.Put(it, store.Always())); err != nil {
		t.Fatal(err)
	}
}

// Whatever is written where, in time all that expired is gone, also what lies before the place where somebody writes.
func TestSweepGoesRound(t *testing.T) {
	clock := storetest.NewClock()
	path := filepath.Join(t.TempDir(), "v.db")
	db := open(t, path, clock.Now)
	for _, partition := range []string{"a", "m", "z"} {
		for i := range 300 {
			it := store.Item{Partition: partition, Sort: fmt.Sprint("old", i), Body: []byte(`{}`), Expires: clock.Now().Add(time.Second)}
			if err := db.Write(t.Context(), store.Put(it, store.IfAbsent())); err != nil {
				t.Fatal(err)
			}
		}
	}
	clock.Advance(time.Hour)
	for i := range 2000 {
		put(t, db, fmt.Sprint(i%10)) // in a partition between them
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var left int
	if err := raw.QueryRow("SELECT count(*) FROM items WHERE sort LIKE 'old%'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d expired items are left, %v", left, err)
	}
}

// A file does not grow for ever either where every process writes a little and ends.
func TestSweepOfShortProcesses(t *testing.T) {
	clock := storetest.NewClock()
	path := filepath.Join(t.TempDir(), "v.db")
	for day := range 60 {
		db, err := sqlite.Open(t.Context(), path, clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		var ops []store.Op
		for i := range store.MaxOps {
			it := store.Item{Partition: "test/1", Sort: fmt.Sprint(day, "-", i), Body: []byte(`{}`), Expires: clock.Now().Add(time.Hour)}
			ops = append(ops, store.Put(it, store.Always()))
		}
		if err := errors.Join(db.Write(t.Context(), ops...), db.Close()); err != nil {
			t.Fatal(err)
		}
		clock.Advance(24 * time.Hour)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var left int
	if err := raw.QueryRow("SELECT count(*) FROM items").Scan(&left); err != nil || left > 20*store.MaxOps {
		t.Errorf("%d items are left of days that have passed, %v", left, err)
	}
}
