package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/trace"
)

// What is decided here goes into the flight recorder, at the place where it is decided, in the words that the answer has too: no decision
// tells more of a refusal than the refused is told. While nothing is recorded none of this is built.

// traceRefusal tells of a refusal for which no better place has told it: every error comes by where it is answered.
func traceRefusal(ctx context.Context, err error) {
	if !trace.On(ctx) {
		return
	}
	var page *pageError
	var redirect *redirectError
	var refusal *tokenError
	var about *concern
	text := ""
	switch {
	case errors.As(err, &page):
		text = sentence(page.Detail)
	case errors.As(err, &redirect):
		text = refused(redirect.Code, redirect.Description)
	case errors.As(err, &refusal):
		text = refused(refusal.Code, refusal.Description)
	default:
		return // ours
	}
	if errors.As(err, &about) { // as the audit log has it
		trace.Subject(ctx, about.userID)
	}
	d := trace.Decision{Kind: trace.ClientCheck, Outcome: trace.Refused, Text: text}
	if refusal != nil && refusal.waiting() {
		d.Outcome = trace.Asked
	}
	trace.DecideAnyway(ctx, d)
}

// refused makes a sentence of an error of OAuth.
func refused(code, description string) string {
	return strings.TrimSuffix(sentence(description), ".") + " (" + code + ")."
}

// sentence makes the words of an error one. A name that it begins with stays what it is.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	if first, _, _ := strings.Cut(text, " "); !strings.ContainsAny(first, "_.") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}

// upTo cuts comparisons after the first that failed: what comes later was not looked at.
func upTo(all ...trace.Compared) []trace.Compared {
	if i := slices.IndexFunc(all, func(c trace.Compared) bool { return !c.OK }); i >= 0 {
		return all[:i+1]
	}
	return all
}

// traceRequest tells of an authorization request what was found right.
func traceRequest(r *http.Request, a *authRequest, err error) {
	ctx := r.Context()
	if err != nil {
		traceRefusal(ctx, err)
		return
	}
	if r.URL.Path != "/oauth/authorize" || !trace.On(ctx) { // the pages that carry it on need not say it again
		return
	}
	trace.ClientID(ctx, a.Client.ClientID())
	d := trace.Decision{Kind: trace.ClientCheck, Outcome: trace.Allowed, Compared: []trace.Compared{{What: "client_id", Wanted: "a client that is known", Got: a.Client.ClientID(), OK: true}}}
	if a.RedirectURI == "" { // of a stranger that describes itself nothing else was looked at yet
		d.Outcome, d.Text = trace.Asked, "The client describes itself at "+a.Client.Host()+". What it says there is read when somebody has logged in."
		trace.Decide(ctx, d)
		return
	}
	d.Compared = append(d.Compared, trace.Compared{What: "redirect_uri", Wanted: "one that the client registered, to the letter", Got: a.RedirectURI, OK: true})
	d.Text = "The client is " + a.Client.Name + ", and the answer goes to an address that it registered."
	if a.Challenge != "" {
		d.Compared = append(d.Compared, trace.Compared{What: "code_challenge_method", Wanted: "S256", Got: "S256", OK: true},
			trace.Compared{What: "resource", Wanted: "a server that the client may ask for", Got: a.Server.Identifier, OK: true})
	}
	trace.Decide(ctx, d)
}

// traceVisit tells who is logged in, and whether that will do.
func traceVisit(ctx context.Context, v visit, asked bool) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.Login, Outcome: trace.Asked, Text: "Nobody is logged in here, so somebody is asked to."}
	switch {
	case v.loggedIn() && asked:
		d.Text = v.user.Name + " is logged in here, but the client wants a newer login, or another person's."
	case v.loggedIn():
		d.Outcome, d.Text = trace.Allowed, fmt.Sprintf("%s is logged in here since %s (%s), and is not asked again.", v.user.Name, v.login.Since.UTC().Format("15:04:05 UTC"), v.login.Method)
	}
	trace.Decide(ctx, d)
}

