package admin

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
)

// What is open: consents that people gave, grants that applications hold under them, and logins.

// Parties are who gave something to whom, with names for people to read.
type Parties struct {
	UserID        string    `json:"user_id"`
	Username      string    `json:"username" doc:"Empty when the user is gone."`
	ApplicationID string    `json:"application_id"`
	ClientID      string    `json:"client_id" doc:"What the application sends: a URL for one that describes itself there."`
	ClientName    string    `json:"client_name" doc:"Empty when the application is gone."`
	Server        serverRef `json:"server"`
	Scopes        []string  `json:"scopes" nullable:"false"`
	Since         time.Time `json:"since"`
}

type consent struct {
	ID string `json:"id"`
	Parties
	Changed time.Time `json:"changed"`
}

type grant struct {
	ID string `json:"id"`
	Parties
	LastUsed  time.Time `json:"last_used"`
	Ends      time.Time `json:"ends" doc:"When it can no longer be refreshed, at the latest. One that has no refresh token ends with its access token."`
	VouchedBy string    `json:"vouched_by,omitempty" doc:"The id of the trusted issuer on whose word it stands. Left out: it stands on a consent."`
}

type session struct {
	ID      string    `json:"id"`
	UserID  string    `json:"user_id"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
	Method  string    `json:"method,omitempty" doc:"password or passkey."`
	From    string    `json:"from,omitempty" doc:"The address that it came from."`
	Agent   string    `json:"agent,omitempty" doc:"What the browser called itself."`
}

// Whose selects by user or by application.
type Whose struct {
	ListInput
	UserID   string `query:"user_id" maxLength:"300" doc:"Of this user. Either this or client_id."`
	ClientID string `query:"client_id" maxLength:"600" doc:"Of this application: its id or its client_id. Either this or user_id."`
}

func (w Whose) check() error {
	if (w.UserID == "") == (w.ClientID == "") {
		return invalid("query", "must name either user_id or client_id")
	}
	return nil
}

func (a *api) consentRoutes() {
	const tag = "Consents and sessions"
	register(a, huma.Operation{OperationID: "list-consents", Method: http.MethodGet, Path: "/consents", Tags: []string{tag}, Summary: "List who allowed what, by user or by application"}, a.listConsents)
	register(a, huma.Operation{OperationID: "revoke-consent", Method: http.MethodDelete, Path: "/consents/{consent_id}", Tags: []string{tag}, Summary: "Revoke a consent, and end the grants under it", Errors: []int{404}, DefaultStatus: http.StatusOK}, a.revokeConsent)
	register(a, huma.Operation{OperationID: "list-grants", Method: http.MethodGet, Path: "/grants", Tags: []string{tag}, Summary: "List what applications hold, by user or by application"}, a.listGrants)
	register(a, huma.Operation{OperationID: "revoke-grant", Method: http.MethodDelete, Path: "/grants/{grant_id}", Tags: []string{tag}, Summary: "End a grant: its refresh token is worth nothing from now on", Errors: []int{404}, DefaultStatus: http.StatusOK}, a.revokeGrant)
}

func (a *api) sessionRoutes() {
	const tag = "Consents and sessions"
	register(a, huma.Operation{OperationID: "list-sessions", Method: http.MethodGet, Path: "/sessions", Tags: []string{tag}, Summary: "List where a user is logged in"}, a.listSessions)
	register(a, huma.Operation{OperationID: "end-session", Method: http.MethodDelete, Path: "/sessions/{session_id}", Tags: []string{tag}, Summary: "End a login", Errors: []int{404}}, a.endSession)
}

// consentID is the id of a consent: whose, for whom, where.
func consentID(c directory.Consent) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.UserID + "\n" + c.ClientID + "\n" + c.Server))
}

func (a *api) listConsents(ctx context.Context, in *Whose) (*listOutput[consent], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	read := a.Directory.ConsentsOf
	if in.ClientID != "" {
		read = a.Directory.ConsentsFor
	}
	page, err := read(ctx, cmp.Or(in.UserID, directory.ClientKey(in.ClientID)), directory.Query{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	n := a.names(ctx)
	return listOf(page.Items, page.Next, func(c directory.Consent) (consent, error) {
		p, err := n.parties(Parties{UserID: c.UserID, ApplicationID: c.ClientID, Scopes: c.Scopes, Since: c.Since}, c.Server)
		return consent{consentID(c), p, c.Changed}, err
	})
}

func (a *api) revokeConsent(ctx context.Context, in *struct {
	ID string `path:"consent_id" maxLength:"1200"`
}) (*endingOutput, error) {
	b, _ := base64.RawURLEncoding.DecodeString(in.ID)
	part := strings.Split(string(b), "\n")
	if len(part) != 3 {
		return nil, errNotFound
	}
	note(ctx, "user_id", part[0])
	note(ctx, "client_id", part[1])
	note(ctx, "server", part[2])
	if err := a.Directory.Withdraw(ctx, part[0], part[1], part[2]); err != nil {
		return nil, err
	}
	n, err := a.access.EndGrantsOf(ctx, part[0], part[1], part[2])
	return a.ended(0, n), tidied(err)
}

func (a *api) listGrants(ctx context.Context, in *Whose) (*listOutput[grant], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	read := a.access.GrantsOf
	if in.ClientID != "" {
		read = a.access.GrantsFor
	}
	page, err := read(ctx, cmp.Or(in.UserID, directory.ClientKey(in.ClientID)), access.Query{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	n := a.names(ctx)
	return listOf(page.Items, page.Next, func(g access.Grant) (grant, error) {
		p, err := n.parties(Parties{UserID: g.UserID, ApplicationID: g.ClientID, Scopes: slices.Concat(g.Scopes, g.Identity), Since: g.Since}, g.Server)
		return grant{g.ID, p, g.LastUsed, g.Ends, g.Vouched.Issuer}, err
	})
}

func (a *api) revokeGrant(ctx context.Context, in *struct {
	ID string `path:"grant_id" maxLength:"300"`
}) (*endingOutput, error) {
	g, err := a.access.Grant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	note(ctx, "user_id", g.UserID)
	note(ctx, "client_id", g.ClientID)
	if err := a.access.EndGrant(ctx, in.ID); err != nil {
		return nil, err
	}
	return a.ended(0, 1), nil
}

func (a *api) listSessions(ctx context.Context, in *struct {
	ListInput
	UserID string `query:"user_id" required:"true" maxLength:"300"`
}) (*listOutput[session], error) {
	page, err := a.access.LoginsOf(ctx, in.UserID, access.Query{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	u, err := a.Directory.User(ctx, in.UserID)
	if err = gone(err); err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(page.Items, func(l access.Login) bool { return u.Ended(l.Since, l.Epoch) }) // not tidied up yet
	return listOf(open, page.Next, func(l access.Login) (session, error) {
		return session{l.ID, l.UserID, l.Since, l.Expires, l.Method, l.From, l.Agent}, nil
	})
}

func (a *api) endSession(ctx context.Context, in *struct {
	ID string `path:"session_id" maxLength:"300"`
}) (*empty, error) {
	l, err := a.access.Login(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	note(ctx, "user_id", l.UserID)
	return nil, a.access.EndLogin(ctx, in.ID)
}
