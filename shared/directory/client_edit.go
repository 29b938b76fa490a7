package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
)

// ClientEdit is a change to an application; nil leaves a field as it is.
type ClientEdit struct {
	Name          *string
	RedirectURIs  *[]string
	Roles         *[]string
	RequirePushed *bool
	BoundTokens   *bool
	LogoutURIs    *[]string
	MayAct        *string     // empty: nobody
	Keys          *PublicKeys // in place of its secret, or of other keys; RotateSecret is the way back
	Disabled      *bool
}

// describes reports whether it says more than whether the application may ask for anything at all.
func (e ClientEdit) describes() bool {
	e.Disabled = nil
	return e != ClientEdit{}
}

// ClientRecord reads an application for administration: with the version that a change must name, disabled or not.
func (d *Directory) ClientRecord(ctx context.Context, id string) (store.Record[Client], error) {
	if store.ValidKey("client/"+id, clientSort) != nil {
		return store.Record[Client]{}, ErrNotFound
	}
	r, err := d.readClient(ctx, id)
	r.Value = d.fillClient(r.Value)
	return r, err
}

// clientAt reads an application, as it is stored, that the caller knows at a version and wants to change.
func (d *Directory) clientAt(ctx context.Context, id string, version int64) (store.Record[Client], error) {
	if store.ValidKey("client/"+id, clientSort) != nil {
		return store.Record[Client]{}, ErrNotFound
	}
	r, err := d.readClient(ctx, id)
	switch {
	case err != nil:
	case r.Value.System:
		err = ErrSystem
	case r.Version != version:
		err = store.ErrConflict
	}
	return r, err
}

// usableClientAt is clientAt for all but deleting.
func (d *Directory) usableClientAt(ctx context.Context, id string, version int64) (store.Record[Client], error) {
	r, err := d.clientAt(ctx, id, version)
	if err == nil && r.Value.Deleting {
		err = ErrDeleting
	}
	return r, err
}

// checkedClient checks what an administrator can enter and brings it into the form that is stored.
func (d *Directory) checkedClient(c Client) (Client, error) {
	if err := checkText("name", c.Name, 1, maxName); err != nil {
		return Client{}, err
	}
	browser, machine := c.May(GrantCode), c.May(GrantMachine) // it sends people here with their browser; it acts for nobody
	switch {
	case !browser && len(c.RedirectURIs) > 0:
		return Client{}, &FieldError{"redirect_uris", "must be left out: no browser is sent back to an application of this kind"}
	case !browser && len(c.LogoutURIs) > 0:
		return Client{}, &FieldError{"post_logout_redirect_uris", "must be left out: no browser is sent back to an application of this kind"}
	case !browser && c.RequirePushed:
		return Client{}, &FieldError{"require_pushed_authorization_requests", "must be false: an application of this kind makes no authorization requests"}
	case machine && len(c.Roles) > maxClientRoles:
		return Client{}, &FieldError{"roles", fmt.Sprintf("must be at most %d", maxClientRoles)}
	case !machine && len(c.Roles) > 0:
		return Client{}, &FieldError{"roles", "must be left out: this application acts for users, and their roles count"}
	case machine && c.MayAct != "":
		return Client{}, &FieldError{"may_act", "must be left out: this application has no users for whom an agent could act"}
	case c.MayAct == c.ID:
		return Client{}, &FieldError{"may_act", "must be another application"}
	case !browser:
		return c, nil
	}
	if err := CheckRedirects(c.RedirectURIs); err != nil {
		return Client{}, err
	}
	if err := CheckLogouts(c.LogoutURIs, c.RedirectURIs); err != nil {
		return Client{}, err
	}
	return d.located(c), nil
}

