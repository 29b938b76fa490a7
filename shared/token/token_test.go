package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
)

const (
	issuer   = "http://localhost:8080"
	resource = "http://localhost:8080/mcp"
)

var audience = []string{resource, "mcp://vetassist"}

// world is an issuer with its JWKS endpoint, and a verifier that reads it.
type world struct {
	clock    *storetest.Clock
	store    store.Store
	keyring  *token.Keyring
	verifier *token.Verifier
	fetches  atomic.Int32
	down     atomic.Bool
	extra    atomic.Value // a JWKS served instead of ours
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: storetest.NewClock()}
	db := storetest.Open(t, w.clock.Now)
	w.store = db
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		if w.down.Load() {
			http.Error(rw, "down", http.StatusBadGateway)
			return
		}
		if jwks, ok := w.extra.Load().(string); ok {
			fmt.Fprint(rw, jwks)
			return
		}
		jwks, err := token.Published(r.Context(), store.Restrict(db, token.PublicPartitions...))
		if err != nil {
			t.Error(err)
		}
		rw.Write(jwks)
	}))
	t.Cleanup(server.Close)
	w.keyring = token.NewKeyring(issuer, store.Restrict(db, append(token.PublicPartitions, token.PrivatePartitions...)...), w.clock.Now, rand.Reader)
	w.verifier = w.newVerifier(server.URL, server.Client())
	return w
}

func (w *world) newVerifier(url string, client *http.Client) *token.Verifier {
	return token.NewVerifier(issuer, audience, token.RemoteKeys(url, client, w.clock.Now), w.clock.Now)
}

var grant = token.Grant{ID: "t1", Subject: "user-bob", ClientID: "vet-assist-ai", Audience: audience,
	Scopes: []string{"pet-profile:read", "appointment:read"}, Roles: []string{"Pet Owner"}}

func (w *world) mint(t *testing.T, g token.Grant) string {
	t.Helper()
	raw, expires, err := w.keyring.Mint(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if want := w.clock.Now().Add(token.Lifetime); !expires.Equal(want) {
		t.Errorf("expires %v, want %v", expires, want)
	}
	return raw
}

func TestMintedTokenVerifies(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(t, grant)
	for range 2 { // the second time from memory
		c, err := w.verifier.Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if c.Issuer != issuer || c.Subject != "user-bob" || c.ClientID != "vet-assist-ai" || c.ID != "t1" ||
			strings.Join(c.Scopes(), "|") != "pet-profile:read|appointment:read" || c.Roles[0] != "Pet Owner" ||
			c.ExpiresAt.Sub(c.IssuedAt.Time) != token.Lifetime {
			t.Errorf("got %+v", c)
		}
		c.Roles[0], c.Audience[0] = "Administrator", "elsewhere" // what a caller does to its copy stays there
	}
	if n := w.fetches.Load(); n != 1 {
		t.Errorf("the JWKS was fetched %d times", n)
	}
}

func TestHeaderAndJWKS(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(t, grant)
	var header map[string]string
	decode(t, strings.Split(raw, ".")[0], &header)
	jwks, err := token.Published(t.Context(), w.store)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(jwks, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s: %v", jwks, err)
	}
	key := set.Keys[0]
	if header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] != key["kid"] || len(header) != 3 {
		t.Errorf("header %v", header)
	}
	if key["kty"] != "EC" || key["crv"] != "P-256" || key["use"] != "sig" || key["alg"] != "ES256" || len(key) != 7 {
		t.Errorf("key %v", key) // seven members: no private one among them
	}
	if strings.Contains(string(jwks), `"d"`) {
		t.Error("the JWKS holds a private key")
	}
}

func TestManyProcessesMakeOneFirstKey(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if err := token.NewKeyring(issuer, w.store, w.clock.Now, rand.Reader).Ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	jwks, err := token.Published(t.Context(), w.store)
	if err != nil || strings.Count(string(jwks), `"kid"`) != 1 {
		t.Errorf("%s, %v", jwks, err)
	}
}

