package directory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vetassist/vetassist/shared/store"
)

// An index is a family of partitions whose items are sorted for one kind of list. Each item is a copy of what the list
// shows, written together with the record that it is about. An index ends in "/".
type index string

const (
	usersByUsername index = "directory/index/username/"
	usersByName     index = "directory/index/name/"
	clientsByName   index = "directory/index/client-name/"
	clientsByID     index = "directory/index/client-id/"
	clientsSame     index = "directory/index/client-same/"
)

func membersOf(role string) index   { return index("directory/index/role/" + role + "/") }
func clientsOf(server string) index { return index("directory/index/server/" + server + "/") }
func clientsWith(role string) index { return index("directory/index/role-client/" + role + "/") }

// shards are the first letters at which each partition of an index begins: no partition holds them all, and a prefix
// lies in one of them. Digits fall before "a", other scripts after "z".
var shards = []string{"", "b", "d", "g", "k", "m", "p", "s"}

func shardOf(sort string) int {
	n := len(shards) - 1
	for n > 0 && sort < shards[n] {
		n--
	}
	return n
}

func (ix index) shard(n int) string {
	if shards[n] == "" {
		return string(ix) + "0"
	}
	return string(ix) + shards[n]
}

type key struct{ partition, sort string }

func (ix index) at(sort string) key { return key{ix.shard(shardOf(sort)), sort} }

// entry is one index item of a record.
type entry struct {
	key
	body    any
	expires time.Time // with its record; zero: never
}

// indexOps turn a record's index items from what they were into what they are to be.
func indexOps(before, after []entry) []store.Op {
	var ops []store.Op
	for _, b := range before {
		if !slices.ContainsFunc(after, func(a entry) bool { return a.key == b.key }) {
			ops = append(ops, store.Delete(b.partition, b.sort, store.Always()))
		}
	}
	for _, a := range after {
		if !slices.ContainsFunc(before, func(b entry) bool { return reflect.DeepEqual(a, b) }) {
			ops = append(ops, store.Put(store.Encode(a.partition, a.sort, a.body, a.expires), store.Always()))
		}
	}
	return ops
}

// Bounds on the parts of an index key; together they stay below store.MaxKey.
const (
	maxFolded = 200
	maxID     = 255
)

// nameKey sorts by name and, among equal names, by id. The tab sorts before all that a folded name can hold, so "Bob"
// comes before "Bob Miller".
func nameKey(name, id string) string { return fold(name) + "\t" + id }

// fold is the form of a name in keys: lower case, and one space for whatever is not a letter or digit.
func fold(name string) string {
	folded := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	}), " ")
	if len(folded) <= maxFolded {
		return folded
	}
	n := maxFolded
	for !utf8.RuneStart(folded[n]) {
		n--
	}
	return folded[:n]
}

// Query asks for a page of a list.
type Query struct {
	Prefix string // of what the list is sorted by, in any case where that has none; empty: all
	Limit  int    // 0: 50. At most 200
	Cursor string // Page.Next of the page before, with the same prefix
}

// Page is an answer to a Query. Next is empty on the last page; a page before it can be short or even empty.
type Page[T any] struct {
	Items []T
	Next  string
}

const (
	pageSize    = 50
	maxPageSize = 200
	maxPrefix   = 255
)

func (q Query) limit() (int, error) {
	switch {
	case q.Limit == 0:
		return pageSize, nil
	case q.Limit < 0 || q.Limit > maxPageSize:
		return 0, &FieldError{"limit", fmt.Sprintf("must be 1 to %d", maxPageSize)}
	}
	return q.Limit, nil
}

// list reads a page of an index. What it costs depends on the size of the page, not of the directory: it reads at
// most two pages of each shard that the prefix may lie in. prefix is in the form of the index's keys.
func list[T any](ctx context.Context, s store.Store, ix index, prefix string, q Query) (page Page[T], err error) {
	limit, err := q.limit()
	if err != nil {
		return page, err
	}
	if len(q.Prefix) > maxPrefix || !utf8.ValidString(q.Prefix) {
		return page, &FieldError{"prefix", fmt.Sprintf("must be text of at most %d bytes", maxPrefix)}
	}
	first, last := 0, len(shards)-1
	if prefix != "" {
		first = shardOf(prefix)
		last = first
	}
	var partitions []string
	for n := first; n <= last; n++ {
		partitions = append(partitions, ix.shard(n))
	}
	records, next, err := store.ReadSpread[T](ctx, s, partitions, store.Query{Prefix: prefix, Limit: limit, Cursor: q.Cursor})
	if errors.Is(err, store.ErrInvalid) {
		return page, errCursor
	}
	for _, r := range records {
		page.Items = append(page.Items, r.Value)
	}
	page.Next = next
	return page, err
}

var errCursor = &FieldError{"cursor", "is not one that an earlier page gave; leave it out to start again"}
