package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// fault is what goes wrong with an operation of the store.
type fault struct {
	name string
	err  error
	done bool // the operation is carried out all the same: its answer is lost
	rest bool // all later operations of the request go wrong, too

	hangs bool // nothing comes back before the caller's context ends
}

var faults = []fault{
	{name: "busy", err: fmt.Errorf("table x: %w", store.ErrBusy)},
	{name: "answer lost", err: fmt.Errorf("table x: %w", store.ErrBusy), done: true},
	{name: "out of time", err: fmt.Errorf("table x: %w", context.DeadlineExceeded), rest: true},
	{name: "broken", err: errors.New("table x is on fire")},
}

// temporary tells whether trying again may help.
func (f fault) temporary() bool { return f.name != "broken" }

// tripping is a store where one operation goes wrong: the left-th from now.
type tripping struct {
	store.Store
	mu    sync.Mutex
	fault fault
	left  int // 0: all is well
	fired bool
}

func (s *tripping) arm(f fault, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.left, s.fired = f, n, false
}

// disarm tells whether it came to the fault.
func (s *tripping) disarm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = 0
	return s.fired
}

// next is the fault of the operation that comes now.
func (s *tripping) next() (f fault, wrong bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.left == 0:
		return fault{}, false
	case s.left > 1:
		s.left--
		return fault{}, false
	case s.fired && !s.fault.rest:
		return fault{}, false
	}
	s.fired = true
	return s.fault, true
}

// fails carries out a fault.
func (f fault) fails(ctx context.Context) error {
	if f.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.err
}

func (s *tripping) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	if f, wrong := s.next(); wrong {
		return store.Item{}, f.fails(ctx)
	}
	return s.Store.Get(ctx, partition, sort)
}

func (s *tripping) List(ctx context.Context, q store.Query) (store.Page, error) {
	if f, wrong := s.next(); wrong {
		return store.Page{}, f.fails(ctx)
	}
	return s.Store.List(ctx, q)
}

func (s *tripping) Write(ctx context.Context, ops ...store.Op) error {
	f, wrong := s.next()
	if !wrong {
		return s.Store.Write(ctx, ops...)
	}
	if f.done {
		if err := s.Store.Write(ctx, ops...); err != nil {
			return err
		}
	}
	return f.fails(ctx)
}

// trial is one endpoint in one state. begin makes everything ready, with a store that is well, and returns the request.
// It is sent with the fault, and again without; after looks at what has become of it.
type trial struct {
	name  string
	begin func(*trying) func() answer
	// right tells whether an answer is that of a store that is well.
	right func(*trying, answer) bool
	// once: when the answer was lost, the second try may be refused, since the first one counted.
	once bool
	// patience is how long something that was begun and not ended keeps others out, after which it works again.
	patience time.Duration
	after    func(t *trying, first, second answer)
}

// trying is a world in which trials take place.
type trying struct {
	*world
	store *tripping
	fault fault
	kept  map[string]string

	people map[string]*person // logged in at the authorization server, with a consent to all that they may have
}

func newTrying(t *testing.T, change ...func(*Options)) *trying {
	t.Helper()
	tr := &trying{kept: map[string]string{}}
	tr.world = newWorld(t, append(change, onFile(t), func(o *Options) {
		o.Open = func(ctx context.Context, now func() time.Time) (store.Store, func() error, error) {
			db, err := sqlite.Open(ctx, o.DB, now)
			if err != nil {
				return nil, nil, err
			}
			if tr.store == nil {
				tr.store = &tripping{Store: db}
			}
			return tr.store, db.Close, nil
		}
	})...)
	tr.people = map[string]*person{}
	for user, scopes := range map[string]string{
		"bob":   "pet-profile:read appointment:read appointment:write reminder:read reminder:write",
		"carol": "pet-profile:read pet-profile:write",
	} {
		tr.people[user] = tr.person()
		tr.people[user].answerOf(tr.request(url.Values{"scope": {scopes}}), user)
	}
	tr.people["admin"] = tr.person()
	tr.people["admin"].answerOf(tr.console(), "admin")
	return tr
}

// wants is whether an answer to a fault is one that the client can do something with.
func (tr *trying) wants(t *testing.T, n int, got answer) {
	t.Helper()
	f := tr.fault
	id := got.header.Get("X-Request-Id")
	said := string(got.body)
	if to, err := url.Parse(got.header.Get("Location")); err == nil && to.Query().Has("error") { // RFC 6749 §4.1.2.1
		said = to.Query().Get("error_description")
		want := "server_error"
		if f.temporary() {
			want = "temporarily_unavailable"
		}
		if code := to.Query().Get("error"); code != want || !strings.Contains(said, id) || to.Query().Get("state") == "" {
			t.Errorf("operation %d: the client is told %s: %s", n, code, to)
		}
	}
	switch {
	case id == "":
		t.Errorf("operation %d: %d without a number: %s", n, got.status, said)
	case got.status >= 500 && !strings.Contains(said, id):
		t.Errorf("operation %d: %d does not say its number %s: %s", n, got.status, id, said)
	case got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "":
		t.Errorf("operation %d: 503, but when to try again? %s", n, said)
	case got.status > 500 && got.status != http.StatusServiceUnavailable:
		t.Errorf("operation %d: %d %s", n, got.status, said)
	case got.status == http.StatusInternalServerError && f.temporary():
		t.Errorf("operation %d: a plain 500, although trying again helps: %s", n, said)
	}
	for _, secret := range []string{"table x", "on fire", "deadline exceeded"} {
		if strings.Contains(strings.ToLower(said), secret) {
			t.Errorf("operation %d: the answer gives away the cause: %s", n, said)
		}
	}
}

