package mcp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/rbac"
)

// TestHeaders is what 2026-07-28 says of the headers that repeat the body (Streamable HTTP, Request Metadata). No tool of ours
// mirrors an argument (x-mcp-header); what is done with Mcp-Param-* of one that does, the official suite tries out at its fixtures.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(everything...))
	const version, method = "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call"
	tool := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_pet","arguments":{"pet":"Fido"},` + meta2026 + `}}`
	resource := `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/Zoë",` + meta2026 + `}}`
	for _, c := range []struct {
		what, body string
		headers    []string
		status     int
		code       float64 // 0: a result
	}{
		{"all there", tool, []string{version, method, "Mcp-Name: get_pet"}, 200, 0},
		{"names of headers have no case", tool, []string{"mcp-protocol-version: 2026-07-28", "MCP-METHOD: tools/call", "mCP-nAME: get_pet"}, 200, 0},
		{"an encoded name", tool, []string{version, method, "Mcp-Name: =?base64?Z2V0X3BldA==?="}, 200, 0},
		{"an encoded name that is another", tool, []string{version, method, "Mcp-Name: =?base64?bGlzdF9wZXRz?="}, 400, -32020},
		{"what looks encoded and is not", tool, []string{version, method, "Mcp-Name: =?base64?Z2V0X3BldA=?="}, 400, -32020},
		{"markers in capitals are none", tool, []string{version, method, "Mcp-Name: =?BASE64?Z2V0X3BldA==?="}, 400, -32020},
		{"a URI that has to be encoded", resource, []string{version, "Mcp-Method: resources/read", "Mcp-Name: =?base64?dmV0YXNzaXN0Oi8vcGV0cy9ab8Or?="}, 400, -32602}, // there is no such pet
		{"another name", tool, []string{version, method, "Mcp-Name: list_pets"}, 400, -32020},
		{"another method", tool, []string{version, "Mcp-Method: tools/list", "Mcp-Name: get_pet"}, 400, -32020},
		{"values have a case", tool, []string{version, "Mcp-Method: Tools/Call", "Mcp-Name: get_pet"}, 400, -32020},
		{"no name", tool, []string{version, method}, 400, -32020},
		{"no method", tool, []string{version, "Mcp-Name: get_pet"}, 400, -32020},
		{"no version", tool, []string{method, "Mcp-Name: get_pet"}, 400, -32020},
		{"another version", tool, []string{"MCP-Protocol-Version: 2025-11-25", method, "Mcp-Name: get_pet"}, 400, -32020},
		{"two versions", tool, []string{version, "MCP-Protocol-Version: 2025-06-18", method, "Mcp-Name: get_pet"}, 400, -32020},
		{"two methods", tool, []string{version, method, "Mcp-Method: tools/list", "Mcp-Name: get_pet"}, 400, -32020},
		{"two names", tool, []string{version, method, "Mcp-Name: get_pet", "Mcp-Name: list_pets"}, 400, -32020},
		{"two of a parameter", tool, []string{version, method, "Mcp-Name: get_pet", "Mcp-Param-Region: eu", "Mcp-Param-Region: us"}, 400, -32020},
		{"a parameter that nobody knows", tool, []string{version, method, "Mcp-Name: get_pet", "Mcp-Param-Region: eu"}, 200, 0},
		{"a session and a stream of older revisions", tool, []string{version, method, "Mcp-Name: get_pet", "Mcp-Session-Id: x", "Last-Event-ID: 3"}, 200, 0},
		{"no version in the body", call("get_pet", `{"pet":"Fido"}`), []string{version, method, "Mcp-Name: get_pet"}, 400, -32602},
		{"a batch", "[" + tool + "]", []string{version, method, "Mcp-Name: get_pet"}, 400, -32600},
		{"a method that is no more", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{` + meta2026 + `}}`, []string{version, "Mcp-Method: ping"}, 404, -32601},
		{"an older revision has no such headers", call("get_pet", `{"pet":"Fido"}`), []string{"MCP-Protocol-Version: 2025-11-25", "Mcp-Method: tools/list", "Mcp-Name: list_pets"}, 200, 0},
	} {
		a := w.post(raw, c.body, c.headers...)
		e, _ := a.json(t)["error"].(map[string]any)
		code, _ := e["code"].(float64)
		if a.status != c.status || code != c.code || a.header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: %d %s", c.what, a.status, a.body)
		}
	}
	// Whatever they say, the challenge is the body's.
	lying := []string{version, "Mcp-Method: tools/list", "Mcp-Name: =?base64?bGlzdF9wZXRz?="}
	refusedAs(t, "lying headers", w.post(w.mint(bob(rbac.ReminderRead)), tool, lying...), 403, "insufficient_scope", rbac.PetProfileRead)
}

// TestCacheHints: everything that can be kept says for how long and for whom (2026-07-28, Caching).
func TestCacheHints(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(everything...))
	for _, c := range []struct {
		method, params, scope string
		keep                  bool
	}{
		{"server/discover", "", "public", true},
		{"tools/list", "", "public", true},
		{"prompts/list", "", "public", true},
		{"resources/templates/list", "", "public", true},
		{"resources/list", "", "private", false},
		{"resources/read", `"uri":"vetassist://pets/pet-fido",`, "private", false},
		{"resources/read", `"uri":"vetassist://knowledge/rabies",`, "public", true},
	} {
		headers := []string{"MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + c.method}
		if _, uri, ok := strings.Cut(c.params, `:"`); ok {
			headers = append(headers, "Mcp-Name: "+strings.TrimSuffix(uri, `",`))
		}
		a := w.post(raw, `{"jsonrpc":"2.0","id":1,"method":"`+c.method+`","params":{`+c.params+meta2026+`}}`, headers...)
		res, _ := a.json(t)["result"].(map[string]any)
		ttl, said := res["ttlMs"].(float64)
		if a.status != 200 || res["cacheScope"] != c.scope || !said || (ttl > 0) != c.keep || res["resultType"] != "complete" {
			t.Errorf("%s %s: %d %s %v", c.method, c.params, a.status, res["cacheScope"], res["ttlMs"])
		}
		if cc := a.header.Get("Cache-Control"); !strings.Contains(cc, "no-") || slices.Contains(a.header.Values("Vary"), "*") {
			t.Errorf("%s: HTTP caches are told %q", c.method, cc)
		}
	}
}

// TestListenEnds: nothing that we have changes under a client, so who wants to be told is told at once that nothing will come.
func TestListenEnds(t *testing.T) {
	w := newWorld(t)
	body := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,
		"resourcesListChanged":true,"resourceSubscriptions":["vetassist://pets/pet-fido"]},` + meta2026 + `}}`
	a := w.post(w.mint(bob(everything...)), body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen")
	if a.status != 200 || strings.Contains(string(a.body), "pet-fido") || strings.Contains(string(a.body), `ListChanged":true`) || !strings.Contains(string(a.body), `"resultType":"complete"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
