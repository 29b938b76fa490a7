package admin

import (
	"context"

	"github.com/vetassist/vetassist/shared/directory"
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

// Neither needs If-Match: they say what is to change, not what the whole is to be.

func (a *api) addMember(ctx context.Context, in *memberPath) (*empty, error) {
	if _, err := a.Directory.RoleRecord(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, a.Directory.GiveRole(ctx, in.UserID, in.Name)
}

func (a *api) removeMember(ctx context.Context, in *memberPath) (*empty, error) {
	if _, err := a.Directory.RoleRecord(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, a.Directory.TakeRole(ctx, in.UserID, in.Name)
}
