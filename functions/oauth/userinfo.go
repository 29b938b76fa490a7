package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/possession"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

const userinfoPath = "/oauth/userinfo"

// person is OpenID Connect Core §5.3.2: who the person is, as far as the token's scope tells.
type person struct {
	Subject  string `json:"sub"` // always
	Name     string `json:"name,omitempty"`
	Username string `json:"preferred_username,omitempty"`
}

// userinfoError is why a bearer learns nothing (RFC 6750 §3.1).
type userinfoError struct {
	Status int
	Code   string // empty when no token was sent: then no more is said
	Reason string
}

func (e *userinfoError) Error() string { return e.Code + ": " + e.Reason }

func invalidToken(reason string) error {
	return &userinfoError{http.StatusUnauthorized, "invalid_token", reason}
}

// userinfo is the userinfo endpoint (OpenID Connect Core §5.3), for GET and POST. It takes any access token of ours whose scope has openid and
// whose grant stands now: revoking ends it at once. Which server the token is for does not count, as the person agreed to both at once.
func (s *server) userinfo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, "+possession.NonceHeader)
	scheme, raw, err := web.AccessToken(r, "Bearer", possession.Scheme)
	var now standing
	switch {
	case errors.Is(err, web.ErrNoBearer):
		err = &userinfoError{Status: http.StatusUnauthorized}
	case err != nil:
		err = &userinfoError{http.StatusBadRequest, "invalid_request", "the request has several Authorization headers"}
	default:
		now, err = s.bearer(w, r, scheme, raw)
	}
	traceUserinfo(r.Context(), now, err)
	var refusal *userinfoError
	switch {
	case errors.As(err, &refusal):
		s.challenge(w, scheme, refusal)
	case err != nil:
		web.Fail(w, r, s.Log, err)
	default:
		answer := person{Subject: now.user.ID}
		if slices.Contains(now.scopes, profile) {
			answer.Name, answer.Username = now.user.Name, now.user.Username
		}
		web.JSON(w, http.StatusOK, answer)
	}
}

// bearer is what the token in the header is good for now. A token in the body or in the query is not taken (RFC 6750 §2.2, §2.3; RFC 9700
// §4.3.2).
func (s *server) bearer(w http.ResponseWriter, r *http.Request, scheme, raw string) (standing, error) {
	claims, err := s.verifier.Verify(r.Context(), raw)
	var invalid *token.InvalidError
	switch {
	case errors.As(err, &invalid):
		return standing{}, invalidToken("the access token was refused: " + invalid.Reason)
	case err != nil:
		return standing{}, err
	case (claims.Key() != "") != (scheme == possession.Scheme): // RFC 9449 §7.2
		return standing{}, invalidToken("one that is bound to a key comes under the scheme DPoP, with a proof, and any other under Bearer")
	case claims.Key() != "":
		if err := s.checkBound(w, r, userinfoPath, raw, claims); err != nil {
			return standing{}, err
		}
	}
	return s.aboutPerson(r, claims)
}

func (s *server) aboutPerson(r *http.Request, claims token.Claims) (now standing, err error) {
	owner, err := s.Directory.Client(r.Context(), claims.ClientID)
	if err == nil {
		now, err = s.accessStanding(r.Context(), claims, owner)
	}
	var ended *tokenError
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, directory.ErrNotFound), errors.As(err, &ended):
		return standing{}, invalidToken("what this access token was issued for was taken back since")
	case err == nil && !slices.Contains(now.scopes, openID):
		return standing{}, &userinfoError{http.StatusForbidden, "insufficient_scope", "this needs the scope openid"}
	}
	return now, err
}

// checkBound lets an access token that is bound to a key pass with a proof of that key (RFC 9449 §7.1).
func (s *server) checkBound(w http.ResponseWriter, r *http.Request, path, raw string, claims token.Claims) error {
	nonce, err := s.proofs.Nonce(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set(possession.NonceHeader, nonce)
	proof, err := s.proofs.Check(r.Context(), r, s.BaseURL+path, raw)
	if err == nil && !dpop.SameKey(proof.Key, claims.Key()) {
		return invalidToken("it is bound to another key than that of the proof")
	}
	if err == nil {
		err = s.proofs.Use(r.Context(), proof)
	}
	var wrong *dpop.Error
	if errors.As(err, &wrong) {
		return &userinfoError{http.StatusUnauthorized, wrong.Code, wrong.Description}
	}
	return err
}

// challenge answers in the scheme that the token came under (RFC 6750 §3, RFC 9449 §7.1), or in both.
func (s *server) challenge(w http.ResponseWriter, scheme string, e *userinfoError) {
	challenge := `Bearer realm="vetassist", scope="openid"`
	proofs := fmt.Sprintf(`DPoP realm="vetassist", scope="openid", algs=%q`, strings.Join(dpop.Algs, " "))
	if scheme == possession.Scheme {
		challenge = proofs
	}
	if e.Code == "" {
		w.Header().Set("WWW-Authenticate", challenge)
		w.Header().Add("WWW-Authenticate", proofs)
		web.JSON(w, e.Status, map[string]string{"error_description": "An access token is needed, in the Authorization header."})
		return
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s, error=%q, error_description=%q`, challenge, e.Code, e.Reason))
	web.JSON(w, e.Status, map[string]string{"error": e.Code, "error_description": e.Reason})
}
