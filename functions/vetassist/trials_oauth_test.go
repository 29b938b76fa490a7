package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func is(status int) func(*trying, answer) bool {
	return func(_ *trying, a answer) bool { return a.status == status }
}

// leads is a redirect to an address that has the words, and no error.
func leads(words string) func(*trying, answer) bool {
	return func(_ *trying, a answer) bool {
		to := a.header.Get("Location")
		return a.status/100 == 3 && strings.Contains(to, words) && !strings.Contains(to, "error=")
	}
}

// worked is a tool's result that is no refusal.
func worked(_ *trying, a answer) bool {
	var r result
	return a.status == http.StatusOK && json.Unmarshal(a.body, &r) == nil && r.Error.Code == 0 && !r.Result.IsError
}

// shown makes an answer of the page on the screen, of which redirects were not followed.
func (p *person) shown() answer {
	return answer{p.page.status, p.page.header, []byte(p.page.raw)}
}

// still follows no redirect for as long as f runs.
func (p *person) still(f func()) answer {
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { p.http.CheckRedirect = nil }()
	f()
	return p.shown()
}

// get is a trial of an address.
func get(name, path string, who func(*trying) *person, right func(*trying, answer) bool) trial {
	return trial{name: name, right: right, begin: func(tr *trying) func() answer {
		p := who(tr)
		path := strings.ReplaceAll(path, "{request}", tr.request(nil).Encode())
		return func() answer { return p.still(func() { p.open(tr.URL + path) }) }
	}}
}

func stranger(tr *trying) *person { return tr.person() }

func theBob(tr *trying) *person { return tr.people["bob"] }

// code is a new authorization code of Bob's.
func (tr *trying) code() string {
	tr.t.Helper()
	c := tr.people["bob"].answerOf(tr.request(nil), "bob").Get("code")
	if c == "" {
		tr.t.Fatalf("no code: %s", tr.people["bob"].page.text)
	}
	return c
}

