package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Consent is what a user allowed a client at a server. It is remembered until it is withdrawn.
type Consent struct {
	UserID   string    `json:"user_id"`
	ClientID string    `json:"client_id"`
	Server   string    `json:"server"`
	Scopes   []string  `json:"scopes"`
	Since    time.Time `json:"since"` // a consent that is given anew after it was withdrawn is another one
	Changed  time.Time `json:"changed"`
}

func (c Consent) clone() Consent {
	c.Scopes = slices.Clone(c.Scopes)
	return c
}

const consentPrefix = "consent/"

// LoginServer is what a consent, and a grant under it, names for its server when a client asked who somebody is and for nothing else: the
// authorization server itself. It is no URI, so no MCP server can have it for its identifier.
const LoginServer = "openid"

func consentKey(user, client, server string) (partition, sort string) {
	return "user/" + user, consentPrefix + client + "\t" + server // both may be URLs, which hold no tab
}

func consentsFor(client string) index { return index("directory/index/consent/" + client + "/") }

// entry is the consent's place among those that the client was given. Ids of users all begin alike, so that part is left
// out: else one shard would hold them all.
func (c Consent) entry() entry {
	return entry{consentsFor(c.ClientID).at(strings.TrimPrefix(c.UserID, "user-") + "\t" + c.Server), c, noExpiry}
}

// Consent reads what the user allowed; none is an empty Consent and no error.
func (d *Directory) Consent(ctx context.Context, user, client, server string) (Consent, error) {
	p, s := consentKey(user, client, server)
	r, err := d.consents.Read(ctx, d.store, p, s)
	if errors.Is(err, ErrNotFound) {
		return Consent{UserID: user, ClientID: client, Server: server}, nil
	}
	return r.Value, err
}

// ConsentsOf lists what a user allowed whom, in order of client_id. The query's prefix does not count.
func (d *Directory) ConsentsOf(ctx context.Context, user string, q Query) (page Page[Consent], err error) {
	limit, err := q.limit()
	if err != nil {
		return page, err
	}
	if store.ValidKey("user/"+user, consentPrefix) != nil {
		return page, nil // there is no such user
	}
	records, next, err := store.ReadPage[Consent](ctx, d.store, store.Query{Partition: "user/" + user, Prefix: consentPrefix, Limit: limit, Cursor: q.Cursor})
	if errors.Is(err, store.ErrInvalid) {
		return page, errCursor
	}
	for _, r := range records {
		page.Items = append(page.Items, r.Value)
	}
	page.Next = next
	return page, err
}

// ConsentsFor lists who allowed a client what. The query's prefix does not count.
func (d *Directory) ConsentsFor(ctx context.Context, client string, q Query) (Page[Consent], error) {
	if store.ValidKey(consentsFor(client).shard(0), "x") != nil {
		return Page[Consent]{}, nil // there is no such client
	}
	return list[Consent](ctx, d.store, consentsFor(client), "", Query{Limit: q.Limit, Cursor: q.Cursor})
}

// to is the consent as far as it was given to this server. One from before it was registered was given to another, which
// had the same identifier and is gone.
func (c Consent) to(s Server) Consent {
	if c.Since.Before(s.Created) {
		return Consent{UserID: c.UserID, ClientID: c.ClientID, Server: c.Server}
	}
	return c
}

// Allow is a consent with scopes added to it, and the operations that write it, for a Write together with the code that it
// permits. The Write fails with a conflict when the consent changed since it was read. Where all was allowed before, nothing is written
// but looked at, so that those who ask for it at once are not in each other's way.
//
// before are those of the scopes that the user was not asked about, as they were allowed already. The error is ErrWithdrawn when one is no more,
// and ErrSignedOut when the user is.
func (d *Directory) Allow(ctx context.Context, user, client, server string, scopes []string, before ...string) (Consent, []store.Op, error) {
	p, s := consentKey(user, client, server)
	r, err := d.consents.Read(ctx, d.store, p, s)
	condition := store.IfVersion(r.Version)
	if errors.Is(err, ErrNotFound) {
		r.Value, condition, err = Consent{UserID: user, ClientID: client, Server: server, Since: d.now().UTC()}, store.IfAbsent(), nil
	}
	if err != nil {
		return Consent{}, nil, err
	}
	known, err := d.Server(ctx, server)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Consent{}, nil, err
	}
	c := r.Value.to(known)
	isNew := func(scope string) bool { return !slices.Contains(c.Scopes, scope) }
	if slices.ContainsFunc(before, isNew) {
		return Consent{}, nil, ErrWithdrawn
	}
	added := slices.ContainsFunc(scopes, isNew)
	if condition.Kind == store.CondVersion && !added && c.Since.Equal(r.Value.Since) {
		return c, []store.Op{store.Check(p, s, condition)}, nil
	}
	stays, err := d.userStays(ctx, user)
	if err != nil {
		return Consent{}, nil, err
	}
	if c.Since.IsZero() {
		c.Since = d.now().UTC()
	}
	c.Changed = d.now().UTC()
	c.Scopes = slices.Compact(slices.Sorted(slices.Values(append(c.Scopes, scopes...))))
	return c, append([]store.Op{store.Put(store.Encode(p, s, c, noExpiry), condition)}, append(indexOps(nil, []entry{c.entry()}), stays)...), nil
}

// userStays makes a write depend on a user's being there still, or is ErrSignedOut.
func (d *Directory) userStays(ctx context.Context, id string) (store.Op, error) {
	r, err := d.UserRecord(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && r.Value.Disabled {
		err = ErrSignedOut
	}
	return store.Check("user/"+id, profileSort, store.IfVersion(r.Version)), err
}

// Withdraw takes back what a user allowed a client at a server, or is ErrNotFound. with is what is written together with
// that, such as the audit log's event. What the client holds already is not touched: a token is not refreshed without
// consent, and what was issued ends by itself.
func (d *Directory) Withdraw(ctx context.Context, user, client, server string, with ...store.Op) error {
	p, s := consentKey(user, client, server)
	if store.ValidKey(p, s) != nil {
		return ErrNotFound
	}
	ops := append([]store.Op{store.Delete(p, s, store.IfPresent())},
		indexOps([]entry{Consent{UserID: user, ClientID: client, Server: server}.entry()}, nil)...)
	err := d.store.Write(ctx, append(ops, with...)...)
	if errors.Is(err, store.ErrConflict) {
		return ErrNotFound
	}
	return err
}
