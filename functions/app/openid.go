package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	clockSkew  = time.Minute // between the authorization server's clock and ours
	maxSubject = 255         // OpenID Connect Core §2
	maxPerson  = 60
)

// idAlgs are the algorithms by which an authorization server may sign (RFC 8725 §3.1): none of them is "none" or works with a secret of ours.
var idAlgs = []string{"ES256", "RS256", "PS256", "EdDSA"}

// account is who has logged in, as an ID token says it: an issuer never gives a subject to two people (OpenID Connect Core §2).
type account struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"` // for people; it proves nothing
}

// is tells whether two are the same. Of nobody known nothing can be told.
func (p *account) is(o *account) bool {
	return p != nil && o != nil && p.Issuer == o.Issuer && p.Subject == o.Subject
}

// identityScopes ask for an ID token, where the authorization server lists them.
func identityScopes(supported []string) []string {
	switch {
	case !slices.Contains(supported, "openid"):
		return nil
	case !slices.Contains(supported, "profile"):
		return []string{"openid"}
	}
	return []string{"openid", "profile"}
}

// nonceOf is the nonce of the request that a code verifier belongs to. So the secret is kept once, and whoever reads the nonce on its way
// learns nothing of it (OpenID Connect Core §15.5.2).
func nonceOf(verifier string) string {
	sum := sha256.Sum256([]byte("nonce " + verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errIdentity says that what the authorization server says of the person cannot be believed.
var errIdentity = errors.New("ID token")

// idToken is what we read of one.
type idToken struct {
	jwt.RegisteredClaims
	Nonce    string `json:"nonce"`
	Party    string `json:"azp"`
	Name     string `json:"name"`
	Username string `json:"preferred_username"`
}

// checkIDToken is OpenID Connect Core §3.1.3.7: from our authorization server, for us alone, now, and in answer to this request. A refresh has
// no nonce to go by (§12.2). The error wraps errIdentity, unless the keys could not be read.
func (a *app) checkIDToken(ctx context.Context, s server, raw, nonce string) (*account, error) {
	wrong := func(err error) (*account, error) { return nil, fmt.Errorf("%w: %w", errIdentity, err) }
	parser := jwt.NewParser(jwt.WithValidMethods(idAlgs), jwt.WithIssuer(s.Issuer), jwt.WithAudience(cmp.Or(s.Client, a.clientID)), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(a.now), jwt.WithStrictDecoding())
	var t idToken
	parsed, err := parser.ParseWithClaims(raw, &t, func(t *jwt.Token) (any, error) { return a.keysFor(ctx, s.Keys, t) })
	if errors.Is(err, errKeys) {
		return nil, err
	}
	if err != nil {
		return wrong(err)
	}
	_, crit := parsed.Header["crit"]
	switch {
	case crit: // RFC 7515 §4.1.11
		return wrong(errors.New("it uses an extension that is not understood"))
	case len(t.Audience) != 1: // nobody else is trusted with it (item 3)
		return wrong(errors.New("it is for others too"))
	case t.Party != "" && t.Party != t.Audience[0]:
		return wrong(errors.New("azp is another client"))
	case t.Subject == "" || len(t.Subject) > maxSubject || t.IssuedAt == nil:
		return wrong(errors.New("it lacks sub or iat"))
	case nonce != "" && t.Nonce != nonce:
		return wrong(errors.New("its nonce is not the one that was sent"))
	}
	return &account{Issuer: s.Issuer, Subject: t.Subject, Name: clip(cmp.Or(t.Name, t.Username), maxPerson)}, nil
}

// whoIs reads the ID token that came with a code. Where we asked for one and got none, we do not know who it is.
func (a *app) whoIs(ctx context.Context, rec authorization, t tokens, verifier string) (*account, error) {
	if t.ID == "" || len(rec.Server.Identity) == 0 {
		return nil, nil
	}
	who, err := a.checkIDToken(ctx, rec.Server, t.ID, nonceOf(verifier))
	a.traceIdentity(ctx, rec.Server, who, err)
	return who, err
}

// sameAs refuses what a refresh brought if it is another person's: iss and sub must be those of before (§12.2). There need be no ID token; and one
// that cannot be checked now, for want of keys, says nothing.
func (a *app) sameAs(ctx context.Context, before *account, s server, t tokens) error {
	if before == nil || t.ID == "" {
		return nil
	}
	now, err := a.checkIDToken(ctx, s, t.ID, "")
	a.traceIdentity(ctx, s, now, err)
	switch {
	case err == nil && !before.is(now):
		return fmt.Errorf("%w: it names another person than before", errIdentity)
	case errors.Is(err, errIdentity):
		return err
	case err != nil:
		a.log.InfoContext(ctx, "ID token of a refresh not checked", "err", err)
	}
	return nil
}
