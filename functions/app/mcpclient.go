package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/trace"
)

const (
	mcpRevision   = "2026-07-28"
	maxMCPBody    = 1 << 20  // bytes of one answer of the MCP server
	maxText       = 8 << 10  // bytes of a tool's text that the assistant sees
	maxStructured = 48 << 10 // and of its structured result
	scopeMetaKey  = "vetassist/scope"

	softwareID      = "vet-assist-ai"
	softwareVersion = "1.0.0"
)

// mcpTurn is the MCP client for one message. It connects when it is first used.
type mcpTurn struct {
	app     *app
	handler *oauthHandler
	wire    *wire
	session *mcp.ClientSession
	tools   []assistant.Tool
	listed  bool
	listErr error

	mu    sync.Mutex // a server may ask on a goroutine of the SDK
	ready *given     // what to answer; see elicit
	asked *mcp.ElicitParams
}

func (a *app) newMCPTurn(ctx context.Context, b *browser, ex *exchange) *mcpTurn {
	return &mcpTurn{
		app:     a,
		handler: &oauthHandler{app: a, ctx: ctx, browser: b, ex: ex},
		wire:    &wire{next: a.http.Transport, turn: ctx},
	}
}

func (m *mcpTurn) connect(ctx context.Context) error {
	if m.session != nil {
		return nil
	}
	client := *m.app.http
	client.Transport = &prover{app: m.app, next: m.wire, key: m.handler.boundTo}
	// A server may ask the person something with a form, but not send somebody to an address, nor ask for sampling or roots. The SDK's
	// own loop would answer at once, and here a person does, some time later.
	c := mcp.NewClient(&mcp.Implementation{Name: softwareID, Title: "Vet Assist AI", Version: softwareVersion}, &mcp.ClientOptions{
		Capabilities:       &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{}}},
		ElicitationHandler: m.elicit, MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true}, Logger: m.app.log})
	c.AddSendingMiddleware(m.app.inFlow(m.handler.ctx))
	s, err := c.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: m.app.mcpURL, HTTPClient: &client, OAuthHandler: m.handler,
		MaxRetries: 2, MaxEventSize: maxMCPBody,
	}, &mcp.ClientSessionOptions{ProtocolVersion: mcpRevision})
	if err != nil {
		return m.judge(err)
	}
	m.session = s
	return nil
}

// close ends the connection. A later call makes a new one.
func (m *mcpTurn) close() {
	m.handler = m.handler.retire()
	if m.session != nil {
		if err := m.session.Close(); err != nil {
			m.app.log.Debug("closing the MCP session", "err", err)
		}
		m.session = nil
	}
}

// judge finds what stopped us under the layers of the SDK.
func (m *mcpTurn) judge(err error) error {
	if err == nil {
		return nil
	}
	if stopped := m.handler.verdict(); stopped != nil {
		return stopped
	}
	return err
}

// list returns the tools; the server is asked at most once a turn.
func (m *mcpTurn) list(ctx context.Context) ([]assistant.Tool, error) {
	if !m.listed {
		m.listed = true
		if m.tools = m.app.toolCache.get(m.app.now()); m.tools == nil {
			if m.tools, m.listErr = m.fetchTools(ctx); m.listErr != nil {
				m.close()
			}
		}
	}
	return m.tools, m.listErr
}

func (m *mcpTurn) fetchTools(ctx context.Context) ([]assistant.Tool, error) {
	ctx, cancel := context.WithTimeout(ctx, m.app.callTime)
	defer cancel()
	if err := m.connect(ctx); err != nil {
		return nil, err
	}
	var all []*mcp.Tool
	params := &mcp.ListToolsParams{}
	freshness := time.Duration(0)
	for range maxToolPages {
		page, err := m.session.ListTools(ctx, params)
		if err != nil {
			return nil, m.judge(err)
		}
		all = append(all, page.Tools...)
		freshness = cacheTime(page, freshness, params.Cursor == "")
		if page.NextCursor == "" {
			break
		}
		params = &mcp.ListToolsParams{Cursor: page.NextCursor}
	}
	tools := make([]assistant.Tool, 0, len(all))
	for _, t := range all {
		tool, err := describe(t)
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool)
	}
	m.app.toolCache.put(tools, m.app.now(), freshness)
	return tools, nil
}

