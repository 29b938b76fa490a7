package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vetassist/vetassist/shared/store"
)

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
		return fmt.Errorf("%w: another process is writing to it (%v)", store.ErrBusy, err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w. Put a backup in its place (vetassist restore), or move the file away to start afresh: %w", errDamaged, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: the disk is full; nothing was written. Make room, and it goes on by itself (%v)", store.ErrUnavailable, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: the disk is full, or fails. When that is mended, it goes on by itself (%v)", store.ErrUnavailable, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: the file or its folder cannot be written. Let this user write both (%v)", store.ErrUnavailable, err)
	}
	return err
}
