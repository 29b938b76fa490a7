package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// IDType is the typ header of an ID token. Whoever takes one takes no other type, and whoever takes another takes none of these
// (RFC 8725 §3.11): so an ID token is no access token, no client's assertion, and the other way round.
const IDType = "JWT"

// IDClaims are the claims of an ID token (OpenID Connect Core §2), and those of the scope profile that we have (§5.1, §5.4).
type IDClaims struct {
	jwt.RegisteredClaims          // iss, sub, aud, exp, iat, jti
	AuthTime             int64    `json:"auth_time"` // when the person logged in, in seconds
	Nonce                string   `json:"nonce,omitempty"`
	Methods              []string `json:"amr,omitempty"`     // how (RFC 8176)
	AccessHash           string   `json:"at_hash,omitempty"` // of the access token that it came with (§3.1.3.6)
	Name                 string   `json:"name,omitempty"`
	Username             string   `json:"preferred_username,omitempty"`
}

// ID is what a new ID token says; the keyring adds issuer and times.
type ID struct {
	ID       string // jti, unique per token
	Subject  string
	ClientID string // the only audience
	AuthTime time.Time
	Nonce    string
	Methods  []string
	Access   string // the access token that it comes with; empty: none
	Name     string // empty: not to be told
	Username string
}

// MintID signs an ID token. It lives as long as an access token, so that no key has to be published longer for it.
func (k *Keyring) MintID(ctx context.Context, id ID) (string, error) {
	now := k.now()
	key, kid, err := k.signer(ctx, now)
	if err != nil {
		return "", err
	}
	now = now.Truncate(time.Second)
	claims := IDClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    k.issuer,
			Subject:   id.Subject,
			Audience:  jwt.ClaimStrings{id.ClientID},
			ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
			IssuedAt:  jwt.NewNumericDate(now),
			ID:        id.ID,
		},
		AuthTime: id.AuthTime.Unix(), Nonce: id.Nonce, Methods: id.Methods, Name: id.Name, Username: id.Username,
	}
	if id.Access != "" {
		claims.AccessHash = AccessHash(id.Access)
	}
	return signed(key, kid, IDType, claims)
}

// AccessHash is the at_hash of an access token, for ID tokens that are signed with ES256 (OpenID Connect Core §3.1.3.6): the left half of
// its hash.
func AccessHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

// VerifyID checks an ID token that comes back to its issuer (OpenID Connect Core §3.1.3.7): ours, unexpired, and made for this client alone.
// The error is an *InvalidError, or wraps ErrUnavailable.
func (v *Verifier) VerifyID(ctx context.Context, raw, clientID string) (IDClaims, error) {
	claims, err := v.readID(ctx, raw)
	if err == nil && claims.Audience[0] != clientID {
		err = &InvalidError{"it was issued to another client"}
	}
	if err == nil && !v.now().Before(claims.ExpiresAt.Time) {
		err = &InvalidError{"it has expired"}
	}
	if err != nil {
		return IDClaims{}, err
	}
	return claims, nil
}

// Hint reads an ID token of ours that need not be current: somebody shows it to say whom it is about (OpenID Connect Core §3.1.2.1,
// RP-Initiated Logout §2). Its only audience is the client that it was made for.
func (v *Verifier) Hint(ctx context.Context, raw string) (IDClaims, error) { return v.readID(ctx, raw) }

// readID is what holds for an ID token of any age.
func (v *Verifier) readID(ctx context.Context, raw string) (IDClaims, error) {
	if len(raw) > maxToken {
		return IDClaims{}, &InvalidError{"the token is too long"}
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	var claims IDClaims
	t, err := parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) { return v.keys.key(ctx, t) })
	if err != nil {
		return IDClaims{}, explain(err)
	}
	typ, _ := t.Header["typ"].(string)
	_, crit := t.Header["crit"]
	switch {
	case !strings.EqualFold(typ, IDType):
		err = &InvalidError{"it is not an ID token: its typ is not JWT"}
	case crit: // RFC 7515 §4.1.11
		err = &InvalidError{"it uses an extension that is not understood"}
	case claims.Issuer != v.issuer:
		err = &InvalidError{"it comes from another issuer"}
	case claims.Subject == "" || len(claims.Audience) != 1 || claims.ExpiresAt == nil || claims.IssuedAt == nil || claims.AuthTime == 0:
		err = &InvalidError{"it lacks a claim that every ID token of ours has"}
	}
	if err != nil {
		return IDClaims{}, err
	}
	return claims, nil
}
