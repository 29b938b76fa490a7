package clinic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/store"
)

// found is a pet with the version to change it at, where it was read for a change.
type found struct {
	Pet
	version int64
}

// ownPets lists an owner's pets by name. One read, whatever is asked about them.
func (c *Clinic) ownPets(ctx context.Context, owner string) ([]found, error) {
	if !validID(owner) {
		return nil, nil
	}
	list, err := listAll[Pet](ctx, c, person(owner), "pet/", MaxPets)
	if err != nil {
		return nil, err
	}
	pets := make([]found, len(list))
	for i, r := range list {
		pets[i] = found{r.Value, r.Version}
	}
	slices.SortFunc(pets, func(a, b found) int { return strings.Compare(fold(a.Name), fold(b.Name)) })
	return pets, nil
}

// find looks a pet up by name or id. For an owner it reads their own partition and nothing else, so a pet of
// somebody else costs and answers exactly what a pet that does not exist does.
func (c *Clinic) find(ctx context.Context, who Actor, name string) (found, error) {
	if strings.TrimSpace(name) == "" {
		return found{}, refuse(Invalid, "The pet is missing. Give its name or id.")
	}
	p, err := c.lookUp(ctx, who, name)
	if c.watch != nil {
		c.watch(ctx, who, name, p.Pet, err)
	}
	return p, err
}

func (c *Clinic) lookUp(ctx context.Context, who Actor, name string) (found, error) {
	if who.Staff {
		return c.findAny(ctx, strings.TrimSpace(name))
	}
	pets, err := c.ownPets(ctx, who.ID)
	if err != nil {
		return found{}, err
	}
	return pick(pets, name)
}

func pick(pets []found, ref string) (found, error) {
	id, name := strings.TrimSpace(ref), fold(ref)
	for _, p := range pets {
		if p.ID == id {
			return p, nil
		}
	}
	for _, p := range pets {
		if fold(p.Name) == name {
			return p, nil
		}
	}
	return found{}, noPet(ref)
}

func (c *Clinic) findAny(ctx context.Context, ref string) (found, error) {
	if strings.HasPrefix(ref, petID) { // else it is no id, and nobody need look
		owner, err := c.ownerOf(ctx, ref)
		if err != nil {
			return found{}, err
		}
		if owner != "" {
			pets, err := c.ownPets(ctx, owner)
			if err != nil {
				return found{}, err
			}
			return pick(pets, ref)
		}
	}
	name := fold(ref)
	if name == "" || len(name) > 300 {
		return found{}, noPet(ref)
	}
	candidates, err := search[Pet](ctx, c, "pet/", name+"/", 11)
	if err != nil {
		return found{}, err
	}
	switch len(candidates) {
	case 0:
		return found{}, noPet(ref)
	case 1: // the index holds the whole record; both are written at once, or neither
		return found{Pet: candidates[0]}, nil
	default:
		return found{}, ambiguous(ref, candidates)
	}
}

func ambiguous(ref string, candidates []Pet) error {
	var lines []string
	for _, p := range candidates[:min(len(candidates), 10)] {
		lines = append(lines, fmt.Sprintf("%s (%s of %s)", p.ID, p.Species, p.Owner.Name))
	}
	more := ""
	if len(candidates) > 10 {
		more = " and more"
	}
	return refuse(Invalid, "Several pets are called %s: %s%s. Use the id.", quote(ref), strings.Join(lines, ", "), more)
}

// petStays makes a write depend on a pet being there still: a reset may have come since it was found.
func (c *Clinic) petStays(ctx context.Context, owner string, pet PetRef) (store.Op, error) {
	_, err := c.store.Get(ctx, person(owner), "pet/"+pet.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Op{}, noPet(pet.Name)
	}
	if err != nil {
		return store.Op{}, fmt.Errorf("clinic: %w", err)
	}
	return store.Check(person(owner), "pet/"+pet.ID, store.IfPresent()), nil
}

// ownerOf tells whose a pet or an appointment is, by its id; nobody's is "".
func (c *Clinic) ownerOf(ctx context.Context, id string) (string, error) {
	if !validID(id) {
		return "", nil
	}
	r, err := store.Read[ref](ctx, c.store, refKey(id), "owner")
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("clinic: %w", err)
	}
	return r.Value.Owner, nil
}

// names remembers the pets that one answer mentions, so that each owner is read once.
type names struct {
	c      *Clinic
	owners map[string]map[string]string // owner, then pet id, to name
}

func (c *Clinic) names() *names { return &names{c, map[string]map[string]string{}} }

// of returns the name of a pet, or "" for one that is gone.
func (n *names) of(ctx context.Context, owner, pet string) (string, error) {
	if n.owners[owner] == nil {
		pets, err := n.c.ownPets(ctx, owner)
		if err != nil {
			return "", err
		}
		n.owners[owner] = map[string]string{}
		for _, p := range pets {
			n.owners[owner][p.ID] = p.Name
		}
	}
	return n.owners[owner][pet], nil
}
