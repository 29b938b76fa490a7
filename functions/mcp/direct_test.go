package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// twoWays are two equal worlds. In one, the calls that direct.go can answer take its short way; in the other all go through the SDK's
// transport.
type twoWays struct{ short, long *world }

func newTwoWays(t testing.TB, change ...func(*mcp.Config)) twoWays {
	t.Helper()
	var config mcp.Config
	w := twoWays{newWorld(t, change...), newWorld(t, append(slices.Clone(change), func(c *mcp.Config) { config = *c })...)}
	handler, err := mcp.NewLong(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web.Observe(config.Log, handler))
	t.Cleanup(server.Close)
	w.long.handler, w.long.url = handler, server.URL
	return w
}

func quiet(c *mcp.Config) { c.Log = slog.New(slog.DiscardHandler) }

// chance is what differs by chance: the random end of an id, the number of a report, and a signed state.
var chance = regexp.MustCompile(`-[a-z0-9]{10}\b|\b[A-Z2-7]{12}\b|"requestState":"[^"]+"`)

// compare sends a request both ways, as the same person, and returns the answer, in which nothing may differ.
func (w twoWays) compare(t *testing.T, who token.Grant, body string, headers ...string) answer {
	t.Helper()
	w.short.t, w.long.t = t, t
	short, long := w.short.post(w.short.mint(who), body, headers...), w.long.post(w.long.mint(who), body, headers...)
	if short.status != long.status || chance.ReplaceAllString(string(short.body), "…") != chance.ReplaceAllString(string(long.body), "…") {
		t.Errorf("%v %s\nthe short way: %d %s\nthe long way:  %d %s", headers, body, short.status, short.body, long.status, long.body)
	}
	for name := range long.header {
		if name != "Date" && name != "X-Request-Id" && name != "Content-Length" && !slices.Equal(short.header[name], long.header[name]) {
			t.Errorf("%s: %s is %q and %q", body, name, short.header[name], long.header[name])
		}
	}
	return short
}

// said are the headers of an honest client.
func said(revision, tool string) []string {
	switch {
	case revision == "":
		return nil
	case revision < "2026":
		return []string{"MCP-Protocol-Version: " + revision}
	}
	return []string{"MCP-Protocol-Version: " + revision, "Mcp-Method: tools/call", "Mcp-Name: " + tool}
}

func header(said []string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	for _, s := range said {
		name, value, _ := strings.Cut(s, ": ")
		h.Add(name, value)
	}
	return h
}

