package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxJWKS    = 256 << 10
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
func identityScopes(supported []string, jwks string) []string {
	if jwks == "" || !slices.Contains(supported, "openid") {
		return nil
	}
	if slices.Contains(supported, "profile") {
		return []string{"openid", "profile"}
	}
	return []string{"openid"}
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
	keys, err := a.keysAt(ctx, s.Keys)
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods(idAlgs), jwt.WithIssuer(s.Issuer), jwt.WithAudience(s.client().id(a)), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(a.now), jwt.WithStrictDecoding())
	var t idToken
	parsed, err := parser.ParseWithClaims(raw, &t, keys.Keyfunc)
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
	name := t.Name
	if name == "" {
		name = t.Username
	}
	return &account{Issuer: s.Issuer, Subject: t.Subject, Name: clip(name, maxPerson)}, nil
}

// keysAt reads the keys of an authorization server. Keys of a kind that we do not know are left out (RFC 7517 §5), and secrets never count.
func (a *app) keysAt(ctx context.Context, address string) (keyfunc.Keyfunc, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKS))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		return nil, fmt.Errorf("keys of the authorization server: %w", err)
	}
	return parseKeys(body)
}
