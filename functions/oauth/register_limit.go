package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// How many clients may come to be known by registration in each hour. Those that are known already do not count: hosts that register
// at every start, and those that everybody has, get through whatever a flood does.
const (
	registrationsByAddress = 30  // a whole workshop can sit behind one address
	registrationsInAll     = 300 // each is forgotten after a day if nobody uses it, so this bounds what a flood leaves behind
	registrationWindow     = time.Hour
)

// tooManyError says that the limit is reached.
type tooManyError struct{ retry time.Duration }

func (e *tooManyError) Error() string { return "too many clients registered within the last hour" }

// registrations is how many clients registered within a window, from an address or in all.
type registrations struct {
	Count int `json:"count"`
}

// countRegistration is the operations that count a registration, for a Write together with it: in the store, so that the limit
// holds over all instances of this function. The error is a *tooManyError.
func (s *server) countRegistration(ctx context.Context) ([]store.Op, error) {
	now := s.Now().UTC()
	window := now.Truncate(registrationWindow)
	end := window.Add(registrationWindow)
	partition := "registration/limit/" + window.Format(time.RFC3339)
	var ops []store.Op
	for _, c := range []struct {
		sort string
		most int
	}{{"from/" + network(web.ClientAddress(ctx)), registrationsByAddress}, {"all", registrationsInAll}} {
		r, err := store.Read[registrations](ctx, s.Store, partition, c.sort)
		condition := store.IfVersion(r.Version)
		if errors.Is(err, store.ErrNotFound) {
			condition, err = store.IfAbsent(), nil
		}
		if err != nil {
			return nil, err
		}
		if r.Value.Count >= c.most {
			return nil, &tooManyError{end.Sub(now)}
		}
		ops = append(ops, store.Put(store.Encode(partition, c.sort, registrations{r.Value.Count + 1}, end), condition))
	}
	return ops, nil
}

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
