package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

// inside is the transport of requests that our functions send. Those to our own base URL stay in the process when
// the network cannot bring them here: because the base URL is the address of a proxy that this machine may not even
// reach, or because the server is stopping and accepts no connections, while a chat in flight still needs its MCP
// server. All others go out.
type inside struct {
	base    *url.URL
	handler http.Handler
	network http.RoundTripper

	mu     sync.Mutex
	always bool          // answer in the process from now on
	out    int           // requests to ourselves that are under way over the network
	idle   chan struct{} // closed when out comes down to 0; nil when nobody waits
}

func newInside(base *url.URL, always bool) *inside {
	network := http.DefaultTransport.(*http.Transport).Clone()
	network.MaxIdleConnsPerHost = 32 // all of our own traffic has one host
	network.ResponseHeaderTimeout = 30 * time.Second
	return &inside{base: base, always: always, network: network}
}

// RoundTrip implements http.RoundTripper.
func (t *inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.base.Scheme || r.URL.Host != t.base.Host {
		return t.network.RoundTrip(r)
	}
	t.mu.Lock()
	always := t.always
	if !always {
		t.out++
	}
	t.mu.Unlock()
	if always {
		return t.serve(r)
	}
	defer t.done()
	return t.network.RoundTrip(r)
}

func (t *inside) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out--; t.out == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// comeInside keeps all requests to ourselves in the process from now on. The channel is closed when those that are
// on the network already have reached a handler and been answered: only then may the listeners close.
func (t *inside) comeInside() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.always = true
	idle := make(chan struct{})
	if t.out == 0 {
		close(idle)
	} else {
		t.idle = idle
	}
	return idle
}

// CloseIdleConnections implements what http.Client asks of its transport.
func (t *inside) CloseIdleConnections() {
	if c, ok := t.network.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// errAborted is what the reader of an answer sees when the handler panicked in the middle of it.
var errAborted = errors.New("the handler gave up")

// serve answers a request with the handler, in a goroutine of its own, as the server would. The body is not
// buffered: the handler waits for the reader.
func (t *inside) serve(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	in.RemoteAddr = net.JoinHostPort(cmp.Or(web.ClientAddress(r.Context()), "127.0.0.1"), "0") // of whoever had us ask: what limits count is theirs
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}      // what a server sees
	if in.Body == nil {
		in.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &answerWriter{header: http.Header{}, body: writer, started: make(chan struct{})}
	go func() {
		defer func() {
			if p := recover(); p != nil { // http.ErrAbortHandler: web.Observe lets no other through
				w.start(0)
				writer.CloseWithError(errAborted)
			}
			w.WriteHeader(http.StatusOK) // a handler that wrote nothing meant this
			writer.Close()
			in.Body.Close()
		}()
		t.handler.ServeHTTP(w, in)
	}()
	select {
	case <-w.started:
	case <-r.Context().Done():
	}
	if err := r.Context().Err(); err != nil { // even if the answer began at the same moment: nobody wants it any more
		reader.CloseWithError(err) // the handler's writes fail from here on
		return nil, err
	}
	if w.status == 0 {
		return nil, errAborted
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: reader, ContentLength: -1, Request: r,
	}, nil
}

// answerWriter is the http.ResponseWriter of serve.
type answerWriter struct {
	header  http.Header
	body    *io.PipeWriter
	once    sync.Once
	started chan struct{} // closed when status and sent are set
	status  int           // 0: the handler gave up
	sent    http.Header
}

func (a *answerWriter) Header() http.Header { return a.header }

func (a *answerWriter) WriteHeader(status int) {
	if status >= 200 { // earlier ones are hints, which nobody here waits for
		a.start(status)
	}
}

func (a *answerWriter) start(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.started)
	})
}

func (a *answerWriter) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Flush is for handlers that stream: everything has been handed over already.
func (a *answerWriter) Flush() { a.WriteHeader(http.StatusOK) }
