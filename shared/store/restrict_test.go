package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

func TestRestrict(t *testing.T) {
	db, err := sqlite.Open(t.Context(), ":memory:", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := store.Restrict(db, "pet/", "owner/")
	for _, c := range []struct {
		partition string
		allowed   bool
	}{
		{"pet/fido", true}, {"owner/bob", true},
		{"user/bob", false}, {"pet", false}, {"petrol/1", false}, {"Pet/fido", false}, {"x/pet/fido", false},
	} {
		put := store.Put(store.Item{Partition: c.partition, Sort: "a", Body: []byte(`{}`)}, store.Always())
		for verb, err := range map[string]error{
			"write":       s.Write(t.Context(), put),
			"mixed write": s.Write(t.Context(), store.Check("pet/milo", "a", store.Always()), put),
			"get":         second(s.Get(t.Context(), c.partition, "a")),
			"list":        second(s.List(t.Context(), store.Query{Partition: c.partition})),
		} {
			if refused := errors.Is(err, store.ErrForbidden); refused == c.allowed {
				t.Errorf("%s of %q: %v", verb, c.partition, err)
			}
		}
		if _, err := db.Get(t.Context(), c.partition, "a"); c.allowed != (err == nil) {
			t.Errorf("after the writes, %q holds: %v", c.partition, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
