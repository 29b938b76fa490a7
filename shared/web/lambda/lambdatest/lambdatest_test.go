package lambdatest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var built struct {
	sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambdatest-")
	if err != nil {
		panic(err)
	}
	built.path, built.err = dir, nil
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// sample runs testdata/sample.
func sample(t *testing.T, c Config) *Function {
	t.Helper()
	built.Do(func() { built.path, built.err = Build(context.Background(), "./testdata/sample", built.path) })
	if built.err != nil {
		t.Fatal(built.err)
	}
	c.Bootstrap = built.path
	c.Env = append(c.Env, "AWS_LAMBDA_LOG_FORMAT=JSON")
	f := New(c)
	t.Cleanup(f.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("its log:\n%s", f.Logs())
		}
	})
	return f
}

// serve puts a gateway in front.
func serve(t *testing.T, g *Gateway) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server
}

func gateway(t *testing.T, routes ...Route) *Gateway {
	t.Helper()
	g, err := NewGateway(routes...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type reply struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, method, url, body string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

type echo struct {
	Method, Target, Path, Host, From, Base string
	Header                                 http.Header
	Body                                   []byte
}

func echoOf(t *testing.T, r reply) echo {
	t.Helper()
	var e echo
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return e
}

// A request goes through an event and a process, and comes out as it went in.
func TestThrough(t *testing.T) {
	f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}})
	g := gateway(t, Route{"$default", f})
	g.Domain, g.Remap = "api.example", true
	server := serve(t, g)
	binary := "\x00\xff\xfe"
	for _, c := range []struct {
		name, method, target, body string
		header                     []string
		path, gotTarget            string // "": as sent
	}{
		{name: "query", method: "GET", target: "/echo/?a=1&a=2&b=%2B+%26%23&c", path: "/echo/"},
		{name: "encoded path", method: "GET", target: "/echo/M%C3%A4use%20%25%23+", path: "/echo/Mäuse %#+", gotTarget: "/echo/M%C3%A4use%20%25%23+"},
		{name: "twice encoded path", method: "GET", target: "/echo/%2541", path: "/echo/%41"},
		{name: "question mark, which API Gateway loses", method: "GET", target: "/echo/a%3Fb=1", path: "/echo/a", gotTarget: "/echo/a"},
		{name: "form", method: "POST", target: "/echo/", body: "a=1&b=%20", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, path: "/echo/"},
		{name: "JSON", method: "PUT", target: "/echo/", body: `{"λ":"<&>"}`, header: []string{"Content-Type", "application/json"}, path: "/echo/"},
		{name: "binary", method: "PATCH", target: "/echo/", body: binary, header: []string{"Content-Type", "image/png"}, path: "/echo/"},
		{name: "binary that says it is text", method: "POST", target: "/echo/", body: binary, header: []string{"Content-Type", "text/plain"}, path: "/echo/"},
		{name: "nothing", method: "DELETE", target: "/echo/", path: "/echo/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := do(t, c.method, server.URL+c.target, c.body, append(c.header, "Accept", "a, b;q=0.5", "Mcp-Param-X", "x,y", "X-Twice", "1", "X-Twice", "2",
				"Cookie", "s=1; t=2", "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Host", "evil.example")...)
			e := echoOf(t, r)
			if c.gotTarget == "" {
				c.gotTarget = c.target
			}
			if e.Method != c.method || e.Path != c.path || e.Target != c.gotTarget || string(e.Body) != c.body {
				t.Errorf("%s %q %q %q", e.Method, e.Path, e.Target, e.Body)
			}
			if e.Host != "api.example" || e.Base != "https://api.example" || e.From != "127.0.0.1" {
				t.Errorf("host %s, base %s, from %s", e.Host, e.Base, e.From)
			}
			for name, want := range map[string]string{"Accept": "a, b;q=0.5", "Mcp-Param-X": "x,y", "X-Twice": "1,2", "Cookie": "s=1; t=2"} {
				if got := e.Header.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q", name, got)
				}
			}
			if r.header.Get("X-Request-Id") != r.header.Get("Apigw-Requestid") {
				t.Errorf("ids %q and %q", r.header.Get("X-Request-Id"), r.header.Get("Apigw-Requestid"))
			}
			if want := `"id":"` + r.header.Get("X-Request-Id") + `"`; !strings.Contains(f.Logs(), want) {
				t.Errorf("the log has no %s", want)
			}
		})
	}
	r := do(t, "GET", server.URL+"/answer", "")
	if r.status != http.StatusUnauthorized || r.body != "\xff\x00\x01" || len(r.header.Values("Set-Cookie")) != 2 {
		t.Errorf("%d %q %v", r.status, r.body, r.header)
	}
	if r.header.Get("X-Amzn-Remapped-Www-Authenticate") != `Bearer scope="a b", error="invalid_token"` || r.header.Get("Www-Authenticate") != "" {
		t.Errorf("headers %v", r.header)
	}
	// web.MaxBody holds here too, and the lines of the log are what Lambda reads: JSON with timestamp, level and message.
	if r := do(t, "POST", server.URL+"/echo/", strings.Repeat("x", 1<<20+1)); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of over 1 MB: %d", r.status)
	}
	for line := range strings.Lines(f.Logs()) {
		var entry struct {
			Timestamp time.Time
			Level     string
			Message   string
			RequestID string `json:"requestId"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Timestamp.IsZero() || entry.Level == "" || entry.Message == "" || entry.RequestID == "" {
			t.Errorf("log line %q: %v", line, err)
		}
	}
	if f.Starts() != 1 {
		t.Errorf("it started %d times", f.Starts())
	}
}

func TestStage(t *testing.T) {
	f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}})
	g := gateway(t, Route{"ANY /echo/{proxy+}", f})
	g.Stage, g.Domain = "prod", "api.example"
	server := serve(t, g)
	if e := echoOf(t, do(t, "GET", server.URL+"/prod/echo/x", "")); e.Path != "/echo/x" {
		t.Errorf("path %s", e.Path)
	}
	for _, path := range []string{"/echo/x", "/production/echo/x", "/prod"} {
		if r := do(t, "GET", server.URL+path, ""); r.status != http.StatusNotFound || r.body != `{"message":"Not Found"}` {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// count is how many /count the answering process has served, and how many sleepers came to their end in it.
func count(t *testing.T, url string) (n, late int) {
	t.Helper()
	r := do(t, "GET", url+"/count", "")
	var got [2]int
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return got[0], got[1]
}

func TestProcessLives(t *testing.T) {
	for _, freeze := range []bool{false, true} {
		f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}, Freeze: freeze})
		g := gateway(t, Route{"$default", f})
		g.Domain = "api.example"
		url := serve(t, g).URL
		for i := 1; i <= 3; i++ {
			if n, _ := count(t, url); n != i {
				t.Errorf("request %d is number %d of its process", i, n)
			}
		}
		f.Freeze()
		f.Thaw()
		f.Freeze() // the next invocation thaws it
		if n, _ := count(t, url); n != 4 || f.Starts() != 1 {
			t.Errorf("after a pause: number %d, %d starts", n, f.Starts())
		}
		f.Kill()
		if n, _ := count(t, url); n != 1 || f.Starts() != 2 {
			t.Errorf("after its end: number %d, %d starts", n, f.Starts())
		}
		// The handler ends the process: the client gets API Gateway's own error, and the next request a new process.
		if r := do(t, "GET", url+"/exit", ""); r.status != http.StatusInternalServerError || r.body != `{"message":"Internal Server Error"}` {
			t.Errorf("%d %s", r.status, r.body)
		}
		if n, _ := count(t, url); n != 1 || f.Starts() != 3 {
			t.Errorf("after its exit: number %d, %d starts", n, f.Starts())
		}
		if r := do(t, "GET", url+"/panic", ""); r.status != http.StatusInternalServerError || !strings.Contains(r.body, r.header.Get("X-Request-Id")) {
			t.Errorf("%d %s", r.status, r.body)
		}
		if f.Starts() != 3 {
			t.Error("a panic ended the process")
		}
	}
}

// A handler that is late is answered for in time, and its process serves on. It ends in the time of another
// invocation, whose answer is not touched.
func TestLate(t *testing.T) {
	f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}, Timeout: time.Second})
	g := gateway(t, Route{"$default", f})
	g.Domain = "api.example"
	url := serve(t, g).URL
	count(t, url) // warm
	r := do(t, "GET", url+"/sleep?for=1500ms", "")
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, r.header.Get("Apigw-Requestid")) {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	for late := 0; late == 0; {
		_, late = count(t, url)
	}
	if f.Starts() != 1 || strings.Contains(f.Logs(), "superfluous") {
		t.Errorf("%d starts", f.Starts())
	}
}

// A process that is frozen in the middle of an invocation is killed when its time is over.
func TestTimeout(t *testing.T) {
	f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}, Timeout: time.Second})
	g := gateway(t, Route{"$default", f})
	g.Domain = "api.example"
	url := serve(t, g).URL
	count(t, url)
	answered := make(chan reply)
	go func() { answered <- do(t, "GET", url+"/sleep?for=400ms", "") }()
	for busy := false; !busy; {
		f.each(func(p *process) {
			p.mu.Lock()
			busy = p.current != nil && strings.Contains(string(p.current.event), "/sleep")
			p.mu.Unlock()
		})
	}
	f.Freeze()
	if r := <-answered; r.status != http.StatusInternalServerError {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n, _ := count(t, url); n != 1 || f.Starts() != 2 {
		t.Errorf("then number %d, %d starts", n, f.Starts())
	}
}

func TestConcurrency(t *testing.T) {
	for _, c := range []struct{ concurrency, starts int }{{1, 1}, {3, 3}} {
		f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=/"}, Concurrency: c.concurrency})
		g := gateway(t, Route{"$default", f})
		g.Domain = "api.example"
		url := serve(t, g).URL
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				if r := do(t, "GET", url+"/sleep?for=300ms", ""); r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
			})
		}
		wait.Wait()
		if f.Starts() != c.starts {
			t.Errorf("concurrency %d: %d starts, want %d", c.concurrency, f.Starts(), c.starts)
		}
	}
}

// A function that cannot open says so with the correlation id, and opens when it can.
func TestOpensLater(t *testing.T) {
	needs := filepath.Join(t.TempDir(), "there")
	f := sample(t, Config{Env: []string{"SAMPLE_NEEDS=" + needs, "VETASSIST_BASE_URL=https://vet.example"}})
	url := serve(t, gateway(t, Route{"$default", f})).URL
	r := do(t, "GET", url+"/count", "")
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, r.header.Get("Apigw-Requestid")) {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if err := os.WriteFile(needs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := echoOf(t, do(t, "GET", url+"/echo/", "")); e.Base != "https://vet.example" || e.Host != "vet.example" || f.Starts() != 1 {
		t.Errorf("base %s, host %s, %d starts", e.Base, e.Host, f.Starts())
	}
}

func TestCannotStart(t *testing.T) {
	for _, env := range []string{"SAMPLE_EXITS=1", "VETASSIST_BASE_URL=http://vet.example"} {
		f := sample(t, Config{Env: []string{env}})
		_, err := f.Invoke(t.Context(), []byte(`{}`))
		if e, ok := err.(*FunctionError); !ok || e.Type != ExitError {
			t.Errorf("%s: %v", env, err)
		}
	}
	// What is no HTTP event is the function's error, told in words.
	f := sample(t, Config{})
	_, err := f.Invoke(t.Context(), []byte(`{"source":"aws.events"}`))
	if e, ok := err.(*FunctionError); !ok || !strings.Contains(e.Message, "payload format 2.0") {
		t.Errorf("%v", err)
	}
}

func TestRoutes(t *testing.T) {
	chosen := ""
	to := func(name string) Invoker {
		return invoker(func(event []byte) ([]byte, error) {
			var e struct {
				RouteKey       string            `json:"routeKey"`
				PathParameters map[string]string `json:"pathParameters"`
			}
			if err := json.Unmarshal(event, &e); err != nil || e.RouteKey != name {
				t.Errorf("route key %q in %q: %v", e.RouteKey, name, err)
			}
			chosen = name + " " + e.PathParameters["proxy"]
			return []byte(`{"statusCode":200}`), nil
		})
	}
	var routes []Route
	for _, key := range []string{"$default", "ANY /oauth/{proxy+}", "ANY /mcp", "GET /mcp", "ANY /.well-known/oauth-protected-resource/{proxy+}",
		"ANY /.well-known/oauth-protected-resource/admin/{proxy+}", "ANY /admin", "ANY /admin/{proxy+}", "GET /pets/{id}"} {
		routes = append(routes, Route{key, to(key)})
	}
	g := gateway(t, routes...)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/", "$default "},
		{"GET", "/mcp", "GET /mcp "},
		{"POST", "/mcp", "ANY /mcp "},
		{"GET", "/mcp/", "GET /mcp "},
		{"GET", "/oauth/token", "ANY /oauth/{proxy+} token"},
		{"GET", "/oauth/a/b", "ANY /oauth/{proxy+} a/b"},
		{"GET", "/oauth/", "$default "},
		{"GET", "/oauth", "$default "},
		{"GET", "/admin", "ANY /admin "},
		{"GET", "/admin/", "ANY /admin "},
		{"GET", "/admin/api/roles/Pet%20Owner", "ANY /admin/{proxy+} api/roles/Pet Owner"},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "ANY /.well-known/oauth-protected-resource/{proxy+} mcp"},
		{"GET", "/.well-known/oauth-protected-resource/admin/api", "ANY /.well-known/oauth-protected-resource/admin/{proxy+} api"},
		{"GET", "/pets/7", "GET /pets/{id} "},
		{"POST", "/pets/7", "$default "},
		{"GET", "/pets/", "$default "},
	} {
		chosen = ""
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, c.path, nil))
		if chosen != c.want {
			t.Errorf("%s %s went to %q, want %q", c.method, c.path, chosen, c.want)
		}
	}
	for _, keys := range [][]string{{"/mcp"}, {"ANY mcp"}, {"ANY /mcp/"}, {"$default", "$default"}} {
		var routes []Route
		for _, key := range keys {
			routes = append(routes, Route{key, to(key)})
		}
		if _, err := NewGateway(routes...); err == nil {
			t.Errorf("%q are routes", keys)
		}
	}
}

type invoker func([]byte) ([]byte, error)

func (f invoker) Invoke(_ context.Context, event []byte) ([]byte, error) { return f(event) }
