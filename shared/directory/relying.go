package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
)

// RelyingServer is an authorization server elsewhere that takes our word for our people, for applications that an administrator
// named: we are the enterprise then (draft-ietf-oauth-identity-assertion-authz-grant).
type RelyingServer struct {
	ID        string          `json:"id"` // follows from the issuer
	Name      string          `json:"name"`
	Issuer    string          `json:"issuer"`    // the aud of what we sign for it
	Resources []string        `json:"resources"` // MCP servers that it guards
	Scopes    []string        `json:"scopes"`    // that may be asked for there
	Clients   []RelyingClient `json:"clients"`
	Enabled   bool            `json:"enabled"`
	Created   time.Time       `json:"created"`
}

// RelyingClient is one application, as it is known on both sides ("Cross-Domain Client ID Handling" in the draft).
type RelyingClient struct {
	ID       string `json:"id"`        // here
	ClientID string `json:"client_id"` // there
}

const (
	relyingPrefix = "relying/"
	maxResources  = 20
)

// RelyingServer finds the authorization server with an issuer identifier that an application may bring our word to, and what the
// application is called there; or ErrNotFound.
func (d *Directory) RelyingServer(ctx context.Context, issuer, clientID string) (s RelyingServer, there string, err error) {
	r, err := d.RelyingRecord(ctx, TrustID(issuer))
	if err != nil {
		return s, "", err
	}
	i := slices.IndexFunc(r.Value.Clients, func(c RelyingClient) bool { return c.ID == clientID })
	if r.Value.Issuer != issuer || !r.Value.Enabled || i < 0 {
		return s, "", ErrNotFound
	}
	return r.Value, r.Value.Clients[i].ClientID, nil
}

// RelyingRecords are all relying servers, for administration: with versions, and disabled ones too.
func (d *Directory) RelyingRecords(ctx context.Context) ([]store.Record[RelyingServer], error) {
	return store.ReadAll[RelyingServer](ctx, d.store, store.Query{Partition: trustPartition, Prefix: relyingPrefix}, 2*maxTrusted)
}

// RelyingRecord reads a relying server for administration: with the version that a change must name.
func (d *Directory) RelyingRecord(ctx context.Context, id string) (store.Record[RelyingServer], error) {
	if store.ValidKey(trustPartition, relyingPrefix+id) != nil {
		return store.Record[RelyingServer]{}, ErrNotFound
	}
	return store.Read[RelyingServer](ctx, d.store, trustPartition, relyingPrefix+id)
}

// AddRelyingServer lets applications bring our word to an authorization server from now on, if it is enabled. A *FieldError on
// issuer says that there is one with that issuer.
func (d *Directory) AddRelyingServer(ctx context.Context, s RelyingServer) (store.Record[RelyingServer], error) {
	s.ID, s.Created = TrustID(s.Issuer), d.now().UTC().Truncate(time.Second)
	if err := d.checkRelying(ctx, s); err != nil {
		return store.Record[RelyingServer]{}, err
	}
	all, err := d.RelyingRecords(ctx)
	if err == nil && len(all) >= maxTrusted {
		err = &FieldError{"issuer", fmt.Sprintf("cannot be added: there are %d already", maxTrusted)}
	}
	if err != nil {
		return store.Record[RelyingServer]{}, err
	}
	err = d.store.Write(ctx, store.Put(store.Encode(trustPartition, relyingPrefix+s.ID, s, noExpiry), store.IfAbsent()))
	if errors.Is(err, store.ErrConflict) {
		err = &FieldError{"issuer", "is known already"}
	}
	return store.Record[RelyingServer]{Value: s, Version: 1}, err
}

// UpdateRelyingServer replaces what an administrator said of a relying server that is at the version. Its issuer stays.
func (d *Directory) UpdateRelyingServer(ctx context.Context, s RelyingServer, version int64) (store.Record[RelyingServer], error) {
	r, err := d.RelyingRecord(ctx, s.ID)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	if err != nil {
		return store.Record[RelyingServer]{}, err
	}
	s.Issuer, s.Created = r.Value.Issuer, r.Value.Created
	if err := d.checkRelying(ctx, s); err != nil {
		return store.Record[RelyingServer]{}, err
	}
	err = d.store.Write(ctx, store.Put(store.Encode(trustPartition, relyingPrefix+s.ID, s, noExpiry), store.IfVersion(version)))
	return store.Record[RelyingServer]{Value: s, Version: version + 1}, err
}

// DeleteRelyingServer: nobody brings our word there any more. What was signed is good for five minutes at most.
func (d *Directory) DeleteRelyingServer(ctx context.Context, id string, version int64) error {
	if store.ValidKey(trustPartition, relyingPrefix+id) != nil {
		return ErrNotFound
	}
	return d.store.Write(ctx, store.Delete(trustPartition, relyingPrefix+id, store.IfVersion(version)))
}

func (d *Directory) checkRelying(ctx context.Context, s RelyingServer) error {
	if err := checkText("name", s.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkParty("issuer", s.Issuer, d.base); err != nil {
		return err
	}
	if len(s.Resources) == 0 || len(s.Resources) > maxResources {
		return &FieldError{"resources", fmt.Sprintf("must be 1 to %d", maxResources)}
	}
	for _, resource := range s.Resources {
		if why := wrongURI(resource, maxURL); why != "" {
			return &FieldError{"resources", "must be URLs: " + why}
		}
	}
	// None would leave it to the other side what our word is good for.
	if scopes, err := rbac.ParseScope(rbac.JoinScope(s.Scopes)); err != nil || len(scopes) == 0 || len(scopes) != len(s.Scopes) {
		return &FieldError{"scopes", fmt.Sprintf("must be 1 to %d names, each once", maxScopes)}
	}
	if len(s.Clients) > maxNamed {
		return &FieldError{"clients", fmt.Sprintf("must be at most %d", maxNamed)}
	}
	for n, c := range s.Clients {
		if slices.ContainsFunc(s.Clients[:n], func(o RelyingClient) bool { return o.ID == c.ID }) {
			return &FieldError{"clients", fmt.Sprintf("must not name %.100q twice", c.ID)}
		}
		if err := checkText("clients", c.ClientID, 1, maxURL); err != nil {
			return &FieldError{"clients", "must say each the client_id that it has there"}
		}
		if err := d.checkNamed(ctx, "clients", c.ID, GrantCode); err != nil {
			return err
		}
	}
	return nil
}
