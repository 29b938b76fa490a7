package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/web"
)

// Errors are values, and which type one has decides where it may go: a pageError is shown to the person, since there
// is no client that may be told; a redirectError goes back to a client whose redirect_uri was checked; a tokenError
// is JSON for the client. All other errors are ours: they go to the log, and the wire says nothing.

// pageError is for a request whose client or redirect_uri is not known to be right: never redirect (RFC 6749
// §4.1.2.1, RFC 9700 §4.11.2).
type pageError struct {
	Message string // for the person
	Detail  string // for the developer
}

func (e *pageError) Error() string { return e.Detail }

// formError is a pageError about a form: who sent it came by no link.
type formError struct {
	*pageError
	status int
}

func (e *formError) Unwrap() error { return e.pageError }

// unreadable is what to say of a form that cannot be read.
func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &formError{&pageError{"What was sent is too large.", "the body is over 64 KiB"}, http.StatusRequestEntityTooLarge}
	}
	return &formError{&pageError{"What was sent is broken.", "the body is not form-encoded"}, http.StatusBadRequest}
}

// redirectError is an authorization error response (RFC 6749 §4.1.2.1). For a client that an administrator made it goes out before anybody
// has logged in: whoever made it vouches for its redirect URI. A client that registered itself could use us to send people anywhere, so its
// requests are looked at only after a login (request.go, parseStranger; RFC 9700 §4.11.2).
type redirectError struct {
	RedirectURI string
	State       string
	Code        string
	Description string
	ClientID    string  // for the audit log, as is
	UserID      string  // who is logged in
	pushed      *pushed // whose one answer this is
}

func (e *redirectError) Error() string { return e.Code + ": " + e.Description }

// tokenError is an error of the token or the revocation endpoint (RFC 6749 §5.2).
type tokenError struct {
	Code        string
	Description string
}

func (e *tokenError) Error() string { return e.Code + ": " + e.Description }

// waiting reports whether it only tells a device that nobody has answered yet (RFC 8628 §3.5): every few seconds, so it is not recorded. Nor is
// that a proof of possession lacks a nonce, which is how every client begins (RFC 9449 §8).
func (e *tokenError) waiting() bool {
	return slices.Contains([]string{"authorization_pending", "slow_down", dpop.UseNonce}, e.Code)
}

// byStranger reports whether it is what somebody gets who only tries: unknown or unproven as a client, or with what nobody gave out, or
// what is known to have come twice already.
func (e *tokenError) byStranger() bool {
	return e.Code == "invalid_client" || slices.Contains([]*tokenError{errUnknownCode, errUnknownRefresh, errUnknownDevice, errReused}, e)
}

var (
	errUnknownCode    = &tokenError{"invalid_grant", "the code is not known, or was forgotten long ago"}
	errUnknownRefresh = &tokenError{"invalid_grant", "the refresh token is not known or has expired"}
	errUnknownDevice  = &tokenError{"invalid_grant", "the device code is not known, or was forgotten long ago"}
	errReused         = &tokenError{"invalid_grant", "the code was used before; what it gave is revoked"}
)

func (e *tokenError) status() int {
	switch {
	case e.Code == "invalid_client":
		return http.StatusUnauthorized
	case e == errPushTooLarge:
		return http.StatusRequestEntityTooLarge // RFC 9126 §2.3
	}
	return http.StatusBadRequest
}

// concern is an error of a token request, with the user whose grant it is about: for the audit log, never for the wire.
type concern struct {
	error
	userID string
}

func (c *concern) Unwrap() error { return c.error }

func concerning(err error, userID string) error {
	if err == nil {
		return nil
	}
	return &concern{err, userID}
}

// fail answers a browser with the error, each kind in its own way.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	traceRefusal(r.Context(), err)
	var page *pageError
	var form *formError
	var redirect *redirectError
	switch {
	case errors.As(err, &form):
		err = s.pages.RenderError(w, form.status, web.ErrorPage{
			Title: "That form did not get through", Message: form.Message, Detail: form.Detail, Next: "Go back to where you came from, load that page anew, and try again."})
	case errors.As(err, &page):
		err = s.pages.RenderError(w, http.StatusBadRequest, web.ErrorPage{
			Title: "This link does not work", Message: page.Message, Detail: page.Detail,
			Next: "Go back to the app that sent you here and start again. If it happens again, tell whoever runs that app."})
	case errors.As(err, &redirect):
		s.sendBack(w, r, redirect, audit.Event{Name: audit.Authorization, Outcome: audit.Refused, UserID: redirect.UserID, ClientID: redirect.ClientID,
			Details: map[string]string{"error": redirect.Code, "reason": redirect.Description}})
		return
	}
	if err != nil {
		s.pages.Fail(w, r, s.Log, err)
	}
}

