package directory

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Described is a client of which nothing is known yet but the URL of its metadata document.
func Described(clientURL string) Client {
	c := Client{ID: ClientKey(clientURL), URL: clientURL, Source: SourceMetadata}
	c.Name = c.Host()
	return c
}

// Host is whose the metadata document of a client is; empty: it has none.
func (c Client) Host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Label is the client's name for people, with what they can know it by when it chose the name itself.
func (c Client) Label() string {
	if host := c.Host(); host != "" && host != c.Name {
		return c.Name + " (" + host + ")"
	}
	return c.Name
}

// DescribedClient reads what was last kept of a client's metadata document, disabled or not, however old it is.
func (d *Directory) DescribedClient(ctx context.Context, clientURL string) (store.Record[Client], error) {
	r, err := d.readClient(ctx, ClientKey(clientURL))
	if err == nil && r.Value.URL != clientURL {
		return store.Record[Client]{}, ErrNotFound
	}
	r.Value = d.fillClient(r.Value)
	return r, err
}

// KeepDescribed keeps what a client's metadata document says now, in place of what was read before (version 0: nothing). An administrator's
// word stays. When somebody else wrote it in between, that counts: it is as good, or an administrator disabled the client.
func (d *Directory) KeepDescribed(ctx context.Context, before store.Record[Client], c Client) (Client, error) {
	now := d.now().UTC().Truncate(time.Second)
	c = d.located(c)
	condition := store.IfVersion(before.Version)
	if before.Version == 0 {
		condition, c.Created = store.IfAbsent(), now
	}
	if before.Version == 0 || !before.Value.Expires.IsZero() {
		c.Expires = now.Add(UnusedLifetime)
	}
	known := before.Value.entries()
	if before.Version == 0 {
		known = nil
	}
	err := d.store.Write(ctx, append([]store.Op{putClient(c, condition)}, indexOps(known, c.entries())...)...)
	if errors.Is(err, store.ErrConflict) {
		return d.Client(ctx, c.URL)
	}
	return d.fillClient(c), err
}
