package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// recorded starts an app with a flight recorder before it.
func (w *world) recorded() *trace.Recorder {
	w.t.Helper()
	var front http.Handler
	srv := httptest.NewServer(web.Observe(slog.New(slog.DiscardHandler), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { front.ServeHTTP(rw, r) })))
	w.t.Cleanup(srv.Close)
	r, err := trace.New(trace.Options{BaseURL: srv.URL, Store: w.store.Store, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { r.Close() })
	w.start(func(c *Config) {
		c.BaseURL, c.HTTP = srv.URL, r.Client(trace.App, c.HTTP)
		handler, err := New(*c)
		if err != nil {
			w.t.Fatal(err)
		}
		front = r.Handler(trace.App, handler)
	})
	w.app = srv
	return r
}

// flows are the exchanges of the app that were recorded, by flow, the newest first.
func (w *world) flows(r *trace.Recorder) (all [][]trace.Record) {
	w.t.Helper()
	r.Flush()
	reader := trace.NewReader(w.store.Store, w.now)
	ids, _, err := reader.Flows(w.t.Context(), trace.Viewer{All: true}, "", 50)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range ids {
		records, err := reader.Flow(w.t.Context(), id, trace.Viewer{All: true})
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, records)
	}
	return all
}

// last is the exchange with a path that was recorded last.
func (w *world) last(r *trace.Recorder, path string) (found trace.Record) {
	w.t.Helper()
	for _, flow := range w.flows(r) {
		for _, rec := range flow {
			if at, _, _ := strings.Cut(rec.Request.URL, "?"); at == path && found.Begin.N < rec.Begin.N {
				found = rec
			}
		}
	}
	if found.ID == "" {
		w.t.Fatalf("%s was not recorded", path)
	}
	return found
}

// told is what an exchange decided, a line for each decision, and below it what was compared.
func (w *world) told(rec trace.Record) string {
	var b strings.Builder
	for _, d := range rec.Decisions {
		fmt.Fprintf(&b, "%s %s: %s\n", d.Kind, d.Outcome, d.Text)
		for _, c := range d.Compared {
			sign := "≠"
			if c.OK {
				sign = "="
			}
			fmt.Fprintf(&b, "  %s: %s %s %s\n", c.What, c.Wanted, sign, c.Got)
		}
	}
	return strings.ReplaceAll(b.String(), w.other.URL, "{other}")
}

