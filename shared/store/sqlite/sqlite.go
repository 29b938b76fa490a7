package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vetassist/vetassist/shared/store"
)

// schemaVersion is PRAGMA user_version of the files that this code writes.
const schemaVersion = 1

const readers = 4

//go:embed schema.sql
var schema string

//go:embed views.sql
var views string

// DB is a store.Store in one SQLite file.
type DB struct {
	now     func() time.Time
	write   *sql.DB // one connection
	read    *sql.DB // several, or the writing one for ":memory:"
	written int     // operations since the last sweep; guarded by the single write connection

	get, list, listDown          *sql.Stmt // of read
	version, put, putAbsent, del *sql.Stmt // of write
	sweepOut                     *sql.Stmt
	statements                   []*sql.Stmt // all of them
}

// Open opens the file, making it when it is not there. The path ":memory:" keeps everything in memory.
// now is the clock by which items expire.
func Open(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	db, err := open(ctx, path, now)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, explain(err))
	}
	return db, nil
}

func open(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	memory := path == ":memory:"
	if !memory {
		if err := claim(path); err != nil {
			return nil, err
		}
	}
	db := &DB{now: now}
	var err error
	if db.write, err = sql.Open("sqlite", dsn(path, memory, "immediate")); err != nil {
		return nil, err
	}
	db.write.SetMaxOpenConns(1)
	db.read = db.write
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if !memory {
		if db.read, err = sql.Open("sqlite", dsn(path, memory, "deferred")); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		db.read.SetMaxOpenConns(readers)
		db.read.SetMaxIdleConns(readers)
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// claim makes the file, for its owner only: it holds the signing key. SQLite gives its -wal and -shm files the same
// mode. A database that was there before is closed to others too; any other file is left as it is, for SQLite to refuse.
func claim(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := f.Read(head)
	if n == 0 && errors.Is(err, io.EOF) || string(head[:n]) == magic {
		err = f.Chmod(0o600)
	}
	return errors.Join(err, f.Close())
}

func dsn(path string, memory bool, lock string) string {
	q := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(5000)", "synchronous(NORMAL)", "foreign_keys(OFF)"}}
	if memory {
		return "file::memory:?" + q.Encode()
	}
	q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "journal_size_limit(16777216)")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// migrate brings an older file to schemaVersion and refuses a newer one. The views are made anew each time:
// they hold no data, so they may follow the code.
func (db *DB) migrate(ctx context.Context) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return fmt.Errorf("it was written by a newer vetassist (schema %d, this one knows %d): use that one, or another file with -db",
			version, schemaVersion)
	case version == 0:
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, views); err != nil {
		return err
	}
	return tx.Commit()
}

// Close waits for what is running and closes the file.
func (db *DB) Close() error {
	var errs []error
	for _, s := range db.statements {
		errs = append(errs, s.Close())
	}
	if db.read != nil && db.read != db.write {
		errs = append(errs, db.read.Close())
	}
	return errors.Join(append(errs, db.write.Close())...)
}

// explain turns SQLite's codes into the contract's errors and plain words. A context's own error stays itself.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: another process is writing to it (%v)", store.ErrBusy, err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("this is not a database that SQLite can read; move the file away to start afresh: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the file or its folder cannot be written: %w", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full; nothing was written: %w", err)
	}
	return err
}
