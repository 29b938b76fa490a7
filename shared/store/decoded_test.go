package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

type dog struct {
	Name   string   `json:"name"`
	Tricks []string `json:"tricks"`
}

// What is read is what is there now, whatever was read before, and belongs to whoever reads it.
func TestDecoded(t *testing.T) {
	db := memory(t, time.Now)
	clones := 0
	dogs := store.NewDecoded(func(d dog) dog {
		clones++
		d.Tricks = slices.Clone(d.Tricks)
		return d
	})
	put := func(body string) {
		t.Helper()
		if err := db.Write(t.Context(), store.Put(store.Item{Partition: "p", Sort: "a", Body: []byte(body)}, store.Always())); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string, version int64) dog {
		t.Helper()
		r, err := dogs.Read(t.Context(), db, "p", "a")
		if err != nil || r.Value.Name != name || r.Version != version {
			t.Fatalf("%+v, %v; want %s at %d", r, err, name, version)
		}
		return r.Value
	}
	put(`{"name":"Fido","tricks":["sit"]}`)
	for range 3 {
		d := read("Fido", 1)
		if !slices.Equal(d.Tricks, []string{"sit"}) {
			t.Fatalf("somebody changed it for all: %v", d.Tricks)
		}
		d.Tricks[0] = "bite"
	}
	if clones != 3 {
		t.Errorf("of three reads, %d made a copy: it is decoded each time", clones)
	}
	put(`{"name":"Fido","tricks":["sit"]}`)
	read("Fido", 2) // the version is that of the item, not of the first time
	put(`{"name":"Rex","tricks":null}`)
	read("Rex", 3)
	if err := db.Write(t.Context(), store.Delete("p", "a", store.Always())); err != nil {
		t.Fatal(err)
	}
	if _, err := dogs.Read(t.Context(), db, "p", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is gone: %v", err)
	}
	put(`{"name":"Luna"}`) // which has the version that Fido had
	read("Luna", 1)
	put(`"no dog"`)
	if _, err := dogs.Read(t.Context(), db, "p", "a"); err == nil {
		t.Error("what is no dog was read as one")
	}
}

// bodies is a store in which every key has the same body.
type bodies struct {
	store.Store
	body []byte
}

func (b bodies) Get(_ context.Context, partition, sort string) (store.Item, error) {
	return store.Item{Partition: partition, Sort: sort, Body: slices.Clone(b.body), Version: 1}, nil
}

// What is large is decoded each time, since it would be remembered in memory.
func TestDecodedLarge(t *testing.T) {
	clones := 0
	dogs := store.NewDecoded(func(d dog) dog { clones++; return d })
	large := bodies{body: []byte(`{"name":"` + strings.Repeat("x", 1<<20) + `"}`)}
	for range 3 {
		if _, err := dogs.Read(t.Context(), large, "p", "a"); err != nil {
			t.Fatal(err)
		}
	}
	if clones != 0 {
		t.Errorf("%d copies of what is large", clones)
	}
}
