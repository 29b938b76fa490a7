package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
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

// The context of a request, whose timer is set late, is otherwise as every other with a deadline.
func TestRequestContext(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	type ownKey struct{}
	within := func(limit time.Duration, f func(ctx context.Context)) context.Context {
		var kept context.Context
		r := httptest.NewRequest("GET", "/", nil).WithContext(context.WithValue(t.Context(), ownKey{}, "known"))
		web.ObserveWithin(limit, log, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			kept = r.Context()
			f(kept)
		})).ServeHTTP(httptest.NewRecorder(), r)
		return kept
	}
	is := func(what string, ctx context.Context, err, cause error) {
		t.Helper()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), err) || !errors.Is(context.Cause(ctx), cause) || ctx.Value(ownKey{}) != "known" {
			t.Errorf("%s: %v, since %v, knows %v", what, ctx.Err(), context.Cause(ctx), ctx.Value(ownKey{}))
		}
	}
	is("the time is up", within(time.Nanosecond, func(ctx context.Context) { is("within", ctx, context.DeadlineExceeded, context.DeadlineExceeded) }), context.DeadlineExceeded, context.DeadlineExceeded)
	is("the answer is there, and nobody had waited", within(time.Hour, func(context.Context) {}), context.Canceled, context.Canceled)
	is("the answer is there", within(time.Hour, func(ctx context.Context) { ctx.Done() }), context.Canceled, context.Canceled)

	// What is made of it ends with it, and needs no goroutine of its own.
	var made []context.Context
	within(time.Hour, func(ctx context.Context) {
		before := runtime.NumGoroutine()
		for range 1000 {
			next, cancel := context.WithTimeout(ctx, time.Hour)
			t.Cleanup(cancel)
			made = append(made, next)
		}
		if n := runtime.NumGoroutine() - before; n > 100 { // other tests have some
			t.Errorf("%d goroutines for a thousand contexts", n)
		}
	})
	for _, ctx := range made {
		is("made of it", ctx, context.Canceled, context.Canceled)
	}

	// Many who wait at once wait for the same.
	within(time.Hour, func(ctx context.Context) {
		channels := make([]<-chan struct{}, 8)
		var wg sync.WaitGroup
		for i := range channels {
			wg.Go(func() { channels[i] = ctx.Done() })
		}
		wg.Wait()
		for _, c := range channels {
			if c != channels[0] {
				t.Error("they wait for several")
			}
		}
	})
}
