package mcp_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/mcp"
)

// FuzzBody sends any body, as any revision, through everything to the tools, as somebody who may not see a pet. Whatever it is: the
// answer is one of those that the protocol has; it tells of no pet and of no cause; and what the challenge lets pass is what the
// tool lets pass, so both have read the same.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		``, ` `, `null`, `{}`, `[]`, `[[]]`, `[null]`, `"x"`, `1e999`, `{"jsonrpc":`, "\xff\xfe", "\ufeff{}", `{"jsonrpc":"2.0","id":1,"method":"ping"} {}`,
		call("list_pets", `{}`), call("contact_support", `{"message":"hello"}`), call("search_pet_health", `{"query":"rabies"}`), call("dance", `{}`),
		`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + meta2026 + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`, `{"jsonrpc":"2.0","id":1,"method":"resources/templates/list"}`,
		`[` + call("list_pets", `{}`) + `,{"jsonrpc":"2.0","id":"b","method":"ping"},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}]`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + meta2026 + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + meta2026 + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/pet-fido"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"VETASSIST://pets/pet-fido"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/../pets/pet-fido"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/list","params":{"cursor":"x"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"prepare_for_visit","arguments":{"pet":"Fido"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"prepare_for_visit"},"argument":{"name":"pet","value":"F"}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call","params":{"name":"list_pets"}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","METHOD":"tools/list","params":{"name":"list_pets","Name":"dance"}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"n\u0061me":"list_pets"}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[{"name":"list_pets"}]}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":["list_pets"]}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"x":1}}`, `{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`,
	} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(4))
	}
	w := newWorld(f, func(c *mcp.Config) { c.Log = slog.New(slog.DiscardHandler) })
	raw := w.mint(bob())
	versions := []string{"", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}
	f.Fuzz(func(t *testing.T, body string, version uint8) {
		w.t = t
		var headers []string
		if v := versions[int(version)%len(versions)]; v != "" {
			headers = append(headers, "MCP-Protocol-Version: "+v)
		}
		var one struct {
			Method string
			Params struct{ Name, URI string }
		}
		if json.Unmarshal([]byte(body), &one) == nil { // as an honest client would
			for name, value := range map[string]string{"Mcp-Method": one.Method, "Mcp-Name": one.Params.Name + one.Params.URI} {
				if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
					headers = append(headers, name+": "+value)
				}
			}
		}
		a := w.post(raw, body, headers...)
		if !slices.Contains([]int{200, 202, 400, 403, 404, 413, 415}, a.status) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if (a.status == 403) != strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("%d with challenge %q", a.status, a.header.Get("WWW-Authenticate"))
		}
		switch {
		case a.status == 202:
			if len(a.body) > 0 {
				t.Errorf("202 with %s", a.body)
			}
		case a.header.Get("Content-Type") == "text/event-stream":
			if !strings.Contains(body, "subscriptions") {
				t.Errorf("a stream: %s", a.body)
			}
		case !json.Valid(a.body) || a.header.Get("Content-Type") != "application/json":
			t.Errorf("%d %s %q", a.status, a.header.Get("Content-Type"), a.body)
		}
		for _, secret := range []string{"Labrador (dog)", "28.4", "Domestic Shorthair", "985112", "pet-milo", "Bob Miller"} {
			if strings.Contains(string(a.body), secret) && !strings.Contains(body, secret) {
				t.Errorf("it tells of %s: %s", secret, a.body)
			}
		}
		for _, wrong := range []string{"The access token lacks the scope", `"code":-32603`, "panic", "goroutine"} {
			if strings.Contains(string(a.body), wrong) && !strings.Contains(body, wrong) {
				t.Errorf("%q: %s", wrong, a.body)
			}
		}
	})
}
