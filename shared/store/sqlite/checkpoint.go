package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// checkpointer brings the write-ahead log into the file beside those who write. SQLite would have whoever comes to write the last of so many pages
// do it, and all others wait for that writer and for the disk: a fifth of the time in which people log in.
type checkpointer struct {
	own  *conns // one
	due  chan struct{}
	stop chan struct{}
	done sync.WaitGroup
}

const (
	checkpointAfter = 2000 // operations, some three thousand pages
	mostLogged      = 8000 // pages in the log, of 4 KB: then SQLite does it after all. They are many where much is in each operation
)

const checkpointNow = 0 // the statement

// startCheckpoints opens a connection for them.
func (db *DB) startCheckpoints(ctx context.Context, pool *sql.DB) error {
	own, err := connect(ctx, pool, 1, []string{`PRAGMA wal_checkpoint(PASSIVE)`})
	if err != nil {
		return err
	}
	c := &checkpointer{own: own, due: make(chan struct{}, 1), stop: make(chan struct{})}
	db.checkpoints = c
	c.done.Go(func() {
		for {
			select {
			case <-c.due:
				db.checkpoint()
			case <-c.stop:
				return
			}
		}
	})
	return nil
}

// wrote counts operations. It is called by whoever has the writer.
func (c *checkpointer) wrote(db *DB, ops int) {
	if db.logged += ops; c == nil || db.logged < checkpointAfter {
		return
	}
	db.logged = 0
	select {
	case c.due <- struct{}{}:
	default: // it is at it
	}
}

// checkpoint copies nearly all while others write, then what they wrote meanwhile, and at last the little that is left while nobody does: so the
// log is in the file as a whole, and whoever writes next begins it anew. What fails here is tried again the next time, or by SQLite.
func (db *DB) checkpoint() {
	for range 2 {
		_ = on(db.checkpoints.own, checkpointNow)
	}
	_ = on(db.writer, checkpointAll)
}

// on carries out a statement on one of the connections.
func on(all *conns, statement int) error {
	c, err := all.take(context.Background())
	if err != nil {
		return err
	}
	defer all.give(c)
	_, err = c.exec(statement)
	return err
}

func (c *checkpointer) close() error {
	if c == nil {
		return nil
	}
	close(c.stop)
	c.done.Wait()
	return c.own.close()
}
