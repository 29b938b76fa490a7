package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is the real command, as a process of its own over a file of its own.
type server struct {
	url, db string
	cmd     *exec.Cmd
	done    chan struct{} // closed when it has ended
	err     error         // of its end

	mu     sync.Mutex
	stderr []string // what it complained about
	held   chan held
}

// held is what the process says it holds, asked by SIGUSR1.
type held struct{ goroutines, connections, heap int }

var (
	runningAt = regexp.MustCompile(`Open (http\S+) in a browser`)
	holds     = regexp.MustCompile(`(\d+) goroutines, (\d+) connections, (\d+) bytes`)
)

// build compiles the command into a folder.
func build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "vetassist")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/vetassist/vetassist/functions/vetassist")
	cmd.Stderr = os.Stderr
	return bin, cmd.Run()
}

// start starts it on a free port and returns when it is running.
func start(bin, dir string, args ...string) (*server, error) {
	s := &server{db: filepath.Join(dir, "vetassist.db"), done: make(chan struct{}), held: make(chan held, 1)}
	s.cmd = exec.Command(bin, append([]string{"-addr", "localhost:0", "-db", s.db}, args...)...)
	s.cmd.SysProcAttr = ownGroup // Ctrl-C is for us: it is stopped in order
	stdout, err1 := s.cmd.StdoutPipe()
	stderr, err2 := s.cmd.StderrPipe()
	if err := errors.Join(err1, err2, s.cmd.Start()); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	var readers sync.WaitGroup
	readers.Go(func() {
		for in := bufio.NewScanner(stdout); in.Scan(); {
			if m := runningAt.FindStringSubmatch(in.Text()); m != nil {
				ready <- m[1]
			}
		}
	})
	readers.Go(func() { s.listen(stderr) })
	go func() {
		readers.Wait()
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	select {
	case s.url = <-ready:
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("it did not start: %v %s", s.err, strings.Join(s.complaints(), "\n"))
	case <-time.After(time.Minute):
		return nil, errors.Join(errors.New("it did not start within a minute"), s.cmd.Process.Kill())
	}
}

// listen reads what it writes to stderr: what it holds, and complaints.
func (s *server) listen(stderr io.Reader) {
	for in := bufio.NewScanner(stderr); in.Scan(); {
		if m := holds.FindStringSubmatch(in.Text()); m != nil {
			var h held
			for i, to := range []*int{&h.goroutines, &h.connections, &h.heap} {
				*to, _ = strconv.Atoi(m[i+1])
			}
			s.held <- h
			continue
		}
		if strings.Contains(in.Text(), "level=WARN") { // such as that strangers are refused so often that some of it is only counted
			continue
		}
		s.mu.Lock()
		if len(s.stderr) < 100 {
			s.stderr = append(s.stderr, in.Text())
		}
		s.mu.Unlock()
	}
}

// complaints are the lines that it wrote to stderr, at most a hundred, without warnings: what it refuses is part of the load.
func (s *server) complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.stderr...)
}

// stop ends it as a service manager does, and tells how long that took.
func (s *server) stop() (time.Duration, error) {
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		return time.Minute, errors.Join(errors.New("it did not stop within a minute"), s.cmd.Process.Kill())
	}
	return time.Since(begin), s.err
}

// kill is for when we give up.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// sample is what the server takes at a moment.
type sample struct {
	at     time.Duration // since the beginning
	rss    int           // bytes, as are the following
	heap   int           // that is alive
	db     int           // the databases,
	wal    int           // and what is not yet in them
	files  int           // open
	held   held
	cpu    time.Duration // of the processor, since it started
	failed error
}

// look takes a sample.
func (s *server) look(begin time.Time) sample {
	out := sample{at: time.Since(begin)}
	dir := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		out.failed = err
		return out
	}
	if _, rest, ok := strings.Cut(string(status), "VmRSS:"); ok {
		fmt.Sscanf(rest, "%d", &out.rss)
		out.rss <<= 10
	}
	if stat, err := os.ReadFile(dir + "stat"); err == nil { // proc(5): utime and stime are the 14th and 15th field
		if f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(f) > 12 {
			user, _ := strconv.Atoi(f[11])
			system, _ := strconv.Atoi(f[12])
			out.cpu = time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	open, err := os.ReadDir(dir + "fd")
	out.files, out.failed = len(open), err
	for _, end := range []string{"", "-flows"} {
		out.db += size(s.db + end)
		out.wal += size(s.db + end + "-wal")
	}
	if err := s.cmd.Process.Signal(sayWhatYouHold); err != nil {
		out.failed = errors.Join(out.failed, err)
		return out
	}
	select {
	case out.held = <-s.held:
		out.heap = out.held.heap
	case <-s.done:
		out.failed = errors.New("the server has ended")
	case <-time.After(10 * time.Second):
		out.failed = errors.New("the server does not say what it holds")
	}
	return out
}

func size(name string) int {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return int(info.Size())
}
