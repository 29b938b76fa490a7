package oauth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

const notAccessToken = "N_A" // token_type of what is no access token (RFC 8693 §2.2.1)

// idJAGIssuedFor is how long ours are good for: to be redeemed at once.
const idJAGIssuedFor = 5 * time.Minute

// idJAG is what we say of a user to an authorization server elsewhere ("ID-JAG Claims" in the draft).
type idJAG struct {
	jwt.RegisteredClaims
	ClientID     string              `json:"client_id"`
	Resource     string              `json:"resource"`
	Scope        string              `json:"scope"`
	AuthTime     int64               `json:"auth_time"`     // when the user logged in, in seconds,
	Methods      []string            `json:"amr,omitempty"` // and how (RFC 8176)
	Confirmation *token.Confirmation `json:"cnf,omitempty"`
}

// exchangeForIDJAG makes us the enterprise: a user's ID token becomes our word for the user at an authorization server that an administrator
// registered, for an application that is named there (draft-ietf-oauth-identity-assertion-authz-grant, "Token Exchange"; MCP,
// Enterprise-Managed Authorization §4). An ID token only: a refresh token as subject_token is optional, and not taken.
func (s *server) exchangeForIDJAG(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	p := r.params
	switch {
	case !r.client.Confidential(): // "Client Authentication" in the draft
		return tokenResponse{}, &tokenError{"unauthorized_client", "this exchange is for applications that can prove themselves"}
	case p.Get("subject_token_type") != tokenTypeIDToken:
		return tokenResponse{}, &tokenError{"invalid_request", "subject_token_type must be " + tokenTypeIDToken}
	case p.Get("subject_token") == "":
		return tokenResponse{}, &tokenError{"invalid_request", "subject_token is missing: the user's ID token"}
	case p.Has("actor_token") || p.Has("actor_token_type"): // RFC 8693 §2.1; the draft leaves them to others
		return tokenResponse{}, &tokenError{"invalid_request", "actor_token is not for this exchange"}
	case len(p["audience"]) != 1:
		return tokenResponse{}, &tokenError{"invalid_request", "audience must be there once: the issuer of the other authorization server"}
	case len(p["resource"]) != 1: // required by MCP, which names one server
		return tokenResponse{}, &tokenError{"invalid_request", "resource must be there once: the MCP server"}
	}
	relying, there, err := s.Directory.RelyingServer(ctx, p.Get("audience"), r.client.ID)
	switch {
	case errors.Is(err, directory.ErrNotFound) || err == nil && !slices.Contains(relying.Resources, p.Get("resource")): // RFC 8693 §2.2.2
		return tokenResponse{}, &tokenError{"invalid_target", "an administrator must allow this client this audience and resource"}
	case err != nil:
		return tokenResponse{}, err
	}
	scopes, err := allowedThere(p.Get("scope"), relying)
	if err != nil {
		return tokenResponse{}, err
	}
	user, login, err := s.userOfIDToken(ctx, r)
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.signIDJAG(ctx, r, login, relying.Issuer, there, scopes)
	if err == nil {
		s.audit.Record(ctx, audit.Event{Name: audit.Token, Outcome: audit.OK, UserID: user.ID, ClientID: r.client.ID,
			Details: map[string]string{"audience": relying.Issuer, "resource": p.Get("resource"), "scope": response.Scope}})
	}
	return response, err
}

// allowedThere are the requested scopes that an administrator lets anybody ask for at a relying server; all of those when none is requested.
func allowedThere(scope string, relying directory.RelyingServer) ([]string, error) {
	requested, err := rbac.ParseScope(scope)
	if err != nil {
		return nil, &tokenError{"invalid_scope", err.Error()}
	}
	if len(requested) == 0 {
		return relying.Scopes, nil
	}
	allowed := slices.DeleteFunc(requested, func(name string) bool { return !slices.Contains(relying.Scopes, name) })
	if len(allowed) == 0 {
		return nil, &tokenError{"invalid_scope", "nothing that was asked for is allowed at this audience"}
	}
	return allowed, nil
}

// userOfIDToken is whom an ID token is about, which was issued to the client that sends it ("Processing Rules" in the draft). It is good for as
// long as the grant that it came with: whoever takes a consent back, or is signed out, is vouched for no more.
func (s *server) userOfIDToken(ctx context.Context, r tokenRequest) (directory.User, idClaims, error) {
	claims, err := s.verifyIDToken(ctx, r.params.Get("subject_token"), r.client)
	var wrong *token.InvalidError
	if errors.As(err, &wrong) {
		err = &tokenError{"invalid_grant", "subject_token: " + wrong.Reason}
	}
	if err != nil {
		return directory.User{}, claims, err
	}
	over := &tokenError{"invalid_grant", "subject_token: what it came with was taken back, or the user was signed out everywhere"}
	id, _ := grantIn(claims.ID)
	g, err := s.access.Grant(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (g.ClientID != r.client.ID || g.UserID != claims.Subject) {
		err = over
	}
	var now standing
	if err == nil {
		now, err = s.standing(ctx, g, r.client, slices.Concat(g.Scopes, g.Identity))
	}
	if err == nil && !slices.Contains(now.scopes, openID) {
		err = over
	}
	return now.user, claims, concerning(err, claims.Subject)
}

func (s *server) signIDJAG(ctx context.Context, r tokenRequest, login idClaims, audience, clientID string, scopes []string) (tokenResponse, error) {
	id, err := web.NewSecret(s.Rand)
	if err != nil {
		return tokenResponse{}, err
	}
	now := s.Now().Truncate(time.Second)
	claims := idJAG{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: s.BaseURL, Subject: login.Subject, Audience: jwt.ClaimStrings{audience}, ID: id,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(idJAGIssuedFor))},
		ClientID: clientID, Resource: r.params.Get("resource"), Scope: rbac.JoinScope(scopes), AuthTime: login.AuthTime, Methods: login.Methods,
	}
	if r.key != "" { // "Proof-of-Possession During Token Exchange"
		claims.Confirmation = &token.Confirmation{Thumbprint: r.key}
	}
	raw, err := s.Keys.Sign(ctx, idJAGType, claims)
	return tokenResponse{AccessToken: raw, IssuedType: tokenTypeIDJAG, TokenType: notAccessToken, ExpiresIn: int(idJAGIssuedFor.Seconds()), Scope: claims.Scope}, err
}
