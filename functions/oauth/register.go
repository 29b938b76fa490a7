package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/web"
)

// registration is the answer to a client that registered itself: what it is known as, and all that is registered of it (RFC 7591
// §3.2.1). What it said besides means nothing here and is left out, so it need not wonder what became of it.
type registration struct {
	ClientID        string          `json:"client_id"`
	IssuedAt        int64           `json:"client_id_issued_at"`
	Secret          string          `json:"client_secret,omitempty"`
	SecretExpiresAt *int64          `json:"client_secret_expires_at,omitempty"` // there where a secret is; 0: never
	ClientName      string          `json:"client_name"`
	ApplicationType string          `json:"application_type"`
	RedirectURIs    []string        `json:"redirect_uris"`
	GrantTypes      []string        `json:"grant_types"`
	ResponseTypes   []string        `json:"response_types"`
	AuthMethod      string          `json:"token_endpoint_auth_method"`
	ClientURI       string          `json:"client_uri,omitempty"`
	JWKS            json.RawMessage `json:"jwks,omitempty"`
	JWKSURI         string          `json:"jwks_uri,omitempty"`
	RequirePushed   bool            `json:"require_pushed_authorization_requests,omitempty"`
	BoundTokens     bool            `json:"dpop_bound_access_tokens,omitempty"`
	LogoutURIs      []string        `json:"post_logout_redirect_uris,omitempty"`
}

// maxRegistration bounds what a client may say of itself, in bytes.
const maxRegistration = 16 << 10

// defaultAuthMethod is that of a client that names none (RFC 7591 §2). Hosts that keep no secret say so, all that we know of: VS Code,
// Claude Code, Cursor, ChatGPT, mcp-remote and Inspector send "none". Who says nothing, such as the Python SDK, takes what the answer
// says, and leaves us a client that can prove itself.
const defaultAuthMethod = "client_secret_basic"

// mayRegister reports whether there is a registration endpoint.
func (s *server) mayRegister() bool {
	return s.Registration == config.RegistrationOpen || s.Registration == config.RegistrationToken
}

