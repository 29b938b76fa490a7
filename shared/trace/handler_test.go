package trace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// serve answers real connections with a handler behind the recorder.
func (w *world) serve(to Party, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(web.Observe(slog.New(slog.DiscardHandler), w.Handler(to, h)))
	w.Cleanup(s.Close)
	return s
}

// last is the newest record of all.
func (w *world) last() Record {
	w.Helper()
	flows, _, err := NewReader(w.store, w.clock.Now).Flows(context.Background(), everything, "", 1)
	if err != nil || len(flows) == 0 {
		w.Fatalf("nothing was recorded: %v", err)
	}
	all := w.records(flows[0], everything)
	return all[len(all)-1]
}

// The cookie is there only with the recorder, only where a browser comes, and no script or other site gets at it.
func TestCookie(t *testing.T) {
	answer := func(base string, to Party, request string) []*http.Cookie {
		w := newWorld(t)
		w.cookie = NewCookie(base)
		_, resp := w.sent(exchange{to: to, request: request})
		return resp.Cookies()
	}
	for _, c := range []struct {
		base    string
		to      Party
		request string
		want    string
	}{
		{base, App, "GET /", "vetassist_flow"},
		{base, App, "POST /chat", "vetassist_flow"},
		{base, OAuth, "GET /oauth/authorize", "vetassist_flow"},
		{"https://vet.example", App, "GET /", "__Host-vetassist_flow"},
		{base, OAuth, "POST /oauth/token", ""},
		{base, OAuth, "GET /.well-known/oauth-authorization-server", ""},
		{base, MCP, "POST /mcp", ""},
		{base, JWKS, "GET /.well-known/jwks.json", ""},
		{base, App, "GET /assets/x.js", ""},
		{base, App, "GET /oauth-client.json", ""},
	} {
		got := answer(c.base, c.to, c.request)
		if c.want == "" {
			if len(got) > 0 {
				t.Errorf("%s to %s gives %v", c.request, c.to, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Name != c.want || !got[0].HttpOnly || got[0].SameSite != http.SameSiteLaxMode || got[0].Path != "/" || got[0].Domain != "" ||
			got[0].Secure != strings.HasPrefix(c.base, "https:") || got[0].MaxAge != 0 || len(got[0].Value) != web.SecretLength {
			t.Errorf("%s to %s gives %v", c.request, c.to, got)
		}
	}
	var off *Recorder
	w := newWorld(t)
	if flow, resp := w.sentTo(off, exchange{to: App, request: "GET /"}); flow != "" || len(resp.Cookies()) > 0 {
		t.Errorf("off: flow %q, cookies %v", flow, resp.Cookies())
	}
}

// What is no part of a story is not kept.
func TestNotWorth(t *testing.T) {
	w := newWorld(t)
	for _, e := range []exchange{{to: App, request: "GET /"}, {to: App, request: "GET /setup"}, {to: App, request: "HEAD /connect"}, {to: MCP, request: "OPTIONS /mcp"},
		{to: MCP, request: "GET /mcp"}, {to: OAuth, request: "GET /oauth/assets/page.css"}, {to: OAuth, request: "GET /oauth/account"}, {to: MCP, request: "HEAD /.well-known/oauth-protected-resource"}} {
		if flow, resp := w.sent(e); flow != "" || resp.StatusCode != http.StatusOK {
			t.Errorf("%s to %s is in flow %s, and was answered with %d", e.request, e.to, flow, resp.StatusCode)
		}
	}
}

// What the handler reads and the client gets is what was sent, however long and in however many pieces; the record keeps the beginning.
func TestBodies(t *testing.T) {
	long := strings.Repeat("all work and no play ", 5000)
	for _, c := range []struct {
		name, kind, sent string
		chunked          bool
		unread           bool
		size             int
		cut              bool
	}{
		{"none", "", "", false, false, 0, false},
		{"short", "application/json", `{"a":"b"}`, false, false, 9, false},
		{"in chunks", "application/json", `{"a":"b"}`, true, false, 9, false},
		{"long", "text/plain", long, false, false, len(long), true},
		{"form", "application/x-www-form-urlencoded", "message=Fido", false, false, 12, false},
		{"form in chunks", "application/x-www-form-urlencoded", "message=Fido", true, false, 12, false},
		{"long form", "application/x-www-form-urlencoded", "message=" + long, false, false, 8 + len(long), true},
		{"long form in chunks", "application/x-www-form-urlencoded", "message=" + long, true, false, 8 + len(long), true},
		{"unread", "application/json", `{"a":"b"}`, false, true, 9, false},
		{"long and unread", "application/json", long, false, true, len(long), true},
		{"unread form", "application/x-www-form-urlencoded", "message=Fido", false, true, 12, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.serve(App, func(rw http.ResponseWriter, req *http.Request) {
				rw.Header().Set("Content-Type", "text/plain")
				if c.unread {
					return
				}
				body, err := io.ReadAll(req.Body)
				if err != nil || string(body) != c.sent {
					t.Errorf("the handler reads %d bytes, %v", len(body), err)
				}
				_, _ = rw.Write(body)
			})
			body := io.Reader(strings.NewReader(c.sent))
			if c.chunked {
				body = io.MultiReader(body) // of which nobody knows the length
			}
			resp, err := http.Post(s.URL+"/chat", c.kind, body)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if want := c.sent; !c.unread && string(got) != want {
				t.Errorf("the client gets %d bytes, want %d", len(got), len(want))
			}
			s.Close() // until then the handler may not have returned
			rec := w.last()
			if rec.Request.Size != c.size || rec.Request.Cut != c.cut || len(rec.Request.Body) > maxBody+10 {
				t.Errorf("%d bytes, cut %v, %d kept", rec.Request.Size, rec.Request.Cut, len(rec.Request.Body))
			}
			if !c.unread && (rec.Response.Size != len(c.sent) || rec.Response.Cut != (len(c.sent) > maxBody)) {
				t.Errorf("of the answer: %d bytes, cut %v", rec.Response.Size, rec.Response.Cut)
			}
		})
	}
}

// A form in chunks joins as any other.
func TestChunkedFormJoins(t *testing.T) {
	w := newWorld(t)
	first, _ := w.sent(exchange{to: OAuth, request: "POST /oauth/device_authorization", form: "client_id=c", json: `{"device_code":"device"}`})
	var flow string
	s := w.serve(OAuth, func(_ http.ResponseWriter, req *http.Request) { flow = Flow(req.Context()) })
	resp, err := http.Post(s.URL+"/oauth/token", "application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("device_code=device")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if s.Close(); flow != first {
		t.Errorf("flows %s and %s", first, flow)
	}
}

// How it ended: also where the handler says nothing, panics, streams, or its client is gone.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle http.HandlerFunc
		status int
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 200},
		{"a status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, 403},
		{"two", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404},
		{"text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") }, 200},
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("oh") }, 500},
		{"a panic in the middle", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202); panic("oh") }, 202},
		{"a header that somebody changes afterwards", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.Header().Set("Location", "/later") }, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.serve(JWKS, c.handle)
			resp, err := http.Get(s.URL + "/.well-known/jwks.json")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			s.Close()
			if rec := w.last(); rec.Response.Status != c.status || resp.StatusCode != c.status || rec.Response.Header("Location") != "" {
				t.Errorf("recorded %d %v, answered %d", rec.Response.Status, rec.Response.Headers, resp.StatusCode)
			}
		})
	}
}

