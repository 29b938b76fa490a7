package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestOpenID: an application learns who somebody is, over real HTTP, and what it learned that from opens nothing.
func TestOpenID(t *testing.T) {
	w := newWorld(t)
	answer := w.person().answerOf(w.request(url.Values{"scope": {"openid profile pet-profile:read"}, "nonce": {"n1"}}), "bob")
	got := w.redeem(answer.Get("code"), nil)
	if got.status != http.StatusOK || strings.Count(got.ID, ".") != 2 || got.Scope != "pet-profile:read openid profile" {
		t.Fatalf("%d %+v", got.status, got)
	}
	const bob = `{"sub":"user-bob","name":"Bob Miller","preferred_username":"bob"}`
	for name, c := range map[string]struct {
		token  string
		status int
		body   string
	}{"the access token": {got.Access, 200, bob}, "the ID token": {got.ID, 401, "invalid_token"}, "no token": {"", 401, ""}} {
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization", "Bearer " + c.token}
		}
		if a := w.send("GET", "/oauth/userinfo", "", headers...); a.status != c.status || !strings.Contains(string(a.body), c.body) {
			t.Errorf("userinfo with %s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.callTool(got.Access, "list_pets", `{}`); a.status != http.StatusOK {
		t.Errorf("the MCP server refuses the access token: %d %s", a.status, a.body)
	}
	if a := w.callTool(got.ID, "list_pets", `{}`); a.status != http.StatusUnauthorized {
		t.Errorf("the MCP server takes the ID token: %d %s", a.status, a.body)
	}

	// A login alone is for no server at all.
	answer = w.person().answerOf(w.request(url.Values{"scope": {"openid"}, "resource": nil}), "bob")
	alone := w.redeem(answer.Get("code"), url.Values{"resource": nil})
	if a := w.callTool(alone.Access, "contact_support", `{}`); alone.Scope != "openid" || a.status != http.StatusUnauthorized {
		t.Errorf("the MCP server takes the token of a login: %+v, %d %s", alone, a.status, a.body)
	}
	if a := w.send("GET", "/oauth/userinfo", "", "Authorization", "Bearer "+alone.Access); string(a.body) != `{"sub":"user-bob"}`+"\n" {
		t.Errorf("userinfo of a login: %d %s", a.status, a.body)
	}
}

// TestChatIsOnePersons: whoever logs in at the authorization server in the middle of Bob's step-up gets a conversation of their own.
func TestChatIsOnePersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person()
	p.connect("When is Fido's next vaccination?", "bob")
	if !strings.Contains(p.page.text, "Vet Assist AI acts for Bob Miller at VetAssist MCP Server") {
		t.Errorf("the chat does not say who is connected: %s", p.page.text)
	}
	a := p.ask("Book an appointment for Fido next Tuesday at 10")
	p.open(a.AuthorizeURL)
	p.submit("form_token", nil) // Switch user
	p.login("alice")
	if !strings.Contains(p.page.text, "It learns who you are: your name, Alice") {
		t.Errorf("the consent page does not say what the app learns: %s", p.page.text)
	}
	p.submit("decision", url.Values{"decision": {"approve"}})
	if !strings.Contains(p.page.text, "this is a new conversation") || !strings.Contains(p.page.text, "Vet Assist AI acts for Alice") || strings.Contains(p.page.text, "Fido") && strings.Contains(p.page.text, "Rabies") ||
		strings.Contains(p.page.text, "Book an appointment for Fido next") {
		t.Errorf("Alice sees %s", p.page.text)
	}
	if a := p.ask("Which pets do I have?"); !strings.Contains(a.Reply, "Luna") || strings.Contains(a.Reply, "Fido") {
		t.Errorf("Alice's pets: %+v", a)
	}
	if appointments := w.callTool(w.tokensFor("bob", "appointment:read").Access, "list_appointments", `{}`); strings.Contains(string(appointments.body), "2026-12-01") {
		t.Errorf("what Bob asked for was booked: %s", appointments.body)
	}
}
