package rbac_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/rbac"
)

// TestEvaluate is the policy as one table. P is pet-profile, A appointment; r reads, w writes.
func TestEvaluate(t *testing.T) {
	const pr, pw, ar, aw = rbac.PetProfileRead, rbac.PetProfileWrite, rbac.AppointmentRead, rbac.AppointmentWrite
	all := pr + " " + pw + " " + ar + " " + aw
	for _, c := range []struct {
		name                             string
		requested, client, role, consent string
		granted                          string
		dropped                          string // scope=what lacked it
	}{
		{"everything in all four", all, all, all, all, all, ""},
		{"only what was asked for", pr, all, all, all, pr, ""},
		{"the order of the request is kept", ar + " " + pr, all, all, all, ar + " " + pr, ""},
		{"a pet owner asks for all", all, all, pr + " " + ar + " " + aw, all, pr + " " + ar + " " + aw, pw + "=role"},
		{"the client is authorized for less", all, pr, all, all, pr, pw + "=client " + ar + "=client " + aw + "=client"},
		{"the user ticked one of two", pr + " " + ar, all, all, pr, pr, ar + "=consent"},
		{"two sets lack it", pw, pr, pr, all, "", pw + "=client,role"},
		{"all sets lack it", pw, "", "", "", "", pw + "=client,role,consent"},
		{"a scope that nobody knows", "pets:all", all, all, all, "", "pets:all=client,role,consent"},
		{"nothing asked for", "", all, all, all, "", ""},
		{"no role", all, all, "", all, "", pr + "=role " + pw + "=role " + ar + "=role " + aw + "=role"},
		{"no prefix or suffix counts as a match", "pet-profile", all, all, all, "", "pet-profile=client,role,consent"},
		{"case counts", strings.ToUpper(pr), all, all, all, "", strings.ToUpper(pr) + "=client,role,consent"},
		{"writing in the sets does not grant reading that was asked for", pr, pw, pw, pw, "", pr + "=client,role,consent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := rbac.Evaluate(rbac.Sets{Requested: strings.Fields(c.requested), Client: strings.Fields(c.client),
				Role: strings.Fields(c.role), Consent: strings.Fields(c.consent)})
			var dropped []string
			for _, v := range d.Dropped() {
				lacking := make([]string, len(v.Lacking))
				for i, s := range v.Lacking {
					lacking[i] = string(s)
				}
				dropped = append(dropped, v.Scope+"="+strings.Join(lacking, ","))
			}
			if got := rbac.JoinScope(d.Granted); got != c.granted {
				t.Errorf("granted %q, want %q", got, c.granted)
			}
			if got := strings.Join(dropped, " "); got != c.dropped {
				t.Errorf("dropped %q, want %q", got, c.dropped)
			}
			if len(d.Verdicts) != len(strings.Fields(c.requested)) {
				t.Errorf("%d verdicts", len(d.Verdicts))
			}
		})
	}
}

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		granted, required string
		missing           string
	}{
		{"a:read", "a:read", ""},
		{"a:write", "a:read", ""},
		{"a:read", "a:write", "a:write"},
		{"a:write", "b:read", "b:read"},
		{"a:write b:read", "a:read b:read", ""},
		{"a:read", "a:read b:read c:write", "b:read c:write"},
		{"", "", ""},
		{"", "a:read", "a:read"},
		{"a:writer", "a:read", "a:read"},
		{"write", "read", "read"},
	} {
		granted, required := strings.Fields(c.granted), strings.Fields(c.required)
		if got := rbac.JoinScope(rbac.Missing(granted, required)); got != c.missing {
			t.Errorf("granted %q, required %q: missing %q, want %q", c.granted, c.required, got, c.missing)
		}
		if got := rbac.Satisfies(granted, required); got != (c.missing == "") {
			t.Errorf("granted %q, required %q: satisfies is %v", c.granted, c.required, got)
		}
	}
}

func TestParseScope(t *testing.T) {
	many := strings.Repeat("s ", 10) + "t"
	for in, want := range map[string][]string{
		"":                nil,
		"a":               {"a"},
		"b a b":           {"b", "a"},
		"openid a:b/c.d!": {"openid", "a:b/c.d!"},
		many:              {"s", "t"},
	} {
		if got, err := rbac.ParseScope(in); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	var tooMany []string
	for i := range 51 {
		tooMany = append(tooMany, strings.Repeat("x", i+1))
	}
	for _, in := range []string{" ", "a  b", " a", "a ", "a\tb", "a\nb", `a"b`, `a\b`, "é", "a\x00", strings.Repeat("x", 129), strings.Join(tooMany, " ")} {
		if got, err := rbac.ParseScope(in); err == nil {
			t.Errorf("%.40q was read as %v", in, got)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"", "a b", "pet-profile:read appointment:write", `"`, "é", "a  b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		scopes, err := rbac.ParseScope(s)
		if err != nil {
			return
		}
		again, err := rbac.ParseScope(rbac.JoinScope(scopes))
		if err != nil || !slices.Equal(again, scopes) {
			t.Errorf("%q became %q, then %q, %v", s, scopes, again, err)
		}
	})
}
