package admin

import (
	"context"
	"errors"
	"slices"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func (a *api) listMembers(ctx context.Context, in *struct {
	RolePath
	ListInput
	Prefix string `query:"prefix" maxLength:"255" doc:"Of the username."`
}) (*listOutput[User], error) {
	if _, err := a.Directory.RoleRecord(ctx, in.Name); err != nil {
		return nil, err
	}
	page, err := a.Directory.Members(ctx, in.Name, directory.Query{Prefix: in.Prefix, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(page.Items, page.Next, a.listedUser(ctx))
}

type memberPath struct {
	RolePath
	UserPath
}

func (a *api) addMember(ctx context.Context, in *memberPath) (*empty, error) {
	return a.changeRoles(ctx, in, func(roles []string) []string {
		if slices.Contains(roles, in.Name) {
			return roles
		}
		return append(slices.Clone(roles), in.Name)
	})
}

func (a *api) removeMember(ctx context.Context, in *memberPath) (*empty, error) {
	return a.changeRoles(ctx, in, func(roles []string) []string {
		return slices.DeleteFunc(slices.Clone(roles), func(name string) bool { return name == in.Name })
	})
}

const maxAttempts = 5

// changeRoles needs no If-Match: it says what is to change, not what the whole is to be. So it is tried again when somebody
// else changed the user meanwhile.
func (a *api) changeRoles(ctx context.Context, in *memberPath, change func([]string) []string) (*empty, error) {
	if _, err := a.Directory.RoleRecord(ctx, in.Name); err != nil {
		return nil, err
	}
	var err error
	for range maxAttempts {
		var r store.Record[directory.User]
		if r, err = a.Directory.UserRecord(ctx, in.UserID); err != nil {
			return nil, err
		}
		roles := change(r.Value.Roles)
		if len(roles) == len(r.Value.Roles) {
			return nil, nil
		}
		if _, err = a.Directory.UpdateUser(ctx, in.UserID, r.Version, directory.UserEdit{Roles: &roles}); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return nil, err
}
