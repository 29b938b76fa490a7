package lambda

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRequest(t *testing.T) {
	e := load(t, "http-api.json")
	r, body := seen(t, e)
	if r.Method != "POST" || r.URL.String() != "/oauth/token" || r.RequestURI != "/oauth/token" || r.Proto != "HTTP/1.1" {
		t.Errorf("got %s %s, target %s, %s", r.Method, r.URL, r.RequestURI, r.Proto)
	}
	if r.Host != "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com" || r.RemoteAddr != "203.0.113.9:0" {
		t.Errorf("host %q, from %q", r.Host, r.RemoteAddr)
	}
	if body != "grant_type=refresh_token" || r.ContentLength != int64(len(body)) {
		t.Errorf("body %q, length %d", body, r.ContentLength)
	}
	// Every header is one value, as it came; Host is none, as in net/http.
	want := http.Header{"Cookie": {"__Host-session=abc123; theme=dark"}}
	for name, value := range e.Headers {
		if name != "host" {
			want.Set(name, value)
		}
	}
	if !reflect.DeepEqual(r.Header, want) {
		t.Errorf("headers %v\nwant    %v", r.Header, want)
	}
	if c, err := r.Cookie("theme"); err != nil || c.Value != "dark" {
		t.Errorf("cookie %v, %v", c, err)
	}
}

// "sam local start-api" has header names as the client wrote them, cookies twice, and a domain name without a port, which does not matter.
func TestRequestOfSAMLocal(t *testing.T) {
	r, _ := seen(t, load(t, "sam-local.json"))
	if r.URL.Path != "/admin/api/roles/Pet Owner" || r.RequestURI != "/admin/api/roles/Pet%20Owner?limit=10" {
		t.Errorf("path %q, target %q", r.URL.Path, r.RequestURI)
	}
	if got := r.Header.Values("Cookie"); len(got) != 1 || got[0] != "session=abc123" {
		t.Errorf("cookies %q", got)
	}
	if r.Header.Get("User-Agent") != "curl/8.14.1" || r.Header.Values("Host") != nil || r.Host != "localhost:3000" {
		t.Errorf("headers %v", r.Header)
	}
}

// API Gateway sends the path decoded, and the query as it was.
func TestTarget(t *testing.T) {
	for _, c := range []struct {
		name, stage, path, query string
		wantPath, wantTarget     string
	}{
		{name: "root", path: "/", wantTarget: "/"},
		{name: "none", path: "", wantPath: "/", wantTarget: "/"},
		{name: "no slash", path: "mcp", wantPath: "/mcp", wantTarget: "/mcp"},
		{name: "space", path: "/a b", wantTarget: "/a%20b"},
		{name: "percent", path: "/100%", wantTarget: "/100%25"},
		{name: "what was %2541 is not decoded twice", path: "/%41", wantTarget: "/%2541"},
		{name: "what was %252e%252e is no parent", path: "/x/%2e%2e/y", wantTarget: "/x/%252e%252e/y"},
		{name: "question mark", path: "/a?admin=true", query: "b=1", wantTarget: "/a%3Fadmin=true?b=1"},
		{name: "hash", path: "/a#b", query: "c=1", wantTarget: "/a%23b?c=1"},
		{name: "plus", path: "/a+b", wantTarget: "/a+b"},
		{name: "UTF-8", path: "/Mäuse/λ", wantTarget: "/M%C3%A4use/%CE%BB"},
		{name: "looks like a host", path: "//evil.example/x", wantTarget: "//evil.example/x"},
		{name: "looks like a URL", path: "/http://evil.example", wantTarget: "/http://evil.example"},
		{name: "line end", path: "/a\r\nX: y", wantTarget: "/a%0D%0AX:%20y"},
		{name: "semicolon and comma", path: "/a;b,c", wantTarget: "/a;b,c"},

		{name: "query untouched", path: "/", query: "redirect=https%3A%2F%2Fexample.com%2Fa%3Fb%23c&literal=a+b&plus=a%2Bb&percent=%25&empty=&bare", wantTarget: "/?redirect=https%3A%2F%2Fexample.com%2Fa%3Fb%23c&literal=a+b&plus=a%2Bb&percent=%25&empty=&bare"},
		{name: "repeated parameter", path: "/", query: "scope=a&scope=b%2Cc", wantTarget: "/?scope=a&scope=b%2Cc"},
		{name: "broken escape in the query", path: "/", query: "a=%zz", wantTarget: "/?a=%zz"},
		{name: "query that is not encoded", path: "/", query: "a=b c#d\n\u00e4", wantTarget: "/?a=b%20c%23d%0A%C3%A4"},
		{name: "question mark in the query", path: "/", query: "a=b?c", wantTarget: "/?a=b?c"},

		{name: "named stage", stage: "prod", path: "/prod/mcp", wantPath: "/mcp", wantTarget: "/mcp"},
		{name: "named stage alone", stage: "prod", path: "/prod", wantPath: "/", wantTarget: "/"},
		{name: "named stage, once", stage: "prod", path: "/prod/prod/x", wantPath: "/prod/x", wantTarget: "/prod/x"},
		{name: "not the stage", stage: "prod", path: "/production", wantTarget: "/production"},
		{name: "custom domain leaves the stage out", stage: "prod", path: "/mcp", wantTarget: "/mcp"},
		{name: "default stage", stage: "$default", path: "/$default/x", wantTarget: "/$default/x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := get(t, c.path, c.query)
			if c.stage != "" {
				e.RequestContext.Stage = c.stage
			}
			// What API Gateway also sends, and what must not count.
			e.QueryStringParameters = map[string]string{"scope": "a,b,c"}
			if c.wantPath == "" {
				c.wantPath = c.path
			}
			r, _ := seen(t, e)
			if r.URL.Path != c.wantPath || r.RequestURI != c.wantTarget || r.URL.String() != c.wantTarget && !strings.HasPrefix(c.wantTarget, "//") {
				t.Errorf("path %q, target %q, URL %q\nwant %q, %q", r.URL.Path, r.RequestURI, r.URL, c.wantPath, c.wantTarget)
			}
			if r.URL.Host != "" || r.URL.Scheme != "" || r.URL.Fragment != "" || r.URL.RawQuery != strings.TrimPrefix(r.URL.RawQuery, "?") {
				t.Errorf("URL %#v", r.URL)
			}
		})
	}
	r, _ := seen(t, get(t, "/", "scope=a&scope=b%2Cc&plus=a+b%2B"))
	if q := r.URL.Query(); !reflect.DeepEqual(q["scope"], []string{"a", "b,c"}) || q.Get("plus") != "a b+" {
		t.Errorf("query %v", q)
	}
}