// failRequest is fail for when the authorization request was found right, so that its client may be told that we failed (RFC 6749
// §4.1.2.1: a redirect has no status 500 or 503, so there are codes for them). a is nil when it was not right, or not all of it was looked at.
func (s *server) failRequest(w http.ResponseWriter, r *http.Request, a *authRequest, err error) {
	var page *pageError
	var redirect *redirectError
	if !a.answerable() || errors.As(err, &page) || errors.As(err, &redirect) || errors.Is(r.Context().Err(), context.Canceled) {
		s.fail(w, r, err)
		return
	}
	web.LogFailure(r, s.Log, err)
	status := web.FailureStatus(err)
	failure := a.reject(failureCode(status), web.Sorry(r.Context(), status))
	failure.pushed = nil // to try again may help (RFC 9126 §4 lets a browser load a page anew)
	s.sendBack(w, r, failure)
}

// failureCode is the OAuth error of a failure that is ours (RFC 6749 §4.1.2.1).
func failureCode(status int) string {
	if status == http.StatusServiceUnavailable {
		return "temporarily_unavailable"
	}
	return "server_error"
}

// sendBack tells the client of an error. A pushed request has one answer, and this is it, unless there was another. events are recorded with it.
func (s *server) sendBack(w http.ResponseWriter, r *http.Request, e *redirectError, events ...audit.Event) {
	if err := s.spend(r.Context(), e.pushed); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, event := range events {
		s.audit.Record(r.Context(), event)
	}
	s.respond(w, r, e.RedirectURI, url.Values{"error": {e.Code}, "error_description": {e.Description}, "state": {e.State}})
}

// respond is the authorization response (RFC 6749 §4.1.2): the parameters, and iss (RFC 9207 §2), are added to the
// redirect URI, whose own query stays (RFC 6749 §3.1.2). Empty parameters are left out. The status is 303, so that
// no browser repeats a form with a password in it (RFC 9700 §4.12).
func (s *server) respond(w http.ResponseWriter, r *http.Request, redirectURI string, params url.Values) {
	target, err := url.Parse(redirectURI)
	if err != nil {
		web.Fail(w, r, s.Log, err)
		return
	}
	params.Set("iss", s.BaseURL)
	for name, values := range params {
		if values[0] == "" {
			params.Del(name)
		}
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += params.Encode()
	redirectTo(w, target.String())
}

// redirectTo sends the browser on. The URL is not written into a page: it may hold a code.
func redirectTo(w http.ResponseWriter, target string) {
	web.SecurePage(w)
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// refuse answers a client with the error as JSON, and records it: event says what was refused.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, event audit.Event, err error) {
	traceRefusal(r.Context(), err)
	var refusal *tokenError
	var many *tooManyError
	if errors.As(err, &many) {
		s.refuseMany(w, r, event, many)
		return
	}
	if !errors.As(err, &refusal) {
		web.LogFailure(r, s.Log, err)
		// RFC 6749 §5.2 has no code for a failure of ours: the status says it (RFC 9110 §15.6; for revocation RFC 7009 §2.2.1 names 503
		// and Retry-After). The body keeps that section's form, with the codes that §4.1.2.1 has for where there is no status.
		status := web.FailureStatus(err)
		web.JSON(w, status, map[string]string{"error": failureCode(status), "error_description": web.Sorry(r.Context(), status)})
		return
	}
	if refusal.byStranger() {
		s.countStranger(r)
	}
	var about *concern
	if errors.As(err, &about) {
		event.UserID = about.userID
	}
	event.Outcome, event.Details = audit.Refused, map[string]string{"error": refusal.Code, "reason": refusal.Description}
	if !refusal.waiting() {
		s.audit.Record(r.Context(), event)
	}
	if refusal.status() == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="vetassist"`) // RFC 9110 §11.6.1, RFC 6749 §5.2
	}
	web.JSON(w, refusal.status(), map[string]string{"error": refusal.Code, "error_description": refusal.Description})
}
