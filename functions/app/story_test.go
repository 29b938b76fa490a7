package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

// TestStory is section 2 of the design, as a program sees it.
func TestStory(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	a := p.say("When is the next vaccination?")
	if a.AuthorizeURL == "" || len(a.ToolCalls) != 0 || a.Reply == "" || !strings.Contains(a.HTML, "/connect?for="+a.ID) {
		t.Fatalf("no connect card: %+v", a)
	}
	if got := query(t, a.AuthorizeURL).Get("scope"); got != "pet-profile:read" {
		t.Errorf("first request asks for %q", got)
	}
	before := p.cookie()
	status, page := p.get(a.AuthorizeURL)
	if status != http.StatusOK || !strings.Contains(page, "answer of get_pet_vaccination_info") || !strings.Contains(page, "Connected to VetAssist") {
		t.Fatalf("the question did not go on: %d %s", status, page)
	}
	if p.cookie() == before {
		t.Error("the session kept its cookie over a login")
	}

	b := p.say("book it")
	if b.AuthorizeURL == "" || len(b.ToolCalls) != 1 || b.ToolCalls[0].Outcome != assistant.NeedsConsent || b.ToolCalls[0].Scope != "appointment:write" {
		t.Fatalf("no step-up: %+v", b)
	}
	if got := query(t, b.AuthorizeURL).Get("scope"); got != "pet-profile:read appointment:write" {
		t.Errorf("step-up asks for %q, want what was there and what is new", got)
	}
	for _, words := range []string{"Add and change appointments", "Title of book_vet_appointment", "Booking needs a permission."} {
		if !strings.Contains(b.HTML, words) {
			t.Errorf("the card does not say %q", words)
		}
	}
	// The person clicks on the card instead of following the JSON.
	if _, page := p.get("/connect?for=" + b.ID); !strings.Contains(page, "answer of book_vet_appointment") {
		t.Errorf("the booking did not go on: %s", page)
	}
	if n := count(w.calls, "book_vet_appointment"); n != 2 {
		t.Errorf("booked with %d requests, want one refused and one done", n)
	}

	c := p.say("change the weight")
	if c.AuthorizeURL != "" || c.ToolCalls[0].Outcome != assistant.ToolError || !strings.Contains(c.HTML, "Not allowed for your role") {
		t.Errorf("role refusal: %+v", c)
	}
	if d := p.say("vaccination"); len(d.ToolCalls) != 1 || d.ToolCalls[0].Outcome != assistant.OK || d.ToolCalls[0].Arguments["pet"] != "Fido" {
		t.Errorf("plain answer: %+v", d)
	}
}

// TestTwoWishes keeps what was done before a permission was missing, and does it once.
func TestTwoWishes(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	a := p.say("vaccination and book")
	if len(a.ToolCalls) != 2 || a.ToolCalls[0].Outcome != assistant.OK || a.AuthorizeURL == "" {
		t.Fatalf("%+v", a)
	}
	calls := count(w.calls, "get_pet_vaccination_info")
	if _, page := p.get(a.AuthorizeURL); !strings.Contains(page, "ok answer of book_vet_appointment") {
		t.Errorf("not resumed: %s", page)
	}
	if count(w.calls, "get_pet_vaccination_info") != calls {
		t.Error("a finished call was made again")
	}
}

func TestDenied(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	w.decide = func(url.Values) ([]string, url.Values) {
		return nil, url.Values{"error": {"access_denied"}, "error_description": {"said no"}}
	}
	if _, page := p.get(p.say("vaccination").AuthorizeURL); !strings.Contains(page, "Vet Assist AI was not allowed to see pet profiles") || strings.Contains(page, "Log in and connect") {
		t.Errorf("denial of the connection: %s", page)
	}
	w.decide = nil
	p = w.connected()
	w.decide = func(url.Values) ([]string, url.Values) { return nil, url.Values{"error": {"access_denied"}} }
	_, page := p.get(p.say("vaccination and book").AuthorizeURL)
	for _, want := range []string{"Vet Assist AI was not allowed to add and change appointments", "ok answer of get_pet", "permission not given"} {
		if !strings.Contains(page, want) {
			t.Errorf("denial of a step-up lacks %q: %s", want, page)
		}
	}
	if a := p.say("book"); a.AuthorizeURL == "" {
		t.Error("asking again does not ask again")
	}
}

// TestPartialConsent does not loop when a person leaves the new permission out.
func TestPartialConsent(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.decide = func(url.Values) ([]string, url.Values) { return []string{"pet-profile:read"}, nil }
	_, page := p.get(p.say("book").AuthorizeURL)
	if !strings.Contains(page, "denied You did not give this permission: add and change appointments.") || !strings.Contains(page, "Not given: add and change appointments") {
		t.Errorf("%s", page)
	}
	if n := len(w.authorize); n != 2 {
		t.Errorf("%d authorization requests", n)
	}
}

// TestNeverSatisfied ends the asking when no token will do.
func TestNeverSatisfied(t *testing.T) {
	w := newWorld(t)
	w.mcp = func(rw http.ResponseWriter, _ *http.Request) bool {
		w.challenge(rw, http.StatusUnauthorized, `error="invalid_token"`)
		return true
	}
	p := w.person()
	a := p.say("vaccination")
	page := ""
	for n := 0; ; n++ {
		if n > maxAsks {
			t.Fatal("it asks forever")
		}
		_, page = p.get("/connect?for=" + a.ID)
		if !strings.Contains(page, "/connect?for=") {
			break
		}
	}
	if !strings.Contains(page, "I could not understand") {
		t.Errorf("no reason: %s", page)
	}
}