// located is a client with its addresses in the form that is stored, and the application type that follows from its redirect URIs: who is
// answered on the person's machine, and not on ours, is native, whatever it says of itself. OpenID Connect Registration §2 has
// https alone for the web, and "web" is what is meant by saying nothing; Cursor says it next to its own scheme.
func (d *Directory) located(c Client) Client {
	c.ApplicationType, c.RedirectURIs = Web, slices.Clone(c.RedirectURIs)
	for i, uri := range c.RedirectURIs {
		stored := d.contract(uri)
		if u, _ := url.Parse(uri); u.Scheme != "https" && stored == uri {
			c.ApplicationType = Native
		}
		c.RedirectURIs[i] = stored
	}
	c.LogoutURIs = slices.Clone(c.LogoutURIs)
	for i, uri := range c.LogoutURIs {
		c.LogoutURIs[i] = d.contract(uri)
	}
	return c
}

// UpdateClient changes an application that is at the version.
func (d *Directory) UpdateClient(ctx context.Context, id string, version int64, e ClientEdit) (store.Record[Client], error) {
	return insist(func() (store.Record[Client], error) {
		before, err := d.usableClientAt(ctx, id, version)
		if err != nil {
			return store.Record[Client]{}, err
		}
		c := before.Value
		if c.SelfRegistered() && e.describes() {
			return store.Record[Client]{}, ErrSelfRegistered
		}
		if e.describes() { // what once passed under other rules can still be disabled
			if c, err = d.edited(c, e); err != nil {
				return store.Record[Client]{}, err
			}
		}
		c.Disabled = value(e.Disabled, c.Disabled)
		if e.Disabled != nil {
			c.Expires = noExpiry // what an administrator decided is not forgotten: it could register again as if nothing had been
		}
		checks, err := d.clientChecks(ctx, before.Value, c)
		if err != nil {
			return store.Record[Client]{}, err
		}
		return d.replaceClient(ctx, before, c, checks...)
	})
}

// edited is what an administrator makes of an application, in the form that is stored.
func (d *Directory) edited(before Client, e ClientEdit) (Client, error) {
	c := d.fillClient(before)
	c.Name, c.RedirectURIs, c.LogoutURIs = value(e.Name, c.Name), value(e.RedirectURIs, c.RedirectURIs), value(e.LogoutURIs, c.LogoutURIs)
	c.RequirePushed, c.BoundTokens, c.MayAct = value(e.RequirePushed, c.RequirePushed), value(e.BoundTokens, c.BoundTokens), value(e.MayAct, c.MayAct)
	if e.Roles != nil {
		c.Roles = uniqueRoles(*e.Roles)
	}
	if e.Keys != nil {
		if err := d.proveBy(&c, *e.Keys); err != nil {
			return Client{}, err
		}
	}
	return d.checkedClient(c)
}

// clientChecks make a write depend on what an application newly names being there still: roles, and an agent.
func (d *Directory) clientChecks(ctx context.Context, before, c Client) ([]store.Op, error) {
	checks, err := d.roleChecks(ctx, lacking(c.Roles, before.Roles))
	if err != nil || c.MayAct == "" || c.MayAct == before.MayAct {
		return checks, err
	}
	agent, err := d.agentCheck(ctx, c.MayAct)
	return append(checks, agent), err
}

// value is what an edit says, or what was there.
func value[T any](edit *T, before T) T {
	if edit != nil {
		return *edit
	}
	return before
}

