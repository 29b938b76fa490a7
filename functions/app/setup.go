package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	setupPartition     = "app/setup/" // of two kinds:
	enteredPartition   = setupPartition + "client"
	registrationPrefix = setupPartition + "registration/" // + SHA-256 of the issuer
	enteredSort        = "client"
	maxClientID        = 255
)

// setup is how the authorization server knows this app. Without a setting a person enters it at the setup page, once.
//
// Who may: on a loopback address whoever sits at the machine, by a form of our own page. On a deployed address nobody: there
// only the setting counts, or a stranger could make this app of the operator into theirs. And an id that works stays: after the
// first login through it (Proven) another one is taken only when the authorization server itself says that it does not know the
// first any more.
type setup struct {
	ClientID string    `json:"client_id"`
	Issuer   string    `json:"issuer,omitempty"` // of the authorization server that gave it; it means nothing at another
	Entered  time.Time `json:"entered,omitzero"`
	Proven   bool      `json:"proven,omitempty"`
}

// errNotSetUp says that this app has no client_id yet.
var errNotSetUp = errors.New("no client_id")

// readSetup returns what was entered for the authorization server that we are set up with, or nothing.
func (a *app) readSetup(ctx context.Context) (s setup, version int64, err error) {
	r, err := store.Read[setup](ctx, a.store, enteredPartition, enteredSort)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if r.Value.Issuer = cmp.Or(r.Value.Issuer, a.issuer); r.Value.Issuer != a.issuer {
		r.Value = setup{}
	}
	return r.Value, r.Version, err
}

// ready returns errNotSetUp if somebody has to enter a client_id first.
func (a *app) ready(ctx context.Context) (setup, error) {
	if !a.asks() {
		return setup{}, nil
	}
	s, _, err := a.readSetup(ctx)
	if err == nil && s.ClientID == "" && a.needs() {
		err = errNotSetUp
	}
	return s, err
}

func (a *app) writeSetup(ctx context.Context, s setup, version int64) error {
	condition := store.IfAbsent()
	if version > 0 {
		condition = store.IfVersion(version)
	}
	return a.store.Write(ctx, store.Put(store.Encode(enteredPartition, enteredSort, s, time.Time{}), condition))
}

// prove notes that a login through what an authorization server knows us by has succeeded.
func (a *app) prove(ctx context.Context, known server) {
	if a.registers() {
		a.confirmRegistration(ctx, known)
	}
	if !a.asks() {
		return
	}
	for range writeAttempts {
		s, version, err := a.readSetup(ctx)
		if err == nil && (s.Proven || s.ClientID != known.Client || s.Issuer != known.Issuer) {
			return
		}
		if err == nil {
			s.Proven = true
			err = a.writeSetup(ctx, s, version)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrConflict) {
			a.log.ErrorContext(ctx, "the client_id that works is not fixed", "err", err)
			return
		}
	}
}

// wrongClientID says for a person what is wrong with the form of an id; empty: nothing. RFC 6749 §A.1 allows spaces too, which
// nobody gives and many paste.
func wrongClientID(id string) string {
	switch {
	case id == "":
		return "Enter the client id first."
	case len(id) > maxClientID:
		return fmt.Sprintf("A client id has at most %d characters here. That was something longer.", maxClientID)
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "A client id has no spaces and only plain letters, digits and signs. Copy it again, without the text around it."
	}
	return ""
}

// errUnknownClient says that the authorization server does not know an application by this id and our redirect URL.
var errUnknownClient = errors.New("the authorization server does not know this client")

// ask asks the authorization server whether it knows a client_id, without a person: an authorization request that forbids any page
// (prompt=none, OpenID Connect Core §3.1.2.1) and carries no cookie, so no code can come of it. Whoever is not known, or
// brings a redirect URL that is not registered, gets an error page and is not sent back (RFC 6749 §4.1.2.1).
func (a *app) ask(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	meta, err := a.serverMetadata(ctx, a.issuer)
	if err != nil {
		return err
	}
	return a.askAt(ctx, meta.AuthorizationEndpoint, id)
}