// A stream reaches its reader piece by piece, by either way to flush.
func TestFlushes(t *testing.T) {
	for name, flush := range map[string]func(http.ResponseWriter){
		"http.Flusher":            func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"http.ResponseController": func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			more := make(chan bool)
			s := w.serve(MCP, func(rw http.ResponseWriter, req *http.Request) {
				rw.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(rw, "data: one\n")
				flush(rw)
				<-more
				_, _ = io.WriteString(rw, "data: two\n")
			})
			resp, err := http.Post(s.URL+"/mcp", "application/json", nil)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(resp.Body)
			for _, want := range []string{"data: one", "data: two"} {
				if !lines.Scan() || lines.Text() != want {
					t.Errorf("%q, want %q", lines.Text(), want)
				}
				if want == "data: one" {
					close(more)
				}
			}
			resp.Body.Close()
			s.Close()
			if rec := w.last(); rec.Response.Body != "data: one\ndata: two\n" {
				t.Errorf("%q", rec.Response.Body)
			}
		})
	}
}

// A client that hangs up is recorded, and is no failure of the store.
func TestHangsUp(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	req := httptest.NewRequestWithContext(ctx, "POST", base+"/mcp", nil)
	w.Handler(MCP, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), req)
	if rec := w.last(); rec.Request.URL != "/mcp" || w.resting() || w.log.Len() > 0 {
		t.Errorf("%+v %s", rec, &w.log)
	}
}

