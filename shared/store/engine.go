package store

import (
	"encoding/base64"
	"fmt"
	"time"
)

// What engines share.

// ToUnix is how an engine keeps an expiry: whole seconds, 0 for never.
func ToUnix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.Unix())
}

// FromUnix is the inverse of ToUnix.
func FromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// EncodeCursor makes a cursor of the sort key after which a listing goes on.
func EncodeCursor(sort string) string { return base64.RawURLEncoding.EncodeToString([]byte(sort)) }

// DecodeCursor is the inverse of EncodeCursor; an empty cursor is an empty key.
func DecodeCursor(cursor string) (sort string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) > MaxKey {
		return "", fmt.Errorf("%w: this cursor came from no page", ErrInvalid)
	}
	return string(b), nil
}
