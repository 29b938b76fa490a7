package nightly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const maxURL = 2048 // bytes of an address that a server names

// place is where a program gets its tokens.
type place struct {
	issuer, token string
	resource      string   // to name in the request (RFC 8707)
	scopes        []string // that the resource knows
	methods       []string // token_endpoint_auth_methods_supported
}

// challenge is what a 401 or 403 asks for (RFC 6750 §3, RFC 9728 §5.1).
type challenge struct {
	metadata, code string
	scopes         []string
}

func readChallenge(h http.Header) (c challenge) {
	for _, name := range []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} { // API Gateway renames it
		parsed, err := oauthex.ParseWWWAuthenticate(h.Values(name))
		if err != nil {
			continue
		}
		for _, p := range parsed {
			if p.Scheme == "bearer" {
				return challenge{p.Params["resource_metadata"], p.Params["error"], strings.Fields(p.Params["scope"])}
			}
		}
	}
	return c
}

// discover finds the token endpoint for a server. It must be that of the authorization server where the program is registered: a server
// that names another one wants to have its proof (MCP, "Authorization Server Binding").
func (h *handler) discover(ctx context.Context, metadata string) (place, error) {
	resource, err := h.resourceMetadata(ctx, metadata)
	if err != nil {
		return place{}, fmt.Errorf("the MCP server does not say who issues its tokens: %w", err)
	}
	issuer := h.program.Issuer
	if !slices.Contains(resource.AuthorizationServers, issuer) {
		return place{}, fmt.Errorf("the MCP server takes tokens of %.200q, and this program is registered at %s: nothing was sent there. If that is right, say so with -issuer",
			strings.Join(resource.AuthorizationServers, " "), issuer)
	}
	meta, err := h.serverMetadata(ctx, issuer)
	if err != nil {
		return place{}, fmt.Errorf("the authorization server %s does not say what it offers: %w", issuer, err)
	}
	return place{issuer, meta.TokenEndpoint, resource.Resource, resource.ScopesSupported, meta.TokenEndpointAuthMethodsSupported}, nil
}

// resourceMetadata reads the address in the challenge, if it is the MCP server's own, else the well-known ones (RFC 9728 §3.1).
func (h *handler) resourceMetadata(ctx context.Context, metadata string) (*oauthex.ProtectedResourceMetadata, error) {
	server, origin := h.server.String(), originOf(h.server)
	wellKnown := origin + "/.well-known/oauth-protected-resource"
	places := []string{wellKnown + strings.TrimSuffix(h.server.EscapedPath(), "/"), wellKnown}
	if u, err := url.Parse(metadata); err == nil && originOf(u) == origin {
		places = []string{metadata}
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetProtectedResourceMetadata(ctx, p, server, h.http)
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
	if err != nil || !encrypted(issuer) {
		return nil, fmt.Errorf("%.200q is not an issuer", issuer)
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
			err = fmt.Errorf("the token endpoint %.200q is no address to send a proof to", m.TokenEndpoint)
		default:
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
