package workshop

import (
	"context"
	"sync"
)

// crewSize is how many things are done at once: a password takes a server 20 ms of all that it has.
const crewSize = 4

// crew does something for each of a list, a few at a time. When ctx ends, those that have not begun do not.
func crew[T any](ctx context.Context, list []T, do func(context.Context, T)) {
	work := make(chan T)
	var hands sync.WaitGroup
	for range min(crewSize, len(list)) {
		hands.Go(func() {
			for one := range work {
				do(ctx, one)
			}
		})
	}
	for _, one := range list {
		if ctx.Err() != nil {
			break
		}
		work <- one
	}
	close(work)
	hands.Wait()
}
