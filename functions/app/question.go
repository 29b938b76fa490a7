package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	questionLife = 10 * time.Minute
	maxQuestions = 8        // because of one message, before the app says no by itself
	maxState     = 16 << 10 // bytes of a requestState
	maxAsking    = 1000     // bytes of a question's words
)

// question is what the MCP server wants to know of the person before it carries out a call (MCP, Elicitation). It is an error for
// the MCP client and a form in the conversation, as need is. It waits in the conversation, so it outlives a reload, a refreshed
// token and a login.
type question struct {
	ID      string          `json:"id"`
	Key     string          `json:"key"`            // the server's name for it
	Tool    string          `json:"tool,omitempty"` // title of the tool that asks
	Message string          `json:"message"`
	Schema  json.RawMessage `json:"schema"` // that readForm took
	State   string          `json:"state,omitempty"`
	Call    int64           `json:"call,omitempty"` // its JSON-RPC id
	Until   time.Time       `json:"until"`
	Problem string          `json:"problem,omitempty"` // with the answer that was tried last
	Typed   url.Values      `json:"typed,omitempty"`   // that answer
}

func (q *question) Error() string { return "the server asks: " + q.Message }

// sealForFamily seals what must survive a login, which moves the session to another cookie.
func (b *browser) sealForFamily(a *app, name, secret string) (string, error) {
	family, err := newSealer(b.family, a.rand)
	if err != nil {
		return "", err
	}
	return family.seal(name, secret)
}

func (b *browser) openForFamily(a *app, name, sealed string) (string, error) {
	family, err := newSealer(b.family, a.rand)
	if err != nil {
		return "", err
	}
	return family.open(name, sealed)
}

// answered makes the answer that goes to the server, sealed, from what a person did with the form. note tells it in the conversation.
func (q *question) answered(a *app, b *browser, action string, typed url.Values) (sealed, note, problem string, err error) {
	f, _, err := readForm(q.Schema)
	if err != nil {
		return "", "", "", err
	}
	result := &mcp.ElicitResult{Action: action}
	switch action {
	case "accept":
		if result.Content, problem = f.fill(typed); problem != "" {
			return "", "", problem, nil
		}
		note = "You answered."
		for _, o := range f.choices() {
			if o.Value == typed.Get(inputName(0)) {
				note = "You chose: " + o.Title + "."
			}
		}
	case "decline":
		note = "You said no to that."
		if f.choices() != nil {
			note = "You chose none of these."
		}
	case "cancel":
		note = "You put that off."
	default:
		return "", "", "", &refusal{http.StatusBadRequest, "invalid_request", "This is no answer to the question."}
	}
	g := given{Responses: mcp.InputResponseMap{q.Key: result}, Call: q.Call, About: aboutQuestion(q.Message, q.Schema)}
	if q.State != "" {
		if g.State, err = b.openForFamily(a, "requestState "+q.ID, q.State); err != nil {
			return "", "", "", err
		}
	}
	body, err := json.Marshal(g)
	if err == nil {
		sealed, err = b.sealForFamily(a, "answer", string(body))
	}
	return sealed, note, "", err
}

func (b *browser) openAnswer(a *app, sealed string) (*given, error) {
	body, err := b.openForFamily(a, "answer", sealed)
	if err != nil {
		return nil, err
	}
	g := &given{}
	return g, json.Unmarshal([]byte(body), g)
}

func aboutQuestion(message string, schema json.RawMessage) string {
	return web.Hash(message + "\n" + string(schema))
}

// note adds what the person should know of the way to the answer, once.
func (e *exchange) note(text string) {
	if n := len(e.Notes); text != "" && (n == 0 || e.Notes[n-1] != text) {
		e.Notes = append(e.Notes, text)
	}
}

// closeQuestion ends the waiting for an answer; text says why, in place of the reply. The call stays one that needed an answer: the
// assistant may go on from there, as with another time that the person names.
func (e *exchange) closeQuestion(text string) {
	e.Question, e.Waiting = nil, nil
	e.Reply = text
	for i := range e.Done {
		if e.Done[i].Outcome == assistant.NeedsAnswer {
			e.Done[i].Text = text
		}
	}
}

// abandon closes the questions of a conversation that goes on with something else. Nobody is told: a server does not wait
// (Multi Round-Trip Requests, Server Requirements, 8).
func (a *app) abandon(ctx context.Context, b *browser, c conversation) (conversation, error) {
	open := false
	for _, e := range c.Exchanges {
		open = open || e.Question != nil
	}
	if !open {
		return c, nil
	}
	return a.changeConversation(ctx, b, func(c *conversation) error {
		for i := range c.Exchanges {
			if q := c.Exchanges[i].Question; q != nil {
				c.Exchanges[i].closeQuestion("I was asked: “" + q.Message + "” You went on without an answer, so nothing was done.")
			}
		}
		return nil
	})
}
