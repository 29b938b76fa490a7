package oauth

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/limit"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// tooManyError says that a limit is reached.
type tooManyError struct {
	what  string
	retry time.Duration
}

func (e *tooManyError) Error() string { return e.what }

// seconds are what Retry-After takes (RFC 9110 §10.2.3).
func (e *tooManyError) seconds() string { return strconv.Itoa(int(math.Ceil(e.retry.Seconds()))) }

// refuseMany answers a client that a limit is reached (RFC 6585 §4), and records it.
func (s *server) refuseMany(w http.ResponseWriter, r *http.Request, event audit.Event, e *tooManyError) {
	event.Outcome, event.Details = audit.Refused, map[string]string{"error": tooMany, "reason": e.what}
	s.audit.Record(r.Context(), event)
	e.write(w)
}

func (e *tooManyError) write(w http.ResponseWriter) {
	w.Header().Set("Retry-After", e.seconds())
	web.JSON(w, http.StatusTooManyRequests, map[string]string{"error": tooMany, "error_description": e.what})
}

const tooMany = "temporarily_unavailable"

// most is how often a thing may happen within a window.
type most struct {
	who   string // a sort key
	often int
}

// counted is how often it did.
type counted struct {
	Count int `json:"count"`
}

// count is the operations that count one more of a thing, for a Write together with it: in the store, so that the limits hold over
// all instances of this function. The error is a *tooManyError that says what there was too much of.
func (s *server) count(ctx context.Context, prefix string, window time.Duration, what string, limits ...most) ([]store.Op, error) {
	now := s.Now().UTC()
	begin := now.Truncate(window)
	end := begin.Add(window)
	partition := prefix + begin.Format(time.RFC3339)
	var ops []store.Op
	for _, l := range limits {
		r, err := store.Read[counted](ctx, s.Store, partition, l.who)
		condition := store.IfVersion(r.Version)
		if errors.Is(err, store.ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return nil, err
		}
		if r.Value.Count >= l.often {
			return nil, &tooManyError{what, end.Sub(now)}
		}
		ops = append(ops, store.Put(store.Encode(partition, l.who, counted{r.Value.Count + 1}, end), condition))
	}
	return ops, nil
}

// limits are kept in memory and, in steps, in the store (package limit), since a write for each request would cost more than what it keeps out.
// Where each is used up: logins by wrong passwords from one network, whatever the name; strangers by requests from one network that fail to
// authenticate, or bring a code or token that nobody gave out or that has come twice; clients by the same for one client there, so that a program with an old
// secret is slowed down before it slows down its neighbours; pushes by what those whom nobody here knows have us keep; accounts and passwords by
// what an account does itself (often.go). A client that authenticates counts for nothing, however fast. No client is slowed down for what others do at other addresses: to guess its secret is hopeless,
// and keeping it out would be easy.
type limits struct {
	logins, strangers, clients, pushes, pushesInAll, accounts, passwords *limit.Counter
}

var (
	loginsByAddress    = limit.Rule{Free: 100, First: time.Second, Most: 15 * time.Minute, Forget: 36 * time.Second} // a workshop of a hundred mistypes once each
	strangersByAddress = limit.Rule{Free: 300, First: time.Second, Most: time.Minute, Forget: time.Second}
	failuresByClient   = limit.Rule{Free: 60, First: time.Second, Most: time.Minute, Forget: 2 * time.Second}
	pushesByAddress    = limit.Rule{Free: 60, First: time.Second, Most: time.Second, Forget: time.Second} // since a whole workshop can sit behind one address
	pushesInAll        = limit.Rule{Free: 200, First: time.Second, Most: time.Second, Forget: 50 * time.Millisecond}
)

func newLimits(c Config) limits {
	counter := func(rule limit.Rule, step int, name string) *limit.Counter {
		return limit.NewCounter(rule, step, c.Store, "limit/"+name+"/", c.Now)
	}
	return limits{logins: counter(loginsByAddress, 5, "login"), strangers: counter(strangersByAddress, 20, "from"), clients: counter(failuresByClient, 10, "client"),
		pushes: counter(pushesByAddress, 10, "push"), pushesInAll: counter(pushesInAll, 20, "push-all"),
		accounts: counter(loginsByAccount, 10, "account"), passwords: counter(passwordsByAccount, 3, "password")}
}

// slowed guards an endpoint of clients: of an address that waits nothing is read, and nothing looked up.
func (s *server) slowed(next http.HandlerFunc) http.HandlerFunc {
	return bounded(func(w http.ResponseWriter, r *http.Request) {
		if wait := s.limits.strangers.Wait(clientNetwork(r.Context())); wait > 0 {
			(&tooManyError{tooManyFailed, wait}).write(w)
			return
		}
		next(w, r)
	})
}

const tooManyFailed = "too many requests that failed came from your network just now: wait, and check client_id, the client's proof and the code or token"

// slowClient is the same for one client at one address. id is what the request says.
func (s *server) slowClient(ctx context.Context, id string) error {
	if wait := s.limits.clients.Wait(clientAt(ctx, id)); wait > 0 {
		return &tooManyError{tooManyFailed, wait}
	}
	return nil
}

func clientAt(ctx context.Context, id string) string { return clientNetwork(ctx) + "/" + web.Hash(id) }

// countStranger counts a request that failed as a stranger's does.
func (s *server) countStranger(r *http.Request) {
	err := s.limits.strangers.Count(r.Context(), clientNetwork(r.Context()))
	if id := claimedClient(r); err == nil && id != "" {
		err = s.limits.clients.Count(r.Context(), clientAt(r.Context(), id))
	}
	if err != nil {
		web.LogFailure(r, s.Log, err)
	}
}

// claimedClient is who a request says that its client is, if it says so in so many words.
func claimedClient(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	return r.PostForm.Get("client_id")
}

// admitPush counts a push of somebody whom nobody here knows, if there is room for it (RFC 9126 §2.3).
func (s *server) admitPush(ctx context.Context) error {
	from := clientNetwork(ctx)
	if wait := max(s.limits.pushes.Wait(from), s.limits.pushesInAll.Wait("all")); wait > 0 {
		return &tooManyError{"too many authorization requests were pushed just now", wait}
	}
	if err := s.limits.pushes.Count(ctx, from); err != nil {
		return err
	}
	return s.limits.pushesInAll.Count(ctx, "all")
}

// clientNetwork is the network that a request came from.
func clientNetwork(ctx context.Context) string { return web.ClientNetwork(ctx) }
