package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

// TestRegistration: what we say of ourselves when we register. An application on somebody's own machine is a native one.
func TestRegistration(t *testing.T) {
	for from, kind := range map[string]string{"http://localhost:8080": "native", "https://chat.example": "web"} {
		w := newWorld(t)
		a, err := newApp(Config{BaseURL: from, MCPURL: w.other.URL + "/mcp", ClientID: config.AppClientRegistered, Store: w.store})
		if err != nil {
			t.Fatal(err)
		}
		known, err := a.identify(t.Context(), server{Issuer: w.other.URL, Register: w.other.URL + "/register", AuthMethods: []string{"client_secret_basic", "none"}})
		if err != nil || known.Client != "registered-1" || len(w.registers) != 1 {
			t.Fatalf("%+v %v, %d registrations", known, err, len(w.registers))
		}
		want := fmt.Sprintf(`{"application_type":%q,"client_id":"registered-1","client_name":"Vet Assist AI","client_uri":%q,"grant_types":["authorization_code","refresh_token"],`+
			`"redirect_uris":[%q],"response_types":["code"],"software_id":"vet-assist-ai","software_version":"1.0.0","token_endpoint_auth_method":"none"}`, kind, from, from+"/callback")
		if got, err := json.Marshal(w.registers[0]); err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
}

// TestManyRegistrations: a server that does not register us is not asked as often as people chat.
func TestManyRegistrations(t *testing.T) {
	w := newWorld(t)
	w.offers("registration", "none")
	w.onRegister = func(rw http.ResponseWriter) bool {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	w.set(config.AppClientRegistered)
	p := w.person()
	for range registrationsAtOnce {
		p.say("vaccination")
	}
	if a := p.say("vaccination"); len(w.registers) != registrationsAtOnce || !strings.Contains(a.Reply, "Many people are asking at once. Please try again in a moment.") {
		t.Errorf("%d registrations, %+v", len(w.registers), a)
	}
	w.onRegister = nil
	w.pass(registrationEvery)
	if a := p.say("vaccination"); a.AuthorizeURL == "" {
		t.Errorf("%+v", a)
	}
}

// TestRegisteredOnce: a registration serves everybody, in every process, until there is a reason to make another.
func TestRegisteredOnce(t *testing.T) {
	w := newWorld(t)
	w.offers("registration", "none")
	w.set(config.AppClientRegistered)
	p := w.connected()
	w.connected()
	w.set(config.AppClientRegistered, func(c *Config) { c.BaseURL = w.app.URL }) // a second process at the same address
	w.person().say("vaccination")
	if len(w.registers) != 1 {
		t.Fatalf("%d registrations", len(w.registers))
	}
	moved := w.start(func(c *Config) { c.ClientID = config.AppClientRegistered }) // at another address
	other := w.person()
	other.base = moved.URL
	other.say("vaccination")
	if len(w.registers) != 2 {
		t.Errorf("%d registrations: its redirect URL is not registered", len(w.registers))
	}
	if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") { // what was given to the first stays with it
		t.Errorf("%+v", a)
	}
}

// TestForgotten: when the authorization server does not know us any more, we introduce ourselves anew.
func TestForgotten(t *testing.T) {
	forgets := func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(rw, `{"error":"invalid_client"}`)
	}
	t.Run("at a refresh", func(t *testing.T) {
		w := newWorld(t)
		w.offers("registration", "none")
		w.set(config.AppClientRegistered)
		p := w.connected()
		w.onToken = func(rw http.ResponseWriter, f url.Values) bool {
			if f.Get("client_id") == "registered-1" {
				forgets(rw)
				return true
			}
			return false
		}
		w.pass(w.ttl)
		a := p.say("vaccination")
		if !strings.Contains(a.Reply, "does not know Vet Assist AI any more") || query(t, a.AuthorizeURL).Get("client_id") != "registered-2" {
			t.Fatalf("%+v", a)
		}
		if _, page := p.get(a.AuthorizeURL); !strings.Contains(page, "Connected</summary>") {
			t.Error("cannot connect again")
		}
	})
	t.Run("at a code", func(t *testing.T) {
		w := newWorld(t)
		w.offers("registration", "none")
		w.set(config.AppClientRegistered)
		w.onToken = func(rw http.ResponseWriter, f url.Values) bool {
			if f.Get("client_id") == "registered-1" {
				forgets(rw)
				return true
			}
			return false
		}
		p := w.person()
		if _, page := p.get(p.say("vaccination").AuthorizeURL); !strings.Contains(page, "Please try again, and it will introduce itself anew.") {
			t.Errorf("%s", page)
		}
		if _, page := p.get(p.say("vaccination").AuthorizeURL); !strings.Contains(page, "Connected</summary>") || len(w.registers) != 2 {
			t.Errorf("%d registrations", len(w.registers))
		}
	})
	t.Run("before a person is sent there", func(t *testing.T) {
		w := newWorld(t)
		w.unset(func(c *Config) { c.ClientID = config.AppClientRegistered })
		w.offers("registration", "none")
		first := w.person().say("vaccination").AuthorizeURL
		w.pass(registrationAsk / 2)
		second := w.person().say("vaccination").AuthorizeURL
		w.pass(registrationAsk)
		third := w.person().say("vaccination").AuthorizeURL // the world knows nobody
		var came []string
		for _, to := range []string{first, second, third} {
			came = append(came, query(t, to).Get("client_id"))
		}
		if want := []string{"registered-1", "registered-1", "registered-2"}; !slices.Equal(came, want) {
			t.Errorf("came as %v", came)
		}
	})
	t.Run("a secret that has run out", func(t *testing.T) {
		w := newWorld(t)
		w.offers("registration")
		w.set(config.AppClientRegistered)
		w.connected()
		w.pass(25 * time.Hour)
		w.connected()
		if len(w.registers) != 2 {
			t.Errorf("%d registrations", len(w.registers))
		}
	})
}
