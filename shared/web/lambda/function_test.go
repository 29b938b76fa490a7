package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

func TestOpen(t *testing.T) {
	discard := slog.New(slog.DiscardHandler)
	for _, c := range []struct {
		name, base string
		domains    []string
		opened     string // base URLs, in order
		host       string // what the last request's handler sees
	}{
		{"first event", "", []string{"api.example"}, "https://api.example", "api.example"},
		{"once a name", "", []string{"api.example", "api.example"}, "https://api.example", "api.example"},
		{"names are not case sensitive", "", []string{"api.example", "API.example"}, "https://api.example", "api.example"},
		{"each name", "", []string{"a.example", "b.example", "a.example"}, "https://a.example https://b.example", "a.example"},
		{"one name in several spellings", "", []string{"api.example", "api.example:443", "api.example:8443", "api.example."}, "https://api.example", "api.example"},
		{"given", "https://vet.example", []string{"x.execute-api.eu-central-1.amazonaws.com"}, "https://vet.example", "vet.example"},
		{"given, no event yet", "https://vet.example/", nil, "https://vet.example", ""},
		{"given, sam local", "http://localhost:3000", []string{"localhost"}, "http://localhost:3000", "localhost:3000"},
		{"given, event without a name", "https://vet.example", []string{""}, "https://vet.example", "vet.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var opened []string
			var host string
			f, err := New(c.base, func(base string) (http.Handler, error) {
				opened = append(opened, base)
				return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host }), nil
			}, discard)
			if err != nil {
				t.Fatal(err)
			}
			for _, domain := range c.domains {
				e := get(t, "/", "")
				e.RequestContext.DomainName = domain
				invoke(t, f, t.Context(), e)
			}
			if got := strings.Join(opened, " "); got != c.opened || host != c.host {
				t.Errorf("opened %s, host %s", got, host)
			}
		})
	}
	for _, base := range []string{"vet.example", "http://vet.example", "https://vet.example/path", "https://", "https://a@b.example"} {
		if _, err := New(base, nil, discard); err == nil {
			t.Errorf("%q is a base URL", base)
		}
	}
}

// An open that fails, or a name that cannot be one, costs the event that needs it, and no other.
func TestOpenFails(t *testing.T) {
	for _, base := range []string{"", testURL} {
		var log bytes.Buffer
		fail := true
		f, err := New(base, func(string) (http.Handler, error) {
			if fail {
				return nil, errors.New("the table is missing")
			}
			return http.NotFoundHandler(), nil
		}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		out := invoke(t, f, t.Context(), get(t, "/", ""))
		refused(t, out, log.String(), http.StatusServiceUnavailable, "in a moment")
		if !strings.Contains(log.String(), "the table is missing") || strings.Contains(out.Body, "table") {
			t.Errorf("log %s; answer %s", &log, out.Body)
		}
		fail = false
		if out := invoke(t, f, t.Context(), get(t, "/", "")); out.StatusCode != http.StatusNotFound {
			t.Errorf("later it is %d", out.StatusCode)
		}
	}

	var log bytes.Buffer
	f := function(t, func(http.ResponseWriter, *http.Request) {}, &log)
	for _, domain := range []string{"", "a b", "user@evil.example", "evil.example/path", "evil.example?x", "a\r\nb",
		"localhost", "LOCALHOST.", "localhost:443", "127.0.0.1", "127.1.2.3:8080", "[::1]", "."} {
		log.Reset()
		e := get(t, "/", "")
		e.RequestContext.DomainName = domain
		refused(t, invoke(t, f, t.Context(), e), log.String(), http.StatusServiceUnavailable, "in a moment")
	}
	for i := range 3 * maxSites {
		e := get(t, "/", "")
		e.RequestContext.DomainName = fmt.Sprintf("%d.example", i)
		log.Reset()
		out := invoke(t, f, t.Context(), e)
		if i < maxSites {
			if out.StatusCode != http.StatusOK {
				t.Errorf("name %d is answered %d", i, out.StatusCode)
			}
			continue
		}
		refused(t, out, log.String(), http.StatusServiceUnavailable, "in a moment")
	}
}

func TestRequestID(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f, err := New("", func(string) (http.Handler, error) {
		return web.Observe(logger, http.NotFoundHandler()), nil
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	out := invoke(t, f, t.Context(), get(t, "/x", "code=secret"))
	if id := out.Headers["X-Request-Id"]; id != "ATfSmjLgPHcESJw=" || !strings.Contains(log.String(), "id=\""+id) || strings.Contains(log.String(), "secret") {
		t.Errorf("id %q; log %s", id, &log)
	}
	e := get(t, "/x", "")
	e.RequestContext.RequestID = ""
	if id := invoke(t, f, t.Context(), e).Headers["X-Request-Id"]; len(id) != 12 {
		t.Errorf("id %q", id)
	}
}

func TestHandlerPanics(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"at once":               func(http.ResponseWriter, *http.Request) { panic("oh") },
		"in the middle":         func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "half"); panic("oh") },
		"gives up":              func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "half"); panic(http.ErrAbortHandler) },
		"status 0":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) },
		"status 1000":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(1000) },
		"status 0, after a 200": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.WriteHeader(0) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			out := invoke(t, function(t, h, &log), t.Context(), get(t, "/", ""))
			refused(t, out, log.String(), http.StatusInternalServerError, "broke on our side")
			if strings.Contains(out.Body, "half") {
				t.Errorf("answered %q", out.Body)
			}
		})
	}
	// Under web.Observe a status that is none is a 500 as well.
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, status := range []int{0, 1000} {
		observed := web.Observe(logger, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		out := invoke(t, function(t, observed.ServeHTTP, &log), t.Context(), get(t, "/", ""))
		refused(t, out, log.String(), http.StatusInternalServerError, "broke on our side")
	}
}

