package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// deviceClient makes an application from the template for devices, authorized at the MCP server.
func (w *world) deviceClient(scopes ...string) string {
	w.t.Helper()
	r, _, err := w.directory.AddClient(w.t.Context(), directory.NewClient{Name: "Smart Feeder", Template: directory.DeviceTemplate})
	if err == nil {
		r, err = w.directory.AuthorizeClient(w.t.Context(), r.Value.ID, r.Version, mcp, scopes)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Value.ID
}

// asked is what a device was answered, well or not.
type asked struct {
	Status      int    `json:"-"`
	DeviceCode  string `json:"device_code"`
	UserCode    string `json:"user_code"`
	URI         string `json:"verification_uri"`
	Complete    string `json:"verification_uri_complete"`
	ExpiresIn   int    `json:"expires_in"`
	Interval    int    `json:"interval"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (w *world) askAs(form url.Values, edit ...func(*http.Request)) (got asked, a answer) {
	w.t.Helper()
	a = w.browser().do(http.MethodPost, "/oauth/device_authorization", form, edit...)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	got.Status = a.status
	return got, a
}

func (w *world) ask(client string, more ...string) asked {
	w.t.Helper()
	form := url.Values{"client_id": {client}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	got, _ := w.askAs(form)
	if got.Status != http.StatusOK {
		w.t.Fatalf("%+v", got)
	}
	return got
}

// poll asks for tokens with a device code; changes are as in request.
func (w *world) poll(client, deviceCode string, changes ...string) tokens {
	w.t.Helper()
	return w.tokenRequest(url.Values{"grant_type": {deviceGrant}, "client_id": {client}, "device_code": {deviceCode}}, changes)
}

// typed is the page for a user code.
func typed(code string) string { return "/oauth/device?user_code=" + url.QueryEscape(code) }

// decides answers the page about a device.
func (b *browser) decides(page answer, decision string, scopes ...string) answer {
	b.t.Helper()
	action, values := b.form(page, "/oauth/device")
	if len(scopes) > 0 {
		values["scope"] = scopes
	}
	values.Set("decision", decision)
	return b.do(http.MethodPost, action, values)
}

// allows lets somebody allow the device with a user code all that it asks for.
func (w *world) allows(username, code string) *browser {
	w.t.Helper()
	b := w.browser()
	if a := b.decides(b.login(username, typed(code)), "approve"); !strings.Contains(a.body, "is connected") {
		w.t.Fatalf("%d\n%s", a.status, a.body)
	}
	return b
}

// TestDevice: the story, from the code on the device to its tokens.
func TestDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read", "reminder:read")
	got, a := w.askAs(url.Values{"client_id": {client}, "scope": {"pet-profile:read reminder:read offline_access"}, "resource": {w.url + "/mcp"}})
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(got.UserCode) || len(got.DeviceCode) != 43 || got.ExpiresIn != 600 || got.Interval != 5 ||
		got.URI != w.url+"/oauth/device" || got.Complete != got.URI+"?user_code="+got.UserCode || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%+v %v", got, a.header)
	}
	w.poll(client, got.DeviceCode).expect(t, "authorization_pending")

	phone := w.browser()
	page := phone.get("/oauth/device")
	if !strings.Contains(page.body, `<form method="get" action="/oauth/device">`) || !strings.Contains(page.body, "in front of you") {
		t.Errorf("%s", page.body)
	}
	page = phone.login("bob", typed(strings.ToLower(strings.Replace(got.UserCode, "-", " ", 1))))
	for _, want := range []string{"Smart Feeder", got.UserCode, "in front of you", "Did somebody send you this code", "127.0.0.1", "less than a minute ago", "Bob Miller", `value="reminder:read" checked`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, page.body)
		}
	}
	if strings.Contains(page.body, "sent to") || strings.Contains(page.body, "whichever app") {
		t.Errorf("the page speaks of a redirect:\n%s", page.body)
	}
	if done := phone.decides(page, "approve", "pet-profile:read"); done.status != http.StatusOK || !strings.Contains(done.body, "Smart Feeder is connected") {
		t.Errorf("%d\n%s", done.status, done.body)
	}
	w.clock.Advance(5 * time.Second)
	tokens := w.poll(client, got.DeviceCode, "resource", w.url+"/mcp")
	if tokens.expect(t, ""); tokens.Scope != "pet-profile:read offline_access" || tokens.Refresh == "" {
		t.Errorf("%+v", tokens)
	}
	claims, err := w.verifier.Verify(t.Context(), tokens.Access)
	if err != nil || claims.Subject != "user-bob" || claims.ClientID != client || claims.Scope != "pet-profile:read" {
		t.Errorf("%+v, %v", claims, err)
	}
	next := w.refresh(tokens.Refresh, "client_id", client)
	next.expect(t, "")
	if account := phone.get("/oauth/account"); !strings.Contains(account.body, "Smart Feeder") {
		t.Error("My account does not show it")
	}

	// What was allowed before is asked again: it may be another device (RFC 8628 §5.4).
	again := w.ask(client, "scope", "pet-profile:read")
	if page = phone.get(typed(again.UserCode)); !strings.Contains(page.body, "You allowed this before") || !strings.Contains(page.body, again.UserCode) {
		t.Errorf("%d\n%s", page.status, page.body)
	}
	phone.decides(page, "approve")
	w.poll(client, again.DeviceCode).expect(t, "")

	dump := w.dump()
	for _, secret := range []string{got.DeviceCode, got.UserCode, strings.Replace(got.UserCode, "-", "", 1), tokens.Access, tokens.Refresh} {
		if strings.Contains(dump, secret) {
			t.Errorf("the store holds %.12s…", secret)
		}
	}
}

// TestDeviceRequestRefused: who may ask for a code, and for what (RFC 8628 §3.1, §3.2).
func TestDeviceRequestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	web, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	stranger := w.register("", strings.Replace(nativeBody, `"authorization_code"`, `"authorization_code", "`+deviceGrant+`"`, 1))
	if stranger.ClientID == "" || slices.Contains(stranger.Grants, deviceGrant) {
		t.Errorf("a stranger registers for %v", stranger.Grants)
	}
	none := func(*http.Request) {}
	for _, c := range []struct {
		what   string
		form   url.Values
		edit   func(*http.Request)
		status int
		code   string
	}{
		{"no client", url.Values{}, none, 401, "invalid_client"},
		{"an unknown client", url.Values{"client_id": {"nobody"}}, none, 401, "invalid_client"},
		{"a client without the grant", url.Values{"client_id": {clientID}}, none, 400, "unauthorized_client"},
		{"a client that registered itself", url.Values{"client_id": {stranger.ClientID}}, none, 400, "unauthorized_client"},
		{"a client with a secret, without it", url.Values{"client_id": {web}}, none, 401, "invalid_client"},
		{"and with it, but without the grant", url.Values{}, basic(web, secret), 400, "unauthorized_client"},
		{"a secret that it does not have", url.Values{"client_id": {client}, "client_secret": {"x"}}, none, 401, "invalid_client"},
		{"a broken scope", url.Values{"client_id": {client}, "scope": {`a"`}}, none, 400, "invalid_scope"},
		{"another resource", url.Values{"client_id": {client}, "resource": {w.url + "/admin/api"}}, none, 400, "invalid_target"},
		{"the client twice", url.Values{"client_id": {client, client}}, none, 400, "invalid_request"},
		{"JSON", url.Values{"client_id": {client}}, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
		{"a huge scope", url.Values{"client_id": {client}, "scope": {strings.Repeat("x", 70<<10)}}, none, 400, "invalid_request"},
		{"nothing but the client", url.Values{"client_id": {client}}, none, 200, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got, _ := w.askAs(c.form, c.edit); got.Status != c.status || got.Error != c.code || (got.DeviceCode == "") != (c.code != "") {
				t.Errorf("%+v", got)
			}
		})
	}
	if a := w.browser().get("/oauth/device_authorization?client_id=" + client); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.status)
	}
}

