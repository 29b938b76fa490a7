package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/net/http/httpguts"
)

// maxAnswer is what Lambda takes of a function: the JSON of the answer, so a body counts with its base64 or its escapes.
const maxAnswer = 6_291_556

var errTooLarge = errors.New("lambda: the answer is larger than Lambda takes")

// answer is the http.ResponseWriter of a handler. It behaves as that of net/http: the first status counts, headers count
// until then, a HEAD and a 204 have no body. Once it is closed nothing more gets in, as with http.TimeoutHandler.
type answer struct {
	head bool // of a HEAD request

	mu     sync.Mutex
	closed bool
	err    error
	status int // 0: nothing was written
	live   http.Header
	sent   http.Header // as they were when the status was written
	body   bytes.Buffer
}

func newAnswer(method string) *answer {
	return &answer{head: method == http.MethodHead, live: http.Header{}}
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.live }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) // as net/http does
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if status >= 200 { // earlier ones are hints, which API Gateway does not pass on
		a.start(status)
	}
}

func (a *answer) start(status int) {
	if a.closed || a.status != 0 {
		return
	}
	a.status, a.sent = status, a.live.Clone()
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return 0, http.ErrHandlerTimeout
	}
	a.start(http.StatusOK)
	switch {
	case a.status == http.StatusNoContent || a.status == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed // RFC 9110 §6.4.1
	case a.head:
		return len(b), nil
	case a.body.Len()+len(b) > maxAnswer:
		a.err = errTooLarge
		a.body = bytes.Buffer{}
	}
	if a.err != nil {
		return 0, a.err
	}
	return a.body.Write(b)
}

// FlushError is for handlers that stream: API Gateway waits for the whole answer.
func (a *answer) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return http.ErrHandlerTimeout
	}
	a.start(http.StatusOK)
	return nil
}

// Flush implements http.Flusher.
func (a *answer) Flush() { a.FlushError() }

// end is for a handler that returned. What comes back is the status that it wrote, 0 when it wrote nothing, which means 200.
func (a *answer) end() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wrote := a.status
	a.start(http.StatusOK)
	a.closed = true
	return wrote, a.err
}

// abandon is for a handler that has not returned: it may go on, but nothing of it is used.
func (a *answer) abandon() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed, a.body = true, bytes.Buffer{}
}

// hopByHop are headers between us and API Gateway, which makes its own (RFC 9110 §7.6.1); so it does the length and the date.
var hopByHop = []string{"Connection", "Content-Length", "Date", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// copyTo hands over an answer that has ended.
func (a *answer) copyTo(w http.ResponseWriter) {
	oneLine := strings.NewReplacer("\r", " ", "\n", " ") // as net/http does
	for name, values := range a.sent {
		if !httpguts.ValidHeaderFieldName(name) {
			continue
		}
		for _, value := range values {
			w.Header().Add(name, oneLine.Replace(value))
		}
	}
	for _, name := range hopByHop {
		w.Header().Del(name)
	}
	w.WriteHeader(a.status)
	if a.body.Len() > 0 {
		w.Write(a.body.Bytes())
	}
}

// fits reports whether Lambda takes an answer. The JSON of a byte has at most six bytes, so most need no counting.
func fits(out events.APIGatewayV2HTTPResponse) bool {
	if len(out.Body) < maxAnswer/8 {
		return true
	}
	size := counter(0)
	encoder := json.NewEncoder(&size)
	encoder.SetEscapeHTML(false) // as aws-lambda-go does
	return encoder.Encode(out) == nil && size <= maxAnswer
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
