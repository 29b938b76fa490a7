package admin

import (
	"context"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// link says who at an enterprise is which user here.
type link struct {
	ID       string    `json:"id" doc:"For the addresses of this API."`
	Subject  string    `json:"subject" doc:"The sub of the enterprise's JWTs."`
	UserID   string    `json:"user_id"`
	Username string    `json:"username" doc:"Empty for a user who is gone."`
	Since    time.Time `json:"since"`
}

type newLink struct {
	Subject string `json:"subject" maxLength:"255" doc:"The sub of the enterprise's JWTs, letter for letter."`
	UserID  string `json:"user_id" maxLength:"300" doc:"The user who that is here."`
}

func (n *names) link(l directory.Link) (link, error) {
	username, err := memo(n.users, l.UserID, func() (string, error) {
		u, err := n.User(n.ctx, l.UserID)
		return u.Username, err
	})
	return link{serverID(l.Subject), l.Subject, l.UserID, username, l.Since}, err
}

func (a *api) listLinks(ctx context.Context, in *struct {
	IssuerPath
	ListInput
	Prefix string `query:"prefix" maxLength:"255" doc:"Of the subject."`
}) (*listOutput[link], error) {
	page, err := a.Directory.Links(ctx, in.ID, directory.Query{Prefix: in.Prefix, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return listOf(page.Items, page.Next, a.names(ctx).link)
}

// Neither needs If-Match: they say what is to change, not what the whole is to be.

func (a *api) addLink(ctx context.Context, in *struct {
	IssuerPath
	Body newLink
}) (*struct{ Body link }, error) {
	note(ctx, "subject", in.Body.Subject)
	note(ctx, "user_id", in.Body.UserID)
	made, err := a.Directory.AddLink(ctx, in.ID, in.Body.Subject, in.Body.UserID)
	if err != nil {
		return nil, err
	}
	out, err := a.names(ctx).link(made)
	return &struct{ Body link }{out}, err
}

func (a *api) removeLink(ctx context.Context, in *struct {
	IssuerPath
	LinkID string `path:"link_id" maxLength:"400"`
}) (*empty, error) {
	subject := identifierOf(in.LinkID)
	note(ctx, "subject", subject)
	return nil, a.Directory.RemoveLink(ctx, in.ID, subject)
}
