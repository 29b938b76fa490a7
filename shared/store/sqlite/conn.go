package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// conn is one connection with its statements, each parsed once. It is used by one at a time.
//
// The driver is asked directly. Package sql would look for a connection, lock it and convert each value anew with every statement, and the
// driver would start a goroutine for each to watch for the end of a context, though nothing here waits: together three quarters of a read.
type conn struct {
	pool       *sql.Conn // keeps it out of package sql's own use
	statements []driver.Stmt
}

// conns are a fixed number of connections.
type conns struct {
	pool *sql.DB // that they are taken out of, for good
	idle chan *conn
	made int
}

// connect opens n connections and parses statements on them. The pool is closed with them.
func connect(ctx context.Context, pool *sql.DB, n int, texts []string) (*conns, error) {
	all := &conns{pool: pool, idle: make(chan *conn, n)}
	for range n {
		of, err := pool.Conn(ctx)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		c := &conn{pool: of}
		all.idle <- c
		all.made++
		if err := c.prepare(ctx, texts); err != nil {
			return nil, errors.Join(err, all.close())
		}
	}
	return all, nil
}

// take waits for one that nobody uses. Whoever takes it gives it back.
func (all *conns) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c, open := <-all.idle:
		if !open {
			return nil, errClosed
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (all *conns) give(c *conn) { all.idle <- c }

// close waits for those that are in use.
func (all *conns) close() error {
	var errs []error
	for range all.made {
		errs = append(errs, (<-all.idle).close())
	}
	close(all.idle)
	return errors.Join(append(errs, all.pool.Close())...)
}

func (c *conn) prepare(ctx context.Context, texts []string) error {
	return c.pool.Raw(func(raw any) error {
		for _, text := range texts {
			s, err := raw.(driver.ConnPrepareContext).PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			c.statements = append(c.statements, s)
		}
		return nil
	})
}

// exec carries out a statement, and tells how many items it touched.
func (c *conn) exec(statement int, args ...driver.Value) (int64, error) {
	r, err := c.statements[statement].(driver.StmtExecContext).ExecContext(context.Background(), named(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query asks, and gives each row to f, until that is enough.
func (c *conn) query(statement int, row []driver.Value, f func() (enough bool), args ...driver.Value) error {
	rows, err := c.statements[statement].(driver.StmtQueryContext).QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		if f() {
			break
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

func named(args []driver.Value) []driver.NamedValue {
	all := make([]driver.NamedValue, len(args))
	for i, v := range args {
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return all
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.pool.Close())...)
}
