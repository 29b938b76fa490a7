package lambdatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Config is a function as its deployment describes it.
type Config struct {
	Bootstrap   string        // the compiled program
	Env         []string      // its whole environment, but for what Lambda adds
	Timeout     time.Duration // of an invocation; 0: 30 s
	Concurrency int           // processes at most; further invocations wait; 0: 1
	Freeze      bool          // stop a process while it has nothing to do, as Lambda does
}

// Function runs a bootstrap in as many processes as invocations need at once. Each starts with the first that needs it.
type Function struct {
	config Config
	logs   logs
	slots  chan struct{}

	mu     sync.Mutex
	idle   []*process
	all    map[*process]bool
	starts int
	closed bool
}

// New makes a function; nothing runs yet.
func New(c Config) *Function {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	return &Function{config: c, slots: make(chan struct{}, max(c.Concurrency, 1)), all: map[*process]bool{}}
}

// Build compiles a package's main as a bootstrap, as the deployment does, into a new folder under dir.
func Build(ctx context.Context, pkg, dir string, env ...string) (string, error) {
	folder, err := os.MkdirTemp(dir, "function-")
	if err != nil {
		return "", err
	}
	bootstrap := filepath.Join(folder, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", bootstrap, pkg)
	build.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return bootstrap, nil
}

// FunctionError is what a function's own failure looks like to who invoked it.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// What Lambda itself says of a function that cannot go on.
const (
	ExitError    = "Runtime.ExitError"
	TimeoutError = "Sandbox.Timedout"
)

var errClosed = errors.New("lambdatest: the function is closed")

// Invoke sends an event to a process that is free, starts one when none is, and returns the answer. A *FunctionError is the
// function's failure.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-f.slots }()
	p, err := f.take()
	if err != nil {
		return nil, err
	}
	out, err := p.invoke(event, f.config.Timeout)
	f.put(p)
	return out, err
}

func (f *Function) take() (*process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	for len(f.idle) > 0 {
		p := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !p.gone() {
			return p, nil
		}
		delete(f.all, p)
	}
	if err := f.logs.open(); err != nil {
		return nil, err
	}
	p, err := start(f.config, f.logs.file)
	if err != nil {
		return nil, err
	}
	f.starts++
	f.all[p] = true
	return p, nil
}

func (f *Function) put(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || p.gone() {
		delete(f.all, p)
		p.kill()
		return
	}
	f.idle = append(f.idle, p)
}

// each calls do for every process there is.
func (f *Function) each(do func(*process)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.all {
		do(p)
	}
}

// Kill ends all processes at once, whatever they are doing. The next invocation starts a new one.
func (f *Function) Kill() { f.each((*process).kill) }

// Freeze stops all processes where they are (SIGSTOP), until Thaw or their next invocation.
func (f *Function) Freeze() { f.each((*process).freeze) }

// Thaw lets frozen processes go on (SIGCONT).
func (f *Function) Thaw() { f.each((*process).thaw) }

// Starts is how many processes were started: 1 for a function that stayed warm.
func (f *Function) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// Logs is what all processes have written so far.
func (f *Function) Logs() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logs.String()
}

// Close ends everything.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}
