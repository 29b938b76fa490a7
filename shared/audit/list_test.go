package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
)

// A thousand events over six days, listed with every kind of query, beside a list in memory.
func TestList(t *testing.T) {
	w := newWorld(t)
	random := mathrand.New(mathrand.NewPCG(1, 2))
	users, clients := []string{"user-bob", "user-alice", ""}, []string{"chat", "desktop", "console"}
	names := []audit.Name{audit.Login, audit.Token, audit.Refresh, audit.Consent}
	start := w.clock.Now()
	var model []audit.Event // oldest first
	for i := range 1000 {
		e := audit.Event{Name: names[random.IntN(4)], Outcome: audit.OK, UserID: users[random.IntN(3)], ClientID: clients[random.IntN(3)],
			Details: map[string]string{"n": fmt.Sprint(i)}}
		if e.UserID != "" && random.IntN(4) == 0 {
			e.Outcome = audit.Refused
		}
		w.log.Record(t.Context(), e)
		model = append(model, e)
		switch { // bursts, lulls, and two days without anything
		case i == 600:
			w.clock.Advance(50 * time.Hour)
		case i%7 == 0:
			w.clock.Advance(time.Duration(random.IntN(3600)) * time.Second)
		}
	}
	everything := w.all(t, audit.Query{Limit: 500})
	if len(everything) != 1000 || !slices.IsSortedFunc(everything, func(a, b audit.Event) int { return b.Time.Compare(a.Time) }) {
		t.Fatalf("%d events, or not newest first", len(everything))
	}
	if days := everything[0].Time.Sub(everything[999].Time).Hours() / 24; days < 4 {
		t.Fatalf("the events span %.1f days", days)
	}
	for i, e := range everything { // in the order in which they happened, even those of one moment
		want := model[999-i]
		if e.Details["n"] != want.Details["n"] || e.Name != want.Name || e.UserID != want.UserID {
			t.Fatalf("event %d is %+v, want %+v", i, e, want)
		}
	}
	for _, c := range []struct {
		name string
		q    audit.Query
		fits func(audit.Event) bool
	}{
		{"all", audit.Query{}, func(audit.Event) bool { return true }},
		{"user", audit.Query{UserID: "user-bob"}, func(e audit.Event) bool { return e.UserID == "user-bob" }},
		{"client", audit.Query{ClientID: "desktop"}, func(e audit.Event) bool { return e.ClientID == "desktop" }},
		{"event", audit.Query{Name: audit.Refresh}, func(e audit.Event) bool { return e.Name == audit.Refresh }},
		{"outcome", audit.Query{Outcome: audit.Refused}, func(e audit.Event) bool { return e.Outcome == audit.Refused }},
		{"all four", audit.Query{UserID: "user-alice", ClientID: "chat", Name: audit.Login, Outcome: audit.Refused}, func(e audit.Event) bool {
			return e.UserID == "user-alice" && e.ClientID == "chat" && e.Name == audit.Login && e.Outcome == audit.Refused
		}},
		{"nobody", audit.Query{UserID: "user-eve"}, func(audit.Event) bool { return false }},
		{"since", audit.Query{Since: everything[300].Time}, func(e audit.Event) bool { return !e.Time.Before(everything[300].Time) }},
		{"until", audit.Query{Until: everything[300].Time}, func(e audit.Event) bool { return e.Time.Before(everything[300].Time) }},
		{"in the lull", audit.Query{Since: everything[399].Time.Add(time.Second), Until: everything[398].Time}, func(audit.Event) bool { return false }},
		{"between, one user", audit.Query{UserID: "user-bob", Since: everything[700].Time, Until: everything[200].Time},
			func(e audit.Event) bool {
				return e.UserID == "user-bob" && !e.Time.Before(everything[700].Time) && e.Time.Before(everything[200].Time)
			}},
		{"in the future", audit.Query{Since: start.AddDate(1, 0, 0)}, func(audit.Event) bool { return false }},
		{"upside down", audit.Query{Since: everything[0].Time, Until: everything[9].Time}, func(audit.Event) bool { return false }},
	} {
		want := slices.DeleteFunc(slices.Clone(everything), func(e audit.Event) bool { return !c.fits(e) })
		limits := []int{0, 500}
		if len(want) < 150 { // the smaller the page, the more reads
			limits = []int{1, 7}
		}
		for _, c.q.Limit = range limits {
			if got := w.all(t, c.q); !slices.Equal(ids(got), ids(want)) {
				t.Errorf("%s, %d a page: %d events, want %d", c.name, c.q.Limit, len(got), len(want))
			}
		}
	}
}

