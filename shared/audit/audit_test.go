package audit_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/web"
)

type world struct {
	clock *storetest.Clock
	db    store.Store
	out   bytes.Buffer // the program's own log
	log   *audit.Log
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{clock: storetest.NewClock()}
	db, err := sqlite.Open(t.Context(), ":memory:", w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = store.Restrict(db, audit.Partitions...)
	w.log = w.open(w.db)
	return w
}

func (w *world) open(s store.Store) *audit.Log {
	return audit.New(s, w.clock.Now, rand.Reader, slog.New(slog.NewTextHandler(&w.out, nil)))
}

// all reads a query page by page, and holds each page to its bounds.
func (w *world) all(t testing.TB, q audit.Query) []audit.Event {
	t.Helper()
	var all []audit.Event
	for pages := 0; ; pages++ {
		page, err := w.log.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if q.Limit > 0 && len(page.Events) > q.Limit || pages > 5000 {
			t.Fatalf("%d events on page %d", len(page.Events), pages)
		}
		all = append(all, page.Events...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func ids(events []audit.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.ID
	}
	return out
}

func TestRecord(t *testing.T) {
	w := newWorld(t)
	handler := web.Observe(slog.New(slog.NewTextHandler(io.Discard, nil)), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.log.Record(r.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-bob", ClientID: "c",
			Details: map[string]string{"scope": "a b", "none": ""}, From: "what the caller says", RequestID: "does not count"})
	}))
	r := httptest.NewRequest("POST", "/oauth/login", nil)
	r.RemoteAddr = "[2001:db8::7]:4711"
	for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
		r.Header.Set(h, "for=10.0.0.1")
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)

	events := w.all(t, audit.Query{})
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	if !e.Time.Equal(w.clock.Now()) || e.From != "2001:db8::7" || e.RequestID == "" || e.RequestID != answer.Header().Get("X-Request-Id") ||
		e.UserID != "user-bob" || e.ClientID != "c" || e.Name != audit.Login || e.Outcome != audit.OK ||
		!maps.Equal(e.Details, map[string]string{"scope": "a b"}) || !strings.HasPrefix(e.ID, "2026-11-23T14:00:00.000000000Z/"+e.RequestID+"/") {
		t.Errorf("got %+v", e)
	}
}

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

