package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

var restoredAt = time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)

// pair writes one item into each of two partitions, in one Write.
func pair(t *testing.T, db *sqlite.DB, n int) {
	t.Helper()
	a := store.Item{Partition: "test/a", Sort: fmt.Sprintf("%05d", n), Body: []byte(`{}`)}
	b := a
	b.Partition = "test/b"
	if err := db.Write(t.Context(), store.Put(a, store.IfAbsent()), store.Put(b, store.IfAbsent())); err != nil {
		t.Error(err)
	}
}

// count is how many items a partition of a file has.
func count(t *testing.T, path, partition string) (n int) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.QueryRow("SELECT count(*) FROM items WHERE partition = ?", partition).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A backup of a database that is being written to holds all that was answered before it began, and no half of a Write.
func TestBackupWhileWriting(t *testing.T) {
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "v.db"), time.Now)
	const before, all = 50, 400
	for i := range before {
		pair(t, db, i)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := before; i < all; i++ {
			pair(t, db, i)
		}
	})
	for i := range 5 {
		to := filepath.Join(dir, fmt.Sprint("copy", i))
		if err := sqlite.Backup(t.Context(), filepath.Join(dir, "v.db"), to, "", false); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has mode %v, %v", info.Mode(), err)
		}
		if a, b := count(t, to, "test/a"), count(t, to, "test/b"); a != b || a < before {
			t.Errorf("the copy holds %d and %d items", a, b)
		}
	}
	writing.Wait()
	left, err := filepath.Glob(filepath.Join(dir, "*.part-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What there was is there again, and what there is now is kept beside it.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	path, saved := filepath.Join(dir, "v.db"), filepath.Join(dir, "saved.db")
	db := open(t, path, time.Now)
	pair(t, db, 1)
	if err := sqlite.Backup(t.Context(), path, saved, "", false); err != nil {
		t.Fatal(err)
	}
	pair(t, db, 2)
	before, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := sqlite.Restore(t.Context(), saved, path, "", nil, restoredAt); err == nil || !strings.Contains(err.Error(), "stop that first") {
		t.Errorf("while it is open: %v", err)
	}
	if n := count(t, path, "test/a"); n != 2 {
		t.Errorf("a restore that was refused left %d items", n)
	}
	pair(t, db, 3) // and it goes on
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	kept, err := sqlite.Restore(t.Context(), saved, path, "", []string{"test/b"}, restoredAt)
	if err != nil || kept != path+"-before-20261128-093000" {
		t.Fatalf("%q, %v", kept, err)
	}
	if beside, err := filepath.Glob(kept + "-*"); err != nil || len(beside) > 0 {
		t.Errorf("beside what was there before lie %v, %v", beside, err)
	}
	again := open(t, path, time.Now)
	for file, want := range map[string][2]int{path: {1, 0}, kept: {3, 3}, saved: {1, 1}} { // of the restored one, test/b was to be left out
		if a, b := count(t, file, "test/a"), count(t, file, "test/b"); a != want[0] || b != want[1] {
			t.Errorf("%s holds %d and %d items, want %v", file, a, b, want)
		}
	}
	pair(t, again, 4)
	if after, err := os.ReadFile(saved); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the backup was changed: %v", err)
	}
	for _, file := range []string{path, kept} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
}

// Where no database is, a restore makes it; where there is one that SQLite cannot read, that is moved aside, and its log is not taken for the new one's.
func TestRestoreOverNothingAndOverDamage(t *testing.T) {
	dir := t.TempDir()
	path, saved := filepath.Join(dir, "v.db"), filepath.Join(dir, "saved.db")
	db := open(t, path, time.Now)
	pair(t, db, 1)
	if err := sqlite.Backup(t.Context(), path, saved, "", false); err != nil {
		t.Fatal(err)
	}
	if kept, err := sqlite.Restore(t.Context(), saved, filepath.Join(dir, "new.db"), "", nil, restoredAt); err != nil || kept != "" {
		t.Errorf("%q, %v", kept, err)
	}
	if n := count(t, filepath.Join(dir, "new.db"), "test/a"); n != 1 {
		t.Errorf("%d items", n)
	}

	damaged, junk := filepath.Join(dir, "damaged.db"), strings.Repeat("no database ", 1000)
	for file, text := range map[string]string{damaged: junk, damaged + "-wal": "no log"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := sqlite.Restore(t.Context(), saved, damaged, "", nil, restoredAt)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, damaged, "test/a"); n != 1 {
		t.Errorf("%d items", n)
	}
	if got, err := os.ReadFile(kept); err != nil || string(got) != junk {
		t.Errorf("%s holds %.20q, %v", kept, got, err)
	}
	if _, err := os.Stat(damaged + "-wal"); err == nil {
		t.Error("the log of the damaged one lies beside the restored one")
	}
}

// What is no sound backup of ours is refused before anything is touched, and so is what would be overwritten.
func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "v.db")
	db := open(t, path, time.Now)
	for i := range 300 {
		pair(t, db, i)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	other := open(t, filepath.Join(dir, "other.db"), time.Now)
	pair(t, other, 1)
	file := func(name string, text []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	for i := len(flipped) / 2; i < len(flipped)/2+4096; i++ {
		flipped[i] ^= 0xff
	}
	for from, want := range map[string]string{
		filepath.Join(dir, "none.db"): "no such file",
		dir:                           "is no file",
		file("empty.db", nil):         "another program",
		file("text.db", []byte("Dear diary, today")):                                 "or it was damaged",
		file("cut.db", good[:len(good)/2]):                                           "or it was damaged",
		file("flipped.db", flipped):                                                  "damaged",
		rawFile(t, dir, "foreign.db", "CREATE TABLE t (x); PRAGMA user_version = 1"): "another program",
		rawFile(t, dir, "newer.db", "PRAGMA user_version = 99"):                      "newer vetassist",
	} {
		before, _ := os.ReadFile(path)
		if _, err := sqlite.Restore(t.Context(), from, path, "", nil, restoredAt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("restore of %s: %v, want it to say %q", from, err, want)
		}
		if err := sqlite.Backup(t.Context(), from, filepath.Join(dir, "copy"), "", false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("backup of %s: %v, want it to say %q", from, err, want)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("a restore of %s that was refused changed the database", from)
		}
	}
	for to, want := range map[string]string{
		path:                              "the database itself",
		filepath.Join(dir, "other.db"):    "there already",
		filepath.Join(dir, "no", "where"): "Make it first",
	} {
		if err := sqlite.Backup(t.Context(), path, to, "", false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("backup to %s: %v, want it to say %q", to, err, want)
		}
	}
	if err := sqlite.Backup(t.Context(), path, path, "", true); err == nil {
		t.Error("a backup over the database itself")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*part*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// rawFile makes a file of SQLite by other means than ours.
func rawFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	raw, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = raw.Exec(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
