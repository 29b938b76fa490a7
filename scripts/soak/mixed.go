package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2" // nothing secret
	"slices"
	"sync"
	"time"

	_ "modernc.org/sqlite" // to look into the database when all is over
)

const (
	mb        = 1 << 20
	pause     = 600 * time.Millisecond // between two deeds of a person, on average
	adminRest = 500 * time.Millisecond
	looking   = 5 * time.Second // how often the server is looked at

	rssSlack   = 12 * mb
	rssShort   = 300 * mb // until the collector has found its pace: a run of minutes says nothing about small leaks
	heapSlack  = 6 * mb
	countSlack = 24       // goroutines, open files
	maxWAL     = 128 * mb // of both databases
	overhead   = 4        // times what is stored, a database may take
)

// mixed lets everybody do what they do, and judges: nothing may fail, and nothing may grow but what is stored.
func mixed(ctx context.Context, s soak) (found finding, err error) {
	srv, err := start(s.bin, s.dir, "-recorder", "on", "-token-life", "1m")
	if err != nil {
		return found, err
	}
	defer srv.kill()
	people, admin, err := gather(ctx, srv.url, s.many)
	if err != nil {
		return found, err
	}
	begin := time.Now()
	ctx, end := context.WithDeadline(ctx, begin.Add(s.long))
	defer end()
	t := newTally()
	var all sync.WaitGroup
	for _, p := range people {
		all.Go(func() { p.live(ctx, t) })
	}
	all.Go(func() {
		for rest(ctx, adminRest) {
			t.note(ctx, "administration", func(ctx context.Context) error { return admin.work(ctx) })
		}
	})
	seen := watch(ctx, srv, begin, s)
	all.Wait()
	took := time.Since(begin)
	stopping, err := srv.stop()
	if err != nil {
		found.wrongf("stopping: %w", err)
	}
	t.judge(&found, took)
	slack := rssSlack
	if s.long < 10*time.Minute {
		slack = rssShort
	}
	judgeServer(&found, srv, seen, stopping, float64(slack)/mb)
	return found, judgeStore(&found, srv)
}

// live does one thing after another until ctx ends.
func (p *person) live(ctx context.Context, t *tally) {
	sum := 0
	for _, d := range deeds {
		sum += d.often
	}
	for rest(ctx, rand.N(2*pause)) {
		n := rand.N(sum)
		i := slices.IndexFunc(deeds, func(d deed) bool { n -= d.often; return n < 0 })
		t.note(ctx, deeds[i].name, func(ctx context.Context) error {
			if err := p.fresh(ctx); err != nil {
				return err
			}
			return deeds[i].do(p, ctx)
		})
	}
}

// rest waits, and tells whether to go on.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil
	}
}

// watch takes samples until ctx ends.
func watch(ctx context.Context, srv *server, begin time.Time, s soak) []sample {
	every := min(looking, max(s.long/40, 100*time.Millisecond))
	var seen []sample
	for told := begin; rest(ctx, every); {
		one := srv.look(begin)
		seen = append(seen, one)
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Fprintf(s.say, "%s: %d MB resident, %d MB heap, %d goroutines, %d files, database %d MB, log of it %d MB, processor %s\n",
				one.at.Round(time.Second), one.rss/mb, one.heap/mb, one.held.goroutines, one.files, one.db/mb, one.wal/mb, one.cpu.Round(time.Second))
		}
		if one.failed != nil {
			break
		}
	}
	<-ctx.Done()
	return seen
}

// tally is what was done, how long it took, and what went wrong.
type tally struct {
	mu     sync.Mutex
	took   map[string][]time.Duration
	failed map[string]int
	first  []error
}

func newTally() *tally { return &tally{took: map[string][]time.Duration{}, failed: map[string]int{}} }

// note does a thing to its end, even if the time is over meanwhile.
func (t *tally) note(ctx context.Context, name string, do func(context.Context) error) {
	begin := time.Now()
	err := do(context.WithoutCancel(ctx))
	took := time.Since(begin)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took[name] = append(t.took[name], took)
	if err != nil {
		t.failed[name]++
		if len(t.first) < 20 {
			t.first = append(t.first, fmt.Errorf("%s: %w", name, err))
		}
	}
}

