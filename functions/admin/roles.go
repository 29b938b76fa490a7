package admin

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// permission is what a role allows at one server.
type permission struct {
	Server serverRef `json:"server"`
	Scopes []string  `json:"scopes" nullable:"false"`
}

// permissionInput is the same, as an administrator says it.
type permissionInput struct {
	ServerID string   `json:"server_id"`
	Scopes   []string `json:"scopes" nullable:"false" maxItems:"50"`
}

type RoleFields struct {
	Description string            `json:"description,omitempty"`
	Permissions []permissionInput `json:"permissions,omitempty" nullable:"false" maxItems:"10"`
}

type newRole struct {
	Name string `json:"name" doc:"Stands in tokens, and never changes."`
	RoleFields
}

type role struct {
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Permissions []permission `json:"permissions" nullable:"false"`
	System      bool         `json:"system,omitempty" doc:"VetAssist is run with it: it keeps its permissions at the admin API, and is never deleted."`
	Deleting    bool         `json:"deleting,omitempty" doc:"Half deleted: it allows nothing."`
	ETag        string       `json:"etag"`
}

func (f RoleFields) record(name string) (directory.Role, error) {
	r := directory.Role{Name: name, Description: f.Description, Permissions: map[string][]string{}}
	for _, p := range f.Permissions {
		identifier := identifierOf(p.ServerID)
		if _, twice := r.Permissions[identifier]; twice || identifier == "" {
			return r, invalid("body.permissions", "must name each server once, by its id")
		}
		r.Permissions[identifier] = p.Scopes
	}
	return r, nil
}

func (n *names) role(r store.Record[directory.Role]) (role, error) {
	out := role{Name: r.Value.Name, Description: r.Value.Description, Permissions: []permission{}, System: r.Value.Name == directory.AdministratorRole,
		Deleting: r.Value.Deleting, ETag: etag(r)}
	for _, identifier := range slices.Sorted(maps.Keys(r.Value.Permissions)) {
		ref, err := n.server(identifier)
		if err != nil {
			return role{}, err
		}
		out.Permissions = append(out.Permissions, permission{ref, r.Value.Permissions[identifier]})
	}
	return out, nil
}

type RolePath struct {
	Name string `path:"role" maxLength:"240"`
}

type roleOutput struct {
	ETag string `header:"ETag"`
	Body role
}

func (a *api) roleOutput(ctx context.Context, r store.Record[directory.Role], err error) (*roleOutput, error) {
	if err != nil {
		return nil, err
	}
	out, err := a.names(ctx).role(r)
	return &roleOutput{out.ETag, out}, err
}

func (a *api) roleRoutes() {
	register(a, huma.Operation{OperationID: "list-roles", Method: http.MethodGet, Path: "/roles", Tags: []string{"Roles"}, Summary: "List roles"}, a.listRoles)
	register(a, huma.Operation{OperationID: "define-role", Method: http.MethodPost, Path: "/roles", Tags: []string{"Roles"}, Summary: "Define a role", DefaultStatus: http.StatusCreated, Errors: []int{409}}, a.defineRole)
	register(a, huma.Operation{OperationID: "read-role", Method: http.MethodGet, Path: "/roles/{role}", Tags: []string{"Roles"}, Summary: "Read a role", Errors: []int{404}}, a.readRole)
	register(a, huma.Operation{OperationID: "update-role", Method: http.MethodPut, Path: "/roles/{role}", Tags: []string{"Roles"}, Summary: "Change a role's description and permissions", Errors: []int{404, 409, 412, 428}}, a.updateRole)
	register(a, huma.Operation{OperationID: "delete-role", Method: http.MethodDelete, Path: "/roles/{role}", Tags: []string{"Roles"}, Summary: "Delete a role", Errors: []int{404, 409, 412, 428}}, a.deleteRole)
	register(a, huma.Operation{OperationID: "list-members", Method: http.MethodGet, Path: "/roles/{role}/members", Tags: []string{"Roles"}, Summary: "List the users who have a role", Errors: []int{404}}, a.listMembers)
	register(a, huma.Operation{OperationID: "add-member", Method: http.MethodPut, Path: "/roles/{role}/members/{user_id}", Tags: []string{"Roles"}, Summary: "Give a role to a user", Errors: []int{404, 409}}, a.addMember)
	register(a, huma.Operation{OperationID: "remove-member", Method: http.MethodDelete, Path: "/roles/{role}/members/{user_id}", Tags: []string{"Roles"}, Summary: "Take a role from a user", Errors: []int{404, 409}}, a.removeMember)
}

func (a *api) listRoles(ctx context.Context, in *ListInput) (*listOutput[role], error) {
	all, err := a.Directory.RoleRecords(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := window(all, in)
	if err != nil {
		return nil, err
	}
	return listOf(page, next, a.names(ctx).role)
}

func (a *api) defineRole(ctx context.Context, in *struct{ Body newRole }) (*createdOutput[role], error) {
	note(ctx, "role", in.Body.Name)
	record, err := in.Body.record(in.Body.Name)
	if err != nil {
		return nil, err
	}
	r, err := a.Directory.AddRole(ctx, record)
	r, status, err := made(r, err, "name",
		func() (store.Record[directory.Role], error) { return a.Directory.RoleRecord(ctx, in.Body.Name) },
		func(there store.Record[directory.Role]) bool {
			return there.Value.Description == record.Description && samePermissions(there.Value.Permissions, record.Permissions)
		})
	out, err := a.roleOutput(ctx, r, err)
	if err != nil {
		return nil, err
	}
	return &createdOutput[role]{status, a.location("/roles/%s", url.PathEscape(in.Body.Name)), out.ETag, out.Body}, nil
}

// samePermissions compares them as sets.
func samePermissions(x, y map[string][]string) bool {
	sets := func(permissions map[string][]string) map[string]string {
		out := map[string]string{}
		for server, scopes := range permissions {
			if len(scopes) > 0 {
				out[server] = strings.Join(slices.Compact(slices.Sorted(slices.Values(scopes))), " ")
			}
		}
		return out
	}
	return reflect.DeepEqual(sets(x), sets(y))
}

func (a *api) readRole(ctx context.Context, in *RolePath) (*roleOutput, error) {
	r, err := a.Directory.RoleRecord(ctx, in.Name)
	return a.roleOutput(ctx, r, err)
}

func (a *api) matchingRole(ctx context.Context, name string, m Precondition) (store.Record[directory.Role], error) {
	r, err := a.Directory.RoleRecord(ctx, name)
	return matching(m, r, err)
}

func (a *api) updateRole(ctx context.Context, in *struct {
	RolePath
	Precondition
	Body RoleFields
}) (*roleOutput, error) {
	r, err := a.matchingRole(ctx, in.Name, in.Precondition)
	if err != nil {
		return nil, err
	}
	record, err := in.Body.record(in.Name)
	if err != nil {
		return nil, err
	}
	after, err := a.Directory.UpdateRole(ctx, record, r.Version)
	return a.roleOutput(ctx, after, err)
}

func (a *api) deleteRole(ctx context.Context, in *struct {
	RolePath
	Precondition
	Cascading
}) (*empty, error) {
	r, err := a.matchingRole(ctx, in.Name, in.Precondition)
	if err != nil {
		return nil, err
	}
	return nil, a.Directory.DeleteRole(ctx, in.Name, r.Version, in.Cascade)
}
