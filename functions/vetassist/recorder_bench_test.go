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
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
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
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "vetassist.db"), host.Clock)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(b.Context(), Options{Config: config.Config{Addr: "localhost:0", Recorder: recorder}, Log: slog.New(slog.DiscardHandler), Open: always(store.Store(db))})
	if err != nil {
		b.Fatal(err)
	}
	c := &caller{Server: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
	b.Cleanup(func() {
		c.client.CloseIdleConnections()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		if s.recorder != nil && s.recorder.LeftOut() > 0 {
			b.Errorf("%d calls were not recorded, so they cost less than they should", s.recorder.LeftOut())
		}
		db.Close()
	})
	keys := token.NewKeyring(s.URL, db, host.Clock, rand.Reader)
	for i := range connections {
		raw, _, err := keys.Mint(b.Context(), token.Grant{ID: rand.Text(), Subject: fmt.Sprint("somebody-", i), ClientID: "vet-assist-ai", Scopes: []string{"pet-profile:read"},
			Roles: []string{"Vet Staff"}, Audience: []string{s.URL + "/mcp"}})
		if err != nil {
			b.Fatal(err)
		}
		c.tokens = append(c.tokens, raw)
		if c.call(b, i); b.Failed() {
			b.FailNow()
		}
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
	rounds      = 9   // of each, with and without the recorder in turn
	callsARound = 192 // in a round: all rounds are fewer than the recorder takes at once, so that each call is recorded
)

// BenchmarkRecorder measures what the flight recorder adds to a tool call: how long one waits that comes after the other, and how many
// there are in a second with sixteen connections. The README tells what came of it:
//
//	go test -run '^$' -bench Recorder -benchtime 1x ./functions/vetassist
func BenchmarkRecorder(b *testing.B) {
	for _, m := range []struct {
		name string
		run  func(*caller) time.Duration // what a call took
	}{
		{"one after the other", func(c *caller) time.Duration {
			var took []time.Duration
			for i := range callsARound {
				start := time.Now()
				c.call(b, i%connections)
				took = append(took, time.Since(start))
			}
			return median(took)
		}},
		{"sixteen at once", func(c *caller) time.Duration {
			var all sync.WaitGroup
			start := time.Now()
			for host := range connections {
				all.Go(func() {
					for range callsARound / connections {
						c.call(b, host)
					}
				})
			}
			all.Wait()
			return time.Since(start) / callsARound
		}},
	} {
		b.Run(m.name, func(b *testing.B) {
			for range b.N {
				off, on := newCaller(b, config.RecorderOff), newCaller(b, config.RecorderOn)
				var without, with []time.Duration
				var ratios []float64
				var bytes [2]uint64
				for i := range 2 * rounds {
					c, into, n := off, &without, 0
					if (i+i/2)%2 == 1 { // off, on, on, off, …
						c, into, n = on, &with, 1
					}
					runtime.GC()
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					*into = append(*into, m.run(c))
					runtime.ReadMemStats(&after)
					bytes[n] += after.TotalAlloc - before.TotalAlloc
				}
				for i := range rounds {
					ratios = append(ratios, float64(with[i])/float64(without[i]))
				}
				slices.Sort(ratios)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(median(without).Microseconds()), "µs-off")
				b.ReportMetric(float64(median(with).Microseconds()), "µs-on")
				b.ReportMetric(100*(ratios[rounds/2]-1), "%-more")
				b.ReportMetric((float64(bytes[1])-float64(bytes[0]))/(rounds*callsARound*1024), "KB-more")
			}
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
