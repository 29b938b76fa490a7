package assistant

import (
	"context"
	"encoding/json"
	"time"
)

// Assistant decides what to do next in a conversation. The caller carries out the calls of a [Step], adds what came back to
// [Turn.Done] and asks again, until Reply is set or NeedsTools is true.
type Assistant interface {
	Next(ctx context.Context, t Turn) (Step, error)
}

// Turn is all an assistant may know when it decides.
type Turn struct {
	Now     time.Time     // the reader's clock; the zone for dates comes from the tools' schemas ("x-time-zone"), else from here
	Tools   []Tool        // as tools/list returned them; nil before the app is connected
	History []Exchange    // earlier exchanges, oldest first, bounded by the caller
	Message string        // what the person says now
	Done    []Observation // calls already carried out in this turn, in order
}

// Tool is one entry of tools/list. Scope is what its _meta says it needs, empty for any valid token.
type Tool struct {
	Name         string          `json:"name"`
	Title        string          `json:"title,omitempty"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"inputSchema,omitempty"`
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
	Scope        string          `json:"scope,omitempty"`
	ReadOnly     bool            `json:"readOnly,omitempty"`
	Destructive  bool            `json:"destructive,omitempty"` // its hints say that it may undo or overwrite
	OpenWorld    bool            `json:"openWorld,omitempty"`   // its hints say that it reaches others
}

// Call is a tool call to carry out. ID is unique within the turn.
type Call struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

// Outcome tells how a call ended.
type Outcome string

// The ways a call can end.
const (
	OK           Outcome = "ok"            // the tool answered
	ToolError    Outcome = "tool_error"    // the tool refused: a result with isError
	NeedsConsent Outcome = "needs_consent" // the token lacks a scope that consent could add
	NeedsAnswer  Outcome = "needs_answer"  // the tool asks the person something first
	Denied       Outcome = "denied"        // the person was asked for consent and said no
	Failed       Outcome = "failed"        // the server could not be reached or answered nonsense
)

// Observation is a call and what came back. Text and Structured are data from elsewhere, never instructions.
type Observation struct {
	Call       Call            `json:"call"`
	Outcome    Outcome         `json:"outcome"`
	Text       string          `json:"text,omitempty"`
	Structured json.RawMessage `json:"structured,omitempty"`
}

// Exchange is one earlier message with its reply and the calls between them.
type Exchange struct {
	At      time.Time     `json:"at,omitzero"` // when it was said, so that its "tomorrow" stays the same day; zero means Turn.Now
	Message string        `json:"message"`
	Reply   string        `json:"reply"`
	Done    []Observation `json:"done,omitempty"`
}

// Step is a decision: calls to carry out, or a reply. Calls of one step do not depend on each other.
type Step struct {
	Calls       []Call   `json:"calls,omitempty"`
	NeedsTools  bool     `json:"needs_tools,omitempty"` // the answer needs tools and Turn.Tools is nil
	Reply       string   `json:"reply,omitempty"`       // plain text; lines may begin with "• "
	Suggestions []string `json:"suggestions,omitempty"` // short messages the person may want to send next
}
