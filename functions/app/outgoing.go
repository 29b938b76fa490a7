package app

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"
)

var errNotAsked = errors.New("this address is not one that the app is set up with")

// outgoing makes the client for every call of ours. A server may name addresses: of its metadata, of its authorization server, of that
// one's endpoints. So what we are set up with is called as usual, and whatever else they lead to through cfg.Outside, which goes
// to no private network (MCP, Security Best Practices, "Server-Side Request Forgery"; RFC 9728 §7.7). No redirect is followed: it would
// lead round both, and a code or a token must not travel on.
func outgoing(cfg Config) *http.Client {
	inside := cfg.HTTP
	if inside == nil {
		inside = &http.Client{Timeout: 10 * time.Second}
	}
	r := &router{inside: transport(inside), outside: transport(cfg.Outside)}
	for _, own := range []string{cfg.BaseURL, cfg.MCPURL, cfg.Issuer} {
		if u, err := url.Parse(own); err == nil {
			r.own = append(r.own, originOf(u))
		}
	}
	return &http.Client{
		Transport: r, Timeout: inside.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// router is the transport of outgoing.
type router struct {
	own             []string // origins
	inside, outside http.RoundTripper
}

func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case slices.Contains(r.own, originOf(req.URL)):
		return r.inside.RoundTrip(req)
	case r.outside != nil:
		return r.outside.RoundTrip(req)
	}
	if req.Body != nil {
		req.Body.Close()
	}
	return nil, errNotAsked
}

func transport(c *http.Client) http.RoundTripper {
	switch {
	case c == nil:
		return nil
	case c.Transport == nil:
		return http.DefaultTransport
	}
	return c.Transport
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
