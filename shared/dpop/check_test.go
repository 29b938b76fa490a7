package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/store"
)

func TestGoodProof(t *testing.T) {
	w := newWorld(t)
	ecKey, rsaKey, edKey := signers(t)
	for what, raw := range map[string]string{
		"ES256":               w.proof(nil),
		"ES256, another":      w.sign(jwt.SigningMethodES256, ecKey, nil),
		"RS256":               w.sign(jwt.SigningMethodRS256, rsaKey, nil),
		"PS256":               w.sign(jwt.SigningMethodPS256, rsaKey, nil),
		"EdDSA":               w.sign(jwt.SigningMethodEdDSA, edKey, nil),
		"a moment ago":        w.proof(map[string]any{"iat": w.clock.Now().Add(-4 * time.Minute).Unix()}),
		"a clock that is off": w.proof(map[string]any{"iat": w.clock.Now().Add(59 * time.Second).Unix()}),
		"iat with a fraction": w.proof(map[string]any{"iat": float64(w.clock.Now().Unix()) + 0.25}),
		"more than it needs":  w.proof(map[string]any{"exp": w.clock.Now().Add(time.Minute).Unix(), "client": "x"}),
	} {
		p, err := w.check("", raw)
		if err != nil || len(p.Key) != 43 {
			t.Errorf("%s: %+v, %v", what, p, err)
		}
		if err := w.checker.Use(t.Context(), p); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p, err := w.check("", w.proof(nil)); err != nil || !dpop.SameKey(p.Key, w.key.ID()) {
		t.Errorf("%+v, %v, of the key %s", p, err, w.key.ID())
	}
	if p, err := w.check("token", w.proof(map[string]any{"ath": possession.TokenHash("token")})); err != nil || p.Key != w.key.ID() {
		t.Errorf("with an access token: %+v, %v", p, err)
	}
}

// TestClaims: a proof that is right in all but one claim (RFC 9449 §4.2, §4.3).
func TestClaims(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	for _, c := range []struct {
		what    string
		changes map[string]any
		access  string
		code    string
		reason  string
	}{
		{"no jti", map[string]any{"jti": nil}, "", "invalid_dpop_proof", "jti"},
		{"an empty jti", map[string]any{"jti": ""}, "", "invalid_dpop_proof", "jti"},
		{"a jti that is a number", map[string]any{"jti": 7}, "", "invalid_dpop_proof", "not a JWT"},
		{"a jti that is too long", map[string]any{"jti": strings.Repeat("x", 257)}, "", "invalid_dpop_proof", "jti"},
		{"the longest jti", map[string]any{"jti": strings.Repeat("x", 256)}, "", "", ""},
		{"no htm", map[string]any{"htm": nil}, "", "invalid_dpop_proof", "htm"},
		{"another method", map[string]any{"htm": "GET"}, "", "invalid_dpop_proof", "htm"},
		{"the method in small letters", map[string]any{"htm": "post"}, "", "invalid_dpop_proof", "htm"}, // RFC 9110 §9.1
		{"no htu", map[string]any{"htu": nil}, "", "invalid_dpop_proof", "htu"},
		{"another path", map[string]any{"htu": "https://as.example/oauth/par"}, "", "invalid_dpop_proof", "htu"},
		{"another host", map[string]any{"htu": "https://evil.example/oauth/token"}, "", "invalid_dpop_proof", "htu"},
		{"the name that it has inside", map[string]any{"htu": "http://inside.example/oauth/token"}, "", "invalid_dpop_proof", "htu"},
		{"no iat", map[string]any{"iat": nil}, "", "invalid_dpop_proof", "iat"},
		{"iat that is text", map[string]any{"iat": "now"}, "", "invalid_dpop_proof", "not a JWT"},
		{"too old", map[string]any{"iat": now.Add(-301 * time.Second).Unix()}, "", "invalid_dpop_proof", "five minutes ago"},
		{"made in advance", map[string]any{"iat": now.Add(61 * time.Second).Unix()}, "", "invalid_dpop_proof", "future"},
		{"at the end of time", map[string]any{"iat": 1e300}, "", "invalid_dpop_proof", "iat"},
		{"at the beginning of time", map[string]any{"iat": -1e300}, "", "invalid_dpop_proof", "iat"},
		{"expired by its own word", map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}, "", "invalid_dpop_proof", "expired"},
		{"not valid yet by its own word", map[string]any{"nbf": now.Add(2 * time.Minute).Unix()}, "", "invalid_dpop_proof", "not valid yet"},
		{"no ath with a token", nil, "token", "invalid_dpop_proof", "ath"},
		{"the ath of another token", map[string]any{"ath": possession.TokenHash("other")}, "token", "invalid_dpop_proof", "ath"},
		{"the token as ath", map[string]any{"ath": "token"}, "token", "invalid_dpop_proof", "ath"},
		{"an ath without a token", map[string]any{"ath": possession.TokenHash("token")}, "", "invalid_dpop_proof", "ath"},
		{"no nonce", map[string]any{"nonce": nil}, "", "use_dpop_nonce", "DPoP-Nonce"}, // RFC 9449 §11.3
		{"an empty nonce", map[string]any{"nonce": ""}, "", "use_dpop_nonce", "DPoP-Nonce"},
		{"a nonce of nobody's", map[string]any{"nonce": "x"}, "", "use_dpop_nonce", "DPoP-Nonce"},
		{"no nonce in a proof that is wrong anyway", map[string]any{"nonce": nil, "htm": "GET"}, "", "invalid_dpop_proof", "htm"},
	} {
		_, err := w.check(c.access, w.proof(c.changes))
		if c.code != "" {
			refused(t, c.what, err, c.code, c.reason)
		} else if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestHeader: a proof that is right in all but its header, its key or its signature (RFC 9449 §4.3, §11.5, §11.6).
func TestHeader(t *testing.T) {
	w := newWorld(t)
	ecKey, rsaKey, edKey := signers(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es256 := jwt.SigningMethodES256
	for what, c := range map[string]struct{ raw, reason string }{
		"an access token's typ":   {w.sign(es256, ecKey, map[string]any{"typ": "at+jwt"}), "typ"},
		"a client assertion":      {w.sign(es256, ecKey, map[string]any{"typ": "client-authentication+jwt"}), "typ"},
		"any JWT":                 {w.sign(es256, ecKey, map[string]any{"typ": "JWT"}), "typ"},
		"no typ":                  {w.sign(es256, ecKey, map[string]any{"typ": nil}), "typ"},
		"a typ that is no text":   {w.sign(es256, ecKey, map[string]any{"typ": []string{"dpop+jwt"}}), "typ"},
		"none":                    {w.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"jwk": jwkOf(t, ecKey)}), "not signed with"},
		"a secret":                {w.sign(jwt.SigningMethodHS256, []byte("secret"), map[string]any{"jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0"}}), "not signed with"},
		"ES384":                   {w.sign(jwt.SigningMethodES384, p384, nil), "not signed with"},
		"RS512":                   {w.sign(jwt.SigningMethodRS512, rsaKey, nil), "not signed with"},
		"a weak RSA key":          {w.sign(jwt.SigningMethodRS256, weak, nil), "too weak"},
		"a key of another curve":  {w.sign(es256, ecKey, map[string]any{"jwk": jwkOf(t, p384)}), "no key that signs with"},
		"a key of another kind":   {w.sign(es256, ecKey, map[string]any{"jwk": jwkOf(t, rsaKey)}), "no key that signs with"},
		"somebody else's key":     {w.sign(es256, ecKey, map[string]any{"jwk": w.key.Public()}), "not signed with"},
		"a point on no curve":     {w.sign(es256, ecKey, map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}}), "no key that signs with"},
		"a key to encrypt with":   {w.sign(es256, ecKey, map[string]any{"jwk": with(jwkOf(t, ecKey), map[string]any{"use": "enc"})}), "no key that signs with"},
		"a key for another alg":   {w.sign(jwt.SigningMethodPS256, rsaKey, map[string]any{"jwk": with(jwkOf(t, rsaKey), map[string]any{"alg": "RS256"})}), "no key that signs with"},
		"an EC private key":       {w.sign(es256, ecKey, map[string]any{"jwk": marshalled(t, ecKey, true)}), "private key"},
		"an RSA private key":      {w.sign(jwt.SigningMethodRS256, rsaKey, map[string]any{"jwk": marshalled(t, rsaKey, true)}), "private key"},
		"an Ed25519 private key":  {w.sign(jwt.SigningMethodEdDSA, edKey, map[string]any{"jwk": marshalled(t, edKey, true)}), "private key"},
		"a secret as key":         {w.sign(es256, ecKey, map[string]any{"jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0"}}), "private key"},
		"no key":                  {w.sign(es256, ecKey, map[string]any{"jwk": nil}), "jwk is missing"},
		"a key by name only":      {w.sign(es256, ecKey, map[string]any{"jwk": nil, "kid": "x"}), "jwk is missing"},
		"a key that is a list":    {w.sign(es256, ecKey, map[string]any{"jwk": []any{jwkOf(t, ecKey)}}), "jwk is missing"},
		"an extension":            {w.sign(es256, ecKey, map[string]any{"crit": []string{"x"}, "x": 1}), "extension"},
		"a changed signature":     {changed(w.proof(nil)), "not signed with"},
		"no signature":            {w.proof(nil)[:strings.LastIndex(w.proof(nil), ".")+1], "not"},
		"no JWT":                  {"x", "not a JWT"},
		"nothing":                 {"", "not a JWT"},
		"five parts":              {w.proof(nil) + ".x.y", "not a JWT"},
		"two, as a gateway joins": {w.proof(nil) + "," + w.proof(nil), "not a JWT"},
		"over 8 KiB":              {w.proof(map[string]any{"x": strings.Repeat("x", 8<<10)}), "over 8 KiB"},
	} {
		_, err := w.check("", c.raw)
		refused(t, what, err, "invalid_dpop_proof", c.reason)
	}
	_, err = w.check("", w.proof(nil), w.proof(nil))
	refused(t, "two headers", err, "invalid_dpop_proof", "exactly one")
	_, err = w.check("")
	refused(t, "no header", err, "invalid_dpop_proof", "exactly one")
}

