package main

import (
	"net/http"
	"strings"
	"testing"
)

// Two functions that need no table: the least one, and one that opens itself as all of ours do.
func TestColdStart(t *testing.T) {
	sample := function{name: "sample", pkg: module + "shared/web/lambda/lambdatest/testdata/sample", method: "GET", target: "/count", status: http.StatusOK}
	env := []string{"SAMPLE_NEEDS=/", "VETASSIST_BASE_URL=https://vetassist.example.com"}
	rows, err := run(t.Context(), []function{minimal, sample}, 3, env)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Name != minimal.name || rows[0].Minimal != 1 || rows[1].Name != "sample" {
		t.Fatalf("%+v", rows)
	}
	for _, r := range rows {
		if r.Millis <= 0 || r.Minimal <= 0 || r.Zipped < 1e6 {
			t.Errorf("%+v", r)
		}
	}

	// A wrong answer is no measurement.
	sample.status = http.StatusTeapot
	if _, err := run(t.Context(), []function{sample}, 1, env); err == nil || !strings.Contains(err.Error(), "answered 200, not 418") {
		t.Errorf("%v", err)
	}
}
