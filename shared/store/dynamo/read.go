package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

func text(s string) attribute { return attribute{S: &s} }

func number(n int64) attribute {
	s := strconv.FormatInt(n, 10)
	return attribute{N: &s}
}

func key(partition, sort string) attributes {
	return attributes{"pk": text(partition), "sk": text(sort)}
}

// decode reads an item as DynamoDB has it, live or not.
func decode(a attributes) (store.Item, error) {
	var item store.Item
	var err error
	str := func(name string) string {
		v := a[name].S
		if v == nil {
			err = fmt.Errorf("dynamodb: an item has no text %s", name)
			return ""
		}
		return *v
	}
	item.Partition, item.Sort, item.Body = str("pk"), str("sk"), []byte(str("body"))
	integer := func(name string) (n int64) {
		v := a[name].N
		if v == nil {
			err = fmt.Errorf("dynamodb: an item has no number %s", name)
			return 0
		}
		if n, err = strconv.ParseInt(*v, 10, 64); err != nil {
			err = fmt.Errorf("dynamodb: %s of an item: %w", name, err)
		}
		return n
	}
	item.Version = integer("version")
	if _, ok := a["expires"]; ok {
		item.Expires = store.FromUnix(integer("expires"))
	}
	return item, err
}

// live reports whether an item is there for readers at a moment.
func live(item store.Item, now time.Time) bool {
	return item.Expires.IsZero() || item.Expires.Unix() > now.Unix()
}

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	if err := store.ValidKey(partition, sort); err != nil {
		return store.Item{}, err
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	out, err := db.client.do(inner, db.retryer, "GetItem", action{"TableName": db.table, "Key": key(partition, sort), "ConsistentRead": true})
	if err != nil {
		return store.Item{}, db.explain(ctx, err)
	}
	if out.Item == nil {
		return store.Item{}, store.ErrNotFound
	}
	item, err := decode(out.Item)
	if err == nil && !live(item, db.now()) {
		return store.Item{}, store.ErrNotFound
	}
	return item, err
}

// maxQueries bounds what one List reads: each query is at most 1 MB and maxScanned items.
const (
	maxQueries = 24
	maxScanned = 2000
)

// List implements store.Store. Expired items are left out by DynamoDB, but after its limit: a query that found too few is
// followed by one for twice as many. It looks for one item more than the page, to know whether there is a next one.
func (db *DB) List(ctx context.Context, q store.Query) (store.Page, error) {
	limit, err := store.ValidQuery(q)
	if err != nil {
		return store.Page{}, err
	}
	values := attributes{":pk": text(q.Partition), ":now": number(db.now().Unix())}
	in := action{
		"TableName":                 db.table,
		"ConsistentRead":            true,
		"ScanIndexForward":          !q.Descending,
		"KeyConditionExpression":    "pk = :pk",
		"FilterExpression":          "attribute_not_exists(expires) OR expires > :now",
		"ExpressionAttributeValues": values,
	}
	if q.Prefix != "" {
		in["KeyConditionExpression"] = "pk = :pk AND begins_with(sk, :prefix)"
		values[":prefix"] = text(q.Prefix)
	}
	switch after, err := store.DecodeCursor(q.Cursor); {
	case err != nil:
		return store.Page{}, err
	case after != "":
		if store.ValidKey(q.Partition, after) != nil || !strings.HasPrefix(after, q.Prefix) {
			return store.Page{}, fmt.Errorf("%w: this cursor came from no page of this list", store.ErrInvalid)
		}
		in["ExclusiveStartKey"] = key(q.Partition, after)
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	var page store.Page
	var ended attributes
	for n := range maxQueries {
		in["Limit"] = min((limit+1-len(page.Items))<<min(n, 12), maxScanned)
		out, err := db.client.do(inner, db.retryer, "Query", in)
		if err != nil {
			return store.Page{}, db.explain(ctx, err)
		}
		for _, a := range out.Items {
			if len(page.Items) == limit {
				page.Next = store.EncodeCursor(page.Items[limit-1].Sort)
				return page, nil
			}
			item, err := decode(a)
			if err != nil {
				return store.Page{}, err
			}
			page.Items = append(page.Items, item)
		}
		if ended = out.LastEvaluatedKey; ended == nil {
			return page, nil
		}
		in["ExclusiveStartKey"] = ended
	}
	// So many expired items are in the way that the page ends short.
	last := ended["sk"].S
	if last == nil {
		return store.Page{}, errors.New("dynamodb: a query ended at no key")
	}
	page.Next = store.EncodeCursor(*last)
	return page, nil
}
