package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// devicePath is the page where a person types the code that a device shows. A code is looked up only for somebody who has logged in, and so
// often: else anybody could try them all (RFC 8628 §5.1). Whoever is logged in is then asked each time, whatever was allowed before, because
// the code may have come from somebody else's device (§5.4).
const devicePath = "/oauth/device"

// How many codes may be looked up within deviceWindow. Each device takes two.
const (
	lookupsByUser    = 20
	lookupsByAddress = 100
	lookupsInAll     = 600
)

// devicePage is the data of device.html.
type devicePage struct {
	Code    string // as it was typed
	Problem string
	Device  string // the name of the one that was decided about,
	Allowed bool   // and how
}

// askedBy tells the person about the device, as far as it can be told (RFC 8628 §5.4).
type askedBy struct {
	Code string
	From string // IP address
	Ago  string
}

// query carries a user code from page to page.
func (c userCode) query() string { return url.Values{"user_code": {c.String()}}.Encode() }

// typedCode reports whether a query is not an authorization request but a user code.
func typedCode(query url.Values) bool { return query.Has("user_code") && !query.Has("client_id") }

// deviceRequest is what a user code stands for, before it is looked up.
func deviceRequest(query url.Values) (*authRequest, error) {
	code, ok := parseUserCode(query.Get("user_code"))
	if !ok {
		return nil, &pageError{"The link that brought you here is broken.", "user_code has not eight letters of " + userCodeLetters}
	}
	return &authRequest{userCode: code, Query: code.query()}, nil
}

// page is where a request goes on after a login.
func (a *authRequest) page() string {
	if a.userCode != "" {
		return devicePath
	}
	return "/oauth/authorize"
}

// waiting is the request in the query that waits for a login: an authorization request, or a user code.
func (s *server) waiting(r *http.Request) (*authRequest, error) {
	if query := r.URL.Query(); typedCode(query) {
		return deviceRequest(query)
	}
	return s.parseRequest(r)
}

// showDevice asks for the code, or about the device that shows it.
func (s *server) showDevice(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if typed == "" {
		s.renderDevice(w, r, http.StatusOK, devicePage{})
		return
	}
	if _, ok := parseUserCode(typed); !ok {
		s.renderDevice(w, r, http.StatusBadRequest, devicePage{Code: typed[:min(len(typed), maxTyped)], Problem: "A code has eight letters, such as BCDF-GHJK. There are no vowels and no digits in it."})
		return
	}
	a, v, d, ok := s.deviceVisit(w, r)
	if ok {
		s.renderConsent(w, r, http.StatusOK, a, v, d, "")
	}
}

// deviceVisit is the request of the device whose code is in the query, and who is asked about it. When it is not ok, that is answered.
func (s *server) deviceVisit(w http.ResponseWriter, r *http.Request) (a *authRequest, v visit, d decision, ok bool) {
	a, err := deviceRequest(r.URL.Query())
	if err == nil {
		v, err = s.visitFor(w, r, a)
	}
	switch {
	case err == nil && !v.loggedIn():
		redirectTo(w, "/oauth/login?"+a.Query)
		return a, v, d, false
	case err == nil && r.Method == http.MethodPost:
		err = checkForm(r, v, consentPurpose(a))
	}
	if err == nil {
		err = s.lookUp(r.Context(), a)
	}
	if err == nil {
		d, err = s.decide(r.Context(), a, v.user)
	}
	if err != nil {
		s.failDevice(w, r, a, err)
	}
	return a, v, d, err == nil
}

// lookUp finds the device, after it has counted that somebody tries.
func (s *server) lookUp(ctx context.Context, a *authRequest) error {
	_, err := again(func() (struct{}, error) {
		counted, err := s.count(ctx, "device/limit/typed/", deviceWindow, "too many codes were typed",
			most{"user/" + a.UserID, lookupsByUser}, most{"from/" + clientNetwork(ctx), lookupsByAddress}, most{"all", lookupsInAll})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.Store.Write(ctx, counted...)
	})
	if err == nil {
		err = s.deviceOf(ctx, a)
	}
	return err
}

