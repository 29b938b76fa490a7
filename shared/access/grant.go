package access

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// How long a grant can be refreshed: at most 90 days, and not after 30 days without a refresh.
const (
	GrantLifetime   = 90 * 24 * time.Hour
	refreshLifetime = 30 * 24 * time.Hour
)

// rotatedMemory is how long a rotated refresh token is remembered, so that a late use is known as theft.
const rotatedMemory = 7 * 24 * time.Hour

// Grant is what a code, a device's code or an issuer's word became: its access tokens, and the family of its refresh tokens, if it has any.
// Without the record no token of the family refreshes, and no access token is called active, so deleting it is revocation.
type Grant struct {
	ID       string    `json:"id"`
	UserID   string    `json:"user_id"`
	ClientID string    `json:"client_id"`
	Server   string    `json:"server"` // identifier
	Scopes   []string  `json:"scopes"`
	Offline  bool      `json:"offline,omitempty"`  // the client asked for offline_access too
	Identity []string  `json:"identity,omitempty"` // scopes of OpenID Connect that the user agreed to
	AuthTime time.Time `json:"auth_time,omitzero"` // when the user had logged in,
	Method   string    `json:"method,omitempty"`   // and how
	Nonce    string    `json:"-"`                  // for the first ID token alone (OpenID Connect Core §12.2)
	Key      string    `json:"key,omitempty"`      // thumbprint of the key that the refresh tokens are bound to (RFC 9449 §5); empty: of none
	Vouched  Vouched   `json:"vouched,omitzero"`   // who vouched for the user, in place of a login and a consent here
	Since    time.Time `json:"since"`              // when the user allowed it: of the code
	Epoch    time.Time `json:"epoch,omitzero"`     // of the user, as they were then
	Consent  time.Time `json:"consent,omitzero"`   // which of the user's consents it stands on: its Since
	LastUsed time.Time `json:"last_used"`
	Ends     time.Time `json:"ends"` // at the latest; sooner when it is not refreshed
}

// Vouched is the word of an issuer elsewhere that a grant stands on.
type Vouched struct {
	Issuer  string `json:"issuer"`       // ID of the trusted issuer
	Subject string `json:"subject"`      // whom it named
	By      string `json:"by,omitempty"` // the claim that named the user here; empty: a link
}

// RefreshToken is a record of a refresh token, under its hash.
type RefreshToken struct {
	GrantID string    `json:"grant_id"`
	Rotated time.Time `json:"rotated,omitzero"` // when it was exchanged for its successor
}

const (
	grantSort   = "grant"
	refreshSort = "refresh"
)

// underConsent begins the keys of all grants that rest on one consent. A tab is in no client's id.
func underConsent(clientID, server string) string { return underClient(clientID) + server + "\t" }
func underClient(clientID string) string          { return grantPrefix + clientID + "\t" }

type key struct{ partition, sort string }

// keys are where a grant is stored: the record, and its copies in the indexes.
func (g Grant) keys() []key {
	return []key{
		{"grant/" + g.ID, grantSort},
		{userIndex(g.UserID), underConsent(g.ClientID, g.Server) + g.ID},
		{clientIndex(g.ClientID, shardOf(g.ID)), g.ID},
	}
}

func shardOf(grantID string) int {
	h := fnv.New32a()
	h.Write([]byte(grantID))
	return int(h.Sum32() % clientShards)
}

// puts write a grant and its copies. All expire when no refresh token of it can be left.
func (g Grant) puts(c store.Condition) []store.Op {
	expires := g.LastUsed.Add(refreshLifetime)
	if g.Ends.Before(expires) {
		expires = g.Ends
	}
	var ops []store.Op
	item := store.Encode("", "", g, expires)
	for _, k := range g.keys() {
		item.Partition, item.Sort = k.partition, k.sort
		ops = append(ops, store.Put(item, c))
		c = store.Always() // the record decides for its copies
	}
	return ops
}

func (g Grant) deletes() []store.Op {
	var ops []store.Op
	for _, k := range g.keys() {
		ops = append(ops, store.Delete(k.partition, k.sort, store.Always()))
	}
	return ops
}

func refreshItem(hash string, t RefreshToken, expires time.Time) store.Item {
	return store.Encode("refresh/"+hash, refreshSort, t, expires)
}

