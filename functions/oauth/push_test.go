package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const requestURI = "urn:ietf:params:oauth:request_uri:"

// pushForm is a right request to push; changes are as in world.request.
func (w *world) pushForm(changes ...string) url.Values {
	form, err := url.ParseQuery(strings.TrimPrefix(w.request(changes...), "/oauth/authorize?"))
	if err != nil {
		w.t.Fatal(err)
	}
	return form
}

// pushed is what the endpoint for pushed requests said, well or not.
type pushed struct {
	Status      int    `json:"-"`
	RequestURI  string `json:"request_uri"`
	ExpiresIn   int    `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (w *world) pushAs(form url.Values, edit ...func(*http.Request)) (got pushed, a answer) {
	w.t.Helper()
	a = w.browser().do(http.MethodPost, "/oauth/par", form, edit...)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	got.Status = a.status
	return got, a
}

// push pushes a right request, and returns where the client sends the browser.
func (w *world) push(changes ...string) string {
	w.t.Helper()
	form := w.pushForm(changes...)
	got, _ := w.pushAs(form)
	if got.Status != http.StatusCreated {
		w.t.Fatalf("%+v", got)
	}
	return w.brings(form.Get("client_id"), got.RequestURI)
}

func (w *world) brings(client, requestURI string) string {
	return "/oauth/authorize?" + url.Values{"client_id": {client}, "request_uri": {requestURI}}.Encode()
}

// refused fails unless an answer is the page for a name that is worth nothing (any more).
func (a answer) refused(t *testing.T) {
	t.Helper()
	if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(a.body, "This link was used already, or is too old.") {
		t.Errorf("%d %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
}

// TestPush: the story, with a login and a consent in between.
func TestPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, a := w.pushAs(w.pushForm())
	if got.Status != http.StatusCreated || got.ExpiresIn != 60 || !strings.HasPrefix(got.RequestURI, requestURI) || len(got.RequestURI) != len(requestURI)+43 ||
		a.header.Get("Cache-Control") != "no-cache, no-store" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%+v %v", got, a.header)
	}
	target := w.brings(clientID, got.RequestURI)
	b := w.browser()
	page := b.login("bob", target)
	if !strings.Contains(page.body, "Vet Assist AI") || strings.Contains(page.body, challenge) {
		t.Errorf("the browser carries the request:\n%s", page.body)
	}
	answer := b.callback(b.approve(page))
	if answer.Get("state") != "s t/a+te" {
		t.Errorf("%v", answer)
	}
	tokens := w.redeem(answer.Get("code"))
	if tokens.expect(t, ""); tokens.Scope != "pet-profile:read" {
		t.Errorf("%+v", tokens)
	}
	// All is consented: at once, and once.
	again := w.push()
	code := b.callback(b.follow(b.get(again))).Get("code")
	w.redeem(code).expect(t, "")
	b.follow(b.get(again)).refused(t)
	if dump := w.dump(); strings.Contains(dump, strings.TrimPrefix(got.RequestURI, requestURI)) {
		t.Error("the store holds a request_uri")
	}
}

// TestPushRefused: every check of the authorization endpoint, and those of this one, each with the code that a client can go by (RFC 9126
// §2.1, §2.3, §7.2).
func TestPushRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	w.signingClient("signs", func(c *directory.Client) {
		c.RedirectURIs, c.GrantTypes = []string{w.url + "/callback"}, []string{"authorization_code"}
	})
	signed := w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, map[string]any{"kid": "a"})
	form := func(f url.Values, more ...string) url.Values {
		for i := 0; i < len(more); i += 2 {
			f.Add(more[i], more[i+1])
		}
		return f
	}
	none := func(*http.Request) {}
	for _, c := range []struct {
		what   string
		form   url.Values
		edit   func(*http.Request)
		status int
		code   string
	}{
		{"a public client", w.pushForm(), none, 201, ""},
		{"a client with its secret", w.pushForm("client_id", id), basic(id, secret), 201, ""},
		{"named by the header alone", w.pushForm("client_id", ""), basic(id, secret), 201, ""},
		{"a client that signs", w.pushForm("client_id", "signs", "client_assertion_type", assertionType, "client_assertion", signed), none, 201, ""},
		{"the same signature again", w.pushForm("client_id", "signs", "client_assertion_type", assertionType, "client_assertion", signed), none, 401, "invalid_client"},
		{"without the secret", w.pushForm("client_id", id), none, 401, "invalid_client"},
		{"a wrong secret", w.pushForm("client_id", id), basic(id, secret+"x"), 401, "invalid_client"},
		{"without the signature", w.pushForm("client_id", "signs"), none, 401, "invalid_client"},
		{"signed for somebody else", w.pushForm("client_id", id, "client_assertion_type", assertionType, "client_assertion",
			w.assertion(jwt.SigningMethodES256, ecKey, "signs", nil, map[string]any{"kid": "a"})), none, 400, "invalid_request"},
		{"signed for this endpoint, which a dishonest server could name as its own", w.pushForm("client_id", "signs", "client_assertion_type", assertionType, "client_assertion",
			w.assertion(jwt.SigningMethodES256, ecKey, "signs", map[string]any{"aud": w.url + "/oauth/par"}, map[string]any{"kid": "a"})), none, 401, "invalid_client"},
		{"an unknown client", w.pushForm("client_id", "nobody"), none, 401, "invalid_client"},
		{"no client", w.pushForm("client_id", ""), none, 401, "invalid_client"},
		{"a request_uri", w.pushForm("request_uri", requestURI+"x"), none, 400, "invalid_request"},
		{"a request_uri elsewhere", w.pushForm("request_uri", "https://evil.example/r"), none, 400, "invalid_request"},
		{"a request object", w.pushForm("request", "a.b.c"), none, 400, "request_not_supported"},
		{"another redirect_uri", w.pushForm("redirect_uri", "https://evil.example/callback"), none, 400, "invalid_request"},
		{"another redirect_uri of a client that proves itself", w.pushForm("client_id", id, "redirect_uri", "https://evil.example/callback"), basic(id, secret), 400, "invalid_request"},
		{"no response_type", w.pushForm("response_type", ""), none, 400, "invalid_request"},
		{"the implicit flow", w.pushForm("response_type", "token"), none, 400, "unsupported_response_type"},
		{"no PKCE", w.pushForm("code_challenge", ""), none, 400, "invalid_request"},
		{"plain PKCE", w.pushForm("code_challenge_method", "plain"), none, 400, "invalid_request"},
		{"a broken scope", w.pushForm("scope", `a"b`), none, 400, "invalid_scope"},
		{"an unknown resource", w.pushForm("resource", "https://elsewhere.example"), none, 400, "invalid_target"},
		{"two resources", form(w.pushForm(), "resource", "https://elsewhere.example"), none, 400, "invalid_target"},
		{"an unknown prompt", w.pushForm("prompt", "always"), none, 400, "invalid_request"},
		{"a parameter twice", form(w.pushForm(), "state", "other"), none, 400, "invalid_request"},
		{"over 8 KiB", w.pushForm("state", strings.Repeat("x", 9000)), none, 413, "invalid_request"},
		{"over 64 KiB", w.pushForm("state", strings.Repeat("x", 70<<10)), none, 413, "invalid_request"},
		{"JSON", w.pushForm(), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
		{"a client for machines", w.pushForm("client_id", "signs-only", "client_assertion_type", assertionType, "client_assertion",
			w.assertion(jwt.SigningMethodES256, ecKey, w.signingClient("signs-only", nil).ID, nil, map[string]any{"kid": "a"})), none, 400, "invalid_request"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, a := w.pushAs(c.form, c.edit)
			if got.Status != c.status || got.Error != c.code || (got.RequestURI != "") != (c.status == 201) || (got.Description == "") != (c.status == 201) {
				t.Errorf("%+v", got)
			}
			if strings.Contains(a.body, "evil") || a.header.Get("Location") != "" {
				t.Errorf("it repeats what was sent: %s", a.body)
			}
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodPut} { // RFC 9126 §2.3
		if a := w.browser().do(method, "/oauth/par", nil); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	if dump := w.dump(); strings.Contains(dump, secret) || strings.Contains(dump, signed) {
		t.Error("the store holds how a client proved itself")
	}
}

// TestPushedName: what a browser can bring, and what it comes to (RFC 9126 §4, §7.1, §7.3, §7.5; RFC 9101 §6.3).
func TestPushedName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.otherClient()
	name := func(target string) string {
		u, _ := url.Parse(target)
		return u.Query().Get("request_uri")
	}
	for what, target := range map[string]string{
		"never given":         w.brings(clientID, requestURI+strings.Repeat("x", 43)),
		"no secret in it":     w.brings(clientID, requestURI),
		"huge":                w.brings(clientID, requestURI+strings.Repeat("x", 4000)),
		"of another client":   w.brings(other, name(w.push())),
		"for another client":  w.brings(clientID, name(w.push("client_id", other))),
		"without the client":  "/oauth/authorize?request_uri=" + url.QueryEscape(name(w.push())),
		"two clients":         w.push() + "&client_id=" + other,
		"two names":           w.push() + "&request_uri=" + url.QueryEscape(name(w.push())),
		"a code":              w.brings(clientID, requestURI+w.code()),
		"with an error's way": w.brings(clientID, requestURI+"x") + "&redirect_uri=" + url.QueryEscape(w.url+"/callback"),
	} {
		t.Run(what, func(t *testing.T) {
			w.browser().get(target).refused(t)
			w.browser().get(strings.Replace(target, "/authorize", "/login", 1)).refused(t)
		})
	}
	t.Run("too old", func(t *testing.T) {
		fresh, old := w.push(), w.push()
		w.clock.Advance(59 * time.Second)
		if a := w.browser().get(fresh); a.status != http.StatusSeeOther {
			t.Errorf("after 59 seconds: %d", a.status)
		}
		w.clock.Advance(time.Second)
		w.browser().get(old).refused(t)
	})
	t.Run("taken, and the person is slow", func(t *testing.T) {
		b := w.browser()
		page := b.follow(b.get(w.push()))
		w.clock.Advance(14 * time.Minute)
		action, form := b.form(page, "/oauth/login")
		form.Set("username", "bob")
		form.Set("password", "bob-demo")
		back := b.do(http.MethodPost, action, form)
		if got := b.callback(b.follow(back)); got.Get("code") == "" {
			t.Errorf("%v", got)
		}
		page = b.follow(b.get(w.push("scope", "reminder:read")))
		w.clock.Advance(15 * time.Minute)
		b.approve(page).refused(t)
	})
	t.Run("what else the query says does not count", func(t *testing.T) {
		b := w.browser()
		target := w.push("prompt", "consent") + "&scope=reminder:write&state=evil&prompt=none&redirect_uri=https://evil.example/&request=a.b.c&code_challenge=x"
		got := b.callback(b.approve(b.login("alice", target)))
		if got.Get("state") != "s t/a+te" {
			t.Errorf("%v", got)
		}
		if tokens := w.redeem(got.Get("code")); tokens.Error != "" || tokens.Scope != "pet-profile:read" {
			t.Errorf("%+v", tokens)
		}
	})
	t.Run("not at the other endpoints", func(t *testing.T) {
		w.redeem(strings.TrimPrefix(name(w.push()), requestURI)).expect(t, "invalid_grant")
		w.redeem(name(w.push())).expect(t, "invalid_grant")
		w.refresh(name(w.push())).expect(t, "invalid_grant")
	})
	t.Run("HEAD uses nothing up", func(t *testing.T) {
		target := w.push()
		if a := w.browser().do(http.MethodHead, target, nil); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%d", a.status)
		}
		if a := w.browser().get(target); a.status != http.StatusSeeOther {
			t.Errorf("%d", a.status)
		}
	})
}

