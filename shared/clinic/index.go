package clinic

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/vetassist/vetassist/shared/store"
)

// shards are the first letters at which each shard of the index begins. They follow how often pet and family
// names begin with a letter; digits fall before "a", other scripts after "z".
var shards = []string{"", "b", "d", "g", "k", "m", "p", "s"}

// fold is the form of a name in keys and comparisons: lower case, and one space for whatever is not a letter or
// digit, so a name cannot contain the separator of a key.
func fold(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	}), " ")
}

func shardOf(folded string) int {
	n := len(shards) - 1
	for n > 0 && folded < shards[n] {
		n--
	}
	return n
}

func shardName(n int) string {
	if shards[n] == "" {
		return "clinic/index/0"
	}
	return "clinic/index/" + shards[n]
}

func indexOf(name string) string { return shardName(shardOf(fold(name))) }

// search returns up to limit index entries of a kind ("pet/", "owner/") whose folded name begins with prefix. It reads
// one shard.
func search[T any](ctx context.Context, c *Clinic, kind, prefix string, limit int) ([]T, error) {
	list, err := listAll[T](ctx, c, indexOf(prefix), kind+prefix, limit)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(list))
	for i, r := range list {
		out[i] = r.Value
	}
	return out, nil
}

// walk returns a page of all index entries of a kind that keep accepts, in order of name, shard after shard. The reads
// of one call are bounded: a page can be short, even empty, and still have a next.
func walk[T any](ctx context.Context, c *Clinic, kind, cursor string, keep func(T) bool) (out []T, next string, err error) {
	shard, inner, err := splitCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	for reads := 0; reads < 2*len(shards); reads++ {
		q := store.Query{Partition: shardName(shard), Prefix: kind, Limit: PageSize - len(out), Cursor: inner}
		list, after, err := store.ReadPage[T](ctx, c.store, q)
		if err != nil {
			return nil, "", cursorError(err)
		}
		for _, r := range list {
			if keep(r.Value) {
				out = append(out, r.Value)
			}
		}
		if inner = after; inner == "" {
			shard++
		}
		if shard == len(shards) {
			return out, "", nil
		}
		if len(out) == PageSize {
			break
		}
	}
	return out, base64.RawURLEncoding.EncodeToString([]byte{byte(shard)}) + "." + inner, nil
}

func splitCursor(cursor string) (shard int, inner string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	head, inner, _ := strings.Cut(cursor, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || len(b) != 1 || int(b[0]) >= len(shards) {
		return 0, "", badCursor()
	}
	return int(b[0]), inner, nil
}

func badCursor() error {
	return refuse(Invalid, "This cursor is not one that an earlier page gave. Leave it out to start again.")
}

// cursorError tells a cursor that the store does not know from a failure of the store: cursors are the only
// part of our queries that a caller writes.
func cursorError(err error) error {
	if errors.Is(err, store.ErrInvalid) {
		return badCursor()
	}
	return fmt.Errorf("clinic: %w", err)
}