func decode(t *testing.T, part string, v any) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRefusals signs tokens with the issuer's own key, right in all but one thing each.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	pub, _ := key.PublicKey.Bytes()
	enc := base64.RawURLEncoding.EncodeToString
	w.extra.Store(fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`, enc(pub[1:33]), enc(pub[33:])))

	now := w.clock.Now()
	good := func() (jwt.MapClaims, map[string]any) {
		return jwt.MapClaims{"iss": issuer, "sub": "user-bob", "aud": []string{resource}, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
			"jti": "t1", "client_id": "vet-assist-ai", "scope": "pet-profile:read"}, map[string]any{"typ": "at+jwt", "kid": "k1"}
	}
	type change func(c jwt.MapClaims, h map[string]any)
	for _, c := range []struct {
		name   string
		change change
		method jwt.SigningMethod
		key    any
		reason string
	}{
		{"nothing wrong", func(jwt.MapClaims, map[string]any) {}, nil, nil, ""},
		{"typ with its media type prefix", func(_ jwt.MapClaims, h map[string]any) { h["typ"] = "application/AT+JWT" }, nil, nil, ""},
		{"audience is the identifier", func(c jwt.MapClaims, _ map[string]any) { c["aud"] = "mcp://vetassist" }, nil, nil, ""},
		{"expired this second", func(c jwt.MapClaims, _ map[string]any) { c["exp"] = now.Unix() }, nil, nil, "has expired"},
		{"no expiry", func(c jwt.MapClaims, _ map[string]any) { delete(c, "exp") }, nil, nil, "lacks a claim"},
		{"not yet valid", func(c jwt.MapClaims, _ map[string]any) { c["nbf"] = now.Add(time.Hour).Unix() }, nil, nil, "not valid yet"},
		{"another issuer", func(c jwt.MapClaims, _ map[string]any) { c["iss"] = "http://localhost:9999" }, nil, nil, "another issuer"},
		{"issuer with a slash", func(c jwt.MapClaims, _ map[string]any) { c["iss"] = issuer + "/" }, nil, nil, "another issuer"},
		{"no issuer", func(c jwt.MapClaims, _ map[string]any) { delete(c, "iss") }, nil, nil, "lacks a claim"},
		{"another audience", func(c jwt.MapClaims, _ map[string]any) { c["aud"] = issuer + "/admin/api" }, nil, nil, "another resource"},
		{"no audience", func(c jwt.MapClaims, _ map[string]any) { delete(c, "aud") }, nil, nil, "lacks a claim"},
		{"a plain JWT", func(_ jwt.MapClaims, h map[string]any) { h["typ"] = "JWT" }, nil, nil, "typ is not"},
		{"no typ", func(_ jwt.MapClaims, h map[string]any) { delete(h, "typ") }, nil, nil, "typ is not"},
		{"an unknown extension", func(_ jwt.MapClaims, h map[string]any) { h["crit"] = []string{"x"}; h["x"] = 1 }, nil, nil, "extension"},
		{"no subject", func(c jwt.MapClaims, _ map[string]any) { delete(c, "sub") }, nil, nil, "lacks a claim"},
		{"no client", func(c jwt.MapClaims, _ map[string]any) { delete(c, "client_id") }, nil, nil, "lacks a claim"},
		{"no id", func(c jwt.MapClaims, _ map[string]any) { delete(c, "jti") }, nil, nil, "lacks a claim"},
		{"no time of issue", func(c jwt.MapClaims, _ map[string]any) { delete(c, "iat") }, nil, nil, "lacks a claim"},
		{"unknown key", func(_ jwt.MapClaims, h map[string]any) { h["kid"] = "k2" }, nil, nil, "not published"},
		{"no key id", func(_ jwt.MapClaims, h map[string]any) { delete(h, "kid") }, nil, nil, "not published"},
		{"key id is a number", func(_ jwt.MapClaims, h map[string]any) { h["kid"] = 1 }, nil, nil, "not published"},
		{"alg none", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "does not verify"},
		{"HS256 with the public key as secret", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodHS256, pub, "does not verify"},
		{"another key under the same id", func(jwt.MapClaims, map[string]any) {}, jwt.SigningMethodES256, otherKey(t), "does not verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, header := good()
			c.change(claims, header)
			if c.method == nil {
				c.method, c.key = jwt.SigningMethodES256, key
			}
			tok := jwt.NewWithClaims(c.method, claims)
			for k := range tok.Header {
				if k != "alg" {
					delete(tok.Header, k)
				}
			}
			for k, v := range header {
				tok.Header[k] = v
			}
			raw, err := tok.SignedString(c.key)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(11 * time.Second) // past the pause between two fetches
			_, err = w.verifier.Verify(t.Context(), raw)
			w.clock.Advance(-11 * time.Second)
			expect(t, err, c.reason)
		})
	}
	claims, header := good()
	tok := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	tok.Header["typ"], tok.Header["kid"] = header["typ"], header["kid"]
	raw, _ := tok.SignedString(key)
	parts := strings.Split(raw, ".")
	for name, bad := range map[string]string{
		"":                              "not a JWT",
		"opaque":                        "not a JWT",
		"a.b.c":                         "not a JWT",
		parts[0] + "." + parts[1]:       "not a JWT",
		parts[0] + "." + parts[1] + ".": "does not verify",
		raw + ".x":                      "not a JWT",
		raw + "A":                       "",
		strings.Repeat("x", 9<<10):      "too long",
	} {
		_, err := w.verifier.Verify(t.Context(), name)
		if err == nil || (bad != "" && !strings.Contains(err.Error(), bad)) {
			t.Errorf("%.30q: %v", name, err)
		}
	}
}

func otherKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func expect(t *testing.T, err error, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if !errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want it to say %q", err, reason)
	}
}

func TestJWKSIsFetchedAtABoundedRate(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(t, grant)
	verify := func() error { _, err := w.verifier.Verify(t.Context(), raw); return err }
	expect(t, verify(), "")

	// Tokens with invented key ids: one fetch, then none until the pause is over.
	unknown := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{})
	unknown.Header["kid"] = "invented"
	bad, _ := unknown.SignedString(otherKey(t))
	w.clock.Advance(11 * time.Second)
	for range 50 {
		if _, err := w.verifier.Verify(t.Context(), bad); !errors.Is(err, token.ErrInvalid) {
			t.Fatal(err)
		}
	}
	if n := w.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}

	// The issuer is down: what is known goes on for five minutes, then nothing can be said.
	w.down.Store(true)
	w.clock.Advance(4 * time.Minute)
	expect(t, verify(), "")
	w.clock.Advance(2 * time.Minute)
	if err := verify(); !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("with a stale JWKS: %v", err)
	}
	w.down.Store(false)
	w.clock.Advance(11 * time.Second)
	expect(t, verify(), "")

	// The key is withdrawn: a remembered token is refused once the JWKS is read again.
	w.extra.Store(`{"keys":[]}`)
	expect(t, verify(), "")
	raw = w.mint(t, grant)
	w.clock.Advance(5 * time.Minute)
	expect(t, verify(), "not published")
}

func TestExpiryIsSeenInMemoryToo(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(t, grant)
	if _, err := w.verifier.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(token.Lifetime - time.Second)
	if _, err := w.verifier.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	_, err := w.verifier.Verify(t.Context(), raw)
	expect(t, err, "has expired")
}

func TestManyAtOnceFetchOnce(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(t, grant)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, err := w.verifier.Verify(context.Background(), raw); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func FuzzVerify(f *testing.F) {
	clock := storetest.NewClock()
	v := token.NewVerifier(issuer, audience, token.RemoteKeys("http://127.0.0.1:1/", http.DefaultClient, clock.Now), clock.Now)
	for _, s := range []string{"", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if c, err := v.Verify(context.Background(), raw); err == nil {
			t.Errorf("%q was accepted as %+v", raw, c)
		}
	})
}
