package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/config"
)

// server is what discovery found out: the authorization server, and the resource that its tokens are for.
// It is kept with every authorization request, since the answer is judged by what was true when we asked
// (MCP authorization, "Authorization Response Validation").
type server struct {
	Issuer      string   `json:"issuer"`
	Authorize   string   `json:"authorization_endpoint"`
	Token       string   `json:"token_endpoint"`
	Revoke      string   `json:"revocation_endpoint,omitempty"`
	IssPromised bool     `json:"iss_promised,omitempty"` // authorization_response_iss_parameter_supported
	Resource    string   `json:"resource"`
	Name        string   `json:"name,omitempty"`   // resource_name
	Scopes      []string `json:"scopes,omitempty"` // scopes_supported of the resource
	Offline     bool     `json:"offline,omitempty"`
	Client      string   `json:"client_id,omitempty"` // as which it knows us; set by a request
}

// discover finds the authorization server of the MCP server, each step as "Authorization Server Discovery" orders it.
func (a *app) discover(ctx context.Context, metadataURL string) (server, error) {
	resource, err := a.resourceMetadata(ctx, metadataURL)
	if err != nil {
		return server{}, fmt.Errorf("protected resource metadata: %w", err)
	}
	// Our client_id was given by one authorization server and means nothing at another
	// (MCP client registration, "Authorization Server Binding").
	if !slices.Contains(resource.AuthorizationServers, a.issuer) {
		return server{}, fmt.Errorf("the MCP server names %q, but this app is registered with %q", resource.AuthorizationServers, a.issuer)
	}
	meta, err := a.serverMetadata(ctx, a.issuer)
	if err != nil {
		return server{}, fmt.Errorf("authorization server metadata: %w", err)
	}
	s := server{
		Issuer: meta.Issuer, Authorize: meta.AuthorizationEndpoint, Token: meta.TokenEndpoint,
		IssPromised: meta.AuthorizationResponseIssParameterSupported,
		Resource:    resource.Resource, Name: clip(resource.ResourceName, 60), Scopes: scopeList(strings.Join(resource.ScopesSupported, " ")),
		Offline: slices.Contains(meta.ScopesSupported, "offline_access"),
	}
	if encrypted(meta.RevocationEndpoint) {
		s.Revoke = meta.RevocationEndpoint
	}
	return s, nil
}

// resourceMetadata reads the address in the challenge; without one, the path form and then the root form
// ("Protected Resource Metadata Discovery Requirements"). The resource in it must be the server that we call (RFC 9728 §3.3).
func (a *app) resourceMetadata(ctx context.Context, metadataURL string) (*oauthex.ProtectedResourceMetadata, error) {
	if metadataURL != "" {
		return oauthex.GetProtectedResourceMetadata(ctx, metadataURL, a.mcpURL, a.discovery)
	}
	u, err := url.Parse(a.mcpURL)
	if err != nil {
		return nil, err
	}
	origin := u.Scheme + "://" + u.Host
	const wellKnown = "/.well-known/oauth-protected-resource"
	type place struct{ url, resource string }
	places := []place{{origin + wellKnown, a.mcpURL}, {origin + wellKnown, origin}} // the root may describe the whole origin
	if path := strings.TrimSuffix(u.EscapedPath(), "/"); path != "" {
		places = slices.Insert(places, 0, place{origin + wellKnown + path, a.mcpURL})
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetProtectedResourceMetadata(ctx, p.url, p.resource, a.discovery)
		if err == nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// serverMetadata tries the well-known addresses of an issuer and takes the first document that is valid.
func (a *app) serverMetadata(ctx context.Context, issuer string) (*oauthex.AuthServerMeta, error) {
	places, err := metadataURLs(issuer)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetAuthServerMeta(ctx, p, issuer, a.discovery)
		switch {
		case err != nil:
		case m == nil:
			err = fmt.Errorf("nothing at %s", p)
		default:
			if err = checkMetadata(m, issuer); err == nil {
				return m, nil
			}
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// metadataURLs is the order of "Authorization Server Metadata Discovery".
func metadataURLs(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the issuer %q is not a URL without query and fragment", issuer) // RFC 8414 §2
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + "/.well-known/openid-configuration" + path}
	if path != "" {
		places = append(places, origin+path+"/.well-known/openid-configuration")
	}
	return places, nil
}

// checkMetadata is stricter than the SDK: it forgives a last slash and asks only for some method of PKCE.
func checkMetadata(m *oauthex.AuthServerMeta, issuer string) error {
	switch {
	case m.Issuer != issuer: // byte for byte (RFC 8414 §3.3)
		return fmt.Errorf("the document is about %q, not %q", m.Issuer, issuer)
	case !slices.Contains(m.CodeChallengeMethodsSupported, "S256"): // security considerations, "Authorization Code Protection"
		return errors.New("the authorization server does not support PKCE with S256")
	case !encrypted(m.AuthorizationEndpoint) || !encrypted(m.TokenEndpoint): // OAuth 2.1 §1.5
		return errors.New("an endpoint is missing, or is neither https nor on this machine")
	}
	return nil
}

// encrypted tells whether a URL is https, or stays on this machine.
func encrypted(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && config.IsLoopback(u.Hostname()))
}
