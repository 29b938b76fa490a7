package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/doctor"
)

// healthy is a gateway that does nothing wrong.
func healthy(w *world) *gateway {
	return &gateway{to: w.listeners[0].Addr().String(), clock: w.clock, cert: certificate{"demo.example.com", 90 * 24 * time.Hour}, trusted: true, lowest: tls.VersionTLS12}
}

func (g *gateway) examine(t *testing.T, address string) doctor.Report {
	t.Helper()
	report, err := doctor.Examine(t.Context(), address, doctor.Options{Transport: g.transport(t), Now: g.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// deployed is a server that knows itself by its public name.
func deployed(t *testing.T) *world {
	return newWorld(t, func(o *Options) { o.BaseURL = public })
}

// What people read, and the exit status: of a healthy server, and of a laptop that somebody put on the net through a tunnel.
func TestDoctorReports(t *testing.T) {
	for _, c := range []struct {
		golden  string
		base    string
		address string
		code    int
	}{
		{"doctor-healthy.golden", public, "demo.example.com", exitOK},
		{"doctor-tunnel.golden", "http://localhost:8080", public + "/", exitFailed},
	} {
		t.Run(c.golden, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.BaseURL = c.base })
			g := healthy(w)
			g.before = func(r *http.Request) { r.Host = strings.TrimPrefix(strings.TrimPrefix(c.base, "https://"), "http://") }
			report := g.examine(t, c.address)
			var out, problems bytes.Buffer
			if code := showReport(report, false, &out, &problems); code != c.code || problems.Len() > 0 {
				t.Errorf("exit status %d %s", code, &problems)
			}
			want, err := os.ReadFile("testdata/" + c.golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", &out, want)
			}

			out.Reset()
			var again doctor.Report
			if code := showReport(report, true, &out, &problems); code != c.code {
				t.Errorf("exit status %d with -json", code)
			}
			if err := json.Unmarshal(out.Bytes(), &again); err != nil || !slices.Equal(again.Findings, report.Findings) || again.Wrong != report.Wrong {
				t.Errorf("%v: %s", err, &out)
			}
		})
	}
}

// The server on one's own machine, under the addresses that people type.
func TestDoctorAtHome(t *testing.T) {
	w := newWorld(t)
	host := strings.TrimPrefix(w.URL, "http://")
	for _, typed := range []string{w.URL, host, w.URL + "/", " " + w.URL + "/mcp ", strings.ToUpper(w.URL[:4]) + w.URL[4:] + "/admin/#/users?x=1"} {
		report, err := doctor.Examine(t.Context(), typed, doctor.Options{})
		if err != nil || report.URL != w.URL || report.Wrong+report.Warnings > 0 || len(report.Findings) < 30 {
			t.Errorf("%q: %v %+v", typed, err, report)
		}
	}
}

// replace changes words in the bodies of a path.
func replace(path, old, to string) func(*http.Response) {
	return func(resp *http.Response) {
		if resp.Request.URL.Path != path {
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), old, to)))
	}
}

// setting changes the headers of a path; "" is every path.
func setting(path string, change func(http.Header)) func(*http.Response) {
	return func(resp *http.Response) {
		if path == "" || resp.Request.URL.Path == path {
			change(resp.Header)
		}
	}
}

func without(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }

func with(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }

const (
	asDocument  = "/.well-known/oauth-authorization-server"
	prDocument  = "/.well-known/oauth-protected-resource/mcp"
	jwksAddress = "/.well-known/jwks.json"
)

