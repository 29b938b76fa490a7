package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Keys of every kind, made once: RSA takes long.
var (
	ecKey, _    = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ecOther, _  = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec384, _    = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _   = rsa.GenerateKey(rand.Reader, 2048)
	rsaWeak, _  = rsa.GenerateKey(rand.Reader, 1024)
	_, edKey, _ = ed25519.GenerateKey(rand.Reader)
)

// jwk is the public half of a key as a JWK, with more members or other ones.
func jwk(key crypto.Signer, kid string, change map[string]any) map[string]any {
	made, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid}})
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(made.Marshal())
	var members map[string]any
	json.Unmarshal(text, &members)
	maps.Copy(members, change)
	return members
}

func jwks(keys ...map[string]any) json.RawMessage {
	text, _ := json.Marshal(map[string]any{"keys": keys})
	return text
}

// signingClient registers a machine-to-machine application that proves itself with a key.
func (w *world) signingClient(id string, change func(*directory.Client)) directory.Client {
	w.t.Helper()
	c := directory.Client{ID: id, Name: "Signs", Template: directory.MachineTemplate, GrantTypes: []string{"client_credentials"}, Roles: []string{"Vet Staff"},
		Authorized: map[string][]string{mcp: {"pet-profile:read"}}, AuthMethod: directory.PrivateKeyJWT, JWKS: jwks(jwk(ecKey, "a", nil))}
	if change != nil {
		change(&c)
	}
	if err := w.directory.PutClient(w.t.Context(), c, store.Always()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// assertion is a JWT as it should be, with other claims and header parameters; nil takes one out.
func (w *world) assertion(method jwt.SigningMethod, key any, clientID string, claims, header map[string]any) string {
	w.t.Helper()
	now := w.clock.Now()
	t := jwt.NewWithClaims(method, jwt.MapClaims{"iss": clientID, "sub": clientID, "aud": w.url, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text()})
	for name, value := range claims {
		if t.Claims.(jwt.MapClaims)[name] = value; value == nil {
			delete(t.Claims.(jwt.MapClaims), name)
		}
	}
	for name, value := range header {
		if t.Header[name] = value; value == nil {
			delete(t.Header, name)
		}
	}
	raw, err := t.SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// byAssertion asks for a token with a JWT; changes are as in request.
func (w *world) byAssertion(raw string, changes ...string) tokens {
	w.t.Helper()
	return w.tokenRequest(url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {raw}}, changes)
}

// TestAssertion: what a client may sign, and what it may not (RFC 7523 §3, draft-ietf-oauth-rfc7523bis).
func TestAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signingClient("signs", nil)
	es256 := func(claims, header map[string]any) string {
		return w.assertion(jwt.SigningMethodES256, ecKey, "signs", claims, header)
	}
	in := func(d time.Duration) int64 { return w.clock.Now().Add(d).Unix() }
	type m = map[string]any
	for _, c := range []struct {
		what           string
		claims, header m
		says           string // empty: it is accepted
	}{
		{"as it should be", nil, m{"kid": "a"}, ""},
		{"no kid", nil, nil, ""},
		{"no iat", m{"iat": nil}, nil, ""},
		{"a kind of its own", nil, m{"typ": "client-authentication+jwt"}, ""},
		{"the same, in full", nil, m{"typ": "application/Client-Authentication+JWT"}, ""},
		{"no kind", nil, m{"typ": nil}, ""},
		{"another kind", nil, m{"typ": "at+jwt"}, "typ must be"},
		{"an unknown extension", nil, m{"crit": []string{"x"}}, "extension"},
		{"an unknown kid", nil, m{"kid": "z"}, "not signed with a key of this client"},
		{"another issuer", m{"iss": clientID}, nil, "iss and sub"},
		{"no issuer", m{"iss": nil}, nil, "missing"},
		{"no subject", m{"sub": nil}, nil, "names the client as sub"},
		{"another subject", m{"sub": clientID}, nil, "not registered for private_key_jwt"},
		{"an unknown subject", m{"sub": "nobody"}, nil, "unknown client_id"},
		{"the audience in a list", m{"aud": []string{w.url}}, nil, ""},
		{"the audience with a slash for its path", m{"aud": w.url + "/"}, nil, ""},
		{"the token endpoint as audience", m{"aud": w.url + "/oauth/token"}, nil, "aud must be the issuer"},
		{"the issuer among others", m{"aud": []string{w.url, w.url + "/oauth/token"}}, nil, "aud must be the issuer"},
		{"the issuer twice", m{"aud": []string{w.url, w.url}}, nil, "aud must be the issuer"},
		{"another server", m{"aud": "https://elsewhere.example"}, nil, "aud must be the issuer"},
		{"the issuer in capitals", m{"aud": strings.ToUpper(w.url)}, nil, "aud must be the issuer"},
		{"no audience", m{"aud": nil}, nil, "aud must be the issuer"},
		{"no end", m{"exp": nil}, nil, "missing"},
		{"over", m{"exp": in(-31 * time.Second)}, nil, "expired"},
		{"over by a clock that is a little behind", m{"exp": in(-29 * time.Second)}, nil, ""},
		{"ten minutes", m{"exp": in(10 * time.Minute)}, nil, ""},
		{"eleven minutes", m{"exp": in(11 * time.Minute)}, nil, "ten minutes"},
		{"for ever", m{"exp": int64(1) << 40}, nil, "ten minutes"},
		{"issued by a clock that is a little ahead", m{"iat": in(29 * time.Second)}, nil, ""},
		{"issued in the future", m{"iat": in(time.Minute)}, nil, "not valid yet"},
		{"not before now", m{"nbf": in(0)}, nil, ""},
		{"not before later", m{"nbf": in(time.Minute)}, nil, "not valid yet"},
		{"no id", m{"jti": nil}, nil, "jti"},
		{"a very long id", m{"jti": strings.Repeat("x", 257)}, nil, "jti"},
		{"too long by far", m{"x": strings.Repeat("x", 9000)}, nil, "8 KiB"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.byAssertion(es256(c.claims, c.header))
			want := "invalid_client"
			if c.says == "" {
				want = ""
			}
			if got.expect(t, want); !strings.Contains(got.Description, c.says) {
				t.Errorf("it says %q", got.Description)
			}
		})
	}
}

