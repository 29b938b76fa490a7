package oauth_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.get("/.well-known/oauth-authorization-server")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(a.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(pretty.String(), w.url, "http://localhost:8080")
	const golden = "testdata/metadata.json"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", a.header)
	}
	// Every endpoint that it names is there; the JWKS is another function's.
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatal(err)
	}
	for name, value := range m {
		if endpoint, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") {
			if a := b.get(endpoint); a.status == http.StatusNotFound {
				t.Errorf("%s is not served", name)
			}
		}
	}
}

// TestWhoMayReadAnswers: metadata, token and revoke may be called by pages of any origin; login and consent by none.
func TestWhoMayReadAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for _, c := range []struct {
		method, path string
		status       int
		allowed      bool
	}{
		{"OPTIONS", "/.well-known/oauth-authorization-server", 204, true},
		{"HEAD", "/.well-known/oauth-authorization-server", 200, true},
		{"POST", "/.well-known/oauth-authorization-server", 405, true},
		{"GET", "/.well-known/openid-configuration", 200, true},
		{"OPTIONS", "/oauth/userinfo", 204, true},
		{"GET", "/oauth/userinfo", 401, true},
		{"PUT", "/oauth/userinfo", 405, true},
		{"OPTIONS", "/oauth/logout", 405, false},
		{"GET", "/oauth/logout?client_id=vet-assist-ai", 200, false},
		{"GET", "/oauth/logout/confirm", 405, false},
		{"HEAD", "/oauth/logout", 405, false},
		{"OPTIONS", "/oauth/token", 204, true},
		{"GET", "/oauth/token", 405, true},
		{"POST", "/oauth/token", 400, true},
		{"OPTIONS", "/oauth/revoke", 204, true},
		{"GET", "/oauth/revoke", 405, true},
		{"OPTIONS", "/oauth/par", 204, true},
		{"GET", "/oauth/par", 405, true},
		{"POST", "/oauth/par", 400, true},
		{"OPTIONS", "/oauth/device_authorization", 405, false},
		{"POST", "/oauth/device_authorization", 400, false},
		{"GET", "/oauth/device", 200, false},
		{"OPTIONS", "/oauth/device", 405, false},
		{"OPTIONS", "/oauth/introspect", 405, false},
		{"GET", "/oauth/introspect", 405, false},
		{"POST", "/oauth/introspect", 400, false},
		{"OPTIONS", "/oauth/authorize", 405, false},
		{"GET", "/oauth/login", 200, false},
		{"OPTIONS", "/oauth/consent", 405, false},
		{"GET", "/oauth/nothing", 404, false},
		{"GET", "/oauth/assets/style.css", 200, false},
		{"GET", "/oauth/assets/..%2foauth.go", 404, false},
	} {
		a := b.do(c.method, c.path, nil, func(r *http.Request) { r.Header.Set("Origin", "https://page.example") })
		if got := a.header.Get("Access-Control-Allow-Origin") == "*"; a.status != c.status || got != c.allowed {
			t.Errorf("%s %s: %d, readable %v", c.method, c.path, a.status, got)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s allows credentials", c.method, c.path)
		}
	}
	_, a := w.post("/oauth/token", url.Values{"client_id": {clientID}})
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a token answer may be stored: %v", a.header)
	}
}

func FuzzAuthorize(f *testing.F) {
	f.Add("client_id=vet-assist-ai&redirect_uri=x&scope=a&state=b")
	f.Add("client_id=%zz")
	f.Add("scope=openid&nonce=n&max_age=0&id_token_hint=a.b.c&login_hint=bob&request=x")
	f.Add("prompt=none&response_type=code;x")
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, query string) {
		// Whatever comes after the right client and redirect_uri: never an error of ours, and never a redirect elsewhere.
		for _, prefix := range []string{"", "client_id=" + clientID + "&redirect_uri=" + url.QueryEscape(w.url+"/callback") + "&"} {
			u, err := url.Parse(w.url + "/oauth/authorize")
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery = prefix + query
			req := &http.Request{Method: "GET", URL: u, Header: http.Header{}}
			resp, err := w.browser().client.Do(req.WithContext(t.Context()))
			if err != nil {
				continue // not a request that a browser could send
			}
			resp.Body.Close()
			location := resp.Header.Get("Location")
			ok := location == "" || strings.HasPrefix(location, w.url+"/callback?") || strings.HasPrefix(location, "/oauth/login?")
			if resp.StatusCode >= 500 || !ok {
				t.Errorf("%q: %d %q", query, resp.StatusCode, location)
			}
		}
	})
}
