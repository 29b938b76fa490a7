package trace

import (
	"html"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything that is stored goes through finished, and with it through the rules here. They say what may be shown, and shorten all else:
// a parameter, a header or a member of that name, and in any text whatever looks like a secret that a machine made.

const (
	shown     = 6       // characters of a secret that are kept, so that a reader sees where it comes back
	maxValue  = 2 << 10 // bytes of a parameter or header
	maxTokens = 8       // of one message
)

// plainParams may be shown whole: they are no secrets, here or in any request of OAuth.
var plainParams = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "resource", "audience", "code_challenge", "code_challenge_method", "dpop_jkt",
	"grant_type", "iss", "error", "error_description", "error_uri", "prompt", "max_age", "login_hint", "ui_locales", "acr_values", "display",
	"client_assertion_type", "subject_token_type", "actor_token_type", "requested_token_type", "token_type_hint", "decision",
	"post_logout_redirect_uri", "for", "switch", "unknown", "message", "exchange", "method",
}

// hiddenParams are what people know and machines did not make: not one character is kept.
var hiddenParams = []string{"password", "new_password", "old_password", "repeat_password", "current_password", "client_secret"}

// plainHeaders may be shown whole. Of others only the name is kept.
var plainHeaders = []string{
	"Accept", "Accept-Language", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Allow", "Cache-Control", "Content-Type", "Host", "Location", "Origin",
	"Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Referer", "Retry-After", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "User-Agent",
	"Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate", "X-Request-Id", "Traceparent", "Tracestate", "Content-Security-Policy", "X-Frame-Options",
	"Referrer-Policy", "Last-Modified", "Etag",
}

// secretHeaders are shown shortened.
var secretHeaders = []string{"Authorization", "Dpop", "Dpop-Nonce", "Cookie", "Set-Cookie"}

var schemes = []string{"Basic", "Bearer", "DPoP"}

var (
	jwtPattern  = pattern(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
	longPattern = pattern(`[A-Za-z0-9_-]{40,}`) // 256 bits as base64url have 43, as hexadecimal digits 64
	// Members of JSON that are secrets, however short: other servers' tokens need not look like ours. Where the text was cut there is no end.
	namePattern   = pattern(`(?i)"([a-z_]*(?:secret|password|_token|_code|_assertion|_verifier)|token|assertion|verification_uri_complete|requestState|state)"(\s*:\s*)"((?:[^"\\]|\\.)*)("|\\?$)`)
	parentPattern = pattern(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	endPattern    = pattern(`[A-Za-z0-9_.~+/-]{12,}$`)
	htmlPattern   = pattern(`"(html|status_html)"(\s*:\s*)"((?:[^"\\]|\\.)*)"?`)
	titleText     = pattern(`(?is)<title>(.*?)</title>`)
)

// shorten keeps the beginning of a secret.
func shorten(s string) string {
	if utf8.RuneCountInString(s) < 4*shown { // of a short one nothing can be spared
		return "…"
	}
	return string([]rune(s)[:shown]) + "…"
}

// scrub shortens whatever in a text looks like a secret.
func scrub(text string) string {
	if strings.Contains(text, stateName) {
		text = sealPattern().ReplaceAllString(text, "$1…")
	}
	if !long(text) && !strings.Contains(text, "eyJ") { // almost always, and the patterns are slow
		return text
	}
	text = jwtPattern().ReplaceAllStringFunc(text, shorten)
	return longPattern().ReplaceAllStringFunc(text, func(long string) string {
		if parentPattern().MatchString(long) { // a traceparent, by which a reader finds a flow
			return long
		}
		return shorten(long)
	})
}

// long tells whether longPattern is in a text.
func long(text string) bool {
	run := 0
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
			if run++; run == 40 {
				return true
			}
		default:
			run = 0
		}
	}
	return false
}

