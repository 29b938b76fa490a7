package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/secrettest"
)

// A secret that a server gives out is found wherever it stands: in its log, in the output of the tests, in a line with others, as a whole or
// but its end. One that nobody wrote down is not, and a run that gave out nothing proves nothing.
func TestLook(t *testing.T) {
	secret := func(kind string) string { return strings.Repeat(kind+"-", 10)[:30] + "-0123456789abcdef" }
	for _, c := range []struct {
		name, logged, printed string
		without               string // a kind that the server does not give out
		want                  string
	}{
		{name: "clean", logged: "nothing", printed: "--- PASS: TestX"},
		{name: "in the log", logged: secret("code"), want: "(code)"},
		{name: "in the output", printed: `x_test.go:7: {"access_token":"` + secret("access_token") + `"}`, want: "(access_token)"},
		{name: "its end", printed: "…" + secret("refresh_token")[27:], want: "(refresh_token)"},
		{name: "a cookie", logged: "vetassist_session=" + secret("cookie") + "; Path=/", want: "(cookie)"},
		{name: "what a request brought", logged: secret("Authorization"), want: "(Authorization)"},
		{name: "nothing given out", without: "device_code", want: "no device_code"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv(secrettest.Dir, dir)
			log := slog.New(slog.NewTextHandler(secrettest.Log(io.Discard), nil))
			server := secrettest.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				log.Info("request", "what", c.logged)
				http.SetCookie(w, &http.Cookie{Name: "vetassist_session", Value: secret("cookie")})
				w.Header().Set("Location", "/callback?code="+secret("code"))
				for _, kind := range everyKind {
					if kind != "cookie" && kind != "code" && kind != "form_token" && kind != "Authorization" && kind != c.without {
						fmt.Fprintf(w, "{%q: %q}\n", kind, secret(kind))
					}
				}
				fmt.Fprintf(w, `<input type="hidden" name="form_token" value="%s">`, secret("form_token"))
			}))
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+secret("Authorization"))
			server.ServeHTTP(httptest.NewRecorder(), r)

			output := filepath.Join(dir, "output")
			if err := os.WriteFile(output, []byte(c.printed+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			err := look(&said, dir, []string{output})
			all := fmt.Sprint(said.String(), err)
			if (err != nil) != (c.want != "") || !strings.Contains(all, c.want) {
				t.Errorf("%q: want %q", all, c.want)
			}
			if strings.Contains(all, "0123456789abcdef") {
				t.Errorf("it says the secret: %s", all)
			}
		})
	}
}
