package clinic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Limits on snapshots.
const (
	MaxSnapshots     = 10
	MaxSnapshotBytes = 1 << 20 // of records in one: some 4,000, whose restoring fits into a request of Lambda, which has half a minute

	maxSnapshotName = 60
	chunkBytes      = store.MaxBody / 4 // of records in one item: JSON as text in JSON grows, but not to twice its size
)

// Snapshot is a copy of all records of the clinic at one moment. Days in it are days of the calendar: an appointment that
// was tomorrow's is in the past when it is restored next week. Reset makes data that are as of today.
type Snapshot struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Records int       `json:"records"` // items of people: what goes along with them is not counted

	Partial bool `json:"partial,omitempty"` // being made or deleted
}

const snapshotList = "clinic/snapshot/list"

func snapshotData(id string) string { return "clinic/snapshot/data/" + id }

// saved is an item in a snapshot. Its body is kept as text, so that it comes back byte for byte.
type saved struct {
	Partition string `json:"p"`
	Sort      string `json:"s"`
	Expires   int64  `json:"e,omitempty"` // Unix seconds
	Body      string `json:"b"`
}

func (s saved) item() store.Item {
	item := store.Item{Partition: s.Partition, Sort: s.Sort, Body: []byte(s.Body)}
	if s.Expires != 0 {
		item.Expires = time.Unix(s.Expires, 0).UTC()
	}
	return item
}

// Snapshots lists the snapshots, the oldest first.
func (c *Clinic) Snapshots(ctx context.Context) ([]Snapshot, error) {
	all, err := c.snapshots(ctx)
	if err != nil {
		return nil, err
	}
	list := []Snapshot{}
	for _, s := range all {
		if !s.Partial {
			list = append(list, s)
		}
	}
	return list, nil
}

func (c *Clinic) snapshots(ctx context.Context) ([]Snapshot, error) {
	records, err := listAll[Snapshot](ctx, c, snapshotList, "", 2*MaxSnapshots)
	all := make([]Snapshot, len(records))
	for i, r := range records {
		all[i] = r.Value
	}
	return all, err
}

