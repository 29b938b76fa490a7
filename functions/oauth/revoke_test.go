package oauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	revoke := func(token string, changes ...string) tokens {
		form := url.Values{"client_id": {clientID}, "token": {token}}
		for i := 0; i < len(changes); i += 2 {
			form.Set(changes[i], changes[i+1])
		}
		got, _ := w.post("/oauth/revoke", form)
		return got
	}
	for name, pick := range map[string]func(tokens) string{
		"refresh token": func(g tokens) string { return g.Refresh },
		"access token":  func(g tokens) string { return g.Access },
	} {
		got := w.redeem(w.code())
		if r := revoke(pick(got), "token_type_hint", "nonsense"); r.Status != http.StatusOK {
			t.Errorf("%s: %+v", name, r)
		}
		w.refresh(got.Refresh).expect(t, "invalid_grant")
		if r := revoke(pick(got)); r.Status != http.StatusOK { // again is no error
			t.Errorf("%s, again: %+v", name, r)
		}
	}
	got := w.redeem(w.code())
	parts := strings.Split(got.Access, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	forged := parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + strings.Repeat("A", 86)
	for _, token := range []string{"unknown", forged, strings.Repeat("x", 10_000)} {
		if r := revoke(token); r.Status != http.StatusOK { // RFC 7009 §2.2
			t.Errorf("%.20s: %+v", token, r)
		}
	}
	revoke("").expect(t, "invalid_request")
	revoke(got.Refresh, "client_id", "nobody").expect(t, "invalid_client")
	revoke(got.Refresh, "client_id", w.otherClient()).expect(t, "invalid_grant")
	w.refresh(got.Refresh).expect(t, "") // none of that revoked it
}
