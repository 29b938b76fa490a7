package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Client is an application that asks for tokens. All of today's are public (RFC 6749 §2.1): they hold no secret,
// and PKCE protects their codes.
type Client struct {
	ID              string              `json:"id"`
	Name            string              `json:"name"`
	Template        string              `json:"template"`         // what an administrator made it from, such as "MCP client application"
	ApplicationType string              `json:"application_type"` // "web" or "native" (OpenID Connect Registration §2)
	RedirectURIs    []string            `json:"redirect_uris"`
	GrantTypes      []string            `json:"grant_types"`
	Authorized      map[string][]string `json:"authorized"` // server identifier → scopes that an administrator authorized it for
	Disabled        bool                `json:"disabled,omitempty"`
	Created         time.Time           `json:"created"`
}

// May reports whether the client registered for a grant type.
func (c Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// HasRedirect reports whether the client registered this redirect URI: equal byte for byte (OAuth 2.1 §4.1.1,
// RFC 9700 §2.1).
func (c Client) HasRedirect(uri string) bool { return slices.Contains(c.RedirectURIs, uri) }

const clientSort = "client"

// Client finds an application by its client_id. A disabled one is not found.
func (d *Directory) Client(ctx context.Context, id string) (Client, error) {
	if store.ValidKey("client/"+id, clientSort) != nil { // it comes straight from a query
		return Client{}, ErrNotFound
	}
	r, err := store.Read[Client](ctx, d.store, "client/"+id, clientSort)
	if err != nil {
		return Client{}, err
	}
	c := r.Value
	if c.Disabled {
		return Client{}, ErrNotFound
	}
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	for i, uri := range c.RedirectURIs {
		c.RedirectURIs[i] = d.expand(uri)
	}
	return c, nil
}

// PutClient creates or replaces an application.
func (d *Directory) PutClient(ctx context.Context, c Client, cond store.Condition) error {
	if c.ID == "" || c.Name == "" {
		return fmt.Errorf("directory: a client has an id and a name")
	}
	return d.store.Write(ctx, store.Put(store.Encode("client/"+c.ID, clientSort, c, time.Time{}), cond))
}
