package oauth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestOfflineAccess: a client that registered for refresh tokens gets them whether it asks for offline_access or not; when it asked
// and got them, the answer's scope says so (MCP Authorization, "Refresh Tokens").
func TestOfflineAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short := directory.Client{ID: "short", Name: "Short", RedirectURIs: []string{w.url + "/callback"}, GrantTypes: []string{"authorization_code"},
		Authorized: map[string][]string{mcp: {"pet-profile:read"}}}
	if err := w.directory.PutClient(t.Context(), short, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, client, asked, scope string
		refresh                    bool
	}{
		{"not asked for", clientID, "pet-profile:read", "pet-profile:read", true},
		{"asked for", clientID, "offline_access pet-profile:read", "pet-profile:read offline_access", true},
		{"asked for with all that OpenID Connect knows", clientID, "openid profile email offline_access pet-profile:read", "pet-profile:read openid profile offline_access", true},
		{"asked for by a client without the grant", "short", "pet-profile:read offline_access", "pet-profile:read", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := w.redeem(w.code("client_id", c.client, "scope", c.asked), "client_id", c.client)
			if got.expect(t, ""); got.Scope != c.scope || (got.Refresh != "") != c.refresh {
				t.Errorf("got %+v", got)
			}
			claims, err := w.verifier.Verify(t.Context(), got.Access)
			if err != nil || claims.Scope+" offline_access" != got.Scope && claims.Scope != got.Scope || strings.Contains(claims.Scope, "offline") { // the MCP server has no use for it
				t.Errorf("the access token says %q, %v", claims.Scope, err)
			}
		})
	}
	// Whoever is asked to agree is told how long it lasts.
	for client, want := range map[string]bool{clientID: true, "short": false} {
		page := w.browser().login("alice", w.request("client_id", client))
		if got := strings.Contains(page.body, "It stays connected for up to 90 days"); got != want {
			t.Errorf("%s: the consent page says so: %v", client, got)
		}
	}
	// Alone it asks for nothing at the server, so the client gets what it is authorized for, as without a scope.
	alone := w.redeem(w.code("scope", "offline_access"))
	if without := w.redeem(w.code("scope", "")); alone.Scope != without.Scope+" offline_access" {
		t.Errorf("alone: %q, without: %q", alone.Scope, without.Scope)
	}
}

// TestOfflineAccessIsRemembered: from refresh to refresh, also when the client asks for less once.
func TestOfflineAccessIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const all = "pet-profile:read appointment:read"
	current := w.redeem(w.code("scope", all+" offline_access"))
	for _, c := range []struct{ what, scope, want string }{
		{"as before", "", all + " offline_access"},
		{"all of it, by name", "offline_access " + all, all + " offline_access"},
		{"less", "appointment:read offline_access", "appointment:read offline_access"},
		{"less, and without it", "appointment:read", "appointment:read"},
		{"with what asks for nothing", "openid pet-profile:read", "pet-profile:read"},
		{"it alone", "offline_access", all + " offline_access"},
		{"as before, again", "", all + " offline_access"},
	} {
		if current = w.refresh(current.Refresh, "scope", c.scope); current.Error != "" || current.Scope != c.want || current.Refresh == "" {
			t.Errorf("%s: %+v", c.what, current)
		}
	}
	// To ask for it later is no error, since nothing more is given; nor is it named, since it was not asked of the user's request.
	never := w.redeem(w.code("scope", all))
	if never = w.refresh(never.Refresh, "scope", all+" offline_access"); never.Error != "" || never.Scope != all {
		t.Errorf("asked for later: %+v", never)
	}
}

// TestOfflineAccessIsOfTheAuthorizationServer: it is among its scopes, and of no server's (MCP Authorization, "Refresh Tokens").
func TestOfflineAccessIsOfTheAuthorizationServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers, err := w.directory.Servers(t.Context())
	if err != nil || len(servers) < 2 {
		t.Fatalf("%v, %v", servers, err)
	}
	for _, s := range servers {
		if slices.Contains(s.ScopeNames(), "offline_access") {
			t.Errorf("%s has it", s.Name)
		}
	}
	server := servers[0]
	server.Scopes = append(server.Scopes, directory.Scope{Name: "offline_access", Title: "Stay"})
	server.Identifier, server.URL = "mcp://new", "https://new.example/"
	if _, err := w.directory.AddServer(t.Context(), server); err == nil {
		t.Error("a server can have it")
	}
}
