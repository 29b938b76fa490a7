package clinic_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/clinic"
)

func booking(t *testing.T, pet, date, at string) clinic.Booking {
	return clinic.Booking{Pet: pet, Date: day(t, date), Time: clock(t, at)}
}

func TestBookAndCancel(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	a, err := h.Book(ctx, bob, booking(t, "Fido", "2026-12-01", "10:00"))
	if err != nil || a.Kind != "check-up" || a.Vet == "" || a.Status(h.now) != clinic.Booked || a.Pet.Name != "Fido" {
		t.Fatal(a, err)
	}
	if want := "2026-12-01T15:00:00Z"; a.Start.UTC().Format(time.RFC3339) != want {
		t.Errorf("%s, want %s", a.Start.UTC(), want)
	}
	_, err = h.Book(ctx, bob, booking(t, "Fido", "2026-12-01", "10:00"))
	wantCode(t, err, clinic.Conflict)
	if _, err := h.Book(ctx, bob, booking(t, "Milo", "2026-12-01", "10:00")); err != nil {
		t.Error(err) // another vet
	}
	list, next, err := h.ListAppointments(ctx, bob, clinic.AppointmentFilter{})
	if err != nil || next != "" || len(list) != 2 || list[0].Pet.Name == "" {
		t.Errorf("%v %v", list, err)
	}
	if list, _, err = h.ListAppointments(ctx, bob, clinic.AppointmentFilter{Pet: "fido", IncludePast: true}); err != nil || len(list) != 2 ||
		list[0].ID != a.ID || list[1].Status(h.now) != clinic.PastVisit {
		t.Errorf("%v %v", list, err)
	}

	_, err = h.Cancel(ctx, alice, a.ID)
	wantCode(t, err, clinic.NotFound)
	past := list[1].ID
	_, err = h.Cancel(ctx, bob, past)
	wantCode(t, err, clinic.Past)
	for range 2 {
		b, err := h.Cancel(ctx, bob, a.ID)
		if err != nil || b.Status(h.now) != clinic.Cancelled || b.Pet.Name != "Fido" {
			t.Error(b, err)
		}
	}
	if b, err := h.Cancel(ctx, carol, a.ID); err != nil || !b.Cancelled {
		t.Error(b, err)
	}
	if b, err := h.Book(ctx, alice, booking(t, "Luna", "2026-12-01", "10:00")); err != nil || b.VetID != a.VetID {
		t.Errorf("the freed slot: %v %v", b, err)
	}
	if b, err := h.CancelOn(ctx, bob, "fido", day(t, "2026-12-01")); err != nil || !b.Cancelled || b.ID != a.ID {
		t.Errorf("cancelled again by its day: %v %v", b, err)
	}
	_, err = h.CancelOn(ctx, bob, "fido", day(t, "2026-12-02"))
	wantCode(t, err, clinic.NotFound)
	if b, err := h.CancelOn(ctx, carol, "milo", day(t, "2026-12-01")); err != nil || !b.Cancelled {
		t.Error(b, err)
	}
	for _, id := range []string{"", "apt-none", "a/b", strings.Repeat("x", 500)} {
		_, err = h.Cancel(ctx, bob, id)
		wantCode(t, err, clinic.NotFound)
	}
	for _, at := range []string{"14:00", "15:00"} {
		if _, err := h.Book(ctx, bob, booking(t, "Milo", "2026-12-01", at)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.CancelOn(ctx, bob, "milo", day(t, "2026-12-01"))
	wantCode(t, err, clinic.Conflict)
}

func TestBookingsThatAreRefused(t *testing.T) {
	h := open(t, monday)
	for _, c := range []struct{ what, date, at, code string }{
		{"this morning", "2026-11-23", "10:00", clinic.Past},
		{"last year", "2025-11-24", "10:00", clinic.Past},
		{"Sunday", "2026-11-29", "10:00", clinic.Closed},
		{"Christmas", "2026-12-25", "10:00", clinic.Closed},
		{"before opening", "2026-11-24", "07:30", clinic.Closed},
		{"after closing", "2026-11-24", "18:00", clinic.Closed},
		{"Saturday afternoon", "2026-11-28", "13:00", clinic.Closed},
		{"between slots", "2026-11-24", "10:10", clinic.Invalid},
		{"next year", "2027-11-24", "10:00", clinic.Invalid},
	} {
		_, err := h.Book(t.Context(), bob, booking(t, "fido", c.date, c.at))
		var e *clinic.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v, want %s", c.what, err, c.code)
			continue
		}
		if len(e.Alternatives) != 3 && c.what != "next year" {
			t.Errorf("%s: %d alternatives", c.what, len(e.Alternatives))
		}
	}
	b := booking(t, "fido", "2026-11-24", "10:00")
	b.Kind = "haircut"
	_, err := h.Book(t.Context(), bob, b)
	wantCode(t, err, clinic.Invalid)
	b.Kind, b.Reason = "", strings.Repeat("x", 501)
	_, err = h.Book(t.Context(), bob, b)
	wantCode(t, err, clinic.Invalid)
}

func TestOneWinnerPerVet(t *testing.T) {
	for date, vets := range map[string]int{"2026-11-28": 1, "2026-11-30": 2, "2026-12-01": 3} {
		h := open(t, monday)
		ctx := t.Context()
		var pets []string
		for i := range 40 {
			id := fmt.Sprint("user-r", i)
			if err := h.AddOwner(ctx, clinic.Owner{ID: id, Name: "Racer " + id}); err != nil {
				t.Fatal(err)
			}
			p, err := h.AddPet(ctx, carol, id, clinic.Pet{Name: fmt.Sprint("Racer ", i), Species: "dog", BirthDate: day(t, "2025-01-01")})
			if err != nil {
				t.Fatal(err)
			}
			pets = append(pets, p.ID)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := map[string]bool{}
		for i, pet := range pets {
			wg.Go(func() {
				a, err := h.Book(ctx, clinic.Actor{ID: fmt.Sprint("user-r", i)}, booking(t, pet, date, "10:30"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					if won[a.VetID] {
						t.Errorf("%s: %s is booked twice", date, a.Vet)
					}
					won[a.VetID] = true
				} else if code(err) != clinic.SlotTaken {
					t.Errorf("%s: %v", date, err)
				}
			})
		}
		wg.Wait()
		if len(won) != vets {
			t.Errorf("%s: %d winners, want %d", date, len(won), vets)
		}
	}
}

func TestLimitOnAppointmentsHoldsInARace(t *testing.T) {
	h := open(t, monday)
	slots, err := h.FreeSlots(t.Context(), clinic.SlotQuery{})
	if err != nil || len(slots.Slots) != clinic.PageSize {
		t.Fatal(len(slots.Slots), err)
	}
	var wg sync.WaitGroup
	for _, s := range slots.Slots {
		wg.Go(func() {
			_, err := h.Book(t.Context(), bob, clinic.Booking{Pet: "Milo", Date: s.Date, Time: s.Time})
			if c := code(err); c != "" && c != clinic.TooMany && c != clinic.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, _, err := h.ListAppointments(t.Context(), bob, clinic.AppointmentFilter{})
	if err != nil || len(list) > clinic.MaxAppointments || len(list) == 0 {
		t.Errorf("%d appointments, %v", len(list), err)
	}
	for i := 1; i < len(list); i++ {
		if !list[i-1].Start.Before(list[i].Start) {
			t.Error("not in order")
		}
	}
}

func TestFreeSlots(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	all := map[string]int{}
	for cursor, pages := "", 0; ; pages++ {
		s, err := h.FreeSlots(ctx, clinic.SlotQuery{Days: 7, Cursor: cursor})
		if err != nil || pages > 10 || s.From.String() != "2026-11-23" || s.To.String() != "2026-11-29" {
			t.Fatal(s, err)
		}
		for _, slot := range s.Slots {
			all[slot.Date.String()]++
			if !slot.Start.After(h.now) || slot.Vet.Name == "" {
				t.Errorf("%+v", slot)
			}
		}
		if cursor = s.Next; cursor == "" {
			break
		}
	}
	// Today from 10:30, six days of 20 slots and a short Saturday; the seed leaves a vet free everywhere but where one vet works alone.
	if all["2026-11-23"] != 15 || all["2026-11-24"] != 20 || all["2026-11-28"] > 8 || all["2026-11-28"] < 7 || all["2026-11-29"] != 0 {
		t.Errorf("%v", all)
	}
	s, err := h.FreeSlots(ctx, clinic.SlotQuery{From: day(t, "2026-11-24"), Days: 1, PartOfDay: "evening", Kind: "dental"})
	if err != nil || len(s.Slots) != 2 || s.Slots[0].Time.String() != "17:00" || s.Slots[0].Kind != "dental" {
		t.Errorf("%+v %v", s, err)
	}
	for what, q := range map[string]clinic.SlotQuery{
		"days": {Days: 15}, "negative": {Days: -1}, "part": {PartOfDay: "night"}, "kind": {Kind: "spa"},
		"far": {From: day(t, "2028-01-01")}, "cursor": {Cursor: "zzz"}, "other cursor": {Cursor: "MjAyMC0wMS0wMSAxMDowMA"},
	} {
		_, err := h.FreeSlots(ctx, q)
		if code(err) != clinic.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = h.FreeSlots(ctx, clinic.SlotQuery{From: day(t, "2026-11-22")})
	wantCode(t, err, clinic.Past)
}

func TestStaffDiary(t *testing.T) {
	h := open(t, monday)
	seen := map[string]bool{}
	for cursor, pages := "", 0; ; pages++ {
		list, next, err := h.ListAppointments(t.Context(), carol, clinic.AppointmentFilter{IncludePast: true, Cursor: cursor})
		if err != nil || pages > 12 {
			t.Fatal(err, pages)
		}
		for _, a := range list {
			if seen[a.ID] || a.Pet.Name == "" {
				t.Errorf("%+v", a)
			}
			seen[a.ID] = true
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(seen) != 7 { // Fido's check-up is longer ago than the diary shows
		t.Errorf("%v", seen)
	}
	list, _, err := h.ListAppointments(t.Context(), carol, clinic.AppointmentFilter{Pet: "Luna"})
	if err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	for _, cursor := range []string{"x", "MjAyMC0wMS0wMSAxMDowMA"} {
		_, _, err := h.ListAppointments(t.Context(), carol, clinic.AppointmentFilter{Cursor: cursor})
		wantCode(t, err, clinic.Invalid)
		_, _, err = h.ListAppointments(t.Context(), bob, clinic.AppointmentFilter{Cursor: cursor})
		wantCode(t, err, clinic.Invalid)
	}
}

func TestHistoryPages(t *testing.T) {
	h := open(t, monday)
	for n := range 35 { // one visit a week, each past before the next
		d := clinic.DateOf(h.now).AddDays(1)
		for d.Weekday() != time.Tuesday {
			d = d.AddDays(1)
		}
		if _, err := h.Book(t.Context(), bob, clinic.Booking{Pet: "Milo", Date: d, Time: clock(t, "08:00")}); err != nil {
			t.Fatal(n, err)
		}
		h.now = h.now.AddDate(0, 0, 7)
	}
	total, cursor := 0, ""
	for pages := 0; ; pages++ {
		list, next, err := h.ListAppointments(t.Context(), bob, clinic.AppointmentFilter{Pet: "Milo", IncludePast: true, Cursor: cursor})
		if err != nil || pages > 5 {
			t.Fatal(err)
		}
		total += len(list)
		if cursor = next; next == "" {
			break
		}
	}
	if total != 35 {
		t.Errorf("%d visits", total)
	}
}

func TestDaylightSaving(t *testing.T) {
	// The clocks go forward on 14 March 2027 and back on 7 November 2027, both Sundays.
	for _, c := range []struct{ now, before, after string }{
		{"2027-03-10T12:00:00Z", "2027-03-13T14:00:00Z", "2027-03-15T13:00:00Z"},
		{"2027-11-03T12:00:00Z", "2027-11-06T13:00:00Z", "2027-11-08T14:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		h := open(t, now)
		for _, want := range []string{c.before, c.after} {
			a, err := h.Book(t.Context(), bob, booking(t, "fido", want[:10], "09:00"))
			if err != nil || a.Start.UTC().Format(time.RFC3339) != want || a.Time.String() != "09:00" {
				t.Errorf("%s: %v %v", want, a.Start.UTC(), err)
			}
		}
		s, err := h.FreeSlots(t.Context(), clinic.SlotQuery{From: day(t, c.after[:10]), Days: 1})
		if err != nil || len(s.Slots) < 19 || s.Slots[0].Time.String() != "08:00" {
			t.Errorf("%v %v", s, err)
		}
	}
	h := open(t, monday)
	_, err := h.SetReminder(t.Context(), bob, clinic.NewReminder{Text: "x", Date: day(t, "2027-03-14"), Time: clock(t, "02:30")})
	wantCode(t, err, clinic.Invalid)
	for at, want := range map[string]string{"01:30": "2027-03-14T06:30:00Z", "03:00": "2027-03-14T07:00:00Z"} {
		r, err := h.SetReminder(t.Context(), bob, clinic.NewReminder{Text: "x", Date: day(t, "2027-03-14"), Time: clock(t, at)})
		if err != nil || r.At.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v", at, r.At.UTC(), err)
		}
	}
	// Late in the evening in New York it is tomorrow in Greenwich.
	h.now = time.Date(2026, 11, 24, 4, 30, 0, 0, time.UTC)
	if h.Today().String() != "2026-11-23" {
		t.Error(h.Today())
	}
}

func TestReminders(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	list, err := h.Reminders(ctx, bob, "")
	if err != nil || len(list) != 1 || list[0].At.After(h.now) || list[0].Pet.Name != "Fido" {
		t.Fatal(list, err)
	}
	r, err := h.SetReminder(ctx, bob, clinic.NewReminder{Text: " Buy food ", Date: day(t, "2026-12-01"), Time: clinic.DefaultReminderTime, Pet: "milo"})
	if err != nil || r.Text != "Buy food" || r.Pet.Name != "Milo" || r.Time.String() != "09:00" {
		t.Fatal(r, err)
	}
	if list, err = h.Reminders(ctx, bob, "milo"); err != nil || len(list) != 1 || list[0].ID != r.ID {
		t.Error(list, err)
	}
	if list, err = h.Reminders(ctx, alice, ""); err != nil || len(list) != 1 || list[0].Pet.Name != "Luna" {
		t.Error(list, err)
	}
	_, err = h.CancelReminder(ctx, alice, r.ID)
	wantCode(t, err, clinic.NotFound)
	if q, err := h.CancelReminder(ctx, bob, r.ID); err != nil || q.Pet.Name != "Milo" {
		t.Error(q, err)
	}
	_, err = h.CancelReminder(ctx, bob, r.ID)
	wantCode(t, err, clinic.NotFound)
	for what, n := range map[string]clinic.NewReminder{
		"no text":  {Date: day(t, "2026-12-01")},
		"too long": {Text: strings.Repeat("x", 301), Date: day(t, "2026-12-01")},
		"too far":  {Text: "x", Date: day(t, "2036-12-01")},
	} {
		if _, err := h.SetReminder(ctx, bob, n); code(err) != clinic.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = h.SetReminder(ctx, bob, clinic.NewReminder{Text: "x", Date: day(t, "2026-11-23"), Time: clock(t, "10:00")})
	wantCode(t, err, clinic.Past)
	// Staff have reminders of their own, about anybody's pet.
	if _, err := h.SetReminder(ctx, carol, clinic.NewReminder{Text: "Call", Date: day(t, "2026-12-01"), Pet: "Luna"}); err != nil {
		t.Error(err)
	}
	if list, err = h.Reminders(ctx, carol, ""); err != nil || len(list) != 1 || list[0].Pet.Name != "Luna" {
		t.Error(list, err)
	}
	for n := range clinic.MaxReminders + 1 {
		_, err = h.SetReminder(ctx, alice, clinic.NewReminder{Text: fmt.Sprint("n", n), Date: day(t, "2026-12-02")})
	}
	wantCode(t, err, clinic.TooMany)
}

func TestTickets(t *testing.T) {
	h := open(t, monday)
	tk, err := h.OpenTicket(t.Context(), bob, clinic.Ticket{Message: "Fido ate a sock. " + strings.Repeat("Help! ", 30)})
	if err != nil || tk.ID == "" || !strings.HasPrefix(tk.Subject, "Fido ate a sock. Help!") || len(tk.Subject) > 70 {
		t.Fatal(tk, err)
	}
	for _, bad := range []clinic.Ticket{{}, {Message: strings.Repeat("x", 2001)}, {Message: "x", Subject: "a\x00b"}} {
		_, err := h.OpenTicket(t.Context(), bob, bad)
		wantCode(t, err, clinic.Invalid)
	}
	for range clinic.MaxTickets {
		_, err = h.OpenTicket(t.Context(), bob, clinic.Ticket{Message: "again"})
	}
	wantCode(t, err, clinic.TooMany)
}
