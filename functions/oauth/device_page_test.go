package oauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
)

// TestDevicePage: what a person can do there by mistake, and what another site's page cannot do at all.
func TestDevicePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	got := w.ask(client, "scope", "pet-profile:read pet-profile:write")
	b := w.browser()
	// Nobody is told anything before a login: a right code and a wrong one lead to the same page.
	for _, code := range []string{got.UserCode, "BBBB-BBBB"} {
		if a := b.get(typed(code)); a.status != http.StatusSeeOther || a.header.Get("Location") != "/oauth/login?user_code="+code {
			t.Errorf("%s: %d %s", code, a.status, a.header.Get("Location"))
		}
		if page := b.get("/oauth/login?user_code=" + code); strings.Contains(page.body, "Smart Feeder") || !strings.Contains(page.body, "to connect the device that shows <code>"+code) || page.status != http.StatusOK {
			t.Errorf("%s: %d\n%s", code, page.status, page.body)
		}
	}
	for _, wrong := range []string{"BBBB-BBB", "12345678", "<script>", strings.Repeat("B", 70), "\xff", "BBBB-BBBB-B"} {
		a := b.get(typed(wrong))
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "A code has eight letters") || strings.Contains(a.body, "<script>") {
			t.Errorf("%q: %d\n%s", wrong, a.status, a.body)
		}
		if a := b.get("/oauth/login?user_code=" + url.QueryEscape(wrong)); a.status != http.StatusBadRequest {
			t.Errorf("%q at the login: %d", wrong, a.status)
		}
	}
	page := b.login("bob", typed(got.UserCode))
	if !strings.Contains(page.body, "Asked for, but not available to you") {
		t.Errorf("%s", page.body)
	}
	action, good := b.form(page, "/oauth/device")
	with := func(name string, values ...string) url.Values {
		form := url.Values{"form_token": good["form_token"], "scope": good["scope"], "decision": {"approve"}}
		form[name] = values
		return form
	}
	other := w.ask(client)
	for _, c := range []struct {
		what, action string
		form         url.Values
		status       int
		says         string
	}{
		{"no token", action, with("form_token"), 400, "open for too long"},
		{"wrong token", action, with("form_token", "x"), 400, "open for too long"},
		{"another device than was shown", typed(other.UserCode), with("x"), 400, "open for too long"},
		{"no decision", action, with("decision"), 400, "choose Allow or Deny"},
		{"nothing ticked", action, with("scope"), 400, "Tick at least one"},
		{"only what the role forbids", action, with("scope", "pet-profile:write"), 400, "Tick at least one"},
		{"no code", "/oauth/device", with("x"), 400, "does not work"},
	} {
		if a := b.do(http.MethodPost, c.action, c.form); a.status != c.status || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d\n%s", c.what, a.status, a.body)
		}
	}
	if a := b.do(http.MethodPost, action, with("x"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); a.status != http.StatusForbidden {
		t.Errorf("another site's page: %d", a.status)
	}
	if a := w.browser().do(http.MethodPost, action, with("x")); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?user_code=") {
		t.Errorf("nobody logged in: %d", a.status)
	}
	alice := w.browser()
	alice.login("alice", "/oauth/login")
	if a := alice.do(http.MethodPost, action, with("x")); a.status != http.StatusBadRequest {
		t.Errorf("another browser's form: %d", a.status)
	}
	// "Switch user" comes back to the device.
	action, form := b.form(page, "/oauth/logout")
	page = b.follow(b.do(http.MethodPost, action, form))
	action, form = b.form(page, "/oauth/login")
	form.Set("username", "carol")
	form.Set("password", "carol-demo")
	if page = b.follow(b.do(http.MethodPost, action, form)); !strings.Contains(page.body, "Carol") || !strings.Contains(page.body, got.UserCode) {
		t.Errorf("%d\n%s", page.status, page.body)
	}
	// Nothing to allow: it can only be denied.
	page = w.browser().login("admin", typed(got.UserCode))
	if !strings.Contains(page.body, "nothing here that you could allow") || strings.Contains(page.body, `value="approve"`) || strings.Contains(page.body, "Go back to") {
		t.Errorf("%s", page.body)
	}
	w.poll(client, got.DeviceCode).expect(t, "authorization_pending")
}

