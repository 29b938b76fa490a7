package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// After so many wrong passwords within a while a name is locked for a while (OWASP Authentication Cheat Sheet, "Account
// Lockout"; NIST SP 800-63B §5.2.2). Only passwords are: a passkey cannot be guessed, so a person who has one gets in while
// somebody else tries.
const (
	maxGuesses = 10
	lockTime   = 15 * time.Minute // also how long a guess counts
)

// ErrLocked says that a name is locked. It is a *LockedError.
var ErrLocked = errors.New("directory: too many wrong passwords")

// LockedError tells until when a name is locked.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: locked until %s", ErrLocked, e.Until.Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// guesses are the passwords that were tried for a name, whether or not somebody has it. It lies under the name and not
// under the user, so that a lock does not tell who exists.
type guesses struct {
	Times []time.Time `json:"times"` // oldest first, since the last right one
}

const guessesSort = "guesses"

// lockedUntil is when the lock ends, or zero when there is none.
func (g guesses) lockedUntil(now time.Time) time.Time {
	if len(g.Times) < maxGuesses {
		return time.Time{}
	}
	if until := g.Times[len(g.Times)-1].Add(lockTime); now.Before(until) {
		return until
	}
	return time.Time{}
}

// guessAttempts bounds how often one guess is counted anew because others were counted in between. Each round that is
// lost is one that another has won, and after maxGuesses of those the name is locked.
const guessAttempts = 3 * maxGuesses

// countGuess counts a guess before it is checked, so that of many at once no more than maxGuesses are. It is for who has a
// turn: what is not checked is not counted. The error is a *LockedError, and the guess is not to be checked, when the name
// is locked.
func (d *Directory) countGuess(ctx context.Context, username string) error {
	name := canonical(username)
	if !canBeName(name) {
		return nil // nobody has it, whoever asks
	}
	for range guessAttempts {
		now := d.now().UTC()
		r, err := store.Read[guesses](ctx, d.store, "username/"+name, guessesSort)
		condition := store.IfVersion(r.Version)
		if errors.Is(err, ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return err
		}
		if until := r.Value.lockedUntil(now); !until.IsZero() {
			return &LockedError{until}
		}
		times := slices.DeleteFunc(r.Value.Times, func(t time.Time) bool { return now.Sub(t) >= lockTime })
		counted := store.Encode("username/"+name, guessesSort, guesses{append(times, now)}, now.Add(lockTime))
		if err = d.store.Write(ctx, store.Put(counted, condition)); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return ErrBusy
}

// forgetGuesses begins to count anew, after a right password.
func (d *Directory) forgetGuesses(ctx context.Context, username string) error {
	return d.store.Write(ctx, store.Delete("username/"+canonical(username), guessesSort, store.Always()))
}

// LockedUntil is when a user's password works again after too many wrong ones, or zero when it works.
func (d *Directory) LockedUntil(ctx context.Context, userID string) (time.Time, error) {
	r, err := d.UserRecord(ctx, userID)
	if err != nil {
		return time.Time{}, err
	}
	g, err := store.Read[guesses](ctx, d.store, "username/"+canonical(r.Value.Username), guessesSort)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return g.Value.lockedUntil(d.now()), err
}

// Unlock lets a user's password be tried again at once. with is what is written together with that, such as the audit
// log's event.
func (d *Directory) Unlock(ctx context.Context, userID string, with ...store.Op) error {
	r, err := d.UserRecord(ctx, userID)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, append([]store.Op{store.Delete("username/"+canonical(r.Value.Username), guessesSort, store.Always())}, with...)...)
}