// Pages go on where they stopped while new events come in at the head, all of one day.
func TestListWhileWriting(t *testing.T) {
	w := newWorld(t)
	record := func() {
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-bob"})
	}
	for range 200 {
		record()
	}
	want := ids(w.all(t, audit.Query{}))
	var got []string
	q := audit.Query{Limit: 9}
	for {
		page, err := w.log.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(page.Events)...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
		for range 40 {
			record()
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, want the %d that were there at first", len(got), len(want))
	}
}

func TestInvalidQueries(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-bob"})
	}
	page, err := w.log.List(t.Context(), audit.Query{Limit: 3})
	if err != nil || page.Next == "" {
		t.Fatal(err)
	}
	const later = "eyJkIjoiMjA5OS0wMS0wMSIsImIiOiJ+In0"                      // {"d":"2099-01-01","b":"~"}
	const inner = "eyJkIjoiMjAyNi0xMS0yMyIsImIiOiJ-IiwicyI6W3siYyI6IiEifV19" // a store's cursor that is none
	for name, q := range map[string]audit.Query{
		"limit":            {Limit: audit.MaxLimit + 1},
		"negative":         {Limit: -1},
		"cursor":           {Cursor: "x!"},
		"JSON":             {Cursor: "e30"},
		"another day":      {Cursor: later},
		"until a day ago":  {Cursor: page.Next, Until: w.clock.Now().AddDate(0, 0, -1)},
		"the store's part": {Cursor: inner},
		"long":             {Cursor: strings.Repeat("A", 10_000)},
	} {
		if _, err := w.log.List(t.Context(), q); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		for _, err := range w.log.All(t.Context(), q) {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%s, all: %v", name, err)
			}
		}
	}
}

// counted counts the reads of a store.
type counted struct {
	store.Store
	lists *int
}

func (c counted) List(ctx context.Context, q store.Query) (store.Page, error) {
	*c.lists++
	return c.Store.List(ctx, q)
}

// A log with a few events long ago is one page, for a few reads: days without events cost nothing.
func TestQuietDays(t *testing.T) {
	w := newWorld(t)
	var lists int
	log := w.open(counted{w.db, &lists})
	for range 3 {
		log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-bob"})
		w.clock.Advance(25 * 24 * time.Hour)
	}
	page, err := log.List(t.Context(), audit.Query{})
	if err != nil || len(page.Events) != 3 || page.Next != "" || lists != 1+4+3*4 {
		t.Errorf("%d events, next %q, %d reads: %v", len(page.Events), page.Next, lists, err)
	}
}

// What one call reads is bounded, however little of it fits the query.
func TestReadsAreBounded(t *testing.T) {
	w := newWorld(t)
	var lists int
	log := w.open(counted{w.db, &lists})
	for range 40 {
		log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-bob"})
		w.clock.Advance(24 * time.Hour)
	}
	log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-alice"})
	w.clock.Advance(-40 * 24 * time.Hour)
	log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-alice"})
	w.clock.Advance(40 * 24 * time.Hour)
	var found, pages int
	for q := (audit.Query{UserID: "user-alice"}); ; pages++ {
		lists = 0
		page, err := log.List(t.Context(), q)
		if err != nil || lists > 65 || pages > 10 {
			t.Fatal(lists, pages, err)
		}
		found += len(page.Events)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if found != 2 || pages < 2 {
		t.Errorf("%d events on %d pages before the last", found, pages)
	}
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	for i := range 30 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Token, Outcome: audit.OK, UserID: fmt.Sprintf("user-%d", i%3), Details: map[string]string{"scope": "a\nb"}})
		w.clock.Advance(5 * time.Hour)
	}
	out, next, err := w.log.Export(t.Context(), audit.Query{UserID: "user-1", Limit: 2})
	if err != nil || next != "" {
		t.Fatalf("%q, %v", next, err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	want := w.all(t, audit.Query{UserID: "user-1"})
	if len(lines) != 10 || len(want) != 10 {
		t.Fatalf("%d lines, %d events", len(lines), len(want))
	}
	for i, line := range lines {
		var e audit.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID != want[i].ID || e.Details["scope"] != "a\nb" {
			t.Errorf("line %d: %s %v", i, line, err)
		}
	}
	for range w.log.All(t.Context(), audit.Query{}) {
		break // whoever has seen enough may stop
	}
}

// A log of any size comes in parts that Lambda can answer with, all of it and nothing twice.
func TestExportInParts(t *testing.T) {
	w := newWorld(t)
	const n = 2500
	for range n { // 4.5 MB
		details := map[string]string{}
		for i := range 8 {
			details[fmt.Sprint("detail", i)] = strings.Repeat("x", 200)
		}
		w.log.Record(t.Context(), audit.Event{Name: audit.Token, Outcome: audit.OK, UserID: "user-1", Details: details})
		w.clock.Advance(time.Second)
	}
	seen := map[string]bool{}
	var sizes []int
	q := audit.Query{}
	for {
		part, next, err := w.log.Export(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(part))
		for line := range strings.Lines(string(part)) {
			var e audit.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || seen[e.ID] {
				t.Fatalf("%s: %v", line, err)
			}
			seen[e.ID] = true
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if len(seen) != n || len(sizes) != 2 || slices.Max(sizes) > 4<<20 {
		t.Errorf("%d events in parts of %d", len(seen), sizes)
	}
}
