package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The README's table of cold starts is what scripts/coldstart wrote last, and what the README says of its goals follows from it.
func TestReadmeColdStarts(t *testing.T) {
	raw, err := os.ReadFile("../../shared/web/lambda/coldstart/results.json")
	if err != nil {
		t.Fatal(err)
	}
	var results struct {
		Date, Commit, Machine string
		Functions             []struct {
			Name                     string
			Millis, Minimal, Reading float64
			Zipped                   int64
		}
	}
	if err := json.Unmarshal(raw, &results); err != nil {
		t.Fatal(err)
	}
	if results.Date == "" || results.Commit == "" || results.Machine == "" {
		t.Errorf("nobody knows when and where this was measured: %+v", results)
	}
	var want, missed []string
	for _, f := range results.Functions {
		name := strings.ReplaceAll(f.Name, "`", "")
		want = append(want, fmt.Sprintf("%s %.1f ms %.1f× %.1f× %.1f MB", name, f.Millis, f.Minimal, f.Reading, float64(f.Zipped)/1e6))
		if strings.Contains(name, " ") { // a yardstick, or what is not a first answer
			continue
		}
		goal := 2.5
		if name == "jwks" {
			goal = 2
		}
		if f.Minimal > goal+0.05 { // as the table rounds it
			missed = append(missed, name)
		}
	}
	var got []string
	for _, row := range readmeTable(t, "Function", "First answer", "Against minimal", "Against reading", "Zipped") {
		got = append(got, strings.Join(row, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the README says\n%s\nand was measured\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(missed) > 0 {
		t.Errorf("these miss their goal: %v; the README says that all reach it", missed)
	}
}
