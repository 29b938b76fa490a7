package clinic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// AddOwner makes somebody a customer. Doing it again changes nothing.
func (c *Clinic) AddOwner(ctx context.Context, o Owner) error {
	name, err := text("name", o.Name, 100, true, false)
	if err != nil {
		return err
	}
	o.Name = name
	if !validID(o.ID) || fold(o.Name) == "" {
		return refuse(Invalid, "An owner needs an id and a name with letters.")
	}
	err = c.store.Write(ctx,
		store.Put(store.Encode(person(o.ID), "profile", o, time.Time{}), store.IfAbsent()),
		store.Put(store.Encode(indexOf(o.Name), ownerIndexKey(o), o, time.Time{}), store.Always()),
		listPerson(o.ID))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("clinic: %w", err)
	}
	return nil
}

func ownerIndexKey(o Owner) string { return "owner/" + fold(o.Name) + "/" + o.ID }

// owner finds a customer by id or name. An owner finds only themselves.
func (c *Clinic) owner(ctx context.Context, who Actor, ref string) (Owner, error) {
	missing := refuse(NotFound, "There is no owner called %s that you can see.", quote(ref))
	if ref = strings.TrimSpace(ref); ref == "" {
		return Owner{}, refuse(Invalid, "The owner is missing.")
	}
	if !who.Staff {
		self, err := c.profile(ctx, who.ID)
		if err != nil {
			return Owner{}, err
		}
		if ref != self.ID && !matchesOwner(self, fold(ref)) {
			return Owner{}, missing
		}
		return self, nil
	}
	if validID(ref) {
		r, err := store.Read[Owner](ctx, c.store, person(ref), "profile")
		if err == nil {
			return r.Value, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return Owner{}, fmt.Errorf("clinic: %w", err)
		}
	}
	name := fold(ref)
	if name == "" || len(name) > 200 {
		return Owner{}, missing
	}
	found, err := search[Owner](ctx, c, "owner/", name, 50)
	if err != nil {
		return Owner{}, err
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(o Owner) bool { return fold(o.Name) != name })
	if len(exact) == 0 {
		exact = slices.DeleteFunc(found, func(o Owner) bool { return !matchesOwner(o, name) })
	}
	switch len(exact) {
	case 0:
		return Owner{}, missing
	case 1:
		return exact[0], nil
	}
	var names []string
	for _, o := range exact[:min(len(exact), 10)] {
		names = append(names, o.Name+" ("+o.ID+")")
	}
	return Owner{}, refuse(Invalid, "%s could be several owners: %s. Use the id.", quote(ref), strings.Join(names, ", "))
}

// matchesOwner says whether a folded name is the owner's full name or its first words.
func matchesOwner(o Owner, name string) bool {
	full := fold(o.Name)
	return name != "" && (full == name || strings.HasPrefix(full, name+" "))
}

// profile returns the customer with this id. Somebody who can log in but is no customer yet has no name here.
func (c *Clinic) profile(ctx context.Context, id string) (Owner, error) {
	if !validID(id) {
		return Owner{ID: id}, nil
	}
	r, err := store.Read[Owner](ctx, c.store, person(id), "profile")
	if errors.Is(err, store.ErrNotFound) {
		return Owner{ID: id}, nil
	}
	if err != nil {
		return Owner{}, fmt.Errorf("clinic: %w", err)
	}
	return r.Value, nil
}