func (a *app) askAt(ctx context.Context, authorize, id string) error {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	u, err := url.Parse(authorize)
	if err != nil {
		return err
	}
	state, err := web.NewSecret(a.rand)
	if err != nil {
		return err
	}
	q := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": id, "redirect_uri": a.base + "/callback", "state": state, "prompt": "none", "resource": a.mcpURL,
		"code_challenge": oauth2.S256ChallengeFromVerifier(state), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("authorization endpoint: status %d", resp.StatusCode)
	case resp.StatusCode >= 400:
		return errUnknownClient
	}
	return nil // sent back, or to a login page
}

// setupView is what setup.html shows.
type setupView struct {
	Redirect string // to register
	Console  string // where; empty: not known
	Host     string // the authorization server
	ClientID string // in the field
	Current  string // in use
	Problem  string
	Document string // where we describe ourselves; empty: we do not
	Register bool   // we register ourselves
	Asks     bool   // a person may enter an id; else it is a setting, or there is none
	Fixed    bool   // a login through it has succeeded, and nothing says that it is not known any more
	Local    bool   // it can be entered here
	Flag     string
	Variable string
}

func (a *app) viewSetup(s setup) setupView {
	v := setupView{
		Redirect: a.base + "/callback", Console: a.consoleURL, Host: hostOf(a.issuer), ClientID: s.ClientID, Current: s.ClientID,
		Fixed: s.Proven, Asks: a.asks(), Register: a.registers(), Local: a.local, Flag: "-app-client-id", Variable: config.EnvAppClientID,
	}
	if a.describes() {
		v.Document = a.document
	}
	if !v.Asks {
		v.Current = a.clientID
	}
	return v
}

func (a *app) renderSetup(w http.ResponseWriter, r *http.Request, status int, v setupView) {
	if err := a.pages.Render(w, status, "setup.html", web.Page{Title: "Set up Vet Assist AI", Data: v}); err != nil {
		a.fail(w, r, err)
	}
}

// unknownClient is what a person reads whose client_id is none.
func (a *app) unknownClient() string {
	return "The authorization server at " + hostOf(a.issuer) + " does not know an application with this client id and the redirect URL above. " +
		"Compare both with what is registered there."
}

// setup is the page where the client_id is entered; ?unknown when the authorization server did not know it.
func (a *app) setup(w http.ResponseWriter, r *http.Request) {
	s, _, err := a.readSetup(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := a.viewSetup(s)
	if r.URL.Query().Has("unknown") && s.ClientID != "" {
		v.Problem, v.Fixed = a.unknownClient(), false // the form is shown; saving asks again
	}
	a.renderSetup(w, r, http.StatusOK, v)
}

// saveSetup takes the client_id that a person entered.
func (a *app) saveSetup(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s, version, err := a.readSetup(ctx)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := a.viewSetup(s)
	if !v.Asks || !v.Local {
		a.renderSetup(w, r, http.StatusForbidden, v)
		return
	}
	id := strings.TrimSpace(r.PostFormValue("client_id"))
	if wrong := wrongClientID(id); wrong != "" {
		v.Problem, v.ClientID, v.Fixed = wrong, id[:min(len(id), maxClientID)], false
		a.renderSetup(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	v.ClientID = id
	if s.Proven && id != s.ClientID {
		if err := a.ask(ctx, s.ClientID); !errors.Is(err, errUnknownClient) {
			v.Problem = "People log in with the client id that is there, so it stays. To use another one, start Vet Assist AI with " + v.Flag + "."
			a.renderSetup(w, r, http.StatusConflict, v)
			return
		}
		s.Proven = false
	}
	switch err := a.ask(ctx, id); {
	case errors.Is(err, errUnknownClient):
		v.Problem, v.Fixed = a.unknownClient(), false
		a.renderSetup(w, r, http.StatusUnprocessableEntity, v)
		return
	case err != nil:
		a.log.WarnContext(ctx, "client_id not checked", "err", err)
		v.Problem, v.Fixed = "The authorization server at "+v.Host+" does not answer, so nobody can tell whether this client id is right. Please try again in a moment.", false
		a.renderSetup(w, r, http.StatusBadGateway, v)
		return
	}
	if id != s.ClientID || !s.Proven {
		err = a.writeSetup(ctx, setup{ClientID: id, Issuer: a.issuer, Entered: a.now()}, version)
	}
	if errors.Is(err, store.ErrConflict) {
		err = &refusal{http.StatusConflict, "conflict", "Somebody else has just entered a client id. Please look again."}
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/?ready", http.StatusSeeOther)
}
