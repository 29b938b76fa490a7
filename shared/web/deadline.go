package web

import (
	"context"
	"time"
)

// answerTime is kept back from a deadline, so that the answer that time ran out still gets out.
const answerTime = 250 * time.Millisecond

// answerBy is the context of a request whose answer may take so long, if limit is not 0, and in which less time may be left.
func answerBy(ctx context.Context, now time.Time, limit time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); limit == 0 || ok && deadline.Before(now.Add(limit)) {
		return Before(ctx, answerTime)
	}
	return context.WithDeadline(ctx, now.Add(limit-answerTime))
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