// finished is the record of an exchange as it is stored. After it nothing changes the record any more.
func (s *span) finished() (rec Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	rec = s.record
	req := s.raw.request
	rec.Request = request(req, &s.raw.sent)
	if s.raw.status != 0 {
		rec.Response = response(s.raw.status, s.raw.header, &s.raw.received, req.URL.Path)
	}
	if rec.Client == "" {
		rec.Client = clientOf(req, &s.raw.sent)
	}
	for i := range rec.Decisions {
		rec.Decisions[i].redact()
	}
	return rec
}

// redact shortens what does not belong into a decision, should it be there, and what is long.
func (d *Decision) redact() {
	d.Text = clip(scrub(clean(d.Text)), maxValue)
	for i := range d.Compared {
		c := &d.Compared[i]
		for _, text := range []*string{&c.What, &c.Wanted, &c.Got} {
			*text = clip(scrub(clean(*text)), maxValue)
		}
	}
}

func clientOf(req *http.Request, sent *capture) string {
	form := req.URL.Query()
	if isForm(req) {
		body, _ := sent.all()
		form, _ = url.ParseQuery(string(body))
	}
	return clip(scrub(clean(form.Get("client_id"))), 300)
}

func request(req *http.Request, sent *capture) Message {
	m := Message{Method: clip(scrub(req.Method), 40), URL: address(req.URL), Headers: headers(req.Header)}
	if req.Host != "" {
		m.Headers = slices.Insert(m.Headers, 0, Header{"Host", clip(scrub(clean(req.Host)), maxValue)})
	}
	m.body(req.Header.Get("Content-Type"), sent, false)
	if strings.HasPrefix(m.Type, "text/") { // that no endpoint takes: it may be anything, such as a form under a wrong name
		m.Body = ""
	}
	if req.ContentLength > int64(m.Size) { // not all of it was read
		m.Size, m.Cut = int(req.ContentLength), true
	}
	for _, name := range []string{"Authorization", "DPoP"} {
		m.token(name, req.Header.Get(name))
	}
	return m
}

func response(status int, h http.Header, received *capture, path string) Message {
	m := Message{Status: status, Headers: headers(h)}
	m.body(h.Get("Content-Type"), received, status == http.StatusOK && strings.HasPrefix(path, "/.well-known/"))
	return m
}

// address is path and query of a URL.
func address(u *url.URL) string {
	text := clip(scrub(u.EscapedPath()), maxValue)
	if u.RawQuery != "" {
		text += "?" + params(clean(u.RawQuery))
	}
	return clip(text, 4*maxValue)
}

// params are parameters in their own order and spelling, with the values shortened that may be secrets.
func params(raw string) string {
	var out []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			plain = value
		}
		key, err := url.QueryUnescape(name)
		if err != nil {
			key = name
		}
		out = append(out, clip(scrub(name), 100)+"="+param(strings.ToLower(key), plain, value))
	}
	return strings.Join(out[:min(len(out), 60)], "&")
}

func param(name, value, asSent string) string {
	switch {
	case slices.Contains(hiddenParams, name):
		return "…"
	case name == "code_challenge" || name == "dpop_jkt":
		return clip(asSent, 200)
	case name == "redirect_uri" || name == "post_logout_redirect_uri":
		return clip(scrub(asSent), maxValue)
	case slices.Contains(plainParams, name):
		if scrubbed := scrub(value); scrubbed != value {
			return url.QueryEscape(clip(scrubbed, maxValue))
		}
		return clip(asSent, maxValue)
	case value == "":
		return ""
	}
	return shorten(value)
}

func headers(h http.Header) []Header {
	var out []Header
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			switch {
			case slices.Contains(secretHeaders, name):
				out = append(out, Header{name, secretHeader(name, v)})
			case name == "Location", name == "Referer":
				out = append(out, Header{name, location(v)})
			case slices.Contains(plainHeaders, name):
				out = append(out, Header{name, clip(scrub(clean(v)), maxValue)})
			}
		}
	}
	return out[:min(len(out), 60)]
}

