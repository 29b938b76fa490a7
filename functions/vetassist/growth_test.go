//go:build unix

package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// crowded is a world with so many more users, each with a pet, so many more applications and rows in the audit log.
type crowded struct {
	*world
	*meter
	admin  administrator
	bob    tokens // with all that a Pet Owner may
	carol  tokens // with all that Vet Staff may
	person *person
}

// newCrowded fills the SQLite file behind the server's back: copies of Alice, of her cat, of a client and of what the audit log says
// of them. A password's hash for each would take hours.
func newCrowded(t *testing.T, many int) *crowded {
	t.Helper()
	path := filepath.Join(t.TempDir(), "v.db")
	clock := newClock()
	file, err := sqlite.Open(t.Context(), path, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if err := storetest.Replay(t.Context(), file, seeding); err != nil {
		t.Fatal(err)
	}
	multiply(t, path, clock.Now(), many)
	m := &meter{Store: file, sum: map[string]load{}}
	w := newWorld(t, func(o *Options) { o.Open, o.Now, o.Recorder = always(m), clock.Now, config.RecorderOff })
	w.clock = clock
	c := &crowded{world: w, meter: m, person: w.person()}
	c.connect()
	c.person.answerOf(w.request(nil), "bob")
	return c
}

// connect gives everybody new tokens.
func (c *crowded) connect() {
	c.admin = c.administrator()
	c.bob = c.tokensFor("bob", "pet-profile:read", "appointment:read", "appointment:write", "reminder:read", "reminder:write")
	c.carol = c.tokensFor("carol", "pet-profile:read", "pet-profile:write", "appointment:read", "appointment:write", "reminder:read", "reminder:write")
}

// multiply copies records: n is the number of the copy, in seven digits, and stands in every key.
func multiply(t *testing.T, path string, now time.Time, many int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer db.Close()
	const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) `
	for _, s := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000",
		// Alice and Luna, but for appointments, of which a day has so many, and all her vaccinations but one.
		numbers + `INSERT INTO items (partition, sort, version, expires, body)
			SELECT replace(replace(partition, 'alice', printf('alice%07d', i)), 'luna', printf('luna%07d', i)),
			       replace(replace(sort, 'alice', printf('alice%07d', i)), 'luna', printf('luna%07d', i)), version, expires,
			       replace(replace(body, 'alice', printf('alice%07d', i)), 'pet-luna', printf('pet-luna%07d', i))
			FROM (SELECT * FROM items WHERE (partition || sort LIKE '%alice%' OR partition || sort LIKE '%luna%') AND partition NOT LIKE 'directory/seeded%'
			      AND partition || sort NOT LIKE '%apt-%' AND (sort NOT LIKE 'vaccination/%' OR sort LIKE '%2021-01-14%')) CROSS JOIN n ORDER BY partition, sort, i`,
		numbers + `INSERT INTO items (partition, sort, version, expires, body)
			SELECT replace(partition, 'smart-feeder', printf('smart-feeder%07d', i)), replace(replace(sort, 'smart-feeder', printf('smart-feeder%07d', i)), 'smart feeder', printf('smart feeder%07d', i)),
			       version, expires, replace(body, 'smart-feeder', printf('smart-feeder%07d', i))
			FROM (SELECT * FROM items WHERE partition || sort LIKE '%smart-feeder%' AND partition NOT LIKE 'directory/seeded%') CROSS JOIN n ORDER BY partition, sort, i`,
		// An event of Alice and the client, now and then in the last ninety days.
		numbers + `, row AS (SELECT i, strftime('%Y-%m-%dT%H:%M:%S', ?2 - (i * 7776000.0 / ?1), 'unixepoch') || printf('.%09dZ', i) AS at FROM n),
			named AS (SELECT i, at, at || printf('/GROWN%08d/growngrowngr', i) AS id FROM row)
			INSERT INTO items (partition, sort, version, expires, body)
			SELECT 'audit/' || substr(at, 1, 10) || '/' || (i % 4), id, 1, ?2 + 7776000,
			       json_object('id', id, 'time', at, 'event', 'login', 'outcome', 'ok', 'user_id', 'user-alice' || printf('%07d', i), 'client_id', 'vet-assist-ai')
			FROM named`,
		numbers + `INSERT OR IGNORE INTO items (partition, sort, version, expires, body)
			SELECT 'audit/days', strftime('%Y-%m-%d', ?2 - i * 86400, 'unixepoch'), 1, ?2 + 7776000, '{}' FROM n WHERE i <= min(?1, 91) OR i = 0`,
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		args := []any{many, now.Unix()}
		if !strings.Contains(s, "?1") {
			args = nil
		} else if !strings.Contains(s, "?2") {
			args = args[:1]
		}
		if _, err := db.Exec(s, args...); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
}

// Sizes of the short form. Both fill a page of each list; from there on, nothing may read more.
const few, more = 300, 3000

var measureInto = flag.String("growth", "", "measure how operations grow up to a million records, and write it to this file (scripts/growth does)")

// TestGrowth counts what each operation reads and writes in a small world and in one that is ten times as large.
func TestGrowth(t *testing.T) {
	if *measureInto != "" {
		measureGrowth(t, *measureInto)
		return
	}
	t.Parallel()
	small, large := newCrowded(t, few), newCrowded(t, more)
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			before, after := small.in(t).count(op), large.in(t).count(op)
			if after.items > max(before.items, bounded[op.name]) || after.written > before.written {
				t.Errorf("reads %d items and writes %d among %d, %d and %d among %d", before.items, before.written, few, after.items, after.written, more)
			}
		})
	}
	for _, path := range readable(t, large.world) {
		if !slices.ContainsFunc(adminReads, func(known string) bool { return path.MatchString(known) }) && theWhole[path.String()] == "" {
			t.Errorf("nobody has looked how %s grows", path)
		}
	}
}

// in is the same for a subtest.
func (c *crowded) in(t *testing.T) *crowded {
	sub := *c
	sub.world = c.world.in(t)
	sub.admin.world, sub.person.t = sub.world, t
	c.clock.turn(time.Second)
	return &sub
}

// count carries an operation out, and tells what it asked of the store.
func (c *crowded) count(op operation) (sum load) {
	for _, l := range c.of(func() { op.do(c, 0) }) {
		sum = load{sum.items + l.items, sum.written + l.written, sum.readUnits + l.readUnits, sum.writeUnits + l.writeUnits}
	}
	return sum
}

// grown is what came of measuring an operation, by the sizes of the worlds.
type grown struct {
	Name         string    `json:"name"`
	Milliseconds []float64 `json:"milliseconds"`
	Items        []int     `json:"items"` // read and written
}

// measureGrowth takes the median time of each operation in worlds of more and more records. They are measured in turn, so that what else
// the machine does falls on all of them.
func measureGrowth(t *testing.T, file string) {
	sizes := []int{10, 1000, 100_000, 1_000_000}
	const rounds = 15
	worlds := make([]*crowded, len(sizes))
	for i, many := range sizes {
		start := time.Now()
		worlds[i] = newCrowded(t, many)
		t.Logf("%d of each: filled in %s", many, time.Since(start).Round(time.Second))
	}
	var all []grown
	for _, op := range operations() {
		g := grown{Name: op.name}
		took := make([][]time.Duration, len(sizes))
		for _, c := range worlds {
			c.connect()
			sum := c.count(op) // and warms up
			g.Items = append(g.Items, sum.items+sum.written)
		}
		for n := range rounds {
			for i, c := range worlds {
				c.clock.turn(time.Second)
				start := time.Now()
				op.do(c, n+1)
				took[i] = append(took[i], time.Since(start))
			}
		}
		for _, d := range took {
			g.Milliseconds = append(g.Milliseconds, float64(median(d).Microseconds())/1000)
		}
		all = append(all, g)
		t.Log(g)
	}
	b, err := json.MarshalIndent(map[string]any{"sizes": sizes, "operations": all}, "", "  ")
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readable are the paths that the admin API offers to read, as patterns of adminReads.
func readable(t *testing.T, w *world) (paths []*regexp.Regexp) {
	var described struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(w.send("GET", "/admin/api/v1/openapi.json", "").body, &described); err != nil || len(described.Paths) == 0 {
		t.Fatal("no description", err)
	}
	for path, methods := range described.Paths {
		if _, ok := methods["get"]; ok && theWhole[path] == "" {
			paths = append(paths, regexp.MustCompile("^"+regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/?]+`)+`(\?|$)`))
		}
	}
	return paths
}