// TestPushedPrompt: a wish for a login is met once, as with any request, and not asked again.
func TestPushedPrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.login("bob", "/oauth/login")
	page := b.follow(b.get(w.push("prompt", "login consent")))
	if !strings.Contains(page.body, "<h1>Log in</h1>") {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	action, form := b.form(page, "/oauth/login")
	form.Set("username", "alice")
	form.Set("password", "alice-demo")
	page = b.follow(b.do(http.MethodPost, action, form))
	if !strings.Contains(page.body, "Alice Grant") || b.callback(b.approve(page)).Get("code") == "" {
		t.Errorf("%d\n%s", page.status, page.body)
	}
	// "Switch user" keeps the request too.
	page = b.follow(b.get(w.push("prompt", "consent")))
	action, form = b.form(page, "/oauth/logout")
	page = b.follow(b.do(http.MethodPost, action, form))
	if !strings.Contains(page.body, "Vet Assist AI") {
		t.Errorf("%d\n%s", page.status, page.body)
	}
}

// TestPushedOnce: one name, one answer: whatever the answer is, and whoever else has the name (RFC 9126 §4, §7.3).
func TestPushedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.browser()
	bob.login("bob", "/oauth/login")

	// Denied, it cannot be allowed after all: not by the page that is still open, and not by another tab.
	page := bob.follow(bob.get(w.push()))
	action, form := bob.form(page, "/oauth/consent")
	form.Set("decision", "deny")
	if got := bob.callback(bob.do(http.MethodPost, action, form)); got.Get("error") != "access_denied" {
		t.Errorf("%v", got)
	}
	bob.approve(page).refused(t)

	// Allowed, it gives no second code, and is not denied any more.
	page = bob.follow(bob.get(w.push()))
	if got := bob.callback(bob.approve(page)); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	bob.approve(page).refused(t)
	bob.do(http.MethodPost, action, form).refused(t)

	// An error is an answer, too.
	b := w.browser()
	target := w.push("prompt", "none")
	taken := b.get(target).header.Get("Location")
	if got := b.callback(b.get(taken)); got.Get("error") != "login_required" {
		t.Errorf("%v", got)
	}
	b.get(taken).refused(t)

	// Whoever comes second with the name that the client gave gets nothing, and disturbs nobody.
	target = w.push("scope", "reminder:read")
	page = bob.follow(bob.get(target))
	w.browser().get(target).refused(t)
	if got := bob.callback(bob.approve(page)); got.Get("code") == "" {
		t.Errorf("%v", got)
	}

	// Between reading and writing.
	target = w.push("scope", "appointment:read")
	var first answer
	w.beforeNextWrite(func() { first = bob.get(target) })
	w.browser().get(target).refused(t)
	page = bob.follow(first)
	var approved answer
	w.beforeNextWrite(func() { approved = bob.approve(page) })
	bob.approve(page).refused(t)
	if got := bob.callback(approved); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
}

