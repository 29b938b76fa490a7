package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Backup copies the database in file from, as it is at one moment, to file to, whoever reads and writes it meanwhile. The copy is checked
// before it gets its name, so there is a whole one or none. A file that is there is replaced only if replace is set. holds is the beginning of a
// partition's name that such a database holds something in: what does not is a *SourceError, as is everything else that is wrong with from.
func Backup(ctx context.Context, from, to, holds string, replace bool) error {
	if here, err := os.Stat(to); err == nil {
		source, err := os.Stat(from)
		if err == nil && os.SameFile(here, source) {
			return fmt.Errorf("%s is the database itself; name another file for the copy", to)
		}
		if !replace {
			return fmt.Errorf("%s is there already; name another file, or say -force to replace it", to)
		}
	}
	part, err := copyOf(ctx, from, to, holds)
	if err != nil {
		return err
	}
	return errors.Join(rename(part, to), os.RemoveAll(part))
}

// Restore puts the backup in file from into the place of the database in file to, which it moves to the name that it gives back; empty: there
// was none. Before it touches anything it reads all of the backup, and makes sure that no process has the database open. What lies in the
// partitions with the prefixes of forget is left out. For holds see Backup.
func Restore(ctx context.Context, from, to, holds string, forget []string, now time.Time) (kept string, err error) {
	part, err := copyOf(ctx, from, to, holds)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := leaveOut(ctx, part, forget); err != nil {
		return "", fmt.Errorf("copy of %s: %w", from, explain(err))
	}
	if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
		return "", rename(part, to)
	}
	release, whole, err := seize(ctx, to)
	if err != nil {
		return "", fmt.Errorf("database %s: %w", to, err)
	}
	if runtime.GOOS == "windows" { // which itself moves no file that somebody has open
		release()
	} else {
		defer release()
	}
	if whole { // and what seize's own step wrote beside it says nothing any more
		if err := os.Remove(to + "-journal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	kept = to + "-before-" + now.UTC().Format("20060102-150405")
	if _, err := os.Lstat(kept); err == nil {
		return "", fmt.Errorf("%s is there already; try again in a second", kept)
	}
	if os.Link(to, kept) != nil { // with it there is a database under the name all the time; not every disk has links
		if err := os.Rename(to, kept); err != nil {
			return "", err
		}
	}
	for _, end := range []string{"-wal", "-shm", "-journal"} { // of one that is damaged: a sound one has none now
		if err := os.Rename(to+end, kept+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, err
		}
	}
	return kept, rename(part, to)
}

// SourceError is what is wrong with the file that was to be copied.
type SourceError struct{ error }

func (e *SourceError) Unwrap() error { return e.error }

var errOther = errors.New("this is not the database itself of a vetassist; it may be what the flight recorder keeps")

// copyOf makes a checked copy of a database beside the file that it is for. It is for its owner only, as the database is.
func copyOf(ctx context.Context, from, beside, holds string) (part string, err error) {
	if err := readable(from); err != nil {
		return "", &SourceError{err}
	}
	f, err := os.CreateTemp(filepath.Dir(beside), filepath.Base(beside)+".part-*") // mode 0600
	if err != nil {
		return "", folderError(filepath.Dir(beside), err)
	}
	part = f.Name()
	if err := f.Close(); err != nil {
		return "", err
	}
	examined := false
	err = with(ctx, source(from), func(db *sql.Conn) error {
		var version int
		if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version == 0 {
			return errForeign
		}
		if err := ours(ctx, db, version); err != nil {
			return err
		}
		if err := sound(ctx, db); err != nil {
			return err
		}
		var any bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM items WHERE partition >= ? AND partition < ?)", holds, holds+"\xff").Scan(&any); err != nil {
			return err
		}
		if holds != "" && !any {
			return errOther
		}
		examined = true
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", part) // it reads in one transaction: what is written meanwhile is in it whole or not at all
		return err
	})
	if err == nil {
		err = with(ctx, uri(part), func(db *sql.Conn) error { return sound(ctx, db) })
	}
	if err != nil {
		if why := explain(err); errors.Is(why, errDamaged) { // the advice there is for a database in use
			err = fmt.Errorf("%w: %w", errDamaged, err)
		} else {
			err = why
		}
		switch {
		case examined: // so it is the copy, and its disk
			err = fmt.Errorf("copy of %s: %w", from, err)
		case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrBusy): // it may well be the right file
			err = fmt.Errorf("%s: %w", from, err)
		default:
			err = &SourceError{fmt.Errorf("%s: %w", from, err)}
		}
		return "", errors.Join(err, os.RemoveAll(part))
	}
	return part, nil
}

