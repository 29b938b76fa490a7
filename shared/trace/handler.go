package trace

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/vetassist/vetassist/shared/web"
)

const maxBody = 16 << 10 // bytes of a body that are kept

// raw is an exchange as it was sent, until redact.go has read it.
type raw struct {
	request  *http.Request
	sent     capture // the request's body
	status   int
	header   http.Header
	received capture // the response's body
	links    []string
	merge    string // a flow that this exchange showed to be part of its own
	dropped  string // a link that leads nowhere from now on
}

// capture keeps the beginning of a body.
type capture struct {
	mu   sync.Mutex // a body may be read on after its handler is done
	kept bytes.Buffer
	size int
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += len(b)
	if room := maxBody - c.kept.Len(); room > 0 {
		c.kept.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// all is what was kept. It is not to be changed; what comes after it does not touch it.
func (c *capture) all() (body []byte, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Bytes(), c.size
}

// Handler records what a party receives.
func (r *Recorder) Handler(to Party, next http.Handler) http.Handler {
	if r == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !worth(to, req) {
			if page(to, req) {
				r.browser(w, req)
			}
			next.ServeHTTP(w, req)
			return
		}
		if !r.limit.Allow() || r.resting() {
			r.leftOut.Add(1)
			next.ServeHTTP(w, req)
			return
		}
		s := &span{recorder: r}
		s.record = Record{ID: newID(), To: to, Begin: r.moment()}
		s.raw.request = req
		req = req.WithContext(contextWith(req.Context(), s))
		take(req, s)
		r.join(req, s)
		if s.record.From == Browser {
			s.record.Browser = r.browser(w, req)
		}
		a := &answer{ResponseWriter: w, span: s}
		status := http.StatusInternalServerError // of a panic, which web.Observe answers
		defer func() {
			a.answered(status)
			s.rest(req)
			s.record.End = r.moment()
			r.learn(req.Context(), s)
			r.done(req.Context(), s)
		}()
		next.ServeHTTP(a, req)
		status = http.StatusOK // of a handler that writes nothing
	})
}

// take copies the request's body, as it is read. That of a form is read at once, since it can tell to which flow the request belongs.
func take(req *http.Request, s *span) {
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	body := req.Body
	rest := io.TeeReader(body, &s.raw.sent)
	if isForm(req) {
		begin, err := io.ReadAll(io.LimitReader(rest, maxBody))
		if err != nil {
			rest = failing{err}
		}
		rest = io.MultiReader(bytes.NewReader(begin), rest)
	}
	req.Body = readCloser{rest, body}
}

// rest reads what a handler left unread of a small body: one that refuses a call before it reads it, such as a call without a token. What
// was refused then belongs to the story as well. A client that waits for our leave to send its body never gets it after a refusal (RFC 9110
// §10.1.1), so nothing comes from it; of any other the server itself reads as much before it answers.
func (s *span) rest(req *http.Request) {
	if req.Body == nil || req.ContentLength <= 0 || req.ContentLength > maxBody || req.Header.Get("Expect") != "" {
		return
	}
	if _, size := s.raw.sent.all(); int64(size) < req.ContentLength {
		_, _ = io.CopyN(io.Discard, req.Body, req.ContentLength-int64(size))
	}
}

func isForm(req *http.Request) bool {
	return strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

type readCloser struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// browser is the hash of the cookie by which a browser is known; one that has none gets one.
func (r *Recorder) browser(w http.ResponseWriter, req *http.Request) string {
	secret := r.cookie.Read(req)
	if secret == "" {
		var err error
		if secret, err = web.NewSecret(rand.Reader); err != nil {
			return ""
		}
		if req.Method == http.MethodGet || req.Header.Get("Sec-Fetch-Site") != "cross-site" { // a form of another site comes without the cookie that there may be
			r.cookie.Set(w, secret, 0)
		}
	}
	return web.Hash(secret)
}

// answer copies what goes out.
type answer struct {
	http.ResponseWriter
	span *span
}

// answered notes status and header, the first time.
func (a *answer) answered(status int) {
	if a.span.raw.header == nil {
		a.span.raw.status, a.span.raw.header = status, a.Header().Clone() // whoever is around us may change it yet
	}
}

func (a *answer) WriteHeader(status int) {
	if status >= 200 {
		a.answered(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.answered(http.StatusOK)
	n, err := a.ResponseWriter.Write(b)
	a.span.raw.received.Write(b[:n])
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush is for handlers that ask for a http.Flusher.
func (a *answer) Flush() {
	a.answered(http.StatusOK)
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// worth tells whether a request is part of a story. Pages by themselves, files, preflights and streams are not.
func worth(to Party, req *http.Request) bool {
	path := req.URL.Path
	if req.Method == http.MethodOptions || req.Method == http.MethodHead || strings.Contains(path, "/assets/") {
		return false
	}
	switch to {
	case App:
		switch path {
		case "/chat", "/answer", "/logout":
			return req.Method == http.MethodPost
		case "/connect", "/callback", "/oauth-client.json":
			return true
		}
		return false
	case OAuth:
		return !strings.HasPrefix(path, "/oauth/account") && path != "/favicon.ico"
	case MCP:
		return req.Method != http.MethodGet || path != "/mcp"
	}
	return true
}

// page tells whether a browser opens a page of the chat, where it gets the cookie by which it is known.
func page(to Party, req *http.Request) bool {
	return to == App && req.Method == http.MethodGet && req.URL.Path == "/"
}
