package possession_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/token"
)

// TestProve reads proofs as a server does that has the public key.
func TestProve(t *testing.T) {
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(key.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	seen := map[any]bool{}
	for _, c := range []struct {
		what       string
		request    possession.Request
		htu        string
		ath, nonce any
	}{
		{"at the token endpoint", possession.Request{Method: "POST", URL: "https://as.example/token"}, "https://as.example/token", nil, nil},
		{"with a nonce", possession.Request{Method: "POST", URL: "https://as.example/token", Nonce: "n-1"}, "https://as.example/token", nil, "n-1"},
		{"query and fragment stay out of it", possession.Request{Method: "GET", URL: "https://rs.example/mcp?a=b#c"}, "https://rs.example/mcp", nil, nil},
		{"an empty query too", possession.Request{Method: "GET", URL: "https://rs.example/mcp?#"}, "https://rs.example/mcp", nil, nil},
		{"a path as it was written", possession.Request{Method: "GET", URL: "https://rs.example/a%2Fb/"}, "https://rs.example/a%2Fb/", nil, nil},
		// The token and its hash are those of RFC 9449 §7.1, figure 12.
		{"with a token", possession.Request{Method: "GET", URL: "https://resource.example.org/protectedresource",
			AccessToken: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"}, "https://resource.example.org/protectedresource", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			raw, err := possession.Prove(key, c.request, now)
			if err != nil {
				t.Fatal(err)
			}
			claims := jwt.MapClaims{}
			parsed, err := jwt.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return keys[0].Key(), nil }, jwt.WithValidMethods([]string{"ES256"}),
				jwt.WithTimeFunc(func() time.Time { return now }))
			if err != nil || parsed.Header["typ"] != "dpop+jwt" || parsed.Header["jwk"] == nil {
				t.Fatalf("%v %v", parsed, err)
			}
			if claims["htm"] != c.request.Method || claims["htu"] != c.htu || claims["ath"] != c.ath || claims["nonce"] != c.nonce || claims["iat"] != float64(now.Unix()) {
				t.Errorf("%v", claims)
			}
			if jti := claims["jti"]; jti == nil || jti == "" || seen[jti] {
				t.Errorf("jti %v is not new", jti)
			} else {
				seen[jti] = true
			}
		})
	}
	if _, err := possession.Prove(key, possession.Request{Method: "GET", URL: "https://%zz"}, now); err == nil {
		t.Error("a proof for no address")
	}
}
