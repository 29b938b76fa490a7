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
const (
	gatePartition, gateSort = "clinic/setup/gate", "gate"

	gateLife = time.Minute
)

// gated writes only as long as it is we who hold the gate.
type gated struct {
	store.Store
	version int64
}

// gateOps is how many operations the gate needs in a write.
const gateOps = 1

var errGateLost = refuse(Conflict, "That took longer than a minute and was stopped. Do it again to finish it.")

// closeGate keeps everybody else out until open is called, or gateLife is over.
func closeGate(ctx context.Context, s store.Store, now time.Time) (*gated, error) {
	item := store.Encode(gatePartition, gateSort, struct{}{}, now.Add(gateLife).Truncate(time.Second))
	err := s.Write(ctx, store.Put(item, store.IfAbsent()))
	if errors.Is(err, store.ErrConflict) {
		return nil, closed()
	}
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	gate, err := s.Get(ctx, gatePartition, gateSort)
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	return &gated{s, gate.Version}, nil
}

func closed() error {
	return refuse(Conflict, "All records of the clinic are being copied or replaced right now. Please try again in a moment.")
}

// open lets everybody in again. What it cannot do, time does.
func (g *gated) open(ctx context.Context) {
	_ = g.Store.Write(context.WithoutCancel(ctx), store.Delete(gatePartition, gateSort, store.IfVersion(g.version)))
}

// Write implements store.Store.
func (g *gated) Write(ctx context.Context, ops ...store.Op) error {
	err := g.Store.Write(ctx, append(ops[:len(ops):len(ops)], store.Check(gatePartition, gateSort, store.IfVersion(g.version)))...)
	var c *store.ConflictError
	if errors.As(err, &c) && c.Index == len(ops) {
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