// broken is a store that does not do its work.
type broken struct {
	store.Store
	mu           sync.Mutex
	reads, write func(context.Context) error // nil: it does
	writes, gets int
	ops          int
	onWrite      func(store.Op)
	patience     time.Duration // the longest that it was given
}

func (b *broken) asked(ctx context.Context, count *int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*count++
	if deadline, ok := ctx.Deadline(); ok {
		b.patience = max(b.patience, time.Until(deadline))
	} else {
		b.patience = time.Hour
	}
}

func (b *broken) Get(ctx context.Context, partition, sort string) (store.Item, error) {
	b.asked(ctx, &b.gets)
	if b.reads != nil {
		if err := b.reads(ctx); err != nil {
			return store.Item{}, err
		}
	}
	return b.Store.Get(ctx, partition, sort)
}

func (b *broken) Write(ctx context.Context, ops ...store.Op) error {
	if b.onWrite != nil {
		for _, op := range ops {
			b.onWrite(op)
		}
	}
	b.asked(ctx, &b.writes)
	b.mu.Lock()
	b.ops += len(ops)
	b.mu.Unlock()
	if b.write != nil {
		if err := b.write(ctx); err != nil {
			return err
		}
	}
	return b.Store.Write(ctx, ops...)
}

// A store that fails or does not answer fails no request, is told in the log, and is then left alone for a while. Where each exchange
// is written before its answer, that waits a moment at most, and less when the request's own time runs out.
func TestStoreFails(t *testing.T) {
	fails := func(context.Context) error { return store.ErrBusy }
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name         string
		reads, write func(context.Context) error
		deadline     time.Duration
		most         time.Duration
	}{
		{"a read fails", fails, nil, 0, directTime},
		{"a write fails", nil, fails, 0, directTime},
		{"a read hangs", hangs, nil, 0, directTime},
		{"a write hangs", nil, hangs, 0, directTime},
		{"both hang", hangs, hangs, 0, directTime},
		{"a write hangs, and time is short", nil, hangs, 300 * time.Millisecond, 300*time.Millisecond + answerTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := &broken{Store: w.store, reads: c.reads, write: c.write}
			r := w.process(b, true)
			ctx := context.Background()
			if c.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.deadline)
				defer cancel()
			}
			answered := func() (status int) {
				rec := httptest.NewRecorder()
				r.Handler(MCP, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(201) })).
					ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "POST", base+"/mcp", nil))
				return rec.Code
			}
			if status := answered(); status != 201 || b.patience > c.most {
				t.Errorf("%d, and the store was waited for %s", status, b.patience)
			}
			if !strings.Contains(w.log.String(), "flight recorder: not") {
				t.Errorf("the log says %q", &w.log)
			}
			asked := b.gets + b.writes
			if status := answered(); status != 201 || b.gets+b.writes != asked {
				t.Errorf("the next one: %d, and the store was asked %d times", status, b.gets+b.writes-asked)
			}
			r.rest.Store(0)
			b.reads, b.write, ctx = nil, nil, context.Background()
			if answered(); r.resting() || len(w.records(w.last().Flow, everything)) == 0 {
				t.Error("it does not go on when the store is well again")
			}
		})
	}
}

