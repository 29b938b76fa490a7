package main

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// TestStory is the story of the README, through the front door only: a browser without scripts, over real HTTP.
func TestStory(t *testing.T) { story(newWorld(t), nextTuesday) }

// TestStoryInMemory is the same over ":memory:".
func TestStoryInMemory(t *testing.T) {
	t.Parallel()
	story(newWorld(t, func(o *Options) { o.DB = ":memory:" }), nextTuesday)
}

// visit is the appointment that Bob books.
type visit struct{ words, date, time, day string }

// nextTuesday is by the tests' clock.
var nextTuesday = visit{"next Tuesday at 10", "2026-12-01", "10:00", "Tuesday, 1 December 2026"}

// story is told here once, wherever the server is. Nobody may have consented to anything before.
func story(w *world, v visit) {
	t := w.t
	bob := w.person()

	t.Run("Bob asks, connects and gets his answer", func(t *testing.T) {
		bob.t = t
		a := bob.ask("When is Fido's next vaccination?")
		// An app that has seen the tools before, with anybody's token, knows already which one it would call.
		called := slices.ContainsFunc(a.ToolCalls, func(c toolCall) bool { return c.Outcome != "needs_consent" })
		if a.AuthorizeURL == "" || called {
			t.Fatalf("the app did not ask Bob to connect: %+v", a)
		}
		bob.open(a.AuthorizeURL)
		app := "Vet Assist AI"
		if w.stranger { // it is asked for its name only once it is known who wants to go there
			app = "an app at " + w.host()
		}
		if !bob.page.has("password") || !strings.Contains(bob.page.text, app) {
			t.Fatalf("no login page for %s: %s", app, bob.page.text)
		}
		bob.login("bob")
		for _, words := range []string{"Vet Assist AI", "VetAssist MCP Server", w.host(), "See pet profiles", "Bob Miller"} {
			if !strings.Contains(bob.page.text, words) {
				t.Errorf("the consent page does not say %q: %s", words, bob.page.text)
			}
		}
		if got := bob.page.offered("scope"); !slices.Equal(got, []string{"pet-profile:read"}) {
			t.Errorf("the consent page asks for %v", got)
		}
		p := bob.submit("decision", url.Values{"decision": {"approve"}})
		due := w.in(t).dueDate("Fido")
		for _, words := range []string{"When is Fido's next vaccination?", "Rabies", due, "get_pet_vaccination_info", "pet-profile:read"} {
			if !strings.Contains(p.text, words) {
				t.Errorf("the answer does not show %q: %s", words, p.text)
			}
		}
		if p.url.Path != "/" || p.url.RawQuery != "" {
			t.Errorf("the story goes on at %s", p.url)
		}
	})

	t.Run("booking takes one more permission", func(t *testing.T) {
		bob.t = t
		a := bob.ask("Book an appointment for Fido " + v.words)
		call := a.calledOne(t, "book_vet_appointment", "needs_consent")
		if a.AuthorizeURL == "" || call.Scope != "appointment:write" || call.Arguments["date"] != v.date || call.Arguments["time"] != v.time {
			t.Fatalf("%+v", a)
		}
		bob.open(a.AuthorizeURL)
		if bob.page.has("password") {
			t.Fatal("Bob has to log in again")
		}
		if got := bob.page.offered("scope"); !slices.Equal(got, []string{"appointment:write"}) {
			t.Errorf("the consent page asks for %v, not for the one new scope", got)
		}
		p := bob.submit("decision", url.Values{"decision": {"approve"}})
		for _, words := range []string{v.day, v.time, "Fido", "book_vet_appointment", "appointment:write"} {
			if !strings.Contains(p.text, words) {
				t.Errorf("the booking does not show %q: %s", words, p.text)
			}
		}
	})

	t.Run("no consent can give what the role does not have", func(t *testing.T) {
		bob.t = t
		a := bob.ask("Change Fido's weight to 30 kg")
		a.calledOne(t, "update_pet", "tool_error")
		if a.AuthorizeURL != "" || !strings.Contains(a.Reply, "Pet Owner") {
			t.Errorf("%+v", a)
		}
	})

	t.Run("somebody else's pet is a pet that does not exist", func(t *testing.T) {
		bob.t = t
		luna, nobody := bob.ask("Tell me about Luna"), bob.ask("Tell me about Zork")
		if len(luna.ToolCalls) != 1 || luna.ToolCalls[0].Outcome != "tool_error" {
			t.Fatalf("%+v", luna)
		}
		luna.Reply = strings.ReplaceAll(luna.Reply, "Luna", "Zork")
		luna.ToolCalls[0].Arguments["pet"], luna.Flow = "Zork", nobody.Flow
		if !reflect.DeepEqual(luna, nobody) {
			t.Errorf("Luna and a pet that does not exist differ:\n%+v\n%+v", luna, nobody)
		}
		for _, secret := range []string{"Maine", "Alice", "cat"} {
			if strings.Contains(luna.Reply, secret) {
				t.Errorf("the reply gives away %q", secret)
			}
		}
	})

	t.Run("Carol sees all pets and changes one", func(t *testing.T) {
		carol := w.in(t).person()
		carol.connect("Show me all pets", "carol")
		for _, words := range []string{"Fido", "Luna", "Whiskers"} {
			if !strings.Contains(carol.page.text, words) {
				t.Errorf("Carol does not see %s: %s", words, carol.page.text)
			}
		}
		a := carol.ask("Change Fido's weight to 30 kg")
		if a.AuthorizeURL == "" {
			t.Fatalf("no step-up for Carol, whose role allows it: %+v", a)
		}
		carol.open(a.AuthorizeURL)
		p := carol.submit("decision", url.Values{"decision": {"approve"}})
		if !strings.Contains(p.text, "30 kg") {
			t.Errorf("the change does not show: %s", p.text)
		}
	})

	t.Run("and Bob sees the change", func(t *testing.T) {
		bob.t = t
		if a := bob.ask("How heavy is Fido?"); !strings.Contains(a.Reply, "30") {
			t.Errorf("%q", a.Reply)
		}
	})

	t.Run("an administrator has nothing to allow", func(t *testing.T) {
		admin := w.in(t).person()
		a := admin.ask("When is Fido's next vaccination?")
		admin.open(a.AuthorizeURL)
		p := admin.login("admin")
		if len(p.offered("scope")) != 0 || !strings.Contains(p.text, "Administrator") || !strings.Contains(p.text, "pet-profile:read") {
			t.Errorf("the page does not say what is missing and why: %s", p.text)
		}
		p = admin.submit("decision", url.Values{"decision": {"deny"}})
		if p.url.Path != "/" || p.status != http.StatusOK {
			t.Errorf("the way back ends at %s (%d)", p.url, p.status)
		}
	})
}

