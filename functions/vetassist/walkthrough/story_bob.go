package walkthrough

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
)

const (
	vaccination = "get_pet_vaccination_info"
	booking     = "book_vet_appointment"
	petRead     = "pet-profile:read"
	petWrite    = "pet-profile:write"
	bookWrite   = "appointment:write"
)

var fido = map[string]any{"pet": "Fido"}

func ask(ctx context.Context, s *scene) error {
	a, err := s.app.CallTool(ctx, "", vaccination, fido)
	if err != nil {
		return err
	}
	c := discovery.ReadChallenge(a.Header)
	switch {
	case a.Status != 401:
		return surprise("401 without a token", "%d %.200s", a.Status, a.Body)
	case c.Metadata == "" || !slices.Equal(c.Scopes, []string{petRead}):
		return surprise("a challenge with resource_metadata and the scope "+petRead, "%+v", c)
	}
	s.found.First, s.found.Challenge = a, c
	s.fact("read on at", "%s", c.Metadata)
	s.fact("scope that it takes", "%s", strings.Join(c.Scopes, " "))
	return nil
}

func readResource(ctx context.Context, s *scene) (err error) {
	if s.found.Resource, err = s.app.ReadResource(ctx, s.found.Challenge.Metadata); err != nil {
		return err
	}
	if len(s.found.Resource.Issuers) == 0 {
		return surprise("an authorization server", "none in the document")
	}
	s.app.Resource = s.found.Resource.Resource
	s.fact("it is about", "%s", s.found.Resource.Resource)
	s.fact("tokens come from", "%s", s.found.Resource.Issuers[0])
	return nil
}

func readServer(ctx context.Context, s *scene) (err error) {
	if s.app.Server, err = s.app.ReadServer(ctx, s.found.Resource.Issuers[0]); err != nil {
		return err
	}
	s.found.Server = s.app.Server
	if !slices.Contains(s.app.Server.PKCE, "S256") { // MCP, Authorization Code Protection: else a client must not go on
		return surprise("PKCE with S256", "%v", s.app.Server.PKCE)
	}
	s.fact("send people to", "%s", s.app.Server.Authorization)
	s.fact("get tokens at", "%s", s.app.Server.Token)
	s.fact("PKCE", "%s", strings.Join(s.app.Server.PKCE, ", "))
	return nil
}

func send(ctx context.Context, s *scene) error {
	if err := s.lookBefore(ctx, "bob"); err != nil {
		return err
	}
	s.request = s.app.Request(url.Values{"scope": {petRead}, "prompt": {"consent"}}) // prompt: also if Bob allowed it on another day
	b := s.browser("bob")
	b.StopAt(s.app.Redirect)
	p, err := b.Open(ctx, s.request.URL)
	if err != nil {
		return err
	}
	if !p.Has("password") {
		return surprise("a login page", "%d %s", p.Status, notice(p))
	}
	s.fact("Bob sees", "%s", heading(p.Body))
	return nil
}

func logIn(ctx context.Context, s *scene) error {
	p, err := s.login(ctx, "bob")
	if err != nil {
		return err
	}
	if !p.Has("decision") {
		return surprise("a consent page", "%d %s", p.Status, notice(p))
	}
	s.fact("Bob sees", "%s", heading(p.Body))
	return nil
}

func consent(ctx context.Context, s *scene) error {
	p := s.browser("bob").Page
	switch offered := p.Offered("scope"); {
	case slices.Equal(offered, []string{petRead}):
		s.fact("it asks for", "%s", petRead)
	case len(offered) == 0 && strings.Contains(p.Text(), "You allowed this before"):
		s.fact("it asks for", "nothing new: Bob allowed %s on another day", petRead)
	default:
		return surprise("a page that asks for "+petRead, "%v: %s", offered, notice(p))
	}
	if err := s.allow(ctx, "bob"); err != nil {
		return err
	}
	if iss := s.answer.Get("iss"); iss != s.app.Server.Issuer { // RFC 9207 §2.4, before the code goes anywhere
		return surprise("iss "+s.app.Server.Issuer, "%q", iss)
	}
	s.fact("state", "is that of the app's own request")
	s.fact("iss", "%s", s.answer.Get("iss"))
	return nil
}

func token(ctx context.Context, s *scene) error {
	if err := s.redeem(ctx, "bob"); err != nil {
		return err
	}
	t := s.tokens["bob"]
	if t.Scope != petRead || t.Type != "Bearer" || t.Refresh == "" {
		return surprise("a Bearer token for "+petRead+" and a refresh token", "%s for %q", t.Type, t.Scope)
	}
	s.fact("lives for", "%s", time.Duration(t.Expires)*time.Second)
	return nil
}

func claims(_ context.Context, s *scene) error {
	c := s.tokens["bob"].Claims()
	if c == nil {
		return surprise("a JWT", "something else")
	}
	audience := list(c["aud"])
	if !strings.Contains(audience, s.app.Resource) {
		return surprise("the audience "+s.app.Resource, "%s", audience)
	}
	for _, name := range []string{"iss", "sub", "aud", "client_id", "scope", "roles"} {
		s.fact(name, "%s", list(c[name]))
	}
	return nil
}

