package attack

import (
	"net/http"
	"net/url"
	"strings"
)

// noRedirect tries redirect URIs in Bob's browser, who has agreed to all else. The server may show a page, and lead nowhere.
func (t *try) noRedirect(uris ...string) {
	t.honestRequest()
	for _, uri := range uris {
		t.noCode(uri, t.request(url.Values{"redirect_uri": {uri}}), "")
	}
}

func redirectSuffix(t *try) {
	r := t.base + "/callback"
	t.noRedirect(r+"/evil", r+"/", r+"?next="+evil, r+"s", t.base+".evil.example/callback", t.base+"evil.example/callback", r+";evil", r+"%00")
}

func redirectUserinfo(t *try) {
	scheme, host, _ := strings.Cut(t.base, "://")
	t.noRedirect(scheme+"://"+host+"@evil.example/callback", scheme+"://evil.example\\@"+host+"/callback", scheme+"://bob@"+host+"/callback",
		scheme+"://"+host+":x@evil.example/callback", scheme+"://evil.example#@"+host+"/callback")
}

func redirectFragment(t *try) {
	r := t.base + "/callback"
	t.noRedirect(r+"#", r+"#x", r+"%23x", r+"#"+evil)
}

func redirectEncoded(t *try) {
	scheme, host, _ := strings.Cut(t.base, "://")
	t.noRedirect(t.base+"/%63allback", t.base+"/callback%2f..%2f..%2fevil", t.base+"\\callback", scheme+":\\\\evil.example\\callback", strings.ToUpper(scheme)+"://"+host+"/callback",
		t.base+"/CALLBACK", " "+t.base+"/callback", t.base+"/callback\t", t.base+"/call\nback", scheme+"://evil.example%2f@"+host+"/callback", scheme+":"+host+"/callback", "//"+host+"/callback",
		"javascript:alert(1)//"+t.base+"/callback", "data:text/html,"+t.base+"/callback")
}

func redirectTraversal(t *try) {
	t.noRedirect(t.base+"/callback/../evil", t.base+"/callback/..", t.base+"/x/../callback", t.base+"/./callback", t.base+"//callback", t.base+"/callback/%2e%2e/evil", t.base+"/callback/..;/evil")
}

func redirectLoopback(t *try) {
	uris := []string{"http://localhost.evil.example/callback", "http://127.0.0.1.evil.example/callback", "http://localhost:1/callback", "http://127.0.0.1:1/callback", "http://[::1]:1/callback",
		"http://0.0.0.0/callback", "http://2130706433/callback", "http://localhost./callback", "http://127.1/callback"}
	u, err := url.Parse(t.base)
	t.must(err)
	for _, name := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if u.Hostname() != strings.Trim(name, "[]") {
			other := *u
			other.Host, other.Path = name, "/callback"
			if u.Port() != "" {
				other.Host += ":" + u.Port()
			}
			uris = append(uris, other.String())
		}
	}
	other := *u
	other.Host, other.Path = u.Hostname()+":1", "/callback" // another port, and a website is no app on this machine
	t.noRedirect(append(uris, other.String())...)
}

func redirectError(t *try) {
	id, redirect := t.registered()
	c := t.named(id)
	c.Redirect = redirect
	t.codeFor(c, "bob", nil) // with a login and a consent, it is a client like others
	for _, x := range []struct {
		what    string
		changes url.Values
	}{
		{"a response type that does not exist", url.Values{"response_type": {"token"}}},
		{"a scope that does not parse", url.Values{"scope": {"\""}}},
		{"no PKCE", url.Values{"code_challenge": nil}},
		{"prompt=none, and nobody is logged in", url.Values{"prompt": {"none"}}},
		{"a parameter twice", url.Values{"scope": {"a", "b"}}},
	} {
		a := t.get(t.browser(), c.Request(x.changes).URL)
		login := a.Status == http.StatusSeeOther && location(a).Path == "/oauth/login" || a.Status == http.StatusBadRequest && a.Header.Get("Location") == ""
		t.judge(x.what, a.Header.Get("Location") != "" && !t.own(location(a)), login, said(a))
	}
}

func logoutRedirect(t *try) {
	b := t.as("bob")
	ask := func(values url.Values) string { return t.base + "/oauth/logout?" + values.Encode() }
	a := t.get(b, ask(url.Values{"client_id": {honest}}))
	t.control(a.Status == http.StatusOK, "the honest logout link does not work: %s", said(a))
	for _, c := range []struct {
		what   string
		values url.Values
	}{
		{"with the honest client's id", url.Values{"client_id": {honest}, "post_logout_redirect_uri": {evil + "/"}}},
		{"without a client", url.Values{"post_logout_redirect_uri": {evil + "/"}}},
		{"to the redirect URI of the login", url.Values{"client_id": {honest}, "post_logout_redirect_uri": {t.base + "/callback"}}},
		{"with the honest host in front", url.Values{"client_id": {honest}, "post_logout_redirect_uri": {t.base + "@evil.example/"}}},
		{"twice", url.Values{"client_id": {honest}, "post_logout_redirect_uri": {t.base + "/", evil}}},
	} {
		t.noCode(c.what, t.get(b, ask(c.values)), "")
		t.noCode(c.what+", when nobody is logged in", t.get(t.browser(), ask(c.values)), "")
	}
	t.judge("and Bob's login", !t.loggedIn(b), true, "it is still there")
}
