package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	addr   string
	took   time.Duration // from its start to its first answer
	atRest float64       // MB
}

const (
	startTime = 30 * time.Second
	stopTime  = 10 * time.Second
	lookEvery = time.Millisecond
)

// start runs a program and waits for its first answer at a path.
func start(ctx context.Context, log, addr, path string, env []string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...), addr: addr}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, append(os.Environ(), env...)
	p.cmd.Dir = filepath.Dir(log)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < startTime {
		if resp, err := http.Get("http://" + addr + path); err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err == nil && resp.StatusCode < 500 {
				p.took = time.Since(began)
				return p, nil
			}
		}
		time.Sleep(lookEvery)
	}
	p.stop()
	return nil, fmt.Errorf("%s did not answer at %s within %s; it says why in %s", args[0], path, startTime, log)
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(stopTime, func() { p.cmd.Process.Kill() })
	p.cmd.Wait()
	kill.Stop()
}

// freeAddr is an address of this machine where nobody listens.
func freeAddr(host string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port), err
}

const ticks = 100 // of a second: USER_HZ, which Linux has had for all programs ever since

// processor is the processor time that the server has had (proc_pid_stat(5)).
func (p *process) processor() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks, err
}

// memory is what the server holds of the machine's memory, in MB.
func (p *process) memory() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, lives := strings.Cut(string(b), "VmRSS:")
	if !lives { // it holds none any more
		return 0, fmt.Errorf("%s ended by itself; the end of its log in %s may say why. Measure again", p.cmd.Args[0], p.cmd.Dir)
	}
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kb) / 1024, err
}
