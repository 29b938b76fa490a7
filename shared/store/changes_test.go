package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// A value is made anew when something changed, when its time is over or has not begun yet, and each time where nobody can tell.
func TestKept(t *testing.T) {
	db := memory(t, time.Now)
	now, made := time.Now(), 0
	value := func(ctx context.Context) (int, time.Time, error) {
		made++
		return made, now.Add(time.Minute), nil
	}
	var kept store.Kept[int]
	for _, step := range []struct {
		what string
		do   func()
		s    store.Store
		at   time.Duration
		want int
	}{
		{"first", func() {}, db, 0, 1},
		{"again", func() {}, db, 59 * time.Second, 1},
		{"its time is over", func() {}, db, time.Minute, 2},
		{"a write", func() {
			if err := db.Write(t.Context(), store.Put(store.Item{Partition: "p", Sort: "a", Body: []byte(`{}`)}, store.Always())); err != nil {
				t.Fatal(err)
			}
		}, db, 0, 3},
		{"again", func() {}, db, 0, 3},
		{"the clock was set back", func() {}, db, -time.Second, 4},
		{"nobody can tell", func() {}, struct{ store.Store }{db}, 0, 5},
		{"nobody can tell, again", func() {}, struct{ store.Store }{db}, 0, 6},
	} {
		step.do()
		if got, err := kept.Get(t.Context(), step.s, "p", now.Add(step.at), value); got != step.want || err != nil {
			t.Errorf("%s: %d, want %d, %v", step.what, got, step.want, err)
		}
	}
	broken := func(context.Context) (int, time.Time, error) { return 0, time.Time{}, errors.New("no") }
	var other store.Kept[int]
	if _, err := other.Get(t.Context(), db, "p", now, broken); err == nil {
		t.Error("an error was lost")
	}
	if got, err := other.Get(t.Context(), db, "p", now, value); got != 7 || err != nil {
		t.Errorf("after an error: %d, %v", got, err)
	}
}
