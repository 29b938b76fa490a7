package oauth

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/web"
)

// consentPage is the data of consent.html.
type consentPage struct {
	ClientName   string
	Stranger     bool   // nobody here vouches for the client: it chose its name itself
	ClientHost   string // of the document that describes it
	RedirectHost string
	Loopback     bool // the answer goes to whatever listens on this machine,
	Private      bool // or to whichever app took the scheme
	ServerName   string
	UserName     string
	Username     string
	Action       template.URL
	LogoutAction template.URL
	FormToken    string
	LogoutToken  string
	Problem      string
	Ask          []directory.Scope // to be ticked
	Already      []directory.Scope // agreed to before
	Unavailable  []unavailable
	Possible     bool     // there is something to allow
	OnlyLogin    bool     // who it is, and nothing else
	Learns       string   // what the client learns of the person
	Days         int      // for which it gets refresh tokens; 0: it gets none
	Device       *askedBy // a device asks; its answer goes nowhere but there
	Agent        string   // whom it may hand tasks to; empty: nobody
}

// unavailable is a scope that was asked for and cannot be had, and why.
type unavailable struct {
	directory.Scope
	Why string
}

// consent takes the answer to the consent page.
func (s *server) consent(w http.ResponseWriter, r *http.Request) {
	a, v, err := s.requestVisit(w, r)
	if err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	if !v.loggedIn() { // the login ended while the page was open
		redirectTo(w, "/oauth/login?"+a.Query)
		return
	}
	if err := checkForm(r, v, consentPurpose(a)); err != nil {
		s.fail(w, r, err)
		return
	}
	d, err := s.decide(r.Context(), a, v.user)
	if err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	scopes, allowed, problem := d.answer(a, r.PostForm)
	if problem == "" {
		traceConsent(r.Context(), d, r.PostForm, scopes, allowed)
	}
	switch {
	case problem != "":
		s.renderConsent(w, r, http.StatusBadRequest, a, v, d, problem)
	case !allowed:
		s.sendBack(w, r, a.reject("access_denied", denial(a, d)), consentEvent(a, audit.Refused, scopes))
	default:
		s.answerWithCode(w, r, a, scopes, d.Consented, consentEvent(a, audit.OK, slices.Concat(scopes, a.Identity)))
	}
}

// answer is what the consent page's form says: the scopes that the person allows, or all that there was to allow, which the person
// denies; or what is wrong with the form. Only what is available now counts, whatever it says.
func (d decision) answer(a *authRequest, form url.Values) (scopes []string, allowed bool, problem string) {
	chosen := slices.DeleteFunc(slices.Clone(d.Available), func(scope string) bool {
		return !slices.Contains(d.Consented, scope) && !slices.Contains(form["scope"], scope)
	})
	switch decision := form.Get("decision"); {
	case decision == "deny":
		return d.Available, false, ""
	case decision != "approve":
		return nil, false, "Please choose Allow or Deny."
	case len(chosen) == 0 && !a.onlyLogin():
		return nil, false, "Tick at least one permission, or choose Deny."
	}
	return chosen, true, ""
}

func consentEvent(a *authRequest, outcome audit.Outcome, scopes []string) audit.Event {
	return audit.Event{Name: audit.Consent, Outcome: outcome, UserID: a.UserID, ClientID: a.Client.ID,
		Details: map[string]string{"server": a.Server.Identifier, "scope": rbac.JoinScope(scopes)}}
}

// denial is what the client is told; when there was nothing to allow, that.
func denial(a *authRequest, d decision) string {
	if !d.possible(a) {
		return "nothing that was asked for is available to this user at " + a.Server.Name
	}
	return "the user did not allow it"
}

// showConsentAgain is for who reloads the address of the consent form.
func (s *server) showConsentAgain(w http.ResponseWriter, r *http.Request) {
	redirectTo(w, "/oauth/authorize?"+r.URL.RawQuery)
}

