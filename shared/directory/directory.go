package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Partition prefixes. PolicyPartitions is all that a resource server needs.
var (
	PolicyPartitions = []string{"policy/"}
	Partitions       = append([]string{"client/", "user/", "username/", "directory/", "registration/", "trust/"}, PolicyPartitions...)
)

var noExpiry time.Time

// Directory reads and writes the records.
type Directory struct {
	store store.Store
	base  string
	now   func() time.Time
	local bool // the base URL is a loopback address: demo passwords work
	kept  store.Kept[*policy]

	users    *store.Decoded[User]
	clients  *store.Decoded[Client]
	consents *store.Decoded[Consent]
}

// New opens the directory in s. base is the deployment's base URL; local says that it is a loopback address.
func New(s store.Store, base string, local bool, now func() time.Time) *Directory {
	return &Directory{store: s, base: base, local: local, now: now,
		users: store.NewDecoded(User.clone), clients: store.NewDecoded(Client.clone), consents: store.NewDecoded(Consent.clone)}
}

// Scope is one permission at an MCP server.
type Scope struct {
	Name        string `json:"name"`
	Title       string `json:"title"`       // a few words, for the consent page
	Description string `json:"description"` // a sentence, for the consent page
	Open        bool   `json:"open"`        // clients that registered themselves may ask for it
	Deleting    bool   `json:"deleting,omitempty"`
}

// Server is a resource server that tokens are issued for.
type Server struct {
	Identifier string    `json:"identifier"` // such as mcp://vetassist
	Name       string    `json:"name"`
	URL        string    `json:"url"`
	Scopes     []Scope   `json:"scopes"`
	Created    time.Time `json:"created,omitzero"`   // zero for what came with the seed
	System     bool      `json:"system,omitempty"`   // part of VetAssist itself: nobody changes or deletes it
	Deleting   bool      `json:"deleting,omitempty"` // half deleted: no token is issued for it
}

// Audience is the aud claim of a token for this server: its URL, which RFC 8707 names, and its identifier.
func (s Server) Audience() []string { return []string{s.URL, s.Identifier} }

// ScopeNames are the names of all scopes.
func (s Server) ScopeNames() []string {
	names := make([]string, len(s.Scopes))
	for i, sc := range s.Scopes {
		names[i] = sc.Name
	}
	return names
}

// Scope finds a scope by name.
func (s Server) Scope(name string) (Scope, bool) {
	i := slices.IndexFunc(s.Scopes, func(sc Scope) bool { return sc.Name == name })
	if i < 0 {
		return Scope{}, false
	}
	return s.Scopes[i], true
}

// Role is a named set of permissions, given to users.
type Role struct {
	Name        string              `json:"name"`
	Description string              `json:"description"`
	Permissions map[string][]string `json:"permissions"`        // server identifier → scopes
	Deleting    bool                `json:"deleting,omitempty"` // half deleted: it allows nothing
}

// PolicyPartition is where the MCP servers and the roles are.
const PolicyPartition = "policy/all"

const (
	serverPrefix = "server/"
	rolePrefix   = "role/"
	maxServers   = 1000
)

// ServersQuery is what Servers reads.
var ServersQuery = store.Query{Partition: PolicyPartition, Prefix: serverPrefix, Limit: maxServers}

// Servers are all MCP servers, by identifier.
func (d *Directory) Servers(ctx context.Context) ([]Server, error) {
	p, err := d.policy(ctx)
	if err != nil || p == nil {
		return d.readServers(ctx)
	}
	return slices.Clone(p.servers), nil
}

func (d *Directory) readServers(ctx context.Context) ([]Server, error) {
	records, err := store.ReadAll[Server](ctx, d.store, ServersQuery, maxServers)
	if err != nil {
		return nil, err
	}
	servers := make([]Server, 0, len(records))
	for _, r := range records {
		if !r.Value.Deleting {
			servers = append(servers, d.fill(r.Value))
		}
	}
	return servers, nil
}

