package access

import (
	"context"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// LoginLifetime is how long a login lasts.
const LoginLifetime = 8 * time.Hour

// CookieName names the cookie of a login, whose value's hash is the login's id.
const CookieName = "vetassist_login"

// The ways to log in.
const (
	Password = "password"
	Passkey  = "passkey"
)

// Login is a browser in which somebody is logged in.
type Login struct {
	ID      string    `json:"id"` // the hash of the cookie's value, so the store cannot log anybody in
	UserID  string    `json:"user_id"`
	Since   time.Time `json:"since"`
	Epoch   time.Time `json:"epoch,omitzero"` // of the user, as they were when they proved who it is
	Expires time.Time `json:"expires"`
	Method  string    `json:"method"`
	From    string    `json:"from,omitempty"`  // IP address
	Agent   string    `json:"agent,omitempty"` // what the browser says it is
}

const (
	loginSort = "session"
	maxAgent  = 300 // bytes

	// sortTime has a fixed width, so that keys sort by time.
	sortTime = "2006-01-02T15:04:05.000000000Z"
)

func (l Login) indexSort() string { return loginPrefix + l.Since.UTC().Format(sortTime) + "/" + l.ID }

// BeginLogin are the operations that begin a login: for a Write together with what it is recorded by. They fill in
// Expires.
func BeginLogin(l Login) []store.Op {
	l.Since = l.Since.UTC()
	l.Expires = l.Since.Add(LoginLifetime)
	l.Agent = strings.ToValidUTF8(l.Agent[:min(len(l.Agent), maxAgent)], "")
	return []store.Op{
		store.Put(store.Encode("login/"+l.ID, loginSort, l, l.Expires), store.IfAbsent()),
		store.Put(store.Encode(userIndex(l.UserID), l.indexSort(), l, l.Expires), store.Always()),
	}
}

// EndLogin are the operations that end a login: as BeginLogin.
func EndLogin(l Login) []store.Op {
	return []store.Op{
		store.Delete("login/"+l.ID, loginSort, store.Always()),
		store.Delete(userIndex(l.UserID), l.indexSort(), store.Always()),
	}
}

// Login finds a login by its id, or store.ErrNotFound.
func (r *Registry) Login(ctx context.Context, id string) (Login, error) {
	record, err := read[Login](ctx, r.store, "login/"+id, loginSort)
	record.Value.ID = id
	return record.Value, err
}

// LoginsOf lists a user's logins, the newest first.
func (r *Registry) LoginsOf(ctx context.Context, userID string, q Query) (Page[Login], error) {
	return list[Login](ctx, r.store, []string{userIndex(userID)}, store.Query{Prefix: loginPrefix, Descending: true}, q)
}

// EndLogin ends a login; with is written in the same write, such as an audit event. One that is over already is
// store.ErrNotFound, and nothing is written.
func (r *Registry) EndLogin(ctx context.Context, id string, with ...store.Op) error {
	l, err := r.Login(ctx, id)
	if err != nil {
		return err
	}
	return r.end(ctx, EndLogin(l), with)
}

// EndLoginsOf ends a user's logins but one, whose id may be empty. It tells how many, and may return ErrUnfinished.
func (r *Registry) EndLoginsOf(ctx context.Context, userID, but string) (int, error) {
	return endListed(ctx, r.store, []string{userIndex(userID)}, loginPrefix, 2, func(l Login) []store.Op {
		if l.ID == but {
			return nil
		}
		return EndLogin(l)
	})
}

// EndAllOf ends all that is open for a user, and tells how much. It may return ErrUnfinished.
func (r *Registry) EndAllOf(ctx context.Context, userID string) (logins, grants int, err error) {
	if logins, err = r.EndLoginsOf(ctx, userID, ""); err != nil {
		return logins, 0, err
	}
	grants, err = r.endGrants(ctx, []string{userIndex(userID)}, grantPrefix)
	return logins, grants, err
}
