package web

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// answerTime is kept back from a deadline, so that the answer that time ran out still gets out.
const answerTime = 250 * time.Millisecond

// answerBy is the context of a request whose answer may take so long, if limit is not 0, and in which less time may be left.
func answerBy(ctx context.Context, now time.Time, limit time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	switch {
	case limit != 0 && (!ok || now.Add(limit).Before(deadline)):
		deadline = now.Add(limit)
	case !ok:
		return context.WithCancel(ctx)
	}
	u := &until{Context: ctx, deadline: deadline.Add(-answerTime)}
	return u, u.end
}

// until is a context with a deadline, like that of context.WithDeadline. Its timer begins when somebody waits for it: many an answer is there at
// once, and to set a timer and stop it takes as long as all else that is done for one.
type until struct {
	context.Context
	deadline time.Time
	timed    atomic.Pointer[timed] // nil: nobody has waited yet

	mu    sync.Mutex
	ended bool
}

type timed struct {
	context.Context
	cancel context.CancelFunc
}

func (u *until) wait() context.Context {
	if t := u.timed.Load(); t != nil {
		return t.Context
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.timed.Load()
	if t == nil {
		t = new(timed)
		t.Context, t.cancel = context.WithDeadline(u.Context, u.deadline)
		u.timed.Store(t)
	}
	if u.ended {
		t.cancel()
	}
	return t.Context
}

// end is the context's CancelFunc.
func (u *until) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	if t := u.timed.Load(); t != nil {
		t.cancel()
	}
}

func (u *until) Deadline() (time.Time, bool) { return u.deadline, true }
func (u *until) Done() <-chan struct{}       { return u.wait().Done() }
func (u *until) Err() error                  { return u.wait().Err() }

// Value asks the context that is waited for, so that package context knows it for one of its own, and needs no goroutine for those that are made of it.
func (u *until) Value(key any) any {
	if t := u.timed.Load(); t != nil {
		return t.Value(key)
	}
	return u.Context.Value(key)
}

// Finish is a context for what has to be finished even if the caller hangs up, though not beyond the request's deadline.
func Finish(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// Before is the context with its deadline, if it has one, moved ahead: time is kept back for what has to be written when the work
// is over.
func Before(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-d))
}
