package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// fillIn answers what a server asks in the middle of a tool call: each form that the page shows is sent as it is filled in, by its first
// button.
func (p *person) fillIn(ctx context.Context) error {
	page, err := p.get(ctx, p.base+"/")
	for clicks := 0; err == nil; clicks++ {
		form := question(page)
		switch {
		case form == nil:
			return nil
		case clicks == maxClicks:
			return fmt.Errorf("asked %d questions", clicks)
		}
		var r *http.Request
		if r, err = http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/answer", strings.NewReader(form.Encode())); err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		page, err = p.do(r)
	}
	return err
}

// question is what the form of a question on a page would send; nil: there is none.
func question(page []byte) url.Values {
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" && attr(n, "action") == "/answer" {
			return filledIn(n)
		}
	}
	return nil
}

func filledIn(form *html.Node) url.Values {
	values, clicked := url.Values{}, false
	for n := range form.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		_, checked := has(n, "checked")
		_, selected := has(n, "selected")
		switch {
		case n.Data == "input" && (attr(n, "type") != "checkbox" || checked):
			values.Add(attr(n, "name"), attr(n, "value"))
		case n.Data == "option" && selected:
			values.Add(attr(n.Parent, "name"), attr(n, "value"))
		case n.Data == "button" && !clicked:
			clicked = true
			values.Add(attr(n, "name"), attr(n, "value"))
		}
	}
	return values
}

func has(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func attr(n *html.Node, name string) string {
	value, _ := has(n, name)
	return value
}
