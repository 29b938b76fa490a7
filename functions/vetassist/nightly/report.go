package nightly

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// What became of one vaccination that is due.
const (
	Set    = "set"
	There  = "there already"
	Failed = "failed"
)

// Line is one vaccination that is due, or, without a vaccine, a pet that could not be looked at.
type Line struct {
	Pet, Owner, Vaccine string
	Due                 string // date
	Overdue             bool
	On                  string // date of the reminder
	Outcome             string
	Why                 string // of what failed
}

// Report is one night's work.
type Report struct {
	Server, Program string
	DryRun          bool
	Pets            int // looked at
	Lines           []Line
}

// Count is how many lines have an outcome.
func (r Report) Count(outcome string) (n int) {
	for _, l := range r.Lines {
		if l.Outcome == outcome {
			n++
		}
	}
	return n
}

// WriteText is the report for people.
func (r Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Vaccinations that are due, at %s. Asked by %s, for no user.\n", r.Server, clean(r.Program))
	for _, l := range r.Lines {
		when, what := "due "+l.Due, l.Outcome
		if l.Overdue {
			when = "overdue since " + l.Due
		}
		switch {
		case l.Outcome == Set && r.DryRun:
			what = "a reminder would be set for " + l.On
		case l.Outcome == Set:
			what = "reminder set for " + l.On
		case l.Outcome == There:
			what = "reminder is there already"
		case l.Outcome == Failed:
			what = "failed: " + l.Why
		}
		if l.Vaccine == "" {
			when = ""
		}
		fmt.Fprintln(t, strings.Join([]string{clean(l.Pet) + " (" + clean(l.Owner) + ")", clean(l.Vaccine), clean(when), clean(what)}, "\t"))
	}
	verb := "set"
	if r.DryRun {
		verb = "to be set"
	}
	fmt.Fprintf(t, "Pets: %d. Reminders: %d %s, %d there already, %d failed.\n", r.Pets, r.Count(Set), verb, r.Count(There), r.Count(Failed))
	return t.Flush()
}
