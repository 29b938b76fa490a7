package oauth

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/web"
)

// tokenResponse is RFC 6749 §5.1.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`          // OpenID Connect Core §3.1.3.3
	Scope        string `json:"scope"`                       // always told: it may be less than was asked for
	IssuedType   string `json:"issued_token_type,omitempty"` // of token exchange: RFC 8693 §2.2.1
}

// token is the token endpoint (RFC 6749 §3.2). What every grant needs happens here, so that none can forget it:
// the form is read, the client authenticated, its right to the grant type checked.
func (s *server) token(w http.ResponseWriter, r *http.Request) {
	response, client, err := s.exchange(w, r)
	if err != nil {
		event := audit.Event{Name: audit.Token, ClientID: client.ID, Proven: proven(client)} // else the client is not known here
		if r.PostForm.Get("grant_type") == directory.GrantRefresh {
			event.Name = audit.Refresh
		}
		s.refuse(w, r, event, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	w.Header().Set("Pragma", "no-cache")
	web.JSON(w, http.StatusOK, response)
}

// tokenRequest is what a grant has to go by: who asks, authenticated, and what for.
type tokenRequest struct {
	client directory.Client
	params url.Values // each at most once, but resource
	key    string     // thumbprint of the key that the tokens are to be bound to; empty: of none
}

// grants are the grant types that are served, in the order of the metadata.
func (s *server) grants() []grant {
	return []grant{
		{directory.GrantCode, s.redeemCode},
		{directory.GrantRefresh, s.refresh},
		{directory.GrantMachine, s.machine},
		{directory.GrantDevice, s.redeemDevice},
		{directory.GrantJWT, s.assertion},
		{directory.GrantExchange, s.exchangeToken},
	}
}

type grant struct {
	name  string
	serve func(context.Context, tokenRequest) (tokenResponse, error)
}

func (s *server) grantTypes() (names []string) {
	for _, g := range s.grants() {
		names = append(names, g.name)
	}
	return names
}

// exchange tells too which client it was, once that is known.
func (s *server) exchange(w http.ResponseWriter, r *http.Request) (tokenResponse, directory.Client, error) {
	proof, err := s.checkProof(w, r, "/oauth/token")
	if err != nil {
		return tokenResponse{}, directory.Client{}, err
	}
	params, client, err := s.clientRequest(r)
	if err != nil {
		return tokenResponse{}, client, err
	}
	name, all := params.Get("grant_type"), s.grants()
	i := slices.IndexFunc(all, func(g grant) bool { return g.name == name })
	switch {
	case name == "":
		return tokenResponse{}, client, &tokenError{"invalid_request", "grant_type is missing"}
	case i < 0:
		return tokenResponse{}, client, &tokenError{"unsupported_grant_type", "grant_type must be one of: " + strings.Join(s.grantTypes(), ", ")}
	case !client.May(name) && !byTrust(tokenRequest{client: client, params: params}):
		return tokenResponse{}, client, &tokenError{"unauthorized_client", "this client is not registered for this grant type"}
	case client.BoundTokens && proof.Key == "": // RFC 9449 §5.2
		return tokenResponse{}, client, &tokenError{dpop.InvalidProof, "this client gets tokens that are bound to a key only: send a DPoP proof"}
	}
	ctx := holdProof(r.Context(), proof)
	response, err := all[i].serve(ctx, tokenRequest{client: client, params: params, key: proof.Key})
	if err == nil {
		err = s.useHeldProof(ctx) // where no access token was signed
	}
	return response, client, err
}

// clientRequest reads a client's form and authenticates the client. It comes before anything of the request is used,
// so a client that first tries a method that we do not have loses nothing by it.
func (s *server) clientRequest(r *http.Request) (url.Values, directory.Client, error) {
	params, err := readForm(r)
	if err != nil {
		return nil, directory.Client{}, err
	}
	if err := s.slowClient(r.Context(), claimedClient(r)); err != nil {
		return nil, directory.Client{}, err
	}
	client, err := s.authenticateClient(r, params)
	traceClient(r, params, client, err)
	return params, client, err
}

var errFormTooLarge = &tokenError{"invalid_request", "the body is not a form of at most 64 KiB"}

// readForm reads a client's form.
func readForm(r *http.Request) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, &tokenError{"invalid_request", "the body must be application/x-www-form-urlencoded"}
	}
	var large *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &large):
		return nil, errFormTooLarge
	case err != nil:
		return nil, &tokenError{"invalid_request", errFormTooLarge.Description}
	}
	params := r.PostForm // never the query: it would end up in logs (RFC 6749 §2.3.1)
	dropEmpty(params)
	for name, values := range params {
		if len(values) > 1 && name != "resource" && name != "audience" { // RFC 6749 §3.2, but RFC 8707 §2, RFC 8693 §2.1
			return nil, &tokenError{"invalid_request", "a parameter was sent twice"}
		}
	}
	return params, nil
}

// checkSameResource: a token request may name the resource again, but not another one (RFC 8707 §2.2).
func (s *server) checkSameResource(ctx context.Context, client directory.Client, params url.Values, identifier string) error {
	if !params.Has("resource") {
		return nil
	}
	server, err := s.resource(ctx, client, params["resource"])
	if err == nil && server.Identifier != identifier {
		return &tokenError{"invalid_target", "the grant is for another resource"}
	}
	return err
}

// narrower reads the scope parameter of a token request: empty means all that was granted, more than that is an
// error (RFC 6749 §6). offline: it does not leave out offline_access.
func narrower(params url.Values, granted []string) (scopes []string, offline bool, err error) {
	all, err := rbac.ParseScope(params.Get("scope"))
	if err != nil {
		return nil, false, &tokenError{"invalid_scope", err.Error()}
	}
	asked, offline := splitOutside(all)
	if len(asked) == 0 {
		return granted, offline || len(all) == 0, nil
	}
	for _, scope := range asked {
		if !slices.Contains(granted, scope) {
			return nil, false, &tokenError{"invalid_scope", "scope asks for more than was granted"}
		}
	}
	return asked, offline, nil
}

// narrowerIdentity is what a token request may still ask about the person, of what was agreed.
func narrowerIdentity(params url.Values, agreed []string) []string {
	if !params.Has("scope") {
		return agreed
	}
	asked, _ := rbac.ParseScope(params.Get("scope")) // narrower has read it
	return slices.DeleteFunc(identity(asked), func(scope string) bool { return !slices.Contains(agreed, scope) })
}

// offlineAccess asks for a refresh token (OpenID Connect Core §11; MCP Authorization, "Refresh Tokens"). A client that registered
// the grant gets one whether it asks or not; when it asked, the token response names this among the scopes, so that it knows.
const offlineAccess = "offline_access"

// outside are scopes that ask for no permission at a server, so they stand outside the formula. Two ask who the person is (identity.go);
// email we do not know of anybody.
var outside = []string{"openid", "profile", "email", offlineAccess}

// splitOutside takes out the scopes that stand outside the formula, and tells whether offline_access was among them.
func splitOutside(scopes []string) (inside []string, offline bool) {
	offline = slices.Contains(scopes, offlineAccess)
	return slices.DeleteFunc(scopes, func(scope string) bool { return slices.Contains(outside, scope) }), offline
}

// nameOffline tells in a response that the offline access which was asked for was given.
func (r *tokenResponse) nameOffline() { r.Scope += " " + offlineAccess }
