package oauth

import (
	"context"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/limit"
	"github.com/vetassist/vetassist/shared/web"
)

// Whoever has the password of an account may not use it to fill the queue for passwords, the list of the account's logins and the audit log
// either (OWASP ASVS 5.0 §2.4.1). Nobody comes near these by hand.
var (
	loginsByAccount    = limit.Rule{Free: 300, First: 10 * time.Second, Most: time.Minute, Forget: 10 * time.Second} // that went well: one account may stand for a whole class
	passwordsByAccount = limit.Rule{Free: 21, First: 30 * time.Second, Most: 15 * time.Minute, Forget: time.Minute}  // that were typed to change one
)

// oftenError says that an account has done a thing too often.
type oftenError struct {
	what  string
	retry time.Duration
}

func (e *oftenError) Error() string { return "an account has " + e.what + " too often" }

// tell sets when to come again (RFC 6585 §4), and says the same in words.
func (e *oftenError) tell(w http.ResponseWriter) string {
	w.Header().Set("Retry-After", (&tooManyError{retry: e.retry}).seconds())
	return "This account has " + e.what + " very often just now. Please wait for " + inWords(e.retry) + " and try again."
}

// mayLogIn is asked before a password is looked at, so all that it knows is the name.
func (s *server) mayLogIn(username string) error {
	if wait := s.limits.accounts.Wait(directory.Canonical(username)); wait > 0 {
		return &oftenError{"logged in", wait}
	}
	return nil
}

func (s *server) countLogin(r *http.Request, user directory.User) {
	if err := s.limits.accounts.Count(r.Context(), directory.Canonical(user.Username)); err != nil {
		web.LogFailure(r, s.Log, err)
	}
}

// mayTryPassword counts one that somebody who is logged in types to change it, before it is looked at. Of many at once none gets through
// that is counted after the last.
func (s *server) mayTryPassword(ctx context.Context, userID string) error {
	if s.limits.passwords.Wait(userID) <= 0 {
		if err := s.limits.passwords.Count(ctx, userID); err != nil {
			return err
		}
	}
	if wait := s.limits.passwords.Wait(userID); wait > 0 {
		return &oftenError{"tried to change its password", wait}
	}
	return nil
}
