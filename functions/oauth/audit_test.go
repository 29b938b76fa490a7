package oauth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func (w *world) audit() *audit.Log {
	return audit.New(store.Restrict(w.db, audit.Partitions...), w.clock.Now, rand.Reader, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// events are all that was recorded, oldest first.
func (w *world) events() []audit.Event {
	w.t.Helper()
	var all []audit.Event
	for e, err := range w.audit().All(w.t.Context(), audit.Query{Since: w.clock.Now().Add(-time.Hour)}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	return all
}

// line is what a test says of an event: event, outcome, user, client, and the details that matter.
func line(e audit.Event) string {
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	s := fmt.Sprintf("%s %s %s %s", e.Name, e.Outcome, or(e.UserID), or(e.ClientID))
	for _, name := range []string{"error", "replaces", "scope"} {
		if v := e.Details[name]; v != "" {
			s += " " + name + "=" + v
		}
	}
	if e.Details["again"] != "" {
		s += " again"
	}
	return s
}

func (w *world) logIn(b *browser, target, username, password string) answer {
	w.t.Helper()
	action, form := b.form(b.follow(b.get(target)), "/oauth/login")
	form.Set("username", username)
	form.Set("password", password)
	return b.do(http.MethodPost, action, form)
}

// TestAudit: each event of the log, by the request that makes it.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []directory.Client{
		{ID: "other", Name: "Other", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"},
			Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}},
	} {
		if err := w.directory.PutClient(t.Context(), c, store.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	bob := w.browser()
	var secrets []string // all that was typed and handed out
	secret := func(s ...string) { secrets = append(secrets, s...) }
	const typed = "Correct-Horse-7"
	var page answer
	var code string
	var first, second tokens
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"a wrong password", func() { w.logIn(bob, w.request(), " BOB ", typed) }, []string{"login refused user-bob vet-assist-ai"}},
		{"a password typed as the name", func() { w.logIn(bob, w.request(), typed, "x") }, []string{"login refused - vet-assist-ai"}},
		{"a login for its own sake", func() { w.logIn(w.browser(), "/oauth/login", "alice", "alice-demo") }, []string{"login ok user-alice -"}},
		{"a login for a client", func() { page = bob.follow(w.logIn(bob, w.request(), "bob", "bob-demo")) }, []string{"login ok user-bob vet-assist-ai"}},
		{"a denial", func() {
			action, form := bob.form(page, "/oauth/consent")
			form.Set("decision", "deny")
			bob.callback(bob.do(http.MethodPost, action, form))
		}, []string{"consent refused user-bob vet-assist-ai scope=pet-profile:read"}},
		{"a consent", func() { code = bob.callback(bob.approve(bob.get(w.request()))).Get("code"); secret(code) },
			[]string{"consent ok user-bob vet-assist-ai scope=pet-profile:read", "authorization ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"a wrong verifier", func() { w.redeem(code, "code_verifier", strings.Repeat("x", 43)) },
			[]string{"token refused user-bob vet-assist-ai error=invalid_grant"}},
		{"another client", func() { w.redeem(code, "client_id", "other") }, []string{"token refused user-bob other error=invalid_grant"}},
		{"tokens", func() { first = w.redeem(code) }, []string{"token ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"a refresh", func() { second = w.refresh(first.Refresh) }, []string{"refresh ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"the same refresh", func() { w.refresh(first.Refresh) }, []string{"refresh ok user-bob vet-assist-ai scope=pet-profile:read again"}},
		{"a refresh that asks for more", func() { w.refresh(second.Refresh, "scope", "reminder:read") },
			[]string{"refresh refused user-bob vet-assist-ai error=invalid_scope"}},
		{"a second use of the code", func() { w.redeem(code) },
			[]string{"code-reuse refused user-bob vet-assist-ai", "token refused user-bob vet-assist-ai error=invalid_grant"}},
		{"a refresh of what is revoked", func() { w.refresh(second.Refresh) }, []string{"refresh refused - vet-assist-ai error=invalid_grant"}},
		{"consented before", func() { code = bob.callback(bob.get(w.request())).Get("code"); secret(code) },
			[]string{"authorization ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"new tokens", func() { secret(first.Access, first.Refresh, second.Access, second.Refresh); first = w.redeem(code) },
			[]string{"token ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"and refreshed", func() { second = w.refresh(first.Refresh); secret(first.Refresh, second.Refresh, second.Access) },
			[]string{"refresh ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"a second use of the refresh token", func() { w.clock.Advance(time.Minute); w.refresh(first.Refresh) },
			[]string{"refresh-reuse refused user-bob vet-assist-ai", "refresh refused user-bob vet-assist-ai error=invalid_grant"}},
		{"tokens to revoke", func() { first = w.redeem(bob.callback(bob.get(w.request())).Get("code")) },
			[]string{"authorization ok user-bob vet-assist-ai scope=pet-profile:read", "token ok user-bob vet-assist-ai scope=pet-profile:read"}},
		{"revoked by another client", func() { w.post("/oauth/revoke", url.Values{"client_id": {"other"}, "token": {first.Refresh}}) },
			[]string{"revocation refused user-bob other error=invalid_grant"}},
		{"revoked", func() { w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {first.Access}}) },
			[]string{"revocation ok user-bob vet-assist-ai"}},
		{"revoked again", func() { w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {first.Access}}) }, nil},
		{"a token that nobody knows", func() { w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {typed}}) }, nil},
		{"no token", func() { w.post("/oauth/revoke", url.Values{"client_id": {clientID}}) },
			[]string{"revocation refused - vet-assist-ai error=invalid_request"}},
		{"an unknown client", func() { w.redeem(code, "client_id", typed) }, []string{"token refused - - error=invalid_client"}},
		{"an unknown refresh token", func() { w.refresh(typed) }, []string{"refresh refused - vet-assist-ai error=invalid_grant"}},
		{"an unknown grant type", func() { w.redeem(code, "grant_type", typed) }, []string{"token refused - vet-assist-ai error=unsupported_grant_type"}},
		{"JSON", func() {
			w.post("/oauth/token", url.Values{}, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		}, []string{"token refused - - error=invalid_request"}},
		{"nobody is logged in", func() { w.browser().get(w.request("prompt", "none")) },
			[]string{"authorization refused - vet-assist-ai error=login_required"}},
		{"not consented", func() { bob.get(w.request("prompt", "none", "scope", "appointment:read")) },
			[]string{"authorization refused user-bob vet-assist-ai error=consent_required"}},
		{"a bad scope", func() { bob.get(w.request("scope", `"`)) }, []string{"authorization refused - vet-assist-ai error=invalid_scope"}},
		{"another redirect URI", func() { bob.get(w.request("redirect_uri", "https://evil.example/"+typed)) },
			[]string{"authorization refused - vet-assist-ai error=not_redirected"}},
		{"an unknown client at the front", func() { bob.get(w.request("client_id", typed)) },
			[]string{"authorization refused - - error=not_redirected"}},
		{"somebody else logs in here", func() {
			for _, c := range bob.client.Jar.Cookies(mustParse(t, w.url)) {
				secret(c.Value)
			}
			w.logIn(bob, w.request("prompt", "login"), "alice", "alice-demo")
		}, []string{"login ok user-alice vet-assist-ai replaces=user-bob"}},
		{"a logout", func() { w.logOut(bob) }, []string{"logout ok user-alice -"}},
		{"a logout of nobody", func() { w.logOut(bob) }, nil},
		{"pages that decide nothing", func() { bob.get("/oauth/logout"); bob.get("/oauth/login"); bob.get(w.request()) }, nil},
	} {
		before := len(w.events())
		step.do()
		var got []string
		for _, e := range w.events()[before:] {
			got = append(got, line(e))
			if e.From != "127.0.0.1" || len(e.RequestID) != 12 || e.ID == "" || !e.Time.Truncate(time.Second).Equal(w.clock.Now()) {
				t.Errorf("%s: from %q, request %q, at %s", step.name, e.From, e.RequestID, e.Time)
			}
			if (e.Outcome == audit.Refused) != (e.Details["reason"] != "") && e.Name != audit.Login && e.Name != audit.Consent &&
				e.Name != audit.CodeReuse && e.Name != audit.RefreshReuse {
				t.Errorf("%s: %s and the reason is %q", step.name, e.Outcome, e.Details["reason"])
			}
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: recorded\n  %s\nwant\n  %s", step.name, strings.Join(got, "\n  "), strings.Join(step.want, "\n  "))
		}
	}

	secret(typed, strings.ToLower(typed), "bob-demo", "alice-demo", verifier, challenge, "s t/a+te", first.Access, first.Refresh, "evil.example")
	export, next, err := w.audit().Export(t.Context(), audit.Query{})
	if err != nil || next != "" {
		t.Fatalf("%q, %v", next, err)
	}
	for _, s := range secrets {
		if s == "" || strings.Contains(string(export), s) {
			t.Errorf("the audit log holds %.12q…", s)
		}
	}
}

