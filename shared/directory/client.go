package directory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// Client is an application that asks for tokens. It is confidential when it can prove itself, with a secret or a private key, else
// public (RFC 6749 §2.1).
type Client struct {
	ID              string              `json:"id"`            // the key here, opaque; see ClientID
	URL             string              `json:"url,omitempty"` // of the metadata document that describes it
	Name            string              `json:"name"`
	Template        string              `json:"template"`         // what an administrator made it from, such as "MCP client application"
	ApplicationType string              `json:"application_type"` // "web" or "native" (OpenID Connect Registration §2)
	RedirectURIs    []string            `json:"redirect_uris"`
	GrantTypes      []string            `json:"grant_types"`
	Authorized      map[string][]string `json:"authorized"`                                      // server identifier → scopes that an administrator authorized it for
	Roles           []string            `json:"roles,omitempty"`                                 // of an application that acts for no user: what they allow stands for the roles and the consent of one
	AuthMethod      string              `json:"auth_method,omitempty"`                           // how it proves itself: PrivateKeyJWT; empty: by its secret, if it has one
	JWKS            json.RawMessage     `json:"jwks,omitempty"`                                  // its public keys (RFC 7517 §5), or
	JWKSURI         string              `json:"jwks_uri,omitempty"`                              // where they are
	ClientURI       string              `json:"client_uri,omitempty"`                            // its home page, as it says
	RequirePushed   bool                `json:"require_pushed_authorization_requests,omitempty"` // it must push its authorization requests (RFC 9126 §6)
	BoundTokens     bool                `json:"dpop_bound_access_tokens,omitempty"`              // it gets no token that is not bound to a key (RFC 9449 §5.2)
	LogoutURIs      []string            `json:"post_logout_redirect_uris,omitempty"`             // where people may go after a logout (OpenID Connect RP-Initiated Logout §3.1)
	MayAct          string              `json:"may_act,omitempty"`                               // ID of the agent that may act for whom it has a token of (RFC 8693 §4.4)
	SecretHash      string              `json:"secret_hash,omitempty"`
	SecretChanged   time.Time           `json:"secret_changed,omitzero"` // when an administrator last gave it a secret, or other keys
	Source          Source              `json:"source"`                  // who registered it
	Same            string              `json:"same,omitempty"`          // hash of what a public one said of itself when it registered: see Register
	Disabled        bool                `json:"disabled,omitempty"`
	Deleting        bool                `json:"deleting,omitempty"` // half deleted; disabled too
	System          bool                `json:"system,omitempty"`   // part of VetAssist itself: nobody changes or deletes it
	Created         time.Time           `json:"created"`
	Expires         time.Time           `json:"expires,omitzero"` // when it is forgotten, unless somebody allows it something before; zero: never
	Fetched         time.Time           `json:"fetched,omitzero"` // when its metadata document was read,
	Fresh           time.Time           `json:"fresh,omitzero"`   // and until when that may be believed
}

func (c Client) clone() Client {
	for _, list := range []*[]string{&c.RedirectURIs, &c.GrantTypes, &c.Roles, &c.LogoutURIs} {
		*list = slices.Clone(*list)
	}
	c.JWKS = slices.Clone(c.JWKS)
	c.Authorized = maps.Clone(c.Authorized)
	for server, scopes := range c.Authorized {
		c.Authorized[server] = slices.Clone(scopes)
	}
	return c
}

// PrivateKeyJWT is the AuthMethod of a client that signs a JWT with its own key (OpenID Connect Core §9, RFC 7523 §2.2).
const PrivateKeyJWT = "private_key_jwt"

// ClientID is the client_id that the client sends, and that tokens name: the URL of its metadata document, if it has one
// (draft-ietf-oauth-client-id-metadata-document §3).
func (c Client) ClientID() string { return cmp.Or(c.URL, c.ID) }

// SelfRegistered reports whether nobody here vouches for the client.
func (c Client) SelfRegistered() bool {
	return c.Source == SourceMetadata || c.Source == SourceDynamic
}

// AuthorizedAt are the scopes of a server that the client may ask for: those that an administrator authorized it for, or, for
// one that registered itself, those that the server opens to such clients. Empty: it may not ask there at all.
func (c Client) AuthorizedAt(server Server) []string {
	var names []string
	for _, scope := range server.Scopes {
		if c.SelfRegistered() && scope.Open || !c.SelfRegistered() && slices.Contains(c.Authorized[server.Identifier], scope.Name) {
			names = append(names, scope.Name)
		}
	}
	return names
}

// Confidential reports whether the client has something to prove itself with: a secret or a key.
func (c Client) Confidential() bool { return c.HasSecret() || c.AuthMethod == PrivateKeyJWT }

// HasSecret reports whether the client proves itself with a secret.
func (c Client) HasSecret() bool { return c.SecretHash != "" }

// SecretFits reports whether this is the client's secret.
func (c Client) SecretFits(secret string) bool {
	return c.HasSecret() && subtle.ConstantTimeCompare([]byte(web.Hash(secret)), []byte(c.SecretHash)) == 1
}

// Source tells how a client came to be known.
type Source string

