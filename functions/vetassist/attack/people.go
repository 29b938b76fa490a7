package attack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// browser is a new one, in which nobody is logged in.
func (t *try) browser() *visitor.Browser {
	b := visitor.NewBrowser(t.base, t.wire)
	b.Agent = "vetassist-attack/1.0 (browser)"
	return b
}

// as is the browser of somebody who is logged in at the authorization server.
func (t *try) as(user string) *visitor.Browser {
	if b := t.people[user]; b != nil {
		b.StopAt("")
		return b
	}
	password := t.Logins[user]
	if password == "" {
		t.skip("there is no login of " + user)
	}
	b := t.browser()
	t.login(b, user, password)
	before := access(t.account(b))
	t.later(func(ctx context.Context) error { return leave(ctx, b, user, before) })
	t.people[user] = b
	return b
}

// login logs somebody in.
func (t *try) login(b *visitor.Browser, user, password string) {
	p, err := b.Open(t.ctx, t.base+"/oauth/login")
	t.must(err)
	t.control(p.Has("username"), "the login page has no field for a username: %d", p.Status)
	p, err = b.Login(t.ctx, user, password)
	t.must(err)
	t.control(p.URL.Path == "/oauth/account" && p.Status == http.StatusOK, "%s cannot log in: %d %s", user, p.Status, heading(p.Body))
}

// account is what My account shows; without a login that is the login page.
func (t *try) account(b *visitor.Browser) *visitor.Page {
	b.StopAt("")
	p, err := b.Apps(t.ctx)
	t.must(err)
	return p
}

// loggedIn tells whether a browser is.
func (t *try) loggedIn(b *visitor.Browser) bool { return t.account(b).URL.Path == "/oauth/account" }

// access names what a person allows applications.
func access(p *visitor.Page) (names []string) {
	for _, form := range p.Removable() {
		names = append(names, form.Get("client_id")+" "+form.Get("server"))
	}
	return names
}

// leave takes back what a person came to allow meanwhile, and logs them out.
func leave(ctx context.Context, b *visitor.Browser, user string, before []string) error {
	b.StopAt("")
	for range 20 { // each removal shows the page anew
		p, err := b.Apps(ctx)
		if err != nil {
			return err
		}
		forms := slices.DeleteFunc(p.Removable(), func(f url.Values) bool {
			return slices.Contains(before, f.Get("client_id")+" "+f.Get("server"))
		})
		if len(forms) == 0 {
			break
		}
		if err := removeAccess(ctx, b, forms[0]); err != nil {
			return err
		}
	}
	if _, err := b.Open(ctx, b.Base+"/oauth/logout"); err != nil {
		return err
	}
	if _, err := b.Submit(ctx, "/oauth/logout", nil); err != nil {
		return fmt.Errorf("%s is still logged in: %w", user, err)
	}
	return nil
}

func removeAccess(ctx context.Context, b *visitor.Browser, form url.Values) error {
	r, err := post(b.Base+"/oauth/account/apps/remove", form.Encode(), "application/x-www-form-urlencoded", b.Base)
	if err != nil {
		return err
	}
	a, err := b.Do(ctx, r)
	if err == nil && a.Status/100 != 3 {
		err = fmt.Errorf("%s still has access", form.Get("client_id"))
	}
	return err
}

// post is a POST as a browser sends it from a page of an origin; without an origin, as an old one does, or a program.
func post(address, body, contentType, origin string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	if origin == "" {
		return r, nil
	}
	r.Header.Set("Origin", origin)
	site := "cross-site"
	if r.URL.Scheme+"://"+r.URL.Host == origin {
		site = "same-origin"
	}
	r.Header.Set("Sec-Fetch-Site", site)
	return r, nil
}

// get is a GET in a browser that follows no redirect. Headers come as name, value.
func (t *try) get(b *visitor.Browser, address string, headers ...string) visitor.Answer {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	t.must(err)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	a, err := b.Do(t.ctx, r)
	t.must(err)
	return *a
}

// send posts a form in a browser, from a page of an origin.
func (t *try) send(b *visitor.Browser, address string, form url.Values, origin string) visitor.Answer {
	return t.sendBody(b, address, form.Encode(), "application/x-www-form-urlencoded", origin)
}

func (t *try) sendBody(b *visitor.Browser, address, body, contentType, origin string) visitor.Answer {
	r, err := post(address, body, contentType, origin)
	t.must(err)
	a, err := b.Do(t.ctx, r)
	t.must(err)
	return *a
}

// chat is a new browser in which somebody is logged in at the authorization server, and has asked the chat something, which it cannot answer yet.
// connect is where it sends them.
func (t *try) chat(user string) (b *visitor.Browser, connect string) {
	from := t.as(user)
	b = t.browser()
	for _, c := range from.Cookies(t.base + "/oauth/account") {
		if strings.HasSuffix(c.Name, "vetassist_login") {
			t.must(b.SetCookies(t.base+"/", &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: strings.HasPrefix(t.base, "https:")}))
		}
	}
	a, err := b.Ask(t.ctx, "Which pets do I have?")
	t.must(err)
	t.control(a.Status == http.StatusOK && strings.HasPrefix(a.AuthorizeURL, t.base+"/oauth/authorize?"), "the chat does not ask for a login: %d %s %s", a.Status, a.Reply, a.Message)
	t.later(func(ctx context.Context) error {
		r, err := post(t.base+"/logout", "", "application/x-www-form-urlencoded", t.base)
		if err == nil {
			_, err = b.Do(ctx, r)
		}
		return err
	})
	return b, a.AuthorizeURL
}

// answer goes where the chat sends a person, who allows what it asks, and stops before the way back.
func (t *try) answer(b *visitor.Browser, address string) *url.URL {
	b.StopAt(t.base + "/callback")
	defer b.StopAt("")
	p, err := b.Open(t.ctx, address)
	t.must(err)
	if p.Has("decision") {
		p, err = b.Allow(t.ctx)
		t.must(err)
	}
	to := p.Target()
	t.control(to != nil && to.Query().Get("code") != "", "the login did not lead back to the chat: %d %s", p.Status, heading(p.Body))
	return to
}

// ask asks the chat.
func (t *try) ask(b *visitor.Browser, message string) visitor.ChatAnswer {
	a, err := b.Ask(t.ctx, message)
	t.must(err)
	return a
}

// forward turns the clock of a local server.
func (t *try) forward(d time.Duration) {
	if !t.local {
		t.skip("only a VetAssist on this machine has a clock that can be turned")
	}
	b := t.browser()
	a := t.send(b, t.base+"/learn/clock", url.Values{"forward": {d.String()}}, t.base)
	if a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed {
		t.skip("this VetAssist has no clock that can be turned (POST /learn/clock)")
	}
	t.control(a.Status/100 == 2 || a.Status/100 == 3, "the clock cannot be turned: %s", said(a))
	t.ahead += d
	clear(t.tokens)
}
