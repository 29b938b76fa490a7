package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// hasty are times for which a test can wait.
var hasty = Times{Header: 400 * time.Millisecond, Read: 600 * time.Millisecond, Write: 2 * time.Second, Idle: 300 * time.Millisecond,
	Stop: 3 * time.Second, Client: 400 * time.Millisecond, Quiet: 100 * time.Millisecond}

const enough = 10 * time.Second // for whatever a test waits for: it comes earlier, or is a failure

// dial opens a connection to the server and sends this.
func (w *world) dial(text string) *net.TCPConn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.listeners[0].Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(enough))
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "HOST", w.host())); err != nil {
		w.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// rest is all that still comes over a connection, which the server must end.
func (w *world) rest(c net.Conn) string {
	w.t.Helper()
	all, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Errorf("the server does not end the connection after %q", all)
	}
	return string(all)
}

const (
	keys     = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: HOST\r\n"
	formPost = "POST /oauth/token HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)

// TestSlowClients: whoever is slow, or never ends, loses the connection; everybody else is answered meanwhile.
func TestSlowClients(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Times = hasty })
	for _, c := range []struct {
		name, begin, then string // then comes letter by letter, slower than the server's patience
		says              string // what the client hears before the end; empty: nothing
	}{
		{"says nothing", "", "", ""},
		{"half a request line", "GET /.well-kn", "own/jwks.json HTTP/1.1\r\nHost: HOST\r\nX-Slow: slow", "HTTP/1.1 400 "},
		{"headers without an end", keys, "X-Slow: " + strings.Repeat("a", 100), ""},
		{"a body without an end", formPost + "Content-Length: 1000\r\n\r\n", strings.Repeat("a", 100), "HTTP/1.1 400 "},
		{"chunks without an end", formPost + "Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\na\r\n", 20), "HTTP/1.1 400 "},
		{"a body that never begins", formPost + "Content-Length: 1000\r\n\r\n", "", "HTTP/1.1 400 "},
		{"nothing after an answer", keys + "\r\n", "", "HTTP/1.1 200 OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := w.in(t)
			slow := w.dial(c.begin)
			go func() { // the drip
				for i := range len(c.then) {
					if _, err := slow.Write([]byte{c.then[i]}); err != nil {
						return
					}
					time.Sleep(hasty.Header / 16)
				}
			}()
			if a := w.send("GET", "/.well-known/jwks.json", ""); a.status != http.StatusOK {
				t.Errorf("somebody else meanwhile: %d", a.status)
			}
			if got := w.rest(slow); c.says == "" && got != "" || !strings.HasPrefix(got, c.says) {
				t.Errorf("it hears %q, and not %q", got, c.says)
			}
		})
	}
}

// A client that asks for more and more and reads nothing of it is cut off, and nobody else notices.
func TestSlowReader(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Times = hasty })
	c := w.dial("")
	_ = c.SetReadBuffer(4 << 10)
	_ = c.SetDeadline(time.Now().Add(3 * enough))
	var err error
	for err == nil { // pipelined, until the server has no room for one more answer, and then no time
		_, err = io.WriteString(c, strings.ReplaceAll("GET /admin/api/v1/openapi.json HTTP/1.1\r\nHost: HOST\r\n\r\n", "HOST", w.host()))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server waits for it for ever")
	}
	if a := w.send("GET", "/.well-known/jwks.json", ""); a.status != http.StatusOK {
		t.Errorf("somebody else: %d", a.status)
	}
}