// BeginGrant are the operations that begin a grant: for a Write together with the code that is spent. first is the hash of
// its first refresh token, or empty when there is none.
func BeginGrant(g Grant, first string) []store.Op {
	ops := g.puts(store.IfAbsent())
	if first != "" {
		ops = append(ops, store.Put(refreshItem(first, RefreshToken{GrantID: g.ID}, g.LastUsed.Add(refreshLifetime)), store.IfAbsent()))
	}
	return ops
}

// Rotate are the operations that replace a grant's refresh token by the next one; both are named by their hashes. The Write
// fails with a conflict when the token or the grant changed since they were read, so of two racers one wins.
func (r *Registry) Rotate(family store.Record[Grant], token store.Record[RefreshToken], presented, next string) []store.Op {
	now := r.now().UTC()
	g := family.Value
	g.LastUsed = now
	return append(g.puts(store.IfVersion(family.Version)),
		store.Put(refreshItem(presented, RefreshToken{GrantID: g.ID, Rotated: now}, now.Add(rotatedMemory)), store.IfVersion(token.Version)),
		store.Put(refreshItem(next, RefreshToken{GrantID: g.ID}, now.Add(refreshLifetime)), store.IfAbsent()))
}

// BindGrant are the operations that bind a grant to the key in it, when nothing else of it changes.
func BindGrant(family store.Record[Grant]) []store.Op {
	return family.Value.puts(store.IfVersion(family.Version))
}

// RefreshToken finds a refresh token by its hash, or store.ErrNotFound.
func (r *Registry) RefreshToken(ctx context.Context, hash string) (store.Record[RefreshToken], error) {
	return read[RefreshToken](ctx, r.store, "refresh/"+hash, refreshSort)
}

// GrantRecord finds a grant by its id, with the version that Rotate needs, or store.ErrNotFound.
func (r *Registry) GrantRecord(ctx context.Context, id string) (store.Record[Grant], error) {
	record, err := read[Grant](ctx, r.store, "grant/"+id, grantSort)
	record.Value.ID = id
	return record, err
}

// Grant finds a grant by its id, or store.ErrNotFound.
func (r *Registry) Grant(ctx context.Context, id string) (Grant, error) {
	record, err := r.GrantRecord(ctx, id)
	return record.Value, err
}

// GrantsOf lists a user's grants, by client and server.
func (r *Registry) GrantsOf(ctx context.Context, userID string, q Query) (Page[Grant], error) {
	return list[Grant](ctx, r.store, []string{userIndex(userID)}, store.Query{Prefix: grantPrefix}, q)
}

// GrantsUnder lists the grants that rest on one consent: of a user, to a client, at a server.
func (r *Registry) GrantsUnder(ctx context.Context, userID, clientID, server string, q Query) (Page[Grant], error) {
	return list[Grant](ctx, r.store, []string{userIndex(userID)}, store.Query{Prefix: underConsent(clientID, server)}, q)
}

// GrantsFor lists a client's grants, of all users.
func (r *Registry) GrantsFor(ctx context.Context, clientID string, q Query) (Page[Grant], error) {
	return list[Grant](ctx, r.store, clientIndexes(clientID), store.Query{}, q)
}

func clientIndexes(clientID string) []string {
	partitions := make([]string, clientShards)
	for n := range partitions {
		partitions[n] = clientIndex(clientID, n)
	}
	return partitions
}

// EndGrant ends a grant, as EndLogin ends a login.
func (r *Registry) EndGrant(ctx context.Context, id string, with ...store.Op) error {
	g, err := r.Grant(ctx, id)
	if err != nil {
		return err
	}
	return r.end(ctx, g.deletes(), with)
}

// EndGrantsOf ends the grants that a user gave a client: at one server, or at all when server is empty. It tells how many,
// and may return ErrUnfinished.
func (r *Registry) EndGrantsOf(ctx context.Context, userID, clientID, server string) (int, error) {
	prefix := underClient(clientID)
	if server != "" {
		prefix = underConsent(clientID, server)
	}
	return r.endGrants(ctx, []string{userIndex(userID)}, prefix)
}

// EndGrantsFor ends all grants of a client. It tells how many, and may return ErrUnfinished.
func (r *Registry) EndGrantsFor(ctx context.Context, clientID string) (int, error) {
	return r.endGrants(ctx, clientIndexes(clientID), "")
}

func (r *Registry) endGrants(ctx context.Context, partitions []string, prefix string) (int, error) {
	return endListed(ctx, r.store, partitions, prefix, 3, Grant.deletes)
}
