package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// registered is what the registration endpoint said, well or not.
type registered struct {
	Status          int             `json:"-"`
	Header          http.Header     `json:"-"`
	ClientID        string          `json:"client_id"`
	IssuedAt        int64           `json:"client_id_issued_at"`
	Secret          string          `json:"client_secret"`
	SecretExpiresAt *int64          `json:"client_secret_expires_at"`
	Name            string          `json:"client_name"`
	Type            string          `json:"application_type"`
	Redirects       []string        `json:"redirect_uris"`
	Grants          []string        `json:"grant_types"`
	Responses       []string        `json:"response_types"`
	Method          string          `json:"token_endpoint_auth_method"`
	JWKS            json.RawMessage `json:"jwks"`
	JWKSURI         string          `json:"jwks_uri"`
	Pushed          bool            `json:"require_pushed_authorization_requests"`
	Bound           bool            `json:"dpop_bound_access_tokens"`
	Logouts         []string        `json:"post_logout_redirect_uris"`
	Error           string          `json:"error"`
	Description     string          `json:"error_description"`
}

// register sends a registration. A token of "" is none.
func (w *world) register(token, body string) registered {
	w.t.Helper()
	return w.registerFrom("", token, body)
}

// registerFrom does so from another address.
func (w *world) registerFrom(from, token, body string) registered {
	w.t.Helper()
	a := w.browser().do(http.MethodPost, "/oauth/register", nil, func(r *http.Request) {
		setBody(r, body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Test-From", from)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})
	out := registered{Status: a.status, Header: a.header}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		w.t.Fatalf("answered %d %s", a.status, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		w.t.Errorf("headers %v", a.header)
	}
	return out
}

// nativeBody is a registration as most hosts on a person's machine send it.
const nativeBody = `{"client_name": "Host", "redirect_uris": ["http://127.0.0.1:33418/cb"], "grant_types": ["authorization_code", "refresh_token"],
	"response_types": ["code"], "token_endpoint_auth_method": "none", "application_type": "native"}`

// TestRegisterHosts: what real hosts send, as their sources and public trackers show it, and what they get.
func TestRegisterHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := []string{"authorization_code", "refresh_token"}
	for _, c := range []struct {
		host, body string
		typ        string
		method     string
		grants     []string
	}{
		{"VS Code", `{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
			"response_types":["code"],"redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],
			"scope":"pet-profile:read","token_endpoint_auth_method":"none","application_type":"native"}`, "native", "none", both},
		{"Claude Code", `{"client_name":"Claude Code (vetassist)","redirect_uris":["http://localhost:3118/callback"],"grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`, "native", "none", both},
		{"Claude", `{"client_name":"Claude","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post",
			"redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"scope":"claudeai"}`, "web", "client_secret_post", both},
		{"ChatGPT", `{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],"grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"token_endpoint_auth_method":"none"}`, "web", "none", both},
		{"Cursor", `{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"],
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`, "native", "none", both},
		{"Cursor, which says web", `{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","http://localhost:8787/callback"],
			"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","application_type":"web"}`, "native", "none", both},
		{"OpenCode", `{"client_name":"OpenCode","client_uri":"https://opencode.ai","redirect_uris":["http://127.0.0.1:19876/mcp/oauth/callback"],
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`, "native", "none", both},
		{"Codex", `{"client_name":"Codex","redirect_uris":["http://127.0.0.1:37819/callback/x"],"grant_types":["authorization_code","refresh_token"],
			"token_endpoint_auth_method":"none","response_types":["code"],"application_type":"native"}`, "native", "none", both},
		{"mcp-remote", `{"client_name":"MCP CLI Proxy","client_uri":"https://github.com/modelcontextprotocol/mcp-cli","redirect_uris":["http://localhost:3334/oauth/callback"],
			"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
			"software_version":"0.1.38","scope":"openid email profile"}`, "native", "none", both},
		{"Inspector", `{"redirect_uris":["http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","scope":""}`, "native", "none", both},
		{"the TypeScript SDK's example", `{"client_name":"Simple OAuth MCP Client","redirect_uris":["http://localhost:8090/callback"],"grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"token_endpoint_auth_method":"client_secret_post"}`, "native", "client_secret_post", both},
		{"the Python SDK, which names no method", `{"redirect_uris":["http://localhost:3030/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],
			"client_name":"Simple Auth Client"}`, "native", "client_secret_basic", both},
		{"the least", `{"redirect_uris":["https://app.example/cb"]}`, "web", "client_secret_basic", []string{"authorization_code"}},
		{"a server with keys", `{"client_name":"Keyed","redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://app.example/jwks.json"}`,
			"web", "private_key_jwt", []string{"authorization_code"}},
	} {
		got := w.register("", c.body)
		var sent struct {
			Name      string   `json:"client_name"`
			Redirects []string `json:"redirect_uris"`
		}
		if err := json.Unmarshal([]byte(c.body), &sent); err != nil {
			t.Fatal(err)
		}
		if got.Status != http.StatusCreated || got.ClientID == "" || got.IssuedAt != w.clock.Now().Unix() || sent.Name != "" && got.Name != sent.Name || got.Name == "" ||
			!slices.Equal(got.Redirects, sent.Redirects) || !slices.Equal(got.Responses, []string{"code"}) {
			t.Errorf("%s: %+v", c.host, got)
		}
		if got.Type != c.typ || got.Method != c.method || !slices.Equal(got.Grants, c.grants) {
			t.Errorf("%s: %s, %s, %q", c.host, got.Type, got.Method, got.Grants)
		}
		secret := strings.HasPrefix(c.method, "client_secret_")
		if (got.Secret != "") != secret || (got.SecretExpiresAt != nil) != secret || secret && *got.SecretExpiresAt != 0 {
			t.Errorf("%s: the secret %q, which expires %v", c.host, got.Secret, got.SecretExpiresAt)
		}
		client, err := w.directory.Client(t.Context(), got.ClientID)
		if err != nil || client.Source != directory.SourceDynamic || !client.SelfRegistered() || client.SecretFits(got.Secret) != secret || len(client.Authorized) > 0 || len(client.Roles) > 0 {
			t.Errorf("%s is known as %+v, %v", c.host, client, err)
		}
		w.clock.Advance(time.Hour) // or the limit would end this
	}
	for _, secret := range []string{`"client_secret"`, `"token_endpoint_auth_method"`} {
		if strings.Contains(w.written.String(), secret) {
			t.Errorf("%s was stored", secret)
		}
	}
}

// TestRegisterSettingsOfItsOwn: what a client says of how it is to be treated is kept, and told (RFC 9126 §6, RFC 9449 §5.2, OpenID Connect
// RP-Initiated Logout §3.1). Grants that would let it do without the person, and an agent, are not its to say.
func TestRegisterSettingsOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.register("", `{"redirect_uris": ["http://127.0.0.1/cb"]}`)
	if plain.Status != http.StatusCreated || plain.Pushed || plain.Bound || len(plain.Logouts) > 0 {
		t.Errorf("%+v", plain)
	}
	got := w.register("", `{"client_name": "Host", "redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"], "require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true,
		"post_logout_redirect_uris": ["https://app.example/bye", "http://localhost:7777/bye", "https://app.example/bye"], "may_act": "vet-assist-ai", "roles": ["Vet Staff"],
		"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer", "client_credentials"]}`)
	logouts := []string{"https://app.example/bye", "http://localhost:7777/bye"}
	if got.Status != http.StatusCreated || !got.Pushed || !got.Bound || !slices.Equal(got.Logouts, logouts) || !slices.Equal(got.Grants, []string{"authorization_code"}) {
		t.Errorf("%+v", got)
	}
	c, err := w.directory.Client(t.Context(), got.ClientID)
	if err != nil || !c.RequirePushed || !c.BoundTokens || !slices.Equal(c.LogoutURIs, logouts) || c.MayAct != "" || len(c.Roles) > 0 || !slices.Equal(c.GrantTypes, got.Grants) {
		t.Errorf("known as %+v, %v", c, err)
	}
}

// TestRegisterBadInput: what is refused, and with which code (RFC 7591 §3.2.2).
func TestRegisterBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	redirect := func(uris string) string { return `{"client_name": "Host", "redirect_uris": ` + uris + `}` }
	const metadata, uri = "invalid_client_metadata", "invalid_redirect_uri"
	for _, c := range []struct{ what, body, code string }{
		{"nothing", ``, metadata},
		{"no JSON", `{`, metadata},
		{"a list", `[]`, metadata},
		{"null", `null`, uri},
		{"a name twice", `{"client_name": "A", "client_name": "B", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"no UTF-8", "{\"client_name\": \"\xff\", \"redirect_uris\": [\"https://app.example/\"]}", metadata},
		{"two values", `{"redirect_uris": ["https://app.example/"]} {}`, metadata},
		{"too much", redirect(`["https://app.example/` + strings.Repeat("x", 17<<10) + `"]`), metadata},
		{"redirects of another type", redirect(`"https://app.example/"`), metadata},
		{"no redirect", redirect(`[]`), uri},
		{"21 redirects", redirect(`["https://app.example/` + strings.Join(strings.Split("0123456789abcdefghijk", ""), `", "https://app.example/`) + `"]`), uri},
		{"http elsewhere", redirect(`["http://app.example/cb"]`), uri},
		{"http in the local network", redirect(`["http://192.168.1.10/cb"]`), uri},
		{"a name that begins like localhost", redirect(`["http://localhost.evil.example/cb"]`), uri},
		{"one wrong among good ones", redirect(`["https://app.example/cb", "http://app.example/cb"]`), uri},
		{"javascript", redirect(`["javascript:alert(1)"]`), uri},
		{"javascript with slashes", redirect(`["JavaScript://app.example/%0aalert(1)"]`), uri},
		{"data", redirect(`["data:text/html,x"]`), uri},
		{"file", redirect(`["file:///etc/passwd"]`), uri},
		{"a fragment", redirect(`["https://app.example/cb#x"]`), uri},
		{"an empty fragment", redirect(`["https://app.example/cb#"]`), uri},
		{"a user", redirect(`["https://claude.ai@evil.example/"]`), uri},
		{"a wildcard", redirect(`["https://*.example/"]`), uri},
		{"a relative one", redirect(`["/cb"]`), uri},
		{"no host", redirect(`["https:///cb"]`), uri},
		{"a host that would look like another", redirect(`["https://%D0%B0pple.com/cb"]`), uri},
		{"a host that would be turned round", redirect(`["app://evil.example%E2%80%AEmoc/cb"]`), uri},
		{"a newline", redirect(`["https://app.example/\ncb"]`), uri},
		{"a backslash", redirect(`["https://app.example\\@evil.example/"]`), uri},
		{"web with a loopback redirect", `{"application_type": "web", "redirect_uris": ["http://127.0.0.1:1234/cb"]}`, uri},
		{"web with https on localhost", `{"application_type": "web", "redirect_uris": ["https://localhost/cb"]}`, uri},
		{"native with http elsewhere", `{"application_type": "native", "redirect_uris": ["http://app.example/cb"]}`, uri},
		{"another type", `{"application_type": "desktop", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a name too long", `{"client_name": "` + strings.Repeat("x", 101) + `", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a name that turns text round", `{"client_name": "Claude\u202e", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"the implicit grant", `{"grant_types": ["implicit"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a machine", `{"grant_types": ["client_credentials"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a response in the fragment", `{"response_types": ["token"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"another method", `{"token_endpoint_auth_method": "tls_client_auth", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"keys without keys", `{"token_endpoint_auth_method": "private_key_jwt", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a private key", `{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}]}, "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a key that both sides know", `{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "AA"}]}, "redirect_uris": ["https://app.example/"]}`, metadata},
		{"half of a private key", `{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "RSA", "n": "AA", "e": "AQAB", "p": "AA"}]}, "redirect_uris": ["https://app.example/"]}`, metadata},
		{"no key that we can use", `{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC", "crv": "P-384"}]}, "redirect_uris": ["https://app.example/"]}`, metadata},
		{"pushing of another type", `{"require_pushed_authorization_requests": "yes", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"bound tokens of another type", `{"dpop_bound_access_tokens": 1, "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout of another type", `{"post_logout_redirect_uris": "https://app.example/", "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout over http", `{"post_logout_redirect_uris": ["http://app.example/"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout in script", `{"post_logout_redirect_uris": ["javascript:alert(1)"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout with a fragment", `{"post_logout_redirect_uris": ["https://app.example/#x"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout that would look like another", `{"post_logout_redirect_uris": ["https://%D0%B0pple.com/"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout in other letters", `{"post_logout_redirect_uris": ["https://аpple.example/"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout on the person's machine, of a website", `{"post_logout_redirect_uris": ["http://localhost/bye"], "redirect_uris": ["https://app.example/"]}`, metadata},
		{"a logout in another app", `{"post_logout_redirect_uris": ["com.example.b:/bye"], "redirect_uris": ["com.example.a:/cb"]}`, metadata},
		{"keys over http", `{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/", "redirect_uris": ["https://app.example/"]}`, metadata},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.register("", c.body)
			if got.Status != http.StatusBadRequest || got.Error != c.code || got.Description == "" || got.ClientID != "" {
				t.Errorf("%+v, want %s", got, c.code)
			}
			if strings.ContainsFunc(got.Description, func(r rune) bool { return r < ' ' || r > '~' }) { // RFC 7591 §3.2.2
				t.Errorf("it says %q", got.Description)
			}
		})
	}
	for _, mediaType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"} {
		a := w.browser().do(http.MethodPost, "/oauth/register", nil, func(r *http.Request) {
			setBody(r, nativeBody)
			r.Header.Set("Content-Type", mediaType)
		})
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, metadata) {
			t.Errorf("as %q: %d %s", mediaType, a.status, a.body)
		}
	}
	if page, err := w.directory.ClientsByID(t.Context(), directory.Query{}); err != nil || slices.ContainsFunc(page.Items, func(c directory.ClientSummary) bool { return c.Source != directory.SourceAdmin }) {
		t.Errorf("registered: %+v, %v", page.Items, err)
	}
	if strings.Contains(w.written.String(), "registration/limit") {
		t.Error("what was refused counts")
	}
}

// TestRegisteredClient goes through the whole flow with a client that nobody here knew, at another port than it registered.
func TestRegisteredClient(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"none", "client_secret_basic", "client_secret_post"} {
		w := newWorld(t)
		made := w.register("", strings.Replace(nativeBody, `"none"`, `"`+method+`"`, 1))
		const redirect = "http://127.0.0.1:40001/cb"
		b := w.browser()
		a := b.approve(b.login("bob", w.request("client_id", made.ClientID, "redirect_uri", redirect, "scope", "pet-profile:read pet-profile:write admin:write")))
		location := a.header.Get("Location")
		if !strings.HasPrefix(location, redirect+"?") {
			t.Fatalf("%s: sent to %q\n%s", method, location, a.body)
		}
		code := a.location(t).Get("code")
		form := w.codeForm(code)
		form.Set("client_id", made.ClientID)
		form.Set("redirect_uri", redirect)
		edit := func(*http.Request) {}
		switch method {
		case "client_secret_basic":
			form.Del("client_id")
			edit = func(r *http.Request) { r.SetBasicAuth(made.ClientID, made.Secret) }
		case "client_secret_post":
			form.Set("client_secret", made.Secret)
		}
		got, _ := w.post("/oauth/token", form, edit)
		got.expect(t, "")
		if got.Scope != "pet-profile:read" || got.Refresh == "" { // bob's role has no pet-profile:write, and nobody opens the admin API
			t.Errorf("%s: %+v", method, got)
		}
		claims, err := w.verifier.Verify(t.Context(), got.Access)
		if err != nil || claims.ClientID != made.ClientID {
			t.Errorf("%s: %+v, %v", method, claims, err)
		}
	}
}

// TestRegisterAdminAPI: no client that registered itself gets near the admin API.
func TestRegisterAdminAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.register("", nativeBody)
	b := w.browser()
	b.login("admin", "/oauth/login")
	a := b.get(w.request("client_id", made.ClientID, "redirect_uri", made.Redirects[0], "scope", "admin:read", "resource", w.url+"/admin/api"))
	if a.status == http.StatusOK || a.location(t).Has("code") || a.location(t).Get("error") == "" {
		t.Errorf("%d %s\n%s", a.status, a.header.Get("Location"), a.body)
	}
}

// TestRegisterSettings: off there is nothing, and with tokens only for those who have one (RFC 7591 §3, RFC 6750 §3).
func TestRegisterSettings(t *testing.T) {
	t.Parallel()
	with := func(setting string) *world {
		return newWorldAt(t, "127.0.0.1", func(s store.Store) store.Store { return s }, func(c *oauth.Config) { c.Registration = setting })
	}
	for _, setting := range []string{config.RegistrationOff, ""} {
		off := with(setting)
		if a := off.browser().do("POST", "/oauth/register", nil); a.status != http.StatusNotFound {
			t.Errorf("%q: %d %s", setting, a.status, a.body)
		}
		if a := off.browser().get("/.well-known/oauth-authorization-server"); strings.Contains(a.body, "registration_endpoint") {
			t.Errorf("%q: %s", setting, a.body)
		}
	}
	w := with(config.RegistrationToken)
	if a := w.browser().get("/.well-known/oauth-authorization-server"); !strings.Contains(a.body, w.url+"/oauth/register") {
		t.Error(a.body)
	}
	_, secret, err := w.directory.AddRegistrationToken(t.Context(), "Workshop", "user-admin", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, token, challenge string) {
		t.Helper()
		got := w.register(token, nativeBody)
		if got.Status != http.StatusUnauthorized || got.Error != "invalid_token" || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), challenge) {
			t.Errorf("%s: %+v", what, got)
		}
	}
	const wrong = `Bearer realm="vetassist", error="invalid_token", error_description="`
	body := func(name string) string { return strings.Replace(nativeBody, "Host", name, 1) }
	refused("no token", "", `Bearer realm="vetassist"`)
	if got := w.register("", nativeBody); strings.Contains(got.Header.Get("WWW-Authenticate"), "error") { // RFC 6750 §3.1
		t.Errorf("%v", got.Header)
	}
	refused("a wrong one", "wrong", wrong)
	refused("its hash", newestToken(t, w), wrong)
	if got := w.register(secret, `{"redirect_uris": []}`); got.Error != "invalid_redirect_uri" {
		t.Errorf("bad metadata: %+v", got)
	}
	first := w.register(secret, body("A"))
	if again := w.register(secret, body("A")); first.Status != 201 || again.ClientID != first.ClientID { // which uses it no second time
		t.Errorf("%+v, then %+v", first, again)
	}
	if second := w.register(secret, body("B")); second.Status != 201 {
		t.Errorf("%+v", second)
	}
	refused("used up", secret, wrong)
	made, secret, err := w.directory.AddRegistrationToken(t.Context(), "Another", "user-admin", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.register(secret, body("C")); got.Status != 201 {
		t.Errorf("%+v", got)
	}
	if _, err := w.directory.DeleteRegistrationToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	refused("taken back", secret, wrong)
	_, secret, err = w.directory.AddRegistrationToken(t.Context(), "A day", "user-admin", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(24 * time.Hour)
	refused("after its day", secret, wrong)
	if strings.Contains(w.written.String(), secret) {
		t.Error("a token was stored")
	}
}

// newestToken is what the directory keeps of the newest initial access token.
func newestToken(t *testing.T, w *world) string {
	all, err := w.directory.RegistrationTokens(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	return all[0].ID
}

// TestRegisterFloodFromEverywhere: who has many addresses gets no further than all together may; a network of IPv6 is one.
func TestRegisterFloodFromEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := map[int]int{}
	for i := range 320 {
		from := fmt.Sprintf("2001:db8:0:%x::%x", i/40, i)
		made[w.registerFrom(from, "", strings.Replace(nativeBody, "Host", "Host "+strconv.Itoa(i), 1)).Status]++
	}
	if made[201] != 240 || made[429] != 80 { // 30 of each of eight networks
		t.Errorf("by network: %v", made)
	}
	for i := range 100 {
		made[w.registerFrom(fmt.Sprintf("192.0.2.%d", i), "", strings.Replace(nativeBody, "Host", "Other "+strconv.Itoa(i), 1)).Status]++
	}
	if made[201] != 300 {
		t.Errorf("in all: %v", made)
	}
	refusals := 0
	for _, e := range w.events() {
		if e.Outcome == audit.Refused {
			refusals++
		}
	}
	if refusals == 0 || refusals > 120 {
		t.Errorf("%d refusals are in the audit log", refusals)
	}
}

// TestRegisterFlood: so many clients an hour from an address and in all, and no more; those that are known already get through.
func TestRegisterFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Advance(20 * time.Minute) // into an hour
	body := func(i int) string { return strings.Replace(nativeBody, "Host", "Host "+strconv.Itoa(i), 1) }
	known := w.register("", body(0))
	for i := 1; i < 30; i++ {
		if got := w.register("", body(i)); got.Status != http.StatusCreated {
			t.Fatalf("registration %d: %+v", i, got)
		}
	}
	refused := func(what string, retry int) {
		t.Helper()
		got := w.register("", body(1000))
		if got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != strconv.Itoa(retry) || got.Error == "" || got.ClientID != "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	refused("the 31st", 2400)
	for i, c := range []struct {
		from   string
		status int
	}{{"127.0.0.1", 429}, {"::ffff:127.0.0.1", 429}, {"127.0.0.2", 201}, {"2001:db8::1", 201}} {
		if got := w.registerFrom(c.from, "", body(2000+i)); got.Status != c.status {
			t.Errorf("from %s: %+v", c.from, got)
		}
	}
	if got := w.register("", body(0)); got.ClientID != known.ClientID {
		t.Errorf("a client that is known: %+v", got)
	}
	w.clock.Advance(40*time.Minute - time.Second)
	refused("a second before the hour is over", 1)
	w.clock.Advance(time.Second)
	if got := w.register("", body(1000)); got.Status != http.StatusCreated {
		t.Errorf("an hour later: %+v", got)
	}
}

func FuzzRegister(f *testing.F) {
	f.Add([]byte(nativeBody))
	f.Add([]byte(`{"redirect_uris": ["https://app.example/cb"], "jwks": {"keys": [{"kty": "EC"}]}, "token_endpoint_auth_method": "private_key_jwt"}`))
	f.Add([]byte(`{"redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "http://[::1]:1/"], "client_name": "\u202e", "application_type": "web"}`))
	f.Add([]byte(`{"redirect_uris": ["http://127.0.0.1/cb"], "post_logout_redirect_uris": ["http://[::1]:7/bye", "https://app.example/"], "dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true}`))
	f.Add([]byte(`{"redirect_uris": ["{base}/callback", "http://localhost"], "redirect_uris": null}`))
	f.Add([]byte(`[[[[`))
	f.Add([]byte("{\"client_name\": \"\xff\"}"))
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		w.clock.Advance(2 * time.Hour) // no limit in the way
		w.t = t
		got := w.register("", string(body))
		switch got.Status {
		case http.StatusCreated:
			for _, uri := range slices.Concat(got.Redirects, got.Logouts) {
				if u, err := url.Parse(uri); err != nil || u.Fragment != "" || u.User != nil || u.Scheme == "http" && !config.IsLoopback(u.Hostname()) || u.Scheme == "javascript" {
					t.Errorf("%q was registered", uri)
				}
			}
			client, err := w.directory.Client(t.Context(), got.ClientID)
			if err != nil || client.Source != directory.SourceDynamic || len(got.Redirects) == 0 || !client.HasRedirect(got.Redirects[0]) || !client.May("authorization_code") || client.Confidential() != (got.Method != "none") {
				t.Errorf("%s became %+v, known as %+v, %v", body, got, client, err)
			}
		case http.StatusBadRequest:
			if got.Error != "invalid_client_metadata" && got.Error != "invalid_redirect_uri" || got.Description == "" {
				t.Errorf("%s: %+v", body, got)
			}
		default:
			t.Errorf("%s: %+v", body, got)
		}
	})
}