// secretHeader keeps of a secret its kind: the scheme, or the name of the cookie with its attributes.
func secretHeader(name, v string) string {
	switch name {
	case "Authorization":
		scheme, rest, ok := strings.Cut(v, " ")
		switch {
		case !ok || !slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, scheme) }): // it may be the secret itself
			return "…"
		case strings.EqualFold(scheme, "Basic"):
			return scheme + " …"
		}
		return scheme + " " + shorten(rest)
	case "Cookie":
		var all []string
		for _, c := range (&http.Request{Header: http.Header{"Cookie": {v}}}).Cookies() {
			all = append(all, clip(scrub(c.Name), 60)+"="+shorten(c.Value))
		}
		return strings.Join(all, "; ")
	case "Set-Cookie":
		pair, attributes, _ := strings.Cut(v, ";")
		cookie, value, _ := strings.Cut(pair, "=")
		if value != "" {
			value = shorten(value)
		}
		return clip(scrub(cookie), 60) + "=" + value + ";" + clip(scrub(attributes), 200)
	}
	return shorten(v)
}

// location is a redirect, which may hold a code.
func location(v string) string {
	u, err := url.Parse(v)
	if err != nil {
		return shorten(v)
	}
	at := ""
	if u.Host != "" {
		at = u.Scheme + "://" + u.Host
	} else if u.Scheme != "" {
		at = u.Scheme + ":"
	}
	text := clip(scrub(clean(at)), maxValue) + address(u)
	if u.Fragment != "" {
		text += "#" + clip(scrub(clean(u.Fragment)), 200)
	}
	return text
}

// body keeps what a reader can read: forms and JSON, and of a page its title. What is public, metadata and keys, holds long texts that are
// no secrets.
func (m *Message) body(contentType string, c *capture, public bool) {
	kept, size := c.all()
	m.Size = size
	if size == 0 {
		return
	}
	m.Type, _, _ = mime.ParseMediaType(contentType)
	m.Type = clip(scrub(clean(m.Type)), 100)
	m.Cut = size > len(kept)
	text := harmless(string(kept))
	if m.Cut { // a secret of which only the beginning is left does not look like one
		text = endPattern().ReplaceAllString(text, "…")
	}
	switch {
	case m.Type == "application/x-www-form-urlencoded":
		if form, err := url.ParseQuery(text); err == nil {
			for name := range form {
				m.token(name, form.Get(name))
			}
		}
		m.Body = params(text)
	case strings.HasSuffix(m.Type, "json"):
		m.jsonTokens(kept)
		if !public {
			if named(text) {
				text = htmlPattern().ReplaceAllString(text, `"$1"$2"…"`)
				text = namePattern().ReplaceAllStringFunc(text, func(member string) string {
					part := namePattern().FindStringSubmatch(member)
					return `"` + part[1] + `"` + part[2] + `"` + shorten(part[3]) + part[4]
				})
			}
			text = scrub(text)
		}
		m.Body = text
	case m.Type == "text/html":
		m.Cut = false
		if title := titleText().FindStringSubmatch(text); title != nil {
			m.Body = "Page: " + clip(scrub(clean(html.UnescapeString(strings.TrimSpace(title[1])))), 200)
		}
	case strings.HasPrefix(m.Type, "text/"):
		m.Body = scrub(text)
	}
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

// clean makes a text one line, in which every character is seen.
func clean(s string) string {
	return oneLine.Replace(harmless(s))
}

// harmless takes out of a text whatever would do something where it is shown: a reader copies commands into a terminal, where an escape
// sequence could end the paste and type on, and one that turns the direction of the text shows another command than there is.
func harmless(s string) string {
	if !strings.ContainsFunc(s, acts) && utf8.ValidString(s) { // almost always
		return s
	}
	return strings.Map(func(r rune) rune {
		if acts(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func acts(r rune) bool {
	if r < 0x80 {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	}
	return r < 0xa0 || unicode.Is(unicode.Bidi_Control, r)
}

// clip cuts a text at a number of bytes, between characters.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
