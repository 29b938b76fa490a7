package directory

import (
	"fmt"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// BenchmarkList lists a page of 50 and searches by prefix, among 100 and among 100,000 users:
//
//	go test -run '^$' -bench List ./shared/directory
func BenchmarkList(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		db, err := sqlite.Open(b.Context(), b.TempDir()+"/bench.db", time.Now)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		d := New(db, "http://localhost:8080", true, time.Now)
		var ops []store.Op
		for i := range n {
			name := fmt.Sprintf("%c%c%06d", 'a'+i%26, 'a'+i/26%26, i)
			u := User{ID: "user-" + name, Username: name, Name: "Person " + name, Roles: []string{"Pet Owner"}}
			ops = append(ops, store.Put(store.Encode("user/"+u.ID, profileSort, u, noExpiry), store.IfAbsent()))
			ops = append(ops, indexOps(nil, u.entries())...)
			if len(ops) > store.MaxOps-4 || i == n-1 {
				if err := db.Write(b.Context(), ops...); err != nil {
					b.Fatal(err)
				}
				ops = nil
			}
		}
		middle, err := d.UsersByUsername(b.Context(), Query{Limit: maxPageSize / 4})
		if err != nil {
			b.Fatal(err)
		}
		for name, q := range map[string]Query{
			"first page": {}, "next page": {Cursor: middle.Next}, "prefix": {Prefix: "ma", Limit: 3},
		} {
			b.Run(fmt.Sprintf("%s of %d", name, n), func(b *testing.B) {
				for b.Loop() {
					if page, err := d.UsersByUsername(b.Context(), q); err != nil || len(page.Items) == 0 {
						b.Fatal(page, err)
					}
				}
			})
		}
	}
}
