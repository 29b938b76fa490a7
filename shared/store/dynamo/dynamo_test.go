package dynamo_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

func open(t *testing.T, o dynamo.Options, now func() time.Time) *dynamo.DB {
	t.Helper()
	db, err := dynamo.Open(o, now)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestDynamoDBContract(t *testing.T) {
	storetest.Endpoint(t)
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store { return open(t, storetest.NewTable(t), now) })
}

// The table outlives the writers that are killed. Its name is made of the location, which they know.
func TestDynamoDBKilled(t *testing.T) {
	o := dynamo.Options{Endpoint: storetest.Endpoint(t)}
	storetest.RunCrash(t, func(ctx context.Context, location string, now func() time.Time) (store.Store, func() error, error) {
		o.Table = fmt.Sprintf("test-%x", sha256.Sum256([]byte(location)))
		db, err := dynamo.Open(o, now)
		if err != nil {
			return nil, nil, err
		}
		return db, func() error { return nil }, db.CreateTable(ctx)
	})
	if err := open(t, o, time.Now).DeleteTable(t.Context()); err != nil {
		t.Error(err)
	}
}
