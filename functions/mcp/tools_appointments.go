package mcp

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/clinic"
)

type slot struct {
	Date            string `json:"date"`
	Time            string `json:"time"`
	Weekday         string `json:"weekday"`
	Vet             string `json:"vet"`
	DurationMinutes int    `json:"duration_minutes"`
	Kind            string `json:"kind"`
}

func slotOf(s clinic.Slot) slot {
	return slot{s.Date.String(), s.Time.String(), s.Date.Weekday().String(), s.Vet.Name, clinic.SlotMinutes, s.Kind}
}

type slotList struct {
	Slots      []slot `json:"slots"`
	TimeZone   string `json:"time_zone"`
	From       string `json:"from" jsonschema:"first day that was looked at"`
	To         string `json:"to" jsonschema:"last day that was looked at"`
	NextCursor string `json:"next_cursor" jsonschema:"empty on the last page"`
}

type appointment struct {
	ID              string `json:"id"`
	Pet             petRef `json:"pet"`
	Date            string `json:"date"`
	Time            string `json:"time"`
	Weekday         string `json:"weekday"`
	DurationMinutes int    `json:"duration_minutes"`
	Kind            string `json:"kind"`
	Vet             string `json:"vet"`
	Reason          string `json:"reason"`
	Status          string `json:"status" jsonschema:"booked, cancelled or past"`
	BookedBy        string `json:"booked_by,omitempty" jsonschema:"the agent that booked it for the user; left out when there was none"`
}

func (t *tools) appointmentOf(a clinic.Appointment) appointment {
	return appointment{a.ID, petRef(a.Pet), a.Date.String(), a.Time.String(), a.Date.Weekday().String(), clinic.SlotMinutes, a.Kind, a.Vet, a.Reason, a.Status(t.clinic.Now()), a.BookedBy}
}

func (a appointment) String() string {
	by := ""
	if a.BookedBy != "" {
		by = ", booked by " + a.BookedBy
	}
	return fmt.Sprintf("%s on %s %s at %s for %s with %s (%s, id %s%s)", a.Kind, a.Weekday, a.Date, a.Time, a.Pet.Name, a.Vet, a.Status, a.ID, by)
}

type appointmentList struct {
	Appointments []appointment `json:"appointments"`
	TimeZone     string        `json:"time_zone"`
	NextCursor   string        `json:"next_cursor" jsonschema:"empty on the last page"`
}

type oneAppointment struct {
	Appointment appointment `json:"appointment"`
}

type findSlotsIn struct {
	Date      string `json:"date"`
	Days      int    `json:"days"`
	PartOfDay string `json:"part_of_day"`
	Kind      string `json:"kind"`
	Cursor    string `json:"cursor"`
}

type listAppointmentsIn struct {
	Pet         string `json:"pet"`
	IncludePast bool   `json:"include_past"`
	Cursor      string `json:"cursor"`
}

type cancelIn struct {
	AppointmentID string `json:"appointment_id"`
	Pet           string `json:"pet"`
	Date          string `json:"date"`
}

func (t *tools) addAppointments(s *sdk.Server) {
	kind := func() arg {
		return may("kind", withDefault(choice("Kind of visit.", clinic.Kinds...), clinic.Kinds[0]))
	}
	add(t, s, "find_appointment_slots", "Find free appointment times",
		"Lists times at which the clinic can see a pet, in order. Use it when the user asks when there is a free appointment, or gives a day without a time.",
		reads, input(
			may("date", t.date("First day to look at; today when left out.")),
			may("days", withDefault(integer(1, 14, "How many days to look at; 1 for a single day."), 7)),
			may("part_of_day", choice("Only mornings (until 12:00), afternoons (until 17:00) or evenings.", clinic.PartsOfDay...)),
			kind(),
			may("cursor", cursor())), t.findSlots)
	add(t, s, "list_appointments", "List appointments",
		"Lists appointments that are booked, those of the user's pets or, for clinic staff, of all pets. Use it for questions such as \"when is my next appointment\".",
		reads, input(
			may("pet", words(64, "Name or id of a pet, to list only its appointments.")),
			may("include_past", withDefault(boolean("Also list past and cancelled appointments."), false)),
			may("cursor", cursor())), t.listAppointments)
	register[bookIn, booking](t, s, bookingTool, "Book an appointment",
		"Books an appointment of 30 minutes for a pet on a day and time. Book only a day and time that the user has named or agreed to. If the time is not free, nothing is booked: the user is asked to choose another one where the client can do that (elicitation), else the result lists other times.",
		adds, input(
			need("pet", pet()),
			need("date", t.date("Day of the appointment.")),
			need("time", clock("Time at which it begins, on the hour or half hour.")),
			kind(),
			may("reason", words(500, "Why the pet should be seen, in the user's words."))), t.book)
	cancel := input(
		may("appointment_id", words(128, "Id of the appointment, from list_appointments or book_vet_appointment.")),
		may("pet", words(64, "Name or id of the pet, when the id of the appointment is not known.")),
		may("date", t.date("Day of the appointment, together with pet.")))
	add(t, s, "cancel_vet_appointment", "Cancel an appointment",
		"Cancels an appointment that is still to come. Give either appointment_id, or pet and date.",
		changes, cancel, t.cancel)
}

