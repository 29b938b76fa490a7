package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vetassist/vetassist/shared/store"
)

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(partition, sort string) attributes {
	return attributes{"pk": text(partition), "sk": text(sort)}
}

// decode reads an item as DynamoDB has it, live or not.
func decode(a attributes) (store.Item, error) {
	var item store.Item
	var err error
	str := func(name string) string {
		v, ok := a[name].(*types.AttributeValueMemberS)
		if !ok {
			err = fmt.Errorf("dynamodb: an item has no text %s", name)
			return ""
		}
		return v.Value
	}
	item.Partition, item.Sort, item.Body = str("pk"), str("sk"), []byte(str("body"))
	integer := func(name string) (n int64) {
		v, ok := a[name].(*types.AttributeValueMemberN)
		if !ok {
			err = fmt.Errorf("dynamodb: an item has no number %s", name)
			return 0
		}
		if n, err = strconv.ParseInt(v.Value, 10, 64); err != nil {
			err = fmt.Errorf("dynamodb: %s of an item: %w", name, err)
		}
		return n
	}
	item.Version = integer("version")
	if a["expires"] != nil {
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
	out, err := db.client.GetItem(inner, &dynamodb.GetItemInput{TableName: &db.table, Key: key(partition, sort), ConsistentRead: aws.Bool(true)})
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
	in := dynamodb.QueryInput{
		TableName:                 &db.table,
		ConsistentRead:            aws.Bool(true),
		ScanIndexForward:          aws.Bool(!q.Descending),
		KeyConditionExpression:    aws.String("pk = :pk"),
		FilterExpression:          aws.String("attribute_not_exists(expires) OR expires > :now"),
		ExpressionAttributeValues: attributes{":pk": text(q.Partition), ":now": number(db.now().Unix())},
	}
	if q.Prefix != "" {
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = text(q.Prefix)
	}
	switch after, err := store.DecodeCursor(q.Cursor); {
	case err != nil:
		return store.Page{}, err
	case after != "":
		if store.ValidKey(q.Partition, after) != nil || !strings.HasPrefix(after, q.Prefix) {
			return store.Page{}, fmt.Errorf("%w: this cursor came from no page of this list", store.ErrInvalid)
		}
		in.ExclusiveStartKey = key(q.Partition, after)
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	var page store.Page
	for n := range maxQueries {
		in.Limit = aws.Int32(int32(min((limit+1-len(page.Items))<<min(n, 12), maxScanned)))
		out, err := db.client.Query(inner, &in)
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
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return page, nil
		}
	}
	// So many expired items are in the way that the page ends short.
	last, ok := in.ExclusiveStartKey["sk"].(*types.AttributeValueMemberS)
	if !ok {
		return store.Page{}, errors.New("dynamodb: a query ended at no key")
	}
	page.Next = store.EncodeCursor(last.Value)
	return page, nil
}
