package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

// The kinds of JWT that are taken for a grant, by their typ. One without a typ of its own is a workload's: platforms give them none.
const idJAGType = "oauth-id-jag+jwt" // draft-ietf-oauth-identity-assertion-authz-grant, "ID-JAG Claims"

// idJAGProfile says in the metadata that they are understood, and nothing of who is trusted ("Metadata Disclosure" in the draft).
const idJAGProfile = "urn:ietf:params:oauth:grant-profile:id-jag"

// How far ahead exp may be. A JWT of a platform is as old as the platform likes: Kubernetes hands out one for an hour and a few seconds.
const (
	idJAGLifetime    = assertionLifetime
	workloadLifetime = time.Hour
)

// grantClaims are what a JWT of either kind says (RFC 7523 §3, "ID-JAG Claims" in the draft).
type grantClaims struct {
	jwt.RegisteredClaims
	ClientID      string              `json:"client_id"`
	Resource      jwt.ClaimStrings    `json:"resource"`
	Scope         *string             `json:"scope"`
	Confirmation  *token.Confirmation `json:"cnf"`
	Username      string              `json:"preferred_username"`
	Email         string              `json:"email"`
	EmailVerified bool                `json:"email_verified"`
}

// name is what a claim says that may name a user here. An address counts only when the issuer has verified it (OpenID Connect Core §5.7).
func (c grantClaims) name(claim string) string {
	switch {
	case claim == "preferred_username":
		return c.Username
	case claim == "email" && c.EmailVerified:
		return c.Email
	}
	return ""
}

// boundElsewhere reports whether a JWT is bound to a key that whoever sends it did not prove to have, by DPoP or in a way that is not
// known here (the draft, "Proof-of-Possession During ID-JAG Exchange").
func (c grantClaims) boundElsewhere(key string) bool {
	return c.Confirmation != nil && (c.Confirmation.Thumbprint == "" || c.Confirmation.Thumbprint != key)
}

// word is what a trusted issuer said.
type word struct {
	issuer directory.Issuer
	claims grantClaims
}

// assertion is the JWT bearer grant (RFC 7521 §4.1, RFC 7523 §2.1): somebody whom an administrator trusts vouches for a person, or for a program.
//
// A stranger, or who proves nothing, has no ID-JAG read ("Client Authentication" in the draft): nobody can have named it for that
// (directory.checkNamed), and it would learn whom we trust, and make us ask for keys.
func (s *server) assertion(ctx context.Context, r tokenRequest) (tokenResponse, error) {
	raw := r.params.Get("assertion")
	if len(raw) <= maxAssertion && !proven(r.client) {
		if kind, _, err := peek(raw); err == nil && kind == directory.EnterpriseIssuer {
			return tokenResponse{}, &tokenError{"unauthorized_client", "this grant is for applications that can prove themselves, and that an administrator made"}
		}
	}
	w, err := s.heard(ctx, raw)
	if err != nil {
		return tokenResponse{}, err
	}
	if w.issuer.Kind == directory.EnterpriseIssuer {
		return s.redeemIDJAG(ctx, r, w)
	}
	return s.redeemWorkload(ctx, r, w)
}

// byTrust reports whether an administrator's record of trust, and not the client's registration, says who may use a grant: those records are
// looked up by the grant.
func byTrust(r tokenRequest) bool {
	switch r.params.Get("grant_type") {
	case directory.GrantJWT:
		return true
	case directory.GrantExchange:
		return r.params.Get("requested_token_type") == tokenTypeIDJAG
	}
	return false
}

// kindOf is which kind of issuer signs JWTs with a typ; none for those that are something else, such as an access token or a client's
// assertion (RFC 8725 §3.11).
func kindOf(typ string) directory.IssuerKind {
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") { // RFC 7515 §4.1.9
	case idJAGType:
		return directory.EnterpriseIssuer
	case "", "jwt":
		return directory.WorkloadIssuer
	}
	return ""
}

// peek reads of a JWT, unverified, what kind it says that it is and by whom.
func peek(raw string) (kind directory.IssuerKind, iss string, err error) {
	var claims jwt.RegisteredClaims
	t, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(raw, &claims)
	if err != nil {
		return "", "", err
	}
	typ, _ := t.Header["typ"].(string)
	return kindOf(typ), claims.Issuer, nil
}

// heard verifies a JWT as a grant. Nothing of it is believed but by the keys of the issuer that it names, which an administrator registered.
// Whatever is wrong is invalid_grant (RFC 7521 §4.1.1).
func (s *server) heard(ctx context.Context, raw string) (w word, err error) {
	switch {
	case raw == "":
		return w, &tokenError{"invalid_request", "assertion is missing"}
	case len(raw) > maxAssertion:
		return w, wrongGrant("it is over 8 KiB")
	}
	kind, iss, err := peek(raw)
	switch {
	case err != nil:
		return w, wrongGrant("it is not a JWT")
	case kind == "":
		return w, wrongGrant("its typ must be " + idJAGType + ", or JWT for a workload's own")
	case iss == "":
		return w, wrongGrant("iss is missing")
	}
	w.issuer, err = s.Directory.TrustedIssuer(ctx, iss)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return w, err
	}
	// Our own word counts nowhere here: we must not give access for what we signed for others ("Cross-Domain Use" in the draft).
	if err != nil || !w.issuer.Enabled || w.issuer.Kind != kind || iss == s.BaseURL {
		return w, wrongGrant("no issuer with this iss is trusted here for a JWT of this kind; an administrator can register one")
	}
	return w, s.checkGrant(ctx, raw, &w)
}