// TestDevicePoll: what a device is told while it asks (RFC 8628 §3.5), and that nothing else opens with its code (§5.2, §5.3).
func TestDevicePoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, other := w.deviceClient("pet-profile:read"), w.deviceClient("pet-profile:read")
	waits := w.ask(client)
	allowed := w.ask(client)
	w.allows("bob", allowed.UserCode)
	for _, c := range []struct {
		what string
		got  tokens
		code string
	}{
		{"no device code", w.poll(client, ""), "invalid_request"},
		{"an unknown one", w.poll(client, strings.Repeat("x", 43)), "invalid_grant"},
		{"the user code as device code", w.poll(client, allowed.UserCode), "invalid_grant"},
		{"by another client", w.poll(other, allowed.DeviceCode), "invalid_grant"},
		{"by another client, before it is answered", w.poll(other, waits.DeviceCode), "invalid_grant"},
		{"by a client without the grant", w.poll(clientID, allowed.DeviceCode), "unauthorized_client"},
		{"without the client", w.poll("", allowed.DeviceCode, "client_id", ""), "invalid_client"},
		{"the device code as code", w.redeem(allowed.DeviceCode), "invalid_grant"},
		{"the user code as code", w.redeem(allowed.UserCode), "invalid_grant"},
		{"the device code as refresh token", w.refresh(allowed.DeviceCode), "invalid_grant"},
		{"a code as device code", w.poll(client, w.code()), "invalid_grant"},
		{"another resource", w.poll(client, allowed.DeviceCode, "resource", w.url+"/admin/api"), "invalid_target"},
		{"answered by somebody else's code only", w.poll(client, waits.DeviceCode), "authorization_pending"},
		{"none of that has spent it", w.poll(client, allowed.DeviceCode), ""},
	} {
		t.Run(c.what, func(t *testing.T) { c.got.expect(t, c.code) })
	}

	// Each question that comes too early makes the pause five seconds longer, for all that follow.
	slow := w.ask(client)
	for i, step := range []struct {
		after time.Duration
		code  string
	}{
		{0, "authorization_pending"}, {5 * time.Second, "authorization_pending"}, {4 * time.Second, "authorization_pending"},
		{3 * time.Second, "slow_down"}, {5 * time.Second, "slow_down"}, {10 * time.Second, "slow_down"}, {20 * time.Second, "authorization_pending"},
		{18 * time.Second, "slow_down"}, {25 * time.Second, "authorization_pending"},
	} {
		w.clock.Advance(step.after)
		if got := w.poll(client, slow.DeviceCode); got.Error != step.code || got.Status != http.StatusBadRequest {
			t.Errorf("question %d: %+v, want %s", i, got, step.code)
		}
	}
	w.allows("bob", slow.UserCode) // what is answered need not wait
	w.poll(client, slow.DeviceCode).expect(t, "")
}

