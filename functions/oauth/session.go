package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// visit is the browser that sent a request: its cookie, and who is logged in, if anybody.
type visit struct {
	secret string // the cookie's value
	login  access.Login
	user   directory.User
}

func (v visit) loggedIn() bool { return v.user.ID != "" }

// newLogin is a login of the user, not yet under a cookie. began is when the user began to prove who it is: whoever is signed
// out everywhere meanwhile stays so.
func newLogin(r *http.Request, user directory.User, began time.Time, method string) access.Login {
	if user.SignedOutSince(began) { // it was before the user was read, and so before the proof
		began = user.SignedOut.Add(1)
	}
	return access.Login{UserID: user.ID, Since: began, Epoch: user.Epoch(), Method: method, From: web.ClientAddress(r.Context()), Agent: r.UserAgent()}
}

// visit reads the cookie and the session behind it. A browser without a usable cookie gets one, so that its forms can be bound to it.
func (s *server) visit(w http.ResponseWriter, r *http.Request) (visit, error) {
	v := visit{secret: s.cookie.Read(r)}
	if v.secret == "" {
		secret, err := web.NewSecret(s.Rand)
		if err != nil {
			return visit{}, err
		}
		s.cookie.Set(w, secret, 0)
		return visit{secret: secret}, nil
	}
	login, err := s.access.Login(r.Context(), web.Hash(v.secret))
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return visit{}, err
	}
	v.login = login
	user, err := s.Directory.ActiveUser(r.Context(), login.UserID)
	if errors.Is(err, directory.ErrNotFound) {
		return v, nil
	}
	if err == nil && !user.Ended(login.Since, login.Epoch) {
		v.user = user
		trace.Subject(r.Context(), user.ID)
	}
	return v, err
}

// startSession logs a user in under a new cookie, so that a planted one is worth nothing (session fixation), and ends
// the login that the browser had before. The browser is a known one of the user from now on. event tells of it, and with is written together with it.
func (s *server) startSession(w http.ResponseWriter, r *http.Request, before visit, user directory.User, login access.Login, event audit.Event, with ...store.Op) error {
	secret, err := web.NewSecret(s.Rand)
	if err != nil {
		return err
	}
	login.ID = web.Hash(secret)
	if err := s.writeWith(r.Context(), event, slices.Concat(access.BeginLogin(login), before.end(), with)...); err != nil {
		return err
	}
	s.countLogin(r, user)
	s.cookie.Set(w, secret, 0)
	return s.rememberBrowser(w, r, user, login)
}

// end are the operations that end the login of the browser, if it has one.
func (v visit) end() []store.Op {
	if v.login.ID == "" {
		return nil
	}
	return access.EndLogin(v.login)
}

func (s *server) endSession(ctx context.Context, w http.ResponseWriter, v visit) error {
	if v.login.ID != "" {
		event := audit.Event{Name: audit.Logout, Outcome: audit.OK, UserID: v.login.UserID}
		if err := s.writeWith(ctx, event, v.end()...); err != nil {
			return err
		}
	}
	s.cookie.Clear(w)
	return nil
}

// formToken goes into a form and must come back with it: it proves that this browser was shown this form. purpose
// names the form; the consent form's holds the whole authorization request, so that no other can be slipped in.
func (v visit) formToken(purpose string) string {
	mac := hmac.New(sha256.New, []byte(v.secret))
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm reads a form of ours and checks its token. The error, if any, is a pageError.
func checkForm(r *http.Request, v visit, purpose string) error {
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	return v.checkToken(r.PostForm.Get("form_token"), purpose)
}

func (v visit) checkToken(token, purpose string) error {
	if !hmac.Equal([]byte(token), []byte(v.formToken(purpose))) {
		return &formError{&pageError{"This page was open for too long, or cookies are blocked.", "the form token does not fit this browser and this request"}, http.StatusBadRequest}
	}
	return nil
}
