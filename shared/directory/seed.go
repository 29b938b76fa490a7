package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// policyFile is a file of MCP servers, roles and applications.
type policyFile struct {
	Servers []Server `json:"mcp_servers"`
	Roles   []Role   `json:"roles"`
	Clients []Client `json:"clients"`
	Local   []Client `json:"local_clients"` // to play with on somebody's own machine, and nothing that others should find
}

// SeedAdministration writes what the directory is run with (seed/admin.json): the admin API as a resource server, the role
// Administrator and the console's application. Each record is written once, as by Seed.
func (d *Directory) SeedAdministration(ctx context.Context, files fs.FS) error {
	return d.seedPolicy(ctx, files, "admin.json")
}

// Seed writes what administration needs, then the policy and the people of the demo (seed/policy.json,
// seed/people.json), each record once: what is there already stays as it is, and what an administrator deleted stays
// away. So it can run at every start.
func (d *Directory) Seed(ctx context.Context, files fs.FS) error {
	if err := d.SeedAdministration(ctx, files); err != nil {
		return err
	}
	if err := d.store.Write(ctx, store.Delete(seededPartition, emptyMark, store.Always())); err != nil {
		return err
	}
	if err := d.seedPolicy(ctx, files, "policy.json"); err != nil {
		return err
	}
	people, err := DemoPeople(files)
	if err != nil {
		return err
	}
	done, err := d.seeded(ctx)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := d.once(ctx, done, "user/"+p.ID, func() error { return d.seedUser(ctx, p) }); err != nil {
			return err
		}
	}
	return nil
}

// emptyMark remembers that a database was begun without the demo.
const emptyMark = "empty"

// SeedEmpty is SeedAdministration for a database that is to stay without the demo. One that holds it keeps it; demo tells.
func (d *Directory) SeedEmpty(ctx context.Context, files fs.FS) (demo bool, err error) {
	if err := d.SeedAdministration(ctx, files); err != nil {
		return false, err
	}
	people, err := DemoPeople(files)
	if err != nil {
		return false, err
	}
	for _, p := range people {
		if _, err := d.User(ctx, p.ID); err == nil {
			return true, nil
		} else if !errors.Is(err, ErrNotFound) {
			return false, err
		}
	}
	done, err := d.seeded(ctx)
	if err != nil {
		return false, err
	}
	return false, d.once(ctx, done, emptyMark, func() error { return nil })
}

// BeganEmpty tells whether SeedEmpty began this database, and the demo never came later.
func (d *Directory) BeganEmpty(ctx context.Context) (bool, error) {
	done, err := d.seeded(ctx)
	return done[emptyMark], err
}

func (d *Directory) seedPolicy(ctx context.Context, files fs.FS, name string) error {
	var policy policyFile
	if err := readJSON(files, name, &policy); err != nil {
		return err
	}
	done, err := d.seeded(ctx)
	if err != nil {
		return err
	}
	for _, s := range policy.Servers {
		if err := d.once(ctx, done, "server/"+s.Identifier, func() error { return d.seedServer(ctx, s, policy.Roles) }); err != nil {
			return err
		}
	}
	for _, r := range policy.Roles {
		if err := d.once(ctx, done, "role/"+r.Name, func() error { return d.PutRole(ctx, r, store.IfAbsent()) }); err != nil {
			return err
		}
	}
	clients := policy.Clients
	if d.local {
		clients = append(clients, policy.Local...)
	}
	for _, c := range clients {
		c.Created = d.now().UTC().Truncate(time.Second)
		if err := d.once(ctx, done, "client/"+c.ID, func() error { return d.seedClient(ctx, c) }); err != nil {
			return err
		}
	}
	return nil
}

// seedServer writes a server. Roles may be older than it, as Administrator is in a file from before there was an admin
// API: in the same write they get their permissions at it, so that this happens once, and is not done again after an
// administrator took them away.
func (d *Directory) seedServer(ctx context.Context, s Server, roles []Role) error {
	if s.Identifier == "" || s.URL == "" || s.Name == "" {
		return fmt.Errorf("directory: an MCP server has an identifier, a name and a URL")
	}
	_, err := insist(func() (struct{}, error) {
		ops := []store.Op{d.putServer(s, store.IfAbsent())}
		for _, role := range roles {
			r, err := d.RoleRecord(ctx, role.Name)
			if errors.Is(err, ErrNotFound) {
				continue // it comes next, with all of its permissions
			}
			if err != nil {
				return struct{}{}, err
			}
			if scopes := role.Permissions[s.Identifier]; len(scopes) > 0 {
				permissions := map[string][]string{}
				maps.Copy(permissions, r.Value.Permissions)
				permissions[s.Identifier] = scopes
				r.Value.Permissions = permissions
				ops = append(ops, putRole(r.Value, store.IfVersion(r.Version)))
			}
		}
		return struct{}{}, blame(d.store.Write(ctx, ops...), ops)
	})
	return err
}

const (
	seededPartition = "directory/seeded"
	maxSeeded       = 10000
)

type seededRecord struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

// seeded are the records that Seed has written before.
func (d *Directory) seeded(ctx context.Context) (map[string]bool, error) {
	records, err := store.ReadAll[seededRecord](ctx, d.store, store.Query{Partition: seededPartition}, maxSeeded)
	done := make(map[string]bool, len(records))
	for _, r := range records {
		done[r.Value.What] = true
	}
	return done, err
}

// once writes a record of the seed unless an earlier run did, and remembers that.
func (d *Directory) once(ctx context.Context, done map[string]bool, what string, write func() error) error {
	if done[what] {
		return nil
	}
	if err := write(); err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: it is there already
		return fmt.Errorf("seeding %s: %w", what, err)
	}
	marker := seededRecord{what, d.now().UTC()}
	return d.store.Write(ctx, store.Put(store.Encode(seededPartition, what, marker, noExpiry), store.Always()))
}

// seedClient writes a client. One that is there may be older than the index: it is added to it.
func (d *Directory) seedClient(ctx context.Context, c Client) error {
	r, err := d.readClient(ctx, c.ID)
	if errors.Is(err, ErrNotFound) {
		return d.PutClient(ctx, c, store.IfAbsent())
	}
	if err != nil {
		return err
	}
	return d.store.Write(ctx, append([]store.Op{store.Check("client/"+c.ID, clientSort, store.IfVersion(r.Version))}, indexOps(nil, r.Value.entries())...)...)
}

// seedUser writes a person. One who is there may be older than the index and is added to it; the password need not be
// hashed again.
func (d *Directory) seedUser(ctx context.Context, p DemoPerson) error {
	r, err := store.Read[User](ctx, d.store, "user/"+p.ID, profileSort)
	if errors.Is(err, ErrNotFound) {
		return d.CreateUser(ctx, p.User, p.Password, true)
	}
	if err != nil {
		return err
	}
	return d.store.Write(ctx, append([]store.Op{store.Check("user/"+p.ID, profileSort, store.IfVersion(r.Version))}, indexOps(nil, r.Value.entries())...)...)
}

// DemoPerson is a user of the demo with the password that the README tells everybody.
type DemoPerson struct {
	User
	Password string `json:"demo_password"`
}

// DemoPeople reads seed/people.json.
func DemoPeople(files fs.FS) ([]DemoPerson, error) {
	var people struct {
		Users []DemoPerson `json:"users"`
	}
	err := readJSON(files, "people.json", &people)
	return people.Users, err
}

func readJSON(files fs.FS, name string, v any) error {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
