// Command coldstart measures how long each Lambda function takes from the start of its process to its first answer, against
// the least that aws-lambda-go does, and writes a Markdown table, and with -o the same as JSON. scripts/coldstart runs it beside
// DynamoDB Local.
//
// Most first answers need the table, so a second yardstick is a minimal handler that reads one item. DynamoDB Local, a Java program, takes several
// times as long for its first requests as for later ones, and Amazon's own is never new: so it answers many before anything is measured.
//
// Each round starts every function once, one after the other, so that what else the machine does hits all alike. The times are
// of this machine; the ratios travel better. Lambda adds its own: fetching the code, and starting the sandbox.
package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
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
	{name: "the same, reading one item", pkg: module + "shared/web/lambda/coldstart/testdata/reading", method: "GET", target: "/", status: http.StatusOK},
	{name: "jwks", pkg: module + "functions/jwks/lambda", method: "GET", target: "/.well-known/jwks.json", status: http.StatusOK},
	{name: "oauth", pkg: module + "functions/oauth/lambda", method: "GET", status: http.StatusSeeOther,
		target: "/oauth/authorize?response_type=code&client_id=vet-assist-ai&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" +
			"&redirect_uri=https%3A%2F%2Fvetassist.example.com%2Fcallback&scope=pet-profile%3Aread&resource=mcp%3A%2F%2Fvetassist"},
	{name: "mcp", pkg: module + "functions/mcp/lambda", method: "POST", target: "/mcp", body: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, status: http.StatusUnauthorized},
	{name: "admin", pkg: module + "functions/admin/lambda", method: "GET", target: "/admin/", status: http.StatusOK},
	{name: "admin, asked for its API's description", pkg: module + "functions/admin/lambda", method: "GET", target: "/admin/api/v1/openapi.json", status: http.StatusOK},
	{name: "app", pkg: module + "functions/app/lambda", method: "GET", target: "/", status: http.StatusOK},
	{name: "learn", pkg: module + "functions/learn/lambda", method: "GET", target: "/flow/api/flows", status: http.StatusOK},
}

func main() {
	rounds := flag.Int("rounds", 21, "cold starts of each function")
	file := flag.String("o", "", "a file for the results, as JSON")
	flag.Parse()
	if err := report(context.Background(), os.Stdout, *file, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

// Results are what -o writes.
type Results struct {
	Date      string // of the measurement
	Commit    string
	Machine   string
	Rounds    int
	Functions []Row
}

// Row is one function's.
type Row struct {
	Name    string
	Millis  float64 // from the start of the process to the first answer, median
	Minimal float64 // the same, in times of the minimal handler's
	Reading float64 `json:",omitempty"` // and in times of the one's that reads an item
	Zipped  int64   // bytes
}

func report(ctx context.Context, out io.Writer, file string, rounds int) error {
	if err := warm(ctx, config.FromEnv(os.Getenv)); err != nil {
		return err
	}
	rows, err := run(ctx, functions, rounds, os.Environ())
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Reading = round2(rows[i].Millis / rows[1].Millis)
	}
	commit, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	r := Results{Date: time.Now().UTC().Format(time.DateOnly), Commit: strings.TrimSpace(string(commit)), Rounds: rounds, Functions: rows,
		Machine: fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())}
	r.write(out)
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// warm lets the table's engine answer what the functions will ask, until it does so at its usual speed, and now and then over a new
// connection, as a new process has.
func warm(ctx context.Context, c config.Config) error {
	var table *dynamo.DB
	for i := range 6000 {
		if table == nil || i%50 == 0 {
			var err error
			if table, err = dynamo.Open(dynamo.Options{Table: c.Table, Region: c.Region, Endpoint: c.Endpoint}, time.Now); err != nil {
				return err
			}
		}
		if _, err := table.List(ctx, store.Query{Partition: "policy/all", Prefix: "server/"}); err != nil {
			return err
		}
		if _, err := table.Get(ctx, "client/vet-assist-ai", "client"); err != nil {
			return err
		}
	}
	return nil
}

func (r Results) write(out io.Writer) {
	fmt.Fprintf(out, "| Function | First answer | Against minimal | Against reading | Zipped |\n|---|--:|--:|--:|--:|\n")
	for _, m := range r.Functions {
		fmt.Fprintf(out, "| %s | %.1f ms | %.1f× | %.1f× | %.1f MB |\n", m.Name, m.Millis, m.Minimal, m.Reading, float64(m.Zipped)/1e6)
	}
	fmt.Fprintf(out, "\nMedians of %d cold starts each, in turn; %s, commit %s; %s.\n", r.Rounds, r.Date, r.Commit, r.Machine)
}

func round2(f float64) float64 { return math.Round(f*100) / 100 }

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

// run measures; the first function is the yardstick.
func run(ctx context.Context, functions []function, rounds int, env []string) ([]Row, error) {
	dir, err := os.MkdirTemp("", "coldstart-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	list := make([]*measured, len(functions))
	for i, f := range functions {
		m := &measured{function: f}
		if m.bootstrap, err = lambdatest.Build(ctx, f.pkg, dir); err != nil {
			return nil, err
		}
		if m.zipped, err = zipped(m.bootstrap); err != nil {
			return nil, err
		}
		list[i] = m
	}
	for round := range rounds + 1 {
		for _, m := range list {
			took, err := m.start(ctx, env)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			if round > 0 { // the first brings the files into memory
				m.times = append(m.times, took)
			}
		}
	}
	rows := make([]Row, len(list))
	for i, m := range list {
		rows[i] = Row{Name: m.name, Millis: round2(float64(m.median().Microseconds()) / 1000),
			Minimal: round2(float64(m.median()) / float64(list[0].median())), Zipped: m.zipped}
	}
	return rows, nil
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
