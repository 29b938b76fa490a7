package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"

	"github.com/vetassist/vetassist/shared/store"
)

// maxTogether bounds how many operations one transaction has: a writer waits for those of others no longer than for these.
const maxTogether = 10 * store.MaxOps

// pending is a Write that waits for its turn.
type pending struct {
	ops  []store.Op
	done chan error // gets one answer
}

// Write implements store.Store. Those that wait while another writes go into one transaction together, since a transaction costs much the
// same however much is in it. Each keeps its own conditions; all are answered when it is committed. Whoever comes first does it for all.
func (db *DB) Write(ctx context.Context, ops ...store.Op) error {
	if err := store.ValidOps(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &pending{ops, make(chan error, 1)}
	db.mu.Lock()
	db.waiting = append(db.waiting, p)
	db.mu.Unlock()
	for {
		select {
		case err := <-p.done:
			return err
		case c, open := <-db.writer.idle:
			if !open {
				return p.or(errClosed)
			}
			runtime.Gosched() // so that whoever is about to write comes along; where nobody is, it takes no time
			if all := db.next(); len(all) > 0 {
				db.writeAll(c, all)
			}
			db.writer.give(c)
		case <-ctx.Done(): // whether somebody has it in hand, nobody knows
			db.withdraw(p)
			return p.or(ctx.Err())
		}
	}
}

// or is the answer, where there is one already: select takes any of what is ready.
func (p *pending) or(err error) error {
	select {
	case err = <-p.done:
	default:
	}
	return err
}

// next takes of those that wait as many as go into one transaction, in the order in which they came.
func (db *DB) next() []*pending {
	db.mu.Lock()
	defer db.mu.Unlock()
	n, ops := 0, 0
	for ; n < len(db.waiting) && (n == 0 || ops+len(db.waiting[n].ops) <= maxTogether); n++ {
		ops += len(db.waiting[n].ops)
	}
	all := db.waiting[:n]
	db.waiting = append([]*pending(nil), db.waiting[n:]...)
	return all
}

func (db *DB) withdraw(p *pending) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for i, other := range db.waiting {
		if other == p {
			db.waiting = append(append([]*pending(nil), db.waiting[:i]...), db.waiting[i+1:]...)
			return
		}
	}
}

// writeAll writes and answers. A conflict that comes to light when half of a Write is done undoes the whole transaction, which is rare: then
// each has one of its own.
func (db *DB) writeAll(c *conn, all []*pending) {
	errs, err := db.together(c, all)
	if err == errHalfDone {
		for _, p := range all {
			db.writeAll(c, []*pending{p})
		}
		return
	}
	for i, p := range all {
		if err != nil {
			errs[i] = err
		}
		p.done <- explain(errs[i])
	}
}

var errHalfDone = errors.New("half of a write was done before its conflict")

// together is one immediate transaction, so that what a condition saw is still so at the commit. It tells what each Write came to, or with
// err what all did.
func (db *DB) together(c *conn, all []*pending) (errs []error, err error) {
	errs = make([]error, len(all))
	if _, err := c.exec(begin); err != nil {
		return errs, err
	}
	w := write{conn: c, now: db.now().Unix()}
	written := 0
	for i, p := range all {
		begun, err := w.apply(p.ops)
		switch {
		case err == nil:
			written += len(p.ops)
		case !errors.Is(err, store.ErrConflict):
			return errs, w.undo(err)
		case begun && len(all) > 1:
			return errs, w.undo(errHalfDone)
		default:
			errs[i] = err
		}
	}
	if written == 0 {
		return errs, w.undo(nil)
	}
	if err := db.sweep(&w, written); err != nil {
		return errs, w.undo(err)
	}
	db.cache.before(w.now)
	_, err = c.exec(commit)
	db.cache.after(err == nil, w.effects)
	db.checkpoints.wrote(db, written)
	if err != nil {
		return errs, w.undo(err)
	}
	return errs, nil
}

