package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	maxMessage = 2000     // bytes
	maxBody    = 16 << 10 // of a request: a message in which every character is escaped fits
)

// chatAnswer is the answer of POST /chat.
type chatAnswer struct {
	ID           string     `json:"id"`
	Flow         string     `json:"flow,omitempty"` // what happened: at /flow/ and this; left out: nothing is recorded
	Reply        string     `json:"reply"`
	ToolCalls    []toolCall `json:"tool_calls"`
	AuthorizeURL string     `json:"authorize_url,omitempty"` // a person must go there before the message can be answered
	Question     *asking    `json:"question,omitempty"`      // the server asks the person something; the answer goes to POST /answer
	Suggestions  []string   `json:"suggestions,omitempty"`
	Connected    bool       `json:"connected"`
	HTML         string     `json:"html"`        // the exchange as the page shows it
	StatusHTML   string     `json:"status_html"` // the connection as the header shows it
}

type toolCall struct {
	Name      string            `json:"name"`
	Arguments map[string]any    `json:"arguments"`
	Scope     string            `json:"scope"`
	Outcome   assistant.Outcome `json:"outcome"`
	By        string            `json:"by,omitempty"` // name of the agent that did it
}

func (a *app) chat(w http.ResponseWriter, r *http.Request) {
	message, asJSON, bad := readMessage(w, r)
	if bad != nil {
		a.chatFailed(w, r, asJSON, bad)
		return
	}
	if _, err := a.ready(r.Context()); err != nil {
		a.chatFailed(w, r, asJSON, err)
		return
	}
	b, err := a.openOrBegin(w, r)
	if err != nil {
		a.chatFailed(w, r, asJSON, err)
		return
	}
	ex, err := a.converse(r.Context(), b, message)
	if err != nil {
		a.chatFailed(w, r, asJSON, err)
		return
	}
	if !asJSON {
		http.Redirect(w, r, anchor(ex.ID), http.StatusSeeOther)
		return
	}
	answer, err := a.answer(r.Context(), b, ex)
	if err != nil {
		a.chatFailed(w, r, asJSON, err)
		return
	}
	web.JSON(w, http.StatusOK, answer)
}

// converse answers a message, when its turn has come, and keeps the exchange.
func (a *app) converse(ctx context.Context, b *browser, message string) (exchange, error) {
	leave, err := a.turns.enter(ctx, web.Hash(b.family))
	if err != nil {
		return exchange{}, err
	}
	defer leave()
	ctx, cancel := web.Finish(ctx) // what a tool did must be kept even if the browser leaves
	defer cancel()
	if _, err := a.readSession(ctx, b); err != nil { // it may have ended meanwhile
		return exchange{}, err
	}
	a.revokeReplaced(ctx, b)
	c, err := a.readConversation(ctx, b)
	if err != nil {
		return exchange{}, err
	}
	if id, form, ok := a.spoken(c, message); ok {
		answered, goesOn, err := a.takeAnswer(ctx, b, id, form)
		if goesOn {
			return a.goOnNow(ctx, b, answered, id)
		}
		if err != nil && !errors.Is(err, errNothingWaits) { // another tab was faster
			return exchange{}, err
		}
	}
	if c, err = a.abandon(ctx, b, c); err != nil {
		return exchange{}, err
	}
	ex, err := a.newExchange(ctx, message)
	if err != nil {
		return exchange{}, err
	}
	a.run(ctx, b, c.history(), &ex)
	return ex, a.add(ctx, b, ex)
}

func (a *app) answer(ctx context.Context, b *browser, ex exchange) (chatAnswer, error) {
	out := chatAnswer{ID: ex.ID, Flow: ex.Flow, Reply: ex.Reply, ToolCalls: []toolCall{}, Suggestions: ex.Suggestions, Connected: b.session.Login != nil}
	for _, d := range ex.Done {
		args := d.Call.Arguments
		if args == nil {
			args = map[string]any{}
		}
		out.ToolCalls = append(out.ToolCalls, toolCall{d.Call.Name, args, d.Scope, d.Outcome, d.By})
	}
	var err error
	if ex.Need != nil {
		if out.AuthorizeURL, err = a.authorizeURL(ctx, b, ex.Need, ex.ID, false); err != nil {
			return out, err
		}
	}
	view := a.viewExchange(b, ex, true)
	out.Question = view.Question
	if out.HTML, err = a.pages.Fragment("chat.html", "exchange", view); err != nil {
		return out, err
	}
	out.StatusHTML, err = a.pages.Fragment("chat.html", "status", viewStatus(b))
	return out, err
}

// readMessage takes a message from JSON or from a form.
func readMessage(w http.ResponseWriter, r *http.Request) (message string, asJSON bool, bad *refusal) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	asJSON = err == nil && mediaType == "application/json"
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	switch {
	case asJSON:
		var in struct {
			Message *string `json:"message"`
		}
		dec := json.NewDecoder(r.Body)
		if err = dec.Decode(&in); err == nil {
			if _, more := dec.Token(); more != io.EOF {
				err = errors.Join(errors.New("more after the JSON"), more)
			}
		}
		if err == nil && in.Message == nil {
			return "", asJSON, &refusal{http.StatusBadRequest, "invalid_request", `The JSON needs a text "message".`}
		}
		if err == nil {
			message = *in.Message
		}
	case err == nil && mediaType == "application/x-www-form-urlencoded":
		if err = r.ParseForm(); err == nil {
			message = r.PostForm.Get("message")
		}
	default:
		return "", true, &refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send application/json, or a form."}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", asJSON, &refusal{http.StatusRequestEntityTooLarge, "too_large", "This is too long: a message may have 2,000 bytes."}
	case err != nil:
		return "", asJSON, &refusal{http.StatusBadRequest, "invalid_request", "This is not readable. Send {\"message\": \"…\"}."}
	case !utf8.ValidString(message):
		return "", asJSON, &refusal{http.StatusBadRequest, "invalid_request", "The message is not UTF-8."}
	}
	tooLong := len(message) > 2*maxMessage
	message = strings.TrimSpace(clip(strings.ReplaceAll(message, "\r\n", "\n"), 2*maxMessage)) // without control characters
	switch {
	case tooLong || len(message) > maxMessage:
		return "", asJSON, &refusal{http.StatusRequestEntityTooLarge, "too_large", "This is too long: a message may have 2,000 bytes."}
	case message == "":
		return "", asJSON, &refusal{http.StatusBadRequest, "invalid_request", "The message is empty."}
	}
	return message, asJSON, nil
}