// TestAssertionKeys: which key and which algorithm go together.
func TestAssertionKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type m = map[string]any
	public, _ := json.Marshal(jwk(ecKey, "a", nil))
	for _, c := range []struct {
		what   string
		method jwt.SigningMethod
		key    any
		kid    any
		jwks   json.RawMessage
		ok     bool
	}{
		{"ES256", jwt.SigningMethodES256, ecKey, "a", jwks(jwk(ecKey, "a", m{"use": "sig", "alg": "ES256", "key_ops": []string{"verify"}})), true},
		{"RS256", jwt.SigningMethodRS256, rsaKey, "a", jwks(jwk(rsaKey, "a", nil)), true},
		{"PS256", jwt.SigningMethodPS256, rsaKey, "a", jwks(jwk(rsaKey, "a", nil)), true},
		{"EdDSA", jwt.SigningMethodEdDSA, edKey, "a", jwks(jwk(edKey, "a", nil)), true},
		{"the second of two without a name", jwt.SigningMethodES256, ecKey, nil, jwks(jwk(ecOther, "", nil), jwk(ecKey, "", nil)), true},
		{"beside keys of kinds that nobody knows", jwt.SigningMethodES256, ecKey, "a", jwks(m{"kty": "PQC", "kid": "a"}, jwk(ecKey, "a", nil)), true},
		{"none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "a", jwks(jwk(ecKey, "a", nil)), false},
		{"HS256 with the public key as the secret", jwt.SigningMethodHS256, public, "a", jwks(jwk(ecKey, "a", nil)), false},
		{"HS256 with a secret in the set", jwt.SigningMethodHS256, []byte("secret"), "a", jwks(m{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}), false},
		{"ES384", jwt.SigningMethodES384, ec384, "a", jwks(jwk(ec384, "a", nil)), false},
		{"RS512", jwt.SigningMethodRS512, rsaKey, "a", jwks(jwk(rsaKey, "a", nil)), false},
		{"a weak RSA key", jwt.SigningMethodRS256, rsaWeak, "a", jwks(jwk(rsaWeak, "a", nil)), false},
		{"somebody else's key", jwt.SigningMethodES256, ecOther, "a", jwks(jwk(ecKey, "a", nil)), false},
		{"another key of the set than it says", jwt.SigningMethodES256, ecKey, "b", jwks(jwk(ecKey, "a", nil), jwk(ecOther, "b", nil)), false},
		{"a key for encryption", jwt.SigningMethodES256, ecKey, "a", jwks(jwk(ecKey, "a", m{"use": "enc"})), false},
		{"a key that is not to verify with", jwt.SigningMethodES256, ecKey, "a", jwks(jwk(ecKey, "a", m{"key_ops": []string{"deriveKey"}})), false},
		{"a key for another algorithm", jwt.SigningMethodRS256, rsaKey, "a", jwks(jwk(rsaKey, "a", m{"alg": "PS256"})), false},
		{"the ninth of nine without a name", jwt.SigningMethodES256, ecKey, nil, jwks(append(repeated(jwk(ecOther, "", nil), 8), jwk(ecKey, "", nil))...), false},
		{"no key", jwt.SigningMethodES256, ecKey, "a", jwks(), false},
		{"no set", jwt.SigningMethodES256, ecKey, "a", nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			w.signingClient("signs", func(client *directory.Client) { client.JWKS = c.jwks })
			want := "invalid_client"
			if c.ok {
				want = ""
			}
			w.byAssertion(w.assertion(c.method, c.key, "signs", nil, m{"kid": c.kid})).expect(t, want)
		})
	}
}

