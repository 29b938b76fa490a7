package visitor

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Page is what a browser shows, or the redirect at which it stopped.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   []byte
	Forms  []Form
	Links  map[string]string // addresses, by their text

	text string
}

// Form is a form on a page.
type Form struct {
	Method, Action string
	Fields         []Field
}

// Field is an input, a button or a text area.
type Field struct {
	Name, Value, Kind string
	Label             string // for those who cannot see it (aria-label)
	Checked           bool
}

// Text is what a person reads, with single spaces; of an answer that is no page, all of it.
func (p *Page) Text() string { return p.text }

// Has reports whether a form here has the field or button.
func (p *Page) Has(name string) bool {
	return slices.ContainsFunc(p.Forms, func(f Form) bool { return f.Has(name) })
}

// Offered are the values of the ticked boxes with this name, sorted.
func (p *Page) Offered(name string) []string {
	var values []string
	for _, form := range p.Forms {
		for _, f := range form.Fields {
			if f.Name == name && f.Kind == "checkbox" && f.Checked {
				values = append(values, f.Value)
			}
		}
	}
	slices.Sort(values)
	return values
}

// Target is where a redirect leads; nil when this is none.
func (p *Page) Target() *url.URL {
	location := p.Header.Get("Location")
	if p.Status/100 != 3 || location == "" {
		return nil
	}
	to, err := p.URL.Parse(location)
	if err != nil {
		return nil
	}
	return to
}

// Redirect is the query of the redirect at which the browser stopped; empty when this is none.
func (p *Page) Redirect() url.Values {
	if to := p.Target(); to != nil {
		return to.Query()
	}
	return url.Values{}
}

// Has reports whether the form has the field or button.
func (f Form) Has(name string) bool {
	return slices.ContainsFunc(f.Fields, func(f Field) bool { return f.Name == name })
}

// Values are what the form sends as it stands, without a button.
func (f Form) Values() url.Values {
	values := url.Values{}
	for _, f := range f.Fields {
		if f.Name == "" || f.Kind == "submit" || f.Kind == "checkbox" && !f.Checked {
			continue
		}
		values.Add(f.Name, f.Value)
	}
	return values
}

// ReadPage reads what came from an address.
func ReadPage(u *url.URL, a *Answer) (*Page, error) {
	p := &Page{URL: u, Status: a.Status, Header: a.Header, Body: a.Body, Links: map[string]string{}}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		p.text = string(a.Body)
		return p, nil
	}
	root, err := html.Parse(bytes.NewReader(a.Body))
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	p.read(root, -1, &text)
	p.text = squeeze(text.String())
	return p, nil
}

// read collects what is below a node, which is in a form, or in none (-1).
func (p *Page) read(n *html.Node, form int, text *strings.Builder) {
	if n.Type == html.TextNode {
		text.WriteString(n.Data + " ")
	}
	if n.Type == html.ElementNode {
		switch n.Data {
		case "form":
			form = len(p.Forms)
			p.Forms = append(p.Forms, Form{Method: strings.ToUpper(attr(n, "method")), Action: attr(n, "action")})
		case "input", "button", "textarea":
			if form >= 0 {
				p.Forms[form].Fields = append(p.Forms[form].Fields, readField(n))
			}
		case "a":
			p.Links[squeeze(textOf(n))] = attr(n, "href")
		case "script", "style", "template":
			return
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c, form, text)
	}
}

func readField(n *html.Node) Field {
	f := Field{Name: attr(n, "name"), Value: attr(n, "value"), Kind: attr(n, "type"), Label: attr(n, "aria-label")}
	f.Checked = slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })
	switch n.Data {
	case "button":
		f.Kind = "submit"
	case "textarea":
		f.Value = textOf(n)
	}
	return f
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