func TestRequestHeaders(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"accept", "application/json, text/event-stream;q=0.5"},
		{"user-agent", "Mozilla/5.0 (KHTML, like Gecko)"},
		{"mcp-param-query", "a, b,c"},
		{"accept-language", "de-DE,de;q=0.9"},
		{"if-none-match", `"a", "b"`},
		{"if-modified-since", "Tue, 24 Nov 2026 18:00:00 GMT"},
		{"authorization", `Digest username="bob", realm="x, y"`},
		{"x-twice", "first,second"}, // sent twice: API Gateway joined it
		{"x-empty", ""},
		{"dpop", "eyJ0eXAi.eyJqdGki.c2ln"},
	} {
		e := get(t, "/", "")
		e.Headers = map[string]string{c.name: c.value}
		r, _ := seen(t, e)
		if got := r.Header.Values(c.name); len(got) != 1 || got[0] != c.value {
			t.Errorf("%s: %q, want one value %q", c.name, got, c.value)
		}
	}
	e := get(t, "/", "")
	e.Headers = map[string]string{"bad name": "x", "x-bad-value": "a\r\nEvil: b", "x-good": "c"}
	e.Cookies = []string{"a=b", "c=d\r\nEvil: e"}
	r, _ := seen(t, e)
	if want := (http.Header{"X-Good": {"c"}, "Cookie": {"a=b"}}); !reflect.DeepEqual(r.Header, want) {
		t.Errorf("headers %v, want %v", r.Header, want)
	}
}

// Host and address are what API Gateway says of them, never what a client says.
func TestClientSaysWhoItIs(t *testing.T) {
	e := get(t, "/", "")
	e.Headers = map[string]string{"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-for": "192.0.2.1",
		"forwarded": "for=192.0.2.1;host=evil.example", "x-forwarded-proto": "http", "x-forwarded-port": "80"}
	t.Setenv("GO_API_HOST", "https://evil.example") // which aws-lambda-go-api-proxy reads
	r, _ := seen(t, e)
	if r.Host != "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com" || r.URL.Host != "" || r.RemoteAddr != "203.0.113.9:0" {
		t.Errorf("host %q, URL %v, from %q", r.Host, r.URL, r.RemoteAddr)
	}
	for ip, want := range map[string]string{"2001:db8::7": "[2001:db8::7]:0", "": "", "evil": ""} {
		e.RequestContext.HTTP.SourceIP = ip
		if r, _ := seen(t, e); r.RemoteAddr != want {
			t.Errorf("source %q becomes %q, want %q", ip, r.RemoteAddr, want)
		}
	}
}

