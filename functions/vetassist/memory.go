package main

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// A call leaves some tens of kilobytes of garbage, and the live heap is small. At Go's default the collector would run every few
	// hundred calls; at five times the live heap it runs rarely.
	gcPercent = 400
	// The limit is what makes that safe: near it the collector works harder, whatever the percentage says. A password takes 19 MiB to
	// hash, for a moment. What SQLite and the program itself take comes on top.
	memoryLimit = 72 << 20
)

// limitMemory sets the collector, unless whoever starts the process set it with Go's own variables.
func limitMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// schedule lets Go run on more threads at once than there are processors. One that is in the kernel for SQLite keeps its place among them for a
// while, and where they are as many as the processors, Linux leaves two of them on one processor and another idle: a tenth of the tokens a second.
func schedule(getenv func(string) string) {
	if getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
}

// restAfter is how long nobody must have asked for anything before memory is given back.
const restAfter = 2 * time.Second

// rest gives back to the machine what a server that nobody asks for anything does not need: what the start took, and what a rush
// has left. Go by itself would keep it for minutes, and part of it for ever.
type rest struct {
	giveBack    func()
	stop        chan struct{}
	served      atomic.Int64
	seen, given int64 // how many were served at the last look, and when memory was given back
}

func newRest(giveBack func()) *rest {
	return &rest{giveBack: giveBack, stop: make(chan struct{}), seen: -1, given: -1} // the start is a rush, too
}

func (q *rest) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q.served.Add(1)
		next.ServeHTTP(w, r)
	})
}

// watch looks at each tick, until it is stopped.
func (q *rest) watch(tick <-chan time.Time) {
	for {
		select {
		case <-q.stop:
			return
		case <-tick:
			q.look()
		}
	}
}

// look gives memory back when nobody has asked for anything since the last look, once.
func (q *rest) look() {
	now := q.served.Load()
	if now == q.seen && now != q.given {
		q.giveBack()
		q.given = now
	}
	q.seen = now
}

func giveBack() {
	debug.FreeOSMemory()
	dropProgram()
}
