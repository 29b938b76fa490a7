package lambda

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

type (
	request  = events.APIGatewayV2HTTPRequest
	response = events.APIGatewayV2HTTPResponse
)

// load reads an event as a gateway sends it.
func load(t testing.TB, name string) request {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var e request
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// get is the event of a GET, as API Gateway sends it.
func get(t testing.TB, path, query string) request {
	t.Helper()
	e := load(t, "http-api.json")
	e.RequestContext.HTTP.Method, e.Body, e.IsBase64Encoded = "GET", "", false
	e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString = path, path, query
	return e
}

const testURL = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"

// function answers with h, at the domain name that events have.
func function(t testing.TB, h http.HandlerFunc, log io.Writer) *Function {
	t.Helper()
	return functionAt(t, "", h, log)
}

func functionAt(t testing.TB, baseURL string, h http.HandlerFunc, log io.Writer) *Function {
	t.Helper()
	if log == nil {
		log = io.Discard
	}
	f, err := New(baseURL, func(string) (http.Handler, error) { return h, nil }, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func invoke(t testing.TB, f *Function, ctx context.Context, e request) response {
	t.Helper()
	out, err := f.Invoke(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// seen is what the handler gets of an event.
func seen(t testing.TB, e request) (*http.Request, string) {
	t.Helper()
	var got *http.Request
	var body []byte
	base := ""
	if e.RequestContext.DomainName == "localhost" { // where "sam local" says the base URL
		base = "http://localhost:3000"
	}
	f := functionAt(t, base, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	}, nil)
	if out := invoke(t, f, t.Context(), e); out.StatusCode != http.StatusOK {
		t.Fatalf("answered %d: %s", out.StatusCode, out.Body)
	}
	return got, string(body)
}
