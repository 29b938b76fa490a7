// Command coldstart measures how long each Lambda function takes from the start of its process to its first answer, against
// the least that aws-lambda-go does, and writes a Markdown table. scripts/coldstart runs it beside DynamoDB Local.
//
// Each round starts every function once, one after the other, so that what else the machine does hits all alike. The times are
// of this machine; the ratios travel better. Lambda adds its own: fetching the code, and starting the sandbox.
package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/web/lambda/lambdatest"
)

const module = "github.com/vetassist/vetassist/"

// function is what is measured: a main, and a request of which the answer has this status.
type function struct {
	name, pkg      string
	method, target string
	body           string
	status         int
}

var minimal = function{name: "minimal `aws-lambda-go` handler", pkg: module + "shared/web/lambda/coldstart/testdata/minimal", method: "GET", target: "/", status: http.StatusOK}

// All requests but those to mcp, whose first answer is the challenge to a stranger, and to learn, where nobody is logged in, read the table.
var functions = []function{
	minimal,
	{name: "jwks", pkg: module + "functions/jwks/lambda", method: "GET", target: "/.well-known/jwks.json", status: http.StatusOK},
	{name: "oauth", pkg: module + "functions/oauth/lambda", method: "GET", status: http.StatusSeeOther,
		target: "/oauth/authorize?response_type=code&client_id=vet-assist-ai&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" +
			"&redirect_uri=https%3A%2F%2Fvetassist.example.com%2Fcallback&scope=pet-profile%3Aread&resource=mcp%3A%2F%2Fvetassist"},
	{name: "mcp", pkg: module + "functions/mcp/lambda", method: "POST", target: "/mcp", body: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, status: http.StatusUnauthorized},
	{name: "admin", pkg: module + "functions/admin/lambda", method: "GET", target: "/admin/", status: http.StatusOK},
	{name: "app", pkg: module + "functions/app/lambda", method: "GET", target: "/", status: http.StatusOK},
	{name: "learn", pkg: module + "functions/learn/lambda", method: "GET", target: "/flow/api/flows", status: http.StatusOK},
}

func main() {
	rounds := flag.Int("rounds", 21, "cold starts of each function")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, functions, *rounds, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

// measured is what became of a function.
type measured struct {
	function
	bootstrap string
	zipped    int64
	times     []time.Duration
}

func (m *measured) median() time.Duration {
	slices.Sort(m.times)
	return m.times[len(m.times)/2]
}

func run(ctx context.Context, out io.Writer, functions []function, rounds int, env []string) error {
	dir, err := os.MkdirTemp("", "coldstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	list := make([]*measured, len(functions))
	for i, f := range functions {
		m := &measured{function: f}
		if m.bootstrap, err = lambdatest.Build(ctx, f.pkg, dir); err != nil {
			return err
		}
		if m.zipped, err = zipped(m.bootstrap); err != nil {
			return err
		}
		list[i] = m
	}
	for round := range rounds + 1 {
		for _, m := range list {
			took, err := m.start(ctx, env)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if round > 0 { // the first brings the files into memory
				m.times = append(m.times, took)
			}
		}
	}
	fmt.Fprintf(out, "| function | first answer | against minimal | zipped |\n|---|--:|--:|--:|\n")
	for _, m := range list {
		fmt.Fprintf(out, "| %s | %.1f ms | %.1f× | %.1f MB |\n", m.name, float64(m.median().Microseconds())/1000,
			float64(m.median())/float64(list[0].median()), float64(m.zipped)/1e6)
	}
	fmt.Fprintf(out, "\nMedians of %d cold starts each, in turn; %s/%s, %d cores, %s.\n", rounds, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	return nil
}

// start is one cold start: a process, an event, an answer, the end.
func (m *measured) start(ctx context.Context, env []string) (time.Duration, error) {
	f := lambdatest.New(lambdatest.Config{Bootstrap: m.bootstrap, Env: env, Timeout: 20 * time.Second})
	defer f.Close()
	g, err := lambdatest.NewGateway(lambdatest.Route{Key: "$default", To: f})
	if err != nil {
		return 0, err
	}
	r := httptest.NewRequestWithContext(ctx, m.method, m.target, strings.NewReader(m.body))
	r.Host = "vetassist.example.com"
	r.Header.Set("Accept", "text/html, application/json, text/event-stream")
	if m.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	start := time.Now()
	g.ServeHTTP(w, r)
	took := time.Since(start)
	if w.Code != m.status {
		return 0, fmt.Errorf("%s %s is answered %d, not %d: %s\n%s", m.method, m.target, w.Code, m.status, w.Body, f.Logs())
	}
	return took, nil
}

// zipped is the size of the archive that a deployment uploads.
func zipped(file string) (int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	var size counter
	z := zip.NewWriter(&size)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	w, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(w, in); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return int64(size), nil
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
