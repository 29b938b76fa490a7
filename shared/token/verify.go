package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2" // bounds what is remembered
)

const (
	maxToken   = 8 << 10 // bytes, beyond which a token is not even parsed
	memorySize = 4096    // verified tokens that are remembered; one takes about a kilobyte
)

// verified is what is remembered of a good token, under its hash.
type verified struct {
	claims Claims
	kid    string
}

var (
	// ErrInvalid says that a token must not be accepted; it comes as an *InvalidError with the reason.
	ErrInvalid = errors.New("token: invalid")
	// ErrUnavailable says that the issuer's keys could not be read, so nothing can be said about the token.
	ErrUnavailable error = unavailable{}

	errUnknownKey = errors.New("token: unknown key")
)

// unavailable is an error that says of itself that trying again may help (web.Temporary).
type unavailable struct{}

func (unavailable) Error() string { return "token: the issuer's keys cannot be read" }

func (unavailable) Temporary() bool { return true }

// InvalidError tells why a token was refused, in words that may be shown to its bearer.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return "token: invalid: " + e.Reason }

// Is makes errors.Is(err, ErrInvalid) true.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Verifier checks the access tokens that one issuer made for one resource.
type Verifier struct {
	issuer   string
	keys     *Keys
	now      func() time.Time
	parser   *jwt.Parser
	verified *lru.Cache[[sha256.Size]byte, verified]
}

// NewVerifier accepts tokens from issuer that name one of the audience (a resource's URL and its identifier). An
// empty audience accepts any, for the issuer itself: no resource server may do that (RFC 9068 §4).
func NewVerifier(issuer string, audience []string, keys *Keys, now func() time.Time) *Verifier {
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), // RFC 8725 §3.1: the verifier, not the token, names the algorithm
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	}
	if len(audience) > 0 {
		options = append(options, jwt.WithAudience(audience...))
	}
	memory, err := lru.New[[sha256.Size]byte, verified](memorySize)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Verifier{issuer: issuer, keys: keys, now: now, parser: jwt.NewParser(options...), verified: memory}
}

// Verify checks a token as RFC 9068 §4 says. The error is an *InvalidError, or wraps ErrUnavailable.
//
// A token that was found good is remembered until it expires or its key leaves the JWKS.
func (v *Verifier) Verify(ctx context.Context, raw string) (Claims, error) {
	if len(raw) > maxToken {
		return Claims{}, &InvalidError{"the token is too long"}
	}
	hash := sha256.Sum256([]byte(raw))
	if m, ok := v.verified.Get(hash); ok && v.now().Before(m.claims.ExpiresAt.Time) && v.keys.has(m.kid) {
		return m.claims.clone(), nil
	}
	var claims Claims
	t, err := v.parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) { return v.keys.key(ctx, t) })
	if err != nil {
		return Claims{}, explain(err)
	}
	if err := check(t, claims); err != nil {
		return Claims{}, err
	}
	kid, _ := t.Header["kid"].(string)
	v.verified.Add(hash, verified{claims.clone(), kid})
	return claims, nil
}

// check is what the JWT library does not know of an access token.
func check(t *jwt.Token, c Claims) error {
	typ, _ := t.Header["typ"].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/") // RFC 9068 §4, RFC 7515 §4.1.9
	if typ != Type {
		return &InvalidError{"it is not an access token: its typ is not at+jwt"}
	}
	if _, ok := t.Header["crit"]; ok { // RFC 7515 §4.1.11: an extension that is not understood must not be ignored
		return &InvalidError{"it uses an extension that is not understood"}
	}
	if c.Subject == "" || c.ClientID == "" || c.ID == "" || c.IssuedAt == nil { // RFC 9068 §2.2
		return &InvalidError{"it lacks a claim that every access token has"}
	}
	return nil
}

func explain(err error) error {
	switch {
	case errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, errUnknownKey):
		return &InvalidError{"it was signed with a key that is not published"}
	case errors.Is(err, jwt.ErrTokenMalformed):
		return &InvalidError{"it is not a JWT"}
	case errors.Is(err, jwt.ErrTokenExpired):
		return &InvalidError{"it has expired"}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return &InvalidError{"it is not valid yet"}
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return &InvalidError{"it comes from another issuer"}
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return &InvalidError{"it was issued for another resource"}
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return &InvalidError{"it lacks a claim that every access token has"}
	}
	return &InvalidError{"its signature does not verify"}
}

func (c Claims) clone() Claims {
	c.Audience = slices.Clone(c.Audience)
	c.Roles = slices.Clone(c.Roles)
	return c
}