func answer(ctx context.Context, s *scene) error {
	r, err := s.works(ctx, "bob", vaccination, fido)
	if err != nil {
		return err
	}
	if !strings.Contains(r.Text(), "Fido") {
		return surprise("an answer about Fido", "%s", r.Text())
	}
	s.fact("Bob reads", "%s", firstSentence(r.Text()))
	return nil
}

func firstSentence(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return clip(first, 200)
}

// slot is a time at which the clinic can see a pet.
type slot struct{ Date, Time string }

func challenge(ctx context.Context, s *scene) error {
	return s.challenged(ctx, "bob", booking, s.atThree(), bookWrite)
}

// atThree asks for the middle of the night, when nobody can book anything.
func (s *scene) atThree() map[string]any {
	day := time.Now().AddDate(0, 0, 2)
	return map[string]any{"pet": "Fido", "date": day.Format(time.DateOnly), "time": "03:00"}
}

// challenged calls a tool for which the token lacks a scope.
func (s *scene) challenged(ctx context.Context, user, tool string, args any, scope string) error {
	a, _, err := s.call(ctx, user, tool, args, 403)
	if err != nil {
		return err
	}
	c := discovery.ReadChallenge(a.Header)
	if c.Code != "insufficient_scope" || !slices.Contains(c.Scopes, scope) {
		return surprise("a challenge for "+scope, "%+v", c)
	}
	s.fact("error", "%s", c.Code)
	s.fact("scope that is missing", "%s", strings.Join(c.Scopes, " "))
	return nil
}

func stepUp(ctx context.Context, s *scene) error { return s.stepUp(ctx, "bob", bookWrite) }

// stepUp asks for one scope more than the token has. The person is still logged in.
func (s *scene) stepUp(ctx context.Context, user, scope string) error {
	both := s.tokens[user].Scope + " " + scope
	s.request = s.app.Request(url.Values{"scope": {both}})
	b := s.browser(user)
	b.StopAt(s.app.Redirect)
	p, err := b.Open(ctx, s.request.URL)
	switch {
	case err != nil:
		return err
	case p.Has("password"):
		return surprise(name(user)+" to be logged in still", "the login page")
	case p.Has("decision"):
		if offered := p.Offered("scope"); !slices.Equal(offered, []string{scope}) {
			return surprise("a consent page for "+scope+" only", "%v: %s", offered, notice(p))
		}
		s.fact("the page asks for", "%s, and for nothing else", scope)
	default:
		s.fact("no page", "%s allowed %s on another day", name(user), scope)
	}
	if err := s.allow(ctx, user); err != nil {
		return err
	}
	if err := s.redeem(ctx, user); err != nil {
		return err
	}
	if got := s.tokens[user].Scope; !has(got, scope) {
		return surprise("a token for "+both, "%q", got)
	}
	s.fact("the token says", "%s", s.tokens[user].Scope)
	return nil
}

func book(ctx context.Context, s *scene) error {
	_, r, err := s.call(ctx, "bob", booking, s.atThree(), 200)
	if err != nil {
		return err
	}
	var free struct{ Alternatives []slot }
	if err := json.Unmarshal(r.Result.Structured, &free); err != nil || !r.Result.IsError || len(free.Alternatives) == 0 {
		return surprise("a refusal with free times", "%s", r.Text())
	}
	s.visit = free.Alternatives[0]
	if _, err := s.works(ctx, "bob", booking, map[string]any{"pet": "Fido", "date": s.visit.Date, "time": s.visit.Time}); err != nil {
		return err
	}
	s.tidy.undo = append(s.tidy.undo, func(ctx context.Context) error {
		_, err := s.works(ctx, "bob", "cancel_vet_appointment", map[string]any{"pet": "Fido", "date": s.visit.Date})
		s.fact("cancelled", "the appointment on %s", s.visit.Date)
		return err
	})
	s.fact("booked", "%s at %s", s.visit.Date, s.visit.Time)
	return nil
}

func role(ctx context.Context, s *scene) error {
	a, r, err := s.call(ctx, "bob", "update_pet", map[string]any{"pet": "Fido", "weight_kg": 30}, 200)
	if err != nil {
		return err
	}
	if !r.Result.IsError || refusal(r) != "role_forbidden" {
		return surprise("a refusal because of the role", "%s", r.Text())
	}
	if c := discovery.ReadChallenge(a.Header); c.Metadata != "" || c.Code != "" {
		return surprise("no challenge", "%+v", c)
	}
	s.fact("refused", "%s", firstSentence(r.Text()))
	s.fact("challenge", "none: there is nothing to consent to")
	return nil
}

