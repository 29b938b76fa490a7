package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
)

// maxQuery bounds an authorization request, in bytes.
const maxQuery = 8 << 10

// authRequest is an authorization request (RFC 6749 §4.1.1) that passed every check.
type authRequest struct {
	Client      directory.Client
	RedirectURI string
	State       string
	Challenge   string // code_challenge, S256
	Key         string // dpop_jkt: thumbprint of the key that the code is bound to; empty: of none
	Server      directory.Server
	Scopes      []string // as requested
	Offline     bool     // offline_access was requested too
	Identity    []string // those of OpenID Connect that were requested too
	Prompt      []string
	Nonce       string
	MaxAge      *time.Duration // how old a login may be
	HintedUser  string         // ID of the only user that the answer may be about
	Query       string         // the whole request, encoded anew, to carry it from page to page; of a pushed one, its name
	UserID      string         // who is logged in, when that has been found out
	Asked       time.Time      // before that was found out
	Epoch       time.Time      // of that user, as they were then
	AuthTime    time.Time      // when that user logged in,
	Method      string         // and how
	params      url.Values     // what it asks, wherever it came from
	pushed      *pushed        // the client pushed it (push.go)
	userCode    userCode       // a device asks, with this code (device_page.go); of an authorization request empty
	device      *device        // which does
}

// reject is a refusal that the client may be told.
func (a *authRequest) reject(code, description string) *redirectError {
	return &redirectError{RedirectURI: a.RedirectURI, State: a.State, Code: code, Description: description, ClientID: a.Client.ID, UserID: a.UserID, pushed: a.pushed}
}

// clientID is who asks, when anybody does.
func (a *authRequest) clientID() string {
	if a == nil {
		return ""
	}
	return a.Client.ID
}

// answerable reports whether the client may be told of an error: its redirect URI is one that it registered, and when nobody here vouches for
// it, somebody has logged in (RFC 9700 §4.11.2).
func (a *authRequest) answerable() bool {
	return a != nil && a.RedirectURI != "" && (a.UserID != "" || !a.Client.SelfRegistered())
}

// parseRequest checks an authorization request: who asks and where the answer goes first, since only then may the
// answer be an error redirect; then the rest, in the order in which a reader would look for it. The rest of a client that nobody here vouches
// for is checked when somebody has logged in, by parseStranger.
func (s *server) parseRequest(r *http.Request) (*authRequest, error) {
	a := &authRequest{}
	query, err := s.readQuery(r, a)
	if err == nil {
		err = s.checkClient(r.Context(), a, query)
	}
	if err == nil && a.Client.SelfRegistered() {
		a.Prompt = strings.Fields(query.Get("prompt"))
		traceRequest(r, a, nil)
		return a, nil
	}
	if err == nil {
		err = s.checkRest(r.Context(), a, query)
	}
	traceRequest(r, a, err)
	if err != nil {
		s.recordShown(r.Context(), a, err)
		return nil, err
	}
	return a, nil
}

// parseStranger is the other half of parseRequest, for a client that nobody here vouches for, now that somebody has logged in. Only now the
// document is read of one that describes itself.
func (s *server) parseStranger(ctx context.Context, a *authRequest) error {
	var err error
	if a.Client.URL != "" {
		err = s.checkDocument(ctx, a, a.params)
	}
	if err == nil {
		err = s.checkRest(ctx, a, a.params)
	}
	s.recordShown(ctx, a, err)
	return err
}

// recordShown records a request whose sender cannot be told what is wrong with it.
func (s *server) recordShown(ctx context.Context, a *authRequest, err error) {
	var page *pageError
	if !errors.As(err, &page) {
		return
	}
	event := audit.Event{Name: audit.Authorization, Outcome: audit.Refused, UserID: a.UserID, ClientID: a.Client.ID,
		Details: map[string]string{"error": "not_redirected", "reason": page.Detail}}
	if a.Client.URL != "" {
		event.Details["client"] = a.Client.URL
	}
	s.audit.Record(ctx, event)
}

func (s *server) readQuery(r *http.Request, a *authRequest) (url.Values, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, &pageError{"The link that brought you here is too long.", "the authorization request is over 8 KiB"}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &pageError{"The link that brought you here is broken.", "the query is not form-encoded: " + err.Error()}
	}
	dropEmpty(query)
	if strings.HasPrefix(query.Get("request_uri"), requestURI) {
		return s.readPushed(r.Context(), a, query)
	}
	a.Query, a.params = query.Encode(), query
	return query, nil
}

