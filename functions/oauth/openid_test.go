package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// idToken reads an ID token for a client, and checks what holds for each.
func (w *world) idToken(raw, client string) token.IDClaims {
	w.t.Helper()
	c, err := w.verifier.VerifyID(w.t.Context(), raw, client)
	if err != nil {
		w.t.Fatalf("%v: %q", err, raw)
	}
	return c
}

func TestIDToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	loggedIn := w.clock.Now()
	page := b.login("bob", w.request("scope", "openid profile pet-profile:read", "nonce", "n-0S6_WzA2Mj"))
	w.clock.Advance(time.Minute)
	got := w.redeem(b.callback(b.approve(page)).Get("code"))
	if got.expect(t, ""); got.Scope != "pet-profile:read openid profile" {
		t.Errorf("scope %q", got.Scope)
	}
	c := w.idToken(got.ID, clientID)
	if c.Issuer != w.url || c.Subject != "user-bob" || c.Nonce != "n-0S6_WzA2Mj" || c.AuthTime != loggedIn.Unix() || c.IssuedAt.Unix() != w.clock.Now().Unix() ||
		strings.Join(c.Methods, " ") != "pwd" || c.AccessHash != token.AccessHash(got.Access) || c.Name != "Bob Miller" || c.Username != "bob" {
		t.Errorf("got %+v", c)
	}

	// At a refresh it is about the same login, and the nonce is not repeated (OpenID Connect Core §12.2).
	w.clock.Advance(time.Hour)
	again := w.refresh(got.Refresh)
	r := w.idToken(again.ID, clientID)
	if r.Issuer != c.Issuer || r.Subject != c.Subject || r.AuthTime != c.AuthTime || r.Nonce != "" || r.IssuedAt.Unix() != w.clock.Now().Unix() ||
		r.AccessHash != token.AccessHash(again.Access) {
		t.Errorf("refreshed: %+v", r)
	}

	for _, c := range []struct {
		asked, scope string
		id, name     bool
	}{
		{"pet-profile:read", "pet-profile:read", false, false},
		{"profile pet-profile:read", "pet-profile:read", false, false}, // without openid it is no request of OpenID Connect (§3.1.2.1)
		{"email pet-profile:read", "pet-profile:read", false, false},
		{"openid pet-profile:read", "pet-profile:read openid", true, false},
		{"openid email pet-profile:read", "pet-profile:read openid", true, false}, // we know nobody's
	} {
		got := w.redeem(w.code("scope", c.asked))
		if got.expect(t, ""); got.Scope != c.scope || (got.ID != "") != c.id {
			t.Errorf("%s: %+v", c.asked, got)
		}
		if c.id && (w.idToken(got.ID, clientID).Name != "") != c.name {
			t.Errorf("%s: it tells the name", c.asked)
		}
	}
}

// A refresh may ask for less about the person too, once, but not for more than was agreed.
func TestIdentityAtARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both, none := w.redeem(w.code("scope", "openid profile pet-profile:read")), w.redeem(w.code("scope", "pet-profile:read"))
	for _, c := range []struct{ asked, want string }{
		{"pet-profile:read", "pet-profile:read"},
		{"openid pet-profile:read", "pet-profile:read openid"},
		{"", "pet-profile:read openid profile"},
	} {
		if both = w.refresh(both.Refresh, "scope", c.asked); both.Scope != c.want || (both.ID != "") != strings.Contains(c.want, "openid") {
			t.Errorf("%q: %+v", c.asked, both)
		}
	}
	if none = w.refresh(none.Refresh, "scope", "openid profile pet-profile:read"); none.Scope != "pet-profile:read" || none.ID != "" {
		t.Errorf("more than was agreed: %+v", none)
	}
}

