package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
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
	*visitor.Page
	status int
	url    *url.URL
	header http.Header
	raw    string
	text   string // what a person reads, with single spaces
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
	read, err := visitor.ReadPage(resp.Request.URL, &visitor.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body})
	if err != nil {
		p.t.Fatal(err)
	}
	p.page = &page{read, read.Status, read.URL, read.Header, string(body), read.Text()}
	return p.page
}

// submit sends the form that has the named field or button, as it stands but for the changes. An empty list of values
// unticks a box.
func (p *person) submit(has string, changes url.Values) *page {
	p.t.Helper()
	i := slices.IndexFunc(p.page.Forms, func(f visitor.Form) bool { return f.Has(has) || f.Action == has })
	if i < 0 {
		p.t.Fatalf("no form with %q on this page (%d, %s):\n%s", has, p.page.status, p.page.url, p.page.raw)
	}
	f := p.page.Forms[i]
	values := f.Values()
	for name, to := range changes {
		values[name] = to
	}
	r, err := http.NewRequestWithContext(p.t.Context(), f.Method, p.resolve(f.Action), strings.NewReader(values.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", p.base) // a browser says where a form comes from
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.do(r)
}

// offered are the values of the ticked boxes with this name.
func (p *page) offered(name string) []string { return p.Offered(name) }

// has reports whether a form here has the field or button.
func (p *page) has(name string) bool { return p.Has(name) }