// TestRequestLimits: what is too large, too deep or no HTTP is refused in words, and no more of it is read.
func TestRequestLimits(t *testing.T) {
	w := newWorld(t)
	token := w.tokensFor("bob", "pet-profile:read").Access
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	post := func(path, body string, headers ...string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s",
			path, strings.Join(headers, ""), len(body), body)
	}
	bearer := "Authorization: Bearer " + token + "\r\n"
	get := func(path, headers string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: HOST\r\n" + headers + "\r\n"
	}
	for _, c := range []struct {
		name, request string
		status        int
		says          string
	}{
		{"a long address", get("/?"+strings.Repeat("a", 20_000), ""), 414, "too long: 16384 bytes are the most"},
		{"one as long as it may be", get("/.well-known/jwks.json?"+strings.Repeat("a", maxAddress-len("/.well-known/jwks.json?")), ""), 200, `"keys"`},
		{"a byte longer", get("/.well-known/jwks.json?"+strings.Repeat("a", maxAddress+1-len("/.well-known/jwks.json?")), ""), 414, "too long"},
		{"an address without an end", get("/?"+strings.Repeat("a", 100_000), ""), 431, "Request Header Fields Too Large"},
		{"many headers", get("/", strings.Repeat("X-A: b\r\n", maxFields+1)), 431, "too many headers: 100 are the most"},
		{"one less", get("/.well-known/jwks.json", strings.Repeat("X-A: b\r\n", maxFields)), 200, `"keys"`},
		{"large headers", get("/", "Cookie: "+strings.Repeat("b", 40_000)+"\r\n"), 431, "delete the cookies"},
		{"headers without an end", get("/", "X-A: "+strings.Repeat("b", 200_000)+"\r\n"), 431, "Request Header Fields Too Large"},
		{"a large form", strings.Replace(post("/oauth/token", "a="+strings.Repeat("x", 100_000)), "application/json\r\nA", "application/x-www-form-urlencoded\r\nA", 1), 400, "at most 64 KiB"},
		{"a large message", post("/chat", `{"message":"`+strings.Repeat("x", 100_000)+`"}`), 413, "may have 2,000 bytes"},
		{"a large call", post("/mcp", `"`+strings.Repeat("x", 1<<20)+`"`, bearer), 413, "larger than 1 MiB"},
		{"a large registration", post("/oauth/register", `"`+strings.Repeat("x", 100_000)+`"`), 400, "at most 16384 bytes"},
		{"a deep call", post("/mcp", deep, bearer), 400, "not JSON"},
		{"deep arguments", post("/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_pets","arguments":{"x":`+deep+`}}}`, bearer), 400, "not JSON"},
		{"a deep message", post("/chat", deep), 400, "not readable"},
		{"a deep registration", post("/oauth/register", `{"redirect_uris":`+strings.Repeat("[", 16_000)), 400, "invalid_client_metadata"},
		{"no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "missing required Host header"},
		{"two lengths", "POST /oauth/token HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "400 Bad Request"},
		{"no HTTP", "GET /\r\n\r\n", 400, "400 Bad Request"},
		{"TRACE, which would show cookies to scripts", "TRACE / HTTP/1.1\r\nHost: HOST\r\nCookie: secret=1\r\nConnection: close\r\n\r\n", 405, "Method Not Allowed"},
		{"CONNECT, as if we were a proxy", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n", 421, "answers at"},
		{"a method of nobody", "BREW / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 405, "Method Not Allowed"},
		{"a strange encoding", "POST /oauth/token HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "Unsupported transfer encoding"},
		{"HTTP/1.0, without keeping the connection", "GET /.well-known/jwks.json HTTP/1.0\r\nHost: HOST\r\n\r\n", 200, `"keys"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			conn := w.dial("")
			go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(c.request, "HOST", w.host())) }() // it may not be read to its end
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.says) || strings.Contains(string(body), "secret=1") {
				t.Errorf("%s: %.300s", resp.Status, body)
			}
			if tooMuch := resp.StatusCode == http.StatusRequestURITooLong || resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge; tooMuch && !resp.Close {
				t.Errorf("the connection stays open")
			}
		})
	}
}

