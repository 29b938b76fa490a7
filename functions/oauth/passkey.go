package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/web"
)

// Passkeys are WebAuthn credentials (https://www.w3.org/TR/webauthn-3/). Here one takes the place of username and password
// together, so:
//
//   - it is discoverable: the browser finds out whose it is, and nobody types a name;
//   - the authenticator must verify the person, by a PIN, a finger or a face. "preferred" would let in whoever finds a
//     key in the street, since nothing else is asked (§5.8.6; §6.2.3 calls only a verifying one multi-factor);
//   - who made the authenticator is not asked (attestation "none", §5.4.7): there are no makers whom we refuse.
//
// A ceremony is a question that a browser is given and its answer, which counts once, within a few minutes, and from that
// browser only. How that is held differs: passkey_add.go, passkey_challenge.go.

const ceremonyLifetime = 5 * time.Minute

// newPasskeys is the library's relying party for a base URL, or why there can be none: a relying party is a domain, never an
// address (§5.1.3, step 8 of create), and browsers offer passkeys to secure pages only.
func newPasskeys(baseURL string) (*webauthn.WebAuthn, string, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, "", err
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, "Passkeys belong to a domain name, and this address has none: it is " + host + ".", nil
	}
	if u.Scheme != "https" && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return nil, "Passkeys need https, or a server on the same machine.", nil
	}
	required := true
	relyingParty, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "VetAssist", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required, UserVerification: protocol.VerificationRequired,
		},
	})
	return relyingParty, "", err
}

// passkeyUser is a user as the library wants to see one.
type passkeyUser struct {
	directory.User
	keys        []directory.Passkey
	credentials []webauthn.Credential
}

func (u passkeyUser) WebAuthnID() []byte                         { return []byte(u.ID) } // means nothing to anybody else (§14.6.1)
func (u passkeyUser) WebAuthnName() string                       { return u.Username }
func (u passkeyUser) WebAuthnDisplayName() string                { return u.Name }
func (u passkeyUser) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (s *server) passkeyUser(r *http.Request, user directory.User) (passkeyUser, error) {
	keys, err := s.Directory.Passkeys(r.Context(), user.ID)
	u := passkeyUser{User: user, keys: keys, credentials: make([]webauthn.Credential, len(keys))}
	for i, k := range keys {
		if err := json.Unmarshal(k.Credential, &u.credentials[i]); err != nil {
			return u, fmt.Errorf("oauth: passkey %s of %s: %w", k.ID, user.ID, err)
		}
	}
	return u, err
}

// passkeyError is an answer to the script of a page: words for the person.
type passkeyError struct {
	Status  int
	Code    string // for the audit log
	Message string
}

func (e *passkeyError) Error() string { return e.Code }

var (
	errPasskeyRefused = &passkeyError{http.StatusUnauthorized, "refused", "This passkey was not accepted. Please try again, or log in with your password."}
	errPasskeyExpired = &passkeyError{http.StatusBadRequest, "expired", "This took too long, or was answered already. Please try again."}
)

// failPasskey answers a script with an error as JSON.
func (s *server) failPasskey(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *passkeyError
	var page *pageError
	var redirect *redirectError
	switch {
	case errors.As(err, &refusal):
	case errors.As(err, &redirect):
		refusal = &passkeyError{http.StatusBadRequest, redirect.Code, "What the app asks for is not right. Please go back to the app and start again."}
	case errors.As(err, &page):
		refusal = &passkeyError{http.StatusBadRequest, "page", page.Message + " Please load the page again."}
	default:
		web.LogFailure(r, s.Log, err)
		status := web.FailureStatus(err)
		refusal = &passkeyError{status, "failed", web.Sorry(r.Context(), status)}
	}
	web.JSON(w, refusal.Status, map[string]string{"error": refusal.Code, "message": refusal.Message})
}

// passkeyForm reads what a page's script sends: JSON, with the form token of the page that it is on, as every form has one.
func (s *server) passkeyForm(r *http.Request, v visit, purpose string) (answer passkeyAnswer, err error) {
	if s.passkeys == nil {
		return answer, &passkeyError{http.StatusNotFound, "not-offered", s.noPasskeys}
	}
	body, err := io.ReadAll(r.Body) // bounded: see form
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil {
		return answer, &pageError{"What this page sent is broken.", "the body is not JSON of at most 64 KiB"}
	}
	return answer, v.checkToken(answer.FormToken, purpose)
}

// passkeyAnswer is what a script sends: the form token, and when a ceremony ends, what the browser made.
type passkeyAnswer struct {
	FormToken  string          `json:"form_token"`
	Name       string          `json:"name"` // of a new passkey
	Credential json.RawMessage `json:"credential"`
}
