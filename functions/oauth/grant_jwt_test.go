package oauth_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
)

const (
	jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	acme     = "https://login.acme.example" // an enterprise
	cluster  = "https://cluster.acme.example"
	nightly  = "system:serviceaccount:clinic:nightly"
)

type claims = map[string]any

// enterprise trusts acme for an application with a secret, and knows that its u-17 is bob.
func (w *world) enterprise(change ...func(*directory.Issuer)) (client, secret string, issuer directory.Issuer) {
	w.t.Helper()
	client, secret = w.secretClient(directory.WebTemplate, nil, "pet-profile:read", "pet-profile:write", "appointment:read")
	issuer = w.trust(directory.Issuer{Name: "Acme", URL: acme, Kind: directory.EnterpriseIssuer, JWKS: jwks(jwk(ecKey, "a", nil)), Clients: []string{client}, Enabled: true}, change...)
	if _, err := w.directory.AddLink(w.t.Context(), issuer.ID, "u-17", "user-bob"); err != nil {
		w.t.Fatal(err)
	}
	return client, secret, issuer
}

// platform trusts cluster for a machine-to-machine application.
func (w *world) platform(change ...func(*directory.Issuer)) (client string, issuer directory.Issuer) {
	w.t.Helper()
	client, _ = w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read", "reminder:write")
	return client, w.trust(directory.Issuer{Name: "Cluster", URL: cluster, Kind: directory.WorkloadIssuer, JWKS: jwks(jwk(edKey, "a", nil)),
		Workloads: []directory.Workload{{Subject: nightly, ClientID: client}}, Enabled: true}, change...)
}

func (w *world) trust(i directory.Issuer, change ...func(*directory.Issuer)) directory.Issuer {
	w.t.Helper()
	for _, c := range change {
		c(&i)
	}
	r, err := w.directory.AddIssuer(w.t.Context(), i)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Value
}

// idJAG is acme's word for u-17 as it should be; nil takes a claim out.
func (w *world) idJAG(client string, change, header claims) string {
	w.t.Helper()
	return w.signedBy(jwt.SigningMethodES256, ecKey, acme, client, change, header)
}

func (w *world) signedBy(method jwt.SigningMethod, key any, issuer, client string, change, header claims) string {
	w.t.Helper()
	all := claims{"iss": issuer, "sub": "u-17", "aud": w.url, "client_id": client, "resource": w.url + "/mcp", "scope": "pet-profile:read"}
	maps.Copy(all, change)
	head := claims{"typ": "oauth-id-jag+jwt"}
	maps.Copy(head, header)
	return w.assertion(method, key, issuer, all, head)
}

// workloadJWT is the cluster's word for the nightly job.
func (w *world) workloadJWT(change, header claims) string {
	w.t.Helper()
	all := claims{"iss": cluster, "sub": nightly, "aud": w.url}
	maps.Copy(all, change)
	return w.assertion(jwt.SigningMethodEdDSA, edKey, cluster, all, header)
}

// bring sends a JWT for a grant; changes are as in request.
func (w *world) bring(raw, client, secret string, changes ...string) tokens {
	w.t.Helper()
	form := url.Values{"grant_type": {jwtGrant}, "assertion": {raw}}
	if client != "" {
		form.Set("client_id", client)
	}
	if secret != "" {
		form.Set("client_secret", secret)
	}
	return w.tokenRequest(form, changes)
}

