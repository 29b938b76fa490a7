package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/config"
)

const (
	maxURL         = 2048 // bytes of an address that a server names
	maxAuthMethods = 20
	maxMetadata    = 1 << 20 // bytes, as the SDK has it
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
	Keys        string   `json:"jwks_uri,omitempty"`
	Identity    []string `json:"identity,omitempty"` // scopes of OpenID Connect that it has for us
	Register    string   `json:"registration_endpoint,omitempty"`
	Documents   bool     `json:"documents,omitempty"`    // client_id_metadata_document_supported
	AuthMethods []string `json:"auth_methods,omitempty"` // token_endpoint_auth_methods_supported
	Bound       bool     `json:"bound,omitempty"`        // tokens are to be bound to a key; see dpop.go
	proves      bool     // the authorization server takes proofs

	Client     string `json:"client_id,omitempty"`                  // as which it knows us; see identify
	AuthMethod string `json:"token_endpoint_auth_method,omitempty"` // how we prove to be that; empty: by nothing
}

// discover finds the authorization server of the MCP server, each step as "Authorization Server Discovery" orders it.
func (a *app) discover(ctx context.Context, metadataURL string) (server, error) {
	resource, err := a.resourceMetadata(ctx, metadataURL)
	if err != nil {
		return server{}, fmt.Errorf("protected resource metadata: %w", err)
	}
	issuer, err := a.choose(resource.AuthorizationServers)
	if err != nil {
		return server{}, err
	}
	meta, err := a.serverMetadata(ctx, issuer)
	if err != nil {
		return server{}, fmt.Errorf("authorization server metadata: %w", err)
	}
	s := server{
		Issuer: meta.Issuer, Authorize: meta.AuthorizationEndpoint, Token: meta.TokenEndpoint,
		IssPromised: meta.AuthorizationResponseIssParameterSupported,
		Resource:    resource.Resource, Name: clip(resource.ResourceName, 60), Scopes: scopeList(strings.Join(resource.ScopesSupported, " ")),
		Offline: slices.Contains(meta.ScopesSupported, "offline_access"),
		proves:  slices.Contains(meta.ProofAlgorithms, proofAlgorithm),
	}
	if a.encrypted(meta.JWKSURI) {
		s.Keys, s.Identity = meta.JWKSURI, identityScopes(meta.ScopesSupported)
	}
	if a.encrypted(meta.RevocationEndpoint) {
		s.Revoke = meta.RevocationEndpoint
	}
	if a.portable && a.encrypted(meta.RegistrationEndpoint) { // what we do not go by is not kept
		s.Register = meta.RegistrationEndpoint
	}
	if a.portable || a.secret != "" {
		s.Documents, s.AuthMethods = meta.ClientIDMetadataDocumentSupported, short(meta.TokenEndpointAuthMethodsSupported)
	}
	s.Bound = s.proves && slices.Contains(resource.DPOPSigningAlgValuesSupported, proofAlgorithm)
	return s, nil
}

// short is what is kept of a list of methods: no name of one is long.
func short(methods []string) []string {
	long := func(m string) bool { return len(m) > 60 }
	out := slices.DeleteFunc(slices.Clone(methods), long)
	return out[:min(len(out), maxAuthMethods)]
}

// movedError says that the MCP server names other authorization servers than the one that gave us our client_id.
type movedError struct {
	named []string
	ours  string
}

func (e *movedError) Error() string {
	return fmt.Sprintf("the MCP server names %.200q, but this app is registered with %q", e.named, e.ours)
}

// choose is for us to do where there are several (RFC 9728 §7.6): the one that we are set up with, else the first. A client_id that
// one of them gave means nothing at another, and nothing of it is sent there ("Authorization Server Binding").
func (a *app) choose(named []string) (issuer string, err error) {
	switch {
	case slices.Contains(named, a.issuer):
		return a.issuer, nil
	case len(named) == 0:
		return "", errors.New("the MCP server names no authorization server")
	case !a.portable:
		return "", &movedError{named, a.issuer}
	case !a.encrypted(named[0]):
		return "", fmt.Errorf("the MCP server names %.200q, which is no authorization server to send a person to", named[0])
	}
	return named[0], nil
}

// leaves tells whether the MCP server has left the authorization server that a login is from: then neither its tokens nor anything that
// it would renew may go to the MCP server ("Token Handling"). What cannot be found out has not changed.
func (a *app) leaves(ctx context.Context, metadataURL, issuer string) bool {
	resource, err := a.resourceMetadata(ctx, metadataURL)
	return err == nil && !slices.Contains(resource.AuthorizationServers, issuer)
}

