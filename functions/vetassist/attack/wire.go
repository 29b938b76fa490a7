package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Exchange is a request and its answer, with secrets shortened.
type Exchange struct {
	Request string `json:"request"`
	Answer  string `json:"answer"`
}

const maxShown = 2000 // bytes of a body

// wire is the transport of the whole lab. It keeps what goes over it, where somebody wants to see that.
type wire struct {
	next http.RoundTripper

	mu   sync.Mutex
	on   bool
	kept []Exchange
}

func (w *wire) begin(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on, w.kept = on, nil
}

func (w *wire) end() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = false
	return w.kept
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	w.mu.Lock()
	on := w.on
	w.mu.Unlock()
	if !on {
		return next.RoundTrip(r)
	}
	e := Exchange{Request: showRequest(r)}
	resp, err := next.RoundTrip(r)
	if err != nil {
		e.Answer = clip(err.Error())
	} else {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		e.Answer = show(resp.Status, resp.Header, body)
	}
	w.mu.Lock()
	w.kept = append(w.kept, e)
	w.mu.Unlock()
	return resp, err
}

func showRequest(r *http.Request) string {
	var body []byte
	if r.GetBody != nil {
		if copied, err := r.GetBody(); err == nil {
			body, _ = io.ReadAll(io.LimitReader(copied, 1<<20))
			copied.Close()
		}
	}
	u := *r.URL
	u.RawQuery = shortenForm(u.RawQuery)
	header := r.Header.Clone()
	if r.Host != "" && r.Host != r.URL.Host {
		header.Set("Host", r.Host)
	}
	return show(r.Method+" "+u.String(), header, body)
}

func show(first string, header http.Header, body []byte) string {
	var b strings.Builder
	fmt.Fprintln(&b, clip(first))
	for _, name := range []string{"Host", "Origin", "Content-Type", "Authorization", "Dpop", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Location", "Www-Authenticate", "X-Frame-Options",
		"Content-Security-Policy", "Access-Control-Allow-Origin", "Retry-After"} {
		for _, value := range header[name] {
			switch name {
			case "Authorization":
				scheme, secret, _ := strings.Cut(value, " ")
				value = scheme + " " + shorten(secret)
			case "Dpop":
				value = shorten(value)
			case "Location":
				bare, query, found := strings.Cut(value, "?")
				if found {
					value = bare + "?" + shortenForm(query)
				}
			}
			fmt.Fprintf(&b, "%s: %s\n", name, clip(value))
		}
	}
	contentType := header.Get("Content-Type")
	text := ""
	switch {
	case len(body) == 0:
	case strings.HasPrefix(contentType, "text/html"):
		text = "a page: " + heading(body)
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		text = shortenForm(string(body))
	default:
		text = shortenText(strings.TrimSpace(string(body)))
	}
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + fmt.Sprintf("… (%d bytes)", len(body))
	}
	if text != "" {
		fmt.Fprintln(&b, strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 {
				return '·'
			}
			return r
		}, text))
	}
	return b.String()
}

// plainFields are parameters that are no secret. All others are shortened: what is not known may be one.
var plainFields = []string{"response_type", "client_id", "redirect_uri", "scope", "resource", "code_challenge_method", "grant_type", "prompt", "decision", "username", "error", "error_description", "iss",
	"post_logout_redirect_uri", "client_assertion_type", "subject_token_type", "forward", "nonce", "audience"}

// shortenForm shortens the secrets in a query or a form.
func shortenForm(query string) string {
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(part, "=")
		if found && !slices.Contains(plainFields, name) {
			if plain, err := url.QueryUnescape(value); err == nil {
				value = plain
			}
			value = url.QueryEscape(shorten(value))
			value = strings.ReplaceAll(value, "%E2%80%A6", "…")
		}
		if found {
			name += "="
		}
		parts = append(parts, name+value)
	}
	return strings.Join(parts, "&")
}

var (
	secretMember = regexp.MustCompile(`"(access_token|refresh_token|id_token|client_secret|password|device_code|request_uri|requestState|token|user_code|registration_access_token)"\s*:\s*"((?:[^"\\]|\\.)*)"`)
	anyJWT       = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*)?`)
)

// shortenText shortens the secrets in JSON, or in anything that holds a JWT.
func shortenText(text string) string {
	text = secretMember.ReplaceAllStringFunc(text, func(m string) string {
		parts := secretMember.FindStringSubmatch(m)
		var value string
		if json.Unmarshal([]byte(`"`+parts[2]+`"`), &value) != nil {
			value = parts[2]
		}
		return `"` + parts[1] + `":"` + shorten(value) + `"`
	})
	return anyJWT.ReplaceAllStringFunc(text, shorten)
}

// shorten keeps of a secret what is enough to know it again.
func shorten(secret string) string {
	if len(secret) < 24 {
		return "…"
	}
	return secret[:6] + "…"
}
