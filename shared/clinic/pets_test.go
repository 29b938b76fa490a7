package clinic_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
)

func TestOwnersSeeTheirOwnPets(t *testing.T) {
	h := open(t, monday)
	for _, c := range []struct {
		who  clinic.Actor
		want string
	}{
		{bob, "Fido Milo "},
		{alice, "Luna "},
		{clinic.Actor{ID: "user-nobody"}, ""},
		{clinic.Actor{ID: ""}, ""},
		{clinic.Actor{ID: "user-bob/pet"}, ""},
		{carol, "Bandit Bella Bella Clover Fido Luna Milo Rex Whiskers "},
	} {
		pets, next, err := h.ListPets(t.Context(), c.who, clinic.PetFilter{})
		got := ""
		for _, p := range pets {
			got += p.Name + " "
		}
		if err != nil || next != "" || got != c.want {
			t.Errorf("%+v sees %q (%v, %q), want %q", c.who, got, err, next, c.want)
		}
	}
	cats, _, err := h.ListPets(t.Context(), carol, clinic.PetFilter{Species: "cat", Owner: "bob"})
	if err != nil || len(cats) != 1 || cats[0].Name != "Milo" {
		t.Errorf("Bob's cats: %v %v", cats, err)
	}
	_, _, err = h.ListPets(t.Context(), carol, clinic.PetFilter{Species: "horse"})
	wantCode(t, err, clinic.Invalid)
	_, _, err = h.ListPets(t.Context(), bob, clinic.PetFilter{Owner: "Alice Grant"})
	wantCode(t, err, clinic.NotFound)
}

// counting counts what a request reads.
type counting struct {
	store.Store
	reads []string
}

func (c *counting) Get(ctx context.Context, p, s string) (store.Item, error) {
	c.reads = append(c.reads, p+" "+s)
	return c.Store.Get(ctx, p, s)
}

func (c *counting) List(ctx context.Context, q store.Query) (store.Page, error) {
	c.reads = append(c.reads, q.Partition+" "+q.Prefix)
	return c.Store.List(ctx, q)
}

