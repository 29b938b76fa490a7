package clinic

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Kinds of visit, and the parts of a day.
var (
	Kinds      = []string{"check-up", "vaccination", "dental", "illness", "follow-up"}
	PartsOfDay = []string{"morning", "afternoon", "evening"}
)

// partOf says in which part of the day a time lies: morning until 12:00, afternoon until 17:00.
func partOf(c Clock) string {
	switch {
	case c < 12*60:
		return "morning"
	case c < 17*60:
		return "afternoon"
	default:
		return "evening"
	}
}

// Slot is a time that is free, with the vet who would be there.
type Slot struct {
	Date  Date
	Time  Clock
	Start time.Time
	Vet   Vet
	Kind  string
}

// SlotQuery asks for free slots. Zero values mean: from today, 7 days, any part of the day, a check-up.
type SlotQuery struct {
	From      Date
	Days      int // 1 to 14
	PartOfDay string
	Kind      string
	Cursor    string
}

// Slots is a page of free slots, and the days that the query covers.
type Slots struct {
	Slots    []Slot
	From, To Date
	Next     string
}

// FreeSlots lists free times in order, one for each time at which any vet is free.
func (c *Clinic) FreeSlots(ctx context.Context, q SlotQuery) (Slots, error) {
	var err error
	if q.Kind, err = oneOf("kind of visit", q.Kind, Kinds[0], Kinds); err != nil {
		return Slots{}, err
	}
	if q.PartOfDay != "" {
		if _, err := oneOf("part of the day", q.PartOfDay, "", PartsOfDay); err != nil {
			return Slots{}, err
		}
	}
	if q.Days == 0 {
		q.Days = 7
	}
	if q.Days < 1 || q.Days > 14 {
		return Slots{}, refuse(Invalid, "Look at 1 to 14 days at a time.")
	}
	today := c.Today()
	if q.From.IsZero() {
		q.From = today
	}
	if q.From.Before(today) {
		return Slots{}, refuse(Past, "%s is in the past. Today is %s.", q.From, today)
	}
	if q.From.After(today.AddDays(HorizonDays)) {
		return Slots{}, c.tooFar(q.From)
	}
	out := Slots{From: q.From, To: q.From.AddDays(q.Days - 1)}
	day, after, err := openCursor(q.Cursor, out.From, out.To)
	if err != nil {
		return Slots{}, err
	}
	for ; !day.After(out.To); day = day.AddDays(1) {
		free, err := c.freeOn(ctx, day, q.Kind)
		if err != nil {
			return Slots{}, err
		}
		for _, s := range free {
			if (q.PartOfDay != "" && partOf(s.Time) != q.PartOfDay) || (day == after.date && s.Time <= after.time) {
				continue
			}
			if len(out.Slots) == PageSize {
				last := out.Slots[PageSize-1]
				out.Next = sealCursor(last.Date, last.Time.String())
				return out, nil
			}
			out.Slots = append(out.Slots, s)
		}
	}
	return out, nil
}

func (c *Clinic) tooFar(d Date) error {
	return refuse(Invalid, "%s is too far ahead: appointments can be made until %s.", d, c.Today().AddDays(HorizonDays))
}

// taken reads a day's diary: who is busy when.
func (c *Clinic) taken(ctx context.Context, d Date) ([]Appointment, error) {
	list, err := listAll[Appointment](ctx, c, dayKey(d), "", 500)
	out := make([]Appointment, len(list))
	for i, r := range list {
		out[i] = r.Value
	}
	return out, err
}

func dayKey(d Date) string { return "clinic/day/" + d.String() }

func slotKey(t Clock, vet string) string { return t.String() + "/" + vet }

// freeOn lists the times of a day that are free and not past, each with the first vet who is free.
func (c *Clinic) freeOn(ctx context.Context, d Date, kind string) ([]Slot, error) {
	starts := c.facts.starts(d)
	if len(starts) == 0 {
		return nil, nil
	}
	taken, err := c.taken(ctx, d)
	if err != nil {
		return nil, err
	}
	var free []Slot
	for _, t := range starts {
		start, ok := at(d, t, c.facts.zone)
		if !ok || !start.After(c.now()) {
			continue
		}
		if vet, ok := c.freeVet(d, t, taken); ok {
			free = append(free, Slot{Date: d, Time: t, Start: start, Vet: vet, Kind: kind})
		}
	}
	return free, nil
}

func (c *Clinic) freeVet(d Date, t Clock, taken []Appointment) (Vet, bool) {
	for _, v := range c.facts.vetsOn(d) {
		if !slices.ContainsFunc(taken, func(a Appointment) bool { return a.Time == t && a.VetID == v.ID }) {
			return v, true
		}
	}
	return Vet{}, false
}

// instead finds up to three free times near one that cannot be had: the nearest of that day, then the first of
// the following days.
func (c *Clinic) instead(ctx context.Context, d Date, t Clock, kind string) ([]Slot, error) {
	today := c.Today()
	if d.Before(today) {
		d = today
	}
	last := today.AddDays(HorizonDays)
	var out []Slot
	for n := 0; n <= 7 && len(out) < 3 && !d.AddDays(n).After(last); n++ {
		free, err := c.freeOn(ctx, d.AddDays(n), kind)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(free, func(a, b Slot) int { return distance(a.Time, t) - distance(b.Time, t) })
		near := free[:min(len(free), 3-len(out))]
		slices.SortFunc(near, func(a, b Slot) int { return int(a.Time - b.Time) })
		out = append(out, near...)
	}
	return out, nil
}

func distance(a, b Clock) int { return int(max(a-b, b-a)) }

type moment struct {
	date Date
	time Clock
}

// sealCursor says after which entry of which day a list of days goes on.
func sealCursor(d Date, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(d.String() + " " + key))
}

func openCursor(cursor string, from, to Date) (Date, moment, error) {
	if cursor == "" {
		return from, moment{}, nil
	}
	d, key, err := cursorParts(cursor)
	if err != nil || d.Before(from) || d.After(to) {
		return Date{}, moment{}, badCursor()
	}
	t, err := ParseClock(key)
	if err != nil {
		return Date{}, moment{}, badCursor()
	}
	return d, moment{d, t}, nil
}

func cursorParts(cursor string) (Date, string, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 11 || len(b) > 100 {
		return Date{}, "", badCursor()
	}
	d, err := ParseDate(string(b[:10]))
	return d, string(b[11:]), err
}

// slotOps takes a slot for an appointment, or takes it back.
func (c *Clinic) slotItem(a Appointment) store.Item {
	return store.Encode(dayKey(a.Date), slotKey(a.Time, a.VetID), a, a.Start.Add(keepDays*24*time.Hour))
}

func appointmentItem(a Appointment, expires time.Time) store.Item {
	return store.Encode(person(a.Owner), "appointment/"+a.ID, a, expires)
}

func describe(d Date, t Clock) string { return fmt.Sprintf("%s %s at %s", d.Weekday(), d, t) }
