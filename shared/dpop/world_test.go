package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

const target = "https://as.example/oauth/token"

// world is a server that checks proofs, and the key of a client.
type world struct {
	t       testing.TB
	clock   *storetest.Clock
	store   store.Store
	checker *dpop.Checker
	key     clientkey.Key
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: storetest.NewClock()}
	w.store = storetest.Open(t, w.clock.Now)
	w.checker = w.server("oauth")
	w.key = newKey(t)
	return w
}

// server is one of several over one store.
func (w *world) server(name string) *dpop.Checker {
	return dpop.NewChecker(w.store, name+"-dpop/", name+"-secret/dpop", w.clock.Now, rand.Reader)
}

func newKey(t testing.TB) clientkey.Key {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) nonce() string {
	w.t.Helper()
	nonce, err := w.checker.Nonce(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return nonce
}

// claims are those of a right proof; changes replace some, and take out those that are nil.
func (w *world) claims(changes map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{"jti": rand.Text(), "htm": "POST", "htu": target, "iat": w.clock.Now().Unix(), "nonce": w.nonce()}
	return with(c, changes)
}

func with[M ~map[string]any](m M, changes map[string]any) M {
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

func (w *world) proof(changes map[string]any) string {
	w.t.Helper()
	raw, err := w.key.SignProof("dpop+jwt", w.claims(changes))
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// sign signs a right proof with any key, and any header.
func (w *world) sign(method jwt.SigningMethod, key any, header map[string]any) string {
	w.t.Helper()
	t := jwt.NewWithClaims(method, w.claims(nil))
	t.Header["typ"], t.Header["jwk"] = "dpop+jwt", jwkOf(w.t, key)
	t.Header = with(t.Header, header)
	raw, err := t.SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// jwkOf is the public half of a key.
func jwkOf(t testing.TB, key any) map[string]any {
	t.Helper()
	if signer, ok := key.(crypto.Signer); ok {
		return marshalled(t, signer.Public(), false)
	}
	return nil
}

func marshalled(t testing.TB, key any, private bool) (members map[string]any) {
	t.Helper()
	jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Marshal: jwkset.JWKMarshalOptions{Private: private}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(jwk.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func request(proofs ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://inside.example/oauth/token?x=y", nil)
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	return r
}

func (w *world) check(access string, proofs ...string) (dpop.Proof, error) {
	w.t.Helper()
	return w.checker.Check(w.t.Context(), request(proofs...), target, access)
}

// refused reports whether a proof was refused with a code, for a reason.
func refused(t testing.TB, what string, err error, code, reason string) {
	t.Helper()
	var wrong *dpop.Error
	if !errors.As(err, &wrong) || wrong.Code != code || !strings.Contains(wrong.Description, reason) {
		t.Errorf("%s: %v, want %s because of %q", what, err, code, reason)
	}
	if wrong != nil && strings.ContainsAny(wrong.Description, "\"\\") { // RFC 6749 §5.2
		t.Errorf("%s: the description has characters that none may have: %s", what, wrong.Description)
	}
}

func signers(t testing.TB) (*ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey) {
	t.Helper()
	ecKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rsaKey, err2 := rsa.GenerateKey(rand.Reader, 2048)
	_, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return ecKey, rsaKey, edKey
}
