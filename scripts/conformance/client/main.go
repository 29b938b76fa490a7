// Command client is the chat app's own MCP and OAuth client as the official conformance suite wants one: a program that is given the
// URL of an MCP server. It starts the whole app, as functions/app/lambda does, over a store in memory, and is the person in front of it:
// it sends messages, follows the authorization URL to the suite's authorization server and back to the callback, and clicks on what the
// page offers. Nothing here speaks MCP or OAuth.
//
// Where the suite has nobody in front of it (client credentials), it is the client of the clinic's nightly job that is judged; see
// machine.go.
//
// In place of the assistant stands one that calls the tools that the server lists, one after the other: the suite's servers are no clinic.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

const (
	limit     = 25 * time.Second // below that of the suite
	maxClicks = 10
	maxPage   = 4 << 20

	// published is where the suite takes our metadata document to be (its CIMD_CLIENT_METADATA_URL). Nobody reads it there.
	published = "https://conformance-test.local/client-metadata.json"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := run(ctx, os.Args[len(os.Args)-1], os.Getenv("MCP_CONFORMANCE_CONTEXT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// known is what the suite tells of a scenario.
type known struct {
	Name         string `json:"name"`
	Key          string `json:"private_key_pem"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	ToolCalls    []call `json:"toolCalls"`
}

func run(ctx context.Context, server, about string) error {
	var k known
	if err := json.Unmarshal([]byte(cmp.Or(about, "{}")), &k); err != nil {
		return fmt.Errorf("MCP_CONFORMANCE_CONTEXT: %w", err)
	}
	if strings.HasPrefix(k.Name, "auth/client-credentials-") {
		return machine(ctx, server, k)
	}
	if done, err := federated(ctx, server, about); done || err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, ":memory:", time.Now)
	if err != nil {
		return err
	}
	defer db.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	plan := &plan{calls: k.ToolCalls}
	cfg := app.Config{
		BaseURL: "http://localhost:" + port, MCPURL: server, ClientID: config.AppClientAuto, Document: published, Store: db,
		HTTP: &http.Client{Timeout: limit}, Outside: &http.Client{Transport: thisMachine{}}, Assistant: plan,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if k.ClientID != "" { // whoever registered us knows where
		cfg.ClientID, cfg.Secret = k.ClientID, k.ClientSecret
		if cfg.Issuer, err = registeredAt(ctx, server); err != nil {
			return err
		}
	}
	handler, err := app.New(cfg)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: limit}
	go srv.Serve(listener)
	defer srv.Close()
	return (&person{base: cfg.BaseURL}).use(ctx, plan)
}

// thisMachine is the suite's world: its authorization servers are on other ports of this machine, where an app that is deployed
// would not look.
type thisMachine struct{}

func (thisMachine) RoundTrip(r *http.Request) (*http.Response, error) {
	if !config.IsLoopback(r.URL.Hostname()) {
		return nil, fmt.Errorf("%s is not on this machine", r.URL.Host)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// registeredAt is the issuer that an operator would have noted with the client id. The suite tells only the id.
func registeredAt(ctx context.Context, server string) (string, error) {
	origin, path, _ := strings.Cut(strings.TrimPrefix(server, "http://"), "/")
	body, err := (&person{}).get(ctx, "http://"+origin+"/.well-known/oauth-protected-resource/"+path)
	if err != nil {
		return "", err
	}
	var m struct {
		Servers []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal(body, &m); err != nil || len(m.Servers) != 1 {
		return "", fmt.Errorf("no authorization server: %w", err)
	}
	return m.Servers[0], nil
}

// person sits in front of the app with a browser.
type person struct {
	http.Client
	base string
}

var button = regexp.MustCompile(`href="(/connect\?for=[^"]+)"`)

// use has a conversation until every tool was called, says yes whenever it is asked, and sends a form as it stands. What did not work
// is an error.
func (p *person) use(ctx context.Context, plan *plan) (err error) {
	if p.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	clicks := 0
	for !plan.over() {
		answer, err := p.say(ctx, "Call the next tools")
		if err != nil {
			return err
		}
		for to := answer.AuthorizeURL; to != ""; clicks++ {
			if clicks == maxClicks {
				return fmt.Errorf("asked %d times to connect", clicks)
			}
			page, err := p.get(ctx, to)
			if err != nil {
				return err
			}
			to = ""
			if m := button.FindSubmatch(page); m != nil {
				to = p.base + strings.ReplaceAll(string(m[1]), "&amp;", "&")
			}
		}
		if err := p.fillIn(ctx); err != nil {
			return err
		}
		if !plan.began() {
			return fmt.Errorf("it ended before a tool could be called: %s", answer.Reply)
		}
	}
	return plan.failure()
}

type answer struct {
	Reply        string `json:"reply"`
	AuthorizeURL string `json:"authorize_url"`
}

func (p *person) say(ctx context.Context, message string) (a answer, err error) {
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/chat", strings.NewReader(string(body)))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	if body, err = p.do(r); err == nil {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}

// get opens an address and goes wherever it leads, as a browser does.
func (p *person) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return p.do(r)
}

func (p *person) do(r *http.Request) ([]byte, error) {
	resp, err := p.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s\n%s", r.Method, r.URL, resp.Status, body)
	}
	return body, err
}
