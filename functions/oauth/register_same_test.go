package oauth_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestRegisterAgain: who says the same is the same client, unless it has a secret.
func TestRegisterAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.register("", nativeBody)
	change := func(old, replacement string) string {
		if !strings.Contains(nativeBody, old) {
			t.Fatalf("there is no %s", old)
		}
		return strings.Replace(nativeBody, old, replacement, 1)
	}
	for what, body := range map[string]string{
		"the same":            nativeBody,
		"in another order":    `{"application_type": "native", "token_endpoint_auth_method": "none", "grant_types": ["refresh_token", "authorization_code"], "redirect_uris": ["http://127.0.0.1:33418/cb"], "client_name": "Host"}`,
		"at another port":     change(":33418", ":40001"),
		"at no port":          change(":33418", ""),
		"at two ports":        change(`"http://127.0.0.1:33418/cb"`, `"http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb"`),
		"in another version":  change(`"client_name"`, `"software_version": "2", "scope": "a b", "client_name"`),
		"with what we ignore": change(`"client_name"`, `"tos_uri": "https://x.example/", "client_name"`),
		"with what is false":  change(`"client_name"`, `"require_pushed_authorization_requests": false, "dpop_bound_access_tokens": false, "post_logout_redirect_uris": [], "client_name"`),
		"with no type":        change(`, "application_type": "native"`, ``),
	} {
		if got := w.register("", body); got.Status != http.StatusCreated || got.ClientID != first.ClientID || got.IssuedAt != first.IssuedAt || got.Secret != "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := w.register("", change(":33418", ":40001")); !slices.Equal(got.Redirects, []string{"http://127.0.0.1:40001/cb"}) {
		t.Errorf("the answer knows another port: %q", got.Redirects)
	}
	for what, body := range map[string]string{
		"another name":        change(`"Host"`, `"Other"`),
		"another path":        change("/cb", "/callback"),
		"another address":     change("127.0.0.1", "localhost"),
		"one redirect more":   change(`"http://127.0.0.1:33418/cb"`, `"http://127.0.0.1:33418/cb", "https://host.example/cb"`),
		"no refresh":          change(`, "refresh_token"`, ``),
		"another home":        change(`"client_name"`, `"client_uri": "https://host.example/", "client_name"`),
		"with a secret":       change(`"none"`, `"client_secret_post"`),
		"with a secret again": change(`"none"`, `"client_secret_post"`),
		"pushing":             change(`"client_name"`, `"require_pushed_authorization_requests": true, "client_name"`),
		"with bound tokens":   change(`"client_name"`, `"dpop_bound_access_tokens": true, "client_name"`),
		"with a logout":       change(`"client_name"`, `"post_logout_redirect_uris": ["https://host.example/bye"], "client_name"`),
		"with keys":           change(`"none"`, `"private_key_jwt", "jwks_uri": "https://host.example/jwks.json"`),
	} {
		if got := w.register("", body); got.Status != http.StatusCreated || got.ClientID == first.ClientID {
			t.Errorf("%s: %+v", what, got)
		}
	}
	bye := func(uris string) string {
		return change(`"client_name"`, `"post_logout_redirect_uris": [`+uris+`], "client_name"`)
	}
	if a, b := w.register("", bye(`"https://host.example/a", "https://host.example/b"`)), w.register("", bye(`"https://host.example/b", "https://host.example/a", "https://host.example/b"`)); a.ClientID != b.ClientID {
		t.Error("the order of logout addresses means something")
	}
	web := `{"client_name": "Web", "token_endpoint_auth_method": "none", "redirect_uris": ["https://web.example:8443/cb"]}`
	if a, b := w.register("", web), w.register("", strings.Replace(web, ":8443", ":9443", 1)); a.ClientID == b.ClientID {
		t.Error("the port of a web application means nothing")
	}
}

// TestRegisterAgainAfter: what an administrator did to a client outlasts it.
func TestRegisterAgainAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.register("", nativeBody)
	record := func() store.Record[directory.Client] {
		t.Helper()
		r, err := w.directory.ClientRecord(t.Context(), first.ClientID)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	able := func(disabled bool) {
		t.Helper()
		if _, err := w.directory.UpdateClient(t.Context(), first.ClientID, record().Version, directory.ClientEdit{Disabled: &disabled}); err != nil {
			t.Fatal(err)
		}
	}
	able(true)
	for range 2 {
		if got := w.register("", nativeBody); got.Status != http.StatusBadRequest || got.Error != "invalid_client_metadata" || !strings.Contains(got.Description, "administrator") || got.ClientID != "" {
			t.Errorf("disabled: %+v", got)
		}
		w.clock.Advance(30 * 24 * time.Hour) // it is not forgotten, or it could come back
	}
	able(false)
	if got := w.register("", nativeBody); got.ClientID != first.ClientID {
		t.Errorf("enabled: %+v", got)
	}
	if err := w.directory.DeleteClient(t.Context(), first.ClientID, record().Version, false); err != nil {
		t.Fatal(err)
	}
	second := w.register("", nativeBody)
	if second.Status != http.StatusCreated || second.ClientID == first.ClientID {
		t.Errorf("after it was deleted: %+v", second)
	}
	if got := w.register("", nativeBody); got.ClientID != second.ClientID {
		t.Errorf("again: %+v", got)
	}
}