// TestTold is what a reader of a flow sees of each decision of the chat.
func TestTold(t *testing.T) {
	refuse := func(code string) func(url.Values) ([]string, url.Values) {
		return func(url.Values) ([]string, url.Values) { return nil, url.Values{"error": {code}} }
	}
	for _, c := range []struct {
		name string
		do   func(*world)
		path string
		want string
	}{
		{"connect", func(w *world) { w.person().say("vaccination") }, "/chat", `token asked: There is no access token for this server, so the request goes out without one.
tool asked: The MCP server wants a login, so the person is asked to connect.
  scopes: pet-profile:read ≠ none
`},
		{"the answer to a login", func(w *world) { w.connected() }, "/callback", `state allowed: This is the answer to a request of this browser, from the server that it went to.
  state: that of a request of this browser, not yet answered = it is
  issuer (iss): {other} = {other}
token allowed: The access token of the last login or refresh goes along.
  server: {other}/mcp = {other}/mcp
  expires: in more than 30s = 2026-03-02T09:10:00Z
`},
		{"step-up", func(w *world) { w.connected().say("book") }, "/chat", `token allowed: The access token of the last login or refresh goes along.
  server: {other}/mcp = {other}/mcp
  expires: in more than 30s = 2026-03-02T09:10:00Z
tool asked: The token lacks appointment:write, and a consent can add it. The new request asks for what was there before as well, so that nothing is lost.
  scopes: appointment:write ≠ pet-profile:read
`},
		{"denial", func(w *world) {
			p := w.connected()
			w.decide = refuse("access_denied")
			p.get(p.say("book").AuthorizeURL)
		}, "/callback", `state allowed: This is the answer to a request of this browser, from the server that it went to.
  state: that of a request of this browser, not yet answered = it is
  issuer (iss): {other} = {other}
consent refused: There is no code: the authorization server says access_denied.
`},
		{"a permission that was left out", func(w *world) {
			p := w.connected()
			w.decide = func(url.Values) ([]string, url.Values) { return []string{"pet-profile:read"}, nil }
			p.get(p.say("book").AuthorizeURL)
		}, "/callback", `state allowed: This is the answer to a request of this browser, from the server that it went to.
  state: that of a request of this browser, not yet answered = it is
  issuer (iss): {other} = {other}
token allowed: The access token of the last login or refresh goes along.
  server: {other}/mcp = {other}/mcp
  expires: in more than 30s = 2026-03-02T09:10:00Z
tool refused: The person was asked before because of this message, and is not asked again: permission not given: appointment:write.
`},
		{"an answer from another server", func(w *world) {
			w.decide = func(q url.Values) ([]string, url.Values) {
				return strings.Fields(q.Get("scope")), url.Values{"iss": {"https://evil.example"}}
			}
			p := w.person()
			p.get(p.say("vaccination").AuthorizeURL)
		}, "/callback", `state refused: The answer does not come from the server that the request went to, so its code is not used.
  state: that of a request of this browser, not yet answered = it is
  issuer (iss): {other} ≠ https://evil.example
`},
		{"an answer to nothing", func(w *world) { w.connected().get("/callback?state=guess&code=guess") }, "/callback", `state refused: This answer was used already, came too late, or belongs to another browser.
  state: that of a request of this browser, not yet answered ≠ another, or none
`},
		{"refresh", func(w *world) { p := w.connected(); w.pass(w.ttl); p.say("vaccination") }, "/chat", `token asked: The access token is at its end (2026-03-02T09:10:00Z). So the refresh token is exchanged for another pair of tokens.
token allowed: The access token of the last login or refresh goes along.
  server: {other}/mcp = {other}/mcp
  expires: in more than 30s = 2026-03-02T09:20:00Z
`},
		{"refresh on 401", func(w *world) { p := w.connected(); clear(w.access); p.say("vaccination") }, "/chat", `token allowed: The access token of the last login or refresh goes along.
  server: {other}/mcp = {other}/mcp
  expires: in more than 30s = 2026-03-02T09:10:00Z
token asked: The MCP server does not take the access token. So the refresh token is exchanged for another pair of tokens.
`},
		{"a login that was ended", func(w *world) { p := w.connected(); clear(w.refreshes); w.pass(w.ttl); p.say("vaccination") }, "/chat", `token asked: The access token is at its end (2026-03-02T09:10:00Z). So the refresh token is exchanged for another pair of tokens.
token refused: Your login was ended at the authorization server, or has run out. Both tokens are forgotten.
token asked: There is no access token for this server, so the request goes out without one.
tool asked: The MCP server wants a login, so the person is asked to connect.
  scopes: pet-profile:read ≠ none
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.recorded()
			c.do(w)
			if got := w.told(w.last(r, c.path)); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestQuestionIsOneFlow: a question stays in its flow however long the person takes, by whatever way it goes on; and no server of
// somebody else hears of it.
func TestQuestionIsOneFlow(t *testing.T) {
	w := newWorld(t)
	r := w.recorded()
	w.mcp = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Traceparent") != "" || req.Header.Get("Tracestate") != "" {
			t.Error("a stranger hears of the flow")
		}
		return false
	}
	p := w.connected()
	asked := p.say("vaccination and book")
	if asked.Flow == "" || !strings.Contains(asked.HTML, `href="/flow/`+asked.Flow+`"`) {
		t.Fatalf("no link: %+v", asked)
	}
	w.pass(3 * time.Hour)
	p.say("search")
	p.get("/connect?for=" + asked.ID)
	paths := map[string]string{}
	for _, flow := range w.flows(r) {
		for _, rec := range flow {
			path, _, _ := strings.Cut(rec.Request.URL, "?")
			if rec.To == trace.App {
				paths[rec.Flow] += rec.Request.Method + " " + path + ", "
			}
		}
	}
	if got := paths[asked.Flow]; got != "POST /chat, GET /connect, GET /callback, " || len(paths) != 3 {
		t.Errorf("%s of %v", got, paths)
	}
}

// TestOffSaysNothing: without a recorder no answer has a flow.
func TestOffSaysNothing(t *testing.T) {
	if a := newWorld(t).person().say("search"); a.Flow != "" || strings.Contains(a.HTML, "/flow/") {
		t.Errorf("%+v", a)
	}
}
