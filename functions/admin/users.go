package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

type User struct {
	ID          string     `json:"id" doc:"The sub of tokens; never changes."`
	Username    string     `json:"username"`
	Name        string     `json:"name"`
	Roles       []string   `json:"roles" nullable:"false"`
	Disabled    bool       `json:"disabled,omitempty"`
	Deleting    bool       `json:"deleting,omitempty" doc:"Half deleted; disabled too."`
	LockedUntil *time.Time `json:"locked_until,omitempty" doc:"After too many wrong passwords. Told of a single user only, not in lists."`
	Created     time.Time  `json:"created"`
	ETag        string     `json:"etag"`
}

type newUserInput struct {
	Username string   `json:"username" doc:"What the person types at the login, in any case."`
	Name     string   `json:"name"`
	Roles    []string `json:"roles,omitempty" nullable:"false" maxItems:"5"`
	Password string   `json:"password,omitempty" writeOnly:"true" doc:"Left out: one is made, and told in the answer, once."`
}

type newUserBody struct {
	User
	Password string `json:"password,omitempty" doc:"The one that was made. Nobody can see it again."`
}

type userEdit struct {
	Username *string   `json:"username,omitempty"`
	Name     *string   `json:"name,omitempty"`
	Roles    *[]string `json:"roles,omitempty" nullable:"false" maxItems:"5"`
	Disabled *bool     `json:"disabled,omitempty" doc:"A disabled user cannot log in, and nothing is refreshed for them."`
}

type UserPath struct {
	UserID string `path:"user_id" maxLength:"300"`
}

type userOutput struct {
	ETag string `header:"ETag"`
	Body User
}

func userOf(r store.Record[directory.User]) User {
	u := r.Value
	return User{ID: u.ID, Username: u.Username, Name: u.Name, Roles: append([]string{}, u.Roles...), Disabled: u.Disabled, Deleting: u.Deleting,
		Created: u.Created, ETag: etag(r)}
}

// listedUser reads the record of a user in a list: its version is not in the index.
func (a *api) listedUser(ctx context.Context) func(directory.User) (User, error) {
	return func(u directory.User) (User, error) {
		r, err := a.Directory.UserRecord(ctx, u.ID)
		if errors.Is(err, directory.ErrNotFound) { // deleted while we read
			r, err = store.Record[directory.User]{Value: u}, nil
		}
		return userOf(r), err
	}
}

