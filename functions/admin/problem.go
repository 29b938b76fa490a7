package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// problem is every error that goes out (RFC 9457 §3).
type problem struct {
	Type   string       `json:"type" format:"uri-reference" doc:"Which kind of problem this is; about:blank: the status says it all."`
	Title  string       `json:"title" doc:"The status in words."`
	Status int          `json:"status" doc:"The HTTP status."`
	Detail string       `json:"detail" doc:"What happened, and what to do now."`
	Errors []fieldError `json:"errors,omitempty" nullable:"false" doc:"Which parts of the request are wrong."`
	Uses   []use        `json:"uses,omitempty" nullable:"false" doc:"What uses the thing that was to be deleted."`
	More   bool         `json:"more,omitempty" doc:"Others use it too."`
}

type fieldError struct {
	Location string `json:"location" doc:"Where, such as body.redirect_uris or query.limit."`
	Message  string `json:"message" doc:"What is wrong there."`
}

type use struct {
	Kind string `json:"kind" enum:"role,application,user"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// The kinds of problem that a program may want to tell apart; the others have the status only.
const (
	typeInUse      = "problem:in-use"
	typeUnfinished = "problem:unfinished"
)

// Error, GetStatus and ContentType are what huma asks of an error.
func (p *problem) Error() string               { return p.Detail }
func (p *problem) GetStatus() int              { return p.Status }
func (p *problem) ContentType(_ string) string { return "application/problem+json" }

// complete is a copy: errNotFound is everybody's.
func (p problem) complete() *problem {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return &p
}

// writeProblem is for errors outside of an operation.
func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p.complete()) // what fails here is the caller's connection
}

// ours turns huma's own errors into a problem. The values that it echoes are left out: they may be a password.
func ours(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &problem{Status: e.Status, Detail: e.Detail}
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, fieldError{d.Location, d.Message})
	}
	if len(p.Errors) > 0 {
		p.Detail = "The request is not as it must be: see errors."
	}
	return p.complete(), nil
}

var errNotFound = &problem{Status: http.StatusNotFound, Detail: "There is no such thing, or no longer."}

// problem says what an error of an operation is to its caller. Whatever is not expected is ours: it goes to the log, and the
// wire says nothing.
func (a *api) problem(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	p := known(err)
	if p == nil {
		a.Log.Log(ctx, web.FailureLevel(ctx), "failed", "id", web.RequestID(ctx), "err", err)
		status := web.FailureStatus(err)
		p = &problem{Status: status, Detail: web.Sorry(ctx, status)}
	}
	note(ctx, "reason", p.Detail)
	return p.complete()
}

// known is the table of errors; nil for one that is not in it.
func known(err error) *problem {
	var (
		p      *problem
		field  *directory.FieldError
		inUse  *directory.InUseError
		listed *access.QueryError
		told   *clinic.Error
	)
	switch {
	case errors.As(err, &p):
		copied := *p
		return &copied
	case errors.As(err, &field):
		return invalid(place(field.Field), field.Message)
	case errors.As(err, &listed):
		return invalid(place(listed.Field), listed.Message)
	case errors.As(err, &inUse):
		p := &problem{Type: typeInUse, Status: http.StatusConflict, Detail: "It is in use. To delete it everywhere, send the same request with cascade=true.", More: inUse.More}
		for _, u := range inUse.Uses {
			p.Uses = append(p.Uses, use(u))
		}
		return p
	case errors.Is(err, audit.ErrInvalid):
		return invalid("query", err.Error())
	case errors.Is(err, directory.ErrUnfinished):
		return &problem{Type: typeUnfinished, Status: http.StatusConflict, Detail: "There was more to clean up than one request may. Read it again, and send the request again with the new ETag."}
	case errors.Is(err, directory.ErrNotFound), errors.Is(err, token.ErrNoKey):
		return errNotFound
	case errors.Is(err, store.ErrConflict):
		return &problem{Status: http.StatusPreconditionFailed, Detail: changed}
	case errors.Is(err, directory.ErrGone):
		return conflict("What this very request made once was deleted since. To make another, send another Idempotency-Key.")
	case errors.Is(err, directory.ErrSystem):
		return conflict("This is a part of VetAssist itself and stays as it is: without it nobody could administer anything.")
	case errors.Is(err, directory.ErrSelfRegistered):
		return conflict("This application registered itself, so it says itself what it is. It can be disabled, enabled and deleted, and not be changed.")
	case errors.Is(err, directory.ErrDeleting):
		return conflict("This is being deleted. That can be finished, with DELETE, and nothing else be done with it.")
	case errors.Is(err, directory.ErrLastAdministrator):
		return conflict("Somebody must stay administrator: this is the last one who can log in.")
	case errors.Is(err, token.ErrSigns):
		return conflict("This key signs now. Rotate first, and retire it when the new key signs.")
	case errors.Is(err, token.ErrTooManyKeys):
		return conflict("Too many keys are published already. The oldest leave within a quarter of an hour.")
	case errors.As(err, &told) && told.Code == clinic.NotFound:
		return &problem{Status: http.StatusNotFound, Detail: told.Message}
	case errors.As(err, &told) && told.Code == clinic.Invalid:
		return &problem{Status: http.StatusUnprocessableEntity, Detail: told.Message}
	case errors.As(err, &told):
		return conflict(told.Message)
	}
	return nil
}

func conflict(detail string) *problem { return &problem{Status: http.StatusConflict, Detail: detail} }

func invalid(location, message string) *problem {
	return &problem{Status: http.StatusUnprocessableEntity, Detail: "The request is not as it must be: see errors.",
		Errors: []fieldError{{location, message}}}
}

// place is where a field of the directory's stands in a request.
func place(field string) string {
	switch field {
	case "limit", "cursor", "prefix":
		return "query." + field
	}
	return fmt.Sprintf("body.%s", field)
}