func luna(ctx context.Context, s *scene) error {
	var said []string
	for _, pet := range []string{"Luna", "Nessie"} {
		_, r, err := s.call(ctx, "bob", "get_pet", map[string]any{"pet": pet}, 200)
		if err != nil {
			return err
		}
		if !r.Result.IsError {
			return surprise("no such pet as "+pet, "%s", r.Text())
		}
		said = append(said, r.Text())
	}
	if strings.ReplaceAll(said[0], "Luna", "Nessie") != said[1] {
		return surprise("the same answer for Luna and for a pet that does not exist", "%q and %q", said[0], said[1])
	}
	s.fact("about Luna", "%s", said[0])
	s.fact("about Nessie, whom nobody has", "%s", said[1])
	return nil
}

func refresh(ctx context.Context, s *scene) error {
	old := s.tokens["bob"]
	t, err := s.app.Refresh(ctx, old.Refresh, url.Values{"resource": {s.app.Resource}})
	if err != nil {
		return err
	}
	if t.Status != 200 || t.Refresh == "" || t.Refresh == old.Refresh || t.Scope != old.Scope {
		return surprise("new tokens with the scope "+old.Scope, "%d %s %q", t.Status, t.Error, t.Scope)
	}
	s.keep("bob", t)
	s.fact("refresh token", "another one: the old one is used up")
	s.fact("scope", "%s, worked out anew from what Bob may and allowed", t.Scope)
	return nil
}

func chat(ctx context.Context, s *scene) error {
	b := s.browser("bob")
	b.StopAt("")
	const question = "When is Fido's next vaccination?"
	a, err := b.Ask(ctx, question)
	if err != nil {
		return err
	}
	if a.Status != 200 || a.AuthorizeURL == "" {
		return surprise("a card that asks Bob to connect", "%d %s %s", a.Status, a.Reply, a.Message)
	}
	s.fact("the chat", "%s", a.Reply)
	u, err := url.Parse(a.AuthorizeURL)
	if err != nil {
		return err
	}
	p, err := b.Open(ctx, a.AuthorizeURL)
	if err == nil && p.Has("password") {
		return surprise("Bob to be logged in still", "the login page")
	}
	consent := "not asked for again: Bob has given it to this client before"
	if err == nil && p.Has("decision") {
		if consent = "asked for, since the chat is another client than this program"; len(p.Offered("scope")) == 0 {
			consent = "asked for nothing new, but the chat wants to know as well who Bob is"
		}
		p, err = b.Allow(ctx)
		s.tidy.mayHaveAllowed("bob", u.Query().Get("client_id"))
	}
	if err != nil {
		return err
	}
	if p.URL.Path != "/" || !strings.Contains(p.Text(), question) || !strings.Contains(p.Text(), vaccination) {
		return surprise("the chat with the answer", "%s (%d): %s", p.URL.Path, p.Status, notice(p))
	}
	s.fact("consent", "%s", consent)
	if a, err = b.Ask(ctx, "Change Fido's weight to 30 kg"); err != nil {
		return err
	}
	if _, refused := a.Called("update_pet", "tool_error"); !refused || a.AuthorizeURL != "" {
		return surprise("a refusal because of Bob's role", "%+v %s", a.ToolCalls, a.Reply)
	}
	s.fact("and Fido's weight", "%s", firstSentence(a.Reply))
	return nil
}

func revoke(ctx context.Context, s *scene) error {
	t := s.tokens["bob"]
	gone, err := s.app.Revoke(ctx, t.Refresh, nil)
	if err != nil {
		return err
	}
	if gone.Status != 200 {
		return surprise("200", "%d %s", gone.Status, gone.Error)
	}
	again, err := s.app.Refresh(ctx, t.Refresh, nil)
	if err != nil {
		return err
	}
	if again.Error != "invalid_grant" {
		return surprise("invalid_grant for a refresh token that was given back", "%d %s", again.Status, again.Error)
	}
	if _, err := s.works(ctx, "bob", vaccination, fido); err != nil {
		return err
	}
	s.fact("refresh", "%s", again.Error)
	s.fact("the access token", "works still, for %s at most", time.Duration(t.Expires)*time.Second)
	return nil
}

func logOut(ctx context.Context, s *scene) error {
	b := s.browser("bob")
	p, err := b.Open(ctx, s.base+"/")
	if err == nil {
		p, err = b.Submit(ctx, "/logout", nil)
	}
	if err != nil {
		return err
	}
	if p.Status != 200 || p.URL.Path != "/logged-out" {
		return surprise("the chat's page after the log out", "%d %s", p.Status, p.URL.Path)
	}
	s.fact("the chat", "%s", heading(p.Body))
	if _, err = b.Open(ctx, s.base+"/oauth/account"); err == nil {
		_, err = b.Submit(ctx, "/oauth/logout", nil)
	}
	if err == nil {
		s.request = s.app.Request(url.Values{"scope": {petRead}})
		b.StopAt(s.app.Redirect)
		p, err = b.Open(ctx, s.request.URL)
	}
	if err != nil {
		return err
	}
	if !p.Has("password") {
		return surprise("the login page", "%d %s", p.Status, notice(p))
	}
	s.fact("the authorization server", "asks who it is again")
	return nil
}
