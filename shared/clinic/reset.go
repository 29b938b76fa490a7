package clinic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Counts is how much a Reset has written.
type Counts struct {
	Pets   int `json:"pets"`
	Owners int `json:"owners"`
}

// Reset deletes every record of the clinic and seeds it anew, as of today. owners says which user each customer of pets.json
// becomes (id there to id of the user); the others keep the id that they have there. Snapshots stay. One that was
// interrupted is finished by the next Reset, or by the next Seed.
func Reset(ctx context.Context, s store.Store, files fs.FS, now time.Time, owners map[string]string) (Counts, error) {
	facts, err := LoadFacts(files)
	if err != nil {
		return Counts{}, err
	}
	f, err := readSeed(files)
	if err != nil {
		return Counts{}, err
	}
	for _, id := range owners {
		if !validID(id) {
			return Counts{}, refuse(Invalid, "%s cannot be the id of an owner.", quote(id))
		}
	}
	g, err := closeGate(ctx, s, now)
	if err != nil {
		return Counts{}, err
	}
	defer g.open(ctx)
	state := seedState{Day: DateOf(now.In(facts.zone)), Wiping: true, Owners: owners}
	return Counts{len(f.Pets), len(f.Owners)}, finish(ctx, g, facts, f, state, now)
}

// finish carries out what a state says is still to be done, noting each step, so that it can be done again.
func finish(ctx context.Context, g *gated, facts *Facts, f seedFile, state seedState, now time.Time) error {
	if err := writeState(ctx, g, state); err != nil {
		return err
	}
	if state.Wiping {
		if err := wipe(ctx, g, f, state.Owners); err != nil {
			return err
		}
		state.Wiping = false
		if err := writeState(ctx, g, state); err != nil {
			return err
		}
	}
	var err error
	if state.Restore != "" {
		err = restore(ctx, g, state.Restore)
	} else {
		c := &Clinic{store: g, facts: facts, now: func() time.Time { return now }}
		err = c.seed(ctx, f.mapped(state.Owners), state.Day)
	}
	if err != nil {
		return err
	}
	return writeState(ctx, g, seedState{Day: state.Day, Done: true})
}

func writeState(ctx context.Context, s store.Store, state seedState) error {
	if err := s.Write(ctx, store.Put(store.Encode(seedPartition, seedSort, state, time.Time{}), store.Always())); err != nil {
		return fmt.Errorf("clinic: %w", err)
	}
	return nil
}

// wipe deletes all records. What leads to others is deleted with them or after them, so it can be done again from where it stopped.
func wipe(ctx context.Context, s store.Store, f seedFile, owners map[string]string) error {
	forget := func(id string) error { return wipePerson(ctx, s, id) }
	if err := eachPerson(ctx, s, forget); err != nil {
		return err
	}
	known := slices.Collect(maps.Values(owners)) // of these some may be from before there was a list of people
	for _, o := range f.Owners {
		known = append(known, o.ID)
	}
	for _, id := range known {
		if err := forget(id); err != nil {
			return err
		}
	}
	for n := range shards { // nothing, unless somebody was between two reads of ours
		if err := empty(ctx, s, shardName(n)); err != nil {
			return err
		}
	}
	return nil
}

// wipeAtOnce is how many items of a person fit into one write with what goes along with each.
const wipeAtOnce = (store.MaxOps - gateOps) / 3

func wipePerson(ctx context.Context, s store.Store, id string) error {
	for {
		page, err := s.List(ctx, store.Query{Partition: person(id), Limit: wipeAtOnce})
		if err != nil {
			return fmt.Errorf("clinic: %w", err)
		}
		ops, err := deletions(page.Items)
		if err != nil {
			return err
		}
		if len(ops) == 0 {
			ops = append(ops, unlistPerson(id))
		}
		if err := s.Write(ctx, ops...); err != nil {
			return fmt.Errorf("clinic: %w", err)
		}
		if len(page.Items) == 0 {
			return nil
		}
	}
}

// empty deletes all items of a partition.
func empty(ctx context.Context, s store.Store, partition string) error {
	for {
		page, err := s.List(ctx, store.Query{Partition: partition, Limit: store.MaxOps - gateOps})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		var ops []store.Op
		for _, item := range page.Items {
			ops = append(ops, store.Delete(item.Partition, item.Sort, store.Always()))
		}
		if err := s.Write(ctx, ops...); err != nil {
			return fmt.Errorf("clinic: %w", err)
		}
	}
}

// resume goes on with a reset or a restore that was interrupted. While another process is still at it, it does nothing.
func resume(ctx context.Context, s store.Store, facts *Facts, f seedFile, state seedState, now time.Time) error {
	g, err := closeGate(ctx, s, now)
	var e *Error
	if errors.As(err, &e) {
		return nil
	}
	if err != nil {
		return err
	}
	defer g.open(ctx)
	return finish(ctx, g, facts, f, state, now)
}

// cutSort splits a sort key at its first slash.
func cutSort(sort string) (kind, rest string, ok bool) { return strings.Cut(sort, "/") }
