package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
)

// RoleRecords are all roles by name, for administration.
func (d *Directory) RoleRecords(ctx context.Context) ([]store.Record[Role], error) {
	return store.ReadAll[Role](ctx, d.store, store.Query{Partition: PolicyPartition, Prefix: rolePrefix}, maxServers)
}

// RoleRecord reads a role for administration: with the version that a change must name.
func (d *Directory) RoleRecord(ctx context.Context, name string) (store.Record[Role], error) {
	if store.ValidKey(PolicyPartition, rolePrefix+name) != nil {
		return store.Record[Role]{}, ErrNotFound
	}
	return store.Read[Role](ctx, d.store, PolicyPartition, rolePrefix+name)
}

func (d *Directory) roleAt(ctx context.Context, name string, version int64) (store.Record[Role], error) {
	r, err := d.RoleRecord(ctx, name)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	return r, err
}

func putRole(r Role, c store.Condition) store.Op {
	return store.Put(store.Encode(PolicyPartition, rolePrefix+r.Name, r, noExpiry), c)
}

// roleChecks make a write depend on roles being there still; one that is not is a *FieldError.
func (d *Directory) roleChecks(ctx context.Context, names []string) ([]store.Op, error) {
	var checks []store.Op
	for _, name := range names {
		r, err := d.RoleRecord(ctx, name)
		if errors.Is(err, ErrNotFound) || err == nil && r.Value.Deleting {
			return nil, &FieldError{"roles", fmt.Sprintf("must be roles that there are; there is no %.100q", name)}
		}
		if err != nil {
			return nil, err
		}
		checks = append(checks, store.Check(PolicyPartition, rolePrefix+name, store.IfVersion(r.Version)))
	}
	return checks, nil
}

// roleNamesSort is an item that every new role moves, so that two cannot take names at the same moment that differ in case only.
const roleNamesSort = "role-names"

// AddRole defines a role. A name that differs from another in case only is taken.
func (d *Directory) AddRole(ctx context.Context, role Role) (store.Record[Role], error) {
	if err := checkRoleName(role.Name); err != nil {
		return store.Record[Role]{}, err
	}
	return insist(func() (store.Record[Role], error) {
		names, err := d.guard(ctx, roleNamesSort)
		if err != nil {
			return store.Record[Role]{}, err
		}
		all, err := d.RoleRecords(ctx)
		if err != nil {
			return store.Record[Role]{}, err
		}
		if len(all) >= maxPolicy {
			return store.Record[Role]{}, &FieldError{"name", fmt.Sprintf("cannot be used: there are %d roles already", maxPolicy)}
		}
		if slices.ContainsFunc(all, func(r store.Record[Role]) bool { return strings.EqualFold(r.Value.Name, role.Name) }) {
			return store.Record[Role]{}, &FieldError{"name", "is taken"}
		}
		return stale(d.writeRole(ctx, role, 0, names)) // somebody else may just have taken the name
	})
}

// UpdateRole changes the description and the permissions of a role that is at the version.
func (d *Directory) UpdateRole(ctx context.Context, role Role, version int64) (store.Record[Role], error) {
	return insist(func() (store.Record[Role], error) {
		r, err := d.roleAt(ctx, role.Name, version)
		if err != nil {
			return store.Record[Role]{}, err
		}
		if r.Value.Deleting {
			return store.Record[Role]{}, ErrDeleting
		}
		return d.writeRole(ctx, role, version)
	})
}

// writeRole checks and writes a role: over the version, or anew with version 0. with is written together with it.
func (d *Directory) writeRole(ctx context.Context, role Role, version int64, with ...store.Op) (store.Record[Role], error) {
	role.Deleting = false
	if role.Name == AdministratorRole && len(lacking(adminScopes, role.Permissions[AdminServer])) > 0 {
		return store.Record[Role]{}, &FieldError{"permissions", "must keep " + strings.Join(adminScopes, " and ") + " at " + AdminServer + ": nobody would be left to give them back"}
	}
	if err := checkText("description", role.Description, 0, maxDescription); err != nil {
		return store.Record[Role]{}, err
	}
	if len(role.Permissions) > maxPermissions {
		return store.Record[Role]{}, &FieldError{"permissions", fmt.Sprintf("must be at no more than %d servers", maxPermissions)}
	}
	condition := store.IfAbsent()
	if version > 0 {
		condition = store.IfVersion(version)
	}
	permissions := map[string][]string{}
	var checks []store.Op
	for _, identifier := range slices.Sorted(maps.Keys(role.Permissions)) {
		if len(role.Permissions[identifier]) == 0 {
			continue
		}
		scopes, check, err := d.scopesAt(ctx, identifier, role.Permissions[identifier], "permissions")
		if err != nil {
			return store.Record[Role]{}, err
		}
		permissions[identifier] = scopes
		checks = append(checks, check)
	}
	role.Permissions = permissions
	ops := slices.Concat([]store.Op{putRole(role, condition)}, checks, with)
	return store.Record[Role]{Value: role, Version: version + 1}, blame(d.store.Write(ctx, ops...), ops)
}

// scopesAt are the scopes in the order in which the server lists them, and the check that makes a write depend on
// their being there still. field is the one to blame when they are not.
func (d *Directory) scopesAt(ctx context.Context, identifier string, names []string, field string) ([]string, store.Op, error) {
	r, err := d.ServerRecord(ctx, identifier)
	if errors.Is(err, ErrNotFound) || err == nil && r.Value.Deleting {
		return nil, store.Op{}, &FieldError{field, fmt.Sprintf("must be at servers that there are; there is no %.100q", identifier)}
	}
	if err != nil {
		return nil, store.Op{}, err
	}
	known := d.fill(r.Value).ScopeNames()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, store.Op{}, &FieldError{field, fmt.Sprintf("must be scopes of %s; it has no %.100q", r.Value.Name, name)}
		}
	}
	scopes := slices.DeleteFunc(known, func(name string) bool { return !slices.Contains(names, name) })
	return scopes, store.Check(PolicyPartition, serverPrefix+identifier, store.IfVersion(r.Version)), nil
}

