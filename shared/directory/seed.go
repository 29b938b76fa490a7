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

// Seed writes the policy and the people of the demo (seed/policy.json, seed/people.json). What is there already
// stays as it is, so it can run at every start.
func (d *Directory) Seed(ctx context.Context, files fs.FS) error {
	var policy struct {
		Servers []Server `json:"mcp_servers"`
		Roles   []Role   `json:"roles"`
		Clients []Client `json:"clients"`
	}
	if err := readJSON(files, "policy.json", &policy); err != nil {
		return err
	}
	for _, s := range policy.Servers {
		if err := unlessThere(d.PutServer(ctx, s, store.IfAbsent())); err != nil {
			return fmt.Errorf("seeding server %s: %w", s.Identifier, err)
		}
	}
	for _, r := range policy.Roles {
		if err := unlessThere(d.PutRole(ctx, r, store.IfAbsent())); err != nil {
			return fmt.Errorf("seeding role %s: %w", r.Name, err)
		}
	}
	for _, c := range policy.Clients {
		c.Created = d.now().UTC().Truncate(time.Second)
		if err := unlessThere(d.PutClient(ctx, c, store.IfAbsent())); err != nil {
			return fmt.Errorf("seeding client %s: %w", c.ID, err)
		}
	}
	people, err := DemoPeople(files)
	if err != nil {
		return err
	}
	for _, p := range people {
		if _, err := d.User(ctx, p.ID); err == nil {
			continue // no need to hash the password again
		}
		if err := unlessThere(d.CreateUser(ctx, p.User, p.Password, true)); err != nil {
			return fmt.Errorf("seeding user %s: %w", p.Username, err)
		}
	}
	return nil
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

func unlessThere(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
