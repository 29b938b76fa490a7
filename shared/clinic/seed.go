package clinic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// seedFile is pets.json. Days are counted from the day of seeding, so that the demo is never stale.
type seedFile struct {
	Owners []Owner `json:"owners"`
	Pets   []struct {
		Pet
		OwnerID  string `json:"owner_id"`
		BornDays int    `json:"born_days"`
		Doses    []struct {
			Vaccine string `json:"vaccine"`
			Days    int    `json:"days"`
			Batch   string `json:"batch"`
		} `json:"doses"`
	} `json:"pets"`
	// Appointments that fall on a day on which the vet does not work move to the next on which they do.
	Appointments []struct {
		Key    string `json:"key"`
		Pet    string `json:"pet"`
		Days   int    `json:"days"`
		Time   Clock  `json:"time"`
		Vet    string `json:"vet"`
		Kind   string `json:"kind"`
		Reason string `json:"reason"`
	} `json:"appointments"`
	Reminders []struct {
		Key    string `json:"key"`
		Person string `json:"person"`
		Pet    string `json:"pet"`
		Text   string `json:"text"`
		Days   int    `json:"days"`
		Time   Clock  `json:"time"`
	} `json:"reminders"`
}

// seedState remembers the day of seeding, so that a run after a crash makes the same records and not a second set.
type seedState struct {
	Day  Date `json:"day"`
	Done bool `json:"done"`

	// What Reset and Restore have begun.
	Wiping  bool              `json:"wiping,omitempty"`  // everything is deleted first
	Owners  map[string]string `json:"owners,omitempty"`  // whom the customers of the file became
	Restore string            `json:"restore,omitempty"` // the snapshot that is to be written instead of the file
}

const seedPartition, seedSort = "clinic/setup/seed", "state"

// Seed writes the demo's customers, pets, appointments and reminders from clinic.json and pets.json, once: on a store
// that it has seeded before it changes nothing, and after a crash in the middle it finishes.
func Seed(ctx context.Context, s store.Store, files fs.FS, now time.Time) error {
	facts, err := LoadFacts(files)
	if err != nil {
		return err
	}
	f, err := readSeed(files)
	if err != nil {
		return err
	}
	state := seedState{Day: DateOf(now.In(facts.zone))}
	err = once(s.Write(ctx, store.Put(store.Encode(seedPartition, seedSort, state, time.Time{}), store.IfAbsent())))
	if err != nil {
		return err
	}
	r, err := store.Read[seedState](ctx, s, seedPartition, seedSort)
	if err != nil {
		return fmt.Errorf("clinic: seed: %w", err)
	}
	if state = r.Value; state.Done {
		return nil
	}
	if state.Wiping || state.Restore != "" || len(state.Owners) > 0 {
		return resume(ctx, s, facts, f, state, now)
	}
	c := &Clinic{store: s, facts: facts, now: func() time.Time { return now }}
	if err := c.seed(ctx, f, state.Day); err != nil {
		return err
	}
	state.Done = true
	return once(s.Write(ctx, store.Put(store.Encode(seedPartition, seedSort, state, time.Time{}), store.IfVersion(r.Version))))
}

func readSeed(files fs.FS) (f seedFile, err error) {
	raw, err := fs.ReadFile(files, "pets.json")
	if err != nil {
		return f, fmt.Errorf("clinic: %w", err)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("clinic: pets.json: %w", err)
	}
	return f, nil
}

// mapped is the file with other people for its customers.
func (f seedFile) mapped(owners map[string]string) seedFile {
	other := func(id string) string { return cmp.Or(owners[id], id) }
	f.Owners, f.Pets, f.Reminders = slices.Clone(f.Owners), slices.Clone(f.Pets), slices.Clone(f.Reminders)
	for i := range f.Owners {
		f.Owners[i].ID = other(f.Owners[i].ID)
	}
	for i := range f.Pets {
		f.Pets[i].OwnerID = other(f.Pets[i].OwnerID)
	}
	for i := range f.Reminders {
		f.Reminders[i].Person = other(f.Reminders[i].Person)
	}
	return f
}

