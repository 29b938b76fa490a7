package clinic

import (
	"context"
	"slices"

	"github.com/vetassist/vetassist/shared/store"
)

// diaryDays is how far back staff see the clinic's diary, and how many days one call reads at most.
const diaryDays = 30

// AppointmentFilter selects appointments of a list.
type AppointmentFilter struct {
	Pet         string // name or id; empty: all that the actor may see
	IncludePast bool   // and cancelled ones
	Cursor      string
}

// ListAppointments lists appointments: those to come in order of time; with the past ones, the latest first. Staff who
// name no pet get the clinic's diary by day, without cancelled ones.
func (c *Clinic) ListAppointments(ctx context.Context, who Actor, f AppointmentFilter) (list []Appointment, next string, err error) {
	owner, pet := who.ID, ""
	if f.Pet != "" {
		p, err := c.find(ctx, who, f.Pet)
		if err != nil {
			return nil, "", err
		}
		owner, pet = p.Owner.ID, p.ID
	}
	mine := func(a Appointment) bool { return pet == "" || a.Pet.ID == pet }
	switch {
	case who.Staff && pet == "":
		list, next, err = c.diary(ctx, f)
	case !validID(owner):
		return nil, "", nil
	case f.IncludePast:
		list, next, err = c.history(ctx, owner, f.Cursor, mine)
	case f.Cursor != "":
		return nil, "", badCursor() // what is to come fits on one page
	default:
		list, err = c.ahead(ctx, owner)
		list = slices.DeleteFunc(list, func(a Appointment) bool { return a.Cancelled || !mine(a) })
		slices.Reverse(list)
	}
	if err != nil {
		return nil, "", err
	}
	names := c.names()
	for i, a := range list {
		if list[i].Pet.Name, err = names.of(ctx, a.Owner, a.Pet.ID); err != nil {
			return nil, "", err
		}
	}
	return list, next, nil
}

// history pages through everything of one owner, the latest first.
func (c *Clinic) history(ctx context.Context, owner, cursor string, keep func(Appointment) bool) (list []Appointment, next string, err error) {
	next = cursor
	for range 10 { // bounds the reads of one call; the cursor goes on from there
		q := store.Query{Partition: person(owner), Prefix: "appointment/", Descending: true, Limit: PageSize - len(list), Cursor: next}
		records, after, err := store.ReadPage[Appointment](ctx, c.store, q)
		if err != nil {
			return nil, "", cursorError(err)
		}
		for _, r := range records {
			if keep(r.Value) {
				list = append(list, r.Value)
			}
		}
		if next = after; next == "" || len(list) == PageSize {
			break
		}
	}
	return list, next, nil
}

// diary pages through the days of the clinic, for staff.
func (c *Clinic) diary(ctx context.Context, f AppointmentFilter) (list []Appointment, next string, err error) {
	today := c.Today()
	day, last, after := today, today.AddDays(HorizonDays), ""
	if f.IncludePast {
		day = today.AddDays(-diaryDays)
	}
	if f.Cursor != "" {
		first := day
		if day, after, err = cursorParts(f.Cursor); err != nil || day.Before(first) || day.After(last) {
			return nil, "", badCursor()
		}
	}
	for range diaryDays {
		taken, err := c.taken(ctx, day)
		if err != nil {
			return nil, "", err
		}
		for _, a := range taken {
			key := slotKey(a.Time, a.VetID)
			if key <= after || (!f.IncludePast && !a.Start.After(c.now())) {
				continue
			}
			if len(list) == PageSize {
				end := list[PageSize-1]
				return list, sealCursor(end.Date, slotKey(end.Time, end.VetID)), nil
			}
			list = append(list, a)
		}
		if day, after = day.AddDays(1), ""; day.After(last) {
			return list, "", nil
		}
	}
	return list, sealCursor(day, ""), nil
}
