package oauth_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

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
	t.Run("described, not known yet, and with a proof", func(t *testing.T) {
		w, h := newDocumentWorld(t)
		form := w.pushForm("client_id", documentURL, "redirect_uri", appRedirect)
		for what, proof := range map[string]func(*http.Request){
			"a secret in the header": basic(documentURL, "secret"),
			"another scheme":         func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
		} {
			if got, _ := w.pushAs(form, proof); got.Error != "invalid_client" || got.RequestURI != "" {
				t.Errorf("%s is taken unseen: %+v", what, got)
			}
		}
		for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
			if got, _ := w.pushAs(w.pushForm("client_id", documentURL, "redirect_uri", appRedirect, name, "x")); got.Error != "invalid_client" || got.RequestURI != "" {
				t.Errorf("%s is taken unseen: %+v", name, got)
			}
		}
		if h.count() > 0 {
			t.Errorf("%d documents read", h.count())
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

// TestPushesAreBounded: strangers can push so often, from one network and in all; who proves to be one whom an administrator made is not held up
// (RFC 9126 §2.3). A secret that a stranger got by registering makes it no other.
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
	stranger := w.register("", `{"client_name": "Stranger", "redirect_uris": ["`+w.url+`/callback"]}`)
	as := basic(stranger.ClientID, stranger.Secret)
	if got, a := w.pushAs(w.pushForm("client_id", stranger.ClientID), as); stranger.Secret == "" || got.Status != http.StatusTooManyRequests {
		t.Errorf("with a secret that anybody can get: %d %s", got.Status, a.body)
	}
	w.clock.Advance(time.Second)
	if status, _ := push("192.0.2.1"); status != http.StatusCreated {
		t.Errorf("a second later: %d", status)
	}
	if got, _ := w.pushAs(w.pushForm("client_id", stranger.ClientID), as); got.Status != http.StatusCreated {
		t.Errorf("with that secret a second later: %+v", got)
	}
}
