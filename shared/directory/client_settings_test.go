package directory_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// jwk is the public half of a key, with more members or other ones.
func jwk(t *testing.T, key crypto.Signer, change map[string]any) map[string]any {
	t.Helper()
	made, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	maps.Copy(members, change)
	return members
}

func jwkSet(t *testing.T, keys ...map[string]any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newKeys(t *testing.T) directory.PublicKeys {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	return directory.PublicKeys{JWKS: key.JWKS()}
}

// TestClientKeys: which public keys a client may prove itself with (RFC 7591 §2, RFC 7517, RFC 7518).
func TestClientKeys(t *testing.T) {
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec384, err2 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, err3 := rsa.GenerateKey(rand.Reader, 2048)
	weak, err4 := rsa.GenerateKey(rand.Reader, 1024)
	_, ed, err5 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	good := jwk(t, ec, nil)
	set := func(keys ...map[string]any) directory.PublicKeys {
		return directory.PublicKeys{JWKS: jwkSet(t, keys...)}
	}
	at := func(uri string) directory.PublicKeys { return directory.PublicKeys{URI: uri} }
	text := func(jwks string) directory.PublicKeys { return directory.PublicKeys{JWKS: json.RawMessage(jwks)} }
	for _, c := range []struct {
		what  string
		keys  directory.PublicKeys
		field string // that is wrong
	}{
		{"P-256", set(good), ""},
		{"RSA", set(jwk(t, rsaKey, nil)), ""},
		{"RSA for one algorithm", set(jwk(t, rsaKey, map[string]any{"alg": "PS256", "use": "sig"})), ""},
		{"Ed25519", set(jwk(t, ed, nil)), ""},
		{"one of a kind that nobody knows beside it", set(map[string]any{"kty": "new"}, good), ""}, // RFC 7517 §5
		{"one for encryption beside it", set(jwk(t, rsaKey, map[string]any{"use": "enc"}), good), ""},
		{"20 keys", set(slices.Repeat([]map[string]any{good}, 20)...), ""},
		{"an address", at("https://app.example/jwks.json"), ""},

		{"neither", directory.PublicKeys{}, "jwks"},
		{"both", directory.PublicKeys{JWKS: jwkSet(t, good), URI: "https://app.example/jwks.json"}, "jwks_uri"},
		{"an address over http", at("http://app.example/jwks.json"), "jwks_uri"},
		{"over http on the same machine", at("http://127.0.0.1/jwks.json"), "jwks_uri"},
		{"an address with a fragment", at("https://app.example/jwks.json#a"), "jwks_uri"},
		{"an address with a password", at("https://me:x@app.example/jwks.json"), "jwks_uri"},
		{"an address without a host", at("https:///jwks.json"), "jwks_uri"},
		{"an address that would look like another", at("https://%D0%B0pple.com/jwks.json"), "jwks_uri"},
		{"a long address", at("https://app.example/" + strings.Repeat("x", 500)), "jwks_uri"},
		{"data", at("data:application/json,{}"), "jwks_uri"},

		{"no JSON", text("{"), "jwks"},
		{"null", text("null"), "jwks"},
		{"a key and no set", text(`{"kty": "EC"}`), "jwks"},
		{"no keys", set(), "jwks"},
		{"keys in capitals", text(strings.Replace(string(jwkSet(t, good)), "keys", "Keys", 1)), "jwks"},
		{"two sets", text(`{"keys": [], "keys": [{"kty": "EC"}]}`), "jwks"},
		{"keys that are texts", text(`{"keys": ["a"]}`), "jwks"},
		{"21 keys", set(slices.Repeat([]map[string]any{good}, 21)...), "jwks"},
		{"too long", set(good, map[string]any{"kty": "EC", "x5c": strings.Repeat("x", 17<<10)}), "jwks"},
		{"a private key", set(jwk(t, ec, map[string]any{"d": "AA"})), "jwks"},
		{"a private key beside a good one", set(good, jwk(t, ec, map[string]any{"d": "AA"})), "jwks"},
		{"half of a private RSA key", set(jwk(t, rsaKey, map[string]any{"p": "AA"})), "jwks"},
		{"a key that both sides know", set(map[string]any{"kty": "oct", "k": "AAAA"}), "jwks"},
		{"P-384", set(jwk(t, ec384, nil)), "jwks"},
		{"RSA of 1024 bits", set(jwk(t, weak, nil)), "jwks"},
		{"for encryption", set(jwk(t, ec, map[string]any{"use": "enc"})), "jwks"},
		{"for another algorithm", set(jwk(t, ec, map[string]any{"alg": "ES384"})), "jwks"},
		{"not on the curve", set(jwk(t, ec, map[string]any{"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})), "jwks"},
		{"without y", set(jwk(t, ec, map[string]any{"y": ""})), "jwks"},
	} {
		if err := c.keys.Check(); c.field != "" {
			wantField(t, c.what, err, c.field)
		} else if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestSecretOrKey: an application proves itself in one way at a time.
func TestSecretOrKey(t *testing.T) {
	w := newWorld(t, true)
	made, secret, err := w.AddClient(t.Context(), directory.NewClient{Name: "Nightly", Template: directory.MachineTemplate})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Value.ID
	edit := func(e directory.ClientEdit) (store.Record[directory.Client], error) {
		r, err := w.ClientRecord(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return w.UpdateClient(t.Context(), id, r.Version, e)
	}
	w.clock.Advance(time.Minute)
	keys := newKeys(t)
	r, err := edit(directory.ClientEdit{Keys: &keys})
	c := r.Value
	if err != nil || c.HasSecret() || c.SecretFits(secret) || !c.Confidential() || c.AuthMethod != directory.PrivateKeyJWT || string(c.JWKS) != string(keys.JWKS) || !c.SecretChanged.Equal(w.clock.Now()) {
		t.Fatalf("with keys: %+v, %v", c, err)
	}
	elsewhere := directory.PublicKeys{URI: "https://app.example/jwks.json"}
	if r, err = edit(directory.ClientEdit{Keys: &elsewhere}); err != nil || r.Value.JWKS != nil || r.Value.JWKSURI != elsewhere.URI {
		t.Errorf("with keys elsewhere: %+v, %v", r.Value, err)
	}
	name := "Renamed"
	if r, err = edit(directory.ClientEdit{Name: &name}); err != nil || r.Value.JWKSURI != elsewhere.URI || !r.Value.Confidential() {
		t.Errorf("renamed: %+v, %v", r.Value, err)
	}
	wantField(t, "bad keys", second(edit(directory.ClientEdit{Keys: &directory.PublicKeys{URI: "http://app.example/"}})), "jwks_uri")
	r, again, err := w.RotateSecret(t.Context(), id, r.Version)
	if c = r.Value; err != nil || !c.SecretFits(again) || c.SecretFits(secret) || c.AuthMethod != "" || c.JWKSURI != "" || c.JWKS != nil {
		t.Errorf("with a secret again: %+v, %v", c, err)
	}

	born, secret, err := w.AddClient(t.Context(), directory.NewClient{Name: "Born with keys", Template: directory.AgentTemplate, Keys: &keys})
	if err != nil || secret != "" || born.Value.HasSecret() || !born.Value.Confidential() {
		t.Errorf("%+v %q %v", born.Value, secret, err)
	}
	for _, template := range []string{directory.MCPClientTemplate, directory.DeviceTemplate} {
		n := directory.NewClient{Name: "Public", Template: template}
		if template == directory.MCPClientTemplate {
			n.RedirectURIs = []string{"https://app.example/cb"}
		}
		made, secret, err := w.AddClient(t.Context(), n)
		if err != nil || secret != "" || made.Value.Confidential() {
			t.Fatalf("%s: %+v %q %v", template, made.Value, secret, err)
		}
		wantField(t, template+" is given keys", second(w.UpdateClient(t.Context(), made.Value.ID, 1, directory.ClientEdit{Keys: &keys})), "jwks")
		n.Keys = &keys
		_, _, err = w.AddClient(t.Context(), n)
		wantField(t, template+" made with keys", err, "jwks")
		_, _, err = w.RotateSecret(t.Context(), made.Value.ID, 1)
		wantField(t, template+" is given a secret", err, "client_id")
	}
}

// TestSettings: each kind of application takes the settings that mean something for it, and no others.
func TestSettings(t *testing.T) {
	w := newWorld(t, true)
	agent, _, err := w.AddClient(t.Context(), directory.NewClient{Name: "Scheduler", Template: directory.AgentTemplate})
	if err != nil {
		t.Fatal(err)
	}
	off := true
	disabled, _, err := w.AddClient(t.Context(), directory.NewClient{Name: "Off", Template: directory.AgentTemplate})
	if err == nil {
		_, err = w.UpdateClient(t.Context(), disabled.Value.ID, 1, directory.ClientEdit{Disabled: &off})
	}
	if err != nil {
		t.Fatal(err)
	}
	web := directory.NewClient{Name: "A", Template: directory.WebTemplate, RedirectURIs: []string{"https://app.example/cb"}}
	native := directory.NewClient{Name: "A", Template: directory.MCPClientTemplate, RedirectURIs: []string{"http://127.0.0.1/cb", "com.example.app:/cb"}}
	machine := directory.NewClient{Name: "A", Template: directory.MachineTemplate}
	device := directory.NewClient{Name: "A", Template: directory.DeviceTemplate}
	helper := directory.NewClient{Name: "A", Template: directory.AgentTemplate}
	with := func(n directory.NewClient, change func(*directory.NewClient)) directory.NewClient {
		change(&n)
		return n
	}
	push := func(n *directory.NewClient) { n.RequirePushed = true }
	bound := func(n *directory.NewClient) { n.BoundTokens = true }
	act := func(id string) func(*directory.NewClient) { return func(n *directory.NewClient) { n.MayAct = id } }
	logout := func(uris ...string) func(*directory.NewClient) {
		return func(n *directory.NewClient) { n.LogoutURIs = uris }
	}
	roles := func(n *directory.NewClient) { n.Roles = []string{"Vet Staff"} }
	redirect := func(n *directory.NewClient) { n.RedirectURIs = []string{"https://app.example/cb"} }
	const pushed, logouts = "require_pushed_authorization_requests", "post_logout_redirect_uris"
	for _, c := range []struct {
		what  string
		n     directory.NewClient
		field string // that is wrong
	}{
		{"web, pushed requests", with(web, push), ""},
		{"device, pushed requests", with(device, push), pushed},
		{"machine, pushed requests", with(machine, push), pushed},
		{"agent, pushed requests", with(helper, push), pushed},
		{"web, bound tokens", with(web, bound), ""},
		{"device, bound tokens", with(device, bound), ""},
		{"machine, bound tokens", with(machine, bound), ""},
		{"agent, bound tokens", with(helper, bound), ""},
		{"web, an agent", with(web, act(agent.Value.ID)), ""},
		{"device, an agent", with(device, act(agent.Value.ID)), ""},
		{"agent, an agent", with(helper, act(agent.Value.ID)), ""},
		{"machine, an agent", with(machine, act(agent.Value.ID)), "may_act"},
		{"an agent that is none", with(web, act("vet-assist-ai")), "may_act"},
		{"an agent that is disabled", with(web, act(disabled.Value.ID)), "may_act"},
		{"an agent that nobody knows", with(web, act("app-nobody")), "may_act"},
		{"an agent that is no key", with(web, act(strings.Repeat("x", 600))), "may_act"},
		{"itself", with(helper, func(n *directory.NewClient) { n.ID, n.MayAct = "app-myself", "app-myself" }), "may_act"},
		{"web, logout", with(web, logout("https://app.example/bye", "https://www.example/")), ""},
		{"native, logout", with(native, logout("http://localhost:8123/bye", "com.example.app:/bye", "https://app.example/bye")), ""},
		{"native, logout in another app", with(native, logout("com.example.other:/bye")), logouts},
		{"web, logout on the person's machine", with(web, logout("http://127.0.0.1/bye")), logouts},
		{"web, logout in an app", with(web, logout("com.example.app:/bye")), logouts},
		{"logout over http", with(web, logout("http://app.example/bye")), logouts},
		{"logout with a fragment", with(web, logout("https://app.example/bye#x")), logouts},
		{"logout in script", with(native, logout("javascript:alert(1)")), logouts},
		{"logout twice", with(web, logout("https://app.example/bye", "https://app.example/bye")), logouts},
		{"logout in 21 places", with(web, logout(make([]string, 21)...)), logouts},
		{"device, logout", with(device, logout("https://app.example/bye")), logouts},
		{"machine, logout", with(machine, logout("https://app.example/bye")), logouts},
		{"agent, logout", with(helper, logout("https://app.example/bye")), logouts},
		{"device, a role", with(device, roles), "roles"},
		{"agent, a role", with(helper, roles), "roles"},
		{"device, a redirect", with(device, redirect), "redirect_uris"},
		{"agent, a redirect", with(helper, redirect), "redirect_uris"},
	} {
		r, _, err := w.AddClient(t.Context(), c.n)
		if c.field != "" {
			wantField(t, c.what, err, c.field)
			continue
		}
		got, err2 := w.Client(t.Context(), r.Value.ID)
		if err := errors.Join(err, err2); err != nil || got.RequirePushed != c.n.RequirePushed || got.BoundTokens != c.n.BoundTokens || got.MayAct != c.n.MayAct || !slices.Equal(got.LogoutURIs, c.n.LogoutURIs) {
			t.Errorf("%s: %+v, %v", c.what, got, err)
		}
	}
}

// TestSettingsEdited: what is left out of an edit stays, and the whole must fit together.
func TestSettingsEdited(t *testing.T) {
	w := newWorld(t, true)
	agent, _, err := w.AddClient(t.Context(), directory.NewClient{Name: "Scheduler", Template: directory.AgentTemplate})
	if err != nil {
		t.Fatal(err)
	}
	app, err := w.addMCPClient(t, "App", []string{base + "/callback"})
	if err != nil {
		t.Fatal(err)
	}
	on, off, nobody, name := true, false, "", "App 2"
	bye, away, https := []string{base + "/bye"}, []string{"https://app.example/"}, []string{"https://app.example/cb"}
	version := int64(1)
	edit := func(what string, e directory.ClientEdit, ok func(directory.Client) bool) {
		t.Helper()
		r, err := w.UpdateClient(t.Context(), app.Value.ID, version, e)
		if version++; err != nil || !ok(r.Value) {
			t.Errorf("%s: %+v, %v", what, r.Value, err)
		}
	}
	edit("all", directory.ClientEdit{RequirePushed: &on, BoundTokens: &on, LogoutURIs: &bye, MayAct: &agent.Value.ID}, func(c directory.Client) bool {
		return c.RequirePushed && c.BoundTokens && slices.Equal(c.LogoutURIs, bye) && c.MayAct == agent.Value.ID && slices.Equal(c.RedirectURIs, []string{base + "/callback"})
	})
	edit("a name", directory.ClientEdit{Name: &name}, func(c directory.Client) bool {
		return c.RequirePushed && c.BoundTokens && slices.Equal(c.LogoutURIs, bye) && c.MayAct == agent.Value.ID
	})
	moved := directory.New(w.db, "https://vet.example", false, w.clock.Now) // our own address moves with us
	if there, err := moved.Client(t.Context(), app.Value.ID); err != nil || there.LogoutURIs[0] != "https://vet.example/bye" {
		t.Errorf("%+v, %v", there, err)
	}
	wantField(t, "a redirect URI gone that a logout leans on", second(w.UpdateClient(t.Context(), app.Value.ID, version, directory.ClientEdit{RedirectURIs: &https})), "post_logout_redirect_uris")
	edit("both", directory.ClientEdit{RedirectURIs: &https, LogoutURIs: &away}, func(c directory.Client) bool { return slices.Equal(c.LogoutURIs, away) })
	edit("none", directory.ClientEdit{RequirePushed: &off, BoundTokens: &off, LogoutURIs: &[]string{}, MayAct: &nobody}, func(c directory.Client) bool {
		return !c.RequirePushed && !c.BoundTokens && len(c.LogoutURIs) == 0 && c.MayAct == ""
	})
	wantField(t, "an agent that is none", second(w.UpdateClient(t.Context(), app.Value.ID, version, directory.ClientEdit{MayAct: &app.Value.ID})), "may_act")
	wantField(t, "an agent that names itself", second(w.UpdateClient(t.Context(), agent.Value.ID, 1, directory.ClientEdit{MayAct: &agent.Value.ID})), "may_act")

	self, err := w.Register(t.Context(), directory.Client{Name: "Host", RedirectURIs: []string{"https://host.example/cb"}, GrantTypes: []string{directory.GrantCode}}, false)
	if err == nil {
		err = w.db.Write(t.Context(), self.Ops...)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys := newKeys(t)
	for what, e := range map[string]directory.ClientEdit{"push": {RequirePushed: &off}, "bind": {BoundTokens: &on}, "logout": {LogoutURIs: &away}, "agent": {MayAct: &agent.Value.ID}, "keys": {Keys: &keys}} {
		if _, err := w.UpdateClient(t.Context(), self.Client.ID, 1, e); !errors.Is(err, directory.ErrSelfRegistered) {
			t.Errorf("%s of one that registered itself: %v", what, err)
		}
	}
}

// TestDeleteAgent: an agent that applications name is in use; with it goes its name, and who names it in that moment fails.
func TestDeleteAgent(t *testing.T) {
	w := newWorld(t, true)
	agent, _, err := w.AddClient(t.Context(), directory.NewClient{Name: "Scheduler", Template: directory.AgentTemplate})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		n := directory.NewClient{Name: fmt.Sprintf("App %02d", i), Template: directory.WebTemplate, RedirectURIs: []string{"https://app.example/cb"}, MayAct: agent.Value.ID}
		if _, _, err := w.AddClient(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	named := func() []string {
		return pages(t, func(ctx context.Context, q directory.Query) (directory.Page[directory.ClientSummary], error) {
			return w.ClientsNaming(ctx, agent.Value.ID, q)
		}, "", 10, clientName)
	}
	if got := named(); len(got) != 25 {
		t.Errorf("named by %q", got)
	}
	var used *directory.InUseError
	if err := w.DeleteClient(t.Context(), agent.Value.ID, 1, false); !errors.As(err, &used) || len(used.Uses) != 20 || !used.More || used.Uses[0].Kind != "application" {
		t.Errorf("%v", err)
	}
	now, err := w.ClientRecord(t.Context(), agent.Value.ID)
	if err != nil || now.Value.Disabled || now.Value.Deleting {
		t.Fatalf("a refused deletion left %+v, %v", now.Value, err)
	}
	app, err := w.addMCPClient(t, "Late", []string{"https://app.example/"})
	if err != nil {
		t.Fatal(err)
	}
	late := directory.New(&between{w.db, func() {
		if err := w.DeleteClient(t.Context(), agent.Value.ID, now.Version, true); err != nil {
			t.Error(err)
		}
	}}, base, true, w.clock.Now)
	wantField(t, "naming it meanwhile", second(late.UpdateClient(t.Context(), app.Value.ID, 1, directory.ClientEdit{MayAct: &agent.Value.ID})), "may_act")
	if got := named(); len(got) != 0 {
		t.Errorf("still named by %q", got)
	}
	page, err := w.ClientsByName(t.Context(), directory.Query{Prefix: "App"})
	if err != nil || len(page.Items) != 25 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, s := range page.Items {
		if c, err := w.Client(t.Context(), s.ID); err != nil || c.MayAct != "" {
			t.Errorf("%s names %q, %v", c.Name, c.MayAct, err)
		}
	}
}
