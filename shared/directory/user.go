package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// User is a person who can log in. The password is a record of its own, which no listing touches.
type User struct {
	ID       string    `json:"id"` // the sub of tokens; never changes
	Username string    `json:"username"`
	Name     string    `json:"name"`
	Roles    []string  `json:"roles"`
	Disabled bool      `json:"disabled,omitempty"`
	Deleting bool      `json:"deleting,omitempty"` // half deleted; disabled too
	Created  time.Time `json:"created"`

	// SignedOut is when the person was last signed out everywhere: logins, codes and grants that began then or before are over.
	SignedOut time.Time `json:"signed_out,omitzero"`
}

func (u User) clone() User {
	u.Roles = slices.Clone(u.Roles)
	return u
}

// SignedOutSince reports whether what began at a time was ended by signing the person out everywhere.
func (u User) SignedOutSince(began time.Time) bool { return !began.After(u.SignedOut) }

// Epoch tells what rests on this record from what rests on one of before or after the person was signed out everywhere. Clocks do not: that
// has its time before it is written, and until then, or by the clock of another process, things begin later which know nothing of it.
func (u User) Epoch() time.Time {
	if u.SignedOut.IsZero() {
		return u.Created
	}
	return u.SignedOut
}

// Ended reports whether what began at a time, in an epoch, was ended by signing the person out everywhere. No epoch is that of what began
// before there were any.
func (u User) Ended(began, epoch time.Time) bool {
	return u.SignedOutSince(began) || !epoch.IsZero() && !epoch.Equal(u.Epoch())
}

// signedOut is the user when signed out everywhere: in an epoch that was not there before, though it be the same instant, or by a clock that is
// a little behind.
func (u User) signedOut(now time.Time) User {
	if ahead := u.Epoch().Sub(now); 0 <= ahead && ahead < time.Hour {
		now = u.Epoch().Add(1)
	}
	u.SignedOut = now.UTC()
	return u
}

type usernameRecord struct {
	UserID string `json:"user_id"`
}

type passwordRecord struct {
	Hash    string    `json:"hash"`           // argon2id, PHC string
	Demo    bool      `json:"demo,omitempty"` // printed in the README: works on a loopback address only
	Changed time.Time `json:"changed"`
}

const (
	profileSort  = "profile"
	passwordSort = "password"
	usernameSort = "user"
)

// Bounds on what a login form may send.
const (
	maxUsername = 64
	maxPassword = 256
)

// User finds a person by id. A disabled one is found, with Disabled set.
func (d *Directory) User(ctx context.Context, id string) (User, error) {
	r, err := d.users.Read(ctx, d.store, "user/"+id, profileSort)
	return r.Value, err
}

// ActiveUser finds a person by id who is not disabled.
func (d *Directory) ActiveUser(ctx context.Context, id string) (User, error) {
	u, err := d.User(ctx, id)
	if err == nil && u.Disabled {
		return User{}, ErrNotFound
	}
	return u, err
}

// Authenticate checks a username, in any case, and a password. Whatever is wrong, the error is ErrLogin, or a *LockedError
// when that was so too often, and the work is the same, so that neither text nor time tells which usernames exist. browser is the id of
// one that has logged in with this username before, or empty: its wrong passwords are counted by themselves.
func (d *Directory) Authenticate(ctx context.Context, username, password, browser string) (User, error) {
	done, err := turn(ctx)
	if err != nil {
		return User{}, err
	}
	defer done()
	user, hash, err := d.credentials(ctx, username)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, err
	}
	err = d.countGuess(ctx, username, browser)
	locked := errors.Is(err, ErrLocked)
	if err != nil && !locked {
		return User{}, err
	}
	if !known || locked {
		hash = decoyHash
	}
	ok, wrong := verifyPassword(hash, password)
	switch {
	case locked:
		return User{}, err
	case wrong != nil:
		return User{}, wrong
	case !ok || !known || user.Disabled:
		return User{}, ErrLogin
	}
	return user, d.forgetGuesses(ctx, username, browser)
}

