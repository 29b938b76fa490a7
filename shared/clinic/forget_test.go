package clinic_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
)

// TestForget: all of one person's records go, with what others could find them by, and nothing of anybody else's.
func TestForget(t *testing.T) {
	l := newLab(t, true)
	fresh := l.items(t)
	zoe := clinic.Actor{ID: "user-zoe"}
	if err := l.AddOwner(t.Context(), clinic.Owner{ID: zoe.ID, Name: "Zoë Quill"}); err != nil {
		t.Fatal(err)
	}
	for n := range 12 { // more than fits into one write
		p, err := l.AddPet(t.Context(), carol, zoe.ID, clinic.Pet{Name: fmt.Sprint("Ozzy ", n), Species: "dog", BirthDate: day(t, "2024-01-01")})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := l.RecordVaccination(t.Context(), carol, p.ID, clinic.Dose{Vaccine: "rabies"}); err != nil {
			t.Fatal(err)
		}
	}
	booked, err := l.Book(t.Context(), zoe, clinic.Booking{Pet: "Ozzy 1", Date: day(t, "2026-12-01"), Time: clock(t, "10:00")})
	if err == nil {
		_, err = l.SetReminder(t.Context(), zoe, clinic.NewReminder{Text: "Buy food", Date: day(t, "2026-12-01"), Time: clock(t, "10:00")})
	}
	if err == nil {
		_, err = l.OpenTicket(t.Context(), zoe, clinic.Ticket{Message: "Hello?"})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", clinic.NotFound} {
		wantCode(t, l.Forget(t.Context(), zoe.ID), want)
		// Her guard is all that is left, and that she is somebody.
		left := strings.Split(strings.TrimSpace(l.items(t)), "\n")
		var more []string
		for _, line := range left {
			if !strings.Contains(fresh, line) {
				more = append(more, strings.Join(strings.Fields(line)[:2], " "))
			}
		}
		if len(left) != strings.Count(fresh, "\n")+2 || len(more) != 2 || !strings.HasPrefix(more[0], "clinic/people/") || more[1] != "clinic/person/user-zoe guard" {
			t.Errorf("left: %q", more)
		}
	}
	if _, err := l.Pet(t.Context(), carol, booked.Pet.ID); code(err) != clinic.NotFound {
		t.Errorf("her pet is found: %v", err)
	}
	if a, err := l.Book(t.Context(), bob, clinic.Booking{Pet: "Fido", Date: booked.Date, Time: booked.Time}); err != nil || a.Vet != booked.Vet {
		t.Errorf("the vet of her visit is not free: %+v, %v", a, err)
	}
	for _, id := range []string{"", "a/b", "user-nobody"} {
		wantCode(t, l.Forget(t.Context(), id), clinic.NotFound)
	}
}

// between calls something once, just before a person's records are written.
type between struct {
	store.Store
	once sync.Once
	f    func()
}

func (b *between) Write(ctx context.Context, ops ...store.Op) error {
	b.once.Do(b.f)
	return b.Store.Write(ctx, ops...)
}

// TestForgetAndCancel: the slot of a visit that was cancelled in between is somebody else's, and stays theirs.
func TestForgetAndCancel(t *testing.T) {
	l := newLab(t, true)
	at := clinic.Booking{Pet: "Fido", Date: day(t, "2026-12-05"), Time: clock(t, "10:00")} // a Saturday: one vet works
	a, err := l.Book(t.Context(), bob, at)
	if err != nil {
		t.Fatal(err)
	}
	late := l.over(t, &between{Store: l.store, f: func() {
		if _, err := l.Cancel(t.Context(), bob, a.ID); err != nil {
			t.Error(err)
		}
		if _, err := l.Book(t.Context(), alice, clinic.Booking{Pet: "Luna", Date: at.Date, Time: at.Time}); err != nil {
			t.Error(err)
		}
	}})
	if err := late.Forget(t.Context(), bob.ID); err != nil {
		t.Fatal(err)
	}
	_, err = l.Book(t.Context(), carol, clinic.Booking{Pet: "Rex", Date: at.Date, Time: at.Time})
	wantCode(t, err, clinic.SlotTaken)
	if pets, _, err := l.ListPets(t.Context(), bob, clinic.PetFilter{}); err != nil || len(pets) != 0 {
		t.Errorf("%+v, %v", pets, err)
	}
}

// TestForgottenMeanwhile: what staff note about a person while they are forgotten brings back neither their name nor a word to them.
func TestForgottenMeanwhile(t *testing.T) {
	rex := clinic.Pet{Name: "Bello", Species: "dog", BirthDate: day(t, "2024-01-01")}
	for name, c := range map[string]struct {
		does func(c *clinic.Clinic) error
		want string
	}{
		"staff add a pet": {func(c *clinic.Clinic) error { _, err := c.AddPet(t.Context(), carol, "Bob Miller", rex); return err }, clinic.NotFound},
		"bob adds a pet":  {func(c *clinic.Clinic) error { _, err := c.AddPet(t.Context(), bob, bob.ID, rex); return err }, ""}, // as who is no customer yet
		"staff remind him": {func(c *clinic.Clinic) error {
			_, err := c.SetReminder(t.Context(), carol, clinic.NewReminder{Text: "Fido is due", Pet: "Fido", ForOwner: true, Date: day(t, "2026-12-01"), Time: clock(t, "10:00")})
			return err
		}, clinic.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, true)
			late := l.over(t, &between{Store: l.store, f: func() {
				if err := l.Forget(t.Context(), bob.ID); err != nil {
					t.Error(err)
				}
			}})
			wantCode(t, c.does(late), c.want)
			if n := l.count(t, "body LIKE '%Bob Miller%' OR body LIKE '%Fido is due%'"); n != 0 {
				t.Errorf("%d records know him still", n)
			}
		})
	}
}

// TestForgetAtOnce: who books while they are forgotten is forgotten, or comes after it; no slot is left without its visit.
func TestForgetAtOnce(t *testing.T) {
	l := newLab(t, true)
	var people sync.WaitGroup
	people.Go(func() {
		for hour := range 8 {
			_, err := l.Book(t.Context(), bob, clinic.Booking{Pet: "Fido", Date: day(t, "2026-12-01"), Time: clock(t, fmt.Sprintf("%02d:30", 8+hour))})
			if c := code(err); c != "" && c != clinic.NotFound && c != clinic.Conflict {
				t.Error(err)
			}
		}
	})
	people.Go(func() {
		if err := l.Forget(t.Context(), bob.ID); err != nil {
			t.Error(err)
		}
	})
	people.Wait()
	if n := l.count(t, "partition = 'clinic/day/2026-12-01' AND body LIKE '%user-bob%'"); n != 0 {
		t.Errorf("%d slots are bob's still", n)
	}
}
