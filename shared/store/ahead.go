package store

import (
	"context"
	"sync/atomic"
	"time"
)

// aheadMaxAge is how long what was read ahead may be used: the time that a process needs to start, not more.
const aheadMaxAge = time.Second

// Ahead begins to read a list at once, while its caller goes on starting. The first to ask for just that list within a second gets what
// came of it, unless something was written through this handle before. Everything else goes to s, also what could not be read
// ahead, so that an error has its say where somebody waits for it. now is the clock on the wall: a process that was frozen in between must
// see that time has passed.
func Ahead(s Store, now func() time.Time, q Query) Store {
	a := &ahead{Store: s, now: now, query: q, began: now(), result: make(chan read, 1)}
	go func() {
		page, err := s.List(context.Background(), q) // an engine bounds its own patience
		a.result <- read{page, err}
	}()
	return a
}

type ahead struct {
	Store
	now    func() time.Time
	query  Query
	began  time.Time
	spent  atomic.Bool
	result chan read
}

type read struct {
	page Page
	err  error
}

// List implements Store.
func (a *ahead) List(ctx context.Context, q Query) (Page, error) {
	age := a.now().Sub(a.began)
	if q != a.query || age < 0 || age >= aheadMaxAge || a.spent.Swap(true) {
		return a.Store.List(ctx, q)
	}
	select {
	case r := <-a.result:
		if r.err == nil {
			return r.page, nil
		}
	case <-ctx.Done():
	}
	return a.Store.List(ctx, q)
}

// Write implements Store.
func (a *ahead) Write(ctx context.Context, ops ...Op) error {
	a.spent.Store(true) // who writes then reads what is written
	return a.Store.Write(ctx, ops...)
}