func repeated[T any](v T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

// TestAssertionForm: a JWT that is right, sent in a wrong way, or by a client for which that is no way. None of it uses up the JWT.
func TestAssertionForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signingClient("signs", nil)
	id, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	raw := w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)
	none := func(*http.Request) {}
	for _, c := range []struct {
		what   string
		header func(*http.Request)
		change url.Values
		want   string
	}{
		{"no type", none, url.Values{"client_assertion_type": nil}, "invalid_client"},
		{"SAML", none, url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}, "invalid_client"},
		{"a type and no JWT", none, url.Values{"client_assertion": nil}, "invalid_client"},
		{"an empty JWT", none, url.Values{"client_assertion": {""}}, "invalid_client"},
		{"no JWT", none, url.Values{"client_assertion": {"x.y.z"}}, "invalid_client"},
		{"a signature that was changed", none, url.Values{"client_assertion": {raw[:len(raw)-4] + "AAAA"}}, "invalid_client"},
		{"claims that were changed", none, url.Values{"client_assertion": {forged(raw, "pet-profile:write")}}, "invalid_client"},
		{"another name beside it", none, url.Values{"client_id": {clientID}}, "invalid_request"},
		{"a secret beside it", none, url.Values{"client_secret": {secret}}, "invalid_request"},
		{"HTTP Basic beside it", basic("signs", ""), nil, "invalid_request"},
		{"of a client with a secret", none, url.Values{"client_assertion": {w.assertion(jwt.SigningMethodES256, ecKey, id, nil, nil)}}, "invalid_client"},
		{"of a public client", none, url.Values{"client_assertion": {w.assertion(jwt.SigningMethodES256, ecKey, clientID, nil, nil)}}, "invalid_client"},
		{"by name alone", none, url.Values{"client_assertion": nil, "client_assertion_type": nil, "client_id": {"signs"}}, "invalid_client"},
		{"by a secret", basic("signs", secret), url.Values{"client_assertion": nil, "client_assertion_type": nil}, "invalid_client"},
		// Last, so that it was good for all of them.
		{"with its own name beside it", none, url.Values{"client_id": {"signs"}}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {raw}}
			maps.Copy(form, c.change)
			got, _ := w.post("/oauth/token", form, c.header)
			got.expect(t, c.want)
		})
	}
	// One with a secret as well is not let in by it.
	w.signingClient("both", func(c *directory.Client) {
		r, err := w.directory.ClientRecord(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		c.SecretHash = r.Value.SecretHash
	})
	got, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic("both", secret))
	got.expect(t, "invalid_client")
	// Nor one that is registered for a method that it has no means for.
	w.signingClient("bare", func(c *directory.Client) { c.AuthMethod = "client_secret_basic" })
	w.tokenRequest(url.Values{"grant_type": {"client_credentials"}, "client_id": {"bare"}}, nil).expect(t, "invalid_client")
}

// forged is a JWT with another sub and the signature that was there.
func forged(raw, more string) string {
	parts := strings.Split(raw, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), "{", `{"scope":"`+more+`",`, 1))) + "." + parts[2]
}

// TestAssertionIsUsedOnce: whoever has seen one can do nothing with it, as long as it would be good.
func TestAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signingClient("signs", nil)
	w.signingClient("signs-too", nil)
	raw := w.assertion(jwt.SigningMethodES256, ecKey, "signs", map[string]any{"jti": "once"}, nil)
	results := make([]tokens, 8)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.byAssertion(raw) })
	}
	wg.Wait()
	won := 0
	for _, r := range results {
		if r.Error == "" {
			won++
		} else if r.expect(t, "invalid_client"); !strings.Contains(r.Description, "jti was used before") {
			t.Errorf("it says %q", r.Description)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d got in with one JWT", won, len(results))
	}
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecKey, "signs-too", map[string]any{"jti": "once"}, nil)).expect(t, "") // another client's id is another id
	w.clock.Advance(89 * time.Second)
	if got := w.byAssertion(raw); !strings.Contains(got.Description, "jti was used before") { // a minute, and what clocks may differ
		t.Errorf("just before its end: %+v", got)
	}
	w.clock.Advance(time.Second)
	if got := w.byAssertion(raw); !strings.Contains(got.Description, "expired") {
		t.Errorf("at its end: %+v", got)
	}
}

