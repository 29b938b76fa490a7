package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/shared/web"
)

// answerQuestion takes a person's answer to a question of the MCP server, from the form in the conversation: for names the
// exchange, question which of its questions, do what the person decided, and f0, f1, … are the fields. The call that asked goes on.
func (a *app) answerQuestion(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		bad := &refusal{http.StatusBadRequest, "invalid_request", "This is not readable. Please go back and try again."}
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			bad = &refusal{http.StatusRequestEntityTooLarge, "too_large", "This is too long. Please go back and write less."}
		}
		a.fail(w, r, bad)
		return
	}
	b, _, err := a.open(r)
	if errors.Is(err, errNoSession) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	id := r.PostForm.Get("for")
	if err == nil {
		ctx, cancel := web.Finish(r.Context()) // what a tool did must be kept even if the browser leaves
		defer cancel()
		var c conversation
		var goesOn bool
		if c, goesOn, err = a.takeAnswer(ctx, b, id, r.PostForm); goesOn {
			err = a.goOn(ctx, b, c, id)
		}
	}
	if err != nil && !errors.Is(err, errNothingWaits) { // that one was answered in another tab, or is closed
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, anchor(id), http.StatusSeeOther)
}

// takeAnswer takes it once: of two tabs, one has the call go on.
func (a *app) takeAnswer(ctx context.Context, b *browser, id string, form url.Values) (c conversation, goesOn bool, err error) {
	action := form.Get("do")
	if action == "" {
		action = "accept" // the button of a choice
	}
	c, err = a.changeConversation(ctx, b, func(c *conversation) error {
		goesOn = false
		e := c.find(id)
		if e == nil || e.Question == nil || e.Question.ID != form.Get("question") {
			return errNothingWaits
		}
		q := e.Question
		if !a.now().Before(q.Until) {
			e.closeQuestion("The question was open for too long, so nothing was done. Please ask again.")
			return nil
		}
		sealed, note, problem, err := q.answered(a, b, action, form)
		if err != nil {
			return err
		}
		if problem != "" {
			q.Problem, q.Typed = problem, typed(form)
			return nil
		}
		goesOn = true
		e.Question, e.Answer, e.Reply = nil, sealed, ""
		e.Done = dropWaiting(e.Done)
		e.note(note)
		return nil
	})
	return c, goesOn && err == nil, err
}

// typed is what came out of the fields, within bounds, to be shown again.
func typed(form url.Values) url.Values {
	out := url.Values{}
	for i := range maxFields {
		for _, v := range form[inputName(i)] {
			if len(out[inputName(i)]) < maxOptions {
				out.Add(inputName(i), clip(v, maxTyped))
			}
		}
	}
	return out
}