// A handler has until shortly before the end of the invocation; then its client is answered without it.
func TestDeadline(t *testing.T) {
	const life = 10 * time.Second
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		after   time.Duration
	}{
		{"in time", func(w http.ResponseWriter, _ *http.Request) { time.Sleep(life - margin - time.Millisecond) }, 200, life - margin - time.Millisecond},
		{"obeys its context", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 503, life - margin},
		{"obeys it and says 500", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); http.Error(w, "", 500) }, 503, life - margin},
		{"ignores it", func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Hour) }, 503, life - margin},
		{"has written, and goes on", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "half"); time.Sleep(time.Hour) }, 503, life - margin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(life))
				defer cancel()
				f := function(t, c.handler, &log)
				start := time.Now()
				out := invoke(t, f, ctx, get(t, "/", ""))
				defer time.Sleep(2 * time.Hour) // let it come to its end
				if took := time.Since(start); took != c.after {
					t.Errorf("answered after %s", took)
				}
				if c.status == http.StatusOK {
					if out.StatusCode != http.StatusOK {
						t.Errorf("%d %s", out.StatusCode, out.Body)
					}
					return
				}
				refused(t, out, log.String(), c.status, "in a moment")
				if strings.Contains(out.Body, "half") {
					t.Errorf("answered %q", out.Body)
				}
			})
		})
	}
}

// What a handler that is late still does reaches no answer, neither its own nor that of the next invocation.
func TestLateHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var late error
		f := function(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/quick" {
				time.Sleep(30 * time.Second) // meanwhile the late one wakes up
				io.WriteString(w, "quick")
				return
			}
			w.Header().Set("X-Early", "1")
			time.Sleep(20 * time.Second)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(http.StatusAccepted)
			mu.Lock()
			defer mu.Unlock()
			_, late = io.WriteString(w, "late")
		}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		first := invoke(t, f, ctx, get(t, "/slow", ""))
		second := invoke(t, f, t.Context(), get(t, "/quick", ""))
		if first.StatusCode != http.StatusServiceUnavailable || first.Headers["X-Late"]+first.Headers["X-Early"] != "" {
			t.Errorf("first: %d %v", first.StatusCode, first.Headers)
		}
		if second.StatusCode != http.StatusOK || second.Body != "quick" || second.Headers["X-Late"] != "" {
			t.Errorf("second: %d %v %q", second.StatusCode, second.Headers, second.Body)
		}
		mu.Lock()
		defer mu.Unlock()
		if !errors.Is(late, http.ErrHandlerTimeout) {
			t.Errorf("the late handler's write: %v", late)
		}
	})
}
