package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const person1 = `{"type":"object","properties":{
	"name":{"type":"string","title":"Your name","minLength":2,"maxLength":20},
	"mail":{"type":"string","format":"email","default":"bob@vet.example"},
	"site":{"type":"string","format":"uri"}, "day":{"type":"string","format":"date"}, "at":{"type":"string","format":"date-time"},
	"age":{"type":"integer","minimum":18,"maximum":120,"default":30}, "score":{"type":"number","default":95.5},
	"ok":{"type":"boolean","default":true}, "status":{"type":"string","enum":["active","inactive"],"enumNames":["Active","Away"],"default":"active"},
	"colours":{"type":"array","minItems":1,"maxItems":2,"items":{"anyOf":[{"const":"#f00","title":"Red"},{"const":"#0f0","title":"Green"},{"const":"#00f","title":"Blue"}]},"default":["#0f0"]}
},"required":["name"]}`

// TestForm: simple fields are a form with what the server suggests filled in. What does not fit is shown again, with what was typed,
// and does not go to the server.
func TestForm(t *testing.T) {
	w := newWorld(t)
	tool := &asker{state: opaque, schema: person1}
	p := w.withBooking(tool)
	a := p.say("book")
	for _, words := range []string{`type="email" name="f5" value="bob@vet.example"`, `value="30" inputmode="decimal"`, `value="95.5"`, `name="f6" value="true" checked`, `<option value="active" selected>Active</option>`,
		`value="#0f0" checked> Green`, "a whole number, 18 to 120", "2 to 20 characters", "No server may ask for a password", "Send this answer", "Decline", "Not now"} {
		if !strings.Contains(a.HTML, words) {
			t.Errorf("the form does not have %q: %s", words, a.HTML)
		}
	}
	// In this order, by what is required and by name.
	names := []string{"name", "age", "at", "colours", "day", "mail", "ok", "score", "site", "status"}
	at := func(name string) string { return inputName(slices.Index(names, name)) }
	good := func(changes ...string) url.Values {
		v := url.Values{"do": {"accept"}, at("name"): {"Bob"}, at("age"): {"30"}, at("score"): {"95.5"}, at("mail"): {"bob@vet.example"}, at("ok"): {"true"}, at("status"): {"active"}, at("colours"): {"#0f0"}}
		for i := 0; i < len(changes); i += 2 {
			v[at(changes[i])] = strings.Fields(changes[i+1])
		}
		return v
	}
	for _, c := range []struct{ field, typed, want string }{
		{"name", "", "“Your name” is missing."}, {"name", "B", "“Your name” does not fit: 2 to 20 characters."}, {"name", strings.Repeat("B", 21), "does not fit"},
		{"age", "17", "“Age” does not fit: a whole number, 18 to 120."}, {"age", "30.5", "does not fit"}, {"age", "thirty", "does not fit"}, {"age", "NaN", "does not fit"}, {"age", "1e999", "does not fit"},
		{"score", "x", "“Score” does not fit."}, {"score", "NaN", "“Score” does not fit."}, {"score", "-Inf", "“Score” does not fit."}, {"mail", "bob", "“Mail” does not fit."}, {"site", "vet.example", "“Site” does not fit."},
		{"day", "2026-02-30", "“Day” does not fit."}, {"at", "2026-02-03", "“At” does not fit."}, {"status", "gone", "“Status” does not fit."},
		{"colours", "#0f0 #f00 #00f", "“Colours” does not fit: 1 to 2 of them."}, {"colours", "#fff", "does not fit"},
	} {
		status, page := p.reply(a, good(c.field, c.typed))
		if status != http.StatusOK || !strings.Contains(page, `role="alert">`+c.want) && !strings.Contains(page, c.want) || len(tool.calls) != 1 {
			t.Errorf("%s %q: %d calls, %d %s", c.field, c.typed, len(tool.calls), status, page)
		}
		if c.field == "age" && !strings.Contains(page, fmt.Sprintf(`value=%q`, c.typed)) {
			t.Errorf("what was typed is gone: %s", page)
		}
	}
	form := good("ok", "", "day", "2026-02-03", "at", "2026-02-03T10:00:00Z", "site", "https://vet.example/", "colours", "#f00 #00f", "status", "")
	if _, page := p.reply(a, form); !strings.Contains(page, "ok given") || !strings.Contains(page, "You answered.") {
		t.Fatalf("%s", page)
	}
	got, err := json.Marshal(tool.calls[1].InputResponses["slot"].(*mcp.ElicitResult).Content)
	want := `{"age":30,"at":"2026-02-03T10:00:00Z","colours":["#f00","#00f"],"day":"2026-02-03","mail":"bob@vet.example","name":"Bob","ok":false,"score":95.5,"site":"https://vet.example/"}`
	if err != nil || string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestQuestionsThatCannotBeShown are declined, and the person is told.
func TestQuestionsThatCannotBeShown(t *testing.T) {
	form := func(schema string) mcp.InputRequestMap { return asks(schema) }
	two := asks(slots)
	two["other"] = &mcp.ElicitParams{Message: "And?", RequestedSchema: json.RawMessage(slots)}
	many := `{"type":"object","properties":{"a":{"type":"string","enum":["` + strings.Join(strings.Split(strings.Repeat("x", maxOptions+1), ""), `","`) + `"]}}}`
	for name, c := range map[string]struct {
		requests mcp.InputRequestMap
		state    string
		want     string // in the page
	}{
		"an object in the form":    {form(`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}`), "", "decline"},
		"a list of anything":       {form(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}}}`), "", "decline"},
		"a list of numbers":        {form(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"number","enum":[1]}}}}`), "", "decline"},
		"no type":                  {form(`{"type":"object","properties":{"a":{}}}`), "", "decline"},
		"a type of its own":        {form(`{"type":"object","properties":{"a":{"type":"password"}}}`), "", "decline"},
		"a format of its own":      {form(`{"type":"object","properties":{"a":{"type":"string","format":"password"}}}`), "", "decline"},
		"no object":                {form(`{"type":"string"}`), "", "decline"},
		"no schema":                {form(`null`), "", "decline"},
		"a schema elsewhere":       {form(`{"type":"object","properties":{"a":{"type":"string","$ref":"https://evil.example/"}}}`), "", "decline"},
		"a schema of itself":       {form(`{"type":"object","$ref":"#","properties":{"a":{"type":"string"}}}`), "", "decline"},
		"one field of itself":      {form(`{"type":"object","properties":{"a":{"type":"string","allOf":[{"$ref":"#/properties/a"}]}}}`), "", "decline"},
		"a condition":              {form(`{"type":"object","properties":{"a":{"type":"string"}},"not":{}}`), "", "decline"},
		"a pattern that is none":   {form(`{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}`), "", "decline"},
		"a field that is not here": {form(`{"type":"object","properties":{},"required":["a"]}`), "", "decline"},
		"too many choices":         {form(many), "", "decline"},
		"huge":                     {form(`{"type":"object","title":"` + strings.Repeat("x", maxSchema) + `"}`), "", "decline"},
		"a huge state":             {form(slots), strings.Repeat("x", maxState+1), "decline"},
		"two at once":              {two, "", "decline"},
		"an address to go to":      {mcp.InputRequestMap{"slot": &mcp.ElicitParams{Mode: "url", Message: "Go", URL: "https://evil.example/", ElicitationID: "1"}}, "", "decline"},
		//lint:ignore SA1019 a server may still ask for what is on its way out
		"roots":   {mcp.InputRequestMap{"slot": &mcp.ListRootsParams{}}, "", "could not understand"},
		"nothing": {mcp.InputRequestMap{}, "busy", "ok given null"}, // it only wants to be asked again
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var states []string
			p := w.withBooking(&asker{})
			w.mu.Lock()
			w.tool = func(req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				states = append(states, req.Params.RequestState)
				if req.Params.InputResponses == nil && (name == "roots" || len(states) == 1) {
					return &mcp.CallToolResult{InputRequests: c.requests, RequestState: c.state}, nil
				}
				body, err := json.Marshal(req.Params.InputResponses)
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "given " + string(body)}}}, err
			}
			w.mu.Unlock()
			a := p.say("book")
			if a.Question != nil || !strings.Contains(a.Reply, c.want) || strings.Contains(a.HTML, "cannot show here, so I declined") != (c.want == "decline") {
				t.Errorf("%+v", a)
			}
			if len(states) > maxRounds+1 || len(states) > 1 && states[1] != c.state {
				t.Errorf("%d calls", len(states))
			}
		})
	}
}

