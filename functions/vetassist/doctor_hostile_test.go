package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/vetassist/vetassist/functions/vetassist/doctor"
)

// A server that wants something of whoever examines it: nothing that it says commands the terminal, turns the writing round or fills the
// screen, and nothing leads the doctor elsewhere.
func TestDoctorAtAHostileServer(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the doctor was led to %s", r.URL) }))
	defer elsewhere.Close()
	const nasty = "\x1b]0;owned\a\u009b31m\u202etxt.exe\u2066\u200b\u2028"
	document := map[string]any{"issuer": elsewhere.URL + nasty, "resource": nasty, "authorization_servers": []string{nasty, elsewhere.URL}, "jwks_uri": elsewhere.URL + "/jwks",
		"keys": []any{map[string]any{"kid": nasty, "kty": "EC", "alg": "ES256"}, map[string]any{"kid": nasty}}}
	for i := range 1000 {
		document[fmt.Sprintf("%d%s_endpoint", i, nasty)] = elsewhere.URL + nasty
	}
	body, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Access-Control-Allow-Origin", "Content-Security-Policy", "WWW-Authenticate"} {
			h.Set(name, "\u009b31m\u202e"+strings.Repeat("long", 1000))
		}
		h.Set("Set-Cookie", "\u202eid=1")
		switch {
		case strings.HasPrefix(r.URL.Path, "/.well-known/"):
			h.Set("Content-Type", "application/json")
			w.Write(body)
		default:
			h.Set("Location", elsewhere.URL+"/\u009b31m\u202e")
			w.WriteHeader(http.StatusFound)
		}
	}))
	defer server.Close()
	report, err := doctor.Examine(t.Context(), server.URL, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		if code := showReport(report, asJSON, &out, &out); code != exitFailed {
			t.Errorf("exit status %d", code)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("it prints %q", out.String()[i:min(i+40, out.Len())])
		}
		if out.Len() > 64<<10 {
			t.Errorf("it prints %d bytes", out.Len())
		}
	}
}
