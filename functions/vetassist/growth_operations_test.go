//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// operation is something that somebody asks of us, over HTTP. n is how often it was asked before, for names that must be new.
type operation struct {
	name string
	do   func(c *crowded, n int)
}

// operations are all that there is, but what is about everything by its nature (see theWhole).
func operations() (all []operation) {
	add := func(name string, do func(c *crowded, n int)) { all = append(all, operation{name, do}) }

	// The authorization server.
	add("log in", func(c *crowded, _ int) {
		p := c.world.person()
		p.open("/oauth/login")
		if p.login("alice"); p.page.status != http.StatusOK {
			c.t.Fatalf("%d %s", p.page.status, p.page.text)
		}
	})
	add("connect: code and tokens", func(c *crowded, _ int) { c.code() })
	add("refresh", func(c *crowded, _ int) {
		got := c.refresh(c.bob.Refresh)
		if got.Access == "" {
			c.t.Fatalf("%d %s %s", got.status, got.Error, got.Description)
		}
		c.bob = got
	})
	add("revoke", func(c *crowded, _ int) {
		a := c.send("POST", "/oauth/revoke", url.Values{"token": {c.code().Refresh}, "client_id": {"vet-assist-ai"}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		c.good(a)
	})
	add("ask for a device's code", func(c *crowded, _ int) {
		c.good(c.send("POST", "/oauth/device_authorization", "client_id=smart-feeder&scope=pet-profile:read", "Content-Type", "application/x-www-form-urlencoded"))
	})
	add("register", func(c *crowded, n int) {
		if _, a := c.registerHost(fmt.Sprint("Host ", n)); a.status != http.StatusCreated {
			c.t.Fatalf("%d %s", a.status, a.body)
		}
	})
	for name, path := range map[string]string{"metadata": "/.well-known/oauth-authorization-server", "keys": "/.well-known/jwks.json", "metadata of the MCP server": "/.well-known/oauth-protected-resource/mcp"} {
		add(name, func(c *crowded, _ int) { c.good(c.send("GET", path, "")) })
	}
	add("my account", func(c *crowded, _ int) {
		if p := c.person.open("/oauth/account"); p.status != http.StatusOK || !strings.Contains(p.text, "Vet Assist AI") {
			c.t.Fatalf("%d %s", p.status, p.text)
		}
	})

	// The MCP server: each tool as Bob; what staff asks of all pets as Carol.
	tool := func(name, arguments string) func(*crowded) answer {
		return func(c *crowded) answer { return c.callTool(c.bob.Access, name, arguments) }
	}
	for _, t := range []struct{ name, arguments string }{
		{"get_pet_vaccination_info", `{"pet":"Fido"}`}, {"list_pets", `{}`}, {"get_pet", `{"pet":"Fido"}`}, {"find_appointment_slots", `{"date":"2026-12-01"}`},
		{"list_appointments", `{}`}, {"list_reminders", `{}`}, {"search_pet_health", `{"query":"itchy ears"}`},
	} {
		add(t.name, func(c *crowded, _ int) { c.good(tool(t.name, t.arguments)(c)) })
	}
	add("contact_support", func(c *crowded, n int) {
		c.good(tool("contact_support", fmt.Sprintf(`{"message":"Question %d"}`, n))(c))
	})
	add("book_vet_appointment and cancel_vet_appointment", func(c *crowded, _ int) {
		v := c.freeVisit()
		c.good(c.callTool(c.bob.Access, "book_vet_appointment", fmt.Sprintf(`{"pet":"Fido","date":%q,"time":%q}`, v.date, v.time)))
		c.good(c.callTool(c.bob.Access, "cancel_vet_appointment", fmt.Sprintf(`{"pet":"Fido","date":%q}`, v.date)))
	})
	add("set_reminder and cancel_reminder", func(c *crowded, n int) {
		a := c.callTool(c.bob.Access, "set_reminder", fmt.Sprintf(`{"text":"Brush Fido %d","date":"2026-12-%02d","time":"18:00"}`, n, 1+n%28))
		made := structured[struct{ Reminder struct{ ID string } }](c.t, a).Reminder.ID
		c.good(c.callTool(c.bob.Access, "cancel_reminder", fmt.Sprintf(`{"reminder_id":%q}`, made)))
	})
	for _, t := range []struct{ name, arguments string }{
		{"list_pets", `{}`}, {"get_pet", `{"pet":"pet-luna0000007"}`}, {"get_pet_vaccination_info", `{"pet":"Fido"}`},
		{"list_appointments", `{}`}, {"update_pet", `{"pet":"pet-luna0000007","weight_kg":5}`}, {"record_vaccination", `{"pet":"pet-luna0000007","vaccine":"rabies","date":"2026-11-20"}`},
	} {
		add(t.name+" by staff", func(c *crowded, n int) {
			arguments := strings.ReplaceAll(t.arguments, "2026-11-20", fmt.Sprintf("2026-11-%02d", 1+n%24))
			c.good(c.callTool(c.carol.Access, t.name, arguments))
		})
	}
	add("get_pet by a name that all have, by staff", func(c *crowded, _ int) { // which of them? That is an answer, too
		if a := c.callTool(c.carol.Access, "get_pet", `{"pet":"Luna"}`); a.status != http.StatusOK {
			c.t.Fatalf("%d %s", a.status, a.body)
		}
	})
	add("add_pet by staff", func(c *crowded, n int) {
		c.good(c.callTool(c.carol.Access, "add_pet", fmt.Sprintf(`{"name":"New %d","species":"dog","birth_date":"2024-05-01","owner":"user-alice%07d"}`, n, 1+n%10)))
	})
	for name, message := range map[string]string{
		"tools/list":                          `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		"resources/list":                      `{"jsonrpc":"2.0","id":1,"method":"resources/list"}`,
		"resources/read":                      `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/pet-luna0000007"}}`,
		"completion/complete of a pet's name": `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"prepare_for_visit"},"argument":{"name":"pet","value":"l"}}}`,
		"prompts/get":                         `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"prepare_for_visit","arguments":{"pet":"Fido"}}}`,
	} {
		add(name+" by staff", func(c *crowded, _ int) { c.good(c.mcp(c.carol.Access, message)) })
	}

	// The admin API: all that it lists and shows, and each kind of change.
	for _, path := range adminReads {
		add("GET "+path, func(c *crowded, _ int) { c.good(c.adminCall("GET", path, "")) })
	}
	add("add, change and delete a user", func(c *crowded, n int) {
		made := c.made("/users", fmt.Sprintf(`{"username":"new-%d","name":"New %d","roles":["Pet Owner"],"password":"a long phrase of %d words"}`, n, n, n))
		c.good(c.adminCall("PATCH", "/users/"+made, `{"name":"Renamed"}`, "If-Match", "*", "Content-Type", "application/merge-patch+json"))
		c.good(c.adminCall("DELETE", "/users/"+made, "", "If-Match", "*"))
	})
	add("add, change and delete an application", func(c *crowded, n int) {
		made := c.made("/applications", fmt.Sprintf(`{"name":"New %d","template":"MCP client application","redirect_uris":["https://app.example/"]}`, n))
		c.good(c.adminCall("PATCH", "/applications/"+made, `{"name":"Renamed"}`, "If-Match", "*", "Content-Type", "application/merge-patch+json"))
		c.good(c.adminCall("DELETE", "/applications/"+made, "", "If-Match", "*"))
	})
	add("sign a user out everywhere", func(c *crowded, _ int) { c.good(c.adminCall("POST", "/users/user-alice0000007/sign-out", "")) })
	add("put a user into a role and take out again", func(c *crowded, _ int) {
		c.good(c.adminCall("PUT", "/roles/Vet%20Staff/members/user-alice0000007", ""))
		c.good(c.adminCall("DELETE", "/roles/Vet%20Staff/members/user-alice0000007", ""))
	})
	return all
}

// adminReads has each path that the admin API's description offers to read, and lists with what narrows them.
var adminReads = []string{
	"/applications", "/applications?prefix=smart+feeder00000", "/applications?sort=id", "/applications/smart-feeder0000007", "/applications/smart-feeder0000007/named-by",
	"/audit", "/audit?user_id=user-alice0000007", "/audit?since=2026-11-25T11:00:00Z", "/consents?user_id=user-bob", "/consents?client_id=smart-feeder0000007",
	"/clinic/snapshots", "/grants?user_id=user-bob", "/keys", "/me", "/registration", "/registration-tokens", "/relying-servers", "/relying-servers/{none}", "/roles", "/roles/Pet%20Owner", "/roles/Pet%20Owner/members",
	"/roles/Pet%20Owner/members?prefix=alice00000", "/servers", "/servers/" + mcpServerID, "/sessions?user_id=user-bob", "/trusted-issuers", "/trusted-issuers/{none}",
	"/trusted-issuers/{none}/links", "/users", "/users?prefix=alice00000", "/users?sort=name", "/users/user-alice0000007", "/users/user-alice0000007/passkeys",
	"/why?user_id=user-alice0000007&client_id=vet-assist-ai&server_id=" + mcpServerID,
}

// theWhole is what reads everything by its nature, and so grows with it: page after page, each of them bounded.
var theWhole = map[string]string{
	"/audit/export": "the whole log, in pages of which each is bounded",
}

// bounded are operations that read more among more, up to what one call may read: the audit log is kept by days, and a page is full after
// fewer of them where a day has more. One user's events are looked for among everybody's, in pages that may be short (package audit).
var bounded = map[string]int{
	"GET /audit":                            4 * 64,
	"GET /audit?since=2026-11-25T11:00:00Z": 4 * 64,
	"GET /audit?user_id=user-alice0000007":  1500 + 2*250,
}

func (c *crowded) adminCall(method, path, body string, headers ...string) answer {
	path = strings.ReplaceAll(path, "{none}", "bm9uZQ")
	headers = append(headers, "Authorization", "Bearer "+c.admin.token)
	if body != "" && !strings.Contains(strings.Join(headers, " "), "Content-Type") {
		headers = append(headers, "Content-Type", "application/json")
	}
	a := c.send(method, "/admin/api/v1"+path, body, headers...)
	if a.status == http.StatusNotFound && strings.Contains(path, "bm9uZQ") {
		a.status = http.StatusOK // that nobody knows it is found out by looking, too
	}
	return a
}

// made adds something, and returns its id.
func (c *crowded) made(path, body string) string {
	a := c.adminCall("POST", path, body)
	c.good(a)
	var made struct{ ID string }
	if err := json.Unmarshal(a.body, &made); err != nil || made.ID == "" {
		c.t.Fatalf("%v in %s", err, a.body)
	}
	return made.ID
}

// code lets Bob's browser, which is logged in and has allowed it before, connect once more.
func (c *crowded) code() tokens {
	got := c.redeem(c.person.answerOf(c.request(nil), "bob").Get("code"), nil)
	if got.Access == "" {
		c.t.Fatalf("%d %s %s", got.status, got.Error, got.Description)
	}
	return got
}

func (c *crowded) good(a answer) {
	c.t.Helper()
	if a.status >= http.StatusBadRequest || strings.Contains(string(a.body), `"isError":true`) {
		c.t.Fatalf("%d %.500s", a.status, a.body)
	}
}
