//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRest: memory is given back once after the start, and once after each rush, when it is over.
func TestRest(t *testing.T) {
	given := 0
	q := newRest(func() { given++ })
	handler := q.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for i, step := range []struct{ requests, given int }{{0, 0}, {0, 1}, {0, 1}, {3, 1}, {1, 1}, {0, 2}, {0, 2}, {0, 2}, {1, 2}, {0, 3}} {
		for range step.requests {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}
		q.look()
		if given != step.given {
			t.Errorf("step %d: memory was given back %d times, not %d", i, given, step.given)
		}
	}
}

// TestMemoryAtRest: a server of which nobody asks anything takes 30 MB at most.
func TestMemoryAtRest(t *testing.T) {
	build, _ := debug.ReadBuildInfo()
	if runtime.GOOS != "linux" || slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return // elsewhere a process does not tell what it takes, and the race detector takes most of it
	}
	p := startProcess(t, "-addr", "localhost:0", "-db", t.TempDir()+"/v.db")
	const most = 30 << 10 // kB
	var took int
	poll := time.Tick(50 * time.Millisecond)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		if _, err := fmt.Sscan(rest, &took); err != nil {
			t.Fatal(err)
		}
		if took <= most {
			return
		}
		<-poll
	}
	t.Errorf("it takes %d kB", took)
}

// There are more of Go's threads than processors, unless whoever starts it says how many.
func TestSchedule(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	schedule(func(string) string { return "3" })
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("with GOMAXPROCS set, it became %d", got)
	}
	schedule(func(string) string { return "" })
	if got := runtime.GOMAXPROCS(0); got != 2*before {
		t.Errorf("%d threads for %d processors", got, before)
	}
}
