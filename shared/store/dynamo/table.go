package dynamo

import (
	"context"
	"errors"
	"time"
)

// CreateTable makes the table unless it is there, for DynamoDB Local: template.yaml makes the real one. It has no time to live here: a test's
// clock is not the engine's, and memory is freed when it ends.
func (db *DB) CreateTable(ctx context.Context) error {
	_, err := db.client.do(ctx, db.retryer, "CreateTable", action{
		"TableName":            db.table,
		"BillingMode":          "PAY_PER_REQUEST",
		"AttributeDefinitions": []action{{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}},
		"KeySchema":            []action{{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}},
	})
	var there *refusal
	if err != nil && !(errors.As(err, &there) && there.ErrorCode() == "ResourceInUseException") {
		return db.explain(ctx, err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := db.client.do(ctx, db.retryer, "DescribeTable", action{"TableName": db.table})
		if err != nil || out.Table.TableStatus == "ACTIVE" {
			return db.explain(ctx, err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return db.explain(ctx, ctx.Err())
		}
	}
}

// DeleteTable deletes the table and all that is in it.
func (db *DB) DeleteTable(ctx context.Context) error {
	_, err := db.client.do(ctx, db.retryer, "DeleteTable", action{"TableName": db.table})
	return db.explain(ctx, err)
}