func mustParse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) logOut(b *browser) {
	w.t.Helper()
	form := url.Values{}
	if token := hiddenRE.FindStringSubmatch(b.get("/oauth/logout").body); token != nil { // none when nobody is logged in
		form.Set(token[1], token[2])
	}
	b.do(http.MethodPost, "/oauth/logout", form)
}

// Twelve at once with one code: every answer has its event, and that the code came again is told once.
func TestAuditRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() { w.redeem(code) })
	}
	wg.Wait()
	count := map[string]int{}
	for _, e := range w.events() {
		count[string(e.Name)+" "+string(e.Outcome)]++
	}
	if count["token ok"] != 1 || count["code-reuse refused"] != 1 || count["token refused"] != 11 {
		t.Errorf("recorded %v", count)
	}
}

// auditless is a store that takes no audit event: when alone is set, none that comes by itself, and otherwise none that
// comes with a change.
type auditless struct {
	store.Store
	alone *bool
}

func (a auditless) Write(ctx context.Context, ops ...store.Op) error {
	for _, op := range ops {
		event := strings.HasPrefix(op.Item.Partition, audit.Partitions[0]) && op.Item.Partition != "audit/days"
		if event && (len(ops) == 1) == *a.alone {
			return errors.New("the audit log cannot be written")
		}
	}
	return a.Store.Write(ctx, ops...)
}