// connect asks, follows the way through login and consent, and ends on the chat page with the answer.
func (p *person) connect(question, user string) *page {
	p.t.Helper()
	a := p.ask(question)
	if a.AuthorizeURL == "" {
		p.t.Fatalf("%q needs no connection: %+v", question, a)
	}
	p.open(a.AuthorizeURL)
	if p.page.has("username") {
		p.login(user)
	}
	if !p.page.has("decision") { // consented to before
		return p.page
	}
	return p.submit("decision", url.Values{"decision": {"approve"}})
}

// dueDate is when the MCP server says that Bob's pet is due, as the chat writes dates.
func (w *world) dueDate(pet string) string {
	w.t.Helper()
	type info struct {
		Next struct {
			Due string `json:"due"`
		} `json:"next"`
	}
	got := structured[info](w.t, w.callTool(w.tokensFor("bob", "pet-profile:read").Access, "get_pet_vaccination_info", `{"pet":"`+pet+`"}`))
	day, err := time.Parse(time.DateOnly, got.Next.Due)
	if err != nil {
		w.t.Fatal(err)
	}
	return day.Format("2 January 2006")
}

// The consent page says what was asked for and cannot be had, and why.
func TestConsentPageExplains(t *testing.T) {
	w := newWorld(t)
	bob := w.person()
	all := "pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write"
	bob.open("/oauth/authorize?" + w.request(url.Values{"scope": {all}}).Encode())
	p := bob.login("bob")
	if got := p.offered("scope"); len(got) != 5 || slices.Contains(got, "pet-profile:write") {
		t.Errorf("offered: %v", got)
	}
	for _, words := range []string{"not available to you", "pet-profile:write", "Pet Owner does not include it"} {
		if !strings.Contains(p.text, words) {
			t.Errorf("the page does not say %q: %s", words, p.text)
		}
	}

	// Of what is offered, a person may leave something out; a form that asks for more than was offered gets no more.
	bob.stopAt(w.URL + "/callback")
	bob.submit("decision", url.Values{"decision": {"approve"}, "scope": {"appointment:read", "pet-profile:write", "admin:write"}})
	if got := w.redeem(bob.redirected().Get("code"), nil); got.Scope != "appointment:read" {
		t.Errorf("granted %q", got.Scope)
	}
}

