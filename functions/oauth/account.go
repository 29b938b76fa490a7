package oauth

import (
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/web"
)

// accountPath is My account: what a person allowed, where they are logged in, and how they log in. It works without scripts,
// but for passkeys, which are made by one.
const accountPath = "/oauth/account"

// accountPage is the data of account.html.
type accountPage struct {
	User        directory.User
	FormToken   string
	LogoutToken string
	Done        string // what has just been done
	Problem     string // with the password form
	Apps        []appAccess
	NextApps    string // where more of them are
	LetIn       []letIn
	Logins      []loginRow
	Passkeys    passkeySection
	MinPassword int
}

// member guards a page of somebody who is logged in: others log in first, and come to the account page after that. A form
// must have been shown to this very browser.
func (s *server) member(next func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visit(w, r)
		switch {
		case err != nil:
		case !v.loggedIn():
			redirectTo(w, "/oauth/login")
			return
		case r.Method == http.MethodPost:
			err = checkForm(r, v, "account")
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r, v)
	}
}

// done are the words for what has just been done; the address says which, so that a reload does nothing again.
var done = map[string]string{
	"app":      "The access is removed. An access token that the app holds already works for up to ten minutes more.",
	"login":    "That login is ended.",
	"logins":   "You are logged out everywhere else.",
	"password": "Your password is changed. You are logged out everywhere else, and apps have to ask you to log in again.",
	"passkey":  "The passkey is removed here. Delete it on your device too, so that it is not offered to you any more.",
	"added":    "The passkey is added. You can log in with it from now on.",
}

func accountDone(w http.ResponseWriter, what string) { redirectTo(w, accountPath+"?done="+what) }

func (s *server) showAccount(w http.ResponseWriter, r *http.Request, v visit) {
	s.renderAccount(w, r, http.StatusOK, v, "")
}

func (s *server) renderAccount(w http.ResponseWriter, r *http.Request, status int, v visit, problem string) {
	what := r.URL.Query().Get("done")
	page := accountPage{User: v.user, FormToken: v.formToken("account"), LogoutToken: v.formToken("logout"), Problem: problem,
		Done: done[what], MinPassword: directory.MinPassword}
	var err error
	if page.Apps, page.NextApps, err = s.apps(r.Context(), v.user.ID, r.URL.Query().Get("cursor")); err == nil {
		page.LetIn, err = s.lettingIn(r.Context(), v.user.ID)
	}
	if err == nil {
		page.Logins, err = s.logins(r.Context(), v)
	}
	if err == nil {
		page.Passkeys, err = s.passkeySection(r.Context(), v)
	}
	if what == "password" {
		page.Done += page.Passkeys.reminder()
	}
	if err == nil {
		err = s.pages.Render(w, status, "account.html", web.Page{Title: "Your account", Data: page})
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// moment is a time in words.
type moment struct{ time.Time }

func (m moment) String() string { return m.UTC().Format("2 January 2006, 15:04 UTC") }

// Machine is the same for programs.
func (m moment) Machine() string { return m.UTC().Format(time.RFC3339) }
