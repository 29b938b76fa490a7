package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/web"
)

// world is everything around the app: an authorization server and an MCP server that check what they get, a store, a clock.
type world struct {
	t     *testing.T
	app   *httptest.Server // replaced by restart
	other *httptest.Server // authorization server and MCP server
	store *spyStore

	mu        sync.Mutex
	time      time.Time
	grants    map[string]grant    // by code
	refreshes map[string][]string // refresh token to its scopes; absent: used or revoked
	access    map[string]access
	calls     []string     // of the MCP server: methods, and names of tools
	forms     []url.Values // of the token endpoint
	revoked   []string
	authorize []url.Values
	known     []string // clients, where unset asks
	client    string   // as which the app must come
	servers   []string // authorization_servers; by default other
	answered  []string // hosts at which the token endpoint was asked
	registers []map[string]any
	secrets   []string // every token, code, verifier that ever was

	// What a test may change.
	decide     func(q url.Values) (scopes []string, answer url.Values) // at the consent page
	metadata   func(m map[string]any)
	idToken    func(nonce string) string                               // what the token endpoint says of the person; empty: nothing
	keys       string                                                  // the JWKS
	onToken    func(w http.ResponseWriter, form url.Values) bool       // true: answered
	mcp        func(w http.ResponseWriter, r *http.Request) bool       // true: answered
	tool       func(*mcp.CallToolRequest) (*mcp.CallToolResult, error) // nil, nil: as always
	revokeDown bool                                                    // the revocation endpoint
	onRegister func(w http.ResponseWriter) bool                        // true: answered
	header     string                                                  // name of the challenge's header; "-" for none
	ttl        time.Duration                                           // of access tokens
}

type grant struct {
	challenge, redirect, resource string
	nonce                         string
	scopes                        []string
}

type access struct {
	scopes []string
	until  time.Time
}

// spyStore keeps every byte that was ever written.
type spyStore struct {
	store.Store
	mu      sync.Mutex
	written bytes.Buffer
}

func (s *spyStore) Write(ctx context.Context, ops ...store.Op) error {
	s.mu.Lock()
	for _, op := range ops {
		s.written.WriteString(op.Item.Partition + op.Item.Sort)
		s.written.Write(op.Item.Body)
	}
	s.mu.Unlock()
	return s.Store.Write(ctx, ops...)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), grants: map[string]grant{},
		refreshes: map[string][]string{}, access: map[string]access{}, header: "WWW-Authenticate", ttl: 10 * time.Minute, client: "vet-assist-ai"}
	w.store = &spyStore{Store: storetest.Open(t, w.now)}
	w.other = httptest.NewServer(w.otherRoutes())
	t.Cleanup(w.other.Close)
	w.app = w.start(nil)
	return w
}

// start runs an app over the world; a second one is a second process over the same store.
func (w *world) start(edit func(*Config)) *httptest.Server {
	var handler http.Handler
	srv := httptest.NewServer(web.Observe(slog.New(slog.DiscardHandler), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) })))
	w.t.Cleanup(srv.Close)
	cfg := Config{BaseURL: srv.URL, MCPURL: w.other.URL + "/mcp", ClientID: "vet-assist-ai", Store: w.store, Assistant: script{}, Now: w.now, Rand: rand.Reader,
		HTTP: &http.Client{Timeout: 5 * time.Second}, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&cfg)
	}
	var err error
	if handler, err = New(cfg); err != nil {
		w.t.Fatal(err)
	}
	return srv
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

func (w *world) secret() string {
	s := "secret-" + rand.Text()
	w.secrets = append(w.secrets, s)
	return s
}

