package directory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Consent is what a user allowed a client at a server. It is remembered until it is withdrawn.
type Consent struct {
	UserID   string    `json:"user_id"`
	ClientID string    `json:"client_id"`
	Server   string    `json:"server"`
	Scopes   []string  `json:"scopes"`
	Since    time.Time `json:"since"`
	Changed  time.Time `json:"changed"`
}

func consentKey(user, client, server string) (partition, sort string) {
	return "user/" + user, "consent/" + client + "/" + server
}

// Consent reads what the user allowed; none is an empty Consent and no error.
func (d *Directory) Consent(ctx context.Context, user, client, server string) (Consent, error) {
	p, s := consentKey(user, client, server)
	r, err := store.Read[Consent](ctx, d.store, p, s)
	if errors.Is(err, ErrNotFound) {
		return Consent{UserID: user, ClientID: client, Server: server}, nil
	}
	return r.Value, err
}

// to is the consent as far as it was given to this server. One from before it was registered was given to another, which
// had the same identifier and is gone.
func (c Consent) to(s Server) Consent {
	if c.Since.Before(s.Created) {
		return Consent{UserID: c.UserID, ClientID: c.ClientID, Server: c.Server}
	}
	return c
}

// Allow is the operation that adds scopes to a consent, for a Write together with the code that it permits.
// The Write fails with a conflict when the consent changed since it was read.
func (d *Directory) Allow(ctx context.Context, user, client, server string, scopes []string) (store.Op, error) {
	p, s := consentKey(user, client, server)
	r, err := store.Read[Consent](ctx, d.store, p, s)
	condition := store.IfVersion(r.Version)
	if errors.Is(err, ErrNotFound) {
		r.Value, condition, err = Consent{UserID: user, ClientID: client, Server: server, Since: d.now().UTC()}, store.IfAbsent(), nil
	}
	if err != nil {
		return store.Op{}, err
	}
	known, err := d.ServerRecord(ctx, server)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return store.Op{}, err
	}
	c := r.Value.to(known.Value)
	if c.Since.IsZero() {
		c.Since = d.now().UTC()
	}
	c.Changed = d.now().UTC()
	c.Scopes = slices.Compact(slices.Sorted(slices.Values(append(c.Scopes, scopes...))))
	return store.Put(store.Encode(p, s, c, time.Time{}), condition), nil
}