// Requests that come before the answers to earlier ones are answered in their order (RFC 9112 §9.3.2).
func TestPipelining(t *testing.T) {
	w := newWorld(t)
	c := w.dial(keys + "\r\n" + "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: HOST\r\n\r\n" + keys + "Connection: close\r\n\r\n")
	r := bufio.NewReader(c)
	for _, says := range []string{`"keys"`, `"issuer"`, `"keys"`} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), says) {
			t.Errorf("%v %s, and not %s", err, body, says)
		}
	}
}

// What is left of a body that was too large is no request: it is not read, and the answer says that the connection ends (RFC 9112 §9.3, §11.2). Were it
// read, whoever shares a connection to us, behind a proxy, could have answers meant for others.
func TestBodyIsNoRequest(t *testing.T) {
	w := newWorld(t)
	admin := w.administrator()
	bearer := "Authorization: Bearer " + w.tokensFor("bob", "pet-profile:read").Access + "\r\n"
	hidden := strings.ReplaceAll(keys+"\r\n", "HOST", w.host())
	body := strings.Repeat(hidden, 2<<20/len(hidden))
	for _, to := range []struct {
		path, headers string
		status        string
	}{
		{"/admin/api/v1/users", "Authorization: Bearer " + admin.token + "\r\nContent-Type: application/json\r\n", "413"},
		{"/admin/api/v1/users", "Content-Type: application/json\r\n", "401"},
		{"/mcp", bearer + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n", "413"},
		{"/chat", "Content-Type: application/json\r\n", "400"}, // it is no JSON, as its first letters tell
		{"/oauth/token", "Content-Type: application/x-www-form-urlencoded\r\n", "400"},
		{"/oauth/register", "Content-Type: application/json\r\n", "400"},
		{"/.well-known/jwks.json", "", "405"},
	} {
		for name, framed := range map[string]string{
			"with its length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
			"in one chunk":    fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		} {
			t.Run(to.path+" "+to.status+" "+name, func(t *testing.T) {
				w := w.in(t)
				conn := w.dial("")
				go func() { // it may not be read to its end
					_, _ = io.WriteString(conn, "POST "+to.path+" HTTP/1.1\r\nHost: "+w.host()+"\r\n"+to.headers+framed)
				}()
				answers := w.rest(conn)
				if n := strings.Count(answers, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(answers, "HTTP/1.1 "+to.status) || !strings.Contains(answers, "\r\nConnection: close\r\n") {
					t.Errorf("%d answers: %.600s", n, answers)
				}
			})
		}
	}
}

// Nobody can be sure where a request ends that says a length and comes in chunks, so nothing after it is a request (RFC 9112 §6.1).
func TestTwoLengths(t *testing.T) {
	w := newWorld(t)
	c := w.dial(formPost + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + keys + "\r\n")
	if answers := w.rest(c); strings.Count(answers, "HTTP/1.1 ") != 1 || !strings.HasPrefix(answers, "HTTP/1.1 401") || !strings.Contains(answers, "\r\nConnection: close\r\n") {
		t.Errorf("%q", answers)
	}
}

// TestFull: where all connections are taken, the one that waits longest for nothing gives way; where all are at work, who comes is told when to
// come again.
func TestFull(t *testing.T) {
	const room, quiet = 3, 500 * time.Millisecond // within which a slow machine, too, sees two refused
	w := newWorld(t, func(o *Options) {
		o.Times, o.MaxConnections = hasty, room
		o.Times.Header, o.Times.Read, o.Times.Write, o.Times.Idle = enough, enough, enough, enough
		o.Times.Quiet = quiet
	})
	working := w.dial(formPost + "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	begun, err := http.ReadResponse(bufio.NewReader(working), nil) // its handler waits for the body
	if err != nil || begun.StatusCode != http.StatusContinue {
		t.Fatal(begun, err)
	}
	idle := []*net.TCPConn{w.dial(""), w.dial("GET /half-a-li")}
	for until := time.Now().Add(enough); w.Connections() < room && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	// At once nobody has waited long enough to give way.
	for _, sent := range []string{"", keys + "\r\n"} {
		if got := w.rest(w.dial(sent)); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After: 1\r\n") || !strings.Contains(got, "try again in a moment") {
			t.Errorf("the one too many hears %q after %q", got, sent)
		}
	}
	time.Sleep(quiet + hasty.Quiet)
	for range 3 { // the third takes the place of the first, which has its answer and asks no more
		late := w.dial(keys + "\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		time.Sleep(quiet + hasty.Quiet)
	}
	for _, c := range idle {
		if got := w.rest(c); got != "" {
			t.Errorf("who waited hears %q", got)
		}
	}
	if n := w.Connections(); n > room {
		t.Errorf("%d connections", n)
	}
	if _, err := io.WriteString(working, "0123456789"); err != nil {
		t.Error("the one at work gave way")
	}
	if resp, err := http.ReadResponse(bufio.NewReader(working), nil); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the one at work: %v %v", resp, err)
	}
}

// TestFullOfTheRefused: of those for whom there is no room, so many at once hear why. Who comes on top is let go without a word, and costs nothing;
// when the others are gone, whoever comes hears it again.
func TestFullOfTheRefused(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Times, o.MaxConnections = hasty, 1
		o.Times.Read, o.Times.Quiet = time.Minute, time.Minute
	})
	working := w.dial(formPost + "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	begun, err := http.ReadResponse(bufio.NewReader(working), nil)
	if err != nil || begun.StatusCode != http.StatusContinue {
		t.Fatal(begun, err)
	}
	var refused []*net.TCPConn // which they do not close
	heard := func() bool {
		c := w.dial("")
		refused = append(refused, c)
		answer, _ := io.ReadAll(c)
		if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
			t.Fatalf("%q", answer)
		}
		return len(answer) > 0
	}
	for len(refused) < 4*refusingAtOnce && heard() { // on a slow machine the first are gone before the last come
	}
	if n := len(refused) - 1; n < refusingAtOnce || n == 4*refusingAtOnce {
		t.Errorf("%d were told", n)
	}
	for _, c := range refused {
		c.Close()
	}
	again := false
	for until := time.Now().Add(enough); !again && time.Now().Before(until); again = heard() {
	}
	if !again {
		t.Error("nobody is told any more")
	}
	if _, err := io.WriteString(working, "0123456789"); err != nil {
		t.Error(err)
	}
}