// TestPushedRace: of many at once with one name one gets on, and of many that answer one page one gets a code.
func TestPushedRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.browser()
	bob.login("bob", "/oauth/login")
	target := w.push()
	var mu sync.Mutex
	var page answer
	won := 0
	race := func(f func() answer, wins func(answer) bool) {
		won = 0
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				a := f()
				mu.Lock()
				defer mu.Unlock()
				if wins(a) {
					won, page = won+1, a
				} else {
					a.refused(t)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("%d won", won)
		}
	}
	race(func() answer { return bob.get(target) }, func(a answer) bool { return a.status == http.StatusSeeOther })
	shown := bob.follow(page)
	race(func() answer { return bob.approve(shown) }, func(a answer) bool { return a.status == http.StatusSeeOther })
	w.redeem(bob.callback(page).Get("code")).expect(t, "")
}

// TestMustPush: a client that must push does (RFC 9126 §5, §6), and what it must prove since is not spared by what it pushed before (§7.4).
func TestMustPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := directory.Client{ID: "strict", Name: "Strict", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"},
		Authorized: map[string][]string{mcp: {"pet-profile:read"}}, RequirePushed: true}
	put := func() {
		if err := w.directory.PutClient(t.Context(), client, store.Always()); err != nil {
			t.Fatal(err)
		}
	}
	put()
	b := w.browser()
	if got := b.callback(b.get(w.request("client_id", "strict"))); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "push") {
		t.Errorf("%v", got)
	}
	if got := b.callback(b.approve(b.login("bob", w.push("client_id", "strict")))); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	early := w.push("client_id", "strict")
	client.AuthMethod, client.JWKS = directory.PrivateKeyJWT, jwks(jwk(ecKey, "a", nil))
	put()
	if got := b.callback(b.get(early)); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "prove itself") {
		t.Errorf("%v", got)
	}
	b.get(early).refused(t)
	early = w.push()
	client.ID, client.Disabled = clientID, true
	put()
	if a := b.get(early); a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
		t.Errorf("disabled since: %d", a.status)
	}
}