// TestServerOfBefore: one of 2025-11-25 asks during the call, on a stream. Its question is put off and shown, and the answer goes out
// when the tool is called again.
func TestServerOfBefore(t *testing.T) {
	var calls, actions []string
	srv := mcp.NewServer(&mcp.Implementation{Name: "old", Version: "1"}, &mcp.ServerOptions{SupportedProtocolVersions: []string{"2025-11-25"}})
	srv.AddTool(&mcp.Tool{Name: "book_vet_appointment", InputSchema: json.RawMessage(`{"type":"object"}`)}, func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		calls = append(calls, req.Params.RequestState)
		res, err := req.Session.Elicit(ctx, &mcp.ElicitParams{Message: "Which time?", RequestedSchema: json.RawMessage(slots)})
		if err != nil {
			return nil, err
		}
		actions = append(actions, res.Action)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint("given ", res.Action, res.Content)}}}, nil
	})
	old := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return srv }, nil))
	defer old.Close()
	w := newWorld(t)
	w.app = w.start(func(c *Config) { c.MCPURL = old.URL })
	p := w.person()
	a := p.say("book")
	if a.Question == nil || a.Question.Server != hostOf(old.URL) {
		t.Fatalf("%+v", a)
	}
	if _, page := p.reply(a, url.Values{"f0": {"b"}}); !strings.Contains(page, "ok given accept map[slot:b]") && !strings.Contains(page, "ok given acceptmap[slot:b]") {
		t.Errorf("%s", page)
	}
	if fmt.Sprint(actions) != "[cancel accept]" || len(calls) != 2 {
		t.Errorf("%v %q", actions, calls)
	}
}

