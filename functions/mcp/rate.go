package mcp

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds whom is remembered
	"golang.org/x/time/rate"
)

// maxPeople bounds how many people's recent requests are counted; whoever was silent longest is forgotten first.
const maxPeople = 8192

// limiter bounds the requests of each person (MCP, Tools, Security Considerations: servers must rate limit tool calls).
type limiter struct {
	perSecond float64
	now       func() time.Time
	people    *lru.Cache[string, *rate.Limiter]
}

func newLimiter(perSecond float64, now func() time.Time) *limiter {
	people, err := lru.New[string, *rate.Limiter](maxPeople)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &limiter{perSecond, now, people}
}

// allow counts n messages of a person.
func (l *limiter) allow(person string, n int) bool {
	bucket, ok := l.people.Get(person)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(l.perSecond), max(1, int(4*l.perSecond)))
		if first, there, _ := l.people.PeekOrAdd(person, bucket); there { // another request was faster
			bucket = first
		}
	}
	return bucket.AllowN(l.now(), n)
}
