package oauth

import (
	"context"
	"slices"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
)

// decision is the formula of package rbac applied to an authorization request, before the person has answered.
type decision struct {
	Available []string       // requested, authorized for the client and allowed by the roles
	Consented []string       // those of them that the person agreed to before
	New       []string       // those that are to be asked
	Dropped   []rbac.Verdict // requested, but not available
}

func (s *server) decide(ctx context.Context, a *authRequest, user directory.User) (decision, error) {
	roles, err := s.Directory.RoleScopes(ctx, user.Roles, a.Server.Identifier)
	if err != nil {
		return decision{}, err
	}
	consent, err := s.Directory.Consent(ctx, user.ID, a.Client.ID, a.Server.Identifier)
	if err != nil {
		return decision{}, err
	}
	// As if the person agreed to everything: what is left is what there is to ask.
	all := rbac.Evaluate(rbac.Sets{Requested: a.Scopes, Client: a.Client.Authorized[a.Server.Identifier], Role: roles, Consent: a.Scopes})
	d := decision{Available: all.Granted, Dropped: all.Dropped()}
	for _, scope := range all.Granted {
		if slices.Contains(consent.Scopes, scope) {
			d.Consented = append(d.Consented, scope)
		} else {
			d.New = append(d.New, scope)
		}
	}
	return d, nil
}

// entitled is the whole formula: what a token for this user, client and server may hold now. The token endpoint
// asks it for every token, so a role, a client or a consent that shrank shrinks the next token too.
func (s *server) entitled(ctx context.Context, requested []string, user directory.User, client directory.Client, server directory.Server) (rbac.Decision, error) {
	roles, err := s.Directory.RoleScopes(ctx, user.Roles, server.Identifier)
	if err != nil {
		return rbac.Decision{}, err
	}
	consent, err := s.Directory.Consent(ctx, user.ID, client.ID, server.Identifier)
	if err != nil {
		return rbac.Decision{}, err
	}
	return rbac.Evaluate(rbac.Sets{Requested: requested, Client: client.Authorized[server.Identifier], Role: roles, Consent: consent.Scopes}), nil
}