func (w *world) otherRoutes() http.Handler {
	mux := http.NewServeMux()
	doc := func(rw http.ResponseWriter, v any) {
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", func(rw http.ResponseWriter, _ *http.Request) {
		doc(rw, map[string]any{"resource": w.other.URL + "/mcp", "authorization_servers": w.named(), "resource_name": "Test Clinic",
			"scopes_supported": []string{"pet-profile:read", "appointment:write"}})
	})
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(rw http.ResponseWriter, r *http.Request) {
		here := "http://" + r.Host // there may be more than one
		m := map[string]any{"issuer": here, "authorization_endpoint": here + "/authorize", "token_endpoint": here + "/token",
			"revocation_endpoint": here + "/revoke", "response_types_supported": []string{"code"},
			"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true}
		if w.metadata != nil {
			w.metadata(m)
		}
		doc(rw, m)
	})
	mux.HandleFunc("GET /keys", func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		io.WriteString(rw, w.keys)
	})
	mux.HandleFunc("POST /register", w.registrationEndpoint)
	mux.HandleFunc("GET /authorize", w.authorizeEndpoint)
	mux.HandleFunc("POST /token", w.tokenEndpoint)
	mux.HandleFunc("POST /revoke", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.revokeDown {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		delete(w.refreshes, r.FormValue("token"))
		w.revoked = append(w.revoked, r.FormValue("token"))
	})
	mux.Handle("/mcp", w.mcpEndpoint())
	return mux
}

func (w *world) named() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.servers == nil {
		return []string{w.other.URL}
	}
	return w.servers
}

// registrationEndpoint gives every application an id of its own, and a secret if it wants one (RFC 7591 §3).
func (w *world) registrationEndpoint(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var m map[string]any
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get("Content-Type") != "application/json" {
		w.t.Errorf("registration: %v %v", r.Header, err)
	}
	w.registers = append(w.registers, m)
	if w.onRegister != nil && w.onRegister(rw) {
		return
	}
	w.client = fmt.Sprintf("registered-%d", len(w.registers))
	m["client_id"] = w.client
	if m["token_endpoint_auth_method"] != "none" {
		m["client_secret"] = "s:" + w.client
		m["client_secret_expires_at"] = w.time.Add(24 * time.Hour).Unix()
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusCreated)
	json.NewEncoder(rw).Encode(m)
}