// Who somebody is, is asked for like anything else: on the consent page, once, until it is taken back.
func TestIdentityIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.callback(b.approve(b.login("bob", w.request()))) // no word of it
	silent := w.request("scope", "openid profile pet-profile:read", "prompt", "none")
	if got := b.callback(b.get(silent)); got.Get("error") != "consent_required" {
		t.Errorf("asked for newly: %v", got)
	}
	only := w.request("scope", "openid pet-profile:read")
	page := b.get(only)
	if !strings.Contains(page.body, "It can recognize you when you come back, but does not learn your name.") {
		t.Errorf("the page does not say so:\n%s", page.body)
	}
	b.callback(b.approve(page))
	if got := b.callback(b.get(only)); got.Get("code") == "" {
		t.Errorf("agreed to, and asked again: %v", got)
	}
	if got := b.callback(b.get(silent)); got.Get("error") != "consent_required" {
		t.Errorf("the name was not agreed to: %v", got)
	}
	page = b.get(strings.Replace(silent, "prompt=none", "", 1))
	if !strings.Contains(page.body, "It learns who you are: your name, Bob Miller, and your username, bob.") {
		t.Errorf("the page does not say so:\n%s", page.body)
	}
	got := w.redeem(b.callback(b.approve(page)).Get("code"))
	if account := b.get("/oauth/account"); !strings.Contains(account.body, "Your name") || !strings.Contains(account.body, "Recognize you") {
		t.Error("the account page does not list it")
	}
	if got := b.callback(b.get(silent)); got.Get("code") == "" {
		t.Errorf("agreed to, and asked again: %v", got)
	}
	if err := w.directory.Withdraw(t.Context(), "user-bob", clientID, mcp); err != nil {
		t.Fatal(err)
	}
	if got := b.callback(b.get(silent)); got.Get("error") != "consent_required" {
		t.Errorf("withdrawn: %v", got)
	}
	w.refresh(got.Refresh).expect(t, "invalid_grant")
	// Denied is denied.
	page = b.get(only)
	action, form := b.form(page, "/oauth/consent")
	form.Set("decision", "deny")
	if got := b.callback(b.do(http.MethodPost, action, form)); got.Get("error") != "access_denied" {
		t.Errorf("denied: %v", got)
	}
}

// A client that asks who somebody is, and for no server, gets just that: a token that no server takes.
func TestLoginAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := directory.Client{ID: "plain", Name: "Plain", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}}
	if err := w.directory.PutClient(t.Context(), plain, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{clientID, plain.ID} { // authorized at a server or at none
		b := w.browser()
		page := b.login("bob", w.request("client_id", client, "resource", "", "scope", "openid profile offline_access"))
		if !strings.Contains(page.body, "It asks who you are, and for no permission.") || strings.Contains(page.body, "pet-profile") {
			t.Errorf("%s: the page says %s", client, page.body)
		}
		got := w.redeem(b.callback(b.approve(page)).Get("code"), "client_id", client, "resource", "")
		if got.expect(t, ""); got.Scope != "openid profile offline_access" {
			t.Errorf("%s: %+v", client, got)
		}
		got = w.refresh(got.Refresh, "client_id", client)
		got.expect(t, "")
		if w.idToken(got.ID, client).Name != "Bob Miller" {
			t.Error("no name")
		}
		if _, err := w.verifier.Verify(t.Context(), got.Access); err == nil || !strings.Contains(err.Error(), "another resource") {
			t.Errorf("%s: the MCP server takes it: %v", client, err)
		}
		if payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.Access, ".")[1]); err != nil || !strings.Contains(string(payload), `"aud":["`+w.url+`/oauth/userinfo"]`) {
			t.Errorf("%s: the access token says %s", client, payload)
		}
		if a := w.userinfo(got.Access); a.status != http.StatusOK {
			t.Errorf("%s: userinfo %d %s", client, a.status, a.body)
		}
		w.refresh(got.Refresh, "client_id", client, "resource", w.url+"/mcp").expect(t, "invalid_target")
		if account := b.get("/oauth/account"); !strings.Contains(account.body, "your login") {
			t.Errorf("%s: the account page does not show it", client)
		}
		// Agreed to here, it is not agreed to at a server.
		if client == clientID {
			if got := b.callback(b.get(w.request("scope", "openid profile pet-profile:read", "prompt", "none"))); got.Get("error") != "consent_required" {
				t.Errorf("at a server: %v", got)
			}
		}
	}
	// Without openid there is nothing to ask for; and for a server that it may not use it gets nothing.
	for _, changes := range [][]string{{"scope", "profile"}, {"scope", ""}, {"scope", "openid pet-profile:read"}, {"scope", "openid", "resource", w.url + "/mcp"}} {
		b := w.browser()
		if got := b.callback(b.get(w.request(append([]string{"client_id", plain.ID, "resource", ""}, changes...)...))); got.Get("error") != "invalid_target" {
			t.Errorf("%v: %v", changes, got)
		}
	}
}

