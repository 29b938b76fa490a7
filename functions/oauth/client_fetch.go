package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds what is remembered of hosts
	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/egress"
)

// How often we ask strangers for something, whoever makes us.
const (
	maxAsking   = 32               // at once,
	hostAsking  = 2                // of them at one host: one that answers slowly keeps nobody else's waiting
	hostBurst   = 20               // of one host, and then
	hostPause   = time.Second      // one in this time
	failedPause = 10 * time.Second // after a document failed: no cache of errors, which the draft forbids (§4.4), but time to breathe for whoever serves it
	maxHosts    = 1000             // remembered, and as many documents
)

var (
	errTooOften = errors.New("it was asked for too often just now; try again in a moment")
	errNotNow   = errors.New("it cannot be reached")
)

// documents asks the hosts of clients for their documents.
type documents struct {
	base    string       // our own base URL on a loopback address, which no stranger's request reaches; else empty
	own     *http.Client // for what lies there
	outside *http.Client
	now     func() time.Time
	asking  chan struct{}
	hosts   *lru.Cache[string, *asked]
	failed  *lru.Cache[string, failure] // by URL
}

// asked is how much one host is asked.
type asked struct {
	often  *rate.Limiter
	asking chan struct{}
}

type failure struct {
	wrong *documentError
	until time.Time
}

func newDocuments(c Config) *documents {
	hosts, err1 := lru.New[string, *asked](maxHosts)
	failed, err2 := lru.New[string, failure](maxHosts)
	if err := errors.Join(err1, err2); err != nil {
		panic(err) // only for a size that is not positive
	}
	d := &documents{outside: c.Outside, now: c.Now, asking: make(chan struct{}, maxAsking), hosts: hosts, failed: failed}
	if base, err := url.Parse(c.BaseURL); err == nil && config.IsLoopback(base.Hostname()) && c.HTTP != nil {
		own := *c.HTTP
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return egress.ErrRedirect }
		d.base, d.own = c.BaseURL+"/", &own
	}
	return d
}

// isOwn reports whether a URL lies under our own base URL, on somebody's own machine.
func (d *documents) isOwn(target string) bool {
	return d.base != "" && strings.HasPrefix(target, d.base)
}

// get reads a document of at most limit bytes. The error says what is wrong in words for whoever serves it, and nothing of our network.
func (d *documents) get(ctx context.Context, target, accept string, limit int64) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, egress.Timeout)
	defer cancel()
	client, places := d.own, []chan struct{}{d.asking}
	if !d.isOwn(target) {
		h := d.hostOf(target)
		if !h.often.AllowN(d.now(), 1) {
			return nil, nil, errTooOften
		}
		client, places = d.outside, []chan struct{}{h.asking, d.asking}
	}
	for _, place := range places {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return nil, nil, errTooOften
		}
	}
	return egress.Get(ctx, client, target, accept, limit)
}

// remember that the document of a client is of no use for now.
func (d *documents) remember(target string, wrong *documentError) error {
	d.failed.Add(target, failure{wrong, d.now().Add(failedPause)})
	return wrong
}

// failure is why the document of a client was of no use a moment ago, if it was.
func (d *documents) failure(target string) error {
	if f, ok := d.failed.Get(target); ok && d.now().Before(f.until) {
		return f.wrong
	}
	return nil
}

func (d *documents) hostOf(target string) *asked {
	name := ""
	if u, err := url.Parse(target); err == nil {
		name = strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + cmp.Or(u.Port(), "443") // however it is written
	}
	h := &asked{rate.NewLimiter(rate.Every(hostPause), hostBurst), make(chan struct{}, hostAsking)}
	if before, found, _ := d.hosts.PeekOrAdd(name, h); found {
		return before
	}
	return h
}

// publicReason is what of an error may be shown to whoever runs the other side.
func publicReason(err error) error {
	var status egress.StatusError
	if errors.As(err, &status) {
		return status
	}
	for _, known := range []error{egress.ErrNotHTTPS, egress.ErrRedirect, egress.ErrTooLarge, egress.ErrAddress} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errNotNow
}
