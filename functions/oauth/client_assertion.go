package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// assertionType is the client_assertion_type of a JWT (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionAlgs are the algorithms that a client may sign with.
var assertionAlgs = token.Algs

const (
	maxAssertion      = 8 << 10          // bytes
	maxAssertionID    = 256              // bytes of a jti
	assertionLifetime = 10 * time.Minute // how far ahead exp may be: so long its jti is remembered
	clockDifference   = 30 * time.Second // between a client's clock and ours
)

// authenticateByAssertion lets a client prove itself with a JWT that it signed (private_key_jwt: OpenID Connect Core §9, RFC 7521
// §4.2, RFC 7523 §2.2 and §3). Nothing of the JWT is believed but by the key of the client that it names.
func (s *server) authenticateByAssertion(r *http.Request, params url.Values) (directory.Client, error) {
	raw := params.Get("client_assertion")
	switch {
	case r.Header.Get("Authorization") != "" || params.Has("client_secret"): // RFC 6749 §2.3
		return directory.Client{}, &tokenError{"invalid_request", "the client proves itself in two ways: use one"}
	case params.Get("client_assertion_type") != assertionType:
		return directory.Client{}, &tokenError{"invalid_client", "client_assertion_type must be " + assertionType}
	case raw == "":
		return directory.Client{}, &tokenError{"invalid_client", "client_assertion is missing"}
	case len(raw) > maxAssertion:
		return directory.Client{}, &tokenError{"invalid_client", "client_assertion is over 8 KiB"}
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(raw, &claims); err != nil || claims.Subject == "" {
		return directory.Client{}, &tokenError{"invalid_client", "client_assertion is not a JWT that names the client as sub"}
	}
	if params.Has("client_id") && params.Get("client_id") != claims.Subject { // RFC 7521 §4.2
		return directory.Client{}, &tokenError{"invalid_request", "client_id is not the sub of client_assertion"}
	}
	client, err := s.knownClient(r.Context(), claims.Subject)
	if err != nil {
		return directory.Client{}, err
	}
	if client.AuthMethod != directory.PrivateKeyJWT {
		return directory.Client{}, &tokenError{"invalid_client", "this client is not registered for private_key_jwt"}
	}
	if !client.Expires.IsZero() { // it has nothing to prove itself for, and anybody may register: nobody else makes us ask for keys, and remember ids
		return directory.Client{}, &tokenError{"invalid_client", "nobody has allowed this client anything yet"}
	}
	id, expires, err := s.checkAssertion(r.Context(), client, raw)
	if err != nil {
		return directory.Client{}, err
	}
	if err := s.useAssertion(r.Context(), client, id, expires); err != nil {
		return client, err
	}
	// To read its keys may have taken seconds, and whoever has stolen one may make them many.
	now, err := s.knownClient(r.Context(), claims.Subject)
	if err == nil && !now.SecretChanged.Equal(client.SecretChanged) {
		return directory.Client{}, &tokenError{"invalid_client", "this client was given other keys, or a secret, just now: prove it with those"}
	}
	return now, err
}

// checkAssertion verifies a client's JWT, and returns its id and when it expires.
func (s *server) checkAssertion(ctx context.Context, client directory.Client, raw string) (id string, expires time.Time, err error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods(assertionAlgs), // RFC 8725 §3.1
		jwt.WithIssuer(client.ClientID()),   // RFC 7523 §3: iss and sub are the client_id
		jwt.WithSubject(client.ClientID()),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), // not later than now, where it is given
		jwt.WithLeeway(clockDifference),
		jwt.WithTimeFunc(s.Now),
		jwt.WithStrictDecoding(),
	)
	var claims jwt.RegisteredClaims
	t, err := parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		keys, err := s.clientKeys.find(ctx, keySource{client.JWKS, client.JWKSURI, ""}, kid, t.Method.Alg())
		return jwt.VerificationKeySet{Keys: keys}, err
	})
	switch {
	case errors.Is(err, token.ErrUnavailable):
		s.Log.InfoContext(ctx, "the keys of a client cannot be read", "client", client.ID, "error", err)
		return "", time.Time{}, &tokenError{"invalid_client", "the keys at the client's jwks_uri cannot be read"}
	case err != nil:
		return "", time.Time{}, &tokenError{"invalid_client", "client_assertion: " + wrongAssertion(err)}
	}
	if err := s.checkAssertionClaims(t, claims); err != nil {
		return "", time.Time{}, err
	}
	return claims.ID, claims.ExpiresAt.Time, nil
}

// checkAssertionClaims is what the JWT library does not know of a client's JWT.
func (s *server) checkAssertionClaims(t *jwt.Token, claims jwt.RegisteredClaims) error {
	typ, _ := t.Header["typ"].(string)
	_, crit := t.Header["crit"]
	var why string
	switch {
	case !s.soleAudience(claims.Audience):
		why = "aud must be the issuer, " + s.BaseURL + ", and nothing else"
	case !isAssertionType(typ):
		why = "typ must be client-authentication+jwt, JWT, or left out"
	case crit: // RFC 7515 §4.1.11: an extension that is not understood must not be ignored
		why = "it uses an extension that is not understood"
	case claims.ExpiresAt.After(s.Now().Add(assertionLifetime + clockDifference)): // RFC 7523 §3, item 4
		why = "exp is more than ten minutes away"
	case claims.ID == "" || len(claims.ID) > maxAssertionID: // required by OpenID Connect Core §9
		why = fmt.Sprintf("jti must have 1 to %d bytes", maxAssertionID)
	default:
		return nil
	}
	return &tokenError{"invalid_client", "client_assertion: " + why}
}

// soleAudience: the issuer alone (draft-ietf-oauth-rfc7523bis-10 §4, item 3b). RFC 7523 took the token endpoint's URL too, which a
// dishonest server can name as its own, to have JWTs made for ours; no other server can have our issuer. So we take what that draft does,
// and with a slash for the empty path, as clients in Python write every such URL: it can be nobody else's either. The draft changes RFC 9126 §2
// too, which took the URL of the endpoint for pushed requests.
func (s *server) soleAudience(aud []string) bool {
	return len(aud) == 1 && (aud[0] == s.BaseURL || aud[0] == s.BaseURL+"/")
}

// isAssertionType: no JWT of another kind counts (RFC 8725 §3.11), but one without an explicit kind does: the same draft
// advises servers not to insist.
func isAssertionType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/") // RFC 7515 §4.1.9
	return slices.Contains([]string{"", "jwt", "client-authentication+jwt"}, typ)
}

// useAssertion takes the id of a client's JWT, which then is worth nothing to whoever else has seen it (RFC 7523 §3, item 7).
func (s *server) useAssertion(ctx context.Context, client directory.Client, id string, expires time.Time) error {
	item := store.Encode("assertion/"+web.Hash(client.ID+" "+id), "used", true, expires.Add(clockDifference+time.Second)) // no sooner than it is too old
	err := s.Store.Write(ctx, store.Put(item, store.IfAbsent()))
	if errors.Is(err, store.ErrConflict) {
		return &tokenError{"invalid_client", "client_assertion: its jti was used before"}
	}
	return err
}

func wrongAssertion(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "it has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "it is not valid yet"
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidSubject):
		return "iss and sub must both be the client_id"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "iss, sub or exp is missing"
	}
	return "it was not signed with a key of this client by one of " + strings.Join(assertionAlgs, ", ")
}
