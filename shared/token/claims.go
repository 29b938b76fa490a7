package token

import (
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime of an access token. Revocation cannot reach a token that was issued, so this is also how long a
// revoked one may still work.
const Lifetime = 10 * time.Minute

// Type is the typ header of an access token (RFC 9068 §2.1): it keeps other JWTs, such as ID tokens, out.
const Type = "at+jwt"

// Claims of an access token (RFC 9068 §2.2).
type Claims struct {
	jwt.RegisteredClaims          // iss, sub, aud, exp, iat, jti
	ClientID             string   `json:"client_id"`
	Scope                string   `json:"scope,omitempty"` // separated by spaces (RFC 8693 §4.2)
	Roles                []string `json:"roles,omitempty"` // RFC 9068 §2.2.3.1
}

// Scopes are the names in the scope claim.
func (c Claims) Scopes() []string { return strings.Fields(c.Scope) }

// Grant is what a new token says; the keyring adds issuer and times.
type Grant struct {
	ID       string // jti, unique per token
	Subject  string
	ClientID string
	Audience []string // the resource's URL and its identifier
	Scopes   []string
	Roles    []string
}
