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
	query := db.list
	switch {
	case q.Descending:
		query = db.listDown
		if after != "" {
			high = min(high, after)
		}
	case after != "":
		low = max(low, after+"\x00") // the next key that there can be
	}
	rows, err := query.QueryContext(ctx, q.Partition, low, high, db.now().Unix())
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
	w := writing{db, tx, context.WithoutCancel(ctx), db.now().Unix()}
	for i, op := range ops {
		if err = w.apply(op, i); err != nil {
			break
		}
	}
	if err == nil {
		err = w.sweep(len(ops))
	}
	if err == nil {
		err = tx.Commit()
	}
	if ctx.Err() != nil && errors.Is(err, sql.ErrTxDone) { // a transaction is rolled back when its context ends
		return ctx.Err()
	}
	return explain(err)
}

// writing is a Write that has the lock. Nothing in it waits any more, so its statements are not watched for the end of a context, which
// would cost a goroutine each.
type writing struct {
	*DB
	tx  *sql.Tx
	ctx context.Context
	now int64
}

func (w *writing) apply(op store.Op, index int) error {
	item, expires := op.Item, store.ToUnix(op.Item.Expires)
	if op.Kind == store.OpPut && op.Condition.Kind == store.CondAbsent { // one statement looks and writes
		n, err := w.exec(w.putAbsent, item.Partition, item.Sort, expires, string(item.Body), w.now)
		if err == nil && n == 0 {
			return &store.ConflictError{Index: index}
		}
		return err
	}
	if op.Condition.Kind != store.CondAlways {
		live, err := w.live(item)
		if err != nil {
			return err
		}
		if !op.Condition.Holds(live) {
			return &store.ConflictError{Index: index}
		}
	}
	var err error
	switch op.Kind {
	case store.OpPut:
		_, err = w.exec(w.put, item.Partition, item.Sort, expires, string(item.Body))
	case store.OpDelete:
		_, err = w.exec(w.del, item.Partition, item.Sort)
	case store.OpCheck:
	default:
		err = fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
	}
	return err
}

// live is the version of an item, 0 for none that a reader would see.
func (w *writing) live(item store.Item) (version int64, err error) {
	var expires int64
	err = w.tx.StmtContext(w.ctx, w.version).QueryRowContext(w.ctx, item.Partition, item.Sort).Scan(&version, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case expires != 0 && expires <= w.now:
		version = 0
	}
	return version, err
}

// exec carries out a statement, and tells how many items it touched.
func (w *writing) exec(s *sql.Stmt, args ...any) (int64, error) {
	r, err := w.tx.StmtContext(w.ctx, s).ExecContext(w.ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// sweep deletes what has expired, a little every so often, as DynamoDB's TTL does in the cloud. It is twice as much as was written
// since, so that a file does not grow for ever with what lives for a day. Readers never see an expired item, swept or not.
func (w *writing) sweep(ops int) error {
	const every, batch = 256, 2 * (256 + store.MaxOps)
	if w.written += ops; w.written < every {
		return nil
	}
	w.written = 0
	_, err := w.exec(w.sweepOut, w.now, batch)
	return err
}
