package token_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
)

const (
	keyA = `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}` // RFC 7515 A.3
	keyB = `{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`                                                // RFC 8037 A.2
)

// ids are the kids of the keys that are found, or how it failed.
func ids(t *testing.T, keys *token.Keys, kid string) string {
	t.Helper()
	found, err := keys.Find(t.Context(), kid)
	if err != nil {
		if !errors.Is(err, token.ErrUnavailable) || len(found) > 0 {
			t.Errorf("%v, %v", found, err)
		}
		return "unavailable"
	}
	var names []string
	for _, key := range found {
		names = append(names, key.Marshal().KID)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// What is asked for by its kid, and how often the other side is asked for it.
func TestFindKeys(t *testing.T) {
	clock := storetest.NewClock()
	jwks, asked := `{"keys":[`+keyA+`]}`, 0
	keys := token.LoadedKeys(func(context.Context) ([]byte, error) { asked++; return []byte(jwks), nil }, clock.Now)
	for _, step := range []struct {
		what      string
		meanwhile func()
		kid       string
		want      string
		asked     int
	}{
		{"the first time", func() {}, "a", "a", 1},
		{"from memory", func() {}, "a", "a", 1},
		{"none named: all", func() {}, "", "a", 1},
		{"unknown, a moment after it was read", func() {}, "b", "", 1},
		{"unknown, a while later: it may be new", func() { clock.Advance(11 * time.Second) }, "b", "", 2},
		{"unknown again at once", func() {}, "c", "", 2},
		{"a new key", func() { clock.Advance(11 * time.Second); jwks = `{"keys":[` + keyA + `,` + keyB + `]}` }, "b", "b", 3},
		{"none named: both", func() {}, "", "a b", 3},
		{"a key withdrawn, remembered", func() { jwks = `{"keys":[` + keyB + `]}` }, "a", "a", 3},
		{"a key withdrawn, five minutes later", func() { clock.Advance(5 * time.Minute) }, "a", "", 4},
		{"not JSON, known", func() { jwks = `<html>` }, "b", "b", 4},
		{"not JSON, too old to be believed", func() { clock.Advance(6 * time.Minute) }, "b", "unavailable", 5},
		{"mended", func() { clock.Advance(2 * time.Second); jwks = `{"keys":[` + keyB + `]}` }, "b", "b", 6},
	} {
		step.meanwhile()
		if got := ids(t, keys, step.kid); got != step.want || asked != step.asked {
			t.Errorf("%s: %q after %d, want %q after %d", step.what, got, asked, step.want, step.asked)
		}
	}
}

// A set may hold keys of a kind that we do not know, or broken ones: the others count all the same (RFC 7517 §5).
func TestUnusableKeysAreLeftOut(t *testing.T) {
	for _, c := range []struct{ what, jwks, want string }{
		{"an unknown kind", `{"keys":[{"kty":"PQC","kid":"x"},` + keyA + `]}`, "a"},
		{"a curve that we lack", `{"keys":[{"kty":"EC","crv":"secp256k1","kid":"x","x":"AA","y":"AA"},` + keyB + `]}`, "b"},
		{"a point that is on no curve", `{"keys":[{"kty":"EC","crv":"P-256","kid":"x","x":"AA","y":"AA"},` + keyB + `]}`, "b"},
		{"a secret that both sides know", `{"keys":[{"kty":"oct","kid":"x","k":"c2VjcmV0"},` + keyA + `]}`, "a"},
		{"no key at all", `{"keys":[1,null,"x",{},` + keyA + `]}`, "a"},
		{"none", `{"keys":[]}`, ""},
		{"no set", `{}`, ""},
	} {
		keys := token.LoadedKeys(func(context.Context) ([]byte, error) { return []byte(c.jwks), nil }, storetest.NewClock().Now)
		if got := ids(t, keys, ""); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	// Nobody's private half is kept, should somebody publish it.
	keys, err := token.ParseKeys([]byte(`{"keys":[` + strings.Replace(keyB, "}", `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, 1) + `]}`))
	if err != nil || len(keys) != 1 || keys[0].Marshal().D != "" {
		t.Errorf("%v, %v", keys, err)
	}
}
