package main

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// filled is what a person must hear of what the store was filled with.
type filled struct {
	demo     bool   // it holds the demo although nobody asked for that
	password string // of the administrator who was just made; it is kept nowhere
}

// fill brings what a start needs into the store: the demo, with the key of its agent, or only what administration needs, and the first signing key.
// What is there stays as it is. o.Seed is decided afterwards.
func fill(ctx context.Context, db store.Store, o *Options) (f filled, err error) {
	people := directory.New(store.Restrict(db, directory.Partitions...), o.BaseURL, o.Local(), o.Now)
	if o.Seed == "" {
		o.Seed = config.SeedDemo
		if empty, err := people.BeganEmpty(ctx); err != nil {
			return f, err
		} else if empty {
			o.Seed = config.SeedNone
		}
	}
	if o.Seed == config.SeedNone {
		if f.demo, err = people.SeedEmpty(ctx, seed.Files); err != nil {
			return f, err
		}
		if f.password, err = firstAdministrator(ctx, people, o.Rand); err != nil {
			return f, err
		}
	} else {
		if err := people.Seed(ctx, seed.Files); err != nil {
			return f, err
		}
		if err := giveAgentKey(ctx, db, people); err != nil {
			return f, err
		}
		if err := clinic.Seed(ctx, store.Restrict(db, clinic.Partitions...), seed.Files, o.Now()); err != nil {
			return f, err
		}
	}
	keys := store.Restrict(db, slices.Concat(token.PrivatePartitions, token.PublicPartitions)...)
	return f, token.NewKeyring(o.BaseURL, keys, o.Now, o.Rand).Ensure(ctx)
}

// giveAgentKey lets the demo's agent prove itself. Its key is made here, once: the private half goes to where the chat app's function alone can
// read it, the public one into the directory. An agent that has keys, or is gone, is left as it is. In a database from before there was one the chat names no
// agent, and books by itself: to let somebody act for people is an administrator's decision.
func giveAgentKey(ctx context.Context, db store.Store, people *directory.Directory) error {
	r, err := people.ClientRecord(ctx, app.SchedulingAgent)
	if errors.Is(err, directory.ErrNotFound) {
		return nil
	}
	if c := r.Value; err != nil || c.AuthMethod != directory.PrivateKeyJWT || c.JWKS != nil || c.JWKSURI != "" {
		return err
	}
	if r.Value.JWKS, err = app.AgentKeys(ctx, store.Restrict(db, app.Partitions...)); err != nil {
		return err
	}
	err = people.PutClient(ctx, r.Value, store.IfVersion(r.Version))
	if errors.Is(err, store.ErrConflict) { // somebody gave it one at the same moment
		return nil
	}
	return err
}

const administratorName = "admin" // the username of the first administrator

// firstAdministrator adds an administrator where nobody is one, and returns the password. Where somebody is, it is empty.
func firstAdministrator(ctx context.Context, people *directory.Directory, random io.Reader) (string, error) {
	switch admins, err := administrators(ctx, people); {
	case err != nil:
		return "", err
	case len(admins) > 0:
		return "", nil
	}
	password, err := newPassword(random)
	if err != nil {
		return "", err
	}
	_, err = people.AddUser(ctx, directory.NewUser{
		Username: administratorName, Name: "Administrator", Roles: []string{directory.AdministratorRole}, Password: password,
	})
	if err != nil {
		return "", fmt.Errorf("adding the administrator: %w", err)
	}
	return password, nil
}

// administrators are those who can log in and run the directory; of very many, some.
func administrators(ctx context.Context, people *directory.Directory) ([]directory.User, error) {
	q := directory.Query{Limit: 200}
	for range 10 {
		page, err := people.Members(ctx, directory.AdministratorRole, q)
		if err != nil {
			return nil, err
		}
		active := slices.DeleteFunc(page.Items, func(u directory.User) bool { return u.Disabled })
		if q.Cursor = page.Next; len(active) > 0 || q.Cursor == "" {
			return active, nil
		}
	}
	return nil, errors.New("the list of administrators is full of disabled ones")
}

// passwordEncoding has no letters and digits that look like others: people type these passwords.
var passwordEncoding = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

// newPassword makes a password of 100 random bits, in groups that can be read out.
func newPassword(random io.Reader) (string, error) {
	b := make([]byte, 13)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	groups := slices.Collect(slices.Chunk([]byte(passwordEncoding.EncodeToString(b)[:20]), 5))
	words := make([]string, len(groups))
	for i, g := range groups {
		words[i] = string(g)
	}
	return strings.Join(words, "-"), nil
}
