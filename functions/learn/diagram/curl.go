package diagram

import (
	"slices"
	"strings"

	"github.com/vetassist/vetassist/shared/trace"
)

// variables are the secrets of requests, which are shortened in the records: by parameter, the shell variable that stands for each in a
// command, and where to get it.
var variables = map[string]variable{
	"code":              {"CODE", "the code in the redirect to the client's redirect URI; it works once, for 60 seconds"},
	"code_verifier":     {"CODE_VERIFIER", "the secret whose SHA-256 hash was sent as code_challenge"},
	"state":             {"STATE", "a random value of the client's own"},
	"nonce":             {"NONCE", "a random value of the client's own, which comes back in the ID token"},
	"refresh_token":     {"REFRESH_TOKEN", "refresh_token in the answer of the token endpoint; each works once"},
	"token":             {"TOKEN", "access_token or refresh_token in the answer of the token endpoint"},
	"client_secret":     {"CLIENT_SECRET", "the secret that the client got at its registration"},
	"client_assertion":  {"CLIENT_ASSERTION", "a JWT that the client signs for this one request (RFC 7523 §2.2)"},
	"assertion":         {"ASSERTION", "a JWT from somebody whom the authorization server trusts (RFC 7523 §2.1)"},
	"subject_token":     {"SUBJECT_TOKEN", "the user's access token, access_token in an answer of the token endpoint"},
	"actor_token":       {"ACTOR_TOKEN", "a token of the one who acts"},
	"id_token_hint":     {"ID_TOKEN", "id_token in the answer of the token endpoint"},
	"device_code":       {"DEVICE_CODE", "device_code in the answer of the device authorization endpoint"},
	"user_code":         {"USER_CODE", "user_code in the answer of the device authorization endpoint"},
	"request_uri":       {"REQUEST_URI", "request_uri in the answer of the endpoint for pushed requests"},
	"password":          {"PASSWORD", "the person's password"},
	"form_token":        {"FORM_TOKEN", "the hidden field of that name in the page with the form; it belongs to one login"},
	"requeststate":      {"REQUEST_STATE", "requestState in the server's question"},
	"authorization":     {"ACCESS_TOKEN", "access_token in the answer of the token endpoint"},
	"basic":             {"CLIENT_CREDENTIALS", "client_id:client_secret, in base64"},
	"dpop":              {"DPOP_PROOF", "a JWT that the client signs for this one request with its key (RFC 9449 §4.2)"},
	"tracestate":        {"TRACESTATE", "leave it empty: only a party of the demo can say that a request belongs to a flow of theirs"},
	"registrationtoken": {"INITIAL_ACCESS_TOKEN", "a token for registration, which an administrator hands out"},
}

type variable struct{ name, where string }

// ellipsis ends whatever was shortened.
const ellipsis = "…"

// notSent are headers that curl writes itself, that belong to the recording or that only a browser sets.
var notSent = []string{"host", "content-length", "accept-encoding", "connection", "traceparent", "tracestate", "x-request-id", "user-agent", "referer",
	"sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site"}

// Curl is the shell command that repeats a request. Its secrets are variables, each with a line that says where to get it; with these set
// it runs as it is. base is the origin of our own parties, such as http://localhost:8080.
func Curl(r trace.Record, base string) string {
	c := command{}
	c.add("curl -i")
	address := c.address(address(r, base))
	if method := r.Request.Method; method != "GET" && !(method == "POST" && r.Request.Size > 0) {
		c.add("-X " + quote(method))
	}
	c.add(address)
	for _, h := range r.Request.Headers {
		if !slices.Contains(notSent, strings.ToLower(h.Name)) {
			c.header(h)
		}
	}
	c.body(r)
	var b strings.Builder
	for _, v := range c.used {
		b.WriteString("# $" + v.name + ": " + v.where + "\n")
	}
	for _, note := range c.notes {
		b.WriteString("# " + note + "\n")
	}
	b.WriteString(strings.Join(c.parts, " \\\n  "))
	return b.String() + "\n"
}

// command is a command that is being written.
type command struct {
	parts []string
	used  []variable
	notes []string
}

func (c *command) add(part string) { c.parts = append(c.parts, part) }

