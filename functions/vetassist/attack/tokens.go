package attack

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/clientkey"
)

func audienceToAdmin(t *try) {
	raw := t.access("bob")
	t.control(worked(t.list(raw)), "the token does not work where it belongs")
	a := t.api(raw, http.MethodGet, "/users", nil)
	t.judge("at the admin API", a.Status/100 == 2, a.Status == http.StatusUnauthorized && strings.Contains(said(a), "another resource"), said(a))
}

func audienceToMCP(t *try) {
	raw := t.admin() // it works where it belongs
	t.noCall("at the MCP server", t.list(raw), http.StatusUnauthorized, "invalid_token", "another resource")
}

func issuerOther(t *try) {
	_, header, claims := t.real()
	key := t.newKey()
	t.noToken("in the name of her own server", forge(changed(header, map[string]any{"kid": key.ID()}), changed(staff(claims), map[string]any{"iss": evil}), withKey(key)))
	t.noToken("in the honest server's name", forge(changed(header, map[string]any{"kid": key.ID()}), staff(claims), withKey(key)))
	t.noToken("in the honest server's name, and that of its key", forge(header, staff(claims), withKey(key)))
}

func (t *try) newKey() clientkey.Key {
	key, err := clientkey.New()
	t.must(err)
	return key
}

func algNone(t *try) {
	_, header, claims := t.real()
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		none := changed(header, map[string]any{"alg": alg})
		t.noToken(fmt.Sprintf("alg %q, without a signature", alg), forge(none, staff(claims), unsigned))
		t.noToken(fmt.Sprintf("alg %q, with one", alg), forge(none, staff(claims), withSecret([]byte("x"))))
	}
}

// jwk is a published key.
type jwk struct {
	ID string `json:"kid"`
	X  string `json:"x"`
	Y  string `json:"y"`
}

