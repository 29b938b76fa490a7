package oauth_test

import (
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
	code, other := w.code(), w.otherClient()
	for _, c := range []struct {
		name    string
		changes []string
		code    string
	}{
		{"no grant type", []string{"grant_type", ""}, "invalid_request"},
		{"password grant", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"no client", []string{"client_id", ""}, "invalid_client"},
		{"unknown client", []string{"client_id", "nobody"}, "invalid_client"},
		{"another client", []string{"client_id", other}, "invalid_grant"},
		{"a secret that nobody has", []string{"client_secret", "x"}, "invalid_client"},
		{"no code", []string{"code", ""}, "invalid_request"},
		{"unknown code", []string{"code", "x"}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_request"},
		{"wrong verifier", []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
		{"the challenge as verifier", []string{"code_verifier", challenge}, "invalid_grant"},
		{"another redirect_uri", []string{"redirect_uri", w.url + "/callback2"}, "invalid_grant"},
		{"another resource", []string{"resource", "https://elsewhere.example"}, "invalid_target"},
	} {
		t.Run(c.name, func(t *testing.T) { w.redeem(code, c.changes...).expect(t, c.code) })
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

// TestVerifierForm: a verifier whose hash is the challenge must also have the form of one (RFC 7636 §4.1).
func TestVerifierForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for verifier, want := range map[string]string{
		"x":                           "invalid_grant",
		strings.Repeat("x", 42):       "invalid_grant",
		strings.Repeat("x", 43):       "",
		strings.Repeat("-._~", 32):    "",
		strings.Repeat("x", 129):      "invalid_grant",
		strings.Repeat("x", 42) + " ": "invalid_grant",
		strings.Repeat("x", 42) + "é": "invalid_grant",
	} {
		got := w.redeem(w.code("code_challenge", challengeOf(verifier)), "code_verifier", verifier)
		if got.Error != want {
			t.Errorf("%q: got %d %s (%s), want %q", verifier, got.Status, got.Error, got.Description, want)
		}
	}
}

// TestOneResourceForAGrant: a token request cannot turn a grant to another server, though the client and the person may use
// that one too.
func TestOneResourceForAGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := directory.Server{Identifier: "mcp://second", Name: "Second", URL: "https://second.example/mcp",
		Scopes: []directory.Scope{{Name: "pet-profile:read"}}}
	if err := w.directory.PutServer(t.Context(), second, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	client, err := w.directory.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	client.Authorized[second.Identifier] = []string{"pet-profile:read"}
	if err := w.directory.PutClient(t.Context(), client, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	code := w.code()
	w.redeem(code, "resource", second.URL).expect(t, "invalid_target")
	got := w.redeem(code)
	got.expect(t, "")
	w.refresh(got.Refresh, "resource", second.Identifier).expect(t, "invalid_target")
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

// TestCodeRedeemedMeanwhile: the code is redeemed between the moment when another request has read it and the moment
// when that one writes.
func TestCodeRedeemedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redeem(w.code()).expect(t, "") // so that the signing key is there, and the next write is the code's
	code := w.code()
	var first tokens
	w.beforeNextWrite(func() { first = w.redeem(code) })
	w.redeem(code).expect(t, "invalid_grant")
	first.expect(t, "")
	w.refresh(first.Refresh).expect(t, "invalid_grant") // the other was a second use
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
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written.String()
}
