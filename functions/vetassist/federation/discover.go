package federation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// place is where a client gets its tokens.
type place struct {
	Place
	token   string   // endpoint
	methods []string // token_endpoint_auth_methods_supported
}

// discover finds the token endpoint for the MCP server. It must be that of the authorization server where the client is known: a server that
// names another one wants to have its assertion (MCP, "Authorization Server Binding").
func (h *handler) discover(ctx context.Context, metadata string) (place, error) {
	resource, err := h.resourceMetadata(ctx, metadata)
	if err != nil {
		return place{}, fmt.Errorf("the MCP server does not say who issues its tokens: %w", err)
	}
	issuer := h.client.Issuer
	if !slices.Contains(resource.AuthorizationServers, issuer) {
		return place{}, fmt.Errorf("the MCP server takes tokens of %.200q, and this client is known at %s: nothing was sent there", strings.Join(resource.AuthorizationServers, " "), issuer)
	}
	meta, err := h.serverMetadata(ctx, issuer)
	if err != nil {
		return place{}, fmt.Errorf("the authorization server %s does not say what it offers: %w", issuer, err)
	}
	return place{Place{issuer, resource.Resource, resource.ScopesSupported}, meta.TokenEndpoint, meta.TokenEndpointAuthMethodsSupported}, nil
}

// resourceMetadata reads the address in the challenge, if it is the MCP server's own, else the well-known ones (RFC 9728 §3.1).
func (h *handler) resourceMetadata(ctx context.Context, metadata string) (*oauthex.ProtectedResourceMetadata, error) {
	origin := originOf(h.server)
	wellKnown := origin + "/.well-known/oauth-protected-resource"
	places := []string{wellKnown + strings.TrimSuffix(h.server.EscapedPath(), "/"), wellKnown}
	if u, err := url.Parse(metadata); err == nil && originOf(u) == origin {
		places = []string{metadata}
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetProtectedResourceMetadata(ctx, p, h.server.String(), h.http)
		if err == nil && m != nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// serverMetadata tries the well-known addresses of an issuer in their order (MCP, "Authorization Server Metadata Discovery").
func (h *handler) serverMetadata(ctx context.Context, issuer string) (*oauthex.AuthServerMeta, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	origin, path := originOf(u), strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + "/.well-known/openid-configuration" + path}
	if path != "" {
		places = append(places, origin+path+"/.well-known/openid-configuration")
	}
	errs := []error{errors.New("there is no metadata")}
	for _, p := range places {
		m, err := oauthex.GetAuthServerMeta(ctx, p, issuer, h.http)
		switch {
		case err != nil || m == nil:
		case m.Issuer != issuer: // byte for byte (RFC 8414 §3.3)
			err = fmt.Errorf("the document is about %.200q", m.Issuer)
		case !encrypted(m.TokenEndpoint):
			err = fmt.Errorf("the token endpoint %.200q is no address to send an assertion to", m.TokenEndpoint)
		default:
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
