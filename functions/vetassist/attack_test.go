package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"

	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/attack"
)

// gate is a proxy in front of a server, which takes it for its own address. It has a clock that can be turned, and may take a defence away.
type gate struct {
	*world
	proxy *httputil.ReverseProxy

	mu     sync.Mutex
	ahead  time.Duration
	one    sync.Mutex // request after the other, while something is broken
	breaks func(next http.Handler) http.Handler
}

func newGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	base := "http://" + l.Addr().String()
	g.world = newWorld(t, func(o *Options) { o.BaseURL, o.Now = base, g.now })
	to := &url.URL{Scheme: "http", Host: g.listeners[0].Addr().String()}
	host := strings.TrimPrefix(base, "http://")
	g.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to)
		if p.Out.Host = p.In.Host; p.Out.Host == "" {
			p.Out.Host = host
		}
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusRequestEntityTooLarge) }}
	front := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	go front.Serve(l)
	t.Cleanup(func() { front.Close() })
	return g
}

func (g *gate) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Add(g.ahead)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/learn/clock" && r.Method == http.MethodPost {
		d, err := time.ParseDuration(r.PostFormValue("forward"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		g.mu.Lock()
		g.ahead += d
		g.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if g.breaks != nil {
		g.one.Lock()
		defer g.one.Unlock()
		g.breaks(g.proxy).ServeHTTP(w, r)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

// attacked runs the lab.
func (g *gate) attacked(o attack.Options) attack.Report {
	g.t.Helper()
	report, err := attack.Run(g.t.Context(), g.options.BaseURL, o)
	if err != nil {
		g.t.Fatal(err)
	}
	return report
}

// TestAttacks: all are refused, and once more on the same server.
func TestAttacks(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	before := g.traces()
	for _, run := range []string{"first", "second"} {
		report := g.attacked(attack.Options{})
		for _, r := range report.Results {
			if r.Outcome != attack.Refused {
				t.Errorf("%s run: %s %s: %s %+v", run, r.ID, r.Outcome, r.Why, r.Findings)
			}
		}
		if len(report.Left) > 0 || len(report.Results) < 30 || attackStatus(report) != exitOK {
			t.Errorf("%s run: of %d attacks is left: %q", run, len(report.Results), report.Left)
		}
		if after := g.traces(); after != before {
			t.Errorf("%s run: it found\n%s\nand leaves\n%s", run, before, after)
		}
	}
}

// traces are what the lab might leave behind: what applications there are, but for the one that registered itself, and users; what Bob has allowed, where he is logged in, and
// what the clinic has of him.
func (g *gate) traces() string {
	g.t.Helper()
	admin := g.administrator()
	var all []string
	for _, path := range []string{"/applications", "/users", "/consents?user_id=user-bob", "/consents?user_id=user-alice", "/sessions?user_id=user-bob", "/grants?user_id=user-bob"} {
		for _, item := range call[struct{ Items []map[string]any }](admin, "GET", path, nil).Items {
			if item["name"] != "VetAssist attack lab" {
				all = append(all, fmt.Sprint(path, item["id"], item["client_name"], item["username"], item["name"], item["scopes"]))
			}
		}
	}
	bob := g.person()
	token := g.redeem(bob.answerOf(g.request(url.Values{"scope": {"pet-profile:read appointment:read reminder:read"}}), "bob").Get("code"), nil)
	for _, tool := range []string{"list_pets", "list_reminders", "list_appointments"} {
		all = append(all, tool, string(g.callTool(token.Access, tool, "{}").body))
	}
	bob.open("/oauth/account")
	for bob.page.has("client_id") {
		bob.submit("client_id", nil)
	}
	bob.open("/oauth/logout")
	bob.submit("/oauth/logout", nil)
	return strings.Join(all, "\n")
}

// TestAttacksWithFewLogins: what could not be tried is named, and is no success.
func TestAttacksWithFewLogins(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	logins := map[string]string{"bob": "bob-demo", "alice": "alice-demo"}
	report := g.attacked(attack.Options{Logins: logins, Only: []string{"code-replay", "audience-admin-to-mcp", "password-guessing", "exchange-scope", "prompt-injection", "admin-user"}})
	if report.Counts[attack.Refused] != 2 || report.Counts[attack.NotTried] != 4 || attackStatus(report) != exitNotTried {
		t.Errorf("%+v", report.Results)
	}
	var text strings.Builder
	if err := report.WriteSummary(&text); err != nil || !strings.Contains(text.String(), "password-guessing: there is no login of admin") {
		t.Errorf("%s %v", text.String(), err)
	}
	logins["bob"] = "another password"
	if report := g.attacked(attack.Options{Logins: logins, Only: []string{"code-replay"}}); attackStatus(report) != exitControl {
		t.Errorf("with a wrong password: %+v", report.Results)
	}
	if _, err := attack.Run(t.Context(), g.URL, attack.Options{Logins: map[string]string{}}); err == nil {
		t.Error("without a login of bob it begins")
	}
}

// TestAttacksOverTLS: behind https cookies have other names and rules.
func TestAttacksOverTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	base := "https://" + s.Listener.Addr().String()
	w := newWorld(t, func(o *Options) { o.BaseURL, o.Now = base, time.Now })
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: w.listeners[0].Addr().String()})
	s.Config.Handler = proxy
	report, err := attack.Run(t.Context(), base, attack.Options{Transport: s.Client().Transport, Skip: []string{"code-expired", "token-expired", "registration-flood"}})
	if err != nil || attackStatus(report) != exitOK {
		for _, r := range report.Results {
			if r.Outcome != attack.Refused {
				t.Errorf("%s: %s %s %+v", r.ID, r.Outcome, r.Why, r.Findings)
			}
		}
		t.Errorf("%v %v %q", err, report.Counts, report.Left)
	}
}

