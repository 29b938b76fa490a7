package oauth_test

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/store"
)

// holder is a client that has a key, and knows the nonce of the answer before.
type holder struct {
	*world
	key   clientkey.Key
	nonce string
}

func (w *world) holder() *holder {
	w.t.Helper()
	key, err := clientkey.New()
	if err != nil {
		w.t.Fatal(err)
	}
	return &holder{world: w, key: key}
}

// proof is one for the token endpoint, with other claims; nil takes one out.
func (h *holder) proof(changes map[string]any) string {
	h.t.Helper()
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": "POST", "htu": h.url + "/oauth/token", "iat": h.clock.Now().Unix(), "nonce": h.nonce}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	raw, err := h.key.SignProof("dpop+jwt", claims)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func proving(proofs ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Dpop"] = proofs }
}

// ask sends a token request with a proof, and once more when it is told to take another nonce.
func (h *holder) ask(form url.Values, changes ...string) tokens {
	h.t.Helper()
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	for range 2 {
		got, a := h.post("/oauth/token", form, proving(h.proof(nil)))
		h.nonce = a.header.Get("DPoP-Nonce")
		if got.Error != "use_dpop_nonce" {
			return got
		}
	}
	h.t.Error("its own nonce is refused")
	return tokens{}
}

func (h *holder) redeem(code string, changes ...string) tokens {
	h.t.Helper()
	return h.ask(h.codeForm(code), changes...)
}

func (h *holder) refresh(token string, changes ...string) tokens {
	h.t.Helper()
	return h.ask(url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {token}}, changes...)
}

// boundTo is the key that an access token is bound to; empty: to none.
func (w *world) boundTo(got tokens) string {
	w.t.Helper()
	claims, err := w.verifier.Verify(w.t.Context(), got.Access)
	if err != nil {
		w.t.Fatalf("%+v: %v", got, err)
	}
	if (claims.Key() == "") != (got.Type == "Bearer") || (claims.Key() != "") != (got.Type == "DPoP") {
		w.t.Errorf("token_type %s, bound to %q", got.Type, claims.Key())
	}
	return claims.Key()
}

// TestBoundTokens goes the way of a client that knows no nonce yet (RFC 9449 §5, §8).
func TestBoundTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, code := w.holder(), w.code()
	got, a := w.post("/oauth/token", w.codeForm(code), proving(h.proof(map[string]any{"nonce": nil})))
	got.expect(t, "use_dpop_nonce")
	nonces := a.header.Values("DPoP-Nonce")
	if len(nonces) != 1 || nonces[0] == "" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("WWW-Authenticate") != "" {
		t.Fatalf("%v", a.header)
	}
	h.nonce = nonces[0]
	got, a = w.post("/oauth/token", w.codeForm(code), proving(h.proof(nil)))
	got.expect(t, "")
	if w.boundTo(got) != h.key.ID() || got.Refresh == "" || a.header.Get("DPoP-Nonce") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v %v", got, a.header)
	}
	// Without a proof all is as ever.
	got, a = w.post("/oauth/token", w.codeForm(w.code()))
	got.expect(t, "")
	if w.boundTo(got) != "" || a.header.Get("DPoP-Nonce") != "" {
		t.Errorf("%+v %v", got, a.header)
	}
}

