package oauth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounds what is remembered of addresses
	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/shared/audit"
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
	const code = "temporarily_unavailable"
	event.Outcome, event.Details = audit.Refused, map[string]string{"error": code, "reason": e.what}
	s.audit.Record(r.Context(), event)
	w.Header().Set("Retry-After", e.seconds())
	web.JSON(w, http.StatusTooManyRequests, map[string]string{"error": code, "error_description": e.what})
}

// limit is how often a thing may happen within a window.
type limit struct {
	who  string // a sort key
	most int
}

// counted is how often it did.
type counted struct {
	Count int `json:"count"`
}

// count is the operations that count one more of a thing, for a Write together with it: in the store, so that the limits hold over
// all instances of this function. The error is a *tooManyError that says what there was too much of.
func (s *server) count(ctx context.Context, prefix string, window time.Duration, what string, limits ...limit) ([]store.Op, error) {
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
		if r.Value.Count >= l.most {
			return nil, &tooManyError{what, end.Sub(now)}
		}
		ops = append(ops, store.Put(store.Encode(partition, l.who, counted{r.Value.Count + 1}, end), condition))
	}
	return ops, nil
}

// throttle bounds in memory what costs little and leaves nothing for long: in each instance by itself.
type throttle struct {
	all     *rate.Limiter
	byWhom  *lru.Cache[string, *rate.Limiter]
	perOne  rate.Limit
	burst   int
	nowFunc func() time.Time
}

const throttled = 1000 // addresses remembered

func newThrottle(now func() time.Time, perOne rate.Limit, burst int, inAll rate.Limit, allBurst int) *throttle {
	byWhom, err := lru.New[string, *rate.Limiter](throttled)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &throttle{rate.NewLimiter(inAll, allBurst), byWhom, perOne, burst, now}
}

// admits reports whether one more of somebody's may be served.
func (t *throttle) admits(who string) bool {
	one := rate.NewLimiter(t.perOne, t.burst)
	if before, found, _ := t.byWhom.PeekOrAdd(who, one); found {
		one = before
	}
	now := t.nowFunc()
	return one.AllowN(now, 1) && t.all.AllowN(now, 1)
}

// clientNetwork is the network that a request came from.
func clientNetwork(ctx context.Context) string { return network(web.ClientAddress(ctx)) }

// network is whose an address is, as far as it tells: who has an IPv6 address has at least 2^64 of them (RFC 6177 §2).
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		panic(fmt.Sprintf("oauth: %s has 64 bits: %v", ip, err))
	}
	return prefix.String()
}
