package store

import (
	"context"
	"sync/atomic"
	"time"
)

// Watcher is a Store that can tell cheaply whether anything changed.
type Watcher interface {
	// Changes is another number than before when anything in the partition was written since, by whichever process. It may be another
	// one without a reason. ok: it can tell.
	Changes(partition string) (n uint64, ok bool)
}

// Changes asks s, if it is a Watcher.
func Changes(s Store, partition string) (n uint64, ok bool) {
	if w, is := s.(Watcher); is {
		return w.Changes(partition)
	}
	return 0, false
}

// Kept is what was made of one partition, for as long as the store says that nothing changed there. In a store that cannot tell it is made
// each time.
type Kept[T any] struct{ last atomic.Pointer[kept[T]] }

type kept[T any] struct {
	value       T
	changes     uint64
	from, until time.Time
}

// Get is the value, or makes it. make tells until when it holds if nothing changes, zero: for ever; where the clock was set back it is made
// again, since what had expired may be there. Whoever gets a value shares it with others, and changes nothing in it.
func (k *Kept[T]) Get(ctx context.Context, s Store, partition string, now time.Time, make func(context.Context) (value T, until time.Time, err error)) (T, error) {
	value, ok, err := k.Look(ctx, s, partition, now, make)
	if !ok {
		value, _, err = make(ctx)
	}
	return value, err
}

// Look is Get where the store can tell whether it changed; elsewhere nothing is made, and it is not ok.
func (k *Kept[T]) Look(ctx context.Context, s Store, partition string, now time.Time, make func(context.Context) (value T, until time.Time, err error)) (value T, ok bool, err error) {
	changes, ok := Changes(s, partition) // before anything is read: what changes meanwhile is seen the next time
	if !ok {
		return value, false, nil
	}
	if last := k.last.Load(); last != nil && last.changes == changes && !now.Before(last.from) && (last.until.IsZero() || now.Before(last.until)) {
		return last.value, true, nil
	}
	value, until, err := make(ctx)
	if err == nil {
		k.last.Store(&kept[T]{value, changes, now, until})
	}
	return value, true, err
}
