package diagram

import (
	"slices"

	"github.com/vetassist/vetassist/shared/trace"
)

// RulesOf are the rules that a decision goes by, the one that it is most about first. A decision that none is known for goes by those of its exchange.
func RulesOf(r trace.Record, d trace.Decision) []Rule {
	var rules []Rule
	for _, e := range decided {
		if e.kind == d.Kind && e.obeyed(r, d) {
			rules = append(rules, e.Rule)
		}
	}
	of := Rules(r)
	for _, title := range governs[d.Kind] {
		for _, rule := range of {
			if rule.Title == title && !slices.ContainsFunc(rules, func(have Rule) bool { return have.Sentence == rule.Sentence }) {
				rules = append(rules, rule)
			}
		}
	}
	if len(rules) == 0 {
		return of
	}
	return rules
}

// decided are the rules of decisions that no message shows.
var decided = []struct {
	Rule
	kind   trace.Kind
	obeyed func(trace.Record, trace.Decision) bool
}{
	{Rule{"First of all: who is it?", "The authorization server MUST first verify the identity of the resource owner.",
		"RFC 6749 §3.1", rfc + "6749#section-3.1", ""}, trace.Login, always},
	{Rule{"Not all that is asked for is given", "The authorization server MAY fully or partially ignore the scope requested by the client, based on the authorization server policy or the resource owner's instructions.",
		"RFC 6749 §3.3", rfc + "6749#section-3.3", ""}, trace.Policy, always},
	{Rule{"Not all that is asked for is given", "The authorization server MAY fully or partially ignore the scope requested by the client, based on the authorization server policy or the resource owner's instructions.",
		"RFC 6749 §3.3", rfc + "6749#section-3.3", ""}, trace.Mint, always},
	{Rule{"Nothing without the person's consent", "The authorization server MUST … ensure that a malicious client cannot obtain authorization without the awareness and explicit consent of the resource owner.",
		"RFC 6749 §10.12", rfc + "6749#section-10.12", ""}, trace.Consent, always},
	{Rule{"Who has logged in", "The Client MUST validate that the aud (audience) Claim contains its client_id value registered at the Issuer identified by the iss (issuer) Claim as an audience.",
		"OpenID Connect Core §3.1.3.7", openid + "core-1_0.html#IDTokenValidation", ""}, trace.TokenCheck,
		func(r trace.Record, d trace.Decision) bool { return r.To == trace.App && weighs(d, "issuer (iss)") }},
	{Rule{"Only a token of that server's own login", "MCP clients MUST NOT send tokens to the MCP server other than ones issued by the MCP server's authorization server.",
		"MCP Authorization, Token Handling", mcpAuth + "#token-handling", ""}, trace.TokenCheck,
		func(r trace.Record, d trace.Decision) bool { return r.To == trace.App && !weighs(d, "issuer (iss)") }},
	{Rule{"The token must be good, and enough", "The resource server MUST validate the access token and ensure that it has not expired and that its scope covers the requested resource.",
		"RFC 6749 §7", rfc + "6749#section-7", ""}, trace.ToolCheck,
		func(r trace.Record, _ trace.Decision) bool { return r.To != trace.App }},
	{Rule{"One step up", "Clients acting on behalf of a user SHOULD attempt the step-up authorization flow.",
		"MCP Authorization, Step-Up Authorization Flow", mcpAuth + "#step-up-authorization-flow", ""}, trace.ToolCheck,
		func(r trace.Record, d trace.Decision) bool { return r.To == trace.App && !fromNothing(d) }},
	{Rule{"A refusal that says where to log in", "MCP clients MUST be able to parse WWW-Authenticate headers and respond appropriately to HTTP 401 Unauthorized responses from the MCP server.",
		"MCP Authorization, Protected Resource Metadata Discovery Requirements", mcpAuth + "/authorization-server-discovery#protected-resource-metadata-discovery-requirements", ""}, trace.ToolCheck,
		func(r trace.Record, d trace.Decision) bool { return r.To == trace.App && fromNothing(d) }},
	{Rule{"To each their own", "Servers MUST … implement proper access controls.",
		"MCP, Tools, Security Considerations", "https://modelcontextprotocol.io/specification/2026-07-28/server/tools#security-considerations", ""}, trace.OwnerCheck, always},
}

// governs are the rules of an exchange that a kind of decision in it goes by.
var governs = map[trace.Kind][]string{
	trace.ClientCheck: {"A request that is not redirected", "The code needs its verifier", "One code, one use", "Who is this client?", "The answer goes to a known address only", "PKCE", "For which server the token is wanted", "A pushed request",
		"Not valid, or not yours", "A refusal says which", "A new refresh token each time", "A stolen refresh token is of little use",
		"A program for itself", "A task is handed on", "Somebody else vouches", "The device asks and waits", "A device without a browser", "A client introduces itself", "A token is taken back",
		"Not everybody may ask", "Nobody is logged out by surprise"},
	trace.Consent:    {"Nobody agreed", "The device asks and waits"},
	trace.Mint:       {"For one server only", "A new refresh token each time", "A task is handed on", "What kind of token it is"},
	trace.TokenCheck: {"No token: where to get one", "A token that is not valid", "Made for this server, or refused", "The audience is checked", "Who acts for whom", "About the same person"},
	trace.ProofCheck: {"The proof must be fresh", "A proof for this call and this token", "The token is bound to a key"},
	trace.ToolCheck:  {"A permission is missing", "All that is missing, at once", "A refusal of the tool itself"},
	trace.StateCheck: {"Only an answer to one's own request", "From the server that was asked, or not at all", "Nobody agreed"},
}

func always(trace.Record, trace.Decision) bool { return true }

func weighs(d trace.Decision, what string) bool {
	return slices.ContainsFunc(d.Compared, func(c trace.Compared) bool { return c.What == what })
}

// fromNothing tells whether a person is asked to connect, and not for more.
func fromNothing(d trace.Decision) bool {
	return slices.ContainsFunc(d.Compared, func(c trace.Compared) bool { return c.Got == "none" })
}
