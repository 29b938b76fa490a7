package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

var errNothingWaits = errors.New("nothing waits")

// claim takes what waits for a person out of an exchange, once: a second callback for it finds nothing, so no call runs twice.
func (a *app) claim(ctx context.Context, b *browser, id string, f func(*exchange)) (conversation, error) {
	return a.changeConversation(ctx, b, func(c *conversation) error {
		e := c.find(id)
		if e == nil || e.Need == nil {
			return errNothingWaits
		}
		e.Need = nil
		f(e)
		return nil
	})
}

// resume lets the exchange go on that waited for a connection or a permission.
func (a *app) resume(ctx context.Context, b *browser, id, note string) error {
	c, err := a.claim(ctx, b, id, func(e *exchange) {
		e.Notes, e.Reply = append(e.Notes, note), ""
		e.Done = dropWaiting(e.Done)
	})
	if errors.Is(err, errNothingWaits) { // connected from the header, or the conversation was cleared
		return a.tell(ctx, b, "", note+" What would you like to know?")
	}
	if err != nil {
		return err
	}
	return a.goOn(ctx, b, c, id)
}

// goOn runs what is left to do of an exchange, when its turn has come.
func (a *app) goOn(ctx context.Context, b *browser, c conversation, id string) error {
	leave, err := a.turns.enter(ctx, web.Hash(b.family))
	if err != nil {
		ex := *c.find(id)
		ex.Waiting, ex.Answer = nil, ""
		ex.problem(refusalOf(err).Message)
		return a.settle(ctx, b, ex)
	}
	defer leave()
	if _, err := a.readSession(ctx, b); err != nil { // it may have ended meanwhile, and with it the right to act for the person
		return err
	}
	if c, err = a.readConversation(ctx, b); err != nil || c.find(id) == nil { // or another conversation was begun
		return err
	}
	_, err = a.goOnNow(ctx, b, c, id)
	return err
}

// goOnNow does it, with what was said before the exchange.
func (a *app) goOnNow(ctx context.Context, b *browser, c conversation, id string) (exchange, error) {
	ex := *c.find(id)
	trace.Continue(ctx, ex.Flow)
	ex.Flow = cmp.Or(trace.Flow(ctx), ex.Flow) // the old one is forgotten after a day
	before := conversation{}
	for _, e := range c.Exchanges {
		if e.ID != id && e.At.Before(ex.At) {
			before.Exchanges = append(before.Exchanges, e)
		}
	}
	a.run(ctx, b, before.history(), &ex)
	return ex, a.settle(ctx, b, ex)
}

// settle stores what became of an exchange that was there already.
func (a *app) settle(ctx context.Context, b *browser, ex exchange) error {
	_, err := a.changeConversation(ctx, b, func(c *conversation) error {
		if e := c.find(ex.ID); e != nil {
			*e = ex
		}
		return nil
	})
	return err
}

// dropWaiting takes out the calls that will be tried again.
func dropWaiting(done []doneCall) []doneCall {
	var out []doneCall
	for _, d := range done {
		if d.Outcome != assistant.NeedsConsent && d.Outcome != assistant.NeedsAnswer {
			out = append(out, d)
		}
	}
	return out
}

// giveUp ends the waiting for an authorization that did not come, with words in the conversation, and returns to it.
func (a *app) giveUp(ctx context.Context, w http.ResponseWriter, r *http.Request, b *browser, rec authorization, tone, text string) {
	c, err := a.claim(ctx, b, rec.Exchange, func(e *exchange) {
		e.Waiting, e.Answer = nil, ""
		e.Reply, e.Tone = text, tone
		if answered(e) { // the assistant says the rest
			note := text
			if tone == "" {
				note = denial(rec) + "."
			}
			e.Notes, e.Reply, e.Tone = append(e.Notes, note), "", ""
		}
		for i := range e.Done {
			if e.Done[i].Outcome == assistant.NeedsConsent {
				e.Done[i].Outcome, e.Done[i].Text = assistant.Denied, "The permission was not given."
			}
		}
	})
	switch {
	case errors.Is(err, errNothingWaits):
		err = a.tell(ctx, b, tone, text)
	case err == nil && answered(c.find(rec.Exchange)): // only a part of the message was refused
		err = a.goOn(ctx, b, c, rec.Exchange)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, anchor(rec.Exchange), http.StatusSeeOther)
}

// answered tells whether some call of an exchange brought something to talk about.
func answered(e *exchange) bool {
	return slices.ContainsFunc(e.Done, func(d doneCall) bool { return d.Outcome == assistant.OK })
}

func anchor(exchange string) string {
	if exchange == "" {
		return "/"
	}
	return "/#e-" + exchange
}
