package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

func testList(t *testing.T, s store.Store, _ *Clock) {
	for _, k := range []string{"b/2", "a", "b/1", "b", "b0", "bé", "b/10", "c", "b\u00ff", "b\U0010ffff"} {
		write(t, s, store.Put(item(k, `{}`), store.IfAbsent()))
	}
	write(t, s, store.Put(store.Item{Partition: "test/10", Sort: "b/9", Body: []byte(`{}`)}, store.IfAbsent()))
	for _, c := range []struct {
		query store.Query
		want  string
	}{
		{store.Query{}, "a b b/1 b/10 b/2 b0 bé b\u00ff b\U0010ffff c"},
		{store.Query{Prefix: "b/"}, "b/1 b/10 b/2"},
		{store.Query{Prefix: "b"}, "b b/1 b/10 b/2 b0 bé b\u00ff b\U0010ffff"},
		{store.Query{Prefix: "b/", Descending: true}, "b/2 b/10 b/1"},
		{store.Query{Prefix: "b/", Limit: 2}, "b/1 b/10"},
		{store.Query{Descending: true, Limit: 1}, "c"},
		{store.Query{Prefix: "zz"}, ""},
	} {
		c.query.Partition = "test/1"
		page, err := s.List(t.Context(), c.query)
		if err != nil {
			t.Errorf("%+v: %v", c.query, err)
		}
		if got := sorts(page.Items); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.query, got, c.want)
		}
	}
	page, err := s.List(t.Context(), store.Query{Partition: "test/none"})
	if err != nil || len(page.Items) != 0 || page.Next != "" {
		t.Errorf("an empty partition lists %v, %q, %v", page.Items, page.Next, err)
	}
}

func testListPages(t *testing.T, s store.Store, clock *Clock) {
	const n = 57
	var want []string
	for i := range n {
		it := item(fmt.Sprintf("k/%03d", i), `{}`)
		if i%10 == 3 { // these are gone when the pages are read
			it.Expires = clock.Now().Add(time.Second)
		} else {
			want = append(want, it.Sort)
		}
		write(t, s, store.Put(it, store.IfAbsent()))
	}
	clock.Advance(time.Minute)
	for _, limit := range []int{1, 7, 51, 100} {
		for _, descending := range []bool{false, true} {
			var got []string
			q := store.Query{Partition: "test/1", Prefix: "k/", Limit: limit, Descending: descending}
			for {
				page, err := s.List(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Items) > limit {
					t.Fatalf("a page of %d has %d items", limit, len(page.Items))
				}
				for _, it := range page.Items {
					got = append(got, it.Sort)
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			if descending {
				for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
					got[i], got[j] = got[j], got[i]
				}
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("pages of %d, descending %v: got %v", limit, descending, got)
			}
		}
	}
}

// testListLarge: what an engine reads at once is bounded, a page is not cut for that.
func testListLarge(t *testing.T, s store.Store, _ *Clock) {
	const n = 10 // of 256 KB
	for i := range n {
		write(t, s, largeOps(i + 1)[i])
	}
	for _, limit := range []int{0, n, n - 1} {
		page, err := s.List(t.Context(), store.Query{Partition: "test/1", Limit: limit})
		want := n
		if limit > 0 {
			want = limit
		}
		if err != nil || len(page.Items) != want || (page.Next != "") != (want < n) {
			t.Errorf("a page of %d has %d items, next %q, %v", limit, len(page.Items), page.Next, err)
		}
	}
}

// testListBehindExpired: expired items do not use up a page.
func testListBehindExpired(t *testing.T, s store.Store, clock *Clock) {
	var ops []store.Op
	for i := range 300 {
		it := item(fmt.Sprintf("k/%03d", i), `{}`)
		if i != 150 && i != 299 {
			it.Expires = clock.Now().Add(time.Second)
		}
		if ops = append(ops, store.Put(it, store.IfAbsent())); len(ops) == store.MaxOps {
			write(t, s, ops...)
			ops = nil
		}
	}
	clock.Advance(time.Minute)
	for _, c := range []struct {
		query store.Query
		want  string
		more  bool
	}{
		{store.Query{Limit: 1}, "k/150", true},
		{store.Query{Limit: 2}, "k/150 k/299", false},
		{store.Query{Limit: 1, Descending: true}, "k/299", true},
		{store.Query{Limit: 1, Prefix: "k/1"}, "k/150", false},
		{store.Query{Limit: 1, Prefix: "k/0"}, "", false},
	} {
		c.query.Partition = "test/1"
		page, err := s.List(t.Context(), c.query)
		if got := sorts(page.Items); err != nil || got != c.want || (page.Next != "") != c.more {
			t.Errorf("%+v: got %q, next %q, %v", c.query, got, page.Next, err)
		}
	}
}

func sorts(items []store.Item) string {
	var s []string
	for _, it := range items {
		s = append(s, it.Sort)
	}
	return strings.Join(s, " ")
}
