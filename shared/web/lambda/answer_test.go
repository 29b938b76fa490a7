package lambda

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// What a handler does, and what API Gateway gets.
func TestAnswer(t *testing.T) {
	big := strings.Repeat("x", 100_000)
	png := "\x89PNG\r\n\x1a\n\x00\xff"
	for _, c := range []struct {
		name    string
		method  string // GET
		handler http.HandlerFunc
		status  int // 200
		body    string
		binary  bool
		header  map[string]string
		cookies []string
		absent  []string
	}{
		{name: "writes nothing", handler: func(http.ResponseWriter, *http.Request) {}, absent: []string{"Content-Type"}},
		{name: "text", handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Fido & <Milo> \u2028 λ") },
			body: "Fido & <Milo> \u2028 λ", header: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{name: "JSON", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"a":1}`)
		}, body: `{"a":1}`, header: map[string]string{"Content-Type": "application/json"}},
		{name: "binary", handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, png) }, body: png, binary: true,
			header: map[string]string{"Content-Type": "image/png"}},
		{name: "compressed", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped("text"))
		}, body: string(zipped("text")), binary: true, header: map[string]string{"Content-Encoding": "gzip"}},
		{name: "several writes", handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a"); io.WriteString(w, "b") }, body: "ab"},
		{name: "a character in two writes", handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "\xce"); io.WriteString(w, "\xbb") }, body: "λ"},
		{name: "large", handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, big) }, body: big},
		{name: "no content", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("writing to a 204: %v", err)
			}
		}, status: 204, absent: []string{"Content-Type"}},
		{name: "not modified", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(http.StatusNotModified)
		}, status: 304, header: map[string]string{"Etag": `"1"`}},
		{name: "redirect", handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://client.example/cb?code=a%2Bb&state=1,2", http.StatusFound)
		}, status: 302, body: "<a href=\"https://client.example/cb?code=a%2Bb&amp;state=1,2\">Found</a>.\n\n",
			header: map[string]string{"Location": "https://client.example/cb?code=a%2Bb&state=1,2"}},
		{name: "see other", method: "POST", handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "next", http.StatusSeeOther) },
			status: 303, header: map[string]string{"Location": "/oauth/next"}},
		{name: "challenge", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", scope="pet-profile:read"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, status: 401, header: map[string]string{"Www-Authenticate": `Bearer error="invalid_token", scope="pet-profile:read"`}},
		{name: "several of one name", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Origin")
			w.Header().Add("Vary", "Accept")
		}, header: map[string]string{"Vary": "Origin,Accept"}},
		{name: "cookies", handler: func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
			w.Header().Add("Set-Cookie", "b=2; Expires=Tue, 24 Nov 2026 18:00:00 GMT")
		}, cookies: []string{"a=1; Path=/", "b=2; Expires=Tue, 24 Nov 2026 18:00:00 GMT"}, absent: []string{"Set-Cookie"}},
		{name: "two statuses", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, "gone")
		}, status: 404, body: "gone", absent: []string{"X-Late"}},
		{name: "early hints", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusCreated)
		}, status: 201},
		{name: "streams", handler: func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			w.(http.Flusher).Flush()
			io.WriteString(w, "b")
		}, body: "ab"},
		{name: "HEAD", method: "HEAD", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			if n, err := io.WriteString(w, "body"); n != 4 || err != nil {
				t.Errorf("writing the body of a HEAD: %d, %v", n, err)
			}
		}, header: map[string]string{"Content-Type": "text/css"}},
		{name: "OPTIONS", method: "OPTIONS", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.WriteHeader(http.StatusNoContent)
		}, status: 204, header: map[string]string{"Access-Control-Allow-Origin": "*"}},
		{name: "headers of the connection", handler: func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range hopByHop {
				w.Header().Set(name, "1")
			}
			io.WriteString(w, "x")
		}, body: "x", absent: hopByHop},
		{name: "headers that are none", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Bad Name"] = []string{"x"}
			w.Header().Set("X-Lines", "a\r\nEvil: b")
		}, header: map[string]string{"X-Lines": "a  Evil: b"}, absent: []string{"Bad Name", "Evil"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := get(t, "/oauth/x", "")
			if c.method != "" {
				e.RequestContext.HTTP.Method = c.method
			}
			if c.status == 0 {
				c.status = http.StatusOK
			}
			out := invoke(t, function(t, c.handler, nil), t.Context(), e)
			body := out.Body
			if out.IsBase64Encoded {
				raw, err := base64.StdEncoding.DecodeString(body)
				if err != nil {
					t.Fatal(err)
				}
				body = string(raw)
			}
			if out.StatusCode != c.status || body != c.body || out.IsBase64Encoded != c.binary {
				t.Errorf("%d, base64 %v, %.80q\nwant %d, %v, %.80q", out.StatusCode, out.IsBase64Encoded, body, c.status, c.binary, c.body)
			}
			for name, want := range c.header {
				if got := out.Headers[name]; got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			for _, name := range c.absent {
				if got, ok := out.Headers[name]; ok {
					t.Errorf("%s is there: %q", name, got)
				}
			}
			if len(out.Cookies)+len(c.cookies) > 0 && !reflect.DeepEqual(out.Cookies, c.cookies) {
				t.Errorf("cookies %q", out.Cookies)
			}
			if out.MultiValueHeaders != nil {
				t.Errorf("there are headers that format 2.0 does not know: %v", out.MultiValueHeaders)
			}
		})
	}
}

// A handler cannot tell us from net/http: what it does to both ends alike.
func TestAnswerAsNetHTTP(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"nothing":      func(http.ResponseWriter, *http.Request) {},
		"text":         func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "text") },
		"html":         func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><p>") },
		"empty write":  func(w http.ResponseWriter, _ *http.Request) { w.Write(nil) },
		"error":        func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"late header":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x"); w.Header().Set("X-Late", "1") },
		"two statuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202); w.WriteHeader(500) },
		"file":         func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "doc.go") },
		"not found":    http.NotFound,
		"path value": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.URL.Path+" "+r.URL.RawQuery+" "+r.RequestURI)
		},
		"mux that cleans":      http.NewServeMux().ServeHTTP,
		"cookie twice":         func(w http.ResponseWriter, r *http.Request) { w.Header()["Set-Cookie"] = []string{"a=1", "b=2"} },
		"form":                 func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.FormValue("a b")) },
		"partial, then status": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x"); w.WriteHeader(500) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(h)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			res, err := client.Get(server.URL + "/x/../y%20z//?a+b=c%26d")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			out := invoke(t, function(t, h, nil), t.Context(), get(t, "/x/../y z//", "a+b=c%26d"))
			if out.StatusCode != res.StatusCode || out.Body != string(body) {
				t.Errorf("%d %q\nnet/http: %d %q", out.StatusCode, out.Body, res.StatusCode, body)
			}
			got := http.Header{}
			for name, value := range out.Headers {
				got.Set(name, value)
			}
			for _, cookie := range out.Cookies {
				got.Add("Set-Cookie", cookie)
			}
			for _, name := range hopByHop {
				res.Header.Del(name)
			}
			if !reflect.DeepEqual(got, res.Header) {
				t.Errorf("headers %v\nnet/http: %v", got, res.Header)
			}
		})
	}
}

// Lambda takes 6 MB of JSON. What does not fit is said, not lost.
func TestTooLarge(t *testing.T) {
	const roomForRest = 2000
	for _, c := range []struct {
		name string
		unit string
		size int
		fits bool
	}{
		{"text that fits", "x", maxAnswer - roomForRest, true},
		{"text", "x", maxAnswer, false},
		{"far more text", "x", 3 * maxAnswer, false},
		{"quotes double", `"`, maxAnswer/2 - roomForRest, true},
		{"too many quotes", `"`, maxAnswer/2 + 1, false},
		{"control characters are six", "\x01", maxAnswer/6 - roomForRest, true},
		{"too many control characters", "\x01", maxAnswer/6 + 1, false},
		{"HTML is not escaped", "<", maxAnswer - roomForRest, true},
		{"base64 that fits", "\xff", maxAnswer/4*3 - roomForRest, true},
		{"base64", "\xff", maxAnswer/4*3 + 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			f := function(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/octet-stream")
				w.Header().Set("X-Secret", "1")
				part := []byte(strings.Repeat(c.unit, 1000))
				var err error
				for left := c.size; left > 0; left -= len(part) {
					_, err = w.Write(part[:min(left, len(part))])
				}
				if (err != nil) != (c.size > maxAnswer) { // what cannot fit is not kept in memory
					t.Errorf("writing: %v", err)
				}
			}, &log)
			out := invoke(t, f, t.Context(), get(t, "/mcp", "secret=1"))
			if c.fits {
				if out.StatusCode != http.StatusOK || log.Len() > 0 {
					t.Errorf("%d: %.80s; log %s", out.StatusCode, out.Body, &log)
				}
				return
			}
			refused(t, out, log.String(), http.StatusInternalServerError, "too large")
			if out.Headers["X-Secret"] != "" || strings.Contains(log.String(), "secret=1") {
				t.Errorf("of the answer is left %v; log %s", out.Headers, &log)
			}
		})
	}
}

// refused checks an answer of ours in the handler's place.
func refused(t *testing.T, out response, log string, status int, says string) {
	t.Helper()
	const id = "ATfSmjLgPHcESJw="
	if out.StatusCode != status || !strings.Contains(out.Body, says) || !strings.Contains(out.Body, id) || out.Headers["X-Request-Id"] != id {
		t.Errorf("%d %v %.200q, want %d, %q and the id", out.StatusCode, out.Headers, out.Body, status, says)
	}
	if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, id) {
		t.Errorf("log %q", log)
	}
	if retry := out.Headers["Retry-After"]; (status == http.StatusServiceUnavailable) != (retry != "") {
		t.Errorf("%d with Retry-After %q", status, retry)
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}