// once reads a conflict as: it was written before.
func once(err error) error {
	if err == nil || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return fmt.Errorf("clinic: seed: %w", err)
}

func (c *Clinic) seed(ctx context.Context, f seedFile, day Date) error {
	owners := map[string]Owner{}
	for _, o := range f.Owners {
		owners[o.ID] = o
		if err := c.AddOwner(ctx, o); err != nil {
			return err
		}
	}
	pets := map[string]Pet{}
	for _, line := range f.Pets {
		p := line.Pet
		p.Owner, p.BirthDate = owners[line.OwnerID], day.AddDays(line.BornDays)
		if p.Owner.ID == "" || !validID(p.ID) || !strings.HasPrefix(p.ID, petID) {
			return fmt.Errorf("clinic: pets.json: pet %q of %q", p.ID, line.OwnerID)
		}
		p, err := c.checkPet(p)
		if err != nil {
			return fmt.Errorf("clinic: pets.json: %s: %w", p.ID, err)
		}
		pets[p.ID] = p
		ops := append(petOps(p, store.IfAbsent()), putRef(p.ID, p.Owner.ID, time.Time{}))
		for _, d := range line.Doses {
			dose := Dose{Vaccine: d.Vaccine, Date: day.AddDays(d.Days), Batch: d.Batch}
			ops = append(ops, store.Put(doseItem(p, dose), store.IfAbsent()))
		}
		if err := once(c.store.Write(ctx, ops...)); err != nil {
			return err
		}
	}
	if err := c.seedAppointments(ctx, f, day, pets); err != nil {
		return err
	}
	for _, line := range f.Reminders {
		r := Reminder{Text: line.Text, Date: day.AddDays(line.Days), Time: line.Time}
		r.At, _ = at(r.Date, r.Time, c.facts.zone)
		r.ID = "rem-" + r.At.UTC().Format(stamp) + "-" + line.Key
		if line.Pet != "" {
			r.Pet = &PetRef{ID: line.Pet}
		}
		if err := once(c.store.Write(ctx, store.Put(reminderItem(line.Person, r), store.IfAbsent()), listPerson(line.Person))); err != nil {
			return err
		}
	}
	return nil
}

func (c *Clinic) seedAppointments(ctx context.Context, f seedFile, day Date, pets map[string]Pet) error {
	used := map[string]bool{}
	for _, line := range f.Appointments {
		p, ok := pets[line.Pet]
		if !ok {
			return fmt.Errorf("clinic: pets.json: appointment %q of pet %q", line.Key, line.Pet)
		}
		a := Appointment{Pet: PetRef{ID: p.ID}, Owner: p.Owner.ID, Time: line.Time, Kind: line.Kind, Reason: line.Reason}
		placed := false
		for n := 0; n < 14 && !placed; n++ {
			a.Date = day.AddDays(line.Days + n)
			vets := c.facts.vetsOn(a.Date)
			i := slices.IndexFunc(vets, func(v Vet) bool { return v.ID == line.Vet })
			if i < 0 || !slices.Contains(c.facts.starts(a.Date), a.Time) {
				continue
			}
			a.Vet, a.VetID = vets[i].Name, vets[i].ID
			a.Start, placed = at(a.Date, a.Time, c.facts.zone)
			placed = placed && !used[dayKey(a.Date)+slotKey(a.Time, a.VetID)]
		}
		if !placed {
			return fmt.Errorf("clinic: pets.json: no room for appointment %q", line.Key)
		}
		used[dayKey(a.Date)+slotKey(a.Time, a.VetID)] = true
		a.ID = "apt-" + a.Start.UTC().Format(stamp) + "-" + line.Key
		err := c.store.Write(ctx,
			store.Put(c.slotItem(a), store.IfAbsent()),
			store.Put(appointmentItem(a, time.Time{}), store.IfAbsent()),
			putRef(a.ID, a.Owner, time.Time{}))
		if err := once(err); err != nil {
			return err
		}
	}
	return nil
}