// TestDoctorFinds is a table of what goes wrong in front of a server that is right: each must be found by the check that is
// for it, with words that lead to the mend.
func TestDoctorFinds(t *testing.T) {
	t.Parallel()
	w := deployed(t)
	jwk := func(kid, more string) string {
		return `{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","x":"AA","y":"AA"` + kid + more + `}`
	}
	serveAt := func(path string, status int, body any) func(*gateway) {
		return func(g *gateway) {
			g.instead = func(r *http.Request) (int, any) {
				if r.URL.Path != path {
					return 0, nil
				}
				return status, body
			}
		}
	}
	after := func(f func(*http.Response)) func(*gateway) { return func(g *gateway) { g.after = f } }
	turned := func(first, later time.Duration) func(*gateway) {
		return func(g *gateway) {
			seen := map[string]bool{}
			g.before = func(r *http.Request) {
				if d := later; r.Method == http.MethodGet && len(r.Header) < 4 { // none of the checks with headers of their own
					if !seen[r.URL.Path] {
						d = first
					}
					seen[r.URL.Path] = true
					g.clock.turn(d)
				}
			}
		}
	}
	const wrong, warning = doctor.Wrong, doctor.Warning
	for _, c := range []struct {
		what    string
		breakIt func(*gateway)
		check   string
		outcome doctor.Outcome
		reason  string // words of it
		mend    string
	}{
		{"a self-signed certificate", func(g *gateway) { g.trusted = false }, "reachable", wrong, "nobody whom this machine trusts", "whole chain"},
		{"a certificate that has run out", func(g *gateway) { g.cert.ends = -time.Hour }, "reachable", wrong, "run out", "Renew it"},
		{"a certificate that soon runs out", func(g *gateway) { g.cert.ends = 3 * 24 * time.Hour }, "certificate", warning, "(3 days)", "Renew it now"},
		{"another name's certificate", func(g *gateway) { g.cert.name = "other.example.com" }, "reachable", wrong, "for another name", "names demo.example.com"},
		{"broken versions of TLS", func(g *gateway) { g.lowest = tls.VersionTLS10 }, "tls", warning, "TLS 1.1", "TLS_1_2"},
		{"plain http is answered", func(g *gateway) {
			g.port80 = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }
		},
			"plain-http", wrong, "in the open", "nothing but redirect"},
		{"plain http leads elsewhere", func(g *gateway) {
			g.port80 = http.RedirectHandler("https://www.example.com/", http.StatusMovedPermanently).ServeHTTP
		},
			"plain-http", wrong, "https://www.example.com/", "nothing but redirect"},
		{"a clock that is behind", after(setting("", with("Date", w.clock.Now().Add(-2*time.Hour).Format(http.TimeFormat)))), "clock", wrong, "2h0m0s behind", "NTP"},
		{"a clock that is a little ahead", after(setting("", with("Date", w.clock.Now().Add(20*time.Second).Format(http.TimeFormat)))), "clock", warning, "20s ahead", "NTP"},
		{"no date", after(setting("", with("Date", ""))), "clock", warning, "cannot be compared", "takes it away"},
		{"no number of the request", after(setting("", without("X-Request-Id"))), "request-id", warning, "nobody can find", "takes it away"},
		{"a slow start", turned(4*time.Second, 20*time.Millisecond), "latency", warning, "first answer took 4000 ms, later ones 20 ms", "more memory"},
		{"slow answers", turned(2*time.Second, 2*time.Second), "latency", warning, "slow for every user", "too little CPU"},

		{"a stage's prefix", func(g *gateway) {
			g.instead = func(r *http.Request) (int, any) {
				if !strings.HasPrefix(r.URL.Path, "/prod/") {
					return http.StatusNotFound, map[string]string{"message": "Not Found"}
				}
				return 0, nil
			}
			g.before = func(r *http.Request) { r.URL.Path = strings.TrimPrefix(r.URL.Path, "/prod") }
		}, "prefix", wrong, "behind the prefix /prod", "$default"},
		{"another issuer", after(replace(asDocument, `"issuer":"https://demo.example.com"`, `"issuer":"https://abc.execute-api.example.com"`)),
			"issuer", wrong, "another server's name", "VETASSIST_BASE_URL to https://demo.example.com, exactly"},
		{"an issuer with a slash", after(replace(asDocument, `"issuer":"https://demo.example.com"`, `"issuer":"https://demo.example.com/"`)),
			"issuer", wrong, "a slash at the end", "VETASSIST_BASE_URL"},
		{"an issuer of plain http", after(replace(asDocument, `"issuer":"https:`, `"issuer":"http:`)), "issuer", wrong, "plain http", "VETASSIST_BASE_URL"},
		{"an issuer in capitals", after(replace(asDocument, `"issuer":"https://demo`, `"issuer":"https://Demo`)), "issuer", wrong, "capital letters", "VETASSIST_BASE_URL"},
		{"an issuer with a path", after(replace(asDocument, `"issuer":"https://demo.example.com`, `"issuer":"https://demo.example.com/prod`)), "issuer", wrong, "another path", "$default"},
		{"an issuer with a port", after(replace(asDocument, `"issuer":"https://demo.example.com`, `"issuer":"https://demo.example.com:8443`)), "issuer", wrong, "another port", "VETASSIST_BASE_URL"},
		{"no issuer", after(replace(asDocument, `"issuer"`, `"publisher"`)), "issuer", wrong, "missing", "which server"},
		{"an endpoint elsewhere", after(replace(asDocument, "https://demo.example.com/oauth/token", "https://demo.example.com.evil.example/oauth/token")),
			"endpoints", wrong, "token_endpoint (https://demo.example.com.evil", "VETASSIST_BASE_URL"},
		{"an endpoint of plain http", after(replace(asDocument, "https://demo.example.com/oauth/token", "http://demo.example.com/oauth/token")), "endpoints", wrong, "http://demo", "does not see the TLS"},
		{"no token endpoint", after(replace(asDocument, `"token_endpoint"`, `"token"`)), "endpoints", wrong, "no token_endpoint", "which server"},
		{"no PKCE", after(replace(asDocument, `"S256"`, `"plain"`)), "pkce", wrong, "S256 is missing", "which server"},
		{"no iss in answers", after(replace(asDocument, `"authorization_response_iss_parameter_supported":true`, `"x":true`)), "iss", warning, "mix them up", "which server"},
		{"metadata of another server", after(func(r *http.Response) {
			if r.Request.URL.Path == asDocument {
				r.StatusCode = http.StatusFound
				r.Header.Set("Location", "https://login.example.com/")
			}
		}), "authorization-server-metadata", wrong, "302 Found to https://login.example.com/", "at this address itself"},
		{"metadata as text", after(setting(asDocument, with("Content-Type", "text/plain"))), "authorization-server-metadata", wrong, "text/plain", "reaches VetAssist"},
		{"metadata that is cut off", after(replace(asDocument, "}", "")), "authorization-server-metadata", wrong, "no JSON object", "reaches VetAssist"},
		{"endless metadata", after(replace(asDocument, `"issuer"`, `"x":"`+strings.Repeat("x", 300<<10)+`","issuer"`)), "reachable", wrong, "larger than 256 KiB", "log"},
		{"no metadata of the MCP server at its path", serveAt(prDocument, 404, "no"), "resource-metadata", wrong, "404", "route exists"},
		{"no metadata of the MCP server at the root", serveAt("/.well-known/oauth-protected-resource", 404, "no"), "resource-metadata-root", wrong, "404", "route exists"},
		{"another resource", after(replace(prDocument, "https://demo.example.com/mcp", "https://demo.example.com/mcp/")), "resource-metadata", wrong, "a slash at the end", "VETASSIST_BASE_URL"},
		{"another authorization server", after(replace(prDocument, `"authorization_servers":["https://demo.example.com"]`, `"authorization_servers":["https://old.example.com"]`)),
			"resource-metadata", wrong, "https://old.example.com", "for the MCP server too"},
		{"no route for OpenID Connect", serveAt("/.well-known/openid-configuration", 404, map[string]string{"message": "Not Found"}), "openid-configuration", wrong, "not served: 404", "template.yaml"},
		{"another OpenID provider", after(replace("/.well-known/openid-configuration", "/oauth/userinfo", "/oauth/whoami")), "openid-configuration", wrong, "differs from", "same version"},
		{"two kinds of metadata", after(replace(prDocument, "VetAssist MCP Server", "Another")), "resource-metadata-forms", wrong, "differ", "same version"},
		{"a server that believes X-Forwarded-Host", func(g *gateway) {
			g.after = func(resp *http.Response) {
				if to := resp.Request.Header.Get("X-Forwarded-Host"); to != "" {
					replace(asDocument, "demo.example.com", to)(resp)
				}
			}
		}, "forwarded", wrong, "whoever can send a header", "VETASSIST_BASE_URL"},

		{"no keys", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":[]}`)), "jwks", wrong, "empty", "another table"},
		{"no list of keys", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":{}}`)), "jwks", wrong, "no list", "which server"},
		{"one kid twice", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":[`+jwk(`,"kid":"a"`, "")+`,`+jwk(`,"kid":"a"`, "")+`]}`)), "jwks", wrong, "Two keys have the kid a", "Retire it"},
		{"a key without a kid", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":[`+jwk("", "")+`]}`)), "jwks", wrong, "no kid", "which server"},
		{"a private key", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":[`+jwk(`,"kid":"a"`, `,"d":"AA"`)+`]}`)), "jwks", wrong, "PRIVATE", "rotate"},
		{"keys for another algorithm", serveAt(jwksAddress, 200, json.RawMessage(`{"keys":[{"kty":"RSA","alg":"RS256","kid":"a","n":"AA","e":"AQAB"}]}`)), "jwks", wrong, "RS256", "which server"},
		{"keys that are kept for a day", after(setting(jwksAddress, with("Cache-Control", "public, max-age=86400"))), "jwks-age", wrong, "86400 seconds", "max-age=300"},
		{"keys of an old cache", after(setting(jwksAddress, with("Age", "4000"))), "jwks-age", wrong, "4000 seconds old", "max-age=300"},
		{"keys that are never kept", after(setting(jwksAddress, with("Cache-Control", "no-store"))), "jwks-age", warning, "for every token", "max-age=300"},

		{"a renamed challenge", after(func(resp *http.Response) {
			if v := resp.Header.Get("WWW-Authenticate"); v != "" {
				resp.Header.Del("WWW-Authenticate")
				resp.Header.Set("x-amzn-Remapped-WWW-Authenticate", v)
			}
		}), "challenge", warning, "x-amzn-remapped-www-authenticate", "CloudFront"},
		{"a renamed challenge, and another body", after(func(resp *http.Response) {
			if v := resp.Header.Get("WWW-Authenticate"); v != "" {
				resp.Header.Del("WWW-Authenticate")
				resp.Header.Set("x-amzn-Remapped-WWW-Authenticate", v)
				replace("/mcp", "resource_metadata", "x")(resp)
			}
		}), "challenge", wrong, "does not repeat", "CloudFront"},
		{"no challenge", after(setting("/mcp", without("WWW-Authenticate"))), "challenge", wrong, "There is none", "pass the header on"},
		{"a challenge of a proxy's own", after(setting("/mcp", with("WWW-Authenticate", `Basic realm="proxy"`))), "challenge", wrong, "not for Bearer", "authorizer"},
		{"a challenge that points elsewhere", after(setting("/mcp", with("WWW-Authenticate", `Bearer resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp"`))),
			"challenge", wrong, "does not point to https://demo.example.com/.well-known", "VETASSIST_BASE_URL"},
		{"no MCP server", serveAt("/mcp", 404, "no"), "unauthenticated", wrong, "404", "route POST /mcp"},
		{"everybody is let in", serveAt("/mcp", 200, "welcome"), "unauthenticated", wrong, "200", "off the net"},
		{"every token is let in", func(g *gateway) {
			g.instead = func(r *http.Request) (int, any) {
				if strings.HasSuffix(r.Header.Get("Authorization"), ".") { // unsigned
					return 200, "welcome"
				}
				return 0, nil
			}
		}, "unsigned-token", wrong, "let in", "ES256 signatures"},
		{"tokens cannot be checked", func(g *gateway) {
			g.instead = func(r *http.Request) (int, any) {
				if r.Header.Get("Authorization") != "" {
					return 503, "try again"
				}
				return 0, nil
			}
		}, "bad-token", wrong, "503", "cannot read the keys"},
		{"an open admin API", serveAt("/admin/api/v1/users", 200, "all of them"), "admin-api", wrong, "let in", "off the net"},

		{"no CORS at the token endpoint", after(setting("/oauth/token", without("Access-Control-Allow-Origin"))), "cors", wrong, "missing, not *", "Switch CORS off"},
		{"CORS in preflights only", after(func(r *http.Response) {
			if r.Request.Method == http.MethodGet {
				setting(jwksAddress, without("Access-Control-Allow-Origin"))(r)
			}
		}), "cors", wrong, "the answer itself says missing", "Switch CORS off"},
		{"CORS with cookies", after(setting("", with("Access-Control-Allow-Credentials", "true"))), "cors", wrong, "cookies", "Switch CORS off"},
		{"MCP's headers are not allowed", after(setting("/mcp", with("Access-Control-Allow-Headers", "content-type,authorization"))), "cors-mcp", wrong, "MCP-Protocol-Version", "Switch CORS off"},
		{"the challenge is not exposed", after(setting("/mcp", without("Access-Control-Expose-Headers"))), "cors-exposed", wrong, "not where to log in", "Switch CORS off"},
		{"a session that is not exposed", after(setting("/mcp", with("Mcp-Session-Id", "1"))), "cors-exposed", wrong, "a page loses it", "Switch CORS off"},
		{"CORS for everybody", after(setting("", with("Access-Control-Allow-Origin", "*"))), "origin", wrong, "page of a stranger", "Switch CORS off"},
		{"CORS for everybody, on pages", after(setting("/oauth/account", with("Access-Control-Allow-Origin", "*"))), "cors-pages", wrong, "/oauth/account", "Switch CORS off"},
		{"no Origin arrives", func(g *gateway) { g.before = func(r *http.Request) { r.Header.Del("Origin") } }, "origin", wrong, "does not arrive", "VETASSIST_ALLOWED_ORIGINS"},

		{"pages that may be framed", after(setting("", with("Content-Security-Policy", "default-src 'none'"))), "page-headers", wrong, "framed", "pass on"},
		{"pages with another policy", after(setting("", with("Content-Security-Policy", "default-src *"))), "page-headers", wrong, "strict one", "pass on"},
		{"pages that tell where people come from", after(setting("", with("Referrer-Policy", "unsafe-url"))), "page-headers", wrong, "unsafe-url", "pass on"},
		{"pages that are cached", after(setting("/oauth/login", with("Cache-Control", "public, max-age=60"))), "page-headers", wrong, "Caches may keep", "pass on"},
		{"no console", serveAt("/admin/", 404, "no"), "page-headers", wrong, "404", "route exists"},
		{"no cookies", after(setting("", without("Set-Cookie"))), "cookies", wrong, "nobody can log in", "takes Set-Cookie away"},
		{"cookies that scripts can read", after(setting("/oauth/login", with("Set-Cookie", "__Host-a=b; Path=/; Secure; SameSite=Lax"))), "cookies", wrong, "HttpOnly", "VETASSIST_BASE_URL"},
		{"cookies without a prefix", after(setting("/oauth/login", with("Set-Cookie", "a=b; Path=/; Secure; HttpOnly; SameSite=Lax"))), "cookies", wrong, "__Host-", "VETASSIST_BASE_URL"},
		{"cookies for the whole domain", after(setting("/oauth/login", with("Set-Cookie", "a=b; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax"))), "cookies", wrong, "example.com", "rewrite cookies"},
		{"a login that fails", func(g *gateway) {
			g.instead = func(r *http.Request) (int, any) {
				if r.Method == http.MethodPost && r.URL.Path == "/oauth/login" {
					return 502, "no"
				}
				return 0, nil
			}
		}, "demo-passwords", wrong, "502", "POST /oauth/login"},
	} {
		t.Run(c.what, func(t *testing.T) {
			g := healthy(w.in(t))
			g.clock = &clock{now: w.clock.Now()} // which may be turned
			c.breakIt(g)
			report := g.examine(t, public)
			i := slices.IndexFunc(report.Findings, func(f doctor.Finding) bool { return f.Outcome != doctor.OK && f.Check == c.check })
			if i < 0 {
				t.Fatalf("not found by %s in\n%s", c.check, textOfReport(t, report))
			}
			if f := report.Findings[i]; f.Outcome != c.outcome || !strings.Contains(f.Reason, c.reason) || !strings.Contains(f.Mend, c.mend) {
				t.Errorf("%+v", f)
			}
			if (report.Wrong > 0) != slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool { return f.Outcome == wrong }) {
				t.Errorf("it counts %d wrong", report.Wrong)
			}
		})
	}
}

func textOfReport(t *testing.T, r doctor.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What ends an examination before it begins, or in the middle.
func TestDoctorStops(t *testing.T) {
	w := deployed(t)
	t.Run("plain http to another machine", func(t *testing.T) {
		r := healthy(w.in(t)).examine(t, "http://demo.example.com")
		if len(r.Findings) != 1 || r.Wrong != 1 || !strings.Contains(r.Findings[0].Mend, "https") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("time runs out", func(t *testing.T) {
		g := healthy(w.in(t))
		g.before = func(r *http.Request) {
			if r.URL.Path == jwksAddress {
				<-r.Context().Done() // until the doctor gives up
			}
		}
		r, err := doctor.Examine(t.Context(), public, doctor.Options{Transport: g.transport(t), Now: g.clock.Now, Timeout: time.Second})
		if last := r.Findings[len(r.Findings)-1]; err != nil || last.Check != "time" || last.Outcome != doctor.Wrong {
			t.Errorf("%v %+v", err, last)
		}
	})
	t.Run("a path that is not a part of it", func(t *testing.T) {
		r := healthy(w.in(t)).examine(t, public+"/prod/mcp?x=1")
		i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == "prefix" })
		if r.URL != public || r.Wrong != 0 || i < 0 || r.Findings[i].Outcome != doctor.Warning || !strings.Contains(r.Findings[i].Mend, public) {
			t.Errorf("%+v", r)
		}
	})
	for _, typed := range []string{"", "ftp://demo.example.com", "https://", "https://bob:secret@demo.example.com", "https://demo.example.com:port"} {
		if _, err := doctor.Examine(t.Context(), typed, doctor.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", typed, err)
		}
	}
}
