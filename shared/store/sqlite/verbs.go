package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/vetassist/vetassist/shared/store"
)

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	if err := store.ValidKey(partition, sort); err != nil {
		return store.Item{}, err
	}
	item := store.Item{Partition: partition, Sort: sort}
	var expires int64
	err := db.get.QueryRowContext(ctx, partition, sort, db.now().Unix()).Scan(&item.Version, &expires, &item.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Item{}, store.ErrNotFound
	}
	if err != nil {
		return store.Item{}, explain(err)
	}
	item.Expires = store.FromUnix(expires)
	return item, nil
}

// List implements store.Store. It reads one item more than the page, to know whether there is a next one.
func (db *DB) List(ctx context.Context, q store.Query) (store.Page, error) {
	limit, err := store.ValidQuery(q)
	if err != nil {
		return store.Page{}, err
	}
	after, err := store.DecodeCursor(q.Cursor)
	if err != nil {
		return store.Page{}, err
	}
	// No byte of UTF-8 is 0xff, so these two bounds hold exactly the keys with the prefix.
	low, high := q.Prefix, q.Prefix+"\xff"
	query := `SELECT sort, version, expires, body FROM items WHERE partition = ? AND sort >= ? AND sort < ?
		AND (expires = 0 OR expires > ?) AND (? = '' OR sort > ?) ORDER BY sort LIMIT ?`
	if q.Descending {
		query = `SELECT sort, version, expires, body FROM items WHERE partition = ? AND sort >= ? AND sort < ?
		AND (expires = 0 OR expires > ?) AND (? = '' OR sort < ?) ORDER BY sort DESC LIMIT ?`
	}
	if after != "" && !q.Descending {
		low = max(low, after) // start there instead of reading and dropping what comes before
	}
	if after != "" && q.Descending {
		high = min(high, after)
	}
	rows, err := db.read.QueryContext(ctx, query, q.Partition, low, high, db.now().Unix(), after, after, limit+1)
	if err != nil {
		return store.Page{}, explain(err)
	}
	defer rows.Close()
	var page store.Page
	for rows.Next() {
		if len(page.Items) == limit {
			page.Next = store.EncodeCursor(page.Items[limit-1].Sort)
			break
		}
		item := store.Item{Partition: q.Partition}
		var expires int64
		if err := rows.Scan(&item.Sort, &item.Version, &expires, &item.Body); err != nil {
			return store.Page{}, explain(err)
		}
		item.Expires = store.FromUnix(expires)
		page.Items = append(page.Items, item)
	}
	return page, explain(rows.Err())
}

// Write implements store.Store: one immediate transaction, so that what a condition saw is still so at the commit.
func (db *DB) Write(ctx context.Context, ops ...store.Op) error {
	if err := store.ValidOps(ops); err != nil {
		return err
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback()
	now := db.now().Unix()
	for i, op := range ops {
		if err := apply(ctx, tx, op, i, now); err != nil {
			return explain(err)
		}
	}
	if err := db.sweep(ctx, tx, now, len(ops)); err != nil {
		return explain(err)
	}
	return explain(tx.Commit())
}

func apply(ctx context.Context, tx *sql.Tx, op store.Op, index int, now int64) error {
	var stored, live int64
	var expires int64
	err := tx.QueryRowContext(ctx, `SELECT version, expires FROM items WHERE partition = ? AND sort = ?`,
		op.Item.Partition, op.Item.Sort).Scan(&stored, &expires)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if expires == 0 || expires > now {
		live = stored
	}
	if !op.Condition.Holds(live) {
		return &store.ConflictError{Index: index}
	}
	switch op.Kind {
	case store.OpPut:
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO items (partition, sort, version, expires, body) VALUES (?, ?, ?, ?, ?)`,
			op.Item.Partition, op.Item.Sort, stored+1, store.ToUnix(op.Item.Expires), string(op.Item.Body))
		return err
	case store.OpDelete:
		_, err = tx.ExecContext(ctx, `DELETE FROM items WHERE partition = ? AND sort = ?`, op.Item.Partition, op.Item.Sort)
		return err
	case store.OpCheck:
		return nil
	}
	return fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
}

// sweep deletes what has expired, a little every so often, as DynamoDB's TTL does in the cloud. It is twice as much as was written
// since, so that a file does not grow for ever with what lives for a day. Readers never see an expired item, swept or not.
func (db *DB) sweep(ctx context.Context, tx *sql.Tx, now int64, ops int) error {
	const every, batch = 256, 2 * (256 + store.MaxOps)
	if db.written += ops; db.written < every {
		return nil
	}
	db.written = 0
	_, err := tx.ExecContext(ctx, `DELETE FROM items WHERE (partition, sort) IN
		(SELECT partition, sort FROM items WHERE expires > 0 AND expires <= ? LIMIT ?)`, now, batch)
	return err
}
