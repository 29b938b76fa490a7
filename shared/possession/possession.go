// Package possession makes proofs of possession (RFC 9449 §4): the half of DPoP that a client needs. Package dpop checks them.
package possession

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
)

// Names on the wire (RFC 9449 §4.1, §7.1, §8).
const (
	Header      = "DPoP"       // of a request, with its proof
	NonceHeader = "DPoP-Nonce" // of an answer, for the next proof
	Scheme      = "DPoP"       // in Authorization, and the token_type

	Type = "dpop+jwt"
)

// Request is what a proof is for.
type Request struct {
	Method, URL string
	AccessToken string // that goes along; empty at the token endpoint
	Nonce       string // that the server asked for; empty: none yet
}

// Prove makes the proof for one request (RFC 9449 §4.2). Each request needs its own: a proof works once.
func Prove(key clientkey.Key, r Request, now time.Time) (string, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": r.Method, "htu": Target(u), "iat": now.Unix()}
	if r.AccessToken != "" {
		claims["ath"] = TokenHash(r.AccessToken)
	}
	if r.Nonce != "" {
		claims["nonce"] = r.Nonce
	}
	return key.SignProof(Type, claims)
}

// Target is the htu of an address: without query and fragment (RFC 9449 §4.2).
func Target(u *url.URL) string {
	bare := *u
	bare.RawQuery, bare.ForceQuery, bare.Fragment, bare.RawFragment = "", false, "", ""
	return bare.String()
}

// TokenHash is the ath of an access token (RFC 9449 §4.2).
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