// register is the client registration endpoint (RFC 7591 §3).
func (s *server) register(w http.ResponseWriter, r *http.Request) {
	answer, err := s.registerClient(r)
	if err != nil {
		s.refuseRegistration(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	web.JSON(w, http.StatusCreated, answer)
}

func (s *server) registerClient(r *http.Request) (registration, error) {
	var token string
	if s.Registration == config.RegistrationToken {
		var err error
		if token, err = s.initialToken(r); err != nil {
			return registration{}, err
		}
	}
	m, err := readRegistration(r)
	if err != nil {
		return registration{}, err
	}
	var described directory.Client
	m.fill(&described)
	known, err := again(func() (directory.Registered, error) { return s.makeClient(r.Context(), described, m, token) })
	if err != nil {
		return registration{}, err
	}
	c := known.Client
	traceRegistered(r.Context(), c)
	answer := registration{ClientID: c.ClientID(), IssuedAt: c.Created.Unix(), Secret: known.Secret,
		ClientName: c.Name, ApplicationType: c.ApplicationType, RedirectURIs: m.redirects(), // with its own ports
		GrantTypes: c.GrantTypes, ResponseTypes: []string{"code"}, AuthMethod: m.TokenEndpointAuthMethod, ClientURI: c.ClientURI, JWKS: c.JWKS, JWKSURI: c.JWKSURI,
		RequirePushed: c.RequirePushed, BoundTokens: c.BoundTokens, LogoutURIs: m.logouts()}
	if known.Secret != "" {
		answer.SecretExpiresAt = new(int64)
	}
	return answer, nil
}

// makeClient registers a client, if nobody knows it yet, and writes with it whatever makes that right: that it counts, that a use
// of the token is gone, what the audit log says.
func (s *server) makeClient(ctx context.Context, described directory.Client, m clientMetadata, token string) (directory.Registered, error) {
	known, err := s.Directory.Register(ctx, described, strings.HasPrefix(m.TokenEndpointAuthMethod, "client_secret_"))
	if err != nil || len(known.Ops) == 0 {
		return known, err
	}
	event := audit.Event{Name: audit.Registration, Outcome: audit.OK, ClientID: known.Client.ID,
		Details: map[string]string{"name": known.Client.Name, "redirect_uris": strings.Join(known.Client.RedirectURIs, " "), "method": m.TokenEndpointAuthMethod}}
	ops := known.Ops
	if known.New {
		counted, err := s.countRegistration(ctx)
		if err != nil {
			return known, err
		}
		ops = append(ops, counted...)
	} else {
		event.Details["again"] = "true"
	}
	if token != "" {
		use, op, err := s.Directory.UseRegistrationToken(ctx, token)
		if errors.Is(err, directory.ErrNotFound) { // its last use went to another request meanwhile
			err = errWrongToken
		}
		if err != nil {
			return known, err
		}
		event.Details["token_id"] = use.ID
		ops = append(ops, op)
	}
	return known, s.writeWith(ctx, event, ops...)
}

// initialToken is the initial access token of a request (RFC 7591 §3), which is good.
func (s *server) initialToken(r *http.Request) (string, error) {
	token, err := web.Bearer(r)
	if err != nil {
		return "", errNoToken
	}
	_, _, err = s.Directory.UseRegistrationToken(r.Context(), token)
	if errors.Is(err, directory.ErrNotFound) {
		return "", errWrongToken
	}
	return token, err
}

// readRegistration reads what a client says of itself, and judges it.
func readRegistration(r *http.Request) (m clientMetadata, err error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" { // RFC 7591 §3.1
		return m, wrongMetadata("the request must be application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRegistration+1))
	if err != nil || len(body) > maxRegistration {
		return m, wrongMetadata("the request must be at most %d bytes", maxRegistration)
	}
	if m, err = parseClientMetadata(body); err != nil {
		return m, err
	}
	m.TokenEndpointAuthMethod = cmp.Or(m.TokenEndpointAuthMethod, defaultAuthMethod)
	if err := m.judge(); err != nil {
		return m, err
	}
	return m, m.judgeType()
}

// judgeType holds a client that calls itself a web application to that: https addresses, and none on the person's machine (OpenID Connect
// Registration §2, MCP "Application Type and Redirect URI Constraints"). Who says nothing is not taken for one, as that section has
// it: hosts on a person's machine often say nothing. One that has a scheme of its own is none, whatever it says: Cursor. And a native
// one may have https addresses besides: RFC 8252 §7.2, and VS Code's way.
func (m clientMetadata) judgeType() error {
	switch m.ApplicationType {
	case "", directory.Native:
		return nil
	case directory.Web:
		local := slices.IndexFunc(m.RedirectURIs, func(uri string) bool {
			u, err := url.Parse(uri)
			return err != nil || config.IsLoopback(u.Hostname())
		})
		if local >= 0 && !slices.ContainsFunc(m.RedirectURIs, directory.PrivateRedirect) {
			return &metadataError{"invalid_redirect_uri", "a web application has no address on the person's machine, such as " + m.RedirectURIs[local] + ": is its application_type native?"}
		}
		return nil
	}
	return wrongMetadata("application_type must be native or web")
}

// bearerError refuses a request for its initial access token (RFC 6750 §3).
type bearerError struct {
	code        string // of the challenge; empty when there was no token
	description string
}

func (e *bearerError) Error() string { return e.description }

var (
	errNoToken    = &bearerError{"", "registering here needs an initial access token: ask an administrator for one, and send it as a bearer token"}
	errWrongToken = &bearerError{"invalid_token", "this initial access token is wrong, expired or used up: ask an administrator for another"}
)

// refuseRegistration answers with the error (RFC 7591 §3.2.2), and records it.
func (s *server) refuseRegistration(w http.ResponseWriter, r *http.Request, err error) {
	var (
		wrong  *metadataError
		bearer *bearerError
	)
	status, code, description := http.StatusBadRequest, "", ""
	switch {
	case errors.As(err, &wrong):
		code, description = wrong.Code, wrong.Description
	case errors.As(err, &bearer):
		status, code, description = http.StatusUnauthorized, "invalid_token", bearer.description
		s.countStranger(r)
		challenge := `Bearer realm="vetassist"`
		if bearer.code != "" {
			challenge += `, error="` + bearer.code + `", error_description="` + bearer.description + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	case errors.Is(err, directory.ErrDisabledClient):
		code, description = "invalid_client_metadata", "this client may not register here: ask an administrator of "+s.BaseURL
	default:
		s.refuse(w, r, audit.Event{Name: audit.Registration}, err)
		return
	}
	traceRefusal(r.Context(), &tokenError{code, description})
	s.audit.Record(r.Context(), audit.Event{Name: audit.Registration, Outcome: audit.Refused, Details: map[string]string{"error": code, "reason": description}})
	web.JSON(w, status, map[string]string{"error": code, "error_description": description})
}