// TestSilentStream: a server that does not open the stream on which it could ask is used without it.
func TestSilentStream(t *testing.T) {
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}))
	defer srv.Close()
	defer close(gone)
	r, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&wire{turn: t.Context()}).RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%v %v", resp, err)
	}
}

// TestSpokenAnswers: words that can only mean one choice are that choice; all others are a message.
func TestSpokenAnswers(t *testing.T) {
	_, schema, err := readForm(json.RawMessage(`{"type":"object","properties":{"slot":{"type":"string","oneOf":[
		{"const":"a","title":"Tuesday, 1 December 2026 at 09:00 with Dr. Reyes"},{"const":"b","title":"Tuesday, 1 December 2026 at 09:30 with Dr. Reyes"},{"const":"c","title":"Wednesday, 2 December 2026 at 10:00 with Dr. Maas"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	q := &question{Schema: schema}
	for message, want := range map[string]string{
		"the second one": "b", "The FIRST one, please.": "a", "last": "c", "3": "c", "I'll take the 2nd": "b", "at 9:30 then": "b", "9:00": "a", "Wednesday": "c", "on Wednesday at 10:00, please": "c", "Dr. Maas": "c",
		"Tuesday, 1 December 2026 at 09:00 with Dr. Reyes": "a", "None of these.": "decline", "no, thanks": "decline",
		"Tuesday": "", "Dr. Reyes": "", "the fourth one": "", "yes": "", "ok": "", "at 8:30 then": "", "9:30 for Milo": "", "the second one and a reminder": "", "why?": "", "cancel": "", "": "", "at": "",
	} {
		form, ok := q.spoken(message)
		got := form.Get("f0") + form.Get("do")
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
	w := newWorld(t)
	tool := &asker{state: opaque}
	p := w.withBooking(tool)
	a := p.say("book")
	if b := p.say("the second one"); b.ID != a.ID || b.Question != nil || !strings.Contains(b.HTML, "You chose: &lt;b&gt;Tuesday&lt;/b&gt; at 10.") || !strings.Contains(b.Reply, "ok given") {
		t.Errorf("%+v", b)
	}
	if len(tool.calls) != 2 || tool.calls[1].RequestState != opaque {
		t.Errorf("%d calls", len(tool.calls))
	}
}
