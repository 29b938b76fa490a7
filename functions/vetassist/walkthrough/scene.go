package walkthrough

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// scene is what a variant of a story has at hand, and what it has learned so far.
type scene struct {
	variant    string
	base       string
	registered string // client_id of the client that an administrator registered
	passwords  map[string]string
	wire       *wire
	app        *visitor.Client             // who wants to do something for somebody
	people     map[string]*visitor.Browser // by username
	facts      []Fact
	ended      string // why this variant has nothing more to tell
	called     string // the name in the client's metadata document
	see        string // where the recorder has drawn it
	tidy       tidy

	found    visitor.Discovered
	request  visitor.Authorization
	answer   url.Values                // what came back to the app,
	answered time.Time                 // and when
	tokens   map[string]visitor.Tokens // by username
	since    map[string]time.Time      // when they came
	visit    slot                      // that is booked
}

func newScene(o Options, variant string) *scene {
	s := &scene{variant: variant, base: strings.TrimSuffix(o.Base, "/"), passwords: o.Passwords, wire: newWire(o.Base, o.Transport),
		people: map[string]*visitor.Browser{}, tokens: map[string]visitor.Tokens{}, since: map[string]time.Time{}}
	s.app = visitor.NewClient(s.base, s.wire.of("the app"))
	s.app.ID = cmp.Or(o.Client, s.app.ID)
	s.registered = s.app.ID
	s.app.Agent = "vetassist-walkthrough/1.0"
	if variant != "" { // by which a recorder tells them apart until they have shown more
		s.app.Agent += " (" + variant + ")"
	}
	s.app.Revision = "2026-07-28"
	return s
}

func (s *scene) begin() {
	s.facts, s.see = []Fact{}, ""
	s.wire.begin()
}

// fact notes something that a reader should notice.
func (s *scene) fact(what, format string, args ...any) {
	s.facts = append(s.facts, Fact{what, fmt.Sprintf(format, args...)})
}

// end says that the variant stops here, since this server does not offer what it takes.
func (s *scene) end(why string) { s.ended = why }

// browser is the one of a person, the same through the whole story.
func (s *scene) browser(user string) *visitor.Browser {
	b, ok := s.people[user]
	if !ok {
		b = visitor.NewBrowser(s.base, s.wire.of(name(user)+"'s browser"))
		b.Agent = "vetassist-walkthrough/1.0 (browser)"
		s.people[user] = b
	}
	return b
}

func name(user string) string { return strings.ToUpper(user[:1]) + user[1:] }

func (s *scene) password(user string) string { return cmp.Or(s.passwords[user], user+"-demo") }

// visitLogin opens an authorization request in a person's browser, and logs in where the server asks for it.
func (s *scene) visitLogin(ctx context.Context, user string, a visitor.Authorization) (*visitor.Page, error) {
	b := s.browser(user)
	b.StopAt(s.app.Redirect)
	p, err := b.Open(ctx, a.URL)
	if err != nil || !p.Has("password") {
		return p, err
	}
	return s.login(ctx, user)
}

func (s *scene) login(ctx context.Context, user string) (*visitor.Page, error) {
	p, err := s.browser(user).Login(ctx, user, s.password(user))
	if err == nil && p.Has("password") {
		return p, surprise(user+" to be logged in", "the login page again: %s", notice(p))
	}
	return p, err
}

// allow agrees on the consent page that is on the screen, and takes what comes back to the app.
func (s *scene) allow(ctx context.Context, user string) error {
	p := s.browser(user).Page
	if p.Has("decision") {
		var err error
		if p, err = s.browser(user).Allow(ctx); err != nil {
			return err
		}
		s.tidy.mayHaveAllowed(user, s.app.ID)
	}
	return s.takeAnswer(p)
}

// takeAnswer reads what comes back to the app, and checks that it is the answer to its own question.
func (s *scene) takeAnswer(p *visitor.Page) error {
	s.answer, s.answered = p.Redirect(), time.Now()
	switch {
	case p.Target() == nil:
		return surprise("a redirect back to the app", "the page %s (%d): %s", p.URL.Path, p.Status, notice(p))
	case s.answer.Get("state") != s.request.State:
		return surprise("the state of the request", "%q", s.answer.Get("state"))
	case s.answer.Get("error") != "":
		return surprise("a code", "%s: %s", s.answer.Get("error"), s.answer.Get("error_description"))
	case s.answer.Get("code") == "":
		return surprise("a code", "a redirect without one")
	}
	return nil
}

