package oauth_test

import (
	"database/sql"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

func TestTokenResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.redeem(w.code("scope", "pet-profile:read appointment:write pet-profile:write"))
	got.expect(t, "")
	if got.Type != "Bearer" || got.ExpiresIn != 600 || got.Scope != "pet-profile:read appointment:write" || len(got.Refresh) != 43 {
		t.Errorf("got %+v", got)
	}
	claims, err := w.verifier.Verify(t.Context(), got.Access)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "user-bob" || claims.ClientID != clientID || claims.Scope != got.Scope || claims.Roles[0] != "Pet Owner" ||
		strings.Join(claims.Audience, " ") != w.url+"/mcp mcp://vetassist" || claims.Issuer != w.url {
		t.Errorf("claims %+v", claims)
	}
}

func TestCodeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := directory.Client{ID: "other", Name: "Other", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"},
		Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}
	if err := w.directory.PutClient(t.Context(), other, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	code := w.code()
	for _, c := range []struct {
		name    string
		changes []string
		code    string
	}{
		{"no grant type", []string{"grant_type", ""}, "invalid_request"},
		{"password grant", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"no client", []string{"client_id", ""}, "invalid_client"},
		{"unknown client", []string{"client_id", "nobody"}, "invalid_client"},
		{"another client", []string{"client_id", "other"}, "invalid_grant"},
		{"a secret that nobody has", []string{"client_secret", "x"}, "invalid_client"},
		{"no code", []string{"code", ""}, "invalid_request"},
		{"unknown code", []string{"code", "x"}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_request"},
		{"wrong verifier", []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
		{"the challenge as verifier", []string{"code_verifier", challenge}, "invalid_grant"},
		{"short verifier", []string{"code_verifier", "x"}, "invalid_grant"},
		{"long verifier", []string{"code_verifier", strings.Repeat("x", 129)}, "invalid_grant"},
		{"verifier with a space", []string{"code_verifier", strings.Repeat("x", 42) + " "}, "invalid_grant"},
		{"another redirect_uri", []string{"redirect_uri", w.url + "/callback2"}, "invalid_grant"},
		{"another resource", []string{"resource", "https://elsewhere.example"}, "invalid_target"},
	} {
		t.Run(c.name, func(t *testing.T) { w.redeem(code, c.changes...).expect(t, c.code) })
	}
	basic := func(r *http.Request) { r.SetBasicAuth(clientID, "") }
	got, a := w.post("/oauth/token", w.codeForm(code), basic)
	got.expect(t, "invalid_client")
	if a.header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate for Basic")
	}

	// None of that has spent the code. What OAuth 2.1 lets a client leave out may be left out.
	w.redeem(code, "redirect_uri", "", "resource", "").expect(t, "")
}

// TestTokenForm: token requests that are right in all but how they are sent.
func TestTokenForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	right := func(url.Values) {}
	contentType := func(value ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = value }
	}
	form := contentType("application/x-www-form-urlencoded")
	const notAForm = "must be application/x-www-form-urlencoded"
	for _, c := range []struct {
		name       string
		change     func(url.Values)
		edit       func(*http.Request)
		code, says string
	}{
		{"JSON", right, contentType("application/json"), "invalid_request", notAForm},
		{"multipart", right, contentType("multipart/form-data; boundary=x"), "invalid_request", notAForm},
		{"a longer type", right, contentType("application/x-www-form-urlencoded2"), "invalid_request", notAForm},
		{"an unreadable type", right, contentType("application/x-www-form-urlencoded; ="), "invalid_request", notAForm},
		{"no type", right, contentType(), "invalid_request", notAForm},
		{"a parameter twice", func(f url.Values) { f.Add("code", code) }, form, "invalid_request", "twice"},
		{"more than 64 KiB", func(f url.Values) { f.Set("x", strings.Repeat("x", 65<<10)) }, form, "invalid_request", "64 KiB"},
		{"the client in the query", func(f url.Values) { f.Del("client_id") }, func(r *http.Request) { r.URL.RawQuery = "client_id=" + clientID },
			"invalid_client", "client_id is missing"},
		// Last, so that the code was good for all of them.
		{"a charset", right, contentType("application/x-www-form-urlencoded; charset=utf-8"), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			values := w.codeForm(code)
			c.change(values)
			got, _ := w.post("/oauth/token", values, c.edit)
			if got.expect(t, c.code); !strings.Contains(got.Description, c.says) {
				t.Errorf("it says %q", got.Description)
			}
		})
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	w.clock.Advance(60 * time.Second)
	w.redeem(code).expect(t, "invalid_grant")
	code = w.code()
	w.clock.Advance(59 * time.Second)
	w.redeem(code).expect(t, "")
}

func TestCodeUsedTwiceRevokes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	first := w.redeem(code)
	first.expect(t, "")
	w.redeem(code).expect(t, "invalid_grant")
	w.refresh(first.Refresh).expect(t, "invalid_grant")
	// A wrong verifier on an unused code revokes nothing.
	code = w.code()
	w.redeem(code, "code_verifier", strings.Repeat("x", 43)).expect(t, "invalid_grant")
	w.redeem(code).expect(t, "")
}

func TestCodeRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	results := make([]tokens, 12)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.redeem(code) })
	}
	wg.Wait()
	var won []tokens
	for _, r := range results {
		if r.Error == "" {
			won = append(won, r)
		} else {
			r.expect(t, "invalid_grant")
		}
	}
	if len(won) != 1 {
		t.Fatalf("%d of %d won", len(won), len(results))
	}
	w.refresh(won[0].Refresh).expect(t, "invalid_grant") // the others were a second use
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code("scope", "pet-profile:read appointment:read"))
	seen := map[string]bool{current.Refresh: true}
	for range 5 {
		w.clock.Advance(11 * time.Minute)
		next := w.refresh(current.Refresh)
		next.expect(t, "")
		if seen[next.Refresh] || len(next.Refresh) != 43 || next.Scope != "pet-profile:read appointment:read" {
			t.Fatalf("got %+v", next)
		}
		seen[next.Refresh] = true
		if _, err := w.verifier.Verify(t.Context(), next.Access); err != nil {
			t.Error(err)
		}
		current = next
	}
	// Less, but never more; and less this time is not less for ever.
	narrow := w.refresh(current.Refresh, "scope", "appointment:read", "resource", w.url+"/mcp")
	if narrow.Scope != "appointment:read" {
		t.Errorf("narrowed to %q", narrow.Scope)
	}
	w.refresh(narrow.Refresh, "scope", "reminder:read").expect(t, "invalid_scope")
	w.refresh(narrow.Refresh, "resource", "https://elsewhere.example").expect(t, "invalid_target")
	w.refresh(narrow.Refresh, "client_id", "other").expect(t, "invalid_client")
	w.refresh("", "x", "y").expect(t, "invalid_request")
	w.refresh("unknown").expect(t, "invalid_grant")
	if full := w.refresh(narrow.Refresh); full.Scope != "pet-profile:read appointment:read" {
		t.Errorf("afterwards %q", full.Scope)
	}
}

func TestLostAnswerIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	lost := w.refresh(first.Refresh)
	w.clock.Advance(29 * time.Second)
	again := w.refresh(first.Refresh)
	again.expect(t, "")
	if again.Refresh != lost.Refresh {
		t.Error("the second answer has another refresh token")
	}
	w.refresh(again.Refresh).expect(t, "")
	// Now the successor has been used: whoever comes with the first one again is not the same client.
	w.refresh(first.Refresh).expect(t, "invalid_grant")
	w.refresh(again.Refresh).expect(t, "invalid_grant")
}

func TestReuseKillsTheFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	second := w.refresh(first.Refresh)
	w.clock.Advance(31 * time.Second)
	w.refresh(first.Refresh).expect(t, "invalid_grant")
	w.refresh(second.Refresh).expect(t, "invalid_grant")
	// Another grant of the same user lives.
	other := w.redeem(w.code())
	w.refresh(other.Refresh).expect(t, "")
}

func TestRefreshRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.redeem(w.code())
	results := make([]tokens, 12)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.refresh(first.Refresh) })
	}
	wg.Wait()
	for _, r := range results {
		r.expect(t, "")
		if r.Refresh != results[0].Refresh {
			t.Error("two successors of one token")
		}
	}
	w.refresh(results[0].Refresh).expect(t, "")
}

func TestRefreshEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unused := w.redeem(w.code())
	w.clock.Advance(30 * 24 * time.Hour)
	w.refresh(unused.Refresh).expect(t, "invalid_grant")

	current := w.redeem(w.code())
	for day := 0; day < 89; day += 20 {
		current = w.refresh(current.Refresh)
		current.expect(t, "")
		w.clock.Advance(20 * 24 * time.Hour)
	}
	w.refresh(current.Refresh).expect(t, "invalid_grant") // 90 days are over
}

// TestRefreshFollowsThePolicy: the formula is evaluated at every refresh.
func TestRefreshFollowsThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.redeem(w.code("scope", "pet-profile:read appointment:read reminder:read"))
	role := directory.Role{Name: "Pet Owner", Permissions: map[string][]string{"mcp://vetassist": {"pet-profile:read", "reminder:read"}}}
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if current = w.refresh(current.Refresh); current.Scope != "pet-profile:read reminder:read" {
		t.Errorf("after the role shrank: %q", current.Scope)
	}
	client, err := w.directory.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	client.Authorized = map[string][]string{"mcp://vetassist": {"reminder:read"}}
	if err := w.directory.PutClient(t.Context(), client, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	if current = w.refresh(current.Refresh); current.Scope != "reminder:read" {
		t.Errorf("after the client's authorization shrank: %q", current.Scope)
	}
	role.Permissions = nil
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	got := w.refresh(current.Refresh)
	got.expect(t, "invalid_grant")
	if !strings.Contains(got.Description, "pet-profile:read is not in: client, role") {
		t.Errorf("it says %q", got.Description)
	}
	// The refusal has spent nothing: when the role is back, so is access.
	role.Permissions = map[string][]string{"mcp://vetassist": {"reminder:read"}}
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	w.refresh(current.Refresh).expect(t, "")
}

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
	other := directory.Client{ID: "other", Name: "Other", GrantTypes: []string{"authorization_code"}}
	if err := w.directory.PutClient(t.Context(), other, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	revoke(got.Refresh, "client_id", "other").expect(t, "invalid_grant")
	w.refresh(got.Refresh).expect(t, "") // none of that revoked it
}

// TestStoreHoldsNoSecret searches the whole database for what was handed out.
func TestStoreHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	first := w.redeem(code)
	second := w.refresh(first.Refresh)
	secrets := []string{code, first.Access, first.Refresh, second.Access, second.Refresh, "bob-demo", verifier}
	all := w.dump()
	for _, s := range secrets {
		if strings.Contains(all, s) {
			t.Errorf("the store holds %.12s…", s)
		}
	}
	if !strings.Contains(all, "user-bob") {
		t.Error("the search does not search")
	}
}

func (w *world) dump() string {
	w.t.Helper()
	raw, err := sql.Open("sqlite", w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer raw.Close()
	var all string
	err = raw.QueryRow(`SELECT group_concat(partition || ' ' || sort || ' ' || body, char(10)) FROM items`).Scan(&all)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}
