package mcp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

const base = "http://localhost:8080"

var (
	everything = []string{rbac.PetProfileRead, rbac.PetProfileWrite, rbac.AppointmentRead, rbac.AppointmentWrite, rbac.ReminderRead, rbac.ReminderWrite}
	ownerScope = []string{rbac.PetProfileRead, rbac.AppointmentRead, rbac.AppointmentWrite, rbac.ReminderRead, rbac.ReminderWrite}
)

// world is a server with its keys, its clinic and a client's view of it.
type world struct {
	t       testing.TB
	clock   *storetest.Clock
	keyring *token.Keyring
	store   store.Store
	handler http.Handler
	url     string // of the server: not its public name, as behind a proxy
	down    bool
}

func newWorld(t testing.TB, change ...func(*mcp.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: storetest.NewClock()}
	db := storetest.Open(t, w.clock.Now)
	keys := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down {
			http.Error(rw, "down", http.StatusBadGateway)
			return
		}
		jwks, err := token.Published(r.Context(), store.Restrict(db, token.PublicPartitions...))
		if err != nil {
			t.Error(err)
		}
		rw.Write(jwks)
	}))
	t.Cleanup(keys.Close)
	w.store = db
	w.keyring = token.NewKeyring(base, db, w.clock.Now, rand.Reader)
	w.seedRoles(directory.New(db, base, true, w.clock.Now))
	if err := clinic.Seed(t.Context(), db, seed.Files, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	// From here on as in the cloud: the policy and the clinic, no identity.
	narrow := store.Restrict(db, slices.Concat(directory.PolicyPartitions, clinic.Partitions, []string{"mcp-secret/", "mcp-dpop/"})...)
	lib, err := knowledge.Load(seed.Files)
	if err != nil {
		t.Fatal(err)
	}
	c, err := clinic.New(clinic.Config{Store: narrow, Files: seed.Files, Now: w.clock.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	config := mcp.Config{
		BaseURL: base, AllowedOrigins: []string{"https://host.example"}, Clinic: c, Knowledge: lib, Now: w.clock.Now,
		Verifier: token.NewVerifier(base, []string{base + "/mcp", mcp.Identifier}, token.RemoteKeys(keys.URL, keys.Client(), w.clock.Now), w.clock.Now),
		Proofs:   dpop.NewChecker(narrow, "mcp-dpop/", "mcp-secret/dpop", w.clock.Now, rand.Reader),
		Roles:    directory.New(narrow, base, true, w.clock.Now),
		Secret:   secret.At(narrow, rand.Reader, "mcp-secret/questions"),
		Rate:     1e6,
		Log:      slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	for _, f := range change {
		f(&config)
	}
	handler, err := mcp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	w.handler = handler
	server := httptest.NewServer(web.Observe(config.Log, handler))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// seedRoles writes the roles of seed/policy.json, and no people: their password hashes would take most of the tests' time.
func (w *world) seedRoles(d *directory.Directory) {
	var policy struct{ Roles []directory.Role }
	raw, err := seed.Files.ReadFile("policy.json")
	if err == nil {
		err = json.Unmarshal(raw, &policy)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range policy.Roles {
		if err := d.PutRole(w.t.Context(), r, store.Always()); err != nil {
			w.t.Fatal(err)
		}
	}
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

// grant is what the tests' tokens say, to be varied.
func grant(user string, roles []string, scopes ...string) token.Grant {
	return token.Grant{ID: rand.Text(), Subject: user, ClientID: "vet-assist-ai", Audience: []string{base + "/mcp", mcp.Identifier}, Roles: roles, Scopes: scopes}
}

func bob(scopes ...string) token.Grant { return grant("user-bob", []string{"Pet Owner"}, scopes...) }
func alice(scopes ...string) token.Grant {
	return grant("user-alice", []string{"Pet Owner"}, scopes...)
}
func carol(scopes ...string) token.Grant {
	return grant("user-carol", []string{"Vet Staff"}, scopes...)
}

func (w *world) mint(g token.Grant) string {
	w.t.Helper()
	raw, _, err := w.keyring.Mint(w.t.Context(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%d: not JSON: %s", a.status, a.body)
	}
	return m
}

// send makes one raw request. Headers come as "Name: value".
func (w *world) send(method, path, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch name {
		case "Host":
			req.Host = value
		case "Content-Type", "Accept":
			req.Header.Set(name, value)
		default:
			req.Header.Add(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

func call(tool, args string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + `}}`
}

func (w *world) post(raw, body string, headers ...string) answer {
	w.t.Helper()
	return w.send("POST", "/mcp", body, append([]string{"Authorization: Bearer " + raw}, headers...)...)
}

type bearerTransport struct{ raw string }

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.raw)
	return http.DefaultTransport.RoundTrip(r)
}

// connect is the official client with a token.
func (w *world) connect(g token.Grant) *sdk.ClientSession {
	w.t.Helper()
	transport := &sdk.StreamableClientTransport{Endpoint: w.url + "/mcp", HTTPClient: &http.Client{Transport: bearerTransport{w.mint(g)}}, DisableStandaloneSSE: true, MaxRetries: -1}
	s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(w.t.Context(), transport, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	return s
}

// outcome is a tool's result as a host sees it.
type outcome struct {
	isError bool
	text    string
	data    map[string]any
}

func (o outcome) code() string {
	s, _ := o.data["error"].(string)
	return s
}

func use(t *testing.T, s *sdk.ClientSession, tool string, args map[string]any) outcome {
	t.Helper()
	res, err := s.CallTool(context.WithoutCancel(t.Context()), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s(%v): %v", tool, args, err)
	}
	o := outcome{isError: res.IsError, text: res.Content[0].(*sdk.TextContent).Text}
	o.data, _ = res.StructuredContent.(map[string]any)
	if o.text == "" || o.data == nil {
		t.Errorf("%s(%v): a result has text and structure: %+v", tool, args, res)
	}
	return o
}

// golden compares with a file, or writes it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed; if that is meant, run go test ./functions/mcp -update\n%s", name, got)
	}
}

func indent(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func in(d time.Duration, w *world) string { return w.clock.Now().Add(d).Format(time.DateOnly) }