// run sends a trial's request with a fault at its first operation, its second, and so on until there are no more.
func (tr *trying) run(t *testing.T, c trial) {
	const enough = 2000
	for n := 1; ; n += 1 + n/12 { // where there are many, they are much alike
		tr.clock.turn(time.Second) // or everybody asks too much at once
		send := c.begin(tr)
		tr.store.arm(tr.fault, n)
		first := send()
		if !tr.store.disarm() {
			if !c.right(tr, first) {
				t.Errorf("all is well, and the answer is %d %s %s", first.status, first.header.Get("Location"), first.body)
			}
			if n == 1 {
				t.Error("there is no operation that could fail")
			}
			return
		}
		if n > enough {
			t.Fatalf("more than %d operations", enough)
		}
		tr.wants(t, n, first)
		if seconds, err := strconv.Atoi(first.header.Get("Retry-After")); err == nil {
			tr.clock.turn(time.Duration(seconds) * time.Second)
		}
		second := send()
		if c.patience > 0 && !c.right(tr, second) {
			tr.clock.turn(c.patience)
			second = send()
		}
		if !c.right(tr, second) && !c.right(tr, first) && !(c.once && tr.fault.done) {
			t.Errorf("operation %d: the second try: %d %s %s (the first: %d %s %s)", n, second.status, second.header.Get("Location"), second.body,
				first.status, first.header.Get("Location"), first.body)
		}
		if c.after != nil {
			c.after(tr, first, second)
		}
		if t.Failed() {
			return
		}
	}
}

// TestFaults: wherever the store fails, the client gets an answer that it can do something with, and the second try
// succeeds. Nothing counts twice.
func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrying(t)
			tr.fault = f
			for _, c := range slices.Concat(oauthTrials, mcpTrials, chatTrials, adminTrials()) {
				t.Run(c.name, func(t *testing.T) {
					sub := *tr
					sub.world = tr.in(t)
					sub.people = map[string]*person{}
					for user, p := range tr.people {
						own := *p
						own.t = t
						sub.people[user] = &own
					}
					sub.run(t, c)
				})
			}
		})
	}
}

// TestHangs: a store that does not answer at all. Every request has a deadline, and a client hears that it may try again before
// the connection is cut.
func TestHangs(t *testing.T) {
	t.Parallel()
	tr := newTrying(t, func(o *Options) { o.RequestTime = 4 * time.Second }) // enough for a login under the race detector
	tr.fault = fault{name: "hangs", hangs: true, rest: true}
	token := tr.access("bob", bobMay)
	tr.callTool(token, "list_pets", "{}") // the public keys are known from here on
	admin := tr.admin()
	call[any](admin, "GET", "/me", nil)
	code, chat := tr.code(), connected(tr)
	bob, chatting := cookiesOf(tr.people["bob"]), cookiesOf(chat)
	const form = "application/x-www-form-urlencoded"
	tr.store.arm(tr.fault, 1)
	var all sync.WaitGroup
	for _, c := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", asDocument, "", nil},
		{"GET", jwksAddress, "", nil},
		{"GET", "/oauth/authorize?" + tr.request(nil).Encode(), "", []string{"Cookie", bob}},
		{"GET", "/oauth/account", "", []string{"Cookie", bob}},
		{"POST", "/oauth/token", "grant_type=authorization_code&client_id=vet-assist-ai&code=" + code, []string{"Content-Type", form}},
		{"POST", "/oauth/revoke", "client_id=vet-assist-ai&token=x", []string{"Content-Type", form}},
		{"POST", "/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","arguments":{}}}`,
			[]string{"Authorization", "Bearer " + token, "Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-06-18"}},
		{"GET", "/admin/api/v1/users", "", []string{"Authorization", "Bearer " + admin.token}},
		{"GET", "/", "", []string{"Cookie", chatting, "Accept", "text/html"}},
		{"POST", "/chat", `{"message":"Which pets do I have?"}`, []string{"Cookie", chatting, "Content-Type", "application/json"}},
		{"POST", "/logout", "", []string{"Cookie", chatting, "Content-Type", form}},
	} {
		all.Go(func() {
			got := tr.send(c.method, c.path, c.body, c.headers...)
			if got.status != http.StatusServiceUnavailable && !strings.Contains(got.header.Get("Location"), "temporarily_unavailable") {
				t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
			}
			tr.wants(t, 1, got)
		})
	}
	all.Wait()
}
