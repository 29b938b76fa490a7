package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"
)

// begun is a login that a browser has begun, and an authenticator answered.
type begun struct {
	*browser
	token      string
	options    requestOptions
	credential json.RawMessage
}

func (b *browser) begin(a *authenticator) begun {
	b.t.Helper()
	token := b.loginToken(b)
	o := options[requestOptions](b, b.script("/oauth/passkey/login/begin", map[string]any{"form_token": token}))
	return begun{b, token, o, a.get(o, a.keys[0])}
}

func (l begun) finish(credential json.RawMessage, edit ...func(*http.Request)) scriptAnswer {
	l.t.Helper()
	return l.script("/oauth/passkey/login/finish", map[string]any{"form_token": l.token, "credential": credential}, edit...)
}

func (got scriptAnswer) expect(t *testing.T, what string, status int, code string) {
	t.Helper()
	if got.Status != status || got.Code != code {
		t.Errorf("%s: %d %s", what, got.Status, got.raw)
	}
}

// TestPasskeyCeremony: an answer counts once, soon, and from the browser that was asked.
func TestPasskeyCeremony(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	l, other := w.browser().begin(a), w.browser().begin(a)
	other.finish(l.credential).expect(t, "a foreign browser", http.StatusUnauthorized, "refused")
	other.script("/oauth/passkey/login/finish", map[string]any{"form_token": l.token, "credential": l.credential}).expect(t, "its token", http.StatusBadRequest, "page")
	l.script("/oauth/passkey/login/finish", map[string]any{"credential": l.credential}).expect(t, "no token", http.StatusBadRequest, "page")
	l.finish(l.credential, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).expect(t, "another site", http.StatusForbidden, "")
	for _, bad := range []json.RawMessage{nil, json.RawMessage(`null`), json.RawMessage(`{}`), json.RawMessage(`"x"`), json.RawMessage(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`)} {
		l.finish(bad).expect(t, fmt.Sprintf("the credential %s", bad), http.StatusUnauthorized, "refused")
	}
	l.finish(l.credential).expect(t, "after all of this", http.StatusOK, "")
	l.token = w.loginToken(l.browser)
	l.finish(l.credential).expect(t, "replayed under the new cookie", http.StatusUnauthorized, "refused")

	late := w.browser().begin(a)
	w.clock.Advance(5 * time.Minute)
	late.finish(late.credential).expect(t, "too late", http.StatusBadRequest, "expired")
	if got := late.do(http.MethodPost, "/oauth/passkey/login/finish", map[string][]string{"form_token": {late.token}}); got.status != http.StatusBadRequest {
		t.Errorf("a form: %d", got.status)
	}
	late.script("/oauth/passkey/login/finish?client_id=nobody", map[string]any{"form_token": late.token, "credential": late.credential}).
		expect(t, "for an unknown client", http.StatusBadRequest, "page")
}

// Whoever can have an authenticator sign what they like must not choose what that is: no challenge counts but one of ours,
// byte by byte, and of a login.
func TestPasskeyChallengeIsOurs(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	l := w.browser().begin(a)
	challenge, err := base64.RawURLEncoding.DecodeString(l.options.Challenge)
	if err != nil || len(challenge) != 16+8+32 {
		t.Fatal(len(challenge), err)
	}
	try := func(what, challenge string) {
		t.Helper()
		l.finish(a.get(requestOptions{Challenge: challenge}, a.keys[0])).expect(t, what, http.StatusUnauthorized, "refused")
	}
	for i := range challenge { // the random bytes, the time and the proof
		challenge[i] ^= 1
		try(fmt.Sprint("another byte ", i), b64(challenge))
		challenge[i] ^= 1
	}
	try("shorter", b64(challenge[:55]))
	try("longer", b64(append(challenge[:56:56], 0)))
	try("nothing", "")
	try("no base64", "?")

	adder := w.browser()
	adder.login("bob", "/oauth/login")
	token := adder.token(adder.get("/oauth/account"))
	o := options[creationOptions](adder, adder.script("/oauth/passkey/add/begin", map[string]any{"form_token": token}))
	in := adder.begin(a)
	in.finish(a.get(requestOptions{Challenge: o.Challenge}, a.keys[0])).expect(t, "what was asked to add one, to log in", http.StatusUnauthorized, "refused")
	o.Challenge = in.options.Challenge
	adder.script("/oauth/passkey/add/finish", map[string]any{"form_token": token, "name": "x", "credential": a.create(o)}).
		expect(t, "what was asked to log in, to add one", http.StatusBadRequest, "refused")

	l.finish(a.get(l.options, a.keys[0])).expect(t, "as it was", http.StatusOK, "")
}

// An authenticator without a counter answers the same each time: that the answer was used is noted with the login.
func TestPasskeyAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.authenticator(t)
	owner := w.browser()
	owner.login("bob", "/oauth/login")
	owner.addPasskey(a, "My key")
	begin := func() begun {
		a.count = math.MaxUint32 // it is 0 when it signs
		return w.browser().begin(a)
	}
	stolen := func(l begun) begun { // cookie and all
		b := w.browser()
		b.client.Jar.SetCookies(mustParse(t, w.url), l.client.Jar.Cookies(mustParse(t, w.url)))
		return begun{b, l.token, l.options, l.credential}
	}

	l := begin()
	again := stolen(l)
	l.finish(l.credential).expect(t, "the first time", http.StatusOK, "")
	again.finish(again.credential).expect(t, "the second time", http.StatusBadRequest, "expired")
	w.clock.Advance(4*time.Minute + 59*time.Second)
	again.finish(again.credential).expect(t, "before it is too old", http.StatusBadRequest, "expired")

	l = begin()
	again = stolen(l)
	w.beforeNextWrite(func() { again.finish(again.credential).expect(t, "at the same time", http.StatusOK, "") })
	l.finish(l.credential).expect(t, "when another was first", http.StatusBadRequest, "expired")
	if l.isLoggedIn() || !again.isLoggedIn() {
		t.Errorf("logged in: %v, %v", l.isLoggedIn(), again.isLoggedIn())
	}
}

// Strangers who begin logins without end keep nobody out, and leave nothing.
func TestPasskeyLoginsOfStrangers(t *testing.T) {
	t.Parallel()
	w := newPasskeyWorld(t)
	a := w.withPasskey(t, "bob")
	w.browser().begin(a) // makes our key
	stranger := w.browser()
	token := stranger.token(stranger.get("/oauth/login"))
	w.beforeNextWrite(func() { t.Error("beginning a login writes") })
	for range 300 {
		stranger.script("/oauth/passkey/login/begin", map[string]any{"form_token": token}).expect(t, "a stranger", http.StatusOK, "")
	}
	l := w.browser().begin(a)
	w.beforeNextWrite(func() {})
	l.finish(l.credential).expect(t, "bob", http.StatusOK, "")
}
