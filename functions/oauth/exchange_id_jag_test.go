package oauth_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	idJAGToken    = "urn:ietf:params:oauth:token-type:id-jag"
	idToken       = "urn:ietf:params:oauth:token-type:id_token"
	elsewhere     = "https://auth.chat.example" // an authorization server that relies on us
)

func (w *world) keyring() *token.Keyring {
	return token.NewKeyring(w.url, store.Restrict(w.db, token.PrivatePartitions[0], token.PublicPartitions[0]), w.clock.Now, rand.Reader)
}

// relied lets an application bring our word to the server elsewhere.
func (w *world) relied() (client, secret string, relying directory.RelyingServer) {
	w.t.Helper()
	client, secret = w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	r, err := w.directory.AddRelyingServer(w.t.Context(), directory.RelyingServer{Name: "Chat", Issuer: elsewhere, Resources: []string{"https://mcp.chat.example"},
		Scopes: []string{"chat.read", "chat.history"}, Clients: []directory.RelyingClient{{ID: client, ClientID: "f53f191f9311af35"}}, Enabled: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return client, secret, r.Value
}

// loggedIn is a grant that somebody gave a client to know who it is, and for nothing else.
func (w *world) loggedIn(user, client string) access.Grant {
	w.t.Helper()
	now := w.clock.Now().UTC()
	consent, allow, err := w.directory.Allow(w.t.Context(), user, client, directory.LoginServer, []string{"openid"})
	g := access.Grant{ID: rand.Text(), UserID: user, ClientID: client, Server: directory.LoginServer, Identity: []string{"openid"},
		Since: now, AuthTime: now, Consent: consent.Since, LastUsed: now, Ends: now.Add(token.Lifetime)}
	if err == nil || errors.Is(err, directory.ErrSignedOut) { // nobody's, too
		err = w.db.Write(w.t.Context(), append(allow, access.BeginGrant(g, "")...)...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// idTokenOf is bob's ID token for a client, as it should be; nil takes a claim out.
func (w *world) idTokenOf(client, typ string, change claims) string {
	w.t.Helper()
	now := w.clock.Now()
	all := jwt.MapClaims{"iss": w.url, "sub": "user-bob", "aud": client, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Unix()}
	maps.Copy(all, change)
	if user, _ := all["sub"].(string); user != "" && change["jti"] == nil {
		all["jti"] = w.loggedIn(user, client).ID + "." + rand.Text()
	}
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	raw, err := w.keyring().Sign(w.t.Context(), typ, all)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// exchangeIDToken asks for our word; changes are as in request.
func (w *world) exchangeIDToken(raw, client, secret string, changes ...string) tokens {
	w.t.Helper()
	return w.tokenRequest(url.Values{"grant_type": {exchangeGrant}, "requested_token_type": {idJAGToken}, "audience": {elsewhere}, "resource": {"https://mcp.chat.example"},
		"scope": {"chat.read"}, "subject_token": {raw}, "subject_token_type": {idToken}, "client_id": {client}, "client_secret": {secret}}, changes)
}

// TestIssueIDJAG: what we sign for another authorization server (draft-ietf-oauth-identity-assertion-authz-grant, "ID-JAG Claims").
func TestIssueIDJAG(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.relied()
	got := w.exchangeIDToken(w.idTokenOf(client, "JWT", nil), client, secret, "scope", "chat.read chat.delete")
	got.expect(t, "")
	parts := strings.Split(got.Access, ".")
	var head, says map[string]any
	for i, v := range []any{&head, &says} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	now := float64(w.clock.Now().Unix())
	if id, _ := says["jti"].(string); len(id) < 22 {
		t.Errorf("jti %q", id)
	}
	delete(says, "jti")
	want := map[string]any{"iss": w.url, "sub": "user-bob", "aud": []any{elsewhere}, "client_id": "f53f191f9311af35", "resource": "https://mcp.chat.example",
		"scope": "chat.read", "iat": now, "exp": now + 300, "auth_time": now}
	if !equalJSON(says, want) || head["typ"] != "oauth-id-jag+jwt" || head["alg"] != "ES256" || head["kid"] == nil {
		t.Errorf("%v %v, want %v", head, says, want)
	}
	if got.Type != "N_A" || got.Issued != idJAGToken || got.ExpiresIn != 300 || got.Scope != "chat.read" || got.Refresh != "" {
		t.Errorf("%+v", got)
	}
	// It opens nothing here: not as a token, and not as a grant ("Cross-Domain Use" in the draft).
	if _, err := w.verifier.Verify(t.Context(), got.Access); err == nil {
		t.Error("it is an access token here")
	}
	if w.isActive(got.Access, basic(client, secret)) {
		t.Error("introspection says that it is active")
	}
	w.bring(got.Access, client, secret).expect(t, "invalid_grant")
	found := false
	for _, e := range w.events() {
		found = found || e.Name == "token" && e.UserID == "user-bob" && e.ClientID == client && e.Details["audience"] == elsewhere && e.Details["scope"] == "chat.read"
	}
	if !found {
		t.Error("it is not in the audit log")
	}
	// Without a scope it is for all that is allowed there.
	if got := w.exchangeIDToken(w.idTokenOf(client, "JWT", nil), client, secret, "scope", ""); got.Scope != "chat.read chat.history" {
		t.Errorf("%+v", got)
	}
}

func equalJSON(x, y any) bool {
	a, err1 := json.Marshal(x)
	b, err2 := json.Marshal(y)
	return err1 == nil && err2 == nil && string(a) == string(b)
}

// TestNoIDJAG: for whom and for what we sign nothing.
func TestNoIDJAG(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, relying := w.relied()
	other, otherSecret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	good := w.idTokenOf(client, "JWT", nil)
	old := w.idTokenOf(client, "JWT", claims{"sub": "user-alice", "iat": w.clock.Now().Unix()})
	if err := w.directory.SignOut(t.Context(), "user-alice"); err != nil {
		t.Fatal(err)
	}
	access := w.redeem(w.code("client_id", other), "client_id", other, "client_secret", otherSecret)
	for _, c := range []struct {
		what, raw, client, secret string
		change                    []string
		want                      string
	}{
		{"as it should be", good, client, secret, nil, ""},
		{"without the secret", good, client, "", nil, "invalid_client"},
		{"a client that nobody named there", w.idTokenOf(other, "JWT", nil), other, otherSecret, nil, "invalid_target"},
		{"a public client", w.idTokenOf(clientID, "JWT", nil), clientID, "", nil, "unauthorized_client"},
		{"another client's ID token", w.idTokenOf(other, "JWT", nil), client, secret, nil, "invalid_grant"},
		{"an ID token of another issuer", w.idTokenOf(client, "JWT", claims{"iss": elsewhere}), client, secret, nil, "invalid_grant"},
		{"an ID token that is over", w.idTokenOf(client, "JWT", claims{"exp": w.clock.Now().Add(-time.Second).Unix()}), client, secret, nil, "invalid_grant"},
		{"an ID token without an end", w.idTokenOf(client, "JWT", claims{"exp": nil}), client, secret, nil, "invalid_grant"},
		{"an ID token of a grant that nobody knows", w.idTokenOf(client, "JWT", claims{"jti": "x.y"}), client, secret, nil, "invalid_grant"},
		{"an ID token of no grant", w.idTokenOf(client, "JWT", claims{"jti": ""}), client, secret, nil, "invalid_grant"},
		{"an ID token of another client's grant", w.idTokenOf(client, "JWT", claims{"jti": w.loggedIn("user-bob", other).ID + ".x"}), client, secret, nil, "invalid_grant"},
		{"an ID token of another user's grant", w.idTokenOf(client, "JWT", claims{"jti": w.loggedIn("user-carol", client).ID + ".x"}), client, secret, nil, "invalid_grant"},
		{"an ID token of nobody", w.idTokenOf(client, "JWT", claims{"sub": nil}), client, secret, nil, "invalid_grant"},
		{"an ID token of one who is gone", w.idTokenOf(client, "JWT", claims{"sub": "user-nobody"}), client, secret, nil, "invalid_grant"},
		{"an ID token from before the user was signed out", old, client, secret, nil, "invalid_grant"},
		{"an access token as the ID token", access.Access, other, otherSecret, nil, "invalid_target"},
		{"an access token of the client as the ID token", w.idTokenOf(client, "at+jwt", nil), client, secret, nil, "invalid_grant"},
		{"our word for others as the ID token", w.idTokenOf(client, "oauth-id-jag+jwt", nil), client, secret, nil, "invalid_grant"},
		{"nonsense", "x.y.z", client, secret, nil, "invalid_grant"},
		{"signed by the client", w.assertion(jwt.SigningMethodES256, ecKey, client, claims{"iss": w.url, "sub": "user-bob", "aud": client}, nil), client, secret, nil, "invalid_grant"},
		{"no ID token", "", client, secret, []string{"subject_token", ""}, "invalid_request"},
		{"an access token by its name", good, client, secret, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"},
		{"a refresh token by its name", good, client, secret, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"},
		{"an actor", good, client, secret, []string{"actor_token", good, "actor_token_type", idToken}, "invalid_request"},
		{"no audience", good, client, secret, []string{"audience", ""}, "invalid_request"},
		{"an audience that nobody knows", good, client, secret, []string{"audience", "https://evil.example"}, "invalid_target"},
		{"the audience with a slash", good, client, secret, []string{"audience", elsewhere + "/"}, "invalid_target"},
		{"ourselves", good, client, secret, []string{"audience", w.url}, "invalid_target"},
		{"no resource", good, client, secret, []string{"resource", ""}, "invalid_request"},
		{"a resource of others", good, client, secret, []string{"resource", "https://evil.example/mcp"}, "invalid_target"},
		{"scopes that nobody allowed", good, client, secret, []string{"scope", "chat.delete"}, "invalid_scope"},
		{"a scope that is none", good, client, secret, []string{"scope", "a  b"}, "invalid_scope"},
	} {
		t.Run(c.what, func(t *testing.T) { w.exchangeIDToken(c.raw, c.client, c.secret, c.change...).expect(t, c.want) })
	}
	relying.Enabled = false
	if _, err := w.directory.UpdateRelyingServer(t.Context(), relying, 1); err != nil {
		t.Fatal(err)
	}
	w.exchangeIDToken(good, client, secret).expect(t, "invalid_target")
}

// TestOurOwnWord: what we sign for others counts nowhere here, not even if we have come to be called what an administrator trusts ("Cross-Domain
// Use" in the draft). The administrator is stopped before that; so the record is written past those checks.
func TestOurOwnWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	own := directory.Issuer{ID: directory.TrustID(w.url), Name: "We", URL: w.url, Kind: directory.EnterpriseIssuer, JWKS: jwks(jwk(ecKey, "a", nil)), Clients: []string{client}, Enabled: true}
	if err := w.db.Write(t.Context(), store.Put(store.Encode("trust/all", "issuer/"+own.ID, own, time.Time{}), store.IfAbsent())); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.AddLink(t.Context(), own.ID, "u-17", "user-bob"); err != nil {
		t.Fatal(err)
	}
	got := w.bring(w.signedBy(jwt.SigningMethodES256, ecKey, w.url, client, nil, nil), client, secret)
	if got.expect(t, "invalid_grant"); !strings.Contains(got.Description, "no issuer with this iss is trusted here") {
		t.Errorf("it says %q", got.Description)
	}
}

// TestNoIDJAGOfWhatEnded: an ID token lives for minutes after the person has taken back what it came with, or the client has given it back. It is
// good for nothing then.
func TestNoIDJAGOfWhatEnded(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(w *world, got tokens, client, secret string) error{
		"the consent is withdrawn": func(w *world, _ tokens, client, _ string) error {
			return w.directory.Withdraw(t.Context(), "user-bob", client, mcp)
		},
		"the consent is withdrawn and given again": func(w *world, _ tokens, client, _ string) error {
			err := w.directory.Withdraw(t.Context(), "user-bob", client, mcp)
			w.clock.Advance(time.Second)
			w.code("client_id", client, "scope", "openid pet-profile:read")
			return err
		},
		"the client has revoked its tokens": func(w *world, got tokens, client, secret string) error {
			w.post("/oauth/revoke", url.Values{"token": {got.Refresh}}, basic(client, secret))
			return nil
		},
		"the user is signed out everywhere": func(w *world, _ tokens, _, _ string) error { return w.directory.SignOut(t.Context(), "user-bob") },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			client, secret, _ := w.relied()
			got := w.redeem(w.code("client_id", client, "scope", "openid pet-profile:read"), "client_id", client, "client_secret", secret)
			w.exchangeIDToken(got.ID, client, secret).expect(t, "")
			fresh := w.refresh(got.Refresh, "client_id", client, "client_secret", secret)
			w.exchangeIDToken(fresh.ID, client, secret).expect(t, "")
			w.clock.Advance(time.Second)
			if err := end(w, fresh, client, secret); err != nil {
				t.Fatal(err)
			}
			for _, raw := range []string{got.ID, fresh.ID} {
				w.exchangeIDToken(raw, client, secret).expect(t, "invalid_grant")
			}
		})
	}
}
