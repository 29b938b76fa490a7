package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/token"
)

// An ID token says who logged in, when and how, to one client, and which access token it came with.
func TestMintedIDVerifies(t *testing.T) {
	w := newWorld(t)
	access := w.mint(t, grant)
	raw, err := w.keyring.MintID(t.Context(), token.ID{Subject: "user-bob", ClientID: "app", AuthTime: w.clock.Now().Add(-time.Hour),
		Nonce: "n1", Methods: []string{"pwd"}, Access: access, Name: "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.verifier.VerifyID(t.Context(), raw, "app")
	if err != nil || c.Issuer != issuer || c.Subject != "user-bob" || len(c.Audience) != 1 || c.Audience[0] != "app" || c.Nonce != "n1" ||
		c.AuthTime != w.clock.Now().Add(-time.Hour).Unix() || c.Methods[0] != "pwd" || c.AccessHash != token.AccessHash(access) || c.Name != "Bob" || c.Username != "" ||
		c.ExpiresAt.Sub(c.IssuedAt.Time) != token.Lifetime {
		t.Errorf("got %+v, %v", c, err)
	}
	var header map[string]string
	if decode(t, strings.Split(raw, ".")[0], &header); header["typ"] != "JWT" || header["alg"] != "ES256" || len(header) != 3 {
		t.Errorf("header %v", header)
	}
	// Neither is the other.
	_, err = w.verifier.Verify(t.Context(), raw)
	if err == nil {
		t.Error("it passes as an access token")
	}
	_, err = w.verifier.VerifyID(t.Context(), access, "vet-assist-ai")
	expect(t, err, "typ is not")
	_, err = w.verifier.Hint(t.Context(), access)
	expect(t, err, "typ is not")

	w.clock.Advance(token.Lifetime)
	_, err = w.verifier.VerifyID(t.Context(), raw, "app")
	expect(t, err, "has expired")
	if c, err := w.verifier.Hint(t.Context(), raw); err != nil || c.Subject != "user-bob" {
		t.Errorf("as a hint it may have expired: %+v, %v", c, err)
	}
}

// The value in OpenID Connect Core, appendix A.3, is for the same algorithm of hashing.
func TestAccessHash(t *testing.T) {
	if got := token.AccessHash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("got %s", got)
	}
}

// ID tokens signed with the issuer's own key, right in all but one thing each (OpenID Connect Core §3.1.3.7).
func TestIDRefusals(t *testing.T) {
	w := newWorld(t)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	pub, _ := key.PublicKey.Bytes()
	enc := base64.RawURLEncoding.EncodeToString
	w.extra.Store(fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`, enc(pub[1:33]), enc(pub[33:])))
	now := w.clock.Now()
	for _, c := range []struct {
		name   string
		change func(c jwt.MapClaims, h map[string]any)
		method jwt.SigningMethod
		key    any
		reason string
	}{
		{"nothing wrong", func(jwt.MapClaims, map[string]any) {}, nil, nil, ""},
		{"an access token", func(_ jwt.MapClaims, h map[string]any) { h["typ"] = "at+jwt" }, nil, nil, "typ is not"},
		{"a grant of identity", func(_ jwt.MapClaims, h map[string]any) { h["typ"] = "oauth-id-jag+jwt" }, nil, nil, "typ is not"},
		{"no typ", func(_ jwt.MapClaims, h map[string]any) { delete(h, "typ") }, nil, nil, "typ is not"},
		{"an unknown extension", func(_ jwt.MapClaims, h map[string]any) { h["crit"] = []string{"x"}; h["x"] = 1 }, nil, nil, "extension"},
		{"another issuer", func(c jwt.MapClaims, _ map[string]any) { c["iss"] = "https://evil.example" }, nil, nil, "another issuer"},
		{"another client", func(c jwt.MapClaims, _ map[string]any) { c["aud"] = "other" }, nil, nil, "another client"},
		{"two clients", func(c jwt.MapClaims, _ map[string]any) { c["aud"] = []string{"app", "other"} }, nil, nil, "lacks a claim"},
		{"no client", func(c jwt.MapClaims, _ map[string]any) { delete(c, "aud") }, nil, nil, "lacks a claim"},
		{"nobody", func(c jwt.MapClaims, _ map[string]any) { delete(c, "sub") }, nil, nil, "lacks a claim"},
		{"no login", func(c jwt.MapClaims, _ map[string]any) { delete(c, "auth_time") }, nil, nil, "lacks a claim"},
		{"no end", func(c jwt.MapClaims, _ map[string]any) { delete(c, "exp") }, nil, nil, "lacks a claim"},
		{"expired this second", func(c jwt.MapClaims, _ map[string]any) { c["exp"] = now.Unix() }, nil, nil, "has expired"},
		{"unknown key", func(_ jwt.MapClaims, h map[string]any) { h["kid"] = "k2" }, nil, nil, "not published"},
		{"alg none", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "does not verify"},
		{"HS256 with the public key as secret", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodHS256, pub, "does not verify"},
		{"another key under the same id", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodES256, otherKey(t), "does not verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := jwt.MapClaims{"iss": issuer, "sub": "user-bob", "aud": "app", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "auth_time": now.Unix()}
			if c.method == nil {
				c.method, c.key = jwt.SigningMethodES256, key
			}
			tok := jwt.NewWithClaims(c.method, claims)
			tok.Header["kid"] = "k1"
			c.change(claims, tok.Header)
			raw, err := tok.SignedString(c.key)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(11 * time.Second) // past the pause between two fetches
			if strings.HasPrefix(c.name, "expired") || c.reason == "" {
				_, err = w.verifier.VerifyID(t.Context(), raw, "app")
			} else if _, err = w.verifier.VerifyID(t.Context(), raw, "app"); c.reason != "another client" { // nor is it a hint
				_, err = w.verifier.Hint(t.Context(), raw)
			}
			w.clock.Advance(-11 * time.Second)
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			expect(t, err, c.reason)
		})
	}
	if _, err := w.verifier.VerifyID(t.Context(), strings.Repeat("x", 9<<10), "app"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("too long: %v", err)
	}
}
