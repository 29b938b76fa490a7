package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
	"github.com/vetassist/vetassist/functions/vetassist/tokenrequest"
)

const (
	revision    = "2026-07-28" // of MCP, if the server has it
	requestTime = 10 * time.Second
)

// Client is an application that has somebody else's word for who it is, or for whom it acts.
type Client struct {
	ID     string // at the authorization server; a workload may leave it out
	Secret string // of an application that has one
	Issuer string // the authorization server that the word is for
	Word   Word
	HTTP   *http.Client     // default one with a timeout of 10 seconds; its redirects are not followed
	Now    func() time.Time // default time.Now
}

// Word gets the assertion for an authorization server: a JWT that somebody whom it trusts signed.
type Word func(ctx context.Context, at Place) (string, error)

// Place is where an assertion is to be good.
type Place struct {
	Issuer   string   // of the authorization server
	Resource string   // the MCP server
	Scopes   []string // that are asked for
}

// Connect opens an MCP session with a server.
func (c Client) Connect(ctx context.Context, server string) (*mcp.ClientSession, error) {
	u, err := url.Parse(server)
	if err != nil || !discovery.Encrypted(server) || u.RawQuery != "" {
		return nil, fmt.Errorf("%.200q is not the address of an MCP server: it must be https, or on this machine", server)
	}
	if c.Word == nil || !discovery.Encrypted(c.Issuer) {
		return nil, errors.New("federation: a client has a word, and an authorization server that it is for")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &handler{client: c, server: u, http: safe(c.HTTP)}
	m := mcp.NewClient(&mcp.Implementation{Name: "vetassist-federation", Title: "VetAssist federated client", Version: "1.0.0"},
		&mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	s, err := m.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: server, HTTPClient: h.http, OAuthHandler: h, DisableStandaloneSSE: true, MaxRetries: -1},
		&mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil && h.stopped != nil {
		err = h.stopped
	}
	return s, err
}

// safe is an HTTP client that follows no redirect: what is sent must not travel on.
func safe(given *http.Client) *http.Client {
	c := http.Client{Timeout: requestTime}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// handler gives the MCP client a token, and gets another when it has ended: there is no refresh token.
type handler struct {
	client Client
	server *url.URL
	http   *http.Client

	mu      sync.Mutex
	place   *discovery.Place
	token   tokenrequest.Held
	stopped error // nothing more is sent
}

var _ auth.OAuthHandler = (*handler)(nil)

// TokenSource is asked before every request. The first goes without a token: the answer says what is wanted.
func (h *handler) TokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return nil, h.stopped
	}
	if h.token.Ends(h.client.Now()) {
		if err := h.ask(ctx); err != nil {
			return nil, err
		}
	}
	return h.token.Source(), nil
}

// Authorize is called on a 401 and a 403. nil means: try again, once.
func (h *handler) Authorize(ctx context.Context, _ *http.Request, resp *http.Response) error {
	defer resp.Body.Close()
	asked := discovery.ReadChallenge(resp.Header)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped != nil:
		return h.stopped
	case resp.StatusCode == http.StatusForbidden:
		h.stopped = fmt.Errorf("the MCP server asks for more than was granted: %.200q; whoever vouches for this client must allow it", strings.Join(asked.Scopes, " "))
		return h.stopped
	case h.place == nil:
		found, err := discovery.Find(ctx, h.http, h.server, h.client.Issuer, asked.Metadata)
		if err != nil {
			h.stopped = err
			return err
		}
		if len(asked.Scopes) > 0 { // MCP, "Scope Selection Strategy"
			found.Scopes = asked.Scopes
		}
		h.place = &found
	}
	return h.ask(ctx)
}
