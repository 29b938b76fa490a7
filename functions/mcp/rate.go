package mcp

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds the requests of each person (MCP, Tools, Security Considerations: servers must rate limit tool calls).
// It remembers a bounded number of people in a young and an old half, as token.Verifier does with tokens.
type limiter struct {
	perSecond  float64
	now        func() time.Time
	mu         sync.Mutex
	young, old map[string]*rate.Limiter
}

const maxPeople = 4096 // in each half

func newLimiter(perSecond float64, now func() time.Time) *limiter {
	return &limiter{perSecond: perSecond, now: now, young: map[string]*rate.Limiter{}}
}

func (l *limiter) allow(person string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.young[person]
	if bucket == nil {
		if bucket = l.old[person]; bucket == nil {
			bucket = rate.NewLimiter(rate.Limit(l.perSecond), max(1, int(4*l.perSecond)))
		}
		if len(l.young) >= maxPeople {
			l.young, l.old = map[string]*rate.Limiter{}, l.young
		}
		l.young[person] = bucket
	}
	return bucket.AllowN(l.now(), 1)
}
