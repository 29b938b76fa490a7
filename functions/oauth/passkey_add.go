package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// freshLogin is how long ago somebody may have logged in who adds a passkey: it outlives the login, so that an unguarded
// browser must not be enough (OWASP ASVS 5.0 §7.5.1).
const freshLogin = 15 * time.Minute

func (s *server) isFresh(v visit) bool { return s.Now().Sub(v.login.Since) < freshLogin }

// beginAdd asks a browser for a new passkey (WebAuthn §7.1, steps 1 to 4).
func (s *server) beginAdd(w http.ResponseWriter, r *http.Request) {
	creation, err := s.askForPasskey(w, r)
	if err != nil {
		s.failPasskey(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, creation.Response)
}

func (s *server) askForPasskey(w http.ResponseWriter, r *http.Request) (*protocol.CredentialCreation, error) {
	v, user, _, err := s.adder(w, r)
	if err != nil {
		return nil, err
	}
	if len(user.keys) >= directory.MaxPasskeys {
		return nil, errTooManyPasskeys
	}
	// What is registered already is excluded, so that no authenticator gets a second one.
	creation, state, err := s.passkeys.BeginRegistration(user, webauthn.WithExclusions(webauthn.Credentials(user.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, err
	}
	return creation, s.beginAddCeremony(r, v, state)
}

// What was asked of the browser of somebody who is logged in is a record, one for each browser: there are no more of them
// than of logins. It is gone with the first answer, right or wrong.
const addSort = "add"

func addPartition(v visit) string { return "ceremony/" + web.Hash(v.secret) }

func (s *server) beginAddCeremony(r *http.Request, v visit, state *webauthn.SessionData) error {
	item := store.Encode(addPartition(v), addSort, state, s.Now().Add(ceremonyLifetime))
	return s.Store.Write(r.Context(), store.Put(item, store.Always()))
}

func (s *server) takeAddCeremony(r *http.Request, v visit) (webauthn.SessionData, error) {
	state, err := store.Read[webauthn.SessionData](r.Context(), s.Store, addPartition(v), addSort)
	if err == nil {
		err = s.Store.Write(r.Context(), store.Delete(addPartition(v), addSort, store.IfVersion(state.Version)))
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		err = errPasskeyExpired
	}
	return state.Value, err
}

// finishAdd takes the new passkey (WebAuthn §7.1, steps 5 to 28).
func (s *server) finishAdd(w http.ResponseWriter, r *http.Request) {
	v, user, answer, err := s.adder(w, r)
	if err == nil {
		err = s.addPasskey(r, v, user, answer)
	}
	if err != nil {
		var refusal *passkeyError
		if errors.As(err, &refusal) && v.loggedIn() {
			s.audit.Record(r.Context(), audit.Event{Name: audit.PasskeyChange, Outcome: audit.Refused, UserID: v.user.ID, Details: map[string]string{"error": refusal.Code}})
		}
		s.failPasskey(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, map[string]string{"location": accountPath + "?done=added"})
}

var (
	errTooManyPasskeys = &passkeyError{http.StatusConflict, "too-many", "You have as many passkeys as you can have. Remove one first."}
	errLoginFirst      = &passkeyError{http.StatusForbidden, "login", "To add a passkey, log in again first."}
)

// adder is who wants to add a passkey: somebody who has logged in lately.
func (s *server) adder(w http.ResponseWriter, r *http.Request) (visit, passkeyUser, passkeyAnswer, error) {
	v, err := s.visit(w, r)
	if err != nil {
		return v, passkeyUser{}, passkeyAnswer{}, err
	}
	answer, err := s.passkeyForm(r, v, "account")
	switch {
	case err != nil:
		return v, passkeyUser{}, answer, err
	case !v.loggedIn() || !s.isFresh(v):
		return v, passkeyUser{}, answer, errLoginFirst
	}
	user, err := s.passkeyUser(r, v.user)
	return v, user, answer, err
}

func (s *server) addPasskey(r *http.Request, v visit, user passkeyUser, answer passkeyAnswer) error {
	state, err := s.takeAddCeremony(r, v)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer.Credential)
	if err != nil {
		return errNotAdded
	}
	credential, err := s.passkeys.CreateCredential(user, state, parsed)
	if err != nil {
		return errNotAdded
	}
	credential.Attestation = webauthn.CredentialAttestation{} // nobody asked for it, and it is large
	record, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	op, err := s.audit.Op(r.Context(), audit.Event{Name: audit.PasskeyChange, Outcome: audit.OK, UserID: user.ID, Details: map[string]string{"added": answer.Name}})
	if err != nil {
		return err
	}
	err = s.Directory.AddPasskey(r.Context(), user.ID, v.login.Since, v.login.Epoch, directory.Passkey{ID: directory.PasskeyID(credential.ID), Name: answer.Name, Credential: record}, op)
	var wrong *directory.FieldError
	switch {
	case errors.As(err, &wrong):
		return &passkeyError{http.StatusBadRequest, "name", "The name " + wrong.Message + "."}
	case errors.Is(err, directory.ErrTooManyPasskeys):
		return errTooManyPasskeys
	case errors.Is(err, directory.ErrPasskeyTaken):
		return errNotAdded
	case errors.Is(err, directory.ErrSignedOut): // since this was sent
		return errLoginFirst
	}
	return err
}

var errNotAdded = &passkeyError{http.StatusBadRequest, "refused", "This passkey could not be added. Please try again."}
