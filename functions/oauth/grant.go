package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// revokeGrant ends a family, and records why: no token of it refreshes from now on. with is written together with that.
func (s *server) revokeGrant(ctx context.Context, id string, why audit.Event, with ...store.Op) error {
	why.Details = map[string]string{"grant": id}
	op, err := s.audit.Op(ctx, why)
	if err != nil {
		return err
	}
	with = append(with, op)
	if err = s.access.EndGrant(ctx, id, with...); errors.Is(err, store.ErrNotFound) { // it has ended already
		err = s.Store.Write(ctx, with...)
	}
	return err
}

// standing is what a grant is good for at this moment.
type standing struct {
	user   directory.User
	server directory.Server
	scopes []string // those asked about that a token may hold
	why    rbac.Decision
}

// standing looks up what a grant's user, client and server are entitled to now, of the given scopes. The error is a *tokenError
// that says why the grant is good for nothing. Every token and every introspection asks here, so both know at once of
// whatever ends a grant.
func (s *server) standing(ctx context.Context, g access.Grant, client directory.Client, scopes []string) (standing, error) {
	user, err := s.Directory.ActiveUser(ctx, g.UserID)
	if errors.Is(err, directory.ErrNotFound) {
		return standing{}, &tokenError{"invalid_grant", "the user can no longer log in"}
	}
	if err != nil {
		return standing{}, err
	}
	if user.Ended(g.Since, g.Epoch) {
		return standing{}, &tokenError{"invalid_grant", "the user was signed out everywhere since this was granted"}
	}
	server, err := s.serverNamed(ctx, g.Server)
	if errors.Is(err, directory.ErrNotFound) {
		return standing{}, &tokenError{"invalid_grant", "the resource that this was granted for no longer exists"}
	}
	if err != nil {
		return standing{}, err
	}
	if g.Vouched.Issuer != "" {
		if err := s.stillVouched(ctx, g, client); err != nil {
			return standing{}, err
		}
		decision, err := s.Directory.WhyVouched(ctx, user, client, server, scopes, g.Scopes)
		return standing{user, server, decision.Granted, decision}, enough(decision, err)
	}
	// A consent that was withdrawn and given again does not bring back what stood on the first one.
	inside, _ := splitOutside(slices.Clone(scopes))
	decision, consent, err := s.Directory.WhyConsented(ctx, user, client, server, inside)
	if err != nil {
		return standing{}, err
	}
	if !g.Consent.IsZero() && !consent.Since.Equal(g.Consent) { // zero: a grant from before this was noted
		return standing{}, &tokenError{"invalid_grant", "the consent was withdrawn since this was granted"}
	}
	who := slices.DeleteFunc(identity(scopes), func(scope string) bool { // what was agreed, then and now
		return !slices.Contains(g.Identity, scope) || !slices.Contains(consent.Scopes, scope)
	})
	if g.Server != directory.LoginServer || len(who) == 0 {
		err = enough(decision, nil)
	}
	return standing{user, server, slices.Concat(decision.Granted, who), decision}, err
}

// enough: nothing left is an error that says why.
func enough(decision rbac.Decision, err error) error {
	if err == nil && len(decision.Granted) == 0 {
		err = &tokenError{"invalid_grant", "nothing is left of what was granted: " + reasons(decision)}
	}
	return err
}

// mint makes the access token that a grant is good for now, of the requested scopes. Nothing left is an error that says why,
// never an empty token.
//
// key is the thumbprint of the key that the token is bound to, empty: of none.
func (s *server) mint(ctx context.Context, g access.Grant, client directory.Client, requested []string, key string) (tokenResponse, error) {
	now, err := s.standing(ctx, g, client, slices.Concat(requested, g.Identity))
	traceMint(ctx, g.UserID, now.why, err)
	if err != nil {
		return tokenResponse{}, err
	}
	unique, err := web.NewSecret(s.Rand)
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.sign(ctx, token.Grant{ID: g.ID + "." + unique, Subject: now.user.ID, ClientID: client.ClientID(), Audience: audience(now.server),
		Scopes: now.scopes, Roles: now.user.Roles, Key: key, MayAct: mayAct(client)})
	if err == nil && slices.Contains(now.scopes, openID) {
		response.IDToken, err = s.idToken(ctx, g, client, now, response.AccessToken)
	}
	return response, err
}

