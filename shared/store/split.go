package store

import (
	"context"
	"fmt"
	"strings"
)

// Split returns a store of two: aside holds every partition that begins with one of the prefixes, main all others. A Write is about
// one of them, since nothing makes two into one transaction.
func Split(main, aside Store, prefixes ...string) Store {
	return &split{main, aside, prefixes}
}

type split struct {
	main, aside Store
	prefixes    []string
}

func (s *split) of(partition string) Store {
	for _, p := range s.prefixes {
		if strings.HasPrefix(partition, p) {
			return s.aside
		}
	}
	return s.main
}

func (s *split) Get(ctx context.Context, partition, sort string) (Item, error) {
	return s.of(partition).Get(ctx, partition, sort)
}

func (s *split) List(ctx context.Context, q Query) (Page, error) {
	return s.of(q.Partition).List(ctx, q)
}

func (s *split) Write(ctx context.Context, ops ...Op) error {
	to := s.main
	for i, op := range ops {
		switch of := s.of(op.Item.Partition); {
		case i == 0:
			to = of
		case of != to:
			return fmt.Errorf("%w: one Write over two stores, %q and %q", ErrInvalid, ops[0].Item.Partition, op.Item.Partition)
		}
	}
	return to.Write(ctx, ops...)
}

// Changes implements Watcher.
func (s *split) Changes(partition string) (uint64, bool) { return Changes(s.of(partition), partition) }
