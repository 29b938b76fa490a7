package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	maxCalls       = 8                // tool calls for one message
	maxSteps       = 8                // questions to the assistant for one message
	turnTime       = 18 * time.Second // with a token request and a revocation before it, below the 30 s of API Gateway
	keepTime       = 2 * time.Second  // of a request's time, for storing what became of it
	maxReply       = 8 << 10
	maxSuggestions = 4
)

// run answers ex.Message, or goes on where it had to wait. Whatever happens, ex has a reply afterwards.
func (a *app) run(ctx context.Context, b *browser, history []assistant.Exchange, ex *exchange) {
	ctx, cancel := web.Before(ctx, keepTime)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, turnTime)
	defer cancel()
	t := &turn{app: a, mcp: a.newMCPTurn(ctx, b, ex), ex: ex}
	defer t.mcp.close()
	if b.session.Login != nil {
		// An assistant that knows the tools understands more; without them it can still chat.
		if tools, err := t.mcp.list(ctx); err == nil {
			t.tools = tools
		}
	}
	waiting, answer := ex.Waiting, ex.Answer
	ex.Waiting, ex.Answer = nil, ""
	if !t.carryOut(ctx, waiting, answer) {
		return
	}
	for range maxSteps {
		step, err := a.assistant.Next(ctx, assistant.Turn{Now: a.now(), Tools: t.tools, History: history, Message: ex.Message, Done: ex.observations()})
		switch {
		case err != nil:
			a.log.ErrorContext(ctx, "assistant", "err", err)
			ex.problem("Something went wrong while I was thinking about that. Please try again.")
			return
		case step.NeedsTools && t.tools == nil:
			if t.tools, err = t.mcp.list(ctx); err != nil {
				t.stop(ctx, err)
				return
			}
		case len(step.Calls) > 0:
			if !t.carryOut(ctx, step.Calls, "") {
				return
			}
		case step.Reply != "":
			ex.Reply = clip(step.Reply, maxReply)
			for _, s := range step.Suggestions[:min(len(step.Suggestions), maxSuggestions)] {
				ex.Suggestions = append(ex.Suggestions, clip(s, 120))
			}
			if ex.roleRefused() {
				ex.Tone = toneRefusal
			}
			return
		default:
			ex.problem("I have no answer to that.")
			return
		}
	}
	ex.problem("That took more steps than I may take for one message. Could you ask for a part of it?")
}

type turn struct {
	app   *app
	mcp   *mcpTurn
	ex    *exchange
	tools []assistant.Tool
}

// carryOut runs calls in order, the first one with the answer that it waited for, if there is one. false means that the turn is over:
// for now, since a person must act, or for good.
func (t *turn) carryOut(ctx context.Context, calls []assistant.Call, sealed string) bool {
	var answer *given
	if sealed != "" {
		var err error
		if answer, err = t.mcp.handler.browser.openAnswer(t.app, sealed); err != nil {
			t.app.log.ErrorContext(ctx, "answer", "err", err)
			t.ex.problem("I have lost your answer. Please ask again.")
			return false
		}
	}
	for i, call := range calls {
		if len(t.ex.Done) >= maxCalls {
			t.ex.problem("That needs more tool calls than I may make for one message. Could you ask for a part of it?")
			return false
		}
		tool := t.tool(call.Name)
		var obs assistant.Observation
		var by string
		var err error
		done := false
		if answer == nil { // only the chat has been asked something
			obs, by, done = t.handOver(ctx, call, tool)
		}
		if !done {
			obs, err = t.mcp.call(ctx, call, tool, answer)
		}
		t.ex.Done = append(t.ex.Done, doneCall{Observation: obs, Title: tool.Title, Scope: tool.Scope, By: by})
		if err != nil {
			t.ex.Waiting = calls[i:]
			if answer != nil {
				t.ex.Answer = sealed // it is not asked for again because of a login
			}
			t.stop(ctx, err)
			return false
		}
		answer = nil
	}
	return true
}

func (t *turn) tool(name string) assistant.Tool {
	for _, tool := range t.tools {
		if tool.Name == name {
			return tool
		}
	}
	return assistant.Tool{Name: name}
}

// stop ends the turn with a card, or with the reason why there is none.
func (t *turn) stop(ctx context.Context, err error) {
	var n *need
	var q *question
	switch {
	case errors.As(err, &q):
		t.ex.Question, t.ex.Answer = q, ""
		t.ex.Questions++
		t.ex.Reply = "I need an answer from you before I can go on."
	case !errors.As(err, &n):
		t.app.log.WarnContext(ctx, "the MCP server cannot be used", "err", err)
		t.ex.problem(t.mcp.sorry(err))
	case n.Kind == needStepUp:
		t.ex.Need = n
		t.ex.Reply = "For that I need one more permission from you: " + scopeWords(n.New) + "."
	default:
		t.ex.Need = n
		t.ex.Reply = "To answer that, I need to connect to VetAssist in your name."
		if n.Reason != "" {
			t.ex.Reply = n.Reason + " To go on, please connect again."
		}
	}
}

func (e *exchange) problem(text string) {
	e.Reply, e.Tone = text, toneProblem
}

// roleRefused tells whether the server refused a call because of the person's role, which no permission changes.
func (e *exchange) roleRefused() bool {
	for _, d := range e.Done {
		var refusal struct {
			Error string `json:"error"`
		}
		if d.Outcome == assistant.ToolError && json.NewDecoder(bytes.NewReader(d.Structured)).Decode(&refusal) == nil && refusal.Error == "role_forbidden" {
			return true
		}
	}
	return false
}
