// Command mcp-go is a host on mark3labs/mcp-go, with its own means of authorization. Start it with scripts/clients/run.
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

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

var server, redirect, issuer = os.Getenv("MCP_URL"), os.Getenv("REDIRECT"), os.Getenv("ISSUER")

// host is one connection, with a person who logs in.
type host struct {
	config   client.OAuthConfig
	store    *client.MemoryTokenStore
	handler  *transport.OAuthHandler
	revision string
	logins   int
	asked    url.Values // the last authorization request
}

func newHost(id string, scopes ...string) *host {
	h := &host{store: client.NewMemoryTokenStore()}
	h.config = client.OAuthConfig{ClientID: id, RedirectURI: redirect, Scopes: scopes, TokenStore: h.store, PKCEEnabled: true}
	return h
}

func (h *host) connect(ctx context.Context) (*client.Client, error) {
	c, err := client.NewOAuthStreamableHttpClient(server, h.config)
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	request := mcp.InitializeRequest{}
	request.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	request.Params.ClientInfo = mcp.Implementation{Name: "mcp-go", Version: "1"}
	_, err = c.Initialize(ctx, request)
	if client.IsOAuthAuthorizationRequiredError(err) {
		if err := h.login(ctx, client.GetOAuthHandler(err)); err != nil {
			return nil, err
		}
		_, err = c.Initialize(ctx, request)
	}
	h.revision = c.ProtocolVersion()
	return c, err
}

// login is what the library's example of an OAuth client does.
func (h *host) login(ctx context.Context, handler *transport.OAuthHandler) error {
	h.handler = handler
	h.logins++
	verifier, err := client.GenerateCodeVerifier()
	if err != nil {
		return err
	}
	state, err := client.GenerateState()
	if err != nil {
		return err
	}
	if handler.GetClientID() == "" {
		if err := handler.RegisterClient(ctx, "mcp-go"); err != nil {
			return err
		}
	}
	address, err := handler.GetAuthorizationURL(ctx, state, client.GenerateCodeChallenge(verifier))
	if err != nil {
		return err
	}
	asked, err := url.Parse(address)
	if err != nil {
		return err
	}
	h.asked = asked.Query()
	out, err := exec.CommandContext(ctx, os.Getenv("BROWSER"), "-print", address).Output()
	if err != nil {
		return err
	}
	back, err := url.Parse(strings.TrimSpace(string(out)))
	if err != nil {
		return err
	}
	return handler.ProcessAuthorizationResponse(ctx, back.Query().Get("code"), back.Query().Get("state"), verifier)
}

func (h *host) call(ctx context.Context, tool string, arguments map[string]any) (string, error) {
	c, err := h.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	request := mcp.CallToolRequest{}
	request.Params.Name, request.Params.Arguments = tool, arguments
	result, err := c.CallTool(ctx, request)
	if err != nil {
		return "", err
	}
	text, ok := result.Content[0].(mcp.TextContent)
	if !ok || result.IsError {
		return "", fmt.Errorf("the tool says: %+v", result.Content)
	}
	return text.Text, nil
}

func (h *host) ask(ctx context.Context) (string, error) {
	return h.call(ctx, "get_pet_vaccination_info", map[string]any{"pet": "Fido"})
}

func (h *host) loggedInAs(id string) error {
	if got := h.asked.Get("client_id"); h.logins != 1 || got != id {
		return fmt.Errorf("%d logins, the client_id is %s", h.logins, got)
	}
	return nil
}

func main() {
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(os.Getenv("REGISTERED")), &registered); err != nil {
		fmt.Fprintln(os.Stderr, "REGISTERED:", err)
		os.Exit(1)
	}
	const read, write = "pet-profile:read", "appointment:write"
	h := newHost(registered.ID, read)

	attempt("pre-registered", func(ctx context.Context) (string, error) {
		_, err := h.ask(ctx)
		return "", cmp.Or(err, h.loggedInAs(registered.ID))
	})
	attempt("discovery", func(ctx context.Context) (string, error) {
		if h.handler == nil {
			return "", errors.New("it did not get so far")
		}
		m, err := h.handler.GetServerMetadata(ctx)
		if err == nil && m.Issuer != issuer {
			err = fmt.Errorf("it found %s", m.Issuer)
		}
		return "", err
	})
	attempt("document", func(ctx context.Context) (string, error) { // which is, to this library, a client_id as any other
		h := newHost(os.Getenv("CLIENT_DOCUMENT"), read)
		_, err := h.ask(ctx)
		return "", cmp.Or(err, h.loggedInAs(os.Getenv("CLIENT_DOCUMENT")))
	})
	attempt("dynamic", func(ctx context.Context) (string, error) {
		h := newHost("", read)
		_, err := h.ask(ctx)
		return "client_id " + h.asked.Get("client_id"), err
	})
	// ProcessAuthorizationResponse takes the code and the state, and nothing else of the answer.
	var _ func(*transport.OAuthHandler, context.Context, string, string, string) error = (*transport.OAuthHandler).ProcessAuthorizationResponse
	fmt.Println("iss lacks ProcessAuthorizationResponse takes the code and the state alone")

	attempt("tool", func(ctx context.Context) (string, error) {
		text, err := h.ask(ctx)
		return h.revision + ": " + text, err
	})
	book := func(ctx context.Context, h *host) error {
		_, err := h.call(ctx, "book_vet_appointment", map[string]any{"pet": "Fido", "date": os.Getenv("BOOKING_DATE"), "time": "10:00"})
		return err
	}
	// A 403 is an error to the library like any other; a host that reads it can log in once more, with more scopes.
	attempt("step-up", func(ctx context.Context) (string, error) {
		err := book(ctx, h)
		if err == nil || !strings.Contains(err.Error(), write) {
			return "", fmt.Errorf("it does something else at a 403 now: %w", err)
		}
		wider := newHost(registered.ID, read, write)
		if err := book(ctx, wider); err != nil {
			return "", err
		}
		return "", lacking("a 403 is an error like any other; a host that reads it can log in anew, with more scopes")
	})
	attempt("refresh", func(ctx context.Context) (string, error) {
		before, err := h.store.GetToken(ctx)
		if err != nil {
			return "", err
		}
		old := *before
		old.ExpiresAt = time.Now().Add(-time.Minute)
		if err := h.store.SaveToken(ctx, &old); err != nil {
			return "", err
		}
		logins := h.logins
		if _, err := h.ask(ctx); err != nil {
			return "", err
		}
		after, err := h.store.GetToken(ctx)
		if err == nil && (h.logins != logins || after.AccessToken == old.AccessToken || after.RefreshToken == old.RefreshToken) {
			err = errors.New("it asked for a login, or the tokens are the same")
		}
		return "", err
	})
	attempt("revocation", func(context.Context) (string, error) {
		for m := range reflect.TypeFor[*transport.OAuthHandler]().Methods() {
			if strings.Contains(strings.ToLower(m.Name), "revo") {
				return "", errors.New("it can revoke now: " + m.Name)
			}
		}
		return "", lacking("no call for it")
	})
}

// lacking is why a client cannot do a step.
type lacking string

func (l lacking) Error() string { return string(l) }

// attempt does one step and says how it went.
func attempt(step string, work func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	result := "ok"
	detail, err := work(ctx)
	if lacks := lacking(""); errors.As(err, &lacks) {
		result, detail = "lacks", string(lacks)
	} else if err != nil {
		result, detail = "FAILED", err.Error()
	}
	fmt.Printf("%s %s %.300s\n", step, result, strings.Join(strings.Fields(detail), " "))
}