// raw posts a form and keeps the answer as it is.
func (tr *trying) raw(path string, form url.Values) answer {
	return tr.send("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func tokensIn(a answer) (t tokens) {
	_ = json.Unmarshal(a.body, &t) // an error has none
	return t
}

// pushed is where a browser goes with the name of a request that was pushed.
func (tr *trying) pushed(changes url.Values) string {
	tr.t.Helper()
	var got struct {
		Name string `json:"request_uri"`
	}
	a := tr.raw("/oauth/par", tr.request(changes))
	if err := json.Unmarshal(a.body, &got); err != nil || got.Name == "" {
		tr.t.Fatalf("%d %s", a.status, a.body)
	}
	return tr.URL + "/oauth/authorize?" + url.Values{"client_id": {"vet-assist-ai"}, "request_uri": {got.Name}}.Encode()
}

// device is a device that shows a code. So much time goes by that nobody asks or types too often.
func (tr *trying) device() deviceCodes {
	tr.t.Helper()
	tr.clock.turn(3 * time.Minute)
	return tr.askForDevice()
}

func (tr *trying) fetch(c deviceCodes) answer { return tr.raw("/oauth/token", c.form()) }

// refuses is an error of the token endpoint.
func refuses(code string) func(*trying, answer) bool {
	return func(_ *trying, a answer) bool { return tokensIn(a).Error == code }
}

var oauthTrials = []trial{
	get("authorization server metadata", asDocument, stranger, is(200)),
	get("keys", jwksAddress, stranger, is(200)),
	get("authorize, as a stranger", "/oauth/authorize?{request}", stranger, leads("/oauth/login?")),
	get("authorize, with consent", "/oauth/authorize?{request}", theBob, leads("code=")),
	get("login page", "/oauth/login?{request}", stranger, is(200)),
	get("account", "/oauth/account", theBob, is(200)),
	get("logout page", "/oauth/logout", theBob, is(200)),

	{name: "log in", right: leads("/oauth/account"), begin: func(tr *trying) func() answer {
		p := tr.person()
		p.open("/oauth/login")
		form := p.page
		return func() answer { p.page = form; return p.still(func() { p.login("bob") }) }
	}},
	{name: "consent", right: leads("code="), begin: func(tr *trying) func() answer {
		p := tr.people["bob"]
		p.open(tr.URL + "/oauth/authorize?" + tr.request(url.Values{"prompt": {"consent"}}).Encode())
		form := p.page
		return func() answer {
			p.page = form
			return p.still(func() { p.submit("decision", url.Values{"decision": {"approve"}}) })
		}
	}, after: func(tr *trying, _, second answer) {
		to, err := url.Parse(second.header.Get("Location"))
		if err != nil || tr.redeem(to.Query().Get("code"), nil).Access == "" {
			tr.t.Errorf("the code of the second try is not good: %s", to)
		}
	}},
	{name: "redeem a code", right: is(200), once: true, begin: func(tr *trying) func() answer {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {tr.code()}, "code_verifier": {verifier},
			"client_id": {"vet-assist-ai"}, "redirect_uri": {tr.URL + "/callback"}, "resource": {tr.URL + "/mcp"}}
		return func() answer { return tr.raw("/oauth/token", form) }
	}, after: func(tr *trying, first, second answer) {
		a, b := tokensIn(first), tokensIn(second)
		if a.Access != "" && b.Access != "" {
			tr.t.Error("one code gave tokens twice")
		}
		if tr.fault.done && b.Access == "" && b.Error != "invalid_grant" {
			tr.t.Errorf("a code that was used: %d %s", second.status, second.body)
		}
		if b.Access != "" && tr.refresh(b.Refresh).Access == "" {
			tr.t.Error("the tokens of the second try are not good")
		}
	}},
	{name: "refresh", right: is(200), begin: func(tr *trying) func() answer {
		got := tr.redeem(tr.code(), nil)
		return func() answer {
			return tr.raw("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"vet-assist-ai"}})
		}
	}, after: func(tr *trying, first, second answer) {
		a, b := tokensIn(first), tokensIn(second)
		if a.Refresh != "" && b.Refresh != "" && a.Refresh != b.Refresh {
			tr.t.Error("one refresh token has two successors")
		}
		if b.Refresh != "" && tr.refresh(b.Refresh).Access == "" {
			tr.t.Error("the successor is not good")
		}
	}},
	{name: "refresh with a proof", right: is(200), begin: func(tr *trying) func() answer {
		h := tr.holder()
		got := h.redeem(tr.code())
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"vet-assist-ai"}}
		return func() answer {
			return tr.send("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "DPoP", h.proof("/oauth/token", ""))
		}
	}},
	{name: "revoke", right: is(200), begin: func(tr *trying) func() answer {
		got := tr.redeem(tr.code(), nil)
		tr.kept["refresh"] = got.Refresh
		return func() answer {
			return tr.raw("/oauth/revoke", url.Values{"token": {got.Refresh}, "client_id": {"vet-assist-ai"}})
		}
	}, after: func(tr *trying, _, _ answer) {
		if tr.refresh(tr.kept["refresh"]).Error != "invalid_grant" {
			tr.t.Error("what was revoked still refreshes")
		}
	}},
	{name: "revoke an access token", right: is(200), begin: func(tr *trying) func() answer {
		tr.clock.turn(6 * time.Minute) // so that the public keys are read, too
		got := tr.redeem(tr.code(), nil)
		return func() answer {
			return tr.raw("/oauth/revoke", url.Values{"token": {got.Access}, "client_id": {"vet-assist-ai"}})
		}
	}},
	{name: "push a request", right: is(201), begin: func(tr *trying) func() answer {
		form := tr.request(nil)
		return func() answer { return tr.raw("/oauth/par", form) }
	}},
	{name: "bring the name of a pushed request", right: leads("request_uri="), once: true, begin: func(tr *trying) func() answer {
		named := tr.pushed(nil)
		p := tr.people["bob"]
		return func() answer { return p.still(func() { p.open(named) }) }
	}},
	{name: "be answered to a pushed request", right: leads("code="), once: true, begin: func(tr *trying) func() answer {
		p := tr.people["bob"]
		p.still(func() { p.open(tr.pushed(nil)) })
		taken := p.page.header.Get("Location")
		return func() answer { return p.still(func() { p.open(tr.URL + taken) }) }
	}, after: func(tr *trying, first, second answer) {
		if leads("code=")(tr, first) && leads("code=")(tr, second) {
			tr.t.Error("one name gave two codes")
		}
	}},
	{name: "ask for a device", right: is(200), begin: func(tr *trying) func() answer {
		tr.clock.turn(time.Minute) // or too many ask within ten
		return func() answer {
			return tr.raw("/oauth/device_authorization", url.Values{"client_id": {"smart-feeder"}, "resource": {tr.URL + "/mcp"}})
		}
	}},
	{name: "wait on a device", right: refuses("authorization_pending"), once: true, begin: func(tr *trying) func() answer {
		c := tr.device()
		return func() answer { return tr.fetch(c) }
	}, after: func(tr *trying, _, _ answer) { tr.clock.turn(time.Minute) }},
	{name: "type a device's code", right: is(200), begin: func(tr *trying) func() answer {
		p, c := tr.people["bob"], tr.device()
		return func() answer { p.open(c.Complete); return p.shown() }
	}},
	{name: "allow a device", right: is(200), once: true, begin: func(tr *trying) func() answer {
		p, c := tr.people["bob"], tr.device()
		p.open(c.Complete)
		form := p.page
		tr.kept["device"] = c.Device
		return func() answer {
			p.page = form
			p.submit("decision", url.Values{"decision": {"approve"}})
			return p.shown()
		}
	}, after: func(tr *trying, _, _ answer) {
		if got := tokensIn(tr.fetch(deviceCodes{Device: tr.kept["device"]})); got.Access == "" {
			tr.t.Errorf("it was allowed, and gets %s", got.Error)
		}
	}},
	{name: "fetch a device's tokens", right: is(200), once: true, begin: func(tr *trying) func() answer {
		p, c := tr.people["bob"], tr.device()
		p.open(c.Complete)
		p.submit("decision", url.Values{"decision": {"approve"}})
		return func() answer { return tr.fetch(c) }
	}, after: func(tr *trying, first, second answer) {
		if tokensIn(first).Access != "" && tokensIn(second).Access != "" {
			tr.t.Error("one device code gave tokens twice")
		}
	}},
	{name: "log out", right: leads("/oauth/logout"), begin: func(tr *trying) func() answer {
		p := tr.person()
		p.open("/oauth/login")
		p.login("bob")
		form := p.page
		return func() answer {
			p.page = form
			return p.still(func() { p.submit("/oauth/logout", nil) })
		}
	}},
}
