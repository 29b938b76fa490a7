package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

const (
	slots = `{"type":"object","properties":{"slot":{"type":"string","title":"Free times","oneOf":[{"const":"a","title":"Monday at 9"},{"const":"b","title":"<b>Tuesday</b> at 10"}]}},"required":["slot"]}`
	// opaque is a state that whoever parses or trims it would change.
	opaque = ` {"not":"yours", "n":1e3} ü%2B+= `
)

func asks(schema string) mcp.InputRequestMap {
	return mcp.InputRequestMap{"slot": &mcp.ElicitParams{Message: "Which time?", RequestedSchema: json.RawMessage(schema)}}
}

// asker is a tool that asks before it answers, and what it was called with.
type asker struct {
	mu     sync.Mutex
	calls  []*mcp.CallToolParamsRaw
	rounds int // how often it asks; 0: once
	schema string
	state  string
}

func (a *asker) call(req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if req.Params.Name != "book_vet_appointment" {
		return nil, nil
	}
	a.calls = append(a.calls, req.Params)
	if len(a.calls) <= max(a.rounds, 1) && (req.Params.InputResponses == nil || a.rounds > 1) {
		return &mcp.CallToolResult{InputRequests: asks(a.schema), RequestState: a.state}, nil
	}
	body, err := json.Marshal(req.Params.InputResponses)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "given " + string(body)}}}, err
}

// withBooking is a person who is connected, may book, and meets a tool that asks.
func (w *world) withBooking(a *asker) *person {
	w.t.Helper()
	p := w.connected()
	if _, page := p.get(p.say("book").AuthorizeURL); !strings.Contains(page, "answer of book_vet_appointment") {
		w.t.Fatalf("no step-up: %s", page)
	}
	if a.schema == "" {
		a.schema = slots
	}
	w.mu.Lock()
	w.tool = a.call
	w.mu.Unlock()
	return p
}

func (p *person) reply(a chatAnswer, form url.Values) (int, string) {
	p.w.t.Helper()
	full := url.Values{"for": {a.ID}, "question": {a.Question.ID}}
	for name, values := range form {
		full[name] = values
	}
	return p.post("/answer", "application/x-www-form-urlencoded", full.Encode())
}

// TestQuestion: a question of the server comes with its choices, and a click lets the same call go on, with the answer and the
// state as it was given.
func TestQuestion(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	var ids []string
	w.mu.Lock()
	w.mcp = func(_ http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		var m struct {
			ID     json.RawMessage
			Method string
			Params struct {
				Meta map[string]any `json:"_meta"`
			}
		}
		if err != nil || json.Unmarshal(body, &m) != nil {
			t.Errorf("%s %v", body, err)
		}
		if can, _ := json.Marshal(m.Params.Meta[mcp.MetaKeyClientCapabilities]); m.ID != nil && !strings.Contains(string(can), `"elicitation":{"form":{}}`) {
			t.Errorf("%s declares %s", m.Method, can)
		}
		if m.Method == "tools/call" {
			ids = append(ids, string(m.ID))
		}
		return false
	}
	w.mu.Unlock()
	a := p.say("book it")
	q := a.Question
	if q == nil || q.Message != "Which time?" || q.Server != "Test Clinic" || q.Tool != "Title of book_vet_appointment" || len(q.Fields) != 1 || len(q.Fields[0].Options) != 2 {
		t.Fatalf("%+v", q)
	}
	if len(a.ToolCalls) != 1 || a.ToolCalls[0].Outcome != assistant.NeedsAnswer || a.Reply == "" || a.AuthorizeURL != "" {
		t.Errorf("%+v", a)
	}
	for _, words := range []string{"Test Clinic asks", "Which time?", `<button class="choice" name="f0" value="a">Monday at 9</button>`, "&lt;b&gt;Tuesday&lt;/b&gt; at 10",
		"None of these", "Not now", "Your answer goes to " + hostOf(w.other.URL) + ", for “Title of book_vet_appointment”"} {
		if !strings.Contains(a.HTML, words) {
			t.Errorf("the page does not say %q: %s", words, a.HTML)
		}
	}
	if _, page := p.get("/"); !strings.Contains(page, q.ID) || strings.Contains(page, "interrupted") {
		t.Errorf("a reload loses it: %s", page)
	}
	w.pass(8 * time.Minute)
	status, page := p.reply(a, url.Values{"f0": {"b"}})
	if status != http.StatusOK || !strings.Contains(page, "ok given") || !strings.Contains(page, "You chose: &lt;b&gt;Tuesday&lt;/b&gt; at 10.") || strings.Contains(page, q.ID) {
		t.Errorf("%d %s", status, page)
	}
	if len(tool.calls) != 2 || len(ids) != 2 || ids[0] == ids[1] {
		t.Fatalf("%d calls, ids %v", len(tool.calls), ids)
	}
	first, again := tool.calls[0], tool.calls[1]
	given, _ := again.InputResponses["slot"].(*mcp.ElicitResult)
	if first.RequestState != "" || first.InputResponses != nil || again.RequestState != opaque || string(again.Arguments) != string(first.Arguments) ||
		len(again.InputResponses) != 1 || given == nil || given.Action != "accept" || fmt.Sprint(given.Content) != "map[slot:b]" {
		t.Errorf("first %+v, then %+v with %+v", first, again, given)
	}
	// Nothing of it gets into another call (Multi Round-Trip Requests, Client Requirements, 4).
	p.say("book again")
	if last := tool.calls[len(tool.calls)-1]; last.RequestState != "" || last.InputResponses != nil {
		t.Errorf("the next call has %+v", last)
	}
	if strings.Contains(w.store.written.String(), `not\":\"yours`) || !strings.Contains(w.store.written.String(), "Which time?") {
		t.Error("the state is in the store as it is")
	}
}

