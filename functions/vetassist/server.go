package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vetassist/vetassist/functions/learn"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// Bounds on what a connection may take. A chat with a language model behind it may think for a while.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 2 * time.Minute
	requestTime   = writeTimeout - 10*time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // with the address
	stopTimeout   = 10 * time.Second
	clientTimeout = 3 * time.Second        // of that, for clients that are slow to send or to read
	quietTime     = 500 * time.Millisecond // after which a connection without a request may be closed, where it has to be
)

// Times are what a connection may take. Tests have less patience.
type Times struct {
	Header, Read, Write, Idle time.Duration // as in http.Server
	Stop, Client, Quiet       time.Duration
}

var defaultTimes = Times{headerTimeout, readTimeout, writeTimeout, idleTimeout, stopTimeout, clientTimeout, quietTime}

// Options are what a Server is started with. Only Config is needed.
type Options struct {
	config.Config
	Now    func() time.Time // default host.Clock
	Rand   io.Reader        // default crypto/rand
	Stdout io.Writer        // for the addresses and logins; default nowhere
	Log    *slog.Logger     // default slog.Default()
	// Outside is for requests to strangers' addresses; default egress.Client.
	Outside *http.Client
	// RequestTime is what the answer to a request may take; default a little less than the connection is given.
	RequestTime time.Duration
	// Times are those of a connection; default defaultTimes.
	Times Times
	// MaxConnections is how many may be open at once; default maxConnections().
	MaxConnections int
	// Open opens the store, and tells how to close it; default the SQLite file Config.DB.
	Open func(ctx context.Context, now func() time.Time) (store.Store, func() error, error)

	clock *host.VirtualClock // behind Now, on somebody's own machine; else nil
}

// Server is a running VetAssist.
type Server struct {
	// URL is the base URL, without a last slash.
	URL string

	http       http.Server
	handler    http.Handler
	listeners  []*listener
	conns      *conns
	accepting  sync.WaitGroup
	inside     *inside
	closeStore func() error
	recorder   *trace.Recorder // nil: off
	rest       *rest
	filled     filled
	failed     chan error
	closing    sync.Once
	closed     error
}

// Start opens the store, fills it, and serves. The context is for the start only; Close ends the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.setDefaults()
	listeners, missing, err := listen(o.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{conns: newConns(o.MaxConnections, o.Times), failed: make(chan error, len(listeners)), closeStore: func() error { return nil }}
	for _, l := range listeners {
		s.listeners = append(s.listeners, &listener{TCPListener: l.(*net.TCPListener), all: s.conns})
	}
	if err := s.start(ctx, &o); err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return nil, errors.Join(err, s.recorder.Close(), s.closeStore())
	}
	go s.rest.watch(time.Tick(restAfter))
	for _, l := range s.listeners {
		s.accepting.Go(func() {
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- err
			}
		})
	}
	if err := banner(o, s.filled, missing); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = host.Clock
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.RequestTime == 0 {
		o.RequestTime = requestTime
	}
	if o.Times == (Times{}) {
		o.Times = defaultTimes
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = maxConnections()
	}
	if o.Open == nil {
		o.Open = func(ctx context.Context, now func() time.Time) (store.Store, func() error, error) {
			return openFile(ctx, o.DB, o.Durability, now)
		}
	}
}

// openFile opens the SQLite file, and beside it that of the flight recorder: each of its writes would make the readers of the one file
// read their pages anew, which is most of what it would cost a request.
//
// What a power cut may take of the flows is always their last moments.
func openFile(ctx context.Context, path, durability string, now func() time.Time) (store.Store, func() error, error) {
	const advice = "%w\nChoose another file with -db, or :memory: to keep nothing"
	_, err := os.Stat(path)
	anew := errors.Is(err, fs.ErrNotExist)
	db, err := sqlite.Open(ctx, path, now, fileOptions(durability)...)
	if err != nil {
		return nil, nil, fmt.Errorf(advice, err)
	}
	if path == ":memory:" {
		return db, db.Close, nil
	}
	if anew { // what is there is about people of a file that somebody deleted
		if err := removeFlows(path); err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
	}
	flows, err := sqlite.Open(ctx, path+flowsEnd, now)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf(advice, err), db.Close())
	}
	return store.Split(db, flows, trace.Partitions...), func() error { return errors.Join(flows.Close(), db.Close()) }, nil
}

