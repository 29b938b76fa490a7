//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/token"
)

// caller is a server of its own, over a SQLite file, and MCP hosts that call a tool of it over real HTTP.
type caller struct {
	*Server
	client *http.Client
	tokens []string // of as many people, so that none comes to a limit, and each host's calls are a flow
}

func newCaller(b *testing.B, recorder string) *caller {
	b.Helper()
	db, closeStore, err := openFile(b.Context(), filepath.Join(b.TempDir(), "vetassist.db"), "", host.Clock)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(b.Context(), Options{Config: config.Config{Addr: "localhost:0", Recorder: recorder}, Log: slog.New(slog.DiscardHandler), Open: always(db)})
	if err != nil {
		b.Fatal(err)
	}
	c := &caller{Server: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
	b.Cleanup(func() {
		c.client.CloseIdleConnections()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		if err := closeStore(); err != nil {
			b.Error(err)
		}
	})
	keys := token.NewKeyring(s.URL, db, host.Clock, rand.Reader)
	for i := range people {
		raw, _, err := keys.Mint(b.Context(), token.Grant{ID: rand.Text(), Subject: fmt.Sprint("somebody-", i), ClientID: "vet-assist-ai", Scopes: []string{"pet-profile:read"},
			Roles: []string{"Vet Staff"}, Audience: []string{s.URL + "/mcp"}})
		if err != nil {
			b.Fatal(err)
		}
		c.tokens = append(c.tokens, raw)
	}
	if c.call(b, 0); b.Failed() {
		b.FailNow()
	}
	return c
}

func (c *caller) call(b *testing.B, host int) {
	const body = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","arguments":{}}}`
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	for name, v := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2025-06-18", "User-Agent": "Host/1", "Authorization": "Bearer " + c.tokens[host]} {
		r.Header.Set(name, v)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || strings.Contains(string(got), `"isError":true`) {
		b.Errorf("%d %s %v", resp.StatusCode, got, err)
	}
}

const (
	connections = 16
	people      = 256 // so many that none calls too often
	rounds      = 9   // of each, with and without the recorder in turn
)

// BenchmarkRecorder measures what the flight recorder adds to a tool call, over real HTTP: at a person's pace, where each call is recorded,
// and in floods, where it is as far as the recorder's bounds let it. Client and server are this one process, so the processor's time
// is that of both. The README tells what came of it:
//
//	go test -run '^$' -bench Recorder -benchtime 1x ./functions/vetassist
func BenchmarkRecorder(b *testing.B) {
	for _, m := range []struct {
		name  string
		calls int // of a round
		flood bool
		run   func(*caller, int) time.Duration // what a call took
	}{
		{"twenty a second", 20, false, func(c *caller, calls int) time.Duration {
			tick := time.NewTicker(time.Second / 20)
			defer tick.Stop()
			return c.each(b, calls, func(int) int { <-tick.C; return 0 }) // of one person
		}},
		{"one after the other", 200, true, func(c *caller, calls int) time.Duration {
			return c.each(b, calls, func(i int) int { return i % people })
		}},
		{"sixteen at once", 320, true, func(c *caller, calls int) time.Duration {
			var all sync.WaitGroup
			start := time.Now()
			for host := range connections {
				all.Go(func() { c.each(b, calls/connections, func(i int) int { return (i*connections + host) % people }) })
			}
			all.Wait()
			return time.Since(start) / time.Duration(calls)
		}},
	} {
		b.Run(m.name, func(b *testing.B) {
			for range b.N {
				callers := []*caller{newCaller(b, config.RecorderOff), newCaller(b, config.RecorderOn)}
				if m.flood {
					for callers[1].recorder.LeftOut() < 100 { // what is taken at once is over
						m.run(callers[1], m.calls)
					}
				}
				left := int64(0)
				var waited, used [2][]time.Duration
				for i := range 2 * rounds {
					n := (i + i/2) % 2 // off, on, on, off, …
					if m.flood {       // what has been saved meanwhile is used up
						m.run(callers[n], m.calls)
						callers[n].recorder.Flush()
					}
					leftBefore := callers[1].recorder.LeftOut()
					runtime.GC()
					before := processor(b)
					waited[n] = append(waited[n], m.run(callers[n], m.calls))
					callers[n].recorder.Flush()
					used[n] = append(used[n], (processor(b)-before)/time.Duration(m.calls))
					left += callers[1].recorder.LeftOut() - leftBefore
				}
				b.ReportMetric(0, "ns/op")
				for name, of := range map[string][2][]time.Duration{"": waited, "-cpu": used} {
					off, on := median(of[0]), median(of[1])
					b.ReportMetric(float64(off.Microseconds()), "µs"+name+"-off")
					b.ReportMetric(float64(on.Microseconds()), "µs"+name+"-on")
					b.ReportMetric(100*(float64(on)/float64(off)-1), "%"+name+"-more")
				}
				b.ReportMetric(100-100*float64(left)/float64(rounds*m.calls), "%-recorded")
				if !m.flood && left > 0 {
					b.Errorf("%d calls were not recorded, so they cost less than they should", left)
				}
			}
		})
	}
}

// each makes calls one after the other, and tells what one took.
func (c *caller) each(b *testing.B, calls int, host func(int) int) time.Duration {
	took := make([]time.Duration, calls)
	for i := range took {
		h := host(i)
		start := time.Now()
		c.call(b, h)
		took[i] = time.Since(start)
	}
	return median(took)
}

// processor is the time that this process has had of the processors.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