func algHS256(t *try) {
	_, header, claims := t.real()
	a := t.get(t.browser(), t.base+"/.well-known/jwks.json")
	var set struct{ Keys []json.RawMessage }
	t.must(json.Unmarshal(a.Body, &set))
	tried := 0
	for _, raw := range set.Keys {
		var key jwk
		t.must(json.Unmarshal(raw, &key))
		x, err := base64.RawURLEncoding.DecodeString(key.X)
		t.must(err)
		y, err := base64.RawURLEncoding.DecodeString(key.Y)
		t.must(err)
		point := slices.Concat([]byte{4}, x, y)
		public, err := ecdsa.ParseUncompressedPublicKey(t.newKey().Signer().(*ecdsa.PrivateKey).Curve, point)
		t.must(err)
		der, err := x509.MarshalPKIXPublicKey(public)
		t.must(err)
		for what, secret := range inOrder(map[string][]byte{"its JWK": raw, "the whole JWKS": a.Body, "its point": point, "x": x, "its DER": der,
			"its PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}) {
			for _, alg := range []string{"HS256", "hs256"} {
				tried++
				t.noToken(alg+" with "+what, forge(changed(header, map[string]any{"alg": alg, "kid": key.ID}), staff(claims), withSecret(secret)))
			}
		}
	}
	t.control(tried > 0, "there are no public keys")
}

func kidInjection(t *try) {
	_, header, claims := t.real()
	trap := t.trap()
	defer trap.Close()
	key := t.newKey()
	at := "http://" + trap.Addr().String() + "/jwks.json"
	for _, kid := range []any{"../../../../dev/null", "/dev/null", at, "' UNION SELECT 'x", "\x00", "", 1, nil, []string{"x"}, strings.Repeat("k", 4000), key.ID()} {
		what := asJSON(kid)
		t.noToken("kid "+what[:min(len(what), 60)], forge(changed(header, map[string]any{"kid": kid}), staff(claims), withKey(key)))
	}
	t.noToken("kid /dev/null, signed with an empty secret", forge(changed(header, map[string]any{"kid": "/dev/null", "alg": "HS256"}), staff(claims), withSecret(nil)))
	for what, more := range inOrder(map[string]map[string]any{"jku": {"jku": at}, "x5u": {"x5u": at}, "jwk": {"jwk": key.Public()}, "jwk without a kid": {"jwk": key.Public(), "kid": nil},
		"crit": {"crit": []string{"exp"}}}) {
		t.noToken("the header "+what, forge(changed(header, more), staff(claims), withKey(key)))
	}
	t.judge("and the addresses in them", trap.came.Load() > 0, true, "nobody was asked there")
}

func tokenEdited(t *try) {
	raw, header, claims := t.real()
	signature, err := base64.RawURLEncoding.DecodeString(raw[strings.LastIndex(raw, ".")+1:])
	t.must(err)
	old := func(string) []byte { return signature }
	t.control(worked(t.list(raw)), "the token itself does not work")
	now := t.now().Unix()
	for what, edit := range inOrder(map[string]map[string]any{
		"another user": {"sub": "user-alice"}, "another role": {"roles": []string{"Vet Staff"}}, "more scopes": {"scope": ownerScopes + " pet-profile:write"},
		"a later end": {"exp": now + 86400}, "an end that has passed": {"exp": now - 86400}, "a beginning that lies ahead": {"nbf": now + 86400}, "another audience": {"aud": t.base + "/admin/api"},
	}) {
		t.noToken(what, forge(header, changed(claims, edit), old))
	}
	t.noToken("the signature cut off", raw[:strings.LastIndex(raw, ".")+1])
	t.noToken("the signature of another token", raw[:strings.LastIndex(raw, ".")+1]+t.grantSignature())
}

// grantSignature is that of another token of Bob's.
func (t *try) grantSignature() string {
	other := t.grant("bob", "pet-profile:read").Access
	return other[strings.LastIndex(other, ".")+1:]
}

func idTokenAsAccess(t *try) {
	code, a := t.code("bob", url.Values{"scope": {"openid profile"}, "resource": nil})
	got := t.redeem(t.client(), code, a, url.Values{"resource": nil})
	t.control(got.ID != "", "there is no ID token")
	info, err := t.client().Send(t.ctx, http.MethodGet, "/oauth/userinfo", "", "Authorization", "Bearer "+got.Access)
	t.must(err)
	t.control(info.Status == http.StatusOK, "the access token beside it does not work: %s", said(info))
	t.noToken("at the MCP server", got.ID)
	t.noAdmin("at the admin API", got.ID)
	info, err = t.client().Send(t.ctx, http.MethodGet, "/oauth/userinfo", "", "Authorization", "Bearer "+got.ID)
	t.must(err)
	t.noEntry("at the userinfo endpoint", info, http.StatusUnauthorized)
	t.noToken("and the access token of a plain login, at the MCP server", got.Access)
}

func tokenInQuery(t *try) {
	raw := t.access("bob")
	c := t.client()
	message, _, err := c.Message("tools/call", map[string]any{"name": "list_pets", "arguments": map[string]any{}})
	t.must(err)
	a, err := c.Send(t.ctx, http.MethodPost, "/mcp?"+url.Values{"access_token": {raw}}.Encode(), message, "Content-Type", "application/json",
		"Accept", "application/json, text/event-stream", "MCP-Protocol-Version", c.Revision)
	t.must(err)
	t.noCall("at the MCP server", a, http.StatusUnauthorized)
	a, err = c.Send(t.ctx, http.MethodPost, "/mcp", url.Values{"access_token": {raw}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	t.must(err)
	t.noCall("in a form", a, http.StatusUnauthorized)
	a, err = c.Send(t.ctx, http.MethodGet, "/oauth/userinfo?"+url.Values{"access_token": {raw}}.Encode(), "")
	t.must(err)
	t.noEntry("at the userinfo endpoint", a, http.StatusUnauthorized)
}

func twoAuthorizations(t *try) {
	bob, alice := t.access("bob"), t.access("alice")
	t.noCall("two good tokens", t.list(bob, "Authorization", "Bearer "+alice), http.StatusBadRequest, "several Authorization headers")
	t.noCall("a good one, and nonsense", t.list(bob, "Authorization", "Bearer nonsense"), http.StatusBadRequest, "several Authorization headers")
	t.noCall("the same one twice", t.list(bob, "Authorization", "Bearer "+bob), http.StatusBadRequest, "several Authorization headers")
}

func refreshTheft(t *try) {
	first := t.grant("bob", "pet-profile:read")
	second := t.refresh(first.Refresh)
	third := t.refresh(second.Refresh)
	t.noTokens("the old one, in Mallory's hands", t.tryRefresh(t.client(), first.Refresh, nil), "invalid_grant")
	t.noTokens("and the newest one of the family", t.tryRefresh(t.client(), third.Refresh, nil), "invalid_grant")
}

func refreshOtherClient(t *try) {
	got := t.grant("bob", "pet-profile:read")
	t.noTokens("as the client "+console, t.tryRefresh(t.named(console), got.Refresh, nil), "invalid_grant")
	t.refresh(got.Refresh)
}

func scopeEscalation(t *try) {
	token := t.grant("bob", "pet-profile:read").Refresh
	for _, more := range []string{"appointment:write", "pet-profile:write", "admin:write"} {
		got := t.tryRefresh(t.client(), token, url.Values{"scope": {"pet-profile:read " + more}})
		t.judge("with "+more, slices.Contains(strings.Fields(got.Scope), more), got.Error == "invalid_scope", saidTokens(got))
	}
	t.refresh(token)
}

func codeExpired(t *try) {
	code, a := t.code("bob", nil)
	t.redeem(t.client(), code, a, nil) // in time it is good
	code, a = t.code("bob", nil)
	t.forward(2 * time.Minute)
	t.noTokens("two minutes later", t.tryRedeem(t.client(), code, a.Verifier, nil), "invalid_grant")
}

func tokenExpired(t *try) {
	got := t.grant("bob", "pet-profile:read")
	t.control(worked(t.list(got.Access)), "the token is not even good in time")
	t.forward(10*time.Minute + time.Second)
	t.noCall("ten minutes later", t.list(got.Access), http.StatusUnauthorized, "invalid_token", "expired")
	t.control(worked(t.list(t.refresh(got.Refresh).Access)), "a refreshed token does not work either")
}