// TestDeviceEnds: denied, too late, and twice.
func TestDeviceEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	b := w.browser()
	b.login("bob", "/oauth/login")

	denied := w.ask(client)
	page := b.get(typed(denied.UserCode))
	if a := b.decides(page, "deny"); a.status != http.StatusOK || !strings.Contains(a.body, "got nothing") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	w.poll(client, denied.DeviceCode).expect(t, "access_denied")
	w.poll(client, denied.DeviceCode).expect(t, "access_denied")
	if a := b.decides(page, "approve"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "No device waits with this code") {
		t.Errorf("allowed after all: %d\n%s", a.status, a.body)
	}

	late, open := w.ask(client), w.ask(client)
	page, shown := b.get(typed(open.UserCode)), b.get(typed(late.UserCode))
	b.decides(page, "approve")
	w.clock.Advance(10 * time.Minute)
	w.poll(client, late.DeviceCode).expect(t, "expired_token")
	w.poll(client, open.DeviceCode).expect(t, "expired_token") // it was allowed, and never fetched
	for what, a := range map[string]answer{"typed": b.get(typed(late.UserCode)), "answered": b.decides(shown, "approve")} {
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "No device waits with this code") {
			t.Errorf("%s too late: %d\n%s", what, a.status, a.body)
		}
	}
	w.clock.Advance(2 * time.Hour)
	w.poll(client, late.DeviceCode).expect(t, "invalid_grant")

	twice := w.ask(client)
	w.allows("bob", twice.UserCode)
	first := w.poll(client, twice.DeviceCode)
	first.expect(t, "")
	w.poll(client, twice.DeviceCode).expect(t, "invalid_grant")
	w.refresh(first.Refresh, "client_id", client).expect(t, "invalid_grant")
	if a := b.get(typed(twice.UserCode)); a.status != http.StatusBadRequest {
		t.Errorf("the user code again: %d", a.status)
	}
}

