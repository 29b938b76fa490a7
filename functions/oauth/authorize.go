package oauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/directory"
)

// authorize is the authorization endpoint (RFC 6749 §3.1): it finds out whether a login or a consent is still
// needed, and if not, answers with a code.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	a, v, err := s.requestVisit(w, r)
	if err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	if a.pushed != nil && !a.pushed.Value.Taken {
		s.take(w, r, a)
		return
	}
	asks := !v.loggedIn() || a.wantsLogin(v, a.Asked)
	traceVisit(r.Context(), v, asks)
	if asks {
		if a.prompts("none") && a.answerable() {
			s.fail(w, r, a.reject("login_required", "somebody has to log in, and prompt=none forbids to ask"))
			return
		}
		redirectTo(w, "/oauth/login?"+a.Query)
		return
	}
	d, err := s.decide(r.Context(), a, v.user)
	if err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	switch {
	case d.possible(a) && !d.asks() && !a.prompts("consent") && !s.couldBeAnybody(a):
		traceConsent(r.Context(), d, nil, d.Consented, true)
		s.answerWithCode(w, r, a, d.Consented, slices.Concat(d.Consented, a.Identity))
	case a.prompts("none"):
		s.fail(w, r, a.reject("consent_required", "the user has to be asked, and prompt=none forbids it"))
	default:
		s.renderConsent(w, r, http.StatusOK, a, v, d, "")
	}
}

// postAuthorize is the same by POST (OpenID Connect Core §3.1.2.1). The pages carry a request as a query, so it becomes one.
func (s *server) postAuthorize(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	switch {
	case err != nil:
		s.fail(w, r, unreadable(err))
		return
	case r.URL.RawQuery != "":
		s.fail(w, r, &pageError{"The form that brought you here is broken.", "an authorization request by POST has no query"})
		return
	}
	redirectTo(w, "/oauth/authorize?"+r.PostForm.Encode())
}

// requestVisit is the authorization request in the query, checked, and the browser that sent it.
func (s *server) requestVisit(w http.ResponseWriter, r *http.Request) (*authRequest, visit, error) {
	a, err := s.parseRequest(r)
	if err != nil {
		return nil, visit{}, err
	}
	v, err := s.visitFor(w, r, a)
	if err == nil && v.loggedIn() && a.Client.SelfRegistered() {
		err = s.parseStranger(r.Context(), a)
		traceRequest(r, a, err)
	}
	return a, v, err
}

// visitFor is the browser that sent a request. It notes who that is.
func (s *server) visitFor(w http.ResponseWriter, r *http.Request, a *authRequest) (visit, error) {
	a.Asked = s.Now().UTC()
	v, err := s.visit(w, r)
	a.UserID, a.Epoch = v.user.ID, v.user.Epoch()
	a.AuthTime, a.Method = v.login.Since, v.login.Method
	if v.login.Since.After(a.Asked) { // a login begins after the user was signed out, if in the same instant
		a.Asked = v.login.Since
	}
	return v, err
}

// couldBeAnybody reports whether another app could have sent this request and would get the answer: the client proves nothing, and whatever
// listens on the person's machine, or took the app's scheme, is answered. Then a person is asked each time (RFC 8252 §8.6). Our own address
// is nobody else's.
func (s *server) couldBeAnybody(a *authRequest) bool {
	return !a.Client.Confidential() && (directory.LoopbackRedirect(a.RedirectURI) || directory.PrivateRedirect(a.RedirectURI)) &&
		!strings.HasPrefix(a.RedirectURI, s.BaseURL+"/")
}
