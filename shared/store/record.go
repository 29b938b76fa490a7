package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Record is a typed item: the body decoded, with what is needed to write it again.
type Record[T any] struct {
	Value   T
	Version int64
	Expires time.Time
}

// Read gets one item and decodes its body.
func Read[T any](ctx context.Context, s Store, partition, sort string) (Record[T], error) {
	item, err := s.Get(ctx, partition, sort)
	if err != nil {
		return Record[T]{}, err
	}
	return decode[T](item)
}

// ReadPage lists and decodes a page of items.
func ReadPage[T any](ctx context.Context, s Store, q Query) (records []Record[T], next string, err error) {
	p, err := s.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	records = make([]Record[T], 0, len(p.Items))
	for _, item := range p.Items {
		r, err := decode[T](item)
		if err != nil {
			return nil, "", err
		}
		records = append(records, r)
	}
	return records, p.Next, nil
}

// ReadAll reads page after page, at most limit records. The query's own limit is ignored.
func ReadAll[T any](ctx context.Context, s Store, q Query, limit int) (all []Record[T], err error) {
	q.Limit = min(limit, MaxLimit)
	for len(all) < limit {
		records, next, err := ReadPage[T](ctx, s, q)
		if err != nil {
			return nil, err
		}
		if all = append(all, records...); next == "" {
			break
		}
		q.Cursor = next
	}
	return all[:min(len(all), limit)], nil
}

// Encode makes the item that Read decodes. A zero expiry means never.
func Encode(partition, sort string, value any, expires time.Time) Item {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("store: %T cannot be JSON: %v", value, err)) // a record type is wrong, not its data
	}
	return Item{Partition: partition, Sort: sort, Expires: expires, Body: body}
}

func decode[T any](item Item) (Record[T], error) {
	r := Record[T]{Version: item.Version, Expires: item.Expires}
	if err := json.Unmarshal(item.Body, &r.Value); err != nil {
		return Record[T]{}, fmt.Errorf("store: %s/%s does not hold a %T: %w", item.Partition, item.Sort, r.Value, err)
	}
	return r, nil
}
