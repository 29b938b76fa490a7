package clinic_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

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
		db := storetest.Open(t, func() time.Time { return monday })
		err := clinic.Seed(t.Context(), &failing{db, writes}, seed.Files, monday)
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
		db := storetest.Open(t, func() time.Time { return now })
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
	}
}
