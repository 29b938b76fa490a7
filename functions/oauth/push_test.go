package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
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
			if strings.Contains(a.body, "evil.example") || a.header.Get("Location") != "" {
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

// TestPushedMaxAge: the same with a login that is too old: it is asked for once, at max_age=0 as well, and the new one is what the ID token tells.
func TestPushedMaxAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const scope = "openid pet-profile:read"
	w.code("scope", scope)
	for _, maxAge := range []string{"0", "60"} {
		b := w.browser()
		b.login("bob", "/oauth/login")
		w.clock.Advance(2 * time.Minute)
		page := b.follow(b.get(w.push("scope", scope, "max_age", maxAge, "login_hint", "bob@clinic")))
		if !strings.Contains(page.body, "<h1>Log in</h1>") || !strings.Contains(page.body, `value="bob@clinic"`) {
			t.Fatalf("max_age=%s: %d\n%s", maxAge, page.status, page.body)
		}
		action, form := b.form(page, "/oauth/login")
		form.Set("username", "bob")
		form.Set("password", "bob-demo")
		answered := b.callback(b.follow(b.do(http.MethodPost, action, form)))
		if got := w.idToken(w.redeem(answered.Get("code")).ID, clientID); got.AuthTime != w.clock.Now().Unix() {
			t.Errorf("max_age=%s: auth_time is %d, want %d", maxAge, got.AuthTime, w.clock.Now().Unix())
		}
	}
}