// DeleteRole deletes a role that is at the version. When users have it the error is an *InUseError, unless cascade is
// asked for, which takes it from them first; from then on the role allows nothing. ErrUnfinished: there were too many of
// them for one call.
func (d *Directory) DeleteRole(ctx context.Context, name string, version int64, cascade bool) error {
	if name == AdministratorRole {
		return ErrSystem
	}
	r, err := d.roleAt(ctx, name, version)
	if err != nil {
		return err
	}
	inUse := func() error { return d.roleInUse(ctx, name) }
	mark := func(deleting bool) store.Op {
		marked := r.Value
		marked.Deleting = deleting
		return putRole(marked, store.IfVersion(r.Version))
	}
	if err := d.markDeleted(ctx, r.Value.Deleting, cascade, &r.Version, inUse, mark); err != nil {
		return err
	}
	if err := d.takeFromMembers(ctx, name); err != nil {
		return err
	}
	return d.store.Write(ctx, store.Delete(PolicyPartition, rolePrefix+name, store.IfVersion(r.Version)))
}

// markDeleted marks a record before what uses it is cleaned up. The mark moves its version, so whatever was about to use
// it fails, and whoever comes later finds it gone; who was faster is found when we look again.
func (d *Directory) markDeleted(ctx context.Context, marked, cascade bool, version *int64, inUse func() error, mark func(bool) store.Op) error {
	if !cascade {
		if err := inUse(); err != nil {
			return err
		}
	}
	if !marked {
		if err := d.store.Write(ctx, mark(true)); err != nil {
			return err
		}
		*version++
	}
	if cascade {
		return nil
	}
	err := inUse()
	var used *InUseError
	if errors.As(err, &used) {
		err = errors.Join(err, d.store.Write(ctx, mark(false)))
	}
	return err
}

const shownUses = 20

func (d *Directory) roleInUse(ctx context.Context, name string) error {
	users, err := d.Members(ctx, name, Query{Limit: shownUses + 1})
	if err != nil {
		return err
	}
	clients, err := d.clientsWith(ctx, name, shownUses+1)
	if err != nil {
		return err
	}
	used := &InUseError{}
	for _, u := range users.Items {
		used.Uses = append(used.Uses, Use{"user", u.ID, u.Username})
	}
	for _, c := range clients.Items {
		used.Uses = append(used.Uses, Use{"application", c.ID, c.Name})
	}
	if used.More = len(used.Uses) > shownUses; used.More {
		used.Uses = used.Uses[:shownUses]
	}
	if len(used.Uses) == 0 {
		return nil
	}
	return used
}

// clientsWith are the applications that have a role.
func (d *Directory) clientsWith(ctx context.Context, role string, limit int) (Page[ClientSummary], error) {
	return list[ClientSummary](ctx, d.store, clientsWith(role), "", Query{Limit: limit})
}

// takeFromMembers takes the role from every application and user.
func (d *Directory) takeFromMembers(ctx context.Context, role string) error {
	done := 0
	for {
		page, err := d.clientsWith(ctx, role, maxPageSize)
		if err != nil {
			return err
		}
		for _, c := range page.Items {
			if done++; done > maxCascade {
				return ErrUnfinished
			}
			if err := d.takeRoleFromClient(ctx, c.ID, role); err != nil {
				return err
			}
		}
		if page.Next == "" {
			break
		}
	}
	for {
		page, err := d.Members(ctx, role, Query{Limit: maxPageSize}) // those who were done are in it no more
		if err != nil {
			return err
		}
		for _, u := range page.Items {
			if done++; done > maxCascade {
				return ErrUnfinished
			}
			if err := d.TakeRole(ctx, u.ID, role); err != nil && !errors.Is(err, ErrNotFound) { // deleted in between, and from the index too
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
	}
}

func (d *Directory) takeRoleFromClient(ctx context.Context, id, role string) error {
	_, err := insist(func() (store.Record[Client], error) {
		r, err := d.readClient(ctx, id)
		if err != nil {
			return r, err
		}
		c := r.Value
		c.Roles = lacking(c.Roles, []string{role})
		return stale(d.replaceClient(ctx, r, c))
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// GiveRole gives a user a role, whatever else of the user somebody changes. One who has it is left alone.
func (d *Directory) GiveRole(ctx context.Context, userID, role string) error {
	return d.changeRoles(ctx, userID, func(roles []string) []string { return uniqueRoles(append(roles, role)) })
}

// TakeRole takes a role from a user; the error is ErrLastAdministrator when nobody would be left to give it back.
func (d *Directory) TakeRole(ctx context.Context, userID, role string) error {
	return d.changeRoles(ctx, userID, func(roles []string) []string { return lacking(roles, []string{role}) })
}

func (d *Directory) changeRoles(ctx context.Context, userID string, change func([]string) []string) error {
	_, err := insist(func() (store.Record[User], error) {
		r, err := d.UserRecord(ctx, userID)
		if err != nil {
			return r, err
		}
		u := r.Value
		if u.Roles = change(slices.Clone(u.Roles)); slices.Equal(u.Roles, r.Value.Roles) {
			return r, nil
		}
		if err := checkUser(u); err != nil {
			return r, err
		}
		checks, err := d.roleChecks(ctx, lacking(u.Roles, r.Value.Roles))
		if err != nil {
			return r, err
		}
		return stale(d.replaceUser(ctx, r, u, checks))
	})
	return err
}
