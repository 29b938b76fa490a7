package directory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// UnusedLifetime is when a client that registered itself is forgotten, unless somebody allowed it something.
const UnusedLifetime = 24 * time.Hour

// ErrDisabledClient says that the very client that wants to register is known, and an administrator disabled it.
var ErrDisabledClient = errors.New("directory: an administrator disabled this client")

// Registered is what comes of a registration.
type Registered struct {
	Client Client
	Secret string     // of a confidential client: known now and never again
	New    bool       // nobody with the same description was known
	Ops    []store.Op // what has to be written, all together; none: the client is known as it is
}

// clientRef is what the index of descriptions says of one.
type clientRef struct {
	ID string `json:"id"`
}

// Register makes a client of one that registers itself (RFC 7591): c is what it says of itself, and wantsSecret that it will prove
// itself with a secret. The Write of the operations fails with a conflict when somebody else was faster; then ask again.
//
// A public client that says again what one said before is that one, since nothing tells them apart: so a program that registers
// at every start is one client, not thousands. A confidential one is always new, because its secret cannot be shown again.
func (d *Directory) Register(ctx context.Context, c Client, wantsSecret bool) (Registered, error) {
	c = d.located(c)
	c.Source, c.Authorized, c.Roles = SourceDynamic, nil, nil
	if !wantsSecret && !c.Confidential() {
		c.Same = c.description()
		known, err := d.sameClient(ctx, c.Same)
		if err == nil {
			return d.renew(known)
		}
		if !errors.Is(err, ErrNotFound) {
			return Registered{}, err
		}
	}
	var secret string
	if wantsSecret {
		var err error
		if secret, err = d.newSecret(&c); err != nil {
			return Registered{}, err
		}
	}
	c.ID = strings.ToLower(rand.Text())
	c.Created = d.now().UTC().Truncate(time.Second)
	c.Expires = c.Created.Add(UnusedLifetime)
	ops := []store.Op{putClient(c, store.IfAbsent())}
	for _, op := range indexOps(nil, c.entries()) {
		if strings.HasPrefix(op.Item.Partition, string(clientsSame)) { // of two at once one is first
			op.Condition = store.IfAbsent()
		}
		ops = append(ops, op)
	}
	return Registered{Client: c, Secret: secret, New: true, Ops: ops}, nil
}

func (d *Directory) sameClient(ctx context.Context, same string) (store.Record[Client], error) {
	at := clientsSame.at(same)
	ref, err := store.Read[clientRef](ctx, d.store, at.partition, at.sort)
	if err != nil {
		return store.Record[Client]{}, err
	}
	return d.readClient(ctx, ref.Value.ID)
}

// renew lets a known client that nobody has used yet live on, when half of its time is over: a client that registers again and
// again makes us write no more than twice a day.
func (d *Directory) renew(known store.Record[Client]) (Registered, error) {
	c := known.Value
	if c.Disabled {
		return Registered{}, ErrDisabledClient
	}
	now := d.now().UTC().Truncate(time.Second)
	if c.Expires.IsZero() || c.Expires.Sub(now) > UnusedLifetime/2 {
		return Registered{Client: c}, nil
	}
	c.Expires = now.Add(UnusedLifetime)
	ops := append([]store.Op{putClient(c, store.IfVersion(known.Version))}, indexOps(known.Value.entries(), c.entries())...)
	return Registered{Client: c, Ops: ops}, nil
}

// description is a hash of what a client says of itself, as far as it means something here, in whatever order it says it. The
// port of a native client's own machine means nothing (RFC 8252 §7.3): many have another one at each start.
func (c Client) description() string {
	redirects := slices.Clone(c.RedirectURIs)
	if c.ApplicationType == Native {
		for i, uri := range redirects {
			if host, rest, ok := cutLoopback(uri); ok {
				redirects[i] = host + rest
			}
		}
	}
	all := []any{c.Name, c.ApplicationType, sortedSet(redirects), sortedSet(c.GrantTypes), c.ClientURI}
	if c.RequirePushed || c.BoundTokens || len(c.LogoutURIs) > 0 { // who says none of it is who said none of it before there was any
		all = append(all, c.RequirePushed, c.BoundTokens, sortedSet(c.LogoutURIs))
	}
	said, err := json.Marshal(all)
	if err != nil {
		panic(err) // texts can be JSON
	}
	sum := sha256.Sum256(said)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

func sortedSet(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

// Keep is the operations that let a client be known for good, for a Write together with the code that somebody allowed it. There are
// none when it is already.
func (d *Directory) Keep(ctx context.Context, c Client) ([]store.Op, error) {
	if c.Expires.IsZero() {
		return nil, nil
	}
	r, err := d.readClient(ctx, c.ID)
	if errors.Is(err, ErrNotFound) || err == nil && r.Value.Expires.IsZero() { // it was forgotten this moment, or kept
		return nil, nil
	}
	kept := r.Value
	kept.Expires = noExpiry
	return append([]store.Op{putClient(kept, store.IfVersion(r.Version))}, indexOps(r.Value.entries(), kept.entries())...), err
}
