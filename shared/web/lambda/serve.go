package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

// margin is what remains of an invocation when the handler's context ends: enough to tell the client.
const margin = 500 * time.Millisecond

var (
	errLate   = errors.New("lambda: the handler did not answer before the end of the invocation")
	errGaveUp = errors.New("lambda: the handler gave up")
)

// serve answers a request with the handler, for as long as the invocation has time.
func (f *Function) serve(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	if deadline, ok := r.Context().Deadline(); ok {
		ctx, cancel := context.WithDeadline(r.Context(), deadline.Add(-margin))
		defer cancel()
		r = r.WithContext(ctx)
	}
	a := newAnswer(r.Method)
	done := make(chan error, 1) // the handler may return when nobody waits any more
	go func() { done <- run(a, r, handler) }()

	var err error
	select {
	case err = <-done:
	case <-r.Context().Done():
		select {
		case err = <-done: // at the same moment
		default:
			a.abandon()
			f.refuse(w, r, http.StatusServiceUnavailable, "too late", errLate)
			return
		}
	}
	status, tooLarge := a.end()
	switch {
	case err != nil:
		f.refuse(w, r, http.StatusInternalServerError, "failed", err)
	case tooLarge != nil:
		f.refuse(w, r, http.StatusInternalServerError, "failed", tooLarge)
	case (status == 0 || status >= 500) && r.Context().Err() != nil: // it gave up since its time was over, at the moment when we did
		f.refuse(w, r, http.StatusServiceUnavailable, "too late", errLate)
	default:
		a.copyTo(w)
	}
}

// run is the handler in a goroutine of ours, where a panic would end the process. web.Observe lets only http.ErrAbortHandler
// through.
func run(w http.ResponseWriter, r *http.Request, handler http.Handler) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errGaveUp
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	handler.ServeHTTP(w, r)
	return nil
}

// refuse answers in the handler's place, with no more than the correlation id, and logs why.
func (f *Function) refuse(w http.ResponseWriter, r *http.Request, status int, what string, err error) {
	id := web.RequestID(r.Context())
	f.log.ErrorContext(r.Context(), what, "id", id, "method", r.Method, "path", r.URL.Path, "err", err)
	w.Header().Set("X-Request-Id", id)
	message := "Something broke on our side. "
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", web.RetryAfter) // RFC 9110 §10.2.3
		message = "This could not be done in time. Try again in a moment. "
	}
	if errors.Is(err, errTooLarge) {
		message = "The answer is too large. Ask for less at a time. "
	}
	http.Error(w, message+web.ReportNumber(r.Context()), status)
}
