package admin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/shared/token"
)

func TestApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type made struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		ETag    string
		Type    string `json:"application_type"`
		Granted []struct {
			Server struct{ ID, Name string }
			Scopes []string
		} `json:"authorizations"`
	}
	public := as[made](t, w.call("POST", "/applications", `{"name": "Host", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "public", 201))
	if public.Secret != "" || public.Type != "native" {
		t.Errorf("%+v", public)
	}
	if again := as[made](t, w.call("POST", "/applications", `{"name": "Host", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "again", 200)); again.ID != public.ID {
		t.Errorf("another one: %q", again.ID)
	}
	if other := as[made](t, w.call("POST", "/applications", `{"name": "Host 2", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "another with the key", 201)); other.ID == public.ID {
		t.Error("two applications are one")
	}
	carol := w.mint(token.Grant{Subject: "user-carol", ClientID: "vetassist-console", Audience: admin.Audience, Scopes: []string{"admin:write"}, Roles: []string{"Administrator"}})
	w.call("PUT", "/roles/Administrator/members/user-carol", "").want(t, "another administrator", 204)
	if theirs := as[made](t, w.call("POST", "/applications", `{"name": "Host", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k", "Authorization", "Bearer "+carol).want(t, "somebody else with the key", 201)); theirs.ID == public.ID {
		t.Error("two administrators' applications are one")
	}
	machine := as[made](t, w.call("POST", "/applications", `{"name": "Night job", "template": "Machine-to-machine application", "roles": ["Vet Staff"]}`, "Idempotency-Key", "m").want(t, "machine", 201))
	if again := as[made](t, w.call("POST", "/applications", `{"name": "Night job", "template": "Machine-to-machine application", "roles": ["Vet Staff"]}`, "Idempotency-Key", "m").want(t, "machine again", 200)); again.Secret != "" || again.ID != machine.ID {
		t.Errorf("the secret was told twice: %+v", again)
	}
	fits := func(secret string) bool {
		c, err := w.directory.Client(t.Context(), machine.ID)
		return err == nil && c.SecretFits(secret)
	}
	rotated := as[made](t, w.call("POST", "/applications/"+machine.ID+"/secret", "").want(t, "rotating", 200))
	if !fits(rotated.Secret) || fits(machine.Secret) {
		t.Error("the new secret does not fit, or the old one does")
	}
	if strings.Contains(string(w.call("GET", "/applications/"+machine.ID, "").body), "secret_hash") {
		t.Error("the hash is told")
	}
	at := "/applications/" + public.ID
	w.walk([]step{
		{"a secret for a public one", "POST", at + "/secret", "", 409, ""},
		{"a redirect to http", "PATCH", at, `{"redirect_uris": ["http://app.example/"]}`, 422, "body.redirect_uris"},
		{"roles of a public one", "PATCH", at, `{"roles": ["Vet Staff"]}`, 422, "body.roles"},
		{"no such template", "POST", "/applications", `{"name": "X", "template": "Magic"}`, 422, "body.template"},
		{"no redirect", "POST", "/applications", `{"name": "X", "template": "MCP client application"}`, 422, "body.redirect_uris"},
		{"an unknown server", "PUT", at + "/authorizations/bWNwOi8vbm9ib2R5", `{"scopes": ["a"]}`, 404, ""},
		{"an unknown scope", "PUT", at + "/authorizations/" + vetassist, `{"scopes": ["a"]}`, 422, "body.scopes"},
		{"no scope", "PUT", at + "/authorizations/" + vetassist, `{"scopes": []}`, 422, "body.scopes"},
		{"what is not authorized taken", "DELETE", at + "/authorizations/" + vetassist, "", 404, ""},
		{"disabled", "PATCH", at, `{"disabled": true}`, 200, ""},
		{"the console disabled", "PATCH", "/applications/vetassist-console", `{"disabled": true}`, 409, ""},
		{"the console deleted", "DELETE", "/applications/vetassist-console?cascade=true", "", 409, ""},
		{"the command line disabled", "PATCH", "/applications/vetassist-cli", `{"disabled": true}`, 409, ""},
		{"the console's authorization taken", "DELETE", "/applications/vetassist-console/authorizations/" + adminAPI, "", 409, ""},
	})
	got := as[made](t, w.call("PUT", at+"/authorizations/"+vetassist, `{"scopes": ["reminder:read", "pet-profile:read"]}`, "If-Match", w.tag(at)).want(t, "authorizing", 200))
	if len(got.Granted) != 1 || got.Granted[0].Server.Name != "VetAssist MCP Server" || !slices.Equal(got.Granted[0].Scopes, []string{"pet-profile:read", "reminder:read"}) {
		t.Errorf("authorized: %+v", got.Granted)
	}
	if got := as[made](t, w.call("DELETE", at+"/authorizations/"+vetassist, "", "If-Match", got.ETag).want(t, "taking it", 200)); len(got.Granted) > 0 {
		t.Errorf("still authorized: %+v", got.Granted)
	}
	if got := w.ids("/applications?sort=id&prefix=vet"); !slices.Equal(got, []string{"vet-assist-ai", "vetassist-cli", "vetassist-console"}) {
		t.Errorf("by id: %q", got)
	}
	if got := w.ids("/applications?prefix=hOST&limit=1"); len(got) != 3 {
		t.Errorf("by name: %q", got)
	}

	w.bobsAccess()
	p := w.call("DELETE", "/applications/vet-assist-ai", "", "If-Match", "*").want(t, "deleting what people use", 409).problem(t)
	if p.Type != "problem:in-use" || len(p.Uses) != 1 || p.Uses[0].Name != "bob" {
		t.Errorf("used by %+v", p)
	}
	w.call("DELETE", "/applications/vet-assist-ai?cascade=true", "", "If-Match", "*").want(t, "deleting it all the same", 204)
	if left := w.ids("/grants?user_id=user-bob"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
