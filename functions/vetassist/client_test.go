package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A second client of the same server, written out step by step: what any MCP host does, with nothing in between.

const (
	verifier  = "a-verifier-has-between-43-and-128-characters-like-this"
	testState = "st4te"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is an authorization request that is right. Changes replace parameters; an empty list removes one.
func (w *world) request(changes url.Values) url.Values {
	q := url.Values{
		"response_type":         {"code"},
		"client_id":             {"vet-assist-ai"},
		"redirect_uri":          {w.URL + "/callback"},
		"state":                 {testState},
		"scope":                 {"pet-profile:read"},
		"resource":              {w.URL + "/mcp"},
		"code_challenge":        {challengeOf(verifier)},
		"code_challenge_method": {"S256"},
	}
	maps.Copy(q, changes) // a parameter without values is not sent
	return q
}

// login fills in the login page that is on the screen.
func (p *person) login(user string) *page {
	p.t.Helper()
	return p.submit("username", url.Values{"username": {user}, "password": {passwordOf(user)}})
}

// stopAt makes the browser stop before it goes to the address, so that a test can read the redirect.
func (p *person) stopAt(address string) {
	p.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), address) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// answerOf goes through an authorization request as user, who allows what is asked, and returns what the client gets back.
func (p *person) answerOf(request url.Values, user string) url.Values {
	p.t.Helper()
	p.stopAt(cmp.Or(request.Get("redirect_uri"), p.base+"/callback"))
	defer func() { p.http.CheckRedirect = nil }()
	p.open(p.base + "/oauth/authorize?" + request.Encode())
	if p.page.has("username") {
		p.login(user)
	}
	if p.page.has("decision") {
		p.submit("decision", url.Values{"decision": {"approve"}})
	}
	return p.redirected()
}

// redirected is the query of the redirect on the screen.
func (p *person) redirected() url.Values {
	p.t.Helper()
	to, err := url.Parse(p.page.header.Get("Location"))
	if err != nil || p.page.status/100 != 3 {
		p.t.Fatalf("no redirect but %d: %s", p.page.status, p.page.text)
	}
	return to.Query()
}

// tokens is an answer of the token endpoint, good or bad.
type tokens struct {
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	ID          string `json:"id_token"`
	Type        string `json:"token_type"`
	Scope       string `json:"scope"`
	Expires     int    `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	status      int
	header      http.Header
}

// post sends a form to an endpoint of the authorization server.
func (w *world) post(path string, form url.Values) tokens {
	w.t.Helper()
	resp := w.send("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	out := tokens{status: resp.status, header: resp.header}
	if len(resp.body) > 0 {
		if err := json.Unmarshal(resp.body, &out); err != nil {
			w.t.Fatalf("%s answered %d, not JSON: %s", path, resp.status, resp.body)
		}
	}
	return out
}

// redeem changes a code into tokens.
func (w *world) redeem(code string, changes url.Values) tokens {
	w.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_id": {"vet-assist-ai"}, "redirect_uri": {w.URL + "/callback"}, "resource": {w.URL + "/mcp"},
	}
	maps.Copy(form, changes)
	return w.post("/oauth/token", form)
}

func (w *world) refresh(token string) tokens {
	w.t.Helper()
	return w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"vet-assist-ai"}})
}

// tokensFor lets user log in, consent to the scopes and returns what the client gets.
func (w *world) tokensFor(user string, scopes ...string) tokens {
	w.t.Helper()
	answer := w.person().answerOf(w.request(url.Values{"scope": {strings.Join(scopes, " ")}}), user)
	got := w.redeem(answer.Get("code"), nil)
	if got.status != http.StatusOK || got.Access == "" {
		w.t.Fatalf("no token for %s: %d %s %s (redirect: %v)", user, got.status, got.Error, got.Description, answer)
	}
	return got
}

// answer is a raw HTTP answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request by hand. Headers come as name, value, name, value.
func (w *world) send(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
		}
		r.Header.Add(pair[0], pair[1])
	}
	resp, err := w.transport().RoundTrip(r) // no redirects, no cookies
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

// mcp posts a JSON-RPC message with a token.
func (w *world) mcp(token, message string) answer {
	w.t.Helper()
	headers := []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-06-18"}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return w.send("POST", "/mcp", message, headers...)
}

// callTool posts a tool call; arguments are JSON.
func (w *world) callTool(token, name, arguments string) answer {
	w.t.Helper()
	return w.mcp(token, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"`+name+`","arguments":`+arguments+`}}`)
}

// result is what a JSON-RPC answer holds, result or error.
type result struct {
	Result struct {
		IsError    bool            `json:"isError"`
		Structured json.RawMessage `json:"structuredContent"`
		Content    []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (a answer) result(t *testing.T) result {
	t.Helper()
	var r result
	if err := json.Unmarshal(bytes.TrimSpace(a.body), &r); err != nil {
		t.Fatalf("%d, not JSON: %s", a.status, a.body)
	}
	return r
}

// structured decodes a tool's structured output.
func structured[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.result(t).Result.Structured, &v); err != nil {
		t.Fatalf("%d: %v in %s", a.status, err, a.body)
	}
	return v
}

// chatAnswer is the answer of POST /chat.
type chatAnswer struct {
	Reply        string     `json:"reply"`
	ToolCalls    []toolCall `json:"tool_calls"`
	AuthorizeURL string     `json:"authorize_url"`
	Flow         string     `json:"flow"`
}

type toolCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
	Scope     string         `json:"scope"`
	Outcome   string         `json:"outcome"`
}

// ask sends a chat message, as the page's script does.
func (p *person) ask(message string) chatAnswer {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/chat", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var a chatAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%q was answered with %d (%v)", message, resp.StatusCode, err)
	}
	return a
}

// calledOne is the one tool call of an answer.
func (a chatAnswer) calledOne(t *testing.T, name, outcome string) toolCall {
	t.Helper()
	i := slices.IndexFunc(a.ToolCalls, func(c toolCall) bool { return c.Name == name && c.Outcome == outcome })
	if i < 0 {
		t.Fatalf("no call of %s with outcome %s in %+v (reply %q)", name, outcome, a.ToolCalls, a.Reply)
	}
	return a.ToolCalls[i]
}
