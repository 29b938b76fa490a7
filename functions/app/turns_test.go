package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

// TestTurns runs by a clock of its own, which goes on when everybody waits.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2, 2)
		enter := func(session string) func() {
			leave, err := turns.enter(t.Context(), session)
			if err != nil {
				t.Fatalf("%s: %v", session, err)
			}
			return leave
		}
		ended := make(chan error, 2)
		later := func(session string) {
			go func() {
				leave, err := turns.enter(t.Context(), session)
				if err == nil {
					leave()
				}
				ended <- err
			}()
			synctest.Wait()
		}
		first, second := enter("a"), enter("b")
		later("a")
		later("c")
		if _, err := turns.enter(t.Context(), "d"); !errors.Is(err, errBusy) {
			t.Errorf("the fifth: %v", err)
		}
		if len(ended) != 0 {
			t.Error("somebody did not wait")
		}
		first()
		second()
		if err := errors.Join(<-ended, <-ended); err != nil || len(turns.lines) != 0 || turns.in != 0 {
			t.Errorf("%v, %d in, %v", err, turns.in, turns.lines)
		}

		third, fourth := enter("a"), enter("b") // and they take longer than anybody waits
		later("a")
		if err := <-ended; !errors.Is(err, errContended) {
			t.Errorf("of the same session: %v", err)
		}
		later("c")
		if err := <-ended; !errors.Is(err, errBusy) {
			t.Errorf("of another session: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := turns.enter(ctx, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("a browser that left: %v", err)
		}
		third()
		fourth()
		if len(turns.lines) != 0 || turns.in != 0 {
			t.Errorf("%d in, %v", turns.in, turns.lines)
		}
	})
}

func TestTurnsOfOneSession(t *testing.T) {
	turns := newTurns(1, 100)
	for range maxInLine {
		if _, err := turns.queue("a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := turns.queue("a"); !errors.Is(err, errContended) {
		t.Errorf("%v", err)
	}
	if _, err := turns.queue("b"); err != nil {
		t.Errorf("another session: %v", err)
	}
}

// inside is an app over the world whose parts a test can reach.
func (w *world) inside(edit func(*app)) *httptest.Server {
	w.t.Helper()
	var handler http.Handler
	srv := httptest.NewServer(web.Observe(slog.New(slog.DiscardHandler), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) })))
	w.t.Cleanup(srv.Close)
	a, err := newApp(Config{BaseURL: srv.URL, MCPURL: w.other.URL + "/mcp", ClientID: "vet-assist-ai", Store: w.store, Assistant: script{}, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	edit(a)
	if handler, err = a.routes(); err != nil {
		w.t.Fatal(err)
	}
	return srv
}

// TestBusy: the last turn of all is taken.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	slow := pausing{reached: make(chan struct{}), letGo: make(chan struct{})}
	w.app = w.inside(func(a *app) { a.turns, a.assistant = newTurns(1, 0), slow })
	first, second := w.person(), w.person()
	done := make(chan string)
	go func() {
		_, body := first.post("/chat", "application/json", `{"message":"wait"}`)
		done <- body
	}()
	<-slow.reached
	for contentType, message := range map[string]string{"application/json": `{"message":"hello"}`, "application/x-www-form-urlencoded": "message=hello"} {
		resp, err := second.Post(w.app.URL+"/chat", contentType, strings.NewReader(message))
		status, body := second.read(resp, err)
		if status != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" || !strings.Contains(body, "Many people are asking at once.") {
			t.Errorf("%s: %d %v %s", contentType, status, resp.Header, body)
		}
	}
	slow.letGo <- struct{}{}
	if body := <-done; !strings.Contains(body, "You said: wait") {
		t.Errorf("%s", body)
	}
	second.say("hello")
}

// TestBusyAfterLogin: the login is kept, and the question can be asked again.
func TestBusyAfterLogin(t *testing.T) {
	w := newWorld(t)
	var turns *turns
	w.app = w.inside(func(a *app) { a.turns = newTurns(1, 0); turns = a.turns })
	p := w.person()
	address := p.say("vaccination").AuthorizeURL
	leave, err := turns.enter(t.Context(), "somebody else")
	if err != nil {
		t.Fatal(err)
	}
	if status, page := p.get(address); status != http.StatusOK || !strings.Contains(page, "Many people are asking at once.") || !strings.Contains(page, "Connected</summary>") {
		t.Errorf("%d %s", status, page)
	}
	leave()
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
		t.Errorf("%+v", a)
	}
}

// TestLeft: a browser that did not wait is no failure of ours.
func TestLeft(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	var log strings.Builder
	var handler http.Handler
	w.inside(func(a *app) {
		a.log = slog.New(slog.NewTextHandler(&log, nil))
		var err error
		if handler, err = a.routes(); err != nil {
			t.Fatal(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRequest(http.MethodGet, "/connect", nil),
		httptest.NewRequest(http.MethodPost, "/chat", strings.NewReader(`{"message":"hello"}`)), httptest.NewRequest(http.MethodPost, "/new", nil),
	} {
		r.Header.Set("Content-Type", "application/json")
		r.AddCookie(&http.Cookie{Name: "vetassist_app", Value: p.cookie()})
		handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	}
	if log.Len() != 0 {
		t.Errorf("%s", log.String())
	}
}

func TestHistory(t *testing.T) {
	var c conversation
	for i := range maxExchanges {
		c.Exchanges = append(c.Exchanges, exchange{ID: fmt.Sprint(i), Message: fmt.Sprint("m", i), Reply: "r"}, exchange{Reply: "said by the app itself"})
	}
	got := c.history()
	if len(got) != maxHistory || got[0].Message != fmt.Sprint("m", maxExchanges-maxHistory) || got[maxHistory-1].Message != fmt.Sprint("m", maxExchanges-1) {
		t.Errorf("%d: %v", len(got), got)
	}

	found := json.RawMessage(`"` + strings.Repeat("x", maxStructured-2) + `"`)
	for i := range c.Exchanges {
		c.Exchanges[i].Done = []doneCall{{Observation: assistant.Observation{Text: "text", Structured: found}}}
	}
	got = c.history()
	if len(got) != maxHistory || got[maxHistory-1].Done[0].Structured == nil || got[maxHistory-2].Done[0].Structured != nil || got[maxHistory-2].Done[0].Text != "text" {
		t.Errorf("%d exchanges", len(got))
	}
	if c.Exchanges[0].Done[0].Structured == nil {
		t.Error("the conversation itself was changed")
	}
	for i := range c.Exchanges {
		c.Exchanges[i].Message, c.Exchanges[i].Reply = strings.Repeat("m", maxMessage), strings.Repeat("r", maxReply)
	}
	body, err := json.Marshal(c.history())
	if err != nil || len(body) > maxHistoryBytes || len(body) < maxHistoryBytes/2 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
