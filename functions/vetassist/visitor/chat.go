package visitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ChatAnswer is the answer of POST /chat.
type ChatAnswer struct {
	Status       int             `json:"-"`
	ID           string          `json:"id"`
	Reply        string          `json:"reply"`
	ToolCalls    []ChatCall      `json:"tool_calls"`
	AuthorizeURL string          `json:"authorize_url"` // a person must go there before the message can be answered
	Question     json.RawMessage `json:"question"`
	Suggestions  []string        `json:"suggestions"`
	Connected    bool            `json:"connected"`
	HTML         string          `json:"html"`
	Message      string          `json:"message"` // of a refusal
}

// ChatCall is a tool call that the chat made for an answer.
type ChatCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
	Scope     string         `json:"scope"`
	Outcome   string         `json:"outcome"` // ok, tool_error, needs_consent, …
	By        string         `json:"by"`
}

// Called is the first call of a tool with an outcome; false if there was none.
func (a ChatAnswer) Called(name, outcome string) (ChatCall, bool) {
	i := slices.IndexFunc(a.ToolCalls, func(c ChatCall) bool { return c.Name == name && c.Outcome == outcome })
	if i < 0 {
		return ChatCall{}, false
	}
	return a.ToolCalls[i], true
}

// Ask sends a message to the chat, as its script does.
func (b *Browser) Ask(ctx context.Context, message string) (ChatAnswer, error) {
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		return ChatAnswer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.Base+"/chat", bytes.NewReader(body))
	if err != nil {
		return ChatAnswer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Origin", b.Base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a, err := b.Do(ctx, r)
	if err != nil {
		return ChatAnswer{}, err
	}
	out := ChatAnswer{Status: a.Status}
	if err := json.Unmarshal(a.Body, &out); err != nil {
		return out, fmt.Errorf("the chat answered %d, and no JSON: %.200s", a.Status, a.Body)
	}
	return out, nil
}

// Login fills in the login page that is on the screen.
func (b *Browser) Login(ctx context.Context, user, password string) (*Page, error) {
	return b.Submit(ctx, "username", url.Values{"username": {user}, "password": {password}})
}

// Allow agrees on the consent page that is on the screen: to these scopes, or, without any, to all that are ticked.
func (b *Browser) Allow(ctx context.Context, scopes ...string) (*Page, error) {
	values := url.Values{"decision": {"approve"}}
	if len(scopes) > 0 {
		values["scope"] = scopes
	}
	return b.Submit(ctx, "decision", values)
}

// Deny refuses there, or goes back where nothing can be allowed.
func (b *Browser) Deny(ctx context.Context) (*Page, error) {
	return b.Submit(ctx, "decision", url.Values{"decision": {"deny"}})
}

// Removable are the accesses that the account page offers to remove, as their forms' values.
func (p *Page) Removable() []url.Values {
	var out []url.Values
	for _, f := range p.Forms {
		if f.Action == removeAccess {
			out = append(out, f.Values())
		}
	}
	return out
}

// Access says whose access one of them is: the names of the application and of the server, as the button has them.
func (p *Page) Access(removable url.Values) string {
	for _, f := range p.Forms {
		if f.Action == removeAccess && f.Values().Encode() == removable.Encode() {
			for _, field := range f.Fields {
				if text, found := strings.CutPrefix(field.Label, "Remove access of "); found {
					return text
				}
			}
		}
	}
	return ""
}

const removeAccess = "/oauth/account/apps/remove"

// Apps opens the account page of the person who is logged in.
func (b *Browser) Apps(ctx context.Context) (*Page, error) {
	return b.Open(ctx, b.Base+"/oauth/account")
}

// Remove takes back, on the account page that is on the screen, what a client was allowed at a server: an element of Removable.
func (b *Browser) Remove(ctx context.Context, access url.Values) (*Page, error) {
	return b.Submit(ctx, removeAccess, access)
}
