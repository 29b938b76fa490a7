package directory

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// ChangePassword gives a user another password, who proves to know the one before. It signs the user out everywhere in the
// same write: whoever knew the old one may have logged in with it, or connected an application (OWASP ASVS 5.0 §7.4.3).
// with is written together with that.
//
// The error is ErrLogin when the old password is wrong, a *LockedError when it was guessed at too often, and a *FieldError
// when the new one will not do.
func (d *Directory) ChangePassword(ctx context.Context, userID, before, after string, with ...store.Op) error {
	if err := checkPassword(after); err != nil {
		return err
	}
	r, err := d.UserRecord(ctx, userID)
	if err != nil {
		return err
	}
	proved, err := store.Read[passwordRecord](ctx, d.store, "user/"+userID, passwordSort)
	if err != nil {
		return err
	}
	if _, err := d.Authenticate(ctx, r.Value.Username, before); err != nil {
		return err
	}
	if before == after {
		return &FieldError{"password", "must not be the one that you have now"}
	}
	hash, err := hashPassword(ctx, after)
	if err != nil {
		return err
	}
	record := passwordRecord{Hash: hash, Changed: d.now().UTC().Truncate(time.Second)}
	err = d.signOutWith(ctx, userID, append(with,
		store.Put(store.Encode("user/"+userID, passwordSort, record, noExpiry), store.IfVersion(proved.Version))))
	if errors.Is(err, store.ErrConflict) { // somebody has set another meanwhile: what was proved is worth nothing now
		return ErrLogin
	}
	return err
}
