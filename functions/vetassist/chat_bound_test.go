package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/vetassist/vetassist/shared/token"
)

// TestChatBindsItsTokens: the chat's tokens are bound to a key of the login exactly where both servers offer that (RFC 9449 §5.1,
// RFC 9728 §2), and nobody sees a difference.
func TestChatBindsItsTokens(t *testing.T) {
	w := newWorld(t)
	offers := func(path string) bool {
		var m struct {
			Algorithms []string `json:"dpop_signing_alg_values_supported"`
		}
		a := w.send("GET", path, "")
		if err := json.Unmarshal(a.body, &m); err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d %v", path, a.status, err)
		}
		return slices.Contains(m.Algorithms, "ES256")
	}
	both := offers("/.well-known/oauth-authorization-server") && offers("/.well-known/oauth-protected-resource/mcp")

	bob := w.person()
	asked := bob.ask("When is Fido's next vaccination?")
	u, err := url.Parse(asked.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(u.Query().Get("dpop_jkt")) == 43; got != both {
		t.Errorf("both offer it: %v, and the chat names a key: %v: %s", both, got, asked.AuthorizeURL)
	}
	bob.open(asked.AuthorizeURL)
	bob.login("bob")
	bob.submit("decision", url.Values{"decision": {"approve"}})
	for range 2 { // and again once the token has to be refreshed
		if a := bob.ask("When is Fido's next vaccination?"); a.AuthorizeURL != "" {
			t.Fatalf("%+v", a)
		} else {
			a.calledOne(t, "get_pet_vaccination_info", "ok")
		}
		w.clock.turn(token.Lifetime)
	}
}
