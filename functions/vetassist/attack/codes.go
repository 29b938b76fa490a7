package attack

import (
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

func codeStolenClient(t *try) {
	code, a := t.code("bob", nil)
	t.noTokens("as the client "+console, t.tryRedeem(t.named(console), code, a.Verifier, nil), "invalid_grant")
	t.redeem(t.client(), code, a, nil) // the theft has spoiled nothing: it was refused for the client alone
}

func codeWithoutVerifier(t *try) {
	code, a := t.code("bob", nil)
	for _, c := range []struct {
		what     string
		verifier []string
	}{
		{"without a verifier", nil},
		{"with an empty one", []string{""}},
		{"with another one", []string{"a-verifier-that-mallory-made-up-by-herself-0123456789"}},
		{"with the challenge in its place", a.Query["code_challenge"]},
	} {
		t.noTokens(c.what, t.tryRedeem(t.client(), code, "", url.Values{"code_verifier": c.verifier}), "invalid_grant", "invalid_request")
	}
	t.redeem(t.client(), code, a, nil)
}

func codeReplay(t *try) {
	t.refresh(t.grant("bob", "pet-profile:read").Refresh) // where nobody replays, one can go on
	code, a := t.code("bob", nil)
	first := t.redeem(t.client(), code, a, nil)
	second := t.tryRedeem(t.client(), code, a.Verifier, nil)
	t.noTokens("the same request again", second, "invalid_grant")
	t.noTokens("and what the first one got, refreshed", t.tryRefresh(t.client(), first.Refresh, nil), "invalid_grant")
}

func codeRedirectSwap(t *try) {
	code, a := t.code("bob", nil)
	for _, uri := range []string{t.base + "/", t.base + "/callback?x=1", evil + "/callback"} {
		t.noTokens("with the redirect URI "+uri, t.tryRedeem(t.client(), code, a.Verifier, url.Values{"redirect_uri": {uri}}), "invalid_grant")
	}
	t.redeem(t.client(), code, a, nil)
}

func pkceDowngrade(t *try) {
	t.honestRequest()
	const verifier = "a-verifier-that-mallory-knows-0123456789-abcdefghij"
	for _, c := range []struct {
		what    string
		changes url.Values
	}{
		{"without a challenge", url.Values{"code_challenge": nil, "code_challenge_method": nil}},
		{"a method without a challenge", url.Values{"code_challenge": nil}},
		{"the method plain", url.Values{"code_challenge": {verifier}, "code_challenge_method": {"plain"}}},
		{"no method, which means plain", url.Values{"code_challenge": {verifier}, "code_challenge_method": nil}},
		{"S256 of nothing", url.Values{"code_challenge": {"short"}}},
	} {
		t.noCode(c.what, t.request(c.changes), "invalid_request")
	}
}

// device is a device of Bob's that he allowed, and asks for its tokens.
func (t *try) device() (code string, poll url.Values) {
	asked := t.form("/oauth/device_authorization", url.Values{"client_id": {feeder}, "scope": {"pet-profile:read"}, "resource": {t.base + "/mcp"}})
	if asked.Error == "invalid_client" {
		t.skip("there is no application for devices (" + feeder + " is there on this machine only)")
	}
	code, page := field(asked.Answer, "device_code"), field(asked.Answer, "verification_uri_complete")
	t.control(code != "" && page != "", "the device gets no code: %s", saidTokens(asked))
	b := t.as("bob")
	p, err := b.Open(t.ctx, page)
	t.must(err)
	t.control(p.Has("decision"), "Bob is not asked about the device: %d %s", p.Status, heading(p.Body))
	_, err = b.Allow(t.ctx)
	t.must(err)
	return code, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {feeder}, "device_code": {code}}
}

func codeKindConfusion(t *try) {
	device, poll := t.device()
	code, a := t.code("bob", nil)
	t.noTokens("the device code as an authorization code", t.tryRedeem(t.client(), device, a.Verifier, nil), "invalid_grant")
	t.noTokens("the authorization code as a device code", t.form("/oauth/token", merged(poll, url.Values{"device_code": {code}})), "invalid_grant")
	t.noTokens("the authorization code as a refresh token", t.tryRefresh(t.client(), code, nil), "invalid_grant")
	t.noTokens("the device code as a refresh token", t.tryRefresh(t.named(feeder), device, nil), "invalid_grant")
	got := t.form("/oauth/token", poll)
	t.control(got.Access != "", "the device gets nothing for its own code: %s", saidTokens(got))
	t.keep(t.named(feeder), got)
	t.redeem(t.client(), code, a, nil)
}

// pushed is where a browser goes with the name of a request that was pushed (RFC 9126).
func (t *try) pushed() (name string, a visitor.Authorization) {
	a = t.client().Request(nil)
	got := t.form("/oauth/par", a.Query)
	name = field(got.Answer, "request_uri")
	t.control(got.Status == http.StatusCreated && name != "", "the honest client cannot push: %s", saidTokens(got))
	return name, a
}

func (t *try) pushedAt(client, name string) string {
	return t.base + "/oauth/authorize?" + url.Values{"client_id": {client}, "request_uri": {name}}.Encode()
}

// followPushed is Bob who goes there, and the code that comes of it.
func (t *try) followPushed(name string, a visitor.Authorization) string {
	c, b := t.client(), t.as("bob")
	a.URL = t.pushedAt(honest, name)
	got, err := c.Authorize(t.ctx, b, a, "", "")
	t.must(err)
	t.control(got.Get("code") != "", "Bob cannot follow the honest link: %s", got.Get("error"))
	return got.Get("code")
}

func parTwice(t *try) {
	t.code("bob", nil)
	name, a := t.pushed()
	code := t.followPushed(name, a)
	for who, b := range inOrder(map[string]*visitor.Browser{"alice": t.as("alice"), "bob": t.as("bob")}) {
		t.noCode("the same link, in the browser of "+who, t.get(b, t.pushedAt(honest, name)), "")
	}
	t.redeem(t.client(), code, a, nil)
}

func parOtherClient(t *try) {
	t.code("bob", nil)
	name, a := t.pushed()
	t.noCode("as the client "+console, t.get(t.as("bob"), t.pushedAt(console, name)), "")
	t.redeem(t.client(), t.followPushed(name, a), a, nil)
}
