package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// isWorkload reports whether a token request comes with nothing to prove who sends it but the JWT of a platform (MCP, SEP-1933: "no client
// registration"; RFC 7521 §4.1: client authentication is optional with this grant).
func isWorkload(r *http.Request, params url.Values) bool {
	if r.URL.Path != tokenPath || params.Get("grant_type") != directory.GrantJWT || r.Header.Get("Authorization") != "" ||
		params.Has("client_secret") || params.Has("client_assertion") || params.Has("client_assertion_type") || len(params.Get("assertion")) > maxAssertion {
		return false
	}
	kind, _, err := peek(params.Get("assertion"))
	return err == nil && kind == directory.WorkloadIssuer
}

// authenticateWorkload finds the application that a program is, by what its platform says. The JWT is used up by the grant, not here.
func (s *server) authenticateWorkload(ctx context.Context, params url.Values) (directory.Client, error) {
	w, err := s.heard(ctx, params.Get("assertion"))
	if err != nil {
		return directory.Client{}, err
	}
	client, err := s.workloadClient(ctx, w.issuer, w.claims.Subject)
	if err == nil && params.Has("client_id") && params.Get("client_id") != client.ClientID() { // RFC 7521 §4.1, as for §4.2
		err = wrongGrant("its sub is another client than client_id")
	}
	return client, err
}

// workloadClient is the application that a platform's subject is.
func (s *server) workloadClient(ctx context.Context, issuer directory.Issuer, subject string) (client directory.Client, err error) {
	id, ok := issuer.Workload(subject)
	if ok {
		client, err = s.Directory.Client(ctx, id)
	}
	if !ok || errors.Is(err, directory.ErrNotFound) || err == nil && !client.May(directory.GrantMachine) {
		return directory.Client{}, wrongGrant("its sub is no application here; an administrator can say which it is")
	}
	return client, err
}

// workloadToken is what is kept of an access token that a platform's word was good for, so that it ends with that.
type workloadToken struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

const workloadSort = "workload"

func workloadPartition(tokenID string) string { return "assertion/" + tokenID }

// redeemWorkload gives a program a token of its own, as the client credentials grant does: with the application's roles, and no user.
func (s *server) redeemWorkload(ctx context.Context, r tokenRequest, w word) (tokenResponse, error) {
	client, err := s.workloadClient(ctx, w.issuer, w.claims.Subject)
	if err == nil && client.ID != r.client.ID { // it proved itself in another way too
		err = wrongGrant("its sub is another client")
	}
	if err != nil {
		return tokenResponse{}, err
	}
	if w.claims.boundElsewhere(r.key) {
		return tokenResponse{}, wrongGrant("it is bound to a key: prove that you have it, by DPoP")
	}
	t, err := s.machineToken(ctx, client, r.params, r.key)
	if err != nil {
		return tokenResponse{}, err
	}
	kept := store.Put(store.Encode(workloadPartition(t.id), workloadSort, workloadToken{w.issuer.ID, w.claims.Subject}, s.Now().Add(token.Lifetime)), store.IfAbsent())
	event := audit.Event{Name: audit.Token, Outcome: audit.OK, ClientID: client.ID,
		Details: map[string]string{"server": t.server, "scope": t.response.Scope, "issuer": w.issuer.URL, "subject": w.claims.Subject}}
	if w.issuer.Reusable {
		return t.response, s.writeWith(ctx, event, kept)
	}
	return t.response, usedBefore(s.writeWith(ctx, event, useGrant(w), kept))
}

// stillWorkload is why a token that stands on a platform's word does not stand any more. One that the application got by itself stands
// on nobody's.
func (s *server) stillWorkload(ctx context.Context, claims token.Claims) error {
	kept, err := store.Read[workloadToken](ctx, s.Store, workloadPartition(claims.ID), workloadSort)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	issuer, err := s.Directory.IssuerRecord(ctx, kept.Value.Issuer)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return err
	}
	if id, ok := issuer.Value.Workload(kept.Value.Subject); err != nil || !issuer.Value.Enabled || !ok || id != claims.Subject {
		return &tokenError{"invalid_grant", "the issuer that vouched for this application does so no more"}
	}
	return nil
}