// TestQuestionWithoutState: what was not given is not sent.
func TestQuestionWithoutState(t *testing.T) {
	w := newWorld(t)
	tool := &asker{}
	p := w.withBooking(tool)
	seen := ""
	w.mu.Lock()
	w.mcp = func(_ http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body, seen = io.NopCloser(strings.NewReader(string(body))), seen+string(body)
		return false
	}
	w.mu.Unlock()
	if _, page := p.reply(p.say("book"), url.Values{"f0": {"a"}}); !strings.Contains(page, "ok given") {
		t.Error(page)
	}
	if strings.Contains(seen, "requestState") || strings.Count(seen, "inputResponses") != 1 {
		t.Error(seen)
	}
}

// TestNoAndNotNow tell the server what the person decided (Elicitation, Response Actions).
func TestNoAndNotNow(t *testing.T) {
	for _, c := range []struct{ do, want, note string }{
		{"decline", `{&#34;slot&#34;:{&#34;action&#34;:&#34;decline&#34;}}`, "You chose none of these."},
		{"cancel", `{&#34;slot&#34;:{&#34;action&#34;:&#34;cancel&#34;}}`, "You put that off."},
	} {
		w := newWorld(t)
		p := w.withBooking(&asker{state: opaque})
		if _, page := p.reply(p.say("book"), url.Values{"do": {c.do}, "f0": {"a"}}); !strings.Contains(page, c.want) || !strings.Contains(page, c.note) {
			t.Errorf("%s: %s", c.do, page)
		}
	}
}

// TestAnsweredOnce: of two tabs that answer at once, one has the call go on.
func TestAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			if status, page := p.reply(a, url.Values{"f0": {[]string{"a", "b"}[i%2]}}); status != http.StatusOK {
				t.Errorf("%d %s", status, page)
			}
		})
	}
	all.Wait()
	if n := len(tool.calls); n != 2 {
		t.Errorf("%d calls", n)
	}
	if _, page := p.get("/"); strings.Count(page, "You chose:") != 1 {
		t.Error(page)
	}
}

// TestLeftWhileAnAnswerWaits: an answer has to wait for its turn. Whoever has logged out meanwhile, or begun a new conversation, in another tab, has
// nothing done any more.
func TestLeftWhileAnAnswerWaits(t *testing.T) {
	for path, calls := range map[string]int{"": 2, "/logout": 1, "/new": 1} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(t)
			var turns *turns
			w.app = w.inside(func(a *app) { a.turns = newTurns(1, 2); turns = a.turns })
			tool := &asker{}
			p := w.withBooking(tool)
			a := p.say("book it")
			leave, err := turns.enter(t.Context(), "somebody else")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				p.reply(a, url.Values{"f0": {"a"}})
			}()
			for waits := false; !waits; time.Sleep(time.Millisecond) {
				turns.mu.Lock()
				waits = turns.in == 2
				turns.mu.Unlock()
			}
			if path != "" {
				if status, body := p.post(path, "application/x-www-form-urlencoded", ""); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
			}
			leave()
			<-done
			if len(tool.calls) != calls {
				t.Errorf("called %d times, want %d", len(tool.calls), calls)
			}
		})
	}
}