// changed flips a bit of the signature.
func changed(raw string) string {
	i := strings.LastIndex(raw, ".") + 1
	c := byte('A')
	if raw[i] == c {
		c = 'B'
	}
	return raw[:i] + string(c) + raw[i+1:]
}

// TestURLs: htu is compared as RFC 3986 §6.2.2 and §6.2.3 normalize, and without query and fragment.
func TestURLs(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		htu  string
		same bool
	}{
		{target, true},
		{target + "?a=b#c", true},
		{"HTTPS://AS.example:443/oauth/token", true},
		{"https://as.example:/oauth/token", true},
		{"https://as.example/%6Fauth/./x/../token", true},
		{"https://as.example/oauth/%74oken", true},
		{"https://as.example/OAUTH/token", false},
		{"https://as.example/oauth/token/", false},
		{"https://as.example//oauth/token", false},
		{"https://as.example/oauth%2ftoken", false},
		{"https://as.example/oauth%2Ftoken", false},
		{"https://as.example:8443/oauth/token", false},
		{"https://as.example:80/oauth/token", false},
		{"http://as.example/oauth/token", false},
		{"https://as.example.evil.example/oauth/token", false},
		{"https://as.example@evil.example/oauth/token", false},
		{"https://evil@as.example/oauth/token", false},
		{"//as.example/oauth/token", false},
		{"/oauth/token", false},
		{"https:as.example/oauth/token", false},
		{"https://as.example/%zz", false},
		{"", false},
	} {
		_, err := w.check("", w.proof(map[string]any{"htu": c.htu}))
		if c.same && err != nil {
			t.Errorf("%s: %v", c.htu, err)
		}
		if !c.same {
			refused(t, c.htu, err, "invalid_dpop_proof", "htu")
		}
	}
}

