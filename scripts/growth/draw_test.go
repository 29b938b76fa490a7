package main

import (
	"encoding/json"
	"os"
	"testing"
)

// TestDrawn: table and plot are those of the figures that are kept here; go run ./scripts/growth -draw writes them anew.
func TestDrawn(t *testing.T) {
	b, err := os.ReadFile("results.json")
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"results.md": table(r), "growth.svg": plot(r)} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not what results.json says (%v)", file, err)
		}
	}
}
