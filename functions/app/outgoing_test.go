package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"code.dny.dev/ssrf"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/egress"
)

// guarded is an app as it is deployed: what it is set up with is on this machine, all else goes through package egress.
func (w *world) guarded(setting string, log *slog.Logger) *app {
	w.t.Helper()
	cfg := Config{BaseURL: "http://localhost:8080", MCPURL: w.other.URL + "/mcp", ClientID: setting, Document: described, Store: w.store,
		Outside: egress.Client(nil, nil), Log: log}
	a, err := newApp(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// TestPrivateAddresses: no address in a private network is dialled, whichever way it is written and whoever names it (RFC 9728 §7.7).
func TestPrivateAddresses(t *testing.T) {
	w := newWorld(t)
	a := w.guarded(config.AppClientAuto, slog.New(slog.DiscardHandler))
	for name, hosts := range map[string][]string{
		"private 10":             {"10.0.0.1", "10.255.255.255"},
		"private 172.16":         {"172.16.0.1", "172.31.255.255"},
		"private 192.168":        {"192.168.0.1"},
		"loopback":               {"127.0.0.1", "127.8.8.8", "[::1]", "localhost", "0.0.0.0", "[::]"},
		"link-local 169.254":     {"169.254.169.254"}, // the cloud's metadata
		"link-local fe80":        {"[fe80::1]"},
		"private fc00":           {"[fc00::1]", "[fd00:ec2::254]"},
		"IPv4 in IPv6":           {"[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a00:1]", "[2002:a00:1::]"},
		"shared and unspecified": {"100.64.0.1", "224.0.0.1", "255.255.255.255"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, host := range hosts {
				resp, err := a.http.Get("https://" + host + "/")
				if err == nil {
					resp.Body.Close()
				}
				if !errors.Is(err, ssrf.ErrProhibitedIP) {
					t.Errorf("%s: %v", host, err)
				}
				// By a challenge, by resource metadata, by the metadata of an authorization server.
				if s, err := a.discover(t.Context(), "https://"+host+"/.well-known/oauth-protected-resource"); err == nil {
					t.Errorf("%s: %+v", host, s)
				}
				w.servers = []string{"https://" + host}
				if s, err := a.discover(t.Context(), ""); err == nil {
					t.Errorf("%s: %+v", host, s)
				}
				if s, err := a.identify(t.Context(), server{Issuer: "https://as.example", Register: "https://" + host + "/register"}); err == nil {
					t.Errorf("%s: %+v", host, s)
				}
				if _, err := a.requestToken(t.Context(), server{Issuer: "https://as.example", Client: "x", Token: "https://" + host + "/token"}, nil, url.Values{}, nil); err == nil {
					t.Errorf("%s: a token", host)
				}
			}
		})
	}
}

// TestOtherPorts: another service on the machine that we run on is not asked either, with or without TLS, and nothing is without TLS.
func TestOtherPorts(t *testing.T) {
	var hits atomic.Int32
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	plain, secure := httptest.NewServer(count), httptest.NewTLSServer(count)
	defer plain.Close()
	defer secure.Close()
	w := newWorld(t)
	a := w.guarded(config.AppClientAuto, slog.New(slog.DiscardHandler))
	for _, to := range []string{plain.URL, secure.URL, "http://as.example", "http://93.184.215.14"} {
		w.servers = []string{to}
		if s, err := a.discover(t.Context(), ""); err == nil {
			t.Errorf("%s: %+v", to, s)
		}
		if s, err := a.discover(t.Context(), to+"/metadata"); err == nil {
			t.Errorf("%s: %+v", to, s)
		}
		if status, _, err := a.postForm(t.Context(), to+"/token", client{ID: "x"}, url.Values{}); err == nil {
			t.Errorf("%s: %d", to, status)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests got through", hits.Load())
	}
	if _, err := a.http.Get("http://as.example/"); !errors.Is(err, egress.ErrNotHTTPS) {
		t.Errorf("%v", err)
	}
	// An app that was given no way outside asks nobody but what it is set up with.
	closed := outgoing(Config{MCPURL: w.other.URL + "/mcp"})
	if _, err := closed.Post("https://as.example/", "text/plain", strings.NewReader("x")); !errors.Is(err, errNotAsked) {
		t.Errorf("%v", err)
	}
}

// TestRedirects: no answer leads a request elsewhere, not even at home.
func TestRedirects(t *testing.T) {
	for name, path := range map[string]string{
		"resource metadata": "/.well-known/oauth-protected-resource/mcp", "server metadata": "/.well-known/oauth-authorization-server",
		"registration": "/register", "token": "/token", "revocation": "/revoke",
	} {
		t.Run(name, func(t *testing.T) {
			var hits atomic.Int32
			trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
			defer trap.Close()
			w := newWorld(t)
			w.offers("registration", "none")
			inner := w.other.Config.Handler
			w.other.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == path:
					http.Redirect(rw, r, trap.URL+path, http.StatusTemporaryRedirect)
				case r.URL.Path == "/trap":
					hits.Add(1)
				default:
					inner.ServeHTTP(rw, r)
				}
			})
			w.set(config.AppClientRegistered, func(c *Config) { c.Outside = &http.Client{} })
			p := w.person()
			if a := p.say("vaccination"); a.AuthorizeURL != "" {
				p.get(a.AuthorizeURL)
			}
			p.post("/logout", "application/x-www-form-urlencoded", "")
			if hits.Load() != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// TestSuspiciousAuthorizationURL: where no person may be sent to, and that the operator hears of it.
func TestSuspiciousAuthorizationURL(t *testing.T) {
	for _, bad := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "ftp://as.example/a", "vscode://a/b", "//as.example/a", "/a", "as.example/a",
		"http://as.example/a", "https://127.0.0.1@as.example/a", "https://user:secret@as.example/a", "https://as.example/a#x", "https:///a", "https:as.example", "https://as.example/a\n", "https://as example/a",
		"https://as.example/%zz", "https://as.example/a;b", "https://as.example/$(x)", "https://as.example/`x`", "https://as.example/a|b", "https://as.example/'", `https://as.example/\`, "https://as.example/" + strings.Repeat("x", maxURL), "",
	} {
		t.Run(clip(bad, 40), func(t *testing.T) {
			w := newWorld(t)
			w.metadata = func(m map[string]any) { m["authorization_endpoint"] = bad }
			var log bytes.Buffer
			w.set("vet-assist-ai", func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			a := w.person().say("vaccination")
			if a.AuthorizeURL != "" || !strings.Contains(a.Reply, "could not find out where") {
				t.Errorf("%+v", a)
			}
			said := strings.Contains(log.String(), "level=WARN")
			if bad != "" && strings.Contains(bad, ":") { // in the words of the SDK or in ours
				said = said && (strings.Contains(log.String(), "authorization_endpoint") || strings.Contains(log.String(), "authorization endpoint"))
			}
			if !said {
				t.Errorf("logged %s", log.String())
			}
		})
	}
	// On somebody's own machine http is for that machine; an app elsewhere has no business with it.
	for base, want := range map[string]bool{"http://localhost:8080": true, "https://chat.example": false} {
		a, err := newApp(Config{BaseURL: base, Store: newWorld(t).store})
		if err != nil {
			t.Fatal(err)
		}
		for _, loopback := range []string{"http://localhost:1/a", "http://127.0.0.1/a", "http://[::1]:8080/a"} {
			if got := a.encrypted(loopback); got != want {
				t.Errorf("%s sends people to %s: %v", base, loopback, got)
			}
		}
	}
}

// TestHostileMetadata: the rest of what a document may hold is bounded or left out.
func TestHostileMetadata(t *testing.T) {
	w := newWorld(t)
	w.metadata = func(m map[string]any) {
		m["revocation_endpoint"], m["registration_endpoint"] = "http://as.example/revoke", "http://as.example/register"
		m["token_endpoint_auth_methods_supported"] = strings.Fields(strings.Repeat("none ", 1000))
	}
	s, err := w.guarded("vet-assist-ai", slog.New(slog.DiscardHandler)).discover(t.Context(), "")
	if err == nil { // the SDK refuses the document already
		t.Errorf("%+v", s)
	}
	w.metadata = func(m map[string]any) {
		m["revocation_endpoint"] = "http://as.example/revoke"
		m["token_endpoint_auth_methods_supported"] = append(strings.Fields(strings.Repeat("none ", 1000)), strings.Repeat("x", 1000))
	}
	s, err = w.guarded(config.AppClientAuto, slog.New(slog.DiscardHandler)).discover(t.Context(), "")
	if err != nil || s.Revoke != "" || len(s.AuthMethods) != maxAuthMethods {
		t.Errorf("%v %q %d", err, s.Revoke, len(s.AuthMethods))
	}
	w.servers = nil
	for i := range 1000 {
		w.servers = append(w.servers, fmt.Sprintf("https://as%d.example/%s", i, strings.Repeat("x", 300)))
	}
	w.set("vet-assist-ai")
	if a := w.person().say("vaccination"); len(a.Reply) > 400 || !strings.Contains(a.Reply, "as0.example, as1.example, as2.example") {
		t.Errorf("%s", a.Reply)
	}
}
