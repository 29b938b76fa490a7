package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/egress"
)

// newSiteWorld is a server, and a site of a host that describes itself there with these redirect URIs. The site is the only one that is accepted.
func newSiteWorld(t *testing.T, redirects ...string) (w *world, id, host string) {
	t.Helper()
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=3600")
		_ = json.NewEncoder(w).Encode(map[string]any{"client_id": "https://" + r.Host + r.URL.Path, "client_name": "A Host", "redirect_uris": redirects,
			"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none"})
	}))
	t.Cleanup(site.Close)
	host = strings.TrimPrefix(site.URL, "https://")
	w = newWorld(t, func(o *Options) {
		o.ClientDomains = config.Hosts{host}
		o.Outside = egress.Client(o.ClientDomains, site.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
	})
	return w, site.URL + "/oauth/client.json", host
}

// TestDescribedHost: a host that nobody here has heard of says where it describes itself, finds Bob's consent, and does what Bob may (MCP, "Client
// ID Metadata Documents"). An administrator sees whose it is, and ends it.
func TestDescribedHost(t *testing.T) {
	t.Parallel()
	w, id, host := newSiteWorld(t, "http://127.0.0.1/callback")
	var metadata struct {
		Supported bool `json:"client_id_metadata_document_supported"`
	}
	if err := json.Unmarshal(w.send("GET", "/.well-known/oauth-authorization-server", "").body, &metadata); err != nil || !metadata.Supported {
		t.Fatalf("the metadata does not say so: %v", err)
	}
	const redirect = "http://127.0.0.1:51234/callback"
	client := url.Values{"client_id": {id}, "redirect_uri": {redirect}}
	got := w.person().answerOf(w.request(url.Values{"client_id": {id}, "redirect_uri": {redirect}, "scope": {"pet-profile:read appointment:read"}}), "bob")
	tokens := w.redeem(got.Get("code"), client)
	if tokens.Access == "" || tokens.Refresh == "" || tokens.Scope != "pet-profile:read appointment:read" {
		t.Fatalf("%+v", tokens)
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(tokens.Access, claims); err != nil || claims["client_id"] != id { // the MCP server verifies it, below
		t.Errorf("the token is for %v, %v", claims["client_id"], err)
	}
	if a := w.callTool(tokens.Access, "get_pet_vaccination_info", `{"pet": "Fido"}`); a.status != http.StatusOK || !strings.Contains(string(a.body), "Rabies") {
		t.Errorf("the call: %d %s", a.status, a.body)
	}
	// The console's lists tell whose it is.
	admin := w.administrator()
	consents := string(w.send("GET", "/admin/api/v1/consents?user_id=user-bob", "", "Authorization", "Bearer "+admin.token).body)
	if want := "A Host (" + host + ")"; !strings.Contains(consents, want) {
		t.Errorf("an administrator does not see %q: %s", want, consents)
	}
	w.change(func(d *directory.Directory) error {
		r, err := d.DescribedClient(t.Context(), id)
		if err != nil {
			return err
		}
		off := true
		_, err = d.UpdateClient(t.Context(), r.Value.ID, r.Version, directory.ClientEdit{Disabled: &off})
		return err
	})
	tokens = w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {tokens.Refresh}})
	if tokens.Error != "invalid_client" {
		t.Errorf("refreshing when disabled: %+v", tokens)
	}
}

// TestBrowserConsentOfStrangers: what a person sees of an app that nobody here knows, by where its answer goes.
func TestBrowserConsentOfStrangers(t *testing.T) {
	browser := chromium(t)
	dir := screenshotDir(t)
	w, id, host := newSiteWorld(t, "http://127.0.0.1/callback", "https://vscode.dev/redirect", "cursor://anysphere.cursor-mcp/oauth/callback")
	b := newTab(t, browser, w.URL)
	open := func(redirect string) {
		b.open("/oauth/authorize?" + w.request(url.Values{"client_id": {id}, "redirect_uri": {redirect}, "scope": {"pet-profile:read appointment:read"}}).Encode())
	}
	open("https://vscode.dev/redirect")
	b.see("p", "to go on with an app at "+host)
	b.shot(dir, "stranger-login")
	b.login("bob")
	b.see("h1", "Allow an app that calls itself A Host") // else the next address breaks this one off
	for _, c := range []struct{ name, redirect, shown, warning string }{
		{"site", "https://vscode.dev/redirect", "vscode.dev", ""},
		{"loopback", "http://127.0.0.1:33418/callback", "127.0.0.1:33418", "The answer goes to an app on this computer."},
		{"scheme", "cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp", "The answer goes to whichever app on this device opens"},
	} {
		open(c.redirect)
		b.see("h1", "Allow an app that calls itself A Host to do this for you?")
		b.see("code", host)
		b.see("code", c.shown)
		if c.warning != "" {
			b.see("p", c.warning)
		} else if eval[bool](b, `!!document.querySelector(".notice.warn")`) {
			t.Errorf("%s: a warning", c.name)
		}
		b.shot(dir, "stranger-"+c.name)
	}
}
