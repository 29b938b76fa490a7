package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
)

// What is decided here goes into the flight recorder, at the place where it is decided. While nothing is recorded none of this is built.

// traceRefused tells of a request that was refused for how it was sent.
func traceRefused(ctx context.Context, kind trace.Kind, text string, compared ...trace.Compared) {
	if trace.On(ctx) {
		trace.Decide(ctx, trace.Decision{Kind: kind, Outcome: trace.Refused, Text: text, Compared: compared})
	}
}

// reasons are what was compared when a token is refused for one: no more than the answer says.
var reasons = map[string]trace.Compared{
	"it was issued for another resource":               {What: "audience (aud)", Wanted: "this server", Got: "another resource"},
	"it comes from another issuer":                     {What: "issuer (iss)", Wanted: "the authorization server of this one", Got: "another"},
	"it has expired":                                   {What: "expires (exp)", Wanted: "later than now", Got: "earlier"},
	"it is not valid yet":                              {What: "not before (nbf)", Wanted: "earlier than now", Got: "later"},
	"it was signed with a key that is not published":   {What: "signature", Wanted: "by a key that the issuer publishes", Got: "by another"},
	"its signature does not verify":                    {What: "signature", Wanted: "by a key that the issuer publishes", Got: "it does not verify"},
	"it is not an access token: its typ is not at+jwt": {What: "type (typ)", Wanted: token.Type, Got: "another"},
}

// traceChallenge tells of a challenge what it says, and no more: why a token is refused is not for everybody to know.
func traceChallenge(ctx context.Context, kind trace.Kind, code, description string, scopes []string) {
	if !trace.On(ctx) {
		return
	}
	d := trace.Decision{Kind: kind, Outcome: trace.Refused, Text: description}
	reason := strings.TrimSuffix(strings.TrimPrefix(description, tokenRefused), ".")
	if c, ok := reasons[reason]; ok {
		d.Compared = []trace.Compared{c}
	}
	switch code {
	case "":
		d.Outcome, d.Text = trace.Asked, "There is no access token. The answer says where to get one, and that the scope to begin with is "+rbac.JoinScope(scopes)+"."
	case dpop.UseNonce: // every client begins so
		d.Outcome = trace.Asked
	}
	trace.Decide(ctx, d)
}

// traceToken tells of a good token what was compared, and whose exchange it is from here on.
func (g *guard) traceToken(ctx context.Context, c token.Claims) {
	if !trace.On(ctx) {
		return
	}
	trace.ClientID(ctx, c.ClientID)
	who := "It speaks for the user " + c.Subject + "."
	switch by := (caller{c}); {
	case by.machine():
		who = "It speaks for the application " + c.ClientID + " itself, and for no user."
	case by.agent() != "":
		trace.Subject(ctx, c.Subject)
		who = "It speaks for the user " + c.Subject + ", for whom the agent " + by.agent() + " acts."
	default:
		trace.Subject(ctx, c.Subject)
	}
	trace.Decide(ctx, trace.Decision{Kind: trace.TokenCheck, Outcome: trace.Allowed, Text: "The access token is good. " + who, Compared: []trace.Compared{
		{What: "signature", Wanted: "by a key that the issuer publishes", Got: "it is", OK: true},
		{What: "type (typ)", Wanted: token.Type, Got: token.Type, OK: true},
		{What: "issuer (iss)", Wanted: g.issuer, Got: c.Issuer, OK: true},
		{What: "audience (aud)", Wanted: g.url + " or " + Identifier, Got: strings.Join(c.Audience, " "), OK: true},
		{What: "expires (exp)", Wanted: "later than now", Got: c.ExpiresAt.UTC().Format(time.RFC3339), OK: true},
	}})
}

// traceProof tells that whoever sent a bound token has its key.
func traceProof(ctx context.Context, key, bound string) {
	if key == "" || !trace.On(ctx) {
		return
	}
	trace.Decide(ctx, trace.Decision{Kind: trace.ProofCheck, Outcome: trace.Allowed, Text: "The sender has proved to have the key that the token is bound to.",
		Compared: []trace.Compared{{What: "key (cnf.jkt)", Wanted: bound, Got: key, OK: true}}})
}

// traceScope tells which scope an operation needs, and what came of it: the token has it; or a consent could add it, as the roles allow it; or
// nothing can.
func traceScope(ctx context.Context, who caller, scopes, allowed []string, outcome trace.Outcome) {
	if !trace.On(ctx) {
		return
	}
	need := rbac.JoinScope(scopes)
	d := trace.Decision{Kind: trace.ToolCheck, Outcome: outcome, Text: "The token has the scope that this needs.",
		Compared: []trace.Compared{{What: "scope of the token", Wanted: need, Got: who.Scope, OK: outcome == trace.Allowed}}}
	role := trace.Compared{What: "scopes of the role " + strings.Join(who.Roles, ", "), Wanted: need, Got: rbac.JoinScope(allowed), OK: outcome == trace.Asked}
	switch {
	case need == rbac.AnyToken:
		d.Text, d.Compared = "Any good token may do this.", nil
	case outcome == trace.Asked:
		d.Text, d.Compared = "The token lacks a scope that a consent can add, since the role allows it: 403 names "+need+".", append(d.Compared, role)
	case outcome == trace.Refused:
		d.Text, d.Compared = "The token lacks the scope that this needs, and no consent can add it, since the role does not allow it. So the answer is no challenge.", append(d.Compared, role)
	}
	trace.Decide(ctx, d)
}