// Each of these takes one defence away, in front of a server that has it.
var breaches = map[string]struct {
	breaks func(*gate) func(http.Handler) http.Handler
	notice []string // who must succeed then
}{
	"pages can be framed": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			a.Header().Del("X-Frame-Options")
			a.Header().Del("Content-Security-Policy")
		})
	}, []string{"clickjacking"}},
	"pages of all origins may read": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(r *http.Request, a *httptest.ResponseRecorder) {
			a.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			a.Header().Set("Access-Control-Allow-Credentials", "true")
		})
	}, []string{"cors-pages", "cors-mcp"}},
	"whoever asks again gets the same answer": {func(*gate) func(http.Handler) http.Handler {
		return remembers(func(r *http.Request) bool {
			return r.URL.Path == "/oauth/token" || r.URL.Path == "/mcp" && r.Header.Get("DPoP") != ""
		})
	}, []string{"code-replay", "assertion-replay", "dpop-replay"}},
	"any Host is ours": {func(g *gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			r.Host = strings.TrimPrefix(g.options.BaseURL, "http://")
			r.Header.Del("Origin")
		})
	}, []string{"dns-rebinding", "cors-mcp"}},
	"a token in the query counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if raw := r.URL.Query().Get("access_token"); raw != "" {
				r.Header.Set("Authorization", "Bearer "+raw)
			}
		})
	}, []string{"token-in-query"}},
	"the first of several headers counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			for _, name := range []string{"Authorization", "Mcp-Name", "Mcp-Method", "Mcp-Protocol-Version"} {
				if values := r.Header.Values(name); len(values) > 1 {
					r.Header.Set(name, values[0])
				}
			}
		})
	}, []string{"two-authorizations"}},
	"headers are made to fit": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if r.URL.Path == "/mcp" && r.Header.Get("Mcp-Protocol-Version") == "2026-07-28" {
				r.Header.Set("Mcp-Method", "tools/call")
				r.Header.Set("Mcp-Name", "list_pets")
			}
		})
	}, []string{"header-body"}},
	"any issuer may answer": {func(g *gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/callback" {
				q.Set("iss", g.options.BaseURL)
				r.URL.RawQuery = q.Encode()
			}
		})
	}, []string{"mix-up"}},
	"the last of several parameters counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			q := r.URL.Query()
			for name, values := range q {
				q[name] = values[len(values)-1:]
			}
			r.URL.RawQuery = q.Encode()
		})
	}, []string{"parameter-twice"}},
	"any redirect URI will do": {func(g *gate) func(http.Handler) http.Handler {
		asked := ""
		in := requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/oauth/authorize" && q.Get("client_id") == "vet-assist-ai" {
				asked = q.Get("redirect_uri")
				q.Set("redirect_uri", g.options.BaseURL+"/callback")
				r.URL.RawQuery = q.Encode()
			}
		})
		out := answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			if to := a.Header().Get("Location"); asked != "" && strings.HasPrefix(to, g.options.BaseURL+"/callback?") {
				a.Header().Set("Location", asked+strings.TrimPrefix(to, g.options.BaseURL+"/callback"))
			}
		})
		return func(next http.Handler) http.Handler { return in(out(next)) }
	}, []string{"redirect-suffix", "redirect-userinfo", "redirect-fragment", "redirect-encoded", "redirect-traversal", "redirect-loopback"}},
	"PKCE may be left out": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/oauth/authorize" && q.Has("response_type") {
				if len(q.Get("code_challenge")) != 43 {
					q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
				}
				q.Set("code_challenge_method", "S256")
				r.URL.RawQuery = q.Encode()
			}
		})
	}, []string{"pkce-downgrade"}},
	"after a logout anywhere is fine": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(r *http.Request, a *httptest.ResponseRecorder) {
			if to := r.URL.Query().Get("post_logout_redirect_uri"); to != "" {
				a.Header().Set("Location", to)
				a.Code = http.StatusSeeOther
			}
		})
	}, []string{"logout-redirect"}},
	"who has no account is told so": {func(*gate) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if r.URL.Path == "/oauth/login" && bytes.Contains(body, []byte("username=nobody")) {
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, "There is no such user.")
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}, []string{"user-enumeration"}},
	"no signature is checked": {func(*gate) func(http.Handler) http.Handler {
		good, raw := "", ""
		seen := answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			var got struct {
				Access string `json:"access_token"`
				Type   string `json:"token_type"`
				Scope  string `json:"scope"`
			}
			if json.Unmarshal(a.Body.Bytes(), &got) == nil && got.Type == "Bearer" && strings.Contains(got.Scope, "pet-profile:read") {
				good = got.Access
			}
		})
		in := requests(func(r *http.Request) {
			raw = r.Header.Get("Authorization")
			if r.URL.Path == "/mcp" && strings.Count(raw, ".") == 2 && raw != "Bearer "+good {
				r.Header.Set("Authorization", "Bearer "+good)
			}
		})
		return func(next http.Handler) http.Handler { return in(seen(next)) }
	}, []string{"alg-none", "alg-hs256", "kid-injection", "issuer-other", "token-edited", "audience-admin-to-mcp"}},
	"a login keeps the cookie of before": {func(*gate) func(http.Handler) http.Handler {
		now := map[string]string{} // what a browser believes to have, and what the server knows it by
		in := requests(func(r *http.Request) {
			if c, err := r.Cookie("vetassist_login"); err == nil && now[c.Value] != "" {
				r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), c.Value, now[c.Value]))
			}
		})
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				had, err := r.Cookie("vetassist_login")
				if err != nil || r.URL.Path != "/oauth/login" || r.Method != http.MethodPost {
					in(next).ServeHTTP(w, r)
					return
				}
				old := had.Value
				answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
					for _, c := range a.Result().Cookies() {
						if c.Name == "vetassist_login" && c.Value != "" {
							now[old] = c.Value
							a.Header().Del("Set-Cookie")
						}
					}
				})(next).ServeHTTP(w, r)
			})
		}
	}, []string{"session-fixation"}},
	"names can be guessed for ever": {func(*gate) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if r.URL.Path == "/oauth/login" && bytes.Contains(body, []byte("password=wrong-")) { // none of them counts
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}, []string{"password-guessing"}},
}

