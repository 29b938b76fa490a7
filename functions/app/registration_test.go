package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
)

const described = "https://chat.example/oauth-client.json"

// offers lets the authorization server offer ways to be known there.
func (w *world) offers(names ...string) {
	w.metadata = func(m map[string]any) {
		for _, name := range names {
			switch name {
			case "documents":
				m["client_id_metadata_document_supported"] = true
			case "registration":
				m["registration_endpoint"] = m["issuer"].(string) + "/register"
			default:
				m["token_endpoint_auth_methods_supported"] = strings.Fields(name)
			}
		}
	}
}

// set starts the app with a setting. Its document is where the authorization server could read it.
func (w *world) set(setting string, edit ...func(*Config)) {
	w.app = w.start(func(c *Config) {
		c.ClientID, c.Document = setting, described
		for _, e := range edit {
			e(c)
		}
	})
}

// TestIntroductions: however the authorization server comes to know us, the whole flow works, and the token endpoint is told in the
// way that it wants.
func TestIntroductions(t *testing.T) {
	secret := func(c *Config) { c.Secret = "a b" }
	for _, tc := range []struct {
		name, setting string
		edit          func(*Config)
		offers        []string
		client        string
		form          map[string]string // of the token request; "-": absent
	}{
		{"pre-registered", "vet-assist-ai", nil, nil, "vet-assist-ai", map[string]string{"client_secret": "-", "basic": "-"}},
		{"pre-registered with a secret", "vet-assist-ai", secret, nil, "vet-assist-ai", map[string]string{"basic": "a+b", "client_secret": "-"}}, // RFC 6749 §2.3.1
		{"pre-registered with a secret in the body", "vet-assist-ai", secret, []string{"client_secret_post"}, "vet-assist-ai", map[string]string{"client_secret": "a b", "basic": "-"}},
		{"metadata document", config.AppClientDocument, nil, []string{"documents"}, described, map[string]string{"basic": "-"}},
		{"metadata document elsewhere", "https://pages.example/us.json", nil, []string{"documents"}, "https://pages.example/us.json", nil},
		{"registration", config.AppClientRegistered, nil, []string{"registration", "none client_secret_basic"}, "registered-1", map[string]string{"basic": "-", "client_secret": "-"}},
		{"registration with a secret", config.AppClientRegistered, nil, []string{"registration"}, "registered-1", map[string]string{"basic": "s%3Aregistered-1", "client_secret": "-"}}, // RFC 8414 §2: the default
		{"registration with a secret in the body", config.AppClientRegistered, nil, []string{"registration", "client_secret_post"}, "registered-1", map[string]string{"client_secret": "s:registered-1", "basic": "-"}},
		{"whatever is offered: both", config.AppClientAuto, nil, []string{"documents", "registration"}, described, nil},
		{"whatever is offered: documents", config.AppClientAuto, nil, []string{"documents"}, described, nil},
		{"whatever is offered: registration", config.AppClientAuto, nil, []string{"registration", "none"}, "registered-1", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.offers(tc.offers...)
			if tc.client != "registered-1" {
				w.client = tc.client
			}
			w.set(tc.setting, func(c *Config) {
				if tc.edit != nil {
					tc.edit(c)
				}
			})
			p := w.connected()
			if got := w.authorize[0].Get("client_id"); got != tc.client {
				t.Errorf("came as %q, want %q", got, tc.client)
			}
			w.pass(w.ttl)
			if a := p.say("vaccination"); !strings.Contains(a.Reply, "ok answer") {
				t.Errorf("%+v", a)
			}
			p.post("/logout", "application/x-www-form-urlencoded", "")
			if len(w.forms) != 2 || len(w.revoked) != 1 {
				t.Errorf("%d token requests, %d revocations", len(w.forms), len(w.revoked))
			}
			for _, f := range w.forms {
				if f.Get("client_id") != tc.client {
					t.Errorf("%s as %q", f.Get("grant_type"), f.Get("client_id"))
				}
				for name, want := range tc.form {
					if want == "-" && f.Has(name) || want != "-" && f.Get(name) != want {
						t.Errorf("%s: %s is %q", f.Get("grant_type"), name, f.Get(name))
					}
				}
			}
			wanted := 0
			if tc.client == "registered-1" {
				wanted = 1
			}
			if len(w.registers) != wanted {
				t.Errorf("%d registrations", len(w.registers))
			}
		})
	}
}

