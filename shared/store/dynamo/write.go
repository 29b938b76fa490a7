package dynamo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

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
	update.UpdateExpression = "SET nonce = :nonce, " + update.UpdateExpression[len("SET "):]
	update.ExpressionAttributeValues[":nonce"] = text(nonce)
	update.ReturnValuesOnConditionCheckFailure = "ALL_OLD"
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	_, err := db.client.do(inner, r, "UpdateItem", update)
	var unmet *refusal
	if !errors.As(err, &unmet) || unmet.ErrorCode() != "ConditionalCheckFailedException" {
		return db.explain(ctx, err)
	}
	if had := unmet.Item["nonce"].S; had != nil && *had == nonce {
		return nil // by an attempt whose answer was lost
	}
	if r.unsure {
		return fmt.Errorf("%w: an attempt was not answered, and the item has been written by somebody since", store.ErrBusy)
	}
	return &store.ConflictError{}
}

// transact is a transaction. All attempts have one token.
func (db *DB) transact(ctx context.Context, ops []store.Op) error {
	in := action{ClientRequestToken: rand.Text()}
	for _, op := range ops {
		item, err := db.transactItem(op)
		if err != nil {
			return err
		}
		in.TransactItems = append(in.TransactItems, item)
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	_, err := db.client.do(inner, db.retryer, "TransactWriteItems", &in)
	if i := unmetIn(err); i >= 0 {
		return &store.ConflictError{Index: i}
	}
	return db.explain(ctx, err)
}

func (db *DB) transactItem(op store.Op) (transactItem, error) {
	u := db.update(op)
	switch op.Kind {
	case store.OpPut:
		return transactItem{Update: u}, nil
	case store.OpDelete:
		return transactItem{Delete: u}, nil
	case store.OpCheck:
		u.ConditionExpression = cmp.Or(u.ConditionExpression, "attribute_exists(pk) OR attribute_not_exists(pk)") // there has to be one
		return transactItem{ConditionCheck: u}, nil
	}
	return transactItem{}, fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
}

// update is an operation in DynamoDB's words: the key and the condition of any, and of a put what it changes. A put is an
// update, since only that can count the version on, also over an expired item that is still there.
func (db *DB) update(op store.Op) *action {
	u := action{TableName: db.table, Key: key(op.Item.Partition, op.Item.Sort)}
	values := attributes{}
	switch op.Condition.Kind {
	case store.CondAbsent:
		u.ConditionExpression = "attribute_not_exists(pk) OR expires <= :now"
	case store.CondPresent:
		u.ConditionExpression = "attribute_exists(pk) AND (attribute_not_exists(expires) OR expires > :now)"
	case store.CondVersion:
		u.ConditionExpression = "version = :version AND (attribute_not_exists(expires) OR expires > :now)"
		values[":version"] = number(op.Condition.Version)
	}
	if u.ConditionExpression != "" {
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
		u.UpdateExpression = change
	}
	u.ExpressionAttributeValues = values
	return &u
}
