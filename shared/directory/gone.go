package directory

import (
	"context"
	"errors"

	"github.com/vetassist/vetassist/shared/store"
)

// goneSort is the item that is left of a deleted user or application, so that nobody gets the ID again.
const goneSort = "gone"

// bury is the operation that leaves it.
func bury(partition string) store.Op {
	return store.Put(store.Encode(partition, goneSort, struct{}{}, noExpiry), store.Always())
}

// unused is the check that makes a write depend on the ID's never having been anybody's, or ErrGone.
func (d *Directory) unused(ctx context.Context, partition string) (store.Op, error) {
	_, err := d.store.Get(ctx, partition, goneSort)
	switch {
	case err == nil:
		err = ErrGone
	case errors.Is(err, ErrNotFound):
		err = nil
	}
	return store.Check(partition, goneSort, store.IfAbsent()), err
}
