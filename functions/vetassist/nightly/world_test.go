package nightly_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/clientkey"
)

// world is an MCP server and its authorization server, which take what they get and note it.
type world struct {
	t   *testing.T
	srv *httptest.Server

	mu     sync.Mutex
	time   time.Time
	asked  []string     // paths
	forms  []url.Values // of the token endpoint
	heads  []http.Header
	waited []time.Duration
	tokens map[string]time.Time // and when they end

	// What a test may change.
	resource func(m map[string]any)
	metadata func(m map[string]any)
	token    http.HandlerFunc
	mcp      func(w http.ResponseWriter, r *http.Request) bool // true: answered
	tool     func(name string, args map[string]any) (any, bool)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, time: time.Date(2026, 3, 1, 3, 17, 0, 0, time.UTC), tokens: map[string]time.Time{}}
	w.token = w.give
	mux := http.NewServeMux()
	doc := func(path string, m func() map[string]any, edit *func(map[string]any)) {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
			d := m()
			if *edit != nil {
				(*edit)(d)
			}
			writeJSON(rw, http.StatusOK, d)
		})
	}
	doc("/.well-known/oauth-protected-resource/mcp", func() map[string]any {
		return map[string]any{"resource": w.srv.URL + "/mcp", "authorization_servers": []string{w.srv.URL}, "scopes_supported": []string{"a:read", "b:read"}}
	}, &w.resource)
	doc("/.well-known/oauth-authorization-server", func() map[string]any {
		return map[string]any{"issuer": w.srv.URL, "authorization_endpoint": w.srv.URL + "/authorize", "token_endpoint": w.srv.URL + "/token", "response_types_supported": []string{"code"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}, "code_challenge_methods_supported": []string{"S256"}}
	}, &w.metadata)
	mux.HandleFunc("POST /token", func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		w.forms, w.heads = append(w.forms, r.PostForm), append(w.heads, r.Header)
		w.mu.Unlock()
		w.token(rw, r)
	})
	mux.Handle("/mcp", w.mcpEndpoint())
	w.srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.Path)
		w.mu.Unlock()
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.srv.Close)
	return w
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(v)
}

// give issues a token for ten minutes.
func (w *world) give(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	token := fmt.Sprintf("token-%d", len(w.tokens)+1)
	w.tokens[token] = w.time.Add(10 * time.Minute)
	w.mu.Unlock()
	writeJSON(rw, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": r.PostForm.Get("scope")})
}

func refuse(code, description string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
	}
}

func (w *world) mcpEndpoint() http.Handler {
	srv := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	for _, name := range []string{"list_pets", "get_pet_vaccination_info", "list_reminders", "set_reminder"} {
		srv.AddTool(&mcp.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)}, func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			var args map[string]any
			if err := json.Unmarshal(req.Params.Arguments, &args); err != nil {
				return nil, err
			}
			out, ok := any(map[string]any{}), true
			if w.tool != nil {
				out, ok = w.tool(name, args)
			}
			return &mcp.CallToolResult{StructuredContent: out, IsError: !ok, Content: []mcp.Content{&mcp.TextContent{Text: "text"}}}, nil
		})
	}
	next := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return srv }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.mcp != nil && w.mcp(rw, r) {
			return
		}
		w.mu.Lock()
		var held string
		fmt.Sscanf(r.Header.Get("Authorization"), "Bearer %s", &held)
		until, ok := w.tokens[held]
		ok = ok && w.time.Before(until)
		w.mu.Unlock()
		if !ok {
			rw.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+w.srv.URL+`/.well-known/oauth-protected-resource/mcp", scope="a:read"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// count is how often a path was asked for.
func (w *world) count(path string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.asked {
		if p == path {
			n++
		}
	}
	return n
}

// program has a secret; see withKey.
func (w *world) program() nightly.Program {
	return nightly.Program{ID: "app-x", Secret: "s", Now: w.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Pause: func(_ context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waited = append(w.waited, d)
			return nil
		}}
}

func withKey(t *testing.T, p nightly.Program) nightly.Program {
	t.Helper()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	p.Key, p.Secret = &key, ""
	return p
}

func (w *world) url() string { return w.srv.URL + "/mcp" }
