package store

import (
	"fmt"
	"unicode/utf8"
)

// ValidKey reports whether both halves of a key may be used, as an ErrInvalid if not.
func ValidKey(partition, sort string) error {
	for _, k := range []string{partition, sort} {
		if k == "" || len(k) > MaxKey || !utf8.ValidString(k) {
			return fmt.Errorf("%w: a key has 1 to %d bytes of UTF-8", ErrInvalid, MaxKey)
		}
	}
	return nil
}

// ValidOps checks what every engine must refuse before it writes.
func ValidOps(ops []Op) error {
	if len(ops) == 0 || len(ops) > MaxOps {
		return fmt.Errorf("%w: a write has 1 to %d operations, not %d", ErrInvalid, MaxOps, len(ops))
	}
	seen, total := make(map[[2]string]bool, len(ops)), 0
	for _, op := range ops {
		if err := ValidKey(op.Item.Partition, op.Item.Sort); err != nil {
			return err
		}
		key := [2]string{op.Item.Partition, op.Item.Sort}
		if seen[key] {
			return fmt.Errorf("%w: two operations on %s/%s", ErrInvalid, key[0], key[1])
		}
		seen[key] = true
		if op.Kind != OpPut {
			continue
		}
		if len(op.Item.Body) == 0 || len(op.Item.Body) > MaxBody || !utf8.Valid(op.Item.Body) { // JSON is UTF-8 (RFC 8259 §8.1)
			return fmt.Errorf("%w: a body has 1 to %d bytes of UTF-8", ErrInvalid, MaxBody)
		}
		if total += len(op.Item.Body); total > MaxWrite {
			return fmt.Errorf("%w: the bodies of a write have at most %d bytes together", ErrInvalid, MaxWrite)
		}
	}
	return nil
}

// ValidQuery checks a query and returns its page size.
func ValidQuery(q Query) (limit int, err error) {
	if q.Partition == "" || len(q.Partition) > MaxKey || len(q.Prefix) > MaxKey ||
		!utf8.ValidString(q.Partition) || !utf8.ValidString(q.Prefix) {
		return 0, fmt.Errorf("%w: a list names its partition", ErrInvalid)
	}
	switch {
	case q.Limit == 0:
		return page, nil
	case q.Limit < 0 || q.Limit > MaxLimit:
		return 0, fmt.Errorf("%w: a page has 1 to %d items", ErrInvalid, MaxLimit)
	}
	return q.Limit, nil
}
