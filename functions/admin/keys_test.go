package admin_test

import (
	"testing"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type key struct{ Kid, State string }
	keys := func() []key { return as[struct{ Items []key }](t, w.call("GET", "/keys", "")).Items }
	first := keys()
	if len(first) != 1 || first[0].State != "current" {
		t.Fatalf("%+v", first)
	}
	w.call("DELETE", "/keys/"+first[0].Kid, "").want(t, "retiring the key that signs", 409).problem(t)
	next := as[key](t, w.call("POST", "/keys", "").want(t, "rotating", 200))
	if all := keys(); len(all) != 2 || next.State != "next" || all[1].Kid != next.Kid {
		t.Errorf("%+v", all)
	}
	w.clock.Advance(5 * 60 * 1e9)
	w.admin = w.token("user-admin", "admin:write") // signed with the new key
	if all := keys(); all[0].State != "retiring" || all[1].State != "current" {
		t.Errorf("%+v", all)
	}
	w.call("DELETE", "/keys/"+first[0].Kid, "").want(t, "retiring the old one", 204)
	if all := keys(); len(all) != 1 || all[0].Kid != next.Kid {
		t.Errorf("%+v", all)
	}
}
