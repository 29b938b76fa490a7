package lambda

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/web"
)

// What every function has around it: its own address, a number for each request, a bound for each body.
func TestObserved(t *testing.T) {
	h := host.Host{Config: config.Config{Lambda: true}, Log: slog.New(slog.DiscardHandler)}
	f, err := observed(h, "", func(h host.Host) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var large *http.MaxBytesError
			if _, err := io.Copy(io.Discard, r.Body); errors.As(err, &large) {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			io.WriteString(w, h.BaseURL+" "+web.ClientAddress(r.Context()))
		}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e := get(t, "/", "")
	for n, want := range map[int]int{web.MaxBody: http.StatusOK, web.MaxBody + 1: http.StatusRequestEntityTooLarge} {
		e.Body = strings.Repeat("x", n)
		out := invoke(t, f, t.Context(), e)
		if out.StatusCode != want || out.Headers["X-Request-Id"] != e.RequestContext.RequestID || out.Body != testURL+" "+e.RequestContext.HTTP.SourceIP {
			t.Errorf("%d bytes: %d %v %s", n, out.StatusCode, out.Headers, out.Body)
		}
	}
}

// A setting that is wrong ends the start. One of this machine would let in the demo's passwords.
func TestObservedWants(t *testing.T) {
	for _, base := range []string{"http://vet.example", "https://localhost", "http://127.0.0.1:3000"} {
		h := host.Host{Config: config.Config{Lambda: true, BaseURL: base}, Log: slog.New(slog.DiscardHandler)}
		if _, err := observed(h, "", nil); err == nil {
			t.Errorf("it starts with %s", base)
		}
	}
}
