package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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
	if p, err := w.check("token", w.proof(map[string]any{"ath": dpop.TokenHash("token")})); err != nil || p.Key != w.key.ID() {
		t.Errorf("with an access token: %+v, %v", p, err)
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
		{"the ath of another token", map[string]any{"ath": dpop.TokenHash("other")}, "token", "invalid_dpop_proof", "ath"},
		{"the token as ath", map[string]any{"ath": "token"}, "token", "invalid_dpop_proof", "ath"},
		{"an ath without a token", map[string]any{"ath": dpop.TokenHash("token")}, "", "invalid_dpop_proof", "ath"},
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

// TestNonceTurns: the nonce of an answer is good for the next proof, whenever that comes within two minutes; and after four, never.
func TestNonceTurns(t *testing.T) {
	w := newWorld(t)
	first := w.nonce()
	for range 4 {
		w.clock.Advance(30 * time.Second)
		if _, err := w.check("", w.proof(map[string]any{"nonce": first})); err != nil {
			t.Error(err)
		}
	}
	next := w.nonce()
	if next == first || len(next) != 43 {
		t.Errorf("after two minutes: %q, as before", next)
	}
	if _, err := w.check("", w.proof(map[string]any{"nonce": next})); err != nil {
		t.Error(err)
	}
	w.clock.Advance(2 * time.Minute)
	_, err := w.check("", w.proof(map[string]any{"nonce": first}))
	refused(t, "after four minutes", err, "use_dpop_nonce", "DPoP-Nonce")
}

// TestAnotherServer: what a server handed out is worth nothing at another (RFC 9449 §9), and what it has seen used does not use up the
// proofs of others; but two processes of one server are one.
func TestAnotherServer(t *testing.T) {
	w := newWorld(t)
	other, twin := w.server("mcp"), w.server("oauth")
	raw := w.proof(nil)
	_, err := other.Check(t.Context(), request(raw), target, "")
	refused(t, "the nonce of another server", err, "use_dpop_nonce", "DPoP-Nonce")
	p, err := twin.Check(t.Context(), request(raw), target, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := twin.Use(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	refused(t, "used at the twin", w.checker.Use(t.Context(), p), "invalid_dpop_proof", "used before")
	if err := other.Use(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// TestReplay: a proof counts once, for as long as it would otherwise be good (RFC 9449 §11.1).
func TestReplay(t *testing.T) {
	w := newWorld(t)
	raw := w.proof(map[string]any{"jti": "one", "iat": w.clock.Now().Add(59 * time.Second).Unix()})
	use := func(raw string) error {
		p, err := w.check("", raw)
		if err == nil {
			err = w.checker.Use(t.Context(), p)
		}
		return err
	}
	if err := use(raw); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		refused(t, "again", use(raw), "invalid_dpop_proof", "used before")
		w.clock.Advance(time.Minute)
	}
	again := func(changes map[string]any) string {
		return w.proof(with(map[string]any{"jti": "one"}, changes))
	}
	refused(t, "the jti again, in a proof of later", use(again(nil)), "invalid_dpop_proof", "used before")
	w.key = newKey(t)
	if err := use(again(nil)); err != nil {
		t.Errorf("another client has the same jti: %v", err)
	}
	if p, err := w.checker.Check(t.Context(), request(again(map[string]any{"htu": target + "/2"})), target+"/2", ""); err != nil || w.checker.Use(t.Context(), p) != nil {
		t.Errorf("the same jti at another URL: %v", err)
	}
}

// TestReplayIsRememberedLongEnough: at no second is a proof good again because what was remembered of it has expired.
func TestReplayIsRememberedLongEnough(t *testing.T) {
	w := newWorld(t)
	iat, id := w.clock.Now().Add(time.Minute).Unix(), rand.Text()
	proof := func() string { return w.proof(map[string]any{"jti": id, "iat": iat}) } // with the nonce of the moment
	p, err := w.check("", proof())
	if err != nil || w.checker.Use(t.Context(), p) != nil {
		t.Fatal(err)
	}
	for range 370 {
		w.clock.Advance(time.Second)
		if p, err := w.check("", proof()); err == nil {
			refused(t, "again", w.checker.Use(t.Context(), p), "invalid_dpop_proof", "used before")
		}
	}
}

func TestReplayRace(t *testing.T) {
	w := newWorld(t)
	p, err := w.check("", w.proof(nil))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	results := make([]error, 12)
	for i := range results {
		all.Go(func() { results[i] = w.server("oauth").Use(t.Context(), p) })
	}
	all.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			refused(t, "too late", err, "invalid_dpop_proof", "used before")
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(results))
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
