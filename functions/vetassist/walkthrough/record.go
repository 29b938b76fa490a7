package walkthrough

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/html"
)

// Exchange is a request and its answer as they went over the wire, with the secrets shortened and long things cut.
type Exchange struct {
	By       string   `json:"by"` // who asked
	Method   string   `json:"method"`
	URL      string   `json:"url"` // without the base URL
	Headers  []string `json:"headers,omitempty"`
	Body     string   `json:"body,omitempty"`
	Status   int      `json:"status"`
	Answered []string `json:"answer_headers,omitempty"`
	Answer   string   `json:"answer,omitempty"`
}

// maxKept bounds what is read of a body to be shown; what is asked for itself goes through untouched.
const maxKept = 256 << 10

// wire keeps what goes over it.
type wire struct {
	base      string
	transport http.RoundTripper
	mu        sync.Mutex
	kept      []Exchange
}

func newWire(base string, transport http.RoundTripper) *wire {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &wire{base: strings.TrimSuffix(base, "/"), transport: transport}
}

func (w *wire) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = []Exchange{}
}

func (w *wire) exchanges() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept
}

// of is the wire as somebody's own.
func (w *wire) of(who string) http.RoundTripper { return &tap{w, who} }

// hidden is the wire for what is no part of the story.
func (w *wire) hidden() http.RoundTripper { return w.transport }

type tap struct {
	wire *wire
	who  string
}

func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.GetBody != nil {
		again, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		body, _ = io.ReadAll(io.LimitReader(again, maxKept))
	}
	e := Exchange{By: t.who, Method: r.Method, URL: t.wire.local(shortURL(r.URL)), Headers: shown(r.Header, askedWith), Body: shortBody(r.Header, body)}
	resp, err := t.wire.transport.RoundTrip(r)
	if err == nil {
		var answer []byte
		answer, err = io.ReadAll(io.LimitReader(resp.Body, maxKept))
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(answer), failing{err}, resp.Body), resp.Body}
		err = nil
		e.Status, e.Answered, e.Answer = resp.StatusCode, shown(resp.Header, answeredWith), shortBody(resp.Header, answer)
		for i, h := range e.Answered {
			if to, found := strings.CutPrefix(h, "Location: "); found {
				if u, err := url.Parse(to); err == nil {
					e.Answered[i] = "Location: " + t.wire.local(shortURL(u))
				}
			}
		}
	}
	t.wire.mu.Lock()
	defer t.wire.mu.Unlock()
	t.wire.kept = append(t.wire.kept, e)
	return resp, err
}

// failing repeats an error of a body that broke off while we looked at it.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// local is an address without the base URL, which is the same everywhere.
func (w *wire) local(address string) string {
	if rest, found := strings.CutPrefix(address, w.base); found && strings.HasPrefix(rest, "/") {
		return rest
	}
	return address
}

var (
	askedWith    = []string{"Authorization", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"}
	answeredWith = []string{"Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate", "Location", "Mcp-Session-Id"}
	spelled      = map[string]string{"Mcp-Protocol-Version": "MCP-Protocol-Version", "Www-Authenticate": "WWW-Authenticate"}
)

// shown are the headers that a story is about.
func shown(h http.Header, names []string) []string {
	var out []string
	for _, name := range names {
		for _, v := range h.Values(name) {
			if strings.HasPrefix(v, "DPoP ") && len(h.Values(name)) > 1 { // the challenge for clients with a key of their own
				continue
			}
			if scheme, secret, found := strings.Cut(v, " "); found && name == "Authorization" {
				v = scheme + " " + shorten(secret)
			}
			if other, ok := spelled[name]; ok {
				out = append(out, other+": "+v)
			} else {
				out = append(out, name+": "+v)
			}
		}
	}
	return out
}

// Secrets, by the names that they have in addresses, forms and JSON.
var secrets = []string{"code", "code_verifier", "code_challenge", "state", "access_token", "refresh_token", "id_token", "token", "client_secret", "form_token", "nonce", "dpop_jkt", "request_uri", "registration_access_token"}

// hiddenParams are shown not even in part.
var hiddenParams = []string{"password"}

// shorten leaves enough of a secret to tell it from another one, and nothing to use.
func shorten(secret string) string {
	switch {
	case len(secret) > 24:
		return secret[:6] + "…"
	case secret == "":
		return ""
	}
	return "…"
}

func shortValue(name, value string) string {
	switch {
	case slices.Contains(hiddenParams, name):
		return "…"
	case slices.Contains(secrets, name):
		return shorten(value)
	}
	if u, err := url.Parse(value); err == nil && u.IsAbs() && u.Host != "" && u.RawQuery != "" { // an address in something else
		return shortURL(u)
	}
	return value
}

// shortURL is an address with the secrets in its query shortened, and without escapes, to be read by people.
func shortURL(u *url.URL) string {
	out := *u
	out.RawQuery, out.User = "", nil
	if u.RawQuery == "" {
		return out.String()
	}
	return out.String() + "?" + shortForm(u.RawQuery)
}

func shortForm(encoded string) string {
	var parts []string
	for pair := range strings.SplitSeq(encoded, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			continue
		}
		parts = append(parts, name+"="+shortValue(name, value))
	}
	return strings.Join(parts, "&")
}

func shortBody(h http.Header, body []byte) string {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch {
	case len(body) == 0:
		return ""
	case kind == "application/x-www-form-urlencoded":
		return shortForm(string(body))
	case kind == "application/json":
		return shortJSON(body)
	case kind == "text/html":
		return "a page: " + heading(body)
	case kind == "text/event-stream":
		return "a stream: " + clip(string(body), 120)
	}
	return clip(string(body), 200)
}

// heading is what stands over a page.
func heading(body []byte) string {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return "?"
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "h1" {
			var b strings.Builder
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					b.WriteString(d.Data)
				}
			}
			return strings.Join(strings.Fields(b.String()), " ")
		}
	}
	return "without a heading"
}

// clip cuts a text to about n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