// TestDirect: by the answer nobody can tell which way a call took: for every tool, with good arguments and bad ones, in every revision, for
// whoever may and may not.
func TestDirect(t *testing.T) {
	calls := map[string][]string{
		"get_pet_vaccination_info": {`{"pet":"Fido"}`, `{"pet":"pet-fido"}`, `{"pet":"Luna"}`, `{"pet":" FIDO "}`, `{"pet":"<&>\u2028é😀"}`},
		"list_pets":                {`{}`, `{"species":"dog"}`, `{"species":"dragon"}`, `{"owner":"Alice"}`, `{"cursor":"x"}`},
		"get_pet":                  {`{"pet":"Fido"}`, `{"pet":"Fido","pat":1}`, `{"pet":""}`},
		"add_pet":                  {`{"name":"Rex","species":"dog","birth_date":"2026-01-01"}`, `{"name":"Rex","species":"dog","birth_date":"2026-01-01"}`, `{"name":"x","species":"dog","birth_date":"3000-01-01"}`},
		"update_pet":               {`{"pet":"Fido","weight_kg":29}`, `{"pet":"Fido","weight_kg":-1.5}`, `{"pet":"Fido","notes":"a\nb"}`},
		"record_vaccination":       {`{"pet":"Fido","vaccine":"rabies","date":"2026-11-01"}`, `{"pet":"Fido","vaccine":"magic"}`},
		"find_appointment_slots":   {`{}`, `{"from":"2026-12-01"}`, `{"from":"yesterday"}`},
		"list_appointments":        {`{}`, `{"pet":"Fido"}`},
		"book_vet_appointment":     {`{"pet":"Fido","date":"2026-12-01","time":"10:00"}`, `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`, sunday},
		"cancel_vet_appointment":   {`{"appointment_id":"none"}`},
		"list_reminders":           {`{}`},
		"set_reminder":             {`{"text":"one","date":"2026-12-01","time":"10:00"}`, `{"text":"` + strings.Repeat("x", 2000) + `"}`},
		"cancel_reminder":          {`{"reminder_id":"none"}`},
		"search_pet_health":        {`{"query":"rabies"}`, `{"query":"Is it <b>dangerous</b> & \"bad\"?"}`, `{"query":7}`},
		"contact_support":          {`{"message":"hello"}`, `{"message":""}`},
	}
	w := newTwoWays(t, quiet)
	agent := bob(ownerScope...)
	agent.Actor = &token.Actor{Subject: "vet-assist-agent"}
	people := map[string]token.Grant{"Bob": bob(ownerScope...), "Bob, who did not consent": bob(), "Carol": carol(everything...), "an agent of Bob's": agent, "a program": machine("program", "Vet Staff")}
	for tool := range rbac.Tools {
		for _, args := range append(calls[tool], `{}`, `{"`+strings.Repeat("n", 100)+`":[{}]}`) {
			for _, revision := range []string{"", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"} {
				meta := `,"_meta":{"progressToken":"p","x":{"y":[1,2.5,null,"z"]}}`
				if revision >= "2026" {
					meta = `,` + strings.Replace(meta2026, `"io.modelcontextprotocol/clientCapabilities":{}`, `"io.modelcontextprotocol/clientCapabilities":`+forms, 1)
				}
				body := strings.Replace(call(tool, args), `}}`, `}`+meta+`}`, 1)
				if strings.HasSuffix(args, "}]}") { // of what is in there
					body = `{"jsonrpc":"2.0","id":"a-7","method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + meta + `}}`
				}
				if !mcp.IsPlain(header(said(revision, tool)), body) {
					t.Errorf("%s: %s takes the long way", revision, body)
				}
				for name, who := range people {
					if a := w.compare(t, who, body, said(revision, tool)...); a.status != 200 && a.status != 403 {
						t.Errorf("%s: %s: %d %s", name, body, a.status, a.body)
					}
				}
			}
		}
	}
}

// TestPlain: which calls take the short way. All others are the SDK's to judge, and either way the answer is the same.
func TestPlain(t *testing.T) {
	w := newTwoWays(t, quiet)
	usual, modern := said("2025-11-25", ""), said("2026-07-28", "list_pets")
	of := func(params string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":` + params + `}`
	}
	with := func(id string) string {
		return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"list_pets"}}`
	}
	of2026 := func(meta string) string { return of(`{"name":"list_pets","_meta":{` + meta + `}}`) }
	const version = `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`
	for _, c := range []struct {
		what, body string
		headers    []string
		plain      bool
	}{
		{"as hosts send it", call("list_pets", `{}`), usual, true},
		{"members in another order, with spaces", " {\n\"params\" : {\"arguments\" : { } , \"name\" : \"list_pets\" } ,\t\"id\":\"x\" , \"method\":\"tools/call\",\"jsonrpc\":\"2.0\" }\r\n", usual, true},
		{"no arguments", of(`{"name":"list_pets"}`), usual, true},
		{"the newest revision", of2026(strings.TrimSuffix(strings.TrimPrefix(meta2026, `"_meta":{`), `}`)), modern, true},
		{"a text for an id", with(`"a b-c_d/e"`), usual, true},
		{"an empty id", with(`""`), usual, true},
		{"signs of HTML in an id", with(`"<a&b>'"`), usual, true},
		{"zero", with(`0`), usual, true},
		{"fifteen digits", with(`123456789012345`), usual, true},

		{"a number below zero", with(`-7`), usual, false},
		{"a fraction of none", with(`7.0`), usual, false},
		{"an exponent", with(`7e1`), usual, false},
		{"an id beyond JSON's integers", with(`9007199254740993`), usual, false},
		{"an id with an escape", with(`"\u0041"`), usual, false},
		{"an id beyond ASCII", with(`"é"`), usual, false},
		{"null", with(`null`), usual, false},
		{"an object", with(`{"a":1}`), usual, false},
		{"an id twice", `{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"no id", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"no version", `{"id":7,"method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"another version", `{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"a member that is unknown", `{"jsonrpc":"2.0","id":7,"x":1,"method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"a member of another case", `{"jsonrpc":"2.0","id":7,"Method":"x","method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"a result, too", `{"jsonrpc":"2.0","id":7,"result":{},"method":"tools/call","params":{"name":"list_pets"}}`, usual, false},
		{"an escaped member", of(`{"n\u0061me":"list_pets"}`), usual, false},
		{"an escaped name", of(`{"name":"list\u005fpets"}`), usual, false},
		{"an escaped method", `{"jsonrpc":"2.0","id":7,"method":"tools\/call","params":{"name":"list_pets"}}`, usual, false},
		{"two names", of(`{"name":"get_pet","name":"list_pets"}`), usual, false},
		{"two sets of arguments", of(`{"name":"list_pets","arguments":{"species":"cat"},"arguments":{"species":"dog"}}`), usual, false},
		{"an unknown tool", of(`{"name":"dance"}`), usual, false},
		{"a number for a tool", of(`{"name":7}`), usual, false},
		{"no tool", of(`{}`), usual, false},
		{"no params", `{"jsonrpc":"2.0","id":7,"method":"tools/call"}`, usual, false},
		{"params of none", of(`null`), usual, false},
		{"a list of params", of(`["list_pets"]`), usual, false},
		{"arguments of none", of(`{"name":"list_pets","arguments":null}`), usual, false},
		{"a list of arguments", of(`{"name":"list_pets","arguments":[]}`), usual, false},
		{"an answer to a question", of(`{"name":"list_pets","requestState":"x"}`), usual, false},
		{"a _meta of none", of(`{"name":"list_pets","_meta":null}`), usual, false},
		{"deep", of(`{"name":"list_pets","arguments":{"x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}}`), usual, false},
		{"long", of(`{"name":"list_pets","arguments":{"x":"` + strings.Repeat("x", 20_000) + `"}}`), usual, false},
		{"a number with an exponent", call("list_pets", `{"x":[1e9]}`), usual, false},
		{"a number too large", of2026(strings.TrimSuffix(strings.TrimPrefix(meta2026, `"_meta":{`), `}`) + `,"x":1e999`), modern, false},
		{"a long number", call("list_pets", `{"x":`+strings.Repeat("9", 400)+`}`), usual, false},
		{"in a batch", `[` + call("list_pets", `{}`) + `]`, said("2025-03-26", ""), false},
		{"another method", `{"jsonrpc":"2.0","id":7,"method":"tools/list"}`, usual, false},
		{"nothing", `{}`, usual, false},

		{"an unknown revision", call("list_pets", `{}`), said("2024-11-05", ""), false},
		{"another Accept", call("list_pets", `{}`), append(usual, "Accept: */*"), false},
		{"another type", call("list_pets", `{}`), append(usual, "Content-Type: application/json; charset=utf-8"), false},
		{"an old revision in the header, the newest in the body", of(`{"name":"list_pets",` + meta2026 + `}`), usual, false},
		{"the newest revision without _meta", call("list_pets", `{}`), modern, false},
		{"the newest without capabilities", of2026(version), modern, false},
		{"with wrong capabilities", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":7`), modern, false},
		{"with a wrong client", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":7`), modern, false},
		{"with a client of none", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":null`), modern, false},
		{"another revision in the body", of2026(`"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}`), modern, false},
		{"another tool in the header", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":{}`), said("2026-07-28", "get_pet"), false},
		{"no tool in the header", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":{}`), modern[:2], false},
		{"another method in the header", of2026(version + `,"io.modelcontextprotocol/clientCapabilities":{}`), []string{modern[0], "Mcp-Method: tools/list", modern[2]}, false},
	} {
		h := header(nil)
		for _, s := range c.headers {
			name, value, _ := strings.Cut(s, ": ")
			h.Set(name, value)
		}
		if got := mcp.IsPlain(h, c.body); got != c.plain {
			t.Errorf("%s: plain is %t", c.what, got)
		}
		if a := w.compare(t, bob(ownerScope...), c.body, c.headers...); c.plain && (a.status != 200 || !strings.Contains(string(a.body), "Fido")) {
			t.Errorf("%s: %d %s", c.what, a.status, a.body)
		}
	}
}

// broken are roles that can be read for the challenge, and inside the tool no more.
type broken struct {
	asked atomic.Int32
	with  error // nil: it panics
}

func (b *broken) RoleScopes(context.Context, []string, string) ([]string, error) {
	if b.asked.Add(1)%2 == 1 {
		return nil, nil
	}
	if b.with == nil {
		panic("on purpose")
	}
	return nil, b.with
}

// TestDirectFailures: nor by how it fails inside the tool. With an error of the protocol the newest revision has a status for some (2026-07-28,
// Streamable HTTP, Sending Messages), and all others have 200.
func TestDirectFailures(t *testing.T) {
	of := func(code int64) error {
		return &jsonrpc.Error{Code: code, Message: "no", Data: json.RawMessage(`{"a":1}`)}
	}
	for with, status := range map[error]int{
		errors.New("failed on purpose"):               0,
		fmt.Errorf("busy: %w", token.ErrUnavailable):  0,
		context.DeadlineExceeded:                      0,
		nil:                                           0,
		of(jsonrpc.CodeInvalidParams):                 http.StatusBadRequest,
		of(sdk.CodeUnsupportedProtocolVersion):        http.StatusBadRequest,
		of(sdk.CodeMissingRequiredClientCapabilities): http.StatusBadRequest,
		of(jsonrpc.CodeInternalError):                 http.StatusOK,
		of(jsonrpc.CodeParseError):                    http.StatusOK,
	} {
		w := newTwoWays(t, func(c *mcp.Config) { c.Roles, c.Log = &broken{with: with}, slog.New(slog.DiscardHandler) })
		for _, revision := range []string{"2025-06-18", "2026-07-28"} {
			body := call("list_pets", `{}`)
			if revision >= "2026" {
				body = strings.Replace(body, `}}`, `},`+meta2026+`}`, 1)
			}
			a := w.compare(t, bob(), body, said(revision, "list_pets")...)
			if e, _ := a.json(t)["error"].(map[string]any); e == nil || strings.Contains(string(a.body), "on purpose") {
				t.Errorf("%v: %d %s", with, a.status, a.body)
			}
			if want := map[bool]int{true: status, false: http.StatusOK}[revision >= "2026"]; status > 0 && a.status != want {
				t.Errorf("%v in %s: %d, want %d", with, revision, a.status, want)
			}
		}
	}
}

// FuzzDirect sends any body, as any revision, both ways.
func FuzzDirect(f *testing.F) {
	for _, s := range []string{
		call("list_pets", `{"species":"dog"}`), call("get_pet", `{"pet":"Fido"}`), call("set_reminder", `{"text":"x","date":"2026-12-01"}`),
		call("search_pet_health", `{"query":"<rabies>"}`), `{"jsonrpc":"2.0","id":"é","method":"tools/call","params":{"name":"list_pets","_meta":{"a":[]}}}`,
		`{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":"list_pets","arguments":{}},"id":1}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","arguments":{},` + meta2026 + `}}`, `{`, `{"":{}}`, `{"a":"\""}`, `[1,{"a":2}]`,
	} {
		for revision := range 5 {
			f.Add(s, uint8(revision))
		}
	}
	w := newTwoWays(f, quiet)
	f.Fuzz(func(t *testing.T, body string, revision uint8) {
		if strings.Contains(body, "subscriptions") { // a stream
			return
		}
		var one struct{ Params struct{ Name string } }
		_ = json.Unmarshal([]byte(body), &one)
		name := strings.Map(func(r rune) rune { return max(' ', min(r, '~')) }, one.Params.Name)
		w.compare(t, bob(everything...), body, said([]string{"", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}[revision%5], name)...)
	})
}
