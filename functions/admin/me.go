package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/directory"
)

// bearer is whose token it is, for a client that wants to show it: a client must not read an access token (RFC 9068 §6).
type bearer struct {
	ID       string   `json:"id"`
	Username string   `json:"username,omitempty"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles" nullable:"false"`
	Scopes   []string `json:"scopes" nullable:"false" doc:"Of this token."`
}

func (a *api) meRoutes() {
	register(a, huma.Operation{OperationID: "me", Method: http.MethodGet, Path: "/me", Tags: []string{"Users"}, Summary: "Whose token this is"}, a.me)
}

func (a *api) me(ctx context.Context, _ *struct{}) (*struct{ Body bearer }, error) {
	c := callerFrom(ctx)
	out := bearer{ID: c.Subject, Roles: append([]string{}, c.Roles...), Scopes: append([]string{}, c.Scopes()...)}
	if userID(c) == "" {
		r, err := a.Directory.ClientRecord(ctx, c.ClientID)
		out.Name = r.Value.Name
		return &struct{ Body bearer }{out}, gone(err)
	}
	u, err := a.Directory.User(ctx, c.Subject)
	out.Username, out.Name = u.Username, u.Name
	return &struct{ Body bearer }{out}, gone(err)
}

// gone is no error where only a name is missing.
func gone(err error) error {
	if errors.Is(err, directory.ErrNotFound) {
		return nil
	}
	return err
}