// In Lambda a request that carries its flow reads nothing but once the key, and is one write; the first of a flow in a process says also where it is listed.
func TestWritesOnce(t *testing.T) {
	w := newWorld(t)
	b := &broken{Store: w.store}
	r := w.process(b, true)
	flow, _ := w.sent(exchange{to: App, request: "POST /chat"})
	carried := map[string]string{"Traceparent": "00-" + flow + "-0123456789abcdef-01", "Tracestate": w.stateOf(App, flow)}
	for i, c := range []struct {
		e                 exchange
		gets, writes, ops int
	}{
		{exchange{to: MCP, request: "POST /mcp", header: carried, subject: "bob"}, 1, 1, 3}, // a process reads the key once

		{exchange{to: MCP, request: "POST /mcp", header: carried, subject: "bob"}, 0, 1, 1},
		{exchange{to: JWKS, request: "GET /.well-known/jwks.json", header: carried}, 0, 1, 1},
		{exchange{to: MCP, request: "GET /mcp"}, 0, 0, 0},
		{exchange{to: App, request: "GET /"}, 0, 0, 0},
		{exchange{to: MCP, request: "POST /mcp", header: map[string]string{"Authorization": "Bearer " + jwt}}, 1, 1, 3}, // its flow, and what it is known by
		{exchange{to: MCP, request: "POST /mcp", header: map[string]string{"Authorization": "Bearer " + jwt}}, 0, 1, 1},
	} {
		b.gets, b.writes, b.ops = 0, 0, 0
		w.sentTo(r, c.e)
		if b.gets != c.gets || b.writes != c.writes || b.ops != c.ops {
			t.Errorf("%d: %d reads, %d writes of %d; want %d, %d of %d", i, b.gets, b.writes, b.ops, c.gets, c.writes, c.ops)
		}
	}
}

// What comes too fast, is too much, or waits too long is counted, and nothing else: the requests are answered.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit func(*Recorder)
		least int
		most  int
	}{
		{"exchanges of a flow", func(*Recorder) {}, maxFlow, maxFlow},
		{"exchanges a second", func(r *Recorder) { r.limit = rate.NewLimiter(0, 7) }, 7, 7},
		{"bytes", func(r *Recorder) { r.bytes = rate.NewLimiter(0, 2000) }, 1, 10}, // as many as there is room for
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			flow := w.newFlow()
			c.limit(w.Recorder)
			header := map[string]string{"Traceparent": "00-" + flow + "-0123456789abcdef-01", "Tracestate": w.stateOf(App, flow)}
			for range maxFlow + 10 {
				if _, resp := w.sent(exchange{to: MCP, request: "POST /mcp", header: header}); resp.StatusCode != 200 {
					t.Fatal(resp.Status)
				}
			}
			kept, left := len(w.records(flow, everything)), w.LeftOut()
			if kept < c.least || kept > c.most || left != int64(maxFlow+10-kept) {
				t.Errorf("%d kept and %d left out, want %d to %d", kept, left, c.least, c.most)
			}
		})
	}
}

// Where it is written later, a store that hangs holds nobody up: what has no room is left out. Close writes what has gathered.
func TestQueue(t *testing.T) {
	w := newWorld(t)
	release := make(chan bool)
	b := &broken{Store: w.store, write: func(context.Context) error { <-release; return nil }}
	r := w.process(b, false)
	r.limit, r.bytes = rate.NewLimiter(rate.Inf, 0), rate.NewLimiter(rate.Inf, 0)
	const many = maxQueue + 500
	flows := map[string]bool{}
	for range many {
		flow, _ := w.sentTo(r, exchange{to: JWKS, request: "GET /.well-known/jwks.json", header: map[string]string{"From": "192.0.2.1", "User-Agent": time.Now().String()}})
		flows[flow] = true
	}
	left := r.LeftOut()
	close(release)
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	kept := 0
	for flow := range flows {
		kept += len(w.records(flow, everything))
	}
	if int64(kept)+left != many || kept < maxQueue/2 {
		t.Errorf("%d kept and %d left out of %d", kept, left, many)
	}
	if _, resp := w.sentTo(r, exchange{to: App, request: "POST /chat"}); resp.StatusCode != 200 {
		t.Error("after the end:", resp.Status)
	}
}