// TestRemoteKeys: the keys of a client that are somewhere else, and how often that place is asked.
func TestRemoteKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const at = "https://client.example/jwks.json"
	w.signingClient("signs", func(c *directory.Client) { c.JWKS, c.JWKSURI = nil, at })
	by := func(key *ecdsa.PrivateKey, kid string) tokens {
		return w.byAssertion(w.assertion(jwt.SigningMethodES256, key, "signs", nil, map[string]any{"kid": kid}))
	}
	for _, step := range []struct {
		what      string
		meanwhile func()
		key       *ecdsa.PrivateKey
		kid       string
		want      string
		asked     int
	}{
		{"nothing there", func() {}, ecKey, "a", "invalid_client", 1},
		{"there now, a second later", func() { w.clock.Advance(time.Second); w.internet.put(at, string(jwks(jwk(ecKey, "a", nil)))) }, ecKey, "a", "", 2},
		{"remembered", func() {}, ecKey, "a", "", 2},
		{"an invented kid asks at most every ten seconds", func() {}, ecKey, "x", "invalid_client", 2},
		{"a new key", func() { w.clock.Advance(10 * time.Second); w.internet.put(at, string(jwks(jwk(ecOther, "b", nil)))) }, ecOther, "b", "", 3},
		{"the old one is gone with that", func() {}, ecKey, "a", "invalid_client", 3},
		{"more than 64 KiB", func() { w.clock.Advance(5 * time.Minute); w.internet.put(at, strings.Repeat(" ", 64<<10)+"{}") }, ecOther, "b", "invalid_client", 4},
	} {
		step.meanwhile()
		got := by(step.key, step.kid)
		t.Run(step.what, func(t *testing.T) {
			if got.expect(t, step.want); w.internet.asked != step.asked {
				t.Errorf("asked %d times, want %d", w.internet.asked, step.asked)
			}
		})
	}
	// A stranger who names a client does not make us ask anybody, unless that client signs.
	w.signingClient("other", func(c *directory.Client) { c.AuthMethod, c.JWKSURI = "", "https://elsewhere.example/" })
	before := w.internet.asked
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecKey, "other", nil, nil)).expect(t, "invalid_client")
	if w.internet.asked != before {
		t.Error("asked for the keys of a client that does not sign")
	}
}

// TestKeysChangedMeanwhile: who has a stolen key keeps a request with it open for as long as it takes to read where the keys are. With what an
// administrator put in their place meanwhile it is worth nothing.
func TestKeysChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const at = "https://client.example/jwks.json"
	w.signingClient("signs", func(c *directory.Client) { c.JWKS, c.JWKSURI = nil, at })
	w.internet.put(at, string(jwks(jwk(ecKey, "a", nil))))
	w.internet.meanwhile = func() {
		w.clock.Advance(2 * time.Second)
		r, err := w.directory.ClientRecord(t.Context(), "signs")
		if err == nil {
			_, err = w.directory.UpdateClient(t.Context(), "signs", r.Version, directory.ClientEdit{Keys: &directory.PublicKeys{JWKS: jwks(jwk(ecOther, "b", nil))}})
		}
		if err != nil {
			t.Error(err)
		}
		w.clock.Advance(2 * time.Second)
	}
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)).expect(t, "invalid_client")
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)).expect(t, "invalid_client")
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecOther, "signs", nil, nil)).expect(t, "")
}

// TestCodeOfASigningClient: an application that acts for a person signs each of its own requests.
func TestCodeOfASigningClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signingClient("signs", func(c *directory.Client) {
		c.Template, c.Roles, c.GrantTypes, c.RedirectURIs = directory.WebTemplate, nil, []string{"authorization_code", "refresh_token"}, []string{w.url + "/callback"}
	})
	signed := func(changes ...string) []string {
		return append([]string{"client_id", "", "client_assertion_type", assertionType, "client_assertion", w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)}, changes...)
	}
	code := w.code("client_id", "signs")
	w.redeem(code, "client_id", "signs").expect(t, "invalid_client")
	w.redeem(code, signed("code_verifier", strings.Repeat("x", 43))...).expect(t, "invalid_grant")
	got := w.redeem(code, signed()...)
	got.expect(t, "")
	w.refresh(got.Refresh, "client_id", "signs").expect(t, "invalid_client")
	next := w.refresh(got.Refresh, signed()...)
	next.expect(t, "")
	revoke := url.Values{"token": {next.Refresh}, "client_id": {"signs"}}
	if _, a := w.post("/oauth/revoke", revoke); a.status != http.StatusUnauthorized {
		t.Errorf("revoked without a signature: %d", a.status)
	}
	revoke = url.Values{"token": {next.Refresh}, "client_assertion_type": {assertionType}, "client_assertion": {w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)}}
	if _, a := w.post("/oauth/revoke", revoke); a.status != http.StatusOK {
		t.Errorf("revoking: %d %s", a.status, a.body)
	}
	w.refresh(next.Refresh, signed()...).expect(t, "invalid_grant")
}
