package clinic_test

import (
	"slices"
	"testing"

	"github.com/vetassist/vetassist/shared/clinic"
)

// TestOwnerReminders: what the clinic reminds an owner of is set once, by staff or by a program for which there is no person.
func TestOwnerReminders(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	program := clinic.Actor{Staff: true}
	due := clinic.NewReminder{Text: "Rabies is due", Date: day(t, "2026-12-01"), Time: clinic.DefaultReminderTime, Pet: "Milo", ForOwner: true}
	r, err := h.SetReminder(ctx, program, due)
	if err != nil || !r.FromClinic || r.Pet.Name != "Milo" {
		t.Fatal(r, err)
	}
	for what, c := range map[string]struct {
		who  clinic.Actor
		edit func(*clinic.NewReminder)
		want string
	}{
		"again":                           {program, nil, clinic.Conflict},
		"by somebody else":                {carol, nil, clinic.Conflict},
		"for another day":                 {program, func(n *clinic.NewReminder) { n.Date = day(t, "2026-12-02") }, clinic.Conflict},
		"in other words":                  {program, func(n *clinic.NewReminder) { n.Text = "Leptospirosis is due" }, ""},
		"about another pet":               {program, func(n *clinic.NewReminder) { n.Pet = "Fido" }, ""},
		"by the owner, who may as before": {bob, nil, ""},
		"of another owner":                {alice, nil, clinic.NotFound},
		"without a pet":                   {program, func(n *clinic.NewReminder) { n.Pet = "" }, clinic.Invalid},
		"for the program itself":          {program, func(n *clinic.NewReminder) { n.ForOwner = false }, clinic.Invalid},
		"by nobody":                       {clinic.Actor{}, nil, clinic.NotFound},
	} {
		n := due
		if c.edit != nil {
			c.edit(&n)
		}
		if _, err := h.SetReminder(ctx, c.who, n); code(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	of := func(who clinic.Actor) (texts []string) {
		list, err := h.OwnerReminders(ctx, who, "Milo")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			texts = append(texts, r.Text)
		}
		slices.Sort(texts)
		return texts
	}
	for _, who := range []clinic.Actor{program, carol, bob} { // and not what Bob noted for himself
		if got := of(who); !slices.Equal(got, []string{"Leptospirosis is due", "Rabies is due"}) {
			t.Errorf("%+v sees %q", who, got)
		}
	}
	if _, err := h.OwnerReminders(ctx, alice, "Milo"); code(err) != clinic.NotFound {
		t.Error(err)
	}
	if list, err := h.Reminders(ctx, bob, "Milo"); err != nil || len(list) != 3 {
		t.Error(list, err)
	}
	if _, err := h.CancelReminder(ctx, bob, r.ID); err != nil {
		t.Error(err)
	}
	if _, err := h.SetReminder(ctx, program, due); err != nil {
		t.Error("after it was cancelled:", err)
	}
	// Two at once: one is set.
	due.Text = "Bordetella is due"
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := h.SetReminder(ctx, program, due)
			errs <- err
		}()
	}
	set := 0
	for range 8 {
		if err := <-errs; err == nil {
			set++
		} else if code(err) != clinic.Conflict {
			t.Error(err)
		}
	}
	if set != 1 {
		t.Errorf("%d were set", set)
	}
}
