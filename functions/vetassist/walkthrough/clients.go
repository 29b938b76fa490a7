package walkthrough

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/config"
)

// The three ways in which an authorization server may come to know a client (MCP, Client Registration).
const (
	byAdministrator = "pre-registered"
	byDocument      = "metadata document"
	byItself        = "registered itself"
)

// Clients is one login for each kind of client: they have nothing else apart, so what differs is what the kind makes.
func Clients() Tale {
	return Tale{Name: "clients", Title: "One login for three kinds of client, side by side", Variants: []string{byAdministrator, byDocument, byItself}, Steps: []Step{
		{"discover", "What the server offers", "Each client asks the MCP server, is refused, and finds the authorization server. Its metadata says which kinds of client it takes. " +
			"A client that an administrator registered beforehand needs no word about it there.", "MCP, Client Registration", offered},
		{"known", "How the client becomes known", "The first was entered by an administrator, who knows it. The second is the address of a document that says what it is: whoever has that address vouches for it, and the server reads it when somebody has logged in. " +
			"The third sends the same words to the server itself and gets an id, so nobody vouches for it at all.", "RFC 7591 §3, draft-ietf-oauth-client-id-metadata-document", becomeKnown},
		{"send", "The client sends Bob to the authorization server", "The same request, but for the client_id. The login page says which application Bob goes on with, as far as the server can answer for that: the name that a stranger gave itself is no help against a false one.",
			"RFC 6749 §4.1.1", sendAs},
		{"login", "Bob logs in, and is asked", "Only now does the server read the document, so that nobody who is not logged in can make it ask a stranger for something. The consent page tells Bob what the server knows of the client, and warns him where that is little.",
			"RFC 8252 §8.6", askedAs},
		{"token", "Bob allows it, and the client gets its token", "What the token says differs in the client_id only. What a client may have at most does differ: for a registered one an administrator set it, for the other two each MCP server says which scopes are open to strangers.",
			"RFC 9068 §2.2", tokenAs},
		{"answer", "The client asks the MCP server", "The MCP server does not care how the client became known. The token counts, and what it says of Bob, of the scope and of the audience.", "RFC 6750 §2.1", answerAs},
		{"drawn", "The difference, drawn", "Where the server's flight recorder is on, it has seen all of this. Each address shows two of the logins side by side, step by step, with what differs. They are Bob's flows, so open them in a browser in which he is logged in.",
			"", drawn},
	}}
}

func offered(ctx context.Context, s *scene) (err error) {
	if err := s.lookBefore(ctx, "bob"); err != nil {
		return err
	}
	if s.found, err = s.app.Discover(ctx); err != nil {
		return err
	}
	offers := "nothing: it is always possible"
	switch s.variant {
	case byDocument:
		if offers = "client_id_metadata_document_supported"; !s.found.Server.Documents {
			s.end("this server takes no client that describes itself")
		}
	case byItself:
		if offers = "registration_endpoint"; s.found.Server.Registration == "" {
			s.end("this server lets no client register itself")
		}
	}
	if s.ended != "" {
		offers = "not offered"
	}
	s.fact("the metadata says", "%s", offers)
	return nil
}

func becomeKnown(ctx context.Context, s *scene) error {
	switch s.variant {
	case byAdministrator:
		s.fact("who vouches for it", "the administrator who entered it")
	case byDocument:
		if err := s.describe(ctx); err != nil || s.ended != "" {
			return err
		}
		s.fact("who vouches for it", "whoever has the address %s", hostOf(s.app.ID))
	case byItself:
		if err := s.register(ctx, ""); err != nil || s.ended != "" {
			return err
		}
		s.fact("who vouches for it", "nobody")
	}
	s.fact("client_id", "%s", s.app.ID)
	return nil
}

// documentPath is where the chat describes itself.
const documentPath = "/oauth-client.json"

// describe becomes the client of the document that the chat has at its own address. A client elsewhere would have one at its own.
func (s *scene) describe(ctx context.Context) error {
	id := s.base + documentPath
	a, err := s.app.Send(ctx, http.MethodGet, id, "")
	if err != nil {
		return err
	}
	var document struct {
		ID        string   `json:"client_id"`
		Name      string   `json:"client_name"`
		Redirects []string `json:"redirect_uris"`
	}
	if a.Status == http.StatusNotFound {
		s.end("there is no document at " + id)
		return nil
	}
	if err := json.Unmarshal(a.Body, &document); err != nil || document.ID != id || !slices.Contains(document.Redirects, s.app.Redirect) {
		return surprise("a document of "+id+" with the redirect URI "+s.app.Redirect, "%d %.300s", a.Status, a.Body)
	}
	s.app.ID, s.called = id, document.Name
	return nil
}

