package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/shared/directory"
)

// authMethods are how clients may authenticate (OpenID Connect Core §9 gives the names): public ones name themselves,
// confidential ones prove themselves with their secret or with a JWT that they signed.
var authMethods = append([]string{authNone}, provingMethods...)

// provingMethods are those of them that prove anything.
var provingMethods = []string{"client_secret_basic", "client_secret_post", directory.PrivateKeyJWT}

const authNone = "none"

// authenticateClient finds out which client sent a request, and makes a confidential one prove it (RFC 6749 §2.3, §3.2.1).
func (s *server) authenticateClient(r *http.Request, params url.Values) (directory.Client, error) {
	if isWorkload(r, params) {
		return s.authenticateWorkload(r.Context(), params)
	}
	if params.Has("client_assertion") || params.Has("client_assertion_type") {
		return s.authenticateByAssertion(r, params)
	}
	id, secret, err := credentials(r, params)
	if err != nil {
		return directory.Client{}, err
	}
	if id == "" {
		return directory.Client{}, &tokenError{"invalid_client", "client_id is missing"}
	}
	client, err := s.knownClient(r.Context(), id)
	switch {
	case err != nil:
		return directory.Client{}, err
	case client.AuthMethod == directory.PrivateKeyJWT: // no weaker method than the registered one
		return directory.Client{}, &tokenError{"invalid_client", "this client is registered for private_key_jwt: send client_assertion"}
	case client.HasSecret() && secret == "":
		return directory.Client{}, &tokenError{"invalid_client", "this client has a secret: send it, by HTTP Basic or as client_secret"}
	case client.HasSecret() && !client.SecretFits(secret):
		return directory.Client{}, &tokenError{"invalid_client", "the client secret is wrong"}
	case client.HasSecret():
		return client, nil
	case secret != "":
		return directory.Client{}, &tokenError{"invalid_client", "this client has no secret: send client_id in the body, and nothing else"}
	case client.AuthMethod != "" && client.AuthMethod != authNone:
		return directory.Client{}, &tokenError{"invalid_client", "this client cannot prove itself as it is registered to: " + client.AuthMethod}
	}
	return client, nil
}

// proven reports whether a client that proved itself is one that somebody here knows. What registered itself is a stranger still: else a
// flood of its refusals would fill the audit log.
func proven(client directory.Client) bool { return client.Confidential() && !client.SelfRegistered() }

// knownClient finds the client that a token, revocation or introspection request names.
func (s *server) knownClient(ctx context.Context, id string) (directory.Client, error) {
	client, err := s.client(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		err = &tokenError{"invalid_client", "unknown client_id"}
	}
	return client, err
}

// credentials are what a client says of itself, in the Authorization header or in the body, and never in both (RFC 6749
// §2.3). An empty secret is none (RFC 6749 §2.3.1), in the header too: clients without one send it there, since some libraries try HTTP
// Basic first whatever they have. It proves nothing, and need not: it is method "none" in other words.
func credentials(r *http.Request, params url.Values) (id, secret string, err error) {
	id, secret = params.Get("client_id"), params.Get("client_secret")
	if r.Header.Get("Authorization") == "" {
		return id, secret, nil
	}
	user, password, ok := r.BasicAuth()
	// Both are form-encoded before they are put together (RFC 6749 §2.3.1).
	name, err1 := url.QueryUnescape(user)
	word, err2 := url.QueryUnescape(password)
	switch {
	case !ok || err1 != nil || err2 != nil:
		return "", "", &tokenError{"invalid_client", "the Authorization header is not HTTP Basic with form-encoded client_id and secret"}
	case secret != "":
		return "", "", &tokenError{"invalid_request", "the secret was sent in two ways: use one"}
	case id != "" && id != name:
		return "", "", &tokenError{"invalid_request", "client_id is not the one in the Authorization header"}
	}
	return name, word, nil
}
