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
// refreshed any more; an access token that was issued goes on to its end, at most ten minutes later.
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
	grantID, err := s.grantOfToken(ctx, presented)
	if err != nil || grantID == "" {
		return err
	}
	family, err := s.access.Grant(ctx, grantID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if family.ClientID != client.ID { // RFC 7009 §2.1
		return concerning(&tokenError{"invalid_grant", "the token was issued to another client"}, family.UserID)
	}
	return s.revokeGrant(ctx, grantID, audit.Event{Name: audit.Revocation, Outcome: audit.OK, UserID: family.UserID, ClientID: client.ID})
}

// grantOfToken is the id of the grant that a token belongs to, empty when the token is none of ours.
func (s *server) grantOfToken(ctx context.Context, presented string) (string, error) {
	refresh, err := s.access.RefreshToken(ctx, web.Hash(presented))
	if err == nil {
		return refresh.Value.GrantID, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	claims, err := s.verifier.Verify(ctx, presented)
	if errors.Is(err, token.ErrInvalid) {
		return "", nil
	}
	return grantOf(claims), err
}
