package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/learn/diagram"
)

// secrets are all that went over the wire of a world, by what they are.
type secrets struct {
	mu    sync.Mutex
	seen  map[string]string // kind, by secret
	found map[string]int    // how often each kind was seen; some secrets are of several
}

// kinds are the parameters, members and headers that hold a secret.
var kinds = map[string]bool{
	"password": true, "code": true, "code_verifier": true, "state": true, "nonce": true, "form_token": true, "access_token": true, "refresh_token": true, "id_token": true,
	"token": true, "client_secret": true, "device_code": true, "user_code": true, "request_uri": true, "requestState": true, "client_assertion": true,
	"subject_token": true, "actor_token": true, "assertion": true, "id_token_hint": true, "verification_uri_complete": true,
}

func (s *secrets) add(kind, value string) {
	if len(value) < 8 { // nothing of ours is so short
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[value] = kind
	s.found[kind]++
}

func (s *secrets) form(encoded string) {
	form, err := url.ParseQuery(encoded)
	if err != nil {
		return
	}
	for name, values := range form {
		for _, v := range values {
			if kinds[name] {
				s.add(name, v)
			}
		}
	}
}

func (s *secrets) headers(h http.Header) {
	for _, v := range h.Values("Authorization") {
		_, token, _ := strings.Cut(v, " ")
		s.add("Authorization", token)
	}
	for _, v := range h.Values("DPoP") {
		s.add("DPoP proof", v)
	}
	for _, c := range (&http.Request{Header: h}).Cookies() {
		s.add("cookie", c.Value)
	}
	for _, c := range (&http.Response{Header: h}).Cookies() {
		s.add("cookie", c.Value)
	}
	if u, err := url.Parse(h.Get("Location")); err == nil {
		s.form(u.RawQuery)
	}
}

func (s *secrets) body(contentType string, b []byte) {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		s.form(string(b))
		return
	}
	var v any
	if json.Unmarshal(b, &v) == nil {
		s.members("", v)
	}
}

func (s *secrets) members(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			s.members(name, member)
		}
	case []any:
		for _, member := range v {
			s.members(name, member)
		}
	case string:
		if kinds[name] && (name != "code" || len(v) == 43) { // other codes are words
			s.add(name, v)
		}
	}
}

// watch collects what passes a handler, both ways.
func (s *secrets) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.form(r.URL.RawQuery)
		s.headers(r.Header)
		b, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		if err == nil {
			s.body(r.Header.Get("Content-Type"), b)
		}
		got := httptest.NewRecorder()
		next.ServeHTTP(got, r)
		s.headers(got.Header())
		s.body(got.Header().Get("Content-Type"), got.Body.Bytes())
		for name, values := range got.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes()) // the client may have left
	})
}

// TestNoSecretIsStored goes through all that issues secrets, listens on every wire, those between our own functions too, and then looks for each
// of these secrets in everything that was recorded.
func TestNoSecretIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := &secrets{seen: map[string]string{}, found: map[string]int{}}
	watched := all.watch(w.inside.handler)
	w.http.Handler, w.inside.handler = watched, watched

	bob := w.bookTaken() // login, connect, step-up, a question with its state, and an agent's token
	bob.submit("/answer", url.Values{"f0": {bob.page.choices()[1]}})
	w.clock.turn(15 * time.Minute)
	bob.ask("Which pets do I have?") // refresh
	bob.submit("/logout", nil)       // revocation

	foreign(w)
	tokens := w.tokensFor("alice", "pet-profile:read", "offline_access", "openid")
	next := w.refresh(tokens.Refresh)
	w.refresh(tokens.Refresh)
	w.send("GET", "/oauth/userinfo", "", "Authorization", "Bearer "+next.Access)
	w.send("POST", "/mcp?access_token="+next.Access, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Content-Type", "application/json")
	w.post("/oauth/token", url.Values{"grant_type": {"password"}, "username": {"bob"}, "password": {"bob-demo"}, "client_id": {"vet-assist-ai"}})

	admin := w.administrator()
	id, secret := admin.machine([]string{"Vet Staff"}, "pet-profile:read")
	w.askAlone(id, secret)
	w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "resource": {w.URL + "/mcp"}})
	w.post("/oauth/introspect", url.Values{"token": {next.Access}, "client_id": {id}, "client_secret": {secret}})
	w.send("POST", "/oauth/par", w.request(nil).Encode(), "Content-Type", "application/x-www-form-urlencoded")

	device := w.askForDevice()
	carol := w.person()
	carol.open(device.Complete)
	carol.login("carol")
	w.post("/oauth/token", device.form())
	carol.submit("decision", url.Values{"decision": {"approve"}})
	w.clock.turn(time.Minute)
	w.post("/oauth/token", device.form())

	all.mu.Lock()
	defer all.mu.Unlock()
	for _, kind := range []string{"password", "code", "code_verifier", "state", "nonce", "form_token", "access_token", "refresh_token", "id_token", "token", "client_secret", "device_code",
		"user_code", "request_uri", "requestState", "subject_token", "Authorization", "DPoP proof", "cookie", "client_assertion"} {
		if all.found[kind] == 0 {
			t.Errorf("no %s was seen: the story does not issue one", kind)
		}
	}
	records := 0
	w.http.Handler, w.inside.handler = nil, w.handler // recorded starts it anew
	for _, f := range w.recorded() {
		for _, r := range f {
			records++
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if len(diagram.Rules(r)) == 0 || !strings.Contains(diagram.Curl(r, w.URL), "curl -i") {
				t.Errorf("%s %s has no rule or no command", r.Request.Method, r.Request.URL)
			}
			text := strings.ReplaceAll(string(b), `\u0026`, "&")
			for secret, kind := range all.seen {
				if strings.Contains(text, secret) || len(secret) >= 40 && strings.Contains(text, secret[len(secret)-16:]) || strings.Contains(text, url.QueryEscape(secret)) {
					t.Errorf("a %s (%s) is in the record of %s %s:\n%s", kind, secret, r.Request.Method, r.Request.URL, text)
				}
			}
		}
	}
	if records < 100 {
		t.Errorf("only %d records", records)
	}
	t.Logf("%d secrets (%v) in none of %d records", len(all.seen), all.found, records)
}