func folderError(folder string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s. Make it first", folder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not write to the folder %s. Allow it, or name a file in another folder: %w", folder, fs.ErrPermission)
	}
	return err
}

// readable says plainly what is no file to read: SQLite would only say that it cannot open it.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	return err
}

// sound reads every page.
func sound(ctx context.Context, db *sql.Conn) error {
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, said)
	}
	return nil
}

// leaveOut deletes what is in partitions with these prefixes.
func leaveOut(ctx context.Context, path string, prefixes []string) error {
	return with(ctx, uri(path), func(db *sql.Conn) error {
		for _, p := range prefixes {
			if _, err := db.ExecContext(ctx, "DELETE FROM items WHERE partition >= ? AND partition < ?", p, p+"\xff"); err != nil {
				return err
			}
		}
		return nil
	})
}

// seize makes sure that nobody has the database open, brings all of it into its one file, and keeps others out until it is released. One
// that SQLite cannot read is nobody's, and not whole.
func seize(ctx context.Context, path string) (release func(), whole bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // SQLite would read one that is read-only, and then stumble
	if err == nil {
		err = f.Close()
	}
	if errors.Is(err, fs.ErrPermission) {
		err = unwritable(err)
	}
	if err != nil {
		return nil, false, err
	}
	db, err := sql.Open("sqlite", uri(path))
	if err != nil {
		return nil, false, err
	}
	db.SetMaxOpenConns(1)
	release = func() { db.Close() }
	for _, step := range []string{"PRAGMA busy_timeout = 1000", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"} {
		rows, err := db.QueryContext(ctx, step) // the last but one needs the database for itself, too, and leaves no log behind
		if err == nil {
			for rows.Next() { // a PRAGMA answers
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		err = explain(err)
		switch {
		case errors.Is(err, store.ErrBusy):
			release()
			return nil, false, errors.New("a vetassist has it open; stop that first")
		case errors.Is(err, store.ErrUnavailable):
			release()
			return nil, false, err
		case err != nil: // it is damaged
			return release, false, nil
		}
	}
	return release, true, nil
}

// with gives f a connection to a file that is there, as it is.
func with(ctx context.Context, uri string, f func(*sql.Conn) error) error {
	db, err := sql.Open("sqlite", uri)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.Close(), db.Close())
}

// source is a file that is only read. Of one that this user may not write, and nobody is writing, SQLite is told that it does not change: else it
// would leave an index beside it that nobody can use or write, or not read it where it cannot make one (https://www.sqlite.org/wal.html#readonly).
func source(path string) string {
	if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		f.Close()
		return uri(path)
	}
	for _, end := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(path + end); !errors.Is(err, fs.ErrNotExist) {
			return uri(path)
		}
	}
	return uri(path) + "&immutable=1"
}

func uri(path string) string {
	q := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)", "synchronous(FULL)"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// rename gives a file its name once all of it is on the disk.
func rename(part, name string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(part, name)); err != nil {
		return err
	}
	if folder, err := os.Open(filepath.Dir(name)); err == nil { // not every system can do that
		_ = folder.Sync()
		folder.Close()
	}
	return nil
}
