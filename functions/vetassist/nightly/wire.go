package nightly

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	requestTime = 10 * time.Second
	maxBody     = 1 << 20 // bytes of one answer
	maxWaits    = 5       // of one request
	longestWait = 30 * time.Second
)

// client is the HTTP client for everything. It follows no redirect: a proof or a token must not travel on.
func (p Program) client(waits int) *http.Client {
	c := http.Client{Timeout: requestTime}
	if p.HTTP != nil {
		c = *p.HTTP
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Timeout, c.Transport = 0, &wire{next: next, timeout: c.Timeout, waits: waits, pause: p.Pause}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// wire bounds every answer, and waits where a server asks for that: nobody sits in front of this program.
type wire struct {
	next    http.RoundTripper
	timeout time.Duration // of one attempt; 0: none
	waits   int           // at most, when a server is too busy
	pause   func(context.Context, time.Duration) error
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	for waits := 0; ; waits++ {
		resp, err := w.once(req)
		if err != nil {
			return nil, err
		}
		wait, asked := retryAfter(resp.StatusCode, resp.Header)
		if !asked || waits == w.waits || req.Body != nil && req.GetBody == nil {
			return resp, nil
		}
		resp.Body.Close()
		if err := w.pause(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

func (w *wire) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := req.Context(), context.CancelFunc(func() {})
	if w.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, w.timeout)
	}
	out := req.Clone(ctx)
	if req.GetBody != nil {
		var err error
		if out.Body, err = req.GetBody(); err != nil {
			cancel()
			return nil, err
		}
	}
	resp, err := w.next.RoundTrip(out)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &body{resp.Body, maxBody, cancel}
	return resp, nil
}

// retryAfter is how long a server that is too busy asks to wait (RFC 9110 §10.2.3). What it did not say for sure, it may have done:
// a reminder that is set twice is set once all the same.
func retryAfter(status int, header http.Header) (time.Duration, bool) {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	wait := time.Duration(seconds) * time.Second
	return wait, err == nil && seconds >= 0 && wait <= longestWait
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type body struct {
	io.ReadCloser
	left   int
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is larger than %d KiB", maxBody>>10)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// clean keeps what a server says from filling the screen, and from what is not seen there.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