func consentPurpose(a *authRequest) string { return "consent?" + a.Query }

// consentPath is where the consent page's form goes.
func (a *authRequest) consentPath() string {
	if a.device != nil {
		return devicePath
	}
	return "/oauth/consent"
}

func (s *server) renderConsent(w http.ResponseWriter, r *http.Request, status int, a *authRequest, v visit, d decision, problem string) {
	page := consentPage{
		ClientName: a.Client.Name, Stranger: a.Client.SelfRegistered(), ClientHost: a.Client.Host(),
		RedirectHost: hostOf(a.RedirectURI), ServerName: a.Server.Name,
		UserName: v.user.Name, Username: v.user.Username, Problem: problem,
		Action: formAction(a.consentPath(), a), LogoutAction: formAction("/oauth/logout", a),
		FormToken: v.formToken(consentPurpose(a)), LogoutToken: v.formToken("logout"),
		Ask: describe(a.Server, d.New), Already: describe(a.Server, d.Consented), Device: a.askedBy(s.Now()),
		Possible: d.possible(a), OnlyLogin: a.onlyLogin(), Learns: learns(a.Identity, v.user),
	}
	if a.device == nil && s.couldBeAnybody(a) {
		page.Loopback, page.Private = directory.LoopbackRedirect(a.RedirectURI), directory.PrivateRedirect(a.RedirectURI)
	}
	for _, verdict := range d.Dropped {
		page.Unavailable = append(page.Unavailable, unavailable{describe(a.Server, []string{verdict.Scope})[0], why(a, v.user, verdict)})
	}
	if a.Client.May(directory.GrantRefresh) { // whether it asks for offline_access or not
		page.Days = int(access.GrantLifetime.Hours() / 24)
	}
	var err error
	if page.Agent, err = s.agentOf(r.Context(), a.Client, a.Server, d.Available); err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	traceAsks(r.Context(), a, d)
	title := "Allow " + a.Client.Name + "?"
	switch {
	case !page.Possible:
		title = "Nothing to allow"
	case page.OnlyLogin:
		title = "Log in to " + a.Client.Name + "?"
	}
	if err = s.pages.Render(w, status, "consent.html", web.Page{Title: title, Data: page}); err != nil {
		web.Fail(w, r, s.Log, err)
	}
}

// describe finds the words for scopes. One that the server does not know has only its name.
func describe(server directory.Server, names []string) []directory.Scope {
	scopes := make([]directory.Scope, len(names))
	for i, name := range names {
		scope, ok := server.Scope(name)
		if !ok {
			scope, ok = identityScope(name)
		}
		if !ok {
			scope = directory.Scope{Name: name, Title: name, Description: server.Name + " knows no such permission."}
		}
		scopes[i] = scope
	}
	return scopes
}

// why tells in plain words which sets lacked a scope.
func why(a *authRequest, user directory.User, v rbac.Verdict) string {
	if _, known := a.Server.Scope(v.Scope); !known {
		return "There is no such permission."
	}
	var reasons []string
	if slices.Contains(v.Lacking, rbac.Role) {
		switch len(user.Roles) {
		case 0:
			reasons = append(reasons, "You have no role that includes it.")
		case 1:
			reasons = append(reasons, fmt.Sprintf("Your role %s does not include it.", user.Roles[0]))
		default:
			reasons = append(reasons, fmt.Sprintf("None of your roles (%s) includes it.", strings.Join(user.Roles, ", ")))
		}
	}
	if slices.Contains(v.Lacking, rbac.Client) {
		reasons = append(reasons, fmt.Sprintf("%s is not authorized for it.", a.Client.Name))
	}
	return strings.Join(reasons, " ")
}

// hostOf is where a URI leads, for people. An app's own scheme leads to no host, whatever follows it.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return uri
	case u.Scheme == "http" || u.Scheme == "https":
		return u.Host
	case u.Host != "":
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":" + u.EscapedPath() // such as com.example.app:/callback
}
