package directory

import (
	"context"
	"errors"

	"github.com/vetassist/vetassist/shared/store"
)

// UserIDByUsername is the id of the user who has this username, in any case, and empty when nobody has. It tells the audit
// log whom a failed login was meant for; a caller must not let it show whether there is such a user.
func (d *Directory) UserIDByUsername(ctx context.Context, username string) (string, error) {
	name := Canonical(username)
	if !canBeName(name) {
		return "", nil
	}
	r, err := store.Read[usernameRecord](ctx, d.store, "username/"+name, usernameSort)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return r.Value.UserID, err
}

// ActiveUserNamed finds a person by username, in any case, who is not disabled.
func (d *Directory) ActiveUserNamed(ctx context.Context, username string) (User, error) {
	id, err := d.UserIDByUsername(ctx, username)
	if err == nil && id == "" {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, err
	}
	return d.ActiveUser(ctx, id)
}