// isOurs tells whether a resource is the MCP server that we call: the root form of its metadata may name the whole origin.
func (a *app) isOurs(resource string) bool {
	u, err := url.Parse(a.mcpURL)
	return resource == a.mcpURL || err == nil && resource == originOf(u)
}

// resourceMetadata reads the address in the challenge; without one, the path form and then the root form
// ("Protected Resource Metadata Discovery Requirements"). The resource in it must be the server that we call (RFC 9728 §3.3).
func (a *app) resourceMetadata(ctx context.Context, metadataURL string) (*oauthex.ProtectedResourceMetadata, error) {
	if metadataURL != "" {
		return oauthex.GetProtectedResourceMetadata(ctx, metadataURL, a.mcpURL, a.http)
	}
	u, err := url.Parse(a.mcpURL)
	if err != nil {
		return nil, err
	}
	origin := originOf(u)
	const wellKnown = "/.well-known/oauth-protected-resource"
	type place struct{ url, resource string }
	places := []place{{origin + wellKnown, a.mcpURL}, {origin + wellKnown, origin}} // the root may describe the whole origin
	if path := strings.TrimSuffix(u.EscapedPath(), "/"); path != "" {
		places = slices.Insert(places, 0, place{origin + wellKnown + path, a.mcpURL})
	}
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetProtectedResourceMetadata(ctx, p.url, p.resource, a.http)
		if err == nil {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// serverMetadata is the document of RFC 8414 §2, with what the SDK does not know of it.
type serverMetadata struct {
	*oauthex.AuthServerMeta
	ProofAlgorithms []string `json:"dpop_signing_alg_values_supported"` // RFC 9449 §5.1
}

// overheard keeps the answer to the latest request, so that what the SDK leaves out of a document is read from the same bytes.
type overheard struct {
	next http.RoundTripper
	body []byte
}

func (o *overheard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	o.body, err = io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
	resp.Body = io.NopCloser(bytes.NewReader(o.body))
	return resp, err
}

// serverMetadata tries the well-known addresses of an issuer and takes the first document that is valid.
func (a *app) serverMetadata(ctx context.Context, issuer string) (*serverMetadata, error) {
	places, err := metadataURLs(issuer)
	if err != nil {
		return nil, err
	}
	heard := &overheard{next: a.http.Transport}
	client := *a.http
	client.Transport = heard
	var errs []error
	for _, p := range places {
		m, err := oauthex.GetAuthServerMeta(ctx, p, issuer, &client)
		switch {
		case err != nil:
		case m == nil:
			err = fmt.Errorf("nothing at %s", p)
		default:
			if err = a.checkMetadata(m, issuer); err == nil {
				all := &serverMetadata{AuthServerMeta: m}
				return all, json.Unmarshal(heard.body, all)
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
	origin, path := originOf(u), strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + "/.well-known/openid-configuration" + path}
	if path != "" {
		places = append(places, origin+path+"/.well-known/openid-configuration")
	}
	return places, nil
}

// checkMetadata is stricter than the SDK: it forgives a last slash and asks only for some method of PKCE.
func (a *app) checkMetadata(m *oauthex.AuthServerMeta, issuer string) error {
	switch {
	case m.Issuer != issuer: // byte for byte (RFC 8414 §3.3)
		return fmt.Errorf("the document is about %.200q, not %q", m.Issuer, issuer)
	case !slices.Contains(m.CodeChallengeMethodsSupported, "S256"): // security considerations, "Authorization Code Protection"
		return errors.New("the authorization server does not support PKCE with S256")
	case !a.encrypted(m.AuthorizationEndpoint): // Security Best Practices, "OAuth Authorization URL Validation"
		return fmt.Errorf("the authorization endpoint %.200q is no address to send a person to", m.AuthorizationEndpoint)
	case !a.encrypted(m.TokenEndpoint):
		return fmt.Errorf("the token endpoint %.200q is no address to send a code to", m.TokenEndpoint)
	}
	return nil
}

// encrypted tells whether a URL is https (OAuth 2.1 §1.5) or, while we run on somebody's own machine, stays on that machine. An
// endpoint has no fragment (RFC 6749 §3.1), no user, with which an address looks like another, and nothing that a shell might take for
// a command (Security Best Practices, "OAuth Authorization URL Validation").
func (a *app) encrypted(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "#;|`$()<>'\"\\ ") &&
		(u.Scheme == "https" || u.Scheme == "http" && a.local && config.IsLoopback(u.Hostname()))
}
