package oauth

import (
	"context"
	"errors"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// redeemIDJAG lets an enterprise's word stand for a user's login and consent (draft-ietf-oauth-identity-assertion-authz-grant, "Access Token
// Request"; MCP, Enterprise-Managed Authorization §5). There is no refresh token: the enterprise is asked again, so it can change its mind.
func (s *server) redeemIDJAG(ctx context.Context, r tokenRequest, w word) (tokenResponse, error) {
	switch {
	case !w.issuer.Names(r.client.ID):
		return tokenResponse{}, &tokenError{"unauthorized_client", "an administrator must let this client bring the word of this issuer"}
	case w.claims.ClientID != r.client.ClientID():
		return tokenResponse{}, wrongGrant("its client_id is another client's")
	case w.claims.boundElsewhere(r.key):
		return tokenResponse{}, wrongGrant("it is bound to a key: prove that you have it, by DPoP")
	}
	user, g, err := s.personOf(ctx, r.client, w)
	if err != nil {
		return tokenResponse{}, err
	}
	response, err := s.redeemFor(ctx, r, w, user, g)
	return response, concerning(err, user.ID)
}

// personOf is the user here whom an enterprise means, and the beginnings of a grant for them.
func (s *server) personOf(ctx context.Context, client directory.Client, w word) (directory.User, access.Grant, error) {
	id, by, err := s.Directory.Person(ctx, w.issuer, w.claims.Subject, w.claims.name)
	var user directory.User
	if err == nil {
		user, err = s.Directory.ActiveUser(ctx, id)
	}
	if errors.Is(err, directory.ErrNotFound) {
		err = wrongGrant("its sub is nobody here; an administrator can link it to a user")
	}
	since := w.claims.IssuedAt.UTC()
	if since.After(s.Now()) { // by a clock that is a little ahead
		since = s.Now().UTC()
	}
	return user, access.Grant{ClientID: client.ID, UserID: user.ID, Since: since, Epoch: user.Epoch(), Vouched: access.Vouched{Issuer: w.issuer.ID, Subject: w.claims.Subject, By: by}}, err
}

func (s *server) redeemFor(ctx context.Context, r tokenRequest, w word, user directory.User, g access.Grant) (tokenResponse, error) {
	server, err := s.target(ctx, r, w.claims.Resource)
	if err != nil {
		return tokenResponse{}, err
	}
	requested, vouched, err := s.wanted(r, w, server)
	if err != nil {
		return tokenResponse{}, err
	}
	decision, err := s.Directory.WhyVouched(ctx, user, r.client, server, requested, vouched)
	if err != nil {
		return tokenResponse{}, err
	}
	if len(decision.Granted) == 0 {
		return tokenResponse{}, &tokenError{"invalid_scope", "nothing that was asked for is allowed: " + reasons(decision)}
	}
	if g.ID, err = web.NewSecret(s.Rand); err != nil {
		return tokenResponse{}, err
	}
	g.Server, g.Scopes, g.LastUsed = server.Identifier, decision.Granted, s.Now().UTC()
	g.Ends = g.LastUsed.Add(token.Lifetime)
	response, err := s.mint(ctx, g, r.client, g.Scopes, r.key)
	if err != nil {
		return tokenResponse{}, err
	}
	event := issued(audit.Token, g, response)
	event.Details["issuer"] = w.issuer.URL
	ops := append(access.BeginGrant(g, ""), useGrant(w))
	ops[0], ops[len(ops)-1] = ops[len(ops)-1], ops[0] // so that it is known which condition failed
	return response, usedBefore(s.writeWith(ctx, event, ops...))
}

// wanted are the scopes that are asked for, and those that the enterprise vouched for. One that names none vouches for what its policy leaves to
// us: what the client is authorized for.
func (s *server) wanted(r tokenRequest, w word, server directory.Server) (requested, vouched []string, err error) {
	vouched = r.client.AuthorizedAt(server)
	if w.claims.Scope != nil {
		if vouched, err = rbac.ParseScope(*w.claims.Scope); err != nil {
			return nil, nil, wrongGrant("its " + err.Error())
		}
	}
	all, err := rbac.ParseScope(r.params.Get("scope"))
	if err != nil {
		return nil, nil, &tokenError{"invalid_scope", err.Error()}
	}
	if requested, _ = splitOutside(all); len(requested) == 0 {
		requested = vouched
	}
	return requested, vouched, nil
}

// stillVouched is why a grant that stands on an enterprise's word does not stand any more: nil while the issuer is trusted, still for this
// client, and still means this user.
func (s *server) stillVouched(ctx context.Context, g access.Grant, client directory.Client) error {
	r, err := s.Directory.IssuerRecord(ctx, g.Vouched.Issuer)
	if errors.Is(err, directory.ErrNotFound) || err == nil && (!r.Value.Enabled || !r.Value.Names(client.ID)) {
		return &tokenError{"invalid_grant", "the issuer that vouched for this is trusted no more"}
	}
	if err != nil {
		return err
	}
	id, err := s.Directory.LinkedUser(ctx, g.Vouched.Issuer, g.Vouched.Subject)
	if errors.Is(err, directory.ErrNotFound) && g.Vouched.By != "" && g.Vouched.By == r.Value.Match {
		return nil
	}
	if errors.Is(err, directory.ErrNotFound) || err == nil && id != g.UserID {
		return &tokenError{"invalid_grant", "the issuer's subject is this user no more"}
	}
	return err
}
