package learn

import (
	"testing"

	"github.com/vetassist/vetassist/shared/trace"
)

// TestOutcomes: the last word counts, at each address and of each kind of decision.
func TestOutcomes(t *testing.T) {
	said := func(to trace.Party, path string, status int, decisions ...trace.Decision) trace.Record {
		return trace.Record{ID: path, From: trace.App, To: to, Request: trace.Message{Method: "POST", URL: path}, Response: trace.Message{Status: status}, Decisions: decisions}
	}
	refused := func(k trace.Kind) trace.Decision { return trace.Decision{Kind: k, Outcome: trace.Refused} }
	allowed := func(k trace.Kind) trace.Decision { return trace.Decision{Kind: k, Outcome: trace.Allowed} }
	wantsToken := said(trace.MCP, "/mcp", 401, refused(trace.TokenCheck))
	wantsScope := said(trace.MCP, "/mcp?again", 403, allowed(trace.TokenCheck), refused(trace.ToolCheck))
	for name, c := range map[string]struct {
		flow []trace.Record
		want string
	}{
		"an answer":                            {[]trace.Record{said(trace.MCP, "/mcp", 200, allowed(trace.TokenCheck))}, outcomeDone},
		"a login is wanted":                    {[]trace.Record{wantsToken}, outcomeWaiting},
		"a login is wanted, and metadata read": {[]trace.Record{wantsToken, said(trace.OAuth, "/.well-known/a", 404), said(trace.OAuth, "/.well-known/b", 200)}, outcomeWaiting},
		"one more permission is wanted":        {[]trace.Record{wantsScope}, outcomeWaiting},
		"and it was had":                       {[]trace.Record{wantsScope, said(trace.MCP, "/mcp", 200, allowed(trace.TokenCheck), allowed(trace.ToolCheck))}, outcomeDone},
		"a wrong password":                     {[]trace.Record{wantsToken, said(trace.OAuth, "/oauth/login", 200, refused(trace.Login))}, outcomeRefused},
		"and then the right one":               {[]trace.Record{said(trace.OAuth, "/oauth/login", 200, refused(trace.Login)), said(trace.OAuth, "/oauth/login", 303, allowed(trace.Login))}, outcomeDone},
		"the person says no":                   {[]trace.Record{wantsToken, said(trace.OAuth, "/oauth/consent", 303, refused(trace.Consent))}, outcomeRefused},
		"somebody else's pet":                  {[]trace.Record{said(trace.MCP, "/mcp", 200, allowed(trace.TokenCheck), refused(trace.OwnerCheck))}, outcomeRefused},
		"a code that is worth nothing":         {[]trace.Record{said(trace.OAuth, "/oauth/token", 400)}, outcomeRefused},
	} {
		if got := outcomeOf(c.flow); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
