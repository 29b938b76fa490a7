package mcp_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// holder is a client whose tokens are bound to its key, and that knows the nonce of the answer before.
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

// bind mints a token that is bound to the holder's key.
func (h *holder) bind(g token.Grant) string {
	h.t.Helper()
	g.Key = h.key.ID()
	return h.mint(g)
}

// proof is one for a token at /mcp, with other claims; nil takes one out.
func (h *holder) proof(raw string, changes map[string]any) string {
	h.t.Helper()
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": "POST", "htu": base + "/mcp", "iat": h.clock.Now().Unix(), "nonce": h.nonce, "ath": possession.TokenHash(raw)}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	proof, err := h.key.SignProof("dpop+jwt", claims)
	if err != nil {
		h.t.Fatal(err)
	}
	return proof
}

// post sends a token with a proof, once.
func (h *holder) post(raw, proof, body string) answer {
	h.t.Helper()
	a := h.send("POST", "/mcp", body, "Authorization: DPoP "+raw, "DPoP: "+proof)
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		h.nonce = nonce
	}
	return a
}

// call goes the way of a client: it comes again when it is told to take another nonce.
func (h *holder) call(raw, body string) answer {
	h.t.Helper()
	a := h.post(raw, h.proof(raw, nil), body)
	if strings.Contains(a.header.Get("WWW-Authenticate"), "use_dpop_nonce") {
		a = h.post(raw, h.proof(raw, nil), body)
	}
	return a
}

// refusedProof checks that the one challenge is for DPoP, and that the body repeats it.
func refusedProof(t *testing.T, what string, a answer, code string) {
	t.Helper()
	challenges, err := oauthex.ParseWWWAuthenticate(a.header.Values("WWW-Authenticate"))
	if err != nil || len(challenges) != 1 {
		t.Fatalf("%s: %d %v %v", what, a.status, a.header, err)
	}
	c, data := challenges[0], a.json(t)["error"].(map[string]any)["data"].(map[string]any)
	if a.status != 401 || c.Scheme != "dpop" || c.Params["error"] != code || data["error"] != code || c.Params["algs"] != strings.Join(dpop.Algs, " ") ||
		c.Params["resource_metadata"] != base+"/.well-known/oauth-protected-resource/mcp" || c.Params["error_description"] == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: want %s: %d %+v %s", what, code, a.status, c, a.body)
	}
}

// TestBoundTokens goes the way of a client that knows no nonce yet (RFC 9449 §9).
func TestBoundTokens(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	raw := h.bind(bob(ownerScope...))
	a := h.post(raw, h.proof(raw, map[string]any{"nonce": nil}), call("list_pets", `{}`))
	refusedProof(t, "without a nonce", a, "use_dpop_nonce")
	if len(a.header.Values("DPoP-Nonce")) != 1 {
		t.Errorf("%v", a.header)
	}
	for range 3 { // one nonce, many proofs
		if a = h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)); a.status != 200 || a.header.Get("DPoP-Nonce") == "" || !strings.Contains(string(a.body), "Fido") {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
	}
	if a := w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: dpop  "+raw, "DPoP: "+h.proof(raw, nil)); a.status != 200 {
		t.Errorf("the scheme's name has no case: %d %s", a.status, a.body)
	}
	// The URL is the public one, whatever name a proxy uses.
	if a := w.send("POST", "/mcp?x=y", call("list_pets", `{}`), "Host: localhost:9", "Authorization: DPoP "+raw, "DPoP: "+h.proof(raw, nil)); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// A client may send a proof with whatever it sends; a bearer token is one still.
	plain := w.mint(bob(ownerScope...))
	if a := w.post(plain, call("list_pets", `{}`), "DPoP: x"); a.status != 200 || a.header.Get("DPoP-Nonce") != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestProofRefusals: what a thief of a token or of a proof can try, and what clients get wrong (RFC 9449 §4.3, §7, §11).
