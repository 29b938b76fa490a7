package nightly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
	"github.com/vetassist/vetassist/shared/clientkey"
)

const revision = "2026-07-28" // of MCP, if the server has it

// Program is an application that acts for itself.
type Program struct {
	ID     string
	Key    *clientkey.Key // it proves itself with, or
	Secret string
	Issuer string                                     // where it is registered; default the origin of the MCP server
	Scopes []string                                   // to ask for; empty: what the MCP server names
	HTTP   *http.Client                               // default one with a timeout of 10 seconds; its redirects are not followed
	Now    func() time.Time                           // default time.Now
	Pause  func(context.Context, time.Duration) error // default waits
	Log    *slog.Logger                               // default slog.Default()
}

// Connect opens an MCP session with a server, for nobody but the program. The error says what to mend.
func (p Program) Connect(ctx context.Context, server string) (*mcp.ClientSession, error) {
	s, _, err := p.connect(ctx, server)
	return s, err
}

func (p Program) connect(ctx context.Context, server string) (*mcp.ClientSession, *handler, error) {
	u, err := url.Parse(server)
	if err != nil || !discovery.Encrypted(server) || u.RawQuery != "" {
		return nil, nil, fmt.Errorf("%.200q is not the address of an MCP server: it must be https, or on this machine", server)
	}
	switch {
	case p.ID == "":
		return nil, nil, errors.New("the client_id is missing")
	case (p.Key == nil) == (p.Secret == ""):
		return nil, nil, errors.New("the program proves itself with a key or with a secret: one of them")
	}
	if p.Issuer == "" {
		p.Issuer = discovery.Origin(u)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Pause == nil {
		p.Pause = pause
	}
	if p.Log == nil {
		p.Log = slog.Default()
	}
	client := p.client(maxWaits)
	h := &handler{program: p, server: u, http: client, once: p.client(0)}
	c := mcp.NewClient(&mcp.Implementation{Name: "vetassist-nightly", Title: "VetAssist nightly job", Version: "1.0.0"},
		&mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}, Logger: p.Log})
	s, err := c.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: server, HTTPClient: client, OAuthHandler: h,
		DisableStandaloneSSE: true, MaxRetries: -1, MaxEventSize: maxBody},
		&mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		return nil, nil, h.judge(err)
	}
	return s, h, nil
}
