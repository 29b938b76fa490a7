package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/learn/course"
)

// learner is a person who takes the course, with the chat and the course in one browser, and an administrator elsewhere.
type learner struct {
	*person
	world *world
	admin administrator
}

func (w *world) learner() *learner {
	w.t.Helper()
	bob := w.person()
	bob.open("/")
	return &learner{bob, w, w.administrator()}
}

type checksAnswer struct {
	User    string
	Passed  int
	Of      int
	Lessons []struct {
		ID     string
		Passed bool
		Checks []struct {
			ID     string
			Passed bool
			Flow   string
		}
	}
}

// checks are read once all that happened is written.
func (l *learner) checks() (answer checksAnswer, passed map[string]string) {
	l.t.Helper()
	var got checksAnswer
	r, err := http.NewRequestWithContext(l.t.Context(), "GET", l.base+"/learn/api/checks", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := l.http.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != http.StatusOK {
		l.t.Fatal(resp.StatusCode, err)
	}
	passed = map[string]string{}
	for _, lesson := range got.Lessons {
		for _, c := range lesson.Checks {
			if c.Passed {
				passed[c.ID] = c.Flow
			}
		}
	}
	return got, passed
}

// passes waits until these checks are passed: the recorder writes a moment after the answer.
func (l *learner) passes(ids ...string) {
	l.t.Helper()
	var passed map[string]string
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, passed = l.checks()
		missing := ""
		for _, id := range ids {
			if _, ok := passed[id]; !ok {
				missing += " " + id
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("not passed:%s; passed are %v", missing, passed)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// open are checks that must not be passed yet.
func (l *learner) stillOpen(ids ...string) {
	l.t.Helper()
	_, passed := l.checks()
	for _, id := range ids {
		if _, ok := passed[id]; ok {
			l.t.Errorf("%s is passed already", id)
		}
	}
}

// forward moves the clock with the form of the course.
func (l *learner) forward(by string) {
	l.t.Helper()
	l.open("/learn/")
	p := l.submit("forward", url.Values{"forward": {by}})
	if p.status != http.StatusOK || p.url.Path != "/learn/" {
		l.t.Fatalf("%d at %s: %s", p.status, p.url, p.text)
	}
}

// toConsent asks and follows the card as far as the consent page.
func (l *learner) toConsent(question string) *page {
	l.t.Helper()
	a := l.ask(question)
	if a.AuthorizeURL == "" {
		l.t.Fatalf("%q needs no consent: %+v", question, a)
	}
	p := l.open(a.AuthorizeURL)
	if p.has("username") {
		p = l.login("bob")
	}
	return p
}

func (l *learner) logout() { l.t.Helper(); l.open("/"); l.submit("/logout", nil) }

// tick lets a moment pass, so that what comes next is later.
func (l *learner) tick() { l.world.clock.turn(time.Second) }

// TestCourse passes the whole course by doing what the lessons say, with what there is to break and mend.
func TestCourse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.learner()
	const app = "/applications/vet-assist-ai"
	if got, _ := l.checks(); got.Passed != 0 || got.User != "" || len(got.Lessons) != len(course.Lessons) {
		t.Fatalf("at the beginning: %+v", got)
	}

	// 1 to 3, 6: ask, discover, request, token.
	l.connect("When is Fido's next vaccination?", "bob")
	l.passes("turned-away", "connected", "answered", "challenge", "resource-metadata", "server-metadata", "pkce", "resource", "state",
		"logged-in", "consented", "audience", "short-lived", "token-check")
	l.stillOpen("redirect-broken", "role-broken", "consent-withdrawn", "server-broken", "scope-check", "owner-check", "step-up", "role-refused", "denied",
		"renewed", "rotated", "key-broken", "life-broken", "life-mended", "revoked", "foreign", "code-replay", "redirect-mended", "server-mended", "role-mended", "consent-mended")

	// 3: a wrong redirect URI.
	redirects := func(uri string) {
		t.Helper()
		etag := call[struct{ ETag string }](l.admin, "GET", app, nil).ETag
		call[any](l.admin, "PATCH", app, map[string]any{"redirect_uris": []string{uri}}, "If-Match", etag)
	}
	l.tick()
	redirects(w.URL + "/wrong")
	l.logout()
	if p := l.open(l.ask("When is Fido's next vaccination?").AuthorizeURL); p.status != http.StatusBadRequest {
		t.Fatalf("a wrong redirect URI: %d %s", p.status, p.text)
	}
	l.passes("redirect-broken", "revoked")
	l.stillOpen("redirect-mended")
	l.tick()
	redirects(w.URL + "/callback")
	l.page = nil
	l.connect("When is Fido's next vaccination?", "bob")
	l.passes("redirect-mended")

	// 4: a permission less in the role.
	l.tick()
	l.admin.permit("pet-profile:read", "appointment:read", "reminder:read", "reminder:write")
	if a := l.ask("Book an appointment for Fido next Tuesday at 10"); a.AuthorizeURL != "" {
		t.Fatalf("%+v", a)
	}
	l.passes("role-broken")
	l.stillOpen("role-mended", "scope-check")
	l.tick()
	l.admin.permit("pet-profile:read", "appointment:read", "appointment:write", "reminder:read", "reminder:write")
	l.connect("Book an appointment for Fido next Tuesday at 10", "bob")
	l.passes("role-mended", "scope-check", "step-up")

	// 7 and 8: somebody else's pet, a plain no, and a no of one's own.
	l.ask("Tell me about Luna")
	l.ask("Change Fido's weight to 30 kg")
	l.passes("owner-check", "role-refused")
	l.tick()
	l.toConsent("Remind me tomorrow at 9 to buy dog food")
	l.submit("decision", url.Values{"decision": {"deny"}})
	l.passes("denied")
	l.stillOpen("allowed-after-all")
	l.tick()
	l.connect("Remind me tomorrow at 9 to buy dog food", "bob")
	l.passes("allowed-after-all")

	// 9: expiry and refresh; then the key. The clock of the course makes it now.
	l.stillOpen("renewed", "rotated")
	l.forward("10m")
	l.ask("Which pets do I have?")
	l.passes("renewed", "rotated")
	type keys struct {
		Items []struct{ Kid, State string }
	}
	old := call[keys](l.admin.again(), "GET", "/keys", nil).Items[0].Kid
	call[any](l.admin.again(), "POST", "/keys", nil)
	l.forward("6m")
	l.stillOpen("key-broken")
	call[any](l.admin.again(), "DELETE", "/keys/"+old, nil)
	if a := l.ask("Which pets do I have?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "Milo") {
		t.Errorf("the app does not come over a retired key: %+v", a)
	}
	l.passes("key-broken")
	l.tick()
	l.ask("Which pets do I have?")
	l.passes("key-mended")

	// 9: a token that lasts for a minute.
	l.tick()
	w.options.TokenLife = "1m"
	w.restart()
	l.logout()
	l.connect("Which pets do I have?", "bob")
	l.passes("life-broken")
	l.stillOpen("life-mended")
	w.options.TokenLife = ""
	w.restart()
	l.forward("1m")
	l.ask("Which pets do I have?")
	l.passes("life-mended")

	// 6: the server at another address.
	l.tick()
	server := func(name, address string) {
		t.Helper()
		admin := l.admin.again()
		was := call[map[string]any](admin, "GET", "/servers/"+mcpServerID, nil)
		call[any](admin, "PUT", "/servers/"+mcpServerID, map[string]any{"name": name, "url": address, "scopes": was["scopes"]}, "If-Match", was["etag"].(string))
	}
	server("Another Name", w.URL+"/elsewhere")
	l.logout()
	l.open(l.ask("Which pets do I have?").AuthorizeURL)
	l.passes("server-broken")
	l.stillOpen("server-mended")
	l.tick()
	server("VetAssist MCP Server", w.URL+"/mcp")
	l.page = nil
	l.connect("Which pets do I have?", "bob")
	l.passes("server-mended")

	// 5: consent taken back.
	l.tick()
	l.open("/oauth/account")
	l.submit("/oauth/account/apps/remove", nil)
	l.passes("consent-withdrawn")
	l.stillOpen("consent-refused", "consent-mended")
	l.forward("601s")
	l.page = nil
	l.ask("Which pets do I have?")
	l.passes("consent-refused")
	l.stillOpen("consent-mended")
	l.tick()
	l.connect("Which pets do I have?", "bob")
	l.passes("consent-mended")

	// 10: another client, of which the browser that logs in is the same.
	const redirect = "http://127.0.0.1:33418/callback"
	host, _ := w.registerHost("A Host")
	client := url.Values{"client_id": {host}, "redirect_uri": {redirect}}
	got := w.redeem(l.answerOf(w.request(client), "bob").Get("code"), client)
	wantTokens(t, "another host", got)
	l.stillOpen("foreign-call")
	w.callTool(got.Access, "list_pets", "{}")
	l.passes("foreign", "foreign-call")

	// 11: what the attacks do.
	l.tick()
	code := l.answerOf(w.request(nil), "bob").Get("code")
	w.redeem(code, nil)
	w.redeem(code, nil)
	again := w.redeem(l.answerOf(w.request(nil), "bob").Get("code"), nil)
	w.refresh(w.refresh(again.Refresh).Refresh)
	w.refresh(again.Refresh)
	l.passes("code-replay", "refresh-theft")

	answer, _ := l.checks()
	if answer.Passed != answer.Of || answer.User != "bob" {
		t.Errorf("%d of %d, as %q: %+v", answer.Passed, answer.Of, answer.User, answer)
	}

	// A day later the flows are gone, and what was passed stays passed; a restart turns nothing back.
	l.forward("2d")
	before := l.clockAhead()
	w.restart()
	if after := l.clockAhead(); before != after || after < 48*3600 {
		t.Errorf("the clock was %d s ahead before the restart, and %d after", before, after)
	}
	bob := &learner{w.person(), w, l.admin}
	bob.open("/oauth/login")
	bob.login("bob")
	if answer, _ := bob.checks(); answer.Passed != answer.Of {
		t.Errorf("in another browser, days later: %d of %d", answer.Passed, answer.Of)
	}
	alice := &learner{w.person(), w, l.admin}
	alice.open("/oauth/login")
	alice.login("alice")
	alice.passes("logged-in") // by herself
	if answer, passed := alice.checks(); answer.Passed != 1 {
		t.Errorf("Alice has passed %v, some of which Bob did", passed)
	}
}

func (l *learner) clockAhead() int {
	l.t.Helper()
	var got struct {
		Ahead int `json:"clock_ahead"`
	}
	if err := json.Unmarshal([]byte(l.open(l.base+"/learn/api/checks").raw), &got); err != nil {
		l.t.Fatal(err)
	}
	return got.Ahead
}

// again is the administrator with a token of now.
func (a administrator) again() administrator { return a.administrator() }
