package dynamo

import (
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
	nonce, r := rand.Text(), &watching{Standard: db.retryer}
	update := db.update(op, nonce)
	update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
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
	var items []action
	for _, op := range ops {
		item, err := db.transactItem(op)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	inner, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	_, err := db.client.do(inner, db.retryer, "TransactWriteItems", action{"TransactItems": items, "ClientRequestToken": rand.Text()})
	if i := unmetIn(err); i >= 0 {
		return &store.ConflictError{Index: i}
	}
	return db.explain(ctx, err)
}

func (db *DB) transactItem(op store.Op) (action, error) {
	u := db.update(op, "")
	switch op.Kind {
	case store.OpPut:
		return action{"Update": u}, nil
	case store.OpDelete:
		return action{"Delete": u}, nil
	case store.OpCheck:
		if u["ConditionExpression"] == nil { // there has to be one
			u["ConditionExpression"] = "attribute_exists(pk) OR attribute_not_exists(pk)"
		}
		return action{"ConditionCheck": u}, nil
	}
	return nil, fmt.Errorf("%w: unknown kind of operation %d", store.ErrInvalid, op.Kind)
}

// update is an operation in DynamoDB's words: the key and the condition of any, and of a put what it changes, with a nonce or without.
// A put is an update, since only that can count the version on, also over an expired item that is still there.
func (db *DB) update(op store.Op, nonce string) action {
	u := action{"TableName": db.table, "Key": key(op.Item.Partition, op.Item.Sort)}
	values := attributes{}
	condition := ""
	switch op.Condition.Kind {
	case store.CondAbsent:
		condition = "attribute_not_exists(pk) OR expires <= :now"
	case store.CondPresent:
		condition = "attribute_exists(pk) AND (attribute_not_exists(expires) OR expires > :now)"
	case store.CondVersion:
		condition = "version = :version AND (attribute_not_exists(expires) OR expires > :now)"
		values[":version"] = number(op.Condition.Version)
	}
	if condition != "" {
		u["ConditionExpression"] = condition
		values[":now"] = number(db.now().Unix())
	}
	if op.Kind == store.OpPut {
		values[":zero"], values[":one"], values[":body"] = number(0), number(1), text(string(op.Item.Body))
		change := "SET version = if_not_exists(version, :zero) + :one, body = :body"
		if nonce != "" {
			change += ", nonce = :nonce"
			values[":nonce"] = text(nonce)
		}
		if expires := store.ToUnix(op.Item.Expires); expires == 0 {
			change += " REMOVE expires"
		} else {
			change += ", expires = :expires"
			values[":expires"] = number(expires)
		}
		u["UpdateExpression"] = change
	}
	if len(values) > 0 {
		u["ExpressionAttributeValues"] = values
	}
	return u
}
