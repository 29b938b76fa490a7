package clinic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// The gate is closed while all records are copied or replaced: nobody changes any meanwhile, and whoever wants to is asked to try
// again. It opens by itself, so that a process that stops half-way keeps nobody out for long.
//
// The item gate is there as long as it is closed. The item turn counts how often it was closed and never goes, so that who
// lost the gate never takes another's for theirs: the version of what is deleted and made again begins at 1 again.
const (
	gatePartition, gateSort, turnSort = "clinic/setup/gate", "gate", "turn"

	gateLife = time.Minute
)

// gated writes only as long as it is we who hold the gate.
type gated struct {
	store.Store
	turn int64
}

// gateOps is how many operations the gate needs in a write.
const gateOps = 2

// held are the checks that make a write depend on our holding it.
func (g *gated) held() []store.Op {
	return []store.Op{store.Check(gatePartition, gateSort, store.IfPresent()), store.Check(gatePartition, turnSort, store.IfVersion(g.turn))}
}

var errGateLost = refuse(Conflict, "That took longer than a minute and was stopped. Do it again to finish it.")

// closeGate keeps everybody else out until open is called, or gateLife is over.
func closeGate(ctx context.Context, s store.Store, now time.Time) (*gated, error) {
	turn, err := s.Get(ctx, gatePartition, turnSort)
	condition := store.IfVersion(turn.Version)
	if errors.Is(err, store.ErrNotFound) {
		condition, err = store.IfAbsent(), nil
	}
	if err == nil {
		err = s.Write(ctx,
			store.Put(store.Encode(gatePartition, gateSort, struct{}{}, now.Add(gateLife).Truncate(time.Second)), store.IfAbsent()),
			store.Put(store.Encode(gatePartition, turnSort, struct{}{}, time.Time{}), condition))
	}
	if errors.Is(err, store.ErrConflict) {
		return nil, closed()
	}
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	return &gated{s, turn.Version + 1}, nil
}

func closed() error {
	return refuse(Conflict, "All records of the clinic are being copied or replaced right now. Please try again in a moment.")
}

// open lets everybody in again. What it cannot do, time does.
func (g *gated) open(ctx context.Context) {
	_ = g.Store.Write(context.WithoutCancel(ctx), store.Delete(gatePartition, gateSort, store.Always()), store.Check(gatePartition, turnSort, store.IfVersion(g.turn)))
}

// Write implements store.Store.
func (g *gated) Write(ctx context.Context, ops ...store.Op) error {
	err := g.Store.Write(ctx, append(ops[:len(ops):len(ops)], g.held()...)...)
	var c *store.ConflictError
	if errors.As(err, &c) && c.Index >= len(ops) {
		return errGateLost
	}
	return err
}

// gateOpen refuses while the gate is closed.
func gateOpen(ctx context.Context, s store.Store) error {
	_, err := s.Get(ctx, gatePartition, gateSort)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("clinic: gate: %w", err)
	}
	return closed()
}