// TestProofRefusals: what is wrong with a proof costs the client nothing, least of all its code. Package dpop has the whole table.
func TestProofRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	h := w.holder()
	h.redeem(code, "code", "x").expect(t, "invalid_grant") // and now it knows a nonce
	used := h.proof(nil)
	if got, _ := w.post("/oauth/token", w.codeForm(w.code()), proving(used)); got.Error != "" {
		t.Fatalf("%+v", got)
	}
	other := dpop.NewChecker(w.db, "mcp-dpop/", "mcp-secret/dpop", w.clock.Now, rand.Reader)
	foreign, err := other.Nonce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := h.key.Assertion(clientID, w.url, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		proofs []string
		code   string
	}{
		{"an empty header", []string{""}, "invalid_dpop_proof"},
		{"no JWT", []string{"x"}, "invalid_dpop_proof"},
		{"two headers", []string{h.proof(nil), h.proof(nil)}, "invalid_dpop_proof"},
		{"a used proof", []string{used}, "invalid_dpop_proof"},
		{"for GET", []string{h.proof(map[string]any{"htm": "GET"})}, "invalid_dpop_proof"},
		{"for the MCP server", []string{h.proof(map[string]any{"htu": w.url + "/mcp"})}, "invalid_dpop_proof"},
		{"for another endpoint", []string{h.proof(map[string]any{"htu": w.url + "/oauth/par"})}, "invalid_dpop_proof"},
		{"for another server", []string{h.proof(map[string]any{"htu": "https://other.example/oauth/token"})}, "invalid_dpop_proof"},
		{"with an access token", []string{h.proof(map[string]any{"ath": possession.TokenHash("x")})}, "invalid_dpop_proof"},
		{"of yesterday", []string{h.proof(map[string]any{"iat": w.clock.Now().Add(-24 * time.Hour).Unix()})}, "invalid_dpop_proof"},
		{"of tomorrow", []string{h.proof(map[string]any{"iat": w.clock.Now().Add(24 * time.Hour).Unix()})}, "invalid_dpop_proof"},
		{"a client assertion", []string{assertion}, "invalid_dpop_proof"},
		{"the nonce of the MCP server", []string{h.proof(map[string]any{"nonce": foreign})}, "use_dpop_nonce"},
		{"a nonce of nobody's", []string{h.proof(map[string]any{"nonce": "x"})}, "use_dpop_nonce"},
	} {
		got, a := w.post("/oauth/token", w.codeForm(code), proving(c.proofs...))
		if got.expect(t, c.code); got.Description == "" || a.header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: %+v %v", c.what, got, a.header)
		}
	}
	h.redeem(code).expect(t, "")
	// What a client begins with is no refusal worth a record; a wrong proof is.
	for _, e := range w.events() {
		if e.Details["error"] == "use_dpop_nonce" {
			t.Errorf("recorded: %+v", e)
		}
	}
}

// TestProofIsRecorded: a refusal is in the audit log.
func TestProofIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post("/oauth/token", w.codeForm(w.code()), proving("x"))
	for _, e := range w.events() {
		if e.Name == audit.Token && e.Outcome == audit.Refused && e.Details["error"] == "invalid_dpop_proof" {
			return
		}
	}
	t.Error("nothing was recorded")
}

func TestOneProofRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	h.redeem("x").expect(t, "invalid_grant")
	raw := h.proof(nil)
	codes := []string{w.code(), w.code(), w.code(), w.code()}
	results := make([]tokens, len(codes))
	var wg sync.WaitGroup
	for i, code := range codes {
		wg.Go(func() { results[i], _ = w.post("/oauth/token", w.codeForm(code), proving(raw)) })
	}
	wg.Wait()
	won := 0
	for _, r := range results {
		if r.Error == "" {
			won++
		} else {
			r.expect(t, "invalid_dpop_proof")
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(codes))
	}
}

// TestProofIsNoAssertion: a JWT that was signed for one purpose is worth nothing for the other (RFC 8725 §3.11, RFC 9449 §11.5).
func TestProofIsNoAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	w.signingClient("signs", func(c *directory.Client) { c.JWKS = h.key.JWKS() })
	now := w.clock.Now()
	asserts := map[string]any{"iss": "signs", "sub": "signs", "aud": w.url, "exp": now.Add(time.Minute).Unix()}
	w.byAssertion(h.proof(asserts)).expect(t, "invalid_client")
	raw, err := h.key.Assertion("signs", w.url, now)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {raw}}
	got, a := w.post("/oauth/token", form, proving(raw))
	got.expect(t, "invalid_dpop_proof")

	// Neither that nor the question for a nonce has spent the assertion.
	h.nonce = ""
	got, _ = w.post("/oauth/token", form, proving(h.proof(nil)))
	got.expect(t, "use_dpop_nonce")
	h.nonce = a.header.Get("DPoP-Nonce")
	got, _ = w.post("/oauth/token", form, proving(h.proof(nil)))
	got.expect(t, "")
	if w.boundTo(got) != h.key.ID() {
		t.Error("a machine's token is not bound")
	}
	got, _ = w.post("/oauth/token", form, proving(h.proof(nil)))
	got.expect(t, "invalid_client") // now it is
}

// TestCodeIsBound: a code that was asked for with dpop_jkt is worth nothing without that key (RFC 9449 §10).
func TestCodeIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	code := w.code("dpop_jkt", h.key.ID())
	w.redeem(code).expect(t, "invalid_dpop_proof")
	w.holder().redeem(code).expect(t, "invalid_grant")
	h.redeem(code, "code_verifier", strings.Repeat("x", 43)).expect(t, "invalid_grant") // a key does not stand in for PKCE
	got := h.redeem(code)                                                               // none of that has spent it
	got.expect(t, "")
	if w.boundTo(got) != h.key.ID() {
		t.Error("bound to another key")
	}
	for _, wrong := range []string{"x", h.key.ID() + "A", h.key.ID()[:42], strings.Repeat("!", 43)} {
		b := w.browser()
		if back := b.callback(b.get(w.request("dpop_jkt", wrong))); back.Get("error") != "invalid_request" || !strings.Contains(back.Get("error_description"), "dpop_jkt") {
			t.Errorf("%s: %v", wrong, back)
		}
	}
}