// secret is the reference to the variable of a secret.
func (c *command) secret(key string) string {
	v, ok := variables[strings.ToLower(key)]
	if !ok {
		v = variable{strings.ToUpper(strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, key)), "the value of " + strings.Join(strings.Fields(key), " ") + ", which was shortened here"}
		if v.name == "" || v.name[0] >= '0' && v.name[0] <= '9' {
			v.name = "V" + v.name
		}
	}
	if !slices.Contains(c.used, v) {
		c.used = append(c.used, v)
	}
	return `"$` + v.name + `"`
}

// address is the quoted URL, with variables for what was shortened in its query.
func (c *command) address(address string) string {
	at, query, ok := strings.Cut(address, "?")
	if strings.Contains(at, ellipsis) {
		c.notes = append(c.notes, "the address itself was shortened here")
	}
	if !ok {
		return quote(at)
	}
	return quote(at+"?") + c.params(query)
}

// params are quoted parameters. Those that were shortened are variables; all of our secrets are made of characters that need no escape.
func (c *command) params(encoded string) string {
	var b strings.Builder
	plain := "" // what can be quoted at once
	for i, pair := range strings.Split(encoded, "&") {
		if i > 0 {
			plain += "&"
		}
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasSuffix(value, ellipsis) && !strings.HasSuffix(unescape(value), ellipsis) {
			plain += pair
			continue
		}
		b.WriteString(quote(plain + name + "="))
		plain = ""
		b.WriteString(c.secret(unescape(name)))
	}
	if plain != "" {
		b.WriteString(quote(plain))
	}
	return b.String()
}

func (c *command) header(h trace.Header) {
	switch strings.ToLower(h.Name) {
	case "authorization":
		scheme, _, _ := strings.Cut(h.Value, " ")
		key := "authorization"
		if strings.EqualFold(scheme, "Basic") {
			key = "basic"
		}
		c.add("-H " + quote("Authorization: "+scheme+" ") + c.secret(key))
	case "dpop":
		c.add("-H " + quote("DPoP: ") + c.secret("dpop"))
	case "cookie":
		var b strings.Builder
		for i, pair := range strings.Split(h.Value, "; ") {
			name, _, _ := strings.Cut(pair, "=")
			if i > 0 {
				b.WriteString(quote("; "))
			}
			b.WriteString(quote(name+"=") + c.cookie(name))
		}
		c.add("-b " + b.String())
	default:
		if strings.HasSuffix(h.Value, ellipsis) {
			c.add("-H " + quote(h.Name+": ") + c.secret(h.Name))
			return
		}
		c.add("-H " + quote(h.Name+": "+h.Value))
	}
}

func (c *command) cookie(name string) string {
	v := c.secret("cookie_" + strings.TrimPrefix(name, "__Host-"))
	c.used[len(c.used)-1].where = "the cookie " + strings.Join(strings.Fields(name), " ") + " of the browser, as its developer tools show it"
	return v
}

func (c *command) body(r trace.Record) {
	switch m := r.Request; {
	case m.Size == 0:
	case m.Cut:
		c.notes = append(c.notes, "only the beginning of the body was kept")
		c.add("--data-raw " + quote(m.Body))
	case m.Type == formType:
		c.add("--data-raw " + c.params(m.Body))
	case strings.HasSuffix(m.Type, "json"):
		c.add("--data-raw " + c.json(m.Body))
	case m.Body == "":
		c.notes = append(c.notes, "the body was not kept")
	default:
		c.add("--data-raw " + quote(m.Body))
	}
}

// json is a quoted JSON text, with variables for its strings that were shortened.
func (c *command) json(text string) string {
	var b strings.Builder
	for {
		end := strings.Index(text, ellipsis+`"`)
		if end < 0 {
			break
		}
		start := strings.LastIndex(text[:end], `"`) + 1
		before := strings.TrimRight(text[:max(start-1, 0)], " \t\r\n:")
		name := "value"
		if strings.HasSuffix(before, `"`) {
			name = before[strings.LastIndex(before[:len(before)-1], `"`)+1 : len(before)-1]
		}
		b.WriteString(quote(text[:start]) + c.secret(name))
		text = text[end+len(ellipsis):]
	}
	return b.String() + quote(text)
}

// quote makes one word of a text for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