func (d *Directory) credentials(ctx context.Context, username string) (User, string, error) {
	name := Canonical(username)
	if !canBeName(name) {
		return User{}, "", ErrNotFound
	}
	id, err := store.Read[usernameRecord](ctx, d.store, "username/"+name, usernameSort)
	if errors.Is(err, ErrNotFound) {
		_, _, _ = d.userAndHash(ctx, nobody) // as many reads as for somebody: where each goes over a network, it takes a time that can be told
	}
	if err != nil {
		return User{}, "", err
	}
	return d.userAndHash(ctx, id.Value.UserID)
}

// nobody is no user's id.
const nobody = "-"

func (d *Directory) userAndHash(ctx context.Context, id string) (User, string, error) {
	user, err := d.User(ctx, id)
	password, unread := store.Read[passwordRecord](ctx, d.store, "user/"+id, passwordSort)
	switch {
	case err != nil:
		return User{}, "", err
	case unread != nil:
		return User{}, "", unread
	case password.Value.Demo && !d.local:
		return User{}, "", ErrNotFound
	}
	return user, password.Value.Hash, nil
}

// Canonical is a username as it is compared.
func Canonical(username string) string { return strings.ToLower(strings.TrimSpace(username)) }

// canBeName reports whether a canonical name can be somebody's.
func canBeName(name string) bool {
	return name != "" && len(name) <= maxUsername && store.ValidKey("username/"+name, usernameSort) == nil
}

// CreateUser adds a person; the username must be free. demo marks a password that everybody knows: it works on
// a loopback address only.
func (d *Directory) CreateUser(ctx context.Context, u User, password string, demo bool) error {
	name := Canonical(u.Username)
	if u.ID == "" || len(u.ID) > maxID || name == "" || len(name) > maxUsername {
		return fmt.Errorf("directory: a user has an id of at most %d bytes and a username of at most %d", maxID, maxUsername)
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	u.Created = d.now().UTC().Truncate(time.Second)
	return d.store.Write(ctx, append([]store.Op{
		store.Put(store.Encode("user/"+u.ID, profileSort, u, noExpiry), store.IfAbsent()),
		store.Put(store.Encode("user/"+u.ID, passwordSort, passwordRecord{hash, demo, u.Created}, noExpiry), store.IfAbsent()),
		store.Put(store.Encode("username/"+name, usernameSort, usernameRecord{u.ID}, noExpiry), store.IfAbsent()),
	}, indexOps(nil, u.entries())...)...)
}

// entries are the user's index items: in both lists of users, and among the members of each role.
func (u User) entries() []entry {
	username := Canonical(u.Username)
	all := []entry{{usersByUsername.at(username), u, noExpiry}, {usersByName.at(nameKey(u.Name, u.ID)), u, noExpiry}}
	for _, role := range slices.Compact(slices.Sorted(slices.Values(u.Roles))) {
		all = append(all, entry{membersOf(role).at(username), u, noExpiry})
	}
	return all
}

// UsersByUsername lists all users in order of username.
func (d *Directory) UsersByUsername(ctx context.Context, q Query) (Page[User], error) {
	return list[User](ctx, d.store, usersByUsername, Canonical(q.Prefix), q)
}

// UsersByName lists all users in order of their names.
func (d *Directory) UsersByName(ctx context.Context, q Query) (Page[User], error) {
	return list[User](ctx, d.store, usersByName, fold(q.Prefix), q)
}

// Members lists the users who have a role, in order of username, disabled ones too.
func (d *Directory) Members(ctx context.Context, role string, q Query) (Page[User], error) {
	if err := store.ValidKey(membersOf(role).shard(0), "x"); err != nil {
		return Page[User]{}, nil // no role has such a name
	}
	return list[User](ctx, d.store, membersOf(role), Canonical(q.Prefix), q)
}
