package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// server is a running server, and what it is asked.
type server struct {
	*process
	name string
	jobs map[string]job // by row
}

// job is what the load program reads; see there.
type job struct {
	Mode        string    `json:"mode"`
	Addr        string    `json:"addr"`
	Connections int       `json:"connections"`
	Seconds     float64   `json:"seconds"`
	Requests    []request `json:"requests,omitempty"`
	Want        string    `json:"want,omitempty"`
	Flow        flow      `json:"flow,omitzero"`
}

type request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

type flow struct {
	Authorize string            `json:"authorize"`
	Token     string            `json:"token"`
	Client    string            `json:"client"`
	Redirect  string            `json:"redirect"`
	Scope     string            `json:"scope"`
	Resource  string            `json:"resource,omitempty"`
	Cookies   []string          `json:"cookies,omitempty"`
	Login     string            `json:"login,omitempty"`
	LoginID   string            `json:"login_id,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
}

const (
	openID   = "/.well-known/openid-configuration"
	redirect = "http://127.0.0.1:9999/cb" // nobody listens there, and nobody has to
)

func get(path, want string) job {
	return job{Requests: []request{{Method: "GET", Path: path}}, Want: want}
}

// credentials asks for a token for the client itself (RFC 6749 §4.4), with HTTP Basic (§2.3.1).
func credentials(path, id, secret, more string) job {
	return job{Want: `"access_token":"ey`, Requests: []request{{"POST", path, map[string]string{"Content-Type": "application/x-www-form-urlencoded",
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}, "grant_type=client_credentials" + more}}}
}

// call is a tool call as all SDKs send it.
func call(tool, arguments, want string, tokens ...string) job {
	j := job{Want: want}
	for _, token := range tokens {
		headers := map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
		if token != "" {
			headers["Authorization"] = "Bearer " + token
		}
		j.Requests = append(j.Requests, request{"POST", "/mcp", headers,
			fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)})
	}
	return j
}

func add(tokens ...string) job { return call("add", `{"a":40,"b":2}`, `"42"`, tokens...) }

// launch starts the server of a name, for a row.
func (b *bench) launch(ctx context.Context, row, name string) (*server, error) {
	addr, err := freeAddr("127.0.0.1")
	if err != nil {
		return nil, err
	}
	log := filepath.Join(b.tmp, strings.NewReplacer("/", "-", " ", "-").Replace(name)+".log")
	s := &server{name: name}
	run := func(ready string, args ...string) error {
		s.process, err = start(ctx, log, addr, ready, []string{"NODE_ENV=production"}, args...)
		return err
	}
	peer := func(name string) string { return filepath.Join(b.bin, name) }
	node := func(name string) string { return filepath.Join(b.node, name) }
	switch name {
	case ours:
		return b.launchOurs(ctx, row, name, "-recorder", "off")
	case oursRecorded:
		return b.launchOurs(ctx, row, name, "-recorder", "on")
	case oursFull:
		return b.launchOurs(ctx, row, name, "-recorder", "off", "-durability", "full")
	case "net/http hello":
		s.jobs = map[string]job{"jwks": get("/", "hello"), "metadata": get("/", "hello")}
		return s, run("/", peer("hello"), addr)
	case "mcp-go":
		s.jobs = map[string]job{"tools": add("")}
		return s, run("/", peer("mcpgo"), addr)
	case "go-sdk":
		s.jobs = map[string]job{"tools": add("")}
		return s, run("/", peer("gosdk"), addr)
	case "go-sdk + ES256":
		if err := run("/token", peer("gosdk"), addr, "es256"); err != nil {
			return nil, err
		}
		token, err := read("http://" + addr + "/token")
		s.jobs = map[string]job{"tools": add(token)}
		return s, err
	case "zitadel/oidc":
		s.jobs = map[string]job{"jwks": get("/keys", `"kid"`), "metadata": get(openID, `"issuer"`), "credentials": credentials("/oauth/token", "sid1", "verysecret", "&scope=openid")}
		s.jobs["flow"] = job{Flow: flow{Authorize: "/auth", Token: "/oauth/token", Client: "native", Redirect: redirect, Scope: "openid offline_access",
			Login: "/login/username", LoginID: "authRequestID", Fields: map[string]string{"username": "test-user2", "password": "verysecure"}}}
		s.jobs["refresh"] = s.jobs["flow"]
		return s, run(openID, peer("zitadel"), addr, redirect)
	case "dex":
		config := filepath.Join(b.tmp, "dex.yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, dexConfig, addr, addr, redirect, redirect), 0o600); err != nil {
			return nil, err
		}
		s.jobs = map[string]job{"credentials": credentials("/dex/token", "machine", "secret-secret-secret", "&scope=openid")}
		s.jobs["flow"] = job{Flow: flow{Authorize: "/dex/auth", Token: "/dex/token", Client: "web", Redirect: redirect, Scope: "openid offline_access"}}
		return s, run("/dex"+openID, "dex", "serve", config)
	case "oidc-provider":
		_, port, _ := strings.Cut(addr, ":")
		s.jobs = map[string]job{"credentials": credentials("/token", "machine", "secret-secret-secret", "&scope=mcp:tools")}
		s.jobs["flow"] = job{Flow: flow{Authorize: "/auth", Token: "/token", Client: "web", Redirect: "https://client.example.com/cb", Scope: "openid mcp:tools"}}
		s.jobs["refresh"] = s.jobs["flow"]
		return s, run(openID, "node", node("oidc-provider.mjs"), port)
	case "workers-oauth-provider":
		_, port, _ := strings.Cut(addr, ":")
		if err := run("/client", "node", node("workers.mjs"), port); err != nil {
			return nil, err
		}
		client, err := read("http://" + addr + "/client")
		s.jobs = map[string]job{"flow": {Flow: flow{Authorize: "/authorize", Token: "/oauth/token", Client: client, Redirect: redirect, Scope: "mcp:tools offline_access"}}}
		return s, err
	case "TypeScript SDK":
		_, port, _ := strings.Cut(addr, ":")
		s.jobs = map[string]job{"tools": add("")}
		return s, run("/", "node", node("mcp.mjs"), port)
	}
	return nil, fmt.Errorf("there is no server %q", name)
}