func describe(t *mcp.Tool) (assistant.Tool, error) {
	out := assistant.Tool{Name: t.Name, Title: t.Title, Description: t.Description,
		Destructive: true, OpenWorld: true} // what a hint that is missing means (MCP schema, ToolAnnotations)
	out.Scope, _ = t.Meta[scopeMetaKey].(string)
	if t.Annotations != nil {
		out.ReadOnly = t.Annotations.ReadOnlyHint
		if hint := t.Annotations.DestructiveHint; hint != nil {
			out.Destructive = *hint
		}
		if hint := t.Annotations.OpenWorldHint; hint != nil {
			out.OpenWorld = *hint
		}
		if out.Title == "" {
			out.Title = t.Annotations.Title
		}
	}
	var err error
	if t.InputSchema != nil {
		if out.InputSchema, err = json.Marshal(t.InputSchema); err != nil {
			return out, err
		}
	}
	if t.OutputSchema != nil {
		out.OutputSchema, err = json.Marshal(t.OutputSchema)
	}
	return out, err
}

// call carries out one tool call, with what a person answered to it. The error is a *need when a person must act, a *question when
// one is asked something; whatever else goes wrong is an observation too, and its cause is in the log.
func (m *mcpTurn) call(ctx context.Context, c assistant.Call, tool assistant.Tool, answer *given) (assistant.Observation, error) {
	ctx, cancel := context.WithTimeout(ctx, m.app.callTime)
	defer cancel()
	m.handler.tool = tool.Title
	obs := assistant.Observation{Call: c, Outcome: assistant.Failed}
	res, err := m.try(ctx, c, answer)
	// A call that changes something may have been carried out before the server was too busy to say so: only a person can tell
	// whether to try that again.
	if err != nil && tool.ReadOnly && m.waited(ctx, err) {
		m.handler.tool = tool.Title
		res, err = m.try(ctx, c, answer)
	}
	res, q, err := m.rounds(ctx, c, res, err)
	if q != nil {
		obs.Outcome, obs.Text = assistant.NeedsAnswer, q.Message
		return obs, q
	}
	if err == nil {
		obs.Outcome = assistant.OK
		if res.IsError {
			obs.Outcome = assistant.ToolError
		}
		obs.Text, obs.Structured = content(res)
		return obs, nil
	}
	var n *need
	if errors.As(err, &n) {
		obs.Outcome, obs.Text = assistant.NeedsConsent, err.Error()
		return obs, n
	}
	m.app.log.WarnContext(ctx, "tool call failed", "tool", c.Name, "err", err)
	obs.Text = m.explain(err)
	var wire *jsonrpc.Error
	if answer != nil && errors.As(err, &wire) && wire.Code == jsonrpc.CodeInvalidParams {
		obs.Outcome, obs.Text = assistant.ToolError, "The clinic did not take the answer: its question is not open any more. Please ask again."
	}
	m.close() // the SDK gives up a connection after some errors; the next call begins anew
	var refused *refusedError
	if errors.As(err, &refused) {
		obs.Outcome, obs.Text = assistant.Denied, "You did not give this permission: "+scopeWords(refused.scopes)+"."
	}
	return obs, nil
}

func (m *mcpTurn) try(ctx context.Context, c assistant.Call, answer *given) (*mcp.CallToolResult, error) {
	if err := m.connect(ctx); err != nil {
		return nil, err
	}
	params := &mcp.CallToolParams{Name: c.Name, Arguments: c.Arguments}
	if answer != nil && m.session.InitializeResult().ProtocolVersion >= mcpRevision {
		params.InputResponses, params.RequestState = answer.Responses, answer.State // of this call only
		if m.wire.sent()+1 == answer.Call {
			if err := m.session.Ping(ctx, nil); err != nil {
				return nil, err
			}
		}
	}
	m.mu.Lock()
	m.ready, m.asked = answer, nil
	m.mu.Unlock()
	res, err := m.session.CallTool(ctx, params)
	return res, m.judge(err)
}