// TestIDJAG: what an enterprise may say, and what it may not (RFC 7523 §3; draft-ietf-oauth-identity-assertion-authz-grant, "Processing
// Rules" and "Security Considerations").
func TestIDJAG(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	w.platform()
	in := func(d time.Duration) int64 { return w.clock.Now().Add(d).Unix() }
	now := in(0)
	for _, c := range []struct {
		what         string
		change, head claims
		want, says   string
	}{
		{"as it should be", nil, claims{"kid": "a"}, "", ""},
		{"no kid", nil, nil, "", ""},
		{"the kind in full", nil, claims{"typ": "application/OAuth-ID-JAG+JWT"}, "", ""},
		{"no kind: an ID token of the enterprise", nil, claims{"typ": nil}, "invalid_grant", "no issuer with this iss"},
		{"an ID token of the enterprise that says so", nil, claims{"typ": "JWT"}, "invalid_grant", "no issuer with this iss"},
		{"an access token", nil, claims{"typ": "at+jwt"}, "invalid_grant", "typ must be"},
		{"a client's assertion", nil, claims{"typ": "client-authentication+jwt"}, "invalid_grant", "typ must be"},
		{"a proof of a key", nil, claims{"typ": "dpop+jwt"}, "invalid_grant", "typ must be"},
		{"an unknown extension", nil, claims{"crit": []string{"x"}}, "invalid_grant", "extension"},
		{"an unknown kid", nil, claims{"kid": "z"}, "invalid_grant", "not signed"},
		{"an issuer that nobody trusts", claims{"iss": "https://evil.example"}, nil, "invalid_grant", "no issuer with this iss"},
		{"the issuer with a slash", claims{"iss": acme + "/"}, nil, "invalid_grant", "no issuer with this iss"},
		{"the issuer in capitals", claims{"iss": strings.ToUpper(acme)}, nil, "invalid_grant", "no issuer with this iss"},
		{"ourselves", claims{"iss": w.url}, nil, "invalid_grant", "no issuer with this iss"},
		{"an issuer that vouches for programs", claims{"iss": cluster}, nil, "invalid_grant", "no issuer with this iss"},
		{"the client as issuer", claims{"iss": client}, nil, "invalid_grant", "no issuer with this iss"},
		{"no issuer", claims{"iss": nil}, nil, "invalid_grant", "iss is missing"},
		{"no subject", claims{"sub": nil}, nil, "invalid_grant", "sub is missing"},
		{"a subject that nobody linked", claims{"sub": "u-18"}, nil, "invalid_grant", "nobody here"},
		{"the id of a user here", claims{"sub": "user-bob"}, nil, "invalid_grant", "nobody here"},
		{"a name that is not to be looked at", claims{"sub": "u-18", "preferred_username": "bob"}, nil, "invalid_grant", "nobody here"},
		{"no audience", claims{"aud": nil}, nil, "invalid_grant", "aud must be"},
		{"another server", claims{"aud": "https://elsewhere.example"}, nil, "invalid_grant", "aud must be"},
		{"us among others", claims{"aud": []string{w.url, "https://elsewhere.example"}}, nil, "invalid_grant", "aud must be"},
		{"us alone in a list", claims{"aud": []string{w.url}}, nil, "", ""},
		{"the token endpoint", claims{"aud": w.url + "/oauth/token"}, nil, "invalid_grant", "aud must be"},
		{"the MCP server", claims{"aud": w.url + "/mcp"}, nil, "invalid_grant", "aud must be"},
		{"no end", claims{"exp": nil}, nil, "invalid_grant", "exp is missing"},
		{"over", claims{"exp": in(-31 * time.Second)}, nil, "invalid_grant", "expired"},
		{"far too long", claims{"exp": in(11 * time.Minute)}, nil, "invalid_grant", "10 minutes"},
		{"for ever", claims{"exp": int64(1) << 40}, nil, "invalid_grant", "10 minutes"},
		{"no iat", claims{"iat": nil}, nil, "invalid_grant", "iat is missing"},
		{"issued in the future", claims{"iat": in(time.Minute)}, nil, "invalid_grant", "not valid yet"},
		{"issued by a clock that is a little ahead", claims{"iat": in(20 * time.Second)}, nil, "", ""},
		{"not before later", claims{"nbf": in(time.Minute)}, nil, "invalid_grant", "not valid yet"},
		{"no id", claims{"jti": nil}, nil, "invalid_grant", "jti"},
		{"a very long id", claims{"jti": strings.Repeat("x", 257)}, nil, "invalid_grant", "jti"},
		{"too long by far", claims{"x": strings.Repeat("x", 9000)}, nil, "invalid_grant", "8 KiB"},
		{"no client", claims{"client_id": nil}, nil, "invalid_grant", "another client"},
		{"for another client", claims{"client_id": clientID}, nil, "invalid_grant", "another client"},
		{"for no resource", claims{"resource": nil}, nil, "invalid_grant", "resource is missing"},
		{"for a resource by its identifier", claims{"resource": mcp}, nil, "", ""},
		{"for one resource in a list", claims{"resource": []string{w.url + "/mcp"}}, nil, "", ""},
		{"for a resource that nobody knows", claims{"resource": "https://elsewhere.example/mcp"}, nil, "invalid_target", "resource"},
		{"for a resource that the client may not ask for", claims{"resource": w.url + "/admin/api"}, nil, "invalid_target", "resource"},
		{"for two resources", claims{"resource": []string{w.url + "/mcp", w.url + "/admin/api"}}, nil, "invalid_target", "resource"},
		{"a resource that is a number", claims{"resource": 7}, nil, "invalid_grant", "not a JWT"},
		{"without a word on scopes", claims{"scope": nil}, nil, "", ""},
		{"for no scope", claims{"scope": ""}, nil, "invalid_scope", "nothing that was asked for"},
		{"for what the user's role does not allow", claims{"scope": "pet-profile:write"}, nil, "invalid_scope", "pet-profile:write is not in: role"},
		{"for what the client may not ask for", claims{"scope": "reminder:read"}, nil, "invalid_scope", "reminder:read is not in: client"},
		{"a scope that is none", claims{"scope": `a"b`}, nil, "invalid_grant", "scope"},
		{"bound to a key, and no proof of it", claims{"cnf": claims{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, nil, "invalid_grant", "DPoP"},
		{"bound to a key in another way", claims{"cnf": claims{"x5t#S256": "x"}}, nil, "invalid_grant", "DPoP"},
		{"an answer of the future", claims{"iat": now, "auth_time": now, "acr": "high", "tenant": "t"}, nil, "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.bring(w.idJAG(client, c.change, c.head), client, secret)
			if got.expect(t, c.want); !strings.Contains(got.Description, c.says) {
				t.Errorf("it says %q", got.Description)
			}
		})
	}
}

// TestIDJAGKeys: which keys and algorithms count. The keys are those of the issuer, wherever it has them.
func TestIDJAGKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, issuer := w.enterprise()
	public, _ := json.Marshal(jwk(ecKey, "a", nil))
	w.internet.put("https://login.acme.example/keys", string(jwks(jwk(ecKey, "a", nil))))
	w.internet.put("https://login.acme.example/.well-known/openid-configuration", `{"issuer": "`+acme+`", "jwks_uri": "https://login.acme.example/keys"}`)
	atURL := func(uri string) func(*directory.Issuer) {
		return func(i *directory.Issuer) { i.JWKS, i.JWKSURI = nil, uri }
	}
	held := func(keys ...claims) func(*directory.Issuer) {
		return func(i *directory.Issuer) { i.JWKS, i.JWKSURI = jwks(keys...), "" }
	}
	for _, c := range []struct {
		what   string
		method jwt.SigningMethod
		key    any
		kid    any
		keys   func(*directory.Issuer)
		ok     bool
	}{
		{"ES256", jwt.SigningMethodES256, ecKey, "a", held(jwk(ecKey, "a", nil)), true},
		{"RS256", jwt.SigningMethodRS256, rsaKey, "a", held(jwk(rsaKey, "a", nil)), true},
		{"EdDSA", jwt.SigningMethodEdDSA, edKey, "a", held(jwk(edKey, "a", nil)), true},
		{"at a jwks_uri", jwt.SigningMethodES256, ecKey, "a", atURL("https://login.acme.example/keys"), true},
		{"found by discovery", jwt.SigningMethodES256, ecKey, "a", atURL(""), true},
		{"at a jwks_uri that is not there", jwt.SigningMethodES256, ecKey, "a", atURL("https://login.acme.example/none"), false},
		{"none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "a", held(jwk(ecKey, "a", nil)), false},
		{"HS256 with the public key as the secret", jwt.SigningMethodHS256, public, "a", held(jwk(ecKey, "a", nil)), false},
		{"somebody else's key", jwt.SigningMethodES256, ecOther, "a", held(jwk(ecKey, "a", nil)), false},
		{"another key of the set than it says", jwt.SigningMethodES256, ecKey, "b", held(jwk(ecKey, "a", nil), jwk(ecOther, "b", nil)), false},
		{"the key of a client", jwt.SigningMethodES256, ecKey, "a", held(jwk(ecOther, "a", nil)), false},
		{"a weak RSA key", jwt.SigningMethodRS256, rsaWeak, "a", held(jwk(rsaWeak, "a", nil), jwk(ecKey, "b", nil)), false},
	} {
		t.Run(c.what, func(t *testing.T) {
			w.editIssuer(issuer.ID, c.keys)
			want := "invalid_grant"
			if c.ok {
				want = ""
			}
			w.bring(w.signedBy(c.method, c.key, acme, client, nil, claims{"kid": c.kid}), client, secret).expect(t, want)
		})
	}
	// A discovery document that names another issuer is not the issuer's.
	other, otherSecret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	const liar = "https://liar.example"
	w.internet.put(liar+"/.well-known/openid-configuration", `{"issuer": "`+acme+`", "jwks_uri": "https://login.acme.example/keys"}`)
	w.trust(directory.Issuer{Name: "Liar", URL: liar, Kind: directory.EnterpriseIssuer, Clients: []string{other}, Enabled: true})
	w.bring(w.signedBy(jwt.SigningMethodES256, ecKey, liar, other, nil, nil), other, otherSecret).expect(t, "invalid_grant")
}

func (w *world) editIssuer(id string, change func(*directory.Issuer)) {
	w.t.Helper()
	r, err := w.directory.IssuerRecord(w.t.Context(), id)
	if err == nil {
		change(&r.Value)
		_, err = w.directory.UpdateIssuer(w.t.Context(), r.Value, r.Version)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestIDJAGRequest: the same JWT, brought in other ways and by others. None of it uses up the JWT.
func TestIDJAGRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	other, otherSecret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	w.platform()
	raw := w.idJAG(client, nil, nil)
	for _, c := range []struct {
		what, client, secret string
		change               []string
		want                 string
	}{
		{"without the client's secret", client, "", nil, "invalid_client"},
		{"with a wrong secret", client, secret + "x", nil, "invalid_client"},
		{"by nobody", "", "", nil, "invalid_client"},
		{"by another client", other, otherSecret, nil, "unauthorized_client"},
		{"by a public client", clientID, "", nil, "unauthorized_client"},
		{"no assertion", client, secret, []string{"assertion", ""}, "invalid_request"},
		{"no JWT", client, secret, []string{"assertion", "x.y.z"}, "invalid_grant"},
		{"a changed signature", client, secret, []string{"assertion", raw[:len(raw)-4] + "AAAA"}, "invalid_grant"},
		{"changed claims", client, secret, []string{"assertion", forged(raw, "pet-profile:write")}, "invalid_grant"},
		{"as a code", client, secret, []string{"grant_type", "authorization_code", "code", raw, "code_verifier", verifier}, "invalid_grant"},
		{"as a refresh token", client, secret, []string{"grant_type", "refresh_token", "refresh_token", raw}, "invalid_grant"},
		{"as the client's proof", "", "", []string{"client_assertion_type", assertionType, "client_assertion", raw}, "invalid_client"},
		{"a workload's JWT for a client that proves itself", client, secret, []string{"assertion", w.workloadJWT(nil, nil)}, "invalid_grant"},
		{"a workload's JWT under another name", client, "", []string{"assertion", w.workloadJWT(nil, nil)}, "invalid_grant"},
		{"for another resource", client, secret, []string{"resource", w.url + "/admin/api"}, "invalid_target"},
		{"for more than it says", client, secret, []string{"scope", "appointment:read"}, "invalid_scope"},
		{"a scope that is none", client, secret, []string{"scope", "a  b"}, "invalid_scope"},
		// Last, so that it was good for all of them.
		{"as it should be", client, secret, []string{"resource", mcp, "scope", "pet-profile:read appointment:read openid"}, ""},
		{"a second time", client, secret, nil, "invalid_grant"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.bring(raw, c.client, c.secret, c.change...)
			got.expect(t, c.want)
		})
	}
}

// TestIDJAGOfAStranger: who registered itself, or proves nothing, does not learn whom we trust ("Metadata Disclosure" in the draft), and makes us ask
// nobody for keys.
func TestIDJAGOfAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enterprise(func(i *directory.Issuer) { i.JWKS = nil }) // its keys are where its discovery document says
	stranger := w.register("", `{"client_name": "Stranger", "redirect_uris": ["`+w.url+`/callback"]}`)
	for _, c := range []struct{ id, secret string }{{clientID, ""}, {stranger.ClientID, stranger.Secret}} {
		trusted := w.bring(w.idJAG(c.id, nil, nil), c.id, c.secret)
		trusted.expect(t, "unauthorized_client")
		if other := w.bring(w.idJAG(c.id, claims{"iss": "https://elsewhere.example"}, nil), c.id, c.secret); other != trusted {
			t.Errorf("of one whom we trust %+v, of another %+v", trusted, other)
		}
	}
	if w.internet.asked != 0 {
		t.Errorf("asked for keys %d times", w.internet.asked)
	}
}

