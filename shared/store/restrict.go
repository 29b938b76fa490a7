package store

import (
	"context"
	"fmt"
	"strings"
)

// Restrict returns a handle on s that refuses, with ErrForbidden, every partition that does not begin with
// one of the prefixes. Each function opens the store through it; in the cloud its IAM policy names the same
// prefixes as dynamodb:LeadingKeys, so a function that is taken over can read no more than its code could.
func Restrict(s Store, prefixes ...string) Store {
	return &restricted{s, prefixes}
}

type restricted struct {
	Store
	prefixes []string
}

func (r *restricted) allow(partition string) error {
	for _, p := range r.prefixes {
		if strings.HasPrefix(partition, p) {
			return nil
		}
	}
	return fmt.Errorf("%w: %q", ErrForbidden, partition)
}

func (r *restricted) Get(ctx context.Context, partition, sort string) (Item, error) {
	if err := r.allow(partition); err != nil {
		return Item{}, err
	}
	return r.Store.Get(ctx, partition, sort)
}

func (r *restricted) List(ctx context.Context, q Query) (Page, error) {
	if err := r.allow(q.Partition); err != nil {
		return Page{}, err
	}
	return r.Store.List(ctx, q)
}

func (r *restricted) Write(ctx context.Context, ops ...Op) error {
	for _, op := range ops {
		if err := r.allow(op.Item.Partition); err != nil {
			return err
		}
	}
	return r.Store.Write(ctx, ops...)
}

// Changes implements Watcher.
func (r *restricted) Changes(partition string) (uint64, bool) {
	if r.allow(partition) != nil {
		return 0, false
	}
	return Changes(r.Store, partition)
}
