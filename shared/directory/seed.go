package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Seed writes the policy and the people of the demo (seed/policy.json, seed/people.json), each record once: what is
// there already stays as it is, and what an administrator deleted stays away. So it can run at every start.
func (d *Directory) Seed(ctx context.Context, files fs.FS) error {
	var policy struct {
		Servers []Server `json:"mcp_servers"`
		Roles   []Role   `json:"roles"`
		Clients []Client `json:"clients"`
	}
	if err := readJSON(files, "policy.json", &policy); err != nil {
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
	for _, s := range policy.Servers {
		if err := d.once(ctx, done, "server/"+s.Identifier, func() error { return d.PutServer(ctx, s, store.IfAbsent()) }); err != nil {
			return err
		}
	}
	for _, r := range policy.Roles {
		if err := d.once(ctx, done, "role/"+r.Name, func() error { return d.PutRole(ctx, r, store.IfAbsent()) }); err != nil {
			return err
		}
	}
	for _, c := range policy.Clients {
		c.Created = d.now().UTC().Truncate(time.Second)
		if err := d.once(ctx, done, "client/"+c.ID, func() error { return d.seedClient(ctx, c) }); err != nil {
			return err
		}
	}
	for _, p := range people {
		if err := d.once(ctx, done, "user/"+p.ID, func() error { return d.seedUser(ctx, p) }); err != nil {
			return err
		}
	}
	return nil
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
