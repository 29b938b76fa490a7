package oauth_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const mcp = "mcp://vetassist"

// secretClient makes an application with a secret, authorized for scopes of the MCP server.
func (w *world) secretClient(template string, roles []string, scopes ...string) (id, secret string) {
	w.t.Helper()
	n := directory.NewClient{Name: "Has a secret", Template: template, Roles: roles}
	if template == directory.WebTemplate {
		n.RedirectURIs = []string{w.url + "/callback"}
	}
	r, secret, err := w.directory.AddClient(w.t.Context(), n)
	if err == nil && len(scopes) > 0 {
		r, err = w.directory.AuthorizeClient(w.t.Context(), r.Value.ID, r.Version, mcp, scopes)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Value.ID, secret
}

// basic authenticates a client in the header, both halves form-encoded.
func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

// TestClientAuthentication: who sends what, and whether that proves who it is. The grant is one that needs nothing else.
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
	none := func(*http.Request) {}
	for _, c := range []struct {
		what   string
		header func(*http.Request)
		body   url.Values
		want   string
	}{
		{"by header", basic(id, secret), nil, ""},
		{"by header, and named in the body", basic(id, secret), url.Values{"client_id": {id}}, ""},
		{"in the body", none, url.Values{"client_id": {id}, "client_secret": {secret}}, ""},
		{"without the secret", none, url.Values{"client_id": {id}}, "invalid_client"},
		{"an empty secret", basic(id, ""), nil, "invalid_client"},
		{"an empty secret in the body", none, url.Values{"client_id": {id}, "client_secret": {""}}, "invalid_client"},
		{"a wrong secret", basic(id, secret+"x"), nil, "invalid_client"},
		{"a wrong secret in the body", none, url.Values{"client_id": {id}, "client_secret": {"x" + secret}}, "invalid_client"},
		{"its hash", none, url.Values{"client_id": {id}, "client_secret": {challengeOf(secret)}}, "invalid_client"},
		{"in both ways", basic(id, secret), url.Values{"client_id": {id}, "client_secret": {secret}}, "invalid_request"},
		{"two names", basic(id, secret), url.Values{"client_id": {clientID}}, "invalid_request"},
		{"nobody", basic("nobody", secret), nil, "invalid_client"},
		{"no name", none, url.Values{"client_secret": {secret}}, "invalid_client"},
		{"a bearer token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }, nil, "invalid_client"},
		{"a header that is not form-encoded", func(r *http.Request) { r.SetBasicAuth(id, "%zz") }, nil, "invalid_client"},
		{"a public client with a secret", none, url.Values{"client_id": {clientID}, "client_secret": {secret}}, "invalid_client"},
		{"a public client by header", basic(clientID, secret), nil, "invalid_client"},
		{"an assertion", none, url.Values{"client_id": {id}, "client_assertion": {"x"}}, "invalid_client"},
	} {
		form := url.Values{"grant_type": {"client_credentials"}}
		for name, values := range c.body {
			form[name] = values
		}
		got, a := w.post("/oauth/token", form, c.header)
		t.Run(c.what, func(t *testing.T) {
			got.expect(t, c.want)
			if challenge := a.header.Get("WWW-Authenticate"); (challenge != "") != (c.want == "invalid_client") {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
		})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	staff, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read", "reminder:read")
	got, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {w.url + "/mcp"}}, basic(staff, secret))
	got.expect(t, "")
	if got.Scope != "pet-profile:read reminder:read" || got.Refresh != "" || got.ExpiresIn != 600 {
		t.Errorf("%+v", got)
	}
	claims, err := w.verifier.Verify(t.Context(), got.Access)
	if err != nil || claims.Subject != staff || claims.ClientID != staff || !slices.Equal(claims.Roles, []string{"Vet Staff"}) || !slices.Contains(claims.Audience, mcp) {
		t.Errorf("%+v %v", claims, err)
	}

	owner, ownerSecret := w.secretClient(directory.MachineTemplate, []string{"Pet Owner"}, "pet-profile:read", "pet-profile:write")
	idle, idleSecret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
	lone, loneSecret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"})
	site, siteSecret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	for _, c := range []struct {
		what, id, secret string
		form             url.Values
		want, scope      string
	}{
		{"one of them", staff, secret, url.Values{"scope": {"reminder:read"}}, "", "reminder:read"},
		{"more than it is authorized for", staff, secret, url.Values{"scope": {"reminder:read reminder:write"}}, "", "reminder:read"},
		{"only what it is not authorized for", staff, secret, url.Values{"scope": {"reminder:write"}}, "invalid_scope", ""},
		{"less than authorized, by its role", owner, ownerSecret, nil, "", "pet-profile:read"},
		{"no role", idle, idleSecret, nil, "invalid_scope", ""},
		{"no server", lone, loneSecret, nil, "invalid_target", ""},
		{"an unknown server", staff, secret, url.Values{"resource": {"https://other.example"}}, "invalid_target", ""},
		{"broken scope", staff, secret, url.Values{"scope": {"a\"b"}}, "invalid_scope", ""},
		{"another template", site, siteSecret, nil, "unauthorized_client", ""},
		{"a code grant", staff, secret, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}, "unauthorized_client", ""},
	} {
		form := url.Values{"grant_type": {"client_credentials"}}
		for name, values := range c.form {
			form[name] = values
		}
		got, _ := w.post("/oauth/token", form, basic(c.id, c.secret))
		t.Run(c.what, func(t *testing.T) {
			if got.expect(t, c.want); got.Scope != c.scope {
				t.Errorf("scope %q, want %q", got.Scope, c.scope)
			}
		})
	}
	if public, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}}); public.Error != "unauthorized_client" {
		t.Errorf("a public client: %+v", public)
	}

	// Not even one that was registered for the grant, if it has no secret.
	bare := directory.Client{ID: "bare", Name: "Bare", GrantTypes: []string{"client_credentials"}, Authorized: map[string][]string{mcp: {"pet-profile:read"}}, Roles: []string{"Vet Staff"}}
	if err := w.directory.PutClient(t.Context(), bare, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"bare"}}); got.Error != "unauthorized_client" {
		t.Errorf("a client without a secret: %+v", got)
	}

	r, err := w.directory.ClientRecord(t.Context(), staff)
	if err != nil {
		t.Fatal(err)
	}
	off := true
	if _, err := w.directory.UpdateClient(t.Context(), staff, r.Version, directory.ClientEdit{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	after, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(staff, secret))
	after.expect(t, "invalid_client")
}

// A web application with a secret needs it for every request that it makes of itself, PKCE or not.
func TestCodeOfAConfidentialClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	code := w.code("client_id", id)
	w.redeem(code, "client_id", id).expect(t, "invalid_client")
	got := w.redeem(code, "client_id", id, "client_secret", secret) // the refusal before did not use it up
	got.expect(t, "")
	w.refresh(got.Refresh, "client_id", id).expect(t, "invalid_client")
	again := w.refresh(got.Refresh, "client_id", id, "client_secret", secret)
	again.expect(t, "")
	if _, a := w.post("/oauth/revoke", url.Values{"client_id": {id}, "token": {again.Refresh}}); a.status != http.StatusUnauthorized {
		t.Errorf("revoked without the secret: %d", a.status)
	}
	if _, a := w.post("/oauth/revoke", url.Values{"token": {again.Refresh}}, basic(id, secret)); a.status != http.StatusOK {
		t.Errorf("revoking: %d %s", a.status, a.body)
	}
	w.refresh(again.Refresh, "client_id", id, "client_secret", secret).expect(t, "invalid_grant")
}
