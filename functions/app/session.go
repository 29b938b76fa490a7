package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

const (
	sessionPartition = "app/session/" // + SHA-256 of the cookie
	sessionSort      = "session"
	sessionIdle      = 12 * time.Hour
	touchAfter       = 10 * time.Minute // a session that is only looked at is written this often
	writeAttempts    = 16               // of one change that others may overtake
)

var (
	errNoSession = errors.New("no session")
	errContended = errors.New("too many changes at once")
)

// session is the record of one browser. Its secrets are sealed; see sealer.
type session struct {
	Created      time.Time `json:"created"`
	Seen         time.Time `json:"seen"`
	Conversation string    `json:"conversation"`
	Requested    []string  `json:"requested,omitempty"` // scopes of the last request that was granted
	Login        *login    `json:"login,omitempty"`     // nil until connected
	Lost         string    `json:"lost,omitempty"`      // why a login ended, for the next connect card
}

// login is what one authorization gave.
type login struct {
	Server       server    `json:"server"`
	Access       string    `json:"access"`            // sealed
	Refresh      string    `json:"refresh,omitempty"` // sealed
	Expires      time.Time `json:"expires,omitzero"`  // of the access token; zero when the server did not say
	Scopes       []string  `json:"scopes"`            // granted
	RefreshUntil time.Time `json:"refresh_until,omitzero"`
}

// browser is a session with the cookie that opens it.
type browser struct {
	sealer
	id      string
	session session
}

func (a *app) cookieName() string {
	if a.secure() {
		return "__Host-vetassist_app" // cannot be set by a sibling domain or over http
	}
	return "vetassist_app"
}

