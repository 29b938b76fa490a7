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

	Confirmation *Confirmation `json:"cnf,omitempty"`     // the key that whoever sends the token must prove to have (RFC 7800 §3.1)
	Actor        *Actor        `json:"act,omitempty"`     // who acts for the subject (RFC 8693 §4.1)
	MayAct       *Actor        `json:"may_act,omitempty"` // who may come to act for the subject (RFC 8693 §4.4)
}

// payload is Claims as a token is made of them: the types that jwt has for a time and for an audience take as long to encode as all the rest.
type payload struct {
	Issuer       string        `json:"iss"`
	Subject      string        `json:"sub"`
	Audience     []string      `json:"aud"`
	Expires      int64         `json:"exp"` // Unix seconds, as the next
	IssuedAt     int64         `json:"iat"`
	ID           string        `json:"jti"`
	ClientID     string        `json:"client_id"`
	Scope        string        `json:"scope,omitempty"`
	Roles        []string      `json:"roles,omitempty"`
	Confirmation *Confirmation `json:"cnf,omitempty"`
	Actor        *Actor        `json:"act,omitempty"`
	MayAct       *Actor        `json:"may_act,omitempty"`
}

// Confirmation names a key by its thumbprint (RFC 9449 §6.1, RFC 7638).
type Confirmation struct {
	Thumbprint string `json:"jkt"`
}

// Actor is who acts for somebody else, and inside it who acted before (RFC 8693 §4.1: only the outermost decides, the others are
// there to be known).
type Actor struct {
	Subject string `json:"sub"`
	Actor   *Actor `json:"act,omitempty"`
}

// Key is the thumbprint of the key that the token is bound to; empty: of none, so it is a bearer token.
func (c Claims) Key() string {
	if c.Confirmation == nil {
		return ""
	}
	return c.Confirmation.Thumbprint
}

// Type is the token_type of the token, as of the Grant that it was made of.
func (c Claims) Type() string { return Grant{Key: c.Key()}.Type() }

// Actors are those who act for the subject, the current one first.
func (c Claims) Actors() (subjects []string) {
	for a := c.Actor; a != nil; a = a.Actor {
		subjects = append(subjects, a.Subject)
	}
	return subjects
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
	Key      string    // thumbprint of the key that the token is bound to; empty: of none
	Ends     time.Time // at the latest; zero: when its lifetime is over
	Actor    *Actor
	MayAct   *Actor
}

// Type is the token_type of the token response (RFC 6750 §4, RFC 9449 §5).
func (g Grant) Type() string {
	if g.Key != "" {
		return "DPoP"
	}
	return "Bearer"
}
