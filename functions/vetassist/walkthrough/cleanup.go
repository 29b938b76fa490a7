package walkthrough

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// tidy is what has to be put back.
type tidy struct {
	undo    []func(context.Context) error // last one first
	tokens  []string                      // refresh tokens to give back
	before  map[string][]string           // the clients that a person had allowed something before, by username
	allowed map[string][]string           // those that they allowed something now
}

func (t *tidy) mayHaveAllowed(user, client string) {
	if t.allowed == nil {
		t.allowed = map[string][]string{}
	}
	if !slices.Contains(t.allowed[user], client) {
		t.allowed[user] = append(t.allowed[user], client)
	}
}

// cleanup is the last step of every story.
var cleanup = Step{
	Name: "clean-up", Title: "Leave things as they were",
	Why: "What was booked is cancelled, what was changed is put back, and the app gives its tokens back. Everybody takes back on their account page " +
		"what they allowed here, unless they had allowed this app something before: that page takes back all of it, or nothing. Then they log out.",
	Rule: "RFC 7009 §2",
	do:   func(ctx context.Context, s *scene) error { return s.cleanUp(ctx) },
}

// cleanUp does all that it can, and returns the first thing that went wrong.
func (s *scene) cleanUp(ctx context.Context) error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, f := range slices.Backward(s.tidy.undo) {
		keep(f(ctx))
	}
	for _, token := range s.tidy.tokens {
		t, err := s.app.Revoke(ctx, token, nil)
		if err == nil && t.Status != 200 {
			err = surprise("200 for a token that is given back", "%d %s", t.Status, t.Error)
		}
		keep(err)
	}
	if len(s.tidy.tokens) > 0 {
		s.fact("given back", "the refresh tokens")
	}
	for _, user := range []string{"bob", "carol", "admin"} {
		if len(s.tidy.allowed[user]) > 0 {
			keep(s.takeBack(ctx, user))
		}
		if b, came := s.people[user]; came {
			keep(s.leave(ctx, b))
		}
	}
	s.tidy = tidy{}
	return first
}

// lookBefore notes what a person had allowed before this story.
func (s *scene) lookBefore(ctx context.Context, user string) error {
	if _, seen := s.tidy.before[user]; seen {
		return nil
	}
	b := visitor.NewBrowser(s.base, s.wire.hidden()) // Bob's own browser is still to show that nobody is logged in there
	p, err := s.account(ctx, b, user)
	if err != nil {
		return err
	}
	if s.tidy.before == nil {
		s.tidy.before = map[string][]string{}
	}
	s.tidy.before[user] = []string{}
	for _, f := range p.Removable() {
		s.tidy.before[user] = append(s.tidy.before[user], f.Get("client_id"))
	}
	return s.leave(ctx, b)
}

// account opens the account page, and logs in where that is needed.
func (s *scene) account(ctx context.Context, b *visitor.Browser, user string) (*visitor.Page, error) {
	b.StopAt("")
	p, err := b.Open(ctx, s.base+"/oauth/login")
	if err == nil && p.Has("password") {
		p, err = b.Login(ctx, user, s.password(user))
	}
	if err == nil && p.Has("password") {
		return nil, surprise(user+" to be logged in", "the login page again: %s", notice(p))
	}
	if err == nil {
		p, err = b.Apps(ctx)
	}
	return p, err
}

// takeBack removes on the account page what a person allowed in this story.
func (s *scene) takeBack(ctx context.Context, user string) error {
	b := s.browser(user)
	p, err := s.account(ctx, b, user)
	if err != nil {
		return err
	}
	for _, client := range s.tidy.allowed[user] {
		of := func(access url.Values) bool { return s.isOf(p, access, client) }
		added := func(access url.Values) bool {
			return of(access) && !slices.Contains(s.tidy.before[user], access.Get("client_id"))
		}
		i := slices.IndexFunc(p.Removable(), added)
		if i < 0 {
			if slices.ContainsFunc(p.Removable(), of) {
				s.fact("kept", "what %s had allowed %s before, and what came to it now", name(user), client)
			}
			continue
		}
		if p, err = b.Remove(ctx, p.Removable()[i]); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Removable(), added) {
			return surprise("an account page without "+client, "it is still there")
		}
		s.fact("taken back", "what %s allowed %s", name(user), client)
	}
	return nil
}

// isOf reports whether an access is that of a client. One with a metadata document goes there by its name and its host.
func (s *scene) isOf(p *visitor.Page, access url.Values, client string) bool {
	if client == s.base+documentPath {
		return strings.HasPrefix(p.Access(access), fmt.Sprintf("%s (%s) at ", s.called, hostOf(client)))
	}
	return access.Get("client_id") == client
}

// leave logs out of the chat and of the authorization server.
func (s *scene) leave(ctx context.Context, b *visitor.Browser) error {
	b.StopAt("")
	for _, at := range []struct{ page, form string }{{"/", "/logout"}, {"/oauth/account", "/oauth/logout"}} {
		p, err := b.Open(ctx, s.base+at.page)
		if err == nil && slices.ContainsFunc(p.Forms, func(f visitor.Form) bool { return f.Action == at.form }) {
			_, err = b.Submit(ctx, at.form, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
