package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	registrationSort     = "client"
	registrationEvery    = 5 * time.Second // in this process, at whatever authorization servers
	registrationsAtOnce  = 6
	registrationAsk      = time.Hour // how long we take for granted that an authorization server knows us still
	maxRegistrationBody  = 64 << 10
	maxSecret            = 1024
	maxRegistrationError = 60
)

// registration is what an authorization server knows us by that we registered with (RFC 7591). Its key is the issuer: at another one
// it is worth nothing ("Authorization Server Binding"). The secret, where a server gives one, lies here as it is.
type registration struct {
	Issuer   string    `json:"issuer"`
	ClientID string    `json:"client_id"`
	Secret   string    `json:"client_secret,omitempty"`
	Until    time.Time `json:"until,omitzero"` // of the secret
	Method   string    `json:"token_endpoint_auth_method"`
	Redirect string    `json:"redirect_uri"`
	Known    time.Time `json:"known"` // when the server last knew us
}

func (a *app) readRegistration(ctx context.Context, issuer string) (registration, int64, error) {
	r, err := store.Read[registration](ctx, a.store, registrationPrefix+web.Hash(issuer), registrationSort)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return r.Value, r.Version, err
}

func (a *app) writeRegistration(ctx context.Context, r registration, version int64) error {
	condition := store.IfAbsent()
	if version > 0 {
		condition = store.IfVersion(version)
	}
	return a.store.Write(ctx, store.Put(store.Encode(registrationPrefix+web.Hash(r.Issuer), registrationSort, r, time.Time{}), condition))
}

// forgetRegistration is for an id that its authorization server does not know any more. The next request registers anew.
func (a *app) forgetRegistration(ctx context.Context, s server) {
	r, version, err := a.readRegistration(ctx, s.Issuer)
	if err == nil && version > 0 && r.ClientID == s.Client {
		err = a.store.Write(ctx, store.Delete(registrationPrefix+web.Hash(s.Issuer), registrationSort, store.IfVersion(version)))
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		a.log.ErrorContext(ctx, "a registration that does not work is not forgotten", "issuer", s.Issuer, "err", err)
	}
}

// confirmRegistration notes that a login through an id has succeeded.
func (a *app) confirmRegistration(ctx context.Context, s server) {
	r, version, err := a.readRegistration(ctx, s.Issuer)
	if err == nil && version > 0 && r.ClientID == s.Client {
		r.Known = a.now()
		err = a.writeRegistration(ctx, r, version)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		a.log.WarnContext(ctx, "a registration that works is not noted", "issuer", s.Issuer, "err", err)
	}
}

// registered is the id that we got by registering, now or earlier.
func (a *app) registered(ctx context.Context, s server) (server, error) {
	r, version, err := a.readRegistration(ctx, s.Issuer)
	if err != nil {
		return s, err
	}
	good := version > 0 && r.Redirect == a.base+"/callback" && (r.Until.IsZero() || a.now().Before(r.Until))
	if good && a.now().Sub(r.Known) > registrationAsk { // a person would be stuck on a page that says that it knows no such client
		good = !errors.Is(a.askAt(ctx, s.Authorize, r.ClientID), errUnknownClient)
	}
	if !good {
		if r, err = a.register(ctx, s); err != nil {
			return s, err
		}
		err = a.writeRegistration(ctx, r, version)
		if errors.Is(err, store.ErrConflict) { // somebody was faster: theirs counts
			if r, _, err = a.readRegistration(ctx, s.Issuer); err == nil && r.ClientID == "" {
				err = errContended
			}
		}
	}
	s.Client, s.AuthMethod = r.ClientID, r.Method
	return s, err
}

// register sends a registration request (RFC 7591 §3).
func (a *app) register(ctx context.Context, s server) (registration, error) {
	host := hostOf(s.Issuer)
	if s.Register == "" {
		return registration{}, &noWay{"The authorization server at " + host + " does not let applications register themselves."}
	}
	if !a.registrations.AllowN(a.now(), 1) {
		return registration{}, errBusy
	}
	asked := authMethod(s.AuthMethods, methodNone, methodBasic, methodPost)
	answer, err := a.postRegistration(ctx, s.Register, a.metadata(asked))
	var refused *oauthex.ClientRegistrationError
	switch {
	case errors.As(err, &refused):
		a.log.WarnContext(ctx, "registration refused", "issuer", s.Issuer, "error", refused.ErrorCode, "description", refused.ErrorDescription)
		text := "The authorization server at " + host + " did not register Vet Assist AI"
		switch refused.ErrorCode {
		case "invalid_redirect_uri": // OpenID Connect servers have rules for each application type
			text += ": it does not take the redirect URL " + a.base + "/callback for an application of the type “" + a.metadata(asked).ApplicationType + "”."
		case "invalid_token", "access_denied":
			text += ": it registers only who has a token for that, which Vet Assist AI has not."
		default:
			text += " (" + refused.ErrorCode + ")."
		}
		if refused.ErrorDescription != "" {
			text += " It says: “" + refused.ErrorDescription + "”"
		}
		return registration{}, &noWay{text}
	case err != nil:
		a.log.WarnContext(ctx, "not registered", "issuer", s.Issuer, "err", err)
		return registration{}, &noWay{"The authorization server at " + host + " did not answer when Vet Assist AI wanted to register. Please try again in a moment."}
	}
	r := registration{Issuer: s.Issuer, ClientID: answer.ClientID, Secret: answer.ClientSecret, Until: answer.ClientSecretExpiresAt,
		Method: answer.TokenEndpointAuthMethod, Redirect: a.base + "/callback", Known: a.now()}
	if r.Method == "" { // not said: as we asked
		r.Method = asked
	}
	if r.Method == methodNone {
		r.Secret, r.Until = "", time.Time{} // of no use, so not kept
	}
	known := r.Method == methodNone || (r.Method == methodBasic || r.Method == methodPost) && r.Secret != ""
	if wrong := wrongClientID(r.ClientID); wrong != "" || len(r.Secret) > maxSecret || !known {
		a.log.WarnContext(ctx, "registration of no use", "issuer", s.Issuer, "client_id", clip(r.ClientID, 100), "method", clip(r.Method, 60))
		return registration{}, &noWay{"The authorization server at " + host + " registered Vet Assist AI in a way that it cannot use."}
	}
	a.log.InfoContext(ctx, "registered", "issuer", s.Issuer, "client_id", r.ClientID)
	return r, nil
}

// postRegistration is oauthex.RegisterClient, but no answer, which may hold a secret, gets into an error.
func (a *app) postRegistration(ctx context.Context, endpoint string, m oauthex.ClientRegistrationMetadata) (*oauthex.ClientRegistrationResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(resp.Body, maxRegistrationBody)); err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusOK: // RFC 7591 §3.2.1; some say 200
		out := &oauthex.ClientRegistrationResponse{}
		if json.Unmarshal(body, out) != nil {
			return nil, errors.New("registration endpoint: not the JSON it should be")
		}
		return out, nil
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
		e := &oauthex.ClientRegistrationError{}
		if json.Unmarshal(body, e) != nil || e.ErrorCode == "" {
			e.ErrorCode = fmt.Sprintf("status %d", resp.StatusCode)
		}
		return nil, &oauthex.ClientRegistrationError{ErrorCode: clip(e.ErrorCode, maxRegistrationError), ErrorDescription: clip(e.ErrorDescription, maxDescription)}
	}
	return nil, fmt.Errorf("registration endpoint: status %d", resp.StatusCode)
}
