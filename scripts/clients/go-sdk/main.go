// Command go-sdk is a host on modelcontextprotocol/go-sdk, with the SDK's own client and its own handler of authorization, and with
// revision 2026-07-28 pinned. Start it with scripts/clients/run.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

const revision = "2026-07-28"

var server, redirect, issuer = os.Getenv("MCP_URL"), os.Getenv("REDIRECT"), os.Getenv("ISSUER")

// host is one connection, with a person who logs in.
type host struct {
	config  auth.AuthorizationCodeHandlerConfig
	handler *auth.AuthorizationCodeHandler
	lie     string // another issuer, for the answer of the authorization server
	logins  int
	asked   url.Values // the last authorization request
	tokens  *tokens
}

func newHost() *host {
	h := &host{tokens: &tokens{}}
	h.config = auth.AuthorizationCodeHandlerConfig{RedirectURL: redirect, RequestRefreshToken: true, AuthorizationCodeFetcher: h.login, NewTokenSource: h.tokens.take}
	return h
}

func (h *host) login(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	h.logins++
	asked, err := url.Parse(args.URL)
	if err != nil {
		return nil, err
	}
	h.asked = asked.Query()
	out, err := exec.CommandContext(ctx, os.Getenv("BROWSER"), "-print", args.URL).Output()
	if err != nil {
		return nil, err
	}
	back, err := url.Parse(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err
	}
	q := back.Query()
	return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: cmp.Or(h.lie, q.Get("iss"))}, nil
}

func (h *host) connect(ctx context.Context) (*mcp.ClientSession, error) {
	var err error
	if h.handler == nil {
		if h.handler, err = auth.NewAuthorizationCodeHandler(&h.config); err != nil {
			return nil, err
		}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	return client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: server, OAuthHandler: h.handler, DisableStandaloneSSE: true, MaxRetries: -1},
		&mcp.ClientSessionOptions{ProtocolVersion: revision})
}

func (h *host) call(ctx context.Context, tool string, arguments map[string]any) (string, error) {
	session, err := h.connect(ctx)
	if err != nil {
		return "", err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return "", err
	}
	text, _ := result.Content[0].(*mcp.TextContent)
	if text == nil || result.IsError {
		return "", fmt.Errorf("the tool says: %+v", result.Content)
	}
	return text.Text, nil
}

func (h *host) ask(ctx context.Context) (string, error) {
	return h.call(ctx, "get_pet_vaccination_info", map[string]any{"pet": "Fido"})
}

// tokens is the SDK's usual source of tokens, with a way to let the access token expire.
type tokens struct {
	oauth2.TokenSource
	expire func() oauth2.TokenSource
}

func (t *tokens) take(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
	t.TokenSource = c.TokenSource(ctx, token)
	t.expire = func() oauth2.TokenSource {
		old := *token
		old.Expiry = time.Now().Add(-time.Minute)
		return c.TokenSource(ctx, &old)
	}
	return t, nil
}

func main() {
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(os.Getenv("REGISTERED")), &registered); err != nil {
		fmt.Fprintln(os.Stderr, "REGISTERED:", err)
		os.Exit(1)
	}
	preregistered := &oauthex.ClientCredentials{ClientID: registered.ID, Issuer: issuer}
	h := newHost()
	h.config.PreregisteredClient = preregistered

	attempt("discovery", func(ctx context.Context) (string, error) {
		resource, err := oauthex.GetProtectedResourceMetadata(ctx, strings.Replace(server, "/mcp", "/.well-known/oauth-protected-resource/mcp", 1), server, nil)
		if err != nil {
			return "", err
		}
		m, err := auth.GetAuthServerMetadata(ctx, resource.AuthorizationServers[0], nil)
		if err == nil && m.Issuer != issuer {
			err = fmt.Errorf("it found %s", m.Issuer)
		}
		return "", err
	})
	attempt("pre-registered", func(ctx context.Context) (string, error) {
		_, err := h.ask(ctx)
		return "", cmp.Or(err, h.loggedInAs(registered.ID))
	})
	attempt("document", func(ctx context.Context) (string, error) {
		h := newHost()
		h.config.ClientIDMetadataDocumentConfig = &auth.ClientIDMetadataDocumentConfig{URL: os.Getenv("CLIENT_DOCUMENT")}
		_, err := h.ask(ctx)
		return "", cmp.Or(err, h.loggedInAs(os.Getenv("CLIENT_DOCUMENT")))
	})
	attempt("dynamic", func(ctx context.Context) (string, error) {
		h := newHost()
		h.config.DynamicClientRegistrationConfig = &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName: "go-sdk", RedirectURIs: []string{redirect}, TokenEndpointAuthMethod: "none", GrantTypes: []string{"authorization_code", "refresh_token"},
		}}
		_, err := h.ask(ctx)
		return "client_id " + h.asked.Get("client_id"), err
	})
	attempt("iss", func(ctx context.Context) (string, error) {
		h := newHost()
		h.config.PreregisteredClient = preregistered
		h.lie = "https://attacker.example"
		_, err := h.ask(ctx)
		if err == nil || !strings.Contains(err.Error(), h.lie) {
			return "", fmt.Errorf("it did not notice another issuer: %w", err)
		}
		return "", nil
	})
	attempt("tool", func(ctx context.Context) (string, error) {
		text, err := h.ask(ctx)
		return revision + ": " + text, err
	})
	attempt("step-up", func(ctx context.Context) (string, error) {
		before := h.logins
		if _, err := h.call(ctx, "book_vet_appointment", map[string]any{"pet": "Fido", "date": os.Getenv("BOOKING_DATE"), "time": "10:00"}); err != nil {
			return "", err
		}
		if _, err := h.ask(ctx); err != nil { // and what it could before, it can still
			return "", err
		}
		if h.logins != before+1 {
			return "", fmt.Errorf("it logged in %d times", h.logins-before)
		}
		return h.asked.Get("scope"), nil
	})
	attempt("refresh", func(ctx context.Context) (string, error) {
		if h.tokens.expire == nil {
			return "", errors.New("there is no token")
		}
		logins := h.logins
		before, err := h.tokens.Token()
		if err != nil {
			return "", err
		}
		h.tokens.TokenSource = h.tokens.expire()
		if _, err := h.ask(ctx); err != nil {
			return "", err
		}
		after, err := h.tokens.Token()
		if err == nil && (h.logins != logins || after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken) {
			err = errors.New("it asked for a login, or the tokens are the same")
		}
		return "", err
	})
	for m := range reflect.TypeFor[*auth.AuthorizationCodeHandler]().Methods() {
		if strings.Contains(strings.ToLower(m.Name), "revo") {
			fmt.Println("revocation FAILED it can revoke now:", m.Name)
			return
		}
	}
	fmt.Println("revocation lacks no call for it")
}

func (h *host) loggedInAs(id string) error {
	if got := h.asked.Get("client_id"); h.logins != 1 || got != id {
		return fmt.Errorf("%d logins, the client_id is %s", h.logins, got)
	}
	return nil
}

// attempt does one step and says how it went.
func attempt(step string, work func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	result := "ok"
	detail, err := work(ctx)
	if err != nil {
		result, detail = "FAILED", err.Error()
	}
	fmt.Printf("%s %s %.300s\n", step, result, strings.Join(strings.Fields(detail), " "))
}