func (a *app) setCookie(w http.ResponseWriter, value string, maxAge time.Duration) {
	c := &http.Cookie{Name: a.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: a.secure(),
		SameSite: http.SameSiteLaxMode, MaxAge: int(maxAge.Seconds())} // Lax: the callback comes from another site
	if maxAge <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// open returns the session of a request, or errNoSession. stale tells that the browser came with a cookie whose session has ended.
func (a *app) open(w http.ResponseWriter, r *http.Request) (b *browser, stale bool, err error) {
	c, err := r.Cookie(a.cookieName())
	if err != nil {
		return nil, false, errNoSession
	}
	b, err = a.unlock(r.Context(), c.Value)
	if errors.Is(err, errNoSession) {
		return nil, true, err
	}
	if err != nil || a.now().Sub(b.session.Seen) < touchAfter {
		return b, false, err
	}
	if err := a.touch(r.Context(), b); err != nil {
		return nil, errors.Is(err, errNoSession), err
	}
	a.setCookie(w, c.Value, sessionIdle)
	return b, false, nil
}

// unlock reads the session that a cookie opens.
func (a *app) unlock(ctx context.Context, cookie string) (*browser, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(raw) != 32 {
		return nil, errNoSession
	}
	s, err := newSealer(raw, a.rand)
	if err != nil {
		return nil, err
	}
	b := &browser{sealer: s, id: digest(cookie)}
	return b, a.reload(ctx, b)
}

func (a *app) reload(ctx context.Context, b *browser) error {
	_, err := a.readSession(ctx, b)
	return err
}

// readSession also brings b up to date.
func (a *app) readSession(ctx context.Context, b *browser) (store.Record[session], error) {
	rec, err := store.Read[session](ctx, a.store, sessionPartition+b.id, sessionSort)
	if errors.Is(err, store.ErrNotFound) {
		return rec, errNoSession
	}
	b.session = rec.Value
	return rec, err
}

// change applies f to the stored session, again when somebody else was faster. f must be harmless to repeat.
func (a *app) change(ctx context.Context, b *browser, f func(*session) error) error {
	for range writeAttempts {
		rec, err := a.readSession(ctx, b)
		if err != nil {
			return err
		}
		if err := f(&rec.Value); err != nil {
			return err
		}
		rec.Value.Seen = a.now()
		item := store.Encode(sessionPartition+b.id, sessionSort, rec.Value, a.now().Add(sessionIdle))
		err = a.store.Write(ctx, store.Put(item, store.IfVersion(rec.Version)))
		if err == nil {
			b.session = rec.Value
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("session: %w", errContended)
}

// touch puts off the end of a session and of its conversation.
func (a *app) touch(ctx context.Context, b *browser) error {
	if err := a.change(ctx, b, func(*session) error { return nil }); err != nil {
		return err
	}
	_, err := a.changeConversation(ctx, b, func(*conversation) error { return nil })
	return err
}

// begin makes a new session and gives the browser its cookie.
func (a *app) begin(ctx context.Context, w http.ResponseWriter, s session) (*browser, error) {
	b, cookie, err := a.newBrowser(s)
	if err != nil {
		return nil, err
	}
	item := store.Encode(sessionPartition+b.id, sessionSort, b.session, a.now().Add(sessionIdle))
	if err := a.store.Write(ctx, store.Put(item, store.IfAbsent())); err != nil {
		return nil, err
	}
	a.setCookie(w, cookie, sessionIdle)
	return b, nil
}

func (a *app) newBrowser(s session) (*browser, string, error) {
	cookie, err := a.secret()
	if err != nil {
		return nil, "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return nil, "", err
	}
	sealer, err := newSealer(raw, a.rand)
	if err != nil {
		return nil, "", err
	}
	if s.Conversation == "" {
		if s.Conversation, err = a.secret(); err != nil {
			return nil, "", err
		}
	}
	s.Seen = a.now()
	if s.Created.IsZero() {
		s.Created = a.now()
	}
	return &browser{sealer: sealer, id: digest(cookie), session: s}, cookie, nil
}

// openOrBegin gives every message a session.
func (a *app) openOrBegin(w http.ResponseWriter, r *http.Request) (*browser, error) {
	b, stale, err := a.open(w, r)
	if !errors.Is(err, errNoSession) {
		return b, err
	}
	s := session{}
	if stale {
		s.Lost = "Your earlier session here ended, because it was not used for a while or you logged out."
	}
	return a.begin(r.Context(), w, s)
}

// signIn moves the session to a new cookie and puts the tokens into it. Whoever knew the cookie from before the login,
// such as somebody who planted it, has nothing (session fixation). switched starts a new conversation,
// since another person may have logged in.
func (a *app) signIn(ctx context.Context, w http.ResponseWriter, old *browser, srv server, requested []string, t tokens, switched bool) (*browser, error) {
	for range writeAttempts {
		rec, err := a.readSession(ctx, old)
		if err != nil {
			return nil, err
		}
		s := rec.Value
		s.Requested, s.Lost, s.Login = requested, "", nil
		if switched {
			s.Conversation = ""
		}
		b, cookie, err := a.newBrowser(s)
		if err != nil {
			return nil, err
		}
		if b.session.Login, err = b.sealLogin(srv, t); err != nil {
			return nil, err
		}
		item := store.Encode(sessionPartition+b.id, sessionSort, b.session, a.now().Add(sessionIdle))
		ops := []store.Op{store.Put(item, store.IfAbsent()), store.Delete(sessionPartition+old.id, sessionSort, store.IfVersion(rec.Version))}
		if switched {
			ops = append(ops, store.Delete(conversationPartition+rec.Value.Conversation, conversationSort, store.Always()))
		}
		err = a.store.Write(ctx, ops...)
		if err == nil {
			a.setCookie(w, cookie, sessionIdle)
			return b, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("session: %w", errContended)
}

func (b *browser) sealLogin(srv server, t tokens) (*login, error) {
	l := &login{Server: srv, Expires: t.Expires, Scopes: t.Scopes}
	var err error
	if l.Access, err = b.seal("access token", t.Access); err != nil {
		return nil, err
	}
	if t.Refresh != "" {
		l.Refresh, err = b.seal("refresh token", t.Refresh)
	}
	return l, err
}

func (b *browser) access() (string, error) {
	return b.sealer.open("access token", b.session.Login.Access)
}

// refreshToken is empty when the authorization server gave none.
func (b *browser) refreshToken() (string, error) {
	if b.session.Login == nil || b.session.Login.Refresh == "" {
		return "", nil
	}
	return b.sealer.open("refresh token", b.session.Login.Refresh)
}
