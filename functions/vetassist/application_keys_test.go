package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/vetassist/vetassist/shared/clientkey"
)

// TestKeyInPlaceOfASecret: what an administrator says of how a program proves itself counts from the next request on.
func TestKeyInPlaceOfASecret(t *testing.T) {
	w := newWorld(t)
	admin := w.administrator()
	key, err1 := clientkey.New()
	other, err2 := clientkey.New()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	signed := func(key clientkey.Key, id string) tokens {
		t.Helper()
		assertion, err := key.Assertion(id, w.URL, w.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {w.URL + "/mcp"}, "client_assertion_type": {clientkey.AssertionType}, "client_assertion": {assertion}})
	}
	works := func(what string, got tokens) {
		t.Helper()
		if got.status != http.StatusOK || got.Scope != "pet-profile:read" {
			t.Errorf("%s: %d %+v", what, got.status, got)
		}
	}
	refused := func(what string, got tokens) {
		t.Helper()
		if got.status != http.StatusUnauthorized || got.Error != "invalid_client" || got.Access != "" {
			t.Errorf("%s: %d %+v", what, got.status, got)
		}
	}
	prove := func(id string, key clientkey.Key) {
		t.Helper()
		call[any](admin, "PATCH", "/applications/"+id, map[string]any{"jwks": json.RawMessage(key.JWKS())}, "If-Match", "*")
	}
	id, secret := admin.machine([]string{"Vet Staff"}, "pet-profile:read")
	works("a secret", w.askAlone(id, secret))
	refused("a key before it is known", signed(key, id))

	prove(id, key)
	works("the key", signed(key, id))
	refused("the secret that ended", w.askAlone(id, secret))
	refused("another's key", signed(other, id))

	prove(id, other)
	works("the next key", signed(other, id))
	refused("the key before", signed(key, id))

	again := call[struct {
		Secret string `json:"client_secret"`
	}](admin, "POST", "/applications/"+id+"/secret", nil).Secret
	works("a secret again", w.askAlone(id, again))
	refused("the key that ended", signed(other, id))
	refused("the first secret", w.askAlone(id, secret))
}
