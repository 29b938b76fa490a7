package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/web"
)

// starters are on the empty page. They are messages like any other.
var starters = []string{
	"When is Fido's next vaccination?",
	"Book an appointment for Fido next Tuesday at 10",
	"Which pets do I have?",
	"My dog ate chocolate. What should I do?",
	"What can you do?",
}

// chatView is what chat.html shows.
type chatView struct {
	Status    statusView
	Exchanges []exchangeView
	Starters  []string
	Ended     bool   // the browser came back after its session had ended
	First     bool   // it came to connect, and there is nothing to connect for
	Ready     bool   // the client_id was just entered
	Changing  string // the client_id, as long as it can be changed
	Max       int
	Flows     string // where what happens is drawn; empty: nowhere
}

// statusView is the connection, in the header.
type statusView struct {
	Connected, Session bool
	Server, Issuer     string
	Person             string // name; empty: not known
	Permissions        []permission
}

// permission is a scope with its words.
type permission struct{ Words, Scope string }

type exchangeView struct {
	ID, Message string
	Flow        string // empty: nothing is recorded
	Notes       []string
	Blocks      []block
	Tone        string
	Card        *cardView
	Agents      []string // whose work the answer is too, in sentences
	Question    *asking
	Calls       []callView
	Suggestions []string
	Interrupted bool
}

// block is a paragraph or a list of a reply.
type block struct {
	Text  string
	Items []string
}

// cardView asks a person to act.
type cardView struct {
	StepUp            bool
	Link, Host        string
	New               []permission
	Kept              string // in words
	Learns            string // what Vet Assist AI comes to know of the person
	Tool, Description string
}

type callView struct {
	Name, Title, Scope, Arguments, Text string
	By                                  string // name of an agent
	Outcome                             string // of assistant.Outcome, in words
	Good, Bad                           bool
}

func (a *app) page(w http.ResponseWriter, r *http.Request) {
	set, err := a.ready(r.Context())
	if errors.Is(err, errNotSetUp) {
		a.renderSetup(w, r, http.StatusOK, a.viewSetup(set))
		return
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	b, stale, err := a.open(r)
	view := chatView{Starters: starters, Max: maxMessage, Flows: a.flows, Ended: stale, First: r.URL.Query().Has("first"),
		Ready: r.URL.Query().Has("ready")}
	if !set.Proven {
		view.Changing = set.ClientID
	}
	var c conversation
	switch {
	case errors.Is(err, errNoSession):
		err = nil
	case err == nil:
		view.Status = viewStatus(b)
		c, err = a.readConversation(r.Context(), b)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	for i, e := range c.Exchanges {
		view.Exchanges = append(view.Exchanges, a.viewExchange(b, e, i == len(c.Exchanges)-1))
	}
	if err := a.pages.Render(w, http.StatusOK, "chat.html", web.Page{Title: "Vet Assist AI", Data: view}); err != nil {
		a.fail(w, r, err)
	}
}

func viewStatus(b *browser) statusView {
	v := statusView{Session: true}
	if l := b.session.Login; l != nil {
		v.Connected, v.Server, v.Issuer = true, l.Server.Name, hostOf(l.Server.Issuer)
		if v.Server == "" {
			v.Server = hostOf(l.Server.Resource)
		}
		v.Permissions = permissions(l.Scopes)
		if b.session.Person != nil {
			v.Person = b.session.Person.Name
		}
	}
	return v
}

func permissions(scopes []string) []permission {
	var out []permission
	for _, s := range shownScopes(scopes) {
		out = append(out, permission{capital(scopeWord(s)), s})
	}
	return out
}

// viewExchange has suggestions only for the last exchange: older ones would answer a question of before.
func (a *app) viewExchange(b *browser, e exchange, last bool) exchangeView {
	v := exchangeView{ID: e.ID, Flow: e.Flow, Message: e.Message, Notes: e.Notes, Blocks: blocks(e.Reply), Tone: e.Tone, Interrupted: e.Reply == "" && e.Need == nil}
	if last {
		v.Suggestions = e.Suggestions
	}
	if n := e.Need; n != nil {
		v.Card = &cardView{
			StepUp: n.Kind == needStepUp, Link: "/connect?for=" + url.QueryEscape(e.ID), Host: hostOf(n.Server.Issuer),
			New: permissions(n.New), Tool: n.Tool, Description: n.Description,
		}
		if !v.Card.StepUp {
			v.Card.Learns = learns(n.Server.Identity)
		}
		if kept := shownScopes(without(n.Scopes, n.New)); len(kept) > 0 {
			v.Card.Kept = scopeWords(kept)
		}
	}
	if e.Question != nil {
		v.Question = a.viewQuestion(b, e.ID, e.Question)
	}
	for _, d := range e.Done {
		call := viewCall(d)
		if d.Outcome == assistant.NeedsAnswer && e.Question == nil {
			call.Outcome = "left open"
		}
		v.Calls = append(v.Calls, call)
		if said := d.By + " booked this for you."; d.By != "" && !slices.Contains(v.Agents, said) {
			v.Agents = append(v.Agents, said)
		}
	}
	return v
}

func viewCall(d doneCall) callView {
	v := callView{Name: d.Call.Name, Title: d.Title, Scope: d.Scope, By: d.By, Good: d.Outcome == assistant.OK}
	v.Bad = d.Outcome == assistant.Denied || d.Outcome == assistant.Failed
	if args, err := json.Marshal(d.Call.Arguments); err == nil && len(d.Call.Arguments) > 0 {
		v.Arguments = clip(string(args), 600)
	}
	switch d.Outcome {
	case assistant.OK:
		v.Outcome = "answered"
	case assistant.ToolError:
		v.Outcome, v.Text = "not done", clip(d.Text, 300)
	case assistant.NeedsConsent:
		v.Outcome = "waiting for your permission"
	case assistant.NeedsAnswer:
		v.Outcome = "waiting for your answer"
	case assistant.Denied:
		v.Outcome, v.Text = "permission not given", clip(d.Text, 300)
	default:
		v.Outcome, v.Text = "failed", clip(d.Text, 300)
	}
	return v
}

// blocks turns the plain text of a reply into paragraphs and lists; lines that begin with "• " are items.
// Nothing else in it has a meaning, so that a model cannot make links or markup.
func blocks(reply string) []block {
	var out []block
	add := true // begin a new block
	for line := range strings.Lines(reply) {
		line = strings.TrimSpace(line)
		item, isItem := strings.CutPrefix(line, "• ")
		switch n := len(out); {
		case line == "":
			add = true
			continue
		case isItem && n > 0 && len(out[n-1].Items) > 0 && !add:
			out[n-1].Items = append(out[n-1].Items, item)
		case isItem:
			out = append(out, block{Items: []string{item}})
		case n > 0 && out[n-1].Text != "" && !add:
			out[n-1].Text += "\n" + line
		default:
			out = append(out, block{Text: line})
		}
		add = false
	}
	return out
}

func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	return u.Host
}
