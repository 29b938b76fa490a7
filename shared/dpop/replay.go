package dpop

import (
	"context"
	"errors"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// Use takes a proof, which then is worth nothing to whoever else has seen it (RFC 9449 §11.1). It is one write, under a condition, so
// that of two requests with one proof, at whichever processes, one wins. The error is an *Error, or a failure of ours.
func (c *Checker) Use(ctx context.Context, p Proof) error {
	item := store.Encode(c.partition+p.id, "used", true, p.ends.Add(2*time.Second)) // no sooner than it is too old
	err := c.store.Write(ctx, store.Put(item, store.IfAbsent()))
	if errors.Is(err, store.ErrConflict) {
		return invalid("its jti was used before: make a new proof for each request")
	}
	return err
}

// replayID names a proof, at whatever length its jti has: by key and URL, so that nobody uses up the ids of others.
func replayID(key, target, id string) string { return web.Hash(key + " " + target + " " + id) }