// TestUserCodesAreHardToGuess: so many codes may be looked up by one person, and no more, right ones included (RFC 8628 §5.1).
func TestUserCodesAreHardToGuess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	got := w.ask(client)
	b := w.browser()
	b.login("bob", "/oauth/login")
	var wg sync.WaitGroup
	for range 10 { // at once, too
		wg.Go(func() { b.get(typed("BBBB-BBBB")) })
	}
	wg.Wait()
	looked := 0
	for range 30 {
		if a := b.get(typed("BBBB-BBBC")); a.status == http.StatusBadRequest {
			looked++
		}
	}
	a := b.get(typed(got.UserCode))
	if looked < 10 || looked > 20 || a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Too many codes") || strings.Contains(a.body, "Smart Feeder") {
		t.Errorf("%d looked up, then %d, Retry-After %q", looked, a.status, a.header.Get("Retry-After"))
	}
	if a := w.browser().login("alice", typed(got.UserCode)); !strings.Contains(a.body, "Smart Feeder") {
		t.Errorf("alice is held up: %d", a.status)
	}
	events := 0
	for _, e := range w.events() {
		if e.Name == audit.Device && e.Outcome == audit.Refused && e.UserID == "user-bob" {
			events++
		}
	}
	if events < looked {
		t.Errorf("%d are recorded", events)
	}
	w.clock.Advance(10 * time.Minute)
	got = w.ask(client)
	if a := b.get(typed(got.UserCode)); !strings.Contains(a.body, "Smart Feeder") {
		t.Errorf("ten minutes later: %d", a.status)
	}
}

// TestDevicesAreBounded: open codes are what a guess can hit, so there are only so many.
func TestDevicesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	ask := func(address string) (asked, answer) {
		return w.askAs(url.Values{"client_id": {client}}, func(r *http.Request) { r.Header.Set("Test-From", address) })
	}
	given := 0
	for range 70 {
		if got, _ := ask("192.0.2.1"); got.Error == "" {
			given++
		}
	}
	got, a := ask("192.0.2.1")
	if given != 60 || got.Status != http.StatusTooManyRequests || got.Error != "temporarily_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d given, then %+v", given, got)
	}
	for i := range 540 {
		if got, _ = ask(fmt.Sprintf("198.51.%d.%d", i/200, i%200)); got.Error != "" {
			t.Fatalf("%d: %+v", i, got)
		}
	}
	if got, _ = ask("203.0.113.1"); got.Status != http.StatusTooManyRequests {
		t.Errorf("in all: %+v", got)
	}
	w.clock.Advance(10 * time.Minute)
	if got, _ = ask("192.0.2.1"); got.Error != "" {
		t.Errorf("ten minutes later: %+v", got)
	}
}

// TestDeviceAudit: what is recorded, and that waiting is not.
func TestDeviceAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	got, denied := w.ask(client), w.ask(client)
	w.poll(client, got.DeviceCode)
	w.poll(client, got.DeviceCode)
	b := w.allows("bob", got.UserCode)
	w.poll(client, got.DeviceCode)
	b.decides(b.get(typed(denied.UserCode)), "deny")
	w.poll(client, denied.DeviceCode)
	w.askAs(url.Values{"client_id": {clientID}})
	w.pushAs(w.pushForm("request", "a.b.c"))
	w.poll(client, got.DeviceCode)
	var lines []string
	for _, e := range w.events() {
		lines = append(lines, strings.ReplaceAll(line(e), client, "feeder"))
	}
	want := []string{
		"device ok - feeder scope=pet-profile:read", "device ok - feeder scope=pet-profile:read",
		"login ok user-bob -", "consent ok user-bob feeder scope=pet-profile:read", "token ok user-bob feeder scope=pet-profile:read",
		"consent refused user-bob feeder scope=pet-profile:read", "token refused user-bob feeder error=access_denied",
		"device refused - vet-assist-ai error=unauthorized_client", "push refused - vet-assist-ai error=request_not_supported",
		"code-reuse refused user-bob feeder", "token refused user-bob feeder error=invalid_grant",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("recorded\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
}

// TestUserCodesFromOneAddress: many people behind one address, or one person with many names, can try so many in all.
func TestUserCodesFromOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Test-From", address) }
	}
	looked := 0
	for i := range 6 {
		name := fmt.Sprintf("guest%d", i)
		if err := w.directory.CreateUser(t.Context(), directory.User{ID: "user-" + name, Username: name, Name: name, Roles: []string{"Pet Owner"}}, name+"-demo", true); err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.login(name, "/oauth/login")
		for range 20 {
			if a := b.do(http.MethodGet, typed("BBBB-BBBB"), nil, from("192.0.2.1")); a.status == http.StatusBadRequest {
				looked++
			}
		}
	}
	got, alice := w.ask(client), w.browser()
	alice.login("alice", "/oauth/login")
	held := alice.do(http.MethodGet, typed(got.UserCode), nil, from("192.0.2.1"))
	if looked != 100 || held.status != http.StatusTooManyRequests {
		t.Errorf("%d looked up, then %d", looked, held.status)
	}
	if a := alice.do(http.MethodGet, typed(got.UserCode), nil, from("192.0.2.2")); !strings.Contains(a.body, "Smart Feeder") {
		t.Errorf("from another address: %d", a.status)
	}
}
