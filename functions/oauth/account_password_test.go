package oauth_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	b.login("bob", "/oauth/login")
	other.login("bob", "/oauth/login")
	granted, code := w.redeem(w.code()), w.code()
	const fresh = "Correct-Horse-7"
	before := len(w.events())
	for _, c := range []struct {
		name                string
		current, new, again string
		status              int
		says                string
		recorded            string
	}{
		{"two that differ", "bob-demo", fresh, fresh + "x", http.StatusBadRequest, "the same new password twice", ""},
		{"too short", "bob-demo", "short", "short", http.StatusBadRequest, "must be 8 to 256", ""},
		{"too common", "bob-demo", "password1", "password1", http.StatusBadRequest, "commonest", ""},
		{"the same", "bob-demo", "bob-demo", "bob-demo", http.StatusBadRequest, "must not be built on the username", ""},
		{"a wrong one", "wrong", fresh, fresh, http.StatusForbidden, "The current password is not right", "password-change refused user-bob - error=wrong"},
	} {
		a := b.send("/oauth/account/password", "current", c.current, "new", c.new, "again", c.again)
		if a.status != c.status || !strings.Contains(section(t, a, "password"), c.says) {
			t.Errorf("%s: %d\n%s", c.name, a.status, section(t, a, "password"))
		}
		if got := strings.Join(w.lines()[before:], "; "); got != c.recorded {
			t.Errorf("%s: recorded %q", c.name, got)
		}
	}
	if !other.isLoggedIn() {
		t.Error("a refused change has logged out")
	}

	before = len(w.events())
	old := b.client.Jar.Cookies(mustParse(t, w.url))
	a := b.send("/oauth/account/password", "current", "bob-demo", "new", fresh, "again", fresh)
	if a = b.follow(a); !strings.Contains(a.body, "Your password is changed") || !b.isLoggedIn() || other.isLoggedIn() {
		t.Errorf("changed: %d, here %v, there %v", a.status, b.isLoggedIn(), other.isLoggedIn())
	}
	if now := b.client.Jar.Cookies(mustParse(t, w.url)); now[0].Value == old[0].Value {
		t.Error("the session id is the same before and after")
	}
	if text := section(t, a, "logins"); strings.Count(text, "<li") != 1 {
		t.Errorf("logins:\n%s", text)
	}
	if got := w.lines()[before:]; !slices.Equal(got, []string{"password-change ok user-bob -", "login ok user-bob -"}) {
		t.Errorf("recorded %q", got)
	}
	w.refresh(granted.Refresh).expect(t, "invalid_grant")
	w.redeem(code).expect(t, "invalid_grant")
	if text := section(t, a, "apps"); !strings.Contains(text, "It is not connected now") {
		t.Errorf("what is allowed:\n%s", text)
	}
	if a := w.logIn(w.browser(), "/oauth/login", "bob", "bob-demo"); a.status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", a.status)
	}
	if a := w.logIn(w.browser(), "/oauth/login", "bob", fresh); a.status != http.StatusSeeOther {
		t.Errorf("the new password: %d", a.status)
	}
	for _, e := range w.events() {
		if strings.Contains(fmt.Sprint(e), fresh) {
			t.Error("the audit log holds the password")
		}
	}

	// The old password cannot be guessed here either, and not beside the login page.
	for n := range 12 {
		a := b.send("/oauth/account/password", "current", "wrong", "new", "another new one", "again", "another new one")
		if want := map[bool]int{true: http.StatusForbidden, false: http.StatusTooManyRequests}[n < 10]; a.status != want {
			t.Errorf("wrong password %d: %d, want %d", n+1, a.status, want)
		}
	}
	a = b.send("/oauth/account/password", "current", fresh, "new", "another new one", "again", "another new one")
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "locked for 30 seconds") {
		t.Errorf("the right one while locked: %d", a.status)
	}
	if a := w.logIn(w.browser(), "/oauth/login", "bob", fresh); a.status != http.StatusTooManyRequests {
		t.Errorf("the login page while locked: %d", a.status)
	}
}

// Passkeys stay, so whoever changed the password is told to look at them.
func TestChangePasswordTellsOfPasskeys(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	b := w.browser()
	b.login("bob", "/oauth/login")
	password := "bob-demo"
	for i, want := range []string{"", "You have 1 passkey: see below that it is yours.", "You have 2 passkeys: see below that each is yours."} {
		if i > 0 {
			b.addPasskey(w.authenticator(t), "Key")
		}
		fresh := fmt.Sprint("a brand new one ", i)
		page := b.follow(b.send("/oauth/account/password", "current", password, "new", fresh, "again", fresh))
		password = fresh
		if !strings.Contains(page.body, "Your password is changed") || !strings.Contains(page.body, want) || strings.Contains(page.body, "see below that") != (want != "") {
			t.Errorf("with %d passkeys it does not say %q", i, want)
		}
	}
	if page := b.get("/oauth/account").body; strings.Contains(page, "You have 2 passkeys") {
		t.Error("it is told again")
	}
}

// Whoever is signed out while they change the password, before whichever write of it, is out in this browser too.
func TestSignedOutWhileChangingThePassword(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		w := newWorld(t)
		b := w.browser()
		b.login("bob", "/oauth/login")
		action, form := b.form(b.get("/oauth/account"), "/oauth/account/password")
		form.Set("current", "bob-demo")
		form.Set("new", "a brand new one")
		form.Set("again", "a brand new one")
		writes, signedOut := 0, false
		var count func()
		count = func() {
			if writes++; writes == n {
				w.clock.Advance(time.Second)
				w.signOut("user-bob")
				w.clock.Advance(time.Second)
				signedOut = true
				return
			}
			w.beforeNextWrite(count)
		}
		w.beforeNextWrite(count)
		b.do(http.MethodPost, action, form)
		if !signedOut { // there are no more writes than that
			if n < 4 || !b.isLoggedIn() {
				t.Errorf("%d writes; logged in: %v", writes, b.isLoggedIn())
			}
			return
		}
		if b.isLoggedIn() {
			t.Errorf("signed out before write %d, and logged in", n)
		}
	}
}

// What cannot be recorded is not done.
func TestAccountAuditFails(t *testing.T) {
	t.Parallel()
	alone := true
	w := newWorldOver(t, func(s store.Store) store.Store { return auditless{s, &alone} })
	granted := w.redeem(w.code())
	b, other := w.browser(), w.browser()
	b.login("bob", "/oauth/login")
	other.login("bob", "/oauth/login")
	loginRE := regexp.MustCompile(`name="login" value="([^"]*)"`)
	alone = false
	logins := loginRE.FindAllStringSubmatch(b.get("/oauth/account").body, -1)
	for _, m := range logins {
		if a := b.send("/oauth/account/logins/end", "login", m[1]); a.status != http.StatusInternalServerError {
			t.Errorf("ending a login: %d", a.status)
		}
	}
	if len(logins) < 2 || !b.isLoggedIn() || !other.isLoggedIn() {
		t.Errorf("%d logins; here %v, there %v", len(logins), b.isLoggedIn(), other.isLoggedIn())
	}
	if a := b.send("/oauth/account/apps/remove"); a.status != http.StatusInternalServerError {
		t.Errorf("removing an app: %d", a.status)
	}
	if a := b.send("/oauth/account/password", "current", "bob-demo", "new", "a brand new one", "again", "a brand new one"); a.status != http.StatusInternalServerError {
		t.Errorf("changing the password: %d", a.status)
	}
	alone = true
	w.refresh(granted.Refresh).expect(t, "")
	w.browser().login("bob", "/oauth/login") // with the password that he had
}