func (t *tools) findSlots(ctx context.Context, _ clinic.Actor, in findSlotsIn) (slotList, string, error) {
	day, err := parseDate(in.Date)
	if err != nil {
		return slotList{}, "", err
	}
	found, err := t.clinic.FreeSlots(ctx, clinic.SlotQuery{From: day, Days: in.Days, PartOfDay: in.PartOfDay, Kind: in.Kind, Cursor: in.Cursor})
	if err != nil {
		return slotList{}, "", err
	}
	out := slotList{[]slot{}, t.clinic.Facts().Zone, found.From.String(), found.To.String(), found.Next}
	var text strings.Builder
	fmt.Fprintf(&text, "Free times from %s to %s:", out.From, out.To)
	last := ""
	for _, s := range found.Slots {
		o := slotOf(s)
		out.Slots = append(out.Slots, o)
		if o.Date != last {
			fmt.Fprintf(&text, "\n%s %s:", o.Weekday, o.Date)
			last = o.Date
		}
		text.WriteString(" " + o.Time)
	}
	if len(out.Slots) == 0 {
		return out, fmt.Sprintf("There is no free time from %s to %s. Look at other days.", out.From, out.To), nil
	}
	if out.NextCursor != "" {
		text.WriteString("\nThere are more; call again with cursor " + out.NextCursor + ".")
	}
	return out, text.String(), nil
}

func (t *tools) listAppointments(ctx context.Context, who clinic.Actor, in listAppointmentsIn) (appointmentList, string, error) {
	if in.Pet == "" {
		traceOwn(ctx, who)
	}
	list, next, err := t.clinic.ListAppointments(ctx, who, clinic.AppointmentFilter{Pet: in.Pet, IncludePast: in.IncludePast, Cursor: in.Cursor})
	if err != nil {
		return appointmentList{}, "", err
	}
	out := appointmentList{[]appointment{}, t.clinic.Facts().Zone, next}
	lines := []string{}
	for _, a := range list {
		o := t.appointmentOf(a)
		out.Appointments = append(out.Appointments, o)
		lines = append(lines, o.String())
	}
	if next != "" {
		lines = append(lines, "There are more; call again with cursor "+next+".")
	}
	if len(lines) == 0 {
		lines = append(lines, "There are no appointments.")
	}
	return out, strings.Join(lines, "\n"), nil
}

func (t *tools) cancel(ctx context.Context, who clinic.Actor, in cancelIn) (out oneAppointment, text string, err error) {
	var a clinic.Appointment
	switch {
	case in.AppointmentID != "":
		a, err = t.clinic.Cancel(ctx, who, in.AppointmentID)
	case in.Pet != "" && in.Date != "":
		var day clinic.Date
		if day, err = clinic.ParseDate(in.Date); err == nil {
			a, err = t.clinic.CancelOn(ctx, who, in.Pet, day)
		}
	default:
		err = badArguments("give appointment_id, or both pet and date")
	}
	if err != nil {
		return oneAppointment{}, "", err
	}
	o := t.appointmentOf(a)
	return oneAppointment{o}, "Cancelled: " + o.String() + ".", nil
}