// requests changes what comes in.
func requests(change func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			change(r)
			next.ServeHTTP(w, r)
		})
	}
}

// answers changes what goes out.
func answers(change func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := httptest.NewRecorder()
			next.ServeHTTP(a, r)
			change(r, a)
			relay(w, a)
		})
	}
}

func relay(w http.ResponseWriter, a *httptest.ResponseRecorder) {
	for name, values := range a.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Code)
	_, _ = w.Write(a.Body.Bytes()) // what fails is the caller's connection
}

// remembers gives a request that comes again the first answer.
func remembers(which func(*http.Request) bool) func(http.Handler) http.Handler {
	first := map[string]*httptest.ResponseRecorder{}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !which(r) {
				next.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			key := string(body) + r.Header.Get("DPoP")
			if first[key] == nil {
				first[key] = httptest.NewRecorder()
				next.ServeHTTP(first[key], r)
			}
			relay(w, first[key])
		})
	}
}

// TestLabNotices: without a defence, the attack that it is against succeeds, and the lab says so.
func TestLabNotices(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for what, b := range breaches { // each leaves the server as it was
		g.breaks = b.breaks(g)
		for _, id := range b.notice {
			report := g.attacked(attack.Options{Only: []string{id}})
			if r := report.Results[0]; r.Outcome != attack.Succeeded || attackStatus(report) != exitFailed {
				t.Errorf("%s: %s is %s, %s %+v", what, id, r.Outcome, r.Why, r.Findings)
			}
		}
	}
	// A server that answers nobody refuses nothing: that is no defence.
	g.breaks = requests(func(r *http.Request) {
		if r.URL.Path == "/mcp" {
			r.URL.Path = "/nowhere"
		}
	})
	report := g.attacked(attack.Options{Only: []string{"alg-none", "cors-mcp", "pet-guess"}})
	if report.Counts[attack.Failed] != 3 || attackStatus(report) != exitControl {
		t.Errorf("without an MCP server: %+v", report.Counts)
	}
}

// TestAttackStatus: what was not tried is no success.
func TestAttackStatus(t *testing.T) {
	for want, r := range map[int]attack.Report{
		exitOK:       {Counts: map[attack.Outcome]int{attack.Refused: 2}},
		exitFailed:   {Counts: map[attack.Outcome]int{attack.Refused: 2, attack.Succeeded: 1, attack.Failed: 1}},
		exitControl:  {Counts: map[attack.Outcome]int{attack.Refused: 2, attack.Failed: 1, attack.NotTried: 1}},
		exitNotTried: {Counts: map[attack.Outcome]int{attack.Refused: 2, attack.NotTried: 1}},
	} {
		if got := attackStatus(r); got != want {
			t.Errorf("%+v: %d, want %d", r, got, want)
		}
	}
	if got := attackStatus(attack.Report{Counts: map[attack.Outcome]int{attack.Refused: 1}, Left: []string{"x"}}); got != exitControl {
		t.Errorf("something is left behind: %d", got)
	}
}
