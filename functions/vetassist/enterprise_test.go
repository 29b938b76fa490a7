package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/federation"
	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// merger is two VetAssists: a company where people log in, and a clinic that takes its word for them. One assistant is registered at both.
// Alice of the company is Bob at the clinic: that their ids differ shows whose count where.
type merger struct {
	t               *testing.T
	company, clinic *world
	at              struct{ company, clinic administrator }
	there, here     struct{ ID, Secret string } // the assistant at the company, and at the clinic
	issuer, relying string                      // their ids in the APIs
}

func newMerger(t *testing.T) *merger {
	t.Helper()
	m := &merger{t: t, company: newWorld(t), clinic: newWorld(t)}
	m.at.company, m.at.clinic = m.company.administrator(), m.clinic.administrator()
	m.there.ID, m.there.Secret = m.at.company.assistant("pet-profile:read")
	m.here.ID, m.here.Secret = m.at.clinic.assistant("pet-profile:read", "pet-profile:write")
	type made struct{ ID string }
	var keys json.RawMessage = m.company.send("GET", "/.well-known/jwks.json", "").body
	m.issuer = call[made](m.at.clinic, "POST", "/trusted-issuers", map[string]any{"issuer": m.company.URL, "kind": "enterprise", "name": "The company", "enabled": true,
		"jwks": keys, "clients": []string{m.here.ID}}).ID
	call[any](m.at.clinic, "POST", "/trusted-issuers/"+m.issuer+"/links", map[string]any{"subject": "user-alice", "user_id": "user-bob"})
	m.relying = call[made](m.at.company, "POST", "/relying-servers", map[string]any{"issuer": m.clinic.URL, "name": "The clinic", "enabled": true,
		"resources": []string{m.clinic.URL + "/mcp"}, "scopes": []string{"pet-profile:read", "pet-profile:write"}, "clients": []any{map[string]any{"id": m.there.ID, "client_id": m.here.ID}}}).ID
	return m
}

// assistant registers a web application with a secret.
func (a administrator) assistant(scopes ...string) (id, secret string) {
	a.t.Helper()
	app := call[struct {
		ID     string `json:"id"`
		Secret string `json:"client_secret"`
		ETag   string `json:"etag"`
	}](a, "POST", "/applications", map[string]any{"name": "Assistant", "template": "Web application with a secret", "redirect_uris": []string{"https://assistant.example/callback"}})
	call[any](a, "PUT", "/applications/"+app.ID+"/authorizations/"+mcpServerID, map[string]any{"scopes": scopes}, "If-Match", app.ETag)
	return app.ID, app.Secret
}

// idToken is what the assistant has from somebody's login at the company.
func (m *merger) idToken(user string) string {
	m.t.Helper()
	db, closeDB, err := m.company.options.Open(m.t.Context(), m.company.clock.Now)
	if err != nil {
		m.t.Fatal(err)
	}
	defer closeDB()
	now := m.company.clock.Now().UTC()
	consent, ops, err := directory.New(db, m.company.URL, true, m.company.clock.Now).Allow(m.t.Context(), user, m.there.ID, directory.LoginServer, []string{"openid"})
	grant := access.Grant{ID: rand.Text(), UserID: user, ClientID: m.there.ID, Server: directory.LoginServer, Identity: []string{"openid"},
		Since: now, AuthTime: now, Consent: consent.Since, LastUsed: now, Ends: now.Add(token.Lifetime)}
	if err == nil {
		err = db.Write(m.t.Context(), append(ops, access.BeginGrant(grant, "")...)...)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	keys := token.NewKeyring(m.company.URL, store.Restrict(db, append(token.PrivatePartitions, token.PublicPartitions...)...), m.company.clock.Now, rand.Reader)
	raw, err := keys.MintID(m.t.Context(), token.ID{ID: grant.ID + ".1", Subject: user, ClientID: m.there.ID, AuthTime: now})
	if err != nil {
		m.t.Fatal(err)
	}
	return raw
}

// client is the assistant, when somebody uses it who has logged in at the company.
func (m *merger) client(idToken string) federation.Client {
	company := federation.Enterprise{TokenEndpoint: m.company.URL + "/oauth/token", ID: m.there.ID, Secret: m.there.Secret,
		IDToken: func(context.Context) (string, error) { return idToken, nil }}
	return federation.Client{ID: m.here.ID, Secret: m.here.Secret, Issuer: m.clinic.URL, Word: company.Word, Now: m.clinic.clock.Now}
}

// word is the company's word for somebody, as it goes over the wire.
func (m *merger) word(idToken string) string {
	m.t.Helper()
	got := m.company.post("/oauth/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "requested_token_type": {"urn:ietf:params:oauth:token-type:id-jag"},
		"audience": {m.clinic.URL}, "resource": {m.clinic.URL + "/mcp"}, "scope": {"pet-profile:read"}, "subject_token": {idToken},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}, "client_id": {m.there.ID}, "client_secret": {m.there.Secret}})
	if got.status != http.StatusOK {
		m.t.Fatalf("%d %s %s", got.status, got.Error, got.Description)
	}
	return got.Access
}

