package oauth_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// section is a part of the account page, by its id.
func section(t *testing.T, page answer, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page.body, `<section class="card" id="`+id+`"`)
	if !ok {
		t.Fatalf("no part %q on this page, status %d:\n%s", id, page.status, page.body)
	}
	text, _, _ := strings.Cut(rest, "</section>")
	return text
}

// send fills in a form of the account page and sends it.
func (b *browser) send(path string, fields ...string) answer {
	b.t.Helper()
	action, form := b.form(b.get("/oauth/account"), path)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, action, form)
}

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func withAgent(agent string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("User-Agent", agent) }
}

// Whoever is not logged in logs in first, and comes back.
func TestAccountNeedsALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	if a := b.get("/oauth/account"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/oauth/login" {
		t.Errorf("nobody: %d %s", a.status, a.header.Get("Location"))
	}
	paths := []string{"apps/remove", "logins/end", "logins/end-others", "password", "passkeys/remove"}
	for _, path := range paths {
		if a := b.do(http.MethodPost, "/oauth/account/"+path, url.Values{}); a.header.Get("Location") != "/oauth/login" {
			t.Errorf("nobody, %s: %d %s", path, a.status, a.header.Get("Location"))
		}
	}
	if page := b.login("bob", "/oauth/account"); !strings.Contains(page.body, "You are logged in as Bob Miller") {
		t.Errorf("after the login: %d\n%s", page.status, page.body)
	}
	if a := b.get("/oauth/login"); a.header.Get("Location") != "/oauth/account" {
		t.Errorf("logging in again: %d %s", a.status, a.header.Get("Location"))
	}
	_, form := b.form(b.get("/oauth/account"), "/oauth/account/password")
	alice := w.browser()
	alice.login("alice", "/oauth/account")
	_, alices := alice.form(alice.get("/oauth/account"), "/oauth/account/password")
	before := len(w.events())
	for _, path := range paths {
		for name, a := range map[string]answer{
			"no form token":       b.do(http.MethodPost, "/oauth/account/"+path, url.Values{}),
			"alice's form token":  b.do(http.MethodPost, "/oauth/account/"+path, alices),
			"another site's page": b.do(http.MethodPost, "/oauth/account/"+path, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }),
		} {
			if a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", path, name, a.status)
			}
		}
	}
	if n := len(w.events()) - before; n != 0 {
		t.Errorf("%d events of what was not done", n)
	}
}

func TestAppsWithAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	page := b.login("bob", "/oauth/login")
	if !strings.Contains(section(t, page, "apps"), "You have not allowed any app anything") {
		t.Error("without any app")
	}
	granted := w.redeem(w.code("scope", "pet-profile:read appointment:read"))
	w.clock.Advance(90 * time.Minute)
	if granted = w.refresh(granted.Refresh); granted.Error != "" {
		t.Fatal(granted)
	}
	code := w.code()
	text := section(t, b.get("/oauth/account"), "apps")
	for _, want := range []string{"Vet Assist AI", "at VetAssist MCP Server", "Since <time datetime=\"2026-11-23T14:00:00Z\">23 November 2026, 14:00 UTC",
		"Last used <time datetime=\"2026-11-23T15:30:00Z\">", "<li>See pet profiles</li>", "ten minutes more"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	alice := w.browser()
	alice.login("alice", "/oauth/login")
	if text := section(t, alice.get("/oauth/account"), "apps"); strings.Contains(text, "Vet Assist AI") {
		t.Error("alice sees bob's app")
	}

	before := len(w.events())
	a := b.send("/oauth/account/apps/remove")
	if a = b.follow(a); !strings.Contains(a.body, "The access is removed") || !strings.Contains(section(t, a, "apps"), "You have not allowed any app") {
		t.Errorf("removed: %d\n%s", a.status, a.body)
	}
	if got := w.lines()[before:]; !slices.Equal(got, []string{"withdrawal ok user-bob vet-assist-ai scope=appointment:read pet-profile:read"}) {
		t.Errorf("recorded %q", got)
	}
	w.refresh(granted.Refresh).expect(t, "invalid_grant")
	w.redeem(code).expect(t, "invalid_grant")
	if page := b.follow(b.get(w.request())); !strings.Contains(page.body, "Allow <span") {
		t.Errorf("the app is not asked about again: %d", page.status)
	}
	// What bob allows anew does not bring the old grant back.
	next := w.redeem(w.code())
	next.expect(t, "")
	w.refresh(granted.Refresh).expect(t, "invalid_grant")

	// What is not there is no error and no event; nobody removes somebody else's.
	before = len(w.events())
	_, form := alice.form(alice.get("/oauth/account"), "/oauth/account/password")
	form.Set("client_id", clientID)
	form.Set("server", "mcp://vetassist")
	if a := alice.do(http.MethodPost, "/oauth/account/apps/remove", form); a.status != http.StatusSeeOther {
		t.Errorf("alice: %d", a.status)
	}
	form.Set("client_id", strings.Repeat("x", 2000))
	if a := alice.do(http.MethodPost, "/oauth/account/apps/remove", form); a.status != http.StatusSeeOther {
		t.Errorf("an id that cannot be: %d", a.status)
	}
	if n := len(w.events()) - before; n != 0 {
		t.Errorf("%d events", n)
	}
	w.refresh(next.Refresh).expect(t, "")
}

