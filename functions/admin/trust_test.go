package admin_test

import (
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

// trust makes the issuer and the relying server that an example's address names.
func (w *world) trust(path *string) {
	w.t.Helper()
	if strings.Contains(*path, "{issuer}") {
		made := as[struct{ ID string }](w.t, w.call("POST", "/trusted-issuers", `{"issuer": "https://login.acme.example", "kind": "enterprise", "name": "Acme", "enabled": true}`).want(w.t, "trusting", 201))
		if strings.Contains(*path, "/links/") {
			w.call("POST", "/trusted-issuers/"+made.ID+"/links", `{"subject": "u-18", "user_id": "user-alice"}`).want(w.t, "linking", 200)
		}
		*path = strings.Replace(*path, "{issuer}", made.ID, 1)
	}
	if strings.Contains(*path, "{relying}") {
		made := as[struct{ ID string }](w.t, w.call("POST", "/relying-servers", `{"issuer": "https://chat.example", "name": "Chat", "resources": ["https://chat.example/mcp"], "scopes": ["chat.read"]}`).want(w.t, "adding", 201))
		*path = strings.Replace(*path, "{relying}", made.ID, 1)
	}
}

// TestTrust: what an administrator says of issuers and relying servers is kept, as said, and refused with the field that is wrong.
func TestTrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web, _, err := w.directory.AddClient(t.Context(), directory.NewClient{Name: "Chat", Template: directory.WebTemplate, RedirectURIs: []string{"https://chat.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	machine, _, err := w.directory.AddClient(t.Context(), directory.NewClient{Name: "Nightly", Template: directory.MachineTemplate})
	if err != nil {
		t.Fatal(err)
	}
	const key = `"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`
	acme := `{"issuer": "https://login.acme.example", "kind": "enterprise", "name": "Acme", "enabled": true, "clients": ["` + web.Value.ID + `"], ` + key + `}`
	cluster := `{"issuer": "https://cluster.example", "kind": "workload", "name": "Cluster", "enabled": true, "workloads": [{"subject": "system:serviceaccount:clinic:*", "client_id": "` + machine.Value.ID + `"}]}`
	chat := `{"issuer": "https://chat.example", "name": "Chat", "enabled": true, "resources": ["https://chat.example/mcp"], "scopes": ["chat.read"], "clients": [{"id": "` + web.Value.ID + `", "client_id": "there"}]}`
	w.walk([]step{
		{"an enterprise", "POST", "/trusted-issuers", acme, 201, ""},
		{"the same again", "POST", "/trusted-issuers", acme, 200, ""},
		{"another of that name", "POST", "/trusted-issuers", strings.Replace(acme, `"Acme"`, `"Evil"`, 1), 422, "body.issuer"},
		{"a platform", "POST", "/trusted-issuers", cluster, 201, ""},
		{"everybody at a platform", "POST", "/trusted-issuers", strings.NewReplacer("cluster.example", "c2.example", "system:serviceaccount:clinic:*", "repo:*").Replace(cluster), 422, "body.workloads"},
		{"a private key", "POST", "/trusted-issuers", strings.NewReplacer("acme", "a2", `"kty"`, `"d": "x", "kty"`).Replace(acme), 422, "body.jwks"},
		{"no issuer's kind", "POST", "/trusted-issuers", strings.Replace(acme, `"enterprise"`, `"friend"`, 1), 422, "body.kind"},
		{"ourselves", "POST", "/trusted-issuers", strings.Replace(acme, "https://login.acme.example", w.url, 1), 422, "body.issuer"},
		{"a relying server", "POST", "/relying-servers", chat, 201, ""},
		{"the same relying server again", "POST", "/relying-servers", chat, 200, ""},
		{"one for another application", "POST", "/relying-servers", strings.NewReplacer("chat.example", "c2.example", web.Value.ID, machine.Value.ID).Replace(chat), 422, "body.clients"},
		{"one for no scope", "POST", "/relying-servers", strings.NewReplacer("chat.example", "c2.example", `"chat.read"`, "").Replace(chat), 422, "body.scopes"},
	})
	type issuer struct {
		ID, Issuer, Kind, Name string
		Enabled                bool
		Clients                []string
		JWKS                   struct{ Keys []map[string]any }
		Workloads              []struct{ Subject string }
	}
	all := as[struct{ Items []issuer }](t, w.call("GET", "/trusted-issuers", "")).Items
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	for _, i := range all {
		if i.Kind == "enterprise" && (i.Clients[0] != web.Value.ID || len(i.JWKS.Keys) != 1 || !i.Enabled) || i.Kind == "workload" && len(i.Workloads) != 1 {
			t.Errorf("%+v", i)
		}
		if i.Kind == "workload" {
			w.call("POST", "/trusted-issuers/"+i.ID+"/links", `{"subject": "u-17", "user_id": "user-bob"}`).want(t, "a person at a platform", 422)
			continue
		}
		at := "/trusted-issuers/" + i.ID
		link := as[struct{ ID, Username string }](t, w.call("POST", at+"/links", `{"subject": "a/b ü", "user_id": "user-bob"}`).want(t, "linking", 200))
		if link.Username != "bob" {
			t.Errorf("%+v", link)
		}
		w.walk([]step{
			{"nobody", "POST", at + "/links", `{"subject": "u-19", "user_id": "user-nobody"}`, 422, "body.user_id"},
			{"somebody else", "POST", at + "/links", `{"subject": "a/b ü", "user_id": "user-alice"}`, 422, "body.subject"},
			{"off", "PUT", at, `{"name": "Acme"}`, 200, ""},
		})
		w.call("DELETE", at+"/links/"+link.ID, "").want(t, "unlinking", 204)
		w.call("DELETE", at, "", "If-Match", "*").want(t, "removing", 204)
		w.call("GET", at, "").want(t, "gone", 404)
	}
}