func (a *api) userRoutes() {
	register(a, huma.Operation{OperationID: "list-users", Method: http.MethodGet, Path: "/users", Tags: []string{"Users"}, Summary: "List users"}, a.listUsers)
	register(a, huma.Operation{OperationID: "create-user", Method: http.MethodPost, Path: "/users", Tags: []string{"Users"}, Summary: "Create a user", DefaultStatus: http.StatusCreated, Errors: []int{409}}, a.createUser)
	register(a, huma.Operation{OperationID: "read-user", Method: http.MethodGet, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Read a user", Errors: []int{404}}, a.readUser)
	register(a, huma.Operation{OperationID: "update-user", Method: http.MethodPatch, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Change a user", Description: "What is left out stays as it is.", Errors: []int{404, 409, 412, 428}}, a.updateUser)
	register(a, huma.Operation{OperationID: "delete-user", Method: http.MethodDelete, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Delete a user, and end what they have open", Errors: []int{404, 409, 412, 428}}, a.deleteUser)
	register(a, huma.Operation{OperationID: "set-password", Method: http.MethodPut, Path: "/users/{user_id}/password", Tags: []string{"Users"}, Summary: "Set a user's password, sign them out everywhere, and unlock them", Description: "Passkeys stay: they are listed and removed apart.", Errors: []int{404, 409}}, a.setPassword)
	register(a, huma.Operation{OperationID: "sign-out", Method: http.MethodPost, Path: "/users/{user_id}/sign-out", Tags: []string{"Users"}, Summary: "Sign a user out everywhere", Errors: []int{404}}, a.signOut)
	register(a, huma.Operation{OperationID: "unlock-user", Method: http.MethodPost, Path: "/users/{user_id}/unlock", Tags: []string{"Users"}, Summary: "Unlock a user after too many wrong passwords", Errors: []int{404}}, a.unlockUser)
	register(a, huma.Operation{OperationID: "list-passkeys", Method: http.MethodGet, Path: "/users/{user_id}/passkeys", Tags: []string{"Users"}, Summary: "List a user's passkeys", Errors: []int{404}}, a.listPasskeys)
	register(a, huma.Operation{OperationID: "remove-passkey", Method: http.MethodDelete, Path: "/users/{user_id}/passkeys/{passkey_id}", Tags: []string{"Users"}, Summary: "Take a passkey from a user, such as one that was lost", Errors: []int{404}}, a.removePasskey)
}

func (a *api) listUsers(ctx context.Context, in *struct {
	ListInput
	Prefix string `query:"prefix" maxLength:"255" doc:"Of what the list is sorted by, in any case."`
	Sort   string `query:"sort" enum:"username,name" default:"username"`
}) (*listOutput[User], error) {
	read := a.Directory.UsersByUsername
	if in.Sort == "name" {
		read = a.Directory.UsersByName
	}
	page, err := read(ctx, directory.Query{Prefix: in.Prefix, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(page.Items, page.Next, a.listedUser(ctx))
}

func (a *api) createUser(ctx context.Context, in *struct {
	IdempotencyKey
	Body newUserInput
}) (*createdOutput[newUserBody], error) {
	made := ""
	n := directory.NewUser{Username: in.Body.Username, Name: in.Body.Name, Roles: in.Body.Roles, Password: in.Body.Password}
	n.ID = in.id(ctx, "user-", []any{n.Username, n.Name, n.Roles})
	if n.Password == "" {
		made = strings.ToLower(rand.Text())
		n.Password = made
	}
	r, err := a.Directory.AddUser(ctx, n)
	status := http.StatusCreated
	if err != nil && n.ID != "" {
		if there, err2 := a.Directory.UserRecord(ctx, n.ID); err2 == nil { // made by this very request before
			r, status, made, err = there, http.StatusOK, "", nil
		}
	}
	if err != nil {
		return nil, err
	}
	note(ctx, "user_id", r.Value.ID)
	note(ctx, "username", r.Value.Username)
	return &createdOutput[newUserBody]{status, a.location("/users/%s", r.Value.ID), etag(r), newUserBody{userOf(r), made}}, nil
}

func (a *api) readUser(ctx context.Context, in *UserPath) (*userOutput, error) {
	r, err := a.Directory.UserRecord(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	out := &userOutput{etag(r), userOf(r)}
	until, err := a.Directory.LockedUntil(ctx, in.UserID)
	out.Body.LockedUntil = optional(until)
	return out, err
}

func (a *api) matchingUser(ctx context.Context, id string, m Precondition) (store.Record[directory.User], error) {
	r, err := a.Directory.UserRecord(ctx, id)
	note(ctx, "username", r.Value.Username)
	return matching(m, r, err)
}

func (a *api) updateUser(ctx context.Context, in *struct {
	UserPath
	Precondition
	Body userEdit
}) (*userOutput, error) {
	r, err := a.matchingUser(ctx, in.UserID, in.Precondition)
	if err != nil {
		return nil, err
	}
	after, err := a.Directory.UpdateUser(ctx, in.UserID, r.Version, directory.UserEdit(in.Body))
	if err != nil {
		return nil, err
	}
	if !slices.Equal(r.Value.Roles, after.Value.Roles) {
		note(ctx, "roles", strings.Join(after.Value.Roles, ", "))
	}
	return &userOutput{etag(after), userOf(after)}, nil
}

func (a *api) deleteUser(ctx context.Context, in *struct {
	UserPath
	Precondition
}) (*empty, error) {
	r, err := a.matchingUser(ctx, in.UserID, in.Precondition)
	if err == nil {
		err = a.Directory.DeleteUser(ctx, in.UserID, r.Version)
	}
	if err == nil { // without the user none of it is good for anything: this only takes it out of the lists
		_, _, err = a.access.EndAllOf(ctx, in.UserID)
	}
	return nil, tidied(err)
}