// TestAskedAgain: a server may ask more than once, each time with a state of its own. A form of before answers nothing.
func TestAskedAgain(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque, rounds: 3}
	p := w.withBooking(tool)
	a := p.say("book")
	tool.state = "second"
	p.reply(a, url.Values{"f0": {"a"}})
	if _, page := p.reply(a, url.Values{"f0": {"b"}}); !strings.Contains(page, "Which time?") || len(tool.calls) != 2 {
		t.Errorf("%d calls: %s", len(tool.calls), page)
	}
	for range 2 {
		a.Question.ID = p.open()
		p.reply(a, url.Values{"f0": {"b"}})
	}
	if n := len(tool.calls); n != 4 || tool.calls[1].RequestState != opaque || tool.calls[2].RequestState != "second" || p.open() != "" {
		t.Errorf("%d calls, %q", n, p.open())
	}
}

var openQuestion = regexp.MustCompile(`name="question" value="([^"]+)"`)

// open is the question that the page shows.
func (p *person) open() string {
	_, page := p.get("/")
	if m := openQuestion.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// TestAsksWithoutEnd: one message asks a person so often and no more; then the app says no, and says so.
func TestAsksWithoutEnd(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque, rounds: 1000}
	p := w.withBooking(tool)
	a := p.say("book")
	n := 0
	for ; a.Question.ID != "" && n < 50; n++ {
		p.reply(a, url.Values{"f0": {"a"}})
		a.Question.ID = p.open()
	}
	if _, page := p.get("/"); n != maxQuestions || !strings.Contains(page, "cannot show") || !strings.Contains(page, "could not understand") {
		t.Errorf("%d questions: %s", n, page)
	}
	if last := tool.calls[len(tool.calls)-1]; last.InputResponses["slot"].(*mcp.ElicitResult).Action != "decline" || len(tool.calls) > maxQuestions+maxRounds+1 {
		t.Errorf("%d calls", len(tool.calls))
	}
}

// TestLoginWhileAQuestionIsOpen: when the login is over by the time of the answer, the person connects, and is not asked again.
func TestLoginWhileAQuestionIsOpen(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	w.mu.Lock()
	clear(w.access)
	clear(w.refreshes)
	w.mu.Unlock()
	cookie := p.cookie()
	_, page := p.reply(a, url.Values{"f0": {"b"}})
	if !strings.Contains(page, "Log in and connect") || len(tool.calls) != 1 {
		t.Fatalf("%s", page)
	}
	_, page = p.get("/connect?for=" + a.ID)
	if !strings.Contains(page, "ok given") || p.cookie() == cookie || p.open() != "" {
		t.Errorf("%s", page)
	}
	if n := len(tool.calls); n != 2 || tool.calls[1].RequestState != opaque {
		t.Errorf("%d calls", n)
	}
	// And when the person does not connect, the answer is gone.
	tool.calls = nil
	a = p.say("book")
	w.mu.Lock()
	clear(w.access)
	clear(w.refreshes)
	w.decide = func(url.Values) ([]string, url.Values) { return nil, url.Values{"error": {"access_denied"}} }
	w.mu.Unlock()
	p.reply(a, url.Values{"f0": {"b"}})
	if _, page = p.get("/connect?for=" + a.ID); !strings.Contains(page, "was not allowed") || len(tool.calls) != 1 {
		t.Errorf("%d calls: %s", len(tool.calls), page)
	}
}

// TestAnotherTabLogsIn: a login moves the session to another cookie, and the open question with it.
func TestAnotherTabLogsIn(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	late := p.answer(p.say("remind").AuthorizeURL)
	a := p.say("book")
	cookie := p.cookie()
	if _, page := p.get(late); !strings.Contains(page, "answer of set_reminder") || p.cookie() == cookie {
		t.Fatal("no login in between")
	}
	if _, page := p.reply(a, url.Values{"f0": {"b"}}); !strings.Contains(page, "ok given") || tool.calls[1].RequestState != opaque {
		t.Errorf("%s", page)
	}
}

