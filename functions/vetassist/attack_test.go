package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/attack"
)

// gate is a proxy in front of a server, which takes it for its own address. It has a clock that can be turned, and may take a defence away.
type gate struct {
	*world
	proxy *httputil.ReverseProxy

	mu     sync.Mutex
	ahead  time.Duration
	breaks func(next http.Handler) http.Handler
}

func newGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	base := "http://" + l.Addr().String()
	g.world = newWorld(t, func(o *Options) { o.BaseURL, o.Now = base, g.now })
	to := &url.URL{Scheme: "http", Host: g.listeners[0].Addr().String()}
	host := strings.TrimPrefix(base, "http://")
	g.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		if p.Out.Host = p.In.Host; p.Out.Host == "" {
			p.Out.Host = host
		}
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusRequestEntityTooLarge) }}
	front := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	go front.Serve(l)
	t.Cleanup(func() { front.Close() })
	return g
}

func (g *gate) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Add(g.ahead)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/learn/clock" && r.Method == http.MethodPost {
		d, err := time.ParseDuration(r.PostFormValue("forward"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		g.mu.Lock()
		g.ahead += d
		g.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if g.breaks != nil {
		g.breaks(g.proxy).ServeHTTP(w, r)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

// attacked runs the lab.
func (g *gate) attacked(o attack.Options) attack.Report {
	g.t.Helper()
	report, err := attack.Run(g.t.Context(), g.options.BaseURL, o)
	if err != nil {
		g.t.Fatal(err)
	}
	return report
}

// TestAttacks: all are refused, and once more on the same server.
func TestAttacks(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for _, run := range []string{"first", "second"} {
		report := g.attacked(attack.Options{})
		for _, r := range report.Results {
			if r.Outcome != attack.Refused {
				t.Errorf("%s run: %s %s: %s %+v", run, r.ID, r.Outcome, r.Why, r.Findings)
			}
		}
		if len(report.Left) > 0 || len(report.Results) < 30 || attackStatus(report) != exitOK {
			t.Errorf("%s run: of %d attacks is left: %q", run, len(report.Results), report.Left)
		}
	}
}

var _ = slices.Contains[[]string]
