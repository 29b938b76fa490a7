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

// Booking asks for an appointment. An empty kind is a check-up.
type Booking struct {
	Pet    string // name or id
	Date   Date
	Time   Clock
	Kind   string
	Reason string
}

// Book makes an appointment with the first vet who is free. The slot's item is written only if absent, in the same
// write as the appointment: of any number of racers as many win as there are vets.
func (c *Clinic) Book(ctx context.Context, who Actor, b Booking) (Appointment, error) {
	p, err := c.find(ctx, who, b.Pet)
	if err != nil {
		return Appointment{}, err
	}
	if b.Kind, err = oneOf("kind of visit", b.Kind, Kinds[0], Kinds); err != nil {
		return Appointment{}, err
	}
	if b.Reason, err = text("reason", b.Reason, 500, false, true); err != nil {
		return Appointment{}, err
	}
	start, err := c.bookable(b)
	if err == nil {
		a := Appointment{Pet: PetRef{p.ID, p.Name}, Owner: p.Owner.ID, Start: start, Date: b.Date, Time: b.Time, Kind: b.Kind, Reason: b.Reason, BookedBy: who.Agent}
		if a.ID, err = c.newID("apt-" + start.UTC().Format(stamp)); err != nil {
			return Appointment{}, err
		}
		err = c.change(ctx, p.Owner.ID, func() ([]store.Op, error) { return c.planBooking(ctx, &a) })
		if err == nil {
			return a, nil
		}
	}
	var e *Error
	if errors.As(err, &e) && (e.Code == SlotTaken || e.Code == Closed || e.Code == Past || e.Code == Invalid) {
		if e.Alternatives, err = c.instead(ctx, b.Date, b.Time, b.Kind); err != nil {
			return Appointment{}, err
		}
		return Appointment{}, e
	}
	return Appointment{}, err
}

// bookable checks a time against the clock and the opening hours.
func (c *Clinic) bookable(b Booking) (time.Time, error) {
	start, exists := at(b.Date, b.Time, c.facts.zone)
	from, to, open := c.facts.open(b.Date)
	when := describe(b.Date, b.Time)
	switch {
	case !start.After(c.now()):
		return start, refuse(Past, "%s is in the past.", when)
	case b.Date.After(c.Today().AddDays(HorizonDays)):
		return start, c.tooFar(b.Date)
	case !open:
		return start, refuse(Closed, "The clinic is closed on %s %s.", b.Date.Weekday(), b.Date)
	case b.Time < from || b.Time+SlotMinutes > to:
		return start, refuse(Closed, "The clinic is closed on %s; on that day it is open from %s to %s.", when, from, to)
	case !exists || (b.Time-from)%SlotMinutes != 0:
		return start, refuse(Invalid, "Appointments begin every %d minutes from %s, so not at %s.", SlotMinutes, from, b.Time)
	}
	return start, nil
}

// planBooking decides, from what is stored now, what a booking would write.
func (c *Clinic) planBooking(ctx context.Context, a *Appointment) ([]store.Op, error) {
	ahead, err := c.ahead(ctx, a.Owner)
	if err != nil {
		return nil, err
	}
	stays, err := c.petStays(ctx, a.Owner, a.Pet)
	if err != nil {
		return nil, err
	}
	open := 0
	for _, b := range ahead {
		if b.Cancelled {
			continue
		}
		open++
		if b.Pet.ID == a.Pet.ID && b.Start.Equal(a.Start) {
			return nil, refuse(Conflict, "%s has an appointment on %s already.", a.Pet.Name, describe(a.Date, a.Time))
		}
	}
	if open >= MaxAppointments {
		return nil, refuse(TooMany, "There are %d appointments to come already, which is the limit.", open)
	}
	if len(ahead) >= maxAhead {
		return nil, refuse(TooMany, "So many appointments were cancelled that new ones must be made by phone.")
	}
	taken, err := c.taken(ctx, a.Date)
	if err != nil {
		return nil, err
	}
	vet, ok := c.freeVet(a.Date, a.Time, taken)
	if !ok {
		return nil, refuse(SlotTaken, "%s is taken already.", describe(a.Date, a.Time))
	}
	a.Vet, a.VetID = vet.Name, vet.ID
	return []store.Op{
		store.Put(c.slotItem(*a), store.IfAbsent()),
		store.Put(appointmentItem(*a, time.Time{}), store.IfAbsent()),
		putRef(a.ID, a.Owner, time.Time{}),
		stays,
	}, nil
}