// Snapshot copies all records under a name. Nobody can change any meanwhile.
func (c *Clinic) Snapshot(ctx context.Context, name string) (Snapshot, error) {
	name, err := text("name", name, maxSnapshotName, true, false)
	if err != nil {
		return Snapshot{}, err
	}
	g, err := closeGate(ctx, c.store, c.now())
	if err != nil {
		return Snapshot{}, err
	}
	defer g.open(ctx)
	all, err := c.snapshots(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	complete := 0
	for _, s := range all {
		if !s.Partial {
			complete++
		} else if err := removeSnapshot(ctx, g, s.ID); err != nil { // what an interruption left behind
			return Snapshot{}, err
		}
	}
	if complete >= MaxSnapshots {
		return Snapshot{}, refuse(TooMany, "There are %d snapshots already, which is the limit. Delete one first.", complete)
	}
	snap := Snapshot{Name: name, Created: c.now().UTC().Truncate(time.Second), Partial: true}
	if snap.ID, err = c.newID("snap-" + snap.Created.Format("20060102T150405Z")); err != nil {
		return Snapshot{}, err
	}
	chunks, records, err := c.collect(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	snap.Records = records
	if err := putSnapshot(ctx, g, snap, store.IfAbsent()); err != nil {
		return Snapshot{}, err
	}
	for n, chunk := range chunks {
		if err := g.Write(ctx, store.Put(store.Encode(snapshotData(snap.ID), fmt.Sprintf("%04d", n), chunk, time.Time{}), store.IfAbsent())); err != nil {
			return Snapshot{}, fmt.Errorf("clinic: snapshot: %w", err)
		}
	}
	snap.Partial = false
	return snap, putSnapshot(ctx, g, snap, store.IfPresent())
}

func putSnapshot(ctx context.Context, s store.Store, snap Snapshot, cond store.Condition) error {
	if err := s.Write(ctx, store.Put(store.Encode(snapshotList, snap.ID, snap, time.Time{}), cond)); err != nil {
		return fmt.Errorf("clinic: snapshot: %w", err)
	}
	return nil
}

// collect reads the records of everybody, in chunks that fit into an item each.
func (c *Clinic) collect(ctx context.Context) (chunks [][]saved, records int, err error) {
	done := map[string]bool{}
	total, size := 0, chunkBytes
	err = eachPerson(ctx, c.store, func(id string) error {
		if done[id] {
			return nil
		}
		done[id] = true
		q := store.Query{Partition: person(id)}
		for {
			page, err := c.store.List(ctx, q)
			if err != nil {
				return fmt.Errorf("clinic: %w", err)
			}
			for _, item := range page.Items {
				s := saved{Partition: item.Partition, Sort: item.Sort, Body: string(item.Body)}
				if !item.Expires.IsZero() {
					s.Expires = item.Expires.Unix()
				}
				n := len(s.Partition) + len(s.Sort) + len(s.Body)
				if total += n; total > MaxSnapshotBytes {
					return refuse(TooMany, "The clinic has more records than fit into a snapshot, which are %d MB.", MaxSnapshotBytes>>20)
				}
				if size+n > chunkBytes {
					chunks, size = append(chunks, nil), 0
				}
				size += n
				chunks[len(chunks)-1] = append(chunks[len(chunks)-1], s)
				records++
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return nil
			}
		}
	})
	return chunks, records, err
}

// findSnapshot finds one by its id.
func findSnapshot(ctx context.Context, s store.Store, id string) (Snapshot, error) {
	missing := refuse(NotFound, "There is no snapshot %s.", quote(id))
	if !validID(id) {
		return Snapshot{}, missing
	}
	r, err := store.Read[Snapshot](ctx, s, snapshotList, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Value.Partial {
		return Snapshot{}, missing
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("clinic: %w", err)
	}
	return r.Value, nil
}

// Restore replaces all records by those of a snapshot. One that was interrupted is finished by the next Restore, Reset or Seed.
func (c *Clinic) Restore(ctx context.Context, id string) error {
	if _, err := findSnapshot(ctx, c.store, id); err != nil {
		return err
	}
	g, err := closeGate(ctx, c.store, c.now())
	if err != nil {
		return err
	}
	defer g.open(ctx)
	if _, err := findSnapshot(ctx, g, id); err != nil { // it may just have been deleted
		return err
	}
	return finish(ctx, g, c.facts, seedFile{}, seedState{Day: c.Today(), Wiping: true, Restore: id}, c.now())
}

func restore(ctx context.Context, s store.Store, id string) error {
	q := store.Query{Partition: snapshotData(id), Limit: 1}
	for {
		chunks, next, err := store.ReadPage[[]saved](ctx, s, q)
		if err != nil {
			return fmt.Errorf("clinic: snapshot: %w", err)
		}
		for _, chunk := range chunks {
			if err := restoreChunk(ctx, s, chunk.Value); err != nil {
				return err
			}
		}
		if q.Cursor = next; q.Cursor == "" {
			return nil
		}
	}
}

// restoreChunk writes the items of a chunk, each in one write with what goes along with it.
func restoreChunk(ctx context.Context, s store.Store, chunk []saved) error {
	var ops []store.Op
	seen := map[[2]string]bool{}
	flush := func() error {
		if len(ops) == 0 {
			return nil
		}
		if err := s.Write(ctx, ops...); err != nil {
			return fmt.Errorf("clinic: restore: %w", err)
		}
		ops = nil
		clear(seen)
		return nil
	}
	for _, one := range chunk {
		item := one.item()
		more, err := along(item)
		if err != nil {
			return fmt.Errorf("clinic: restore: %w", err)
		}
		if len(ops)+1+len(more)+1 > store.MaxOps-gateOps {
			if err := flush(); err != nil {
				return err
			}
		}
		for _, op := range append([]store.Op{store.Put(item, store.Always()), listPerson(personOf(item.Partition))}, puts(more)...) {
			if key := [2]string{op.Item.Partition, op.Item.Sort}; !seen[key] {
				seen[key] = true
				ops = append(ops, op)
			}
		}
	}
	return flush()
}

func puts(items []store.Item) (ops []store.Op) {
	for _, item := range items {
		ops = append(ops, store.Put(item, store.Always()))
	}
	return ops
}

// DeleteSnapshot deletes a snapshot.
func (c *Clinic) DeleteSnapshot(ctx context.Context, id string) error {
	snap, err := findSnapshot(ctx, c.store, id)
	if err != nil {
		return err
	}
	g, err := closeGate(ctx, c.store, c.now())
	if err != nil {
		return err
	}
	defer g.open(ctx)
	state, err := store.Read[seedState](ctx, g, seedPartition, seedSort)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("clinic: %w", err)
	}
	if state.Value.Restore == id && !state.Value.Done {
		return refuse(Conflict, "This snapshot was being restored when that was interrupted. Restore it again first, or reset the clinic.")
	}
	snap.Partial = true
	if err := putSnapshot(ctx, g, snap, store.IfPresent()); err != nil {
		return err
	}
	return removeSnapshot(ctx, g, id)
}

func removeSnapshot(ctx context.Context, s store.Store, id string) error {
	if err := empty(ctx, s, snapshotData(id)); err != nil {
		return err
	}
	if err := s.Write(ctx, store.Delete(snapshotList, id, store.Always())); err != nil {
		return fmt.Errorf("clinic: snapshot: %w", err)
	}
	return nil
}
