package directory

import (
	"context"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// ChangePassword gives a user another password, who logged in at since, in an epoch, and proves to know the one before. It signs the user
// out everywhere in the same write: whoever knew the old one may have logged in with it, or connected an application (OWASP
// ASVS 5.0 §7.4.3). with is written together with that. The answer is the user after it: SignedOut says when it was.
//
// The error is ErrSignedOut when that login is over, at the moment of the write at the latest; ErrLogin when the old password
// is wrong, a *LockedError when it was guessed at too often, and a *FieldError when the new one will not do.
func (d *Directory) ChangePassword(ctx context.Context, userID string, since, epoch time.Time, before, after string, with ...store.Op) (User, error) {
	r, err := d.UserRecord(ctx, userID)
	if err == nil {
		err = checkPassword(after, r.Value.Username)
	}
	if err != nil {
		return User{}, err
	}
	proved, err := store.Read[passwordRecord](ctx, d.store, "user/"+userID, passwordSort)
	if err != nil {
		return User{}, err
	}
	// Who is logged in is no stranger: nobody else's guesses keep them from changing it.
	if _, err := d.Authenticate(ctx, r.Value.Username, before, "account"); err != nil {
		return User{}, err
	}
	if before == after {
		return User{}, &FieldError{"password", "must not be the one that you have now"}
	}
	hash, err := hashPassword(ctx, after)
	if err != nil {
		return User{}, err
	}
	record := passwordRecord{Hash: hash, Changed: d.now().UTC().Truncate(time.Second)}
	// Had somebody set another meanwhile, what was proved would be worth nothing. That signs out too, so the next round says so.
	with = append(with, store.Put(store.Encode("user/"+userID, passwordSort, record, noExpiry), store.IfVersion(proved.Version)))
	changed, err := insist(func() (store.Record[User], error) {
		r, err := d.loggedIn(ctx, userID, since, epoch)
		if err != nil {
			return r, err
		}
		return stale(d.replaceUser(ctx, r, r.Value.signedOut(d.now()), with))
	})
	return changed.Value, err
}

// loggedIn is a user who logged in at a time, in an epoch. Whoever writes over the version that it finds acts within that login.
func (d *Directory) loggedIn(ctx context.Context, userID string, since, epoch time.Time) (store.Record[User], error) {
	r, err := d.UserRecord(ctx, userID)
	if err == nil && (r.Value.Disabled || r.Value.Ended(since, epoch)) {
		err = ErrSignedOut
	}
	return r, err
}
