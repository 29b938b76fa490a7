package main

import (
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// conns are the open connections: bounded in number, and ended in order. What net/http bounds by itself is how long one of them may take.
//
// Where there is no room for one more, the one that has held a place longest without asking for anything gives way; a request that is being
// answered never does. So who collects idle connections, or sends headers letter by letter, takes nobody's place for long.
type conns struct {
	most  int
	times Times

	mu       sync.Mutex
	open     map[*conn]struct{}
	waiting  list.List // those that wait for a request, longest first
	refusing int
	tidied   int // how many there were when memory was given back last
	tidying  bool
	stopping atomic.Bool
}

const (
	mostConnections = 12000           // some 15 KB each while they wait
	otherFiles      = 128             // that a server has open: the databases, and connections to others
	refusingAtOnce  = 256             // beyond that, who is refused gets no word
	refuseTime      = 2 * time.Second // for that word
	tidyEach        = 1000            // connections more
	tidyAfter       = 2 * time.Second
	noRoom          = "There are too many connections here right now. Please try again in a moment.\n"
)

func newConns(most int, times Times) *conns {
	return &conns{most: most, times: times, open: map[*conn]struct{}{}}
}

// maxConnections is as many as this process may have.
func maxConnections() int { return max(otherFiles, openFiles()-otherFiles) }

// count is how many are open.
func (cs *conns) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

// conn is one of them.
type conn struct {
	*net.TCPConn
	all     *conns
	place   *list.Element // in all.waiting; nil: a request is being answered, or it is closed
	last    atomic.Int64  // when something came or was sent, in Unix nanoseconds
	writing atomic.Bool   // an answer waits for its client to read
	reading atomic.Bool   // a handler waits for its client to send
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.touch()
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	c.writing.Store(true)
	n, err := c.TCPConn.Write(b)
	c.writing.Store(false)
	c.touch()
	return n, err
}

// ReadFrom goes by Write: sendfile would not tell whether it waits. Nothing here sends files of the disk.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{c}, r) }

func (c *conn) touch() { c.last.Store(time.Now().UnixNano()) }

// quiet is how long nothing has come or gone.
func (c *conn) quiet() time.Duration { return time.Since(time.Unix(0, c.last.Load())) }

func (c *conn) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.leave(c)
	c.all.mu.Unlock()
	return c.TCPConn.Close()
}

// leave takes it from among those that wait for a request.
func (cs *conns) leave(c *conn) {
	if c.place != nil {
		cs.waiting.Remove(c.place)
		c.place = nil
	}
}

// admit takes a connection in, or refuses it.
func (cs *conns) admit(tcp *net.TCPConn) (*conn, bool) {
	c := &conn{TCPConn: tcp, all: cs}
	c.touch()
	cs.mu.Lock()
	var gives *conn
	if len(cs.open) >= cs.most {
		if first := cs.waiting.Front(); first != nil && first.Value.(*conn).quiet() >= cs.times.Quiet {
			gives = first.Value.(*conn)
		} else {
			cs.mu.Unlock()
			cs.refuse(tcp)
			return nil, false
		}
	}
	cs.open[c] = struct{}{}
	c.place = cs.waiting.PushBack(c)
	if !cs.tidying && len(cs.open) >= cs.tidied+tidyEach {
		cs.tidying = true
		time.AfterFunc(tidyAfter, cs.tidy)
	}
	cs.mu.Unlock()
	if gives != nil {
		gives.Close() // its goroutine hears of it
	}
	return c, true
}

// tidy gives memory back. The goroutine of a connection keeps the stack that its last request needed, and the garbage of that is there, too, until the
// collector comes by; where nothing else happens that is long, and of thousands it is most of what they cost.
func (cs *conns) tidy() {
	debug.FreeOSMemory()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.tidied, cs.tidying = len(cs.open), false
}