func (s *server) checkRest(ctx context.Context, a *authRequest, query url.Values) error {
	a.State = query.Get("state")
	if len(a.Query) > maxQuery { // encoded anew it must still fit the pages that carry it
		a.State = ""
		return a.reject("invalid_request", "the authorization request is over 8 KiB when encoded")
	}
	for _, check := range []func(context.Context, *authRequest, url.Values) error{
		checkRepeated, checkRequestObject, checkPushed, checkResponse, checkPKCE, checkThumbprint, checkScope, checkPrompt, s.checkIdentity, s.checkResource,
	} {
		if err := check(ctx, a, query); err != nil {
			return err
		}
	}
	return nil
}

// dropEmpty takes out parameters without a value: they count as left out (RFC 6749 §3.1, §3.2).
func dropEmpty(params url.Values) {
	for name, values := range params {
		if len(values) == 1 && values[0] == "" {
			delete(params, name)
		}
	}
}

const notSetUp = "The app that sent you here is not set up correctly, so we cannot send you back to it safely."

// checkClient: client_id names a client, and redirect_uri is one that it registered (OAuth 2.1 §4.1.1, RFC 9700 §2.1). Of a client that
// describes itself only the URL is looked at: see parseStranger.
func (s *server) checkClient(ctx context.Context, a *authRequest, query url.Values) error {
	if len(query["client_id"]) != 1 || len(query["redirect_uri"]) > 1 {
		return &pageError{notSetUp, "client_id must be sent once, redirect_uri at most once"}
	}
	id := query.Get("client_id")
	if directory.IsURL(id) {
		if why := s.wrongClientURL(id); why != "" {
			return &pageError{"We do not know the app that sent you here.", why}
		}
		a.Client = directory.Described(id)
		return nil
	}
	client, err := s.Directory.Client(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		return &pageError{"We do not know the app that sent you here.", "unknown client_id"}
	}
	if err != nil {
		return err
	}
	return a.from(client, query)
}

// checkDocument is checkClient with the document of a client that describes itself (§4.3 of its draft: without it there is no going on).
func (s *server) checkDocument(ctx context.Context, a *authRequest, query url.Values) error {
	client, err := s.describedClient(ctx, a.Client.URL, query.Get("redirect_uri"))
	var wrong *documentError
	switch {
	case errors.As(err, &wrong):
		return &pageError{"We could not find out what app sent you here.", wrong.Error()}
	case errors.Is(err, directory.ErrNotFound):
		return &pageError{"The app that sent you here is not accepted any more.", "this client was disabled"}
	case err != nil:
		return err
	}
	return a.from(client, query)
}

// from notes whose request it is, and where the answer goes: that may be left out when exactly one redirect URI is registered.
func (a *authRequest) from(client directory.Client, query url.Values) error {
	a.Client = client
	redirectURI := query.Get("redirect_uri")
	if !query.Has("redirect_uri") && len(client.RedirectURIs) == 1 {
		redirectURI = client.RedirectURIs[0]
	}
	if !client.HasRedirect(redirectURI) {
		return &pageError{notSetUp, "redirect_uri is not one that this client registered"}
	}
	a.RedirectURI = redirectURI
	return nil
}

// checkRepeated: no parameter twice (RFC 6749 §3.1), but resource, which may be (RFC 8707 §2).
func checkRepeated(_ context.Context, a *authRequest, query url.Values) error {
	for name, values := range query {
		if len(values) > 1 && name != "resource" {
			if name == "state" {
				a.State = "" // which of the two the client meant, nobody knows
			}
			return a.reject("invalid_request", "a parameter was sent twice")
		}
	}
	return nil
}

// checkResponse: only the code flow (OAuth 2.1 dropped the implicit one), answered in the query.
func checkResponse(_ context.Context, a *authRequest, query url.Values) error {
	switch {
	case query.Get("response_type") == "":
		return a.reject("invalid_request", "response_type is missing")
	case query.Get("response_type") != "code":
		return a.reject("unsupported_response_type", "response_type must be code")
	case query.Has("response_mode") && query.Get("response_mode") != "query":
		return a.reject("invalid_request", "response_mode must be query")
	case !a.Client.May(directory.GrantCode):
		return a.reject("unauthorized_client", "this client is not registered for the authorization code grant")
	}
	return nil
}

