package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeBench: what the README says of speed is what scripts/bench measured last.
func TestReadmeBench(t *testing.T) {
	read := func(path ...string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	summary, _, found := strings.Cut(read("scripts", "bench", "results.md"), "\n*Ratio*")
	if !found || !strings.Contains(summary, "| Work |") {
		t.Fatal("results.md does not begin with the README's table")
	}
	_, rest, _ := strings.Cut(read("README.md"), "<!-- scripts/bench/run writes this -->\n")
	if got, _, _ := strings.Cut(rest, "<!-- as far as here -->"); got != summary {
		t.Errorf("the README's table is not that of scripts/bench/results.md; scripts/bench/run tables writes it anew. It is\n%s", got)
	}
}
