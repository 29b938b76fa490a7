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
}

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
		return fmt.Errorf("it was written by a newer vetassist (schema %d, this one knows %d): use that one, or another file with -db", version, len(migrations))
	}
	var all, items int
	err := db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(type = 'table' AND name = 'items'), 0) FROM sqlite_schema").Scan(&all, &items)
	if err == nil && (version == 0 && all > 0 || version > 0 && items == 0) {
		err = errForeign
	}
	return err
}

var errForeign = errors.New("this is a database of another program; name another file with -db")
