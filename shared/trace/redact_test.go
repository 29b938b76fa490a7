package trace

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Secrets of the kinds that are issued here: an opaque one, and a JWT whose signature nobody may see.
const (
	opaque    = "q7Vd2nYx0KpR5tWzA9bLfC3hJmE8sUoGiN1kXwQvTyA"
	signature = "Zr8uT1yXw0vB7nM5kL3jH9gF2dS4aPqOiUeYtRcWxVzBnMlKjHgFdSaQpOiUyTrEwQ1234567890abcdefghij"
)

var signed = segment(`{"alg":"ES256","typ":"at+signed","kid":"k1"}`) + "." + segment(`{"sub":"user-bob","aud":"mcp://vetassist","act":{"sub":"agent","note":["`+opaque+`"]}}`) + "." + signature

func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// stored is what is kept of an exchange.
func stored(t testing.TB, req *http.Request, sent string, answer http.Header, received string) string {
	t.Helper()
	s := &span{record: Record{ID: "1"}}
	s.raw.request, s.raw.status, s.raw.header = req, http.StatusOK, answer
	s.raw.sent.Write([]byte(sent))
	s.raw.received.Write([]byte(received))
	rec := s.finished()
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// leaks tells whether more of a secret is there than its beginning.
func leaks(text string) bool {
	for _, secret := range []string{opaque, signed, signature} {
		for i := shown; i+16 <= len(secret); i++ {
			if secret != signed && strings.Contains(text, secret[i:i+16]) {
				return true
			}
		}
		if strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// hashed are parameters that are hashes, and shown, however somebody writes them.
var hashed = regexp.MustCompile(`(?i)code_challenge|dpop_jkt`)

// FuzzRedact: wherever somebody puts a secret, and whatever is around it, no more of it is stored than its beginning.
func FuzzRedact(f *testing.F) {
	for _, name := range []string{"code", "redirect_uri", "scope", "Authorization", "Cookie", "Referer", "User-Agent", "access_token", "message", "x", "pass%77ord"} {
		for _, around := range []string{"{}", "Bearer {}", "a={}; b", "https://client.example/cb?code={}#access_token={}", `{"access_token":"{}"}`, `{"a":{"b":["{}"]}}`, "%7B{}", "<title>{}</title>", "{}.{}", "-{}"} {
			f.Add(name, around, uint16(0))
		}
	}
	f.Add("code%5FChallenge", "{}", uint16(0))
	f.Add("x", `{"refresh_token":"{}`, uint16(maxBody-60))
	f.Add("redirect_uri", "{}", uint16(maxBody-40))
	f.Fuzz(func(t *testing.T, name, around string, pad uint16) {
		for _, text := range []string{name, around} {
			if plain, err := url.PathUnescape(text); hashed.MatchString(text) || err == nil && hashed.MatchString(plain) {
				return
			}
		}
		for _, secret := range []string{opaque, signed} {
			text := strings.Repeat(" ", int(min(pad, maxBody))) + strings.ReplaceAll(around, "{}", secret)
			for _, contentType := range []string{"application/x-www-form-urlencoded", "application/json", "text/plain", "text/html", "application/problem+json", around} {
				req := httptest.NewRequest(http.MethodPost, "/oauth/token", nil)
				req.URL.RawQuery = name + "=" + strings.TrimLeft(text, " ")
				req.URL.Path = "/oauth/" + strings.TrimLeft(text, " ")
				req.Host = strings.TrimLeft(text, " ")
				req.Method = around
				canonical := http.CanonicalHeaderKey(name)
				req.Header = http.Header{"Content-Type": {contentType}, "Authorization": {text}, "Dpop": {text}, "Cookie": {name + "=" + text}, canonical: {text}}
				answer := http.Header{"Content-Type": {contentType}, "Set-Cookie": {text + "=" + text + "; " + text}, "Location": {text}, canonical: {text}}
				if got := stored(t, req, name+"="+text, answer, text); leaks(got) {
					t.Fatalf("%q around a secret under %q is stored as %s", around, name, got)
				}
			}
		}
	})
}

// TestRedact: what a reader needs is still there.
func TestRedact(t *testing.T) {
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name         string
		url, kind    string
		sent, got    string
		answerKind   string
		shows, hides []string
	}{
		{"a login", "/oauth/login?client_id=vet-assist-ai&state=abcdefghijklmnopqrstuvwxyz", form, "username=bob&password=bob-demo", "", "text/html", // people type passwords into the wrong field
			[]string{"username=…", "password=…", "client_id=vet-assist-ai", "state=abcdef…"}, []string{"bob", "ghij"}},
		{"a long password", "/oauth/login", form, "password=correct+horse+battery+staple+and+so+on", "", "text/html", []string{"password=…"}, []string{"correc"}},
		{"a password under another spelling", "/oauth/login", form, "PASSW%4FRD=bob-demo", "", "text/html", []string{"PASSW%4FRD=…"}, []string{"bob-demo"}},
		{"a form that says it is text", "/oauth/token", "text/plain", "client_secret=short-one", "", "application/json", nil, []string{"short-one"}},
		{"a short token of another server", "/token", form, "grant_type=refresh_token&refresh_token=abc+def/12==", `{"access_token": "abc+def/1234==", "token_type": "Bearer", "Refresh_Token":"xyz"}`, "application/json",
			[]string{"token_type", "Bearer", "grant_type=refresh_token"}, []string{"abc+def", "xyz"}},
		{"a device's answer", "/oauth/device_authorization", form, "client_id=tv", `{"user_code":"WDJB-MJHT","verification_uri":"http://localhost/oauth/device","verification_uri_complete":"http://localhost/oauth/device?user_code=WDJB-MJHT"}`, "application/json",
			[]string{`verification_uri\":\"http://localhost/oauth/device\"`}, []string{"WDJB"}},
		{"a result of a tool", "/mcp", "application/json", `{"method":"tools/call"}`, `{"structuredContent":{"code":"rabies","name":"Rabies"}}`, "application/json", []string{"rabies", "tools/call"}, nil},
		{"an answer that is there as HTML too", "/chat", "application/json", `{"message":"When?"}`, `{"reply":"On 1 May","html":"On the first of May"}`, "application/json", []string{"On 1 May"}, []string{"first of May"}},
		{"a question's state", "/mcp", "application/json", `{"params":{"requestState":"abc.def"}}`, "", "application/json", []string{"requestState"}, []string{"abc.def"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodPost, c.url, nil)
			req.Header.Set("Content-Type", c.kind)
			text := stored(t, req, c.sent, http.Header{"Content-Type": {c.answerKind}}, c.got)
			for _, want := range c.shows {
				if !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, "&", `\u0026`)) {
					t.Errorf("no %q in %s", want, text)
				}
			}
			for _, secret := range c.hides {
				if strings.Contains(text, secret) {
					t.Errorf("%q in %s", secret, text)
				}
			}
		})
	}
}