func TestRequestBody(t *testing.T) {
	binary := "\x00\xff\xfe PNG \x80"
	for _, c := range []struct {
		name, body string
		encoded    bool
		want       string
	}{
		{"none", "", false, ""},
		{"none, encoded", "", true, ""},
		{"text", `{"name":"Mäuse λ"}`, false, `{"name":"Mäuse λ"}`},
		{"text that looks like base64", "YWJj", false, "YWJj"},
		{"binary", base64.StdEncoding.EncodeToString([]byte(binary)), true, binary},
	} {
		e := load(t, "http-api.json")
		e.Body, e.IsBase64Encoded = c.body, c.encoded
		if r, body := seen(t, e); body != c.want || r.ContentLength != int64(len(c.want)) {
			t.Errorf("%s: %q, length %d", c.name, body, r.ContentLength)
		}
	}
}

func TestMethods(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		e := get(t, "/", "")
		e.RequestContext.HTTP.Method = method
		if r, _ := seen(t, e); r.Method != method {
			t.Errorf("%s becomes %s", method, r.Method)
		}
	}
}

// Whatever is no event of an HTTP API is an error that says so, and nothing is opened for it.
func TestOtherEvents(t *testing.T) {
	f := function(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }, nil)
	events := map[string]string{"{}": `{}`, "null": `null`, "a text": `"ping"`, "a list": `[]`, "a warm-up": `{"warmup":true}`,
		"a queue":   `{"Records":[{"messageId":"1","body":"x","eventSource":"aws:sqs"}]}`,
		"version":   `{"version":"3.0","rawPath":"/","requestContext":{"domainName":"x.example","http":{"method":"GET"}}}`,
		"no method": `{"version":"2.0","rawPath":"/","requestContext":{"domainName":"x.example"}}`,
		"method":    `{"version":"2.0","rawPath":"/","requestContext":{"domainName":"x.example","http":{"method":"G T"}}}`,
		"body":      `{"version":"2.0","rawPath":"/","requestContext":{"domainName":"x.example","http":{"method":"POST"}},"body":"%%","isBase64Encoded":true}`,
		"long path": `{"version":"2.0","rawPath":"/` + strings.Repeat("a", maxTarget) + `","requestContext":{"domainName":"x.example","http":{"method":"GET"}}}`,
	}
	for _, name := range []string{"payload-1.0.json", "alb.json", "scheduled.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		events[name] = string(raw)
	}
	for name, raw := range events {
		if out, err := f.invoke(t.Context(), json.RawMessage(raw)); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: %v, answer %+v", name, err, out)
		}
	}
}

// Whatever an event holds: no panic, and a handler gets a request that could have come over a wire.
func FuzzEvent(f *testing.F) {
	f.Add("GET", "/a b", "c=%41", "prod", "accept", "a, b", "x=y", "body", false)
	f.Add("POST", "/100%?#", "a b#c", "$default", "host", "h\r\n", "", "YWJj", true)
	f.Add("OPTIONS", "//x", "", "", "Cookie", "a=b", "c=d", "\xff", false)
	f.Fuzz(func(t *testing.T, method, path, query, stage, name, value, cookie, body string, encoded bool) {
		e := get(t, path, query)
		e.RequestContext.HTTP.Method, e.RequestContext.Stage = method, stage
		e.Headers[name] = value
		e.Cookies = []string{cookie}
		e.Body, e.IsBase64Encoded = body, encoded
		var got *http.Request
		fn := function(t, func(w http.ResponseWriter, r *http.Request) { got = r }, nil)
		out, err := fn.Invoke(t.Context(), e)
		switch {
		case errors.Is(err, ErrEvent):
			return
		case err != nil || out.StatusCode != http.StatusOK:
			t.Fatalf("%v, %+v", err, out)
		}
		if stage == "" && strings.HasPrefix(path, "/") && got.URL.Path != path {
			t.Fatalf("path %q became %q", path, got.URL.Path)
		}
		wire := got.Method + " " + got.RequestURI + " HTTP/1.1\r\nHost: " + got.Host + "\r\n"
		var headers bytes.Buffer
		got.Header.Del("Content-Length")
		got.Header.Del("Transfer-Encoding")
		if err := got.Header.Write(&headers); err != nil {
			t.Fatal(err)
		}
		again, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire + headers.String() + "\r\n")))
		if err != nil {
			t.Fatalf("%v: %q", err, wire+headers.String())
		}
		if again.URL.Path != got.URL.Path || again.URL.RawQuery != got.URL.RawQuery || again.Host != got.Host || again.Method != got.Method {
			t.Fatalf("%q %q %q\nbecame %q %q %q", got.URL.Path, got.URL.RawQuery, got.Host, again.URL.Path, again.URL.RawQuery, again.Host)
		}
	})
}