// Without its audit event no answer fails, and no grant is made or ended.
func TestAuditFails(t *testing.T) {
	t.Parallel()
	alone := true
	w := newWorldOver(t, func(s store.Store) store.Store { return auditless{s, &alone} })
	if a := w.logIn(w.browser(), "/oauth/login", "bob", "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("a refused login: %d", a.status)
	}
	w.refresh("unknown").expect(t, "invalid_grant")
	code := w.code()
	first := w.redeem(code)
	first.expect(t, "")

	next := w.code()
	alone = false
	if got := w.redeem(next); got.Status != http.StatusInternalServerError || got.Access != "" {
		t.Errorf("tokens without an event: %+v", got)
	}
	if got, _ := w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {first.Refresh}}); got.Status != http.StatusInternalServerError {
		t.Errorf("a revocation without an event: %+v", got)
	}
	alone = true
	w.refresh(first.Refresh).expect(t, "")
	w.redeem(next).expect(t, "") // it was not spent
}

// TestAuditStrangersWithSecrets: a client that registered itself can prove that it is that one and is a stranger all the same, so a flood
// of its refusals is counted and not kept.
func TestAuditStrangersWithSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.register("", strings.Replace(nativeBody, `"none"`, `"client_secret_post"`, 1))
	for n := range 350 { // from many addresses: one alone would be slowed down
		form := w.codeForm("x")
		form.Set("client_id", made.ClientID)
		form.Set("client_secret", made.Secret)
		got, _ := w.post("/oauth/token", form, func(r *http.Request) { r.Header.Set("Test-From", fmt.Sprintf("192.0.2.%d", n%50)) })
		got.expect(t, "invalid_grant")
	}
	if n := strings.Count(w.written.String(), "the code is not known"); n == 0 || n > 300 {
		t.Errorf("%d of 350 refusals are in the audit log", n)
	}
}

