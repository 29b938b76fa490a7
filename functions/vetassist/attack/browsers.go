package attack

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

func loginCSRF(t *try) {
	mallory := t.browser()
	t.login(mallory, "alice", t.Logins["alice"]) // the form works where it is sent from its own page
	t.later(logOut(mallory))
	page, err := t.browser().Open(t.ctx, t.base+"/oauth/login")
	t.must(err)
	values := page.Forms[slices.IndexFunc(page.Forms, func(f visitor.Form) bool { return f.Has("username") })].Values()
	values.Set("username", "alice")
	values.Set("password", t.Logins["alice"])
	for what, origin := range inOrder(map[string]string{"from another site": evil, "from a page without an origin": "null", "from a browser that does not say whence, with Mallory's own form token": ""}) {
		victim := t.browser()
		t.get(victim, t.base+"/oauth/login") // so that it has a cookie
		a := t.send(victim, t.base+"/oauth/login", values, origin)
		t.judge(what, t.loggedIn(victim), a.Status == http.StatusForbidden || a.Status == http.StatusBadRequest, said(a))
	}
}

// consentPage is the consent page of a request in a browser, and its form.
func (t *try) consentPage(b *visitor.Browser, changes url.Values) (address string, form url.Values) {
	a := t.client().Request(merged(url.Values{"prompt": {"consent"}}, changes))
	p, err := b.Open(t.ctx, a.URL)
	t.must(err)
	i := slices.IndexFunc(p.Forms, func(f visitor.Form) bool { return f.Has("decision") })
	t.control(i >= 0, "there is no consent page: %d %s", p.Status, heading(p.Body))
	form = p.Forms[i].Values()
	form.Set("decision", "approve")
	form["scope"] = strings.Fields(a.Query.Get("scope"))
	return t.base + p.Forms[i].Action, form
}

func consentCSRF(t *try) {
	b := t.as("bob")
	_, other := t.consentPage(b, url.Values{"scope": {"reminder:read"}})
	address, form := t.consentPage(b, nil)
	t.noConsent("from another site, with the right form token", t.send(b, address, form, evil))
	without := maps.Clone(form)
	without.Del("form_token")
	t.noConsent("from a browser that does not say whence, without a form token", t.send(b, address, without, ""))
	swapped := maps.Clone(form)
	swapped.Set("form_token", other.Get("form_token"))
	t.noConsent("with the form token of another request", t.send(b, address, swapped, ""))
	_, alices := t.consentPage(t.as("alice"), nil)
	swapped.Set("form_token", alices.Get("form_token"))
	t.noConsent("with the form token of another browser", t.send(b, address, swapped, ""))
	a := t.send(b, address, form, t.base)
	t.control(location(a).Query().Has("code"), "the honest form gets no code: %s", said(a))
}

func (t *try) noConsent(what string, a visitor.Answer) {
	t.judge(what, location(a).Query().Has("code"), a.Status == http.StatusForbidden || a.Status == http.StatusBadRequest, said(a))
}

func consentScope(t *try) {
	b := t.as("bob")
	for _, c := range []struct{ what, asked, ticked string }{
		{"ticked, but not asked for", "pet-profile:read", "appointment:write"},
		{"ticked, but not in Bob's role", "pet-profile:read pet-profile:write", "pet-profile:write"},
	} {
		a := t.client().Request(url.Values{"scope": {c.asked}, "prompt": {"consent"}})
		p, err := b.Open(t.ctx, a.URL)
		t.must(err)
		t.control(p.Has("decision"), "there is no consent page: %d %s", p.Status, heading(p.Body))
		b.StopAt(t.base + "/callback")
		p, err = b.Allow(t.ctx, "pet-profile:read", c.ticked)
		b.StopAt("")
		t.must(err)
		code := p.Redirect().Get("code")
		t.control(code != "", "the consent for what was shown gets no code: %d %s", p.Status, heading(p.Body))
		got := t.redeem(t.client(), code, a, nil)
		t.control(slices.Contains(strings.Fields(got.Scope), "pet-profile:read"), "the token lacks what was shown: %s", got.Scope)
		claims, _ := got.Claims()["scope"].(string)
		t.judge(c.what+": "+c.ticked, slices.Contains(strings.Fields(got.Scope+" "+claims), c.ticked), true, "granted is only "+got.Scope)
		if c.ticked == "appointment:write" {
			t.noCall("and the token, to book", t.message(got.Access, "book_vet_appointment", map[string]any{"pet": "Fido", "date": "2030-01-08", "time": "10:00"}), http.StatusForbidden, "insufficient_scope")
		}
	}
}

