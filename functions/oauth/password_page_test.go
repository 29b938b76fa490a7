package oauth_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var inputTag = regexp.MustCompile(`<input [^>]*type="password"[^>]*>`)

// TestPasswordFields: what is typed is hidden, and password managers are told what each field is (ASVS 6.2.6, 6.2.7). No script
// touches a field: none may run in the page but ours, and none of ours hears of pasting.
func TestPasswordFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	login := b.get("/oauth/login")
	b.login("bob", "/oauth/login")
	for _, c := range []struct {
		name string
		page answer
		want []string
	}{
		{"login", login, []string{"current-password"}},
		{"account", b.get("/oauth/account"), []string{"current-password", "new-password", "new-password"}},
	} {
		var got []string
		for _, tag := range inputTag.FindAllString(c.page.body, -1) {
			_, value, _ := strings.Cut(tag, `autocomplete="`)
			value, _, _ = strings.Cut(value, `"`)
			got = append(got, value)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: password fields for %q, want %q", c.name, got, c.want)
		}
		for name := range strings.SplitSeq("password current new again", " ") {
			if strings.Count(c.page.body, ` name="`+name+`"`) != strings.Count(strings.Join(inputTag.FindAllString(c.page.body, -1), ""), ` name="`+name+`"`) {
				t.Errorf("%s: the field %s shows what is typed", c.name, name)
			}
		}
		if regexp.MustCompile(`(?i)\son(paste|copy|input)=`).MatchString(c.page.body) {
			t.Errorf("%s: pasting is meddled with", c.name)
		}
	}
}

// TestPasswordAsTyped: a long password of any letters is taken exactly as it was typed (ASVS 6.2.8, 6.2.9), and stays good for years
// (6.2.10).
func TestPasswordAsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := " Ünïcode, spaces  and " + strings.Repeat("x", 64) + " 🐕 "
	b := w.browser()
	b.login("bob", "/oauth/login")
	if a := b.follow(b.send("/oauth/account/password", "current", "bob-demo", "new", long, "again", long)); !strings.Contains(a.body, "Your password is changed") {
		t.Fatalf("a long password: %d", a.status)
	}
	w.clock.Advance(3 * 365 * 24 * time.Hour)
	for _, c := range []struct {
		name, password string
		status         int
	}{
		{"without its spaces", strings.TrimSpace(long), http.StatusUnauthorized},
		{"cut after 72 bytes", long[:72], http.StatusUnauthorized},
		{"in small letters", strings.ToLower(long), http.StatusUnauthorized},
		{"as it was typed", long, http.StatusSeeOther},
	} {
		action, form := b.form(b.get("/oauth/login"), "/oauth/login")
		form.Set("username", "bob")
		form.Set("password", c.password)
		if a := b.do(http.MethodPost, action, form); a.status != c.status {
			t.Errorf("%s: %d, want %d", c.name, a.status, c.status)
		}
	}
}

// TestLoginIsAnsweredWith303: a 307 would send the password on to wherever the browser goes next (RFC 9700 §4.12).
func TestLoginIsAnsweredWith303(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	action, form := b.form(b.follow(b.get(w.request())), "/oauth/login")
	form.Set("username", "bob")
	form.Set("password", "bob-demo")
	logged := b.do(http.MethodPost, action, form)
	if logged.status != http.StatusSeeOther {
		t.Errorf("after the login: %d", logged.status)
	}
	if allowed := b.approve(b.follow(logged)); allowed.status != http.StatusSeeOther {
		t.Errorf("after the consent: %d", allowed.status)
	}
}
