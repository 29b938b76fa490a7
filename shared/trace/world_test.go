package trace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/web"
)

const base = "http://localhost:8080"

// world is a store, with as many processes that record into it as a test wants.
type world struct {
	testing.TB
	clock *storetest.Clock
	store store.Store
	log   bytes.Buffer
	*Recorder
}

// newWorld has one process, which writes at once.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, clock: storetest.NewClock()}
	w.store = storetest.Open(t, w.clock.Now)
	w.Recorder = w.process(w.store, true)
	return w
}

func (w *world) process(s store.Store, direct bool) *Recorder {
	w.Helper()
	r, err := New(Options{BaseURL: base, Store: s, Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Direct: direct})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// exchange is a request to a party, and how that answers it.
type exchange struct {
	to      Party
	request string            // method and target
	form    string            // body of a form
	header  map[string]string // of the request; "From": the address that it comes from
	status  int               // of the answer; 0: 200
	answer  map[string]string // its header
	json    string            // its body
	subject string            // whom it is about
}

// sent carries an exchange out, and returns the flow to which it belongs, and the answer.
func (w *world) sent(e exchange) (flow string, answer *http.Response) {
	w.Helper()
	return w.sentTo(w.Recorder, e)
}

func (w *world) sentTo(r *Recorder, e exchange) (flow string, answer *http.Response) {
	w.Helper()
	method, target, _ := strings.Cut(e.request, " ")
	req := httptest.NewRequest(method, base+target, strings.NewReader(e.form))
	if e.form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.RemoteAddr = "192.0.2.1:1"
	for name, v := range e.header {
		if name == "From" {
			req.RemoteAddr = v + ":1"
			continue
		}
		req.Header.Set(name, v)
	}
	handler := http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		flow = Flow(req.Context())
		Subject(req.Context(), e.subject)
		for name, v := range e.answer {
			rw.Header().Set(name, v)
		}
		if e.json != "" {
			rw.Header().Set("Content-Type", "application/json")
		}
		rw.WriteHeader(max(e.status, 200))
		_, _ = io.WriteString(rw, e.json)
	})
	rec := httptest.NewRecorder()
	web.Observe(slog.New(slog.DiscardHandler), r.Handler(e.to, handler)).ServeHTTP(rec, req)
	return flow, rec.Result()
}

// stateOf is the tracestate of a request that a party sends within the exchange 0123456789abcdef of a flow.
func (w *world) stateOf(by Party, flow string) string {
	return w.state(context.Background(), by, flow, "0123456789abcdef")
}

// records are what a viewer sees of a flow.
func (w *world) records(flow string, v Viewer) []Record {
	w.Helper()
	all, err := NewReader(w.store, w.clock.Now).Flow(context.Background(), flow, v)
	if err != nil && !errors.Is(err, ErrNotFound) {
		w.Fatal(err)
	}
	return all
}

// lines are records, a line each.
func lines(all []Record) string {
	var out []string
	for _, rec := range all {
		line := rec.Request.Method + " " + rec.Request.URL
		if rec.Subject != "" {
			line += " " + rec.Subject
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func redirect(base string, q url.Values) map[string]string {
	return map[string]string{"Location": base + "?" + q.Encode()}
}

// everything is an administrator.
var everything = Viewer{All: true}
