package oauth

import (
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// changePassword gives a person a new password for the old one. It logs them out everywhere else and ends what
// applications hold, since whoever knew the old password may be behind any of it (OWASP ASVS 5.0 §7.4.3); what they allowed
// applications stays, so these need only ask them to log in. This browser goes on under a new cookie (OWASP Session
// Management Cheat Sheet, "Renew the Session ID After Any Privilege Level Change").
func (s *server) changePassword(w http.ResponseWriter, r *http.Request, v visit) {
	before, after := r.PostForm.Get("current"), r.PostForm.Get("new")
	if after != r.PostForm.Get("again") {
		s.renderAccount(w, r, http.StatusBadRequest, v, "You did not type the same new password twice. Nothing was changed.")
		return
	}
	err := s.mayTryPassword(r.Context(), v.user.ID)
	var op store.Op
	if err == nil {
		op, err = s.audit.Op(r.Context(), audit.Event{Name: audit.PasswordChange, Outcome: audit.OK, UserID: v.user.ID})
	}
	var user directory.User
	if err == nil {
		user, err = s.Directory.ChangePassword(r.Context(), v.user.ID, v.login.Since, v.login.Epoch, before, after, op)
	}
	if errors.Is(err, directory.ErrSignedOut) { // since the page was asked for
		redirectTo(w, "/oauth/login")
		return
	}
	if status, problem := s.wrongPassword(w, r, err); status != 0 {
		if !errors.Is(err, directory.ErrBusy) {
			s.refusedPassword(r, v, err)
		}
		if status == http.StatusUnauthorized {
			status, problem = http.StatusForbidden, "The current password is not right. Nothing was changed."
		}
		s.renderAccount(w, r, status, v, problem)
		return
	}
	var wrong *directory.FieldError
	if errors.As(err, &wrong) {
		s.renderAccount(w, r, http.StatusBadRequest, v, "The new password "+wrong.Message+". Nothing was changed.")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.afterPasswordChange(w, r, v, user); err != nil {
		s.fail(w, r, err)
		return
	}
	accountDone(w, "password")
}

func (s *server) refusedPassword(r *http.Request, v visit, err error) {
	reason := "wrong"
	var often *oftenError
	switch {
	case errors.Is(err, directory.ErrLocked):
		reason = "locked"
	case errors.As(err, &often):
		reason = "too-often"
	}
	s.audit.Record(r.Context(), audit.Event{Name: audit.PasswordChange, Outcome: audit.Refused, UserID: v.user.ID, Details: map[string]string{"error": reason}})
}

// afterPasswordChange logs this browser in anew, as of the change: whoever is signed out since then stays so. All else is
// over already: only its records are cleaned up.
func (s *server) afterPasswordChange(w http.ResponseWriter, r *http.Request, v visit, user directory.User) error {
	if err := finish(func() error { _, _, err := s.access.EndAllOf(r.Context(), user.ID); return err }); err != nil {
		return err
	}
	login := audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: user.ID, Details: map[string]string{"after": "password change"}}
	return s.startSession(w, r, v, user, newLogin(r, user, user.SignedOut, access.Password), login)
}
