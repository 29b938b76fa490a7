package oauth

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// What tokens are called in a token exchange (RFC 8693 §3; draft-ietf-oauth-identity-assertion-authz-grant, "OAuth URI Registration").
const (
	tokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
	tokenTypeIDToken = "urn:ietf:params:oauth:token-type:id_token"
	tokenTypeIDJAG   = "urn:ietf:params:oauth:token-type:id-jag"
)

// exchangeToken is the token exchange grant (RFC 8693 §2): what comes of a token depends on what is asked for.
func (s *server) exchangeToken(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	all := s.exchanges()
	serve, ok := all[cmp.Or(r.params.Get("requested_token_type"), tokenTypeAccess)] // §2.1: when left out, we choose
	if !ok {
		return tokenResponse{}, &tokenError{"invalid_request", "requested_token_type must be one of: " + strings.Join(slices.Sorted(maps.Keys(all)), ", ")}
	}
	return serve(ctx, r)
}

// exchanges are what can be asked for, by requested_token_type.
func (s *server) exchanges() map[string]func(context.Context, tokenRequest) (tokenResponse, error) {
	return map[string]func(context.Context, tokenRequest) (tokenResponse, error){
		tokenTypeAccess: s.delegate,
		tokenTypeIDJAG:  s.exchangeForIDJAG,
	}
}

// maxActors bounds how many may act for a user one through the other. Their names lengthen the token, and each is looked up.
const maxActors = 4

// delegate makes the access token with which an agent acts for a user, of one that the user's application has and handed to the agent. The
// user stays its subject, and the agent stands beside in act (RFC 8693 §4.1): there is no impersonation here, after which nobody could
// tell the two apart (§1.1).
//
// Who the agent is, its authentication says: without it anybody who found a token could turn it into others (§5, §2.1). So actor_token is not
// taken: it could only say the same again. A token that is bound to a key (RFC 9449) is taken though the agent does not have that
// key: the application that has it handed the token over, and whoever stole it is not an agent that it names. But what comes of it is bound as
// well, to the agent's own key, so that no exchange takes that protection off.
func (s *server) delegate(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	raw := r.params.Get("subject_token")
	switch kind := r.params.Get("subject_token_type"); {
	case !isAgent(r.client):
		return tokenResponse{}, &tokenError{"unauthorized_client", "only an agent that can prove itself may act for a user"}
	case r.params.Has("actor_token") || r.params.Has("actor_token_type"):
		return tokenResponse{}, &tokenError{"invalid_request", "leave actor_token and actor_token_type out: the client that authenticates is the actor"}
	case raw == "":
		return tokenResponse{}, &tokenError{"invalid_request", "subject_token is missing"}
	case kind != tokenTypeAccess && kind != tokenTypeJWT: // our access tokens are JWTs, so both are true of them (§3)
		return tokenResponse{}, &tokenError{"invalid_request", "subject_token_type must be " + tokenTypeAccess + " or " + tokenTypeJWT}
	}
	subject, err := s.verifier.Verify(ctx, raw)
	if err != nil {
		return tokenResponse{}, badSubject(err)
	}
	response, err := s.delegateSubject(ctx, r, subject)
	if _, users := grantOf(subject); users {
		err = concerning(err, subject.Subject)
	}
	return response, err
}

func (s *server) delegateSubject(ctx context.Context, r tokenRequest, subject token.Claims) (tokenResponse, error) {
	err := checkMayAct(r, subject)
	traceMayAct(ctx, r, subject, err)
	if err != nil {
		return tokenResponse{}, err
	}
	holder, err := s.Directory.Client(ctx, subject.ClientID)
	if err == nil && holder.MayAct != r.client.ID { // it did when the token was issued
		err = &tokenError{"invalid_request", "the application that has subject_token does not name this agent any more"}
	}
	var now standing
	if err == nil {
		now, err = s.accessStanding(ctx, subject, holder)
	}
	if err != nil {
		return tokenResponse{}, badSubject(err)
	}
	if err := s.checkTarget(ctx, r, now.server); err != nil {
		return tokenResponse{}, err
	}
	scopes, _, err := narrower(r.params, subject.Scopes())
	if err != nil {
		return tokenResponse{}, err
	}
	if r.params.Has("scope") { // whoever asks for openid alone does not ask for all the rest
		scopes = within(scopes, strings.Fields(r.params.Get("scope")))
	}
	if scopes = within(scopes, now.scopes, r.client.AuthorizedAt(now.server)); len(scopes) == 0 {
		return tokenResponse{}, &tokenError{"invalid_scope", "of what subject_token is good for, this agent is not authorized for what was asked for"}
	}
	unique, err := web.NewSecret(s.Rand)
	if err != nil {
		return tokenResponse{}, err
	}
	g := token.Grant{ID: subject.ID + "." + unique, Subject: now.user.ID, ClientID: r.client.ClientID(), Audience: now.server.Audience(),
		Scopes: scopes, Roles: now.user.Roles, Key: r.key, Ends: subject.ExpiresAt.Time,
		Actor: &token.Actor{Subject: r.client.ID, Actor: subject.Actor}, MayAct: mayAct(r.client)}
	response, err := s.sign(ctx, g)
	if err != nil {
		return tokenResponse{}, err
	}
	traceActing(ctx, r, g, subject, now)
	response.IssuedType = tokenTypeAccess
	grantID, _ := grantOf(subject)
	s.audit.Record(ctx, audit.Event{Name: audit.Token, Outcome: audit.OK, UserID: now.user.ID, ClientID: r.client.ID,
		Details: map[string]string{"grant": grantID, "server": now.server.Identifier, "scope": response.Scope, "handed_over_by": holder.ID}})
	return response, nil
}

