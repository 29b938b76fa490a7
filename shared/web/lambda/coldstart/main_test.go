package main

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Two functions that need no table: the least one, and one that opens itself as all of ours do.
func TestColdStart(t *testing.T) {
	sample := function{name: "sample", pkg: module + "shared/web/lambda/lambdatest/testdata/sample", method: "GET", target: "/count", status: http.StatusOK}
	env := []string{"SAMPLE_NEEDS=/", "VETASSIST_BASE_URL=https://vetassist.example.com"}
	var out bytes.Buffer
	if err := run(t.Context(), &out, []function{minimal, sample}, 3, env); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (.+) \| ([0-9.]+) ms \| ([0-9.]+)× \| ([0-9.]+) MB \|$`)
	rows := row.FindAllStringSubmatch(out.String(), -1)
	if len(rows) != 2 || rows[0][1] != minimal.name || rows[0][3] != "1.0" || rows[1][1] != "sample" {
		t.Fatalf("rows %q of\n%s", rows, &out)
	}
	for _, r := range rows {
		if r[2] == "0.0" || r[4] == "0.0" {
			t.Errorf("%s", r[0])
		}
	}

	// A wrong answer is no measurement.
	sample.status = http.StatusTeapot
	if err := run(t.Context(), &out, []function{sample}, 1, env); err == nil || !strings.Contains(err.Error(), "answered 200, not 418") {
		t.Errorf("%v", err)
	}
}