// TestRegisterAtOnce: of many at once who say the same there is one client, and nobody is turned away.
func TestRegisterAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var once sync.Once
	var other registered
	w.beforeNextWrite(func() { once.Do(func() { other = w.register("", nativeBody) }) })
	if got := w.register("", nativeBody); got.Status != http.StatusCreated || got.ClientID != other.ClientID {
		t.Errorf("%+v, and in the middle of it %+v", got, other)
	}
	body := strings.Replace(nativeBody, "Host", "Many", 1)
	var mu sync.Mutex
	ids := map[string]bool{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			got := w.register("", body)
			mu.Lock()
			defer mu.Unlock()
			ids[got.ClientID] = true
			if got.Status != http.StatusCreated {
				t.Errorf("%+v", got)
			}
		})
	}
	wait.Wait()
	if len(ids) != 1 {
		t.Errorf("clients %v", ids)
	}
	if page, err := w.directory.ClientsByName(t.Context(), directory.Query{Prefix: "many"}); err != nil || len(page.Items) != 1 {
		t.Errorf("listed: %+v, %v", page.Items, err)
	}
}

// TestRegisterForgotten: a client that nobody used is gone after a day, from everywhere; one that says so again lives on.
func TestRegisterForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept, gone := w.register("", nativeBody), w.register("", strings.Replace(nativeBody, "Host", "Gone", 1))
	w.clock.Advance(13 * time.Hour)
	before := w.written.Len()
	if got := w.register("", nativeBody); got.ClientID != kept.ClientID || w.written.Len() == before {
		t.Errorf("it is not renewed: %+v", got)
	}
	before = w.written.Len()
	if w.register("", nativeBody); w.written.Len() != before {
		t.Errorf("once more so soon writes %s", w.written.String()[before:])
	}
	w.clock.Advance(11 * time.Hour)
	if _, err := w.directory.Client(t.Context(), gone.ClientID); err == nil {
		t.Error("a client that nobody used is known after a day")
	}
	if _, err := w.directory.Client(t.Context(), kept.ClientID); err != nil {
		t.Errorf("a client that registered again: %v", err)
	}
	for name, want := range map[string]int{"host": 1, "gone": 0} {
		if page, err := w.directory.ClientsByName(t.Context(), directory.Query{Prefix: name}); err != nil || len(page.Items) != want {
			t.Errorf("%s is listed: %+v, %v", name, page.Items, err)
		}
	}
	if a := w.browser().get(w.request("client_id", gone.ClientID, "redirect_uri", gone.Redirects[0])); a.status != http.StatusBadRequest {
		t.Errorf("what was forgotten may ask: %d", a.status)
	}
	// Somebody allows it something: then it stays, and is still the one that says the same.
	b := w.browser()
	b.approve(b.login("bob", w.request("client_id", kept.ClientID, "redirect_uri", kept.Redirects[0])))
	w.clock.Advance(90 * 24 * time.Hour)
	if got := w.register("", nativeBody); got.ClientID != kept.ClientID {
		t.Errorf("a client that somebody uses: %+v", got)
	}
	if page, err := w.directory.ClientsByName(t.Context(), directory.Query{Prefix: "host"}); err != nil || len(page.Items) != 1 {
		t.Errorf("it is listed: %+v, %v", page.Items, err)
	}
	if again := w.register("", strings.Replace(nativeBody, "Host", "Gone", 1)); again.Status != http.StatusCreated || again.ClientID == gone.ClientID {
		t.Errorf("after it was forgotten: %+v", again)
	}
}

// TestRegisterAudited: who registered from where as what, and who was refused why.
func TestRegisterAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.register("", nativeBody)
	w.register("", nativeBody) // changes nothing, so nobody can fill the log with it
	w.register("", `{"redirect_uris": []}`)
	confidential := w.register("", strings.Replace(nativeBody, `"none"`, `"client_secret_post"`, 1))
	events := slices.DeleteFunc(w.events(), func(e audit.Event) bool { return e.Name != audit.Registration })
	if len(events) != 3 {
		t.Fatalf("%+v", events)
	}
	if e := events[0]; e.Outcome != audit.OK || e.ClientID != made.ClientID || e.Details["name"] != "Host" || e.Details["redirect_uris"] != made.Redirects[0] || e.From != "127.0.0.1" || e.RequestID == "" {
		t.Errorf("%+v", e)
	}
	if e := events[1]; e.Outcome != audit.Refused || e.ClientID != "" || e.Details["error"] != "invalid_redirect_uri" || e.Details["reason"] == "" {
		t.Errorf("%+v", e)
	}
	if strings.Contains(w.written.String(), confidential.Secret) {
		t.Error("a secret was stored")
	}
}

// TestLastUseOfAToken: of many who register with an initial access token at once, as many get through as it has uses.
func TestLastUseOfAToken(t *testing.T) {
	t.Parallel()
	w := newWorldAt(t, "127.0.0.1", func(s store.Store) store.Store { return s }, func(c *oauth.Config) { c.Registration = config.RegistrationToken })
	const uses = 3
	_, secret, err := w.directory.AddRegistrationToken(t.Context(), "Workshop", "user-admin", 1, uses)
	if err != nil {
		t.Fatal(err)
	}
	var through atomic.Int32
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			got := w.register(secret, strings.Replace(nativeBody, "Host", fmt.Sprint("Host ", i), 1))
			switch got.Status {
			case http.StatusCreated:
				through.Add(1)
			case http.StatusUnauthorized, http.StatusServiceUnavailable: // used up; or the others wrote every time
			default:
				t.Errorf("%+v", got)
			}
		})
	}
	wg.Wait()
	if n := through.Load(); n < 1 || n > uses {
		t.Errorf("%d clients registered with a token for %d", n, uses)
	}
}
