package oauth

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/vetassist/vetassist/shared/directory"
)

// authMethods are how clients may authenticate (OpenID Connect Core §9 gives the names): public ones name themselves,
// confidential ones prove themselves with their secret.
var authMethods = []string{"none", "client_secret_basic", "client_secret_post"}

// authenticateClient finds out which client sent a request, and makes a confidential one prove it (RFC 6749 §2.3, §3.2.1).
func (s *server) authenticateClient(r *http.Request, params url.Values) (directory.Client, error) {
	if params.Has("client_assertion") {
		return directory.Client{}, &tokenError{"invalid_client", "client assertions are not supported"}
	}
	id, secret, proves, err := credentials(r, params)
	if err != nil {
		return directory.Client{}, err
	}
	if id == "" {
		return directory.Client{}, &tokenError{"invalid_client", "client_id is missing"}
	}
	client, err := s.client(r.Context(), id)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return directory.Client{}, &tokenError{"invalid_client", "unknown client_id"}
	case err != nil:
		return directory.Client{}, err
	case proves && !client.Confidential():
		return directory.Client{}, &tokenError{"invalid_client", "this client has no secret: send client_id in the body, and nothing else"}
	case client.Confidential() && !proves:
		return directory.Client{}, &tokenError{"invalid_client", "this client has a secret: send it, by HTTP Basic or as client_secret"}
	case client.Confidential() && !client.SecretFits(secret):
		return directory.Client{}, &tokenError{"invalid_client", "the client secret is wrong"}
	}
	return client, nil
}

// credentials are what a client says of itself, in the Authorization header or in the body, and never in both (RFC 6749
// §2.3). proves: it sent a secret, right or wrong.
func credentials(r *http.Request, params url.Values) (id, secret string, proves bool, err error) {
	id, secret, proves = params.Get("client_id"), params.Get("client_secret"), params.Has("client_secret")
	if r.Header.Get("Authorization") == "" {
		return id, secret, proves, nil
	}
	user, password, ok := r.BasicAuth()
	// Both are form-encoded before they are put together (RFC 6749 §2.3.1).
	name, err1 := url.QueryUnescape(user)
	word, err2 := url.QueryUnescape(password)
	switch {
	case !ok || err1 != nil || err2 != nil:
		return "", "", false, &tokenError{"invalid_client", "the Authorization header is not HTTP Basic with form-encoded client_id and secret"}
	case proves:
		return "", "", false, &tokenError{"invalid_request", "the secret was sent in two ways: use one"}
	case id != "" && id != name:
		return "", "", false, &tokenError{"invalid_request", "client_id is not the one in the Authorization header"}
	}
	return name, word, true, nil
}
