package store

import (
	"bytes"
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru" // bounds what is remembered
)

// Bounds of what a Decoded remembers.
const (
	maxDecoded     = 512
	maxDecodedBody = 4 << 10 // bytes
)

// Decoded is Read for what is read again and again. Each item is got from the store, as ever; but a body that is byte for byte what it was the last
// time is not decoded anew, which takes longer than to get it.
type Decoded[T any] struct {
	clone func(T) T

	mu    sync.Mutex
	known *simplelru.LRU[string, decoded[T]] // by partition and sort key
}

type decoded[T any] struct {
	body  []byte
	value T
}

// NewDecoded makes one. clone makes a value of which whoever gets it may change everything.
func NewDecoded[T any](clone func(T) T) *Decoded[T] {
	known, _ := simplelru.NewLRU[string, decoded[T]](maxDecoded, nil) // fails for no size only
	return &Decoded[T]{clone: clone, known: known}
}

// Read gets one item and decodes its body.
func (d *Decoded[T]) Read(ctx context.Context, s Store, partition, sort string) (Record[T], error) {
	item, err := s.Get(ctx, partition, sort)
	if err != nil {
		return Record[T]{}, err
	}
	key := partition + "\n" + sort
	d.mu.Lock()
	last, ok := d.known.Get(key)
	d.mu.Unlock()
	if ok && bytes.Equal(last.body, item.Body) {
		return Record[T]{Value: d.clone(last.value), Version: item.Version, Expires: item.Expires}, nil
	}
	r, err := decode[T](item)
	if err == nil && len(item.Body) <= maxDecodedBody {
		d.mu.Lock()
		d.known.Add(key, decoded[T]{item.Body, d.clone(r.Value)})
		d.mu.Unlock()
	}
	return r, err
}
