package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	const (
		good    = `[{"id":"a","status":"SUCCESS"},{"id":"b","status":"INFO"}]`
		bad     = `[{"id":"a","status":"SUCCESS"},{"id":"b","status":"FAILURE","errorMessage":"broken"}]`
		excused = "run:\n  - reason: because\n    checks: [\"one:b\"]\n"
	)
	for _, c := range []struct {
		what, expected string
		results        map[string]string // by scenario
		says           string            // in what is printed or the error; empty: all is well
	}{
		{"all good", "run: []", map[string]string{"one": good, "auth/two": good}, ""},
		{"an unexpected failure", "run: []", map[string]string{"one": bad}, "FAILURE one:b"},
		{"a warning", "run: []", map[string]string{"one": strings.Replace(bad, "FAILURE", "WARNING", 1)}, "WARNING one:b"},
		{"a skipped check", "run: []", map[string]string{"one": strings.Replace(bad, "FAILURE", "SKIPPED", 1)}, "SKIPPED one:b"},
		{"an expected failure", excused, map[string]string{"one": bad}, ""},
		{"a whole scenario", strings.Replace(excused, "one:b", "one", 1), map[string]string{"one": bad}, ""},
		{"an expected failure that passes", excused, map[string]string{"one": strings.Replace(bad, "FAILURE", "SUCCESS", 1)}, "does not (any more): one:b"},
		{"an expected failure that is gone", excused, map[string]string{"two": good}, "does not (any more): one:b"},
		{"no reason", "run:\n  - checks: [\"one:b\"]\n", map[string]string{"one": bad}, "has a reason"},
		{"an unknown run", "other: []", map[string]string{"one": good}, "no run"},
		{"nothing ran", "run: []", nil, "not one check"},
		{"a named scenario that did not run", "run: []", map[string]string{"two": good}, "no results: three"},
		{"a scenario that did not run", "run: []", map[string]string{"two": good}, "no results: one"},
	} {
		dir := t.TempDir()
		write := func(name, content string) string {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			return file
		}
		for scenario, checks := range c.results {
			prefix := "server-"
			if strings.Contains(scenario, "/") {
				prefix = ""
			}
			write("results/"+prefix+scenario+"-2026-07-28T12-00-00-000Z/checks.json", checks)
		}
		if len(c.results) == 0 {
			write("results/empty", "")
		}
		args := []string{"-run", "run"}
		if c.what == "a scenario that did not run" {
			args = append(args, "-requirements", write("requirements.yaml", "server: [two]\nnot_scored: [{scenario: one, leg: server}, {scenario: three, leg: client}]\n"))
		}
		if c.what == "a named scenario that did not run" {
			args = append(args, "-scenarios", "two three")
		}
		var out strings.Builder
		err := run(append(args, write("expected.yaml", c.expected), filepath.Join(dir, "results")), &out)
		said := out.String()
		if err != nil {
			said += err.Error()
		}
		if (err != nil) != (c.says != "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: %v\n%s", c.what, err, said)
		}
	}
}