func (t *tally) judge(found *finding, took time.Duration) {
	var done, failed int
	var all []time.Duration
	for name, times := range t.took {
		done += len(times)
		failed += t.failed[name]
		all = append(all, times...)
	}
	slices.Sort(all)
	found.figure("hours", took.Hours(), "h")
	found.figure("things done, of "+fmt.Sprint(len(t.took))+" kinds", float64(done), "")
	found.figure("a second", float64(done)/took.Seconds(), "")
	found.figure("that failed", float64(failed), "")
	found.figure("half of them took at most", ms(percentile(all, 50)), "ms")
	found.figure("99 % of them", ms(percentile(all, 99)), "ms")
	for _, name := range slices.Sorted(maps.Keys(t.took)) {
		slices.Sort(t.took[name])
		found.figure("99 % of: "+name, ms(percentile(t.took[name], 99)), "ms")
	}
	if failed > 0 {
		found.wrongf("%d of %d failed; the first: %w", failed, done, errors.Join(t.first...))
	}
	for _, d := range deeds {
		if took > 10*time.Minute && len(t.took[d.name]) == 0 {
			found.wrongf("nobody did: %s", d.name)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func judgeServer(found *finding, srv *server, seen []sample, stopping time.Duration, memorySlack float64) {
	if len(seen) < 8 {
		found.wrongf("it was looked at %d times only", len(seen))
		return
	}
	if err := seen[len(seen)-1].failed; err != nil {
		found.wrongf("looking at the server: %w", err)
	}
	for _, c := range []struct {
		what, unit string
		of         func(sample) float64
		slack      float64
	}{
		{"resident memory", "MB", func(s sample) float64 { return float64(s.rss) / mb }, memorySlack},
		{"heap alive", "MB", func(s sample) float64 { return float64(s.heap) / mb }, heapSlack / mb},
		{"goroutines", "", func(s sample) float64 { return float64(s.held.goroutines) }, countSlack},
		{"open files", "", func(s sample) float64 { return float64(s.files) }, countSlack},
	} {
		t := trendOf(seen, c.of)
		found.figure(c.what+", in the second quarter", t.early, c.unit)
		found.figure(c.what+", in the last quarter", t.late, c.unit)
		if c.unit != "" {
			found.figure(c.what+", growth in an hour", t.hourly, c.unit)
		}
		if !t.flat(c.slack) {
			found.wrongf("%s grows: its floor was %.1f %s, and is %.1f", c.what, t.earlyFloor, c.unit, t.lateFloor)
		}
	}
	largest := slices.MaxFunc(seen, func(a, b sample) int { return a.wal - b.wal })
	found.figure("write-ahead logs, at most", float64(largest.wal)/mb, "MB")
	if largest.wal > maxWAL {
		found.wrongf("the write-ahead logs came to %d MB", largest.wal/mb)
	}
	found.figure("processor, of one core", 100*seen[len(seen)-1].cpu.Seconds()/seen[len(seen)-1].at.Seconds(), "%")
	found.figure("it stopped within", ms(stopping), "ms")
	if lines := srv.complaints(); len(lines) > 0 {
		found.wrongf("it complained %d times or more; the first: %s", len(lines), lines[0])
	}
}

// judgeStore compares what the databases take with what is stored there.
func judgeStore(found *finding, srv *server) error {
	var file, stored float64
	for _, end := range []string{"", "-flows"} {
		db, err := sql.Open("sqlite", "file:"+srv.db+end+"?mode=ro")
		if err != nil {
			return err
		}
		defer db.Close()
		var bytes, items float64
		var sound string
		// An item's bytes, and some for its numbers.
		err = errors.Join(db.QueryRow("SELECT coalesce(sum(length(partition) + length(sort) + length(body) + 16), 0), count(*) FROM items").Scan(&bytes, &items),
			db.QueryRow("PRAGMA integrity_check").Scan(&sound))
		if err != nil {
			return err
		}
		if sound != "ok" {
			found.wrongf("the database%s is damaged: %s", end, sound)
		}
		file, stored = file+float64(size(srv.db+end)), stored+bytes
	}
	found.figure("databases", file/mb, "MB")
	found.figure("stored in them", stored/mb, "MB")
	if file > overhead*stored+16*mb {
		found.wrongf("the databases take %.0f MB for %.0f MB that are stored", file/mb, stored/mb)
	}
	return nil
}
