package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeBreaks: each row of the README's table of what can break names a test that there is, and the words that it has people see are in the program.
func TestReadmeBreaks(t *testing.T) {
	tests, program := sources(t, "*_test.go"), sources(t, "*.go", "../../shared/store/sqlite/*.go")
	rows := readmeTable(t, "What happens", "What you see", "What to do", "Shown by")
	named := regexp.MustCompile(`Test\w+`)
	quoted := regexp.MustCompile(`"([^"]+)"`)
	for _, row := range rows {
		names := named.FindAllString(row[3], -1)
		if len(names) == 0 {
			t.Errorf("%s: it names no test", row[0])
		}
		for _, name := range names {
			if !strings.Contains(tests, "\nfunc "+name+"(t *testing.T) {") {
				t.Errorf("%s: there is no %s", row[0], name)
			}
		}
		for _, words := range quoted.FindAllStringSubmatch(row[1], -1) {
			if words[1] != "permission denied" && !strings.Contains(program, words[1]) { // which the system says
				t.Errorf("%s: nothing says %q", row[0], words[1])
			}
		}
	}
	if len(rows) < 10 {
		t.Errorf("only %d rows", len(rows))
	}
}

// sources are the texts of files, one after the other.
func sources(t *testing.T, patterns ...string) string {
	t.Helper()
	var all strings.Builder
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") != strings.HasSuffix(p, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
