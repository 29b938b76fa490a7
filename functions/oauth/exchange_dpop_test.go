package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

// TestExchangeOfBoundTokens: an agent cannot have the key that a user's token is bound to, but what it gets of it is bound as well, to a key
// of its own (RFC 9449 §5). Of a bearer token it may have either kind.
func TestExchangeOfBoundTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.AgentTemplate, nil, "pet-profile:read")
	w.edit(clientID, func(c *directory.Client) { c.MayAct = id })
	chat, agent, bearer := w.holder(), w.holder(), w.redeem(w.code())
	bound := chat.redeem(w.code())
	form := func(subject string) url.Values {
		return url.Values{"grant_type": {grantExchange}, "client_id": {id}, "client_secret": {secret}, "subject_token": {subject}, "subject_token_type": {accessToken}}
	}
	for _, c := range []struct {
		what  string
		got   tokens
		bound string
	}{
		{"a bound token, by an agent that proves a key", agent.ask(form(bound.Access)), agent.key.ID()},
		{"a bearer token, by an agent that proves a key", agent.ask(form(bearer.Access)), agent.key.ID()},
		{"a bearer token, by one that proves none", w.tokenRequest(form(bearer.Access), nil), ""},
	} {
		c.got.expect(t, "")
		if got := w.boundTo(c.got); got != c.bound {
			t.Errorf("%s: bound to %q, want %q", c.what, got, c.bound)
		}
	}
	w.tokenRequest(form(bound.Access), nil).expect(t, "invalid_request")
	if stolen, _ := w.post("/oauth/token", form(bound.Access), func(r *http.Request) { proving(chat.proof(map[string]any{"htu": w.url + "/mcp"}))(r) }); stolen.Error != "invalid_dpop_proof" {
		t.Errorf("with the application's proof for the MCP server: %+v", stolen)
	}
}
