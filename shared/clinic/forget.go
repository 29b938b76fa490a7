package clinic

import (
	"context"
	"fmt"
	"slices"

	"github.com/vetassist/vetassist/shared/store"
)

// forgetAtOnce is how many items of a person fit into one write with what goes along with each, the guard and the list of people.
const forgetAtOnce = (store.MaxOps - 2) / 3

// Forget deletes all records of one person, pets and appointments to come among them, while everybody else goes on. What the person
// does at the same moment is deleted too, or comes after it. Their guard stays: a change that began before must not find a new one at its version.
// Interrupted, it can be done again. The error is NotFound when there is nothing.
func (c *Clinic) Forget(ctx context.Context, id string) error {
	nothing := refuse(NotFound, "The clinic has no records of %s.", quote(id))
	if !validID(id) {
		return nothing
	}
	found := false
	for done := false; !done; {
		err := c.change(ctx, id, func() ([]store.Op, error) { // what is read here is as it is written: the slot of a visit that was cancelled may be another's by now
			page, err := c.store.List(ctx, store.Query{Partition: person(id), Limit: forgetAtOnce + 1})
			if err != nil {
				return nil, fmt.Errorf("clinic: %w", err)
			}
			items := slices.DeleteFunc(page.Items, func(item store.Item) bool { return item.Sort == guardSort })
			done, found = len(items) == 0, found || len(items) > 0
			return deletions(items[:min(len(items), forgetAtOnce)])
		})
		if err != nil {
			return err
		}
	}
	if !found {
		return nothing
	}
	return nil
}

// deletions delete items of a person's partition with what goes along with them.
func deletions(items []store.Item) (ops []store.Op, err error) {
	seen := map[[2]string]bool{}
	remove := func(item store.Item) {
		if key := [2]string{item.Partition, item.Sort}; !seen[key] {
			seen[key] = true
			ops = append(ops, store.Delete(item.Partition, item.Sort, store.Always()))
		}
	}
	for _, item := range items {
		more, err := along(item)
		if err != nil {
			return nil, fmt.Errorf("clinic: %s/%s: %w", item.Partition, item.Sort, err)
		}
		remove(item)
		for _, m := range more {
			remove(m)
		}
	}
	return ops, nil
}
