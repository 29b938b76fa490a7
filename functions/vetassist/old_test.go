package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A database that an older program wrote, with records as they were then, is taken over: the story works on it, and what was in it is there.
// schema-1.db was made by the first version that was published, on the day of the tests' clock: the demo, Alice's login and consent, and her
// appointment for Luna. The others are the same in the next schemas. Its keys sign nothing but tests.
func TestOldDatabases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/store/sqlite/testdata/schema-*.db")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no old databases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(o *Options) {
				onFile(t)(o)
				if err := os.WriteFile(o.DB, text, 0o600); err != nil {
					t.Fatal(err)
				}
			})
			if n := w.appointmentsAt("2026-12-03", "11:00"); n != 1 {
				t.Errorf("Luna has %d appointments, of the one that Alice made", n)
			}
			w.forget("bob")
			story(w, nextTuesday)
		})
	}
}
