package clinic

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Sexes that a record can say.
var Sexes = []string{"female", "male", "unknown"}

// petID is how every pet's id begins.
const petID = "pet-"

// MaxWeightKg is the heaviest pet that the clinic's scales can weigh.
const MaxWeightKg = 200

var chip = regexp.MustCompile(`^[0-9A-Za-z]{9,15}$`) // ISO 11784 has 15 digits, older chips 9 or 10 characters

// PetFilter selects pets of a list.
type PetFilter struct {
	Species string // empty: all
	Owner   string // name or id; staff only
	Cursor  string
}

// ListPets returns a page of the pets that the actor may see, by name.
func (c *Clinic) ListPets(ctx context.Context, who Actor, f PetFilter) (pets []Pet, next string, err error) {
	if f.Species != "" {
		if _, err := oneOf("species", f.Species, "", Species); err != nil {
			return nil, "", err
		}
	}
	keep := func(p Pet) bool { return f.Species == "" || p.Species == f.Species }
	owner := who.ID
	switch {
	case f.Owner != "":
		o, err := c.owner(ctx, who, f.Owner)
		if err != nil {
			return nil, "", err
		}
		owner = o.ID
	case who.Staff:
		return walk(ctx, c, "pet/", f.Cursor, keep)
	}
	if f.Cursor != "" {
		return nil, "", badCursor() // an owner's pets fit on one page
	}
	own, err := c.ownPets(ctx, owner)
	for _, p := range own {
		if keep(p.Pet) {
			pets = append(pets, p.Pet)
		}
	}
	return pets, "", err
}

// Pet returns one pet by name or id.
func (c *Clinic) Pet(ctx context.Context, who Actor, ref string) (Pet, error) {
	p, err := c.find(ctx, who, ref)
	return p.Pet, err
}

// CompletePets returns up to limit pets that the actor may see and whose name (or, for the actor's own, id) begins with prefix.
func (c *Clinic) CompletePets(ctx context.Context, who Actor, prefix string, limit int) ([]Pet, error) {
	name := fold(prefix)
	if len(name) > 300 {
		return nil, nil
	}
	if who.Staff {
		if name == "" {
			pets, _, err := walk(ctx, c, "pet/", "", func(Pet) bool { return true })
			return pets[:min(len(pets), limit)], err
		}
		return search[Pet](ctx, c, "pet/", name, limit)
	}
	own, err := c.ownPets(ctx, who.ID)
	var pets []Pet
	for _, p := range own {
		if strings.HasPrefix(fold(p.Name), name) || strings.HasPrefix(p.ID, prefix) {
			pets = append(pets, p.Pet)
		}
	}
	return pets[:min(len(pets), limit)], err
}

// AddPet adds a pet for an owner (name or id). Name, species and birth date are required; the id is given.
func (c *Clinic) AddPet(ctx context.Context, who Actor, owner string, p Pet) (Pet, error) {
	o, err := c.owner(ctx, who, owner)
	if err != nil {
		return Pet{}, err
	}
	if p.Sex == "" {
		p.Sex = "unknown"
	}
	if p, err = c.checkPet(p); err != nil {
		return Pet{}, err
	}
	if p.ID, err = c.newID(strings.TrimSuffix(petID, "-")); err != nil {
		return Pet{}, err
	}
	p.Owner = o
	return c.addPet(ctx, who, p)
}

func (c *Clinic) addPet(ctx context.Context, who Actor, p Pet) (Pet, error) {
	err := c.change(ctx, p.Owner.ID, func() (_ []store.Op, err error) {
		if p.Owner, err = c.owner(ctx, who, p.Owner.ID); err != nil { // forgotten since, perhaps
			return nil, err
		}
		own, err := c.ownPets(ctx, p.Owner.ID)
		if err != nil {
			return nil, err
		}
		if len(own) >= MaxPets {
			return nil, refuse(TooMany, "%s has %d pets on record already, which is the limit.", p.Owner.Name, len(own))
		}
		if err := unusedName(own, p); err != nil {
			return nil, err
		}
		return append(petOps(p, store.IfAbsent()), putRef(p.ID, p.Owner.ID, time.Time{})), nil
	})
	return p, err
}

// unusedName keeps the names of one owner's pets apart, so that a name is enough to say which.
func unusedName(own []found, p Pet) error {
	if slices.ContainsFunc(own, func(q found) bool { return q.ID != p.ID && fold(q.Name) == fold(p.Name) }) {
		return refuse(Conflict, "%s has a pet called %s already.", p.Owner.Name, quote(p.Name))
	}
	return nil
}

