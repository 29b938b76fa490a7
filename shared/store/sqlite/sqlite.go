package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

const readers = 4

// DB is a store.Store in one SQLite file.
type DB struct {
	now     func() time.Time
	writer  *conns // one
	readers *conns // several, or the writer for ":memory:"
	cache   *cache // nil: none
	index   *index // of the cache; nil: in memory
	written int    // operations since the last sweep; of whoever has the writer, as is
	swept   int64  // the row at which that ended; less than 0: there was none
	logged  int    // pages in the log, or operations since the last checkpoint, likewise
	closing sync.Once
	closed  error

	checkpoints *checkpointer // nil: in memory

	mu      sync.Mutex
	waiting []*pending
}

var errClosed = errors.New("the database is closed")

// Option is how a file is kept.
type Option string

// Full lets each Write wait until the disk has it, so that a power cut takes nothing that was answered.
const Full Option = "FULL"

// Open opens the file, making it when it is not there. The path ":memory:" keeps everything in memory.
// now is the clock by which items expire.
func Open(ctx context.Context, path string, now func() time.Time, options ...Option) (*DB, error) {
	db, err := open(ctx, path, now, slices.Contains(options, Full))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, explain(err))
	}
	return db, nil
}

func open(ctx context.Context, path string, now func() time.Time, full bool) (*DB, error) {
	if path == ":memory:" {
		return openAll(ctx, path, now, full)
	}
	claimed, err := claim(path)
	if err != nil {
		return nil, err
	}
	indexes.opening.RLock()
	db, err := openAll(ctx, path, now, full)
	indexes.opening.RUnlock()
	if err != nil {
		return nil, err
	}
	// From here on a restore is refused. One that came between would leave us with the file that it moved away, and the index of the other.
	if now, err := os.Stat(path); err != nil || !os.SameFile(claimed, now) {
		return nil, errors.Join(err, errors.New("the file was replaced while it was opened; start again"), db.Close())
	}
	return db, nil
}

// openAll opens the connections, and after them the log's index.
func openAll(ctx context.Context, path string, now func() time.Time, full bool) (*DB, error) {
	memory := path == ":memory:"
	write, err := sql.Open("sqlite", dsn(path, memory, full, "immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	db := &DB{now: now, written: sweepEvery, swept: -1}
	if db.writer, err = connect(ctx, write, 1, writing); err != nil {
		return nil, err
	}
	if db.readers = db.writer; memory {
		db.cache = newCache(nil)
		return db, nil
	}
	read, err := sql.Open("sqlite", dsn(path, memory, full, "deferred"))
	if err == nil {
		db.readers, err = connect(ctx, read, readers, reading)
	}
	if err != nil {
		return nil, errors.Join(err, db.writer.close())
	}
	aside, err := sql.Open("sqlite", dsn(path, memory, full, "deferred"))
	if err == nil {
		err = db.startCheckpoints(ctx, aside)
	}
	if err != nil {
		return nil, errors.Join(err, db.readers.close(), db.writer.close())
	}
	if db.index, err = openIndex(path); err == nil { // without it all is read each time
		if v, err := db.index.view(); err == nil {
			db.cache = newCache(v)
		}
	}
	return db, nil
}

// claim makes the file, for its owner only: it holds the signing key. SQLite gives its -wal and -shm files the same
// mode. A database that was there before is closed to others too; any other file is left as it is, for SQLite to refuse.
func claim(path string) (os.FileInfo, error) {
	// One as we make them needs nothing, and this process may have it open already: to close it beside SQLite would end its locks (fcntl(2)).
	if info, err := os.Stat(path); err == nil && info.Mode() == 0o600 && info.Size() > 0 {
		return info, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := f.Read(head)
	if n == 0 && errors.Is(err, io.EOF) || string(head[:n]) == magic {
		err = f.Chmod(0o600)
	}
	info, failed := f.Stat()
	return info, errors.Join(err, failed, f.Close())
}

func dsn(path string, memory, full bool, lock string) string {
	synchronous := "synchronous(NORMAL)"
	if full {
		synchronous = "synchronous(FULL)"
	}
	q := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(5000)", synchronous, "foreign_keys(OFF)"}}
	if memory {
		return "file::memory:?" + q.Encode()
	}
	q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", fmt.Sprintf("wal_autocheckpoint(%d)", mostLogged), "journal_size_limit(16777216)")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// Close waits for what is running and closes the file.
func (db *DB) Close() error {
	db.closing.Do(func() {
		db.closed = errors.Join(db.cache.close(), db.checkpoints.close())
		if db.readers != db.writer {
			db.closed = errors.Join(db.closed, db.readers.close())
		}
		db.closed = errors.Join(db.closed, db.writer.close())
		if db.index != nil {
			db.closed = errors.Join(db.closed, db.index.close())
		}
	})
	return db.closed
}
