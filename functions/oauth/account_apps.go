package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
)

// appsPage is how many applications one page of My account shows.
const appsPage = 10

// appAccess is what a person allowed one application at one server.
type appAccess struct {
	ClientID, ClientName string
	Server, ServerName   string
	Scopes               []directory.Scope
	Agent                string // whom it may hand tasks to; empty: nobody
	Since                moment
	LastUsed             moment // zero: it holds nothing now
}

// apps are the applications that a person allowed something, a page of them, and where the next page is.
func (s *server) apps(ctx context.Context, userID, cursor string) ([]appAccess, string, error) {
	page, err := s.Directory.ConsentsOf(ctx, userID, directory.Query{Limit: appsPage, Cursor: cursor})
	var wrong *directory.FieldError
	if errors.As(err, &wrong) && cursor != "" { // not a cursor of ours: the first page will do
		return s.apps(ctx, userID, "")
	}
	if err != nil {
		return nil, "", err
	}
	var all []appAccess
	for _, c := range page.Items {
		app, err := s.app(ctx, c)
		if err != nil {
			return nil, "", err
		}
		all = append(all, app)
	}
	next := ""
	if page.Next != "" {
		next = accountPath + "?" + url.Values{"cursor": {page.Next}}.Encode()
	}
	return all, next, nil
}

// app finds the words for a consent. What has been deleted since has none but its identifier.
func (s *server) app(ctx context.Context, c directory.Consent) (appAccess, error) {
	app := appAccess{ClientID: c.ClientID, ClientName: c.ClientID, Server: c.Server, ServerName: c.Server, Since: moment{c.Since}}
	client, err := s.Directory.ClientRecord(ctx, c.ClientID)
	if err == nil {
		app.ClientName = client.Value.Label()
	} else if !errors.Is(err, directory.ErrNotFound) {
		return app, err
	}
	server, err := s.serverNamed(ctx, c.Server)
	if err == nil {
		app.ServerName = server.Name
	} else if !errors.Is(err, directory.ErrNotFound) {
		return app, err
	}
	app.Scopes = describe(server, c.Scopes)
	if app.Agent, err = s.agentOf(ctx, client.Value, server, c.Scopes); err != nil {
		return app, err
	}
	grants, err := s.access.GrantsUnder(ctx, c.UserID, c.ClientID, c.Server, access.Query{Limit: 200})
	for _, g := range grants.Items {
		if g.LastUsed.After(app.LastUsed.Time) {
			app.LastUsed = moment{g.LastUsed}
		}
	}
	return app, err
}

// removeApp takes back what a person allowed an application, and ends what it holds, whoever let it in.
func (s *server) removeApp(w http.ResponseWriter, r *http.Request, v visit) {
	client, server := r.PostForm.Get("client_id"), r.PostForm.Get("server")
	consent, err := s.Directory.Consent(r.Context(), v.user.ID, client, server)
	allowed := err == nil && len(consent.Scopes) > 0
	if allowed {
		op, opErr := s.audit.Op(r.Context(), audit.Event{Name: audit.Withdrawal, Outcome: audit.OK, UserID: v.user.ID, ClientID: client,
			Details: map[string]string{"server": server, "scope": rbac.JoinScope(consent.Scopes)}})
		if err = opErr; err == nil {
			err = s.Directory.Withdraw(r.Context(), v.user.ID, client, server, op)
		}
	}
	if err == nil || errors.Is(err, directory.ErrNotFound) || errors.Is(err, store.ErrInvalid) { // again is no error, and ends what was left
		ended := 0
		err = finish(func() error {
			n, err := s.access.EndGrantsOf(r.Context(), v.user.ID, client, server)
			ended += n
			return err
		})
		if ended > 0 && !allowed { // what an issuer let in
			s.audit.Record(r.Context(), audit.Event{Name: audit.Withdrawal, Outcome: audit.OK, UserID: v.user.ID, ClientID: client,
				Details: map[string]string{"server": server, "grants": strconv.Itoa(ended)}})
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	accountDone(w, "app")
}

// finish repeats what ends much, a few times; nobody has so many.
func finish(end func() error) (err error) {
	for range 10 {
		if err = end(); !errors.Is(err, access.ErrUnfinished) {
			break
		}
	}
	return err
}
