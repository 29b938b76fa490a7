package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

const (
	// AdministratorRole is the role that the directory is run with; somebody always has it.
	AdministratorRole = "Administrator"
	// AdminServer is the identifier of the resource server at which it is run: the admin API.
	AdminServer = "admin://vetassist"
)

// adminScopes are what the role always allows there.
var adminScopes = []string{"admin:read", "admin:write"}

// administers reports whether the user can log in and run the directory.
func (u User) administers() bool { return !u.Disabled && slices.Contains(u.Roles, AdministratorRole) }

// NewUser is what an administrator says of a person to be added.
type NewUser struct {
	ID       string // of a program that may have to repeat this; empty: a new one
	Username string
	Name     string
	Roles    []string
	Password string
}

// UserEdit is a change to a user; nil leaves a field as it is.
type UserEdit struct {
	Username *string
	Name     *string
	Roles    *[]string
	Disabled *bool
}

// UserRecord reads a user for administration: with the version that a change must name.
func (d *Directory) UserRecord(ctx context.Context, id string) (store.Record[User], error) {
	if store.ValidKey("user/"+id, profileSort) != nil {
		return store.Record[User]{}, ErrNotFound
	}
	return d.users.Read(ctx, d.store, "user/"+id, profileSort)
}

// userAt reads a user whom the caller knows at a version.
func (d *Directory) userAt(ctx context.Context, id string, version int64) (store.Record[User], error) {
	r, err := d.UserRecord(ctx, id)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	return r, err
}

// AddUser adds a person. Errors are a *FieldError when a field is wrong, or the username taken, and store.ErrConflict when
// the ID is, or ErrGone when it was.
func (d *Directory) AddUser(ctx context.Context, n NewUser) (store.Record[User], error) {
	switch {
	case n.ID == "":
		n.ID = "user-" + strings.ToLower(rand.Text())
	case !cleanID("user-", n.ID):
		return store.Record[User]{}, &FieldError{"id", "must be user- and at most 59 of a-z, 0-9 and -"}
	}
	u := User{ID: n.ID, Username: Canonical(n.Username), Name: n.Name, Roles: uniqueRoles(n.Roles),
		Created: d.now().UTC().Truncate(time.Second)}
	if err := cmp.Or(checkUser(u), checkPassword(n.Password, u.Username)); err != nil {
		return store.Record[User]{}, err
	}
	hash, err := hashPassword(ctx, n.Password)
	if err != nil {
		return store.Record[User]{}, err
	}
	return insist(func() (store.Record[User], error) {
		checks, err := d.roleChecks(ctx, u.Roles)
		if err != nil {
			return store.Record[User]{}, err
		}
		unused, err := d.unused(ctx, "user/"+u.ID)
		if err != nil {
			return store.Record[User]{}, err
		}
		checks = append(checks, unused)
		ops := slices.Concat([]store.Op{
			store.Put(store.Encode("user/"+u.ID, profileSort, u, noExpiry), store.IfAbsent()),
			store.Put(store.Encode("user/"+u.ID, passwordSort, passwordRecord{Hash: hash, Changed: u.Created}, noExpiry), store.IfAbsent()),
			store.Put(store.Encode("username/"+u.Username, usernameSort, usernameRecord{u.ID}, noExpiry), store.IfAbsent()),
		}, indexOps(nil, u.entries()), checks)
		return store.Record[User]{Value: u, Version: 1}, blame(d.store.Write(ctx, ops...), ops)
	})
}

func checkUser(u User) error {
	if err := checkUsername(u.Username); err != nil {
		return err
	}
	if err := checkText("name", u.Name, 1, maxName); err != nil {
		return err
	}
	if len(u.Roles) > maxUserRoles {
		return &FieldError{"roles", fmt.Sprintf("must be at most %d", maxUserRoles)}
	}
	return nil
}

func uniqueRoles(roles []string) []string { return slices.Compact(slices.Sorted(slices.Values(roles))) }

