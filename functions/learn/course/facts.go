package course

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// chat is how the authorization server knows the chat of the demo. A chat that got another client_id is known by being the app.
const chat = "vet-assist-ai"

func pass(r trace.Record) Pass { return Pass{r.Begin.Time, r.Flow, r.ID} }

// first is the first record later than a time that fits.
func (s *Seen) first(after time.Time, fits func(r trace.Record) bool) (Pass, bool) {
	for _, r := range s.Records {
		if r.Begin.Time.After(after) && fits(r) {
			return pass(r), true
		}
	}
	return Pass{}, false
}

// record is a check of one record by itself.
func record(fits func(s *Seen, r trace.Record) bool) func(*Seen, time.Time) (Pass, bool) {
	return func(s *Seen, after time.Time) (Pass, bool) {
		return s.first(after, func(r trace.Record) bool { return fits(s, r) })
	}
}

// earlier tells whether a record of the same flow fits that began no later than r.
func (s *Seen) earlier(r trace.Record, fits func(trace.Record) bool) bool {
	return slices.ContainsFunc(s.Records, func(o trace.Record) bool {
		return o.Flow == r.Flow && o.ID != r.ID && !r.Begin.Before(o.Begin) && fits(o)
	})
}

func path(r trace.Record) string {
	p, _, _ := strings.Cut(r.Request.URL, "?")
	return p
}

func query(r trace.Record) url.Values {
	_, q, _ := strings.Cut(r.Request.URL, "?")
	v, _ := url.ParseQuery(q)
	return v
}

func form(r trace.Record) url.Values {
	v, _ := url.ParseQuery(r.Request.Body)
	return v
}

// to is a request with this method to this path of a party.
func to(r trace.Record, party trace.Party, method, at string) bool {
	return r.To == party && r.Request.Method == method && path(r) == at
}

func ok(r trace.Record) bool { return r.Response.Status == http.StatusOK }

// redirect is the query of the address to which an answer leads.
func redirect(r trace.Record) url.Values {
	if r.Response.Status/100 != 3 {
		return nil
	}
	u, err := url.Parse(r.Response.Header("Location"))
	if err != nil {
		return nil
	}
	return u.Query()
}

// claims are what a check reads of a token.
type claims struct {
	Audience audience `json:"aud"`
	Subject  string   `json:"sub"`
	Client   string   `json:"client_id"`
	Scope    string   `json:"scope"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	kid      string
}

// audience is one text or a list (RFC 7519 §4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// life is from when a token was issued to when it ends, in seconds.
func (c claims) life() int64 { return c.Expires - c.Issued }

func (c claims) has(scope string) bool { return slices.Contains(strings.Fields(c.Scope), scope) }

// tokenAt is the JWT that a message held in a place.
func tokenAt(m trace.Message, where string) (claims, bool) {
	for _, t := range m.Tokens {
		var c claims
		var head struct {
			Kid string `json:"kid"`
		}
		if t.Where == where && json.Unmarshal(t.Claims, &c) == nil && json.Unmarshal(t.Header, &head) == nil {
			c.kid = head.Kid
			return c, true
		}
	}
	return claims{}, false
}

// issued is the access token that the token endpoint gave in this exchange.
func issued(r trace.Record) (claims, bool) {
	if !to(r, trace.OAuth, http.MethodPost, "/oauth/token") || !ok(r) {
		return claims{}, false
	}
	return tokenAt(r.Response, "access_token")
}

// mine is that token, if it is about the person of this course: a program's own, or one that an agent got, is not.
func (s *Seen) mine(r trace.Record) (claims, bool) {
	c, there := issued(r)
	if !there || s.User != "" && c.Subject != s.User || c.Subject == c.Client {
		return claims{}, false
	}
	switch form(r).Get("grant_type") {
	case "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code":
		return c, true
	}
	return claims{}, false
}

// bearer is the token that came with a request to the MCP server.
func bearer(r trace.Record) (claims, bool) {
	if r.To != trace.MCP || path(r) != "/mcp" {
		return claims{}, false
	}
	return tokenAt(r.Request, "Authorization")
}

// toolCall is a call of a tool and its result.
type toolCall struct {
	name    string
	isError bool
	code    string // of a result that is an error
	text    string
}

// call reads a tool call that the MCP server let through to the tool.
func call(r trace.Record) (toolCall, bool) {
	var in struct {
		Method string `json:"method"`
		Params struct {
			Name string `json:"name"`
		} `json:"params"`
	}
	if !to(r, trace.MCP, http.MethodPost, "/mcp") || json.Unmarshal([]byte(r.Request.Body), &in) != nil || in.Method != "tools/call" || !ok(r) {
		return toolCall{}, false
	}
	var out struct {
		Result *struct {
			IsError    bool `json:"isError"`
			Structured struct {
				Error   string `json:"error"`
				Message string `json:"message"`
			} `json:"structuredContent"`
		} `json:"result"`
	}
	body := r.Response.Body
	if _, event, stream := strings.Cut(body, "data:"); stream && !strings.HasPrefix(body, "{") { // a server-sent event
		body, _, _ = strings.Cut(event, "\n")
	}
	switch err := json.Unmarshal([]byte(body), &out); {
	case err == nil && out.Result != nil:
		return toolCall{in.Params.Name, out.Result.IsError, out.Result.Structured.Error, out.Result.Structured.Message}, true
	case err != nil && r.Response.Cut: // a long answer: errors are short
		return toolCall{name: in.Params.Name}, true
	}
	return toolCall{}, false
}

// worked tells whether a tool did what it was asked, with a token.
func worked(r trace.Record) bool {
	c, there := call(r)
	_, with := bearer(r)
	return there && with && !c.isError
}

// challenges are the WWW-Authenticate headers of an answer, under the name that a gateway may have given them, too.
func challenges(r trace.Record) string {
	var all []string
	for _, h := range r.Response.Headers {
		if strings.EqualFold(h.Name, "WWW-Authenticate") || strings.EqualFold(h.Name, "X-Amzn-Remapped-WWW-Authenticate") {
			all = append(all, h.Value)
		}
	}
	return strings.Join(all, "\n")
}

// param is a parameter of a challenge.
func param(challenge, name string) string {
	_, rest, found := strings.Cut(challenge, name+`="`)
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// missing is the scope that a 403 asks for, of a request that had a token.
func missing(r trace.Record) string {
	if _, with := bearer(r); !with || r.Response.Status != http.StatusForbidden || param(challenges(r), "error") != "insufficient_scope" {
		return ""
	}
	return param(challenges(r), "scope")
}

// lacks tells whether a tool answered that the role does not have a scope.
func lacks(r trace.Record, scope string) bool {
	c, there := call(r)
	return there && c.isError && c.code == "role_forbidden" && slices.Contains(strings.FieldsFunc(c.text, func(r rune) bool { return r == ' ' || r == ',' || r == '.' }), scope)
}

// request is an authorization request, as the browser brought it.
func request(r trace.Record) (url.Values, bool) {
	q := query(r)
	return q, to(r, trace.OAuth, http.MethodGet, "/oauth/authorize") && q.Get("response_type") != ""
}

// answered is an answer to one: what the browser is sent back with.
func answered(r trace.Record) url.Values {
	if r.To != trace.OAuth || path(r) != "/oauth/authorize" && path(r) != "/oauth/consent" {
		return nil
	}
	if q := redirect(r); q.Get("code") != "" || q.Get("error") != "" {
		return q
	}
	return nil
}
