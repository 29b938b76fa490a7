package app

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/trace"
)

// What is decided here goes into the flight recorder, at the place where it is decided. While nothing is recorded none of this is built.

// inFlow has the requests of an MCP client carry the flow of the turn in their _meta too (MCP 2026-07-28, Base Protocol, General fields, OpenTelemetry
// trace context), wherever the SDK sends them from. To another's server it says nothing of ours.
func (a *app) inFlow(turn context.Context) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if parent, state := trace.Carry(turn, trace.App); parent != "" && strings.HasPrefix(a.mcpURL, a.base+"/") {
				if p := req.GetParams(); p != nil && !reflect.ValueOf(p).IsNil() {
					meta := map[string]any{"traceparent": parent, "tracestate": state}
					for name, value := range p.GetMeta() {
						meta[name] = value
					}
					p.SetMeta(meta)
				}
			}
			return next(ctx, method, req)
		}
	}
}

// tracePerson says whose exchange it is, where that is somebody whom the recorder's own authorization server knows.
func (a *app) tracePerson(ctx context.Context, p *account) {
	if p != nil && p.Issuer == a.base {
		trace.Subject(ctx, p.Subject)
	}
}

// traceState tells whether an authorization response is the answer to a request of this browser, and from the server that it went to.
func traceState(ctx context.Context, rec authorization, q url.Values, err error) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.StateCheck, Outcome: trace.Allowed, Text: "This is the answer to a request of this browser, from the server that it went to.",
		Compared: []trace.Compared{
			{What: "state", Wanted: "that of a request of this browser, not yet answered", Got: "it is", OK: true},
			{What: "issuer (iss)", Wanted: rec.Server.Issuer, Got: q.Get("iss"), OK: err == nil},
		}}
	if err != nil {
		d.Outcome, d.Text = trace.Refused, "The answer does not come from the server that the request went to, so its code is not used."
	}
	trace.Decide(ctx, d)
}

// traceStray tells of an authorization response that is the answer to nothing.
func traceStray(ctx context.Context, text string) {
	if trace.On(ctx) {
		trace.Decide(ctx, trace.Decision{Kind: trace.StateCheck, Outcome: trace.Refused, Text: text,
			Compared: []trace.Compared{{What: "state", Wanted: "that of a request of this browser, not yet answered", Got: "another, or none"}}})
	}
}

// traceNoCode tells that the answer was no.
func traceNoCode(ctx context.Context, code string) {
	if trace.On(ctx) {
		kind := trace.ClientCheck
		if code == "access_denied" {
			kind = trace.Consent
		}
		trace.Decide(ctx, trace.Decision{Kind: kind, Outcome: trace.Refused, Text: "There is no code: the authorization server says " + clip(code, 60) + "."})
	}
}

// traceToken tells which token goes to the MCP server in this turn.
func (a *app) traceToken(ctx context.Context, held bool, l *login) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Asked, Text: "There is no access token for this server, so the request goes out without one."}
	if held {
		d.Outcome, d.Text = trace.Allowed, "The access token of the last login or refresh goes along."
		d.Compared = []trace.Compared{
			{What: "server", Wanted: a.mcpURL, Got: l.Server.Resource, OK: true},
			{What: "expires", Wanted: "in more than " + refreshAhead.String(), Got: moment(l.Expires), OK: true},
		}
	}
	trace.Decide(ctx, d)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "the server did not say"
	}
	return t.UTC().Format(time.RFC3339)
}

// traceRefresh tells why a token is replaced.
func traceRefresh(ctx context.Context, why string) {
	if trace.On(ctx) {
		trace.Decide(ctx, trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Asked, Text: why + " So the refresh token is exchanged for another pair of tokens."})
	}
}

// traceLost tells that a login has ended.
func traceLost(ctx context.Context, reason string) {
	if trace.On(ctx) {
		trace.Decide(ctx, trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Refused, Text: reason + " Both tokens are forgotten."})
	}
}

// traceNeed tells what a person is asked for because of a challenge.
func traceNeed(ctx context.Context, n *need, c challenge) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.ToolCheck, Outcome: trace.Asked, Text: "The MCP server wants a login, so the person is asked to connect.",
		Compared: []trace.Compared{{What: "scopes", Wanted: strings.Join(c.Scopes, " "), Got: cmp.Or(strings.Join(without(n.Scopes, n.New), " "), "none")}}}
	if n.Kind == needStepUp {
		d.Text = "The token lacks " + strings.Join(n.New, " ") + ", and a consent can add it. The new request asks for what was there before as well, so that nothing is lost."
	}
	trace.Decide(ctx, d)
}

// traceNoNeed tells why a person is not asked again.
func traceNoNeed(ctx context.Context, err error) {
	if trace.On(ctx) {
		trace.Decide(ctx, trace.Decision{Kind: trace.ToolCheck, Outcome: trace.Refused, Text: "The person was asked before because of this message, and is not asked again: " + err.Error() + "."})
	}
}

// traceIdentity tells whether what the authorization server says of the person can be believed (OpenID Connect Core §3.1.3.7).
func (a *app) traceIdentity(ctx context.Context, s server, who *account, err error) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Refused, Text: fmt.Sprintf("The ID token is not used: %v.", err)}
	if err == nil {
		a.tracePerson(ctx, who)
		d.Outcome, d.Text = trace.Allowed, "The ID token is from our authorization server, for this client, and answers this request: it is "+who.Name+"."
		d.Compared = []trace.Compared{
			{What: "issuer (iss)", Wanted: s.Issuer, Got: who.Issuer, OK: true},
			{What: "audience (aud)", Wanted: s.Client, Got: s.Client, OK: true},
		}
	}
	trace.Decide(ctx, d)
}
