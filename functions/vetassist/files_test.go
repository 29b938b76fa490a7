package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// TestFiles: what the recorder writes is in a file of its own, which is as private as the database, and goes with it.
func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	item := func(partition string) store.Op {
		return store.Put(store.Item{Partition: partition, Sort: "a", Body: []byte(`{}`)}, store.Always())
	}
	has := func() (user, flow bool) {
		t.Helper()
		db, closeFiles, err := openFile(t.Context(), path, "", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		_, noUser := db.Get(t.Context(), "user/bob", "a")
		_, noFlow := db.Get(t.Context(), "trace/flow", "a")
		for _, op := range []store.Op{item("user/bob"), item("trace/flow")} {
			if err := db.Write(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) < 4 { // each with its write-ahead log
			t.Errorf("the files are %v, %v", files, err)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", f, info.Mode(), err)
			}
		}
		if err := closeFiles(); err != nil {
			t.Fatal(err)
		}
		return noUser == nil, noFlow == nil
	}
	remove := func(file string) {
		t.Helper()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		before     string
		do         func()
		user, flow bool
	}{
		{"nothing", func() {}, false, false},
		{"a stop", func() {}, true, true},
		{"the flows deleted", func() { remove(path + "-flows") }, true, false},
		{"the database deleted: the flows of its people go, too", func() { remove(path) }, false, false},
	} {
		c.do()
		if user, flow := has(); user != c.user || flow != c.flow {
			t.Errorf("after %s: a user %v, a flow %v", c.before, user, flow)
		}
	}
}

// What the setting makes of the file; package sqlite proves what that means.
func TestDurability(t *testing.T) {
	for durability, want := range map[string][]sqlite.Option{"": nil, config.DurabilityNormal: nil, config.DurabilityFull: {sqlite.Full}} {
		if got := fileOptions(durability); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", durability, got, want)
		}
	}
}