// ahead lists an owner's appointments to come, cancelled ones included, the last first. Their number is limited.
func (c *Clinic) ahead(ctx context.Context, owner string) ([]Appointment, error) {
	q := store.Query{Partition: person(owner), Prefix: "appointment/", Descending: true, Limit: maxAhead}
	list, _, err := store.ReadPage[Appointment](ctx, c.store, q)
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	var out []Appointment
	for _, r := range list {
		if !r.Value.Start.After(c.now()) {
			break
		}
		out = append(out, r.Value)
	}
	return out, nil
}

// Cancel cancels an appointment by its id and frees its slot. Cancelling again changes nothing.
func (c *Clinic) Cancel(ctx context.Context, who Actor, id string) (Appointment, error) {
	missing := refuse(NotFound, "There is no appointment %s that you can see.", quote(id))
	if id = strings.TrimSpace(id); !validID(id) || !who.Staff && !validID(who.ID) {
		return Appointment{}, missing
	}
	owner := who.ID
	if who.Staff {
		o, err := c.ownerOf(ctx, id)
		if err != nil {
			return Appointment{}, err
		}
		if owner = o; owner == "" {
			return Appointment{}, missing
		}
	}
	var a Appointment
	err := c.change(ctx, owner, func() ([]store.Op, error) {
		r, err := store.Read[Appointment](ctx, c.store, person(owner), "appointment/"+id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, missing
		}
		if err != nil {
			return nil, fmt.Errorf("clinic: %w", err)
		}
		switch a = r.Value; a.Status(c.now()) {
		case Cancelled:
			return nil, nil
		case PastVisit:
			return nil, refuse(Past, "The appointment on %s is in the past and cannot be cancelled.", describe(a.Date, a.Time))
		}
		a.Cancelled = true
		gone := a.Start.Add(keepDays * 24 * time.Hour)
		return []store.Op{
			store.Delete(dayKey(a.Date), slotKey(a.Time, a.VetID), store.IfPresent()),
			store.Put(appointmentItem(a, gone), store.IfVersion(r.Version)),
			store.Put(store.Encode(refKey(a.ID), "owner", ref{owner}, gone), store.IfPresent()),
		}, nil
	})
	if err != nil {
		return Appointment{}, err
	}
	a.Pet.Name, err = c.names().of(ctx, owner, a.Pet.ID)
	return a, err
}

// CancelOn cancels the appointment that a pet has on a day. Here too, cancelling again changes nothing: whoever lost the answer may
// ask once more.
func (c *Clinic) CancelOn(ctx context.Context, who Actor, pet string, day Date) (Appointment, error) {
	p, err := c.find(ctx, who, pet)
	if err != nil {
		return Appointment{}, err
	}
	if day.Before(c.Today()) {
		return Appointment{}, refuse(Past, "%s is in the past.", day)
	}
	ahead, err := c.ahead(ctx, p.Owner.ID)
	if err != nil {
		return Appointment{}, err
	}
	ahead = slices.DeleteFunc(ahead, func(a Appointment) bool { return a.Pet.ID != p.ID || a.Date != day })
	if booked := slices.DeleteFunc(slices.Clone(ahead), func(a Appointment) bool { return a.Cancelled }); len(booked) > 0 {
		ahead = booked
	}
	switch len(ahead) {
	case 0:
		return Appointment{}, refuse(NotFound, "%s has no appointment to cancel on %s %s.", p.Name, day.Weekday(), day)
	case 1:
		return c.Cancel(ctx, who, ahead[0].ID)
	}
	var which []string
	for _, a := range slices.Backward(ahead) {
		which = append(which, a.Time.String()+" ("+a.ID+")")
	}
	return Appointment{}, refuse(Conflict, "%s has several appointments on %s: %s. Say which by its id.", p.Name, day, strings.Join(which, ", "))
}
