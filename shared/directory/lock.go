package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vetassist/vetassist/shared/limit"
	"github.com/vetassist/vetassist/shared/store"
)

// wrongPasswords slows down who guesses at a name: four tries are free, the fifth and each one after it cost a wait, from half a minute to a
// quarter of an hour (NIST SP 800-63B-4 §3.2.2; OWASP Authentication Cheat Sheet, "Account Lockout"). That is some hundred guesses a day.
// Only passwords are slowed down: a passkey cannot be guessed, so a person who has one gets in while somebody else tries.
var wrongPasswords = limit.Rule{Free: 5, First: 30 * time.Second, Most: 15 * time.Minute, Forget: time.Hour}

// ErrLocked says that a name is locked. It is a *LockedError.
var ErrLocked = errors.New("directory: too many wrong passwords")

// LockedError tells until when a name is locked.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: locked until %s", ErrLocked, e.Until.Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// The passwords that were tried for a name are counted, whether or not somebody has it. The tally lies under the name and not under the
// user, so that a lock does not tell who exists. A browser that its owner has logged in with before has one of its own beside it: so whoever
// keeps a name locked does not keep its owner out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
const guessesSort = "guesses"

func guessesOf(browser string) string {
	if browser == "" {
		return guessesSort
	}
	return guessesSort + "/" + browser
}

// guessAttempts bounds how often one guess is counted anew because others were counted in between. Each round that is
// lost is one that another has won, and after a few of those the name is locked.
const guessAttempts = 30

// countGuess counts a guess before it is checked, so that of many at once no more are checked than are free. It is for who has a
// turn: what is not checked is not counted. The error is a *LockedError, and the guess is not to be checked, when the name
// is locked. A known browser that has used up its own tries is a stranger.
func (d *Directory) countGuess(ctx context.Context, username, browser string) error {
	name := Canonical(username)
	if !canBeName(name) {
		return nil // nobody has it, whoever asks
	}
	err := d.countAt(ctx, name, guessesOf(browser))
	if browser != "" && errors.Is(err, ErrLocked) {
		err = d.countAt(ctx, name, guessesSort)
	}
	return err
}

func (d *Directory) countAt(ctx context.Context, name, sort string) error {
	for range guessAttempts {
		now := d.now().UTC()
		r, err := store.Read[limit.Tally](ctx, d.store, "username/"+name, sort)
		condition := store.IfVersion(r.Version)
		if errors.Is(err, ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return err
		}
		if r.Value.Wait(now) > 0 {
			return &LockedError{r.Value.Until}
		}
		tally := wrongPasswords.Add(r.Value, 1, now)
		if err = d.store.Write(ctx, store.Put(store.Encode("username/"+name, sort, tally, tally.Clear), condition)); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return ErrBusy
}

// forgetGuesses begins to count anew, after a right password: for the browser that it came from, where that is a known one. What strangers
// tried elsewhere stays counted.
func (d *Directory) forgetGuesses(ctx context.Context, username, browser string) error {
	return d.store.Write(ctx, store.Delete("username/"+Canonical(username), guessesOf(browser), store.Always()))
}

// LockedUntil is when a user's password works again after too many wrong ones, from a browser that is not known, or zero when it works.
func (d *Directory) LockedUntil(ctx context.Context, userID string) (time.Time, error) {
	r, err := d.UserRecord(ctx, userID)
	if err != nil {
		return time.Time{}, err
	}
	g, err := store.Read[limit.Tally](ctx, d.store, "username/"+Canonical(r.Value.Username), guessesSort)
	if errors.Is(err, ErrNotFound) || err == nil && g.Value.Wait(d.now()) <= 0 {
		return time.Time{}, nil
	}
	return g.Value.Until, err
}

// Unlock lets a user's password be tried again at once. with is what is written together with that, such as the audit
// log's event.
func (d *Directory) Unlock(ctx context.Context, userID string, with ...store.Op) error {
	r, err := d.UserRecord(ctx, userID)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, append([]store.Op{store.Delete("username/"+Canonical(r.Value.Username), guessesSort, store.Always())}, with...)...)
}
