package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits that every engine keeps, chosen so that DynamoDB can keep them too.
const (
	MaxOps   = 25        // operations in one Write
	MaxBody  = 256 << 10 // bytes of one item's body
	MaxWrite = 3 << 20   // bytes of all bodies in one Write: with keys and all, a transaction of DynamoDB has 4 MB
	MaxKey   = 512       // bytes of a partition or of a sort key
	MaxLimit = 1000      // items on one page of a List
	page     = 100       // items on a page when the query names no limit
)

var (
	// ErrNotFound says that no live item has this key. An expired item is not live.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict says that a condition did not hold; nothing was written.
	// Engines return it as a *ConflictError.
	ErrConflict = errors.New("store: conflict")
	// ErrForbidden says that this handle may not touch the partition; see Restrict.
	ErrForbidden = errors.New("store: partition not allowed here")
	// ErrInvalid says that a key, a body, a limit or a cursor breaks the contract.
	ErrInvalid = errors.New("store: invalid request")
	// ErrBusy says that the engine could not answer in time; trying again may help. A Write that it is the answer
	// to was carried out or was not: nobody knows, as after a context's end. No engine guesses.
	ErrBusy error = temporary("store: busy, try again")
	// ErrUnavailable says that the engine cannot work until somebody mends what is around it, such as a full disk; then it goes on by
	// itself. What became of a Write is known as little as with ErrBusy.
	ErrUnavailable error = temporary("store: unavailable")
)

// temporary is an error that says of itself that trying again may help, as those of the standard library do.
type temporary string

func (e temporary) Error() string { return string(e) }

// Temporary is for whoever answers a caller, and need not know whose error it is.
func (e temporary) Temporary() bool { return true }

// ConflictError tells which operation of a Write found its condition unmet.
type ConflictError struct{ Index int }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("store: conflict in operation %d", e.Index)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Item is one stored record.
type Item struct {
	Partition string
	Sort      string
	Version   int64     // 1 on creation, one more at each write; set by the store
	Expires   time.Time // zero: never. Whole seconds; from then on the item is gone for every reader
	Body      []byte    // JSON
}

// Store is the contract that every engine obeys; storetest.Run is its text as tests.
type Store interface {
	// Get returns one item, or ErrNotFound.
	Get(ctx context.Context, partition, sort string) (Item, error)
	// List returns a page of a partition in sort-key order (by bytes). A page before the last is full, unless very many
	// expired items were in the way.
	List(ctx context.Context, q Query) (Page, error)
	// Write carries out 1 to MaxOps operations on distinct keys, all or none of them.
	// The error is a *ConflictError when a condition does not hold.
	Write(ctx context.Context, ops ...Op) error
}

// Query selects a page of one partition.
type Query struct {
	Partition  string
	Prefix     string // of the sort key; empty: all
	Descending bool
	Limit      int    // 0: 100. At most MaxLimit
	Cursor     string // Page.Next of the page before, with the same query
}

// Page is an answer to a Query. Next is empty on the last page.
type Page struct {
	Items []Item
	Next  string
}

// Condition is what must hold for an operation, seen through expiry: an expired item counts as absent.
// Make it with Always, IfAbsent, IfPresent or IfVersion.
type Condition struct {
	Kind    ConditionKind
	Version int64 // of CondVersion
}

// ConditionKind tells what a Condition asks for.
type ConditionKind int

// The kinds of Condition.
const (
	CondAlways ConditionKind = iota
	CondAbsent
	CondPresent
	CondVersion
)

// Always is the condition that holds whatever is stored.
func Always() Condition { return Condition{} }

// IfAbsent holds when no live item has the key.
func IfAbsent() Condition { return Condition{Kind: CondAbsent} }

// IfPresent holds when a live item has the key.
func IfPresent() Condition { return Condition{Kind: CondPresent} }

// IfVersion holds when the live item has this version.
func IfVersion(n int64) Condition { return Condition{Kind: CondVersion, Version: n} }

// Holds applies the condition to the version of the live item, 0 for none.
func (c Condition) Holds(version int64) bool {
	switch c.Kind {
	case CondAbsent:
		return version == 0
	case CondPresent:
		return version != 0
	case CondVersion:
		return version == c.Version && version != 0
	}
	return true
}

// Op is one operation of a Write: make it with Put, Delete or Check.
type Op struct {
	Kind      OpKind
	Item      Item
	Condition Condition
}

// OpKind tells what an Op does.
type OpKind int

// The kinds of Op.
const (
	OpPut OpKind = iota
	OpDelete
	OpCheck
)

// Put stores the item (its Version is ignored) when the condition holds.
func Put(item Item, c Condition) Op { return Op{OpPut, item, c} }

// Delete removes the item when the condition holds; deleting what is absent is no error.
func Delete(partition, sort string, c Condition) Op {
	return Op{OpDelete, Item{Partition: partition, Sort: sort}, c}
}

// Check changes nothing; it makes the whole Write depend on the condition.
func Check(partition, sort string, c Condition) Op {
	return Op{OpCheck, Item{Partition: partition, Sort: sort}, c}
}
