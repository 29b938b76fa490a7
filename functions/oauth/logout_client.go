package oauth

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// Logout on the word of a client: OpenID Connect RP-Initiated Logout 1.0.

const (
	logoutPath        = "/oauth/logout"
	logoutConfirmPath = logoutPath + "/confirm"
)

// logoutRequest is a logout request (§2) that passed every check.
type logoutRequest struct {
	Client directory.Client // its ID is empty when none is named
	Target string           // where the person goes afterwards: post_logout_redirect_uri with state; empty: nowhere
	Hint   idClaims         // of a valid id_token_hint; its Subject is empty when there is none
	Query  string           // the whole request, encoded anew
}

// parseLogout checks a logout request. Whatever is wrong is shown, and nobody is sent anywhere (§4).
func (s *server) parseLogout(r *http.Request) (logoutRequest, error) {
	wrong := func(detail string) (logoutRequest, error) {
		return logoutRequest{}, &pageError{"The app that sent you here to log out is not set up correctly, so we cannot send you back to it. You are still logged in.", detail}
	}
	if len(r.URL.RawQuery) > maxQuery {
		return wrong("the logout request is over 8 KiB")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return wrong("the query is not form-encoded")
	}
	dropEmpty(query)
	for _, values := range query {
		if len(values) > 1 {
			return wrong("a parameter was sent twice")
		}
	}
	l := logoutRequest{Query: query.Encode()}
	if len(l.Query) > maxQuery {
		return wrong("the logout request is over 8 KiB when encoded")
	}
	// A hint that we cannot check, such as one whose key is no longer published, counts as none: then the person is asked. It may have expired (§2).
	id := query.Get("client_id")
	if query.Has("id_token_hint") {
		switch l.Hint, err = s.verifier.Hint(r.Context(), query.Get("id_token_hint")); {
		case errors.Is(err, token.ErrInvalid):
			l.Hint = idClaims{}
		case err != nil:
			return l, err
		case id != "" && id != l.Hint.Audience[0]: // §2
			return wrong("client_id is not the one that id_token_hint was issued to")
		default:
			id = l.Hint.Audience[0]
		}
	}
	if id != "" {
		if l.Client, err = s.Directory.Client(r.Context(), id); errors.Is(err, directory.ErrNotFound) {
			return wrong("unknown client_id")
		} else if err != nil {
			return l, err
		}
	}
	if target := query.Get("post_logout_redirect_uri"); target != "" {
		switch {
		case l.Client.ID == "":
			return wrong("post_logout_redirect_uri needs an id_token_hint that is ours, or a client_id")
		case !slices.Contains(l.Client.LogoutURIs, target): // §3.1, byte for byte
			return wrong("post_logout_redirect_uri is not one that this client registered")
		}
		if l.Target, err = withState(target, query.Get("state")); err != nil {
			return wrong("post_logout_redirect_uri is not a URL")
		}
	}
	return l, nil
}

// withState adds state to where a person goes (§3).
func withState(target, state string) (string, error) {
	u, err := url.Parse(target)
	if err != nil || state == "" {
		return target, err
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.Values{"state": {state}}.Encode()
	return u.String(), nil
}

// isCurrent reports whether the hint is of the login that is in this browser now: the same person, and no other login of theirs.
func (l logoutRequest) isCurrent(v visit) bool {
	return v.loggedIn() && l.Hint.Subject == v.user.ID && l.Hint.AuthTime == v.login.Since.Unix()
}

// clientLogout is a logout request at the logout endpoint. With an ID token of the very login that it is to end, it does so at once; else the
// person is asked, as §2 demands: nobody else's link logs anybody out.
func (s *server) clientLogout(w http.ResponseWriter, r *http.Request) {
	l, err := s.parseLogout(r)
	var v visit
	if err == nil {
		v, err = s.visit(w, r)
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case l.isCurrent(v):
		s.endClientLogin(w, r, l, v)
	case !v.loggedIn() && l.Hint.Subject != "" && l.Target != "" && !l.Client.SelfRegistered(): // nothing to ask, and somebody here vouches for the target
		redirectTo(w, l.Target)
	default:
		s.renderClientLogout(w, r, l, v)
	}
}

// postLogout takes the form of our own page, and, since other sites may send a logout request by POST too (§2), that: it becomes a GET, which by
// itself ends nothing that a link could not.
func (s *server) postLogout(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, unreadable(err))
		return
	}
	if !r.PostForm.Has("form_token") && r.URL.RawQuery == "" && len(r.PostForm) > 0 {
		redirectTo(w, logoutPath+"?"+r.PostForm.Encode())
		return
	}
	s.form(s.logout).ServeHTTP(w, r)
}

// confirmLogout takes the person's answer.
func (s *server) confirmLogout(w http.ResponseWriter, r *http.Request) {
	l, err := s.parseLogout(r)
	var v visit
	if err == nil {
		v, err = s.visit(w, r)
	}
	if err == nil {
		err = checkForm(r, v, "logout?"+l.Query)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.endClientLogin(w, r, l, v)
}

func (s *server) endClientLogin(w http.ResponseWriter, r *http.Request, l logoutRequest, v visit) {
	if err := s.endSession(r.Context(), w, v); err != nil {
		s.fail(w, r, err)
		return
	}
	if l.Target == "" {
		redirectTo(w, logoutPath)
		return
	}
	redirectTo(w, l.Target)
}

func (s *server) renderClientLogout(w http.ResponseWriter, r *http.Request, l logoutRequest, v visit) {
	page := logoutPage{Name: v.user.Name, Username: v.user.Username, FormToken: v.formToken("logout?" + l.Query), Action: template.URL(logoutConfirmPath + "?" + l.Query), // encoded by us

		ClientName: l.Client.Name, Stranger: l.Client.SelfRegistered(), Target: l.Target}
	if l.Target != "" {
		page.TargetHost = hostOf(l.Target)
	}
	title := "Logged out"
	if v.loggedIn() {
		title = "Log out?"
	}
	if err := s.pages.Render(w, http.StatusOK, "logout.html", web.Page{Title: title, Data: page}); err != nil {
		web.Fail(w, r, s.Log, err)
	}
}