// beginGrant makes the tokens of a grant that begins now: an access token, and a refresh token for a client that may have one. ops
// write down what that takes, and belong into one write with what was spent for it.
func (s *server) beginGrant(ctx context.Context, r tokenRequest, g access.Grant) (response tokenResponse, begun access.Grant, ops []store.Op, err error) {
	if g.ID, err = web.NewSecret(s.Rand); err != nil {
		return tokenResponse{}, g, nil, err
	}
	if !r.client.Confidential() { // the refresh tokens of others are bound to who they are (RFC 9449 §5)
		g.Key = r.key
	}
	g.LastUsed = s.Now().UTC()
	g.Ends = g.LastUsed.Add(token.Lifetime)
	if response, err = s.mint(ctx, g, r.client, g.Scopes, r.key); err != nil {
		return tokenResponse{}, g, nil, err
	}
	first := ""
	if r.client.May(directory.GrantRefresh) {
		if response.RefreshToken, err = web.NewSecret(s.Rand); err != nil {
			return tokenResponse{}, g, nil, err
		}
		first, g.Ends = web.Hash(response.RefreshToken), g.LastUsed.Add(access.GrantLifetime)
		if g.Offline {
			response.nameOffline()
		}
	}
	return response, g, access.BeginGrant(g, first), nil
}

func (s *server) sign(ctx context.Context, g token.Grant) (tokenResponse, error) {
	if err := s.useHeldProof(ctx); err != nil {
		return tokenResponse{}, err
	}
	raw, expires, err := s.Keys.Mint(ctx, g)
	return tokenResponse{
		AccessToken: raw, TokenType: g.Type(), Scope: rbac.JoinScope(g.Scopes),
		ExpiresIn: int(expires.Sub(s.Now()).Round(time.Second).Seconds()),
	}, err
}

// maxAttempts bounds how often one request reads anew because others wrote in between. Two that race for one record
// need two rounds; more than a few mean that something is wrong.
const maxAttempts = 5

// again repeats f while what it read was changed before it could write.
func again[T any](f func() (T, error)) (result T, err error) {
	for range maxAttempts {
		if result, err = f(); !errors.Is(err, store.ErrConflict) {
			return result, err
		}
	}
	return result, fmt.Errorf("%w: others wrote every time (%v)", store.ErrBusy, err)
}

func reasons(d rbac.Decision) string {
	var parts []string
	for _, v := range d.Dropped() {
		parts = append(parts, fmt.Sprintf("%s is not in: %s", v.Scope, lacking(v)))
	}
	return strings.Join(parts, "; ")
}

func lacking(v rbac.Verdict) string {
	names := make([]string, len(v.Lacking))
	for i, source := range v.Lacking {
		names[i] = string(source)
	}
	return strings.Join(names, ", ")
}

// grantOf is the grant that an access token belongs to; mint wrote it into the token's id. One that an application got for
// itself has none.
func grantOf(c token.Claims) (id string, ok bool) { return grantIn(c.ID) }

// grantIn is grantOf for the id of a token of any kind.
func grantIn(tokenID string) (id string, ok bool) {
	id, _, ok = strings.Cut(tokenID, ".")
	return id, ok
}

// successor is the refresh token that replaces a presented one: HMAC-SHA-256 under a key of ours. So a client whose
// answer was lost gets the same successor again, and the store never held it.
func (s *server) successor(ctx context.Context, presented string) (string, error) {
	key, err := s.refreshKey.Bytes(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(presented))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}