// Server finds an MCP server by its identifier.
func (d *Directory) Server(ctx context.Context, identifier string) (Server, error) {
	if store.ValidKey(PolicyPartition, serverPrefix+identifier) != nil {
		return Server{}, ErrNotFound
	}
	if p, err := d.policy(ctx); err == nil && p != nil {
		return p.server(identifier)
	}
	r, err := store.Read[Server](ctx, d.store, PolicyPartition, serverPrefix+identifier)
	if err == nil && r.Value.Deleting {
		return Server{}, ErrNotFound
	}
	return d.fill(r.Value), err
}

// ServerByResource finds an MCP server by what a resource parameter says: its URL or its identifier, with scheme and
// host in any case and a path of "/" or none (MCP Authorization, "Canonical Server URI"). One with a fragment names
// nothing (RFC 8707 §2).
func (d *Directory) ServerByResource(ctx context.Context, resource string) (Server, error) {
	servers, err := d.Servers(ctx)
	if err != nil {
		return Server{}, err
	}
	found := Server{}
	for _, s := range servers {
		// Two can have one URL when the deployment has moved to an address that was somebody else's when it was registered.
		if (sameResource(resource, s.URL) || sameResource(resource, s.Identifier)) && (found.Identifier == "" || s.System) {
			found = s
		}
	}
	if found.Identifier == "" || strings.Contains(resource, "#") {
		return Server{}, ErrNotFound
	}
	return found, nil
}

// sameResource compares addresses as RFC 3986 says that they may be: scheme and host in any case (§6.2.2.1), and an empty path
// the same as "/" (§6.2.3). A slash at the end of a longer path counts: it is another resource.
func sameResource(a, b string) bool {
	return withoutEmptyPath(lowerHost(a)) == withoutEmptyPath(lowerHost(b))
}

func withoutEmptyPath(resource string) string {
	if host, ok := strings.CutSuffix(resource, "/"); ok && strings.Count(host, "/") == len("//") {
		return host
	}
	return resource
}

func lowerHost(resource string) string {
	scheme, rest, ok := strings.Cut(resource, "://")
	if !ok {
		return resource
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return strings.ToLower(scheme) + "://" + strings.ToLower(rest[:end]) + rest[end:]
}

// fill makes of a stored server what everybody but an administrator sees.
func (d *Directory) fill(s Server) Server {
	s.URL = d.expand(s.URL)
	s.Scopes = slices.DeleteFunc(slices.Clone(s.Scopes), func(sc Scope) bool { return sc.Deleting })
	return s
}

// expand puts the deployment's own address into a stored URL.
func (d *Directory) expand(url string) string { return strings.Replace(url, "{base}", d.base, 1) }

// contract is the way back: an address of this deployment is stored as one of whichever deployment serves the file.
func (d *Directory) contract(url string) string {
	if rest, ok := strings.CutPrefix(url, d.base); ok && (rest == "" || rest[0] == '/') {
		return "{base}" + rest
	}
	return url
}

// RoleScopes are the scopes at a server that any of the roles allows. A role that does not exist allows nothing.
func (d *Directory) RoleScopes(ctx context.Context, roles []string, server string) ([]string, error) {
	var scopes []string
	for _, name := range roles {
		r, err := d.role(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !r.Deleting {
			scopes = append(scopes, r.Permissions[server]...)
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

func (d *Directory) role(ctx context.Context, name string) (Role, error) {
	if p, err := d.policy(ctx); err == nil && p != nil {
		r, ok := p.roles[name]
		if !ok {
			return Role{}, ErrNotFound
		}
		return r, nil
	}
	r, err := store.Read[Role](ctx, d.store, PolicyPartition, rolePrefix+name)
	return r.Value, err
}

// PutServer creates or replaces an MCP server.
func (d *Directory) PutServer(ctx context.Context, s Server, c store.Condition) error {
	if s.Identifier == "" || s.URL == "" || s.Name == "" {
		return fmt.Errorf("directory: an MCP server has an identifier, a name and a URL")
	}
	return d.store.Write(ctx, store.Put(store.Encode(PolicyPartition, serverPrefix+s.Identifier, s, time.Time{}), c))
}

// PutRole creates or replaces a role.
func (d *Directory) PutRole(ctx context.Context, r Role, c store.Condition) error {
	if r.Name == "" {
		return fmt.Errorf("directory: a role has a name")
	}
	return d.store.Write(ctx, store.Put(store.Encode(PolicyPartition, rolePrefix+r.Name, r, time.Time{}), c))
}
