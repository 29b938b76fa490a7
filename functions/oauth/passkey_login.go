package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// beginPasskeyLogin asks a browser for any passkey of ours (WebAuthn §7.2, steps 1 to 3).
func (s *server) beginPasskeyLogin(w http.ResponseWriter, r *http.Request) {
	assertion, err := s.askForLogin(w, r)
	if err != nil {
		s.failPasskey(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, assertion.Response)
}

func (s *server) askForLogin(w http.ResponseWriter, r *http.Request) (*protocol.CredentialAssertion, error) {
	v, err := s.visit(w, r)
	if err != nil {
		return nil, err
	}
	if _, err := s.passkeyForm(r, v, "login"); err != nil {
		return nil, err
	}
	challenge, err := s.newChallenge(r.Context(), v)
	if err != nil {
		return nil, err
	}
	assertion, _, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	return assertion, err
}

// finishPasskeyLogin logs in whoever's passkey the browser has used (WebAuthn §7.2, steps 4 to 27). The query is the
// authorization request that waits for the login, as on the login page.
func (s *server) finishPasskeyLogin(w http.ResponseWriter, r *http.Request) {
	a, v, err := s.loginVisit(w, r)
	var user directory.User
	if err == nil {
		user, err = s.passkeyLogin(w, r, a, v)
	}
	var refusal *passkeyError
	if errors.As(err, &refusal) {
		traceLogin(r.Context(), directory.User{}, access.Passkey, refusal.Message)
		s.audit.Record(r.Context(), audit.Event{Name: audit.Login, Outcome: audit.Refused, UserID: user.ID, ClientID: a.clientID(),
			Details: map[string]string{"method": access.Passkey, "error": refusal.Code}})
	}
	if err != nil {
		s.failPasskey(w, r, err)
		return
	}
	traceLogin(r.Context(), user, access.Passkey, "")
	web.JSON(w, http.StatusOK, map[string]string{"location": afterLogin(a)})
}

// passkeyLogin tells who it is, too, when the passkey was right and yet not accepted. What is not proved is not told: it
// would be recorded of somebody on anybody's word.
func (s *server) passkeyLogin(w http.ResponseWriter, r *http.Request, a *authRequest, v visit) (directory.User, error) {
	began := s.Now()
	answer, err := s.passkeyForm(r, v, "login")
	if err != nil {
		return directory.User{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer.Credential)
	if err != nil {
		return directory.User{}, errPasskeyRefused
	}
	challenge, err := s.checkChallenge(r.Context(), v, parsed.Response.CollectedClientData.Challenge)
	if err != nil {
		return directory.User{}, err
	}
	_, state, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithChallenge(challenge)) // what it was when it began
	if err != nil {
		return directory.User{}, err
	}
	user, err := s.handleOwner(r, parsed.Response.UserHandle)
	if err != nil {
		return directory.User{}, err
	}
	// On a conflict the passkey was used or removed in between, or the challenge answered: the next round sees that.
	proved, err := again(func() (directory.User, error) {
		if err := s.unanswered(r.Context(), challenge); err != nil {
			return directory.User{}, err
		}
		used, proved, err := s.checkPasskey(r, user, *state, parsed)
		if err == nil {
			err = s.mayLogIn(proved.Username)
		}
		if err == nil {
			err = s.startSession(w, r, v, user, newLogin(r, user, began, access.Passkey), loginEvent(v, user, a, access.Passkey),
				s.Directory.UsePasskey(user.ID, used), s.answered(challenge))
		}
		return proved, err
	})
	var often *oftenError
	if errors.As(err, &often) {
		err = &passkeyError{http.StatusTooManyRequests, "too-often", often.tell(w)}
	}
	return proved, err
}

// handleOwner is whose passkey it claims to be. A disabled user cannot log in this way either.
func (s *server) handleOwner(r *http.Request, handle []byte) (directory.User, error) {
	if store.ValidKey("user/"+string(handle), "x") != nil {
		return directory.User{}, errPasskeyRefused
	}
	user, err := s.Directory.ActiveUser(r.Context(), string(handle))
	if errors.Is(err, directory.ErrNotFound) {
		return directory.User{}, errPasskeyRefused
	}
	return user, err
}

// checkPasskey is the user's passkey that made the answer, with the counter that it came with.
func (s *server) checkPasskey(r *http.Request, user directory.User, state webauthn.SessionData, parsed *protocol.ParsedCredentialAssertionData) (used directory.Passkey, proved directory.User, err error) {
	owner, err := s.passkeyUser(r, user)
	if err != nil {
		return used, proved, err
	}
	_, credential, err := s.passkeys.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return owner, nil }, state, parsed)
	if err != nil {
		return used, proved, errPasskeyRefused
	}
	if credential.Authenticator.CloneWarning {
		// §6.1.1 leaves to us what to do when the counter did not go up: two may hold the key, and we cannot tell which is which.
		return used, user, &passkeyError{http.StatusUnauthorized, "counter",
			"This passkey looks as if it had been copied, so it was not accepted. Log in with your password, remove it and add a new one."}
	}
	i := slices.IndexFunc(owner.credentials, func(c webauthn.Credential) bool { return slices.Equal(c.ID, credential.ID) })
	used = owner.keys[i]
	used.Credential, err = json.Marshal(credential)
	return used, user, err
}
