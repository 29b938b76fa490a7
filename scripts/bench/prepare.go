package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	petOwners = 2000 // so many that none calls a tool too often
	browsers  = 4    // of people who are logged in
	petServer = "mcp://vetassist"
	petScope  = "pet-profile:read"
	ourClient = "vet-assist-ai"
	petRole   = "Pet Owner"
)

// prepared is what the load program needs to know of ours.
type prepared struct {
	id, secret string   // of a machine-to-machine application
	cookies    []string // of the browsers
}

// prepare puts into a database that ours has filled what people and administrators would have put there before: people who are logged
// in and have consented, an application with a secret, and, where they are asked for, owners of a pet each.
func prepare(ctx context.Context, file, base string, pets bool) (p prepared, err error) {
	db, err := sqlite.Open(ctx, file, time.Now)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	people := directory.New(db, base, true, time.Now)
	for n := range browsers {
		id := fmt.Sprint("user-bench-", n)
		if err := people.CreateUser(ctx, directory.User{ID: id, Username: id, Name: id, Roles: []string{petRole}}, rand.Text(), false); err != nil {
			return p, err
		}
		_, ops, err := people.Allow(ctx, id, ourClient, petServer, []string{petScope})
		if err != nil {
			return p, err
		}
		secret, err := web.NewSecret(rand.Reader)
		if err != nil {
			return p, err
		}
		login := access.Login{ID: web.Hash(secret), UserID: id, Since: time.Now(), Method: access.Password}
		if err := db.Write(ctx, slices.Concat(ops, access.BeginLogin(login))...); err != nil {
			return p, err
		}
		p.cookies = append(p.cookies, access.CookieName+"="+secret)
	}
	client, secret, err := people.AddClient(ctx, directory.NewClient{Name: "Bench", Template: directory.MachineTemplate, Roles: []string{petRole}})
	if err != nil {
		return p, err
	}
	if _, err := people.AuthorizeClient(ctx, client.Value.ID, client.Version, petServer, []string{petScope}); err != nil {
		return p, err
	}
	p.id, p.secret = client.Value.ClientID(), secret
	if pets {
		err = addPets(ctx, db)
	}
	return p, err
}

func addPets(ctx context.Context, db *sqlite.DB) error {
	c, err := clinic.New(clinic.Config{Store: db, Files: seed.Files, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		return err
	}
	for n := range petOwners {
		o := clinic.Owner{ID: owner(n), Name: fmt.Sprint("Owner ", n)}
		if err := c.AddOwner(ctx, o); err != nil {
			return err
		}
		pet := clinic.Pet{Name: "Fido", Species: "dog", Breed: "Labrador", BirthDate: clinic.DateOf(time.Now()).AddDays(-1000)}
		if _, err := c.AddPet(ctx, clinic.Actor{ID: "bench", Staff: true}, o.ID, pet); err != nil {
			return err
		}
	}
	return nil
}

func owner(n int) string { return fmt.Sprint("user-owner-", n) }

// mint makes a token for each owner, as the authorization server would. They last ten minutes.
func mint(ctx context.Context, file, base string) (tokens []string, err error) {
	db, err := sqlite.Open(ctx, file, time.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys := token.NewKeyring(base, db, time.Now, rand.Reader)
	for n := range petOwners {
		raw, _, err := keys.Mint(ctx, token.Grant{ID: rand.Text(), Subject: owner(n), ClientID: ourClient, Scopes: []string{petScope},
			Roles: []string{petRole}, Audience: []string{base + "/mcp", petServer}})
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, raw)
	}
	return tokens, nil
}
