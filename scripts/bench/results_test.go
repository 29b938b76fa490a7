package main

import (
	"os"
	"strings"
	"testing"
)

// flowWith is ours beside another, at a ratio of both speed and processor time.
func flowWith(ratio float64) results {
	return results{Rows: []rowResult{{"flow", []figures{{Server: ours, PerSecond: 10, CPU: 100 / ratio, Rest: 20, Loaded: 90}, {Server: "zitadel/oidc", PerSecond: 20, CPU: 50, Ratio: ratio}}}}}
}

// TestCompare: noise is no failure, a clear fall is one, and so is what was never measured.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		before, now float64
		good        bool
	}{
		"the same":       {0.5, 0.5, true},
		"better":         {0.5, 0.9, true},
		"noise":          {0.5, 0.31, true},
		"fallen":         {0.5, 0.29, false},
		"never measured": {0, 0.5, false},
		"nothing done":   {0.5, 0, false},
	} {
		if err := flowWith(c.now).compare(flowWith(c.before)); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCompareWork: where the machine was busy, and each answer took ours no more of the processor than before, nothing has fallen.
func TestCompareWork(t *testing.T) {
	now := flowWith(0.2)
	now.Rows[0].Figures[0].CPU = 200
	if err := now.compare(flowWith(0.5)); err != nil {
		t.Error(err)
	}
}

func TestMarkdown(t *testing.T) {
	for ratio, want := range map[float64]string{
		0.4: "| 0.40 | 0.5, **not met**; aim 0.8, **not met** |", 0.6: "| 0.60 | 0.5, met; aim 0.8, **not met** |", 0.9: "| 0.90 | 0.5, met; aim 0.8, met |",
	} {
		if got := flowWith(ratio).markdown(); !strings.Contains(got, want) || !strings.Contains(got, "| memory at rest | 20 MB | 30 MB at most, met |") {
			t.Errorf("%g: %s", ratio, got)
		}
	}
}

// TestTables: the table that is kept here is that of the figures; scripts/bench/run tables writes it anew.
func TestTables(t *testing.T) {
	last, err := readResults("results.json")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile("results.md"); err != nil || string(text) != last.markdown() {
		t.Errorf("results.md is not what results.json says (%v)", err)
	}
}

// TestMedian: one round that went wrong moves nothing, and one in which the other did nothing has no ratio.
func TestMedian(t *testing.T) {
	of := func(all ...float64) (samples []sample) {
		for _, x := range all {
			samples = append(samples, sample{PerSecond: x})
		}
		return samples
	}
	if got := medianOf(ratios(of(10, 30, 20, 1000, 5), of(10, 10, 10, 10, 0))); got != 3 {
		t.Errorf("the median ratio is %g", got)
	}
	if got := median(of(7, 1000, 5), func(x sample) float64 { return x.PerSecond }); got != 7 {
		t.Errorf("the median is %g", got)
	}
	if got := medianOf(nil); got != 0 {
		t.Errorf("the median of nothing is %g", got)
	}
}

// TestPlan: ours comes first in each row, and is held to nothing that is not measured.
func TestPlan(t *testing.T) {
	for _, r := range rows {
		if r.servers[0] != ours {
			t.Errorf("%s begins with %s", r.name, r.servers[0])
		}
		for _, m := range r.must {
			if !strings.Contains(strings.Join(r.servers[1:], "\n"), m.peer) {
				t.Errorf("%s: %s is not measured", r.name, m.peer)
			}
		}
	}
	for _, r := range without(rows, needsMore) {
		if len(r.servers) < 2 {
			t.Errorf("%s compares ours with nobody in the short form", r.name)
		}
	}
}