// failDevice shows the page for the code again, where that can help.
func (s *server) failDevice(w http.ResponseWriter, r *http.Request, a *authRequest, err error) {
	var many *tooManyError
	page, status, why := devicePage{}, http.StatusBadRequest, "unknown_code"
	switch {
	case errors.As(err, &many):
		w.Header().Set("Retry-After", many.seconds())
		page.Problem, status, why = "Too many codes were typed within a few minutes. Please try again in ten minutes, with a new code.", http.StatusTooManyRequests, "too_many"
	case errors.Is(err, errNoDevice):
		page.Code, page.Problem = a.userCode.String(), "No device waits with this code: it is mistyped, older than ten minutes, or was answered already. Compare it, or let your device show a new one."
	default:
		s.fail(w, r, err)
		return
	}
	traceRefusal(r.Context(), &pageError{Detail: page.Problem})
	s.audit.Record(r.Context(), audit.Event{Name: audit.Device, Outcome: audit.Refused, UserID: a.UserID, Details: map[string]string{"error": why}})
	s.renderDevice(w, r, status, page)
}

// decideDevice takes the person's answer.
func (s *server) decideDevice(w http.ResponseWriter, r *http.Request) {
	a, v, d, ok := s.deviceVisit(w, r)
	if !ok {
		return
	}
	chosen, allowed, problem := d.answer(a, r.PostForm)
	if problem != "" {
		s.renderConsent(w, r, http.StatusBadRequest, a, v, d, problem)
		return
	}
	traceConsent(r.Context(), d, r.PostForm, chosen, allowed)
	// On a conflict the device has asked in between, or somebody else has decided: the next round sees which.
	_, err := again(func() (struct{}, error) {
		return struct{}{}, s.noteDecision(r.Context(), a, chosen, d.Consented, allowed)
	})
	if overtaken(err) {
		redirectTo(w, devicePath+"?"+a.Query)
		return
	}
	if err != nil {
		s.failDevice(w, r, a, err)
		return
	}
	s.renderDevice(w, r, http.StatusOK, devicePage{Device: a.Client.Name, Allowed: allowed})
}

// noteDecision writes down what a person answered: with the consent, if it is one, and with the end of the user code, so that nobody else
// decides too. before are the scopes that the person was not asked about, since they were allowed already.
func (s *server) noteDecision(ctx context.Context, a *authRequest, scopes, before []string, allowed bool) error {
	record, err := s.readDevice(ctx, a.device.hash)
	if err == nil && !record.Value.open(s.Now()) {
		err = errNoDevice
	}
	if err != nil {
		return noDevice(err)
	}
	d := record.Value
	d.UserID, d.Decided, d.Epoch, d.Denied = a.UserID, a.Asked, a.Epoch, !allowed
	ops := []store.Op{store.Delete(a.device.codePartition, deviceSort, store.IfPresent())}
	event := consentEvent(a, audit.Refused, scopes)
	if allowed {
		consent, allow, err := s.Directory.Allow(ctx, a.UserID, a.Client.ID, a.Server.Identifier, scopes, before...)
		if err != nil {
			return err
		}
		d.Scopes, d.Consent = scopes, consent.Since
		event, ops = consentEvent(a, audit.OK, scopes), slices.Concat(ops, allow)
	}
	event.Details["device_from"] = d.From
	return s.writeWith(ctx, event, append(ops, d.put(a.device.hash, store.IfVersion(record.Version)))...)
}

func (s *server) renderDevice(w http.ResponseWriter, r *http.Request, status int, page devicePage) {
	title := "Connect a device"
	switch {
	case page.Allowed:
		title = "Device connected"
	case page.Device != "":
		title = "Device refused"
	}
	if err := s.pages.Render(w, status, "device.html", web.Page{Title: title, Data: page}); err != nil {
		web.Fail(w, r, s.Log, err)
	}
}

// askedBy is what the consent page says of a device; nil: no device asks.
func (a *authRequest) askedBy(now time.Time) *askedBy {
	if a.device == nil {
		return nil
	}
	ago := "less than a minute ago"
	switch minutes := int(now.Sub(a.device.Asked).Minutes()); {
	case minutes == 1:
		ago = "a minute ago"
	case minutes > 1:
		ago = strconv.Itoa(minutes) + " minutes ago"
	}
	return &askedBy{a.userCode.String(), a.device.From, ago}
}