// Many at once, with decisions from several goroutines and answers that are read on: for the race detector.
func TestAtOnce(t *testing.T) {
	w := newWorld(t)
	r := w.process(w.store, false)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 20 {
				req := httptest.NewRequest("POST", base+"/oauth/token", strings.NewReader("code=k"))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Handler(OAuth, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
					var inner sync.WaitGroup
					inner.Go(func() { Decide(req.Context(), Decision{Kind: Login, Outcome: Allowed, Text: "yes"}) })
					inner.Go(func() { Subject(req.Context(), "bob"); ClientID(req.Context(), "c"); _ = Parent(req.Context()) })
					go Decide(req.Context(), Decision{Kind: Login, Outcome: Refused, Text: "late"})
					inner.Wait()
					_, _ = rw.Write([]byte("ok"))
				})).ServeHTTP(httptest.NewRecorder(), req)
				if i == 0 {
					w.clock.Advance(time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	if err := r.Close(); err != nil || r.LeftOut() > 0 {
		t.Error(err, r.LeftOut())
	}
	flows, _, err := NewReader(w.store, w.clock.Now).Flows(context.Background(), Viewer{User: "bob"}, "", 500)
	if err != nil || len(flows) == 0 {
		t.Fatal(flows, err)
	}
	kept := 0
	for _, flow := range flows {
		kept += len(w.records(flow, Viewer{User: "bob"}))
	}
	if kept != 16*20 {
		t.Errorf("%d records", kept)
	}
}

// Another site can have a browser send a form, which comes without the cookie. That does not make the browser another one to us.
func TestCookieStays(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		request, site string
		set           bool
	}{
		{"GET /oauth/login", "cross-site", true}, // a link, which brings the cookie that there is
		{"POST /oauth/login", "same-origin", true},
		{"POST /oauth/login", "", true},
		{"POST /oauth/login", "cross-site", false},
	} {
		_, resp := w.sent(exchange{to: OAuth, request: c.request, header: map[string]string{"Sec-Fetch-Site": c.site}})
		if set := len(resp.Cookies()) == 1; set != c.set {
			t.Errorf("%s, %s: cookie set: %v", c.request, c.site, set)
		}
		if rec := w.last(); rec.Browser == "" {
			t.Errorf("%s, %s: nobody's browser", c.request, c.site)
		}
	}
}

// A stranger who sends as much as there is room for does not take the record from those who are logged in, and from what our parties say to
// each other.
func TestStrangersLeaveRoom(t *testing.T) {
	w := newWorld(t)
	w.limit = rate.NewLimiter(rate.Inf, 0)
	const room = 400 << 10
	w.bytes, w.strangers = rate.NewLimiter(0, room), rate.NewLimiter(0, room/2)
	large := exchange{to: MCP, request: "POST /mcp", header: map[string]string{"Content-Type": "application/json", "User-Agent": "x/1"}, status: 401,
		form: `"` + strings.Repeat("<", maxBody-2) + `"`}
	for i := range 250 {
		large.header["From"] = fmt.Sprintf("192.0.2.%d", i)
		if i == 2*room/(6*maxBody) {
			large.form = `""` // for what room is left
		}
		w.sent(large)
	}
	if w.LeftOut() == 0 {
		t.Fatal("all of it was recorded")
	}
	flow := w.newFlow()
	for _, e := range []exchange{
		{to: OAuth, request: "POST /oauth/consent", subject: "bob"},
		{to: MCP, request: "POST /mcp", header: map[string]string{"Traceparent": "00-" + flow + "-0123456789abcdef-01", "Tracestate": w.stateOf(App, flow)}},
	} {
		if at, _ := w.sent(e); len(w.records(at, everything)) != 1 {
			t.Errorf("%s is not recorded", e.request)
		}
	}
}
