package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

const (
	maxPages = 6       // authorize, login, consent; more is a circle
	maxPage  = 1 << 20 // bytes
)

// person is somebody with a name, a password and an opinion.
type person struct{ user, password, decision string }

// page is what the person sees: where, and the forms on it. back is set when it is the client's address instead.
type page struct {
	url    *url.URL
	status int
	forms  []form
	text   string
	back   *url.URL
}

type form struct {
	action  string
	values  url.Values // as the page has filled them in
	buttons url.Values
}

// authorize goes through the authorization server's pages and returns the redirect that leads back to the client. Each visit is a
// browser of its own, without cookies.
func (p person) authorize(ctx context.Context, address string) (*url.URL, error) {
	start, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	redirect, err := url.Parse(start.Query().Get("redirect_uri"))
	if err != nil || redirect.Scheme == "" {
		return nil, fmt.Errorf("no redirect_uri in %s", address)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if leadsBack(r.URL, redirect) || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	show, err := open(ctx, client, http.MethodGet, start, "")
	loggedIn := false
	for range maxPages {
		if err != nil {
			return nil, err
		}
		if show.back != nil {
			return show.back, nil
		}
		next, values := show.find("password"), url.Values(nil)
		if next != nil {
			if loggedIn {
				return nil, fmt.Errorf("the password was not taken: %s", show)
			}
			loggedIn, values = true, url.Values{"username": {p.user}, "password": {p.password}}
		} else if next = show.find("decision"); next != nil {
			decision := p.decision
			if !slices.Contains(next.buttons["decision"], decision) {
				return nil, fmt.Errorf("the page does not offer %q: %s", decision, show)
			}
			values = url.Values{"decision": {decision}}
		} else {
			return nil, fmt.Errorf("neither a login nor a consent page: %s", show)
		}
		for name, value := range next.values {
			if values[name] == nil {
				values[name] = value
			}
		}
		action, err2 := show.url.Parse(next.action)
		if err2 != nil || action.Host != start.Host || action.Scheme != start.Scheme {
			return nil, fmt.Errorf("the form goes elsewhere, to %s", next.action)
		}
		show, err = open(ctx, client, http.MethodPost, action, values.Encode())
	}
	return nil, errors.New("the pages have no end")
}

// deliver opens the redirect URI, so that the client gets its answer. An app's own scheme is nothing that could be opened here.
func (p person) deliver(ctx context.Context, back *url.URL) error {
	if back.Scheme != "http" && back.Scheme != "https" {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, back.String(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// leadsBack reports whether a redirect goes to the client: its redirect URI, with the answer in the query.
func leadsBack(to, redirect *url.URL) bool {
	if to.Scheme != redirect.Scheme || to.Host != redirect.Host || to.Path != redirect.Path || to.Opaque != redirect.Opaque {
		return false
	}
	q := to.Query()
	return q.Has("code") || q.Has("error")
}

func open(ctx context.Context, client *http.Client, method string, address *url.URL, body string) (*page, error) {
	r, err := http.NewRequestWithContext(ctx, method, address.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/html,*/*")
	if method == http.MethodPost { // what a browser says of a form
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", address.Scheme+"://"+address.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		back, err := resp.Location()
		return &page{back: back}, err
	}
	root, err := html.Parse(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, err
	}
	p := &page{url: resp.Request.URL, status: resp.StatusCode}
	p.read(root)
	return p, nil
}

// read collects a page's forms and its text.
func (p *page) read(n *html.Node) {
	attr := func(name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	switch {
	case n.Type == html.TextNode:
		p.text += n.Data + " "
	case n.Type != html.ElementNode:
	case n.Data == "form":
		p.forms = append(p.forms, form{action: attr("action"), values: url.Values{}, buttons: url.Values{}})
	case len(p.forms) == 0:
	case n.Data == "button":
		p.forms[len(p.forms)-1].buttons.Add(attr("name"), attr("value"))
	case n.Data == "input":
		ticked := slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })
		if kind := attr("type"); kind != "checkbox" && kind != "radio" || ticked {
			p.forms[len(p.forms)-1].values.Add(attr("name"), attr("value"))
		}
	case n.Data == "script" || n.Data == "style":
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c)
	}
}

// find is the form that has a field or a button of this name.
func (p *page) find(name string) *form {
	for i, f := range p.forms {
		if f.values.Has(name) || f.buttons.Has(name) {
			return &p.forms[i]
		}
	}
	return nil
}

func (p *page) String() string {
	text := strings.Join(strings.Fields(p.text), " ")
	return fmt.Sprintf("%d %s\n%.800s", p.status, p.url.Redacted(), text)
}
