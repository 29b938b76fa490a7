package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/vetassist/vetassist/shared/store"
)

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	if err := store.ValidKey(partition, sort); err != nil {
		return store.Item{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Item{}, err
	}
	now := db.now().Unix()
	state, known := db.cache.see()
	if known {
		if item, ok := db.cache.item(state, key{partition, sort}, now); ok {
			return item, nil
		}
	}
	c, err := db.readers.take(ctx)
	if err != nil {
		return store.Item{}, err
	}
	defer db.readers.give(c)
	found := store.Item{Partition: partition, Sort: sort}
	var row [3]driver.Value
	var wrong error
	err = c.query(get, row[:], func() bool {
		wrong = fill(&found, row[:])
		return true
	}, partition, sort, now)
	switch {
	case err != nil:
		return store.Item{}, explain(err)
	case wrong != nil:
		return store.Item{}, wrong
	case found.Version == 0:
		return store.Item{}, store.ErrNotFound
	}
	if known {
		db.cache.keepItem(state, found)
	}
	return found, nil
}

// List implements store.Store. It reads one item more than the page, to know whether there is a next one.
func (db *DB) List(ctx context.Context, q store.Query) (store.Page, error) {
	limit, err := store.ValidQuery(q)
	if err != nil {
		return store.Page{}, err
	}
	after, err := store.DecodeCursor(q.Cursor)
	if err != nil {
		return store.Page{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Page{}, err
	}
	now := db.now().Unix()
	state, known := db.cache.see()
	if known {
		if page, ok := db.cache.list(state, q, now); ok {
			return page, nil
		}
	}
	// No byte of UTF-8 is 0xff, so these two bounds hold exactly the keys with the prefix.
	low, high := q.Prefix, q.Prefix+"\xff"
	query := list
	switch {
	case q.Descending:
		query = listDown
		if after != "" {
			high = min(high, after)
		}
	case after != "":
		low = max(low, after+"\x00") // the next key that there can be
	}
	c, err := db.readers.take(ctx)
	if err != nil {
		return store.Page{}, err
	}
	defer db.readers.give(c)
	var page store.Page
	var row [4]driver.Value
	var wrong error
	err = c.query(query, row[:], func() bool {
		if len(page.Items) == limit {
			page.Next = store.EncodeCursor(page.Items[limit-1].Sort)
			return true
		}
		item := store.Item{Partition: q.Partition}
		item.Sort, _ = row[0].(string)
		wrong = fill(&item, row[1:])
		page.Items = append(page.Items, item)
		return wrong != nil || ctx.Err() != nil
	}, q.Partition, low, high, now)
	if err == nil {
		err = wrong
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return store.Page{}, explain(err)
	}
	if known {
		db.cache.keepList(state, q, page)
	}
	return page, nil
}

// fill reads version, expires and body of a row.
func fill(item *store.Item, row []driver.Value) error {
	version, ok1 := row[0].(int64)
	expires, ok2 := row[1].(int64)
	body, ok3 := row[2].(string)
	if !ok1 || !ok2 || !ok3 {
		return fmt.Errorf("the item %s/%s is not as this program writes them", item.Partition, item.Sort)
	}
	item.Version, item.Expires, item.Body = version, store.FromUnix(expires), []byte(body)
	return nil
}