// checkPKCE: every client proves with S256 that the code is its own (OAuth 2.1 §4.1.1, RFC 7636 §4.3). A missing
// method means plain there, which is no proof, so it is refused too.
func checkPKCE(_ context.Context, a *authRequest, query url.Values) error {
	a.Challenge = query.Get("code_challenge")
	switch {
	case a.Challenge == "":
		return a.reject("invalid_request", "code_challenge is missing: PKCE is required")
	case query.Get("code_challenge_method") != "S256":
		return a.reject("invalid_request", "code_challenge_method must be S256")
	case !isChallenge(a.Challenge):
		return a.reject("invalid_request", "code_challenge is not the base64url form of a SHA-256 hash")
	}
	return nil
}

// checkThumbprint reads which key the client will prove to have (RFC 9449 §10).
func checkThumbprint(_ context.Context, a *authRequest, query url.Values) error {
	a.Key = query.Get("dpop_jkt")
	if a.Key != "" && !isChallenge(a.Key) { // the form of a hash, too
		return a.reject("invalid_request", "dpop_jkt is not the base64url form of a SHA-256 hash")
	}
	return nil
}

func checkScope(_ context.Context, a *authRequest, query url.Values) error {
	scopes, err := rbac.ParseScope(query.Get("scope"))
	if err != nil {
		return a.reject("invalid_scope", err.Error())
	}
	a.Identity = identity(scopes)
	a.Scopes, a.Offline = splitOutside(scopes)
	return nil
}

var prompts = []string{"none", "login", "consent", "select_account"}

// checkPrompt reads OpenID Connect's prompt (Core §3.1.2.1), of which MCP clients use consent and login too.
func checkPrompt(_ context.Context, a *authRequest, query url.Values) error {
	a.Prompt = strings.Fields(query.Get("prompt"))
	for _, p := range a.Prompt {
		if !slices.Contains(prompts, p) {
			return a.reject("invalid_request", "prompt must be none, login, consent or select_account")
		}
	}
	if a.prompts("none") && len(a.Prompt) > 1 {
		return a.reject("invalid_request", "prompt=none cannot be combined with another")
	}
	return nil
}

func (a *authRequest) prompts(value string) bool { return slices.Contains(a.Prompt, value) }

// checkResource finds the server that the tokens are for (RFC 8707 §2), and when no scope was asked for, takes all
// that the client is authorized for there (RFC 6749 §3.3 lets us choose).
func (s *server) checkResource(ctx context.Context, a *authRequest, query url.Values) error {
	if !query.Has("resource") && len(a.Scopes) == 0 && len(a.Identity) > 0 { // it asks who it is, and for no permission
		a.Server = s.loginItself()
		return nil
	}
	server, err := s.resource(ctx, a.Client, query["resource"])
	var refusal *tokenError
	if errors.As(err, &refusal) {
		return a.reject(refusal.Code, refusal.Description)
	}
	if err != nil {
		return err
	}
	a.Server = server
	if len(a.Scopes) == 0 {
		a.Scopes = a.Client.AuthorizedAt(server)
	}
	return nil
}

// resource is the one server that the resource parameters name. Without any, it is the client's only authorized server.
func (s *server) resource(ctx context.Context, client directory.Client, values []string) (directory.Server, error) {
	if len(values) == 0 {
		return s.onlyResource(ctx, client)
	}
	var found directory.Server
	for _, v := range values {
		server, err := s.Directory.ServerByResource(ctx, v)
		if errors.Is(err, directory.ErrNotFound) || (err == nil && len(client.AuthorizedAt(server)) == 0) {
			return directory.Server{}, &tokenError{"invalid_target", "resource is not a server that this client may ask for"}
		}
		if err != nil {
			return directory.Server{}, err
		}
		if found.Identifier != "" && found.Identifier != server.Identifier {
			return directory.Server{}, &tokenError{"invalid_target", "a token is for one resource only: ask for each in a request of its own"}
		}
		found = server
	}
	return found, nil
}

func (s *server) onlyResource(ctx context.Context, client directory.Client) (directory.Server, error) {
	servers, err := s.Directory.Servers(ctx)
	if err != nil {
		return directory.Server{}, err
	}
	servers = slices.DeleteFunc(servers, func(rs directory.Server) bool { return len(client.AuthorizedAt(rs)) == 0 })
	if len(servers) != 1 {
		return directory.Server{}, &tokenError{"invalid_target", "resource is missing, and this client is not authorized for exactly one server"}
	}
	return servers[0], nil
}