// TestIDJAGToken: whose token it is, what it may do, and that no refresh token comes with it.
func TestIDJAGToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	got := w.bring(w.idJAG(client, claims{"scope": "pet-profile:read pet-profile:write appointment:read"}, nil), client, secret)
	got.expect(t, "")
	c, err := w.verifier.Verify(t.Context(), got.Access)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "user-bob" || c.ClientID != client || c.Scope != "pet-profile:read appointment:read" || got.Scope != c.Scope || got.Refresh != "" || got.Type != "Bearer" {
		t.Errorf("%+v, %+v", got, c)
	}
	for _, e := range w.events() {
		if e.Name == "token" && (e.UserID != "user-bob" || e.ClientID != client || e.Details["issuer"] != acme) {
			t.Errorf("recorded %+v", e)
		}
	}
}

// TestIDJAGEnds: whatever a token of an enterprise's word stands on, it ends with it, at introspection at once.
func TestIDJAGEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		what string
		do   func(w *world, client, secret, token string, issuer directory.Issuer) error
	}{
		{"the client gives it back", func(w *world, client, secret, token string, _ directory.Issuer) error {
			w.post("/oauth/revoke", url.Values{"token": {token}, "client_id": {client}, "client_secret": {secret}})
			return nil
		}},
		{"the link is removed", func(w *world, _, _, _ string, issuer directory.Issuer) error {
			return w.directory.RemoveLink(t.Context(), issuer.ID, "u-17")
		}},
		{"the subject is somebody else now", func(w *world, _, _, _ string, issuer directory.Issuer) error {
			err := w.directory.RemoveLink(t.Context(), issuer.ID, "u-17")
			_, err2 := w.directory.AddLink(t.Context(), issuer.ID, "u-17", "user-alice")
			return errors.Join(err, err2)
		}},
		{"the issuer is disabled", func(w *world, _, _, _ string, issuer directory.Issuer) error {
			w.editIssuer(issuer.ID, func(i *directory.Issuer) { i.Enabled = false })
			return nil
		}},
		{"the issuer does not name the client any more", func(w *world, _, _, _ string, issuer directory.Issuer) error {
			w.editIssuer(issuer.ID, func(i *directory.Issuer) { i.Clients = nil })
			return nil
		}},
		{"the issuer is deleted", func(w *world, _, _, _ string, issuer directory.Issuer) error {
			return w.directory.DeleteIssuer(t.Context(), issuer.ID, 1)
		}},
		{"the user is signed out everywhere", func(w *world, _, _, _ string, _ directory.Issuer) error {
			return w.directory.SignOut(t.Context(), "user-bob")
		}},
		{"the user is disabled", func(w *world, _, _, _ string, _ directory.Issuer) error {
			r, err := w.directory.UserRecord(t.Context(), "user-bob")
			if err != nil {
				return err
			}
			disabled := true
			_, err = w.directory.UpdateUser(t.Context(), "user-bob", r.Version, directory.UserEdit{Disabled: &disabled})
			return err
		}},
		{"the client may not ask there any more", func(w *world, client, _, _ string, _ directory.Issuer) error {
			r, err := w.directory.ClientRecord(t.Context(), client)
			if err != nil {
				return err
			}
			_, err = w.directory.AuthorizeClient(t.Context(), client, r.Version, mcp, nil)
			return err
		}},
	} {
		t.Run(end.what, func(t *testing.T) {
			w := newWorld(t)
			client, secret, issuer := w.enterprise()
			got := w.bring(w.idJAG(client, nil, nil), client, secret)
			late := w.idJAG(client, nil, nil) // issued before the end
			if !w.isActive(got.Access, basic(client, secret)) {
				t.Fatalf("not active from the start: %+v", got)
			}
			if err := end.do(w, client, secret, got.Access, issuer); err != nil {
				t.Fatal(err)
			}
			if w.isActive(got.Access, basic(client, secret)) {
				t.Error("still active")
			}
			if again := w.bring(late, client, secret); end.what != "the client gives it back" && end.what != "the subject is somebody else now" && again.Access != "" {
				t.Errorf("and another one is given: %+v", again)
			}
		})
	}
}

