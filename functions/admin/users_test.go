package admin_test

import (
	"slices"
	"testing"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type made struct{ ID, Password, ETag string }
	first := as[made](t, w.call("POST", "/users", `{"username": "Dora", "name": "Dora", "roles": ["Pet Owner"]}`, "Idempotency-Key", "one").want(t, "creating", 201))
	if len(first.Password) < 20 {
		t.Errorf("the password that was made: %q", first.Password)
	}
	if u, err := w.directory.Authenticate(t.Context(), "dora", first.Password, ""); err != nil || u.ID != first.ID {
		t.Errorf("dora cannot log in with it: %v", err)
	}
	if again := as[made](t, w.call("POST", "/users", `{"username": "Dora", "name": "Dora", "roles": ["Pet Owner"]}`, "Idempotency-Key", "one").want(t, "creating again", 200)); again.ID != first.ID || again.Password != "" {
		t.Errorf("again: %+v", again)
	}
	given := as[made](t, w.call("POST", "/users", `{"username": "erin", "name": "Erin", "password": "battery staple 7"}`).want(t, "with a password", 201))
	if given.Password != "" {
		t.Error("the answer repeats a password that was sent")
	}
	at := "/users/" + first.ID
	w.walk([]step{
		{"the username is taken", "POST", "/users", `{"username": "DORA", "name": "Another"}`, 422, "body.username"},
		{"a space in it", "POST", "/users", `{"username": "d ora", "name": "Another"}`, 422, "body.username"},
		{"a weak password", "POST", "/users", `{"username": "frank", "name": "Frank", "password": "password"}`, 422, "body.password"},
		{"a short password", "PUT", at + "/password", `{"password": "short"}`, 422, "body.password"},
		{"an unknown role", "PATCH", at, `{"roles": ["King"]}`, 422, "body.roles"},
		{"bob's username", "PATCH", at, `{"username": "bob"}`, 422, "body.username"},
		{"another username", "PATCH", at, `{"username": "dorothy"}`, 200, ""},
		{"disabled", "PATCH", at, `{"disabled": true}`, 200, ""},
		{"the last administrator disabled", "PATCH", "/users/user-admin", `{"disabled": true}`, 409, ""},
		{"the last administrator demoted", "PATCH", "/users/user-admin", `{"roles": []}`, 409, ""},
		{"the last administrator deleted", "DELETE", "/users/user-admin", "", 409, ""},
		{"another password", "PUT", at + "/password", `{"password": "battery staple 8"}`, 204, ""},
	})
	if _, err := w.directory.Authenticate(t.Context(), "dorothy", "battery staple 8", ""); err == nil {
		t.Error("a disabled user can log in")
	}
	w.call("PATCH", at, `{"disabled": false}`, "If-Match", "*").want(t, "enabled", 200)
	if _, err := w.directory.Authenticate(t.Context(), "dorothy", "battery staple 8", ""); err != nil {
		t.Error(err)
	}
	if got := w.ids("/users?limit=2"); !slices.Equal(got, []string{"admin", "alice", "bob", "carol", "dorothy", "erin"}) {
		t.Errorf("by username: %q", got)
	}
	if got := w.ids("/users?sort=name&prefix=DR"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("by name: %q", got)
	}
	if got := w.ids("/users?prefix=E"); !slices.Equal(got, []string{"erin"}) {
		t.Errorf("by prefix: %q", got)
	}
	w.call("DELETE", at, "", "If-Match", w.tag(at)).want(t, "deleting", 204)
	w.call("POST", "/users", `{"username": "Dora", "name": "Dora", "roles": ["Pet Owner"]}`, "Idempotency-Key", "one").want(t, "creating her once more", 409).problem(t)
	w.call("GET", at, "").want(t, "afterwards", 404)
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess()
	page := as[struct{ Items []struct{ ID, Name string } }](t, w.call("GET", "/users/user-bob/passkeys", "").want(t, "listing", 200))
	if len(page.Items) != 1 || page.Items[0].Name != "Phone" {
		t.Errorf("%+v", page)
	}
	w.call("DELETE", "/users/user-bob/passkeys/bobs-passkey", "").want(t, "removing", 204)
	if left := w.ids("/users/user-bob/passkeys"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestUnlock: who typed ten wrong passwords is told apart, and can be let in again.
func TestUnlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	until := func() string {
		return as[struct {
			Until string `json:"locked_until"`
		}](t, w.call("GET", "/users/user-bob", "")).Until
	}
	if until() != "" {
		t.Error("locked from the start")
	}
	for range 10 {
		w.directory.Authenticate(t.Context(), "bob", "wrong", "")
	}
	if _, err := w.directory.Authenticate(t.Context(), "bob", "bob-demo", ""); err == nil || until() == "" {
		t.Errorf("not locked: %v, until %q", err, until())
	}
	w.call("POST", "/users/user-bob/unlock", "").want(t, "unlocking", 204)
	if _, err := w.directory.Authenticate(t.Context(), "bob", "bob-demo", ""); err != nil || until() != "" {
		t.Errorf("still locked: %v, until %q", err, until())
	}
	for range 10 {
		w.directory.Authenticate(t.Context(), "bob", "wrong", "")
	}
	w.call("PUT", "/users/user-bob/password", `{"password": "battery staple 9"}`).want(t, "another password", 204)
	if _, err := w.directory.Authenticate(t.Context(), "bob", "battery staple 9", ""); err != nil {
		t.Errorf("locked in spite of another password: %v", err)
	}
}