func TestProofRefusals(t *testing.T) {
	w := newWorld(t)
	h, thief := w.holder(), w.holder()
	raw := h.bind(bob(ownerScope...))
	other := h.bind(alice(ownerScope...))
	if a := h.call(raw, call("list_pets", `{}`)); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	thief.nonce = h.nonce
	used := h.proof(raw, nil)
	if a := h.post(raw, used, call("list_pets", `{}`)); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	as, err := dpop.NewChecker(w.store, "dpop/", "oauth-secret/dpop", w.clock.Now, rand.Reader).Nonce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := h.key.Assertion("vet-assist-ai", base, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	unbound := w.mint(bob(ownerScope...))
	for _, c := range []struct{ what, raw, proof, code string }{
		{"a stolen token, with a key of the thief's", raw, thief.proof(raw, nil), "invalid_token"},
		{"a stolen token and a proof that was seen", raw, used, "invalid_dpop_proof"},
		{"a proof for another token of the same key", raw, h.proof(other, nil), "invalid_dpop_proof"},
		{"a proof for no token", raw, h.proof(raw, map[string]any{"ath": nil}), "invalid_dpop_proof"},
		{"for GET", raw, h.proof(raw, map[string]any{"htm": "GET"}), "invalid_dpop_proof"},
		{"for the token endpoint", raw, h.proof(raw, map[string]any{"htu": base + "/oauth/token"}), "invalid_dpop_proof"},
		{"for the server's other name", raw, h.proof(raw, map[string]any{"htu": mcp.Identifier}), "invalid_dpop_proof"},
		{"for the name inside", raw, h.proof(raw, map[string]any{"htu": w.url + "/mcp"}), "invalid_dpop_proof"},
		{"for another server", raw, h.proof(raw, map[string]any{"htu": "https://evil.example/mcp"}), "invalid_dpop_proof"},
		{"of yesterday", raw, h.proof(raw, map[string]any{"iat": w.clock.Now().Add(-24 * time.Hour).Unix()}), "invalid_dpop_proof"},
		{"of tomorrow", raw, h.proof(raw, map[string]any{"iat": w.clock.Now().Add(24 * time.Hour).Unix()}), "invalid_dpop_proof"},
		{"the nonce of the authorization server", raw, h.proof(raw, map[string]any{"nonce": as}), "use_dpop_nonce"},
		{"a client assertion", raw, assertion, "invalid_dpop_proof"},
		{"the token as proof", raw, raw, "invalid_dpop_proof"},
		{"an empty proof", raw, "", "invalid_dpop_proof"},
		{"no JWT", raw, "x", "invalid_dpop_proof"},
		{"over 8 KiB", raw, h.proof(raw, map[string]any{"x": strings.Repeat("x", 8<<10)}), "invalid_dpop_proof"},
		{"a bearer token under DPoP", unbound, h.proof(unbound, nil), "invalid_token"},
		{"no token", "", h.proof("", nil), "invalid_token"},
		{"a proof as token", h.proof(raw, nil), h.proof(raw, nil), "invalid_token"},
	} {
		refusedProof(t, c.what, thief.post(c.raw, c.proof, call("list_pets", `{}`)), c.code)
	}
	refusedProof(t, "no proof", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: DPoP "+raw), "invalid_dpop_proof")
	refusedProof(t, "two proofs", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: DPoP "+raw, "DPoP: "+h.proof(raw, nil), "DPoP: "+h.proof(raw, nil)), "invalid_dpop_proof")
	// As a bearer token it is nobody's, with a proof or without (RFC 9449 §7.2).
	refusedAs(t, "as a bearer token", w.post(raw, call("list_pets", `{}`)), 401, "invalid_token", rbac.PetProfileRead)
	refusedAs(t, "as a bearer token, with a proof", w.post(raw, call("list_pets", `{}`), "DPoP: "+h.proof(raw, nil)), 401, "invalid_token", rbac.PetProfileRead)
	refusedAs(t, "in both ways", w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: Bearer "+raw, "Authorization: DPoP "+raw, "DPoP: "+h.proof(raw, nil)), 400, "invalid_request", rbac.PetProfileRead)
	if a := h.call(raw, call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("the owner is locked out: %d %s", a.status, a.body)
	}
}

// TestOneProofRace: of requests with one proof, one is answered.
func TestOneProofRace(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	raw := h.bind(bob(ownerScope...))
	h.call(raw, call("list_pets", `{}`))
	proof := h.proof(raw, nil)
	var all sync.WaitGroup
	results := make([]answer, 8)
	for i := range results {
		all.Go(func() {
			results[i] = w.send("POST", "/mcp", call("list_pets", `{}`), "Authorization: DPoP "+raw, "DPoP: "+proof)
		})
	}
	all.Wait()
	won := 0
	for _, a := range results {
		if a.status == 200 {
			won++
		} else {
			refusedProof(t, "too late", a, "invalid_dpop_proof")
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(results))
	}
}

// TestNonceTurns: a client that takes the nonce of each answer for its next request is never sent back, until it pauses too long.
func TestNonceTurns(t *testing.T) {
	w := newWorld(t)
	h := w.holder()
	raw := h.bind(bob(ownerScope...))
	h.call(raw, call("list_pets", `{}`))
	seen := map[string]bool{}
	for range 5 {
		w.clock.Advance(119 * time.Second)
		raw = h.bind(bob(ownerScope...))
		if a := h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		seen[h.nonce] = true
	}
	if len(seen) < 4 {
		t.Errorf("%d nonces in ten minutes", len(seen))
	}
	w.clock.Advance(5 * time.Minute)
	refusedProof(t, "after a pause", h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)), "use_dpop_nonce")
	if a := h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestThiefDoesNotUseUpTheRate: what is refused for want of a proof does not count as the owner's.
func TestThiefDoesNotUseUpTheRate(t *testing.T) {
	w := newWorld(t, func(c *mcp.Config) { c.Rate = 1 })
	h, thief := w.holder(), w.holder()
	raw := h.bind(bob(ownerScope...))
	h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)) // for the nonce
	thief.nonce = h.nonce
	for range 10 {
		refusedProof(t, "the thief", thief.post(raw, thief.proof(raw, nil), call("list_pets", `{}`)), "invalid_token")
	}
	for range 4 {
		if a := h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	// Nor does who calls too often have more proofs remembered.
	proof := h.proof(raw, nil)
	if a := h.post(raw, proof, call("list_pets", `{}`)); a.status != 429 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.clock.Advance(time.Second)
	if a := h.post(raw, proof, call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestProofsUnavailable: a store that is not there is no fault of the proof, and lets nobody in.
func TestProofsUnavailable(t *testing.T) {
	w := newWorld(t, func(c *mcp.Config) {
		c.Proofs = dpop.NewChecker(noStore{}, "mcp-dpop/", "mcp-secret/dpop", c.Now, rand.Reader)
	})
	h := w.holder()
	raw := h.bind(bob(ownerScope...))
	if a := h.post(raw, h.proof(raw, nil), call("list_pets", `{}`)); a.status != 503 || a.header.Get("WWW-Authenticate") != "" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a := w.post(w.mint(bob(ownerScope...)), call("list_pets", `{}`)); a.status != 200 {
		t.Errorf("a bearer token needs none of that: %d %s", a.status, a.body)
	}
}

// noStore is one that is busy for ever.
type noStore struct{ store.Store }

func (noStore) Get(context.Context, string, string) (store.Item, error) {
	return store.Item{}, store.ErrBusy
}

// TestMetadataOfProofs: clients learn beforehand that they may bind their tokens, and need not (RFC 9728 §2).
func TestMetadataOfProofs(t *testing.T) {
	w := newWorld(t)
	m := w.send("GET", "/.well-known/oauth-protected-resource/mcp", "").json(t)
	if fmt.Sprint(m["dpop_signing_alg_values_supported"]) != fmt.Sprint(dpop.Algs) || m["dpop_bound_access_tokens_required"] != false {
		t.Errorf("%v", m)
	}
	a := w.send("OPTIONS", "/mcp", "", "Origin: http://localhost:6274")
	if !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "DPoP") {
		t.Errorf("%v", a.header)
	}
	if a = w.send("POST", "/mcp", "", "Origin: http://localhost:6274"); !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
		t.Errorf("%v", a.header)
	}
}

// TestBothChallenges: who comes without a token hears of both schemes. Of clients that look at one only, most look at the first (http.Header.Get,
// the TypeScript SDK), and all find Bearer there; and when the two are joined into one line, as gateways and browsers do, the official parser
// still tells them apart.
func TestBothChallenges(t *testing.T) {
	w := newWorld(t)
	for what, a := range map[string]answer{
		"no token":    w.send("POST", "/mcp", call("list_pets", `{}`)),
		"a bad token": w.post("x", call("list_pets", `{}`)),
	} {
		lines := a.header.Values("WWW-Authenticate")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "Bearer ") || !strings.HasPrefix(lines[1], "DPoP ") || strings.Contains(lines[1], "error") {
			t.Fatalf("%s: %q", what, lines)
		}
		for _, joined := range []string{strings.Join(lines, ", "), strings.Join(lines, ",")} {
			challenges, err := oauthex.ParseWWWAuthenticate([]string{joined})
			if err != nil || len(challenges) != 2 || challenges[0].Scheme != "bearer" || challenges[1].Scheme != "dpop" ||
				challenges[0].Params["scope"] != rbac.PetProfileRead || challenges[1].Params["algs"] != strings.Join(dpop.Algs, " ") {
				t.Errorf("%s: %+v, %v", what, challenges, err)
			}
		}
	}
}

// What a request with a bound token costs beside one with a bearer token: a signature to check, and one write to the store.
func BenchmarkBoundToken(b *testing.B) {
	w := newWorld(b)
	h := w.holder()
	bound, plain := h.bind(bob(ownerScope...)), w.mint(bob(ownerScope...))
	h.call(bound, call("list_pets", `{}`))
	b.Run("bearer", func(b *testing.B) {
		for b.Loop() {
			if a := w.post(plain, call("list_pets", `{}`)); a.status != http.StatusOK {
				b.Fatalf("%d", a.status)
			}
		}
	})
	b.Run("bound", func(b *testing.B) {
		for b.Loop() {
			if a := h.post(bound, h.proof(bound, nil), call("list_pets", `{}`)); a.status != http.StatusOK {
				b.Fatalf("%d", a.status)
			}
		}
	})
	b.Run("proof alone", func(b *testing.B) { // which the client makes, so it is none of the server's cost
		for b.Loop() {
			h.proof(bound, nil)
		}
	})
}
