package oauth_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// What is here proves requirements of the MCP specification that no other test of this package is about. Which, says
// scripts/conformance/README.md.

// TestDescribedClientSigns: a client that describes itself may prove itself with a key that its document holds or points to
// (draft-ietf-oauth-client-id-metadata-document-00 §6.2), and then must.
func TestDescribedClientSigns(t *testing.T) {
	t.Parallel()
	const keysURL = "https://app.example/jwks.json"
	for name, member := range map[string][]any{"keys in the document": {"jwks", jwks(jwk(ecKey, "a", nil))}, "keys beside it": {"jwks_uri", keysURL}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newDocumentWorld(t)
			h.serve = func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				if r.URL.String() == keysURL {
					rw.Write(jwks(jwk(ecKey, "a", nil)))
					return
				}
				io.WriteString(rw, document(append([]any{"token_endpoint_auth_method", "private_key_jwt"}, member...)...))
			}
			b := w.browser()
			code := b.approve(b.login("bob", w.documentRequest())).sentTo(t, appRedirect).Get("code")
			by := func(key any) []string {
				return []string{"client_id", documentURL, "redirect_uri", appRedirect, "client_assertion_type", assertionType,
					"client_assertion", w.assertion(jwt.SigningMethodES256, key, documentURL, nil, map[string]any{"kid": "a"})}
			}
			w.redeem(code, "client_id", documentURL, "redirect_uri", appRedirect).expect(t, "invalid_client")
			w.redeem(code, by(ecOther)...).expect(t, "invalid_client")
			got := w.redeem(code, by(ecKey)...)
			got.expect(t, "")
			claims, err := w.verifier.Verify(t.Context(), got.Access)
			if err != nil || claims.ClientID != documentURL {
				t.Errorf("the token is for %q, %v", claims.ClientID, err)
			}
			w.refresh(got.Refresh, "client_id", documentURL).expect(t, "invalid_client")
			signed := by(ecKey)
			w.refresh(got.Refresh, append(signed[:2:2], signed[4:]...)...).expect(t, "")
		})
	}
}
