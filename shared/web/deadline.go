package web

import (
	"context"
	"net/http"
	"time"
)

// answerTime is kept back from a deadline, so that the answer that time ran out still gets out.
const answerTime = 250 * time.Millisecond

// Within gives each request a deadline, for where whoever runs the handler gives it none; AWS Lambda does.
func Within(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
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
