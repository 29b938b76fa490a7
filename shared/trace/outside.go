package trace

import (
	"context"
	"io"
	"net/http"
)

func contextWith(ctx context.Context, s *span) context.Context {
	return context.WithValue(ctx, spanKey{}, s)
}

// outside records what is sent to a stranger's server, within the exchange in which it happens. There it would be no request of ours
// without one.
type outside struct {
	recorder *Recorder
	from     Party
	next     http.RoundTripper
}

func (o *outside) RoundTrip(req *http.Request) (*http.Response, error) {
	parent := from(req.Context())
	if parent == nil {
		return o.next.RoundTrip(req)
	}
	r := o.recorder
	s := &span{recorder: r}
	parent.mu.Lock()
	s.record = Record{ID: newID(), From: o.from, To: Outside, Host: req.URL.Host, Begin: r.moment(),
		Flow: parent.record.Flow, Parent: parent.record.ID, Subject: parent.record.Subject}
	parent.mu.Unlock()
	s.raw.request = req
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			_, _ = io.Copy(&s.raw.sent, io.LimitReader(body, maxBody)) // of memory
			body.Close()
		}
	}
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		r.ended(req.Context(), parent, s)
		return nil, err
	}
	s.raw.status, s.raw.header = resp.StatusCode, resp.Header.Clone()
	resp.Body = &watched{Reader: io.TeeReader(resp.Body, &s.raw.received), body: resp.Body, end: func() { r.ended(req.Context(), parent, s) }}
	return resp, nil
}

// ended takes over an exchange of ours with a stranger. Where each exchange is written at once it waits for the one in which it happened:
// they are one write.
func (r *Recorder) ended(ctx context.Context, parent, s *span) {
	s.record.End = r.moment()
	if r.Direct {
		parent.mu.Lock()
		defer parent.mu.Unlock()
		if !parent.ended && len(parent.within) < maxWithin {
			parent.within = append(parent.within, s)
			return
		}
	}
	r.done(ctx, s)
}

// watched is a body that tells when it is closed.
type watched struct {
	io.Reader
	body io.Closer
	end  func()
}

func (w *watched) Close() error {
	if w.end != nil {
		w.end()
		w.end = nil
	}
	return w.body.Close()
}
