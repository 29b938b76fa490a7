package admin_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/token"
)

// settings are what an application says of itself that only some have.
type settings struct {
	ID         string `json:"client_id"`
	Secret     string `json:"client_secret"`
	ETag       string
	Grants     []string        `json:"grant_types"`
	AuthMethod string          `json:"auth_method"`
	JWKS       json.RawMessage `json:"jwks"`
	JWKSURI    string          `json:"jwks_uri"`
	Pushed     bool            `json:"require_pushed_authorization_requests"`
	Bound      bool            `json:"dpop_bound_access_tokens"`
	Logouts    []string        `json:"post_logout_redirect_uris"`
	MayAct     string          `json:"may_act"`
	MayActName string          `json:"may_act_name"`
}

func publicKeys(t *testing.T) string {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return string(key.JWKS())
}

// create makes an application of a JSON object.
func (w *world) create(body string) settings {
	w.t.Helper()
	return as[settings](w.t, w.call("POST", "/applications", body).want(w.t, body, 201))
}

// TestTemplatesOfTheAPI: it takes those that there are, and each has what the demo's grants need.
func TestTemplatesOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, err := document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Components.Schemas["NewApplicationInput"].Properties["template"].Enum; !slices.Equal(got, directory.Templates) {
		t.Errorf("the API knows the templates %q, the directory %q", got, directory.Templates)
	}
	for template, want := range map[string]struct {
		method string
		grants []string
	}{
		directory.DeviceTemplate: {"none", []string{directory.GrantDevice, directory.GrantRefresh}},
		directory.AgentTemplate:  {"secret", []string{directory.GrantExchange}},
	} {
		made := w.create(`{"name": "A", "template": "` + template + `"}`)
		if made.AuthMethod != want.method || (made.Secret != "") != (want.method == "secret") || !slices.Equal(made.Grants, want.grants) {
			t.Errorf("%s: %+v", template, made)
		}
	}
}

// TestApplicationSettings: each can be given at the start, changed and taken away, and the audit log tells which changed.
func TestApplicationSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := w.create(`{"name": "Scheduler", "template": "Agent"}`)
	other := w.create(`{"name": "Another", "template": "Agent"}`)
	made := w.create(`{"name": "App", "template": "Web application with a secret", "redirect_uris": ["https://app.example/cb"], "require_pushed_authorization_requests": true,
		"dpop_bound_access_tokens": true, "post_logout_redirect_uris": ["https://app.example/bye"], "may_act": "` + agent.ID + `"}`)
	if !made.Pushed || !made.Bound || !slices.Equal(made.Logouts, []string{"https://app.example/bye"}) || made.MayAct != agent.ID || made.MayActName != "Scheduler" {
		t.Errorf("made: %+v", made)
	}
	at := "/applications/" + made.ID
	got := as[settings](t, w.call("PATCH", at, `{"may_act": "`+other.ID+`", "dpop_bound_access_tokens": false, "name": "App 2"}`, "If-Match", made.ETag).want(t, "changing", 200))
	if !got.Pushed || got.Bound || len(got.Logouts) != 1 || got.MayActName != "Another" {
		t.Errorf("changed: %+v", got)
	}
	if e := w.events()[len(w.events())-1]; e.Details["changes"] != "name dpop_bound_access_tokens may_act" || e.Details["application"] != "App" {
		t.Errorf("recorded %+v", e)
	}
	if named := w.ids("/applications/" + other.ID + "/named-by?limit=1"); !slices.Equal(named, []string{made.ID}) {
		t.Errorf("the agent is named by %q", named)
	}
	machine := w.create(`{"name": "Night job", "template": "Machine-to-machine application", "jwks_uri": "https://job.example/jwks.json"}`)
	public := "/applications/vet-assist-ai"
	private := strings.Replace(publicKeys(t), `"crv"`, `"d":"AA","crv"`, 1)
	w.walk([]step{
		{"pushing of a machine", "PATCH", "/applications/" + machine.ID, `{"require_pushed_authorization_requests": true}`, 422, "body.require_pushed_authorization_requests"},
		{"bound tokens of a machine", "PATCH", "/applications/" + machine.ID, `{"dpop_bound_access_tokens": true}`, 200, ""},
		{"an agent of a machine", "PATCH", "/applications/" + machine.ID, `{"may_act": "` + agent.ID + `"}`, 422, "body.may_act"},
		{"a logout of an agent", "PATCH", "/applications/" + agent.ID, `{"post_logout_redirect_uris": ["https://app.example/"]}`, 422, "body.post_logout_redirect_uris"},
		{"roles of an agent", "PATCH", "/applications/" + agent.ID, `{"roles": ["Vet Staff"]}`, 422, "body.roles"},
		{"an agent that is its own", "PATCH", "/applications/" + agent.ID, `{"may_act": "` + agent.ID + `"}`, 422, "body.may_act"},
		{"no agent", "PATCH", at, `{"may_act": "vet-assist-ai"}`, 422, "body.may_act"},
		{"a logout elsewhere", "PATCH", at, `{"post_logout_redirect_uris": ["http://127.0.0.1/bye"]}`, 422, "body.post_logout_redirect_uris"},
		{"a logout over http", "PATCH", at, `{"post_logout_redirect_uris": ["http://app.example/bye"]}`, 422, "body.post_logout_redirect_uris"},
		{"keys of a public one", "PATCH", public, `{"jwks": ` + publicKeys(t) + `}`, 422, "body.jwks"},
		{"a private key", "PATCH", at, `{"jwks": ` + private + `}`, 422, "body.jwks"},
		{"no keys", "PATCH", at, `{"jwks": {"keys": []}}`, 422, "body.jwks.keys"},
		{"keys that we cannot use", "PATCH", at, `{"jwks": {"keys": [{"kty": "EC", "crv": "P-521"}]}}`, 422, "body.jwks"},
		{"keys over http", "PATCH", at, `{"jwks_uri": "http://app.example/jwks.json"}`, 422, "body.jwks_uri"},
		{"keys nowhere", "PATCH", at, `{"jwks_uri": ""}`, 422, "body.jwks"},
		{"keys twice", "PATCH", at, `{"jwks_uri": "https://app.example/jwks.json", "jwks": ` + publicKeys(t) + `}`, 422, "body.jwks_uri"},
		{"a private key at the start", "POST", "/applications", `{"name": "X", "template": "Agent", "jwks": ` + private + `}`, 422, "body.jwks"},
		{"a device with keys", "POST", "/applications", `{"name": "X", "template": "Device or command line", "jwks": ` + publicKeys(t) + `}`, 422, "body.jwks"},
		{"a device with a redirect", "POST", "/applications", `{"name": "X", "template": "Device or command line", "redirect_uris": ["https://app.example/"]}`, 422, "body.redirect_uris"},
		{"who names nobody", "GET", "/applications/nobody/named-by", "", 404, ""},
		{"all taken away", "PATCH", at, `{"require_pushed_authorization_requests": false, "post_logout_redirect_uris": [], "may_act": ""}`, 200, ""},
	})
	if got := as[settings](t, w.call("GET", at, "")); got.Pushed || got.Bound || len(got.Logouts) > 0 || got.MayAct+got.MayActName != "" || got.AuthMethod != "secret" {
		t.Errorf("after all is taken away: %+v", got)
	}

	w.walk([]step{{"naming it again", "PATCH", at, `{"may_act": "` + agent.ID + `"}`, 200, ""}})
	p := w.call("DELETE", "/applications/"+agent.ID, "", "If-Match", "*").want(t, "deleting an agent", 409).problem(t)
	if p.Type != "problem:in-use" || len(p.Uses) != 1 || p.Uses[0].Name != "App 2" {
		t.Errorf("used by %+v", p)
	}
	w.call("DELETE", "/applications/"+agent.ID+"?cascade=true", "", "If-Match", "*").want(t, "deleting it all the same", 204)
	if got := as[settings](t, w.call("GET", at, "")); got.MayAct != "" {
		t.Errorf("it names an agent that is gone: %+v", got)
	}
}

