package admin_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// crowd is a world with so many more users and applications: copies of alice, and MCP clients. The file is filled behind the
// directory's back: a password's hash for each user would take an hour.
func crowd(b *testing.B, users, applications int) *world {
	b.Helper()
	clock, path := storetest.NewClock(), filepath.Join(b.TempDir(), "v.db")
	file, err := sqlite.Open(b.Context(), path, clock.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	if err := storetest.Replay(b.Context(), file, seeding); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	_, err = db.Exec(`
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?),
		     alice AS (SELECT * FROM items WHERE partition = 'user/user-alice' OR partition LIKE 'username/alice' OR
		               partition LIKE 'directory/index/%' AND sort LIKE '%alice%')
		INSERT INTO items (partition, sort, version, expires, body)
		SELECT replace(partition, 'alice', printf('alice-%06d', i)), replace(sort, 'alice', printf('alice-%06d', i)), version, expires,
		       CAST(replace(CAST(body AS TEXT), 'alice', printf('alice-%06d', i)) AS BLOB)
		FROM n, alice`, users)
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	w := openWorld(b, clock, file)
	for i := range applications {
		_, _, err := w.directory.AddClient(b.Context(), directory.NewClient{Name: fmt.Sprintf("App %06d", i), Template: directory.MCPClientTemplate, RedirectURIs: []string{"https://app.example/"}})
		if err != nil {
			b.Fatal(err)
		}
	}
	return w
}

// BenchmarkList lists a page of 50 and searches by prefix over HTTP, in a small directory and in one with 100,000 users and
// 10,000 applications:
//
//	go test -run '^$' -bench List ./functions/admin
func BenchmarkList(b *testing.B) {
	small := map[string]float64{} // nanoseconds of each in the small directory
	for _, size := range []struct{ users, applications int }{{100, 100}, {100_000, 10_000}} {
		w := crowd(b, size.users, size.applications)
		for _, c := range []struct{ name, path string }{
			{"users, first page", "/users"},
			{"users, by prefix", "/users?prefix=alice-00005"},
			{"users, by name", "/users?sort=name"},
			{"members, first page", "/roles/Pet%20Owner/members"},
			{"applications, first page", "/applications"},
			{"applications, by prefix", "/applications?prefix=app+00005"},
		} {
			b.Run(fmt.Sprintf("%s of %d and %d", c.name, size.users, size.applications), func(b *testing.B) {
				for b.Loop() {
					_, a, err := w.send("GET", c.path, "")
					if err != nil || a.status != 200 || len(a.body) < 500 {
						b.Fatalf("%d %s %v", a.status, a.body, err)
					}
				}
				each := float64(b.Elapsed()) / float64(b.N)
				if size.users == 100 {
					small[c.name] = each
				}
				b.ReportMetric(each/small[c.name], "times-the-small-one")
			})
		}
	}
}
