package app

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	maxReplaced = 8               // of one session; the oldest give way
	revokeTime  = 2 * time.Second // that a message or a login may lose by it
)

// replaced is the refresh token of a login that gave way to another one: a step-up, or somebody else. It would go on to work for as
// long as the authorization server likes, so it is kept until that server has revoked it.
type replaced struct {
	Endpoint string `json:"endpoint"`
	client
	Token string `json:"token"` // sealed
}

const replacedName = "replaced refresh token"

// handOver returns what next, the session that takes the place of b, has to have revoked. kept is the refresh token that next goes on to
// use: an authorization server may give the same one again.
func (b *browser) handOver(next *browser, kept string) ([]replaced, error) {
	var out []replaced
	var errs []error
	add := func(endpoint string, c client, token string) {
		sealed, err := next.seal(replacedName, token)
		out, errs = append(out, replaced{endpoint, c, sealed}), append(errs, err)
	}
	for _, r := range b.session.Replaced {
		if token, err := b.open(replacedName, r.Token); err == nil { // what is damaged is of no use to anybody
			add(r.Endpoint, r.client, token)
		}
	}
	if token, err := b.refreshToken(); err == nil && token != "" && token != kept && b.session.Login.Server.Revoke != "" {
		add(b.session.Login.Server.Revoke, b.session.Login.Server.client(), token)
	}
	return out[max(0, len(out)-maxReplaced):], errors.Join(errs...)
}

// revokeReplaced has revoked what can be, and leaves the rest for the next time.
func (a *app) revokeReplaced(ctx context.Context, b *browser) {
	if len(b.session.Replaced) == 0 {
		return
	}
	done, err := a.tryReplaced(ctx, b, revokeTime)
	if len(done) > 0 {
		err = errors.Join(err, a.change(ctx, b, func(s *session) error {
			s.Replaced = slices.DeleteFunc(s.Replaced, func(r replaced) bool { return slices.Contains(done, r) })
			return nil
		}))
	}
	if err != nil {
		a.log.WarnContext(ctx, "replaced refresh token not revoked yet", "err", err)
	}
}

// tryReplaced returns those that are revoked, and why the others are not.
func (a *app) tryReplaced(ctx context.Context, b *browser, limit time.Duration) (done []replaced, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, r := range b.session.Replaced {
		token, failed := b.open(replacedName, r.Token)
		if failed == nil {
			failed = a.revoke(ctx, r.Endpoint, r.client, token)
		}
		if failed == nil {
			done = append(done, r)
		}
		err = errors.Join(err, failed)
	}
	return done, err
}
