package visitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
)

// Resource is what the MCP server says of itself (RFC 9728 §2).
type Resource struct {
	Resource string   `json:"resource"`
	Issuers  []string `json:"authorization_servers"`
	Scopes   []string `json:"scopes_supported"`
}

// Server is what the authorization server says of itself (RFC 8414 §2).
type Server struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Pushed        string   `json:"pushed_authorization_request_endpoint"`
	Device        string   `json:"device_authorization_endpoint"`
	Registration  string   `json:"registration_endpoint"` // empty: no client registers itself
	Revocation    string   `json:"revocation_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Scopes        []string `json:"scopes_supported"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	PKCE          []string `json:"code_challenge_methods_supported"`
	SaysIssuer    bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	Documents     bool     `json:"client_id_metadata_document_supported"`
}

// serverAt is where VetAssist has its endpoints.
func serverAt(base string) Server {
	at := func(name string) string { return base + "/oauth/" + name }
	return Server{Issuer: base, Authorization: at("authorize"), Token: at("token"), Pushed: at("par"), Device: at("device_authorization"),
		Registration: at("register"), Revocation: at("revoke"), Introspection: at("introspect"), UserInfo: at("userinfo"),
		EndSession: at("logout"), JWKS: base + "/.well-known/jwks.json"}
}

// Discovered is what a client learns before it asks anybody for a login.
type Discovered struct {
	First     Answer              // of the MCP server to a request without a token
	Challenge discovery.Challenge // in it
	Resource  Resource            // empty for revision 2025-03-26, which knows no such thing
	Server    Server
}

// firstMessage is what a client of each revision says first.
const firstMessage = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`

// Discover asks the MCP server for something, is refused, and finds the authorization server: by the resource's own metadata (RFC 9728),
// or, as a client of revision 2025-03-26, at the MCP server's origin. It fills in c.Server, and c.Resource if one is named.
func (c *Client) Discover(ctx context.Context) (Discovered, error) {
	var d Discovered
	var err error
	if d.First, err = c.MCP(ctx, "", firstMessage); err != nil {
		return d, err
	}
	d.Challenge = discovery.ReadChallenge(d.First.Header)
	issuer := c.Base
	if c.Revision != "2025-03-26" {
		if d.Resource, err = c.ReadResource(ctx, d.Challenge.Metadata); err != nil {
			return d, err
		}
		if len(d.Resource.Issuers) == 0 {
			return d, fmt.Errorf("the MCP server names no authorization server")
		}
		issuer = d.Resource.Issuers[0]
		if c.Resource != "" {
			c.Resource = d.Resource.Resource
		}
	}
	if d.Server, err = c.ReadServer(ctx, issuer); err != nil {
		return d, err
	}
	c.Server = d.Server
	return d, nil
}

// ReadResource reads the resource metadata at the address in the challenge or, without one, at the well-known place (RFC 9728 §3.1).
func (c *Client) ReadResource(ctx context.Context, address string) (Resource, error) {
	if address == "" {
		address = c.Base + "/.well-known/oauth-protected-resource/mcp"
	}
	var out Resource
	if err := c.read(ctx, address, &out); err != nil {
		return out, err
	}
	if out.Resource != c.Base+"/mcp" { // RFC 9728 §3.3: it must be about what we asked
		return out, fmt.Errorf("%s is about %q, not about %s/mcp", address, out.Resource, c.Base)
	}
	return out, nil
}

// ReadServer reads the authorization server's metadata (RFC 8414 §3), which must be of that issuer (§3.3).
func (c *Client) ReadServer(ctx context.Context, issuer string) (Server, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return Server{}, err
	}
	var out Server
	address := originOf(u) + "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.EscapedPath(), "/")
	if err := c.read(ctx, address, &out); err != nil {
		return out, err
	}
	if out.Issuer != issuer {
		return out, fmt.Errorf("%s is of %q, not of %s", address, out.Issuer, issuer)
	}
	return out, nil
}

func (c *Client) read(ctx context.Context, address string, into any) error {
	headers := []string{"Accept", "application/json"}
	if c.Revision != "" { // since 2025-03-26 a client says so here too
		headers = append(headers, "MCP-Protocol-Version", c.Revision)
	}
	a, err := c.Send(ctx, http.MethodGet, address, "", headers...)
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("%s answered %d", address, a.Status)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return fmt.Errorf("%s is no JSON object: %w", address, err)
	}
	return nil
}
