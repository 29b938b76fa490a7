package clinic

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Record is where a pet stands with its vaccinations on a day. Nothing of it is stored but the doses.
type Record struct {
	Pet    Pet
	Status string
	Next   *Due  // nil without a plan
	Plan   []Due // the soonest due first
	AsOf   Date
}

// Vaccinations computes what a pet has had and what is due, from its birth date, its species' plan and its doses.
func (c *Clinic) Vaccinations(ctx context.Context, who Actor, ref string) (Record, error) {
	p, err := c.find(ctx, who, ref)
	if err != nil {
		return Record{}, err
	}
	doses, err := c.doses(ctx, p.Pet)
	if err != nil {
		return Record{}, err
	}
	return c.record(p.Pet, doses), nil
}

func (c *Clinic) record(p Pet, doses []Dose) Record {
	r := Record{Pet: p, AsOf: c.Today(), Status: NoPlan}
	r.Plan = schedule(c.facts.Plans[p.Species], p.BirthDate, r.AsOf, doses)
	if len(r.Plan) > 0 {
		r.Next = &r.Plan[0] // in order of date, so also the most urgent
		r.Status = r.Next.Status
	}
	return r
}

func (c *Clinic) doses(ctx context.Context, p Pet) ([]Dose, error) {
	list, err := listAll[Dose](ctx, c, person(p.Owner.ID), "vaccination/"+p.ID+"/", MaxDoses)
	doses := make([]Dose, len(list))
	for i, r := range list {
		doses[i] = r.Value
	}
	return doses, err
}

// RecordVaccination notes a dose that was given, and returns when the next is due. A zero date means today.
func (c *Clinic) RecordVaccination(ctx context.Context, who Actor, ref string, d Dose) (Pet, Dose, Due, error) {
	fail := func(err error) (Pet, Dose, Due, error) { return Pet{}, Dose{}, Due{}, err }
	p, err := c.find(ctx, who, ref)
	if err != nil {
		return fail(err)
	}
	plan := c.facts.Plans[p.Species]
	i := slices.IndexFunc(plan, func(v Vaccine) bool { return v.Code == d.Vaccine })
	if i < 0 {
		var codes []string
		for _, v := range plan {
			codes = append(codes, v.Code)
		}
		return fail(refuse(Invalid, "%s is not a vaccine for a %s. Choose one of: %s.", quote(d.Vaccine), p.Species, strings.Join(codes, ", ")))
	}
	if d.Date.IsZero() {
		d.Date = c.Today()
	}
	if d.Date.After(c.Today()) {
		return fail(refuse(Invalid, "%s is in the future. Record a vaccination when it has been given.", d.Date))
	}
	if d.Date.Before(p.BirthDate) {
		return fail(refuse(Invalid, "%s is before %s was born (%s).", d.Date, p.Name, p.BirthDate))
	}
	if d.Batch, err = text("batch", d.Batch, 60, false, false); err != nil {
		return fail(err)
	}
	var doses []Dose
	err = c.change(ctx, p.Owner.ID, func() ([]store.Op, error) {
		if doses, err = c.doses(ctx, p.Pet); err != nil {
			return nil, err
		}
		stays, err := c.petStays(ctx, p.Owner.ID, PetRef{p.ID, p.Name})
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(doses, func(e Dose) bool { return e.Vaccine == d.Vaccine && e.Date == d.Date }) {
			return nil, refuse(Conflict, "%s on %s is on %s's record already.", plan[i].Name, d.Date, p.Name)
		}
		if len(doses) >= MaxDoses {
			return nil, refuse(TooMany, "%s has %d vaccinations on record, which is the limit.", p.Name, len(doses))
		}
		doses = append(doses, d)
		return []store.Op{store.Put(doseItem(p.Pet, d), store.IfAbsent()), stays}, nil
	})
	if err != nil {
		return fail(err)
	}
	r := c.record(p.Pet, doses)
	for _, due := range r.Plan {
		if due.Vaccine.Code == d.Vaccine {
			return p.Pet, d, due, nil
		}
	}
	return p.Pet, d, Due{}, nil
}

func doseItem(p Pet, d Dose) store.Item {
	return store.Encode(person(p.Owner.ID), "vaccination/"+p.ID+"/"+d.Date.String()+"/"+d.Vaccine, d, time.Time{})
}