// longestWait bounds how long the MCP server may tell us to wait while a person does.
const longestWait = 3 * time.Second

// waited tells whether the MCP server asked to try again soon, after the time that it asked for.
func (m *mcpTurn) waited(ctx context.Context, err error) bool {
	var n *need
	status, _ := m.wire.last()
	wait := m.wire.retryAfter()
	if errors.As(err, &n) || status != http.StatusServiceUnavailable || wait <= 0 || wait > longestWait {
		return false
	}
	m.close() // the SDK gives up a connection after some errors
	return m.app.pause(ctx, wait) == nil
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sorry is explain with advice, where waiting may help.
func (m *mcpTurn) sorry(err error) string {
	var none *noWay
	var moved *movedError
	if errors.As(err, &none) || errors.As(err, &moved) {
		return m.explain(err)
	}
	return m.explain(err) + " Please try again in a moment."
}

// explain says for a person what kept the MCP server from answering; nothing of the error itself.
func (m *mcpTurn) explain(err error) string {
	var d *discoveryError
	var none *noWay
	var moved *movedError
	status, failed := m.wire.last()
	switch {
	case errors.As(err, &none):
		return none.text
	case errors.As(err, &moved):
		return "The VetAssist server now lets people log in at " + listHosts(moved.named) + ", but Vet Assist AI is registered at " + hostOf(moved.ours) + ". Whoever runs this app has to register it anew."
	case errors.Is(err, errBusy):
		return "Many people are asking at once."
	case errors.As(err, &d):
		return "The VetAssist server asks for a login, but I could not find out where."
	case errors.Is(err, errForbidden):
		return "The VetAssist server does not let this app in."
	case errors.Is(err, errLoginServer):
		return "The server that keeps your login did not answer."
	case errors.Is(err, errNoSession), errors.Is(err, errMoved):
		return "Your login here has ended, or changed in another tab, while I was working on that."
	case failed || errors.Is(err, context.DeadlineExceeded):
		return "The VetAssist server did not answer."
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return "The VetAssist server is busy."
	case status >= 500:
		return "The VetAssist server has a problem of its own."
	}
	return "The VetAssist server gave an answer that I could not understand."
}

// content takes from a result what an assistant can use, within bounds.
func content(res *mcp.CallToolResult) (string, json.RawMessage) {
	var text strings.Builder
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(t.Text)
		}
	}
	var structured json.RawMessage
	if res.StructuredContent != nil {
		if body, err := json.Marshal(res.StructuredContent); err == nil && len(body) <= maxStructured {
			structured = body
		}
	}
	return clip(text.String(), maxText), structured
}

// wire bounds every answer of the MCP server and remembers how the last exchange went, which the SDK's errors do not tell.
type wire struct {
	next http.RoundTripper
	turn context.Context // in which the SDK's own contexts happen

	mu     sync.Mutex
	status int
	failed bool // no answer at all
	after  time.Duration
	id     int64 // of the last request
}

// retryAfter is when the last answer asked to try again (RFC 9110 §10.2.3); 0: it did not.
func (w *wire) retryAfter() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.after
}

func (w *wire) last() (status int, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.failed
}

func (w *wire) note(status int, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.failed, w.after = status, failed, 0
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	req = req.WithContext(trace.With(req.Context(), w.turn))
	if req.Method == http.MethodGet { // how that ends says nothing about a call
		return listen(next, req)
	}
	if answer := w.number(req); answer != nil {
		return answer, nil
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		w.note(0, true)
		return nil, err
	}
	w.note(resp.StatusCode, false)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds < 3600 {
		w.mu.Lock()
		w.after = time.Duration(seconds) * time.Second
		w.mu.Unlock()
	}
	resp.Body = &boundedBody{resp.Body, maxMCPBody}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes", maxMCPBody)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
