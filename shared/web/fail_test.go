package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

type says bool

func (says) Error() string { return "a secret cause" }

func (s says) Temporary() bool { return bool(s) }

// Trying again is offered where it may help, and nowhere else; the number of the request always.
func TestFailTemporarily(t *testing.T) {
	for _, c := range []struct {
		what string
		err  error
		want int
	}{
		{"busy", fmt.Errorf("store: %w", says(true)), http.StatusServiceUnavailable},
		{"busy, among others", errors.Join(errors.New("x"), says(true)), http.StatusServiceUnavailable},
		{"out of time", fmt.Errorf("store: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		{"for good", says(false), http.StatusInternalServerError},
		{"hung up", context.Canceled, http.StatusInternalServerError},
		{"anything else", errors.New("x"), http.StatusInternalServerError},
	} {
		log := slog.New(slog.NewTextHandler(io.Discard, nil))
		w := httptest.NewRecorder()
		web.Observe(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { web.Fail(w, r, log, c.err) })).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != c.want || (w.Header().Get("Retry-After") != "") != (c.want == 503) || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) ||
			strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %v %s", c.what, w.Code, w.Header(), w.Body)
		}
	}
}

// That a caller hung up is no news; that time ran out is.
func TestFailureLevel(t *testing.T) {
	hungUp, hangUp := context.WithCancel(t.Context())
	hangUp()
	late, done := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer done()
	if got := []slog.Level{web.FailureLevel(hungUp), web.FailureLevel(late), web.FailureLevel(t.Context())}; !slices.Equal(got, []slog.Level{slog.LevelDebug, slog.LevelError, slog.LevelError}) {
		t.Errorf("logged at %v", got)
	}
}

// A handler's time ends before the deadline that whoever runs it has set; what must be finished outlives a caller, not a deadline.
func TestDeadlines(t *testing.T) {
	limit := time.Hour
	var seen, finish time.Time
	var hungUp error
	h := web.ObserveWithin(limit, slog.New(slog.NewTextHandler(io.Discard, nil)), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen, _ = r.Context().Deadline()
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		on, done := web.Finish(ctx)
		defer done()
		finish, _ = on.Deadline()
		hungUp = on.Err()
	}))
	begun := time.Now()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if !seen.After(begun) || !seen.Before(begun.Add(limit)) || !finish.Equal(seen) || hungUp != nil {
		t.Errorf("it ends at %s, what is to be finished at %s (%v), and began at %s", seen, finish, hungUp, begun)
	}
}

// The handler's time ends with the first of what there is to end it, a little before, and at once when the client hangs up.
func TestAnswerBy(t *testing.T) {
	const late, soon = time.Hour, time.Minute
	for _, c := range []struct {
		name           string
		limit, ofOther time.Duration // 0: none
		within         time.Duration
	}{
		{"nobody sets an end", 0, 0, 0},
		{"we do", soon, 0, soon},
		{"whoever runs it does", 0, soon, soon},
		{"theirs is sooner", late, soon, soon},
		{"ours is sooner", soon, late, soon},
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		if c.ofOther != 0 {
			var done context.CancelFunc
			ctx, done = context.WithTimeout(ctx, c.ofOther)
			defer done()
		}
		begun := time.Now()
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ends, ok := r.Context().Deadline()
			left := ends.Sub(begun)
			if ok != (c.within != 0) || ok && (left >= c.within || left < c.within-time.Second) {
				t.Errorf("%s: it has %s, %t", c.name, left, ok)
			}
			if r.Context().Err() != nil {
				t.Errorf("%s: it has ended", c.name)
			}
			hangUp()
			if !errors.Is(r.Context().Err(), context.Canceled) {
				t.Errorf("%s: the client hung up, and it goes on", c.name)
			}
		})
		h := web.ObserveWithin(c.limit, slog.New(slog.DiscardHandler), handler)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	}
}
