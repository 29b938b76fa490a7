package main

import (
	"bytes"
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

var printedPassword = regexp.MustCompile(`(?m)^  admin +([a-z0-9]{5}(?:-[a-z0-9]{5}){3})$`)

// TestEmpty: a start from empty holds one administrator, whose password is printed at the first start and never again.
func TestEmpty(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]string{"local": "", "deployed": "https://demo.example.com"} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			file := filepath.Join(t.TempDir(), "empty.db")
			w := newWorld(t, func(o *Options) { o.Stdout, o.DB, o.Seed, o.BaseURL = &out, file, config.SeedNone, base })
			m := printedPassword.FindStringSubmatch(out.String())
			if m == nil || strings.Contains(out.String(), "bob") || strings.Contains(w.log.String(), m[1]) {
				t.Fatalf("it says\n%s", &out)
			}
			front := w
			if base != "" {
				front = behind(t, w)
			}
			admin := front.person()
			admin.open("/oauth/login")
			if strings.Contains(admin.page.text, "bob") {
				t.Errorf("the login page knows the demo: %s", admin.page.text)
			}
			if p := admin.submit("username", url.Values{"username": {"admin"}, "password": {m[1]}}); p.status != http.StatusOK || !strings.Contains(p.text, "Administrator") {
				t.Errorf("%d: %s", p.status, p.text)
			}
			for _, seed := range []string{config.SeedNone, ""} { // the second time it remembers how it was begun
				out.Reset()
				w.options.Seed = seed
				again(w, base)
				if strings.Contains(out.String(), m[1]) || printedPassword.MatchString(out.String()) || strings.Contains(out.String(), "bob-demo") ||
					!strings.Contains(out.String(), "shown at the first start") || !strings.Contains(out.String(), "admin-password -db ") {
					t.Errorf("again, it says\n%s", &out)
				}
			}
			w.change(func(d *directory.Directory) error {
				page, err := d.UsersByUsername(t.Context(), directory.Query{})
				if err != nil || len(page.Items) != 1 {
					t.Errorf("%+v, %v", page, err)
				}
				_, err = d.ServerByResource(t.Context(), "mcp://vetassist")
				if err == nil {
					t.Error("there is an MCP server")
				}
				return nil
			})
			for _, view := range []string{"owners", "pets", "appointments", "reminders"} {
				if n := count(t, file, view); n != 0 {
					t.Errorf("%d %s", n, view)
				}
			}
		})
	}
}

// TestEmptyOverTheDemo: nothing is removed, and the start says so. And the other way round: who asks for the demo gets it.
func TestEmptyOverTheDemo(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) { o.Stdout, o.Seed = &out, config.SeedNone })
	if !strings.Contains(out.String(), "holds the demo already") || printedPassword.MatchString(out.String()) {
		t.Errorf("it says\n%s", &out)
	}
	out.Reset()
	w.options.Seed = ""
	again(w, "")
	if !strings.Contains(out.String(), "bob-demo") {
		t.Errorf("it says\n%s", &out)
	}
	w.person().connect("Which pets do I have?", "bob")
}

// again stops the server and starts it over the same file, on any port.
func again(w *world, base string) {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.options.Addr, w.options.BaseURL = "localhost:0", base
	w.start()
}

// count is how many rows a view of the file has.
func count(t *testing.T, file, view string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+view).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
