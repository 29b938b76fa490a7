package admin

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

const testBase = "http://vet.example"

func openConsole(t *testing.T) func(method, link string) *httptest.ResponseRecorder {
	t.Helper()
	console, err := newConsole(testBase, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return func(method, link string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		console.ServeHTTP(w, httptest.NewRequest(method, link, nil))
		return w
	}
}

// TestConsoleShell: every screen has an address, and all of them are one page.
func TestConsoleShell(t *testing.T) {
	ask := openConsole(t)
	first := ask("GET", "/admin/").Body.String()
	for _, want := range []string{"data-client-id=\"vetassist-console\"", "data-redirect-uri=\"" + testBase + "/admin/callback\"", "data-resource=\"" + testBase + "/admin/api\"",
		"data-metadata=\"" + testBase + "/.well-known/oauth-protected-resource/admin/api\"", "<noscript>", ">MCP Servers<", ">User Management<", ">Users<", ">Roles<", ">Applications<"} {
		if !strings.Contains(first, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, link := range []string{"/admin/", "/admin/callback?code=c&state=s", "/admin/users/user-bob", "/admin/roles/Pet%20Owner?tab=users", "/admin/applications/https:%2F%2Fapp.example%2Fclient.json"} {
		w := ask("GET", link)
		if w.Code != http.StatusOK || w.Body.String() != first {
			t.Errorf("%s: %d, the same page: %v", link, w.Code, w.Body.String() == first)
		}
		for header, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s: %q", link, header, got)
			}
		}
		csp := strings.Join(w.Header().Values("Content-Security-Policy"), ", ")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: policy %s lacks %s, or is unsafe", link, csp, want)
			}
		}
	}
	if w := ask("POST", "/admin/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestConsoleIsNotTheAPI: what is no screen is not answered with the page, or a mistyped call would look like a success.
func TestConsoleIsNotTheAPI(t *testing.T) {
	ask := openConsole(t)
	for _, link := range []string{"/admin/api/", "/admin/api/v1/users", "/admin/assets/", "/admin/assets/none.js", "/admin/assets/0/none.js", "/admin/assets/0/0/console.js"} {
		if w := ask("GET", link); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<html") {
			t.Errorf("%s: %d", link, w.Code)
		}
	}
}

var (
	entry    = regexp.MustCompile(`<script type="module" src="(/admin/assets/[0-9a-f]+/console\.js)">`)
	imported = regexp.MustCompile(`(?m)^import .* from "\./([a-z-]+\.js)";$`)
)

// TestConsoleModules: all that the scripts import is there, of the same release and to be kept, and nothing is left over.
func TestConsoleModules(t *testing.T) {
	ask := openConsole(t)
	m := entry.FindStringSubmatch(ask("GET", "/admin/").Body.String())
	if m == nil {
		t.Fatal("the page has no script")
	}
	seen := map[string]bool{}
	wanted := []string{path.Base(m[1])}
	for len(wanted) > 0 {
		name := wanted[0]
		wanted = wanted[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		w := ask("GET", path.Dir(m[1])+"/"+name)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		for _, other := range imported.FindAllStringSubmatch(w.Body.String(), -1) {
			wanted = append(wanted, other[1])
		}
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"} {
			if strings.Contains(w.Body.String(), never) {
				t.Errorf("%s uses %s", name, never)
			}
		}
		if lines := strings.Count(w.Body.String(), "\n"); lines > 300 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
	all, err := fs.Glob(consoleFiles, "static/*.js")
	if err != nil || len(all) == 0 {
		t.Errorf("%d scripts, %v", len(all), err)
	}
	for _, file := range all {
		if !seen[path.Base(file)] {
			t.Errorf("nothing uses %s", file)
		}
	}
}