func TestAnotherOwnersPetIsLikeNone(t *testing.T) {
	h := open(t, monday)
	spy := &counting{Store: h.store}
	c, err := clinic.New(clinic.Config{Store: spy, Files: seed.Files, Now: func() time.Time { return monday }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	name, weight := "X", 3.0
	requests := map[string]func(ref string) error{
		"Pet":          func(ref string) error { _, err := c.Pet(ctx, bob, ref); return err },
		"Vaccinations": func(ref string) error { _, err := c.Vaccinations(ctx, bob, ref); return err },
		"UpdatePet": func(ref string) error {
			_, _, err := c.UpdatePet(ctx, bob, ref, clinic.PetChange{Name: &name, WeightKg: &weight})
			return err
		},
		"RecordVaccination": func(ref string) error {
			_, _, _, err := c.RecordVaccination(ctx, bob, ref, clinic.Dose{Vaccine: "rabies"})
			return err
		},
		"Book": func(ref string) error {
			_, err := c.Book(ctx, bob, clinic.Booking{Pet: ref, Date: day(t, "2026-11-24"), Time: clock(t, "10:00")})
			return err
		},
		"ListAppointments": func(ref string) error {
			_, _, err := c.ListAppointments(ctx, bob, clinic.AppointmentFilter{Pet: ref})
			return err
		},
		"CancelOn":  func(ref string) error { _, err := c.CancelOn(ctx, bob, ref, day(t, "2026-12-01")); return err },
		"Reminders": func(ref string) error { _, err := c.Reminders(ctx, bob, ref); return err },
		"SetReminder": func(ref string) error {
			_, err := c.SetReminder(ctx, bob, clinic.NewReminder{Text: "x", Date: day(t, "2026-12-01"), Pet: ref})
			return err
		},
	}
	for method, do := range requests {
		var answers, work []string
		for _, ref := range []string{"pet-luna", "pet-nope"} {
			spy.reads = nil
			err := do(ref)
			wantCode(t, err, clinic.NotFound)
			var e *clinic.Error
			errors.As(err, &e)
			if want := `There is no pet called "` + ref + `" that you can see.`; e.Message != want {
				t.Errorf("%s: %q", method, e.Message)
			}
			answers, work = append(answers, code(err)), append(work, fmt.Sprint(spy.reads))
		}
		if answers[0] != answers[1] || work[0] != work[1] {
			t.Errorf("%s tells the two apart: %v after %v", method, answers, work)
		}
	}
}

func TestStaffLookups(t *testing.T) {
	h := open(t, monday)
	for ref, want := range map[string]string{"luna": "pet-luna", " LUNA ": "pet-luna", "pet-bella-g": "pet-bella-g", "Fido": "pet-fido"} {
		if p, err := h.Pet(t.Context(), carol, ref); err != nil || p.ID != want {
			t.Errorf("%q: %v %v", ref, p.ID, err)
		}
	}
	_, err := h.Pet(t.Context(), carol, "Bella")
	wantCode(t, err, clinic.Invalid)
	want := `Several pets are called "Bella": pet-bella-g (dog of Grace Abiola), pet-bella-h (cat of Hugo Martins). Use the id.`
	var e *clinic.Error
	if errors.As(err, &e); e.Message != want {
		t.Errorf("got  %s\nwant %s", e.Message, want)
	}
	for _, ref := range []string{"Nemo", "Fid", "pet-", "../pet", "%", "a\x00b", "\xff", "!!!"} {
		_, err := h.Pet(t.Context(), carol, ref)
		wantCode(t, err, clinic.NotFound)
	}
	for prefix, want := range map[string]int{"": 9, "b": 3, "Be": 2, "zz": 0} {
		if pets, err := h.CompletePets(t.Context(), carol, prefix, 10); err != nil || len(pets) != want {
			t.Errorf("completing %q: %v %v", prefix, pets, err)
		}
	}
	if pets, err := h.CompletePets(t.Context(), bob, "L", 10); err != nil || len(pets) != 0 {
		t.Errorf("Bob is told %v %v", pets, err)
	}
}

func TestAddAndUpdatePets(t *testing.T) {
	h := open(t, monday)
	ctx := t.Context()
	born := day(t, "2026-08-01")
	bad := map[string]clinic.Pet{
		"name missing":    {Species: "dog", BirthDate: born},
		"name unreadable": {Name: "!?", Species: "dog", BirthDate: born},
		"control":         {Name: "a\x07", Species: "dog", BirthDate: born},
		"species":         {Name: "Kiki", Species: "parrot", BirthDate: born},
		"sex":             {Name: "Kiki", Species: "dog", Sex: "x", BirthDate: born},
		"no birth":        {Name: "Kiki", Species: "dog"},
		"born tomorrow":   {Name: "Kiki", Species: "dog", BirthDate: day(t, "2026-11-24")},
		"born long ago":   {Name: "Kiki", Species: "dog", BirthDate: day(t, "1980-01-01")},
		"weight":          {Name: "Kiki", Species: "dog", BirthDate: born, WeightKg: 201},
		"chip":            {Name: "Kiki", Species: "dog", BirthDate: born, Microchip: "12-34"},
	}
	for what, p := range bad {
		if _, err := h.AddPet(ctx, carol, "Bob Miller", p); code(err) != clinic.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	p, err := h.AddPet(ctx, carol, "bob", clinic.Pet{Name: "Kiki", Species: "ferret", BirthDate: born})
	if err != nil || p.Owner.ID != "user-bob" || p.Sex != "unknown" {
		t.Fatal(p, err)
	}
	_, err = h.AddPet(ctx, carol, "user-bob", clinic.Pet{Name: "kiki", Species: "dog", BirthDate: born})
	wantCode(t, err, clinic.Conflict)
	_, err = h.AddPet(ctx, carol, "Zed", clinic.Pet{Name: "Kiki", Species: "dog", BirthDate: born})
	wantCode(t, err, clinic.NotFound)

	name, weight, empty := "Zorro", 1.25, ""
	q, changed, err := h.UpdatePet(ctx, carol, "kiki", clinic.PetChange{Name: &name, WeightKg: &weight, Notes: &empty})
	if err != nil || fmt.Sprint(changed) != "[name weight_kg]" || q.Name != "Zorro" || q.WeightKg != 1.25 {
		t.Errorf("%v %v %v", q, changed, err)
	}
	_, err = h.Pet(ctx, carol, "Kiki")
	wantCode(t, err, clinic.NotFound)
	if r, err := h.Pet(ctx, carol, "zorro"); err != nil || r != q {
		t.Errorf("%v %v", r, err)
	}
	_, _, err = h.UpdatePet(ctx, carol, "zorro", clinic.PetChange{})
	wantCode(t, err, clinic.Invalid)
	zero := 0.0
	_, _, err = h.UpdatePet(ctx, carol, "zorro", clinic.PetChange{WeightKg: &zero})
	wantCode(t, err, clinic.Invalid)
	milo := "Milo"
	_, _, err = h.UpdatePet(ctx, carol, "zorro", clinic.PetChange{Name: &milo})
	wantCode(t, err, clinic.Conflict)
}

func TestLimitOnPetsHoldsInARace(t *testing.T) {
	h := open(t, monday)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			_, err := h.AddPet(t.Context(), carol, "user-erin", clinic.Pet{Name: fmt.Sprint("Pet ", i), Species: "cat", BirthDate: clinic.Date{Year: 2026, Month: 1, Day: 1}})
			if c := code(err); c != "" && c != clinic.TooMany && c != clinic.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	pets, _, err := h.ListPets(t.Context(), carol, clinic.PetFilter{Owner: "user-erin"})
	if err != nil || len(pets) > clinic.MaxPets || len(pets) < 2 {
		t.Errorf("%d pets, %v", len(pets), err)
	}
}

func TestStaffListPages(t *testing.T) {
	h := open(t, monday)
	for o := range 6 {
		id := fmt.Sprint("user-x", o)
		if err := h.AddOwner(t.Context(), clinic.Owner{ID: id, Name: "Xavier " + id}); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			p := clinic.Pet{Name: fmt.Sprintf("%c-pet %d", 'a'+(o*12+i)%26, o), Species: "cat", BirthDate: clinic.Date{Year: 2026, Month: 1, Day: 1}}
			if _, err := h.AddPet(t.Context(), carol, id, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	var names []string
	for cursor, pages := "", 0; ; pages++ {
		pets, next, err := h.ListPets(t.Context(), carol, clinic.PetFilter{Cursor: cursor})
		if err != nil || len(pets) > clinic.PageSize || pages > 10 {
			t.Fatal(len(pets), pages, err)
		}
		for _, p := range pets {
			names = append(names, p.Name)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(names) != 9+72 {
		t.Errorf("%d pets: %v", len(names), names)
	}
	for _, cursor := range []string{"x", "!!", "CQ.", "_w.abc", "AA.***"} {
		_, _, err := h.ListPets(t.Context(), carol, clinic.PetFilter{Cursor: cursor})
		wantCode(t, err, clinic.Invalid)
		_, _, err = h.ListPets(t.Context(), bob, clinic.PetFilter{Cursor: cursor})
		wantCode(t, err, clinic.Invalid)
	}
	_, err := h.Pet(t.Context(), carol, "xavier")
	wantCode(t, err, clinic.NotFound)
	_, _, err = h.ListPets(t.Context(), carol, clinic.PetFilter{Owner: "xavier"})
	wantCode(t, err, clinic.Invalid) // six of them
}
