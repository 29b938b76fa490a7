package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// visitor is a new browser in which somebody is logged in at the authorization server already, but not at the chat.
func (tr *trying) visitor(user string) *person {
	tr.t.Helper()
	at, err := url.Parse(tr.URL)
	if err != nil {
		tr.t.Fatal(err)
	}
	p := tr.person()
	for _, c := range tr.people[user].http.Jar.Cookies(at) {
		if strings.HasSuffix(c.Name, "vetassist_login") {
			p.http.Jar.(*cookiejar.Jar).SetCookies(at, []*http.Cookie{c})
		}
	}
	return p
}

const pets = "Which pets do I have?"

// asks posts a message to the chat.
func (p *person) asks(tr *trying, message string) answer {
	return tr.send("POST", "/chat", fmt.Sprintf(`{"message":%q}`, message), "Content-Type", "application/json", "Cookie", cookiesOf(p))
}

// replies is an answer of the chat that has the words.
func replies(words string) func(*trying, answer) bool {
	return func(_ *trying, a answer) bool {
		var got chatAnswer
		return a.status == http.StatusOK && json.Unmarshal(a.body, &got) == nil && strings.Contains(got.Reply+got.AuthorizeURL, words)
	}
}

// stillConnects is after whatever went wrong: the person gets an answer, with no more than asking again.
func stillConnects(tr *trying, _, _ answer) {
	p := tr.people["visitor"]
	if a := p.ask(pets); a.AuthorizeURL != "" {
		p.page = nil
		p.connect(pets, "bob")
	}
	if a := p.ask(pets); !strings.Contains(a.Reply, "Milo") {
		tr.t.Errorf("there is no way to an answer any more: %+v", a)
	}
}

var chatTrials = []trial{
	get("chat page", "/", connected, is(http.StatusOK)),
	{name: "a question of a stranger", right: replies("/oauth/authorize?"), begin: func(tr *trying) func() answer {
		p := tr.person()
		return func() answer { return p.asks(tr, pets) }
	}},
	{name: "a question", right: replies("Milo"), begin: func(tr *trying) func() answer {
		p := connected(tr)
		return func() answer { return p.asks(tr, pets) }
	}, after: stillConnects},
	{name: "connect", right: leads("/oauth/authorize?"), begin: func(tr *trying) func() answer {
		p := tr.visitor("bob")
		p.ask(pets)
		return func() answer { return p.still(func() { p.open(tr.URL + "/connect") }) }
	}},
	// An answer of the authorization server is taken once: when it was taken and nothing came of it, the page says so, and has the
	// way back to the chat, where connecting begins anew.
	{name: "back from the login", right: func(tr *trying, a answer) bool {
		return leads("/#")(tr, a) || a.status == http.StatusBadRequest && strings.Contains(string(a.body), "used already") && strings.Contains(string(a.body), `href="/"`)
	}, begin: func(tr *trying) func() answer {
		p := tr.visitor("bob")
		tr.people["visitor"] = p
		a := p.ask(pets)
		p.stopAt(tr.URL + "/callback")
		p.open(a.AuthorizeURL)
		p.http.CheckRedirect = nil
		to := p.page.header.Get("Location")
		return func() answer { return p.still(func() { p.open(to) }) }
	}, after: stillConnects},
	// An answer is taken once: when that went wrong half-way, the page says that the question was interrupted, or what became of it.
	{name: "an answer to a question", right: func(tr *trying, a answer) bool { return leads("/#e-")(tr, a) }, begin: func(tr *trying) func() answer {
		p := tr.visitor("bob")
		tr.people["visitor"] = p
		p.connect(pets, "bob")
		p.connect("Book an appointment for Milo on 29 November 2026 at 10", "bob") // a Sunday
		if len(p.page.choices()) == 0 {
			tr.t.Fatalf("no question: %s", p.page.text)
		}
		form := p.page
		return func() answer {
			p.page = form
			return p.still(func() { p.submit("/answer", url.Values{"f0": form.choices()[:1]}) })
		}
	}, after: func(tr *trying, first, second answer) {
		access := tr.access("bob", bobMay)
		booked := tr.callTool(access, "list_appointments", `{"pet":"Milo"}`)
		switch strings.Count(string(booked.body), `"date":"2026-11-30"`) {
		case 0: // it was interrupted before that
		case 1:
			tr.callTool(access, "cancel_vet_appointment", `{"pet":"Milo","date":"2026-11-30"}`)
		default:
			tr.t.Errorf("booked twice: %s", booked.body)
		}
		stillConnects(tr, first, second)
	}},
	{name: "log out of the chat", right: leads("/logged-out"), begin: func(tr *trying) func() answer {
		p := connected(tr)
		delete(tr.people, "visitor")
		form := p.page
		return func() answer {
			p.page = form
			return p.still(func() { p.submit("/logout", nil) })
		}
	}},
}

// connected is Bob in a chat that is connected.
func connected(tr *trying) *person {
	p := tr.people["visitor"]
	if p == nil {
		p = tr.visitor("bob")
		tr.people["visitor"] = p
		p.connect(pets, "bob")
	}
	p.t = tr.t
	p.open(tr.URL + "/")
	return p
}
