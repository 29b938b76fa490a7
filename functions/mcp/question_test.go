package mcp_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/token"
)

const forms = `{"elicitation":{"form":{}}}`

// retry is a call of book_vet_appointment. Empty members are not sent.
type retry struct {
	tool, args, caps, state, responses string
	as                                 token.Grant
	revision                           string
}

const (
	sunday = `{"pet":"Fido","date":"2026-11-29","time":"10:00"}` // the clinic is closed, so there are other times
	first  = "2026-11-30T"                                       // the next day, on which those begin
)

func (w *world) book(r retry) answer {
	w.t.Helper()
	if r.tool == "" {
		r.tool = "book_vet_appointment"
	}
	if r.args == "" {
		r.args = sunday
	}
	if r.revision == "" {
		r.revision = "2026-07-28"
	}
	if r.as.Subject == "" {
		r.as = bob(ownerScope...)
	}
	params := `"name":"` + r.tool + `","arguments":` + r.args
	if r.state != "" {
		state, err := json.Marshal(r.state)
		if err != nil {
			w.t.Fatal(err)
		}
		params += `,"requestState":` + string(state)
	}
	if r.responses != "" {
		params += `,"inputResponses":` + r.responses
	}
	headers := []string{"MCP-Protocol-Version: " + r.revision}
	if r.revision >= "2026" {
		caps := r.caps
		if caps == "" {
			caps = forms
		}
		params += `,` + strings.Replace(meta2026, `"io.modelcontextprotocol/clientCapabilities":{}`, `"io.modelcontextprotocol/clientCapabilities":`+caps, 1)
		headers = append(headers, "Mcp-Method: tools/call", "Mcp-Name: "+r.tool)
	}
	return w.post(w.mint(r.as), `{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{`+params+`}}`, headers...)
}

// question is what a result asks.
type question struct {
	state, message string
	values, titles []string
}

// asks reads a result that asks for a slot. ok is false where the answer is something else.
func asks(a answer) (q question, ok bool) {
	var m struct {
		Result struct {
			ResultType        string
			Content           []any
			StructuredContent any
			RequestState      string
			InputRequests     map[string]struct {
				Method string
				Params struct {
					Mode, Message   string
					RequestedSchema struct {
						Type       string
						Required   []string
						Properties map[string]struct {
							Type  string
							OneOf []struct{ Const, Title string }
						}
					}
				}
			}
		}
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &m) != nil || m.Result.ResultType != "input_required" {
		return q, false
	}
	one := m.Result.InputRequests["slot"]
	field := one.Params.RequestedSchema.Properties["slot"]
	if len(m.Result.InputRequests) != 1 || m.Result.Content != nil || m.Result.StructuredContent != nil || one.Method != "elicitation/create" ||
		one.Params.Mode != "form" || one.Params.RequestedSchema.Type != "object" || fmt.Sprint(one.Params.RequestedSchema.Required) != "[slot]" || field.Type != "string" {
		return q, false
	}
	q.state, q.message = m.Result.RequestState, one.Params.Message
	for _, o := range field.OneOf {
		q.values, q.titles = append(q.values, o.Const), append(q.titles, o.Title)
	}
	return q, true
}

func (w *world) asked(r retry) question {
	w.t.Helper()
	a := w.book(r)
	q, ok := asks(a)
	if !ok {
		w.t.Fatalf("no question: %d %s", a.status, a.body)
	}
	return q
}

func accept(value string) string {
	return fmt.Sprintf(`{"slot":{"action":"accept","content":{"slot":%q}}}`, value)
}

