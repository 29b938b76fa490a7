package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/secrettest"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// clock is what the server under test takes for the time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// newClock stands at noon (UTC) on a Wednesday; "next Tuesday" is the first of December then.
func newClock() *clock {
	return &clock{now: time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a running server, on a real port, with a clock to turn.
type world struct {
	*Server
	t       *testing.T
	clock   *clock
	options Options
	log     *record
	network *http.Transport // how its people reach it; nil: directly

	stranger bool // nobody registered its chat app
}

// record keeps what the server logs, and hands it over when a test fails.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// seeding is what the first start writes, by the tests' clock. Finding it costs four password hashes, which is most of what
// a start takes, and ten times as much under the race detector.
var seeding = storetest.Seeding(newClock().Now, func(db store.Store) error {
	s, err := Start(context.Background(), Options{Config: config.Config{Addr: "localhost:0"}, Now: newClock().Now, Open: always(db)})
	if err != nil {
		return err
	}
	return s.Close()
})

// always is an Options.Open of a store that stays open.
func always(db store.Store) func(context.Context, func() time.Time) (store.Store, func() error, error) {
	return func(context.Context, func() time.Time) (store.Store, func() error, error) {
		return db, func() error { return nil }, nil
	}
}

// onTable is an Options.Open of a DynamoDB table.
func onTable(table dynamo.Options) func(context.Context, func() time.Time) (store.Store, func() error, error) {
	return func(_ context.Context, now func() time.Time) (store.Store, func() error, error) {
		db, err := dynamo.Open(table, now)
		return db, func() error { return nil }, err
	}
}

// onFile keeps a test that looks into the SQLite file on one.
func onFile(t *testing.T) func(*Options) {
	return func(o *Options) { o.DB = filepath.Join(t.TempDir(), "vetassist.db") }
}

// newWorld starts a server over a seeded store of its own: a file, or a table where the tests run over DynamoDB Local.
// change may set more options; with a database or a clock of its own it seeds for itself.
func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), log: &record{}}
	w.options = Options{
		Config: config.Config{Addr: "localhost:0"},
		Log:    slog.New(slog.NewTextHandler(secrettest.Log(w.log), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&w.options)
	}
	own := w.options.DB != "" || w.options.Now != nil || w.options.Open != nil
	if w.options.DB == "" && w.options.Open == nil {
		if storetest.OverDynamoDB() {
			w.options.Open = onTable(storetest.NewTable(t))
		} else {
			onFile(t)(&w.options)
		}
	}
	if w.options.Now == nil {
		w.options.Now = w.clock.Now
	}
	w.options.setDefaults()
	if !own {
		db, closeDB, err := w.options.Open(t.Context(), w.clock.Now)
		if err == nil {
			err = errors.Join(storetest.Replay(t.Context(), db, seeding), closeDB())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.start()
	t.Cleanup(func() {
		w.leave()
		if err := w.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", w.log)
		}
	})
	return w
}

// host is the server's name, as pages show it.
func (w *world) host() string {
	_, host, _ := strings.Cut(w.URL, "://")
	return host
}

// in is the same world for a subtest, which must fail by itself.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

func (w *world) start() {
	w.t.Helper()
	s, err := Start(w.t.Context(), w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	if os.Getenv(secrettest.Dir) != "" {
		s.http.Handler, s.inside.handler = secrettest.Watch(s.http.Handler), secrettest.Watch(s.inside.handler)
	}
	w.Server = s
}

// restart stops the server as Ctrl-C does and starts it on the same port over the same file.
func (w *world) restart() {
	w.t.Helper()
	w.options.Addr = w.listeners[0].Addr().String()
	w.options.BaseURL = w.URL
	w.leave()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// leave ends the connections on which everybody has been answered. A server that stops would wait half a second for what else comes there.
func (w *world) leave() {
	w.transport().CloseIdleConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the lab's, the walkthrough's and the like
}

// change writes to the directory behind the server's back, as an administrator will.
func (w *world) change(f func(*directory.Directory) error) {
	w.t.Helper()
	db, closeDB, err := w.options.Open(w.t.Context(), w.clock.Now)
	if err == nil {
		err = errors.Join(f(directory.New(db, w.URL, true, w.clock.Now)), closeDB())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// givePassword makes a user "new-bob" for a deployed server, where the demo's passwords do not work.
func (w *world) givePassword(id, password string) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error {
		u, err := d.User(w.t.Context(), id)
		if err != nil {
			return err
		}
		u.ID, u.Username = "user-bob-2", "new-bob"
		return d.CreateUser(w.t.Context(), u, password, false)
	})
}
