package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// What MCP hosts published at these addresses in the autumn of 2026, and where each of them wants its answer.
var hostDocuments = []struct {
	document  string
	redirects []string // that the host uses: all of them are right
	wrong     []string
	refreshes bool
	keys      bool   // it authenticates with a key
	warning   string // on the consent page, for the first redirect
}{
	{`{"client_id":"https://claude.ai/oauth/mcp-oauth-client-metadata","client_name":"Claude","client_uri":"https://claude.ai","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:jwt-bearer"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		[]string{"https://claude.ai/api/mcp/auth_callback"}, []string{"https://claude.com/api/mcp/auth_callback"}, true, false, ""},
	{`{"client_id":"https://claude.ai/oauth/claude-code-client-metadata","client_name":"Claude Code","client_uri":"https://claude.ai","redirect_uris":["http://localhost/callback","http://127.0.0.1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		[]string{"http://localhost:58135/callback", "http://127.0.0.1:3118/callback"}, []string{"http://[::1]:3118/callback", "http://localhost:58135/callback/", "http://localhost:58135/"}, true, false, "on this computer"},
	{`{"client_name":"Visual Studio Code","logo_uri":"https://code.visualstudio.com/assets/branding/code-stable.png","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native","client_id":"https://vscode.dev/oauth/client-metadata.json","client_uri":"https://vscode.dev/product","redirect_uris":["http://127.0.0.1:33418/","https://vscode.dev/redirect"]}`,
		[]string{"http://127.0.0.1:33418/", "http://127.0.0.1:49152/", "https://vscode.dev/redirect"}, []string{"http://localhost:33418/", "https://vscode.dev:33418/redirect"}, true, false, "on this computer"},
	{`{"client_id":"https://zed.dev/oauth/client-metadata.json","client_name":"Zed","client_uri":"https://zed.dev","redirect_uris":["http://127.0.0.1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","logo_uri":"https://cdn.zed.dev/images/logo-dark.png"}`,
		[]string{"http://127.0.0.1:49152/callback"}, []string{"http://127.0.0.1:49152/callback?x"}, true, false, "on this computer"},
	{`{"client_id":"https://goose-docs.ai/oauth/client-metadata.json","client_name":"goose","logo_uri":"https://goose-docs.ai/img/logo_light.png","redirect_uris":["http://127.0.0.1/oauth_callback","http://[::1]/oauth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","code_challenge_methods_supported":["S256"]}`,
		[]string{"http://127.0.0.1:9/oauth_callback", "http://[::1]:65535/oauth_callback"}, []string{"http://[::1]:65536/oauth_callback"}, true, false, "on this computer"},
	{`{"client_id":"https://chatgpt.com/oauth/client.json","client_uri":"https://chatgpt.com/","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"ChatGPT","logo_uri":"https://persistent.oaistatic.com/sonic/misc/openai-logo.png","token_endpoint_auth_signing_alg":"RS256","jwks_uri":"https://chatgpt.com/oauth/jwks.json"}`,
		[]string{"https://chatgpt.com/connector_platform_oauth_redirect"}, nil, true, true, ""},
	// The example of the MCP specification, one that says as little as it can, and one with a scheme of its own.
	{`{"client_id":"https://app.example.com/oauth/client-metadata.json","client_name":"Example MCP Client","client_uri":"https://app.example.com","logo_uri":"https://app.example.com/logo.png","redirect_uris":["http://127.0.0.1:3000/callback","http://localhost:3000/callback"],"grant_types":["authorization_code"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		[]string{"http://127.0.0.1:3000/callback", "http://localhost:3001/callback"}, nil, false, false, "on this computer"},
	{`{"client_id":"https://least.example/c","client_name":" Least ","redirect_uris":["https://least.example/cb","https://least.example/cb"],"application_type":null}`,
		[]string{"https://least.example/cb"}, nil, false, false, ""},
	{`{"client_id":"https://ide.example/c","client_name":"An IDE","application_type":"web","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://ide.example/cb","http://localhost:8787/callback"]}`,
		[]string{"cursor://anysphere.cursor-mcp/oauth/callback", "https://ide.example/cb", "http://localhost:1/callback"}, []string{"cursor://anysphere.cursor-mcp/oauth/callback?x"}, false, false, "opens <code>cursor://anysphere.cursor-mcp</code> links"},
}

func TestHostDocuments(t *testing.T) {
	t.Parallel()
	for _, host := range hostDocuments {
		id := host.document[strings.Index(host.document, `"https://`)+1:]
		if at := strings.Index(host.document, `"client_id":"`); at > 0 {
			id = host.document[at+len(`"client_id":"`):]
		}
		id, _, _ = strings.Cut(id, `"`)
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w, h := newDocumentWorld(t)
			h.put(host.document)
			b := w.browser()
			b.login("bob", w.request())
			for i, redirect := range host.redirects {
				page := b.get(w.documentRequest("client_id", id, "redirect_uri", redirect))
				if i == 0 && (host.warning == "") == strings.Contains(page.body, "notice warn") || i == 0 && !strings.Contains(page.body, host.warning) {
					t.Errorf("%s: warning %q", redirect, host.warning)
				}
				if page.status == http.StatusOK {
					page = b.approve(page)
				}
				code := page.sentTo(t, redirect).Get("code")
				if host.keys {
					w.redeem(code, "client_id", id, "redirect_uri", redirect).expect(t, "invalid_client")
					continue
				}
				tokens := w.redeem(code, "client_id", id, "redirect_uri", redirect)
				tokens.expect(t, "")
				if (tokens.Refresh != "") != host.refreshes {
					t.Errorf("refresh token: %v", tokens.Refresh != "")
				}
			}
			for _, redirect := range host.wrong {
				if a := b.get(w.documentRequest("client_id", id, "redirect_uri", redirect)); a.status != http.StatusBadRequest {
					t.Errorf("%s: %d", redirect, a.status)
				}
			}
		})
	}
}

