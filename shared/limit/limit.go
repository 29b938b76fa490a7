// Package limit slows down whoever does a thing too often: guesses, fails to say who it is, leaves something behind.
//
// A Rule is the arithmetic, a Tally what is remembered of one who is counted. A Counter keeps tallies in memory and in the store, so that
// what does no harm costs no write and what holds holds over all processes.
package limit

import (
	"math"
	"time"
)

// Rule says how often is too often.
type Rule struct {
	Free   int           // so many cost no wait, but the last of them:
	First  time.Duration // that costs this,
	Most   time.Duration // and each one more costs twice as much, up to this
	Forget time.Duration // one of them is forgotten after so long
}

// Tally is what is remembered. The zero value is of somebody who has done nothing.
type Tally struct {
	Clear time.Time `json:"clear"`          // when all of it will be forgotten
	Until time.Time `json:"until,omitzero"` // when the wait ends
}

// Add counts n more.
func (r Rule) Add(t Tally, n int, now time.Time) Tally {
	if t.Clear.Before(now) {
		t.Clear = now
	}
	t.Clear = t.Clear.Add(time.Duration(n) * r.Forget)
	if end := now.Add(time.Duration(r.Free+r.doublings()) * r.Forget); t.Clear.After(end) { // nobody is remembered for ever
		t.Clear = end
	}
	count := int(math.Ceil(float64(t.Clear.Sub(now)) / float64(r.Forget)))
	if count >= r.Free {
		t.Until = now.Add(r.wait(count - r.Free))
	}
	return t
}

func (r Rule) wait(beyond int) time.Duration {
	if beyond >= r.doublings() {
		return r.Most
	}
	return r.First << beyond
}

// doublings is after how many the wait grows no more.
func (r Rule) doublings() (n int) {
	for r.First<<n < r.Most {
		n++
	}
	return n
}

// Wait is how long to wait yet; zero or less: not at all.
func (t Tally) Wait(now time.Time) time.Duration { return t.Until.Sub(now) }
