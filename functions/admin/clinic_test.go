package admin_test

import (
	"net/http"
	"testing"

	"github.com/vetassist/vetassist/shared/store"
)

// petsOf counts the pets of a person as they are stored.
func (w *world) petsOf(id string) int {
	w.t.Helper()
	page, err := w.store.List(w.t.Context(), store.Query{Partition: "clinic/person/" + id, Prefix: "pet/"})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(page.Items)
}

func TestClinic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.call("POST", "/clinic/snapshots", `{"name": "Before"}`).want(t, "copying", 201)
	copied := as[struct {
		ID      string
		Records int
	}](t, made)
	if copied.Records == 0 || made.header.Get("Location") == "" {
		t.Errorf("%s", made.body)
	}
	// Another bob: the demo's owner becomes whoever has the username.
	w.call("DELETE", "/users/user-bob", "", "If-Match", "*").want(t, "deleting bob", 204)
	bob := as[struct{ ID string }](t, w.call("POST", "/users", `{"username": "bob", "name": "Bob the Second"}`).want(t, "another bob", 201)).ID
	got := as[struct{ Pets, Owners int }](t, w.call("POST", "/clinic/reset", "").want(t, "resetting", http.StatusOK))
	if got.Pets == 0 || got.Owners == 0 || w.petsOf(bob) != 2 || w.petsOf("user-bob") != 0 || w.petsOf("user-alice") != 1 {
		t.Errorf("after the reset: %+v, bob has %d pets, the bob of before %d, alice %d", got, w.petsOf(bob), w.petsOf("user-bob"), w.petsOf("user-alice"))
	}
	w.call("POST", "/clinic/snapshots/"+copied.ID+"/restore", "").want(t, "restoring", 204)
	if w.petsOf(bob) != 0 || w.petsOf("user-bob") != 2 {
		t.Errorf("after the restore bob has %d pets, the bob of before %d", w.petsOf(bob), w.petsOf("user-bob"))
	}
	w.walk([]step{
		{"a name too many", "POST", "/clinic/snapshots", `{"name": ""}`, 422, "body.name"},
		{"deleting it", "DELETE", "/clinic/snapshots/" + copied.ID, "", 204, ""},
		{"deleting it again", "DELETE", "/clinic/snapshots/" + copied.ID, "", 404, ""},
		{"restoring nothing", "POST", "/clinic/snapshots/" + copied.ID + "/restore", "", 404, ""},
	})
	if left := w.ids("/clinic/snapshots"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestOwners: a user who is nobody's customer yet becomes one, and is forgotten, whatever becomes of the others.
func TestOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("POST", "/clinic/reset", "").want(t, "filling", http.StatusOK)
	dora := as[struct{ ID string }](t, w.call("POST", "/users", `{"username": "dora", "name": "Dora Mill", "roles": ["Pet Owner"]}`).want(t, "dora", 201)).ID
	for range 2 {
		got := as[map[string]string](t, w.call("PUT", "/clinic/owners/"+dora, "").want(t, "adding", http.StatusOK))
		if len(got) != 2 || got["user_id"] != dora || got["name"] != "Dora Mill" {
			t.Errorf("%v", got)
		}
	}
	profile, err := w.store.Get(t.Context(), "clinic/person/"+dora, "profile")
	if err != nil || string(profile.Body) != `{"id":"`+dora+`","name":"Dora Mill"}` {
		t.Errorf("%s, %v", profile.Body, err)
	}
	w.call("DELETE", "/users/"+dora, "", "If-Match", "*").want(t, "deleting dora", 204)
	w.walk([]step{
		{"nobody added", "PUT", "/clinic/owners/user-nobody", "", 404, ""},
		{"who is deleted added", "PUT", "/clinic/owners/" + dora, "", 404, ""},
		{"who is deleted forgotten", "DELETE", "/clinic/owners/" + dora, "", 204, ""},
		{"and again", "DELETE", "/clinic/owners/" + dora, "", 404, ""},
		{"bob forgotten", "DELETE", "/clinic/owners/user-bob", "", 204, ""},
	})
	if page, err := w.store.List(t.Context(), store.Query{Partition: "clinic/person/" + dora, Prefix: "profile"}); err != nil || len(page.Items) > 0 || w.petsOf("user-bob") != 0 || w.petsOf("user-alice") != 1 {
		t.Errorf("dora: %v, %v; bob has %d pets, alice %d", page.Items, err, w.petsOf("user-bob"), w.petsOf("user-alice"))
	}
}
