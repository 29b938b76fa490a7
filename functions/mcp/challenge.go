package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// policy judges what a token lacks: could a consent give it, or can nothing?
type policy struct{ roles Roles }

// needs is the scope that a message asks for, "" when any valid token will do. What the SDK will refuse anyway needs none.
func needs(m message) string {
	name, uri := m.target()
	switch {
	case m.Method == "tools/call":
		return rbac.Tools[name]
	case m.Method == "resources/read" && strings.HasPrefix(uri, petURI("")):
		return rbac.PetProfileRead
	case m.Method == "prompts/get" && slices.ContainsFunc(prompts, func(p promptSpec) bool { return p.name == name }):
		return rbac.PetProfileRead
	}
	return rbac.AnyToken
}

// missing returns what to ask consent for so that all messages can go through, with what the token has of it already. It is empty when
// nothing is missing, or nothing that consent can give.
func (p policy) missing(ctx context.Context, who caller, messages []message) ([]string, error) {
	var required []string
	for _, m := range messages {
		if s := needs(m); s != rbac.AnyToken && !slices.Contains(required, s) {
			required = append(required, s)
		}
	}
	if rbac.Satisfies(who.Scopes(), required) {
		return nil, nil
	}
	allowed, err := p.roles.RoleScopes(ctx, who.Roles, Identifier)
	if err != nil {
		return nil, err
	}
	var ask []string
	lacking := false
	for _, s := range required {
		has, there := rbac.Satisfier(who.Scopes(), s) // writing, perhaps, where reading would do: a client may ask for no more than we say
		could, possible := rbac.Satisfier(allowed, s)
		switch {
		case there:
			s = has
		case possible: // a consent could add it
			s, lacking = could, true
		default:
			continue
		}
		if !slices.Contains(ask, s) {
			ask = append(ask, s)
		}
	}
	if !lacking {
		return nil, nil
	}
	traceScope(ctx, who, ask, allowed, trace.Asked)
	return ask, nil
}

// check is the second check, where the work is done. It finds what the challenge let pass on purpose: a scope that the
// caller's roles can never get.
func (p policy) check(ctx context.Context, who caller, scope string) error {
	if scope == rbac.AnyToken && who.Subject != "" || scope != rbac.AnyToken && rbac.Satisfies(who.Scopes(), []string{scope}) {
		traceScope(ctx, who, []string{scope}, nil, trace.Allowed)
		return nil
	}
	allowed, err := p.roles.RoleScopes(ctx, who.Roles, Identifier)
	if err != nil {
		return err
	}
	if _, ok := rbac.Satisfier(allowed, scope); !ok {
		traceScope(ctx, who, []string{scope}, allowed, trace.Refused)
		return &clinic.Error{Code: clinic.RoleForbidden, Message: fmt.Sprintf(
			"%s the permission %s, which this needs. No consent can change that; only an administrator of the clinic can.", rolesLack(who.Roles), scope)}
	}
	return &jsonrpc.Error{Code: codeUnauthorized, Message: "The access token lacks the scope " + scope + "."}
}

func rolesLack(roles []string) string {
	switch len(roles) {
	case 0:
		return "Without a role you cannot have"
	case 1:
		return "The role " + roles[0] + " does not have"
	}
	return "The roles " + strings.Join(roles, " and ") + " do not have"
}

// scopes answers 403 when a consent could give what the token lacks (MCP, Authorization, Runtime Insufficient Scope Errors). When
// none could, the request goes on to a refusal that says so: a challenge would send the client round in circles.
func (g *guard) scopes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var messages []message
		if r.Method == http.MethodPost {
			var ok bool
			if messages, ok = readBody(w, r); !ok {
				return
			}
			carried(r.Context(), messages)
			who := callerFrom(r.Context())
			if more := len(messages) - 1; more > 0 && !g.limit.allow(who.Subject, more) { // bearer has counted one
				tooMany(w, r)
				return
			}
			ask, err := g.policy.missing(r.Context(), who, messages)
			if err != nil {
				web.LogFailure(r, g.log, err)
				status := web.FailureStatus(err)
				rpcError(w, status, idOf(messages), failureCode(status), web.Sorry(r.Context(), status), nil)
				return
			}
			if len(ask) > 0 {
				g.challenge(w, r, trace.ToolCheck, http.StatusForbidden, idOf(messages), who.Type(), "insufficient_scope", ask, "This needs your permission for: "+rbac.JoinScope(ask)+".")
				return
			}
		}
		p := &protocolErrors{ResponseWriter: w, one: len(messages) == 1}
		ctx := context.WithValue(r.Context(), busyKey{}, &p.busy)
		if deadline, ok := ctx.Deadline(); ok {
			ctx = context.WithValue(ctx, deadlineKey{}, deadline.Add(-answerTime))
		}
		if r = r.WithContext(ctx); !g.direct().answer(p, r, messages) {
			next.ServeHTTP(p, r)
		}
		p.finish(r, idOf(messages))
		traceMismatch(r, messages, p.sent)
	})
}

// challenge tells a client what to do next (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1). scheme is what it came with, empty: none, or
// several.
func (g *guard) challenge(w http.ResponseWriter, r *http.Request, kind trace.Kind, status int, id json.RawMessage, scheme, code string, scopes []string, description string) {
	if status != http.StatusForbidden { // what is missing there has been told
		traceChallenge(r.Context(), kind, code, description, scopes)
	}
	scope := rbac.JoinScope(scopes)
	var parts []string
	if code != "" {
		parts = append(parts, fmt.Sprintf(`error=%q`, code))
	}
	where := fmt.Sprintf(`resource_metadata=%q, scope=%q`, g.metadata, scope)
	if status == http.StatusForbidden {
		where = fmt.Sprintf(`scope=%q, resource_metadata=%q`, scope, g.metadata)
	}
	parts = append(parts, where)
	if code != "" {
		parts = append(parts, fmt.Sprintf(`error_description=%q`, description))
	}
	// What went wrong is said in the challenge of the scheme that was used (RFC 9449 §7.2). Bearer comes first, and whoever came with a
	// proof hears of DPoP only: there are clients that look no further than the first challenge, or not at all when there are two.
	said, algs := strings.Join(parts, ", "), fmt.Sprintf(`, algs=%q`, strings.Join(dpop.Algs, " "))
	if scheme != proofScheme {
		w.Header().Add("WWW-Authenticate", "Bearer "+said)
	}
	switch {
	case scheme != bearerScheme:
		w.Header().Add("WWW-Authenticate", "DPoP "+said+algs)
	case status == http.StatusUnauthorized:
		w.Header().Add("WWW-Authenticate", "DPoP "+where+algs)
	}
	rpcError(w, status, id, codeUnauthorized, description, &challengeData{Error: code, Scope: scope, ResourceMetadata: g.metadata})
}