// TestRequestObjects: who sends one is told that it is not understood, and not answered as if it were not there (RFC 9101 §6.3, §7).
func TestRequestObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for query, want := range map[string]string{
		"&request=a.b.c": "request_not_supported",
		"&request_uri=https%3A%2F%2Fclient.example%2Frequest": "request_uri_not_supported",
		"&request_uri=urn:example:x":                          "request_uri_not_supported",
		"&request=":                                           "",
	} {
		a := b.get(w.request() + query)
		if want == "" {
			if !strings.HasPrefix(a.header.Get("Location"), "/oauth/login?") {
				t.Errorf("%s: %d", query, a.status)
			}
		} else if got := b.callback(a); got.Get("error") != want || got.Get("state") == "" {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// TestPushedByStrangers: clients that nobody here vouches for push too. What a document would tell is found out when somebody has logged in, and
// not before (RFC 9126 §2.1 lets us; see client_document.go).
func TestPushedByStrangers(t *testing.T) {
	t.Parallel()
	t.Run("registered", func(t *testing.T) {
		w := newWorld(t)
		made := w.register("", nativeBody)
		got, _ := w.pushAs(w.pushForm("client_id", made.ClientID, "redirect_uri", "https://evil.example/"))
		if got.Error != "invalid_request" {
			t.Errorf("%+v", got)
		}
		b := w.browser()
		page := b.login("bob", w.push("client_id", made.ClientID, "redirect_uri", made.Redirects[0]))
		if a := b.approve(page); a.location(t).Get("code") == "" {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("described, and not known yet", func(t *testing.T) {
		w, h := newDocumentWorld(t)
		form := w.pushForm("client_id", documentURL, "redirect_uri", appRedirect)
		got, _ := w.pushAs(form)
		b := w.browser()
		first := b.get(w.brings(documentURL, got.RequestURI))
		if got.Status != http.StatusCreated || first.status != http.StatusSeeOther || h.count() > 0 {
			t.Fatalf("%+v, %d, and %d documents read before anybody has logged in", got, first.status, h.count())
		}
		page := b.login("bob", first.header.Get("Location"))
		if b.approve(page).sentTo(t, appRedirect).Get("code") == "" || h.count() != 1 {
			t.Errorf("%d documents read\n%s", h.count(), page.body)
		}
		// Known now, it is checked at once, but for a redirect URI that its document may list meanwhile.
		if got, _ = w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", appRedirect, "code_challenge", "")); got.Error != "invalid_request" {
			t.Errorf("no PKCE: %+v", got)
		}
		got, _ = w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", "https://evil.example/"))
		if a := b.get(w.brings(documentURL, got.RequestURI)); got.Status != http.StatusCreated || a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("a redirect URI that it does not list: %+v, %d %s", got, a.status, a.header.Get("Location"))
		}
		h.put(document("redirect_uris", []string{appRedirect, appRedirect + "2"}))
		w.clock.Advance(2 * time.Minute)
		got, _ = w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", appRedirect+"2", "prompt", "consent"))
		if a := b.follow(b.get(w.brings(documentURL, got.RequestURI))); a.status != http.StatusOK {
			t.Errorf("a redirect URI that it lists now: %+v, %d\n%s", got, a.status, a.body)
		}
	})
	t.Run("described, and its request is wrong", func(t *testing.T) {
		for code, changes := range map[string][]string{"invalid_request": {"code_challenge", ""}, "invalid_target": {"resource", "{base}/admin/api"}, "login_required": {"prompt", "none"}} {
			w, _ := newDocumentWorld(t)
			changes = []string{changes[0], strings.Replace(changes[1], "{base}", w.url, 1)}
			got, _ := w.pushAs(w.pushForm(append([]string{"client_id", documentURL, "redirect_uri", appRedirect}, changes...)...))
			b := w.browser()
			if code == "login_required" { // a client that nobody vouches for is not told before somebody has logged in
				if page := b.follow(b.get(w.brings(documentURL, got.RequestURI))); !strings.Contains(page.body, "<h1>Log in</h1>") {
					t.Errorf("%s: %d\n%s", code, page.status, page.body)
				}
				continue
			}
			taken := b.get(w.brings(documentURL, got.RequestURI)).header.Get("Location")
			if answer := b.login("bob", taken).sentTo(t, appRedirect); answer.Get("error") != code {
				t.Errorf("%s: %v", code, answer)
			}
			b.get(taken).refused(t)
		}
	})
	t.Run("described, and it signs", func(t *testing.T) {
		w, h := newDocumentWorld(t)
		h.put(document("token_endpoint_auth_method", "private_key_jwt", "jwks", jwks(jwk(ecKey, "a", nil))))
		signed := func() []string {
			return []string{"client_id", documentURL, "redirect_uri", appRedirect, "client_assertion_type", assertionType,
				"client_assertion", w.assertion(jwt.SigningMethodES256, ecKey, documentURL, nil, map[string]any{"kid": "a"})}
		}
		got, _ := w.pushAs(w.pushForm(signed()...))
		if got.Error != "invalid_client" || !strings.Contains(got.Description, "by the browser alone") || h.count() > 0 {
			t.Errorf("%+v", got)
		}
		// Unsigned it is kept until it is known who that is, and then refused.
		got, _ = w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", appRedirect))
		b := w.browser()
		if a := b.login("bob", w.brings(documentURL, got.RequestURI)); a.sentTo(t, appRedirect).Get("error") != "invalid_request" {
			t.Errorf("%d %s", a.status, a.header.Get("Location"))
		}
		b.approve(b.follow(b.get(w.documentRequest()))).sentTo(t, appRedirect)
		if got, _ = w.pushAs(w.pushForm(signed()...)); got.Status != http.StatusCreated {
			t.Errorf("allowed, and signed: %+v", got)
		}
		if got, _ = w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", appRedirect)); got.Error != "invalid_client" {
			t.Errorf("allowed, and unsigned: %+v", got)
		}
	})
	t.Run("a URL that is no document's", func(t *testing.T) {
		w := newWorld(t)
		if got, _ := w.pushAs(w.pushForm("client_id", "https://app.example/#x")); got.Error != "invalid_client" {
			t.Errorf("%+v", got)
		}
	})
}

// TestPushesAreBounded: who proves nothing can push so often, from one network and in all; who does prove itself is not held up (RFC 9126 §2.3).
func TestPushesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Test-From", address) }
	}
	push := func(address string) (int, string) {
		got, a := w.pushAs(w.pushForm(), from(address))
		return got.Status, a.header.Get("Retry-After")
	}
	kept := 0
	for range 70 {
		if status, _ := push("192.0.2.1"); status == http.StatusCreated {
			kept++
		}
	}
	if status, retry := push("192.0.2.1"); kept != 60 || status != http.StatusTooManyRequests || retry != "1" {
		t.Errorf("%d kept, then %d, Retry-After %q", kept, status, retry)
	}
	if status, _ := push("192.0.2.2"); status != http.StatusCreated {
		t.Errorf("another address: %d", status)
	}
	for i := range 200 {
		push(fmt.Sprintf("2001:db8:0:%x::1", i))
	}
	if status, _ := push("192.0.2.3"); status != http.StatusTooManyRequests {
		t.Errorf("in all: %d", status)
	}
	if got, _ := w.pushAs(w.pushForm("client_id", id), basic(id, secret)); got.Status != http.StatusCreated {
		t.Errorf("with a secret: %+v", got)
	}
	w.clock.Advance(time.Second)
	if status, _ := push("192.0.2.1"); status != http.StatusCreated {
		t.Errorf("a second later: %d", status)
	}
}
