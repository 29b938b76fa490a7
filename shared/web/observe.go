package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// visitor is what is known of who sent a request.
type visitor struct{ id, address string }

// visit is the context of one request.
type visit struct {
	context.Context
	visitor
}

type visitorKey struct{}

// Value implements context.Context.
func (v *visit) Value(key any) any {
	if key == (visitorKey{}) {
		return &v.visitor
	}
	return v.Context.Value(key)
}

func visitorOf(ctx context.Context) visitor {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		return *v
	}
	return visitor{}
}

// RequestID is the correlation id of the request whose context this is: it is in the X-Request-Id header of the
// answer and in every log line about it.
func RequestID(ctx context.Context) string {
	return visitorOf(ctx).id
}

// WithRequestID gives Observe the id of a request that had one before it came here, so that the logs of whoever passed it
// on and ours speak of the same request. It must not be of the client's choice.
func WithRequestID(ctx context.Context, id string) context.Context {
	return &visit{ctx, visitor{id, ClientAddress(ctx)}}
}

// ClientAddress is the IP address that the request whose context this is came from: the peer of the connection, whatever
// headers say, since anybody can write those.
func ClientAddress(ctx context.Context) string {
	return visitorOf(ctx).address
}

// MaxBody bounds the body of any request; each handler knows a smaller bound of its own.
const MaxBody = 1 << 20

// Observe gives each request its id, unless it has one, logs it when it is done, and turns a panic into a plain 500. It logs the
// path but never the query, which may hold a code. The handler's time ends a little before the request's, if whoever runs it has set an end.
func Observe(log *slog.Logger, next http.Handler) http.Handler {
	return ObserveWithin(0, log, next)
}

// ObserveWithin is Observe where nobody else sets an end: an answer may take no longer than limit. There is none if it is 0.
func ObserveWithin(limit time.Duration, log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := RequestID(r.Context())
		if id == "" {
			id = rand.Text()[:12]
		}
		w.Header().Set("X-Request-Id", id)
		address, _, _ := net.SplitHostPort(r.RemoteAddr) // empty when a test made the request
		start := time.Now()
		ctx, cancel := answerBy(r.Context(), start, limit)
		defer cancel()
		r = r.WithContext(&visit{ctx, visitor{id, address}})
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.ErrorContext(r.Context(), "panic", "id", id, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, Sorry(r.Context(), http.StatusInternalServerError), http.StatusInternalServerError)
				}
			}
			if !log.Enabled(r.Context(), slog.LevelDebug) {
				return
			}
			log.DebugContext(r.Context(), "request", "id", id, "method", r.Method, "path", r.URL.Path, "status", rec.status,
				"ms", time.Since(start).Milliseconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if h := r.Header(); status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", RetryAfter) // RFC 9110 §10.2.3: whatever it is, it is meant to pass
	}
	r.ResponseWriter.WriteHeader(status) // panics when it is no status, and then nothing has been said
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
