package admin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func (w *world) get(path string) answer {
	w.t.Helper()
	resp, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

// TestOpenAPI: the document is one, by the judgement of others.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Error(e)
			for _, s := range e.SchemaValidationErrors {
				t.Error(s.Reason, s.FieldPath)
			}
		}
	}
	w := newWorld(t)
	a := w.get("/admin/api/v1/openapi.json")
	if !strings.Contains(string(a.body), `"openapi":"3.1.0"`) || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %.200s", a.header, a.body)
	}
}

// TestDocs: the page for people tells of each operation, and works without anything from elsewhere.
func TestDocs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.get("/admin/api/v1/docs").want(t, "the page", 200)
	page := string(a.body)
	for _, op := range operations(t) {
		if !strings.Contains(page, `id="`+op.id+`"`) || !strings.Contains(page, "<code>"+op.path+"</code>") {
			t.Errorf("the page does not tell of %s", op.id)
		}
	}
	for _, word := range []string{"redirect_uris", "If-Match", "access_tokens_valid_until", "admin:write", "next | current | retiring"} {
		if !strings.Contains(page, word) {
			t.Errorf("the page does not tell of %s", word)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("CSP %q", csp)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.get("/.well-known/oauth-protected-resource/admin/api").want(t, "metadata", 200)
	var got map[string]any
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err)
	}
	if got["resource"] != w.url+"/admin/api" || got["authorization_servers"].([]any)[0] != w.url || len(got["scopes_supported"].([]any)) != 2 {
		t.Errorf("%s", a.body)
	}
	if a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("pages of other origins cannot read it")
	}
	w.get("/admin").want(t, "the console, after a redirect", 200)
}
