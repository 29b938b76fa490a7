package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// What we ask of an authenticator.
func TestPasskeyOptions(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	b := w.browser()
	b.login("bob", "/oauth/login")
	o := options[creationOptions](b, b.script("/oauth/passkey/add/begin", map[string]any{"form_token": b.token(b.get("/oauth/account"))}))
	if o.RP.ID != "localhost" || o.Selection.UserVerification != "required" || o.Selection.ResidentKey != "required" || !o.Selection.RequireResidentKey ||
		o.User.Name != "bob" || o.User.ID != b64([]byte("user-bob")) || len(o.Exclude) != 1 || o.Exclude[0].ID != b64(a.keys[0].id) {
		t.Errorf("to create: %+v", o)
	}
	q := options[requestOptions](b, b.script("/oauth/passkey/login/begin", map[string]any{"form_token": w.loginToken(b)}))
	if q.RPID != "localhost" || q.UserVerification != "required" || len(q.Allow) != 0 || len(q.Challenge) < 22 {
		t.Errorf("to log in: %+v", q)
	}
}

// TestPasskeyAddRefuses: each row breaks one thing of a passkey that would else be added.
func TestPasskeyAddRefuses(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	alices := w.withPasskey(t, "alice")
	b := w.browser()
	b.login("bob", "/oauth/login")
	for _, c := range []struct {
		name   string
		key    string
		breaks func(a *authenticator)
		status int
		code   string
	}{
		{"another origin", "Key", func(a *authenticator) { a.origin = "https://evil.example" }, http.StatusBadRequest, "refused"},
		{"another relying party", "Key", func(a *authenticator) { a.rpID = "evil.example" }, http.StatusBadRequest, "refused"},
		{"another challenge", "Key", func(a *authenticator) { a.challenge = b64(make([]byte, 32)) }, http.StatusBadRequest, "refused"},
		{"no verification", "Key", func(a *authenticator) { a.flags = userPresent }, http.StatusBadRequest, "refused"},
		{"no name", "", func(*authenticator) {}, http.StatusBadRequest, "name"},
		{"a long name", strings.Repeat("x", 61), func(*authenticator) {}, http.StatusBadRequest, "name"},
		{"right", "Key", func(*authenticator) {}, http.StatusOK, ""},
	} {
		a := w.authenticator(t)
		c.breaks(a)
		before := len(w.events())
		if got := b.addPasskey(a, c.key); got.Status != c.status || got.Code != c.code {
			t.Errorf("%s: %d %s", c.name, got.Status, got.raw)
		}
		want := "passkey-change refused user-bob - error=" + c.code
		if c.code == "" {
			want = "passkey-change ok user-bob -"
		}
		if lines := w.lines()[before:]; len(lines) != 1 || lines[0] != want {
			t.Errorf("%s: recorded %q, want %q", c.name, lines, want)
		}
	}

	// A key that is alice's already, whatever bob's browser says.
	token := b.token(b.get("/oauth/account"))
	o := options[creationOptions](b, b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}))
	if got := b.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": "Alice's", "credential": alices.attest(o, alices.keys[0])}); got.Code != "refused" {
		t.Errorf("alice's key: %d %s", got.Status, got.raw)
	}
	// An answer to a login's question is none to this one, and nobody adds a passkey who is not logged in, or was long ago.
	if got := b.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": "x", "credential": alices.get(requestOptions{Challenge: o.Challenge}, alices.keys[0])}); got.Code != "expired" {
		t.Errorf("without a ceremony: %d %s", got.Status, got.raw)
	}
	w.clock.Advance(15 * time.Minute)
	if got := b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}); got.Status != http.StatusForbidden || got.Code != "login" {
		t.Errorf("a login of a quarter of an hour ago: %d %s", got.Status, got.raw)
	}
	page := b.get("/oauth/account")
	if strings.Contains(page.body, "data-passkey") || !strings.Contains(page.body, "log in again first") {
		t.Error("the account page offers what it would refuse")
	}
	action, form := b.form(answer{body: strings.Split(page.body, "log in again first")[1]}, "/oauth/logout")
	if a := b.do(http.MethodPost, action, form); a.header.Get("Location") != "/oauth/login" {
		t.Errorf("to log in again: %d %s", a.status, a.header.Get("Location"))
	}
	if got := b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}); got.Status == http.StatusOK {
		t.Errorf("nobody: %d %s", got.Status, got.raw)
	}
}

// Who is signed out while the passkey that they add is checked does not get it: the browser may not be theirs.
func TestPasskeyDoesNotOutliveASignOut(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a, b := w.authenticator(t), w.browser()
	b.login("bob", "/oauth/login")
	token := b.token(b.get("/oauth/account"))
	o := options[creationOptions](b, b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}))
	w.beforeNextWrite(func() { // the ceremony is taken
		w.beforeNextWrite(func() { // the passkey is written
			w.clock.Advance(time.Second)
			w.signOut("user-bob")
		})
	})
	if got := b.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": "Mine", "credential": a.create(o)}); got.Status != http.StatusForbidden || got.Code != "login" {
		t.Errorf("adding: %d %s", got.Status, got.raw)
	}
	if keys, err := w.directory.Passkeys(t.Context(), "user-bob"); err != nil || len(keys) != 0 {
		t.Errorf("bob has %d passkeys, %v", len(keys), err)
	}
	if got := w.browser().passkeyLogin(a, a.keys[0], "/oauth/login"); got.Code != "refused" {
		t.Errorf("logging in with it: %d %s", got.Status, got.raw)
	}
}

func TestPasskeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	b := w.browser()
	b.login("bob", "/oauth/login")
	token := b.token(b.get("/oauth/account"))
	a := w.authenticator(t)
	o := options[creationOptions](b, b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}))
	for i := range directory.MaxPasskeys {
		p := directory.Passkey{ID: fmt.Sprint(i), Name: fmt.Sprint(i), Credential: json.RawMessage(`{"id":"AAAA"}`)}
		if err := w.directory.AddPasskey(t.Context(), "user-bob", w.clock.Now(), time.Time{}, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": "x", "credential": a.create(o)}); got.Code != "too-many" {
		t.Errorf("the eleventh: %d %s", got.Status, got.raw)
	}
	if got := b.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}); got.Code != "too-many" {
		t.Errorf("asking for it: %d %s", got.Status, got.raw)
	}
	if page := b.get("/oauth/account").body; !strings.Contains(page, "as many passkeys as you can have") {
		t.Error("the account page does not say that there are too many")
	}
}

// At an address without a name passkeys are not offered, and the account page says why.
func TestPasskeysNeedAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	if page := b.get("/oauth/login"); strings.Contains(page.body, "passkey") {
		t.Error("the login page offers passkeys")
	}
	page := b.login("bob", "/oauth/login")
	if !strings.Contains(page.body, "Passkeys belong to a domain name") || strings.Contains(page.body, "data-passkey") {
		t.Error("the account page does not say why there are none")
	}
	for _, path := range []string{"add/begin", "add/finish", "login/begin", "login/finish"} {
		if got := b.script("/oauth/passkey/"+path, map[string]any{}); got.Status != http.StatusNotFound || got.Code != "not-offered" {
			t.Errorf("%s: %d %s", path, got.Status, got.raw)
		}
	}
}
