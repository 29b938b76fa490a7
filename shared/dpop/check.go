package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

const (
	maxProof = 8 << 10         // bytes, beyond which a proof is not even parsed
	maxID    = 256             // bytes of a jti
	maxAge   = 5 * time.Minute // since iat
	maxAhead = time.Minute     // of iat: between a client's clock and ours (RFC 9449 §11.1)
)

// Algs are the algorithms that a proof may be signed with. None of them is "none" or works with a secret (RFC 9449 §11.6).
var Algs = token.Algs

// Error is why a proof does not count, in words that may be shown to whoever sent it.
type Error struct {
	Code        string // InvalidProof or UseNonce
	Description string
}

// The codes of RFC 9449 §12.2.
const (
	InvalidProof = "invalid_dpop_proof"
	UseNonce     = "use_dpop_nonce" // a proof as this one, but with the nonce that comes with the answer, is welcome
)

func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Checker checks the proofs that come to one server.
type Checker struct {
	store     store.Store
	partition string
	nonces    *secret.Key
	now       func() time.Time
}

// NewChecker remembers used proofs under a partition prefix, such as "dpop/", and makes nonces with the key at another, such as
// "oauth-secret/dpop". Each server has its own of both: what one handed out is worth nothing at another (RFC 9449 §9).
func NewChecker(s store.Store, partition, key string, now func() time.Time, rand io.Reader) *Checker {
	return &Checker{s, partition, secret.At(s, rand, key), now}
}

// Proof is a proof that was found good.
type Proof struct {
	Key string // thumbprint of the key that signed it (RFC 7638); empty: there was no proof

	id   string    // of what must not come again
	ends time.Time // when it is too old anyway
}

// Sent reports whether a request came with a proof, good or not.
func Sent(r *http.Request) bool { return len(r.Header.Values(possession.Header)) > 0 }

// SameKey compares two thumbprints. No thumbprint is that of no key.
func SameKey(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// claims of a proof (RFC 9449 §4.2).
type claims struct {
	jwt.RegisteredClaims        // jti, iat
	Method               string `json:"htm"`
	URL                  string `json:"htu"`
	TokenHash            string `json:"ath"`
	Nonce                string `json:"nonce"`
}

// Check looks whether a request's proof was made for it. target is its URL as clients know it, whatever Host says; access is the
// access token that comes along, empty where none does. Nothing is written: Use takes the proof. The error is an *Error, or a
// failure of ours.
func (c *Checker) Check(ctx context.Context, r *http.Request, target, access string) (Proof, error) {
	sent := r.Header.Values(possession.Header)
	switch {
	case len(sent) != 1:
		return Proof{}, invalid("the request needs exactly one DPoP header")
	case len(sent[0]) > maxProof:
		return Proof{}, invalid("the proof is over 8 KiB")
	}
	var found claims
	var key string
	t, err := jwt.NewParser(
		jwt.WithValidMethods(Algs), // RFC 8725 §3.1
		jwt.WithTimeFunc(c.now),
		jwt.WithLeeway(maxAhead), // of exp and nbf, which a proof need not have
		jwt.WithStrictDecoding(),
	).ParseWithClaims(sent[0], &found, func(t *jwt.Token) (any, error) {
		public, err := readKey(t)
		if err == nil {
			key, err = thumbprint(public)
		}
		return public.Key(), err
	})
	if err != nil {
		return Proof{}, explain(err)
	}
	if why := c.wrong(t, found, r.Method, target, access); why != "" {
		return Proof{}, invalid(why)
	}
	if good, err := c.knows(ctx, found.Nonce); err != nil || !good {
		if err == nil {
			err = &Error{UseNonce, "DPoP proof: put the value of the DPoP-Nonce header of this answer into a new one, as its nonce"}
		}
		return Proof{}, err
	}
	return Proof{Key: key, id: replayID(key, target, found.ID), ends: found.IssuedAt.Add(maxAge)}, nil
}

// wrong is what is wrong with a proof that was signed by the key in it; empty: nothing (RFC 9449 §4.3).
func (c *Checker) wrong(t *jwt.Token, found claims, method, target, access string) string {
	_, crit := t.Header["crit"]
	switch {
	case t.Header["typ"] != possession.Type: // RFC 9449 §11.5: a JWT that was signed for something else is none
		return "its typ is not dpop+jwt"
	case crit: // RFC 7515 §4.1.11: an extension that is not understood must not be ignored
		return "it uses an extension that is not understood"
	case found.ID == "" || len(found.ID) > maxID:
		return fmt.Sprintf("its jti must have 1 to %d bytes", maxID)
	case found.Method != method:
		return "its htm is not the method of this request, " + method
	case !sameURL(found.URL, target):
		return "its htu is not the URL of this request, " + target
	case found.IssuedAt == nil:
		return "its iat is missing"
	case found.IssuedAt.Before(c.now().Add(-maxAge)):
		return "its iat is over five minutes ago: make a new proof for each request, and see that your clock is right"
	case found.IssuedAt.After(c.now().Add(maxAhead)):
		return "its iat is in the future: see that your clock is right"
	case access == "" && found.TokenHash != "": // RFC 9449 §7: neither kind stands in for the other
		return "it is for a request with an access token: leave out ath"
	case access != "" && subtle.ConstantTimeCompare([]byte(found.TokenHash), []byte(possession.TokenHash(access))) != 1:
		return "its ath is not the hash of this access token"
	}
	return ""
}

// readKey is the key in a proof's header. It must be one that may have signed it, and strong enough.
func readKey(t *jwt.Token) (jwkset.JWK, error) {
	members, ok := t.Header["jwk"].(map[string]any)
	if !ok {
		return jwkset.JWK{}, invalid("there is no key in its header: jwk is missing")
	}
	for name := range members {
		if token.IsPrivate(name) {
			return jwkset.JWK{}, invalid("the jwk in its header is a private key: whoever sees it can sign with it, so make a new one")
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return jwkset.JWK{}, err
	}
	// As token.ParseKeys: no certificate is looked at, and none fetched.
	key, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil || !token.Signs(key, t.Method.Alg()) {
		return jwkset.JWK{}, invalid("the jwk in its header is no key that signs with its alg, or too weak")
	}
	return key, nil
}

// thumbprint is a key's name (RFC 7638): the hash of what must be known of it, in the order of the names. It is made of the key
// itself, not of how it was written, so no key has two.
func thumbprint(key jwkset.JWK) (string, error) {
	key, err := jwkset.NewJWKFromKey(key.Key(), jwkset.JWKOptions{})
	if err != nil {
		return "", err
	}
	m := key.Marshal()
	members := map[string]string{"kty": m.KTY.String()}
	for name, value := range map[string]string{"crv": m.CRV.String(), "x": m.X, "y": m.Y, "n": m.N, "e": m.E} {
		if value != "" { // RFC 7638 §3.2: EC has crv, x, y; RSA e, n. RFC 8037 §2: OKP crv, x
			members[name] = value
		}
	}
	canonical, err := json.Marshal(members) // sorted
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:]), err
}

func invalid(why string) *Error { return &Error{InvalidProof, "DPoP proof: " + why} }

func explain(err error) error {
	var ours *Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, jwt.ErrTokenMalformed):
		return invalid("it is not a JWT")
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return invalid("it has expired, or is not valid yet")
	}
	return invalid("it was not signed with the key in its header by one of " + strings.Join(Algs, ", "))
}
