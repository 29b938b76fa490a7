package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/token"
)

// What an authorization request says of OpenID Connect (Core §3.1.2.1).

// The scopes by which a client asks who somebody is. They are of no server, so the formula does not know them; the person is asked for
// them all the same, and the consent names them among its scopes.
const (
	openID  = "openid"  // makes it a request of OpenID Connect
	profile = "profile" // the person's name (§5.4)
)

// identity is what of these a scope parameter asks for. Without openid it is no such request, and profile means nothing.
func identity(scopes []string) []string {
	switch {
	case !slices.Contains(scopes, openID):
		return nil
	case !slices.Contains(scopes, profile):
		return []string{openID}
	}
	return []string{openID, profile}
}

// loginItself is us as a server, for a client that asks who it is and for nothing else. Tokens for it open nothing but the userinfo endpoint.
func (s *server) loginItself() directory.Server {
	return directory.Server{Identifier: directory.LoginServer, Name: "your login", URL: s.BaseURL + userinfoPath}
}

// audience of a token for a server.
func audience(server directory.Server) []string {
	if server.Identifier == directory.LoginServer {
		return []string{server.URL}
	}
	return server.Audience()
}

// serverNamed finds the server of a grant.
func (s *server) serverNamed(ctx context.Context, identifier string) (directory.Server, error) {
	if identifier == directory.LoginServer {
		return s.loginItself(), nil
	}
	return s.Directory.Server(ctx, identifier)
}

// onlyLogin reports whether the client asks who it is and for nothing else: it named no server and no scope of one.
func (a *authRequest) onlyLogin() bool { return a.Server.Identifier == directory.LoginServer }

// loginHint is whom the client expects (§3.1.2.1): no more than a suggestion for the form.
func (a *authRequest) loginHint() string {
	if a == nil {
		return ""
	}
	hint := a.params.Get("login_hint")
	if len(hint) > 64 {
		return ""
	}
	return hint
}

// maxNonce bounds what is kept with a code, in bytes.
const maxNonce = 512

// checkIdentity reads the parameters of OpenID Connect. display, ui_locales, claims_locales, acr_values and claims change nothing (§15.1, §5.5).
func (s *server) checkIdentity(ctx context.Context, a *authRequest, query url.Values) error {
	if query.Has("registration") { // §7.2.1
		return a.reject("registration_not_supported", "registration as a parameter is not supported")
	}
	if a.Nonce = query.Get("nonce"); len(a.Nonce) > maxNonce {
		return a.reject("invalid_request", "nonce is over 512 bytes")
	}
	if query.Has("max_age") {
		seconds, err := strconv.ParseUint(query.Get("max_age"), 10, 31)
		if err != nil {
			return a.reject("invalid_request", "max_age must be a number of seconds")
		}
		age := time.Duration(seconds) * time.Second
		a.MaxAge = &age
	}
	if query.Has("id_token_hint") {
		return s.checkHint(ctx, a, query.Get("id_token_hint"))
	}
	return nil
}

// checkHint finds out for whom the client asks: an ID token that it got before says so.
func (s *server) checkHint(ctx context.Context, a *authRequest, raw string) error {
	hint, err := s.verifier.Hint(ctx, raw)
	if errors.Is(err, token.ErrInvalid) || err == nil && hint.Audience[0] != a.Client.ClientID() {
		return a.reject("invalid_request", "id_token_hint is not an ID token that this client got here, or its key is no longer published")
	}
	a.HintedUser = hint.Subject
	return err
}

// wantsLogin reports whether the person has to log in, though somebody is logged in already: the client asks for that, for a younger login
// (§3.1.2.1; 0 means always), or for somebody else.
func (a *authRequest) wantsLogin(v visit, now time.Time) bool {
	return a.prompts("login") || a.prompts("select_account") || a.wantsOther(v) ||
		a.MaxAge != nil && (*a.MaxAge == 0 || now.Sub(v.login.Since) > *a.MaxAge)
}

// wantsOther: no answer to a request with an id_token_hint is about anybody else (§3.1.2.1).
func (a *authRequest) wantsOther(v visit) bool {
	return a.HintedUser != "" && v.loggedIn() && a.HintedUser != v.user.ID
}

// metByLogin are the parameters with wishes that a login meets.
var metByLogin = []string{"prompt", "max_age"}

// afterLogin is the request without the wishes that have just been met.
func (a *authRequest) afterLogin() string {
	query, _ := url.ParseQuery(a.Query) // parsed before
	query.Del("max_age")
	query.Del("prompt")
	for _, p := range a.Prompt {
		if p != "login" && p != "select_account" {
			query.Set("prompt", p)
		}
	}
	return query.Encode()
}

// learns says for people what a client learns of somebody.
func learns(asked []string, user directory.User) string {
	switch {
	case slices.Contains(asked, profile):
		return "It learns who you are: your name, " + user.Name + ", and your username, " + user.Username + "."
	case slices.Contains(asked, openID):
		return "It can recognize you when you come back, but does not learn your name."
	}
	return ""
}

// identityScope finds the words for a scope that is of no server.
func identityScope(name string) (directory.Scope, bool) {
	switch name {
	case openID:
		return directory.Scope{Name: name, Title: "Recognize you", Description: "Know that it is you when you come back"}, true
	case profile:
		return directory.Scope{Name: name, Title: "Your name", Description: "Know your name and username"}, true
	}
	return directory.Scope{}, false
}
