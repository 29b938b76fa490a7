package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Fail logs the cause of a failure that is ours, never the caller's, and says nothing of it on the wire but the id, and whether
// to try again.
func Fail(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	LogFailure(r, log, err)
	status := FailureStatus(err)
	http.Error(w, Sorry(r.Context(), status), status)
}

// Fail is the same as a page.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	LogFailure(r, log, err)
	status := FailureStatus(err)
	if p.RenderError(w, status, ErrorPage{Title: "That did not work", Message: Sorry(r.Context(), status)}) != nil { // nothing was written
		http.Error(w, Sorry(r.Context(), status), status)
	}
}

// LogFailure is the part of Fail for those who answer in a form of their own.
func LogFailure(r *http.Request, log *slog.Logger, err error) {
	log.Log(r.Context(), FailureLevel(r.Context()), "failed", "id", RequestID(r.Context()), "method", r.Method, "path", r.URL.Path, "err", err)
}

// RetryAfter is when to try again, in seconds: what is temporary here is over soon.
const RetryAfter = "1"

// FailureStatus is how a failure of ours is answered. Where trying again may help it is 503 (RFC 9110 §15.6.4), to which Observe
// adds Retry-After.
func FailureStatus(err error) int {
	if Temporary(err) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Temporary tells whether trying the same again in a moment may help: a store was busy, too many asked at once, or the time for
// an answer ran out. Such an error says so itself, as those of the standard library do. That the caller hung up is none.
func Temporary(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var says interface{ Temporary() bool }
	return errors.As(err, &says) && says.Temporary()
}

// Sorry is what a person reads with a 5xx: nothing of the cause, but the number under which the log has it.
func Sorry(ctx context.Context, status int) string {
	what := "Something broke on our side."
	if status == http.StatusServiceUnavailable {
		what = "There is too much to do here right now. Please try again in a moment."
	}
	return what + " " + ReportNumber(ctx)
}

// ReportNumber asks to report the correlation id.
func ReportNumber(ctx context.Context) string {
	return "If you report it, give this number: " + RequestID(ctx)
}

// FailureLevel is how loud a failure is: that a caller hung up in the middle of a request is no news.
func FailureLevel(ctx context.Context) slog.Level {
	if errors.Is(ctx.Err(), context.Canceled) {
		return slog.LevelDebug
	}
	return slog.LevelError
}
