package oauth

import (
	"cmp"
	"errors"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/web"
)

// loginPage is the data of login.html.
type loginPage struct {
	ClientName string // empty when nobody sent the person here, or one whom nobody here knows,
	ClientHost string // who is at this address
	Code       string // of the device that somebody wants to connect
	Action     template.URL
	FormToken  string
	Username   string
	Problem    string
	Demo       []directory.DemoPerson

	PasskeyFinish template.URL // where a passkey's answer goes; empty when passkeys are not offered here
}

// showLogin asks who it is. The query is the authorization request that waits for the answer, if there is one.
func (s *server) showLogin(w http.ResponseWriter, r *http.Request) {
	a, v, err := s.loginVisit(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	switch {
	case v.loggedIn() && a == nil:
		redirectTo(w, accountPath)
	case v.loggedIn() && !a.wantsLogin(v, a.Asked):
		redirectTo(w, a.page()+"?"+a.Query)
	case v.loggedIn() && a.wantsOther(v):
		s.renderLogin(w, r, http.StatusOK, a, v, "", "You are logged in as "+v.user.Name+", but the app asks for whoever it was connected with before. Log in as that person, or go back to the app and start anew.")
	default:
		s.renderLogin(w, r, http.StatusOK, a, v, a.loginHint(), "")
	}
}

// login checks the form's username and password.
func (s *server) login(w http.ResponseWriter, r *http.Request) {
	a, v, err := s.loginVisit(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, unreadable(err))
		return
	}
	username := r.PostForm.Get("username")
	if err := checkForm(r, v, "login"); err != nil { // another tab got a cookie since: no dead end, just once more
		s.renderLogin(w, r, http.StatusBadRequest, a, v, username, "This page was open for too long, or cookies are blocked. Please try again.")
		return
	}
	began := s.Now()
	user, err := s.authenticate(r, username, r.PostForm.Get("password"))
	if status, problem := s.wrongPassword(w, r, err); status != 0 {
		traceLogin(r.Context(), directory.User{}, access.Password, problem)
		if !errors.Is(err, directory.ErrBusy) {
			s.recordRefusedLogin(r, a, username, err)
		}
		s.renderLogin(w, r, status, a, v, username, problem)
		return
	}
	if err == nil {
		traceLogin(r.Context(), user, access.Password, "")
		err = s.startSession(w, r, v, user, newLogin(r, user, began, access.Password), loginEvent(v, user, a, access.Password))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	redirectTo(w, afterLogin(a))
}

// authenticate checks a password, and slows down an address that many wrong ones come from, whatever names they are for. Right ones do not
// count there, so a whole workshop can log in from behind one address.
func (s *server) authenticate(r *http.Request, username, password string) (directory.User, error) {
	if err := s.mayLogIn(username); err != nil {
		return directory.User{}, err
	}
	browser, err := s.knownBrowser(r, username)
	if err != nil {
		return directory.User{}, err
	}
	from := clientNetwork(r.Context())
	if wait := s.limits.logins.Wait(from); wait > 0 && browser == "" {
		return directory.User{}, &tooManyError{"too many wrong passwords came from one address", wait}
	}
	user, err := s.Directory.Authenticate(r.Context(), username, password, browser)
	if errors.Is(err, directory.ErrLogin) || errors.Is(err, directory.ErrLocked) {
		if failed := s.limits.logins.Count(r.Context(), from); failed != nil {
			web.LogFailure(r, s.Log, failed)
		}
	}
	return user, err
}

// afterLogin is where a login goes on: with the request that waited for it, or at the account page.
func afterLogin(a *authRequest) string {
	if a == nil {
		return accountPath
	}
	return a.page() + "?" + a.afterLogin()
}

func loginEvent(before visit, user directory.User, a *authRequest, method string) audit.Event {
	details := map[string]string{"method": method}
	if before.user.ID != user.ID {
		details["replaces"] = before.user.ID
	}
	return audit.Event{Name: audit.Login, Outcome: audit.OK, UserID: user.ID, ClientID: a.clientID(), Details: details}
}

// wrongPassword is how a password that was not found right is answered, in words that are the same whether or not somebody
// has the name; status 0: it was right, or we are at fault.
func (s *server) wrongPassword(w http.ResponseWriter, r *http.Request, err error) (status int, problem string) {
	var locked *directory.LockedError
	var many *tooManyError
	var often *oftenError
	switch {
	case errors.As(err, &often):
		return http.StatusTooManyRequests, often.tell(w)
	case errors.Is(err, directory.ErrLogin):
		return http.StatusUnauthorized, "That username and password do not fit. Please try again."
	case errors.Is(err, directory.ErrBusy):
		return web.FailureStatus(err), "Many people are logging in right now. Please try again in a moment. " + web.ReportNumber(r.Context())
	case errors.As(err, &locked):
		left := &tooManyError{retry: locked.Until.Sub(s.Now())}
		w.Header().Set("Retry-After", left.seconds())
		return http.StatusTooManyRequests, "There were too many wrong passwords for this username, so it is locked for " + inWords(left.retry) +
			". Please try again then, or ask an administrator to unlock it. A passkey works now, and so does a browser that you have logged in with before."
	case errors.As(err, &many):
		w.Header().Set("Retry-After", many.seconds())
		return http.StatusTooManyRequests, "Too many wrong passwords came from your network. Please wait for " + inWords(many.retry) +
			" and try again. A passkey works now, and so does a browser that you have logged in with before."
	}
	return 0, ""
}

// inWords is a wait as people say it, rounded up.
func inWords(wait time.Duration) string {
	if wait <= 30*time.Second {
		return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))) + " seconds"
	}
	if n := int(math.Ceil(wait.Minutes())); n > 1 {
		return strconv.Itoa(n) + " minutes"
	}
	return "a minute"
}