// TestIDJAGRace: of many who bring one JWT at once, one gets a token.
func TestIDJAGRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	raw := w.idJAG(client, nil, nil)
	var wait sync.WaitGroup
	got := make([]tokens, 8)
	for i := range got {
		wait.Go(func() { got[i] = w.bring(raw, client, secret) })
	}
	wait.Wait()
	won := 0
	for _, g := range got {
		if g.Status == http.StatusOK {
			won++
		} else {
			g.expect(t, "invalid_grant")
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

// TestIDJAGMatch: an administrator can let a claim name a user by the username, and links come first.
func TestIDJAGMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, issuer := w.enterprise(func(i *directory.Issuer) { i.Match = "preferred_username" })
	for _, c := range []struct {
		match  string
		change claims
		want   string // user; empty: refused
	}{
		{"preferred_username", claims{"sub": "u-18", "preferred_username": "Alice"}, "user-alice"},
		{"preferred_username", claims{"sub": "u-18", "preferred_username": "nobody"}, ""},
		{"preferred_username", claims{"sub": "u-18"}, ""},
		{"preferred_username", claims{"sub": "u-18", "email": "alice", "email_verified": true}, ""},
		{"preferred_username", claims{"sub": "u-17", "preferred_username": "alice"}, "user-bob"}, // linked
		{"email", claims{"sub": "u-18", "email": "alice", "email_verified": true}, "user-alice"},
		{"email", claims{"sub": "u-18", "email": "alice"}, ""}, // nobody verified it
		{"email", claims{"sub": "u-18", "preferred_username": "alice"}, ""},
		{"", claims{"sub": "u-18", "preferred_username": "alice"}, ""},
	} {
		w.editIssuer(issuer.ID, func(i *directory.Issuer) { i.Match = c.match })
		got := w.bring(w.idJAG(client, c.change, nil), client, secret)
		if c.want == "" {
			got.expect(t, "invalid_grant")
			continue
		}
		if got.expect(t, ""); got.Access == "" {
			continue
		}
		verified, err := w.verifier.Verify(t.Context(), got.Access)
		if err != nil || verified.Subject != c.want {
			t.Errorf("%s, %v: %s, %v", c.match, c.change, verified.Subject, err)
		}
	}
}

// TestOwnWord: nobody gets access here by what we signed ourselves, whatever kind of JWT it is.
func TestOwnWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	now := w.clock.Now()
	all := jwt.MapClaims{"iss": w.url, "sub": "u-17", "aud": w.url, "client_id": client, "resource": w.url + "/mcp", "scope": "pet-profile:read",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": "own"}
	for _, typ := range []string{"oauth-id-jag+jwt", "JWT", "at+jwt"} {
		raw, err := w.keyring().Sign(t.Context(), typ, all)
		if err != nil {
			t.Fatal(err)
		}
		w.bring(raw, client, secret).expect(t, "invalid_grant")
		w.bring(raw, "", "").expect(t, map[string]string{"oauth-id-jag+jwt": "invalid_client", "JWT": "invalid_grant", "at+jwt": "invalid_client"}[typ])
	}
	if _, err := w.directory.AddIssuer(t.Context(), directory.Issuer{Name: "Us", URL: w.url, Kind: directory.EnterpriseIssuer, JWKS: jwks(jwk(ecKey, "a", nil))}); err == nil {
		t.Error("we may be trusted by ourselves")
	}
}
