package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// retryWindow is how long a rotated refresh token is answered with its successor once more: an honest client that lost
// the answer, or two tabs at once, must not be logged out.
const retryWindow = 30 * time.Second

// refresh is the refresh token grant (RFC 6749 §6) with rotation: public clients get a new refresh token at every
// use (OAuth 2.1 §4.3.1, RFC 9700 §4.14.2).
func (s *server) refresh(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	presented := r.params.Get("refresh_token")
	if presented == "" {
		return tokenResponse{}, &tokenError{"invalid_request", "refresh_token is missing"}
	}
	// On a conflict another request rotated it or revoked the grant in between: the next round sees that.
	return again(func() (tokenResponse, error) { return s.refreshOnce(ctx, r, presented) })
}

func (s *server) refreshOnce(ctx context.Context, r tokenRequest, presented string) (tokenResponse, error) {
	record, err := s.access.RefreshToken(ctx, web.Hash(presented))
	if errors.Is(err, store.ErrNotFound) {
		return tokenResponse{}, errUnknownRefresh
	}
	if err != nil {
		return tokenResponse{}, err
	}
	family, err := s.access.GrantRecord(ctx, record.Value.GrantID)
	if errors.Is(err, store.ErrNotFound) {
		return tokenResponse{}, &tokenError{"invalid_grant", "the grant was revoked or has ended"}
	}
	if err != nil {
		return tokenResponse{}, err
	}
	if checkKey(family.Value.Key, r.key) != nil && record.Value.Rotated.IsZero() {
		// Whoever bound the grant since the token was read rotated the token with the same write, and this is a second use of it.
		now, err := s.access.RefreshToken(ctx, web.Hash(presented))
		if errors.Is(err, store.ErrNotFound) || err == nil && now.Version != record.Version {
			err = store.ErrConflict
		}
		if err != nil {
			return tokenResponse{}, err
		}
	}
	response, err := s.refreshRecord(ctx, r, presented, record, family)
	return response, concerning(err, family.Value.UserID)
}

func (s *server) refreshRecord(ctx context.Context, r tokenRequest, presented string,
	record store.Record[access.RefreshToken], family store.Record[access.Grant]) (tokenResponse, error) {
	client, params, g := r.client, r.params, family.Value
	if g.ClientID != client.ID {
		return tokenResponse{}, &tokenError{"invalid_grant", "the refresh token was issued to another client"}
	}
	next, err := s.successor(ctx, presented)
	if err != nil {
		return tokenResponse{}, err
	}
	otherKey := checkKey(g.Key, r.key)
	err = s.checkRotated(ctx, record.Value, client, g, next, otherKey != nil)
	traceRefresh(ctx, r, record.Value, g, err)
	if err != nil {
		return tokenResponse{}, err
	}
	if otherKey != nil {
		return tokenResponse{}, otherKey
	}
	if !client.Confidential() && g.Key == "" { // RFC 9449 §5: who comes with a proof now is bound to its key from now on
		family.Value.Key = r.key
	}
	scopes, offline, err := narrower(params, g.Scopes)
	if err != nil {
		return tokenResponse{}, err
	}
	if err := s.checkSameResource(ctx, client, params, g.Server); err != nil {
		return tokenResponse{}, err
	}
	g.Identity = narrowerIdentity(params, g.Identity)
	response, err := s.mint(ctx, g, client, scopes, r.key)
	if err != nil {
		return tokenResponse{}, err
	}
	response.RefreshToken = next
	if g.Offline && offline {
		response.nameOffline()
	}
	event := issued(audit.Refresh, g, response)
	if !record.Value.Rotated.IsZero() { // its successor is stored already
		if family.Value.Key != g.Key {
			if err := s.Store.Write(ctx, access.BindGrant(family)...); err != nil {
				return tokenResponse{}, err
			}
		}
		event.Details["again"] = "the answer before was lost"
		s.audit.Record(ctx, event)
		return response, nil
	}
	if err := s.writeWith(ctx, event, s.access.Rotate(family, record, web.Hash(presented), web.Hash(next))...); err != nil {
		return tokenResponse{}, err
	}
	return response, nil
}

// checkRotated: a token that was rotated before may come once more within a short window, while its successor is
// unused, by who holds the same key. Any other reuse means that two parties hold the family, and it ends (RFC 9700 §4.14.2).
func (s *server) checkRotated(ctx context.Context, t access.RefreshToken, client directory.Client, g access.Grant, next string, otherKey bool) error {
	if t.Rotated.IsZero() {
		return nil
	}
	if s.Now().Sub(t.Rotated) < retryWindow && !otherKey {
		successor, err := s.access.RefreshToken(ctx, web.Hash(next))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && successor.Value.Rotated.IsZero() {
			return nil
		}
	}
	reuse := audit.Event{Name: audit.RefreshReuse, Outcome: audit.Refused, UserID: g.UserID, ClientID: client.ID}
	if err := s.revokeGrant(ctx, g.ID, reuse); err != nil {
		return err
	}
	return &tokenError{"invalid_grant", "the refresh token was used before; its grant is revoked"}
}
