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
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
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
	w.db = store.Restrict(storetest.Open(t, w.clock.Now), audit.Partitions...)
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

// Days are spread over partitions of their own, by many processes at once and by one from second to second.
func TestShards(t *testing.T) {
	w := newWorld(t)
	for range 200 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-bob"})
		w.clock.Advance(time.Second)
		w.open(w.db).Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: "user-bob"})
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
	known := stranger
	known.Proven = true // by a token or a secret
	w.log.Record(t.Context(), known)
	if n := len(w.all(t, audit.Query{})); n != 301 {
		t.Errorf("what somebody known was refused is left out: %d", n)
	}
	w.clock.Advance(time.Minute)
	w.log.Record(t.Context(), stranger)
	if e := w.all(t, audit.Query{})[0]; e.Details["left_out_before"] != "700" || e.Details["error"] != "invalid_grant" || len(stranger.Details) != 1 {
		t.Errorf("the next one says %v", e.Details)
	}
	// A passkey that is refused has cost nothing, so it counts among them.
	before := len(w.all(t, audit.Query{Limit: 500}))
	for range 400 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.Refused, Details: map[string]string{"method": "passkey"}})
	}
	if n := len(w.all(t, audit.Query{Limit: 500})) - before; n > 60 {
		t.Errorf("%d of 400 refused passkeys are written", n)
	}
	// Every login with a password, and all that went well is written.
	before = len(w.all(t, audit.Query{Limit: 500}))
	for range 400 {
		w.log.Record(t.Context(), audit.Event{Name: audit.Login, Outcome: audit.Refused})
		w.log.Record(t.Context(), audit.Event{Name: audit.Logout, Outcome: audit.OK})
	}
	if n := len(w.all(t, audit.Query{Limit: 500})) - before; n != 800 {
		t.Errorf("%d of 800 are written", n)
	}
}

// Nobody who is known can fill the log with one refusal about one user, and none of them hides another.
func TestTheSameRefusalIsBounded(t *testing.T) {
	w := newWorld(t)
	refusal := func(change func(*audit.Event)) audit.Event {
		e := audit.Event{Name: audit.Token, Outcome: audit.Refused, UserID: "user-bob", ClientID: "chat", Details: map[string]string{"error": "invalid_grant"}}
		change(&e)
		return e
	}
	first := refusal(func(*audit.Event) {})
	for range 1000 {
		w.log.Record(t.Context(), first)
	}
	if n := len(w.all(t, audit.Query{Limit: 500})); n != 100 || strings.Count(w.out.String(), "level=WARN") != 1 {
		t.Errorf("%d of 1000 are written, and the log says %s", n, w.out.String())
	}
	for name, change := range map[string]func(*audit.Event){
		"another user":    func(e *audit.Event) { e.UserID = "user-alice" },
		"another event":   func(e *audit.Event) { e.Name = audit.PasswordChange },
		"another client":  func(e *audit.Event) { e.ClientID = "other" },
		"another error":   func(e *audit.Event) { e.Details["error"] = "invalid_scope" },
		"a stranger":      func(e *audit.Event) { e.UserID = "" },
		"whom we know":    func(e *audit.Event) { e.Proven = true },
		"what went right": func(e *audit.Event) { e.Outcome = audit.OK },
	} {
		before := len(w.all(t, audit.Query{Limit: 500}))
		w.log.Record(t.Context(), refusal(change))
		if n := len(w.all(t, audit.Query{Limit: 500})) - before; n != 1 {
			t.Errorf("%s: %d written", name, n)
		}
	}
	w.clock.Advance(time.Minute)
	w.log.Record(t.Context(), first)
	if e := w.all(t, audit.Query{})[0]; e.Details["left_out_before"] != "900" || len(first.Details) != 1 {
		t.Errorf("the next one says %v", e.Details)
	}
}

// Nor can a program that fetches the same token for every call; nothing that differs is hidden by it.
func TestTheSameTokenIsBounded(t *testing.T) {
	w := newWorld(t)
	at := func(address string, e audit.Event) {
		web.Observe(slog.New(slog.DiscardHandler), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { w.log.Record(r.Context(), e) })).
			ServeHTTP(httptest.NewRecorder(), &http.Request{Method: "POST", URL: &url.URL{Path: "/oauth/token"}, RemoteAddr: address})
	}
	token := func(scope string) audit.Event {
		return audit.Event{Name: audit.Token, Outcome: audit.OK, ClientID: "nightly", Details: map[string]string{"server": "vetassist", "scope": scope}}
	}
	count := func() int { return len(w.all(t, audit.Query{Limit: 500})) }
	for range 1000 {
		at("192.0.2.1:1", token("reminder:read"))
	}
	if n := count(); n != 100 || strings.Count(w.out.String(), "level=WARN") != 1 {
		t.Errorf("%d of 1000 are written, and the log says %s", n, w.out.String())
	}
	other := token("reminder:read")
	other.ClientID = "other"
	at("192.0.2.2:1", token("reminder:read")) // from elsewhere
	at("192.0.2.1:1", token("pet-profile:read"))
	at("192.0.2.1:1", other)
	if n := count(); n != 103 {
		t.Errorf("%d are written: something else is hidden", n)
	}
	for n := range 1000 {
		at(fmt.Sprintf("[2001:db8::%x]:1", n), token("reminder:read")) // all of these are one's
	}
	if n := count(); n != 203 {
		t.Errorf("%d are written", n)
	}
	for range 3 { // all of one that fetches one a second
		w.clock.Advance(time.Second)
		at("192.0.2.1:1", token("reminder:read"))
	}
	if all := w.all(t, audit.Query{Limit: 3}); all[2].Details["left_out_before"] != "900" || all[1].Details["left_out_before"] != "" || count() != 206 {
		t.Errorf("the next three say %+v", all)
	}
}

// Nor can a program that we know and that asks again and again for what it may not have.
func TestTheSameRefusalOfAClientIsBounded(t *testing.T) {
	w := newWorld(t)
	refusal := func(code string) audit.Event {
		return audit.Event{Name: audit.Token, Outcome: audit.Refused, ClientID: "nightly", Proven: true, Details: map[string]string{"error": code}}
	}
	for range 1000 {
		w.log.Record(t.Context(), refusal("invalid_scope"))
	}
	if n := len(w.all(t, audit.Query{Limit: 500})); n != 100 || strings.Count(w.out.String(), "level=WARN") != 1 {
		t.Errorf("%d of 1000 are written, and the log says %s", n, w.out.String())
	}
	w.log.Record(t.Context(), refusal("invalid_target"))
	for _, action := range []string{"DELETE /admin/users/a", "DELETE /admin/users/b"} {
		w.log.Record(t.Context(), audit.Event{Name: audit.Administration, Outcome: audit.Refused, ClientID: "nightly", Proven: true, Details: map[string]string{"action": action}})
	}
	if n := len(w.all(t, audit.Query{Limit: 500})); n != 103 {
		t.Errorf("%d are written: something else is hidden", n)
	}
	w.clock.Advance(time.Second)
	w.log.Record(t.Context(), refusal("invalid_scope"))
	if e := w.all(t, audit.Query{})[0]; e.Details["left_out_before"] != "900" {
		t.Errorf("the next one says %v", e.Details)
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
