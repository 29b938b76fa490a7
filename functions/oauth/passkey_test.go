package oauth_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// newPasskeyWorld is at a name, since passkeys belong to one.
func newPasskeyWorld(t *testing.T) *world {
	return newWorldAt(t, "localhost", func(s store.Store) store.Store { return s })
}

// addPasskey adds one to whoever is logged in, as the account page's script does.
func (b *browser) addPasskey(a *authenticator, name string) scriptAnswer {
	b.t.Helper()
	token := b.token(b.get("/oauth/account"))
	o := options[creationOptions](b, b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}))
	return b.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": name, "credential": a.create(o)})
}

// withPasskey is a user who has one, and their authenticator.
func (w *world) withPasskey(t *testing.T, username string) *authenticator {
	t.Helper()
	a, b := w.authenticator(t), w.browser()
	b.login(username, "/oauth/login")
	if got := b.addPasskey(a, "My key"); got.Status != http.StatusOK || got.Location != "/oauth/account?done=added" {
		t.Fatalf("adding: %d %s", got.Status, got.raw)
	}
	return a
}

// passkeyLogin is a login with a passkey on the page that target leads to. It says what came of it.
func (b *browser) passkeyLogin(a *authenticator, k softKey, target string) scriptAnswer {
	b.t.Helper()
	page := b.follow(b.get(target))
	token, finish := b.token(page), finishOf(b, page)
	o := options[requestOptions](b, b.script("/oauth/passkey/login/begin", map[string]any{"form_token": token}))
	return b.script(finish, map[string]any{"form_token": token, "credential": a.get(o, k)})
}

func finishOf(b *browser, page answer) string {
	b.t.Helper()
	_, rest, ok := strings.Cut(page.body, `data-finish="`)
	address, _, _ := strings.Cut(rest, `"`)
	if !ok {
		b.t.Fatalf("no passkey button on this page:\n%s", page.body)
	}
	return strings.ReplaceAll(address, "&amp;", "&")
}

func TestPasskeyLogin(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	w.clock.Advance(time.Hour)

	b := w.browser()
	got := b.passkeyLogin(a, a.keys[0], "/oauth/login")
	if got.Status != http.StatusOK || got.Location != "/oauth/account" {
		t.Fatalf("login: %d %s", got.Status, got.raw)
	}
	page := b.get(got.Location).body
	for _, want := range []string{"You are logged in as Bob Miller", "with a passkey", "My key", "Last used <time datetime=\"2026-11-23T15:00:00Z\">"} {
		if !strings.Contains(page, want) {
			t.Errorf("the account page does not say %q", want)
		}
	}

	// For an application: the request goes on.
	b = w.browser()
	got = b.passkeyLogin(a, a.keys[0], w.request())
	if !strings.HasPrefix(got.Location, "/oauth/authorize?") {
		t.Fatalf("login for a client: %d %s", got.Status, got.raw)
	}
	if code := b.callback(b.approve(b.get(got.Location))).Get("code"); code == "" {
		t.Error("no code")
	}

	// A locked name stops passwords only.
	for range 11 {
		w.logIn(w.browser(), "/oauth/login", "bob", "wrong")
	}
	if got := w.browser().passkeyLogin(a, a.keys[0], "/oauth/login"); got.Status != http.StatusOK {
		t.Errorf("while the name is locked: %d %s", got.Status, got.raw)
	}
	if !slices.Contains(w.lines(), "login ok user-bob vet-assist-ai") || !slices.Contains(w.lines(), "passkey-change ok user-bob -") {
		t.Errorf("recorded: %q", w.lines())
	}
}

func (w *world) lines() (all []string) {
	for _, e := range w.events() {
		all = append(all, line(e))
	}
	return all
}

// loginToken is the token of a login page, which this browser may have left behind.
func (w *world) loginToken(b *browser) string {
	return b.token(b.follow(b.get(w.request("prompt", "login"))))
}

