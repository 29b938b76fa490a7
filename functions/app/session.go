package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	sessionPartition = "app/session/" // + SHA-256 of the cookie
	sessionSort      = "session"
	sessionIdle      = 12 * time.Hour
	visitIdle        = 30 * time.Minute    // of a session that was never connected: anybody can have those made
	touchAfter       = 10 * time.Minute    // a session that is only looked at is written this often
	cookieLife       = 30 * 24 * time.Hour // longer than any session: the store says when one ends
	movedLife        = time.Minute

	sessionsPerSecond = 10 // new ones, in this process
	sessionsAtOnce    = 50
	writeAttempts     = 16 // of one change that others may overtake
)

var (
	errNoSession = errors.New("no session")
	errMoved     = errors.New("the session has moved to another cookie")
	errContended = errors.New("too many changes at once")
)

// session is the record of one browser. Its secrets are sealed; see sealer.
//
// A login moves a session to a new cookie (signIn), while other tabs may still wait for an answer of the authorization server.
// What they wait for belongs to the family: a secret that moves along.
type session struct {
	Family       string     `json:"family,omitempty"` // sealed
	Moved        bool       `json:"moved,omitempty"`  // there is nothing else in it: its cookie was replaced a moment ago
	Created      time.Time  `json:"created"`
	Seen         time.Time  `json:"seen"`
	Conversation string     `json:"conversation"`
	Requested    []string   `json:"requested,omitempty"` // scopes of the last request that was granted
	Login        *login     `json:"login,omitempty"`     // nil until connected
	Person       *account   `json:"person,omitempty"`    // whose conversation it is, also after the login has ended; nil: nobody told us
	Lost         string     `json:"lost,omitempty"`      // why a login ended, for the next connect card
	Replaced     []replaced `json:"replaced,omitempty"`  // refresh tokens still to be revoked
}

// browser is a session with the cookie that opens it.
type browser struct {
	sealer
	id      string
	family  string // the secret
	session session
}

// life is how long a session, and its conversation, is kept without being used.
func (s session) life() time.Duration {
	if !s.everConnected() {
		return visitIdle
	}
	return sessionIdle
}

// everConnected tells whether the conversation may hold what a person's login brought.
func (s session) everConnected() bool { return s.Login != nil || len(s.Requested) > 0 }

// open returns the session of a request, or errNoSession, or for a moment after a login errMoved. stale tells that the
// browser came with a cookie whose session has ended.
func (a *app) open(r *http.Request) (b *browser, stale bool, err error) {
	cookie := a.cookie.Read(r)
	if cookie == "" {
		return nil, false, errNoSession
	}
	b, err = a.unlock(r.Context(), cookie)
	if err == nil && a.now().Sub(b.session.Seen) >= touchAfter {
		err = a.touch(r.Context(), b)
	}
	if err != nil {
		return nil, errors.Is(err, errNoSession), err
	}
	return b, false, nil
}

// unlock reads the session that a cookie opens.
func (a *app) unlock(ctx context.Context, cookie string) (*browser, error) {
	s, err := newSealer(cookie, a.rand)
	if err != nil {
		return nil, errNoSession
	}
	b := &browser{sealer: s, id: web.Hash(cookie)}
	if _, err := a.readSession(ctx, b); err != nil {
		return nil, err
	}
	if b.family, err = b.open("family", b.session.Family); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSession, err)
	}
	a.tracePerson(ctx, b.session.Person)
	return b, nil
}

// readSession also brings b up to date.
func (a *app) readSession(ctx context.Context, b *browser) (store.Record[session], error) {
	rec, err := store.Read[session](ctx, a.store, sessionPartition+b.id, sessionSort)
	if errors.Is(err, store.ErrNotFound) {
		return rec, errNoSession
	}
	if err == nil && rec.Value.Moved {
		return rec, errMoved
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
		item := store.Encode(sessionPartition+b.id, sessionSort, rec.Value, a.now().Add(rec.Value.life()))
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

// begin makes a new session and gives the browser its cookie. The error is errBusy when too many begin at once.
func (a *app) begin(ctx context.Context, w http.ResponseWriter, s session) (*browser, error) {
	if !a.newSessions.AllowN(a.now(), 1) {
		return nil, errBusy
	}
	b, cookie, err := a.newBrowser(s, "")
	if err != nil {
		return nil, err
	}
	item := store.Encode(sessionPartition+b.id, sessionSort, b.session, a.now().Add(b.session.life()))
	if err := a.store.Write(ctx, store.Put(item, store.IfAbsent())); err != nil {
		return nil, err
	}
	// Set now, and never a second time: the answer to a request from before a login may arrive after the login's, and
	// would bring the old cookie back.
	a.cookie.Set(w, cookie, cookieLife)
	return b, nil
}

// newBrowser gives a session a new cookie. Without a family it begins one.
func (a *app) newBrowser(s session, family string) (*browser, string, error) {
	cookie, err := web.NewSecret(a.rand)
	if err == nil && family == "" {
		family, err = web.NewSecret(a.rand)
	}
	if err != nil {
		return nil, "", err
	}
	sealer, err := newSealer(cookie, a.rand)
	if err != nil {
		return nil, "", err
	}
	if s.Family, err = sealer.seal("family", family); err != nil {
		return nil, "", err
	}
	if s.Conversation == "" {
		if s.Conversation, err = web.NewSecret(a.rand); err != nil {
			return nil, "", err
		}
	}
	s.Seen = a.now()
	if s.Created.IsZero() {
		s.Created = a.now()
	}
	return &browser{sealer: sealer, id: web.Hash(cookie), family: family, session: s}, cookie, nil
}

// openOrBegin gives every message a session.
func (a *app) openOrBegin(w http.ResponseWriter, r *http.Request) (*browser, error) {
	b, stale, err := a.open(r)
	if !errors.Is(err, errNoSession) {
		return b, err
	}
	s := session{}
	if stale {
		s.Lost = "Your earlier session here ended, because it was not used for a while or you logged out."
	}
	return a.begin(r.Context(), w, s)
}
