package directory

import (
	"context"
	"slices"

	"github.com/vetassist/vetassist/shared/rbac"
)

// Why is the formula of package rbac over what the directory knows: what a token for this user, client and server may
// hold now, and which of the four sets lacked what it may not. The consent page, the token endpoint and the page that
// explains it all ask here. A scope that the server does not have, or no longer, is in no client's set, whatever a record
// still says.
//
// It takes the records as they are: whether the user may log in, and whether the client is disabled, is asked before.
func (d *Directory) Why(ctx context.Context, user User, client Client, server Server, requested []string) (rbac.Decision, error) {
	decision, _, err := d.WhyConsented(ctx, user, client, server, requested)
	return decision, err
}

// WhyConsented is Why, with the consent that it went by: it may name scopes besides that are of no server.
func (d *Directory) WhyConsented(ctx context.Context, user User, client Client, server Server, requested []string) (rbac.Decision, Consent, error) {
	roles, err := d.RoleScopes(ctx, user.Roles, server.Identifier)
	if err != nil {
		return rbac.Decision{}, Consent{}, err
	}
	consent, err := d.Consent(ctx, user.ID, client.ID, server.Identifier)
	if err != nil {
		return rbac.Decision{}, Consent{}, err
	}
	consent = consent.to(server)
	return rbac.Evaluate(rbac.Sets{Requested: requested, Client: client.authorizedAt(server), Role: roles, Consent: consent.Scopes}), consent, nil
}

// WhyMachine is the formula for an application that acts for no user: the roles that were given to the application stand for
// those of a user, and for a user's consent.
func (d *Directory) WhyMachine(ctx context.Context, client Client, server Server, requested []string) (rbac.Decision, error) {
	roles, err := d.RoleScopes(ctx, client.Roles, server.Identifier)
	if err != nil {
		return rbac.Decision{}, err
	}
	return rbac.Evaluate(rbac.Sets{Requested: requested, Client: client.authorizedAt(server), Role: roles, Consent: roles}), nil
}

// WhyAgent is the formula for an agent with a token that an application handed over to it (RFC 8693): what both of them are authorized
// for, and what the user allowed the application.
func (d *Directory) WhyAgent(ctx context.Context, user User, agent, app Client, server Server, requested []string) (rbac.Decision, error) {
	decision, err := d.Why(ctx, user, app, server, requested)
	if err != nil {
		return rbac.Decision{}, err
	}
	sets := decision.Sets
	sets.Client = slices.DeleteFunc(slices.Clone(sets.Client), func(scope string) bool { return !slices.Contains(agent.authorizedAt(server), scope) })
	return rbac.Evaluate(sets), nil
}

// WhyVouched is the formula for a user whom an enterprise vouches for: its word, the scopes that it vouched for, stands for the user's consent
// and for nothing else. What the client is authorized for and what the user's roles allow is decided here.
func (d *Directory) WhyVouched(ctx context.Context, user User, client Client, server Server, requested, vouched []string) (rbac.Decision, error) {
	roles, err := d.RoleScopes(ctx, user.Roles, server.Identifier)
	if err != nil {
		return rbac.Decision{}, err
	}
	return rbac.Evaluate(rbac.Sets{Requested: requested, Client: client.authorizedAt(server), Role: roles, Consent: vouched}), nil
}

func (c Client) authorizedAt(server Server) []string {
	return slices.DeleteFunc(c.AuthorizedAt(server), func(name string) bool {
		scope, ok := server.Scope(name)
		return !ok || scope.Deleting || server.Deleting
	})
}
