package jwks_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/jwks"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func open(t *testing.T) store.Store {
	t.Helper()
	return storetest.Open(t, time.Now)
}

func get(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The function sees public keys only, and what it serves verifies a real token.
func TestServesTheKeyThatSigns(t *testing.T) {
	db := open(t)
	ring := token.NewKeyring("http://localhost:8080", db, time.Now, rand.Reader)
	raw, _, err := ring.Mint(t.Context(), token.Grant{ID: "1", Subject: "user-bob", ClientID: "c", Audience: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(jwks.New(store.Restrict(db, jwks.Partitions...), time.Now, quiet()))
	defer srv.Close()

	remote := token.RemoteKeys(srv.URL+token.JWKSPath, srv.Client(), time.Now)
	if _, err := token.NewVerifier("http://localhost:8080", []string{"a"}, remote, time.Now).Verify(t.Context(), raw); err != nil {
		t.Errorf("a token does not verify with the served keys: %v", err)
	}

	resp, err := srv.Client().Get(srv.URL + token.JWKSPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body(t, resp)), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want 1", len(set.Keys))
	}
	key := set.Keys[0]
	for name, want := range map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"} {
		if key[name] != want {
			t.Errorf("%s is %v, want %s", name, key[name], want)
		}
	}
	for _, name := range []string{"kid", "x", "y"} {
		if s, _ := key[name].(string); s == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if _, ok := key["d"]; ok {
		t.Error("the private half is served")
	}
}

func TestHeaders(t *testing.T) {
	db := open(t)
	if err := token.NewKeyring("http://localhost:8080", db, time.Now, rand.Reader).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := jwks.New(store.Restrict(db, jwks.Partitions...), time.Now, quiet())
	resp := get(h, "GET", token.JWKSPath)
	for name, want := range map[string]string{
		"Content-Type":                "application/json",
		"Cache-Control":               "public, max-age=300",
		"Access-Control-Allow-Origin": "*",
		"X-Content-Type-Options":      "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	tag := resp.Header.Get("ETag")
	if again := get(h, "GET", token.JWKSPath, "If-None-Match", tag); again.StatusCode != http.StatusNotModified || body(t, again) != "" {
		t.Errorf("the same tag again: %s", again.Status)
	}
	head := get(h, "HEAD", token.JWKSPath)
	if head.StatusCode != http.StatusOK || head.Header.Get("Content-Length") == "" || body(t, head) != "" {
		t.Errorf("HEAD: %s, length %q", head.Status, head.Header.Get("Content-Length"))
	}
	preflight := get(h, "OPTIONS", token.JWKSPath, "Origin", "https://example.com", "Access-Control-Request-Method", "GET")
	if preflight.StatusCode != http.StatusNoContent || preflight.Header.Get("Access-Control-Allow-Methods") != "GET" {
		t.Errorf("preflight: %s %v", preflight.Status, preflight.Header)
	}
}

func TestOtherRequests(t *testing.T) {
	h := jwks.New(store.Restrict(open(t), jwks.Partitions...), time.Now, quiet())
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		resp := get(h, method, token.JWKSPath)
		if resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(resp.Header.Get("Allow"), "GET") {
			t.Errorf("%s: %s, Allow %q", method, resp.Status, resp.Header.Get("Allow"))
		}
	}
	if resp := get(h, "GET", "/.well-known/other"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another path: %s", resp.Status)
	}
	if resp := get(h, "GET", token.JWKSPath); body(t, resp) != `{"keys":[]}` {
		t.Error("before the first key the set is not empty")
	}
}

type broken struct{ store.Store }

func (broken) List(context.Context, store.Query) (store.Page, error) {
	return store.Page{}, errors.New("the disk at /secret/path is gone")
}

// A failure says nothing of its cause, and must not be cached.
func TestFailure(t *testing.T) {
	resp := get(jwks.New(broken{}, time.Now, quiet()), "GET", token.JWKSPath)
	if text := body(t, resp); resp.StatusCode != http.StatusInternalServerError || strings.Contains(text, "secret") {
		t.Errorf("%s: %s", resp.Status, text)
	}
	if c := resp.Header.Get("Cache-Control"); strings.Contains(c, "public") {
		t.Errorf("a failure may be cached: %q", c)
	}
}

type watched struct {
	store.Store
	asked []store.Query
}

func (w *watched) List(ctx context.Context, q store.Query) (store.Page, error) {
	w.asked = append(w.asked, q)
	return w.Store.List(ctx, q)
}

// What is read while the function starts is just what the first request needs.
func TestFirst(t *testing.T) {
	w := &watched{Store: open(t)}
	get(jwks.New(store.Restrict(w, jwks.Partitions...), time.Now, quiet()), "GET", token.JWKSPath)
	if len(w.asked) != 1 || w.asked[0] != jwks.First {
		t.Errorf("it asks for %+v", w.asked)
	}
}

// The document is built once for a set of keys, and is right at once when one comes, is withdrawn, or leaves by the clock.
func TestFollowsTheKeys(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.Open(t, clock.Now)
	ring := token.NewKeyring("http://localhost:8080", db, clock.Now, rand.Reader)
	h := jwks.New(store.Restrict(db, jwks.Partitions...), clock.Now, quiet())
	count := func() (n int) {
		t.Helper()
		return strings.Count(body(t, get(h, "GET", token.JWKSPath)), `"kid"`)
	}
	for _, step := range []struct {
		what string
		do   func() error
		want int
	}{
		{"none yet", func() error { return nil }, 0},
		{"the first", func() error { return ring.Ensure(t.Context()) }, 1},
		{"a rotation", func() error { _, err := ring.Rotate(t.Context()); return err }, 2},
		{"the new one is retired", func() error {
			keys, err := ring.Keys(t.Context())
			if err != nil {
				return err
			}
			return ring.Retire(t.Context(), keys[1].ID)
		}, 1},
		{"another rotation", func() error { _, err := ring.Rotate(t.Context()); return err }, 2},
		{"the first has left", func() error { clock.Advance(time.Hour); return nil }, 1},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := count(); got != step.want {
			t.Errorf("%s: %d keys, want %d", step.what, got, step.want)
		}
	}
}