// checkGrant verifies what an issuer signed (RFC 7523 §3).
func (s *server) checkGrant(ctx context.Context, raw string, w *word) error {
	parser := jwt.NewParser(
		jwt.WithValidMethods(assertionAlgs), // RFC 8725 §3.1
		jwt.WithIssuer(w.issuer.URL),        // item 1
		jwt.WithExpirationRequired(),        // item 4
		jwt.WithIssuedAt(),                  // item 6; nbf, item 5, is looked at where it is given
		jwt.WithLeeway(clockDifference),
		jwt.WithTimeFunc(s.Now),
		jwt.WithStrictDecoding(),
	)
	t, err := parser.ParseWithClaims(raw, &w.claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		from := keySource{w.issuer.JWKS, w.issuer.JWKSURI, ""}
		if len(from.jwks) == 0 && from.uri == "" {
			from.issuer = w.issuer.URL
		}
		keys, err := s.clientKeys.find(ctx, from, kid, t.Method.Alg())
		return jwt.VerificationKeySet{Keys: keys}, err
	})
	switch {
	case errors.Is(err, token.ErrUnavailable):
		s.Log.WarnContext(ctx, "the keys of a trusted issuer cannot be read", "issuer", w.issuer.URL, "error", err)
		return wrongGrant("the keys of its issuer cannot be read now; try again in a moment")
	case errors.Is(err, jwt.ErrTokenMalformed):
		return wrongGrant("it is not a JWT, or a claim has the wrong type")
	case errors.Is(err, jwt.ErrTokenExpired):
		return wrongGrant("it has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return wrongGrant("it is not valid yet")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return wrongGrant("exp is missing")
	case err != nil:
		return wrongGrant("it was not signed with a key of its issuer by one of " + strings.Join(assertionAlgs, ", "))
	}
	return s.checkGrantClaims(t, *w)
}

// checkGrantClaims is what the JWT library does not know of a grant.
func (s *server) checkGrantClaims(t *jwt.Token, w word) error {
	_, crit := t.Header["crit"]
	c, lifetime := w.claims, workloadLifetime
	if w.issuer.Kind == directory.EnterpriseIssuer {
		lifetime = idJAGLifetime
	}
	switch {
	case crit: // RFC 7515 §4.1.11: an extension that is not understood must not be ignored
		return wrongGrant("it uses an extension that is not understood")
	case !s.soleAudience(c.Audience): // RFC 7523 §3, item 3; the draft, "Processing Rules": the issuer identifier, and nothing else
		return wrongGrant("aud must be the issuer, " + s.BaseURL + ", and nothing else")
	case c.Subject == "": // item 2
		return wrongGrant("sub is missing")
	case c.IssuedAt == nil:
		return wrongGrant("iat is missing")
	case c.ExpiresAt.After(s.Now().Add(lifetime + clockDifference)): // item 4: unreasonably far in the future
		return wrongGrant(fmt.Sprintf("exp is more than %d minutes away", int(lifetime.Minutes())))
	case !w.issuer.Reusable && (c.ID == "" || len(c.ID) > maxAssertionID): // item 7
		return wrongGrant(fmt.Sprintf("jti must have 1 to %d bytes", maxAssertionID))
	}
	return nil
}

func wrongGrant(why string) error { return &tokenError{"invalid_grant", "assertion: " + why} }

// useGrant takes the id of a JWT, for a write together with what it is exchanged for: of two who send it at once one gets that (RFC 7523
// §3, item 7; the draft would let a client send it again until it expires, which with a life of minutes is worth more to a thief).
func useGrant(w word) store.Op {
	id := "assertion/" + web.Hash("grant "+w.issuer.ID+" "+w.claims.ID)
	return store.Put(store.Encode(id, "used", true, w.claims.ExpiresAt.Add(clockDifference+time.Second)), store.IfAbsent()) // no sooner than it is too old
}

// usedBefore makes a conflict on the first operation of a write, useGrant, the error that it is.
func usedBefore(err error) error {
	var conflict *store.ConflictError
	if errors.As(err, &conflict) && conflict.Index == 0 {
		return wrongGrant("its jti was used before; get a new one from its issuer")
	}
	return err
}

// target is the one server that a grant is for: of those that the JWT names, the one that the request names too.
func (s *server) target(ctx context.Context, r tokenRequest, named []string) (directory.Server, error) {
	if len(named) == 0 {
		return directory.Server{}, wrongGrant("resource is missing: it must name the MCP server") // MCP, Enterprise-Managed Authorization §4.3
	}
	if !r.params.Has("resource") {
		return s.resource(ctx, r.client, named)
	}
	server, err := s.resource(ctx, r.client, r.params["resource"])
	if err != nil {
		return server, err
	}
	if !slices.ContainsFunc(named, func(name string) bool {
		other, err := s.Directory.ServerByResource(ctx, name)
		return err == nil && other.Identifier == server.Identifier
	}) {
		return directory.Server{}, &tokenError{"invalid_target", "the assertion is for another resource"}
	}
	return server, nil
}