// TestCouldBeAnybody: a client that proves nothing, and whose answer goes to whatever listens on the machine, is asked about each time (RFC 8252
// §8.6), whoever registered it. A code is bound to the redirect URI with the port that was sent.
func TestCouldBeAnybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.login("bob", w.request())
	authorized := map[string][]string{"mcp://vetassist": {"pet-profile:read"}}
	for _, c := range []struct {
		client   directory.Client
		redirect string
		asked    bool
	}{
		{directory.Client{ID: "loopback", ApplicationType: directory.Native, RedirectURIs: []string{"http://127.0.0.1/cb"}}, "http://127.0.0.1:4711/cb", true},
		{directory.Client{ID: "loopback-tls", ApplicationType: directory.Web, RedirectURIs: []string{"https://localhost:4711/cb"}}, "https://localhost:4711/cb", true},
		{directory.Client{ID: "below-localhost", ApplicationType: directory.Web, RedirectURIs: []string{"https://app.LOCALHOST./cb"}}, "https://app.LOCALHOST./cb", true},
		{directory.Client{ID: "scheme", ApplicationType: directory.Native, RedirectURIs: []string{"com.example.app:/cb"}}, "com.example.app:/cb", true},
		{directory.Client{ID: "far", ApplicationType: directory.Web, RedirectURIs: []string{"https://app.example/cb"}}, "https://app.example/cb", false},
		{directory.Client{ID: "ours", ApplicationType: directory.Web, RedirectURIs: []string{w.url + "/callback"}}, w.url + "/callback", false},
		{directory.Client{ID: "proven", SecretHash: "x", ApplicationType: directory.Native, RedirectURIs: []string{"http://127.0.0.1/cb"}}, "http://127.0.0.1:4711/cb", false},
	} {
		c.client.Name, c.client.GrantTypes, c.client.Authorized = c.client.ID, []string{"authorization_code"}, authorized
		if err := w.directory.PutClient(t.Context(), c.client, store.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		target := w.request("client_id", c.client.ID, "redirect_uri", c.redirect)
		code := b.approve(b.get(target)).sentTo(t, c.redirect).Get("code")
		again := b.get(target)
		if asked := again.status == http.StatusOK; asked != c.asked || asked && !strings.Contains(again.body, "You allowed this before") {
			t.Errorf("%s: asked again: %v\n%s", c.client.ID, asked, again.body)
		}
		if again.status == http.StatusOK {
			if b.approve(again).sentTo(t, c.redirect).Get("code") == "" {
				t.Errorf("%s: what was allowed before cannot be allowed again", c.client.ID)
			}
		}
		silent := b.get(w.request("client_id", c.client.ID, "redirect_uri", c.redirect, "prompt", "none")).sentTo(t, c.redirect)
		if (silent.Get("error") == "consent_required") != c.asked {
			t.Errorf("%s: prompt=none: %v", c.client.ID, silent)
		}
		if c.client.ID == "loopback" {
			w.redeem(code, "client_id", c.client.ID, "redirect_uri", "http://127.0.0.1/cb").expect(t, "invalid_grant")
			w.redeem(code, "client_id", c.client.ID, "redirect_uri", c.redirect).expect(t, "")
		}
	}
}

// FuzzClientDocument: whatever a document says, a person sees a page of ours and nobody is sent to an address that is not in it.
func FuzzClientDocument(f *testing.F) {
	for _, host := range hostDocuments {
		f.Add([]byte(host.document), host.redirects[0])
	}
	f.Add([]byte(document()), appRedirect)
	f.Add([]byte(document("redirect_uris", []string{"javascript:alert(1)"})), "javascript:alert(1)")
	f.Add([]byte(document("redirect_uris", []string{"http://127.0.0.2/cb"}, "require_pushed_authorization_requests", true)), "http://127.0.0.2/cb")
	f.Add([]byte(`{"client_id":"https://app.example/client.json","client_id":1}`), "x")
	w, h := newDocumentWorld(f, func(c *oauth.Config) { c.ClientDomains = []string{"app.example"} })
	b := w.browser()
	b.login("bob", w.request())
	f.Fuzz(func(t *testing.T, body []byte, redirect string) {
		w.t = t
		h.put(string(body), "Cache-Control", "no-store")
		w.clock.Advance(2 * time.Minute)
		if a := b.get("/oauth/account"); a.status != http.StatusOK { // the login ended
			b.login("bob", w.request())
		}
		a := b.get(w.documentRequest("redirect_uri", redirect))
		location := a.header.Get("Location")
		if a.status >= 500 || a.status == http.StatusOK && strings.Contains(a.body, "<script") {
			t.Errorf("%d\n%s", a.status, a.body)
		}
		if location == "" {
			return
		}
		u, err := url.Parse(location)
		if err != nil || u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "http" && !config.IsLoopback(u.Hostname()) {
			t.Errorf("sent to %q", location)
		}
	})
}
