package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds what is remembered of flows
	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// Partitions are all that the recorder opens.
var Partitions = []string{"trace/"}

// Keep is how long a record lives.
const Keep = 24 * time.Hour

const (
	flowRate  = 100       // exchanges a second that are recorded,
	flowBurst = 2000      // and at once
	dayBytes  = 256 << 20 // bytes of records a day,
	byteBurst = 64 << 20  // and at once
	maxQueue  = 2048      // exchanges that wait to be written
	maxFlow   = 400       // exchanges of one flow
	maxKnown  = 8192      // flows, and things by which they are known again, that a process remembers

	writeEvery = 80 * time.Millisecond // with what the store takes for it, within 100
	writeTime  = 5 * time.Second
	directTime = 500 * time.Millisecond // that an answer waits for its record, and a request for its flow
	restTime   = 5 * time.Second        // after the store has failed nothing is recorded
)

// Options are what a Recorder needs.
type Options struct {
	BaseURL string // of the parties
	Store   store.Store
	Now     func() time.Time
	Log     *slog.Logger
	// Direct writes each exchange before its answer goes out, for where nothing runs afterwards: AWS Lambda.
	Direct bool
}

// Recorder keeps what happens. A nil Recorder is one that is off.
type Recorder struct {
	Options
	cookie    web.Cookie
	key       *secret.Key // see seal.go
	limit     *rate.Limiter
	bytes     *rate.Limiter
	strangers *rate.Limiter // what of these they may take who are known to nobody
	rest      atomic.Int64  // when it ends, on the machine's clock
	count     atomic.Int64
	leftOut   atomic.Int64
	flows     *lru.Cache[string, *known] // by id
	links     *lru.Cache[string, link]   // by key

	queue   chan *span
	closing chan struct{}
	stopped chan struct{}
	once    sync.Once
}

// known is what a process remembers of a flow.
type known struct {
	records atomic.Int64
	indexed *lru.Cache[string, bool] // under whom it is listed already
}

// New starts a recorder; Close ends it.
func New(o Options) (*Recorder, error) {
	flows, err := lru.New[string, *known](maxKnown)
	if err != nil {
		return nil, err
	}
	links, err := lru.New[string, link](maxKnown)
	if err != nil {
		return nil, err
	}
	o.Store = store.Restrict(o.Store, Partitions...)
	r := &Recorder{Options: o, cookie: NewCookie(o.BaseURL), key: secret.At(o.Store, rand.Reader, keyPartition), limit: rate.NewLimiter(flowRate, flowBurst), bytes: rate.NewLimiter(dayBytes/(24*60*60), byteBurst), strangers: rate.NewLimiter(dayBytes/2/(24*60*60), byteBurst/2),
		flows: flows, links: links, queue: make(chan *span, maxQueue), closing: make(chan struct{}), stopped: make(chan struct{})}
	if o.Direct {
		close(r.stopped)
	} else {
		go r.work()
	}
	return r, nil
}

// NewCookie is the cookie by which the recorder knows a browser before anybody has logged in.
func NewCookie(baseURL string) web.Cookie { return web.NewCookie("vetassist_flow", baseURL) }

// Close writes what has gathered, and ends.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.once.Do(func() { close(r.closing) })
	<-r.stopped
	return nil
}

// LeftOut counts what was not recorded, since too much came at once.
func (r *Recorder) LeftOut() int64 { return r.leftOut.Load() }

// Client lets requests to our own parties carry the flow of the exchange in which they happen.
func (r *Recorder) Client(from Party, c *http.Client) *http.Client {
	if r == nil {
		return c
	}
	own := *c
	own.Transport = &transport{own: r.BaseURL, from: from, next: transportOf(c)}
	return &own
}

// Strangers records the requests to others' servers.
func (r *Recorder) Strangers(from Party, c *http.Client) *http.Client {
	if r == nil {
		return c
	}
	own := *c
	own.Transport = &outside{recorder: r, from: from, next: transportOf(c)}
	return &own
}

func transportOf(c *http.Client) http.RoundTripper {
	if c.Transport == nil {
		return http.DefaultTransport
	}
	return c.Transport
}

func (r *Recorder) moment() Moment { return Moment{r.Now().UTC(), r.count.Add(1)} }

// newFlow makes the id of a flow. It begins with the time, as those of AWS X-Ray do, so that flows list in the order in which they
// began; the rest nobody can guess.
func (r *Recorder) newFlow() string {
	b := make([]byte, 12)
	rand.Read(b) // never fails (crypto/rand)
	return fmt.Sprintf("%08x", uint32(r.Now().Unix())) + hex.EncodeToString(b)
}