// recordRefusedLogin notes whom a login was meant for, if that is anybody. The name itself is not kept: people type
// passwords there. Where nothing was checked, because the address or the account has to wait, it is a stranger's refusal as any other: to send it costs nothing.
func (s *server) recordRefusedLogin(r *http.Request, a *authRequest, username string, why error) {
	var many *tooManyError
	var often *oftenError
	if errors.As(why, &many) || errors.As(why, &often) {
		s.audit.Record(r.Context(), audit.Event{Name: audit.Login, Outcome: audit.Refused, ClientID: a.clientID(), Details: map[string]string{"error": audit.Unchecked}})
		return
	}
	userID, err := s.Directory.UserIDByUsername(r.Context(), username)
	if err != nil {
		web.LogFailure(r, s.Log, err)
	}
	event := audit.Event{Name: audit.Login, Outcome: audit.Refused, UserID: userID, ClientID: a.clientID()}
	if errors.Is(why, directory.ErrLocked) {
		event.Details = map[string]string{"error": "locked"}
	}
	s.audit.Record(r.Context(), event)
}

// loginVisit is the request in the query that waits for a login, or nil when there is none, and the browser.
func (s *server) loginVisit(w http.ResponseWriter, r *http.Request) (*authRequest, visit, error) {
	if query := r.URL.Query(); typedCode(query) {
		a, err := deviceRequest(query)
		if err != nil {
			return nil, visit{}, err
		}
		v, err := s.visitFor(w, r, a)
		return a, v, err
	}
	if r.URL.RawQuery != "" {
		return s.requestVisit(w, r)
	}
	v, err := s.visit(w, r)
	return nil, v, err
}

func (s *server) renderLogin(w http.ResponseWriter, r *http.Request, status int, a *authRequest, v visit, username, problem string) {
	page := loginPage{Action: formAction("/oauth/login", a), FormToken: v.formToken("login"), Username: username, Problem: problem, Demo: s.Demo}
	switch {
	case a == nil:
	case a.userCode != "":
		page.Code = a.userCode.String()
	case a.Client.SelfRegistered(): // its name is its own word
		page.ClientHost = cmp.Or(a.Client.Host(), hostOf(a.RedirectURI))
	default:
		page.ClientName = a.Client.Name
	}
	if s.passkeys != nil {
		page.PasskeyFinish = formAction("/oauth/passkey/login/finish", a)
	}
	if err := s.pages.Render(w, status, "login.html", web.Page{Title: "Log in", Data: page}); err != nil {
		web.Fail(w, r, s.Log, err)
	}
}

// formAction is where a form goes: the path with the authorization request as its query. The request was encoded by
// us, so it holds nothing that a page would have to escape.
func formAction(path string, a *authRequest) template.URL {
	if a == nil {
		return template.URL(path)
	}
	return template.URL(path + "?" + a.Query)
}
