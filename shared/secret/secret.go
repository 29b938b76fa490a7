// Package secret holds the keys that a function makes for itself: to sign what it hands out and wants to know again, such as a
// nonce or the state of a question. Each is made on first use, and all processes over one store have the same.
package secret

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const sort = "key"

// Key is a key for one purpose. It is read once, and then remembered: a key never changes.
type Key struct {
	store     store.Store
	rand      io.Reader
	partition string

	known atomic.Pointer[[]byte]
}

// At is the key that lies at a partition, such as "oauth-secret/refresh".
func At(s store.Store, rand io.Reader, partition string) *Key {
	return &Key{store: s, rand: rand, partition: partition}
}

// Bytes are the key. Of two processes that make it at once, one wins.
func (k *Key) Bytes(ctx context.Context) ([]byte, error) {
	if known := k.known.Load(); known != nil {
		return *known, nil
	}
	for range 2 {
		record, err := store.Read[[]byte](ctx, k.store, k.partition, sort)
		if err == nil {
			k.known.Store(&record.Value)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return record.Value, err
		}
		made, err := web.NewSecret(k.rand)
		if err != nil {
			return nil, err
		}
		err = k.store.Write(ctx, store.Put(store.Encode(k.partition, sort, []byte(made), time.Time{}), store.IfAbsent()))
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
	return nil, errors.New("secret: " + k.partition + " vanished")
}