// redeem changes the code for tokens, which are to be given back at the end.
func (s *scene) redeem(ctx context.Context, user string) error {
	if time.Since(s.answered) > codeFresh {
		s.request = s.app.Request(url.Values{"scope": s.request.Query["scope"]})
		if _, err := s.visitLogin(ctx, user, s.request); err != nil {
			return err
		}
		if err := s.allow(ctx, user); err != nil {
			return err
		}
		s.fact("another code", "the first one ran out while you read")
	}
	t, err := s.app.Redeem(ctx, s.answer.Get("code"), s.request.Verifier, nil)
	if err != nil {
		return err
	}
	if t.Status != 200 || t.Access == "" {
		return surprise("tokens", "%d %s: %s", t.Status, t.Error, t.Description)
	}
	s.keep(user, t)
	return nil
}

// keep holds the tokens of a person, and remembers to give them back.
func (s *scene) keep(user string, t visitor.Tokens) {
	if t.Refresh != "" {
		s.tidy.tokens = append(s.tidy.tokens, t.Refresh)
	}
	s.tokens[user], s.since[user] = t, time.Now()
}

// Somebody who reads slowly must not find the story broken.
const (
	codeFresh  = 45 * time.Second // a code lives for a minute,
	tokenFresh = 9 * time.Minute  // and an access token for ten
)

// fresh is a person's access token, a new one if it was left lying for too long.
func (s *scene) fresh(ctx context.Context, user string) (string, error) {
	t := s.tokens[user]
	if time.Since(s.since[user]) < tokenFresh {
		return t.Access, nil
	}
	again, err := s.app.Refresh(ctx, t.Refresh, nil)
	if err != nil {
		return "", err
	}
	if again.Status == 200 {
		s.keep(user, again)
	} else if err := s.connect(ctx, user, url.Values{"scope": {t.Scope}}); err != nil { // it has been given back meanwhile
		return "", err
	}
	s.fact("a new token", "the old one ran out while you read")
	return s.tokens[user].Access, nil
}

// connect is all of it in one step, for a person whose login is no news.
func (s *scene) connect(ctx context.Context, user string, changes url.Values) error {
	s.request = s.app.Request(changes)
	if _, err := s.visitLogin(ctx, user, s.request); err != nil {
		return err
	}
	if err := s.allow(ctx, user); err != nil {
		return err
	}
	return s.redeem(ctx, user)
}

// call calls a tool with a person's token. The status must be want.
func (s *scene) call(ctx context.Context, user, tool string, args any, want int) (visitor.Answer, visitor.Result, error) {
	token, err := s.fresh(ctx, user)
	if err != nil {
		return visitor.Answer{}, visitor.Result{}, err
	}
	a, err := s.app.CallTool(ctx, token, tool, args)
	if err != nil {
		return a, visitor.Result{}, err
	}
	if a.Status != want {
		return a, visitor.Result{}, surprise(fmt.Sprintf("%d for %s", want, tool), "%d %.300s", a.Status, a.Body)
	}
	r, err := a.Result()
	return a, r, err
}

// works calls a tool that must answer with a result.
func (s *scene) works(ctx context.Context, user, tool string, args any) (visitor.Result, error) {
	_, r, err := s.call(ctx, user, tool, args, 200)
	if err == nil && (r.Result.IsError || r.Error.Code != 0) {
		err = surprise("a result of "+tool, "%s", r.Text())
	}
	return r, err
}

// refusal is the code in the structured content of a tool's refusal.
func refusal(r visitor.Result) string {
	var c struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(r.Result.Structured, &c)
	return c.Error
}

// notice is what a page says above all: its problem, or its text.
func notice(p *visitor.Page) string {
	text := p.Text()
	if _, main, found := strings.Cut(text, "Skip to content "); found {
		text = main
	}
	return clip(text, 300)
}

// list is a claim or a parameter that may be one text or several.
func list(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = fmt.Sprint(w)
		}
		return strings.Join(words, ", ")
	case nil:
		return "none"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func scopes(s string) []string { return strings.Fields(s) }

func has(scope, one string) bool { return slices.Contains(scopes(scope), one) }

func orNone(s string) string { return cmp.Or(s, "none") }