// refuse says that there is no room, and when to come again.
func (cs *conns) refuse(tcp *net.TCPConn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.refusing >= refusingAtOnce {
		tcp.Close()
		return
	}
	cs.refusing++
	go func() {
		_ = tcp.SetDeadline(time.Now().Add(refuseTime))
		_, err := io.WriteString(tcp, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+noRoom)
		if err == nil && tcp.CloseWrite() == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(tcp, maxHeader)) // to close over what has come would take the answer back (RFC 9112 §9.6)
		}
		tcp.Close()
		cs.mu.Lock()
		defer cs.mu.Unlock()
		cs.refusing--
	}()
}

// state is what net/http tells of a connection.
func (cs *conns) state(nc net.Conn, state http.ConnState) {
	c := nc.(*conn)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch _, open := cs.open[c]; {
	case state == http.StateActive:
		cs.leave(c)
	case state == http.StateIdle && open && c.place == nil:
		c.place = cs.waiting.PushBack(c)
	}
}

// listener is a net.Listener of connections.
type listener struct {
	*net.TCPListener
	all   *conns
	tries int
	bar   net.Conn // ours, in the way of all others
}

const (
	lastTries = 50
	lastCall  = time.Millisecond
)

// last has Accept take the connections that are made already, and then end.
func (l *listener) last() {
	narrow(l.TCPListener)
	_ = l.SetDeadline(time.Now().Add(lastCall))
}

// Accept waits for a connection for which there is room.
func (l *listener) Accept() (net.Conn, error) {
	for {
		tcp, err := l.AcceptTCP()
		if err == nil {
			if c, ok := l.all.admit(tcp); ok {
				return c, nil
			}
			continue
		}
		if !l.all.stopping.Load() {
			return nil, err
		}
		var barred bool
		if l.bar, barred = bar(l); barred || l.tries >= lastTries {
			return nil, http.ErrServerClosed
		}
		l.tries++
		_ = l.SetDeadline(time.Now().Add(lastCall))
	}
}

func (l *listener) Close() error {
	err := l.TCPListener.Close()
	if l.bar != nil {
		l.bar.Close()
	}
	return err
}

type connKey struct{}

// handler knows of each request whether it waits for its client, and ends its connection when the server stops: the answer says so, so that no
// client sends another request into a connection that is about to be closed (RFC 9112 §9.6). It ends, too, after a request in chunks: such a one
// may have said a length beside, for which another server may have taken it, and net/http does not tell (RFC 9112 §6.1).
func (cs *conns) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cs.stopping.Load() || len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		if c, ok := r.Context().Value(connKey{}).(*conn); ok && r.Body != http.NoBody {
			own := *r // net/http looks into the request that is its own, to tell whether a body was read to its end, and does not know ours
			own.Body = body{r.Body, c}
			r = &own
		}
		next.ServeHTTP(w, r)
	})
}

// body is one that comes over a connection.
type body struct {
	io.ReadCloser
	conn *conn
}

func (b body) Read(p []byte) (int, error) {
	b.conn.reading.Store(true)
	defer b.conn.reading.Store(false)
	return b.ReadCloser.Read(p)
}

// drain ends the connections, while nobody new can come any more: one that waits for a request when it has been quiet for a moment, and, when their
// time is over, all that wait for their clients. It returns when none is left, or when ctx ends; what is left then is at work.
func (cs *conns) drain(ctx context.Context) {
	late := time.After(cs.times.Client)
	look := time.NewTicker(cs.times.Quiet / 20)
	defer look.Stop()
	over := false
	for {
		if cs.endQuiet(over) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-late:
			over = true
		case <-ctx.Done():
			return
		}
	}
}

// endQuiet closes what need not be waited for, and tells how many are left. over: nobody waits for clients any more.
func (cs *conns) endQuiet(over bool) (left int) {
	cs.mu.Lock()
	var quiet, slow []*conn
	for c := range cs.open {
		switch {
		case c.place != nil && (over || c.quiet() >= cs.times.Quiet):
			quiet = append(quiet, c)
		case over && (c.reading.Load() || c.writing.Load()):
			slow = append(slow, c)
		}
	}
	left = len(cs.open) - len(quiet)
	cs.mu.Unlock()
	for _, c := range quiet {
		c.Close()
	}
	for _, c := range slow { // their handlers hear of it, and end
		_ = c.SetDeadline(time.Now())
	}
	return left
}