// Many consents: page by page, each once; those to what is gone show too, and can be removed.
func TestManyApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 23 {
		c := directory.Client{ID: fmt.Sprintf("app-%02d", i), Name: fmt.Sprintf("App %02d", i), RedirectURIs: []string{w.url + "/callback"},
			GrantTypes: []string{"authorization_code"}, Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}
		if i != 7 { // that one has been deleted since
			if err := w.directory.PutClient(t.Context(), c, store.IfAbsent()); err != nil {
				t.Fatal(err)
			}
		} else {
			c.Name = c.ID
		}
		_, ops, err := w.directory.Allow(t.Context(), "user-bob", c.ID, "mcp://vetassist", []string{"pet-profile:read"})
		if err == nil {
			err = w.db.Write(t.Context(), ops...)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, c.Name)
	}
	b := w.browser()
	page := b.login("bob", "/oauth/login")
	nameRE, moreRE := regexp.MustCompile(`<strong class="block">(.*?)</strong>`), regexp.MustCompile(`<a href="([^"]*)">More apps</a>`)
	var got []string
	pages := 0
	for {
		pages++
		for _, m := range nameRE.FindAllStringSubmatch(section(t, page, "apps"), -1) {
			got = append(got, m[1])
		}
		more := moreRE.FindStringSubmatch(page.body)
		if more == nil {
			break
		}
		page = b.get(html.UnescapeString(more[1]))
	}
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if a := b.get("/oauth/account?cursor=nonsense%00"); a.status != http.StatusOK || !strings.Contains(a.body, "App 00") {
		t.Errorf("a bad cursor: %d", a.status)
	}
	b.send("/oauth/account/apps/remove", "client_id", "app-07")
	if c, err := w.directory.Consent(t.Context(), "user-bob", "app-07", "mcp://vetassist"); err != nil || len(c.Scopes) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhereYouAreLoggedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there, alice := w.browser(), w.browser(), w.browser()
	action, form := here.form(here.get("/oauth/login"), "/oauth/login")
	form.Set("username", "bob")
	form.Set("password", "bob-demo")
	here.do(http.MethodPost, action, form, withAgent(agent))
	w.clock.Advance(time.Hour)
	there.login("bob", "/oauth/login")
	alice.login("alice", "/oauth/login")
	text := section(t, here.get("/oauth/account"), "logins")
	for _, want := range []string{"<strong>Firefox on Linux</strong> <span class=\"badge good\">this browser</span>", "Since <time datetime=\"2026-11-23T14:00:00Z\">",
		"with a password", "From the address 127.0.0.1", "<strong>Unknown browser</strong>", "Log out everywhere else"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "<li"); n != 2 {
		t.Errorf("%d logins", n)
	}

	loginRE := regexp.MustCompile(`name="login" value="([^"]*)"`)
	ids := loginRE.FindAllStringSubmatch(text, -1) // the newest first
	before := len(w.events())
	if a := alice.send("/oauth/account/logins/end", "login", ids[0][1]); a.status != http.StatusSeeOther || !there.isLoggedIn() || len(w.events()) != before {
		t.Errorf("alice ends bob's: %d, bob is logged in: %v", a.status, there.isLoggedIn())
	}
	if a := here.follow(here.send("/oauth/account/logins/end", "login", ids[0][1])); !strings.Contains(a.body, "That login is ended") || there.isLoggedIn() || !here.isLoggedIn() {
		t.Errorf("ending one: there %v, here %v", there.isLoggedIn(), here.isLoggedIn())
	}
	if a := here.send("/oauth/account/logins/end", "login", ids[0][1]); a.status != http.StatusSeeOther {
		t.Errorf("ending it again: %d", a.status)
	}
	if got := w.lines()[before:]; !slices.Equal(got, []string{"logout ok user-bob -"}) {
		t.Errorf("recorded %q", got)
	}

	others := []*browser{w.browser(), w.browser(), w.browser()}
	for _, b := range others {
		b.login("bob", "/oauth/login")
	}
	before = len(w.events())
	if a := here.follow(here.send("/oauth/account/logins/end-others")); !strings.Contains(a.body, "You are logged out everywhere else") || !here.isLoggedIn() {
		t.Errorf("everywhere else: %d", a.status)
	}
	for _, b := range others {
		if b.isLoggedIn() {
			t.Error("one of the others is logged in")
		}
	}
	if got := w.events()[before:]; len(got) != 1 || got[0].Details["logins"] != "3" || !alice.isLoggedIn() {
		t.Errorf("recorded %+v, alice is logged in: %v", got, alice.isLoggedIn())
	}
	if text := section(t, here.get("/oauth/account"), "logins"); strings.Contains(text, "everywhere else") || strings.Count(text, "<li") != 1 {
		t.Errorf("what is left:\n%s", text)
	}
	if a := here.follow(here.send("/oauth/account/logins/end")); !strings.Contains(a.body, "You are logged out") || here.isLoggedIn() {
		t.Errorf("ending this one: %d", a.status)
	}
}

func TestBrowserNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for agent, want := range map[string]string{
		agent: "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                         "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"curl/8.14.1":                   "curl",
		"<script>alert(1)</script>":     "Unknown browser",
		strings.Repeat("Firefox/ ", 40): "Firefox",
	} {
		b := w.browser()
		action, form := b.form(b.get("/oauth/login"), "/oauth/login")
		form.Set("username", "alice")
		form.Set("password", "alice-demo")
		b.do(http.MethodPost, action, form, withAgent(agent))
		text := section(t, b.get("/oauth/account"), "logins")
		if !strings.Contains(text, "<strong>"+want+"</strong> <span") {
			t.Errorf("%s is not called %s", agent, want)
		}
	}
}
