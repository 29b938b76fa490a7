package main

import (
	"fmt"
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
