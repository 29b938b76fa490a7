package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// errBusy says that this process has as much to do as it may take on.
var errBusy = errors.New("too busy")

// refusal is what a caller may hear of an error: a code for programs, a message for people.
type refusal struct {
	status  int
	Code    string `json:"error"`
	Message string `json:"message"`
}

func (e *refusal) Error() string { return e.Code }

// refusalOf says what an error is to the caller. All that is not known here is our failure.
func refusalOf(err error) *refusal {
	var known *refusal
	var none *noWay
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &none):
		return &refusal{http.StatusConflict, "not_registered", none.text}
	case errors.Is(err, errNotSetUp):
		return &refusal{http.StatusConflict, "not_set_up", "Vet Assist AI is not set up yet: it has no client id. Reload this page to see what to do."}
	case errors.Is(err, errBusy), errors.Is(err, store.ErrBusy):
		return &refusal{http.StatusServiceUnavailable, "busy", "Many people are asking at once. Please try again in a moment."}
	case web.Temporary(err):
		return &refusal{http.StatusServiceUnavailable, "busy", "I could not get to my notes just now. Please try again in a moment."}
	case errors.Is(err, errMoved), errors.Is(err, errNoSession):
		return &refusal{http.StatusConflict, "moved", "Your login has just ended or changed in another tab. Please try again."}
	case errors.Is(err, errContended):
		return &refusal{http.StatusConflict, "conflict", "Too many messages at once. Please send this one again."}
	}
	return &refusal{http.StatusInternalServerError, "internal", "Something broke on our side. Please try again."}
}

// fail answers with a page what went wrong.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.chatFailed(w, r, false, err)
}

// chatFailed answers a message that got no answer, in the form that was asked in.
func (a *app) chatFailed(w http.ResponseWriter, r *http.Request, asJSON bool, err error) {
	if a.left(r, err) {
		return
	}
	bad := refusalOf(err)
	if bad.status >= http.StatusInternalServerError && !errors.Is(err, errBusy) {
		web.LogFailure(r, a.log, err)
	}
	a.refuse(w, r, bad, asJSON)
}

// left tells whether the error is only that the browser did not wait.
func (a *app) left(r *http.Request, err error) bool {
	if r.Context().Err() == nil || !errors.Is(err, context.Canceled) {
		return false
	}
	a.log.DebugContext(r.Context(), "the browser left", "path", r.URL.Path)
	return true
}

func (a *app) refuse(w http.ResponseWriter, r *http.Request, bad *refusal, asJSON bool) {
	if bad.status >= http.StatusInternalServerError {
		bad = &refusal{bad.status, bad.Code, bad.Message + " " + web.ReportNumber(r.Context())}
	}
	if asJSON {
		web.JSON(w, bad.status, bad)
		return
	}
	err := a.pages.RenderError(w, bad.status, web.ErrorPage{Title: "That did not get through", Message: bad.Message, Link: "/", Label: "Back to the chat"})
	if err != nil {
		web.Fail(w, r, a.log, err)
	}
}

// nothingHere is for addresses that nobody answers.
func (a *app) nothingHere(w http.ResponseWriter, r *http.Request) {
	err := a.pages.RenderError(w, http.StatusNotFound, web.ErrorPage{Title: "There is nothing here", Message: "This address leads nowhere.", Link: "/", Label: "To the chat"})
	if err != nil {
		web.Fail(w, r, a.log, err)
	}
}

// crossOrigin refuses a form or script of another site (cross-site request forgery).
func (a *app) crossOrigin(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, &refusal{http.StatusForbidden, "cross_origin", "This request came from another site."}, true)
}
