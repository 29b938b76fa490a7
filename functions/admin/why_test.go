package admin_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

func TestWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess() // he allowed pet-profile:read
	type why struct {
		User     *struct{ Roles []string }
		Granted  []string
		Verdicts []struct {
			Scope   string
			Granted bool
			Lacking []string
		}
		Sets    struct{ Requested, Client, Role, Consent []string }
		Blocked []string
	}
	got := as[why](t, w.call("GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id="+vetassist+"&scope=pet-profile:read+pet-profile:write+reminder:read+x", "").want(t, "bob", 200))
	var lines []string
	for _, v := range got.Verdicts {
		lines = append(lines, fmt.Sprintf("%s %v %v", v.Scope, v.Granted, v.Lacking))
	}
	want := []string{"pet-profile:read true []", "pet-profile:write false [role consent]", "reminder:read false [consent]", "x false [client role consent]"}
	if !slices.Equal(lines, want) || !slices.Equal(got.Granted, []string{"pet-profile:read"}) || !slices.Equal(got.Sets.Consent, []string{"pet-profile:read"}) {
		t.Errorf("%q\nwant %q", lines, want)
	}
	all := as[why](t, w.call("GET", "/why?user_id=user-carol&client_id=vet-assist-ai&server_id="+vetassist, "").want(t, "carol", 200))
	if len(all.Verdicts) != 6 || len(all.Granted) != 0 || len(all.Sets.Role) != 6 {
		t.Errorf("%+v", all)
	}
	off := true
	r, err := w.directory.UserRecord(t.Context(), "user-bob")
	if err == nil {
		_, err = w.directory.UpdateUser(t.Context(), "user-bob", r.Version, directory.UserEdit{Disabled: &off})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := as[why](t, w.call("GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id="+vetassist, "")); len(got.Blocked) != 1 {
		t.Errorf("a disabled user: %+v", got.Blocked)
	}
	w.call("PATCH", "/applications/vet-assist-ai", `{"disabled": true}`, "If-Match", "*").want(t, "disabling the application", 200)
	if got := as[why](t, w.call("GET", "/why?client_id=vet-assist-ai&server_id="+vetassist, "")); len(got.Blocked) != 2 {
		t.Errorf("a disabled application, asked as a machine: %+v", got.Blocked)
	}
	machine := as[struct {
		ID string `json:"client_id"`
	}](t, w.call("POST", "/applications", `{"name": "M", "template": "Machine-to-machine application", "roles": ["Pet Owner"]}`))
	w.call("PUT", "/applications/"+machine.ID+"/authorizations/"+vetassist, `{"scopes": ["pet-profile:read", "pet-profile:write"]}`, "If-Match", "*").want(t, "authorizing", 200)
	if got := as[why](t, w.call("GET", "/why?client_id="+machine.ID+"&server_id="+vetassist, "").want(t, "a machine", 200)); got.User != nil || !slices.Equal(got.Granted, []string{"pet-profile:read"}) {
		t.Errorf("%+v", got)
	}
	w.call("PATCH", "/applications/vet-assist-ai", `{"disabled": false}`, "If-Match", "*").want(t, "enabling the application", 200)
	w.call("PATCH", "/users/user-bob", `{"disabled": false}`, "If-Match", "*").want(t, "enabling the user", 200)
	agent := w.create(`{"name": "Agent", "template": "Agent"}`).ID
	w.call("PUT", "/applications/"+agent+"/authorizations/"+vetassist, `{"scopes": ["pet-profile:read", "reminder:read"]}`, "If-Match", "*").want(t, "authorizing the agent", 200)
	asAgent := "/why?user_id=user-bob&client_id=" + agent + "&server_id=" + vetassist
	if got := as[why](t, w.call("GET", asAgent, "").want(t, "an agent by itself", 200)); len(got.Granted) > 0 || len(got.Blocked) != 1 {
		t.Errorf("%+v", got)
	}
	if got := as[why](t, w.call("GET", asAgent+"&via=vet-assist-ai", "").want(t, "an agent that nobody names", 200)); len(got.Blocked) != 1 {
		t.Errorf("%+v", got)
	}
	w.call("PATCH", "/applications/vet-assist-ai", `{"may_act": "`+agent+`"}`, "If-Match", "*").want(t, "naming the agent", 200)
	if got := as[why](t, w.call("GET", asAgent+"&via=vet-assist-ai", "").want(t, "an agent", 200)); len(got.Blocked) > 0 || !slices.Equal(got.Granted, []string{"pet-profile:read"}) ||
		!slices.Equal(got.Sets.Client, []string{"pet-profile:read", "reminder:read"}) || !slices.Equal(got.Sets.Consent, []string{"pet-profile:read"}) {
		t.Errorf("%+v", got)
	}
	web := w.create(`{"name": "Chat", "template": "Web application with a secret", "redirect_uris": ["https://chat.example/callback"]}`).ID
	w.call("PUT", "/applications/"+web+"/authorizations/"+vetassist, `{"scopes": ["pet-profile:read", "pet-profile:write"]}`, "If-Match", "*").want(t, "authorizing the application", 200)
	issuer := func(body string) string {
		return as[struct{ ID string }](t, w.call("POST", "/trusted-issuers", body).want(t, "trusting", 201)).ID
	}
	disabled := issuer(`{"name": "Off", "kind": "enterprise", "issuer": "https://off.example"}`)
	acme := issuer(`{"name": "Acme", "kind": "enterprise", "issuer": "https://login.acme.example", "enabled": true, "clients": ["` + web + `"]}`)
	cluster := issuer(`{"name": "Cluster", "kind": "workload", "issuer": "https://cluster.example"}`)
	vouched := "/why?user_id=user-bob&client_id=" + web + "&server_id=" + vetassist + "&issuer_id="
	if got := as[why](t, w.call("GET", vouched+acme, "").want(t, "vouched for", 200)); len(got.Blocked) > 0 || !slices.Equal(got.Granted, []string{"pet-profile:read"}) ||
		!slices.Equal(got.Sets.Consent, []string{"pet-profile:read", "pet-profile:write"}) {
		t.Errorf("%+v", got)
	}
	if got := as[why](t, w.call("GET", vouched+disabled, "").want(t, "vouched for by one that is not enabled", 200)); len(got.Blocked) != 2 {
		t.Errorf("%+v", got)
	}
	w.walk([]step{
		{"vouched for by nobody", "GET", vouched + "x", "", 422, "query.issuer_id"},
		{"vouched for by a platform", "GET", vouched + cluster, "", 422, "query.issuer_id"},
		{"handed over by nobody", "GET", asAgent + "&via=x", "", 422, "query.via"},
		{"handed over to what is no agent", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&via=vet-assist-ai&server_id=" + vetassist, "", 422, "query.via"},
		{"nobody", "GET", "/why?user_id=x&client_id=vet-assist-ai&server_id=" + vetassist, "", 422, "query.user_id"},
		{"no application", "GET", "/why?user_id=user-bob&client_id=x&server_id=" + vetassist, "", 422, "query.client_id"},
		{"no text for a server", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id=__4", "", 422, "query.server_id"},
		{"no server", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id=x", "", 422, "query.server_id"},
		{"no scope", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&scope=%22&server_id=" + vetassist, "", 422, "query.scope"},
		{"nothing", "GET", "/why", "", 422, "query.client_id query.server_id"},
	})
}
