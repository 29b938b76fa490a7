package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// BenchmarkWrite is a transaction in a file: of one operation, and of as many as one Write takes.
//
//	go test -run '^$' -bench Write ./shared/store/sqlite
func BenchmarkWrite(b *testing.B) {
	for _, ops := range []int{1, store.MaxOps} {
		b.Run(fmt.Sprint(ops), func(b *testing.B) {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "v.db"), time.Now)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			body := []byte(`{"text":"` + strings.Repeat("x", 2000) + `"}`)
			for n := 0; b.Loop(); n++ {
				var all []store.Op
				for i := range ops {
					all = append(all, store.Put(store.Item{Partition: fmt.Sprint("p", n%16), Sort: fmt.Sprintf("%09d-%02d", n, i), Expires: time.Now().Add(time.Hour), Body: body}, store.IfAbsent()))
				}
				if err := db.Write(b.Context(), all...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
