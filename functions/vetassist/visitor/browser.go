package visitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxAnswer    = 1 << 20          // bytes of one answer
	maxRedirects = 20               // as browsers have it
	patience     = 35 * time.Second // for one answer: longer than API Gateway's own 30 s
)

// errTooLarge says that an answer has no end.
var errTooLarge = errors.New("an answer of more than 1 MiB")

// Browser is a person's browser without scripts: it keeps cookies, follows redirects, reads pages and sends forms. It is not safe for
// concurrent use.
type Browser struct {
	Base  string // where relative addresses begin: "http://localhost:8080"
	Agent string // its User-Agent
	Page  *Page  // the one on the screen; nil before the first

	http *http.Client
	stop string
}

// NewBrowser is a new browser with no cookies. A transport of nil is the usual one.
func NewBrowser(base string, transport http.RoundTripper) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no way to fail without options
	}
	return &Browser{Base: strings.TrimSuffix(base, "/"), Agent: "vetassist-visitor/1.0 (browser)", http: plain(transport, jar)}
}

// plain follows no redirect by itself and waits for no answer for ever.
func plain(transport http.RoundTripper, jar http.CookieJar) *http.Client {
	return &http.Client{Transport: transport, Jar: jar, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Answer is a raw HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// exchange sends a request and reads the answer, up to a bound.
func exchange(client *http.Client, r *http.Request) (*Answer, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Redacted(), err)
	}
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// Cookies are those that the browser would send to an address.
func (b *Browser) Cookies(address string) []*http.Cookie {
	u, err := b.resolve(address)
	if err != nil {
		return nil
	}
	return b.http.Jar.Cookies(u)
}

// SetCookies plants cookies, as an attacker at the same origin might.
func (b *Browser) SetCookies(address string, cookies ...*http.Cookie) error {
	u, err := b.resolve(address)
	if err == nil {
		b.http.Jar.SetCookies(u, cookies)
	}
	return err
}

// StopAt makes the browser stop before it goes to an address with this prefix: the page on the screen is the redirect then.
// An empty prefix ends it.
func (b *Browser) StopAt(prefix string) { b.stop = prefix }

// Do sends any request with the browser's cookies. No redirect is followed, and the page on the screen stays.
func (b *Browser) Do(ctx context.Context, r *http.Request) (*Answer, error) {
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", b.Agent)
	}
	return exchange(b.http, r.WithContext(ctx))
}

// Open goes to an address, which may be relative to the page on the screen, and follows redirects.
func (b *Browser) Open(ctx context.Context, address string) (*Page, error) {
	u, err := b.resolve(address)
	if err != nil {
		return nil, err
	}
	return b.visit(ctx, http.MethodGet, u, nil)
}

// Click follows the link with this text.
func (b *Browser) Click(ctx context.Context, text string) (*Page, error) {
	if b.Page == nil || b.Page.Links[text] == "" {
		return nil, fmt.Errorf("no link %q on %s", text, b.where())
	}
	return b.Open(ctx, b.Page.Links[text])
}

// Submit sends the form that has the named field or button, or this action, as it stands but for the values. An empty list of values
// unticks a box.
func (b *Browser) Submit(ctx context.Context, name string, values url.Values) (*Page, error) {
	var forms []Form
	if b.Page != nil {
		forms = b.Page.Forms
	}
	i := slices.IndexFunc(forms, func(f Form) bool { return f.Has(name) || f.Action == name })
	if i < 0 {
		return nil, fmt.Errorf("no form with %q on %s", name, b.where())
	}
	form := forms[i].Values()
	for name, to := range values {
		form[name] = to
	}
	u, err := b.resolve(forms[i].Action)
	if err != nil {
		return nil, err
	}
	if forms[i].Method != http.MethodPost {
		u.RawQuery = form.Encode()
		return b.visit(ctx, http.MethodGet, u, nil)
	}
	return b.visit(ctx, http.MethodPost, u, form)
}

// visit makes a request and goes where the redirects lead.
func (b *Browser) visit(ctx context.Context, method string, u *url.URL, form url.Values) (*Page, error) {
	var body []byte
	if method == http.MethodPost {
		body = []byte(form.Encode())
	}
	from := ""
	if b.Page != nil {
		from = originOf(b.Page.URL)
	}
	for range maxRedirects + 1 {
		r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", b.Agent)
		r.Header.Set("Accept", "text/html,*/*")
		if method == http.MethodPost { // a browser says where a form comes from
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", from)
			r.Header.Set("Sec-Fetch-Site", site(from, u))
		}
		a, err := exchange(b.http, r)
		if err != nil {
			return nil, err
		}
		if b.Page, err = ReadPage(u, a); err != nil {
			return nil, err
		}
		to := b.Page.Target()
		if to == nil || to.Scheme != "http" && to.Scheme != "https" || b.stop != "" && strings.HasPrefix(to.String(), b.stop) {
			return b.Page, nil
		}
		if a.Status != http.StatusTemporaryRedirect && a.Status != http.StatusPermanentRedirect {
			method, body = http.MethodGet, nil
		}
		u = to
	}
	return nil, fmt.Errorf("more than %d redirects, the last one at %s", maxRedirects, u.Redacted())
}

func (b *Browser) resolve(address string) (*url.URL, error) {
	base, err := url.Parse(b.Base + "/")
	if err != nil {
		return nil, err
	}
	if b.Page != nil {
		base = b.Page.URL
	}
	return base.Parse(address)
}

// where says what is on the screen, for an error.
func (b *Browser) where() string {
	if b.Page == nil {
		return "an empty screen"
	}
	return fmt.Sprintf("the page %s (%d): %.300s", b.Page.URL.Path, b.Page.Status, b.Page.Text())
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

func site(from string, to *url.URL) string {
	if from == originOf(to) {
		return "same-origin"
	}
	return "cross-site"
}
