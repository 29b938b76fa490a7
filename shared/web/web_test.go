package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

func newPages(t *testing.T) *web.Pages {
	t.Helper()
	pages, err := web.NewPages("/fn", fstest.MapFS{
		"pages/hello.html":  {Data: []byte(`{{define "head"}}<script src="{{asset "hello.js"}}" defer></script>{{end}}{{define "main"}}<h1>{{template "name" .}}</h1>{{end}}{{define "name"}}{{.}}{{end}}`)},
		"pages/broken.html": {Data: []byte(`{{define "main"}}{{.No.Such.Field}}{{end}}`)},
		"static/hello.js":   {Data: []byte(`"use strict";`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestPage(t *testing.T) {
	w := httptest.NewRecorder()
	if err := newPages(t).Render(w, http.StatusTeapot, "hello.html", web.Page{Title: "Hi", Data: "<Bob>"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>Hi · VetAssist</title>", "<h1>&lt;Bob&gt;</h1>", `<script src="/fn/assets/hello.js?v=`, `href="/fn/assets/style.css?v=`, `lang="en"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	csp := w.Header().Get("Content-Security-Policy")
	for header, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
	if w.Code != http.StatusTeapot || !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "form-action") {
		t.Errorf("%d, %s", w.Code, csp)
	}
}

// TestNothingHalfWritten: a page that fails leaves the answer to the caller.
func TestNothingHalfWritten(t *testing.T) {
	pages := newPages(t)
	for _, name := range []string{"broken.html", "none.html"} {
		w := httptest.NewRecorder()
		if err := pages.Render(w, http.StatusOK, name, web.Page{Data: "x"}); err == nil || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: %v, wrote %q", name, err, w.Body)
		}
	}
	if got, err := pages.Fragment("hello.html", "name", "<i>"); err != nil || got != "&lt;i&gt;" {
		t.Errorf("fragment %q, %v", got, err)
	}
}

func TestAssets(t *testing.T) {
	pages := newPages(t)
	mux := http.NewServeMux()
	mux.Handle(pages.AssetsPattern(), pages.Assets())
	w := httptest.NewRecorder()
	if err := pages.Render(w, http.StatusOK, "hello.html", web.Page{Data: "x"}); err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`/fn/assets/[^"]+`).FindAllString(w.Body.String(), -1)
	if len(links) < 3 {
		t.Fatalf("links %q", links)
	}
	for _, link := range links {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", link, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", link, w.Code, w.Header())
		}
	}
	for link, status := range map[string]int{"/fn/assets/style.css": 200, "/fn/assets/style.css?v=old": 200, "/fn/assets/none.css": 404, "/fn/assets/": 404, "/fn/assets/..%2fpages%2fhello.html": 404} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", link, nil))
		if w.Code != status || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", link, w.Code, w.Header())
		}
	}
}

// TestModules: what a module imports by a relative path comes from the same folder, and with it is from the same release.
func TestModules(t *testing.T) {
	serve := func(hello string) (http.Handler, string) {
		pages, err := web.NewPages("/fn", fstest.MapFS{
			"pages/app.html": {Data: []byte(`{{define "head"}}<script type="module" src="{{module "app.js"}}"></script>{{end}}`)},
			"static/app.js":  {Data: []byte(`import "./hello.js";`)}, "static/hello.js": {Data: []byte(hello)},
		})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := pages.Render(w, http.StatusOK, "app.html", web.Page{NoHTML: true}); err != nil {
			t.Fatal(err)
		}
		if csp := strings.Join(w.Header().Values("Content-Security-Policy"), ", "); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "require-trusted-types-for 'script'") {
			t.Errorf("policy %s", csp)
		}
		mux := http.NewServeMux()
		mux.Handle(pages.AssetsPattern(), pages.Assets())
		mux.Handle(pages.ModulesPattern(), pages.Assets())
		return mux, regexp.MustCompile(`/fn/assets/[0-9a-f]+/app.js`).FindString(w.Body.String())
	}
	mux, app := serve("1")
	next, later := serve("2")
	if app == "" || app == later {
		t.Fatalf("the address %q stays when an imported file changes", app)
	}
	for _, c := range []struct {
		mux            http.Handler
		link, body, cc string
		status         int
	}{
		{mux, app, `import "./hello.js";`, "public, max-age=31536000, immutable", 200},
		{mux, path.Dir(app) + "/hello.js", "1", "public, max-age=31536000, immutable", 200},
		{next, path.Dir(app) + "/hello.js", "2", "no-store", 200}, // a page from before the update
		{mux, path.Dir(app) + "/none.js", "404 page not found\n", "", 404},
	} {
		w := httptest.NewRecorder()
		c.mux.ServeHTTP(w, httptest.NewRequest("GET", c.link, nil))
		if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Cache-Control") != c.cc {
			t.Errorf("%s: %d %q %v", c.link, w.Code, w.Body, w.Header())
		}
	}
}

func TestObserve(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	handler := web.Observe(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("a secret cause")
		case "/fail":
			web.Fail(w, r, log, errors.New("a secret cause"))
		}
	}))
	for _, path := range []string{"/panic?code=s3cret", "/fail?code=s3cret", "/fine?code=s3cret"} {
		logged.Reset()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		id := w.Header().Get("X-Request-Id")
		if len(id) < 12 || !strings.Contains(logged.String(), id) || strings.Contains(logged.String(), "s3cret") {
			t.Errorf("%s: id %q, log %s", path, id, &logged)
		}
		if strings.HasPrefix(path, "/fine") {
			continue
		}
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), "secret") || !strings.Contains(logged.String(), "a secret cause") {
			t.Errorf("%s: %d %s, log %s", path, w.Code, w.Body, &logged)
		}
	}
}

func TestPublic(t *testing.T) {
	h := web.Public("GET", func(w http.ResponseWriter, _ *http.Request) { web.JSON(w, http.StatusOK, map[string]int{"n": 1}) })
	for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != status || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

func TestCookie(t *testing.T) {
	secret, err := web.NewSecret(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil || len(secret) != web.SecretLength || web.Hash(secret) == secret {
		t.Fatalf("%q, %v", secret, err)
	}
	if _, err := web.NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret of five bytes")
	}
	for base, name := range map[string]string{"http://localhost:8080": "c", "https://vet.example": "__Host-c"} {
		cookie := web.NewCookie("c", base)
		w := httptest.NewRecorder()
		cookie.Set(w, secret, 0)
		cookie.Set(w, secret, time.Hour)
		cookie.Clear(w)
		set := w.Result().Cookies()
		for i, maxAge := range []int{0, 3600, -1} {
			c := set[i]
			if c.Name != name || c.Secure != strings.HasPrefix(base, "https") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != maxAge {
				t.Errorf("%s: %v", base, c)
			}
		}
		for value, want := range map[string]string{secret: secret, "": "", secret + "A": "", "short": ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: name, Value: value})
			if got := cookie.Read(r); got != want {
				t.Errorf("%s: read %q of %q", base, got, value)
			}
		}
		if got := cookie.Read(httptest.NewRequest("GET", "/", nil)); got != "" {
			t.Errorf("%s: read %q of nothing", base, got)
		}
	}
}