// register registers this program. What says the same again is the same client, so many walkthroughs are one.
func (s *scene) register(ctx context.Context, revision string) error {
	client := map[string]any{"client_name": strings.TrimSpace("VetAssist walkthrough " + revision), "redirect_uris": []string{s.app.Redirect}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}}
	if revision == "" || revision >= july2026 { // a MUST since then
		client["application_type"] = applicationType(s.base)
	}
	body, err := json.Marshal(client)
	if err != nil {
		return err
	}
	a, err := s.app.Send(ctx, http.MethodPost, s.app.Server.Registration, string(body), "Content-Type", "application/json", "Accept", "application/json")
	if err != nil {
		return err
	}
	var got struct {
		ID string `json:"client_id"`
	}
	switch {
	case a.Status == http.StatusUnauthorized:
		s.end("to register here takes an initial access token of an administrator")
		return nil
	case a.Status == http.StatusTooManyRequests:
		s.end("too many clients have registered within the last hour")
		return nil
	case a.Status != http.StatusCreated || json.Unmarshal(a.Body, &got) != nil || got.ID == "":
		return surprise("201 and a client_id", "%d %.300s", a.Status, a.Body)
	}
	s.app.ID = got.ID
	return nil
}

// applicationType is what a client on this machine is, and one elsewhere (OpenID Connect Dynamic Client Registration §2).
func applicationType(base string) string {
	if u, err := url.Parse(base); err == nil && config.IsLoopback(u.Hostname()) {
		return "native"
	}
	return "web"
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

func sendAs(ctx context.Context, s *scene) error {
	s.request = s.app.Request(url.Values{"scope": {petRead}, "prompt": {"consent"}})
	b := s.browser("bob")
	b.StopAt(s.app.Redirect)
	p, err := b.Open(ctx, s.request.URL)
	if err != nil {
		return err
	}
	if !p.Has("password") {
		return surprise("a login page", "%d %s", p.Status, notice(p))
	}
	s.fact("client_id", "%s", s.app.ID)
	s.fact("the login page says", "%s", between(p.Text(), "Log in to", "It will not see"))
	return nil
}

// between is what a page says from one word to another.
func between(text, from, to string) string {
	i := strings.LastIndex(text, from)
	if i < 0 {
		return clip(text, 100)
	}
	text, _, _ = strings.Cut(text[i:], to)
	return strings.TrimSpace(strings.ReplaceAll(text, " .", "."))
}

func askedAs(ctx context.Context, s *scene) error {
	p, err := s.consentPage(ctx)
	if err != nil || s.ended != "" {
		return err
	}
	s.fact("its heading", "%s", heading(p.Body))
	s.fact("whose the app is", "%s", known(p.Text()))
	warning := "none"
	for _, w := range []string{"The answer goes to an app on this computer.", "The answer goes to whichever app on this device opens"} {
		if strings.Contains(p.Text(), w) {
			warning = w
		}
	}
	s.fact("its warning", "%s", warning)
	s.fact("it asks for", "%s", orNone(strings.Join(p.Offered("scope"), " ")))
	return nil
}

// consentPage has Bob log in, and meets the consent page, unless this server may not read the document that the client goes by.
func (s *scene) consentPage(ctx context.Context) (*visitor.Page, error) {
	p, err := s.login(ctx, "bob")
	if err != nil {
		return nil, err
	}
	if !p.Has("decision") {
		for _, why := range []string{"it cannot be reached", "clients of this host are not accepted here"} {
			if s.app.ID == s.base+documentPath && strings.Contains(p.Text(), why) {
				s.end("this server does not read the document at " + s.app.ID + ": " + why)
				return p, nil
			}
		}
		return nil, surprise("a consent page", "%d %s", p.Status, notice(p))
	}
	return p, nil
}

// known is what the consent page says about a client that nobody checked.
func known(text string) string {
	switch {
	case strings.Contains(text, "This app is described by"):
		return between(text, "This app is described by", "Allow it only if")
	case strings.Contains(text, "This app registered itself"):
		return between(text, "This app registered itself", "Allow it only if")
	}
	return "nothing to say: it is registered here"
}

func tokenAs(ctx context.Context, s *scene) error {
	if err := s.allow(ctx, "bob"); err != nil {
		return err
	}
	if err := s.redeem(ctx, "bob"); err != nil {
		return err
	}
	c := s.tokens["bob"].Claims()
	if list(c["client_id"]) != s.app.ID || s.tokens["bob"].Scope != petRead {
		return surprise("a token of "+s.app.ID+" for "+petRead, "%s, %s", list(c["client_id"]), s.tokens["bob"].Scope)
	}
	for _, name := range []string{"client_id", "sub", "aud", "scope", "roles", "may_act"} {
		s.fact(name, "%s", list(c[name]))
	}
	return nil
}

func answerAs(ctx context.Context, s *scene) error {
	r, err := s.works(ctx, "bob", vaccination, fido)
	if err != nil {
		return err
	}
	s.fact("Bob reads", "%s", firstSentence(r.Text()))
	return nil
}