// traceOwner is what watches the clinic. Of a pet that a person may not see it says the same as of one that nobody has.
func traceOwner(ctx context.Context, who clinic.Actor, ref string, p clinic.Pet, err error) {
	if !trace.On(ctx) || err != nil && !refused(err) {
		return
	}
	d := trace.Decision{Kind: trace.OwnerCheck, Outcome: trace.Allowed}
	ref = shorten(strings.TrimSpace(ref), 64)
	switch {
	case err != nil && who.Staff:
		d.Text = fmt.Sprintf("The role %s sees all pets, and not exactly one is called %s.", rbac.StaffRole, ref)
		d.Compared = []trace.Compared{{What: "pet", Wanted: "one of all", Got: "not " + ref}}
	case err != nil && who.ID == "":
		d.Text = "The application acts for no user, so no pet is its own. Others' pets are not looked at, so nothing can leak."
		d.Compared = []trace.Compared{{What: "pet", Wanted: "one of nobody", Got: "none is called " + ref}}
	case err != nil:
		d.Text = fmt.Sprintf("None of the pets of %s is called %s. Others' pets are not looked at, so nothing can leak.", who.ID, ref)
		d.Compared = []trace.Compared{{What: "pet", Wanted: "one of " + who.ID, Got: "none is called " + ref}}
	case who.Staff:
		d.Text = fmt.Sprintf("The role %s sees all pets. %s belongs to %s.", rbac.StaffRole, p.Name, p.Owner.ID)
		d.Compared = []trace.Compared{{What: "role", Wanted: rbac.StaffRole, Got: rbac.StaffRole, OK: true}}
	default:
		d.Text = fmt.Sprintf("%s belongs to %s, who is the token's sub.", p.Name, p.Owner.ID)
		if who.Agent != "" {
			d.Text = fmt.Sprintf("%s belongs to %s, who is the token's sub: the agent %s sees what this user sees.", p.Name, p.Owner.ID, who.Agent)
		}
		d.Compared = []trace.Compared{{What: "owner", Wanted: who.ID, Got: p.Owner.ID, OK: true}}
	}
	if err != nil {
		d.Outcome = trace.Refused
	}
	trace.Decide(ctx, d)
}

// traceOwn tells of a list that it holds what the caller may see.
func traceOwn(ctx context.Context, who clinic.Actor) {
	if !trace.On(ctx) {
		return
	}
	text := "Only what belongs to " + who.ID + ", who is the token's sub, is listed."
	switch {
	case who.Staff:
		text = "The role " + rbac.StaffRole + " sees what belongs to any owner."
	case who.ID == "":
		text = "The application acts for no user, so nothing is its own."
	}
	trace.Decide(ctx, trace.Decision{Kind: trace.OwnerCheck, Outcome: trace.Allowed, Text: text})
}

// traceMismatch tells in what the headers of a request that was refused differ from its body.
func traceMismatch(r *http.Request, messages []message, status int) {
	if status != http.StatusBadRequest || len(messages) != 1 || !trace.On(r.Context()) {
		return
	}
	name, uri := messages[0].target()
	var meta struct {
		Meta struct {
			Revision string `json:"io.modelcontextprotocol/protocolVersion"`
		} `json:"_meta"`
	}
	_ = json.Unmarshal(messages[0].Params, &meta)
	var differ []trace.Compared
	for _, c := range []trace.Compared{
		{What: "Mcp-Method", Wanted: messages[0].Method}, {What: "Mcp-Name", Wanted: name + uri}, {What: "MCP-Protocol-Version", Wanted: meta.Meta.Revision},
	} {
		if c.Got = r.Header.Get(c.What); c.Got != c.Wanted && c.Wanted != "" {
			differ = append(differ, c)
		}
	}
	if len(differ) > 0 {
		traceRefused(r.Context(), trace.ClientCheck, "The headers do not say what the body says. Somebody on the way may have gone by them, so the request is not carried out.", differ...)
	}
}

// carried finds the flow of a request in its _meta, where its header has none.
func carried(ctx context.Context, messages []message) {
	if len(messages) == 0 || !trace.On(ctx) {
		return
	}
	var params struct {
		Meta struct {
			Parent string `json:"traceparent"`
			State  string `json:"tracestate"`
		} `json:"_meta"`
	}
	if json.Unmarshal(messages[0].Params, &params) == nil {
		trace.Carried(ctx, params.Meta.Parent, params.Meta.State)
	}
}