// TestSomethingElse: a message in place of an answer leaves the question open, and nobody is told anything wrong.
func TestSomethingElse(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	if b := p.say("vaccination"); b.Question != nil || !strings.Contains(b.Reply, "ok answer of get_pet_vaccination_info") {
		t.Errorf("%+v", b)
	}
	_, page := p.reply(a, url.Values{"f0": {"a"}})
	if len(tool.calls) != 1 || p.open() != "" || !strings.Contains(page, "I was asked: “Which time?” You went on without an answer, so nothing was done.") {
		t.Errorf("%d calls: %s", len(tool.calls), page)
	}
	if strings.Contains(page, "waiting for your answer") || strings.Contains(page, "interrupted") {
		t.Error(page)
	}
}

func TestQuestionExpires(t *testing.T) {
	w := newWorld(t)
	w.ttl = time.Hour
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	w.pass(questionLife)
	if _, page := p.get("/"); strings.Contains(page, `value="b"`) || !strings.Contains(page, "open for too long") {
		t.Errorf("%s", page)
	}
	if _, page := p.reply(a, url.Values{"f0": {"a"}}); len(tool.calls) != 1 || !strings.Contains(page, "so nothing was done. Please ask again.") {
		t.Errorf("%d calls: %s", len(tool.calls), page)
	}
}

// TestServerForgetsTheQuestion: the server's own time may be shorter.
func TestServerForgetsTheQuestion(t *testing.T) {
	w := newWorld(t)
	p := w.withBooking(&asker{state: opaque})
	a := p.say("book")
	w.mu.Lock()
	w.tool = func(*mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "state <made by the server> expired"}
	}
	w.mu.Unlock()
	if _, page := p.reply(a, url.Values{"f0": {"a"}}); !strings.Contains(page, "its question is not open any more. Please ask again.") || strings.Contains(page, "made by the server") {
		t.Errorf("%s", page)
	}
}

// TestForeignAnswers: an answer comes from the browser that was asked, from a page of ours, to the question that is open.
func TestForeignAnswers(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	full := url.Values{"for": {a.ID}, "question": {a.Question.ID}, "f0": {"a"}}
	with := func(name string, values ...string) string {
		form := url.Values{}
		for k, v := range full {
			form[k] = v
		}
		form[name] = values
		return form.Encode()
	}
	cross := func() (int, string) {
		r, err := http.NewRequest(http.MethodPost, p.base+"/answer", strings.NewReader(full.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		resp, err := p.Do(r)
		return p.read(resp, err)
	}
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		send func() (int, string)
		want int
	}{
		"another site's form":     {cross, http.StatusForbidden},
		"another person":          {func() (int, string) { return w.connected().post("/answer", form, full.Encode()) }, http.StatusOK},
		"nobody":                  {func() (int, string) { return w.person().post("/answer", form, full.Encode()) }, http.StatusOK},
		"no question":             {func() (int, string) { return p.post("/answer", form, with("question")) }, http.StatusOK},
		"another question":        {func() (int, string) { return p.post("/answer", form, with("question", "abcdefghijklmnop")) }, http.StatusOK},
		"another exchange":        {func() (int, string) { return p.post("/answer", form, with("for", "abcdefghijklmnop")) }, http.StatusOK},
		"no such decision":        {func() (int, string) { return p.post("/answer", form, with("do", "agree")) }, http.StatusBadRequest},
		"huge":                    {func() (int, string) { return p.post("/answer", form, with("f0", strings.Repeat("a", 1<<20))) }, http.StatusRequestEntityTooLarge},
		"not a form":              {func() (int, string) { return p.post("/answer", "text/plain", full.Encode()) }, http.StatusOK},
		"its address":             {func() (int, string) { return p.get("/answer") }, http.StatusOK},
		"what was not offered":    {func() (int, string) { return p.post("/answer", form, with("f0", "c")) }, http.StatusOK},
		"the title of the choice": {func() (int, string) { return p.post("/answer", form, with("f0", "Monday at 9")) }, http.StatusOK},
		"nothing":                 {func() (int, string) { return p.post("/answer", form, with("f0")) }, http.StatusOK},
	} {
		if status, page := c.send(); status != c.want {
			t.Errorf("%s: %d %s", name, status, page)
		}
	}
	if len(tool.calls) != 1 || p.open() != a.Question.ID {
		t.Errorf("%d calls, open is %q", len(tool.calls), p.open())
	}
	if _, page := p.reply(a, url.Values{"f0": {"a"}}); !strings.Contains(page, "ok given") {
		t.Errorf("the right answer does not go through any more: %s", page)
	}
}
