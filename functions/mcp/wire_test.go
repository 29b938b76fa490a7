package mcp_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/rbac"
)

const meta2026 = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

// TestToolsList fixes the wire format of tools/list. testdata/tools.json is also what the chat app's planner is tested with.
func TestToolsList(t *testing.T) {
	w := newWorld(t)
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + meta2026 + `}}`
	ask := func(raw string) []byte {
		a := w.post(raw, body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list")
		var m struct{ Result json.RawMessage }
		if err := json.Unmarshal(a.body, &m); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return m.Result
	}
	list := ask(w.mint(bob()))
	golden(t, "tools.json", indent(t, list))
	if other := ask(w.mint(carol(everything...))); string(other) != string(list) {
		t.Error("the list is not the same for everybody")
	}
	var tools struct {
		CacheScope string
		TTLMs      int
		Tools      []struct {
			Name, Title, Description  string
			Meta                      map[string]any `json:"_meta"`
			InputSchema, OutputSchema map[string]any
			Annotations               map[string]any
		}
	}
	if err := json.Unmarshal(list, &tools); err != nil {
		t.Fatal(err)
	}
	if tools.CacheScope != "public" || tools.TTLMs <= 0 || len(tools.Tools) != len(rbac.Tools) {
		t.Errorf("cacheScope %q, ttl %d, %d tools", tools.CacheScope, tools.TTLMs, len(tools.Tools))
	}
	for _, tool := range tools.Tools {
		scope, _ := tool.Meta["vetassist/scope"].(string)
		want, known := rbac.Tools[tool.Name]
		if !known || scope != want || tool.Title == "" || len(tool.Description) < 40 || tool.OutputSchema == nil || tool.Annotations["openWorldHint"] != false {
			t.Errorf("%+v", tool)
		}
		for name, p := range tool.InputSchema["properties"].(map[string]any) {
			s := p.(map[string]any)
			bounded := s["type"] == "boolean" || s["enum"] != nil || s["maxLength"] != nil || s["maximum"] != nil || s["format"] == "date" || s["pattern"] != nil
			if s["description"] == "" || !bounded {
				t.Errorf("%s.%s has no description or no bound: %v", tool.Name, name, s)
			}
		}
	}
}

func TestRevisions(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(ownerScope...))
	for _, version := range []string{"2025-03-26", "2025-06-18", "2025-11-25"} {
		a := w.post(raw, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, version))
		res, _ := a.json(t)["result"].(map[string]any)
		if a.status != 200 || res["protocolVersion"] != version || a.header.Get("Content-Type") != "application/json" || a.header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: %d %s", version, a.status, a.body)
		}
		caps := fmt.Sprint(res["capabilities"])
		if strings.Contains(caps, "listChanged") || strings.Contains(caps, "subscribe") || strings.Contains(caps, "logging") || !strings.Contains(res["instructions"].(string), "veterinary") {
			t.Errorf("%s: %s", version, a.body)
		}
		a = w.post(raw, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "MCP-Protocol-Version: "+version)
		if a.status != 202 || len(a.body) != 0 {
			t.Errorf("%s: initialized: %d %s", version, a.status, a.body)
		}
		a = w.post(raw, call("get_pet_vaccination_info", `{"pet":"Fido"}`), "MCP-Protocol-Version: "+version)
		if res, _ = a.json(t)["result"].(map[string]any); a.status != 200 || res["isError"] == true || res["structuredContent"] == nil {
			t.Errorf("%s: %d %s", version, a.status, a.body)
		}
	}
	// 2026-07-28 has no handshake: each request says what it speaks.
	modern := []string{"MCP-Protocol-Version: 2026-07-28"}
	a := w.post(raw, `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{`+meta2026+`}}`, append(modern, "Mcp-Method: server/discover")...)
	res, _ := a.json(t)["result"].(map[string]any)
	if a.status != 200 || !slices.Contains(res["supportedVersions"].([]any), any("2026-07-28")) || res["cacheScope"] != "public" {
		t.Errorf("discover: %d %s", a.status, a.body)
	}
	tool := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_pet","arguments":{"pet":"Fido"},` + meta2026 + `}}`
	a = w.post(raw, tool, append(modern, "Mcp-Method: tools/call", "Mcp-Name: get_pet")...)
	if res, _ = a.json(t)["result"].(map[string]any); a.status != 200 || res["resultType"] != "complete" {
		t.Errorf("call: %d %s", a.status, a.body)
	}
	// Neither a lying header nor an unknown revision gets far.
	a = w.post(raw, tool, append(modern, "Mcp-Method: tools/call", "Mcp-Name: list_pets")...)
	if a.status != 400 || a.json(t)["error"] == nil {
		t.Errorf("lying header: %d %s", a.status, a.body)
	}
	for _, version := range []string{"2024-11-05", "2099-01-01"} {
		a = w.post(raw, strings.ReplaceAll(tool, "2026-07-28", version), "MCP-Protocol-Version: "+version, "Mcp-Method: tools/call", "Mcp-Name: get_pet")
		e, _ := a.json(t)["error"].(map[string]any)
		data, _ := e["data"].(map[string]any)
		if a.status != 400 || e["code"] != -32022.0 || data["requested"] != version || fmt.Sprint(data["supported"]) != "[2026-07-28 2025-11-25 2025-06-18 2025-03-26]" {
			t.Errorf("revision %s: %d %s", version, a.status, a.body)
		}
	}
	a = w.post(raw, `{"jsonrpc":"2.0","id":1,"method":"tools/dance","params":{`+meta2026+`}}`, append(modern, "Mcp-Method: tools/dance")...)
	if e, _ := a.json(t)["error"].(map[string]any); a.status != 404 || e["code"] != -32601.0 {
		t.Errorf("unknown method: %d %s", a.status, a.body)
	}
	// The official client negotiates the newest by itself.
	if v := w.connect(bob(ownerScope...)).InitializeResult().ProtocolVersion; v != "2026-07-28" {
		t.Errorf("the client speaks %s", v)
	}
}