// booked is what a result says that was booked, or the code of its refusal.
func booked(a answer) string {
	var m struct {
		Result struct {
			IsError           bool
			StructuredContent struct {
				Error        string
				Appointment  struct{ Date, Time string }
				Alternatives []any
			}
		}
		Error struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(a.body, &m); err != nil {
		return err.Error()
	}
	switch s := m.Result.StructuredContent; {
	case m.Error.Code != 0:
		return fmt.Sprintf("%d %s", m.Error.Code, m.Error.Message)
	case m.Result.IsError:
		return fmt.Sprintf("%s, %d alternatives", s.Error, len(s.Alternatives))
	default:
		return s.Appointment.Date + "T" + s.Appointment.Time
	}
}

func (w *world) appointments() string {
	w.t.Helper()
	return string(w.book(retry{tool: "list_appointments", args: `{}`}).body)
}

// TestBookingAsks: a time that cannot be had becomes a question with the free ones, and the answer books the one that was chosen.
func TestBookingAsks(t *testing.T) {
	w := newWorld(t)
	q := w.asked(retry{})
	if len(q.values) != 3 || !strings.HasPrefix(q.values[0], first) || !strings.HasPrefix(q.titles[0], "Monday, 30 November 2026 at ") || !strings.Contains(q.titles[0], " with Dr. ") {
		t.Errorf("%v %v", q.values, q.titles)
	}
	if !strings.Contains(q.message, "closed on Sunday") || !strings.Contains(q.message, "Nothing is booked yet") || len(q.state) > 512 {
		t.Errorf("%q, a state of %d bytes", q.message, len(q.state))
	}
	if strings.Contains(w.appointments(), first[:10]) {
		t.Error("something is booked before anybody has chosen")
	}
	if got := booked(w.book(retry{state: q.state, responses: accept(q.values[1])})); got != q.values[1] {
		t.Errorf("chose %s and got %s", q.values[1], got)
	}
	// The same answer again: the pet has the appointment, and it stays the only one.
	if got := booked(w.book(retry{state: q.state, responses: accept(q.values[1])})); got != "conflict, 0 alternatives" {
		t.Errorf("twice: %s", got)
	}
	for action, responses := range map[string]string{"decline": `{"slot":{"action":"decline"}}`, "cancel": `{"slot":{"action":"cancel"}}`} {
		if got := booked(w.book(retry{state: q.state, responses: responses})); got != "declined, 0 alternatives" {
			t.Errorf("%s: %s", action, got)
		}
	}
	if n := strings.Count(w.appointments(), `"date":"2026-11-30"`); n != 1 {
		t.Errorf("%d appointments", n)
	}
}

// TestWhoIsAsked: only who declared forms, in this request, in a revision that has them. All others get the slots as they always did
// (Multi Round-Trip Requests, Server Requirements, 7).
func TestWhoIsAsked(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		retry
		asked bool
	}{
		"forms":                       {retry{caps: forms}, true},
		"an empty object means forms": {retry{caps: `{"elicitation":{}}`}, true},
		"forms and URLs":              {retry{caps: `{"elicitation":{"form":{},"url":{}}}`}, true},
		"URLs only":                   {retry{caps: `{"elicitation":{"url":{}}}`}, false},
		"nothing":                     {retry{caps: `{}`}, false},
		"something else":              {retry{caps: `{"sampling":{},"roots":{}}`}, false},
		"null":                        {retry{caps: `{"elicitation":null}`}, false},
		"2025-11-25":                  {retry{revision: "2025-11-25"}, false},
		"2025-06-18":                  {retry{revision: "2025-06-18"}, false},
		"2025-03-26":                  {retry{revision: "2025-03-26"}, false},
		"a pet that is not theirs":    {retry{args: `{"pet":"Luna","date":"2026-11-29","time":"10:00"}`}, false},
		"no such time of day":         {retry{args: `{"pet":"Fido","date":"2026-11-29","time":"25:00"}`}, false},
	} {
		a := w.book(c.retry)
		_, asked := asks(a)
		got := booked(a)
		ordinary := got == "closed, 3 alternatives" || name == "a pet that is not theirs" && got == "not_found, 0 alternatives" || name == "no such time of day" && got == "invalid, 0 alternatives"
		if asked != c.asked || !asked && (!ordinary || strings.Contains(string(a.body), "inputRequests")) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// TestRequestState: a state is good for one person, one client, one call and ten minutes, and only as we gave it.
func TestRequestState(t *testing.T) {
	w := newWorld(t)
	q := w.asked(retry{})
	parts := strings.Split(q.state, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t).asked(retry{})
	resigned := func(key string, payload []byte) string {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(payload)
		return "v1." + base64.RawURLEncoding.EncodeToString(payload) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	longer := []byte(strings.Replace(string(payload), `"offered":["`, `"offered":["2026-12-24T10:00","`, 1))
	agent := bob(ownerScope...)
	agent.ClientID = "somebody-else"
	for name, c := range map[string]retry{
		"another choice put in":            {state: parts[0] + "." + base64.RawURLEncoding.EncodeToString(longer) + "." + parts[2], responses: accept("2026-12-24T10:00")},
		"signed with no key":               {state: resigned("", payload)},
		"signed with a key that is public": {state: resigned("requestState v1", payload)},
		"the key of another stack":         {state: other.state},
		"the sum of another":               {state: parts[0] + "." + parts[1] + "." + strings.Split(other.state, ".")[2]},
		"one bit of the sum":               {state: flip(q.state, len(q.state)-5)},
		"one bit of the payload":           {state: flip(q.state, len("v1.")+4)},
		"another version":                  {state: "v2" + q.state[2:]},
		"no version":                       {state: parts[1] + "." + parts[2]},
		"no sum":                           {state: parts[0] + "." + parts[1] + "."},
		"cut":                              {state: q.state[:len(q.state)-1]},
		"cut in half":                      {state: q.state[:len(q.state)/2]},
		"with more behind it":              {state: q.state + "A"},
		"with a fourth part":               {state: q.state + "." + parts[2]},
		"padded":                           {state: q.state + "="},
		"with a new line behind it":        {state: q.state + "\n"},
		"with line ends in it":             {state: q.state[:9] + "\r\n" + q.state[9:]},
		"huge":                             {state: q.state + strings.Repeat("A", 512<<10)},
		"dots":                             {state: strings.Repeat(".", 512<<10)},
		"JSON":                             {state: `{"exp":9999999999,"n":1,"offered":["2026-12-24T10:00"]}`, responses: accept("2026-12-24T10:00")},
		"no state with an answer":          {state: ""},
		"Alice":                            {state: q.state, as: alice(ownerScope...)},
		"a vet":                            {state: q.state, as: carol(everything...)},
		"another client of Bob's":          {state: q.state, as: agent},
		"another tool":                     {state: q.state, tool: "cancel_vet_appointment", args: `{"pet":"Fido","date":"2026-11-29"}`},
		"a tool that only reads":           {state: q.state, tool: "list_pets", args: `{}`},
		"another pet":                      {state: q.state, args: strings.Replace(sunday, "Fido", "Milo", 1)},
		"another time":                     {state: q.state, args: strings.Replace(sunday, "10:00", "11:00", 1)},
		"another kind":                     {state: q.state, args: strings.Replace(sunday, "{", `{"kind":"dental",`, 1)},
		"a reason":                         {state: q.state, args: strings.Replace(sunday, "{", `{"reason":"limping",`, 1)},
		"another client, an old revision":  {state: q.state, as: agent, revision: "2025-11-25"},
	} {
		if c.responses == "" {
			c.responses = accept(q.values[0])
		}
		a := w.book(c)
		if got := booked(a); got != "-32602 This question is not open any more. Start again: call the tool without requestState and inputResponses." {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	w.clock.Advance(10 * time.Minute)
	if got := booked(w.book(retry{state: q.state, responses: accept(q.values[0])})); !strings.Contains(got, "not open any more") {
		t.Errorf("after ten minutes: %s", got)
	}
	w.clock.Advance(-time.Second)
	// Arguments mean the same however they are written, and with what was left out.
	same := `{ "time":"10:00", "kind":"check-up", "date":"2026-11-29", "pet":"\u0046ido" }`
	if got := booked(w.book(retry{state: q.state, args: same, responses: accept(q.values[0])})); got != q.values[0] {
		t.Errorf("a second before: %s", got)
	}
}

func flip(s string, i int) string {
	b := []byte(s)
	b[i] ^= 1
	return string(b)
}

// TestInputResponses: an answer is one of the choices, as the form has it. What was not asked for is not read, and what is missing
// is asked for again (Multi Round-Trip Requests, Error Handling).
func TestInputResponses(t *testing.T) {
	w := newWorld(t)
	q := w.asked(retry{})
	for name, c := range map[string]struct{ responses, want string }{
		"not offered":              {accept("2026-12-24T10:00"), "none of the choices"},
		"what was asked for first": {accept("2026-11-29T10:00"), "none of the choices"},
		"its title":                {accept(q.titles[0]), "none of the choices"},
		"empty":                    {accept(""), "none of the choices"},
		"a number":                 {`{"slot":{"action":"accept","content":{"slot":1}}}`, "none of the choices"},
		"a list":                   {`{"slot":{"action":"accept","content":{"slot":["` + q.values[0] + `"]}}}`, "none of the choices"},
		"null":                     {`{"slot":{"action":"accept","content":{"slot":null}}}`, "none of the choices"},
		"no such action":           {`{"slot":{"action":"agree","content":{"slot":"` + q.values[0] + `"}}}`, "accept, decline or cancel"},
		"action in capitals":       {`{"slot":{"action":"ACCEPT","content":{"slot":"` + q.values[0] + `"}}}`, "accept, decline or cancel"},
		"the roots of a client":    {`{"slot":{"roots":[]}}`, "not the result of an elicitation"},
		"the words of a model":     {`{"slot":{"role":"assistant","content":{"type":"text","text":"` + q.values[0] + `"},"model":"m"}}`, "not the result of an elicitation"},
		"no result at all":         {`{"slot":{"x":1}}`, "failed to extract"},
		"content of a wrong type":  {`{"slot":{"action":"accept","content":"` + q.values[0] + `"}}`, "failed to extract"},
		"a list of answers":        {`[{"slot":{"action":"decline"}}]`, "failed to extract"},
		"a word":                   {`"` + q.values[0] + `"`, "failed to extract"},
	} {
		if got := booked(w.book(retry{state: q.state, responses: c.responses})); !strings.HasPrefix(got, "-32") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, responses := range map[string]string{
		"nothing":                  ``,
		"none":                     `{}`,
		"another question's":       `{"time":{"action":"accept","content":{"slot":"` + q.values[0] + `"}}}`,
		"accepted without a word":  `{"slot":{"action":"accept"}}`,
		"accepted without content": `{"slot":{"action":"accept","content":{}}}`,
		"another field":            `{"slot":{"action":"accept","content":{"time":"` + q.values[0] + `"}}}`,
	} {
		a := w.book(retry{state: q.state, responses: responses})
		if again, ok := asks(a); !ok || again.state == q.state || fmt.Sprint(again.values) != fmt.Sprint(q.values) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	extra := `{"slot":{"action":"accept","content":{"slot":"` + q.values[0] + `","colour":"blue"},"more":1},"other":{"action":"decline"}}`
	if got := booked(w.book(retry{state: q.state, responses: extra})); got != q.values[0] {
		t.Errorf("with more than was asked for: %s", got)
	}
}
