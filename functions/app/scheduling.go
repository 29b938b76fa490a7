package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/store"
)

// The scheduling agent books appointments for whoever the chat asks it to. It is a client of its own: it has a key that is not the chat's,
// and does nothing with the token that it is handed but exchange it for one of its own (RFC 8693), in which both are named. Here it lives
// in the chat's process; it could as well be somewhere else, for all that passes between the two is in task.

// SchedulingAgent is its client_id, where our own demo is the authorization server.
const SchedulingAgent = "scheduling-agent"

const (
	agentPartition = "app/agent/" // + its client_id
	agentSort      = "agent"

	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
)

// scheduled are the tools that the chat leaves to the agent.
var scheduled = []string{"book_vet_appointment"}

// agent is the program. Without a record of it there is none, and the chat books by itself.
type agent struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	Key      []byte `json:"key"` // PEM
}

// AgentKeys makes the scheduling agent in a store of the chat's, unless it is there, and returns its public keys as a registration wants
// them. It is for who fills the store: the agent itself has only to read.
func AgentKeys(ctx context.Context, s store.Store) (jwks json.RawMessage, err error) {
	for range 2 {
		known, err := readAgent(ctx, s)
		if err == nil {
			key, err := clientkey.Parse(known.Key)
			return key.JWKS(), err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		made := agent{ClientID: SchedulingAgent, Name: "Scheduling Agent"}
		key, err := clientkey.New()
		if err == nil {
			made.Key, err = key.PEM()
		}
		if err == nil {
			err = s.Write(ctx, store.Put(store.Encode(agentPartition+SchedulingAgent, agentSort, made, time.Time{}), store.IfAbsent()))
		}
		if err != nil && !errors.Is(err, store.ErrConflict) { // of two that make it at once, one wins
			return nil, err
		}
	}
	return nil, errors.New("app: the scheduling agent vanished")
}

func readAgent(ctx context.Context, s store.Store) (agent, error) {
	record, err := store.Read[agent](ctx, s, agentPartition+SchedulingAgent, agentSort)
	return record.Value, err
}

// task is all that the agent is handed: a user's token, where that came from, and what to do with it.
type task struct {
	token  string
	server server
	bound  bool // the token is bound to a key of the chat's, so the agent must have one too (RFC 9449)
	scope  string
	call   assistant.Call
}

// errNotDone says that nothing was done, so whoever handed over the task may do it as well.
var errNotDone = errors.New("the agent could not begin")

// handOver lets the agent do a call that it is there for. done is false where the chat has to make it: there is nobody to hand it to, or
// nothing was done.
func (t *turn) handOver(ctx context.Context, c assistant.Call, tool assistant.Tool) (obs assistant.Observation, by string, done bool) {
	a := t.app
	handed, ok := t.mcp.task(ctx, c, tool)
	if !ok {
		return obs, "", false
	}
	who, err := readAgent(ctx, a.store)
	var res *mcp.CallToolResult
	if err == nil {
		res, err = a.do(ctx, who, handed)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return obs, "", false
	case errors.Is(err, errNotDone):
		why := ""
		if refused := (*tokenError)(nil); errors.As(err, &refused) {
			why = refused.Description
		}
		a.log.InfoContext(ctx, "the agent was not let do its task", "agent", who.ClientID, "tool", c.Name, "err", err, "why", why)
		return obs, "", false
	case err != nil: // it may have been done, so it is not tried again
		a.log.WarnContext(ctx, "an agent's tool call failed", "agent", who.ClientID, "tool", c.Name, "err", err)
		return assistant.Observation{Call: c, Outcome: assistant.Failed, Text: "The " + who.Name + " got no answer from the VetAssist server."}, "", true
	case res.IsError: // so nothing was done, and perhaps the person must be asked something, who is before the chat only
		return obs, "", false
	}
	obs = assistant.Observation{Call: c, Outcome: assistant.OK}
	obs.Text, obs.Structured = content(res)
	return obs, who.Name, true
}

// task is what there is to hand over for a call, if that is for the agent: only what the person has allowed already, and only at the
// authorization server that the agent is registered with.
func (m *mcpTurn) task(ctx context.Context, c assistant.Call, tool assistant.Tool) (task, bool) {
	b := m.handler.browser
	if l := b.session.Login; l == nil || !slices.Contains(scheduled, c.Name) || !slices.Contains(l.Scopes, tool.Scope) || l.Server.Issuer != m.app.issuer {
		return task{}, false
	}
	token, err := m.app.accessToken(ctx, b) // the chat's own call will find out what is wrong with it, if anything is
	if err != nil || token == "" || b.session.Login == nil {
		return task{}, false
	}
	l := b.session.Login // accessToken may have replaced it
	return task{token, l.Server, l.Key != "", tool.Scope, c}, true
}

// do exchanges the token and calls the tool.
func (a *app) do(ctx context.Context, who agent, t task) (*mcp.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	own, err := a.exchangeToken(ctx, who, t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotDone, err)
	}
	client, w := *a.http, &wire{next: a.http.Transport, turn: ctx}
	client.Transport = &prover{app: a, next: w, key: func() *clientkey.Key { return own.Key }}
	c := mcp.NewClient(&mcp.Implementation{Name: who.ClientID, Title: who.Name, Version: softwareVersion},
		&mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}, Logger: a.log})
	c.AddSendingMiddleware(a.inFlow(ctx))
	s, err := c.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: a.mcpURL, HTTPClient: &client, OAuthHandler: agentToken(own.Access), DisableStandaloneSSE: true, MaxRetries: -1, MaxEventSize: maxMCPBody,
	}, &mcp.ClientSessionOptions{ProtocolVersion: mcpRevision})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotDone, err)
	}
	defer s.Close()
	res, err := s.CallTool(ctx, &mcp.CallToolParams{Name: t.call.Name, Arguments: t.call.Arguments})
	switch status, _ := w.last(); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests: // before anything was carried out
		return nil, fmt.Errorf("%w: %w", errNotDone, err)
	}
	return res, err
}

