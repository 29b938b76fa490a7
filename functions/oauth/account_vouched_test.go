package oauth_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLetIn: what a person was not asked about, they see, and can end.
func TestLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, secret, _ := w.enterprise()
	b := w.browser()
	if page := b.login("bob", "/oauth/login"); strings.Contains(page.body, `id="let-in"`) {
		t.Error("there is nothing to show")
	}
	first := w.bring(w.idJAG(client, nil, nil), client, secret)
	first.expect(t, "")
	w.clock.Advance(time.Minute)
	second := w.bring(w.idJAG(client, claims{"scope": "pet-profile:read appointment:read"}, nil), client, secret)
	second.expect(t, "")

	page := b.get("/oauth/account")
	text := section(t, page, "let-in")
	for _, want := range []string{"at VetAssist MCP Server, on the word of Acme", "<li>See pet profiles</li>", "Until <time datetime=\"2026-11-23T14:11:00Z\">"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("it does not say %q once:\n%s", want, text)
		}
	}
	if !strings.Contains(section(t, page, "apps"), "You have not allowed any app anything") {
		t.Error("it is among what bob allowed")
	}
	alice := w.browser()
	if page := alice.login("alice", "/oauth/account"); strings.Contains(page.body, `id="let-in"`) {
		t.Error("alice sees it")
	}

	before := len(w.events())
	if a := b.follow(b.send("/oauth/account/apps/remove")); strings.Contains(a.body, `id="let-in"`) {
		t.Errorf("it is there still:\n%s", a.body)
	}
	if got := w.lines()[before:]; !slices.Equal(got, []string{"withdrawal ok user-bob " + client}) {
		t.Errorf("recorded %q", got)
	}
	for _, tokens := range []tokens{first, second} {
		if got := w.introspect(tokens.Access, basic(client, secret)); got["active"] != false {
			t.Errorf("%v", got)
		}
	}
	// The issuer is asked again, and what it lets in then is over by itself.
	w.bring(w.idJAG(client, nil, nil), client, secret).expect(t, "")
	if !strings.Contains(b.get("/oauth/account").body, `id="let-in"`) {
		t.Error("it is not there again")
	}
	w.clock.Advance(10 * time.Minute)
	if strings.Contains(b.get("/oauth/account").body, `id="let-in"`) {
		t.Error("it is there though it is over")
	}
}