// TestDeviceRaces: two that poll, two that decide, and who decides while the device polls.
func TestDeviceRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.deviceClient("pet-profile:read")
	bob, alice := w.browser(), w.browser()
	bob.login("bob", "/oauth/login")
	alice.login("alice", "/oauth/login")

	// Decided between reading and writing.
	got := w.ask(client)
	first, second := bob.get(typed(got.UserCode)), alice.get(typed(got.UserCode))
	w.beforeNextWrite(func() { w.poll(client, got.DeviceCode).expect(t, "authorization_pending") })
	if a := bob.decides(first, "approve"); a.status != http.StatusOK {
		t.Errorf("while the device asked: %d\n%s", a.status, a.body)
	}
	if a := alice.decides(second, "approve"); a.status != http.StatusBadRequest {
		t.Errorf("alice after bob: %d\n%s", a.status, a.body)
	}
	tokens := w.poll(client, got.DeviceCode)
	tokens.expect(t, "")
	if claims, err := w.verifier.Verify(t.Context(), tokens.Access); err != nil || claims.Subject != "user-bob" {
		t.Errorf("%+v, %v", claims, err)
	}

	// Allowed while the device asks: it is served at once.
	got = w.ask(client)
	page := bob.get(typed(got.UserCode))
	w.beforeNextWrite(func() { bob.decides(page, "approve") })
	w.poll(client, got.DeviceCode).expect(t, "")

	// Many fetch at once: one wins, and the others are a second use.
	got = w.ask(client)
	w.allows("bob", got.UserCode)
	results := make([]tokensResult, 12)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i].tokens = w.poll(client, got.DeviceCode) })
	}
	wg.Wait()
	won := 0
	for _, r := range results {
		if r.Error == "" {
			won++
			w.refresh(r.Refresh, "client_id", client).expect(t, "invalid_grant")
		} else {
			r.expect(t, "invalid_grant")
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

type tokensResult struct{ tokens }

// TestDeviceStands: what ends a grant ends it also between the answer and the fetching, and after (RFC 6749 §6; signed out, withdrawn,
// disabled, a role taken away).
func TestDeviceStands(t *testing.T) {
	t.Parallel()
	for what, ends := range map[string]func(w *world, client string) error{
		"signed out everywhere": func(w *world, _ string) error { return w.directory.SignOut(w.t.Context(), "user-bob") },
		"the consent withdrawn": func(w *world, client string) error {
			return w.directory.Withdraw(w.t.Context(), "user-bob", client, mcp)
		},
		"withdrawn and given again": func(w *world, client string) error {
			err := w.directory.Withdraw(w.t.Context(), "user-bob", client, mcp)
			w.clock.Advance(time.Second)
			w.allows("bob", w.ask(client).UserCode)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			client := w.deviceClient("pet-profile:read")
			fetched, waiting := w.ask(client), w.ask(client)
			w.allows("bob", fetched.UserCode)
			w.allows("bob", waiting.UserCode)
			got := w.poll(client, fetched.DeviceCode)
			got.expect(t, "")
			if err := ends(w, client); err != nil {
				t.Fatal(err)
			}
			w.poll(client, waiting.DeviceCode).expect(t, "invalid_grant")
			w.refresh(got.Refresh, "client_id", client).expect(t, "invalid_grant")
			later := w.ask(client)
			w.allows("bob", later.UserCode)
			w.poll(client, later.DeviceCode).expect(t, "")
		})
	}
	t.Run("signed out while it is allowed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		client := w.deviceClient("pet-profile:read")
		w.allows("bob", w.ask(client).UserCode)
		got := w.ask(client)
		b := w.browser()
		page := b.login("bob", typed(got.UserCode))
		w.beforeNextWrite(func() { w.signOut("user-bob"); w.clock.Advance(time.Second) })
		b.decides(page, "approve")
		w.poll(client, got.DeviceCode).expect(t, "invalid_grant")
	})
	t.Run("the application disabled", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		client := w.deviceClient("pet-profile:read")
		waiting, allowed := w.ask(client), w.ask(client)
		w.allows("bob", allowed.UserCode)
		c, err := w.directory.Client(t.Context(), client)
		if c.Disabled = true; err == nil {
			err = w.directory.PutClient(t.Context(), c, store.IfPresent())
		}
		if err != nil {
			t.Fatal(err)
		}
		w.poll(client, allowed.DeviceCode).expect(t, "invalid_client")
		if a := w.browser().login("bob", typed(waiting.UserCode)); a.status != http.StatusBadRequest {
			t.Errorf("%d\n%s", a.status, a.body)
		}
	})
}