// The ways in which a client becomes known.
const (
	SourceAdmin    Source = "admin"                // an administrator made it
	SourceMetadata Source = "metadata document"    // its client_id is the URL of its own description
	SourceDynamic  Source = "dynamic registration" // it registered itself (RFC 7591)
)

// ClientSummary is what a list shows of a client.
type ClientSummary struct {
	ID       string    `json:"id"`
	URL      string    `json:"url,omitempty"`
	Name     string    `json:"name"`
	Template string    `json:"template"`
	Source   Source    `json:"source"`
	Disabled bool      `json:"disabled,omitempty"`
	Created  time.Time `json:"created"`
}

// clientUse is what the index of a server's clients says of one.
type clientUse struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"` // that the client is authorized for there
}

// entries are the client's index items: in both lists of clients, and among those of each role, agent and server.
func (c Client) entries() []entry {
	summary := ClientSummary{c.ID, c.URL, c.Name, c.Template, c.Source, c.Disabled, c.Created}
	all := []entry{{clientsByName.at(nameKey(c.Name, c.ID)), summary, c.Expires}, {clientsByID.at(idKey(c.ClientID())), summary, c.Expires}}
	if c.Same != "" {
		all = append(all, entry{clientsSame.at(c.Same), clientRef{c.ID}, c.Expires})
	}
	for _, role := range c.Roles {
		all = append(all, entry{clientsWith(role).at(c.ID), summary, c.Expires})
	}
	if c.MayAct != "" {
		all = append(all, entry{naming(c.MayAct).at(c.ID), summary, c.Expires})
	}
	for _, server := range slices.Sorted(maps.Keys(c.Authorized)) {
		all = append(all, entry{clientsOf(server).at(c.ID), clientUse{c.ID, c.Name, c.Authorized[server]}, c.Expires})
	}
	return all
}

// ClientsByName lists all applications in order of their names.
func (d *Directory) ClientsByName(ctx context.Context, q Query) (Page[ClientSummary], error) {
	return list[ClientSummary](ctx, d.store, clientsByName, fold(q.Prefix), q)
}

// ClientsByID lists all applications in order of client_id.
func (d *Directory) ClientsByID(ctx context.Context, q Query) (Page[ClientSummary], error) {
	return list[ClientSummary](ctx, d.store, clientsByID, idKey(q.Prefix), q)
}

// idKey sorts by client_id. URLs all begin alike, so that part is left out: else one shard would hold them all.
func idKey(clientID string) string { return strings.TrimPrefix(clientID, "https://") }

// May reports whether the client registered for a grant type.
func (c Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

const clientSort = "client"

// IsURL reports whether a client_id is the URL of a metadata document.
func IsURL(clientID string) bool {
	return strings.HasPrefix(clientID, "https://") || strings.HasPrefix(clientID, "http://")
}

// ClientKey is the ID of the client with a client_id, and an ID is its own.
func ClientKey(clientID string) string {
	if !IsURL(clientID) {
		return clientID
	}
	sum := sha256.Sum256([]byte(clientID))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// Client finds an application by its client_id. A disabled one is not found.
func (d *Directory) Client(ctx context.Context, clientID string) (Client, error) {
	id := ClientKey(clientID)
	if store.ValidKey("client/"+id, clientSort) != nil { // it comes straight from a query
		return Client{}, ErrNotFound
	}
	r, err := d.readClient(ctx, id)
	if err != nil {
		return Client{}, err
	}
	if r.Value.Disabled || r.Value.ClientID() != clientID {
		return Client{}, ErrNotFound
	}
	return d.fillClient(r.Value), nil
}

// readClient reads a client as it is stored, disabled or not.
func (d *Directory) readClient(ctx context.Context, id string) (store.Record[Client], error) {
	r, err := d.clients.Read(ctx, d.store, "client/"+id, clientSort)
	if r.Value.Source == "" { // written before there was another
		r.Value.Source = SourceAdmin
	}
	return r, err
}

func (d *Directory) fillClient(c Client) Client {
	c.RedirectURIs, c.LogoutURIs = slices.Clone(c.RedirectURIs), slices.Clone(c.LogoutURIs)
	for _, uris := range [][]string{c.RedirectURIs, c.LogoutURIs} {
		for i, uri := range uris {
			uris[i] = d.expand(uri)
		}
	}
	return c
}

// PutClient creates or replaces an application, unchecked, as its owner wrote it.
func (d *Directory) PutClient(ctx context.Context, c Client, cond store.Condition) error {
	if c.ID == "" || len(c.ID) > maxID || c.Name == "" {
		return fmt.Errorf("directory: a client has an id of at most %d bytes and a name", maxID)
	}
	if c.Source == "" {
		c.Source = SourceAdmin
	}
	before, err := d.readClient(ctx, c.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if !cond.Holds(before.Version) {
		return &store.ConflictError{}
	}
	if before.Version == 0 {
		return d.store.Write(ctx, append([]store.Op{putClient(c, store.IfAbsent())}, indexOps(nil, c.entries())...)...)
	}
	return d.store.Write(ctx, append([]store.Op{putClient(c, store.IfVersion(before.Version))}, indexOps(before.Value.entries(), c.entries())...)...)
}

func putClient(c Client, cond store.Condition) store.Op {
	return store.Put(store.Encode("client/"+c.ID, clientSort, c, c.Expires), cond)
}
