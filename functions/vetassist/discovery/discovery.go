package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/config"
)

const maxURL = 2048 // bytes of an address that a server names

// Place is where a client gets its tokens, and for what.
type Place struct {
	Issuer   string
	Endpoint string   // for tokens
	Methods  []string // token_endpoint_auth_methods_supported
	Resource string   // to name in the request (RFC 8707)
	Scopes   []string // that the resource knows
}

// ErrElsewhere says that the MCP server trusts another authorization server.
var ErrElsewhere = errors.New("nothing was sent there")

// Find finds the token endpoint for an MCP server. It must be that of the issuer, where the client is known: a server that names another one wants
// to have what the client proves itself with (MCP, "Authorization Server Binding"). metadata is the address in the server's challenge.
func Find(ctx context.Context, client *http.Client, server *url.URL, issuer, metadata string) (Place, error) {
	resource, err := resourceMetadata(ctx, client, server, metadata)
	if err != nil {
		return Place{}, fmt.Errorf("the MCP server does not say who issues its tokens: %w", err)
	}
	if !slices.Contains(resource.AuthorizationServers, issuer) {
		return Place{}, fmt.Errorf("the MCP server takes tokens of %.200q, and this program is registered at %s: %w", strings.Join(resource.AuthorizationServers, " "), issuer, ErrElsewhere)
	}
	meta, err := serverMetadata(ctx, client, issuer)
	if err != nil {
		return Place{}, fmt.Errorf("the authorization server %s does not say what it offers: %w", issuer, err)
	}
	return Place{issuer, meta.TokenEndpoint, meta.TokenEndpointAuthMethodsSupported, resource.Resource, resource.ScopesSupported}, nil
}

// resourceMetadata reads the address in the challenge, if it is the MCP server's own, else the well-known ones (RFC 9728 §3.1).
func resourceMetadata(ctx context.Context, client *http.Client, server *url.URL, metadata string) (*oauthex.ProtectedResourceMetadata, error) {
	origin := Origin(server)
	wellKnown := origin + "/.well-known/oauth-protected-resource"
	places := []string{wellKnown + strings.TrimSuffix(server.EscapedPath(), "/"), wellKnown}
	if u, err := url.Parse(metadata); err == nil && Origin(u) == origin {
		places = []string{metadata}
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetProtectedResourceMetadata(ctx, p, server.String(), client)
		if err == nil && m != nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// serverMetadata tries the well-known addresses of an issuer in their order (MCP, "Authorization Server Metadata Discovery").
func serverMetadata(ctx context.Context, client *http.Client, issuer string) (*oauthex.AuthServerMeta, error) {
	u, err := url.Parse(issuer)
	if err != nil || !Encrypted(issuer) {
		return nil, fmt.Errorf("%.200q is not an issuer", issuer)
	}
	origin, path := Origin(u), strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + "/.well-known/openid-configuration" + path}
	if path != "" {
		places = append(places, origin+path+"/.well-known/openid-configuration")
	}
	errs := []error{errors.New("there is no metadata")}
	for _, p := range places {
		m, err := oauthex.GetAuthServerMeta(ctx, p, issuer, client)
		switch {
		case err != nil || m == nil:
		case m.Issuer != issuer: // byte for byte (RFC 8414 §3.3)
			err = fmt.Errorf("the document is about %.200q", m.Issuer)
		case !Encrypted(m.TokenEndpoint):
			err = fmt.Errorf("the token endpoint %.200q is no address to send a proof to", m.TokenEndpoint)
		default:
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Encrypted tells whether an address is https (OAuth 2.1 §1.5) or on this machine, and nothing that looks like another one.
func Encrypted(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && u.Host != "" && u.User == nil && u.Fragment == "" &&
		(u.Scheme == "https" || u.Scheme == "http" && config.IsLoopback(u.Hostname()))
}

// Origin is scheme and host of an address.
func Origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
