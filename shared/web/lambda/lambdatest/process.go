package lambdatest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// maxPayload is what Lambda takes of an event and of an answer.
const maxPayload = 6_291_556

// process is one running bootstrap and the Runtime API that it talks to.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type process struct {
	cmd    *exec.Cmd
	server *http.Server
	freezy bool

	work   chan *invocation // taken by a GET of the next invocation
	exited chan struct{}

	mu      sync.Mutex
	current *invocation
	initErr *FunctionError
	frozen  bool
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	done     chan result // has room for one
	over     chan struct{}
}

type result struct {
	answer []byte
	err    error
}

func start(c Config, out *os.File) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{work: make(chan *invocation), exited: make(chan struct{}), freezy: c.Freeze}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initError)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go p.server.Serve(listener)

	p.cmd = exec.Command(c.Bootstrap)
	p.cmd.Dir = filepath.Dir(c.Bootstrap)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + filepath.Base(filepath.Dir(c.Bootstrap)),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_REGION=eu-central-1",
		"LAMBDA_TASK_ROOT=" + p.cmd.Dir,
		"_HANDLER=bootstrap",
		"TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
	}, c.Env...)
	p.mu.Lock() // it may ask for work before we know of its process
	err = p.cmd.Start()
	p.mu.Unlock()
	if err != nil {
		p.server.Close()
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
		p.server.Close()
	}()
	return p, nil
}

// invoke gives the process an event and waits for what comes of it.
func (p *process) invoke(event []byte, timeout time.Duration) ([]byte, error) {
	if len(event) > maxPayload {
		return nil, errors.New("lambdatest: the event is larger than Lambda takes")
	}
	p.thaw()
	inv := &invocation{id: uuid(), event: event, deadline: time.Now().Add(timeout), done: make(chan result, 1), over: make(chan struct{})}
	defer close(inv.over)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case p.work <- inv:
	case <-p.exited:
		return nil, p.exit(inv)
	case <-timer.C:
		p.kill()
		return nil, &FunctionError{TimeoutError, fmt.Sprintf("The start took longer than %s", timeout)}
	}
	select {
	case r := <-inv.done:
		return r.answer, r.err
	case <-p.exited:
		select {
		case r := <-inv.done: // it answered and then went
			return r.answer, r.err
		default:
			return nil, p.exit(inv)
		}
	case <-timer.C:
		p.kill() // the process cannot be trusted to be done with it
		return nil, &FunctionError{TimeoutError, fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, timeout.Seconds())}
	}
}

func (p *process) exit(inv *invocation) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.initErr != nil {
		return p.initErr
	}
	return &FunctionError{ExitError, "RequestId: " + inv.id + " Error: Runtime exited with error: " + p.cmd.ProcessState.String()}
}

// next answers when there is work. To ask for it says that the one before is over: now the process may be frozen.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.current = nil
	p.mu.Unlock()
	if p.freezy {
		p.freeze()
	}
	var inv *invocation
	select {
	case inv = <-p.work:
	case <-r.Context().Done():
		return
	}
	p.thaw()
	p.mu.Lock()
	p.current = inv
	p.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:test")
	h.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%x-%s;Parent=%s;Sampled=0", time.Now().Unix(), hexText(12), hexText(8)))
	w.Write(inv.event)
}

func (p *process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		p.deliver(w, r, result{err: &FunctionError{"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}}, http.StatusRequestEntityTooLarge)
	case err == nil:
		p.deliver(w, r, result{answer: body}, http.StatusAccepted)
	}
}

func (p *process) failure(w http.ResponseWriter, r *http.Request) {
	p.deliver(w, r, result{err: readError(r)}, http.StatusAccepted)
}

// deliver ends the current invocation; an answer to any other comes too late.
func (p *process) deliver(w http.ResponseWriter, r *http.Request, what result, status int) {
	p.mu.Lock()
	inv := p.current
	p.mu.Unlock()
	if inv == nil || inv.id != r.PathValue("id") {
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`, http.StatusBadRequest)
		return
	}
	select {
	case <-inv.over:
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`, http.StatusBadRequest)
		return
	default:
	}
	select {
	case inv.done <- what:
		w.WriteHeader(status)
	default:
		http.Error(w, `{"errorType":"InvalidStateTransition","errorMessage":"Invocation is over"}`, http.StatusForbidden)
	}
}

func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	err := readError(r)
	p.mu.Lock()
	p.initErr = err
	p.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

func readError(r *http.Request) *FunctionError {
	e := &FunctionError{}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxPayload)).Decode(e); err != nil {
		e.Type, e.Message = "Unhandled", err.Error()
	}
	return e
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and waits until it has.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) freeze() { p.stop(true) }
func (p *process) thaw()   { p.stop(false) }

func (p *process) stop(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != frozen {
		p.frozen = frozen
		signalStop(p.cmd.Process, frozen)
	}
}

// logs is what processes write: a file without a name, so that what a process wrote before it answered is there when the answer is.
type logs struct{ file *os.File }

func (l *logs) open() (err error) {
	if l.file != nil {
		return nil
	}
	if l.file, err = os.CreateTemp("", "lambdatest-"); err == nil {
		err = os.Remove(l.file.Name())
	}
	return err
}

func (l *logs) String() string {
	if l.file == nil {
		return ""
	}
	text, err := io.ReadAll(io.NewSectionReader(l.file, 0, math.MaxInt64))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func hexText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}

func uuid() string {
	h := hexText(16)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