// A client may want a new login, and the ID token tells when it was (OpenID Connect Core §3.1.2.1).
func TestLoginAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const scope = "openid pet-profile:read"
	w.code("scope", scope) // so that nothing is asked below but who it is
	for _, c := range []struct {
		name    string
		changes []string
		age     time.Duration // of the login that there is
		again   bool
	}{
		{"nothing", nil, time.Hour, false},
		{"prompt=login", []string{"prompt", "login"}, time.Second, true},
		{"prompt=select_account", []string{"prompt", "select_account"}, time.Second, true},
		{"max_age, young enough", []string{"max_age", "60"}, time.Minute, false},
		{"max_age, too old", []string{"max_age", "60"}, time.Minute + time.Second, true},
		{"max_age=0, this very second", []string{"max_age", "0"}, 0, true},
		{"max_age=0", []string{"max_age", "0"}, time.Second, true},
		{"max_age with prompt=login", []string{"max_age", "3600", "prompt", "login"}, time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.browser()
			b.login("bob", "/oauth/login")
			first := w.clock.Now()
			w.clock.Advance(c.age)
			target := w.request(append([]string{"scope", scope}, c.changes...)...)
			if got := b.callback(b.get(w.request(append([]string{"scope", scope}, append(c.changes, "prompt", "none")...)...))); c.again && !strings.Contains(c.name, "prompt") && got.Get("error") != "login_required" {
				t.Errorf("with prompt=none: %v", got)
			}
			a := b.get(target)
			if again := strings.HasPrefix(a.header.Get("Location"), "/oauth/login?"); again != c.again {
				t.Fatalf("%d %s", a.status, a.header.Get("Location"))
			}
			want := first
			if c.again {
				if a := b.follow(a); !strings.Contains(a.body, `name="password"`) { // no way round it
					t.Errorf("it goes on without a password: %d", a.status)
				}
				w.clock.Advance(time.Second)
				want, a = w.clock.Now(), b.login("bob", target)
			}
			if got := w.idToken(w.redeem(b.callback(a).Get("code")).ID, clientID); got.AuthTime != want.Unix() {
				t.Errorf("auth_time is %d, want %d", got.AuthTime, want.Unix())
			}
		})
	}
}

