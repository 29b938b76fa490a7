package storetest

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// Environment variables of the tests.
const (
	EnvDynamoDB        = "VETASSIST_DYNAMODB"         // URL of a DynamoDB Local: tests that can run over any engine run over it
	EnvRequireDynamoDB = "VETASSIST_REQUIRE_DYNAMODB" // 1: a test that needs it and has none fails
)

// Open gives a test an empty store: SQLite in memory, or a table of its own on the DynamoDB Local that EnvDynamoDB names.
func Open(t testing.TB, now func() time.Time) store.Store {
	t.Helper()
	s, closeStore, err := OpenNew(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeStore(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// OpenNew is Open where there is no test.
func OpenNew(ctx context.Context, now func() time.Time) (s store.Store, closeStore func() error, err error) {
	if OverDynamoDB() {
		o := Table()
		if err := create(ctx, o); err != nil {
			return nil, nil, err
		}
		db, err := dynamo.Open(o, now)
		return db, func() error { return remove(o) }, err
	}
	db, err := sqlite.Open(ctx, ":memory:", now)
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
}

// Seeding is what seed writes into an empty store. It is found once for all tests, in memory: passwords are slow to hash.
func Seeding(now func() time.Time, seed func(store.Store) error) func() ([][]store.Op, error) {
	return sync.OnceValues(func() ([][]store.Op, error) {
		db, err := sqlite.Open(context.Background(), ":memory:", now)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		r := &recorder{Store: db}
		err = seed(r)
		return r.writes, err
	})
}

// OpenSeeded is Open with what a Seeding found.
func OpenSeeded(t testing.TB, now func() time.Time, seeding func() ([][]store.Op, error)) store.Store {
	t.Helper()
	s := Open(t, now)
	if err := Replay(t.Context(), s, seeding); err != nil {
		t.Fatal(err)
	}
	return s
}

// Replay writes what a Seeding found.
func Replay(ctx context.Context, s store.Store, seeding func() ([][]store.Op, error)) error {
	writes, err := seeding()
	for _, ops := range writes {
		if err == nil {
			err = s.Write(ctx, ops...)
		}
	}
	return err
}

// recorder notes what is written.
type recorder struct {
	store.Store
	writes [][]store.Op
}

func (r *recorder) Write(ctx context.Context, ops ...store.Op) error {
	err := r.Store.Write(ctx, ops...)
	if err == nil {
		r.writes = append(r.writes, ops)
	}
	return err
}

// OverDynamoDB tells whether tests run over DynamoDB Local.
func OverDynamoDB() bool { return os.Getenv(EnvDynamoDB) != "" }

// Table names a table on DynamoDB Local that nobody else has.
func Table() dynamo.Options {
	return dynamo.Options{Table: "test-" + rand.Text(), Endpoint: os.Getenv(EnvDynamoDB)}
}

// Endpoint is where DynamoDB Local is, for a test that is about DynamoDB. Where there is none the test is left out.
func Endpoint(t testing.TB) string {
	t.Helper()
	if !OverDynamoDB() {
		const how = "no DynamoDB Local: run this under scripts/dynamodb-local --"
		if os.Getenv(EnvRequireDynamoDB) == "1" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return os.Getenv(EnvDynamoDB)
}

// NewTable makes an empty table for a test that is about DynamoDB, and deletes it afterwards.
func NewTable(t testing.TB) dynamo.Options {
	t.Helper()
	Endpoint(t)
	o := Table()
	if err := create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(o); err != nil {
			t.Error(err)
		}
	})
	return o
}

func create(ctx context.Context, o dynamo.Options) error {
	db, err := dynamo.Open(o, time.Now)
	if err != nil {
		return err
	}
	return db.CreateTable(ctx)
}

// remove may be late in the test, so it has time of its own.
func remove(o dynamo.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := dynamo.Open(o, time.Now)
	if err != nil {
		return err
	}
	return db.DeleteTable(ctx)
}
