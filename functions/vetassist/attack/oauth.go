package attack

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// The clients that everybody knows here.
const (
	honest  = "vet-assist-ai"
	console = "vetassist-console"
	feeder  = "smart-feeder"
)

// What the lab asks Bob for, so that he has agreed to it before: each of it is in his role.
const ownerScopes = "pet-profile:read appointment:read appointment:write reminder:read reminder:write"

// evil is where attackers live. It is a name that never leads anywhere (RFC 6761 §6.5).
const evil = "https://evil.example"

// client is Vet Assist AI, step by step.
func (t *try) client() *visitor.Client {
	c := visitor.NewClient(t.base, t.wire)
	c.Agent, c.Revision = "vetassist-attack/1.0 (client)", "2025-06-18"
	return c
}

// named is the same in the name of another client.
func (t *try) named(id string) *visitor.Client {
	c := t.client()
	c.ID = id
	return c
}

// code is an authorization code of somebody who agrees to what is asked for.
func (t *try) code(user string, changes url.Values) (string, visitor.Authorization) {
	return t.codeFor(t.client(), user, changes)
}

func (t *try) codeFor(c *visitor.Client, user string, changes url.Values) (string, visitor.Authorization) {
	a := c.Request(changes)
	got, err := c.Authorize(t.ctx, t.as(user), a, "", "")
	t.must(err)
	t.control(got.Get("code") != "" && got.Get("state") == a.State, "%s gets no code for %s: %s %s", c.ID, user, got.Get("error"), got.Get("error_description"))
	return got.Get("code"), a
}

// redeem is what an honest client gets for its code.
func (t *try) redeem(c *visitor.Client, code string, a visitor.Authorization, changes url.Values) visitor.Tokens {
	got, err := c.Redeem(t.ctx, code, a.Verifier, changes)
	t.must(err)
	t.control(got.Access != "", "the honest client gets no token for its code: %s", saidTokens(got))
	t.keep(c, got)
	return got
}

// keep has tokens revoked at the end.
func (t *try) keep(c *visitor.Client, got visitor.Tokens) {
	if got.Refresh == "" {
		return
	}
	t.later(func(ctx context.Context) error {
		_, err := c.Revoke(ctx, got.Refresh, nil)
		return err
	})
}

// grant is new tokens of somebody, for scopes.
func (t *try) grant(user, scopes string) visitor.Tokens {
	code, a := t.code(user, url.Values{"scope": {scopes}})
	return t.redeem(t.client(), code, a, nil)
}

// access is an access token that nothing is done to: for all that an owner may, or of staff, for pets.
func (t *try) access(user string) string {
	if raw := t.tokens[user]; raw != "" {
		return raw
	}
	scopes := ownerScopes
	if user == "carol" {
		scopes = "pet-profile:read pet-profile:write"
	}
	raw := t.grant(user, scopes).Access
	if issued, ok := visitor.Claims(raw)["iat"].(float64); ok {
		t.ahead = time.Until(time.Unix(int64(issued), 0))
	}
	t.control(worked(t.list(raw)), "%s's token does not list pets", user)
	t.tokens[user] = raw
	return raw
}

// refresh is what the honest client gets for a refresh token.
func (t *try) refresh(token string) visitor.Tokens {
	got := t.tryRefresh(t.client(), token, nil)
	t.control(got.Access != "" && got.Refresh != "", "the honest client cannot refresh: %s", saidTokens(got))
	t.keep(t.client(), got)
	return got
}

func (t *try) tryRefresh(c *visitor.Client, token string, changes url.Values) visitor.Tokens {
	got, err := c.Refresh(t.ctx, token, changes)
	t.must(err)
	return got
}

func (t *try) tryRedeem(c *visitor.Client, code, verifier string, changes url.Values) visitor.Tokens {
	got, err := c.Redeem(t.ctx, code, verifier, changes)
	t.must(err)
	return got
}

// form posts a form to an endpoint of the authorization server, without a client id but what is in it.
func (t *try) form(endpoint string, form url.Values, headers ...string) visitor.Tokens {
	c := t.client()
	a, err := c.Send(t.ctx, http.MethodPost, endpoint, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
	t.must(err)
	return readTokens(a)
}

// request is an authorization request of Bob's browser, which follows no redirect. Bob has agreed to it before.
func (t *try) request(changes url.Values) visitor.Answer {
	return t.get(t.as("bob"), t.client().Request(changes).URL)
}

// honestRequest is the control of all that changes an authorization request.
func (t *try) honestRequest() {
	t.code("bob", nil)
	a := t.request(nil)
	to := location(a)
	t.control(to.Query().Has("code") && strings.HasPrefix(to.String(), t.base+"/callback?"), "the honest request gets no code: %s", said(a))
}

// registered is the one client of the lab that registers itself. It says the same each time, so it stays one.
func (t *try) registered() (id, redirect string) {
	redirect = "https://clinic.evil.example/callback"
	a := t.register(map[string]any{"client_name": "VetAssist attack lab", "redirect_uris": []string{redirect}, "token_endpoint_auth_method": "none"})
	switch id = field(a, "client_id"); {
	case a.Status == http.StatusTooManyRequests:
		t.skip("too many clients registered within the hour: " + said(a))
	case a.Status == http.StatusUnauthorized:
		t.skip("who registers a client here needs an initial access token")
	}
	t.control(id != "", "a client cannot register: %s", said(a))
	return id, redirect
}

// register registers a client (RFC 7591).
func (t *try) register(metadata map[string]any) visitor.Answer {
	if t.server.Registration == "" {
		t.skip("clients cannot register themselves here")
	}
	about := map[string]any{"grant_types": []string{"authorization_code"}, "response_types": []string{"code"}}
	maps.Copy(about, metadata)
	a, err := t.client().Send(t.ctx, http.MethodPost, "/oauth/register", asJSON(about), "Content-Type", "application/json")
	t.must(err)
	return a
}