// dexConfig keeps all in memory. Its person is logged in by a connector that asks nothing, and is not asked for consent.
const dexConfig = `issuer: http://%s/dex
storage: {type: memory}
web: {http: %q}
logger: {level: error}
signer: {type: local, config: {keysRotationPeriod: 6h, algorithm: ES256}}
oauth2: {skipApprovalScreen: true, grantTypes: [authorization_code, refresh_token, client_credentials], pkce: {enforce: true}}
connectors: [{type: mockCallback, id: mock, name: Mock}]
staticClients:
- {id: machine, name: Machine, secret: secret-secret-secret, redirectURIs: [%q]}
- {id: web, name: Web, public: true, redirectURIs: [%q]}
`

func read(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return string(body), err
}

const ourMetadata = "/.well-known/oauth-authorization-server"

// launchOurs starts ours three times over one file: fresh, which fills it; seeded, as every later start; and once more after it was prepared.
func (b *bench) launchOurs(ctx context.Context, row, name string, flags ...string) (*server, error) {
	addr, err := freeAddr("localhost")
	if err != nil {
		return nil, err
	}
	base, stem := "http://"+addr, filepath.Join(b.tmp, fmt.Sprint("ours-", b.next()))
	file := stem + ".db"
	args := append([]string{b.vetassist, "-addr", addr, "-db", file}, flags...)
	for _, times := range []*[]float64{&b.fresh, &b.seeded} {
		p, err := start(ctx, stem+".log", addr, ourMetadata, nil, args...)
		if err != nil {
			return nil, err
		}
		p.stop()
		*times = append(*times, milliseconds(p.took))
	}
	asksTools := row == "tools"
	known, err := prepare(ctx, file, base, asksTools)
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, stem+".log", addr, ourMetadata, nil, args...)
	if err != nil {
		return nil, err
	}
	var tokens []string
	if asksTools {
		if tokens, err = mint(ctx, file, base); err != nil {
			p.stop()
			return nil, err
		}
	}
	s := &server{process: p, name: name}
	s.jobs = map[string]job{"jwks": get("/.well-known/jwks.json", `"kid"`), "metadata": get(ourMetadata, `"issuer"`),
		"credentials": credentials("/oauth/token", known.id, known.secret, "&resource="+petServer),
		"tools":       call("get_pet", `{"pet":"Fido"}`, "Labrador", tokens...)}
	s.jobs["flow"] = job{Flow: flow{Authorize: "/oauth/authorize", Token: "/oauth/token", Client: ourClient, Redirect: base + "/callback",
		Scope: petScope, Resource: base + "/mcp", Cookies: known.cookies}}
	s.jobs["refresh"] = s.jobs["flow"]
	return s, nil
}
