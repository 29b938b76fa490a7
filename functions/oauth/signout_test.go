package oauth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

func (w *world) signOut(userID string) {
	w.t.Helper()
	if err := w.directory.SignOut(w.t.Context(), userID); err != nil {
		w.t.Fatal(err)
	}
}

func (b *browser) isLoggedIn() bool {
	b.t.Helper()
	return strings.Contains(b.get("/oauth/logout").body, "You are logged in")
}

// Signing out everywhere ends what began before it, at once, even what happens in the same instant; and nothing else.
func TestSignedOutEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob, alice := w.browser(), w.browser()
	bob.login("bob", w.request())
	alice.login("alice", "/oauth/login")
	granted := w.redeem(w.code())
	code := w.code()

	w.signOut("user-bob")
	if bob.isLoggedIn() || !alice.isLoggedIn() {
		t.Errorf("logged in: bob %v, alice %v", bob.isLoggedIn(), alice.isLoggedIn())
	}
	if a := bob.get(w.request()); !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
		t.Errorf("an authorization request: %d %s", a.status, a.header.Get("Location"))
	}
	got := w.refresh(granted.Refresh)
	got.expect(t, "invalid_grant")
	if !strings.Contains(got.Description, "signed out everywhere") {
		t.Errorf("it says %q", got.Description)
	}
	w.redeem(code).expect(t, "invalid_grant")

	for range 2 { // in the same instant, and later
		bob := w.browser()
		bob.login("bob", w.request())
		if !bob.isLoggedIn() {
			t.Error("bob cannot log in any more")
		}
		next := w.redeem(w.code())
		next.expect(t, "")
		w.refresh(next.Refresh).expect(t, "")
		w.clock.Advance(time.Minute)
	}
}

// A consent that is withdrawn, while its code is redeemed or later, takes with it what stands on it: consenting anew does not
// bring that back.
func TestWithdrawnForGood(t *testing.T) {
	t.Parallel()
	for _, meanwhile := range []bool{true, false} {
		w := newWorld(t)
		code := w.code()
		withdraw := func() {
			if err := w.directory.Withdraw(t.Context(), "user-bob", clientID, "mcp://vetassist"); err != nil {
				t.Error(err)
			}
		}
		if meanwhile {
			w.beforeNextWrite(withdraw)
		}
		got := w.redeem(code)
		got.expect(t, "")
		if !meanwhile {
			withdraw()
		}
		w.refresh(got.Refresh).expect(t, "invalid_grant")
		w.clock.Advance(24 * time.Hour)
		later := w.redeem(w.code())
		later.expect(t, "")
		w.refresh(got.Refresh).expect(t, "invalid_grant")
		w.refresh(later.Refresh).expect(t, "")
	}
}

// What has begun when a person is signed out, and is written after that, is over too.
func TestSignedOutMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := func() { w.signOut("user-bob"); w.clock.Advance(time.Second) }

	bob := w.browser()
	w.beforeNextWrite(out)
	if a := w.logIn(bob, "/oauth/login", "bob", "bob-demo"); a.status != http.StatusSeeOther {
		t.Fatalf("login: %d", a.status)
	}
	if bob.isLoggedIn() {
		t.Error("a login")
	}

	w.code() // the consent is there: the next request is answered at once
	bob.login("bob", "/oauth/login")
	w.beforeNextWrite(out)
	code := bob.callback(bob.get(w.request())).Get("code")
	w.redeem(code).expect(t, "invalid_grant")

	code = w.code()
	w.beforeNextWrite(out)
	granted := w.redeem(code)
	granted.expect(t, "") // an access token that was being made goes on for its ten minutes
	w.refresh(granted.Refresh).expect(t, "invalid_grant")
}

// What begins while that is being written, by a clock that has gone on since or that goes differently, is over too: it rests on the user as
// they were before.
func TestBegunWhileSigningOut(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(w *world){
		"signed out": func(w *world) { w.signOut("user-bob") },
		"a new password": func(w *world) {
			if err := w.directory.SetPassword(t.Context(), "user-bob", "correct horse battery"); err != nil {
				t.Error(err)
			}
		},
		"disabled, and enabled again": func(w *world) {
			for _, disabled := range []bool{true, false} {
				u, err := w.directory.UserRecord(t.Context(), "user-bob")
				if err == nil {
					_, err = w.directory.UpdateUser(t.Context(), "user-bob", u.Version, directory.UserEdit{Disabled: &disabled})
				}
				if err != nil {
					t.Error(err)
				}
			}
		},
	} {
		for again := range 2 { // the first time ever, and later
			w := newWorld(t)
			if again > 0 {
				w.signOut("user-bob")
				w.clock.Advance(time.Hour)
			}
			w.code() // the consent is there
			device := w.deviceClient("pet-profile:read")
			asked := w.ask(device)
			old, fresh := w.browser(), w.browser()
			old.login("bob", "/oauth/login")
			var codes [2]string
			w.beforeNextWrite(func() {
				w.clock.Advance(time.Second)
				codes[0] = old.callback(old.get(w.request())).Get("code")
				fresh.login("bob", "/oauth/login")
				codes[1] = fresh.callback(fresh.get(w.request())).Get("code")
				fresh.decides(fresh.get("/oauth/device?user_code="+asked.UserCode), "approve")
			})
			out(w)
			if fresh.isLoggedIn() || old.isLoggedIn() {
				t.Errorf("%s, %d: logged in still: before %v, meanwhile %v", name, again, old.isLoggedIn(), fresh.isLoggedIn())
			}
			for _, code := range codes {
				w.redeem(code).expect(t, "invalid_grant")
			}
			w.poll(device, asked.DeviceCode).expect(t, "invalid_grant")
		}
	}
}
