package directory_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
)

// A new password is long enough, none of the commonest, and not built on what anybody would try first; nothing else is asked of it.
func TestNewPasswords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, password, says string
	}{
		{"too short", "x9$kQ2!", "8 to 256"},
		{"too long", strings.Repeat("ab", 129), "8 to 256"},
		{"the commonest", "password", "commonest"},
		{"in capitals", "PassWord", "commonest"},
		{"with spaces around", "  password ", "commonest"},
		{"the username with spaces around", " dorothea  ", "built on"},
		{"with a digit", "password1", "commonest"},
		{"a word of many", "corvette", "commonest"},
		{"digits", "123456789", "commonest"},
		{"the service", "vetassist", "commonest"},
		{"the service and a year", "VetAssist-2031", "built on"},
		{"the username", "dorothea", "built on"},
		{"the username twice", "Dorothea.dorothea", "built on"},
		{"the username with digits", "dorothea1987", "built on"},
		{"both", "dorothea@vetassist1", "built on"},
		{"a common one in a line of its own", "x\npassword\ny", ""},
		{"the username in a sentence", "dorothea has a green bicycle", ""},
		{"words, without digits or signs", "correct horse battery staple", ""},
		{"letters of others", "пароль для Доры", ""},
	} {
		w := newWorld(t, true)
		n := directory.NewUser{Username: "dorothea", Name: "Dorothea", Password: c.password}
		made, err := w.AddUser(t.Context(), n)
		says := ""
		var wrong *directory.FieldError
		if errors.As(err, &wrong) {
			says = wrong.Message
		}
		if (c.says == "") != (err == nil) || !strings.Contains(says, c.says) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
		if err != nil {
			continue
		}
		if err := w.SetPassword(t.Context(), made.Value.ID, "dorothea1987"); !isField("password")(err) {
			t.Errorf("set by an administrator: %v", err)
		}
		if _, err := w.ChangePassword(t.Context(), made.Value.ID, w.clock.Now().Add(1), time.Time{}, c.password, "dorothea1987"); !isField("password")(err) {
			t.Errorf("changed: %v", err)
		}
	}
}
