package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// revoke is the revocation endpoint (RFC 7009). Either kind of token ends its whole grant, so nothing of it can be
// refreshed any more, and introspection says so at once; who does not ask there accepts an access token that was issued until
// its end, at most ten minutes later. An agent's token ends alone: the grant is its user's, and another client's.
func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	params, client, err := s.clientRequest(r)
	if err == nil && params.Get("token") == "" {
		err = &tokenError{"invalid_request", "token is missing"}
	}
	if err == nil {
		err = s.revokeToken(r.Context(), client, params.Get("token"))
	}
	if err != nil {
		s.refuse(w, r, audit.Event{Name: audit.Revocation, ClientID: client.ID}, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK) // for a token that nobody knows too: RFC 7009 §2.2
}

// revokeToken looks for the token among both kinds; token_type_hint would only save a read (RFC 7009 §2.1 lets us
// ignore it).
func (s *server) revokeToken(ctx context.Context, client directory.Client, presented string) error {
	refresh, err := s.access.RefreshToken(ctx, web.Hash(presented))
	if err == nil {
		return s.revokeFamily(ctx, client, refresh.Value.GrantID)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	claims, err := s.verifier.Verify(ctx, presented)
	if errors.Is(err, token.ErrInvalid) {
		return nil // nobody's
	}
	if err != nil {
		return err
	}
	if grantID, ok := grantOf(claims); ok && claims.Actor == nil {
		return s.revokeFamily(ctx, client, grantID)
	}
	return s.revokeOne(ctx, client, claims)
}

var errOthersToken = &tokenError{"invalid_grant", "the token was issued to another client"} // RFC 7009 §2.1

func (s *server) revokeFamily(ctx context.Context, client directory.Client, grantID string) error {
	family, err := s.access.Grant(ctx, grantID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if family.ClientID != client.ID {
		return concerning(errOthersToken, family.UserID)
	}
	traceRevoked(ctx, family.UserID, "The token is this client's, so the whole grant ends: nothing of it can be refreshed any more.")
	return s.revokeGrant(ctx, grantID, audit.Event{Name: audit.Revocation, Outcome: audit.OK, UserID: family.UserID, ClientID: client.ID})
}

// revokeOne notes that an application gave back a token that it got for itself, or an agent one that it acts for a user with. There is no
// grant that it could end, so the token's id is remembered for as long as it would be good.
func (s *server) revokeOne(ctx context.Context, client directory.Client, claims token.Claims) error {
	event := audit.Event{Name: audit.Revocation, Outcome: audit.OK, ClientID: client.ID}
	if claims.Actor != nil {
		event.UserID = claims.Subject
	}
	if claims.ClientID != client.ClientID() {
		return concerning(errOthersToken, event.UserID)
	}
	traceRevoked(ctx, event.UserID, "The token is this client's, so it ends.")
	item := store.Encode(revokedPartition(claims.ID), revokedSort, true, claims.ExpiresAt.Time)
	return s.writeWith(ctx, event, store.Put(item, store.Always()))
}

const revokedSort = "revoked"

func revokedPartition(tokenID string) string { return "revoked/" + tokenID }

// revoked reports whether a token was given back by revokeOne.
func (s *server) revoked(ctx context.Context, tokenID string) (bool, error) {
	_, err := s.Store.Get(ctx, revokedPartition(tokenID), revokedSort)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
