package oauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestResource: what a client may call the server that it wants a token for, in both requests (RFC 8707 §2; MCP Authorization, "Canonical
// Server URI").
func TestResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := directory.Server{Identifier: "mcp://root", Name: "Root", URL: "https://root.example", Scopes: []directory.Scope{{Name: "pet-profile:read", Title: "See"}}}
	if err := w.directory.PutServer(t.Context(), root, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	client, err := w.directory.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	client.Authorized[root.Identifier] = []string{"pet-profile:read"}
	if err := w.directory.PutClient(t.Context(), client, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	role := directory.Role{Name: "Pet Owner", Permissions: map[string][]string{mcp: {"pet-profile:read"}, root.Identifier: {"pet-profile:read"}}}
	if err := w.directory.PutRole(t.Context(), role, store.IfPresent()); err != nil {
		t.Fatal(err)
	}
	id, secret := w.secretClient(directory.MachineTemplate, []string{"Pet Owner"}, "pet-profile:read")
	bob := w.browser()
	bob.approve(bob.login("bob", w.request()))
	bob.approve(bob.get(w.request("resource", root.URL)))
	for _, c := range []struct{ what, resource, audience string }{
		{"its URL", w.url + "/mcp", w.url + "/mcp"},
		{"its identifier", mcp, w.url + "/mcp"},
		{"scheme in capitals", strings.Replace(w.url, "http", "HTTP", 1) + "/mcp", w.url + "/mcp"},
		{"without a path", "https://root.example", root.URL},
		{"a slash for no path", "https://root.example/", root.URL},
		{"host in capitals", "https://ROOT.Example", root.URL},
		{"the path with a slash after it", w.url + "/mcp/", ""},
		{"path in capitals", w.url + "/MCP", ""},
		{"the server that it runs on", w.url, ""},
		{"a fragment", w.url + "/mcp#x", ""},
		{"an empty fragment", w.url + "/mcp#", ""},
		{"a query", w.url + "/mcp?x=1", ""},
		{"no scheme", strings.TrimPrefix(w.url, "http://") + "/mcp", ""},
		{"nothing that is known", "https://elsewhere.example/mcp", ""},
		{"nothing that this client is authorized for", w.url + "/admin/api", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			answer := bob.callback(bob.get(w.request("resource", c.resource)))
			machine, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {c.resource}}, basic(id, secret))
			got := w.redeem(w.bobs(bob, c.audience), "resource", c.resource)
			if c.audience == "" {
				if answer.Get("error") != "invalid_target" || answer.Has("code") {
					t.Errorf("authorize: %v", answer)
				}
				machine.expect(t, "invalid_target")
				got.expect(t, "invalid_target")
				return
			}
			for what, raw := range map[string]string{"with the code": got.Access, "as a machine": machine.Access} {
				if what == "as a machine" && c.audience == root.URL {
					continue // it is not authorized there
				}
				if audience := w.audience(raw); audience != c.audience {
					t.Errorf("%s: the token is for %q", what, audience)
				}
			}
			if again := w.refresh(got.Refresh, "resource", c.resource); again.Error != "" || w.audience(again.Access) != c.audience {
				t.Errorf("refreshed: %+v", again)
			}
		})
	}
}

// bobs is a code of bob's, who has agreed before, for the server at a URL.
func (w *world) bobs(bob *browser, audience string) string {
	w.t.Helper()
	if audience == "" {
		audience = w.url + "/mcp"
	}
	return bob.callback(bob.get(w.request("resource", audience))).Get("code")
}

// audience is the URL of the server that a token is for.
func (w *world) audience(raw string) string {
	w.t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct{ Aud []string }
	decode(w.t, parts[1], &claims)
	return claims.Aud[0]
}