// TestStopWithSlowClients: clients that hold on to their connections do not keep a server from stopping, nor make a failure of it.
func TestStopWithSlowClients(t *testing.T) {
	for name, request := range map[string]string{
		"nothing sent": "", "half a header": keys, "half a body": formPost + "Content-Length: 10\r\n\r\nabc", "idle": keys + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *Options) {
				o.Times = hasty
				o.Times.Header, o.Times.Read, o.Times.Idle = time.Minute, time.Minute, time.Minute
			})
			w.dial(request)
			for until := time.Now().Add(enough); w.Connections() == 0 && time.Now().Before(until); {
				time.Sleep(time.Millisecond)
			}
			begin := time.Now()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took >= hasty.Stop {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestStopAnswers: a request that comes over an open connection while the server stops is answered, and told that it was the last one there.
func TestStopAnswers(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Times = hasty
		o.Times.Quiet, o.Times.Client, o.Times.Stop, o.Times.Idle = enough, enough, enough, enough
	})
	c := w.dial(keys + "\r\n")
	in := bufio.NewReader(c)
	answered := func() *http.Response {
		t.Helper()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %s %s", err, resp.Status, body)
		}
		return resp
	}
	if answered().Close {
		t.Error("the connection ends with its first answer")
	}
	stopped := make(chan error, 1)
	go func() { stopped <- w.Close() }()
	for !w.conns.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	if _, err := io.WriteString(c, strings.ReplaceAll(keys+"\r\n", "HOST", w.host())); err != nil {
		t.Fatal(err)
	}
	if !answered().Close {
		t.Error("nobody says that it was the last answer")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
