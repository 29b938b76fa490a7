package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// introspection is RFC 7662 §2.2. Of a token that is not active nothing else is told.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"` // of the token, less what has been taken away since
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"` // RFC 6749 §5.1: of access tokens only
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`

	Confirmation *token.Confirmation `json:"cnf,omitempty"`     // the key that whoever sends the token must prove to have (RFC 9449 §6.2)
	Actor        *token.Actor        `json:"act,omitempty"`     // who acts for the subject, and
	MayAct       *token.Actor        `json:"may_act,omitempty"` // who may come to (RFC 8693 §4.1, §4.4)
}

// introspect is the introspection endpoint (RFC 7662). An access token says by itself what it is good for, until it expires;
// this says what it is good for now. Only clients that prove who they are may ask (§2.1), and are told of
//
//   - tokens that were issued to them, of both kinds
//   - when they are machine-to-machine applications, access tokens for the servers that they are authorized at: such an
//     application stands for the server, or for a gateway before it. Never refresh tokens: a server that is shown one must not
//     take it for an access token
//
// Everything else, from nonsense to somebody else's token, is not active, and no answer tells which it was.
func (s *server) introspect(w http.ResponseWriter, r *http.Request) {
	params, client, err := s.clientRequest(r)
	switch {
	case err != nil:
	case !client.Confidential():
		err = &tokenError{"invalid_client", "only a client that can prove itself may ask about tokens"}
	case params.Get("token") == "":
		err = &tokenError{"invalid_request", "token is missing"}
	}
	var answer introspection
	if err == nil {
		answer, err = s.introspectToken(r.Context(), client, params.Get("token"))
	}
	if err != nil {
		s.refuse(w, r, audit.Event{Name: audit.Introspection, ClientID: client.ID, Proven: proven(client)}, err)
		return
	}
	traceIntrospection(r.Context(), answer)
	w.Header().Set("Cache-Control", "no-store")
	web.JSON(w, http.StatusOK, answer)
}

// introspectToken looks for the token among both kinds, as revocation does.
func (s *server) introspectToken(ctx context.Context, caller directory.Client, presented string) (answer introspection, err error) {
	refresh, err := s.access.RefreshToken(ctx, web.Hash(presented))
	switch {
	case err == nil:
		answer, err = s.introspectRefresh(ctx, caller, refresh)
	case errors.Is(err, store.ErrNotFound):
		answer, err = s.introspectAccess(ctx, caller, presented)
	}
	var ended *tokenError
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, directory.ErrNotFound) || errors.Is(err, token.ErrInvalid) || errors.As(err, &ended) {
		return introspection{}, nil
	}
	return answer, err
}

// introspectRefresh: a refresh token is good until it is rotated. A token that comes again within the moment that a lost answer
// is allowed (see retryWindow) is not called active.
func (s *server) introspectRefresh(ctx context.Context, caller directory.Client, t store.Record[access.RefreshToken]) (introspection, error) {
	g, err := s.access.Grant(ctx, t.Value.GrantID)
	if err != nil || g.ClientID != caller.ID || !t.Value.Rotated.IsZero() || !caller.May(directory.GrantRefresh) {
		return introspection{}, err
	}
	now, err := s.standing(ctx, g, caller, slices.Concat(g.Scopes, g.Identity))
	if err != nil {
		return introspection{}, err
	}
	answer := introspection{Active: true, Scope: rbac.JoinScope(now.scopes), ClientID: caller.ClientID(), Subject: g.UserID, Issuer: s.BaseURL,
		IssuedAt: g.LastUsed.Unix(), Expires: earlier(t.Expires, g.Ends).Unix()}
	if g.Offline {
		answer.Scope += " " + offlineAccess
	}
	return answer, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (s *server) introspectAccess(ctx context.Context, caller directory.Client, presented string) (introspection, error) {
	claims, err := s.verifier.Verify(ctx, presented)
	if err != nil {
		return introspection{}, err
	}
	owner, err := s.Directory.Client(ctx, claims.ClientID)
	if err != nil {
		return introspection{}, err
	}
	now, err := s.accessStanding(ctx, claims, owner)
	if err != nil {
		return introspection{}, err
	}
	gateway := caller.Template == directory.MachineTemplate && len(caller.AuthorizedAt(now.server)) > 0
	if owner.ID != caller.ID && !gateway {
		return introspection{}, nil
	}
	answer := introspection{Active: true, Scope: rbac.JoinScope(now.scopes), ClientID: claims.ClientID, TokenType: claims.Type(), Confirmation: claims.Confirmation,
		Expires: claims.ExpiresAt.Unix(), IssuedAt: claims.IssuedAt.Unix(), Subject: claims.Subject, Audience: claims.Audience,
		Issuer: claims.Issuer, ID: claims.ID, Actor: claims.Actor, MayAct: claims.MayAct}
	if gateway { // no client is told who its user is, since the consent page does not say so (RFC 7662 §5)
		answer.Username = now.user.Username
	}
	return answer, nil
}

// accessStanding is what an access token is good for now: the scopes that it has, less what mint would not give any more.
func (s *server) accessStanding(ctx context.Context, claims token.Claims, owner directory.Client) (standing, error) {
	grantID, ok := grantOf(claims)
	if !ok {
		return s.machineStanding(ctx, claims, owner)
	}
	g, err := s.access.Grant(ctx, grantID)
	if err == nil && claims.Actor != nil {
		return s.delegatedStanding(ctx, g, claims, owner)
	}
	if err == nil && g.ClientID != owner.ID {
		err = store.ErrNotFound
	}
	if err != nil {
		return standing{}, err
	}
	return s.standing(ctx, g, owner, claims.Scopes())
}
