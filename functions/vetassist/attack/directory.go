package attack

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

func adminUser(t *try) {
	raw := t.access("bob")
	t.noAdmin("without a token", "")
	t.noAdmin("with Bob's token", raw)
	c := t.console()
	for _, scope := range []string{"admin:read admin:write", "admin:read"} {
		b := t.as("bob")
		p, err := b.Open(t.ctx, c.Request(url.Values{"scope": {scope}}).URL)
		t.must(err)
		if !p.Has("decision") {
			t.noCode("the console's login, for "+scope, visitor.Answer{Status: p.Status, Header: p.Header, Body: p.Body}, "")
			continue
		}
		i := slices.IndexFunc(p.Forms, func(f visitor.Form) bool { return f.Has("decision") })
		form := p.Forms[i].Values()
		form.Set("decision", "approve")
		form["scope"] = strings.Fields(scope)
		t.noCode("the console's login, for "+scope, t.send(b, t.base+p.Forms[i].Action, form, t.base), "")
	}
	c = t.client()
	c.Resource = t.base + "/admin/api"
	t.noCode("by way of Vet Assist AI", t.get(t.as("bob"), c.Request(url.Values{"scope": {"admin:read"}}).URL), "invalid_target")
	if t.Logins["admin"] != "" {
		t.admin() // for whom all of that works
	}
}

// wrongLogin is what somebody sees who tries a password.
func (t *try) wrongLogin(user, password string) *visitor.Page {
	b := t.browser()
	_, err := b.Open(t.ctx, t.base+"/oauth/login")
	t.must(err)
	p, err := b.Login(t.ctx, user, password)
	t.must(err)
	if p.URL.Path == "/oauth/account" {
		t.later(logOut(b))
	}
	return p
}

func userEnumeration(t *try) {
	nobody := "nobody-" + strings.ToLower(rand.Text()[:8])
	known, unknown := t.wrongLogin("bob", "wrong-"+rand.Text()), t.wrongLogin(nobody, "wrong-"+rand.Text())
	right := t.wrongLogin("bob", t.Logins["bob"]) // and Bob is told nothing of it: a right password begins to count anew
	t.control(right.URL.Path == "/oauth/account", "Bob cannot log in any more: %s", heading(right.Body))
	t.control(known.Status/100 == 4, "a wrong password is answered %d", known.Status)
	differ := known.Status != unknown.Status || known.Text() != strings.ReplaceAll(unknown.Text(), nobody, "bob")
	t.judge("bob, and somebody whom nobody knows", differ, true, fmt.Sprintf("both: %d %s", known.Status, heading(known.Body)))
}

func passwordGuessing(t *try) {
	name, password := "lab-"+strings.ToLower(rand.Text()[:8]), "a-long-password-"+rand.Text()
	a := t.api(t.admin(), http.MethodPost, "/users", map[string]any{"username": name, "name": "Attack Lab", "password": password})
	id := field(a, "id")
	t.control(id != "", "the administrator cannot make a user: %s", said(a))
	t.deleteLater("/users/" + url.PathEscape(id))
	t.control(t.wrongLogin(name, password).URL.Path == "/oauth/account", "the new user cannot log in")
	for range 10 {
		p := t.wrongLogin(name, "wrong-"+rand.Text())
		t.control(p.Status/100 == 4, "a wrong password is answered %d", p.Status)
	}
	p := t.wrongLogin(name, password)
	t.judge("the right one, after ten wrong ones", p.URL.Path == "/oauth/account", p.Status == http.StatusTooManyRequests, fmt.Sprintf("%d %s", p.Status, heading(p.Body)))
	a = t.api(t.admin(), http.MethodPost, "/users/"+url.PathEscape(id)+"/unlock", nil)
	t.control(a.Status/100 == 2 && t.wrongLogin(name, password).URL.Path == "/oauth/account", "unlocked by the administrator, the right one does not work either")
}

