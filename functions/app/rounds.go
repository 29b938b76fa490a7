package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

const maxRounds = 3 // in which a server may ask again for what it did not get

var errAsksOn = errors.New("the server asks on and on")

// given is a person's answer on its way to the server, with the state that belongs to it, unchanged (MCP, Multi Round-Trip
// Requests, Client Requirements, 2).
type given struct {
	Responses mcp.InputResponseMap `json:"responses"`
	State     string               `json:"state,omitempty"`
	Call      int64                `json:"call,omitempty"`  // id of the call that was asked for it; see number
	About     string               `json:"about,omitempty"` // which question, for servers that ask during the call; see elicit
}

// rounds goes on with a call whose result, or whose server meanwhile, wants to know something first. What a person can answer is
// returned as a question; the rest is declined here, and the person is told.
func (m *mcpTurn) rounds(ctx context.Context, c assistant.Call, res *mcp.CallToolResult, err error) (*mcp.CallToolResult, *question, error) {
	for n := 0; ; n++ {
		if p := m.takeAsked(); p != nil {
			q := m.newQuestion("", p, "")
			if q == nil { // it was cancelled, and this is what came of that
				m.handler.ex.note(cannotShow)
			}
			return res, q, err
		}
		switch {
		case err != nil || !res.NeedsInput():
			return res, nil, err
		case n == maxRounds:
			return nil, nil, errAsksOn
		}
		q, refused := m.sort(res)
		if q != nil {
			return nil, q, nil
		}
		res, err = m.try(ctx, c, &refused)
	}
}

const cannotShow = "VetAssist wanted to know something that I cannot show here, so I declined."

// sort tells what a person can be asked from what must be declined: two questions at once, and what is no form that we know.
// Sampling and roots, which we never declared, have no form of a refusal. A result without a question only wants to be asked for again.
func (m *mcpTurn) sort(res *mcp.CallToolResult) (*question, given) {
	refused := given{State: res.RequestState}
	for key, request := range res.InputRequests {
		params, ok := request.(*mcp.ElicitParams)
		if !ok {
			continue
		}
		if len(res.InputRequests) == 1 {
			if q := m.newQuestion(key, params, res.RequestState); q != nil {
				return q, given{}
			}
		}
		if refused.Responses == nil {
			refused.Responses = mcp.InputResponseMap{}
			m.handler.ex.note(cannotShow)
		}
		refused.Responses[key] = &mcp.ElicitResult{Action: "decline"}
	}
	return nil, refused
}

// newQuestion is nil for what cannot be shown, or kept.
func (m *mcpTurn) newQuestion(key string, p *mcp.ElicitParams, state string) *question {
	if p.Mode != "" && p.Mode != "form" || p.Message == "" || len(key) > maxLabel || len(state) > maxState || m.handler.ex.Questions >= maxQuestions {
		return nil
	}
	_, schema, err := readForm(p.RequestedSchema)
	if err != nil {
		return nil
	}
	id, err := web.NewSecret(m.app.rand)
	if err != nil {
		return nil
	}
	q := &question{ID: id[:16], Key: key, Tool: m.handler.tool, Message: clip(p.Message, maxAsking), Schema: schema, Call: m.wire.sent(), Until: m.app.now().Add(questionLife)}
	if state != "" {
		if q.State, err = m.handler.browser.sealForFamily(m.app, "requestState "+q.ID, state); err != nil {
			return nil
		}
	}
	return q
}

// elicit answers a server of a revision before 2026-07-28, which asks during the call. No person can be waited for there, since a
// call must end before a page can show what it asks. So the first time the question is cancelled, which tells the server that it may
// ask again later (Elicitation, Response Actions), and shown; with the answer the tool is called again, and the same question gets it.
func (m *mcpTurn) elicit(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
	schema, err := json.Marshal(req.Params.RequestedSchema)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.ready; g != nil && g.About == aboutQuestion(clip(req.Params.Message, maxAsking), schema) {
		for _, r := range g.Responses {
			if result, ok := r.(*mcp.ElicitResult); ok {
				return result, nil
			}
		}
	}
	m.asked = req.Params
	return &mcp.ElicitResult{Action: "cancel"}, nil
}

// takeAsked is what a server asked during the call before.
func (m *mcpTurn) takeAsked() *mcp.ElicitParams {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.asked
	m.asked = nil
	return p
}

// number keeps the id of a request. The call with an answer must have another one than the call before (Multi Round-Trip Requests, Client
// Requirements, 3), and the SDK counts from one in every connection, of which each of our turns is one. So where the numbers would
// meet, one is left out: a ping, which has no other use in our revision, is answered here and goes nowhere.
func (w *wire) number(req *http.Request) *http.Response {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	var m struct {
		ID     int64  `json:"id"`
		Method string `json:"method"`
	}
	if err := json.NewDecoder(body).Decode(&m); err != nil || m.ID == 0 || m.Method == "" {
		return nil // a notification, or an answer of ours
	}
	w.mu.Lock()
	w.id = m.ID
	w.mu.Unlock()
	if m.Method != "ping" {
		return nil
	}
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{}}`, m.ID)))}
}

func (w *wire) sent() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.id
}