// traceLogin tells who proved to be whom. Of a wrong password it does not tell whether anybody has the name.
func traceLogin(ctx context.Context, user directory.User, method, problem string) {
	if !trace.On(ctx) {
		return
	}
	if problem != "" {
		trace.Decide(ctx, trace.Decision{Kind: trace.Login, Outcome: trace.Refused, Text: problem})
		return
	}
	trace.Subject(ctx, user.ID)
	trace.Decide(ctx, trace.Decision{Kind: trace.Login, Outcome: trace.Allowed, Text: "It is " + user.Name + ".",
		Compared: []trace.Compared{{What: method, Wanted: "that of " + user.Username, Got: "it is", OK: true}}})
}

// setsOf are the four sets of a decision, and for each scope that was asked for which of them lacks it.
func setsOf(d rbac.Decision) (*trace.Sets, []trace.Compared) {
	if d.Verdicts == nil {
		return nil, nil
	}
	consented, _ := splitOutside(slices.Clone(d.Sets.Consent)) // who the person is, is agreed to in the same place
	sets := &trace.Sets{Requested: d.Sets.Requested, Client: d.Sets.Client, Role: d.Sets.Role, Consent: consented, Granted: d.Granted}
	compared := make([]trace.Compared, len(d.Verdicts))
	for i, v := range d.Verdicts {
		compared[i] = trace.Compared{What: v.Scope, Wanted: "in all four sets", Got: "it is", OK: len(v.Lacking) == 0}
		if len(v.Lacking) > 0 {
			compared[i].Got = "not in: " + lacking(v)
		}
	}
	return sets, compared
}

// tracePolicy tells what a person could allow.
func tracePolicy(ctx context.Context, all rbac.Decision, d decision) {
	if !trace.On(ctx) {
		return
	}
	t := trace.Decision{Kind: trace.Policy, Outcome: trace.Allowed, Text: "All that was asked for was allowed before."}
	t.Sets, t.Compared = setsOf(all)
	switch {
	case len(d.New) > 0:
		t.Outcome, t.Text = trace.Asked, "The client and the role may have "+rbac.JoinScope(d.New)+". Only the person's consent is missing."
	case len(d.Available) == 0 && len(d.Dropped) > 0:
		t.Outcome, t.Text = trace.Refused, "Nothing that was asked for can be had."
	}
	if len(d.Dropped) > 0 && len(d.Available) > 0 {
		t.Text += " No consent can give the others."
	}
	trace.Decide(ctx, t)
}

// traceAsks tells what the consent page asks.
func traceAsks(ctx context.Context, a *authRequest, d decision) {
	if !trace.On(ctx) {
		return
	}
	t := trace.Decision{Kind: trace.Consent, Outcome: trace.Asked, Text: a.Client.Name + " asks for " + rbac.JoinScope(slices.Concat(d.New, d.Identity)) + "."}
	switch {
	case !d.possible(a):
		t.Text = "There is nothing that this person could allow, and the page says why."
	case !d.asks():
		t.Text = "All was allowed before, and the person is asked once more."
	}
	trace.Decide(ctx, t)
}

// traceConsent tells what the person answered; without a form, that it was the answer of before.
func traceConsent(ctx context.Context, d decision, form url.Values, scopes []string, allowed bool) {
	if !trace.On(ctx) {
		return
	}
	t := trace.Decision{Kind: trace.Consent, Outcome: trace.Allowed, Text: "The person allows " + rbac.JoinScope(scopes) + "."}
	switch {
	case form == nil:
		t.Text = "The person allowed this client all of it before, so there is no question now."
	case !allowed:
		trace.Decide(ctx, trace.Decision{Kind: trace.Consent, Outcome: trace.Refused, Text: "The person denies it."})
		return
	case len(scopes) == 0:
		t.Text = "The person lets the client know who it is."
	}
	for _, scope := range d.Available {
		c := trace.Compared{What: scope, Wanted: "ticked", Got: "ticked", OK: true}
		switch {
		case slices.Contains(d.Consented, scope):
			c.Got = "allowed before"
		case !slices.Contains(form["scope"], scope):
			c.Got, c.OK = "not ticked", false
		}
		t.Compared = append(t.Compared, c)
	}
	trace.Decide(ctx, t)
}
