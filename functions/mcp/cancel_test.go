package mcp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vetassist/vetassist/functions/mcp"
)

// gate holds up the second check of a call, once it is inside the tool, until it is opened or the call is cancelled.
type gate struct {
	checks  atomic.Int32
	reached chan struct{}
	open    chan struct{}
	ended   chan error // how waiting ended
}

func newGate() *gate {
	return &gate{reached: make(chan struct{}), open: make(chan struct{}), ended: make(chan error, 1)}
}

// RoleScopes is asked by the challenge first, and then by the tool.
func (g *gate) RoleScopes(ctx context.Context, roles []string, _ string) ([]string, error) {
	if len(roles) == 0 || g.checks.Add(1) != 2 {
		return nil, nil
	}
	close(g.reached)
	select {
	case <-g.open:
		g.ended <- ctx.Err()
	case <-ctx.Done():
		g.ended <- ctx.Err()
	}
	return nil, ctx.Err()
}

// TestNobodyCancelsAnothersCall: ids of requests are each client's own, so two people's may be equal. Whoever cancels "their" request
// with that id, or leaves one, touches nobody else's.
func TestNobodyCancelsAnothersCall(t *testing.T) {
	for _, id := range []string{`7`, `"7"`, `""`} {
		g := newGate()
		w := newWorld(t, func(c *mcp.Config) { c.Roles = g })
		raw := w.mint(bob())
		body := strings.Replace(call("list_pets", `{}`), `"id":7`, `"id":`+id, 1)
		answered := make(chan answer, 1)
		go func() { answered <- w.post(raw, body) }()
		<-g.reached // Bob's call is inside

		cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `,"reason":"mine"}}`
		for who, token := range map[string]string{"Alice": w.mint(alice(everything...)), "another client of Bob's": w.mint(grant("user-bob", nil, everything...))} {
			for _, version := range []string{"2025-03-26", "2025-06-18", "2025-11-25"} {
				if a := w.post(token, cancel, "MCP-Protocol-Version: "+version, "Mcp-Session-Id: "+version); a.status != http.StatusAccepted {
					t.Errorf("%s: %d %s", who, a.status, a.body)
				}
			}
			w.post(token, cancel, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: notifications/cancelled")
			w.post(token, "["+cancel+`,{"jsonrpc":"2.0","id":1,"method":"ping"}]`)
			// One with the same id goes through meanwhile, and another one is left.
			if a := w.post(token, strings.Replace(body, "list_pets", "get_pet", 1)); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", who, a.status, a.body)
			}
			left, leave := context.WithCancel(t.Context())
			leave()
			r, err := http.NewRequestWithContext(left, http.MethodPost, w.url+"/mcp", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			if resp, err := http.DefaultClient.Do(r); err == nil {
				resp.Body.Close()
			}
		}
		select {
		case err := <-g.ended:
			t.Fatalf("id %s: Bob's call ended: %v", id, err)
		default:
		}
		close(g.open)
		if err := <-g.ended; err != nil {
			t.Errorf("id %s: %v", id, err)
		}
		if a := <-answered; a.status != http.StatusOK || !strings.Contains(string(a.body), "role_forbidden") || !strings.Contains(string(a.body), `"id":`+id) {
			t.Errorf("id %s: %d %s", id, a.status, a.body)
		}
	}
}

// TestLeaving: since 2026-07-28, a client that is gone has cancelled (Streamable HTTP, Cancellation), and work for it ends. Before, it may
// just have lost its connection, and what it asked for is done (2025-11-25, Transports: disconnection SHOULD NOT be taken for that).
func TestLeaving(t *testing.T) {
	for _, c := range []struct {
		body      string
		headers   map[string]string
		cancelled bool
	}{
		{`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_pets","arguments":{},` + meta2026 + `}}`,
			map[string]string{"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "list_pets"}, true},
		{call("list_pets", `{}`), map[string]string{"MCP-Protocol-Version": "2025-11-25"}, false},
	} {
		g := newGate()
		w := newWorld(t, func(c *mcp.Config) { c.Roles = g })
		noticed := make(chan struct{}) // by the server, that its client has left
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			context.AfterFunc(r.Context(), func() { close(noticed) })
			w.handler.ServeHTTP(rw, r)
		}))
		t.Cleanup(server.Close)
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/mcp", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		r.Header.Set("Authorization", "Bearer "+w.mint(bob()))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		left := make(chan error, 1)
		go func() {
			resp, err := http.DefaultClient.Do(r)
			if err == nil {
				resp.Body.Close()
			}
			left <- err
		}()
		<-g.reached
		leave()
		if err := <-left; err == nil {
			t.Errorf("%v: there was an answer", c.headers)
		}
		<-noticed
		if !c.cancelled {
			close(g.open)
		}
		if err := <-g.ended; (err != nil) != c.cancelled {
			t.Errorf("%v: the work ended with %v", c.headers, err)
		}
	}
}
