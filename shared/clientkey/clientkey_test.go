package clientkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/token"
)

func newKey(t *testing.T) clientkey.Key {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What is registered verifies what is signed, by the libraries of the other side.
func TestAssertion(t *testing.T) {
	key, now := newKey(t), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	raw, err := key.Assertion("app-nightly", "https://as.example", now)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(key.JWKS())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v %v", keys, err)
	}
	var claims jwt.RegisteredClaims
	parsed, err := jwt.ParseWithClaims(raw, &claims, func(*jwt.Token) (any, error) { return keys[0].Key(), nil },
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithAudience("https://as.example"), jwt.WithIssuer("app-nightly"), jwt.WithExpirationRequired())
	if err != nil || claims.Subject != "app-nightly" || claims.ID == "" || claims.ExpiresAt.Sub(now) != time.Minute {
		t.Errorf("%+v %v", claims, err)
	}
	if parsed.Header["kid"] != keys[0].Marshal().KID || parsed.Header["typ"] != "client-authentication+jwt" {
		t.Errorf("header %v", parsed.Header)
	}
}

func TestProofCarriesTheKey(t *testing.T) {
	key := newKey(t)
	raw, err := key.SignProof("dpop+jwt", jwt.MapClaims{"jti": "1"})
	if err != nil {
		t.Fatal(err)
	}
	parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
	jwk, ok := parsed.Header["jwk"].(map[string]any)
	if err != nil || !ok || len(jwk) != 4 || jwk["d"] != nil || jwk["kty"] != "EC" || parsed.Header["kid"] != nil {
		t.Errorf("%v %v", parsed.Header, err)
	}
}

func TestPEM(t *testing.T) {
	key := newKey(t)
	text, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := clientkey.Parse(text); err != nil || again.ID() != key.ID() {
		t.Errorf("%s, %v", again.ID(), err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]any{"another curve": other, "RSA": rsaKey} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clientkey.Parse(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err == nil {
			t.Error(what + " was taken")
		}
	}
	for _, text := range []string{"", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := clientkey.Parse([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// The key is that of RFC 7515 appendix A.3. RFC 7638 §3.2 hashes the members in the order of their names.
func TestThumbprint(t *testing.T) {
	jwk := clientkey.JWK{Curve: "P-256", Type: "EC", X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
	if got, want := jwk.Thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