// TestKeysInPlaceOfASecret: an application has one or the other. A token that it got before the change administers nothing.
func TestKeysInPlaceOfASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jwks := publicKeys(t)
	born := w.create(`{"name": "Born with keys", "template": "Agent", "jwks": ` + jwks + `}`)
	if born.Secret != "" || born.AuthMethod != "private_key_jwt" || !strings.Contains(string(born.JWKS), `"P-256"`) {
		t.Errorf("%+v", born)
	}
	robot := w.create(`{"name": "Robot", "template": "Machine-to-machine application", "roles": ["Administrator"]}`)
	at := "/applications/" + robot.ID
	w.call("PUT", at+"/authorizations/"+adminAPI, `{"scopes": ["admin:read"]}`, "If-Match", "*").want(t, "authorizing", 200)
	raw := w.mint(token.Grant{Subject: robot.ID, ClientID: robot.ID, Audience: admin.Audience, Scopes: []string{"admin:read"}, Roles: []string{"Administrator"}})
	w.call("GET", "/roles", "", "Authorization", "Bearer "+raw).want(t, "with the token", 200)
	w.clock.Advance(time.Second)
	keyed := as[settings](t, w.call("PATCH", at, `{"jwks": `+jwks+`}`, "If-Match", "*").want(t, "giving keys", 200))
	if keyed.AuthMethod != "private_key_jwt" || keyed.JWKSURI != "" {
		t.Errorf("%+v", keyed)
	}
	if c, err := w.directory.Client(t.Context(), robot.ID); err != nil || c.HasSecret() || c.SecretFits(robot.Secret) {
		t.Errorf("the secret still fits: %+v %v", c, err)
	}
	w.call("GET", "/roles", "", "Authorization", "Bearer "+raw).want(t, "with the token from before", 401)
	elsewhere := as[settings](t, w.call("PATCH", at, `{"jwks_uri": "https://robot.example/jwks.json"}`, "If-Match", "*").want(t, "keys elsewhere", 200))
	if elsewhere.JWKS != nil || elsewhere.JWKSURI != "https://robot.example/jwks.json" {
		t.Errorf("%+v", elsewhere)
	}
	secret := as[settings](t, w.call("POST", at+"/secret", "").want(t, "back to a secret", 200)).Secret
	if c, err := w.directory.Client(t.Context(), robot.ID); err != nil || !c.SecretFits(secret) || c.AuthMethod != "" || c.JWKSURI != "" {
		t.Errorf("%+v %v", c, err)
	}
	if got := as[settings](t, w.call("GET", at, "")); got.AuthMethod != "secret" || got.JWKSURI != "" {
		t.Errorf("%+v", got)
	}
	for _, e := range w.events() {
		if line, _ := json.Marshal(e); strings.Contains(string(line), secret) || strings.Contains(string(line), robot.Secret) {
			t.Errorf("recorded %s", line)
		}
	}
}

// TestRegistrationSetting: the API tells who may register, as the authorization server has it.
func TestRegistrationSetting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ setting, told string }{{"open", "open"}, {"token", "token"}, {"off", "off"}, {"", "off"}} {
		w := newWorld(t, func(config *admin.Config) { config.Registration = c.setting })
		got := as[struct{ Setting string }](t, w.call("GET", "/registration", "").want(t, c.setting, 200))
		if got.Setting != c.told {
			t.Errorf("%q is told as %q", c.setting, got.Setting)
		}
	}
}