// An id_token_hint says whom the answer may be about (OpenID Connect Core §3.1.2.1).
func TestHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const scope = "openid pet-profile:read"
	bobs := w.redeem(w.code("scope", scope)).ID
	other := w.otherClient()
	others := w.redeem(w.code("client_id", other, "scope", scope), "client_id", other)
	w.clock.Advance(time.Hour) // it has expired, which a hint may

	bob, alice := w.browser(), w.browser()
	bob.login("bob", "/oauth/login")
	alice.login("alice", "/oauth/login")
	if got := bob.callback(bob.get(w.request("scope", scope, "id_token_hint", bobs, "prompt", "none"))); got.Get("code") == "" {
		t.Errorf("the same person: %v", got)
	}
	alice.callback(alice.approve(alice.get(w.request("scope", scope)))) // nothing but the hint is in the way
	if got := alice.callback(alice.get(w.request("scope", scope, "id_token_hint", bobs, "prompt", "none"))); got.Get("error") != "login_required" {
		t.Errorf("another person, prompt=none: %v", got)
	}
	hinted := w.request("scope", scope, "id_token_hint", bobs)
	for range 2 { // as often as she likes
		page := alice.login("alice", hinted)
		if !strings.Contains(page.body, `name="password"`) || !strings.Contains(page.body, "the app asks for whoever it was connected with before") {
			t.Errorf("another person: %d %s\n%s", page.status, page.header.Get("Location"), page.body)
		}
	}
	if got := alice.callback(alice.login("bob", hinted)); got.Get("code") == "" {
		t.Errorf("the right person at last: %v", got)
	}
	if got := w.browser(); got.callback(got.get(w.request("id_token_hint", bobs, "prompt", "none"))).Get("error") != "login_required" {
		t.Error("nobody is logged in")
	}

	for name, hint := range map[string]string{"nonsense": "x", "an access token": others.Access, "a refresh token": others.Refresh,
		"another client's": others.ID, "unsigned": strings.Join(strings.Split(bobs, ".")[:2], ".") + ".", "changed": bobs[:len(bobs)-10] + "AAAAAAAAAA"} {
		if got := bob.callback(bob.get(w.request("id_token_hint", hint))); got.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What of OpenID Connect a request may not say.
func TestOpenIDRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for _, c := range []struct{ name, target, code string }{
		{"a request object", w.request("request", "e30.e30."), "request_not_supported"},
		{"a registration", w.request("registration", "{}"), "registration_not_supported"},
		{"max_age is no number", w.request("max_age", "soon"), "invalid_request"},
		{"max_age below zero", w.request("max_age", "-1"), "invalid_request"},
		{"max_age beyond all bounds", w.request("max_age", "99999999999"), "invalid_request"},
		{"a long nonce", w.request("nonce", strings.Repeat("x", 513)), "invalid_request"},
		{"nonce twice", w.request("nonce", "a") + "&nonce=b", "invalid_request"},
		{"the implicit flow", w.request("response_type", "id_token"), "unsupported_response_type"},
		{"the hybrid flow", w.request("response_type", "code id_token"), "unsupported_response_type"},
	} {
		if got := b.callback(b.get(c.target)); got.Get("error") != c.code || got.Has("code") {
			t.Errorf("%s: %v, want %s", c.name, got, c.code)
		}
	}
	// By POST it is the same (Core §3.1.2.1), from whatever site; and a request is in one place.
	path, query, _ := strings.Cut(w.request("response_type", "id_token"), "?")
	form, _ := url.ParseQuery(query)
	post := b.do(http.MethodPost, path, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if got := b.callback(b.follow(post)); got.Get("error") != "unsupported_response_type" {
		t.Errorf("by POST: %v", got)
	}
	if a := b.do(http.MethodPost, path+"?client_id=x", form); a.status != http.StatusBadRequest {
		t.Errorf("by POST and in the query: %d", a.status)
	}
	// These must change nothing (Core §15.1, §5.5).
	a := b.get(w.request("scope", "openid pet-profile:read", "display", "popup", "ui_locales", "fr", "claims_locales", "fr", "acr_values", "loa4", "claims", `{"id_token":{"email":{"essential":true}}}`))
	if !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
		t.Errorf("optional parameters: %d %s", a.status, a.header.Get("Location"))
	}
	// A login hint is a word in the form, and no more.
	for hint, want := range map[string]string{"bob": `value="bob"`, `"><script>`: `value="&#34;&gt;&lt;script&gt;"`, strings.Repeat("x", 65): `value=""`} {
		if page := b.follow(b.get(w.request("login_hint", hint))); !strings.Contains(page.body, `name="username" `+want) {
			t.Errorf("login_hint %s: %s", hint, page.body)
		}
	}
}

