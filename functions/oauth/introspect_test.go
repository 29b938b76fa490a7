package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// introspect asks about a token, and returns all that is told.
func (w *world) introspect(presented string, as func(*http.Request)) map[string]any {
	w.t.Helper()
	a := w.browser().do(http.MethodPost, "/oauth/introspect", url.Values{"token": {presented}}, as)
	var told map[string]any
	if err := json.Unmarshal([]byte(a.body), &told); err != nil || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" ||
		a.header.Get("Content-Type") != "application/json" {
		w.t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if told["active"] == false && len(told) != 1 {
		w.t.Errorf("of a token that is not active too much is told: %v", told)
	}
	return told
}

func (w *world) isActive(presented string, as func(*http.Request)) bool {
	w.t.Helper()
	return w.introspect(presented, as)["active"] == true
}

// asking is a world with a web application that bob uses, the tokens that it has from him, and a gateway of the MCP server.
type asking struct {
	*world
	site, siteSecret string
	app, gateway     func(*http.Request)
	got              tokens
}

func newAsking(t *testing.T, scope string) *asking {
	t.Helper()
	w := newWorld(t)
	a := &asking{world: w}
	a.site, a.siteSecret = w.secretClient(directory.WebTemplate, nil, "pet-profile:read", "appointment:read", "reminder:read")
	id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
	a.app, a.gateway = basic(a.site, a.siteSecret), basic(id, secret)
	a.again(scope)
	return a
}

// again lets bob allow it once more.
func (a *asking) again(scope string) {
	a.t.Helper()
	a.got = a.redeem(a.code("client_id", a.site, "scope", scope), "client_id", a.site, "client_secret", a.siteSecret)
	if a.got.Access == "" {
		a.t.Fatalf("%+v", a.got)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	w := newAsking(t, "pet-profile:read offline_access")
	claims, err := w.verifier.Verify(t.Context(), w.got.Access)
	if err != nil {
		t.Fatal(err)
	}
	now := float64(w.clock.Now().Unix())
	for _, c := range []struct {
		what, token string
		as          func(*http.Request)
		want        map[string]any
	}{
		{"the client, of its access token", w.got.Access, w.app, map[string]any{"active": true, "scope": "pet-profile:read", "client_id": w.site, "token_type": "Bearer",
			"exp": now + 600, "iat": now, "sub": "user-bob", "aud": []any{w.url + "/mcp", mcp}, "iss": w.url, "jti": claims.ID}},
		{"the client, of its refresh token", w.got.Refresh, w.app, map[string]any{"active": true, "scope": "pet-profile:read offline_access", "client_id": w.site,
			"exp": now + 30*24*3600, "iat": now, "sub": "user-bob", "iss": w.url}},
		{"a gateway, of an access token", w.got.Access, w.gateway, map[string]any{"active": true, "scope": "pet-profile:read", "client_id": w.site, "token_type": "Bearer",
			"username": "bob", "exp": now + 600, "iat": now, "sub": "user-bob", "aud": []any{w.url + "/mcp", mcp}, "iss": w.url, "jti": claims.ID}},
		{"a gateway, of a refresh token", w.got.Refresh, w.gateway, map[string]any{"active": false}},
		{"nonsense", "x", w.app, map[string]any{"active": false}},
		{"very long nonsense", strings.Repeat("x", 10_000), w.app, map[string]any{"active": false}},
		{"a signature that was changed", w.got.Access[:len(w.got.Access)-4] + "AAAA", w.gateway, map[string]any{"active": false}},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, _ := json.Marshal(w.introspect(c.token, c.as))
			if want, _ := json.Marshal(c.want); string(got) != string(want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
	w.clock.Advance(10 * time.Minute)
	if w.isActive(w.got.Access, w.app) || w.isActive(w.got.Access, w.gateway) || !w.isActive(w.got.Refresh, w.app) {
		t.Error("after ten minutes the access token is over, and only that")
	}
	w.clock.Advance(30 * 24 * time.Hour)
	if w.isActive(w.got.Refresh, w.app) {
		t.Error("a refresh token is active after thirty days")
	}
}

// TestWhoMayIntrospect: who cannot prove who it is is not told anything, and nobody of what is not theirs.
func TestWhoMayIntrospect(t *testing.T) {
	t.Parallel()
	w := newAsking(t, "pet-profile:read")
	public := w.redeem(w.code())
	w.signingClient("signs", nil)
	other, otherSecret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	elsewhere, elsewhereSecret := w.secretClient(directory.MachineTemplate, nil)
	for _, c := range []struct {
		what string
		form url.Values
		as   func(*http.Request)
		want string
	}{
		{"nobody", nil, func(*http.Request) {}, "invalid_client"},
		{"a public client, of its own token", url.Values{"client_id": {clientID}, "token": {public.Access}}, func(*http.Request) {}, "invalid_client"},
		{"a public client by header", nil, basic(clientID, ""), "invalid_client"},
		{"a wrong secret", nil, basic(w.site, "x"), "invalid_client"},
		{"by an access token", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+w.got.Access) }, "invalid_client"},
		{"no token", url.Values{"token": nil}, w.app, "invalid_request"},
		{"two tokens", url.Values{"token": {"a", "b"}}, w.app, "invalid_request"},
		{"JSON", nil, func(r *http.Request) { w.app(r); r.Header.Set("Content-Type", "application/json") }, "invalid_request"},
	} {
		form := url.Values{"token": {w.got.Access}}
		for name, values := range c.form {
			form[name] = values
		}
		got, _ := w.post("/oauth/introspect", form, c.as)
		t.Run(c.what, func(t *testing.T) {
			status := http.StatusBadRequest
			if c.want == "invalid_client" {
				status = http.StatusUnauthorized
			}
			if got.Error != c.want || got.Status != status {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
	for _, presented := range []string{w.got.Access, w.got.Refresh, public.Access, public.Refresh} {
		if w.isActive(presented, basic(other, otherSecret)) {
			t.Error("a client is told about another's token")
		}
		if w.isActive(presented, basic(elsewhere, elsewhereSecret)) {
			t.Error("a machine is told about a token for a server that it is not authorized at")
		}
	}
	if !w.isActive(public.Access, w.gateway) {
		t.Error("a gateway is not told about the token of a public client")
	}
	signed, _ := w.post("/oauth/introspect", url.Values{"token": {public.Access}, "client_assertion_type": {assertionType},
		"client_assertion": {w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, nil)}})
	if signed.Status != http.StatusOK || signed.Scope != "pet-profile:read" {
		t.Errorf("a gateway that signs: %+v", signed)
	}
}

// TestIntrospectionKnowsAtOnce: whatever ends a token, or a part of what it is good for, is known here before the token expires.
func TestIntrospectionKnowsAtOnce(t *testing.T) {
	t.Parallel()
	must := func(w *asking, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	change := func(w *asking, f func(*directory.Client)) {
		r, err := w.directory.ClientRecord(t.Context(), w.site)
		must(w, err)
		f(&r.Value)
		must(w, w.directory.PutClient(t.Context(), r.Value, store.IfPresent()))
	}
	role := func(w *asking, scopes ...string) {
		must(w, w.directory.PutRole(t.Context(), directory.Role{Name: "Pet Owner", Permissions: map[string][]string{mcp: scopes}}, store.IfPresent()))
	}
	const all = "pet-profile:read appointment:read"
	for _, c := range []struct {
		what                  string
		happens               func(w *asking)
		byGateway, of, ofNext string // scope of the access token as the gateway is told; as the client is; of the refresh token. Empty: not active
	}{
		{"nothing", func(*asking) {}, all, all, all},
		{"the access token is revoked", func(w *asking) { w.post("/oauth/revoke", url.Values{"token": {w.got.Access}}, w.app) }, "", "", ""},
		{"the refresh token is revoked", func(w *asking) { w.post("/oauth/revoke", url.Values{"token": {w.got.Refresh}}, w.app) }, "", "", ""},
		{"the refresh token is rotated", func(w *asking) { w.refresh(w.got.Refresh, "client_id", w.site, "client_secret", w.siteSecret) }, all, all, ""},
		{"the code is used again", func(w *asking) {
			code := w.code("client_id", w.site, "scope", all)
			w.got = w.redeem(code, "client_id", w.site, "client_secret", w.siteSecret)
			w.redeem(code, "client_id", w.site, "client_secret", w.siteSecret)
		}, "", "", ""},
		{"the user is signed out everywhere", func(w *asking) { w.signOut("user-bob") }, "", "", ""},
		{"the user is disabled", func(w *asking) {
			r, err := w.directory.UserRecord(t.Context(), "user-bob")
			must(w, err)
			off := true
			_, err = w.directory.UpdateUser(t.Context(), "user-bob", r.Version, directory.UserEdit{Disabled: &off})
			must(w, err)
		}, "", "", ""},
		{"the user is deleted", func(w *asking) {
			r, err := w.directory.UserRecord(t.Context(), "user-bob")
			must(w, err)
			must(w, w.directory.DeleteUser(t.Context(), "user-bob", r.Version))
		}, "", "", ""},
		{"the consent is withdrawn", func(w *asking) { must(w, w.directory.Withdraw(t.Context(), "user-bob", w.site, mcp)) }, "", "", ""},
		{"the consent is withdrawn, and given anew", func(w *asking) {
			before := w.got
			must(w, w.directory.Withdraw(t.Context(), "user-bob", w.site, mcp))
			w.clock.Advance(time.Second)
			w.again(all)
			w.got = before
		}, "", "", ""},
		{"all grants of the client end", func(w *asking) {
			_, err := access.New(w.db, w.clock.Now).EndGrantsFor(t.Context(), w.site)
			must(w, err)
		}, "", "", ""},
		{"the role loses one scope", func(w *asking) { role(w, "appointment:read") }, "appointment:read", "appointment:read", "appointment:read"},
		{"the role loses all", func(w *asking) { role(w) }, "", "", ""},
		{"the role gains one", func(w *asking) { role(w, "pet-profile:read", "appointment:read", "reminder:read") }, all, all, all},
		{"the client loses one scope", func(w *asking) {
			change(w, func(c *directory.Client) { c.Authorized[mcp] = []string{"pet-profile:read"} })
		},
			"pet-profile:read", "pet-profile:read", "pet-profile:read"},
		{"the client may refresh no more", func(w *asking) {
			change(w, func(c *directory.Client) { c.GrantTypes = []string{"authorization_code"} })
		}, all, all, ""},
		{"the client is disabled", func(w *asking) { change(w, func(c *directory.Client) { c.Disabled = true }) }, "", "refused", "refused"},
		{"the server is deleted", func(w *asking) {
			r, err := w.directory.ServerRecord(t.Context(), mcp)
			must(w, err)
			must(w, w.directory.DeleteServer(t.Context(), mcp, r.Version, true))
		}, "", "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := newAsking(t, all)
			c.happens(w)
			scope := func(presented string, as func(*http.Request)) string {
				got, _ := w.post("/oauth/introspect", url.Values{"token": {presented}}, as)
				if got.Error != "" {
					return "refused"
				}
				return got.Scope
			}
			if got := scope(w.got.Access, w.gateway); got != c.byGateway {
				t.Errorf("the gateway is told %q, want %q", got, c.byGateway)
			}
			if got := scope(w.got.Access, w.app); got != c.of {
				t.Errorf("the client is told %q, want %q", got, c.of)
			}
			if got := scope(w.got.Refresh, w.app); got != c.ofNext {
				t.Errorf("of its refresh token the client is told %q, want %q", got, c.ofNext)
			}
		})
	}
}

// TestIntrospectMachine: an application that acts for no user has no grant that could end, but its tokens end as well.
func TestIntrospectMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read", "reminder:read")
	other, otherSecret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "reminder:read")
	ask := func() string {
		got, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(id, secret))
		return got.Access
	}
	raw, next := ask(), ask()
	for _, as := range []func(*http.Request){basic(id, secret), basic(other, otherSecret)} {
		told := w.introspect(raw, as)
		if told["active"] != true || told["sub"] != id || told["client_id"] != id || told["scope"] != "pet-profile:read reminder:read" || told["username"] != nil {
			t.Errorf("%v", told)
		}
	}
	revoke := func(id, secret string) tokens {
		got, _ := w.post("/oauth/revoke", url.Values{"token": {raw}}, basic(id, secret))
		return got
	}
	if got := revoke(other, otherSecret); got.Error != "invalid_grant" || !w.isActive(raw, basic(id, secret)) {
		t.Errorf("somebody else revokes it: %+v", got)
	}
	for range 2 { // again is no error
		if got := revoke(id, secret); got.Status != http.StatusOK || w.isActive(raw, basic(id, secret)) || w.isActive(raw, basic(other, otherSecret)) {
			t.Errorf("it is revoked: %+v", got)
		}
	}
	if !w.isActive(next, basic(id, secret)) {
		t.Error("another token went with it")
	}
	r, err := w.directory.ClientRecord(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
	if r, secret, err = w.directory.RotateSecret(t.Context(), id, r.Version); err != nil {
		t.Fatal(err)
	}
	if w.isActive(next, basic(other, otherSecret)) {
		t.Error("active, though whoever stole the secret that is no more may have got it")
	}
	if next = ask(); !w.isActive(next, basic(other, otherSecret)) {
		t.Error("what the new secret was good for is not active")
	}
	r.Value.Roles = nil
	if err := w.directory.PutClient(t.Context(), r.Value, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if w.isActive(next, basic(other, otherSecret)) {
		t.Error("active without a role")
	}
}

// TestOtherTokensAreNotActive: tokens that this server signed, but did not issue to anybody.
func TestOtherTokensAreNotActive(t *testing.T) {
	t.Parallel()
	w := newAsking(t, "pet-profile:read")
	claims, err := w.verifier.Verify(t.Context(), w.got.Access)
	if err != nil {
		t.Fatal(err)
	}
	keys := token.NewKeyring(w.url, w.db, w.clock.Now, strings.NewReader(strings.Repeat("x", 1000)))
	for what, change := range map[string]func(*token.Grant){
		"another client's name":       func(g *token.Grant) { g.ClientID = clientID },
		"a client that is not known":  func(g *token.Grant) { g.ClientID = "nobody" },
		"a grant that is not known":   func(g *token.Grant) { g.ID = "nothing.1" },
		"no grant, and not a machine": func(g *token.Grant) { g.ID = "1" },
	} {
		g := token.Grant{ID: claims.ID, Subject: claims.Subject, ClientID: claims.ClientID, Audience: slices.Clone(claims.Audience), Scopes: claims.Scopes()}
		change(&g)
		raw, _, err := keys.Mint(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if w.isActive(raw, w.app) || w.isActive(raw, w.gateway) {
			t.Errorf("%s: active", what)
		}
	}
}
