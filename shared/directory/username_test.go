package directory_test

import (
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

func TestUserIDByUsername(t *testing.T) {
	clock := storetest.NewClock()
	db, err := sqlite.Open(t.Context(), ":memory:", clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := directory.New(db, "http://localhost:8080", true, clock.Now)
	if err := d.CreateUser(t.Context(), directory.User{ID: "user-zoe", Username: "Zoe", Name: "Zoe", Disabled: true}, "a password", false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"zoe": "user-zoe", " ZOE ": "user-zoe", "zo": "", "": "", "user-zoe": "", strings.Repeat("z", 1000): "", "\xff": "",
	} {
		if got, err := d.UserIDByUsername(t.Context(), name); got != want || err != nil {
			t.Errorf("%.20q is %q, want %q: %v", name, got, want, err)
		}
	}
	db.Close()
	if _, err := d.UserIDByUsername(t.Context(), "zoe"); err == nil {
		t.Error("a store that is closed says that there is no such user")
	}
}
