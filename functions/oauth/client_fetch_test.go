package oauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/functions/oauth"
)

// TestNobodyMakesUsAsk: without a login, and at the token endpoint, no document of an unknown client is read; and of one host not very many.
func TestNobodyMakesUsAsk(t *testing.T) {
	t.Parallel()
	w, h := newDocumentWorld(t)
	for _, path := range []string{"/oauth/token", "/oauth/revoke"} {
		out, _ := w.post(path, url.Values{"client_id": {documentURL}, "grant_type": {"authorization_code"}, "code": {"x"}, "token": {"x"}})
		out.expect(t, "invalid_client")
	}
	nobody := w.browser()
	for _, target := range []string{w.documentRequest(), w.documentRequest("prompt", "none"), w.documentRequest("response_type", "token")} {
		nobody.get(target).sentTo(t, "/oauth/login")
		nobody.follow(nobody.get(target))
	}
	if h.count() != 0 {
		t.Errorf("asked %v", h.asked)
	}
	b := w.browser()
	b.login("bob", w.request())
	for i := range 30 {
		b.get(w.documentRequest("client_id", fmt.Sprintf("https://app.example/%d.json", i)))
	}
	if h.count() != 20 {
		t.Errorf("one host was asked %d times at once", h.count())
	}
	for _, same := range []string{"https://app.example/x.json", "https://APP.example/x.json", "https://app.example:443/x.json", "https://app.example./x.json"} {
		if a := b.get(w.documentRequest("client_id", same)); !strings.Contains(a.body, "too often") {
			t.Errorf("%s: %s", same, a.body)
		}
	}
	w.clock.Advance(time.Second)
	b.get(w.documentRequest())
	if h.count() != 21 {
		t.Errorf("a second later it was asked %d times", h.count())
	}
	// A client that somebody looked at and did not allow anything is no reason to ask again.
	w.clock.Advance(time.Hour)
	before := h.count()
	out, _ := w.post("/oauth/token", url.Values{"client_id": {documentURL}, "grant_type": {"authorization_code"}, "code": {"x"}})
	if out.expect(t, "invalid_grant"); h.count() != before {
		t.Errorf("the token endpoint asked %v", h.asked[before:])
	}
}

// TestNobodyMakesUsAskForKeys: a client that registered itself makes us ask for its keys, and remember its JWTs, from when somebody allowed
// it something: before, it is anybody.
func TestNobodyMakesUsAskForKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const at, redirect = "https://client.example/jwks.json", "https://client.example/cb"
	w.internet.put(at, string(jwks(jwk(ecKey, "a", nil))))
	made := w.register("", `{"client_name": "Signs", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "`+at+`", "redirect_uris": ["`+redirect+`"]}`)
	signed := func() []string {
		raw := w.assertion(jwt.SigningMethodES256, ecKey, made.ClientID, nil, nil)
		return []string{"client_id", made.ClientID, "redirect_uri", redirect, "client_assertion_type", assertionType, "client_assertion", raw}
	}
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/introspect"} {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "token": {"x"}}
		for pairs := signed(); len(pairs) > 0; pairs = pairs[2:] {
			form.Set(pairs[0], pairs[1])
		}
		got, _ := w.post(path, form)
		if got.expect(t, "invalid_client"); !strings.Contains(got.Description, "allowed this client") {
			t.Errorf("%s says %q", path, got.Description)
		}
	}
	if w.internet.asked != 0 || strings.Contains(w.written.String(), "assertion/") {
		t.Errorf("asked %d times for keys of a client that nobody allowed anything, or remembered its JWT", w.internet.asked)
	}
	b := w.browser()
	a := b.approve(b.login("bob", w.request("client_id", made.ClientID, "redirect_uri", redirect)))
	w.redeem(a.location(t).Get("code"), signed()...).expect(t, "")
	if w.internet.asked != 1 {
		t.Errorf("asked %d times", w.internet.asked)
	}
}

// slowly answers slow.example when it is told to, and other hosts at once.
type slowly struct {
	*hosts
	came    chan struct{}
	release chan struct{}
}

func (s *slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "slow.example" {
		s.came <- struct{}{}
		<-s.release
	}
	return s.hosts.RoundTrip(r)
}

// TestSlowHost: a host that takes its time is asked for two documents at once, however many people are sent by it, and nobody else waits.
func TestSlowHost(t *testing.T) {
	t.Parallel()
	slow := &slowly{came: make(chan struct{}, 40), release: make(chan struct{})}
	w, h := newDocumentWorld(t, func(c *oauth.Config) {
		slow.hosts = c.Outside.Transport.(*hosts)
		c.Outside = &http.Client{Transport: slow}
	})
	b := w.browser()
	b.login("bob", w.request())
	var wg sync.WaitGroup
	for i := range 12 { // of the twenty that the host may be asked for in short time
		wg.Go(func() { b.get(w.documentRequest("client_id", fmt.Sprintf("https://slow.example/%d.json", i))) })
	}
	<-slow.came
	<-slow.came
	for range 5 {
		h.put(document(), "Cache-Control", "no-store")
		if page := b.get(w.documentRequest()); page.status != http.StatusOK {
			t.Fatalf("another host's client: %d\n%s", page.status, page.body)
		}
		w.clock.Advance(time.Minute)
	}
	if n := len(slow.came); n != 0 {
		t.Errorf("it was asked for %d more while two were under way", n)
	}
	close(slow.release)
	wg.Wait()
	if n := len(slow.came); n != 10 {
		t.Errorf("of ten that waited %d had their turn", n)
	}
}
