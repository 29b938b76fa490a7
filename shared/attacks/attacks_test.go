package attacks_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/attacks"
)

// TestCatalogue: each attack says all that a reader needs, once.
func TestCatalogue(t *testing.T) {
	all := attacks.All()
	if len(all) < 30 {
		t.Errorf("%d attacks", len(all))
	}
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]string{}
	for _, a := range all {
		if !id.MatchString(a.ID) {
			t.Errorf("%q is no id", a.ID)
		}
		for what, text := range map[string]string{"story": a.Story, "rule": a.Rule.Sentence, "without the defence": a.Otherwise} {
			if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ".)") || len(text) < 20 || len(text) > 420 {
				t.Errorf("%s, %s: %q", a.ID, what, text)
			}
		}
		for what, text := range map[string]string{"id": a.ID, "title": a.Title, "story": a.Story, "without the defence": a.Otherwise} {
			if other := seen[what+text]; other != "" {
				t.Errorf("%s and %s have the same %s", a.ID, other, what)
			}
			seen[what+text] = a.ID
		}
		if u, err := url.Parse(a.Rule.URL); err != nil || u.Scheme != "https" || u.Host == "" || a.Rule.Section == "" || a.Theme == "" || a.Title == "" {
			t.Errorf("%s: %+v", a.ID, a)
		}
		if found, ok := attacks.Find(a.ID); !ok || found != a {
			t.Errorf("%s is not found", a.ID)
		}
	}
	if _, ok := attacks.Find("no-such-attack"); ok {
		t.Error("an attack that is not there is found")
	}
	if text, err := json.Marshal(all[0]); err != nil || !strings.Contains(string(text), `"otherwise":`) {
		t.Errorf("%s %v", text, err)
	}
}