// TestThumbprints are those of the RFCs: 7638 §3.1, 8037 A.3, and 9449 §6.1 with the key of §4.2. Each is that of the key, however it was
// written.
func TestThumbprints(t *testing.T) {
	for _, c := range []struct{ jwk, want string }{
		{`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{`{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`,
			"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		{`{"kty":"EC","x":"AACXy0WuHH7fi1XeFEgJENj3MKQOWkGEXjZRBR9ZUBYEWw==","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`,
			"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
	} {
		if got, err := dpop.Thumbprint([]byte(c.jwk)); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.jwk, got, err, c.want)
		}
	}
}

func TestSameKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"x", "x", true}, {"x", "y", false}, {"x", "", false}, {"", "x", false}, {"", "", false}} {
		if dpop.SameKey(c.a, c.b) != c.want {
			t.Errorf("%q, %q", c.a, c.b)
		}
	}
}

// TestStoreFails: a failure of ours is none of the client's.
func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	raw := w.proof(nil)
	p, err := w.check("", raw)
	if err != nil {
		t.Fatal(err)
	}
	down := dpop.NewChecker(store.Restrict(w.store, "elsewhere/"), "dpop/", "secret/dpop", w.clock.Now, rand.Reader)
	_, checked := down.Check(t.Context(), request(raw), target, "")
	_, nonce := down.Nonce(t.Context())
	for what, err := range map[string]error{"Check": checked, "Nonce": nonce, "Use": down.Use(t.Context(), p)} {
		var wrong *dpop.Error
		if err == nil || errors.As(err, &wrong) {
			t.Errorf("%s blames the client, or nobody: %v", what, err)
		}
	}
}
