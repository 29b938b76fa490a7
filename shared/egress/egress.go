// Package egress asks addresses that strangers named, such as the client_id of a client that describes itself at a URL, and is not
// led into our own network by them (server-side request forgery; MCP, Security Best Practices, "Server-Side Request Forgery").
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf" // knows IANA's registries of special addresses; made anew from them

	"github.com/vetassist/vetassist/shared/config"
)

// Timeout bounds a whole request, its answer included.
const Timeout = 5 * time.Second

var (
	// ErrNotHTTPS is a URL without https.
	ErrNotHTTPS = errors.New("it is not https")
	// ErrRedirect is an answer that leads elsewhere: who may name an address may not let another one answer.
	ErrRedirect = errors.New("it redirects elsewhere")
	// ErrAddress is a host that is not out on the Internet, or a port other than 443.
	ErrAddress = errors.New("its address is not a public one")
	// ErrTooLarge is an answer that is longer than allowed.
	ErrTooLarge = errors.New("its answer is too large")
)

// StatusError is an answer other than 200.
type StatusError int

func (e StatusError) Error() string { return fmt.Sprintf("it answers %d, not 200", int(e)) }

// Client is an HTTP client for addresses of strangers. The address that a name has is looked at when it is dialled, so that a
// name cannot lead to another one a moment later (DNS rebinding): private, loopback, link-local and all other special ones are
// refused, and ports other than 443. Hosts that are named outright are exempt. No proxy of the environment is used: it would be
// the one that dials. roots are whose certificates count; nil: those that this machine trusts.
func Client(named config.Hosts, roots *x509.CertPool) *http.Client {
	guarded := net.Dialer{Timeout: Timeout, Control: ssrf.New(ssrf.WithPorts(443)).Safe}
	plain := net.Dialer{Timeout: Timeout}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && named.Names(host, port) {
				return plain.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    Timeout,
		ResponseHeaderTimeout:  Timeout,
		MaxResponseHeaderBytes: 32 << 10,
		MaxIdleConns:           10,
		IdleConnTimeout:        20 * time.Second, // Lambda freezes processes
	}
	return &http.Client{
		Transport:     onlyHTTPS{transport},
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return ErrRedirect },
	}
}

type onlyHTTPS struct{ next http.RoundTripper }

func (t onlyHTTPS) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, ErrNotHTTPS
	}
	return t.next.RoundTrip(r)
}

// Get reads a document of at most limit bytes. The error is for our log: what it tells besides the errors of this package may be about
// our network.
func Get(ctx context.Context, client *http.Client, url, accept string, limit int64) (body []byte, header http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", accept)
	resp, err := client.Do(r)
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		err = fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, StatusError(resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return body, resp.Header, err
}
