package lambda

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

const (
	clientTimeout = 25 * time.Second // API Gateway itself waits 30 s
	idle          = 20 * time.Second
	dockerHost    = "host.docker.internal" // the machine, seen from one of its containers
)

// Client is what a function sends requests to other parties with.
func Client(c config.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.IdleConnTimeout = idle
	if c.SAMLocal {
		t.DialContext = fromContainer(t.DialContext)
	}
	return &http.Client{Transport: &thawed{Transport: t, now: time.Now}, Timeout: clientTimeout}
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// fromContainer dials the machine where a container would dial itself. URLs, issuer, Host header and certificates stay
// those that a browser on the machine sees.
func fromContainer(dial dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && config.IsLoopback(host) {
			address = net.JoinHostPort(dockerHost, port)
		}
		return dial(ctx, network, address)
	}
}

// thawed drops connections from before Lambda froze the process. The other side has closed them long ago, and a POST that is
// written to such a one is lost: net/http cannot know whether it arrived. The timer of IdleConnTimeout does not help, since it was
// frozen too; the clock on the wall was not.
type thawed struct {
	*http.Transport
	now  func() time.Time
	last atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (t *thawed) RoundTrip(r *http.Request) (*http.Response, error) {
	now := t.now().UnixNano()
	if last := t.last.Swap(now); now-last > int64(idle) {
		t.CloseIdleConnections()
	}
	return t.Transport.RoundTrip(r)
}
