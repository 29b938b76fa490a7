package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// person is somebody at a browser without scripts: it keeps cookies, follows redirects, reads pages and sends forms.
type person struct {
	t    *testing.T
	base string
	http *http.Client
	page *page // the one on the screen
}

func (w *world) person() *person {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := w.transport().Clone()
	w.t.Cleanup(transport.CloseIdleConnections)
	return &person{t: w.t, base: w.URL, http: &http.Client{Jar: jar, Transport: transport}}
}

// transport is how the server is reached.
func (w *world) transport() *http.Transport {
	if w.network != nil {
		return w.network
	}
	return http.DefaultTransport.(*http.Transport)
}

// page is what a browser shows.
type page struct {
	status int
	url    *url.URL
	header http.Header
	raw    string
	text   string // what a person reads, with single spaces
	forms  []form
	links  map[string]string // by their text
}

type form struct {
	method, action string
	fields         []field
}

type field struct {
	name, value, kind string
	checked           bool
}

// open goes to an address, which may be relative to the base URL.
func (p *person) open(address string) *page {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.resolve(address), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(r)
}

func (p *person) resolve(address string) string {
	p.t.Helper()
	base := p.base + "/"
	if p.page != nil {
		base = p.page.url.String()
	}
	b, err := url.Parse(base)
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := b.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	return u.String()
}

func (p *person) do(r *http.Request) *page {
	p.t.Helper()
	r.Header.Set("Accept", "text/html,*/*")
	resp, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.page = readPage(p.t, resp, string(body))
	return p.page
}

// submit sends the form that has the named field or button, as it stands but for the changes. An empty list of values
// unticks a box.
func (p *person) submit(has string, changes url.Values) *page {
	p.t.Helper()
	i := slices.IndexFunc(p.page.forms, func(f form) bool {
		return f.has(has) || f.action == has
	})
	if i < 0 {
		p.t.Fatalf("no form with %q on this page (%d, %s):\n%s", has, p.page.status, p.page.url, p.page.raw)
	}
	f := p.page.forms[i]
	values := url.Values{}
	for _, f := range f.fields {
		if f.name == "" || f.kind == "submit" || (f.kind == "checkbox" && !f.checked) {
			continue
		}
		values.Add(f.name, f.value)
	}
	for name, to := range changes {
		values[name] = to
	}
	r, err := http.NewRequestWithContext(p.t.Context(), f.method, p.resolve(f.action), strings.NewReader(values.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", p.base) // a browser says where a form comes from
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.do(r)
}

func readPage(t *testing.T, resp *http.Response, body string) *page {
	t.Helper()
	p := &page{status: resp.StatusCode, url: resp.Request.URL, header: resp.Header, raw: body, links: map[string]string{}}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		p.text = body
		return p
	}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "form":
				p.forms = append(p.forms, form{method: strings.ToUpper(attr(n, "method")), action: attr(n, "action")})
			case "input", "button", "textarea":
				p.addField(n)
			case "a":
				p.links[squeeze(textOf(n))] = attr(n, "href")
			case "script", "style", "template":
				return
			}
		}
		if n.Type == html.TextNode {
			text.WriteString(n.Data + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	p.text = squeeze(text.String())
	return p
}

func (p *page) addField(n *html.Node) {
	if len(p.forms) == 0 {
		return
	}
	kind := attr(n, "type")
	if n.Data == "button" {
		kind = "submit"
	}
	last := &p.forms[len(p.forms)-1]
	last.fields = append(last.fields, field{name: attr(n, "name"), value: attr(n, "value"), kind: kind,
		checked: slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })})
}

// offered are the values of the ticked boxes with this name.
func (p *page) offered(name string) []string {
	var values []string
	for _, f := range p.forms {
		for _, f := range f.fields {
			if f.name == name && f.kind == "checkbox" && f.checked {
				values = append(values, f.value)
			}
		}
	}
	slices.Sort(values)
	return values
}

// has reports whether a form here has the field or button.
func (p *page) has(name string) bool {
	return slices.ContainsFunc(p.forms, func(f form) bool { return f.has(name) })
}

func (f form) has(name string) bool {
	return slices.ContainsFunc(f.fields, func(f field) bool { return f.name == name })
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