// TestPriority is the order of "Client Registration": what was given by hand, the document, registration, and then a person.
func TestPriority(t *testing.T) {
	w := newWorld(t)
	w.unset(func(c *Config) { c.ClientID, c.Document = config.AppClientAuto, described }, "by-hand")
	came := func() string {
		return query(t, w.person().say("vaccination").AuthorizeURL).Get("client_id")
	}
	p := w.person()
	a := p.say("vaccination")
	if a.AuthorizeURL != "" || !strings.Contains(a.Reply, "does not let applications register themselves. An administrator can register it by hand: "+w.app.URL+"/setup says how.") {
		t.Errorf("nothing is offered: %+v", a)
	}
	for _, tc := range []struct {
		offers []string
		want   string
	}{
		{[]string{"registration", "none"}, "registered-1"},
		{[]string{"registration", "none", "documents"}, described},
	} {
		w.offers(tc.offers...)
		if got := came(); got != tc.want {
			t.Errorf("%v: came as %q", tc.offers, got)
		}
	}
	_, page := p.get("/setup")
	for _, want := range []string{described, "registers itself", "VETASSIST_APP_CLIENT_ID", `name="client_id"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the setup page does not say %s", want)
		}
	}
	if status, page := p.enter("by-hand"); status != http.StatusOK {
		t.Fatalf("%d %s", status, page)
	}
	if got := came(); got != "by-hand" {
		t.Errorf("came as %q", got)
	}
}

// TestNoWay: a person reads why there is no way to be known there, and nothing of the chat is lost.
func TestNoWay(t *testing.T) {
	answer := func(status int, body string) func(http.ResponseWriter) bool {
		return func(rw http.ResponseWriter) bool {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			fmt.Fprint(rw, body)
			return true
		}
	}
	own := func(c *Config) { c.Document = "" }
	for _, tc := range []struct {
		name, setting string
		edit          func(*Config)
		offers        []string
		answer        func(http.ResponseWriter) bool
		want          string
	}{
		{"no documents", config.AppClientDocument, nil, []string{"registration"}, nil, "does not take an application that describes itself at a URL"},
		{"a document that only this machine can read", config.AppClientDocument, own, []string{"documents"}, nil, "cannot read: that takes an https address"},
		{"no registration", config.AppClientRegistered, nil, []string{"documents"}, nil, "does not let applications register themselves"},
		{"redirect URL refused", config.AppClientRegistered, nil, []string{"registration"}, answer(400, `{"error":"invalid_redirect_uri","error_description":"https only"}`),
			"/callback for an application of the type “native”. It says: “https only”"},
		{"metadata refused", config.AppClientRegistered, nil, []string{"registration"}, answer(400, `{"error":"invalid_client_metadata"}`), "did not register Vet Assist AI (invalid_client_metadata)."},
		{"with a token only", config.AppClientRegistered, nil, []string{"registration"}, answer(401, `{"error":"invalid_token"}`), "registers only who has a token for that"},
		{"no JSON", config.AppClientRegistered, nil, []string{"registration"}, answer(403, `<b>no</b>`), "did not register Vet Assist AI (status 403)."},
		{"out of order", config.AppClientRegistered, nil, []string{"registration"}, answer(503, ``), "did not answer when Vet Assist AI wanted to register"},
		{"redirect", config.AppClientRegistered, nil, []string{"registration"}, func(rw http.ResponseWriter) bool {
			rw.Header().Set("Location", "/token")
			rw.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, "did not answer when Vet Assist AI wanted to register"},
		{"no id", config.AppClientRegistered, nil, []string{"registration"}, answer(201, `{}`), "in a way that it cannot use"},
		{"an id that is none", config.AppClientRegistered, nil, []string{"registration"}, answer(201, `{"client_id":"a\nb"}`), "in a way that it cannot use"},
		{"a way to prove it that we have not", config.AppClientRegistered, nil, []string{"registration"}, answer(201, `{"client_id":"a","token_endpoint_auth_method":"private_key_jwt"}`), "in a way that it cannot use"},
		{"a secret that is missing", config.AppClientRegistered, nil, []string{"registration"}, answer(201, `{"client_id":"a","token_endpoint_auth_method":"client_secret_basic"}`), "in a way that it cannot use"},
		{"too long", config.AppClientRegistered, nil, []string{"registration"}, answer(201, `{"client_id":"a","x":"`+strings.Repeat("x", maxRegistrationBody)+`"}`), "did not answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.offers(tc.offers...)
			w.onRegister = tc.answer
			w.set(tc.setting, func(c *Config) {
				if tc.edit != nil {
					tc.edit(c)
				}
			})
			p := w.person()
			if a := p.say("vaccination"); !strings.Contains(a.Reply, tc.want) || a.AuthorizeURL != "" || strings.Contains(a.Reply, "<b>") {
				t.Errorf("%q", a.Reply)
			}
			if len(w.authorize) != 0 || len(w.forms) != 0 || strings.Contains(w.store.written.String(), registrationPrefix) {
				t.Error("it went on, or kept something")
			}
			if a := p.say("hello"); !strings.Contains(a.Reply, "You said: hello") {
				t.Errorf("the chat is gone: %+v", a)
			}
		})
	}
}

// TestNoWayAnyMore: there was a way when the question was asked, and there is none when the person clicks.
func TestNoWayAnyMore(t *testing.T) {
	w := newWorld(t)
	w.offers("documents")
	w.set(config.AppClientDocument)
	p := w.person()
	a := p.say("vaccination")
	later := w.start(func(c *Config) { c.ClientID, c.Document, c.BaseURL = config.AppClientDocument, "", w.app.URL })
	p.Transport = sentTo(later)
	if status, page := p.click("/connect?for=" + a.ID); status != http.StatusConflict || !strings.Contains(page, "that takes an https address") {
		t.Errorf("%d %s", status, page)
	}
}

// sentTo is a network in which every address is that of one server.
func sentTo(srv *httptest.Server) http.RoundTripper {
	to := srv.Listener.Addr().String()
	return &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, to)
	}}
}

// TestClientDocument: our own description, which is there whether we go by it or not, unless it is somewhere else.
func TestClientDocument(t *testing.T) {
	w := newWorld(t)
	get := func(edit func(*Config)) (*http.Response, string) {
		srv := w.start(edit)
		resp, err := http.Get(srv.URL + "/oauth-client.json")
		if err != nil {
			t.Fatal(err)
		}
		_, body := w.person().read(resp, nil)
		return resp, body
	}
	for _, setting := range []string{config.AppClientDocument, config.AppClientAuto, "", "vet-assist-ai", config.AppClientRegistered} {
		resp, body := get(func(c *Config) { c.BaseURL, c.ClientID = "https://chat.example", setting })
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%s: %d %v", setting, resp.StatusCode, resp.Header)
		}
		want := `{"client_id":"https://chat.example/oauth-client.json","redirect_uris":["https://chat.example/callback"],"token_endpoint_auth_method":"none",` +
			`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"Vet Assist AI","client_uri":"https://chat.example",` +
			`"software_id":"vet-assist-ai","software_version":"1.0.0","application_type":"web"}` + "\n"
		if body != want {
			t.Errorf("%s: %s", setting, body)
		}
	}
	if _, body := get(func(c *Config) { c.ClientID = config.AppClientDocument }); !strings.Contains(body, `"application_type":"native"`) {
		t.Errorf("on somebody's own machine: %s", body)
	}
	if resp, body := get(func(c *Config) { c.ClientID = "https://pages.example/us.json" }); resp.StatusCode != http.StatusNotFound {
		t.Errorf("it is elsewhere, and here as well: %d %s", resp.StatusCode, body)
	}
}

// TestWrongSetting says at the start what is wrong.
func TestWrongSetting(t *testing.T) {
	w := newWorld(t)
	for _, c := range []Config{
		{ClientID: "has space"}, {ClientID: strings.Repeat("x", 256)}, {ClientID: "https://pages.example/ü.json"},
		{ClientID: config.AppClientAuto, Secret: "s"}, {Secret: "s"},
	} {
		c.BaseURL, c.Store = "http://localhost:1", w.store
		if _, err := New(c); err == nil || strings.Contains(err.Error(), `"s"`) {
			t.Errorf("%q: %v", c.ClientID, err)
		}
	}
}

// TestSecretOf: a secret is for the client id that it came with, at the authorization server that gave it. Sessions are older than settings
// and registrations, and name others.
func TestSecretOf(t *testing.T) {
	const home, abroad = "https://home.example", "https://abroad.example"
	w := newWorld(t)
	a, err := newApp(Config{BaseURL: "http://localhost:8080", MCPURL: w.other.URL + "/mcp", Issuer: home, ClientID: "set", Secret: "of the setting", Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.writeRegistration(t.Context(), registration{Issuer: home, ClientID: "registered", Secret: "of the registration"}, 0); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[client]string{
		{Issuer: home, ID: "set"}:          "of the setting",
		{Issuer: home, ID: "registered"}:   "of the registration",
		{Issuer: abroad, ID: "set"}:        "",
		{Issuer: abroad, ID: "registered"}: "",
		{Issuer: home, ID: "forgotten"}:    "",
	} {
		secret, err := a.secretOf(t.Context(), c)
		if (err == nil) != (want != "") || want != "" && secret != want {
			t.Errorf("%+v: %q, %v", c, secret, err)
		}
	}
}