// TestBoundTokensOnly: a client that is registered so gets no token without a proof (RFC 9449 §5.2).
func TestBoundTokensOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, err := w.directory.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	before := w.redeem(w.code())
	client.BoundTokens = true
	if err := w.directory.PutClient(t.Context(), client, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	h, code := w.holder(), w.code()
	w.redeem(code).expect(t, "invalid_dpop_proof")
	w.refresh(before.Refresh).expect(t, "invalid_dpop_proof")
	h.redeem(code).expect(t, "")
	h.refresh(before.Refresh).expect(t, "")

	w.signingClient("signs", func(c *directory.Client) { c.BoundTokens = true })
	w.byAssertion(w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, map[string]any{"kid": "a"})).expect(t, "invalid_dpop_proof")
}

// TestIntrospectionOfBoundTokens: who is shown a token learns which key its sender must prove to have (RFC 9449 §6.2). Neither asking nor
// giving back takes a proof.
func TestIntrospectionOfBoundTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
	h := w.holder()
	got := h.redeem(w.code())
	told := w.introspect(got.Access, basic(id, secret))
	if cnf, _ := told["cnf"].(map[string]any); told["active"] != true || told["token_type"] != "DPoP" || len(cnf) != 1 || cnf["jkt"] != h.key.ID() {
		t.Errorf("%v", told)
	}
	if told := w.introspect(w.redeem(w.code()).Access, basic(id, secret)); told["token_type"] != "Bearer" || told["cnf"] != nil {
		t.Errorf("%v", told)
	}
	if got, _ := w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {got.Refresh}}); got.Status != http.StatusOK {
		t.Errorf("%+v", got)
	}
	h.refresh(got.Refresh).expect(t, "invalid_grant")
}

// TestProofsFromPages: a page of any origin may send a proof, and read the nonce.
func TestProofsFromPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.browser().do(http.MethodOptions, "/oauth/token", nil)
	if !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "DPoP") {
		t.Errorf("%v", a.header)
	}
	_, a = w.post("/oauth/token", w.codeForm("x"), proving("x"))
	if !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") || a.header.Get("DPoP-Nonce") == "" {
		t.Errorf("%v", a.header)
	}
}

// TestStrangersProofsAreForgotten: who has nothing to prove anything for does not make us remember it.
func TestStrangersProofsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	h.redeem("x").expect(t, "invalid_grant")
	raw := h.proof(nil)
	for range 2 {
		if got, _ := w.post("/oauth/token", w.codeForm("x"), proving(raw)); got.Error != "invalid_grant" {
			t.Errorf("%+v", got)
		}
	}
	if strings.Contains(w.dump(), "\ndpop/") {
		t.Error("it was written down")
	}
}

// TestProofMeanwhile: a grant that has to be read anew needs no second proof.
func TestProofMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	current := h.redeem(w.code())
	other := h.proof(nil) // beforeNextWrite: of the proof
	var first tokens
	w.beforeNextWrite(func() {
		w.beforeNextWrite(func() { // and this of the token
			first, _ = w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {current.Refresh}}, proving(other))
		})
	})
	second := h.refresh(current.Refresh)
	if second.expect(t, ""); first.Refresh == "" || second.Refresh != first.Refresh {
		t.Errorf("%+v and %+v", first, second)
	}
}

// TestStoreHoldsNoProof: what the store has of a proof is a hash.
func TestStoreHoldsNoProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	h.redeem("x").expect(t, "invalid_grant")
	raw := h.proof(map[string]any{"jti": "a-jti-to-be-found"})
	if got, _ := w.post("/oauth/token", w.codeForm(w.code()), proving(raw)); got.Error != "" {
		t.Fatalf("%+v", got)
	}
	if all := w.dump(); strings.Contains(all, raw) || strings.Contains(all, "a-jti-to-be-found") || !strings.Contains(all, "\ndpop/") {
		t.Error("the store knows it, or nothing")
	}
}

