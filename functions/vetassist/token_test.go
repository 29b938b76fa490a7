package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/token"
)

// A token that must not open the MCP server: 401, an error code, and where to get a better one.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.tokensFor("bob", "pet-profile:read").Access
	if got := w.callTool(good, "list_pets", "{}"); got.status != http.StatusOK {
		t.Fatalf("a good token: %d %s", got.status, got.body)
	}
	parts := strings.Split(good, ".")
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kid := header(t, good)["kid"]
	signed := func(key any, method jwt.SigningMethod, head, change map[string]any) string {
		claims := jwt.MapClaims{
			"iss": w.URL, "sub": "user-bob", "aud": []string{w.URL + "/mcp", "mcp://vetassist"}, "client_id": "vet-assist-ai", "jti": "x",
			"scope": "pet-profile:read", "roles": []string{"Pet Owner"},
			"iat": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Minute).Unix(),
		}
		maps.Copy(claims, change)
		tok := jwt.NewWithClaims(method, claims)
		tok.Header["typ"], tok.Header["kid"] = "at+jwt", kid
		maps.Copy(tok.Header, head)
		raw, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	// minted are signed with the real key, and wrong in one claim only.
	minted := func(head, change map[string]any) string {
		return signed(w.signingKey(), jwt.SigningMethodES256, head, change)
	}
	if got := w.callTool(minted(nil, nil), "list_pets", "{}"); got.status != http.StatusOK {
		t.Fatalf("the pattern of the bad ones is not good itself: %d %s", got.status, got.body)
	}
	past := w.clock.Now().Add(-time.Minute).Unix()
	for name, raw := range map[string]string{
		"malformed":          "abc",
		"no parts":           "..",
		"unsigned":           parts[0] + "." + parts[1] + ".",
		"changed":            parts[0] + "." + strings.ToUpper(parts[1][:1]) + parts[1][1:] + "x." + parts[2],
		"alg none":           signed(jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, nil, nil),
		"HMAC":               signed([]byte("secret"), jwt.SigningMethodHS256, nil, nil),
		"another key":        signed(stranger, jwt.SigningMethodES256, nil, nil),
		"unknown key id":     signed(stranger, jwt.SigningMethodES256, map[string]any{"kid": "another"}, nil),
		"expired":            minted(nil, map[string]any{"exp": past}),
		"without an end":     minted(nil, map[string]any{"exp": nil}),
		"not yet":            minted(nil, map[string]any{"nbf": w.clock.Now().Add(time.Hour).Unix()}),
		"another issuer":     minted(nil, map[string]any{"iss": "https://elsewhere.example"}),
		"another audience":   minted(nil, map[string]any{"aud": "https://elsewhere.example/mcp"}),
		"without audience":   minted(nil, map[string]any{"aud": nil}),
		"an ID token":        minted(map[string]any{"typ": "JWT"}, nil),
		"without typ":        minted(map[string]any{"typ": ""}, nil),
		"without subject":    minted(nil, map[string]any{"sub": nil}),
		"unknown extensions": minted(map[string]any{"crit": []string{"x"}}, nil),
		"too long":           minted(nil, map[string]any{"x": strings.Repeat("x", 9000)}),
	} {
		t.Run(name, func(t *testing.T) {
			got := w.in(t).callTool(raw, "list_pets", "{}")
			challenge := got.header.Get("WWW-Authenticate")
			if got.status != http.StatusUnauthorized || !strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, `error="invalid_token"`) ||
				!strings.Contains(challenge, w.URL+"/.well-known/oauth-protected-resource/mcp") || !strings.Contains(challenge, `scope="pet-profile:read"`) {
				t.Errorf("%d, %s", got.status, challenge)
			}
			if r := got.result(t); r.Error.Message == "" {
				t.Errorf("the body is no JSON-RPC error: %s", got.body)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		got := w.in(t).callTool("", "list_pets", "{}")
		challenge := got.header.Get("WWW-Authenticate")
		if got.status != http.StatusUnauthorized || !strings.Contains(challenge, "resource_metadata=") || strings.Contains(challenge, "error=") {
			t.Errorf("%d, %s", got.status, challenge)
		}
	})
	t.Run("in the query", func(t *testing.T) {
		got := w.in(t).send("POST", "/mcp?access_token="+good, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Content-Type", "application/json")
		if got.status != http.StatusUnauthorized {
			t.Errorf("a token in the query opens the server: %d", got.status)
		}
	})
	t.Run("two at once", func(t *testing.T) {
		got := w.in(t).send("POST", "/mcp", `{}`, "Content-Type", "application/json", "Authorization", "Bearer "+good, "Authorization", "Bearer "+good)
		if got.status != http.StatusBadRequest {
			t.Errorf("%d", got.status)
		}
	})
	t.Run("after ten minutes", func(t *testing.T) {
		w.clock.turn(token.Lifetime)
		if got := w.in(t).callTool(good, "list_pets", "{}"); got.status != http.StatusUnauthorized {
			t.Errorf("%d", got.status)
		}
	})
}

func header(t *testing.T, raw string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(raw, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	var h map[string]any
	if err := errors.Join(err, json.Unmarshal(b, &h)); err != nil {
		t.Fatal(err)
	}
	return h
}

// signingKey reads the private key from the store, as only the authorization server may.
func (w *world) signingKey() *ecdsa.PrivateKey {
	w.t.Helper()
	db, closeDB, err := w.options.Open(w.t.Context(), w.clock.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	defer closeDB()
	item, err := db.Get(w.t.Context(), token.PrivatePartitions[0]+"all", "000001")
	var record struct{ Private string }
	if err := errors.Join(err, json.Unmarshal(item.Body, &record)); err != nil {
		w.t.Fatal(err)
	}
	scalar, err := base64.RawURLEncoding.DecodeString(record.Private)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func wantRefused(t *testing.T, what string, got tokens, code string) {
	t.Helper()
	if got.status != http.StatusBadRequest || got.Error != code || got.Access != "" || got.Refresh != "" {
		t.Errorf("%s: %d %q %q, want %s", what, got.status, got.Error, got.Description, code)
	}
}

func wantTokens(t *testing.T, what string, got tokens) {
	t.Helper()
	if got.status != http.StatusOK || got.Access == "" || got.Refresh == "" || !strings.EqualFold(got.Type, "Bearer") ||
		got.Expires < 590 || got.Expires > 600 || // a real clock may have moved on
		got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: %d %+v", what, got.status, got)
	}
}

func TestCodes(t *testing.T) {
	w := newWorld(t)
	bob := w.person() // logs in and consents once; after that a code comes at once
	code := func() string {
		t.Helper()
		answer := bob.answerOf(w.request(nil), "bob")
		if answer.Get("state") != testState || answer.Get("iss") != w.URL || answer.Get("code") == "" {
			t.Fatalf("the answer is %v", answer)
		}
		return answer.Get("code")
	}

	t.Run("once", func(t *testing.T) {
		w := w.in(t)
		c := code()
		first := w.redeem(c, nil)
		wantTokens(t, "first use", first)
		wantRefused(t, "second use", w.redeem(c, nil), "invalid_grant")
		wantRefused(t, "what the first use gave", w.refresh(first.Refresh), "invalid_grant")
	})
	t.Run("60 seconds", func(t *testing.T) {
		w := w.in(t)
		c := code()
		w.clock.turn(time.Minute)
		wantRefused(t, "a minute later", w.redeem(c, nil), "invalid_grant")
	})
	for name, change := range map[string]url.Values{
		"wrong verifier":     {"code_verifier": {strings.Repeat("x", 43)}},
		"short verifier":     {"code_verifier": {"x"}},
		"wrong redirect_uri": {"redirect_uri": {"http://localhost:1/callback"}},
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, name, w.in(t).redeem(code(), change), "invalid_grant") })
	}
	t.Run("no verifier", func(t *testing.T) {
		wantRefused(t, "no verifier", w.in(t).redeem(code(), url.Values{"code_verifier": nil}), "invalid_request")
	})
	t.Run("another resource", func(t *testing.T) {
		wantRefused(t, "another resource", w.in(t).redeem(code(), url.Values{"resource": {"https://elsewhere.example/mcp"}}), "invalid_target")
	})
	t.Run("no code", func(t *testing.T) {
		wantRefused(t, "an invented code", w.in(t).redeem("invented", nil), "invalid_grant")
	})
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	t.Run("rotate", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read")
		second := w.refresh(first.Refresh)
		wantTokens(t, "refresh", second)
		if second.Refresh == first.Refresh {
			t.Error("the refresh token stayed the same")
		}
		wantTokens(t, "with the successor", w.refresh(second.Refresh))
	})
	t.Run("a lost answer", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read")
		second := w.refresh(first.Refresh)
		again := w.refresh(first.Refresh)
		wantTokens(t, "the same request again", again)
		if again.Refresh != second.Refresh {
			t.Error("two successors of one refresh token")
		}
		wantTokens(t, "the successor", w.refresh(second.Refresh))
	})
	t.Run("reuse ends the family", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read")
		second := w.refresh(first.Refresh)
		w.clock.turn(5 * time.Minute) // long after the window
		wantRefused(t, "the old one again", w.refresh(first.Refresh), "invalid_grant")
		wantRefused(t, "and the new one with it", w.refresh(second.Refresh), "invalid_grant")
	})
	t.Run("reuse after the successor was used", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read")
		third := w.refresh(w.refresh(first.Refresh).Refresh)
		wantTokens(t, "two steps", third)
		wantRefused(t, "the first again, within the window", w.refresh(first.Refresh), "invalid_grant")
		wantRefused(t, "the last", w.refresh(third.Refresh), "invalid_grant")
	})
	t.Run("revoked", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read")
		gone := w.post("/oauth/revoke", url.Values{"token": {first.Refresh}, "client_id": {"vet-assist-ai"}})
		if gone.status != http.StatusOK {
			t.Errorf("revoking: %d %s", gone.status, gone.Error)
		}
		wantRefused(t, "a revoked one", w.refresh(first.Refresh), "invalid_grant")
		if unknown := w.post("/oauth/revoke", url.Values{"token": {"unknown"}, "client_id": {"vet-assist-ai"}}); unknown.status != http.StatusOK {
			t.Errorf("revoking what is unknown: %d, want 200 (RFC 7009 §2.2)", unknown.status)
		}
	})
	t.Run("narrower, never wider", func(t *testing.T) {
		w := w.in(t)
		first := w.tokensFor("bob", "pet-profile:read", "appointment:read")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {"vet-assist-ai"}, "scope": {"pet-profile:read"}}
		narrow := w.post("/oauth/token", form)
		if wantTokens(t, "narrower", narrow); narrow.Scope != "pet-profile:read" {
			t.Errorf("scope %q", narrow.Scope)
		}
		form.Set("refresh_token", narrow.Refresh)
		form.Set("scope", "appointment:write")
		wantRefused(t, "wider", w.post("/oauth/token", form), "invalid_scope")
	})
}
