package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReadmeApplicationSettings holds the table of an application's settings to the API, the console and the registration.
func TestReadmeApplicationSettings(t *testing.T) {
	w := newWorld(t)
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	a := w.send(http.MethodGet, "/admin/api/v1/openapi.json", "")
	if err := json.Unmarshal(a.body, &doc); err != nil {
		t.Fatal(err)
	}
	var all []string
	for name := range doc.Components.Schemas["ApplicationEdit"].Properties {
		all = append(all, name)
	}
	known := []string{"name", "redirect_uris", "roles", "disabled", "$schema"} // the guide's
	var console strings.Builder
	scripts, err := filepath.Glob("../admin/static/application*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range scripts {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		console.Write(text)
	}
	var names []string
	for _, row := range readmeTable(t, "On the tab Protocol", "In the API", "What it does") {
		if !strings.Contains(console.String(), `"`+row[0]+`"`) {
			t.Errorf("the console has nothing that is called %q", row[0])
		}
		names = append(names, strings.Split(row[1], ", ")...)
	}
	sameSet(t, "what the API can change of an application, and the guide does not", names, slices.DeleteFunc(all, func(name string) bool { return slices.Contains(known, name) }))

	said := map[string]any{"redirect_uris": []string{"https://app.example/cb"}, "require_pushed_authorization_requests": true, "dpop_bound_access_tokens": true, "post_logout_redirect_uris": []string{"https://app.example/bye"}}
	body, _ := json.Marshal(said)
	a = w.send(http.MethodPost, "/oauth/register", string(body), "Content-Type", "application/json")
	var told map[string]any
	if err := json.Unmarshal(a.body, &told); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, name := range names[:3] {
		if told[name] == nil {
			t.Errorf("a host that registers itself cannot say %s: %s", name, a.body)
		}
	}
}
