package admin_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
)

var bobsConsent = base64.RawURLEncoding.EncodeToString([]byte("user-bob\nvet-assist-ai\nmcp://vetassist"))

// bobsAccess is what the authorization server writes when bob logs in and allows the chat app something.
func (w *world) bobsAccess() {
	w.t.Helper()
	now := w.clock.Now()
	_, ops, err := w.directory.Allow(w.t.Context(), "user-bob", "vet-assist-ai", "mcp://vetassist", []string{"pet-profile:read"})
	if err == nil {
		ops = append(ops, access.BeginLogin(access.Login{ID: "bobs-login", UserID: "user-bob", Since: now, Expires: now.Add(time.Hour), Method: "password", From: "192.0.2.7", Agent: "Firefox"})...)
		ops = append(ops, access.BeginGrant(access.Grant{ID: "bobs-grant", UserID: "user-bob", ClientID: "vet-assist-ai", Server: "mcp://vetassist",
			Scopes: []string{"pet-profile:read"}, Since: now, LastUsed: now, Ends: now.Add(90 * 24 * time.Hour)}, "first-refresh-hash")...)
		err = w.store.Write(w.t.Context(), ops...)
	}
	if err == nil {
		err = w.directory.AddPasskey(w.t.Context(), "user-bob", w.clock.Now(), time.Time{}, directory.Passkey{ID: "bobs-passkey", Name: "Phone", Credential: []byte("{}")})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestWhatIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess()
	list := func(path string) []map[string]any {
		t.Helper()
		return as[struct{ Items []map[string]any }](t, w.call("GET", path, "").want(t, path, 200)).Items
	}
	for path, want := range map[string]int{
		"/consents?user_id=user-bob": 1, "/consents?client_id=vet-assist-ai": 1, "/consents?user_id=user-alice": 0, "/consents?client_id=nobody": 0,
		"/grants?user_id=user-bob": 1, "/grants?client_id=vet-assist-ai": 1, "/grants?user_id=user-alice": 0, "/grants?client_id=vetassist-console": 0,
		"/sessions?user_id=user-bob": 1, "/sessions?user_id=user-alice": 0,
	} {
		if got := list(path); len(got) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, path := range []string{"/consents?user_id=user-bob", "/grants?client_id=vet-assist-ai"} {
		got := list(path)[0]
		if got["username"] != "bob" || got["client_name"] != "Vet Assist AI" || got["server"].(map[string]any)["name"] != "VetAssist MCP Server" {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := list("/sessions?user_id=user-bob")[0]; got["from"] != "192.0.2.7" || got["agent"] != "Firefox" || got["method"] != "password" {
		t.Errorf("the session: %v", got)
	}
	for _, path := range []string{"/consents", "/consents?user_id=a&client_id=b", "/grants", "/sessions"} {
		w.call("GET", path, "").want(t, path, 422).problem(t)
	}

	// Revoking a consent ends what stands on it, and says what it does not end.
	a := w.call("DELETE", "/consents/"+bobsConsent, "").want(t, "revoking the consent", 200)
	end := as[struct {
		Grants int
		Until  time.Time `json:"access_tokens_valid_until"`
		Note   string
	}](t, a)
	if end.Grants != 1 || end.Until.Sub(w.clock.Now()) > 10*time.Minute || end.Until.Sub(w.clock.Now()) < 9*time.Minute || !strings.Contains(end.Note, "ten minutes") {
		t.Errorf("%s", a.body)
	}
	if len(list("/consents?user_id=user-bob"))+len(list("/grants?user_id=user-bob")) > 0 {
		t.Error("something is left")
	}
	w.call("DELETE", "/consents/"+bobsConsent, "").want(t, "once more", 404)

	w.bobsAccessAgain("second")
	w.call("DELETE", "/grants/second-grant", "").want(t, "revoking the grant", 200)
	w.call("DELETE", "/sessions/second-login", "").want(t, "ending the session", 204)
	if len(list("/grants?user_id=user-bob")) > 0 || len(list("/sessions?user_id=user-bob")) != 1 {
		t.Error("the grant or the session is left, or more than that is gone")
	}

	now := w.clock.Now()
	vouched := access.Grant{ID: "vouched", UserID: "user-bob", ClientID: "vet-assist-ai", Server: "mcp://vetassist", Since: now, LastUsed: now, Ends: now.Add(time.Minute), Vouched: access.Vouched{Issuer: "acme", Subject: "u-17"}}
	if err := w.store.Write(t.Context(), access.BeginGrant(vouched, "")...); err != nil {
		t.Fatal(err)
	}
	if got := list("/grants?user_id=user-bob"); len(got) != 1 || got[0]["vouched_by"] != "acme" {
		t.Errorf("by an issuer's word: %v", got)
	}
	w.call("DELETE", "/grants/vouched", "").want(t, "revoking what an issuer let in", 200)

	w.bobsAccessAgain("third")
	if u, err := w.directory.User(t.Context(), "user-bob"); err != nil || u.SignedOutSince(w.clock.Now()) {
		t.Errorf("ending one signed bob out everywhere: %+v %v", u, err)
	}
	a = w.call("POST", "/users/user-bob/sign-out", "").want(t, "signing out", 200)
	if end := as[struct{ Logins, Grants int }](t, a); end.Logins != 2 || end.Grants != 1 {
		t.Errorf("%s", a.body)
	}
	if u, err := w.directory.User(t.Context(), "user-bob"); err != nil || !u.SignedOutSince(w.clock.Now()) {
		t.Errorf("bob is not signed out: %+v %v", u, err)
	}
}

// TestMoreThanOneCallCleansUp: the write that decides is one, and it is not undone, nor called a failure, because the lists
// hold more than one call may tidy.
func TestMoreThanOneCallCleansUp(t *testing.T) {
	t.Parallel()
	for _, op := range []struct{ method, path, body string }{
		{"POST", "/users/user-bob/sign-out", ""}, {"PUT", "/users/user-bob/password", `{"password": "battery staple 7"}`}, {"DELETE", "/users/user-bob", ""},
	} {
		w := newWorld(t)
		now := w.clock.Now()
		for i := range 600 {
			ops := access.BeginLogin(access.Login{ID: fmt.Sprint("login-", i), UserID: "user-bob", Since: now, Expires: now.Add(time.Hour)})
			if err := w.store.Write(t.Context(), ops...); err != nil {
				t.Fatal(err)
			}
		}
		if a := w.call(op.method, op.path, op.body, "If-Match", "*"); a.status/100 != 2 {
			t.Errorf("%s: %d %s", op.path, a.status, a.body)
		}
		if events := w.events(); events[len(events)-1].Outcome != "ok" {
			t.Errorf("%s is recorded as %+v", op.path, events[len(events)-1])
		}
	}
}

// bobsAccessAgain is another login, and another grant.
func (w *world) bobsAccessAgain(name string) {
	w.t.Helper()
	now := w.clock.Now()
	ops := append(access.BeginLogin(access.Login{ID: name + "-login", UserID: "user-bob", Since: now, Expires: now.Add(time.Hour)}),
		access.BeginGrant(access.Grant{ID: name + "-grant", UserID: "user-bob", ClientID: "vet-assist-ai", Server: "mcp://vetassist", Since: now, LastUsed: now, Ends: now.Add(time.Hour)}, name+"-hash")...)
	if err := w.store.Write(w.t.Context(), ops...); err != nil {
		w.t.Fatal(err)
	}
}

// TestRevokeOneConsent: a consent's grants end with it, and those at other servers, and of other applications, do not.
func TestRevokeOneConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess()
	now := w.clock.Now()
	for id, of := range map[string][2]string{"elsewhere": {"vet-assist-ai", "mcp://zoo"}, "another-app": {"app-x", "mcp://vetassist"}} {
		g := access.Grant{ID: id, UserID: "user-bob", ClientID: of[0], Server: of[1], Since: now, LastUsed: now, Ends: now.Add(time.Hour)}
		if err := w.store.Write(t.Context(), access.BeginGrant(g, id+"-hash")...); err != nil {
			t.Fatal(err)
		}
	}
	w.call("DELETE", "/consents/"+bobsConsent, "").want(t, "revoking", 200)
	left := w.ids("/grants?user_id=user-bob")
	if slices.Sort(left); len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}

// TestEndedWithTheUser: what a user had open is in no list after the user is deleted, signed out, or given another password.
func TestEndedWithTheUser(t *testing.T) {
	t.Parallel()
	for _, op := range []struct{ method, path, body string }{
		{"POST", "/users/user-bob/sign-out", ""}, {"PUT", "/users/user-bob/password", `{"password": "battery staple 7"}`}, {"DELETE", "/users/user-bob", ""},
	} {
		w := newWorld(t)
		w.bobsAccess()
		w.call(op.method, op.path, op.body, "If-Match", "*")
		if left := append(w.ids("/grants?client_id=vet-assist-ai"), w.ids("/sessions?user_id=user-bob")...); len(left) > 0 {
			t.Errorf("after %s %s: %q", op.method, op.path, left)
		}
		if u, err := w.directory.User(t.Context(), "user-bob"); err == nil && !u.SignedOutSince(w.clock.Now()) {
			t.Errorf("after %s %s bob is not signed out", op.method, op.path)
		}
	}
}