// PetChange holds the fields to change; nil leaves a field as it is, empty text clears it.
type PetChange struct {
	Name, Breed, Sex, Microchip, Notes *string
	WeightKg                           *float64
}

// UpdatePet changes a pet's record and tells which fields are different now.
func (c *Clinic) UpdatePet(ctx context.Context, who Actor, ref string, ch PetChange) (p Pet, changed []string, err error) {
	at, err := c.find(ctx, who, ref)
	if err != nil {
		return Pet{}, nil, err
	}
	if ch == (PetChange{}) {
		return Pet{}, nil, refuse(Invalid, "Say what to change: name, breed, sex, weight_kg, microchip or notes.")
	}
	err = c.change(ctx, at.Owner.ID, func() ([]store.Op, error) {
		own, err := c.ownPets(ctx, at.Owner.ID)
		if err != nil {
			return nil, err
		}
		old, err := pick(own, at.ID)
		if err != nil {
			return nil, err
		}
		if p, changed, err = c.apply(old.Pet, ch); err != nil || len(changed) == 0 {
			return nil, err
		}
		if err := unusedName(own, p); err != nil {
			return nil, err
		}
		ops := petOps(p, store.IfVersion(old.version))
		if petIndexKey(old.Pet) != petIndexKey(p) {
			ops = append(ops, store.Delete(indexOf(old.Name), petIndexKey(old.Pet), store.Always()))
		}
		return ops, nil
	})
	return p, changed, err
}

func (c *Clinic) apply(p Pet, ch PetChange) (Pet, []string, error) {
	old := p
	for field, value := range map[*string]*string{&p.Name: ch.Name, &p.Breed: ch.Breed, &p.Sex: ch.Sex, &p.Microchip: ch.Microchip, &p.Notes: ch.Notes} {
		if value != nil {
			*field = *value
		}
	}
	if ch.WeightKg != nil {
		if p.WeightKg = *ch.WeightKg; p.WeightKg == 0 {
			return Pet{}, nil, badWeight()
		}
	}
	p, err := c.checkPet(p)
	if err != nil {
		return Pet{}, nil, err
	}
	changed := []string{}
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", p.Name == old.Name}, {"breed", p.Breed == old.Breed}, {"sex", p.Sex == old.Sex},
		{"weight_kg", p.WeightKg == old.WeightKg}, {"microchip", p.Microchip == old.Microchip}, {"notes", p.Notes == old.Notes},
	} {
		if !f.same {
			changed = append(changed, f.name)
		}
	}
	return p, changed, nil
}

func badWeight() error {
	return refuse(Invalid, "A weight is more than 0 and at most %d kg.", MaxWeightKg)
}

func (c *Clinic) checkPet(p Pet) (Pet, error) {
	var err error
	for _, f := range []struct {
		what     string
		s        *string
		limit    int
		required bool
	}{{"name", &p.Name, 60, true}, {"breed", &p.Breed, 60, false}, {"notes", &p.Notes, 2000, false}} {
		if *f.s, err = text(f.what, *f.s, f.limit, f.required, f.what == "notes"); err != nil {
			return p, err
		}
	}
	if fold(p.Name) == "" {
		return p, refuse(Invalid, "A name needs a letter or a digit.")
	}
	if _, err := oneOf("species", p.Species, "", Species); err != nil {
		return p, err
	}
	if _, err := oneOf("sex", p.Sex, "", Sexes); err != nil {
		return p, err
	}
	today := c.Today()
	switch {
	case p.BirthDate.IsZero():
		return p, refuse(Invalid, "The birth date is missing.")
	case p.BirthDate.After(today):
		return p, refuse(Invalid, "The birth date %s is in the future.", p.BirthDate)
	case p.BirthDate.Before(today.AddMonths(-12 * 40)):
		return p, refuse(Invalid, "The birth date %s is more than 40 years ago.", p.BirthDate)
	case math.IsNaN(p.WeightKg) || p.WeightKg < 0 || p.WeightKg > MaxWeightKg:
		return p, badWeight()
	}
	p.Microchip = strings.ReplaceAll(strings.TrimSpace(p.Microchip), " ", "")
	if p.Microchip != "" && !chip.MatchString(p.Microchip) {
		return p, refuse(Invalid, "A microchip number has 9 to 15 letters and digits.")
	}
	return p, nil
}
