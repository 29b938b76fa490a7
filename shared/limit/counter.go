package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds who is remembered

	"github.com/vetassist/vetassist/shared/store"
)

const (
	remembered = 4096             // in memory, of each Counter
	fresh      = 10 * time.Second // so long what the store said is taken for true
	attempts   = 3                // to write, when others count the same one at once
	tallySort  = "tally"
)

// Counter counts by a rule in all processes over one store. What each of them counts lies in its memory until there are step of it, and then
// goes to the store in one write; what others wrote it reads when it counts, at most every ten seconds for each who is counted. So a flood
// costs a write for every step of what it gets through, and nothing while it waits; and with N processes, N times step minus one
// may go uncounted.
type Counter struct {
	rule      Rule
	step      int
	store     store.Store
	partition string // begins all partitions, such as limit/login/
	now       func() time.Time
	seen      *lru.Cache[string, *counted]
}

// counted is one who is counted, as this process knows it.
type counted struct {
	until atomic.Int64 // of tally and pending together; Unix nanoseconds

	mu      sync.Mutex
	tally   Tally     // in the store,
	read    time.Time // then
	pending int       // not in the store yet,
	since   time.Time // of which one was forgotten last, or the first was counted
	busy    bool      // somebody is at the store with it
}

// NewCounter counts in partitions that begin so.
func NewCounter(rule Rule, step int, s store.Store, partition string, now func() time.Time) *Counter {
	seen, err := lru.New[string, *counted](remembered)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Counter{rule: rule, step: step, store: s, partition: partition, now: now, seen: seen}
}

// Wait is how long somebody has to wait, as far as this process knows; zero or less: not at all. It asks no store, so it costs those
// nothing who have done nothing.
func (c *Counter) Wait(who string) time.Duration {
	one, ok := c.seen.Get(who)
	if !ok {
		return 0
	}
	return time.Unix(0, one.until.Load()).Sub(c.now())
}

// Count counts one more of somebody. What was counted counts, though the store fail.
func (c *Counter) Count(ctx context.Context, who string) error {
	one := &counted{}
	if before, found, _ := c.seen.PeekOrAdd(who, one); found {
		one = before
		c.seen.Get(who) // used lately
	}
	now := c.now().UTC()
	one.mu.Lock()
	c.forget(one, now)
	one.pending++
	c.settle(one, now)
	due := !one.busy && (one.pending >= c.step || now.Sub(one.read) >= fresh)
	spill := 0
	if due {
		one.busy = true
		if one.pending >= c.step {
			spill = one.pending
		}
	}
	one.mu.Unlock()
	if !due {
		return nil
	}
	tally, err := c.spill(ctx, who, spill, now)
	one.mu.Lock()
	defer one.mu.Unlock()
	one.busy = false
	switch {
	case err == nil:
		one.tally, one.read, one.pending = tally, now, max(0, one.pending-spill)
		c.settle(one, now)
	case errors.Is(err, store.ErrConflict): // others count the same: the next one tries again
		err = nil
	}
	return err
}

// forget lets time pass over what is not in the store yet, as it passes over a tally.
func (c *Counter) forget(one *counted, now time.Time) {
	gone := now.Sub(one.since) / c.rule.Forget
	if one.pending == 0 || gone >= time.Duration(one.pending) {
		one.pending, one.since = 0, now
		return
	}
	one.pending -= int(max(0, gone))
	one.since = one.since.Add(max(0, gone) * c.rule.Forget)
}

// settle notes until when one has to wait.
func (c *Counter) settle(one *counted, now time.Time) {
	t := one.tally
	if one.pending > 0 {
		t = c.rule.Add(t, one.pending, now)
	}
	if !t.Until.IsZero() {
		one.until.Store(max(t.Until.UnixNano(), one.until.Load()))
	}
}

// spill adds n to what the store has, and says what it has then. Without any it only looks.
func (c *Counter) spill(ctx context.Context, who string, n int, now time.Time) (tally Tally, err error) {
	for range attempts {
		var r store.Record[Tally]
		r, err = store.Read[Tally](ctx, c.store, c.partition+who, tallySort)
		condition := store.IfVersion(r.Version)
		if errors.Is(err, store.ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil || n == 0 {
			return r.Value, err
		}
		tally = c.rule.Add(r.Value, n, now)
		err = c.store.Write(ctx, store.Put(store.Encode(c.partition+who, tallySort, tally, tally.Clear), condition))
		if !errors.Is(err, store.ErrConflict) {
			return tally, err
		}
	}
	return tally, err
}