// write is a transaction that has the lock.
type write struct {
	*conn
	now     int64
	effects []store.Item // what was changed. Version 0: it is gone, or nobody looked which version it has now
}

// undo ends the transaction for a reason. SQLite has ended it already after some failures of the disk.
func (w write) undo(why error) error {
	if _, err := w.exec(rollback); err != nil && why == nil {
		return err
	}
	return why
}

// apply carries out one Write. It looks at the conditions first, but for those of what is to be new, which the statement that writes it looks
// at. begun tells whether it had written anything.
func (w *write) apply(ops []store.Op) (begun bool, err error) {
	for i, op := range ops {
		if op.Condition.Kind == store.CondAlways || isNew(op) {
			continue
		}
		live, err := w.live(op.Item)
		if err != nil {
			return false, err
		}
		if !op.Condition.Holds(live) {
			return false, &store.ConflictError{Index: i}
		}
	}
	for i, op := range ops {
		item, expires := op.Item, store.ToUnix(op.Item.Expires)
		n := int64(1)
		item.Version = 0
		switch {
		case isNew(op):
			if n, err = w.exec(putNew, item.Partition, item.Sort, expires, string(item.Body)); n == 1 {
				item.Version = 1
			} else if err == nil {
				n, err = w.exec(putExpired, item.Partition, item.Sort, expires, string(item.Body), w.now)
			}
		case op.Kind == store.OpPut:
			_, err = w.exec(put, item.Partition, item.Sort, expires, string(item.Body))
			if op.Condition.Kind == store.CondVersion {
				item.Version = op.Condition.Version + 1
			}
		case op.Kind == store.OpDelete:
			var gone int64
			if gone, err = w.exec(del, item.Partition, item.Sort); err == nil && gone == 0 {
				continue // it had gone before
			}
		case op.Kind == store.OpCheck:
			continue
		default:
			err = fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
		}
		if err == nil && n == 0 {
			err = &store.ConflictError{Index: i}
		}
		if err != nil {
			return begun, err
		}
		begun = true
		item.Expires = store.FromUnix(expires) // as it is read
		w.effects = append(w.effects, item)
	}
	return begun, nil
}

func isNew(op store.Op) bool { return op.Kind == store.OpPut && op.Condition.Kind == store.CondAbsent }

// live is the version of an item, 0 for none that a reader would see.
func (w write) live(item store.Item) (live int64, err error) {
	var row [2]driver.Value
	err = w.query(version, row[:], func() bool {
		if expires, _ := row[1].(int64); expires == 0 || expires > w.now {
			live, _ = row[0].(int64)
		}
		return true
	}, item.Partition, item.Sort)
	return live, err
}

const sweepEvery = 256 // operations

// sweep deletes what has expired, as DynamoDB's TTL does in the cloud: every so often it looks at twice as many items as were written since,
// on from where it was, so that no more than about half of a file is what nobody can read any more. An index of what expires would have to be
// written with every item. It begins with the first Write, and somewhere by the clock, since not every process lives to write much or to see all
// of a file.
func (db *DB) sweep(w *write, ops int) error {
	if db.written += ops; db.written < sweepEvery {
		return nil
	}
	look := int64(2 * db.written)
	db.written = 0
	row := make([]driver.Value, 1)
	number := func(statement int, args ...driver.Value) (n int64, err error) {
		err = w.query(statement, row, func() bool { n, _ = row[0].(int64); return true }, args...)
		return n, err
	}
	last, err := number(lastRow)
	if err != nil {
		return err
	}
	if db.swept < 0 {
		db.swept = w.now % max(1, last-look)
	}
	end, err := number(sweepEnd, db.swept, look-1)
	if err != nil {
		return err
	}
	if end == 0 { // there are fewer left
		end = last
	}
	if _, err = w.exec(sweepOut, db.swept, end, w.now); end == last {
		end = 0 // on from the beginning
	}
	db.swept = end
	return err
}
