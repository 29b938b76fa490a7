package limit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/limit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

var rule = limit.Rule{Free: 10, First: time.Second, Most: 8 * time.Second, Forget: 10 * time.Second}

func TestRule(t *testing.T) {
	t.Parallel()
	now := storetest.NewClock().Now()
	for _, c := range []struct {
		n    int
		wait time.Duration
	}{{9, 0}, {10, time.Second}, {11, 2 * time.Second}, {12, 4 * time.Second}, {13, 8 * time.Second}, {14, 8 * time.Second}, {100_000, 8 * time.Second}} {
		tally := rule.Add(limit.Tally{}, c.n, now)
		if got := max(0, tally.Wait(now)); got != c.wait {
			t.Errorf("after %d: %s, want %s", c.n, got, c.wait)
		}
		if most := now.Add(130 * time.Second); tally.Clear.After(most) {
			t.Errorf("%d are remembered until %s, later than %s", c.n, tally.Clear, most)
		}
	}
	tally := rule.Add(limit.Tally{}, 9, now)
	if got := rule.Add(tally, 1, now.Add(10*time.Second)).Wait(now.Add(10 * time.Second)); got > 0 {
		t.Errorf("one is not forgotten after ten seconds: %s", got)
	}
}

// writes counts what reaches a store.
type writes struct {
	store.Store
	n int
}

func (w *writes) Write(ctx context.Context, ops ...store.Op) error {
	w.n++
	return w.Store.Write(ctx, ops...)
}

// Two processes over one store hold together, within a step each; and a flood costs a write for each step, and nothing while it waits.
func TestCounter(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	db := &writes{Store: storetest.Open(t, clock.Now)}
	counter := func() *limit.Counter { return limit.NewCounter(rule, 2, db, "limit/test/", clock.Now) }
	a, b := counter(), counter()
	count := func(c *limit.Counter, who string, times int) (got int) {
		t.Helper()
		for range times {
			if c.Wait(who) > 0 {
				break
			}
			if err := c.Count(t.Context(), who); err != nil {
				t.Fatal(err)
			}
			got++
		}
		return got
	}
	for n := range 20 {
		count(a, fmt.Sprint("once", n), 1)
	}
	if db.n != 0 {
		t.Errorf("twenty who did it once cost %d writes", db.n)
	}
	if n := count(a, "x", 8); n != 8 || db.n != 4 {
		t.Errorf("%d of eight, in %d writes", n, db.n)
	}
	if n := count(b, "x", 20); n < 1 || n > 3 {
		t.Errorf("another process lets %d more through", n)
	}
	if n := count(b, "y", 9); n != 9 || b.Wait("y") > 0 {
		t.Errorf("somebody else: %d", n)
	}
	if a.Wait("nobody") > 0 {
		t.Error("who did nothing waits")
	}
	before := db.n
	if n := count(b, "x", 1000); n != 0 || db.n != before {
		t.Errorf("while it waits, %d get through and %d are written", n, db.n-before)
	}
	clock.Advance(b.Wait("x"))
	if n := count(b, "x", 20); n != 1 {
		t.Errorf("after the wait %d", n)
	}
	clock.Advance(3 * time.Minute)
	if n := count(counter(), "x", 20); n != 10 {
		t.Errorf("when all is forgotten, %d are free", n)
	}
}

// A process that has counted little reads what others counted before it takes the next step.
func TestCounterReads(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	db := storetest.Open(t, clock.Now)
	a, b := limit.NewCounter(rule, 5, db, "limit/test/", clock.Now), limit.NewCounter(rule, 5, db, "limit/test/", clock.Now)
	count := func(c *limit.Counter, times int) {
		t.Helper()
		for range times {
			if err := c.Count(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	count(b, 1)
	count(a, 10)
	count(b, 1)
	if b.Wait("x") > 0 {
		t.Error("it reads each time")
	}
	clock.Advance(10 * time.Second)
	count(b, 1)
	if b.Wait("x") <= 0 {
		t.Error("after ten seconds it has not read what another counted")
	}
}

// contended is a store in which others write the same item first, so many times.
type contended struct {
	store.Store
	times int
}

func (c *contended) Write(ctx context.Context, ops ...store.Op) error {
	if c.times--; c.times >= 0 {
		return store.ErrConflict
	}
	return c.Store.Write(ctx, ops...)
}

// What was counted counts, though others write first: it tries again, and where that never ends, it holds in this process at least.
func TestCounterContended(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		conflicts int
		stored    bool
	}{
		"twice":          {2, true},
		"time and again": {1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			db := &contended{storetest.Open(t, clock.Now), c.conflicts}
			one := limit.NewCounter(rule, rule.Free, db, "limit/test/", clock.Now)
			for range rule.Free {
				if err := one.Count(t.Context(), "x"); err != nil {
					t.Fatal(err)
				}
			}
			if one.Wait("x") <= 0 {
				t.Error("it does not hold in this process")
			}
			r, err := store.Read[limit.Tally](t.Context(), db, "limit/test/x", "tally")
			if stored := err == nil && r.Value.Wait(clock.Now()) > 0; stored != c.stored || err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("in the store: %v %+v", err, r.Value)
			}
		})
	}
}
