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
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

var (
	bob   = clinic.Actor{ID: "user-bob"}
	alice = clinic.Actor{ID: "user-alice"}
	carol = clinic.Actor{ID: "user-carol", Staff: true}

	monday = time.Date(2026, 11, 23, 15, 4, 0, 0, time.UTC) // 10:04 at the clinic
)

// house is a seeded clinic whose clock the test moves.
type house struct {
	*clinic.Clinic
	store store.Store
	now   time.Time
}

func open(t *testing.T, now time.Time) *house {
	t.Helper()
	h := &house{now: now}
	db, err := sqlite.Open(t.Context(), ":memory:", func() time.Time { return h.now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h.store = store.Restrict(db, clinic.Partitions...)
	if err := clinic.Seed(t.Context(), h.store, seed.Files, now); err != nil {
		t.Fatal(err)
	}
	h.Clinic, err = clinic.New(clinic.Config{Store: h.store, Files: seed.Files, Now: func() time.Time { return h.now }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func day(t *testing.T, s string) clinic.Date {
	t.Helper()
	d, err := clinic.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func clock(t *testing.T, s string) clinic.Clock {
	t.Helper()
	c, err := clinic.ParseClock(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// code is the code of a refusal, "" for success, and the whole error for a failure.
func code(err error) string {
	var e *clinic.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got %q (%v), want code %q", got, err, want)
	}
}

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

func TestSeedTwiceChangesNothing(t *testing.T) {
	h := open(t, monday)
	dump := func() (out string) {
		for _, p := range []string{"clinic/person/user-bob", "clinic/person/user-alice", "clinic/index/b", "clinic/day/2026-11-24", "clinic/setup/seed"} {
			page, err := h.store.List(t.Context(), store.Query{Partition: p})
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range page.Items {
				out += fmt.Sprintln(i.Partition, i.Sort, i.Version, string(i.Body))
			}
		}
		return out
	}
	before := dump()
	for _, later := range []time.Duration{0, 40 * 24 * time.Hour} {
		if err := clinic.Seed(t.Context(), h.store, seed.Files, monday.Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	if after := dump(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// failing stops writing after some writes, as a process does that is killed.
type failing struct {
	store.Store
	left int
}

func (f *failing) Write(ctx context.Context, ops ...store.Op) error {
	if f.left--; f.left < 0 {
		return store.ErrBusy
	}
	return f.Store.Write(ctx, ops...)
}

func TestSeedFinishesAfterACrash(t *testing.T) {
	whole := open(t, monday)
	want := everything(t, whole.store)
	for writes := 1; writes < 30; writes++ { // the first one says on which day
		db, err := sqlite.Open(t.Context(), ":memory:", func() time.Time { return monday })
		if err != nil {
			t.Fatal(err)
		}
		err = clinic.Seed(t.Context(), &failing{db, writes}, seed.Files, monday)
		if err == nil && everything(t, db) != want {
			t.Errorf("after %d writes it called itself done", writes)
		}
		// The next start is days later; the data are still those of the first day.
		if err := clinic.Seed(t.Context(), db, seed.Files, monday.AddDate(0, 0, 3)); err != nil {
			t.Fatal(err)
		}
		if everything(t, db) != want {
			t.Errorf("crashed after %d writes, the data are others", writes)
		}
		db.Close()
	}
}

// everything is what Seed writes, as text.
func everything(t *testing.T, s store.Store) (out string) {
	t.Helper()
	partitions := []string{"clinic/index/0", "clinic/index/b", "clinic/index/d", "clinic/index/g", "clinic/index/k", "clinic/index/m", "clinic/index/p", "clinic/index/s"}
	for _, name := range []string{"bob", "alice", "dora", "erin", "frank", "grace", "hugo"} {
		partitions = append(partitions, "clinic/person/user-"+name)
	}
	for d := range 12 {
		partitions = append(partitions, "clinic/day/"+clinic.DateOf(monday).AddDays(d).String())
	}
	for _, p := range partitions {
		page, err := s.List(t.Context(), store.Query{Partition: p, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			out += fmt.Sprintln(i.Partition, i.Sort, string(i.Body))
		}
	}
	return out
}

func TestSeedThroughTheYear(t *testing.T) {
	for n := 0; n < 366; n += 13 {
		now := monday.AddDate(0, 0, n)
		db, err := sqlite.Open(t.Context(), ":memory:", func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		if err := clinic.Seed(t.Context(), db, seed.Files, now); err != nil {
			t.Fatal(err)
		}
		c, err := clinic.New(clinic.Config{Store: db, Files: seed.Files, Now: func() time.Time { return now }, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Vaccinations(t.Context(), bob, "Fido")
		if err != nil {
			t.Fatal(err)
		}
		if days := r.AsOf.DaysUntil(r.Next.Due); r.Next.Vaccine.Code != "rabies" || days < 14 || days > 42 {
			t.Errorf("seeded on %s, Fido's next is %s in %d days", r.AsOf, r.Next.Vaccine.Code, days)
		}
		db.Close()
	}
}
