package workshop

import (
	"context"
	"math/rand/v2" // nothing secret
	"net/http"
	"strconv"
	"time"
)

const (
	maxWaits    = 8 // of one request
	longestWait = 20 * time.Second
)

// Patience is a transport that comes again where a server is too busy and says when (RFC 9110 §10.2.3), as a person would. Nothing was done
// then: here 503 and 429 are said before anything is.
type Patience struct {
	Next  http.RoundTripper                          // nil: the usual one
	Pause func(context.Context, time.Duration) error // nil: waits
}

// RoundTrip implements http.RoundTripper.
func (p Patience) RoundTrip(req *http.Request) (*http.Response, error) {
	next, pause := p.Next, p.Pause
	if next == nil {
		next = http.DefaultTransport
	}
	if pause == nil {
		pause = wait
	}
	for waits := 0; ; waits++ {
		out := req.Clone(req.Context())
		if req.Body != nil && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			out.Body = body
		}
		resp, err := next.RoundTrip(out)
		if err != nil {
			return nil, err
		}
		after, asked := retryAfter(resp)
		if !asked || waits == maxWaits || req.Body != nil && req.GetBody == nil {
			return resp, nil
		}
		resp.Body.Close()
		if err := pause(req.Context(), after+rand.N(after+1)); err != nil { // not all at the same moment
			return nil, err
		}
	}
}

func retryAfter(resp *http.Response) (time.Duration, bool) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	after := time.Duration(seconds) * time.Second
	return after, err == nil && seconds >= 0 && after <= longestWait
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
