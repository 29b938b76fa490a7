package admin_test

import (
	"fmt"
	"slices"
	"testing"
)

func TestServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zoo := `{"identifier": "mcp://zoo", "name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "animal:read", "title": "See animals", "open": true}]}`
	a := w.call("POST", "/servers", zoo).want(t, "registering", 201)
	made := as[struct{ ID, ETag string }](t, a)
	at := "/servers/" + made.ID
	if a.header.Get("Location") != w.url+"/admin/api/v1"+at {
		t.Errorf("Location: %q", a.header.Get("Location"))
	}
	w.call("POST", "/servers", zoo).want(t, "registering it again", 200)
	w.walk([]step{
		{"another of that name", "POST", "/servers", `{"identifier": "mcp://zoo", "name": "Other", "url": "https://zoo.example/mcp"}`, 422, "body.identifier"},
		{"another address of that name", "POST", "/servers", `{"identifier": "mcp://zoo", "name": "Other", "url": "https://other.example/mcp"}`, 422, "body.identifier"},
		{"its address", "POST", "/servers", `{"identifier": "mcp://other", "name": "Other", "url": "https://zoo.example/mcp"}`, 422, "body.url"},
		{"http", "POST", "/servers", `{"identifier": "mcp://other", "name": "Other", "url": "http://other.example/mcp"}`, 422, "body.url"},
		{"no URI", "POST", "/servers", `{"identifier": "other", "name": "Other", "url": "https://other.example/mcp"}`, 422, "body.identifier"},
		{"a scope of OpenID Connect", "PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "openid", "title": "x"}]}`, 422, "body.scopes"},
		{"a scope with a space", "PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "a b", "title": "x"}]}`, 422, "body.scopes"},
		{"a role uses it", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper", "permissions": [{"server_id": %q, "scopes": ["animal:read"]}]}`, made.ID), 201, ""},
		{"an unknown scope in a role", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper 2", "permissions": [{"server_id": %q, "scopes": ["animal:eat"]}]}`, made.ID), 422, "body.permissions"},
		{"a server twice in a role", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper 2", "permissions": [{"server_id": %[1]q, "scopes": ["animal:read"]}, {"server_id": %[1]q, "scopes": []}]}`, made.ID), 422, "body.permissions"},
		{"the admin API changed", "PUT", "/servers/" + adminAPI, `{"name": "Mine", "url": "https://mine.example/api"}`, 409, ""},
		{"the admin API deleted", "DELETE", "/servers/" + adminAPI + "?cascade=true", "", 409, ""},
	})
	p := w.call("PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp"}`, "If-Match", "*").want(t, "dropping a scope in use", 409).problem(t)
	if len(p.Uses) != 1 || p.Uses[0].Kind != "role" || p.Uses[0].Name != "Keeper" {
		t.Errorf("used by %+v", p.Uses)
	}
	w.call("DELETE", at, "", "If-Match", "*").want(t, "deleting it in use", 409).problem(t)
	w.call("PUT", at+"?cascade=true", `{"name": "Zoo", "url": "https://zoo.example/mcp"}`, "If-Match", "*").want(t, "dropping the scope everywhere", 200)
	if role := as[struct{ Permissions []any }](t, w.call("GET", "/roles/Keeper", "")); len(role.Permissions) > 0 {
		t.Errorf("the role keeps %v", role.Permissions)
	}
	w.call("DELETE", at, "", "If-Match", "*").want(t, "deleting it", 204)
	w.call("GET", at, "").want(t, "afterwards", 404).problem(t)
	if ids := w.ids("/servers?limit=1"); !slices.Equal(ids, []string{adminAPI, vetassist}) {
		t.Errorf("page by page: %q", ids)
	}
}
