package trace

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

const (
	maxDecisions = 40 // of one exchange
	maxWithin    = 8
)

// span is an exchange that is under way. Its methods may be called by many at once, and for long after its end.
type span struct {
	recorder *Recorder
	flushed  chan struct{} // of Flush: it is no exchange

	mu     sync.Mutex
	ended  bool
	record Record
	raw    raw
	within []*span // with strangers' servers, where each exchange is written at once
}

type spanKey struct{}

func from(ctx context.Context) *span {
	s, _ := ctx.Value(spanKey{}).(*span)
	return s
}

// On tells whether the exchange of this context is recorded. When not, nobody needs to make a Decision.
func On(ctx context.Context) bool { return from(ctx) != nil }

// Decide notes what was decided, now, in the exchange of this context.
func Decide(ctx context.Context, d Decision) {
	s := from(ctx)
	if s == nil {
		return
	}
	d.At = s.recorder.moment()
	s.change(func(r *Record) {
		if len(r.Decisions) < maxDecisions {
			r.Decisions = append(r.Decisions, d)
		}
	})
}

// DecideAnyway is Decide for the place where every refusal comes by: it keeps silent when a better place has told it already.
func DecideAnyway(ctx context.Context, d Decision) {
	s := from(ctx)
	if s == nil {
		return
	}
	s.mu.Lock()
	all := s.record.Decisions
	told := slices.ContainsFunc(all, func(d Decision) bool { return d.Outcome == Refused }) || len(all) > 0 && all[len(all)-1].Outcome == Asked
	s.mu.Unlock()
	if !told {
		Decide(ctx, d)
	}
}

// Subject notes whom the exchange is about: who may see it.
func Subject(ctx context.Context, userID string) {
	if s := from(ctx); s != nil && userID != "" {
		s.change(func(r *Record) { r.Subject = userID })
	}
}

// ClientID notes which client the exchange is about.
func ClientID(ctx context.Context, id string) {
	if s := from(ctx); s != nil && id != "" {
		s.change(func(r *Record) { r.Client = id })
	}
}

// Flow is the flow of the exchange; empty: none is recorded.
func Flow(ctx context.Context) string {
	s := from(ctx)
	if s == nil {
		return ""
	}
	return s.flow()
}

func (s *span) flow() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.Flow
}

// Continue puts the exchange into a flow that its handler knows of, such as that of a question which had to wait. Call it before anything
// else happens in the exchange.
func Continue(ctx context.Context, flow string) {
	if s := from(ctx); s != nil && s.recorder.ours(flow) {
		s.change(func(r *Record) { r.Flow = flow })
	}
}

// Carried puts an exchange whose header carried no flow into the one that its body carries: MCP reserves traceparent and tracestate in
// _meta, in the formats of W3C Trace Context (2026-07-28, Base Protocol, General fields, OpenTelemetry trace context).
func Carried(ctx context.Context, traceparent, tracestate string) {
	s := from(ctx)
	if s == nil {
		return
	}
	if flow, parent, party, ok := s.recorder.carried(ctx, traceparent, tracestate); ok {
		s.change(func(r *Record) {
			if r.Parent == "" {
				r.Flow, r.Parent, r.From, r.Name = flow, parent, party, ""
			}
		})
	}
}

// Carry is what the body of a request carries that happens in the exchange, for Carried; empty: nothing is recorded.
func Carry(ctx context.Context, sender Party) (traceparent, tracestate string) {
	s := from(ctx)
	if s == nil {
		return "", ""
	}
	s.mu.Lock()
	flow, id := s.record.Flow, s.record.ID
	s.mu.Unlock()
	if tracestate = s.recorder.state(ctx, sender, flow, id); tracestate == "" {
		return "", ""
	}
	return "00-" + flow + "-" + id + "-01", tracestate
}

// Parent is the traceparent of a request that happens in the exchange (W3C Trace Context §3.2); empty: none is recorded.
func Parent(ctx context.Context) string {
	s := from(ctx)
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return "00-" + s.record.Flow + "-" + s.record.ID + "-01"
}

// With is ctx, with the exchange of another context: for work that goes on under a context of its own.
func With(ctx, other context.Context) context.Context {
	if s := from(other); s != nil && from(ctx) == nil {
		return context.WithValue(ctx, spanKey{}, s)
	}
	return ctx
}

func (s *span) change(f func(*Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		f(&s.record)
	}
}

const (
	parentHeader = "Traceparent"
	stateHeader  = "Tracestate" // W3C Trace Context §3.3: ours says which party sends
	stateName    = "vetassist="
)

// transport lets requests to our own base URL carry the flow. Nobody else hears of it.
type transport struct {
	own  string // origin
	from Party
	next http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if On(r.Context()) && r.URL.Scheme+"://"+r.URL.Host == t.own {
		if parent, state := Carry(r.Context(), t.from); parent != "" {
			r = r.Clone(r.Context())
			r.Header.Set(parentHeader, parent)
			r.Header.Set(stateHeader, state)
		}
	}
	return t.next.RoundTrip(r)
}

// CloseIdleConnections implements what http.Client asks of its transport.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
