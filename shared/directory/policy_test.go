package directory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// The policy is kept where the store can tell whether it changed, and read each time where it cannot. Either way a change counts at once, whoever
// made it, and nobody can spoil what others get.
func TestPolicyFollowsTheStore(t *testing.T) {
	db, err := sqlite.Open(t.Context(), ":memory:", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, s := range map[string]store.Store{"kept": store.Restrict(db, directory.Partitions...), "read": struct{ store.Store }{db}} {
		if _, ok := store.Changes(s, directory.PolicyPartition); ok != (name == "kept") {
			t.Fatalf("%s: it can tell: %v", name, ok)
		}
		d, other := directory.New(s, "http://localhost", true, time.Now), directory.New(db, "http://localhost", true, time.Now)
		allows := func(want ...string) {
			t.Helper()
			got, err := d.RoleScopes(t.Context(), []string{"Owner", "None"}, "mcp://a")
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: the role allows %v, want %v, %v", name, got, want, err)
			}
		}
		put := func(scopes ...string) {
			t.Helper()
			role := directory.Role{Name: "Owner", Permissions: map[string][]string{"mcp://a": scopes}}
			server := directory.Server{Identifier: "mcp://a", Name: "A", URL: "{base}/a"}
			for _, scope := range scopes {
				server.Scopes = append(server.Scopes, directory.Scope{Name: scope})
			}
			if err := other.PutRole(t.Context(), role, store.Always()); err != nil {
				t.Fatal(err)
			}
			if err := other.PutServer(t.Context(), server, store.Always()); err != nil {
				t.Fatal(err)
			}
		}
		for _, scopes := range [][]string{{"a:read", "a:write"}, {"a:read"}, {"a:read", "a:write"}} {
			put(scopes...)
			allows(scopes...)
			server, err := d.Server(t.Context(), "mcp://a")
			if err != nil || !slices.Equal(server.ScopeNames(), scopes) || server.URL != "http://localhost/a" {
				t.Errorf("%s: %+v, %v", name, server, err)
			}
		}
		servers, err := d.Servers(t.Context())
		if err != nil || len(servers) != 1 {
			t.Fatalf("%s: %v, %v", name, servers, err)
		}
		clear(servers)
		if _, err := d.ServerByResource(t.Context(), "http://localhost/a"); err != nil {
			t.Errorf("%s: who emptied a list spoilt that of others: %v", name, err)
		}
		if _, err := d.Server(t.Context(), "mcp://b"); err != directory.ErrNotFound {
			t.Errorf("%s: of no server: %v", name, err)
		}
	}
}