// exchangeToken asks for a token of the agent's own, for no more than its task needs, and bound to a key of this task where the person's is
// bound. It proves itself with its own key (RFC 7523 §2.2), not as the chat.
func (a *app) exchangeToken(ctx context.Context, who agent, t task) (tokens, error) {
	var proof *clientkey.Key
	if t.bound {
		key, err := clientkey.New()
		if err != nil {
			return tokens{}, err
		}
		proof = &key
	}
	key, err := clientkey.Parse(who.Key)
	if err != nil {
		return tokens{}, err
	}
	assertion, err := key.Assertion(who.ClientID, t.server.Issuer, a.now())
	if err != nil {
		return tokens{}, err
	}
	form := url.Values{
		"grant_type": {grantExchange}, "subject_token": {t.token}, "subject_token_type": {typeAccessToken}, "requested_token_type": {typeAccessToken},
		"resource": {t.server.Resource}, "scope": {t.scope}, "client_assertion_type": {clientkey.AssertionType}, "client_assertion": {assertion},
	}
	return a.requestToken(ctx, server{Issuer: t.server.Issuer, Token: t.server.Token, Client: who.ClientID}, proof, form, []string{t.scope})
}

// agentToken is the agent's auth.OAuthHandler: a token, and nobody to ask for another.
type agentToken string

var _ auth.OAuthHandler = agentToken("")

// TokenSource implements auth.OAuthHandler.
func (t agentToken) TokenSource(context.Context) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: string(t)}), nil
}

// Authorize implements auth.OAuthHandler.
func (t agentToken) Authorize(_ context.Context, _ *http.Request, resp *http.Response) error {
	return fmt.Errorf("the MCP server refuses the agent's token: status %d", resp.StatusCode)
}