// What was used, revoked or taken back may come again and again, from many addresses: that it came is told once, and the rest fills no log.
func TestAuditReplays(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world) (news string, form url.Values){
		"a code that was used": func(w *world) (string, url.Values) {
			code := w.code()
			w.redeem(code)
			return "code-reuse refused user-bob vet-assist-ai", w.codeForm(code)
		},
		"a code whose grant was revoked before it came again": func(w *world) (string, url.Values) {
			code := w.code()
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {w.redeem(code).Refresh}})
			return "code-reuse refused user-bob vet-assist-ai", w.codeForm(code)
		},
		"a device code that was used": func(w *world) (string, url.Values) {
			client := w.deviceClient("pet-profile:read")
			got := w.ask(client)
			w.allows("bob", got.UserCode)
			w.poll(client, got.DeviceCode)
			return "code-reuse refused user-bob " + client, url.Values{"grant_type": {deviceGrant}, "client_id": {client}, "device_code": {got.DeviceCode}}
		},
		"a refresh token that was used": func(w *world) (string, url.Values) {
			first := w.redeem(w.code())
			w.refresh(first.Refresh)
			w.clock.Advance(time.Minute)
			return "refresh-reuse refused user-bob vet-assist-ai", refreshForm(first)
		},
		"a refresh token of a grant that was revoked": func(w *world) (string, url.Values) {
			first := w.redeem(w.code())
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {first.Refresh}})
			return "", refreshForm(first)
		},
		"a code with a wrong verifier": func(w *world) (string, url.Values) {
			form := w.codeForm(w.code())
			form.Set("code_verifier", strings.Repeat("x", 43))
			return "", form
		},
		"a refresh token that asks for more": func(w *world) (string, url.Values) {
			form := refreshForm(w.redeem(w.code()))
			form.Set("scope", "reminder:read")
			return "", form
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			news, form := prepare(w)
			before := len(w.lines())
			for n := range 700 {
				if got, _ := w.post("/oauth/token", form, func(r *http.Request) { r.Header.Set("Test-From", fmt.Sprintf("192.0.2.%d", n%200)) }); got.Status != http.StatusBadRequest {
					t.Fatalf("%d %s", got.Status, got.Error)
				}
			}
			told := 0
			lines := w.lines()[before:]
			for _, line := range lines {
				if line == news {
					told++
				}
			}
			if len(lines) > 310 || len(lines) == 0 || told != min(1, len(news)) {
				t.Errorf("%d events, %q %d times, and first %q", len(lines), news, told, lines[:min(3, len(lines))])
			}
		})
	}
}

// Whoever sends a used code again and again has to wait, as with one that nobody gave out.
func TestReplaysAreSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	w.redeem(code).expect(t, "")
	for n := range 70 {
		got, a := w.post("/oauth/token", w.codeForm(code))
		if n < 60 {
			got.expect(t, "invalid_grant")
		} else if n > 62 && (a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "") {
			t.Errorf("%d: %d %s", n+1, a.status, a.body)
		}
	}
}

func refreshForm(of tokens) url.Values {
	return url.Values{"grant_type": {directory.GrantRefresh}, "client_id": {clientID}, "refresh_token": {of.Refresh}}
}
