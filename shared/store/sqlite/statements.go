package sqlite

import (
	"context"
	"database/sql"
)

// What is asked of the file, each parsed once per connection. The plus sign takes expires away from the planner: it would compare each new
// value with the condition of the index on it, and for that parse the statement again each time.
const (
	selectOne  = `SELECT version, expires, body FROM items WHERE partition = ? AND sort = ? AND (expires = 0 OR +expires > ?)`
	selectMany = `SELECT sort, version, expires, body FROM items WHERE partition = ? AND sort >= ? AND sort < ? AND (expires = 0 OR +expires > ?)`

	insert = `INSERT INTO items (partition, sort, version, expires, body) VALUES (?1, ?2, 1, ?3, ?4)
		ON CONFLICT DO UPDATE SET version = version + 1, expires = excluded.expires, body = excluded.body`
)

func (db *DB) prepare(ctx context.Context) error {
	for _, s := range []struct {
		into **sql.Stmt
		on   *sql.DB
		text string
	}{
		{&db.get, db.read, selectOne},
		{&db.list, db.read, selectMany + ` ORDER BY sort`},
		{&db.listDown, db.read, selectMany + ` ORDER BY sort DESC`},
		{&db.version, db.write, `SELECT version, expires FROM items WHERE partition = ? AND sort = ?`},
		{&db.put, db.write, insert},
		{&db.putAbsent, db.write, insert + ` WHERE items.expires > 0 AND +items.expires <= ?5`},
		{&db.del, db.write, `DELETE FROM items WHERE partition = ? AND sort = ?`},
		{&db.sweepOut, db.write, `DELETE FROM items WHERE (partition, sort) IN
			(SELECT partition, sort FROM items WHERE expires > 0 AND expires <= ? LIMIT ?)`},
	} {
		var err error
		if *s.into, err = s.on.PrepareContext(ctx, s.text); err != nil {
			return err
		}
		db.statements = append(db.statements, *s.into)
	}
	return nil
}
