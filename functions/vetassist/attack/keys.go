package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/shared/possession"
)

func dpopStolenToken(t *try) {
	h, thief := t.holder(), t.holder()
	got := h.bound()
	a := h.call(got.Access)
	t.control(worked(a), "the holder of the key cannot use the token: %s", said(a))
	t.noToken("as a bearer token", got.Access)
	t.noCall("under its scheme, without a proof", t.list("", "Authorization", "DPoP "+got.Access), http.StatusUnauthorized, "invalid_dpop_proof")
	t.noCall("with a proof of another key", thief.call(got.Access), http.StatusUnauthorized, "invalid_token")
	t.noTokens("the refresh token, without a proof", t.tryRefresh(t.client(), got.Refresh, nil), "invalid_dpop_proof", "invalid_grant")
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {honest}}
	t.noTokens("the refresh token, with a proof of another key", thief.tokenRequest(form), "invalid_grant")
	next := h.tokenRequest(form)
	t.control(next.Access != "", "the holder of the key cannot refresh: %s", saidTokens(next))
}

func dpopReplay(t *try) {
	h := t.holder()
	got := h.bound()
	t.control(worked(h.call(got.Access)), "the holder of the key cannot use the token") // and now it has a nonce
	seen := h.proof(http.MethodPost, "/mcp", got.Access, h.now())
	a := h.with(got.Access, seen)
	t.control(worked(a), "the proof does not work the first time: %s", said(a))
	t.noCall("the same request again", h.with(got.Access, seen), http.StatusUnauthorized, "invalid_dpop_proof")
}

func dpopOtherRequest(t *try) {
	h := t.holder()
	got := h.bound()
	a := h.call(got.Access)
	t.control(worked(a), "the holder of the key cannot use the token: %s", said(a))
	now := h.now()
	other := t.access("bob")
	elsewhere, err := possession.Prove(h.key, possession.Request{Method: http.MethodPost, URL: evil + "/mcp", AccessToken: got.Access, Nonce: h.nonces["/mcp"]}, now)
	t.must(err)
	stale, err := possession.Prove(h.key, possession.Request{Method: http.MethodPost, URL: t.base + "/mcp", AccessToken: got.Access, Nonce: "made-up"}, now)
	t.must(err)
	for _, c := range []struct{ what, proof, code string }{
		{"for another method", h.proof(http.MethodGet, "/mcp", got.Access, now), "invalid_dpop_proof"},
		{"for another endpoint", h.proof(http.MethodPost, "/oauth/token", got.Access, now), "invalid_dpop_proof"},
		{"for another server", elsewhere, "invalid_dpop_proof"},
		{"for another token", h.proof(http.MethodPost, "/mcp", other, now), "invalid_dpop_proof"},
		{"for no token", h.proof(http.MethodPost, "/mcp", "", now), "invalid_dpop_proof"},
		{"made an hour ago", h.proof(http.MethodPost, "/mcp", got.Access, now.Add(-time.Hour)), "invalid_dpop_proof"},
		{"made in advance", h.proof(http.MethodPost, "/mcp", got.Access, now.Add(time.Hour)), "invalid_dpop_proof"},
		{"with a nonce that is made up", stale, "use_dpop_nonce"},
	} {
		t.noCall(c.what, h.with(got.Access, c.proof), http.StatusUnauthorized, c.code)
	}
	t.control(worked(h.call(got.Access)), "after that the holder of the key is refused, too")
}

func assertionAudience(t *try) {
	id, key := t.keyed()
	sign := func(audience string) string {
		raw, err := key.Assertion(id, audience, t.now())
		t.must(err)
		return raw
	}
	got := t.machine(sign(t.base))
	t.control(got.Access != "", "the program gets no token with a good assertion: %s", saidTokens(got))
	for _, audience := range []string{"https://login.other.example", t.base + "/mcp", t.base + ".evil.example", id, ""} {
		t.noTokens(fmt.Sprintf("made for %q", audience), t.machine(sign(audience)), "invalid_client")
	}
	raw, err := t.newKey().Assertion(id, t.base, t.now())
	t.must(err)
	t.noTokens("made for this server, with another key", t.machine(raw), "invalid_client")
}

func assertionReplay(t *try) {
	id, key := t.keyed()
	raw, err := key.Assertion(id, t.base, t.now())
	t.must(err)
	got := t.machine(raw)
	t.control(got.Access != "", "the program gets no token: %s", saidTokens(got))
	t.noTokens("the same request again", t.machine(raw), "invalid_client")
}

func exchangeScope(t *try) {
	d := t.delegated()
	got := t.exchange(d.agent, d.token, nil)
	t.control(got.Scope == "appointment:read", "the agent gets nothing for what it was handed: %s", saidTokens(got))
	for _, scope := range []string{"appointment:write", "appointment:read pet-profile:read", "pet-profile:write"} {
		t.noTokens("for "+scope, t.exchange(d.agent, d.token, url.Values{"scope": {scope}}), "invalid_scope")
	}
	t.noTokens("for the admin API", t.exchange(d.agent, d.token, url.Values{"resource": {t.base + "/admin/api"}}), "invalid_target")
	t.noTokens("of what it was given, once more for all", t.exchange(d.agent, got.Access, url.Values{"scope": {"appointment:write"}}), "invalid_scope", "invalid_request")
}

func exchangeStranger(t *try) {
	d := t.delegated()
	stranger := t.application("Agent", []string{"appointment:read"}, nil)
	t.noTokens("as a client that only says its name", t.exchange(madeApplication{id: honest}, d.token, nil), "unauthorized_client")
	t.noTokens("as the agent, without its secret", t.exchange(madeApplication{id: d.agent.id}, d.token, nil), "invalid_client")
	t.noTokens("as the agent, with a secret that is made up", t.exchange(madeApplication{d.agent.id, "made-up"}, d.token, nil), "invalid_client")
	t.noTokens("as an agent that nobody named", t.exchange(stranger, d.token, nil), "invalid_request")
	got := t.exchange(d.agent, d.token, nil)
	t.control(got.Access != "", "the agent that is named gets nothing: %s", saidTokens(got))
}