// flowsEnd is what the name of the flight recorder's file has more than that of the database.
const flowsEnd = "-flows"

func removeFlows(path string) error {
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + flowsEnd + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func fileOptions(durability string) []sqlite.Option {
	if durability == config.DurabilityFull {
		return []sqlite.Option{sqlite.Full}
	}
	return nil
}

// start does all that can fail while the port is ours but nobody is answered yet.
func (s *Server) start(ctx context.Context, o *Options) error {
	port := s.listeners[0].Addr().(*net.TCPAddr).Port
	host, _, _ := net.SplitHostPort(o.Addr) // listen has read it
	o.Addr = net.JoinHostPort(host, strconv.Itoa(port))
	if err := o.Check(); err != nil {
		return err
	}
	if err := s.open(ctx, o); err != nil {
		return err
	}
	proxies, err := o.Proxies()
	if err != nil {
		return err
	}
	s.rest = newRest(giveBack)
	s.http = http.Server{
		Handler:           s.rest.wrap(s.conns.handler(through(proxies, s.inside.handler))),
		ReadHeaderTimeout: o.Times.Header,
		ReadTimeout:       o.Times.Read,
		WriteTimeout:      o.Times.Write,
		IdleTimeout:       o.Times.Idle,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.conns.state,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug), // broken connections are no news
	}
	return nil
}

// open opens and fills the store, and makes the handler: all of a server but its listeners.
func (s *Server) open(ctx context.Context, o *Options) error {
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return err
	}
	if o.Local() && !o.Lambda {
		o.clock = host.NewVirtualClock(o.Now)
		o.Now = o.clock.Now
	}
	db, closeStore, err := o.Open(ctx, o.Now)
	if err != nil {
		return err
	}
	s.closeStore = closeStore
	if o.clock != nil {
		if err := learn.RestoreClock(ctx, db, o.clock); err != nil {
			return err
		}
	}
	if s.filled, err = fill(ctx, db, o); err != nil {
		return fmt.Errorf("filling the database: %w", err)
	}
	// Requests to ourselves go over the loopback only if what they reach there is certainly us.
	s.inside = newInside(base, o.Lambda || base.Scheme != "http" || !strings.EqualFold(base.Host, o.Addr))
	if o.Records() {
		s.recorder, err = trace.New(trace.Options{BaseURL: o.BaseURL, Store: db, Now: o.Now, Log: o.Log, Direct: o.Lambda})
		if err != nil {
			return err
		}
	}
	handler, err := newHandler(o, db, &http.Client{Transport: s.inside, Timeout: readTimeout}, s.recorder)
	if err != nil {
		return err
	}
	s.handler = handler
	s.inside.handler = web.ObserveWithin(o.RequestTime, o.Log, modest(handler))
	s.URL = o.BaseURL
	return nil
}

// Failed tells when the server stopped by itself, which only a broken listener makes it do.
func (s *Server) Failed() <-chan error { return s.failed }

// Connections is how many are open.
func (s *Server) Connections() int { return s.conns.count() }

// Close stops accepting, finishes what is in flight, for at most ten seconds, and closes the store. Every request that came whole is answered.
func (s *Server) Close() error {
	s.closing.Do(func() {
		close(s.rest.stop)
		within := s.conns.times.Stop
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		select {
		case <-s.inside.comeInside():
		case <-ctx.Done():
		}
		s.conns.stopping.Store(true)
		for _, l := range s.listeners {
			l.last()
		}
		s.accepting.Wait() // the listeners are closed by Serve
		s.conns.drain(ctx)
		err := s.http.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(fmt.Errorf("some requests took longer than %s and were cut off", within), s.http.Close())
		}
		s.inside.CloseIdleConnections()
		s.closed = errors.Join(err, s.recorder.Close(), s.closeStore())
	})
	return s.closed
}
