package attack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/clientkey"
)

// console is the console's own client.
func (t *try) console() *visitor.Client {
	c := t.named(console)
	c.Redirect, c.Resource = t.base+"/admin/callback", t.base+"/admin/api"
	return c
}

// admin is an administrator's access token for the admin API.
func (t *try) admin() string {
	if raw := t.tokens["admin"]; raw != "" {
		return raw
	}
	c := t.console()
	code, a := t.codeFor(c, "admin", url.Values{"scope": {"admin:read admin:write"}})
	raw := t.redeem(c, code, a, nil).Access
	t.tokens["admin"] = raw
	me := t.api(raw, http.MethodGet, "/me", nil)
	t.control(me.Status == http.StatusOK, "the administrator's token does not work: %s", said(me))
	return raw
}

// madeApplication is an application of the lab's own.
type madeApplication struct{ id, secret string }

// application makes one as an administrator does, until the end of the run. more is what the admin API takes besides.
func (t *try) application(template string, scopes []string, more map[string]any) madeApplication {
	admin := t.admin()
	body := map[string]any{"name": "Attack lab " + rand.Text()[:6], "template": template}
	for name, value := range more {
		body[name] = value
	}
	a := t.api(admin, http.MethodPost, "/applications", body)
	made := madeApplication{field(a, "client_id"), field(a, "client_secret")}
	t.control(a.Status == http.StatusCreated, "the administrator cannot make an application: %s", said(a))
	path := "/applications/" + url.PathEscape(made.id)
	t.deleteLater(path + "?cascade=true") // with what people allowed it
	server := base64.StdEncoding.EncodeToString([]byte("mcp://vetassist"))
	a = t.api(admin, http.MethodPut, path+"/authorizations/"+server, map[string]any{"scopes": scopes})
	t.control(a.Status/100 == 2, "the application cannot be authorized: %s", said(a))
	return made
}

// deleteLater deletes what the lab made, with a token that is good then: the clock may have been turned.
func (t *try) deleteLater(path string) {
	l := t.lab
	l.later(func(ctx context.Context) error {
		last := &try{lab: l, ctx: ctx, result: &Result{}}
		return last.do(func(t *try) {
			a := t.api(t.admin(), http.MethodDelete, path, nil)
			if a.Status/100 != 2 && a.Status != http.StatusNotFound {
				t.must(fmt.Errorf("%s is still there: %s", strings.TrimPrefix(path, "/"), said(a)))
			}
		})
	})
}

// keyed is a program that proves itself with a key.
func (t *try) keyed() (id string, key clientkey.Key) {
	key, err := clientkey.New()
	t.must(err)
	made := t.application("Machine-to-machine application", []string{"pet-profile:read"}, map[string]any{"roles": []string{"Vet Staff"}, "jwks": key.JWKS()})
	return made.id, key
}

// machine asks for a token with a client's assertion.
func (t *try) machine(assertion string) visitor.Tokens {
	return t.form("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {t.base + "/mcp"},
		"client_assertion_type": {clientkey.AssertionType}, "client_assertion": {assertion}})
}

// delegation is an application of the lab's own, a token of Bob's in its hands, and the agent that it names.
type delegation struct {
	agent madeApplication
	token string
}

// delegated makes them. The agent is authorized for more than the token is good for.
func (t *try) delegated() delegation {
	all := []string{"appointment:read", "appointment:write", "pet-profile:read"}
	agent := t.application("Agent", all, nil)
	app := t.application("MCP client application", all, map[string]any{"redirect_uris": []string{"https://lab.example/callback"}, "may_act": agent.id})
	c := t.named(app.id)
	c.Redirect = "https://lab.example/callback"
	code, a := t.codeFor(c, "bob", url.Values{"scope": {"appointment:read"}})
	return delegation{agent, t.redeem(c, code, a, nil).Access}
}

// exchange is a token exchange (RFC 8693), by an agent with a secret or, without one, by a client that only says its name.
func (t *try) exchange(by madeApplication, token string, changes url.Values) visitor.Tokens {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "scope": {"appointment:read"}}
	if by.secret == "" {
		form.Set("client_id", by.id)
		return t.form("/oauth/token", merged(form, changes))
	}
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(by.id) + ":" + url.QueryEscape(by.secret))) // RFC 6749 §2.3.1
	return t.form("/oauth/token", merged(form, changes), "Authorization", "Basic "+basic)
}

// listed are the ids of a page of a list, and where the next page is.
func listed(a visitor.Answer) (ids []string, next string) {
	var page struct {
		Items []struct{ ID string } `json:"items"`
		Next  string                `json:"next"`
	}
	_ = json.Unmarshal(a.Body, &page) // then there are none
	for _, item := range page.Items {
		ids = append(ids, item.ID)
	}
	return ids, page.Next
}