// UpdateUser changes a user who is at the version; otherwise the error is store.ErrConflict. It is a *FieldError when a
// field is wrong, and ErrLastAdministrator when nobody would be left to undo it.
func (d *Directory) UpdateUser(ctx context.Context, id string, version int64, e UserEdit) (store.Record[User], error) {
	return insist(func() (store.Record[User], error) {
		before, err := d.userAt(ctx, id, version)
		if err != nil {
			return store.Record[User]{}, err
		}
		if before.Value.Deleting {
			return store.Record[User]{}, ErrDeleting
		}
		u := before.Value
		u.Username, u.Name = Canonical(value(e.Username, u.Username)), value(e.Name, u.Name)
		u.Roles, u.Disabled = uniqueRoles(value(e.Roles, u.Roles)), value(e.Disabled, u.Disabled)
		if u.Disabled && !before.Value.Disabled { // who is enabled again begins anew
			u = u.signedOut(d.now())
		}
		if err := checkUser(u); err != nil {
			return store.Record[User]{}, err
		}
		checks, err := d.roleChecks(ctx, lacking(u.Roles, before.Value.Roles))
		if err != nil {
			return store.Record[User]{}, err
		}
		return d.replaceUser(ctx, before, u, checks)
	})
}

// replaceUser writes a user with all index items, when that leaves an administrator and the checks hold.
func (d *Directory) replaceUser(ctx context.Context, before store.Record[User], u User, checks []store.Op) (store.Record[User], error) {
	ops := []store.Op{store.Put(store.Encode("user/"+u.ID, profileSort, u, noExpiry), store.IfVersion(before.Version))}
	if from, to := Canonical(before.Value.Username), Canonical(u.Username); from != to {
		ops = append(ops, store.Delete("username/"+from, usernameSort, store.Always()),
			store.Put(store.Encode("username/"+to, usernameSort, usernameRecord{u.ID}, noExpiry), store.IfAbsent()))
	}
	ops = slices.Concat(ops, indexOps(before.Value.entries(), u.entries()), checks)
	if before.Value.administers() && !u.administers() {
		witness, err := d.otherAdministrator(ctx, u.ID)
		if err != nil {
			return store.Record[User]{}, err
		}
		ops = append(ops, witness)
	}
	return store.Record[User]{Value: u, Version: before.Version + 1}, blame(d.store.Write(ctx, ops...), ops)
}

// otherAdministrator is the check that makes a write depend on another active administrator being one still: of two who
// demote each other, each is the other's witness, so one of the writes fails.
func (d *Directory) otherAdministrator(ctx context.Context, id string) (store.Op, error) {
	q := Query{Limit: maxPageSize}
	for {
		page, err := d.Members(ctx, AdministratorRole, q)
		if err != nil {
			return store.Op{}, err
		}
		for _, u := range page.Items {
			if u.ID == id || u.Disabled {
				continue
			}
			r, err := d.UserRecord(ctx, u.ID)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return store.Op{}, err
			}
			if err == nil && r.Value.administers() && d.canLogIn(ctx, u.ID) {
				return store.Check("user/"+u.ID, profileSort, store.IfVersion(r.Version)), nil
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return store.Op{}, ErrLastAdministrator
		}
	}
}

// canLogIn tells whether a user's password works here: a demo's works on a loopback address only.
func (d *Directory) canLogIn(ctx context.Context, id string) bool {
	p, err := store.Read[passwordRecord](ctx, d.store, "user/"+id, passwordSort)
	return err == nil && (d.local || !p.Value.Demo)
}

// HasDemoPassword tells whether a user's password is the one that everybody knows. Nobody's is that of a user who is gone.
func (d *Directory) HasDemoPassword(ctx context.Context, id string) (bool, error) {
	p, err := store.Read[passwordRecord](ctx, d.store, "user/"+id, passwordSort)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return p.Value.Demo, err
}

// SetPassword gives a user another password, whatever else of the user somebody changes. In the same write it signs the user
// out everywhere, since whoever knew the old one may have logged in with it, and forgets wrong guesses. It is never a demo's
// password: it works everywhere. Passkeys stay.
func (d *Directory) SetPassword(ctx context.Context, id, password string) error {
	return d.setPassword(ctx, id, password, nil)
}

var errNotDemo = errors.New("directory: the password is not the demo's")

// ReplaceDemoPassword gives a user another password when theirs is the one that everybody knows at the moment of the write, and tells
// whether it was. Of many at once one does it.
func (d *Directory) ReplaceDemoPassword(ctx context.Context, id, password string) (replaced bool, err error) {
	demo := func() error {
		known, err := d.HasDemoPassword(ctx, id)
		if err == nil && !known {
			err = errNotDemo
		}
		return err
	}
	if err = demo(); err == nil { // before the work of a hash
		err = d.setPassword(ctx, id, password, demo)
	}
	if errors.Is(err, errNotDemo) {
		return false, nil
	}
	return err == nil, err
}

