package directory

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// MCPClientTemplate is the template of applications that act for a person at an MCP server: public, with codes, PKCE and
// refresh tokens.
const MCPClientTemplate = "MCP client application"

// ClientEdit is a change to an application; nil leaves a field as it is.
type ClientEdit struct {
	Name         *string
	RedirectURIs *[]string
	Disabled     *bool
}

// ClientRecord reads an application for administration: with the version that a change must name, disabled or not.
func (d *Directory) ClientRecord(ctx context.Context, id string) (store.Record[Client], error) {
	if store.ValidKey("client/"+id, clientSort) != nil {
		return store.Record[Client]{}, ErrNotFound
	}
	r, err := d.readClient(ctx, id)
	r.Value = d.fillClient(r.Value)
	return r, err
}

// clientAt reads an application, as it is stored, that the caller knows at a version.
func (d *Directory) clientAt(ctx context.Context, id string, version int64) (store.Record[Client], error) {
	if store.ValidKey("client/"+id, clientSort) != nil {
		return store.Record[Client]{}, ErrNotFound
	}
	r, err := d.readClient(ctx, id)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	return r, err
}

// AddMCPClient makes an application from MCPClientTemplate, under a new client_id. It is authorized for nothing yet.
func (d *Directory) AddMCPClient(ctx context.Context, name string, redirectURIs []string) (store.Record[Client], error) {
	c := Client{
		ID: strings.ToLower(rand.Text()), Name: name, Template: MCPClientTemplate, RedirectURIs: redirectURIs,
		GrantTypes: []string{"authorization_code", "refresh_token"}, Authorized: map[string][]string{},
		Source: SourceAdmin, Created: d.now().UTC().Truncate(time.Second),
	}
	c, err := d.checkedClient(c)
	if err != nil {
		return store.Record[Client]{}, err
	}
	err = d.store.Write(ctx, append([]store.Op{putClient(c, store.IfAbsent())}, indexOps(nil, c.entries())...)...)
	return store.Record[Client]{Value: d.fillClient(c), Version: 1}, err
}

// checkedClient checks what an administrator can enter and brings it into the form that is stored.
func (d *Directory) checkedClient(c Client) (Client, error) {
	if err := checkText("name", c.Name, 1, maxName); err != nil {
		return Client{}, err
	}
	if err := checkRedirects(c.RedirectURIs); err != nil {
		return Client{}, err
	}
	c.ApplicationType, c.RedirectURIs = "web", slices.Clone(c.RedirectURIs)
	for i, uri := range c.RedirectURIs {
		stored := d.contract(uri)
		if u, _ := url.Parse(uri); u.Scheme != "https" && stored == uri { // on the person's machine, not on ours
			c.ApplicationType = "native"
		}
		c.RedirectURIs[i] = stored
	}
	return c, nil
}

// UpdateClient changes an application that is at the version.
func (d *Directory) UpdateClient(ctx context.Context, id string, version int64, e ClientEdit) (store.Record[Client], error) {
	before, err := d.clientAt(ctx, id, version)
	if err != nil {
		return store.Record[Client]{}, err
	}
	c := before.Value
	if e.Name != nil {
		c.Name = *e.Name
	}
	if e.Disabled != nil {
		c.Disabled = *e.Disabled
	}
	if e.RedirectURIs != nil {
		c.RedirectURIs = *e.RedirectURIs
	}
	if e.Name != nil || e.RedirectURIs != nil { // one that registered itself under other rules can still be disabled
		if e.RedirectURIs == nil {
			c = d.fillClient(c)
		}
		if c, err = d.checkedClient(c); err != nil {
			return store.Record[Client]{}, err
		}
	}
	return d.replaceClient(ctx, before, c)
}

// AuthorizeClient lets an application that is at the version ask for these scopes of a server, and for no others of it.
// No scopes: it may no longer ask there at all.
func (d *Directory) AuthorizeClient(ctx context.Context, id string, version int64, server string, scopes []string) (store.Record[Client], error) {
	return insist(func() (store.Record[Client], error) {
		before, err := d.clientAt(ctx, id, version)
		if err != nil {
			return store.Record[Client]{}, err
		}
		c := before.Value
		c.Authorized = maps.Clone(c.Authorized)
		if len(scopes) == 0 {
			delete(c.Authorized, server)
			return d.replaceClient(ctx, before, c)
		}
		known, check, err := d.scopesAt(ctx, server, scopes, "scopes")
		if err != nil {
			return store.Record[Client]{}, err
		}
		if c.Authorized == nil {
			c.Authorized = map[string][]string{}
		}
		if c.Authorized[server] = known; len(c.Authorized) > maxAuthorized {
			return store.Record[Client]{}, &FieldError{"server", fmt.Sprintf("cannot be added: an application is authorized for at most %d", maxAuthorized)}
		}
		return d.replaceClient(ctx, before, c, check)
	})
}

// replaceClient writes an application, as it is stored, with its index items.
func (d *Directory) replaceClient(ctx context.Context, before store.Record[Client], c Client, checks ...store.Op) (store.Record[Client], error) {
	ops := slices.Concat([]store.Op{putClient(c, store.IfVersion(before.Version))}, indexOps(before.Value.entries(), c.entries()), checks)
	return store.Record[Client]{Value: d.fillClient(c), Version: before.Version + 1}, blame(d.store.Write(ctx, ops...), ops)
}

// DeleteClient deletes an application that is at the version. Consents that people gave it stay with them, and allow
// nobody anything: a client_id is never given twice.
func (d *Directory) DeleteClient(ctx context.Context, id string, version int64) error {
	r, err := d.clientAt(ctx, id, version)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, append([]store.Op{store.Delete("client/"+id, clientSort, store.IfVersion(version))}, indexOps(r.Value.entries(), nil)...)...)
}