// authorizeEndpoint is a person who agrees at once, unless decide says otherwise.
func (w *world) authorizeEndpoint(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := r.URL.Query()
	w.authorize = append(w.authorize, q)
	for name, want := range map[string]string{"response_type": "code", "client_id": w.client, "code_challenge_method": "S256", "resource": w.other.URL + "/mcp"} {
		if q.Get(name) != want {
			w.t.Errorf("authorize: %s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 22 {
		w.t.Errorf("authorize: weak code_challenge or state: %v", q)
	}
	scopes, answer := strings.Fields(q.Get("scope")), url.Values{}
	if w.decide != nil {
		scopes, answer = w.decide(q)
	}
	if answer == nil {
		answer = url.Values{}
	}
	if !answer.Has("iss") {
		answer.Set("iss", "http://"+r.Host)
	}
	if answer.Get("iss") == "-" {
		answer.Del("iss")
	}
	if !answer.Has("error") {
		code := w.secret()
		w.grants[code] = grant{q.Get("code_challenge"), q.Get("redirect_uri"), q.Get("resource"), q.Get("nonce"), scopes}
		answer.Set("code", code)
	}
	answer.Set("state", q.Get("state"))
	http.Redirect(rw, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func (w *world) tokenEndpoint(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	if id, secret, ok := r.BasicAuth(); ok {
		r.PostForm.Set("client_id", id)
		r.PostForm.Set("basic", secret)
	}
	w.forms, w.answered = append(w.forms, r.PostForm), append(w.answered, r.Host)
	hook := w.onToken
	w.mu.Unlock()
	if hook != nil && hook(rw, r.PostForm) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	refuse := func(code string) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(rw).Encode(map[string]string{"error": code})
	}
	f := r.PostForm
	if f.Get("resource") != w.other.URL+"/mcp" || f.Get("client_id") != w.client {
		refuse("invalid_target")
		return
	}
	var scopes []string
	var nonce string
	switch f.Get("grant_type") {
	case "authorization_code":
		g, ok := w.grants[f.Get("code")]
		delete(w.grants, f.Get("code"))
		w.secrets = append(w.secrets, f.Get("code_verifier"))
		sum := sha256.Sum256([]byte(f.Get("code_verifier")))
		if !ok || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) || g.redirect != f.Get("redirect_uri") || g.resource != f.Get("resource") {
			refuse("invalid_grant")
			return
		}
		scopes, nonce = g.scopes, g.nonce
	case "refresh_token":
		var ok bool
		if scopes, ok = w.refreshes[f.Get("refresh_token")]; !ok {
			clear(w.refreshes) // reuse: everything ends
			refuse("invalid_grant")
			return
		}
		delete(w.refreshes, f.Get("refresh_token"))
	default:
		refuse("unsupported_grant_type")
		return
	}
	token, refresh := w.secret(), w.secret()
	w.access[token] = access{scopes, w.time.Add(w.ttl)}
	w.refreshes[refresh] = scopes
	rw.Header().Set("Content-Type", "application/json")
	answer := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(w.ttl.Seconds()),
		"refresh_token": refresh, "scope": strings.Join(scopes, " ")}
	if w.idToken != nil {
		answer["id_token"] = w.idToken(nonce)
	}
	json.NewEncoder(rw).Encode(answer)
}

// toolScopes are the tools of the test's MCP server.
var toolScopes = map[string]string{"get_pet_vaccination_info": "pet-profile:read", "book_vet_appointment": "appointment:write", "set_reminder": "reminder:write", "update_pet": "", "search": ""}

func (w *world) mcpEndpoint() http.Handler {
	srv := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	for name, scope := range toolScopes {
		srv.AddTool(&mcp.Tool{Name: name, Title: "Title of " + name, InputSchema: json.RawMessage(`{"type":"object"}`), Meta: mcp.Meta{scopeMetaKey: scope}},
			func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				if w.tool != nil {
					if res, err := w.tool(req); res != nil || err != nil {
						return res, err
					}
				}
				if name == "update_pet" {
					return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "The role Pet Owner cannot do this."}},
						StructuredContent: map[string]any{"error": "role_forbidden"}}, nil
				}
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "answer of " + name}}, StructuredContent: map[string]any{"n": 1}}, nil
			})
	}
	next := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return srv }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var call struct {
			Method string
			Params struct{ Name string }
		}
		json.Unmarshal(body, &call)
		w.mu.Lock()
		name := call.Method
		if call.Params.Name != "" {
			name = call.Params.Name
		}
		w.calls = append(w.calls, name)
		held, ok := w.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		ok = ok && w.time.Before(held.until)
		hook := w.mcp
		w.mu.Unlock()
		if hook != nil && hook(rw, r) {
			return
		}
		scope := toolScopes[call.Params.Name]
		switch {
		case !ok:
			w.challenge(rw, http.StatusUnauthorized, `scope="pet-profile:read"`)
		case scope != "" && !slices.Contains(held.scopes, scope):
			w.challenge(rw, http.StatusForbidden, `error="insufficient_scope", error_description="Booking needs a permission.", scope="`+scope+`"`)
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

func (w *world) challenge(rw http.ResponseWriter, status int, params string) {
	rw.Header().Set("Content-Type", "application/json")
	if w.header != "-" {
		rw.Header().Set(w.header, `Bearer resource_metadata="`+w.other.URL+`/.well-known/oauth-protected-resource/mcp", `+params)
	}
	rw.WriteHeader(status)
	if status == http.StatusUnauthorized && w.header == "-" {
		io.WriteString(rw, `{"error":"unauthorized","scope":"pet-profile:read"}`)
	}
	if status == http.StatusForbidden {
		io.WriteString(rw, `{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no","data":{"error":"insufficient_scope","scope":"appointment:write"}},"scope":"appointment:write"}`)
	}
}