// TestRedactDecision: a secret does not belong into a decision, but should one be there it is shortened.
func TestRedactDecision(t *testing.T) {
	d := Decision{Text: "It is " + opaque, Compared: []Compared{{What: opaque, Wanted: signed, Got: "it is " + opaque}}}
	d.redact()
	if got := fmt.Sprint(d); leaks(got) || !strings.Contains(got, "It is "+opaque[:shown]+"…") {
		t.Error(got)
	}
}

// TestRedactHeaders: of each header what a reader may see.
func TestRedactHeaders(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Authorization", "Bearer " + opaque, "Bearer q7Vd2n…"},
		{"Authorization", "Basic Y2xpZW50OnNlY3JldA==", "Basic …"},
		{"Authorization", "Basic dmV0LWFzc2lzdC1haTphLXNlY3JldC1vZi1hLXBlcnNvbg==", "Basic …"},
		{"Authorization", "a-secret-without-scheme", "…"},
		{"Authorization", "secret and-more-of-it-than-that", "…"},
		{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"},
		{"Tracestate", "vetassist=app:q7Vd2nq7Vd2nq7Vd2nq7Vd", "vetassist=app:…"},
		{"Referer", "http://localhost:8080/oauth/device?user_code=WDJB-MJHT", "http://localhost:8080/oauth/device?user_code=…"},
		{"Location", "com.example.app:/cb?code=" + opaque + "&iss=https%3A%2F%2Fas.example", "com.example.app:/cb?code=q7Vd2n…&iss=https%3A%2F%2Fas.example"},
		{"Set-Cookie", "vetassist_login=" + opaque + "; Path=/; HttpOnly", "vetassist_login=q7Vd2n…; Path=/; HttpOnly"},
	} {
		got := headers(http.Header{c.name: {c.value}})
		if len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s: %s is stored as %v, not %q", c.name, c.value, got, c.want)
		}
	}
}

// TestToken: what a token says is kept in its own order, without its signature.
func TestToken(t *testing.T) {
	var m Message
	m.token("Authorization", "Bearer "+signed)
	if len(m.Tokens) != 1 || string(m.Tokens[0].Header) != `{"alg":"ES256","typ":"at+signed","kid":"k1"}` ||
		string(m.Tokens[0].Claims) != `{"sub":"user-bob","aud":"mcp://vetassist","act":{"note":["q7Vd2n…"],"sub":"agent"}}` {
		t.Errorf("%s", m.Tokens)
	}
	for _, none := range []string{"", "a.b.c", opaque, segment("[]") + "." + segment("{}") + ".x", segment("{}") + "." + segment(`{"a":1}{`) + ".x", segment("null") + "." + segment("1") + "."} {
		var m Message
		if m.token("x", none); len(m.Tokens) != 0 {
			t.Errorf("%q is taken for a token: %s", none, m.Tokens)
		}
	}
}

// TestHarmless: nothing that a stranger sent does anything where a record is shown, or where a command of it is pasted.
func TestHarmless(t *testing.T) {
	w := newWorld(t)
	const evil = "\x1b[201~\x07\u009b31m\u202e\u2066\x7f"
	for _, e := range []exchange{
		{to: MCP, request: "POST /mcp", form: `{"method":"tools/call` + evil + "\n" + `"}`, header: map[string]string{"Content-Type": "application/json", "User-Agent": "Evil" + evil + "/1"}},
		{to: OAuth, request: "POST /oauth/token?scope=a\u009b\u202eb", form: "grant_type=" + evil + "&" + evil + "=1&scope=a"},
		{to: OAuth, request: "POST /oauth/register", form: "{", header: map[string]string{"Content-Type": "application/json"}, json: `{"error_description":"` + evil + `"}`},
	} {
		flow, _ := w.sent(e)
		for _, rec := range w.records(flow, everything) {
			for _, part := range []string{rec.Name, rec.Request.URL, rec.Request.Header("User-Agent"), rec.Request.Body, rec.Response.Body} {
				if strings.ContainsAny(part, evil[:1]+"\x07\u009b\u202e\u2066\x7f") {
					t.Errorf("%s: %q is stored", e.request, part)
				}
			}
			if rec.To == MCP && !strings.Contains(rec.Request.Body, "\n") {
				t.Errorf("the lines of a body are gone: %q", rec.Request.Body)
			}
		}
	}
}
