package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/possession"
)

// holder is a client whose tokens are bound to its key (RFC 9449). It knows the nonces that the two servers gave it last.
type holder struct {
	*world
	key    clientkey.Key
	nonces map[string]string // by path
}

func (w *world) holder() *holder {
	w.t.Helper()
	key, err := clientkey.New()
	if err != nil {
		w.t.Fatal(err)
	}
	return &holder{w, key, map[string]string{}}
}

// proof is one for a POST to a path, with an access token or none.
func (h *holder) proof(path, access string) string {
	h.t.Helper()
	raw, err := possession.Prove(h.key, possession.Request{Method: "POST", URL: h.URL + path, AccessToken: access, Nonce: h.nonces[path]}, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// ask sends a token request with a proof, once more where it is told to take another nonce.
func (h *holder) ask(form url.Values) tokens {
	h.t.Helper()
	for range 2 {
		a := h.world.send("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "DPoP", h.proof("/oauth/token", ""))
		h.nonces["/oauth/token"] = a.header.Get("DPoP-Nonce")
		if got := tokensIn(a); got.Error != "use_dpop_nonce" {
			got.status, got.header = a.status, a.header
			return got
		}
	}
	h.t.Fatal("the nonce of the authorization server is refused there")
	return tokens{}
}

func (h *holder) redeem(code string) tokens {
	h.t.Helper()
	return h.ask(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_id": {"vet-assist-ai"}, "redirect_uri": {h.URL + "/callback"}, "resource": {h.URL + "/mcp"}})
}

func (h *holder) refresh(token string) tokens {
	h.t.Helper()
	return h.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"vet-assist-ai"}})
}

// send calls a tool about Fido with a token and a proof, once.
func (h *holder) send(access, proof, tool string) answer {
	h.t.Helper()
	arguments := `{"pet":"Fido"}`
	if tool == "list_pets" {
		arguments = `{}`
	}
	a := h.world.send("POST", "/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-06-18",
		"Authorization", "DPoP "+access, "DPoP", proof)
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		h.nonces["/mcp"] = nonce
	}
	return a
}

func (h *holder) call(access, tool string) answer {
	h.t.Helper()
	a := h.send(access, h.proof("/mcp", access), tool)
	if strings.Contains(a.header.Get("WWW-Authenticate"), "use_dpop_nonce") {
		a = h.send(access, h.proof("/mcp", access), tool)
	}
	return a
}

// TestProofOfPossession goes through both servers as a client that has a key, and as a thief who has everything but the key.
func TestProofOfPossession(t *testing.T) {
	w := newWorld(t)
	h, thief := w.holder(), w.holder()
	bob := w.person()
	code := func() string { return bob.answerOf(w.request(url.Values{"dpop_jkt": {h.key.ID()}}), "bob").Get("code") }
	stolen := code()
	if got := thief.redeem(stolen); got.Error != "invalid_grant" {
		t.Errorf("a code for another key: %+v", got)
	}
	got := h.redeem(stolen)
	if got.Type != "DPoP" || got.Refresh == "" {
		t.Fatalf("%+v", got)
	}
	if a := h.call(got.Access, "list_pets"); !worked(nil, a) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused := func(what string, a answer, scheme, code string) {
		t.Helper()
		if challenge := a.header.Get("WWW-Authenticate"); a.status != http.StatusUnauthorized || !strings.HasPrefix(challenge, scheme+" ") || !strings.Contains(challenge, `error="`+code+`"`) {
			t.Errorf("%s: %d %s", what, a.status, challenge)
		}
	}
	refused("as a bearer token", w.callTool(got.Access, "list_pets", "{}"), "Bearer", "invalid_token")
	refused("as a bearer token of the admin API", w.send("GET", "/admin/api/v1/users", "", "Authorization", "Bearer "+got.Access), "Bearer", "invalid_token")
	refused("with another key", thief.call(got.Access, "list_pets"), "DPoP", "invalid_token")

	// What was sent to one server is worth nothing there again, nor at the other; and each has nonces of its own.
	seen := h.proof("/mcp", got.Access)
	if a := h.send(got.Access, seen, "list_pets"); !worked(nil, a) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused("a proof that was seen", h.send(got.Access, seen, "list_pets"), "DPoP", "invalid_dpop_proof")
	refused("a proof for the token endpoint", h.send(got.Access, h.proof("/oauth/token", got.Access), "list_pets"), "DPoP", "invalid_dpop_proof")
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"vet-assist-ai"}}.Encode()
	atToken := func(proof string) tokens {
		return tokensIn(w.send("POST", "/oauth/token", form, "Content-Type", "application/x-www-form-urlencoded", "DPoP", proof))
	}
	if got := atToken(h.proof("/mcp", "")); got.Error != "invalid_dpop_proof" {
		t.Errorf("a proof for the MCP server at the token endpoint: %+v", got)
	}
	h.nonces["/oauth/token"], h.nonces["/mcp"] = h.nonces["/mcp"], h.nonces["/oauth/token"]
	if got := atToken(h.proof("/oauth/token", "")); got.Error != "use_dpop_nonce" {
		t.Errorf("the nonce of the MCP server at the token endpoint: %+v", got)
	}
	refused("the nonce of the token endpoint at the MCP server", h.send(got.Access, h.proof("/mcp", got.Access), "list_pets"), "DPoP", "use_dpop_nonce")

	if got := w.refresh(got.Refresh); got.Error != "invalid_dpop_proof" {
		t.Errorf("refreshed without a proof: %+v", got)
	}
	if got := thief.refresh(got.Refresh); got.Error != "invalid_grant" {
		t.Errorf("refreshed with another key: %+v", got)
	}
	next := h.refresh(got.Refresh)
	if next.Type != "DPoP" || next.Refresh == "" {
		t.Fatalf("%+v", next)
	}
	if a := h.call(next.Access, "list_pets"); !worked(nil, a) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
