package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Job is what to do.
type Job struct {
	Mode        string    `json:"mode"` // request, flow or refresh
	Addr        string    `json:"addr"` // host:port on this machine
	Connections int       `json:"connections"`
	Seconds     float64   `json:"seconds"`
	Requests    []Request `json:"requests,omitempty"` // of mode request: in turn over all connections
	Want        string    `json:"want,omitempty"`     // what an answer of 200 must hold
	Flow        Flow      `json:"flow,omitzero"`      // of the other modes
}

// Result is what came of it.
type Result struct {
	Done      int     `json:"done"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Errors    int     `json:"errors"`
	Error     string  `json:"error,omitempty"` // the last one
	Requests  float64 `json:"requests"`        // HTTP requests for one of what was counted
	CPU       float64 `json:"cpu"`             // processors that this program took
}

const (
	longest     = 2 * time.Minute
	patience    = 10 * time.Second // for an answer, after the end
	maxErrors   = 20               // of a connection, which then gives up
	maxMeasured = 1 << 21          // times kept of a connection
)

func main() {
	runtime.GOMAXPROCS(1)
	var job Job
	err := json.NewDecoder(os.Stdin).Decode(&job)
	if err == nil {
		err = job.check()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(job.run()); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func (j Job) check() error {
	host, _, err := net.SplitHostPort(j.Addr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not an address on this machine", j.Addr)
	}
	if j.Connections < 1 || j.Connections > 1024 {
		return fmt.Errorf("%d connections are not 1 to 1024", j.Connections)
	}
	if j.Seconds <= 0 || j.Seconds > longest.Seconds() {
		return fmt.Errorf("%g seconds are not more than 0 and at most %g", j.Seconds, longest.Seconds())
	}
	if j.Mode == "request" && len(j.Requests) == 0 || !slices.Contains([]string{"request", "flow", "refresh"}, j.Mode) {
		return fmt.Errorf("the mode is request, with requests, flow or refresh")
	}
	return nil
}

// worker is one connection and what it did.
type worker struct {
	conn
	took []time.Duration
	errs int
	last error
}

func (j Job) run() Result {
	start := time.Now()
	end := start.Add(time.Duration(j.Seconds * float64(time.Second)))
	workers := make([]worker, j.Connections)
	does := make([]func() error, j.Connections)
	next := new(atomic.Int64)
	var ready, all sync.WaitGroup
	for n := range workers {
		w := &workers[n]
		w.conn = conn{addr: j.Addr, until: end.Add(patience)}
		ready.Go(func() { does[n] = j.task(w, n, next) })
	}
	ready.Wait()
	before := processor()
	start = time.Now()
	end = start.Add(time.Duration(j.Seconds * float64(time.Second)))
	for n := range workers {
		w := &workers[n]
		w.asked = 0
		all.Go(func() { w.repeat(does[n], end) })
	}
	all.Wait()
	return summary(workers, time.Since(start), processor()-before)
}

// task is what a connection repeats.
func (j Job) task(w *worker, n int, next *atomic.Int64) func() error {
	switch j.Mode {
	case "flow":
		b := newBrowser(&w.conn, j.Flow, n)
		return func() error { _, err := b.flow(); return err }
	case "refresh":
		b := newBrowser(&w.conn, j.Flow, n)
		token, err := b.flow()
		return func() error {
			if err == nil {
				token, err = b.refresh(token) // after a failure there is no token to go on with
			}
			return err
		}
	}
	requests := make([][]byte, len(j.Requests))
	for i, r := range j.Requests {
		requests[i] = r.bytes(j.Addr)
	}
	want := []byte(j.Want)
	return func() error {
		a, err := w.do(requests[int(next.Add(1))%len(requests)])
		switch {
		case err != nil:
			return err
		case a.status != 200 || !bytes.Contains(a.body, want):
			return fmt.Errorf("%d %.200s", a.status, a.body)
		}
		return nil
	}
}

func (w *worker) repeat(do func() error, end time.Time) {
	defer w.close()
	for began := time.Now(); began.Before(end) && w.errs < maxErrors; {
		err := do()
		now := time.Now()
		switch {
		case err != nil:
			w.errs, w.last = w.errs+1, err
		case len(w.took) < maxMeasured:
			w.took = append(w.took, now.Sub(began))
		}
		began = now
	}
}

func summary(workers []worker, took, cpu time.Duration) (r Result) {
	var all []time.Duration
	asked := 0
	for _, w := range workers {
		all = append(all, w.took...)
		asked += w.asked
		r.Errors += w.errs
		if w.last != nil {
			r.Error = w.last.Error()
		}
	}
	r.Done, r.Seconds, r.CPU = len(all), took.Seconds(), cpu.Seconds()/took.Seconds()
	if len(all) == 0 {
		return r
	}
	slices.Sort(all)
	r.PerSecond = float64(len(all)) / took.Seconds()
	r.P50, r.P99 = all[len(all)/2].Seconds()*1e3, all[len(all)*99/100].Seconds()*1e3
	r.Requests = float64(asked) / float64(len(all))
	return r
}
