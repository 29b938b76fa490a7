package oauth

import (
	"html/template"
	"net/http"

	"github.com/vetassist/vetassist/shared/web"
)

// logoutPage is the data of logout.html: who is logged in, or nobody.
type logoutPage struct {
	Name      string
	Username  string
	FormToken string
	Action    template.URL

	// Of a client that asks for it (logout_client.go).
	ClientName string
	Stranger   bool
	Target     string // where the person goes afterwards
	TargetHost string
}

// showLogout tells who is logged in here, with a button to change that.
func (s *server) showLogout(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		s.clientLogout(w, r)
		return
	}
	v, err := s.visit(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := logoutPage{Name: v.user.Name, Username: v.user.Username, FormToken: v.formToken("logout"), Action: logoutPath}
	title := "Logged out"
	if v.loggedIn() {
		title = "Your login"
	}
	if err := s.pages.Render(w, http.StatusOK, "logout.html", web.Page{Title: title, Data: page}); err != nil {
		web.Fail(w, r, s.Log, err)
	}
}

// logout ends the login. With an authorization request in the query it goes on with that, as somebody else.
func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	v, err := s.visit(w, r)
	if err == nil {
		err = checkForm(r, v, "logout")
	}
	var a *authRequest
	if err == nil && r.URL.RawQuery != "" {
		a, err = s.waiting(r)
	}
	if err == nil {
		err = s.endSession(r.Context(), w, v)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if a != nil {
		redirectTo(w, "/oauth/login?"+a.Query)
		return
	}
	if r.PostForm.Get("then") == "login" { // the account page wants a new proof of who it is
		redirectTo(w, "/oauth/login")
		return
	}
	redirectTo(w, "/oauth/logout")
}