func TestMalformedRequests(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(everything...))
	big := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"contact_support","arguments":{"message":"` + strings.Repeat("x", 1<<20) + `"}}}`
	for _, c := range []struct {
		what, body string
		headers    []string
		status     int
		code       float64
	}{
		{"not JSON", `{"jsonrpc":`, nil, 400, -32700},
		{"no JSON at all", `hello`, nil, 400, -32700},
		{"blank", ` `, nil, 400, -32700},
		{"a string", `"x"`, nil, 400, -32600},
		{"no version", `{"id":1,"method":"ping"}`, nil, 400, -32600},
		{"empty batch", `[]`, nil, 400, -32600},
		{"long batch", "[" + strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"ping"},`, 20) + `{"jsonrpc":"2.0","id":1,"method":"ping"}]`, nil, 400, -32600},
		{"batch where there are none", `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, []string{"MCP-Protocol-Version: 2025-06-18"}, 400, -32600},
		{"initialize in a batch", `[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}},{"jsonrpc":"2.0","id":2,"method":"ping"}]`, nil, 400, -32600},
		{"one id twice in a batch", `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":1.0,"method":"tools/list"}]`, nil, 400, -32600},
		{"no id but null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, nil, 400, -32600},
		{"an id with a fraction", `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, nil, 400, -32600},
		{"an id beyond JSON's integers", `{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`, nil, 400, -32600},
		{"an object for an id", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, nil, 400, -32600},
		{"deep", `{"jsonrpc":"2.0","id":1,"method":"ping","params":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, nil, 400, -32600},
		{"deeper", strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19), nil, 400, -32700},
		{"too large", big, nil, 413, -32600},
		{"unknown method", `{"jsonrpc":"2.0","id":1,"method":"tools/dance"}`, nil, 400, -32601},
		{"no id", `{"jsonrpc":"2.0","method":"tools/list"}`, nil, 400, -32600},
		{"unknown tool", call("dance", `{}`), nil, 200, -32602},
		{"tool without name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, nil, 200, -32602},
		{"params of the wrong type", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}`, nil, 200, -32602},
		{"unknown prompt", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"x"}}`, nil, 200, -32602},
		{"unknown resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}`, nil, 200, -32602},
		{"other type of body", call("list_pets", `{}`), []string{"Content-Type: text/plain"}, 415, -32600},
		{"accepts no JSON", call("list_pets", `{}`), []string{"Accept: text/html"}, 400, -32600},
	} {
		a := w.post(raw, c.body, c.headers...)
		e, _ := a.json(t)["error"].(map[string]any)
		if a.status != c.status || e["code"] != c.code || e["message"] == "" {
			t.Errorf("%s: %d %s", c.what, a.status, a.body)
		}
		if ct := a.header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("%s: Content-Type %s", c.what, ct)
		}
	}
	for _, method := range []string{"GET", "DELETE", "PUT"} {
		a := w.send(method, "/mcp", "", "Authorization: Bearer "+raw)
		if a.status != 405 || a.header.Get("Allow") != "POST" || a.json(t)["error"] == nil {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
}

func TestBatches(t *testing.T) {
	w := newWorld(t)
	batch := "[" + strings.Join([]string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_pets","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"list_reminders","arguments":{}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`,
	}, ",") + "]"
	a := w.post(w.mint(bob(ownerScope...)), batch)
	var answers []map[string]any
	if err := json.Unmarshal(a.body, &answers); err != nil || a.status != 200 || len(answers) != 2 || answers[0]["result"] == nil || answers[1]["result"] == nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	// One challenge asks for all that the batch needs, what is there already included.
	a = w.post(w.mint(bob(rbac.PetProfileRead)), batch)
	if a.status != 403 || !strings.Contains(a.header.Get("WWW-Authenticate"), `scope="pet-profile:read reminder:read"`) || a.json(t)["id"] != nil {
		t.Errorf("%d %s %s", a.status, a.header.Get("WWW-Authenticate"), a.body)
	}
}
