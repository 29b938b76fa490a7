package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vetassist/vetassist/shared/store"
)

// ServerRecords are all MCP servers by identifier, for administration: with versions, and those half deleted too.
func (d *Directory) ServerRecords(ctx context.Context) ([]store.Record[Server], error) {
	records, err := store.ReadAll[Server](ctx, d.store, store.Query{Partition: PolicyPartition, Prefix: serverPrefix}, maxServers)
	for i := range records {
		records[i].Value.URL = d.expand(records[i].Value.URL)
	}
	return records, err
}

// ServerRecord reads an MCP server for administration: with the version that a change must name.
func (d *Directory) ServerRecord(ctx context.Context, identifier string) (store.Record[Server], error) {
	if store.ValidKey(PolicyPartition, serverPrefix+identifier) != nil {
		return store.Record[Server]{}, ErrNotFound
	}
	r, err := store.Read[Server](ctx, d.store, PolicyPartition, serverPrefix+identifier)
	r.Value.URL = d.expand(r.Value.URL)
	return r, err
}

func (d *Directory) serverAt(ctx context.Context, identifier string, version int64) (store.Record[Server], error) {
	r, err := d.ServerRecord(ctx, identifier)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	return r, err
}

func (d *Directory) putServer(s Server, c store.Condition) store.Op {
	s.URL = d.contract(s.URL)
	return store.Put(store.Encode(PolicyPartition, serverPrefix+s.Identifier, s, noExpiry), c)
}

// addressesSort is an item that every write of a server's address moves, so that two servers cannot take one address at
// the same moment: a resource parameter must name one server (RFC 8707 §2).
const addressesSort = "addresses"

// ownAddress refuses an address that another server has, and is the operation that keeps it so until the write.
func (d *Directory) ownAddress(ctx context.Context, s Server) (op store.Op, count int, err error) {
	guard, err := d.guard(ctx, addressesSort)
	if err != nil {
		return store.Op{}, 0, err
	}
	all, err := d.ServerRecords(ctx)
	if err != nil {
		return store.Op{}, 0, err
	}
	for _, r := range all {
		o := r.Value
		if o.Identifier == s.Identifier {
			continue
		}
		if sameResource(s.Identifier, o.URL) {
			return store.Op{}, 0, &FieldError{"identifier", "is the URL of " + o.Name}
		}
		if sameResource(s.Identifier, o.Identifier) {
			return store.Op{}, 0, &FieldError{"identifier", "is that of " + o.Name}
		}
		if sameResource(s.URL, o.URL) || sameResource(s.URL, o.Identifier) {
			return store.Op{}, 0, &FieldError{"url", "is that of " + o.Name}
		}
	}
	return guard, len(all), nil
}

// guard is the operation that moves an item of the policy which has nothing in it: of two who read what it guards, and then write, one wins.
func (d *Directory) guard(ctx context.Context, sort string) (store.Op, error) {
	there, err := store.Read[struct{}](ctx, d.store, PolicyPartition, sort)
	condition := store.IfVersion(there.Version)
	if errors.Is(err, ErrNotFound) {
		condition, err = store.IfAbsent(), nil
	}
	return store.Put(store.Encode(PolicyPartition, sort, struct{}{}, noExpiry), condition), err
}

// canonicalServer is what is stored of what was entered: addresses in the form in which they are compared, and no scope
// that was read as half deleted.
func canonicalServer(s Server) Server {
	s.URL, s.Identifier, s.Deleting, s.System = lowerHost(s.URL), lowerHost(s.Identifier), false, false
	s.Scopes = slices.DeleteFunc(slices.Clone(s.Scopes), func(scope Scope) bool { return scope.Deleting })
	return s
}

// AddServer registers an MCP server.
func (d *Directory) AddServer(ctx context.Context, s Server) (store.Record[Server], error) {
	s = canonicalServer(s)
	s.Created = d.now().UTC()
	if err := checkServer(s); err != nil {
		return store.Record[Server]{}, err
	}
	return insist(func() (store.Record[Server], error) {
		address, count, err := d.ownAddress(ctx, s)
		if err != nil {
			return store.Record[Server]{}, err
		}
		if count >= maxPolicy {
			return store.Record[Server]{}, &FieldError{"identifier", fmt.Sprintf("cannot be used: there are %d servers already", maxPolicy)}
		}
		ops := []store.Op{d.putServer(s, store.IfAbsent()), address}
		err = blame(d.store.Write(ctx, ops...), ops)
		if errors.Is(err, store.ErrConflict) {
			err = &FieldError{"identifier", "is taken"}
		}
		return store.Record[Server]{Value: s, Version: 1}, err
	})
}

// UpdateServer changes a server that is at the version. A scope that is left out is deleted: when roles or clients name it
// the error is an *InUseError, unless cascade is asked for, which takes it from them; from the moment that it is marked
// nobody is granted it. ErrUnfinished: too many name it for one call.
func (d *Directory) UpdateServer(ctx context.Context, s Server, version int64, cascade bool) (store.Record[Server], error) {
	s = canonicalServer(s)
	if err := checkServer(s); err != nil {
		return store.Record[Server]{}, err
	}
	r, err := d.serverAt(ctx, s.Identifier, version)
	if err != nil {
		return store.Record[Server]{}, err
	}
	switch {
	case r.Value.System:
		return store.Record[Server]{}, ErrSystem
	case r.Value.Deleting:
		return store.Record[Server]{}, ErrDeleting
	}
	s.Created = r.Value.Created
	address, _, err := d.ownAddress(ctx, s)
	if err != nil {
		return store.Record[Server]{}, err
	}
	var gone []string
	marked := true // all that is gone is marked already
	for _, scope := range r.Value.Scopes {
		if _, stays := s.Scope(scope.Name); !stays {
			gone = append(gone, scope.Name)
			marked = marked && scope.Deleting
		}
	}
	if len(gone) > 0 {
		inUse := func() error { return d.serverInUse(ctx, s.Identifier, gone) }
		mark := func(deleting bool) store.Op {
			m := r.Value
			m.Scopes = slices.Clone(m.Scopes)
			for i, scope := range m.Scopes {
				if slices.Contains(gone, scope.Name) {
					m.Scopes[i].Deleting = deleting
				}
			}
			return d.putServer(m, store.IfVersion(r.Version))
		}
		if err := d.markDeleted(ctx, marked, cascade, &r.Version, inUse, mark); err != nil {
			return store.Record[Server]{}, err
		}
		if err := d.takeScopes(ctx, s.Identifier, gone); err != nil {
			return store.Record[Server]{}, err
		}
	}
	err = d.store.Write(ctx, d.putServer(s, store.IfVersion(r.Version)), address)
	return store.Record[Server]{Value: s, Version: r.Version + 1}, err
}