// lacking are the names that are not among the others.
func lacking(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// AuthorizeClient lets an application that is at the version ask for these scopes of a server, and for no others of it.
// No scopes: it may no longer ask there at all.
func (d *Directory) AuthorizeClient(ctx context.Context, id string, version int64, server string, scopes []string) (store.Record[Client], error) {
	return insist(func() (store.Record[Client], error) {
		before, err := d.usableClientAt(ctx, id, version)
		if err != nil {
			return store.Record[Client]{}, err
		}
		c := before.Value
		if c.SelfRegistered() {
			return store.Record[Client]{}, ErrSelfRegistered
		}
		c.Authorized = maps.Clone(c.Authorized)
		if len(scopes) == 0 {
			delete(c.Authorized, server)
			return d.replaceClient(ctx, before, c)
		}
		known, check, err := d.scopesAt(ctx, server, scopes, "scopes")
		if err != nil {
			return store.Record[Client]{}, err
		}
		if c.Authorized == nil {
			c.Authorized = map[string][]string{}
		}
		if c.Authorized[server] = known; len(c.Authorized) > maxAuthorized {
			return store.Record[Client]{}, &FieldError{"server", fmt.Sprintf("cannot be added: an application is authorized for at most %d", maxAuthorized)}
		}
		return d.replaceClient(ctx, before, c, check)
	})
}

// replaceClient writes an application, as it is stored, with its index items.
func (d *Directory) replaceClient(ctx context.Context, before store.Record[Client], c Client, checks ...store.Op) (store.Record[Client], error) {
	ops := slices.Concat([]store.Op{putClient(c, store.IfVersion(before.Version))}, indexOps(before.Value.entries(), c.entries()), checks)
	return store.Record[Client]{Value: d.fillClient(c), Version: before.Version + 1}, blame(d.store.Write(ctx, ops...), ops)
}

// DeleteClient deletes an application that is at the version. When people allowed it something, or applications name it as their agent, the
// error is an *InUseError, unless cascade is asked for, which withdraws the consents and takes it out of the applications; from the
// moment that it is marked it gets no token. ErrUnfinished: there were too many of them for one call. A client_id is never given twice.
func (d *Directory) DeleteClient(ctx context.Context, id string, version int64, cascade bool) error {
	r, err := d.clientAt(ctx, id, version)
	if err != nil {
		return err
	}
	inUse := func() error { return d.clientInUse(ctx, id) }
	mark := func(deleting bool) store.Op {
		marked := r.Value
		marked.Deleting, marked.Disabled = deleting, deleting || marked.Disabled
		return putClient(marked, store.IfVersion(r.Version))
	}
	if err := d.markDeleted(ctx, r.Value.Deleting, cascade, &r.Version, inUse, mark); err != nil {
		return err
	}
	if err := d.withdrawAllFor(ctx, id); err != nil {
		return err
	}
	if err := d.forgetAgent(ctx, id); err != nil {
		return err
	}
	ops := []store.Op{store.Delete("client/"+id, clientSort, store.IfVersion(r.Version)), bury("client/" + id)}
	return d.store.Write(ctx, append(ops, indexOps(r.Value.entries(), nil)...)...)
}

func (d *Directory) clientInUse(ctx context.Context, id string) error {
	page, err := d.ConsentsFor(ctx, id, Query{Limit: shownUses + 1})
	if err != nil {
		return err
	}
	named, err := d.ClientsNaming(ctx, id, Query{Limit: shownUses + 1})
	if err != nil || len(page.Items)+len(named.Items) == 0 {
		return err
	}
	used := &InUseError{More: len(page.Items)+len(named.Items) > shownUses}
	for _, c := range named.Items[:min(len(named.Items), shownUses)] {
		used.Uses = append(used.Uses, Use{"application", c.ID, c.Name})
	}
	for _, c := range page.Items[:min(len(page.Items), shownUses-len(used.Uses))] {
		u, err := d.User(ctx, c.UserID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		used.Uses = append(used.Uses, Use{"user", c.UserID, cmp.Or(u.Username, c.UserID)})
	}
	return used
}

func (d *Directory) withdrawAllFor(ctx context.Context, id string) error {
	for done := 0; ; {
		page, err := d.ConsentsFor(ctx, id, Query{Limit: maxPageSize}) // those that were withdrawn are in it no more
		if err != nil {
			return err
		}
		for _, c := range page.Items {
			if done++; done > maxCascade {
				return ErrUnfinished
			}
			if err := d.Withdraw(ctx, c.UserID, c.ClientID, c.Server); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
	}
}

// cleanID are ids that an administrator's program chose, so that it can repeat a creation without making two.
func cleanID(prefix, id string) bool {
	return strings.HasPrefix(id, prefix) && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}
