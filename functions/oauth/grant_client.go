package oauth

import (
	"context"
	"errors"
	"net/url"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// machine is the client credentials grant (RFC 6749 §4.4): an application asks for itself, with no user anywhere. Its token
// names it as sub (RFC 9068 §2.2), and comes without a refresh token (RFC 6749 §4.4.3): it can ask again at any time.
func (s *server) machine(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	client := r.client
	if !client.Confidential() { // RFC 6749 §4.4: confidential clients only
		return tokenResponse{}, &tokenError{"unauthorized_client", "this grant is for applications that can prove themselves"}
	}
	t, err := s.machineToken(ctx, client, r.params, r.key)
	if err != nil {
		return tokenResponse{}, err
	}
	s.audit.Record(ctx, audit.Event{Name: audit.Token, Outcome: audit.OK, ClientID: client.ID,
		Details: map[string]string{"server": t.server, "scope": t.response.Scope}})
	return t.response, nil
}

// machineToken is a token of an application itself: with its own roles, and no user.
type machineToken struct {
	id       string
	server   string // its identifier
	response tokenResponse
}

func (s *server) machineToken(ctx context.Context, client directory.Client, params url.Values, key string) (t machineToken, err error) {
	server, err := s.resource(ctx, client, params["resource"])
	if err != nil {
		return t, err
	}
	requested, err := rbac.ParseScope(params.Get("scope"))
	if err != nil {
		return t, &tokenError{"invalid_scope", err.Error()}
	}
	if len(requested) == 0 {
		requested = client.AuthorizedAt(server) // RFC 6749 §3.3 lets us choose
	}
	decision, err := s.Directory.WhyMachine(ctx, client, server, requested)
	if err == nil && len(decision.Granted) == 0 {
		err = &tokenError{"invalid_scope", "nothing that was asked for is allowed: " + reasons(decision)}
	}
	traceMint(ctx, "", decision, err)
	if err != nil {
		return t, err
	}
	t.server = server.Identifier
	if t.id, err = web.NewSecret(s.Rand); err != nil {
		return t, err
	}
	t.response, err = s.sign(ctx, token.Grant{ID: t.id, Subject: client.ID, ClientID: client.ClientID(), Audience: server.Audience(),
		Scopes: decision.Granted, Roles: client.Roles, Key: key})
	return t, err
}

// machineStanding is what a token that an application got for itself is good for now.
func (s *server) machineStanding(ctx context.Context, claims token.Claims, client directory.Client) (standing, error) {
	server, err := s.serverOf(ctx, claims)
	if err != nil {
		return standing{}, err
	}
	revoked, err := s.revoked(ctx, claims.ID)
	if err != nil {
		return standing{}, err
	}
	if provenBefore(claims, client) {
		return standing{}, &tokenError{"invalid_grant", "the application has another secret, or other keys, since this was issued"}
	}
	if err := s.stillWorkload(ctx, claims); err != nil {
		return standing{}, err
	}
	decision, err := s.Directory.WhyMachine(ctx, client, server, claims.Scopes())
	if err == nil && (revoked || !client.May(directory.GrantMachine) || !client.Confidential() || len(decision.Granted) == 0) {
		err = &tokenError{"invalid_grant", "the application may no longer do any of this"}
	}
	return standing{server: server, scopes: decision.Granted, why: decision}, err
}

// provenBefore reports whether a token was issued to a client for what it proved itself with before an administrator gave it a secret or other
// keys: whoever had stolen that could have got it.
func provenBefore(claims token.Claims, client directory.Client) bool {
	return claims.IssuedAt.Before(client.SecretChanged)
}

// serverOf is the server that an access token is for: it is named by one of the two in aud, whichever did not change since.
func (s *server) serverOf(ctx context.Context, claims token.Claims) (server directory.Server, err error) {
	err = directory.ErrNotFound
	for _, name := range claims.Audience {
		if server, err = s.Directory.ServerByResource(ctx, name); !errors.Is(err, directory.ErrNotFound) {
			break
		}
	}
	return server, err
}
