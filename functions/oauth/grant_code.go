package oauth

import (
	"context"
	"errors"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// redeemCode is the authorization code grant (OAuth 2.1 §4.1.3). Of two requests with one code exactly one gets
// tokens, and the other takes them away again.
func (s *server) redeemCode(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	secret := r.params.Get("code")
	if secret == "" {
		return tokenResponse{}, &tokenError{"invalid_request", "code is missing"}
	}
	// On a conflict somebody used the code in between: the next round sees that.
	return again(func() (tokenResponse, error) { return s.redeemOnce(ctx, r, secret) })
}

func (s *server) redeemOnce(ctx context.Context, r tokenRequest, secret string) (tokenResponse, error) {
	record, err := store.Read[code](ctx, s.Store, "code/"+web.Hash(secret), codeSort)
	if errors.Is(err, store.ErrNotFound) {
		return tokenResponse{}, errUnknownCode
	}
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.redeemRecord(ctx, r, "code/"+web.Hash(secret), record)
	if err != errReused {
		err = concerning(err, record.Value.UserID)
	}
	return response, err
}

func (s *server) redeemRecord(ctx context.Context, r tokenRequest, partition string, record store.Record[code]) (tokenResponse, error) {
	client, c := r.client, record.Value
	err := s.checkCode(ctx, r, partition, record)
	s.traceCode(ctx, r, c, err)
	if err != nil {
		return tokenResponse{}, err
	}
	g := access.Grant{ClientID: client.ID, UserID: c.UserID, Server: c.Server, Scopes: c.Scopes, Offline: c.Offline, Since: c.Issued, Epoch: c.Epoch, Consent: c.Consent,
		Identity: c.Identity, AuthTime: c.AuthTime, Method: c.Method, Nonce: c.Nonce}
	response, g, begin, err := s.beginGrant(ctx, r, g)
	if err != nil {
		return tokenResponse{}, err
	}
	c.GrantID = g.ID
	if err := s.writeWith(ctx, issued(audit.Token, g, response), append(begin, c.replaces(partition, record))...); err != nil {
		return tokenResponse{}, err
	}
	return response, nil
}

// replaces is the operation that writes a code over what was read of it.
func (c code) replaces(partition string, record store.Record[code]) store.Op {
	return store.Put(store.Encode(partition, codeSort, c, record.Expires), store.IfVersion(record.Version))
}

// checkCode is what must be right about a code, and about who brings it.
func (s *server) checkCode(ctx context.Context, r tokenRequest, partition string, record store.Record[code]) error {
	client, params, c := r.client, r.params, record.Value
	switch {
	case c.ClientID != client.ID:
		return &tokenError{"invalid_grant", "the code was issued to another client"}
	case c.Reused:
		return errReused
	case c.GrantID != "":
		// A second use: one of the two has stolen it, so what the first one got ends too (RFC 6749 §4.1.2, OAuth 2.1
		// §4.1.3). That is news once; who sends it again and again is told the same, and fills no log.
		c.Reused = true
		reuse := audit.Event{Name: audit.CodeReuse, Outcome: audit.Refused, UserID: c.UserID, ClientID: client.ID}
		if err := s.revokeGrant(ctx, c.GrantID, reuse, c.replaces(partition, record)); err != nil {
			return err
		}
		return &tokenError{"invalid_grant", errReused.Description}
	case !s.Now().Before(c.Expires):
		return &tokenError{"invalid_grant", "the code has expired"}
	case params.Has("redirect_uri") && params.Get("redirect_uri") != c.RedirectURI: // RFC 6749 §4.1.3; OAuth 2.1 lets it be left out
		return &tokenError{"invalid_grant", "redirect_uri is not the one that the code was sent to"}
	case !params.Has("code_verifier"):
		return &tokenError{"invalid_request", "code_verifier is missing"}
	case !verifierFits(params.Get("code_verifier"), c.Challenge):
		return &tokenError{"invalid_grant", "code_verifier does not fit the code_challenge"}
	}
	if err := checkKey(c.Key, r.key); err != nil { // RFC 9449 §10
		return err
	}
	return s.checkSameResource(ctx, client, params, c.Server)
}
