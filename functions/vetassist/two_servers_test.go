package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
)

// beside is a second server over the same store, which takes the same address for its own: two processes on one machine, or two functions in
// the cloud. What is asked of the address of the first one comes to it.
func (w *world) beside() *world {
	w.t.Helper()
	o := w.options
	o.Addr, o.BaseURL = "localhost:0", w.URL
	s, err := Start(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	network := http.DefaultTransport.(*http.Transport).Clone()
	network.DialContext = func(ctx context.Context, kind, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, kind, s.listeners[0].Addr().String())
	}
	w.t.Cleanup(func() {
		network.CloseIdleConnections()
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	other := *w
	other.Server, other.network = s, network
	return &other
}

// What is changed at one server the other one knows with the next request, though it has kept what it read for the one before.
func TestTwoServersOverOneStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.beside()
	admin := w.administrator()
	tokens := w.tokensFor("bob", "pet-profile:read", "appointment:read")
	metadata := func() string {
		return string(other.send("GET", "/.well-known/oauth-authorization-server", "").body)
	}
	const scope = "x-ray:read"
	for range 2 { // read, and kept
		if got := other.callTool(tokens.Access, "list_appointments", "{}"); got.status != http.StatusOK || got.result(t).Result.IsError {
			t.Fatalf("before: %d %s", got.status, got.body)
		}
		if got := metadata(); !strings.Contains(got, "pet-profile:read") || strings.Contains(got, scope) {
			t.Fatalf("the metadata before: %s", got)
		}
	}

	call[any](admin, "POST", "/servers", map[string]any{"identifier": "mcp://x-ray", "name": "X-ray", "url": "https://x-ray.example/mcp",
		"scopes": []any{map[string]any{"name": scope, "title": "See pictures", "description": "See the pictures of your pets."}}})
	if got := metadata(); !strings.Contains(got, scope) {
		t.Errorf("it does not know the new MCP server: %s", got)
	}
	admin.permit("pet-profile:read")
	narrow := other.refresh(tokens.Refresh)
	if wantTokens(t, "a refresh", narrow); narrow.Scope != "pet-profile:read" {
		t.Errorf("it refreshes to %q", narrow.Scope)
	}
	if got := other.callTool(narrow.Access, "list_appointments", "{}"); !strings.Contains(string(got.body), "Pet Owner") {
		t.Errorf("what the role has lost: %d %s", got.status, got.body)
	}
	admin.permit("pet-profile:read", "appointment:read")
	if got := other.callTool(narrow.Access, "list_appointments", "{}"); got.status != http.StatusForbidden {
		t.Errorf("what the role has again may be asked for: %d %s", got.status, got.body)
	}
	w.disable("vet-assist-ai")
	if got := other.refresh(narrow.Refresh); got.status < http.StatusBadRequest {
		t.Errorf("a client that is disabled refreshes: %d %s", got.status, got.Scope)
	}
}