func (w *world) userinfo(access string, edit ...func(*http.Request)) answer {
	w.t.Helper()
	edit = append([]func(*http.Request){func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) }}, edit...)
	return w.browser().do(http.MethodGet, "/oauth/userinfo", nil, edit...)
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full, bare, none := w.redeem(w.code("scope", "openid profile pet-profile:read")), w.redeem(w.code("scope", "openid pet-profile:read")), w.redeem(w.code())
	for access, want := range map[string]string{full.Access: `{"sub":"user-bob","name":"Bob Miller","preferred_username":"bob"}`, bare.Access: `{"sub":"user-bob"}`} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := w.userinfo(access, func(r *http.Request) { r.Method = method })
			if strings.TrimSpace(a.body) != want || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" ||
				a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %s %v", method, a.status, a.body, a.header)
			}
		}
	}
	if a := w.browser().do(http.MethodOptions, "/oauth/userinfo", nil); a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Methods") != "GET, POST" {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}

	machine, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	own, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"pet-profile:read openid"}}, basic(machine, secret))
	bound := w.bound(full.Access)
	for _, c := range []struct {
		name   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401, ""},
		{"another scheme", func(r *http.Request) { r.SetBasicAuth(clientID, full.Access) }, 401, ""},
		{"in the query", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "access_token=" + full.Access
		}, 401, ""},
		{"in the body", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Method = http.MethodPost
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			setBody(r, "access_token="+full.Access)
		}, 401, ""},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+full.Access) }, 400, "invalid_request"},
		{"nonsense", bearer("x"), 401, "invalid_token"},
		{"an ID token", bearer(full.ID), 401, "invalid_token"},
		{"a refresh token", bearer(full.Refresh), 401, "invalid_token"},
		{"a token without openid", bearer(none.Access), 403, "insufficient_scope"},
		{"an application's own", bearer(own.Access), 403, "insufficient_scope"},
		{"a token that is bound to a key", bearer(bound), 401, "invalid_token"},
		{"a changed one", bearer(full.Access[:len(full.Access)-10] + "AAAAAAAAAA"), 401, "invalid_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.userinfo(full.Access, c.edit)
			challenge := a.header.Get("WWW-Authenticate")
			if a.status != c.status || strings.Contains(a.body, "user-bob") || !strings.HasPrefix(challenge, `Bearer realm="vetassist", scope="openid"`) ||
				strings.Contains(challenge, "error=") != (c.code != "") || !strings.Contains(challenge, c.code) || a.header.Get("Access-Control-Expose-Headers") != "WWW-Authenticate, DPoP-Nonce" {
				t.Errorf("%d %s %q", a.status, a.body, challenge)
			}
		})
	}

	// It looks at what holds now, not at what the token says.
	refreshed := w.refresh(full.Refresh)
	if _, a := w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {refreshed.Refresh}}); a.status != http.StatusOK {
		t.Fatalf("revoking: %d", a.status)
	}
	for name, access := range map[string]string{"revoked": refreshed.Access, "another of the family": full.Access} {
		if a := w.userinfo(access); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	w.clock.Advance(token.Lifetime)
	if a := w.userinfo(bare.Access); a.status != http.StatusUnauthorized {
		t.Errorf("expired: %d %s", a.status, a.body)
	}
	bare = w.refresh(bare.Refresh)
	w.signOut("user-bob")
	if a := w.userinfo(bare.Access); a.status != http.StatusUnauthorized {
		t.Errorf("signed out everywhere: %d %s", a.status, a.body)
	}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// bound is an access token like another, but bound to a key.
func (w *world) bound(access string) string {
	w.t.Helper()
	c, err := w.verifier.Verify(w.t.Context(), access)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, _, err := w.keys.Mint(w.t.Context(), token.Grant{ID: c.ID, Subject: c.Subject, ClientID: c.ClientID, Audience: c.Audience, Scopes: c.Scopes(), Roles: c.Roles,
		Key: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// An ID token is good for nothing but to be read (RFC 8725 §3.11), and nothing else passes as one.
func TestIDTokenIsNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.redeem(w.code("scope", "openid profile pet-profile:read"))
	if _, err := w.verifier.Verify(t.Context(), got.ID); err == nil {
		t.Error("the MCP server takes it")
	}
	w.redeem(got.ID).expect(t, "invalid_grant")
	w.refresh(got.ID).expect(t, "invalid_grant")
	asserted, _ := w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_assertion": {got.ID},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
	asserted.expect(t, "invalid_client")
	id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	own := w.redeem(w.code("client_id", id, "scope", "openid pet-profile:read"), "client_id", id, "client_secret", secret)
	own.expect(t, "")
	_, a := w.post("/oauth/introspect", url.Values{"token": {own.ID}}, basic(id, secret))
	var about struct{ Active bool }
	if err := json.Unmarshal([]byte(a.body), &about); err != nil || about.Active {
		t.Errorf("introspection: %s", a.body)
	}
	_, a = w.post("/oauth/introspect", url.Values{"token": {own.Access}}, basic(id, secret))
	if !strings.Contains(a.body, `"scope":"pet-profile:read openid"`) {
		t.Errorf("introspection of the access token: %s", a.body)
	}
	if _, a := w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {got.ID}}); a.status != http.StatusOK {
		t.Errorf("revoking it: %d", a.status)
	}
	w.refresh(got.Refresh).expect(t, "") // it revoked nothing
}

// One document at both addresses.
func TestOpenIDConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	oauth, openid := b.get("/.well-known/oauth-authorization-server"), b.get("/.well-known/openid-configuration")
	if openid.status != http.StatusOK || openid.body != oauth.body || openid.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s", openid.status, openid.body)
	}
}
