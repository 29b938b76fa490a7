package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// figures are what one server did of one kind of work: the median of each over the rounds.
type figures struct {
	Server    string  `json:"server"`
	PerSecond float64 `json:"per_second"`
	Ratio     float64 `json:"ratio,omitempty"` // ours to this one: the median of the rounds' ratios
	CPU       float64 `json:"server_us"`       // of the server's processor time for one
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Requests  float64 `json:"requests"` // HTTP requests for one
	Load      float64 `json:"load_cpu"` // processors that the load program took
	Errors    int     `json:"errors"`
	Error     string  `json:"error,omitempty"`
	Rest      float64 `json:"rest_mb"` // memory before the first round,
	Loaded    float64 `json:"loaded_mb"`
	Start     float64 `json:"start_ms"`
}

// sample is what the load program tells, and what it cost the server.
type sample struct {
	PerSecond float64 `json:"per_second"`
	Done      int     `json:"done"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Errors    int     `json:"errors"`
	Error     string  `json:"error"`
	Requests  float64 `json:"requests"`
	CPU       float64 `json:"cpu"`
	server    float64 // µs
}

// measure runs the rounds of a row. The servers take turns, and each round another one begins.
func (b *bench) measure(ctx context.Context, r row) ([]figures, error) {
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, name := range r.servers {
		s, err := b.launch(ctx, r.name, name)
		if s != nil && s.process != nil {
			servers = append(servers, s)
		}
		if err != nil {
			return nil, err
		}
	}
	time.Sleep(b.rest)
	for _, s := range servers {
		var err error
		if s.atRest, err = s.memory(); err != nil {
			return nil, err
		}
	}
	samples := make([][]sample, len(servers))
	for round := range b.rounds + 1 { // the first one warms up
		for i := range servers {
			n := (i + round) % len(servers)
			length := b.length
			if round == 0 {
				length = min(length, time.Second)
			}
			x, err := b.once(ctx, servers[n], r, length)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				samples[n] = append(samples[n], x)
			}
		}
	}
	all := make([]figures, len(servers))
	for n, s := range servers {
		f := figures{Server: s.name, Rest: s.atRest, Start: milliseconds(s.took)}
		f.PerSecond = median(samples[n], func(x sample) float64 { return x.PerSecond })
		f.CPU = median(samples[n], func(x sample) float64 { return x.server })
		f.P50 = median(samples[n], func(x sample) float64 { return x.P50 })
		f.P99 = median(samples[n], func(x sample) float64 { return x.P99 })
		f.Requests = median(samples[n], func(x sample) float64 { return x.Requests })
		f.Load = median(samples[n], func(x sample) float64 { return x.CPU })
		if n > 0 {
			f.Ratio = medianOf(ratios(samples[0], samples[n]))
		}
		for _, x := range samples[n] {
			f.Errors, f.Error = f.Errors+x.Errors, cmp.Or(x.Error, f.Error)
		}
		var err error
		if f.Loaded, err = s.memory(); err != nil {
			return nil, err
		}
		all[n] = f
	}
	return all, nil
}

// once lets the load program ask a server for a while.
func (b *bench) once(ctx context.Context, s *server, r row, length time.Duration) (x sample, err error) {
	j, ok := s.jobs[r.name]
	if !ok {
		return x, fmt.Errorf("%s cannot do %s", s.name, r.name)
	}
	j.Mode, j.Addr, j.Connections, j.Seconds = r.mode, s.addr, r.connections, length.Seconds()
	body, err := json.Marshal(j)
	if err != nil {
		return x, err
	}
	before, err := s.processor()
	if err != nil {
		return x, err
	}
	load := exec.CommandContext(ctx, b.load)
	load.Stdin, load.Stderr = bytes.NewReader(body), os.Stderr
	out, err := load.Output()
	if err != nil {
		return x, fmt.Errorf("the load program: %w", err)
	}
	if err := json.Unmarshal(out, &x); err != nil {
		return x, err
	}
	after, err := s.processor()
	if x.Done > 0 {
		x.server = float64((after - before).Microseconds()) / float64(x.Done)
	}
	return x, err
}

func ratios(ours, theirs []sample) (all []float64) {
	for i := range ours {
		if theirs[i].PerSecond > 0 {
			all = append(all, ours[i].PerSecond/theirs[i].PerSecond)
		}
	}
	return all
}

func median(samples []sample, of func(sample) float64) float64 {
	var all []float64
	for _, x := range samples {
		all = append(all, of(x))
	}
	return medianOf(all)
}

func medianOf(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