// Deny, log out, switch user: each ends somewhere sensible.
func TestWaysOut(t *testing.T) {
	t.Parallel()
	t.Run("deny", func(t *testing.T) {
		bob := newWorld(t).person()
		a := bob.ask("When is Fido's next vaccination?")
		bob.open(a.AuthorizeURL)
		bob.login("bob")
		p := bob.submit("decision", url.Values{"decision": {"deny"}})
		if p.url.Path != "/" || !strings.Contains(p.text, "was not allowed to") || strings.Contains(p.text, "Rabies") {
			t.Errorf("%s: %s", p.url, p.text)
		}
		// The next question may ask again, and this time Bob agrees.
		if p = bob.connect("When is Fido's next vaccination?", "bob"); !strings.Contains(p.text, "Rabies") {
			t.Errorf("after a second thought: %s", p.text)
		}
	})

	t.Run("deny a step-up", func(t *testing.T) {
		bob := newWorld(t).person()
		bob.connect("Which pets do I have?", "bob")
		a := bob.ask("Remind me tomorrow at 9 to buy dog food")
		if a.AuthorizeURL == "" {
			t.Fatalf("%+v", a)
		}
		bob.open(a.AuthorizeURL)
		p := bob.submit("decision", url.Values{"decision": {"deny"}})
		if p.url.Path != "/" || !strings.Contains(p.text, "was not allowed to") {
			t.Errorf("%s: %s", p.url, p.text)
		}
		if a = bob.ask("Which pets do I have?"); !strings.Contains(a.Reply, "Fido") {
			t.Errorf("what was allowed before is gone: %+v", a)
		}
	})

	t.Run("log out of the app", func(t *testing.T) {
		bob := newWorld(t).person()
		bob.connect("Which pets do I have?", "bob")
		p := bob.submit("/logout", nil)
		if p.url.Path != "/logged-out" || p.status != http.StatusOK {
			t.Errorf("%d %s", p.status, p.url)
		}
		if p = bob.open("/"); strings.Contains(p.text, "Fido is") || strings.Contains(p.text, "Milo") {
			t.Errorf("the conversation is still there: %s", p.text)
		}
		if a := bob.ask("Which pets do I have?"); a.AuthorizeURL == "" {
			t.Errorf("still connected: %+v", a)
		}
	})

	t.Run("log in as somebody else", func(t *testing.T) {
		bob := newWorld(t).person()
		bob.connect("Which pets do I have?", "bob")
		bob.open("/connect?switch=1")
		if !bob.page.has("password") {
			t.Fatalf("no login page: %s", bob.page.text)
		}
		bob.login("alice")
		p := bob.submit("decision", url.Values{"decision": {"approve"}})
		if strings.Contains(p.text, "Fido,") || strings.Contains(p.text, "Milo,") {
			t.Errorf("Alice reads Bob's conversation: %s", p.text)
		}
		if a := bob.ask("Which pets do I have?"); !strings.Contains(a.Reply, "Luna") || strings.Contains(a.Reply, "Milo") {
			t.Errorf("%+v", a)
		}
	})

	t.Run("switch user on the consent page", func(t *testing.T) {
		bob := newWorld(t).person()
		a := bob.ask("Which pets do I have?")
		bob.open(a.AuthorizeURL)
		bob.login("bob")
		i := slices.IndexFunc(bob.page.Forms, func(f visitor.Form) bool { return strings.HasPrefix(f.Action, "/oauth/logout?") })
		if i < 0 {
			t.Fatal("no way to switch the user")
		}
		bob.submit(bob.page.Forms[i].Action, nil)
		bob.login("alice")
		p := bob.submit("decision", url.Values{"decision": {"approve"}})
		if !strings.Contains(p.text, "Luna") || strings.Contains(p.text, "Milo") {
			t.Errorf("not Alice's pets: %s", p.text)
		}
	})

	t.Run("log out of the authorization server", func(t *testing.T) {
		bob := newWorld(t).person()
		bob.open("/oauth/login")
		bob.login("bob")
		if !strings.Contains(bob.page.text, "Bob Miller") {
			t.Fatalf("not logged in: %s", bob.page.text)
		}
		bob.submit("/oauth/logout", nil)
		if p := bob.open("/oauth/login"); !p.has("password") {
			t.Errorf("still logged in: %s", p.text)
		}
	})

	t.Run("a wrong password", func(t *testing.T) {
		bob := newWorld(t).person()
		bob.open("/oauth/login")
		p := bob.submit("username", url.Values{"username": {"bob"}, "password": {"wrong"}})
		nobody := bob.submit("username", url.Values{"username": {"bob"}, "password": {"wrong"}})
		if p.status != http.StatusUnauthorized || p.text != nobody.text || !p.has("password") {
			t.Errorf("%d: %s", p.status, p.text)
		}
	})
}