// DeleteServer deletes a server that is at the version. When roles or clients name it the error is an *InUseError, unless
// cascade is asked for, which takes it out of them; from the moment that it is marked no token is issued for it.
// ErrUnfinished: too many name it for one call.
func (d *Directory) DeleteServer(ctx context.Context, identifier string, version int64, cascade bool) error {
	r, err := d.serverAt(ctx, identifier, version)
	if err == nil && r.Value.System {
		err = ErrSystem
	}
	if err != nil {
		return err
	}
	inUse := func() error { return d.serverInUse(ctx, identifier, nil) }
	mark := func(deleting bool) store.Op {
		m := r.Value
		m.Deleting = deleting
		return d.putServer(m, store.IfVersion(r.Version))
	}
	if err := d.markDeleted(ctx, r.Value.Deleting, cascade, &r.Version, inUse, mark); err != nil {
		return err
	}
	if err := d.takeScopes(ctx, identifier, nil); err != nil {
		return err
	}
	return d.store.Write(ctx, store.Delete(PolicyPartition, serverPrefix+identifier, store.IfVersion(r.Version)))
}

// names reports whether scopes hold one of those that are gone; nil stands for all.
func names(scopes, gone []string) bool {
	return gone == nil || slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(gone, s) })
}

// without takes scopes at a server out of permissions; nil stands for all of them. Nothing left is no entry.
func without(permissions map[string][]string, identifier string, gone []string) map[string][]string {
	rest := maps.Clone(permissions)
	left := slices.DeleteFunc(slices.Clone(rest[identifier]), func(s string) bool { return names([]string{s}, gone) })
	if rest[identifier] = left; len(left) == 0 {
		delete(rest, identifier)
	}
	return rest
}

// serverInUse is an *InUseError when roles or clients name scopes of the server; gone nil: any of them.
func (d *Directory) serverInUse(ctx context.Context, identifier string, gone []string) error {
	used := &InUseError{}
	add := func(u Use) bool {
		if len(used.Uses) == shownUses {
			used.More = true
			return false
		}
		used.Uses = append(used.Uses, u)
		return true
	}
	roles, err := d.RoleRecords(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if scopes, ok := r.Value.Permissions[identifier]; ok && names(scopes, gone) && !add(Use{"role", r.Value.Name, r.Value.Name}) {
			return used
		}
	}
	err = d.eachClientOf(ctx, identifier, func(c clientUse) (bool, error) {
		return !names(c.Scopes, gone) || add(Use{"application", c.ID, c.Name}), nil
	})
	if err != nil {
		return err
	}
	if len(used.Uses) == 0 {
		return nil
	}
	return used
}

// eachClientOf calls f for each client that is authorized for a server, in order of client_id, until it says no.
func (d *Directory) eachClientOf(ctx context.Context, identifier string, f func(clientUse) (bool, error)) error {
	q := Query{Limit: maxPageSize}
	for {
		page, err := list[clientUse](ctx, d.store, clientsOf(identifier), "", q)
		if err != nil {
			return err
		}
		for _, c := range page.Items {
			if on, err := f(c); !on || err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// takeScopes takes scopes of a server, nil for all, from every role and client. What it did already it finds done.
func (d *Directory) takeScopes(ctx context.Context, identifier string, gone []string) error {
	done := 0
	all, err := d.RoleRecords(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if scopes, ok := r.Value.Permissions[identifier]; ok && names(scopes, gone) {
			if err := d.takeFromRole(ctx, r.Value.Name, identifier, gone); err != nil {
				return err
			}
		}
	}
	return d.eachClientOf(ctx, identifier, func(c clientUse) (bool, error) {
		if !names(c.Scopes, gone) {
			return true, nil
		}
		if done++; done > maxCascade {
			return false, ErrUnfinished
		}
		return true, d.takeFromClient(ctx, c.ID, identifier, gone)
	})
}

func (d *Directory) takeFromRole(ctx context.Context, name, identifier string, gone []string) error {
	_, err := insist(func() (struct{}, error) {
		r, err := d.RoleRecord(ctx, name)
		if err != nil {
			return struct{}{}, err
		}
		r.Value.Permissions = without(r.Value.Permissions, identifier, gone)
		return stale(struct{}{}, d.store.Write(ctx, putRole(r.Value, store.IfVersion(r.Version))))
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (d *Directory) takeFromClient(ctx context.Context, id, identifier string, gone []string) error {
	_, err := insist(func() (struct{}, error) {
		r, err := d.readClient(ctx, id)
		if err != nil {
			return struct{}{}, err
		}
		c := r.Value
		c.Authorized = without(c.Authorized, identifier, gone)
		_, err = stale(d.replaceClient(ctx, r, c))
		return struct{}{}, err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
