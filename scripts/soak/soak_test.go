package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/scripts/soak/results"
)

// TestFlat: what counts as growing, after a warm-up.
func TestFlat(t *testing.T) {
	const hour = 3600
	for _, c := range []struct {
		name   string
		at     func(second float64) float64 // MB
		flat   bool
		hourly float64 // about
	}{
		{"level", func(float64) float64 { return 100 }, true, 0},
		{"up at first", func(s float64) float64 { return min(100, s) }, true, 0},
		{"up and down", func(s float64) float64 { return 100 + float64(int(s)%20) }, true, 0},
		{"a leak of 1 KB a second", func(s float64) float64 { return 100 + s/1000 }, true, 3.6},
		{"a leak of 20 KB a second", func(s float64) float64 { return 100 + s/50 }, false, 72},
		{"busy at the end", func(s float64) float64 { return 100 + 80*float64(int(s)/5%2)*float64(int(s)/(hour*3/4)) }, true, 71},
		{"one step", func(s float64) float64 { return 100 + 50*float64(int(s)/(hour/2)) }, false, 80},
	} {
		var seen []sample
		for s := 5.0; s <= hour; s += 5 {
			seen = append(seen, sample{at: time.Duration(s) * time.Second, rss: int(c.at(s) * mb)})
		}
		got := trendOf(seen, func(s sample) float64 { return float64(s.rss) / mb })
		if got.flat(rssSlack/mb) != c.flat || got.hourly < c.hourly*0.9-1.5 || got.hourly > c.hourly*1.15+1.5 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestJudge: a program that fails, or says something, is not passed.
func TestJudge(t *testing.T) {
	tally := newTally()
	tally.note(t.Context(), "chat", func(context.Context) error { return nil })
	var good, bad finding
	tally.judge(&good, time.Minute)
	tally.note(t.Context(), "chat", func(context.Context) error { return io.ErrUnexpectedEOF })
	tally.judge(&bad, time.Minute)
	if len(good.wrong) != 0 || len(bad.wrong) != 1 || !strings.Contains(bad.wrong[0].Error(), "1 of 2 failed; the first: chat: unexpected EOF") {
		t.Errorf("%v, %v", good.wrong, bad.wrong)
	}
}

func TestCommandLine(t *testing.T) {
	for args, says := range map[string]string{"": "takes one of", "swim": `no "swim"`, "mixed -for never": "invalid value"} {
		if err := run(t.Context(), strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("soak %s: %v", args, err)
		}
	}
}

// What is in the folder is what the program writes.
func TestResults(t *testing.T) {
	all, err := results.Load(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if part, ok := all[p.name]; !ok || part.Commit == "" || part.Cores == 0 {
			t.Errorf("there is no result of %s", p.name)
		}
	}
}