// TestPushedKey: a pushed request with a proof is bound to its key as if it had named it, and the two must be one (RFC 9449 §10.1).
func TestPushedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, other := w.holder(), w.holder()
	proof := func() string { return h.proof(map[string]any{"htu": w.url + "/oauth/par"}) }
	form := w.pushForm()
	got, a := w.pushAs(form, proving(proof()))
	if h.nonce = a.header.Get("DPoP-Nonce"); got.Error != "use_dpop_nonce" || got.Status != http.StatusBadRequest || h.nonce == "" {
		t.Fatalf("%+v %v", got, a.header)
	}
	used := proof()
	for what, c := range map[string]struct {
		form url.Values
		by   string
		want string
	}{
		"another key named":        {w.pushForm("dpop_jkt", other.key.ID()), proof(), "invalid_dpop_proof"},
		"for the token endpoint":   {form, h.proof(nil), "invalid_dpop_proof"},
		"no proof":                 {form, "x", "invalid_dpop_proof"},
		"the same key named":       {w.pushForm("dpop_jkt", h.key.ID()), proof(), ""},
		"no proof, but a key":      {w.pushForm("dpop_jkt", h.key.ID()), "", ""},
		"no proof, but half a key": {w.pushForm("dpop_jkt", "x"), "", "invalid_request"},
		"a proof":                  {form, used, ""},
	} {
		edit := func(*http.Request) {}
		if c.by != "" {
			edit = proving(c.by)
		}
		got, _ := w.pushAs(c.form, edit)
		if got.Error != c.want {
			t.Errorf("%s: %+v", what, got)
		}
		if c.want != "" {
			continue
		}
		b := w.browser()
		page := b.login("bob", w.brings(clientID, got.RequestURI))
		if page.status == http.StatusOK {
			page = b.approve(page)
		}
		code := b.callback(page).Get("code")
		w.redeem(code).expect(t, "invalid_dpop_proof")
		other.redeem(code).expect(t, "invalid_grant")
		h.redeem(code).expect(t, "")
	}
	if got, _ := w.pushAs(form, proving(used)); got.Error != "invalid_dpop_proof" {
		t.Errorf("a used proof: %+v", got)
	}
}

// TestUserinfoWithProof: the userinfo endpoint is a protected resource as any other (RFC 9449 §7).
func TestUserinfoWithProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, thief := w.holder(), w.holder()
	got := h.redeem(w.code("scope", "openid pet-profile:read"))
	thief.nonce = h.nonce
	plain := w.redeem(w.code("scope", "openid pet-profile:read"))
	ask := func(scheme, access, proof string) answer {
		return w.userinfo(access, func(r *http.Request) {
			r.Header.Set("Authorization", scheme+" "+access)
			if proof != "" {
				r.Header.Set("DPoP", proof)
			}
		})
	}
	proof := func(h *holder, changes map[string]any) string {
		claims := map[string]any{"htm": "GET", "htu": w.url + "/oauth/userinfo", "ath": possession.TokenHash(got.Access)}
		maps.Copy(claims, changes)
		return h.proof(claims)
	}
	used := proof(h, nil)
	if a := ask("DPoP", got.Access, used); a.status != http.StatusOK || a.header.Get("DPoP-Nonce") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for what, c := range map[string]struct{ scheme, access, proof, code string }{
		"a used proof":           {"DPoP", got.Access, used, "invalid_dpop_proof"},
		"no proof":               {"DPoP", got.Access, "", "invalid_dpop_proof"},
		"no nonce":               {"DPoP", got.Access, proof(h, map[string]any{"nonce": nil}), "use_dpop_nonce"},
		"for the token endpoint": {"DPoP", got.Access, proof(h, map[string]any{"htu": w.url + "/oauth/token"}), "invalid_dpop_proof"},
		"for another method":     {"DPoP", got.Access, proof(h, map[string]any{"htm": "POST"}), "invalid_dpop_proof"},
		"another key":            {"DPoP", got.Access, proof(thief, nil), "invalid_token"},
		"as a bearer token":      {"Bearer", got.Access, proof(h, nil), "invalid_token"},
		"a bearer token":         {"DPoP", plain.Access, proof(h, map[string]any{"ath": possession.TokenHash(plain.Access)}), "invalid_token"},
	} {
		a := ask(c.scheme, c.access, c.proof)
		if challenge := a.header.Get("WWW-Authenticate"); a.status != http.StatusUnauthorized || !strings.HasPrefix(challenge, c.scheme+" ") || !strings.Contains(challenge, `error="`+c.code+`"`) {
			t.Errorf("%s: %d %s", what, a.status, challenge)
		}
	}
	if a := ask("Bearer", plain.Access, ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}
