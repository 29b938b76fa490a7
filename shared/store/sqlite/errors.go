package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vetassist/vetassist/shared/store"
)

// said is an error of the contract in plain words: who reads them in a terminal or a log need not know the contract.
type said struct {
	words string
	of    error
}

func (e said) Error() string { return e.words }
func (e said) Unwrap() error { return e.of }

func say(of error, format string, a ...any) error { return said{fmt.Sprintf(format, a...), of} }

var errDamaged = errors.New("this is not a database that SQLite can read, or it was damaged")

// explain turns SQLite's codes into the contract's errors and plain words that say what to do. A context's own error stays itself.
// https://www.sqlite.org/rescode.html
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // the rest is the detail of it
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return say(store.ErrBusy, "another process is writing to it. End that, or wait until it is done (%v)", err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w. Put a backup in its place (vetassist restore), or move the file away to start afresh: %w", errDamaged, err)
	case sqlite3.SQLITE_FULL:
		return say(store.ErrUnavailable, "the disk is full; nothing was written. Make room: then it works again (%v)", err)
	case sqlite3.SQLITE_IOERR:
		return say(store.ErrUnavailable, "the disk is full, or fails. Make room, or mend it: then it works again (%v)", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return unwritable(err)
	}
	return err
}

func unwritable(err error) error {
	return say(store.ErrUnavailable, "the file or its folder cannot be written. Let this user write both (%v)", err)
}