func TestWithoutJavaScript(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	form := url.Values{"message": {"vaccination <b>please</b>"}}.Encode()
	status, page := p.post("/chat", "application/x-www-form-urlencoded", form)
	if status != http.StatusOK || !strings.Contains(page, "vaccination &lt;b&gt;please&lt;/b&gt;") || !strings.Contains(page, "Log in and connect") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := p.get("/connect"); status != http.StatusOK || !strings.Contains(page, "answer of get_pet") {
		t.Errorf("connect without an id does not take what waits: %d %s", status, page)
	}
}

// TestChallengePlaces finds the challenge where a gateway may have put it.
func TestChallengePlaces(t *testing.T) {
	for _, header := range []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate", "-"} {
		t.Run(header, func(t *testing.T) {
			w := newWorld(t)
			w.header = header
			p := w.connected()
			a := p.say("book")
			if !strings.HasSuffix(query(t, a.AuthorizeURL).Get("scope"), "appointment:write") {
				t.Fatalf("%+v", a)
			}
			if _, page := p.get(a.AuthorizeURL); !strings.Contains(page, "answer of book") {
				t.Error("no step-up")
			}
		})
	}
}

func TestServerTroubles(t *testing.T) {
	for name, tc := range map[string]struct {
		mcp  func(http.ResponseWriter, *http.Request) bool
		want string
	}{
		"down": {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "did not answer"},
		"broken": {func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "<h1>oops", http.StatusInternalServerError)
			return true
		}, "has a problem of its own"},
		"busy": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}, "is busy"},
		"html": {func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte("<html>hello")); return true }, "could not understand"},
		"huge": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.Write(make([]byte, 3<<20))
			return true
		}, "could not understand"},
		"closed": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true }, "does not let this app in"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusTemporaryRedirect)
			return true
		}, "could not understand"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mcp = tc.mcp
			a := w.person().say("vaccination")
			if !strings.Contains(a.Reply, tc.want) || a.AuthorizeURL != "" || !strings.Contains(a.HTML, "problem") {
				t.Errorf("%+v", a)
			}
			if strings.Contains(a.HTML, "oops") {
				t.Error("the server's words reached the page")
			}
		})
	}
}

// TestHangingServer: a tool call that never ends does not hold the conversation, nor the session.
func TestHangingServer(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	gone := make(chan struct{})
	t.Cleanup(func() { close(gone) })
	w.mu.Lock()
	w.mcp = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Mcp-Method"), "tools/call") {
			select {
			case <-r.Context().Done():
			case <-gone:
			}
			return true
		}
		return false
	}
	w.mu.Unlock()
	a, err := newApp(Config{BaseURL: w.app.URL, MCPURL: w.other.URL + "/mcp", ClientID: "vet-assist-ai", Store: w.store, Assistant: script{}, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.callTime = 200 * time.Millisecond
	b, err := a.unlock(t.Context(), p.cookie())
	if err != nil {
		t.Fatal(err)
	}
	ex, err := a.converse(t.Context(), b, "vaccination and search")
	if err != nil || len(ex.Done) != 2 || ex.Done[0].Outcome != assistant.Failed || !strings.Contains(ex.Reply, "did not answer") {
		t.Errorf("%+v %v", ex, err)
	}
}

// TestBusyServer: what only reads is tried once more, after as long as the server asks for; what changes something never is, since
// it may have been carried out.
func TestBusyServer(t *testing.T) {
	for _, readOnly := range []bool{true, false} {
		w := newWorld(t)
		p := w.connected()
		asked, paused := 0, time.Duration(0)
		w.mu.Lock()
		w.mcp = func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.Header.Get("Mcp-Method"), "tools/call") {
				return false
			}
			if asked++; asked > 1 {
				return false
			}
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		w.mu.Unlock()
		a, err := newApp(Config{BaseURL: w.app.URL, MCPURL: w.other.URL + "/mcp", ClientID: "vet-assist-ai", Store: w.store, Assistant: script{}, Now: w.now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		a.pause = func(_ context.Context, d time.Duration) error { paused += d; return nil }
		b, err := a.unlock(t.Context(), p.cookie())
		if err != nil {
			t.Fatal(err)
		}
		m := a.newMCPTurn(t.Context(), b, &exchange{})
		defer m.close()
		obs, err := m.call(t.Context(), assistant.Call{Name: "get_pet_vaccination_info", Arguments: map[string]any{"pet": "Fido"}}, assistant.Tool{ReadOnly: readOnly}, nil)
		switch {
		case err != nil:
			t.Error(err)
		case readOnly && (obs.Outcome != assistant.OK || asked != 2 || paused != time.Second):
			t.Errorf("a call that reads: %+v after %d calls and %s", obs, asked, paused)
		case !readOnly && (obs.Outcome != assistant.Failed || asked != 1 || paused != 0 || !strings.Contains(obs.Text, "is busy")):
			t.Errorf("a call that changes something: %+v after %d calls and %s", obs, asked, paused)
		}
	}
}

func TestListedOnce(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.mu.Lock()
	w.calls = nil
	w.mu.Unlock()
	p.say("vaccination and search and weight")
	if n := count(w.calls, "tools/list"); n > 1 {
		t.Errorf("listed %d times in one turn", n)
	}
}

func count(list []string, s string) int {
	n := 0
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
