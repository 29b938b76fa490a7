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

// DefaultReminderTime is when a reminder comes that names no time.
const DefaultReminderTime = Clock(9 * 60)

// NewReminder asks for a reminder.
type NewReminder struct {
	Text string
	Date Date
	Time Clock
	Pet  string // name or id; empty: none

	ForOwner bool // of the pet; else it is for the actor
}

// SetReminder sets a reminder for the actor or, where staff ask for that, for the owner of the pet. The owner gets the same words about
// the same pet once only, however often and by whomever they are sent.
func (c *Clinic) SetReminder(ctx context.Context, who Actor, n NewReminder) (Reminder, error) {
	words, err := text("text", n.Text, 300, true, true)
	if err != nil {
		return Reminder{}, err
	}
	r := Reminder{Text: words, Date: n.Date, Time: n.Time}
	var exists bool
	if r.At, exists = at(n.Date, n.Time, c.facts.zone); !exists {
		return Reminder{}, refuse(Invalid, "There is no %s on %s: the clocks skip it. Choose another time.", n.Time, n.Date)
	}
	if !r.At.After(c.now()) {
		return Reminder{}, refuse(Past, "%s is in the past.", describe(n.Date, n.Time))
	}
	if last := c.Today().AddMonths(12 * ReminderYears); n.Date.After(last) {
		return Reminder{}, refuse(Invalid, "%s is too far ahead: reminders can be set until %s.", n.Date, last)
	}
	whose, pets := who.ID, ""
	switch {
	case n.Pet != "":
		p, err := c.find(ctx, who, n.Pet)
		if err != nil {
			return Reminder{}, err
		}
		r.Pet, pets = &PetRef{p.ID, p.Name}, p.Owner.ID
		if n.ForOwner {
			whose, r.FromClinic = p.Owner.ID, p.Owner.ID != who.ID
		}
	case n.ForOwner:
		return Reminder{}, refuse(Invalid, "Whose owner? Say which pet it is about.")
	}
	if !validID(whose) {
		return Reminder{}, refuse(Invalid, "Nobody is logged in whom a reminder could be for.")
	}
	if r.ID, err = c.newID("rem-" + r.At.UTC().Format(stamp)); err != nil {
		return Reminder{}, err
	}
	return r, c.change(ctx, whose, func() ([]store.Op, error) {
		all, err := c.reminders(ctx, whose)
		if err != nil {
			return nil, err
		}
		if r.FromClinic && slices.ContainsFunc(all, func(o Reminder) bool { return o.FromClinic && o.Text == r.Text && o.Pet.ID == r.Pet.ID }) {
			return nil, refuse(Conflict, "The owner has this reminder about %s already.", r.Pet.Name)
		}
		ahead := 0
		for _, o := range all {
			if o.At.After(c.now()) {
				ahead++
			}
		}
		if ahead >= MaxReminders || len(all) >= 4*MaxReminders {
			return nil, refuse(TooMany, "There are %d reminders already, which is the limit. Cancel one first.", ahead)
		}
		ops := []store.Op{store.Put(reminderItem(whose, r), store.IfAbsent())}
		if r.Pet != nil {
			stays, err := c.petStays(ctx, pets, *r.Pet)
			if err != nil {
				return nil, err
			}
			ops = append(ops, stays)
		}
		return ops, nil
	})
}

func reminderItem(id string, r Reminder) store.Item {
	return store.Encode(person(id), "reminder/"+r.ID, r, r.At.Add(reminderDays*24*time.Hour))
}

func (c *Clinic) reminders(ctx context.Context, id string) ([]Reminder, error) {
	if !validID(id) {
		return nil, nil
	}
	list, err := listAll[Reminder](ctx, c, person(id), "reminder/", 4*MaxReminders)
	out := make([]Reminder, len(list))
	for i, r := range list {
		out[i] = r.Value
	}
	return out, err
}

// Reminders lists the actor's reminders in order of time, those of the last weeks included; pet (name or id) selects
// those about one pet.
func (c *Clinic) Reminders(ctx context.Context, who Actor, pet string) ([]Reminder, error) {
	only := ""
	if pet != "" {
		p, err := c.find(ctx, who, pet)
		if err != nil {
			return nil, err
		}
		only = p.ID
	}
	all, err := c.reminders(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	return c.named(ctx, who, all, func(r Reminder) bool { return only == "" || r.Pet != nil && r.Pet.ID == only })
}

// OwnerReminders lists what the clinic reminds the owner of a pet of, about that pet. What owners note for themselves is nobody
// else's business.
func (c *Clinic) OwnerReminders(ctx context.Context, who Actor, pet string) ([]Reminder, error) {
	p, err := c.find(ctx, who, pet)
	if err != nil {
		return nil, err
	}
	all, err := c.reminders(ctx, p.Owner.ID)
	if err != nil {
		return nil, err
	}
	return c.named(ctx, who, all, func(r Reminder) bool { return r.FromClinic && r.Pet != nil && r.Pet.ID == p.ID })
}

// named returns those to keep, with what their pets are called now.
func (c *Clinic) named(ctx context.Context, who Actor, all []Reminder, keep func(Reminder) bool) ([]Reminder, error) {
	var out []Reminder
	names := c.names()
	for _, r := range all {
		if !keep(r) {
			continue
		}
		if err := c.nameReminder(ctx, who, names, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// nameReminder looks up what the reminder's pet is called now, and drops a pet that the actor may no longer see.
func (c *Clinic) nameReminder(ctx context.Context, who Actor, names *names, r *Reminder) error {
	if r.Pet == nil {
		return nil
	}
	owner := who.ID
	if who.Staff {
		var err error
		if owner, err = c.ownerOf(ctx, r.Pet.ID); err != nil {
			return err
		}
	}
	name, err := names.of(ctx, owner, r.Pet.ID)
	if name == "" {
		r.Pet = nil
	} else {
		r.Pet = &PetRef{r.Pet.ID, name}
	}
	return err
}

// CancelReminder removes one of the actor's reminders.
func (c *Clinic) CancelReminder(ctx context.Context, who Actor, id string) (Reminder, error) {
	missing := refuse(NotFound, "There is no reminder %s that you can see.", quote(id))
	if id = strings.TrimSpace(id); !validID(id) || !validID(who.ID) {
		return Reminder{}, missing
	}
	r, err := store.Read[Reminder](ctx, c.store, person(who.ID), "reminder/"+id)
	if err == nil {
		err = c.store.Write(ctx, store.Delete(person(who.ID), "reminder/"+id, store.IfPresent()))
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return Reminder{}, missing
	}
	if err != nil {
		return Reminder{}, fmt.Errorf("clinic: %w", err)
	}
	return r.Value, c.nameReminder(ctx, who, c.names(), &r.Value)
}