// TestPasskeyLoginRefuses: each row breaks one thing of a login that would else succeed.
func TestPasskeyLoginRefuses(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	bobs, alices := w.withPasskey(t, "bob"), w.withPasskey(t, "alice")
	for _, c := range []struct {
		name   string
		breaks func(a *authenticator)
		key    softKey
		code   string
	}{
		{"nothing is wrong", func(*authenticator) {}, bobs.keys[0], ""},
		{"another origin", func(a *authenticator) { a.origin = "https://evil.example" }, bobs.keys[0], "refused"},
		{"another port", func(a *authenticator) { a.origin = "http://localhost:1" }, bobs.keys[0], "refused"},
		{"another relying party", func(a *authenticator) { a.rpID = "evil.example" }, bobs.keys[0], "refused"},
		{"another challenge", func(a *authenticator) { a.challenge = b64(make([]byte, 32)) }, bobs.keys[0], "refused"},
		{"no verification", func(a *authenticator) { a.flags = userPresent }, bobs.keys[0], "refused"},
		{"nobody there", func(a *authenticator) { a.flags = userVerified }, bobs.keys[0], "refused"},
		{"bob's key as alice", func(a *authenticator) { a.handle = "user-alice" }, bobs.keys[0], "refused"},
		{"as nobody", func(a *authenticator) { a.handle = "user-nobody" }, bobs.keys[0], "refused"},
		{"as nobody who can be", func(a *authenticator) { a.handle = strings.Repeat("\xff", 64) }, bobs.keys[0], "refused"},
		{"alice's id, bob's key", func(*authenticator) {}, softKey{alices.keys[0].id, "user-alice", bobs.keys[0].key}, "refused"},
		{"an unknown key", func(*authenticator) {}, softKey{[]byte("unknown"), "user-bob", bobs.keys[0].key}, "refused"},
		{"the counter went back", func(a *authenticator) { a.count = 0 }, bobs.keys[0], "counter"},
		{"nothing is wrong still", func(*authenticator) {}, bobs.keys[0], ""},
	} {
		a := *bobs
		c.breaks(&a)
		before := len(w.events())
		b := w.browser()
		got := b.passkeyLogin(&a, c.key, w.request())
		bobs.count = max(bobs.count, a.count)
		if got.Code != c.code || (got.Status == http.StatusOK) != (c.code == "") || b.isLoggedIn() != (c.code == "") {
			t.Errorf("%s: %d %s, logged in: %v", c.name, got.Status, got.raw, b.isLoggedIn())
		}
		want := "login ok user-bob vet-assist-ai"
		switch c.code {
		case "refused":
			want = "login refused - vet-assist-ai error=refused" // nobody proved to be anybody
		case "counter":
			want = "login refused user-bob vet-assist-ai error=counter"
		}
		if lines := w.lines()[before:]; len(lines) != 1 || lines[0] != want {
			t.Errorf("%s: recorded %q, want %q", c.name, lines, want)
		}
	}
}

// Two who use one count of a passkey at once: one of them is a copy.
func TestPasskeyUsedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	first, second := w.browser(), w.browser()
	var answers [2]scriptAnswer
	type prepared struct {
		token      string
		credential json.RawMessage
	}
	var ready [2]prepared
	for i, b := range []*browser{first, second} {
		token := b.token(b.get("/oauth/login"))
		o := options[requestOptions](b, b.script("/oauth/passkey/login/begin", map[string]any{"form_token": token}))
		a.count = 7
		ready[i] = prepared{token, a.get(o, a.keys[0])}
	}
	var wg sync.WaitGroup
	for i, b := range []*browser{first, second} {
		wg.Go(func() {
			answers[i] = b.script("/oauth/passkey/login/finish", map[string]any{"form_token": ready[i].token, "credential": ready[i].credential})
		})
	}
	wg.Wait()
	if answers[0].Code == answers[1].Code || answers[0].Code+answers[1].Code != "counter" {
		t.Errorf("%d %s and %d %s", answers[0].Status, answers[0].raw, answers[1].Status, answers[1].raw)
	}
}

// Who is disabled cannot log in, whose passkey is removed neither, and who was signed out while logging in is out.
func TestPasskeyOfWhoMayNot(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")

	meanwhile := w.browser()
	page := meanwhile.get("/oauth/login")
	o := options[requestOptions](meanwhile, meanwhile.script("/oauth/passkey/login/begin", map[string]any{"form_token": meanwhile.token(page)}))
	credential := a.get(o, a.keys[0])
	w.beforeNextWrite(func() { w.signOut("user-bob"); w.clock.Advance(time.Second) })
	if got := meanwhile.script("/oauth/passkey/login/finish", map[string]any{"form_token": meanwhile.token(page), "credential": credential}); got.Status != http.StatusOK {
		t.Errorf("signed out meanwhile: %d %s", got.Status, got.raw)
	}
	if meanwhile.isLoggedIn() {
		t.Error("signed out while logging in, and logged in")
	}

	edit := func(disabled bool) {
		t.Helper()
		u, err := w.directory.UserRecord(t.Context(), "user-bob")
		if err == nil {
			_, err = w.directory.UpdateUser(t.Context(), "user-bob", u.Version, directory.UserEdit{Disabled: &disabled})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	edit(true)
	if got := w.browser().passkeyLogin(a, a.keys[0], "/oauth/login"); got.Code != "refused" {
		t.Errorf("disabled: %d %s", got.Status, got.raw)
	}
	edit(false)
	b := w.browser()
	if got := b.passkeyLogin(a, a.keys[0], "/oauth/login"); got.Status != http.StatusOK {
		t.Errorf("enabled again: %d %s", got.Status, got.raw)
	}
	action, form := b.form(b.get("/oauth/account"), "/oauth/account/passkeys/remove")
	if got := b.follow(b.do(http.MethodPost, action, form)); !strings.Contains(got.body, "The passkey is removed") || strings.Contains(got.body, "My key") {
		t.Errorf("removing: %d", got.status)
	}
	if got := w.browser().passkeyLogin(a, a.keys[0], "/oauth/login"); got.Code != "refused" {
		t.Errorf("removed: %d %s", got.Status, got.raw)
	}
	if got := b.do(http.MethodPost, action, form); got.header.Get("Location") != "/oauth/account?done=passkey" { // again is no error
		t.Errorf("removing again: %d", got.status)
	}
}