func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-bob"})
	w.clock.Advance(audit.Retention - time.Second)
	if n := len(w.all(t, audit.Query{})); n != 1 {
		t.Errorf("%d events on the last day", n)
	}
	w.clock.Advance(2 * time.Second)
	if n := len(w.all(t, audit.Query{Since: w.clock.Now().AddDate(-1, 0, 0)})); n != 0 {
		t.Errorf("%d events after it", n)
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
	var out bytes.Buffer
	if err := w.log.Export(t.Context(), &out, audit.Query{UserID: "user-1", Limit: 2}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
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
	if err := w.log.Export(t.Context(), full{}, audit.Query{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
	for range w.log.All(t.Context(), audit.Query{}) {
		break // whoever has seen enough may stop
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// Many processes with many requests each: every event is there once, and each process's are in its order.
func TestConcurrency(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for p := range 6 {
		log := w.open(w.db)
		wg.Go(func() {
			for i := range 60 {
				log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: fmt.Sprint("user-", p), Details: map[string]string{"n": fmt.Sprint(i)}})
				if i%20 == 0 {
					w.all(t, audit.Query{Limit: 11})
				}
			}
		})
	}
	for range 4 { // and one log, used by many
		wg.Go(func() {
			for range 60 {
				w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-shared"})
			}
		})
	}
	wg.Wait()
	all := w.all(t, audit.Query{})
	unique := slices.Compact(slices.Sorted(slices.Values(ids(all))))
	if len(all) != 600 || len(unique) != 600 {
		t.Errorf("%d events, %d ids", len(all), len(unique))
	}
	for p := range 6 {
		for i, e := range w.all(t, audit.Query{UserID: fmt.Sprint("user-", p)}) {
			if e.Details["n"] != fmt.Sprint(59-i) {
				t.Fatalf("process %d: event %d is %s", p, i, e.Details["n"])
			}
		}
	}
	if w.out.Len() > 0 {
		t.Errorf("the log says %s", &w.out)
	}
}

// Days are spread over partitions of their own.
func TestShards(t *testing.T) {
	w := newWorld(t)
	for range 400 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-bob"})
	}
	for shard := range 4 {
		page, err := w.db.List(t.Context(), store.Query{Partition: fmt.Sprintf("audit/2026-11-23/%d", shard), Limit: 1000})
		if n := len(page.Items); err != nil || math.Abs(float64(n)-100) > 50 {
			t.Errorf("shard %d holds %d of 400: %v", shard, n, err)
		}
	}
}

type broken struct{ store.Store }

func (broken) Write(context.Context, ...store.Op) error { return errors.New("the disk is gone") }

// A failure to write fails nothing, but the event is in the program's log.
func TestNotWritten(t *testing.T) {
	w := newWorld(t)
	e := audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: "user-bob", Details: map[string]string{"session": "3"}}
	w.open(broken{w.db}).Record(t.Context(), e)
	audit.New(w.db, w.clock.Now, bytes.NewReader(nil), slog.New(slog.NewTextHandler(&w.out, nil))).Record(t.Context(), e)
	lines := strings.Split(strings.TrimSpace(w.out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), &w.out)
	}
	for _, line := range lines {
		for _, want := range []string{"level=ERROR", "event=login", "outcome=ok", "user=user-bob", "session:3"} {
			if !strings.Contains(line, want) {
				t.Errorf("%s lacks %s", line, want)
			}
		}
	}
	// That a caller hung up is no reason to forget what it did.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.log.Record(ctx, e)
	if n := len(w.all(t, audit.Query{})); n != 1 {
		t.Errorf("%d events", n)
	}
}

// Strangers cannot fill the disk, and what is left out is counted.
func TestStrangersAreBounded(t *testing.T) {
	w := newWorld(t)
	stranger := audit.Event{Name: audit.Token, Outcome: audit.Refused, ClientID: "chat", Details: map[string]string{"error": "invalid_grant"}}
	for range 1000 {
		w.log.Record(t.Context(), stranger)
	}
	if n := len(w.all(t, audit.Query{})); n != 300 {
		t.Errorf("%d of 1000 are written", n)
	}
	if got := w.out.String(); strings.Count(got, "level=WARN") != 1 {
		t.Errorf("the log says %s", got)
	}
	w.clock.Advance(time.Minute)
	w.log.Record(t.Context(), stranger)
	if e := w.all(t, audit.Query{})[0]; e.Details["left_out_before"] != "700" || e.Details["error"] != "invalid_grant" || len(stranger.Details) != 1 {
		t.Errorf("the next one says %v", e.Details)
	}
	// Whatever concerns a user, every login, and all that went well is written.
	before := len(w.all(t, audit.Query{Limit: 500}))
	for range 400 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Token, Outcome: audit.Refused, UserID: "user-bob"})
		w.log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.Refused})
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK})
	}
	if n := len(w.all(t, audit.Query{Limit: 500})) - before; n != 1200 {
		t.Errorf("%d of 1200 are written", n)
	}
}

func TestEventsAreBounded(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("é", 3000)
	details := map[string]string{}
	for i := range 100 {
		details[fmt.Sprintf("%03d%s", i, long)] = long
	}
	w.log.Record(t.Context(), audit.Event{Name: audit.Name(long), Outcome: audit.OK, UserID: long, ClientID: "\xff" + long[:len(long)-1], Details: details})
	events := w.all(t, audit.Query{})
	if len(events) != 1 {
		t.Fatal(w.out.String())
	}
	b, err := json.Marshal(events[0])
	if err != nil || len(b) > 48<<10 || len(events[0].Details) != 16 || strings.Contains(string(b), "�") {
		t.Errorf("%d bytes, %d details", len(b), len(events[0].Details))
	}
}