func (m *merger) bring(to *world, word, id, secret string) tokens {
	return to.post("/oauth/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {word}, "client_id": {id}, "client_secret": {secret}})
}

// TestEnterprise: whoever has logged in at the company asks the clinic about Fido, and is asked for nothing there.
func TestEnterprise(t *testing.T) {
	t.Parallel()
	m := newMerger(t)
	session, err := m.client(m.idToken("user-alice")).Connect(t.Context(), m.clinic.URL+"/mcp")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_pet_vaccination_info", Arguments: map[string]any{"pet": "Fido"}})
	if err != nil || res.IsError {
		t.Fatalf("%+v, %v", res, err)
	}
	if text := res.Content[0].(*mcp.TextContent).Text; !strings.Contains(text, "Fido") || !strings.Contains(text, "due") {
		t.Errorf("it says %q", text)
	}
	// Alice's own cat at the company is nobody's there.
	if res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_pet", Arguments: map[string]any{"pet": "Luna"}}); err != nil || !res.IsError {
		t.Errorf("Luna: %+v, %v", res, err)
	}
	// What the company's word does not allow, or Bob's role here, no token holds.
	if res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "update_pet", Arguments: map[string]any{"pet": "Fido", "weight_kg": 30}}); err == nil && !res.IsError {
		t.Errorf("Fido's record was changed: %+v", res)
	}
}

// TestEnterpriseRefusals: each side can end it, by itself, and nothing that goes over the wire is good for anything else.
func TestEnterpriseRefusals(t *testing.T) {
	t.Parallel()
	m := newMerger(t)
	idToken := m.idToken("user-alice")
	connects := func(what, says string) {
		t.Helper()
		session, err := m.client(idToken).Connect(t.Context(), m.clinic.URL+"/mcp")
		if session != nil {
			session.Close()
		}
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}
	put := func(a administrator, path string, change map[string]any) {
		t.Helper()
		body := call[map[string]any](a, "GET", path, nil)
		etag := body["etag"].(string)
		for _, name := range []string{"id", "issuer", "kind", "created", "etag"} {
			delete(body, name)
		}
		for name, value := range change {
			body[name] = value
		}
		call[any](a, "PUT", path, body, "If-Match", etag)
	}
	issuer, relying := "/trusted-issuers/"+m.issuer, "/relying-servers/"+m.relying
	connects("as it should be", "")

	put(m.at.company, relying, map[string]any{"enabled": false})
	connects("the company gives its word no more", "invalid_target")
	put(m.at.company, relying, map[string]any{"enabled": true, "scopes": []string{"pet-profile:write"}})
	connects("the company allows something else", "invalid_scope")
	put(m.at.company, relying, map[string]any{"scopes": []string{"pet-profile:read"}})
	put(m.at.clinic, issuer, map[string]any{"enabled": false})
	connects("the clinic trusts the company no more", "no issuer with this iss is trusted")
	put(m.at.clinic, issuer, map[string]any{"enabled": true, "clients": []string{}})
	connects("the clinic trusts this assistant no more", "unauthorized_client")
	put(m.at.clinic, issuer, map[string]any{"clients": []string{m.here.ID}})
	links := call[struct{ Items []struct{ ID string } }](m.at.clinic, "GET", issuer+"/links", nil)
	call[any](m.at.clinic, "DELETE", issuer+"/links/"+links.Items[0].ID, nil)
	connects("nobody here is Alice", "its sub is nobody here")
	call[any](m.at.clinic, "POST", issuer+"/links", map[string]any{"subject": "user-alice", "user_id": "user-bob"})
	connects("as it was", "")

	word := m.word(idToken)
	other, otherSecret := m.at.clinic.assistant("pet-profile:read")
	wantRefused(t, "the company's word at the company", m.bring(m.company, word, m.there.ID, m.there.Secret), "invalid_grant")
	wantRefused(t, "the company's word by another application", m.bring(m.clinic, word, other, otherSecret), "unauthorized_client")
	wantRefused(t, "an ID token for a grant", m.bring(m.clinic, idToken, m.here.ID, m.here.Secret), "invalid_grant")
	for what, raw := range map[string]string{"the company's word": word, "an ID token": idToken} {
		if got := m.clinic.callTool(raw, "list_pets", "{}"); got.status != http.StatusUnauthorized {
			t.Errorf("%s as a bearer token: %d %s", what, got.status, got.body)
		}
	}
	first := m.bring(m.clinic, word, m.here.ID, m.here.Secret)
	if first.status != http.StatusOK || first.Scope != "pet-profile:read" || first.Refresh != "" {
		t.Errorf("%+v", first)
	}
	if got := m.clinic.callTool(first.Access, "list_pets", "{}"); got.status != http.StatusOK || !strings.Contains(string(got.body), "Fido") {
		t.Errorf("%d %s", got.status, got.body)
	}
	wantRefused(t, "the company's word a second time", m.bring(m.clinic, word, m.here.ID, m.here.Secret), "invalid_grant")
	wantRefused(t, "an access token for a grant", m.bring(m.clinic, first.Access, m.here.ID, m.here.Secret), "invalid_grant")

	call[any](m.at.company, "POST", "/users/user-alice/sign-out", nil)
	connects("Alice was signed out everywhere at the company", "signed out everywhere")
}
