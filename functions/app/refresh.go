package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

const (
	refreshAhead = 30 * time.Second       // an access token that ends sooner is refreshed before it is used
	refreshLease = 15 * time.Second       // how long one request may keep the others from refreshing
	refreshPoll  = 100 * time.Millisecond // how often the others look whether it is done

	refreshRounds = int(2 * refreshLease / refreshPoll) // after which something is wrong
)

// errLoginLost says that only the person can help; session.Lost has the reason.
var errLoginLost = errors.New("the login has ended")

// errLoginServer says that the authorization server gave neither a token nor a refusal.
var errLoginServer = errors.New("the authorization server does not answer")

// accessToken returns the token to send, or "" when there is none to send, so that the server's challenge begins a new login.
func (a *app) accessToken(ctx context.Context, b *browser) (string, error) {
	l := b.session.Login
	if l == nil || !a.isOurs(l.Server.Resource) { // a token is for one server only ("Token Handling"), and that is a setting
		return "", nil
	}
	token, err := b.access()
	if err != nil {
		return "", err
	}
	if l.Expires.IsZero() || a.now().Add(refreshAhead).Before(l.Expires) {
		return token, nil
	}
	traceRefresh(ctx, "The access token is at its end ("+moment(l.Expires)+").")
	switch err := a.refresh(ctx, b, token); {
	case errors.Is(err, errLoginLost):
		return "", nil
	case err != nil && a.now().Before(l.Expires):
		a.log.WarnContext(ctx, "refresh failed, the old token still works", "err", err)
		return token, nil
	case err != nil:
		return "", fmt.Errorf("%w: %w", errLoginServer, err)
	}
	return b.access()
}

// refresh replaces the access token that somebody found to be of no more use. A refresh token may be used once only
// (OAuth 2.1 §4.3.1), so of two tabs one refreshes, the other waits for the result: the session's version decides which. The lease
// covers a process that stops half-way. errLoginLost means that the authorization server will not renew it.
func (a *app) refresh(ctx context.Context, b *browser, used string) error {
	for range refreshRounds {
		rec, err := a.readSession(ctx, b)
		if err != nil {
			return err
		}
		if rec.Value.Login == nil {
			return errLoginLost
		}
		if current, err := b.access(); err != nil || current != used {
			return err // somebody was faster: theirs is ours too
		}
		if rec.Value.Login.Refresh == "" {
			return a.lose(ctx, b, used, "Your login has run out.")
		}
		if a.now().Before(rec.Value.Login.RefreshUntil) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(refreshPoll):
				continue
			}
		}
		rec.Value.Login.RefreshUntil = a.now().Add(refreshLease)
		item := store.Encode(sessionPartition+b.id, sessionSort, rec.Value, a.now().Add(sessionIdle))
		err = a.store.Write(ctx, store.Put(item, store.IfVersion(rec.Version)))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		return a.exchangeRefreshToken(ctx, b, used)
	}
	return fmt.Errorf("refresh: %w", errContended)
}

// exchangeRefreshToken is for the holder of the lease. The new refresh token is stored before anything is done with the access token
// beside it: a crash in between would otherwise end the login.
func (a *app) exchangeRefreshToken(ctx context.Context, b *browser, used string) error {
	l := b.session.Login
	old, err := b.refreshToken()
	if err != nil {
		return err
	}
	key, err := b.proofKey()
	if err != nil {
		return err
	}
	t, err := a.requestToken(ctx, l.Server, key, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {old}, "resource": {l.Server.Resource},
	}, l.Scopes)
	switch refusalCode(err) {
	case "invalid_grant":
		return a.lose(ctx, b, used, "Your login was ended at the authorization server, or has run out.")
	case "invalid_client":
		a.forgetRegistration(ctx, l.Server)
		return a.lose(ctx, b, used, "The authorization server does not know Vet Assist AI any more.")
	}
	if err != nil {
		return errors.Join(err, a.change(ctx, b, func(s *session) error {
			if s.Login != nil {
				s.Login.RefreshUntil = time.Time{}
			}
			return nil
		}))
	}
	if t.Refresh == "" {
		t.Refresh = old // the server does not rotate
	}
	if err := a.sameAs(ctx, b.session.Person, l.Server, t); err != nil {
		a.log.WarnContext(ctx, "refresh refused", "err", err)
		err = a.lose(ctx, b, used, "The authorization server did not say again that it is you.")
		if l.Server.Revoke != "" {
			err = errors.Join(err, a.revoke(ctx, l.Server.Revoke, l.Server.client(), t.Refresh))
		}
		return err
	}
	renewed, err := b.sealLogin(l.Server, t)
	if err != nil {
		return err
	}
	err = a.change(ctx, b, func(s *session) error {
		if s.Login == nil {
			return errLoginLost
		}
		s.Login = renewed
		return nil
	})
	if (errors.Is(err, errNoSession) || errors.Is(err, errMoved)) && l.Server.Revoke != "" { // logged out or in again meanwhile
		return errors.Join(err, a.revoke(ctx, l.Server.Revoke, l.Server.client(), t.Refresh))
	}
	return err
}

// lose forgets a login that is of no more use, unless it was replaced meanwhile.
func (a *app) lose(ctx context.Context, b *browser, used, reason string) error {
	traceLost(ctx, reason)
	replaced := false
	err := a.change(ctx, b, func(s *session) error {
		if s.Login == nil {
			return nil
		}
		b.session = *s
		current, err := b.access()
		if replaced = err == nil && current != used; !replaced {
			s.Login, s.Lost = nil, reason
		}
		return nil
	})
	if err == nil && !replaced {
		err = errLoginLost
	}
	return err
}
