// Package secrettest helps to prove that no secret ends up where it does not belong. While VETASSIST_SECRETS_DIR names a folder, the servers
// that tests start note there the end of each secret that they give out, and all that they log. After the whole test run, scripts/secrets looks
// for the former in the latter and in the output of the tests. Without the variable nothing happens here. No program imports this, tests do.
package secrettest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Dir names the folder.
const Dir = "VETASSIST_SECRETS_DIR"

// TailLength is how much of a secret is noted: enough to know it by, as nothing else ends so, and too little to use it.
const TailLength = 20

// Watch notes the secrets in the answers of a handler, and the tokens in the requests to it.
func Watch(next http.Handler) http.Handler {
	if os.Getenv(Dir) == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
			note("Authorization", token)
		}
		answer := &tee{ResponseWriter: w}
		defer func() { // a handler may give up with a panic
			noteAnswer(w.Header(), answer.body.Bytes())
		}()
		next.ServeHTTP(answer, r)
	})
}

// Log is a writer for a server's log, of which a copy is kept.
func Log(w io.Writer) io.Writer {
	if os.Getenv(Dir) == "" {
		return w
	}
	return io.MultiWriter(w, appender("log"))
}

// tee keeps the beginning of an answer. Every secret stands in the first bytes of a short one.
type tee struct {
	http.ResponseWriter
	body bytes.Buffer
}

const maxKept = 256 << 10

func (t *tee) Write(b []byte) (int, error) {
	t.body.Write(b[:min(len(b), maxKept-t.body.Len())])
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

var (
	members   = regexp.MustCompile(`"(access_token|refresh_token|id_token|client_secret|device_code|request_uri|registration_access_token|token|secret|password|privateKey)"\s*:\s*"([^"\\]+)"`)
	formToken = regexp.MustCompile(`name="(form_token)" value="([^"]+)"`)
)

func noteAnswer(h http.Header, body []byte) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		note("cookie", c.Value)
	}
	if to, err := url.Parse(h.Get("Location")); err == nil {
		note("code", to.Query().Get("code"))
	}
	for _, pattern := range []*regexp.Regexp{members, formToken} {
		for _, found := range pattern.FindAllSubmatch(body, -1) {
			note(string(found[1]), string(found[2]))
		}
	}
}

// note writes down a secret that a machine made; those of people are shorter, and in the README.
func note(kind, secret string) {
	if len(secret) >= 2*TailLength && !strings.Contains(secret, " ") {
		fmt.Fprintf(appender("secrets"), "%s %s\n", kind, secret[len(secret)-TailLength:])
	}
}

// appender adds to a file of this process.
type appender string

var appending sync.Mutex

func (name appender) Write(b []byte) (int, error) {
	appending.Lock()
	defer appending.Unlock()
	f, err := os.OpenFile(filepath.Join(os.Getenv(Dir), fmt.Sprintf("%s-%d", string(name), os.Getpid())), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return n, err
}