// isAgent: an administrator made it for this, and it can prove who it is.
func isAgent(c directory.Client) bool {
	return c.Template == directory.AgentTemplate && c.Confidential() && c.May(directory.GrantExchange)
}

// badSubject is the error for a subject_token that is not what it should be. RFC 8693 §2.2.2: invalid_request, for whatever reason.
func badSubject(err error) error {
	var invalid *token.InvalidError
	var refusal *tokenError
	switch {
	case errors.As(err, &invalid):
		return &tokenError{"invalid_request", "subject_token: " + invalid.Reason}
	case errors.As(err, &refusal):
		return &tokenError{"invalid_request", "subject_token: " + refusal.Description}
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, directory.ErrNotFound):
		return &tokenError{"invalid_request", "subject_token: what it was issued for has ended"}
	}
	return err
}

// checkMayAct: the token itself names the agent (RFC 8693 §4.4), which does not act already, in a chain that is short enough.
func checkMayAct(r tokenRequest, subject token.Claims) error {
	why := ""
	actors := subject.Actors()
	switch _, users := grantOf(subject); {
	case !users:
		why = "it speaks for an application, not for a user"
	case subject.MayAct == nil || subject.MayAct.Subject != r.client.ID:
		why = "it does not name this agent in may_act"
	case slices.Contains(actors, r.client.ID):
		why = "this agent acts in it already"
	case len(actors) >= maxActors:
		why = "too many act for its user already"
	case subject.Key() != "" && r.key == "":
		why = "it is bound to a key, so send a proof of one of your own (DPoP)"
	default:
		return nil
	}
	return &tokenError{"invalid_request", "subject_token: " + why}
}

// checkTarget: the new token is for the server that the subject's is for. At another, the same scopes would mean something else, and
// nobody has consented to it. resource and audience are two ways to name it (RFC 8693 §2.1).
func (s *server) checkTarget(ctx context.Context, r tokenRequest, server directory.Server) error {
	named := slices.Concat(r.params["resource"], r.params["audience"])
	if len(named) == 0 {
		named = []string{server.Identifier}
	}
	target, err := s.resource(ctx, r.client, named)
	if err == nil && target.Identifier != server.Identifier {
		err = &tokenError{"invalid_target", "subject_token is for another server"}
	}
	return err
}

// mayAct is what the tokens of a client say of who may come to act with them.
func mayAct(client directory.Client) *token.Actor {
	if client.MayAct == "" {
		return nil
	}
	return &token.Actor{Subject: client.MayAct}
}

// agentOf is the name of the agent that a client may hand tasks to that need any of these scopes, for the person who is asked; empty: of none.
func (s *server) agentOf(ctx context.Context, client directory.Client, server directory.Server, scopes []string) (string, error) {
	if client.MayAct == "" {
		return "", nil
	}
	agent, err := s.Directory.Client(ctx, client.MayAct)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return "", nil
	case err != nil || !isAgent(agent) || len(within(scopes, agent.AuthorizedAt(server))) == 0:
		return "", err
	}
	return agent.Name, nil
}

// delegatedStanding is what a token is good for now with which an agent acts for a user: what the user's grant is good for that it came
// from, within what each agent on the way is authorized for. Each is still named by whom it has the task from, and has the secret or the keys that
// it had.
func (s *server) delegatedStanding(ctx context.Context, g access.Grant, claims token.Claims, owner directory.Client) (standing, error) {
	over := &tokenError{"invalid_grant", "an agent may no longer act for this user"}
	for _, id := range lineage(claims.ID) {
		revoked, err := s.revoked(ctx, id)
		if err == nil && revoked {
			err = over
		}
		if err != nil {
			return standing{}, err
		}
	}
	first, err := s.Directory.ClientRecord(ctx, g.ClientID)
	if err == nil && first.Value.Disabled {
		err = over
	}
	if err != nil {
		return standing{}, err
	}
	now, err := s.standing(ctx, g, first.Value, claims.Scopes())
	if err != nil {
		return standing{}, err
	}
	last, actors := first.Value, claims.Actors()
	for _, id := range slices.Backward(actors) { // the first to act is the innermost
		agent, err := s.Directory.Client(ctx, id)
		if err == nil && (last.MayAct != agent.ID || !isAgent(agent) || provenBefore(claims, agent)) {
			err = over
		}
		if err != nil {
			return standing{}, err
		}
		now.scopes, last = within(now.scopes, agent.AuthorizedAt(now.server)), agent
	}
	if last.ID != owner.ID || claims.Subject != g.UserID || len(now.scopes) == 0 {
		return standing{}, over
	}
	return now, nil
}

// lineage are the ids of an agent's token and of those that agents before it had: the id of a token that came of another begins with that
// one's. What is given back takes with it what came of it.
func lineage(id string) (ids []string) {
	parts := strings.Split(id, ".") // the grant, the token of the user's application, then theirs
	for i := 3; i <= len(parts); i++ {
		ids = append(ids, strings.Join(parts[:i], "."))
	}
	return ids
}

// within are the scopes that are in each of the sets too.
func within(scopes []string, sets ...[]string) (in []string) {
	for _, scope := range scopes {
		if !slices.ContainsFunc(sets, func(set []string) bool { return !slices.Contains(set, scope) }) {
			in = append(in, scope)
		}
	}
	return in
}
