package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
)

//go:embed schema.sql
var schema string

//go:embed views.sql
var views string

// migrations is how a file comes to be as this code wants it: the step at n makes schema n+1 (PRAGMA user_version) of schema n, and schema 0 is
// an empty file. A step is never changed once a file was written with it: what has to change comes as one more step. testdata holds a file of
// each schema that there was.
//
// Records have no number: they are JSON, a field is only ever added, and a record without it means what it meant before there was one.
var migrations = []string{
	schema,
	`DROP INDEX items_by_expiry`, // it was written with every item, for a deletion every so often (see sweep)
	byRow,
}

// byRow has the items one after the other in the order in which they came, and their keys apart, in order. In schema 1 the items themselves were in
// the order of their keys, which are random for the most part: each went to another page of the file, and few were on one. Now what is written
// together is on one page, and pages full of keys alone are seldom too full for one more: half as many have to be written. Views that somebody made of
// the items stay as they are: without the pragma they would go with the old table (https://sqlite.org/lang_altertable.html#altertabrename).
const byRow = `
	PRAGMA legacy_alter_table = ON;
	ALTER TABLE items RENAME TO items_by_key;
	PRAGMA legacy_alter_table = OFF;
	CREATE TABLE items (
		partition TEXT    NOT NULL,
		sort      TEXT    NOT NULL,
		version   INTEGER NOT NULL,
		expires   INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0 means never
		body      TEXT    NOT NULL,           -- JSON
		PRIMARY KEY (partition, sort)
	);
	INSERT INTO items SELECT partition, sort, version, expires, body FROM items_by_key ORDER BY partition, sort;
	DROP TABLE items_by_key`

// migrate brings an older file up to date, all steps or none, and refuses a newer one. The views are made anew each time:
// they hold no data, so they may follow the code.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := ours(ctx, tx, version); err != nil {
		return err
	}
	for _, step := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if version < len(migrations) {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, views); err != nil {
		return err
	}
	return tx.Commit()
}

// ours refuses what this program did not write, or not this old.
func ours(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, version int) error {
	if version > len(migrations) {
		return fmt.Errorf("it was written by a newer vetassist (schema %d, this one knows %d): use that one", version, len(migrations))
	}
	var all, items int
	err := db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(type = 'table' AND name = 'items'), 0) FROM sqlite_schema").Scan(&all, &items)
	if err == nil && (version == 0 && all > 0 || version > 0 && items == 0) {
		err = errForeign
	}
	return err
}

var errForeign = errors.New("this is a database of another program")
