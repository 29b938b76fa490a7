package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Partitions are the partition prefixes of what is open.
var Partitions = []string{LoginPartition, "grant/", "refresh/", "access/"}

// LoginPartition is where the logins are: all that is needed to know who is logged in.
const LoginPartition = "login/"

// ErrUnfinished says that there was more to end than one call may. Call again to go on.
var ErrUnfinished = errors.New("access: not everything is ended yet, call again")

// Registry reads and ends what is open, and makes the operations that begin it.
type Registry struct {
	store store.Store
	now   func() time.Time
}

// New opens the registry in s.
func New(s store.Store, now func() time.Time) *Registry { return &Registry{s, now} }

// userIndex is the partition with what is open for a user: logins by time, grants by client and server.
func userIndex(userID string) string { return "access/user/" + userID }

const (
	loginPrefix = "login/"
	grantPrefix = "grant/"
)

// clientShards is over how many partitions the grants of a client are spread.
const clientShards = 8

func clientIndex(clientID string, shard int) string {
	return fmt.Sprintf("access/client/%s/%d", clientID, shard)
}

// Query asks for a page of a list.
type Query struct {
	Limit  int    // 0: 50. At most 200
	Cursor string // Page.Next of the page before
}

// Page is an answer to a Query. Next is empty on the last page; a page before it can be short or even empty.
type Page[T any] struct {
	Items []T
	Next  string
}

// QueryError says what is wrong with a Query.
type QueryError struct {
	Field   string // as in JSON
	Message string // goes on from the field's name: "must be …"
}

func (e *QueryError) Error() string { return fmt.Sprintf("access: %s %s", e.Field, e.Message) }

const (
	pageSize    = 50
	maxPageSize = 200
)

// list reads a page of an index.
func list[T any](ctx context.Context, s store.Store, partitions []string, order store.Query, q Query) (Page[T], error) {
	if q.Limit == 0 {
		q.Limit = pageSize
	}
	if q.Limit < 0 || q.Limit > maxPageSize {
		return Page[T]{}, &QueryError{"limit", fmt.Sprintf("must be 1 to %d", maxPageSize)}
	}
	if store.ValidKey(partitions[0], cmp.Or(order.Prefix, "x")) != nil {
		return Page[T]{}, nil // nobody has such an id
	}
	order.Limit, order.Cursor = q.Limit, q.Cursor
	records, next, err := store.ReadSpread[T](ctx, s, partitions, order)
	if errors.Is(err, store.ErrInvalid) {
		return Page[T]{}, &QueryError{"cursor", "is not one that an earlier page gave; leave it out to start again"}
	}
	page := Page[T]{Next: next}
	for _, r := range records {
		page.Items = append(page.Items, r.Value)
	}
	return page, err
}

// read gets a record under an id, which may come from anywhere.
func read[T any](ctx context.Context, s store.Store, partition, sort string) (store.Record[T], error) {
	if store.ValidKey(partition, sort) != nil {
		return store.Record[T]{}, store.ErrNotFound
	}
	return store.Read[T](ctx, s, partition, sort)
}

// end carries out the operations that end one thing, of which the first is on the thing itself, and what is to be
// written with them. Of two who end it at once, the later one gets ErrNotFound.
func (r *Registry) end(ctx context.Context, ops, with []store.Op) error {
	ops[0].Condition = store.IfPresent()
	err := r.store.Write(ctx, append(ops, with...)...)
	var conflict *store.ConflictError
	if errors.As(err, &conflict) && conflict.Index == 0 {
		return store.ErrNotFound
	}
	return err
}

// maxEnded bounds how much one call looks at.
const maxEnded = 500

// endListed ends what an index lists. ops are the operations that end one thing, at most per of them; none for what is to
// stay.
func endListed[T any](ctx context.Context, s store.Store, partitions []string, prefix string, per int, ops func(T) []store.Op) (n int, err error) {
	if store.ValidKey(partitions[0], cmp.Or(prefix, "x")) != nil {
		return 0, nil // nobody has such an id
	}
	q := store.Query{Prefix: prefix, Limit: store.MaxOps / per}
	for range maxEnded / q.Limit {
		records, next, err := store.ReadSpread[T](ctx, s, partitions, q)
		if err != nil {
			return n, err
		}
		var all []store.Op
		ended := 0
		for _, r := range records {
			if some := ops(r.Value); len(some) > 0 {
				all = append(all, some...)
				ended++
			}
		}
		if ended > 0 {
			if err := s.Write(ctx, all...); err != nil {
				return n, err
			}
			n += ended
		}
		if q.Cursor = next; next == "" {
			return n, nil
		}
	}
	return n, ErrUnfinished
}