func clickjacking(t *try) {
	bob := t.as("bob")
	consent := t.client().Request(url.Values{"prompt": {"consent"}}).URL
	for _, c := range []struct {
		what, address string
		who           *visitor.Browser
	}{
		{"the login page", t.base + "/oauth/login", t.browser()}, {"the consent page", consent, bob}, {"the page for a device's code", t.base + "/oauth/device", bob},
		{"My account", t.base + "/oauth/account", bob}, {"the logout page", t.base + "/oauth/logout", bob}, {"the chat", t.base + "/", t.browser()}, {"the console", t.base + "/admin/", t.browser()},
	} {
		a := t.get(c.who, c.address)
		t.control(a.Status == http.StatusOK && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html"), "%s is not there: %s", c.what, said(a))
		policy, old := strings.Join(a.Header.Values("Content-Security-Policy"), ", "), a.Header.Get("X-Frame-Options")
		framed := !strings.Contains(policy, "frame-ancestors 'none'") || !strings.EqualFold(old, "DENY") // of each, there are browsers that know no other
		t.judge(c.what, framed, true, "X-Frame-Options: "+old+", frame-ancestors in its policy")
	}
}

func sessionFixation(t *try) {
	mallory, victim := t.browser(), t.browser()
	t.get(mallory, t.base+"/oauth/login")
	planted := mallory.Cookies(t.base + "/oauth/login")
	t.control(len(planted) > 0, "a browser gets no cookie before its login")
	for _, c := range planted {
		t.must(victim.SetCookies(t.base+"/", &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: strings.HasPrefix(t.base, "https:")}))
	}
	t.as("bob") // whose consents are noted
	t.login(victim, "bob", t.Logins["bob"])
	t.later(logOut(victim))
	t.judge("the cookie from before the login", t.loggedIn(mallory), t.loggedIn(victim), "it is nobody's login")

	chat, connect := t.chat("bob")
	spy := t.browser()
	for _, c := range chat.Cookies(t.base + "/") {
		if strings.HasSuffix(c.Name, "vetassist_app") {
			t.must(spy.SetCookies(t.base+"/", &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: strings.HasPrefix(t.base, "https:")}))
		}
	}
	_, err := chat.Open(t.ctx, t.answer(chat, connect).String())
	t.must(err)
	t.control(t.ask(chat, "Which pets do I have?").Connected, "Bob's chat is not connected")
	r, err := post(t.base+"/chat", `{"message":"Which pets do I have?"}`, "application/json", t.base)
	t.must(err)
	a, err := spy.Do(t.ctx, r)
	t.must(err)
	t.judge("the chat's cookie from before the connection", strings.Contains(string(a.Body), `"connected":true`), a.Status < 500, "it is not connected")
}

func corsPages(t *try) {
	a := t.get(t.browser(), t.base+"/.well-known/oauth-authorization-server", "Origin", evil)
	t.control(a.Header.Get("Access-Control-Allow-Origin") != "", "what every page may read, none may: the metadata has no Access-Control-Allow-Origin")
	bob := t.as("bob")
	request := t.client().Request(url.Values{"prompt": {"consent"}}).Query.Encode()
	for _, path := range []string{"/oauth/authorize?" + request, "/oauth/consent?" + request, "/oauth/login", "/oauth/account", "/oauth/device", "/oauth/logout", "/"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			r, err := http.NewRequest(method, t.base+path, nil)
			t.must(err)
			r.Header.Set("Origin", evil)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "GET")
			}
			a, err := bob.Do(t.ctx, r)
			t.must(err)
			allowed := a.Header.Get("Access-Control-Allow-Origin")
			bare, _, _ := strings.Cut(path, "?")
			t.judge(method+" "+bare, allowed != "", a.Status < 500, "no Access-Control-Allow-Origin")
		}
	}
}