func newID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// ours tells whether a trace-id is the id of a flow that could still be there. The clock of another function may be a little ahead.
func (r *Recorder) ours(flow string) bool {
	if len(flow) != 32 {
		return false
	}
	if _, err := hex.DecodeString(flow); err != nil {
		return false
	}
	seconds, err := strconv.ParseUint(flow[:8], 16, 32)
	age := r.Now().Sub(time.Unix(int64(seconds), 0))
	return err == nil && -time.Minute < age && age < Keep
}

// remember is what the process knows of a flow.
func (r *Recorder) remember(flow string) *known {
	if k, ok := r.flows.Get(flow); ok {
		return k
	}
	indexed, _ := lru.New[string, bool](64) // fails for no size that is positive
	k := &known{indexed: indexed}
	if before, there, _ := r.flows.PeekOrAdd(flow, k); there {
		return before
	}
	return k
}

// done takes over an exchange that has ended.
func (r *Recorder) done(ctx context.Context, s *span) {
	if r.Direct {
		limit := directTime
		if deadline, ok := ctx.Deadline(); ok { // with a part of what web.Observe keeps back for the answer
			limit = min(limit, time.Until(deadline)+answerTime)
		}
		if limit <= 0 {
			r.leftOut.Add(1)
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		s.mu.Lock()
		all := append(s.within, s)
		s.mu.Unlock()
		r.write(ctx, all)
		return
	}
	select {
	case r.queue <- s:
	default:
		r.leftOut.Add(1)
	}
}

// Flush waits until all is written that has ended before.
func (r *Recorder) Flush() {
	if r == nil || r.Direct {
		return
	}
	s := &span{flushed: make(chan struct{})}
	select {
	case r.queue <- s:
		<-s.flushed
	case <-r.stopped:
	}
}

const answerTime = 100 * time.Millisecond

// patience is how long a request waits to learn which flow it belongs to.
func (r *Recorder) patience() time.Duration {
	if r.Direct {
		return directTime
	}
	return 2 * directTime
}

// failed notes that the store does not do its work. Nobody's request shall wait for that again and again.
func (r *Recorder) failed(what string, err error) {
	r.rest.Store(time.Now().Add(restTime).UnixNano())
	r.Log.Warn(what, "err", err, "pause", restTime)
}

func (r *Recorder) resting() bool { return time.Now().UnixNano() < r.rest.Load() }

// work writes what gathers, until the end: then what has gathered by then.
func (r *Recorder) work() {
	defer close(r.stopped)
	for {
		select {
		case first := <-r.queue:
			timer := time.NewTimer(writeEvery)
			select {
			case <-timer.C:
			case <-r.closing:
			}
			timer.Stop()
			r.write(context.Background(), r.gathered(first))
		case <-r.closing:
			if rest := r.gathered(); len(rest) > 0 {
				r.write(context.Background(), rest)
				continue
			}
			return
		}
	}
}

// gathered is what waits, and what comes before it.
func (r *Recorder) gathered(spans ...*span) []*span {
	for {
		select {
		case s := <-r.queue:
			spans = append(spans, s)
		default:
			return spans
		}
	}
}

// write stores exchanges, as many as fit into each Write.
func (r *Recorder) write(ctx context.Context, spans []*span) {
	var ops []store.Op
	flush := func() {
		if len(ops) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, writeTime)
		defer cancel()
		if err := r.Store.Write(ctx, ops...); err != nil {
			r.leftOut.Add(1)
			r.flows.Purge() // it is not listed, so that has to be done again
			r.failed("flight recorder: not written", err)
		}
		ops = nil
	}
	size := 0
	for _, s := range spans {
		if s.flushed != nil {
			defer close(s.flushed)
			continue
		}
		more := r.ops(s)
		bytes := 0
		for _, op := range more {
			bytes += len(op.Item.Body)
		}
		if len(ops)+len(more) > store.MaxOps || size+bytes > store.MaxWrite/2 || repeats(ops, more) {
			flush()
			size = 0
		}
		ops, size = append(ops, more...), size+bytes
	}
	flush()
}

// repeats tells whether two lists touch the same item, which one Write may not.
func repeats(a, b []store.Op) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Item.Partition == y.Item.Partition && x.Item.Sort == y.Item.Sort {
				return true
			}
		}
	}
	return false
}
