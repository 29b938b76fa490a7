package clinic_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// lab is a clinic whose every item a test can see.
type lab struct {
	*house
	raw *sql.DB
}

func newLab(t *testing.T, seeded bool) *lab {
	t.Helper()
	l := &lab{house: &house{now: monday}}
	file := filepath.Join(t.TempDir(), "clinic.db")
	db, err := sqlite.Open(t.Context(), file, func() time.Time { return l.now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if l.raw, err = sql.Open("sqlite", file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.raw.Close() })
	l.store = store.Restrict(db, clinic.Partitions...)
	if seeded {
		if err := clinic.Seed(t.Context(), l.store, seed.Files, l.now); err != nil {
			t.Fatal(err)
		}
	}
	l.Clinic = l.over(t, l.store)
	return l
}

func (l *lab) over(t *testing.T, s store.Store) *clinic.Clinic {
	t.Helper()
	c, err := clinic.New(clinic.Config{Store: s, Files: seed.Files, Now: func() time.Time { return l.now }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// items are all that is stored, but the versions, what the clinic notes about itself, and snapshots.
func (l *lab) items(t *testing.T) string {
	t.Helper()
	rows, err := l.raw.QueryContext(t.Context(), `SELECT partition, sort, expires, body FROM items
		WHERE partition NOT GLOB 'clinic/setup/*' AND partition NOT GLOB 'clinic/snapshot/*' ORDER BY partition, sort`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var partition, sort string
		var expires int64
		var body []byte
		if err := rows.Scan(&partition, &sort, &expires, &body); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, partition, sort, expires, string(body))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (l *lab) count(t *testing.T, where string) (n int) {
	t.Helper()
	if err := l.raw.QueryRowContext(t.Context(), "SELECT count(*) FROM items WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// use leaves every kind of record: bookings, a cancelled one, a new owner and pet, another name, reminders and messages of people
// who are no customers.
func (l *lab) use(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Book(ctx, bob, clinic.Booking{Pet: "Fido", Date: day(t, "2026-12-01"), Time: clock(t, "10:00")})
	must(err)
	a, err := l.Book(ctx, bob, clinic.Booking{Pet: "Milo", Date: day(t, "2026-12-01"), Time: clock(t, "10:00"), Reason: "Übelkeit <b>\"?"})
	must(err)
	_, err = l.Cancel(ctx, bob, a.ID)
	must(err)
	must(l.AddOwner(ctx, clinic.Owner{ID: "user-zoe", Name: "Zoë Quill"}))
	_, err = l.AddPet(ctx, carol, "user-zoe", clinic.Pet{Name: "Ozzy", Species: "dog", BirthDate: day(t, "2026-01-01")})
	must(err)
	name := "Xerxes"
	_, _, err = l.UpdatePet(ctx, carol, "pet-rex", clinic.PetChange{Name: &name})
	must(err)
	_, _, _, err = l.RecordVaccination(ctx, carol, "Fido", clinic.Dose{Vaccine: "bordetella"})
	must(err)
	_, err = l.SetReminder(ctx, carol, clinic.NewReminder{Text: "Order gloves", Date: day(t, "2026-12-24"), Time: clock(t, "09:00")})
	must(err)
	_, err = l.OpenTicket(ctx, clinic.Actor{ID: "user-guest"}, clinic.Ticket{Message: "Hello?"})
	must(err)
}

func TestReset(t *testing.T) {
	l := newLab(t, true)
	fresh := l.items(t)
	l.use(t)
	counts, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil)
	if err != nil || counts != (clinic.Counts{Pets: 9, Owners: 7}) {
		t.Errorf("%+v, %v", counts, err)
	}
	if got := l.items(t); got != fresh {
		t.Errorf("got\n%s\nwant\n%s", got, fresh)
	}
	l.use(t) // and everybody can go on
}

// TestResetOfAnEmptyClinic: the demo's customers become the users of whoever asks.
func TestResetOfAnEmptyClinic(t *testing.T) {
	l := newLab(t, false)
	l.now = monday.AddDate(0, 0, 40)
	for range 2 {
		if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, map[string]string{"user-bob": "u-1", "user-nobody": "u-2"}); err != nil {
			t.Fatal(err)
		}
	}
	pets, _, err := l.ListPets(t.Context(), clinic.Actor{ID: "u-1"}, clinic.PetFilter{})
	if err != nil || len(pets) != 2 || pets[0].Name != "Fido" || pets[0].Owner != (clinic.Owner{ID: "u-1", Name: "Bob Miller"}) {
		t.Errorf("%+v, %v", pets, err)
	}
	if r, err := l.Reminders(t.Context(), clinic.Actor{ID: "u-1"}, ""); err != nil || len(r) != 1 || r[0].Date != clinic.DateOf(l.now).AddDays(-10) {
		t.Errorf("%+v, %v", r, err)
	}
	if a, _, err := l.ListAppointments(t.Context(), clinic.Actor{ID: "u-1"}, clinic.AppointmentFilter{IncludePast: true}); err != nil || len(a) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if n := l.count(t, "partition IN ('clinic/person/user-bob', 'clinic/person/u-2')"); n != 0 {
		t.Errorf("%d items of others", n)
	}
	if p, err := l.Pet(t.Context(), alice, "Luna"); err != nil || p.Owner.ID != "user-alice" {
		t.Errorf("%+v, %v", p, err)
	}
	before := l.items(t)
	if err := clinic.Seed(t.Context(), l.store, seed.Files, l.now); err != nil || l.items(t) != before {
		t.Errorf("a start changed something: %v", err)
	}
	_, err = clinic.Reset(t.Context(), l.store, seed.Files, l.now, map[string]string{"user-bob": "a/b"})
	wantCode(t, err, clinic.Invalid)
}

// TestResetForgetsOlderFiles: customers from before there was a list of people are found all the same.
func TestResetForgetsOlderFiles(t *testing.T) {
	l := newLab(t, true)
	fresh := l.items(t)
	if err := l.AddOwner(t.Context(), clinic.Owner{ID: "user-zoe", Name: "Zoë Quill"}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.SetReminder(t.Context(), carol, clinic.NewReminder{Text: "Order gloves", Date: day(t, "2026-12-24")}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{`DELETE FROM items WHERE partition GLOB 'clinic/people/*'`, `UPDATE items SET body = '{}' WHERE sort = 'guard'`} {
		if _, err := l.raw.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.SetReminder(t.Context(), carol, clinic.NewReminder{Text: "Order more", Date: day(t, "2026-12-24")}); err != nil { // which lists her
		t.Fatal(err)
	}
	if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
		t.Fatal(err)
	}
	if got := l.items(t); got != fresh {
		t.Errorf("got\n%s\nwant\n%s", got, fresh)
	}
}

// TestInterrupted: wherever a reset or a restore stops, it can be done again, and the next start finishes it.
func TestInterrupted(t *testing.T) {
	l := newLab(t, true)
	fresh := l.items(t)
	l.use(t)
	used := l.items(t)
	snap, err := l.Snapshot(t.Context(), "used")
	if err != nil {
		t.Fatal(err)
	}
	reset := func(s store.Store) error {
		_, err := clinic.Reset(t.Context(), s, seed.Files, l.now, nil)
		return err
	}
	start := func(s store.Store) error { return clinic.Seed(t.Context(), s, seed.Files, l.now) }
	bring := func(s store.Store) error { return l.over(t, s).Restore(t.Context(), snap.ID) }
	for _, c := range []struct {
		name      string
		do, again func(store.Store) error
		from      func(store.Store) error
		want      string
	}{
		{"reset again", reset, reset, bring, fresh},
		{"reset, then a start", reset, start, bring, fresh},
		{"restore again", bring, bring, reset, used},
		{"restore, then a start", bring, start, reset, used},
		{"restore, then a reset", bring, reset, reset, fresh},
	} {
		for writes := 2; ; writes += 1 + writes/2 { // the first closes the gate, the second says what is done
			if err := c.from(l.store); err != nil {
				t.Fatal(err)
			}
			err := c.do(&failing{l.store, writes})
			if err == nil {
				if writes < 10 {
					t.Errorf("%s: only %d writes", c.name, writes)
				}
				l.now = l.now.Add(time.Minute) // it could not open the gate
				break
			}
			if !errors.Is(err, store.ErrBusy) {
				t.Fatal(err)
			}
			l.now = l.now.Add(time.Minute) // until the gate opens by itself
			if err := c.again(l.store); err != nil {
				t.Fatalf("%s after %d writes: %v", c.name, writes, err)
			}
			if got := l.items(t); got != c.want {
				t.Fatalf("%s after %d writes: got\n%s\nwant\n%s", c.name, writes, got, c.want)
			}
		}
	}
}

// TestGate: while all records are replaced, questions are answered and changes asked to come back; nothing else happens to them.
func TestGate(t *testing.T) {
	l := newLab(t, true)
	snap, err := l.Snapshot(t.Context(), "before")
	if err != nil {
		t.Fatal(err)
	}
	_, err = clinic.Reset(t.Context(), &failing{l.store, 1}, seed.Files, l.now, nil) // and the process is gone, the gate closed
	if !errors.Is(err, store.ErrBusy) {
		t.Fatal(err)
	}
	book := func() error {
		_, err := l.Book(t.Context(), bob, clinic.Booking{Pet: "Fido", Date: day(t, "2026-12-01"), Time: clock(t, "10:00")})
		return err
	}
	if _, err := l.Vaccinations(t.Context(), bob, "Fido"); err != nil {
		t.Error(err)
	}
	wantCode(t, book(), clinic.Conflict)
	_, err = clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil)
	wantCode(t, err, clinic.Conflict)
	wantCode(t, l.Restore(t.Context(), snap.ID), clinic.Conflict)
	wantCode(t, l.DeleteSnapshot(t.Context(), snap.ID), clinic.Conflict)
	_, err = l.Snapshot(t.Context(), "meanwhile")
	wantCode(t, err, clinic.Conflict)
	l.now = l.now.Add(time.Minute)
	wantCode(t, book(), "")
}

// slowStore makes a step of the clock with each write.
type slowStore struct {
	store.Store
	step func()
}

func (s *slowStore) Write(ctx context.Context, ops ...store.Op) error {
	s.step()
	return s.Store.Write(ctx, ops...)
}

// TestLostTurn: who took longer than a minute does not write under the turn of somebody who came after that, even when that is
// not the first.
func TestLostTurn(t *testing.T) {
	l := newLab(t, true)
	inside, goOn, third := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	writes := 0
	_, err := clinic.Reset(t.Context(), &slowStore{l.store, func() {
		if writes++; writes != 5 {
			return
		}
		l.now = l.now.Add(2 * time.Minute)
		if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
			t.Error("the second:", err)
		}
		begun := 0
		go func() {
			_, err := clinic.Reset(t.Context(), &slowStore{l.store, func() {
				if begun++; begun == 5 {
					close(inside)
					<-goOn
				}
			}}, seed.Files, l.now, nil)
			third <- err
		}()
		<-inside
	}}, seed.Files, l.now, nil)
	wantCode(t, err, clinic.Conflict)
	close(goOn)
	if err := <-third; err != nil {
		t.Error("the third:", err)
	}
}

// TestTooSlow: who holds the gate for longer than it stays closed does no harm to whoever came next.
func TestTooSlow(t *testing.T) {
	l := newLab(t, true)
	_, err := clinic.Reset(t.Context(), &slowStore{l.store, func() { l.now = l.now.Add(10 * time.Second) }}, seed.Files, l.now, nil)
	wantCode(t, err, clinic.Conflict)
	if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
		t.Error(err)
	}
}

// TestResetAgainstBookings: people go on booking while the clinic is reset; each gets an answer, and no slot is taken by an
// appointment that nobody has.
func TestResetAgainstBookings(t *testing.T) {
	l := newLab(t, true)
	var people sync.WaitGroup
	stop := make(chan struct{})
	for n := range 4 {
		people.Go(func() {
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				a, err := l.Book(t.Context(), bob, clinic.Booking{Pet: "Fido", Date: day(t, "2026-12-01").AddDays(7 * (i % 12)), Time: clock(t, "11:00")})
				var refused *clinic.Error
				if err != nil && !errors.As(err, &refused) {
					t.Errorf("book: %v", err)
					return
				}
				if err == nil {
					if _, err := l.Cancel(t.Context(), bob, a.ID); err != nil && !errors.As(err, &refused) {
						t.Errorf("cancel: %v", err)
						return
					}
				}
			}
		})
	}
	for range 3 {
		if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	people.Wait()
	if n := l.count(t, `partition GLOB 'clinic/day/*' AND NOT EXISTS (SELECT 1 FROM items AS a
		WHERE a.partition = 'clinic/person/' || (items.body ->> 'owner') AND a.sort = 'appointment/' || (items.body ->> 'id'))`); n != 0 {
		t.Errorf("%d slots are taken by nobody", n)
	}
	if _, err := clinic.Reset(t.Context(), l.store, seed.Files, l.now, nil); err != nil {
		t.Error(err)
	}
	if n := l.count(t, "partition GLOB 'clinic/day/*'"); n != 8 {
		t.Errorf("%d slots after the last reset", n)
	}
}
