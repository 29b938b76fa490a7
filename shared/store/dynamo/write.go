package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vetassist/vetassist/shared/store"
)

// Write implements store.Store.
func (db *DB) Write(ctx context.Context, ops ...store.Op) error {
	if err := store.ValidOps(ops); err != nil {
		return err
	}
	if len(ops) == 1 {
		switch op := ops[0]; {
		case op.Kind == store.OpCheck:
			return db.check(ctx, op)
		case op.Kind == store.OpPut && (op.Condition.Kind == store.CondAbsent || op.Condition.Kind == store.CondVersion):
			return db.put(ctx, op)
		}
	}
	return db.transact(ctx, ops)
}

// check is a check alone: reading the item is the same, and cheaper.
func (db *DB) check(ctx context.Context, op store.Op) error {
	item, err := db.Get(ctx, op.Item.Partition, op.Item.Sort)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !op.Condition.Holds(item.Version) {
		return &store.ConflictError{}
	}
	return nil
}

// put is a plain update; see doc.go for its nonce.
func (db *DB) put(ctx context.Context, op store.Op) error {
	update, nonce, r := db.update(op), rand.Text(), &watching{Standard: db.retryer}
	update.ExpressionAttributeValues[":nonce"] = text(nonce)
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	_, err := db.client.UpdateItem(inner, &dynamodb.UpdateItemInput{
		TableName:                           update.TableName,
		Key:                                 update.Key,
		ConditionExpression:                 update.ConditionExpression,
		UpdateExpression:                    aws.String("SET nonce = :nonce, " + (*update.UpdateExpression)[len("SET "):]),
		ExpressionAttributeValues:           update.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, func(o *dynamodb.Options) { o.Retryer = r })
	var unmet *types.ConditionalCheckFailedException
	if !errors.As(err, &unmet) {
		return db.explain(ctx, err)
	}
	if had, ok := unmet.Item["nonce"].(*types.AttributeValueMemberS); ok && had.Value == nonce {
		return nil // by an attempt whose answer was lost
	}
	if r.unsure {
		return fmt.Errorf("%w: an attempt was not answered, and the item has been written by somebody since", store.ErrBusy)
	}
	return &store.ConflictError{}
}

// transact is a transaction. All attempts have one token.
func (db *DB) transact(ctx context.Context, ops []store.Op) error {
	in := dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(rand.Text())}
	for _, op := range ops {
		item, err := db.transactItem(op)
		if err != nil {
			return err
		}
		in.TransactItems = append(in.TransactItems, item)
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	_, err := db.client.TransactWriteItems(inner, &in)
	if i := unmetIn(err); i >= 0 {
		return &store.ConflictError{Index: i}
	}
	return db.explain(ctx, err)
}

func (db *DB) transactItem(op store.Op) (types.TransactWriteItem, error) {
	u := db.update(op)
	switch op.Kind {
	case store.OpPut:
		return types.TransactWriteItem{Update: u}, nil
	case store.OpDelete:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: u.TableName, Key: u.Key,
			ConditionExpression: u.ConditionExpression, ExpressionAttributeValues: u.ExpressionAttributeValues}}, nil
	case store.OpCheck:
		if u.ConditionExpression == nil { // there has to be one
			u.ConditionExpression = aws.String("attribute_exists(pk) OR attribute_not_exists(pk)")
		}
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: u.TableName, Key: u.Key,
			ConditionExpression: u.ConditionExpression, ExpressionAttributeValues: u.ExpressionAttributeValues}}, nil
	}
	return types.TransactWriteItem{}, fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
}

// update is an operation in DynamoDB's words: the key and the condition of any, and of a put what it changes. A put is an
// update, since only that can count the version on, also over an expired item that is still there.
func (db *DB) update(op store.Op) *types.Update {
	u := types.Update{TableName: &db.table, Key: key(op.Item.Partition, op.Item.Sort)}
	values := attributes{}
	switch op.Condition.Kind {
	case store.CondAbsent:
		u.ConditionExpression = aws.String("attribute_not_exists(pk) OR expires <= :now")
	case store.CondPresent:
		u.ConditionExpression = aws.String("attribute_exists(pk) AND (attribute_not_exists(expires) OR expires > :now)")
	case store.CondVersion:
		u.ConditionExpression = aws.String("version = :version AND (attribute_not_exists(expires) OR expires > :now)")
		values[":version"] = number(op.Condition.Version)
	}
	if u.ConditionExpression != nil {
		values[":now"] = number(db.now().Unix())
	}
	if op.Kind == store.OpPut {
		values[":zero"], values[":one"], values[":body"] = number(0), number(1), text(string(op.Item.Body))
		change := "SET version = if_not_exists(version, :zero) + :one, body = :body"
		if expires := store.ToUnix(op.Item.Expires); expires == 0 {
			change += " REMOVE expires"
		} else {
			change += ", expires = :expires"
			values[":expires"] = number(expires)
		}
		u.UpdateExpression = &change
	}
	if len(values) > 0 {
		u.ExpressionAttributeValues = values
	}
	return &u
}
