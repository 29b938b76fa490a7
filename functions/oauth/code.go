package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// How long a code may be redeemed (RFC 6749 §4.1.2 recommends ten minutes at most), and how long it is remembered, so that a
// second use is noticed.
const (
	codeLifetime = time.Minute
	codeMemory   = time.Hour
)

// code is a record of an authorization code, under its hash.
type code struct {
	ClientID    string    `json:"client_id"`
	UserID      string    `json:"user_id"`
	Server      string    `json:"server"` // identifier
	RedirectURI string    `json:"redirect_uri"`
	Challenge   string    `json:"challenge"`
	Key         string    `json:"key,omitempty"`     // thumbprint of the key that it is bound to (RFC 9449 §10); empty: of none
	Scopes      []string  `json:"scopes"`            // that the person agreed to, of those requested
	Offline     bool      `json:"offline,omitempty"` // offline_access was asked for too
	Identity    []string  `json:"identity,omitempty"`
	Nonce       string    `json:"nonce,omitempty"`
	AuthTime    time.Time `json:"auth_time,omitzero"`
	Method      string    `json:"method,omitempty"`
	Consent     time.Time `json:"consent"`        // which consent that was: its Since
	Issued      time.Time `json:"issued"`         // a moment before the login was looked at
	Epoch       time.Time `json:"epoch,omitzero"` // of the user, as they were then
	Expires     time.Time `json:"expires"`
	GrantID     string    `json:"grant_id,omitempty"` // what it was redeemed for; empty: not yet
	Reused      bool      `json:"reused,omitempty"`   // it came again, which was noted
}

const codeSort = "code"

// answerWithCode notes the consent and a code for it, in one write, and sends the browser back with the code. events are
// what led to it and has to be recorded; before are the scopes that nobody was asked about, since they were allowed already.
func (s *server) answerWithCode(w http.ResponseWriter, r *http.Request, a *authRequest, scopes, before []string, events ...audit.Event) {
	secret, err := web.NewSecret(s.Rand)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now := s.Now()
	record := code{
		ClientID: a.Client.ID, UserID: a.UserID, Server: a.Server.Identifier, RedirectURI: a.RedirectURI,
		Challenge: a.Challenge, Key: a.Key, Scopes: scopes, Offline: a.Offline, Issued: a.Asked, Epoch: a.Epoch, Expires: now.Add(codeLifetime),
		Identity: a.Identity, Nonce: a.Nonce, AuthTime: a.AuthTime, Method: a.Method,
	}
	allowed := slices.Concat(scopes, a.Identity)
	events = append(events, audit.Event{Name: audit.Authorization, Outcome: audit.OK, UserID: a.UserID, ClientID: a.Client.ID,
		Details: map[string]string{"server": a.Server.Identifier, "scope": rbac.JoinScope(allowed)}})
	_, err = again(func() (struct{}, error) { // two tabs may agree to two things at once
		consent, allow, err := s.Directory.Allow(r.Context(), a.UserID, a.Client.ID, a.Server.Identifier, allowed, before...)
		if err != nil {
			return struct{}{}, err
		}
		keep, err := s.Directory.Keep(r.Context(), a.Client)
		if err != nil {
			return struct{}{}, err
		}
		record.Consent = consent.Since
		var spent []store.Op
		if a.pushed != nil {
			spent = []store.Op{a.pushed.spend()}
		}
		item := store.Encode("code/"+web.Hash(secret), codeSort, record, now.Add(codeMemory))
		err = s.writeWithAll(r.Context(), events, slices.Concat(spent, allow, keep, []store.Op{store.Put(item, store.IfAbsent())})...)
		var conflict *store.ConflictError
		if spent != nil && errors.As(err, &conflict) && conflict.Index == 0 {
			err = errPushed // another tab was faster
		}
		return struct{}{}, err
	})
	if overtaken(err) {
		redirectTo(w, "/oauth/authorize?"+a.Query)
		return
	}
	if err != nil {
		s.failRequest(w, r, a, err)
		return
	}
	s.respond(w, r, a.RedirectURI, url.Values{"code": {secret}, "state": {a.State}})
}

// overtaken reports whether what a person agrees to is not what it was when they were asked: something that they had allowed was taken back, or
// they may not log in any more. The same request asks them again.
func overtaken(err error) bool {
	return errors.Is(err, directory.ErrWithdrawn) || errors.Is(err, directory.ErrSignedOut)
}

// isChallenge reports whether s can be an S256 code challenge: the base64url form of 32 bytes (RFC 7636 §4.2).
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// verifierFits reports whether a code verifier made the challenge (RFC 7636 §4.1, §4.6).
func verifierFits(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	for _, c := range []byte(verifier) {
		unreserved := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
		if !unreserved {
			return false
		}
	}
	return subtle.ConstantTimeCompare([]byte(web.Hash(verifier)), []byte(challenge)) == 1
}
