//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// TestReadmeGrowth holds what the README says of growth to what scripts/growth measured.
func TestReadmeGrowth(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../scripts/growth/results.json")
	if err != nil {
		t.Fatal(err)
	}
	var measured struct {
		Date       string
		Sizes      []int
		Operations []grown
	}
	if err := json.Unmarshal(b, &measured); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, op := range operations() {
		names = append(names, op.name)
	}
	var times []float64
	worst, most := "", 0.0
	for _, g := range measured.Operations {
		n := g.Milliseconds[len(g.Milliseconds)-1] / g.Milliseconds[0]
		if times = append(times, n); n > most {
			worst, most = g.Name, n
		}
		if !slices.Contains(names, g.Name) {
			t.Errorf("%s was measured, and is none of ours any more", g.Name)
		}
	}
	if len(measured.Operations) != len(names) {
		t.Errorf("%d operations were measured, and there are %d", len(measured.Operations), len(names))
	}
	slices.Sort(times)
	readmeSays(t, fmt.Sprintf("%d operations", len(names)))
	if logarithm := math.Log(float64(measured.Sizes[len(measured.Sizes)-1])) / math.Log(float64(measured.Sizes[0])); most > logarithm {
		t.Errorf("%s takes %.1f times as long, which is more than the logarithm, %.0f", worst, most, logarithm)
	}
	readmeSays(t, fmt.Sprintf("Half of them took at most %.1f times as long", times[len(times)/2]))
	readmeSays(t, fmt.Sprintf("%.1f times as long was the most (`%s`,", most, worst))
	readmeSays(t, fmt.Sprintf("measured on %s", measured.Date))
}