func parameterTwice(t *try) {
	t.honestRequest()
	b := t.as("bob")
	c := t.client()
	for _, x := range []struct {
		name, value, code string
	}{
		{"client_id", console, ""}, {"redirect_uri", evil + "/callback", ""}, {"scope", "pet-profile:write", "invalid_request"}, {"state", "mallorys", "invalid_request"},
		{"code_challenge", visitor.Challenge("mallorys"), "invalid_request"}, {"code_challenge_method", "plain", "invalid_request"}, {"response_type", "token", "invalid_request"},
		{"prompt", "none", "invalid_request"},
	} {
		request := c.Request(url.Values{"prompt": {"consent"}})
		honestOnes := request.Query[x.name]
		for what, values := range inOrder(map[string][]string{"after": append(slices.Clone(honestOnes), x.value), "before": append([]string{x.value}, honestOnes...)}) {
			query := merged(request.Query, url.Values{x.name: values})
			if x.name != "prompt" {
				query.Del("prompt")
			}
			t.noCode("at the authorization endpoint, "+x.name+" "+what, t.get(b, t.base+"/oauth/authorize?"+query.Encode()), x.code)
		}
	}
	code, a := t.code("bob", nil)
	for name, value := range inOrder(map[string]string{"code": "mallorys", "grant_type": "refresh_token", "client_id": console, "code_verifier": "mallorys", "redirect_uri": evil}) {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.Verifier}, "client_id": {honest}, "redirect_uri": {c.Redirect}}
		form[name] = append([]string{value}, form[name]...)
		t.noTokens("at the token endpoint, "+name, t.form("/oauth/token", form), "invalid_request")
	}
	t.redeem(c, code, a, nil)
}

func ssrfDocument(t *try) {
	if !t.server.Documents {
		t.skip("clients that describe themselves at a URL are not accepted here")
	}
	t.honestRequest()
	trap := t.trap()
	defer trap.Close()
	at := trap.Addr().String()
	_, port, _ := strings.Cut(at, ":")
	addresses := []string{
		"https://169.254.169.254/latest/meta-data/client.json", "http://169.254.169.254/latest/meta-data/client.json", "https://[fd00:ec2::254]/client.json", "https://" + at + "/client.json",
		"http://" + at + "/client.json", "https://localhost/client.json", "https://localhost:" + port + "/client.json", "https://127.0.0.1/client.json", "https://[::1]/client.json", "https://0.0.0.0/client.json",
		"https://10.0.0.1/client.json", "https://172.16.0.1/client.json", "https://192.168.0.1/client.json", "https://100.64.0.1/client.json", "https://[::ffff:127.0.0.1]/client.json", "https://[fc00::1]/client.json",
		"https://user@" + at + "/client.json", "file:///etc/passwd",
	}
	if t.local { // of addresses on this machine it takes its own alone, and follows no redirect
		addresses = append(addresses, t.base+"/oauth/consent?client.json", t.base+"/oauth/account", t.base+"/.well-known/jwks.json")
	}
	c := t.client()
	for _, address := range addresses {
		a := t.get(t.as("bob"), c.Request(url.Values{"client_id": {address}}).URL)
		t.noCode(address, a, "")
	}
	t.judge("and the address of this machine that was named", trap.came.Load() > 0, true, "nobody came")
}

func registrationFlood(t *try) {
	const most = 400
	if !t.local && !t.Flood {
		t.skip("it would keep others from registering for up to an hour; -flood tries it all the same")
	}
	id, _ := t.registered() // the honest one
	made := 0
	defer func() { t.forgetClients() }()
	for n := range most {
		a := t.register(map[string]any{"client_name": "Attack lab flood " + rand.Text(), "redirect_uris": []string{fmt.Sprintf("https://flood.example/%d", n)}, "token_endpoint_auth_method": "none"})
		if a.Status == http.StatusTooManyRequests {
			t.judge(fmt.Sprintf("after %d clients", made), false, a.Header.Get("Retry-After") != "", said(a))
			break
		}
		t.control(a.Status == http.StatusCreated, "a client cannot register: %s", said(a))
		made++
	}
	t.judge("four hundred clients", made == most, true, fmt.Sprintf("%d were taken", made))
	again, _ := t.registered()
	t.control(again == id, "the honest client, which is known, cannot register any more")
}

// forgetClients deletes the flood's clients, where there is an administrator.
func (t *try) forgetClients() {
	if t.Logins["admin"] == "" {
		return
	}
	admin, cursor := t.admin(), ""
	for range 20 {
		a := t.api(admin, http.MethodGet, "/applications?"+url.Values{"prefix": {"Attack lab flood"}, "cursor": {cursor}}.Encode(), nil)
		ids, next := listed(a)
		for _, id := range ids {
			t.deleteLater("/applications/" + url.PathEscape(id))
		}
		if cursor = next; cursor == "" {
			break
		}
	}
}
