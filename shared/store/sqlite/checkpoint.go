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
	checkpointAfter = 6000  // pages in the log, of 4 KB. The fewer, the sooner a start after a crash has read them; each time costs syncs
	mostLogged      = 16000 // then SQLite does it after all
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
				if pages, ok := db.cache.logged(); !ok || pages >= checkpointAfter { // it was said again while it was done
					db.checkpoint()
				}
			case <-c.stop:
				return
			}
		}
	})
	return nil
}

// wrote looks whether one is due. It is called by whoever has the writer.
func (c *checkpointer) wrote(db *DB, ops int) {
	if c == nil {
		return
	}
	db.logged += ops // where nobody can tell the pages; it is about one each
	if pages, ok := db.cache.logged(); ok {
		db.logged = pages
	}
	if db.logged < checkpointAfter {
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
