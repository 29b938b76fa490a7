package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// login is what one authorization gave.
type login struct {
	Server       server    `json:"server"`
	Access       string    `json:"access"`            // sealed
	Refresh      string    `json:"refresh,omitempty"` // sealed
	Key          string    `json:"key,omitempty"`     // sealed; that both are bound to; empty: to none
	Expires      time.Time `json:"expires,omitzero"`  // of the access token; zero when the server did not say
	Scopes       []string  `json:"scopes"`            // granted
	RefreshUntil time.Time `json:"refresh_until,omitzero"`
}

// signIn moves the session to a new cookie and puts the tokens into it. Whoever knew the cookie from before the login,
// such as somebody who planted it, has nothing (session fixation). When rec asked for somebody else, nothing of the person
// before stays: the conversation is new, and so is the family. So it is when somebody else has logged in without being asked to, which
// other tells: who is who, OpenID Connect says (openid.go). Once we know whose conversation it is, somebody unknown is somebody else.
func (a *app) signIn(ctx context.Context, w http.ResponseWriter, old *browser, rec authorization, t tokens, who *account) (b *browser, other bool, err error) {
	for range writeAttempts {
		before, err := a.readSession(ctx, old)
		if err != nil {
			return nil, false, err
		}
		s, family := before.Value, old.family
		other = !rec.Switch && s.Person != nil && !s.Person.is(who)
		leave := rec.Switch || other
		s.Requested, s.Lost, s.Login, s.Person = rec.Scopes, "", nil, who
		if leave {
			s.Conversation, family = "", ""
		}
		b, cookie, err := a.newBrowser(s, family)
		if err != nil {
			return nil, false, err
		}
		if b.session.Login, err = b.sealLogin(rec.Server, t); err != nil {
			return nil, false, err
		}
		if b.session.Replaced, err = old.handOver(b, t.Refresh); err != nil {
			return nil, false, err
		}
		moved := session{Moved: true, Created: s.Created, Seen: a.now()} // so that a request that comes just now begins no session of its own
		item := store.Encode(sessionPartition+b.id, sessionSort, b.session, a.now().Add(sessionIdle))
		ops := []store.Op{
			store.Put(item, store.IfAbsent()),
			store.Put(store.Encode(sessionPartition+old.id, sessionSort, moved, a.now().Add(movedLife)), store.IfVersion(before.Version)),
		}
		if leave {
			ops = append(ops, store.Delete(conversationPartition+before.Value.Conversation, conversationSort, store.Always()))
		}
		err = a.store.Write(ctx, ops...)
		if web.Temporary(err) && a.stored(ctx, b) {
			err = nil
		}
		if err == nil {
			a.cookie.Set(w, cookie, cookieLife)
			return b, other, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("session: %w", errContended)
}

// stored tells whether a new session is there, after a store that was too busy to say. Without that a browser whose session did move
// would have neither cookie.
func (a *app) stored(ctx context.Context, b *browser) bool {
	_, err := a.store.Get(ctx, sessionPartition+b.id, sessionSort)
	return err == nil
}

func (b *browser) sealLogin(srv server, t tokens) (*login, error) {
	l := &login{Server: srv, Expires: t.Expires, Scopes: t.Scopes}
	var err error
	if l.Access, err = b.seal("access token", t.Access); err != nil {
		return nil, err
	}
	if t.Refresh != "" {
		if l.Refresh, err = b.seal("refresh token", t.Refresh); err != nil {
			return nil, err
		}
	}
	if t.Key != nil {
		l.Key, err = sealKey(b.sealer, *t.Key)
	}
	return l, err
}

func (b *browser) access() (string, error) {
	return b.sealer.open("access token", b.session.Login.Access)
}

// proofKey is nil when the tokens are not bound.
func (b *browser) proofKey() (*clientkey.Key, error) {
	if b.session.Login == nil {
		return nil, nil
	}
	return openKey(b.sealer, b.session.Login.Key)
}

// refreshToken is empty when the authorization server gave none.
func (b *browser) refreshToken() (string, error) {
	if b.session.Login == nil || b.session.Login.Refresh == "" {
		return "", nil
	}
	return b.sealer.open("refresh token", b.session.Login.Refresh)
}
