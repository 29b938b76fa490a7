// Package clientkey is the private key of a program that proves itself with one: a machine that authenticates at the token endpoint
// (RFC 7523 §2.2), or a client whose tokens are bound to its key (RFC 9449). It knows nothing of servers: the public half is all that
// they ever see.
package clientkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a P-256 key, which signs with ES256.
type Key struct {
	private *ecdsa.PrivateKey
	public  JWK
}

// JWK is the public half (RFC 7517 §4, RFC 7518 §6.2). Its fields are in the order, and of the form, that RFC 7638 §3.2 hashes.
type JWK struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// Thumbprint names a key by its SHA-256 (RFC 7638).
func (k JWK) Thumbprint() string {
	canonical, _ := json.Marshal(k) // four strings
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// New makes a key.
func New() (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, err
	}
	return of(private)
}

func of(private *ecdsa.PrivateKey) (Key, error) {
	if private.Curve != elliptic.P256() {
		return Key{}, errors.New("clientkey: the key is not on the curve P-256")
	}
	point, err := private.PublicKey.Bytes() // 0x04, X, Y
	if err != nil {
		return Key{}, err
	}
	text := base64.RawURLEncoding.EncodeToString
	return Key{private, JWK{"P-256", "EC", text(point[1:33]), text(point[33:65])}}, nil
}

// Parse reads what PEM wrote, or openssl: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256".
func Parse(text []byte) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Key{}, errors.New(`clientkey: not a PEM block "PRIVATE KEY" (PKCS #8)`)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("clientkey: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return Key{}, errors.New("clientkey: not an elliptic curve key")
	}
	return of(private)
}

// PEM is the private key, to be kept where nobody else can read it.
func (k Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Public is the half that others may see.
func (k Key) Public() JWK { return k.public }

// ID is the kid: the thumbprint, so that it names no other key.
func (k Key) ID() string { return k.public.Thumbprint() }

// Signer is for what signs by itself.
func (k Key) Signer() crypto.Signer { return k.private }

// JWKS is the public half as a registration wants it (RFC 7591 §2, jwks).
func (k Key) JWKS() json.RawMessage {
	set, _ := json.Marshal(map[string]any{"keys": []any{struct {
		JWK
		ID  string `json:"kid"`
		Use string `json:"use"`
		Alg string `json:"alg"`
	}{k.public, k.ID(), "sig", jwt.SigningMethodES256.Alg()}}}) // strings
	return set
}

// Sign makes a JWT of a type, with the key's id in its header.
func (k Key) Sign(typ string, claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["kid"] = typ, k.ID()
	return t.SignedString(k.private)
}

// SignProof makes a JWT of a type that carries the public key itself in its header (RFC 7515 §4.1.3), and no name of it.
func (k Key) SignProof(typ string, claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["jwk"] = typ, k.public
	return t.SignedString(k.private)
}

// AssertionType is the client_assertion_type of an Assertion (RFC 7523 §2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const assertionLifetime = time.Minute

// Assertion proves to an issuer that a client is who it says (private_key_jwt): RFC 7523 §3, with the audience and the type of
// draft-ietf-oauth-rfc7523bis-10 §4. It is good for one request, within a minute.
func (k Key) Assertion(clientID, issuer string, now time.Time) (string, error) {
	return k.Sign("client-authentication+jwt", jwt.RegisteredClaims{
		Issuer: clientID, Subject: clientID, Audience: jwt.ClaimStrings{issuer}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLifetime)),
	})
}
