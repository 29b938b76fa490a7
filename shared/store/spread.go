package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// ReadSpread lists and decodes a page of a list that is spread over partitions, so that none is hot: all of the first one,
// then all of the second, and so on. Their names differ in what comes
// after the last slash. The query's own partition is ignored. A page before the last can be short or even
// empty; what one costs depends on its size and on how many partitions there are.
func ReadSpread[T any](ctx context.Context, s Store, partitions []string, q Query) (records []Record[T], next string, err error) {
	limit, err := ValidQuery(Query{Partition: partitions[0], Prefix: q.Prefix, Limit: q.Limit})
	if err != nil {
		return nil, "", err
	}
	n, inner, err := splitCursor(q.Cursor, partitions)
	if err != nil {
		return nil, "", err
	}
	for range 2 * len(partitions) {
		q.Partition, q.Limit, q.Cursor = partitions[n], limit-len(records), inner
		some, rest, err := ReadPage[T](ctx, s, q)
		if err != nil {
			return nil, "", err
		}
		records = append(records, some...)
		if inner = rest; inner == "" {
			n++
		}
		if n == len(partitions) {
			return records, "", nil
		}
		if len(records) == limit {
			break
		}
	}
	return records, shardName(partitions[n]) + "." + inner, nil
}

// splitCursor reads a cursor of ReadSpread: which partition it is in, and the cursor in that.
func splitCursor(cursor string, partitions []string) (n int, inner string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	head, inner, ok := strings.Cut(cursor, ".")
	n = slices.IndexFunc(partitions, func(p string) bool { return shardName(p) == head })
	if !ok || n < 0 {
		return 0, "", fmt.Errorf("%w: not a cursor of this list", ErrInvalid)
	}
	return n, inner, nil
}

// shardName is what a cursor says of a partition: what comes after the last slash, which is all in which they differ.
func shardName(partition string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(partition[strings.LastIndexByte(partition, '/')+1:]))
}
