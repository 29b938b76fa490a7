package dpop_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/dpop"
)

// FuzzProof: whatever comes as a proof, it is refused as one, with words that fit into a header, unless it was signed for this.
func FuzzProof(f *testing.F) {
	w := newWorld(f)
	good := w.proof(nil)
	ecKey, rsaKey, edKey := signers(f)
	for _, raw := range []string{
		"", "x", "a.b.c", good, changed(good), good + "," + good,
		w.proof(map[string]any{"nonce": nil}), w.proof(map[string]any{"iat": 1e300}), w.proof(map[string]any{"htu": "https://[::1"}),
		w.sign(jwt.SigningMethodES256, ecKey, map[string]any{"typ": 7, "jwk": map[string]any{"kty": "EC", "x": 7}}),
		w.sign(jwt.SigningMethodRS256, rsaKey, nil), w.sign(jwt.SigningMethodEdDSA, edKey, nil),
		w.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"eyJhbGciOiJFUzI1NiIsInR5cCI6ImRwb3Arand0IiwiandrIjpudWxsfQ.e30.AA",
	} {
		f.Add(raw, "https://as.example/oauth/token")
		f.Add(raw, "http://as.example:80/%6F?x#y")
	}
	outside := *w
	f.Fuzz(func(t *testing.T, raw, htu string) {
		w := outside
		w.t = t
		p, err := w.checker.Check(t.Context(), request(raw), target, "")
		var wrong *dpop.Error
		if err == nil && len(p.Key) != 43 || err != nil && (!errors.As(err, &wrong) || p.Key != "") {
			t.Errorf("%q: %+v, %v", raw, p, err)
		}
		if err == nil {
			parts := strings.Split(raw, ".")
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil || !strings.Contains(string(payload), w.nonce()) {
				t.Errorf("%q was taken without the nonce", raw)
			}
		}
		// A URL is the same as itself, where it is one that a request can have; and a signed proof for it is good for no other.
		token, err := w.key.SignProof("dpop+jwt", w.claims(map[string]any{"htu": htu}))
		if err != nil {
			t.Fatal(err)
		}
		_, here := w.checker.Check(t.Context(), request(token), target, "")
		_, there := w.checker.Check(t.Context(), request(token), "https://mcp.example/mcp", "")
		if here == nil && there == nil {
			t.Errorf("%q is two URLs", htu)
		}
	})
}
