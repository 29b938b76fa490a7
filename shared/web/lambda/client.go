package lambda

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

const (
	clientTimeout = 25 * time.Second // API Gateway itself waits 30 s
	idleTimeout   = 20 * time.Second
	dockerHost    = "host.docker.internal" // the machine, seen from one of its containers
)

// Client is what a function sends requests to other parties with.
func Client(c config.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// A connection from before Lambda froze the process is dead, and a POST that is written to it is lost. net/http looks at the
	// clock on the wall before it uses an idle one again, and that clock goes on in the cold.
	t.IdleConnTimeout = idleTimeout
	if c.SAMLocal {
		t.DialContext = fromContainer(t.DialContext)
	}
	return &http.Client{Transport: t, Timeout: clientTimeout}
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
