package admin_test

import (
	"fmt"
	"slices"
	"testing"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	groomer := fmt.Sprintf(`{"name": "Groomer", "description": "Cuts hair.", "permissions": [{"server_id": %q, "scopes": ["pet-profile:read", "appointment:read"]}]}`, vetassist)
	w.call("POST", "/roles", groomer).want(t, "defining", 201)
	w.call("POST", "/roles", groomer).want(t, "defining it again", 200)
	w.walk([]step{
		{"other permissions", "POST", "/roles", fmt.Sprintf(`{"name": "Groomer", "description": "Cuts hair.", "permissions": [{"server_id": %q, "scopes": ["pet-profile:read"]}]}`, vetassist), 422, "body.name"},
		{"another of that name", "POST", "/roles", `{"name": "Groomer", "description": "Other."}`, 422, "body.name"},
		{"the name in another case", "POST", "/roles", `{"name": "groomer", "description": "Cuts hair."}`, 422, "body.name"},
		{"dots for a name", "POST", "/roles", `{"name": ".."}`, 422, "body.name"},
		{"a slash in a name", "POST", "/roles", `{"name": "a/b"}`, 422, "body.name"},
		{"no such server", "POST", "/roles", `{"name": "X", "permissions": [{"server_id": "bWNwOi8vbm9ib2R5", "scopes": ["a"]}]}`, 422, "body.permissions"},
		{"given", "PUT", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"given again", "PUT", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"given to nobody", "PUT", "/roles/Groomer/members/user-nobody", "", 404, ""},
		{"nothing given", "PUT", "/roles/Nothing/members/user-carol", "", 404, ""},
		{"in use", "DELETE", "/roles/Groomer", "", 409, ""},
		{"the administrators' permission taken", "PUT", "/roles/Administrator", `{"permissions": []}`, 422, "body.permissions"},
		{"the administrators' role deleted", "DELETE", "/roles/Administrator?cascade=true", "", 409, ""},
		{"the last administrator's role taken", "DELETE", "/roles/Administrator/members/user-admin", "", 409, ""},
	})
	if got := w.ids("/roles/Groomer/members"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("members: %q", got)
	}
	w.walk([]step{
		{"taken", "DELETE", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"taken again", "DELETE", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"and gone", "DELETE", "/roles/Groomer", "", 204, ""},
	})
	if got := w.ids("/roles?limit=2"); !slices.Equal(got, []string{"Administrator", "Pet Owner", "Vet Staff"}) {
		t.Errorf("roles: %q", got)
	}
}