// setPassword asks allowed, if there is one, after it has read the user: whoever sets a password writes the user too, so an answer that is
// no longer true at the write is asked for again.
func (d *Directory) setPassword(ctx context.Context, id, password string, allowed func() error) error {
	before, err := d.UserRecord(ctx, id)
	if err == nil {
		err = checkPassword(password, before.Value.Username)
	}
	if err != nil {
		return err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	_, err = insist(func() (store.Record[User], error) {
		r, err := d.UserRecord(ctx, id)
		if err == nil && r.Value.Deleting {
			err = ErrDeleting
		}
		if err == nil && allowed != nil {
			err = allowed()
		}
		if err != nil {
			return r, err
		}
		u := r.Value.signedOut(d.now())
		record := passwordRecord{Hash: hash, Changed: u.SignedOut.Truncate(time.Second)}
		return stale(d.replaceUser(ctx, r, u, []store.Op{
			store.Put(store.Encode("user/"+id, passwordSort, record, noExpiry), store.Always()),
			store.Delete("username/"+Canonical(u.Username), guessesSort, store.Always()),
		}))
	})
	return err
}

// SignOut ends, at once, whatever the person has open: logins, codes and grants.
func (d *Directory) SignOut(ctx context.Context, id string) error {
	_, err := insist(func() (store.Record[User], error) {
		r, err := d.UserRecord(ctx, id)
		if err != nil {
			return r, err
		}
		u := r.Value.signedOut(d.now())
		return stale(d.replaceUser(ctx, r, u, nil))
	})
	return err
}

// maxCascade bounds what one deletion cleans up.
const maxCascade = 500

// DeleteUser deletes a user who is at the version, and what is the user's own: password, passkeys, consents. The user is disabled and marked
// first, so that none is ever seen with half of it, and nothing more is given to them meanwhile. ErrUnfinished: it was too much for one call.
func (d *Directory) DeleteUser(ctx context.Context, id string, version int64) error {
	_, err := insist(func() (struct{}, error) { return struct{}{}, d.deleteUser(ctx, id, version) })
	return err
}

func (d *Directory) deleteUser(ctx context.Context, id string, version int64) error {
	r, err := d.userAt(ctx, id, version)
	if err != nil {
		return err
	}
	if !r.Value.Deleting {
		marked := r.Value
		marked.Disabled, marked.Deleting = true, true
		if r, err = d.replaceUser(ctx, r, marked, nil); err != nil {
			return err
		}
	}
	own := store.Query{Partition: "user/" + id, Limit: store.MaxOps / 2} // a consent is two operations, and a passkey too
	for range maxCascade / own.Limit {
		page, err := d.store.List(ctx, own)
		if err != nil {
			return err
		}
		var rest []store.Op
		for _, item := range page.Items {
			if item.Sort == profileSort || item.Sort == goneSort { // the latter where another request was faster
				continue
			}
			rest = append(rest, store.Delete(item.Partition, item.Sort, store.Always()))
			if strings.HasPrefix(item.Sort, consentPrefix) {
				var c Consent
				if err := json.Unmarshal(item.Body, &c); err != nil {
					return fmt.Errorf("directory: consent %s of %s: %w", item.Sort, id, err)
				}
				rest = append(rest, indexOps([]entry{c.entry()}, nil)...)
			}
			if strings.HasPrefix(item.Sort, passkeyPrefix) {
				var p Passkey
				if err := json.Unmarshal(item.Body, &p); err != nil {
					return fmt.Errorf("directory: %s of %s: %w", item.Sort, id, err)
				}
				rest = append(rest, store.Delete(p.taken(id).Partition, usernameSort, store.Always()))
			}
		}
		last := slices.Concat([]store.Op{
			store.Delete("user/"+id, profileSort, store.IfVersion(r.Version)),
			store.Delete("username/"+Canonical(r.Value.Username), usernameSort, store.Always()),
			bury("user/" + id),
		}, indexOps(r.Value.entries(), nil))
		if page.Next == "" && len(last)+len(rest) <= store.MaxOps {
			last = append(last, rest...)
			return blame(d.store.Write(ctx, last...), last)
		}
		if err := d.store.Write(ctx, rest...); err != nil {
			return err
		}
	}
	return ErrUnfinished
}
