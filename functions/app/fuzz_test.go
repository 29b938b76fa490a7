package app

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzReadChallenge: whatever a server says in WWW-Authenticate and beside it, what is left of it is bounded and harmless.
func FuzzReadChallenge(f *testing.F) {
	for _, seed := range [][2]string{
		{`Bearer resource_metadata="https://s.example/m", scope="a:read b:read"`, ""},
		{`Bearer error="insufficient_scope", scope="a", error_description="d"`, `{"error":"insufficient_scope","scope":"a"}`},
		{`Basic realm="x", Bearer scope=a, DPoP algs="ES256 PS256"`, `{"jsonrpc":"2.0","error":{"code":-32001,"data":{"error":"insufficient_scope","scope":"a"}}}`},
		{`Bearer`, `[]`}, {`Bearer scope="a`, `{"error":{"data":null}}`}, {`,,Bearer ,scope="\"\\",`, "{"}, {`Negotiate YWJj==, bearer SCOPE="x"`, `{"scope":7}`},
		{"Bearer scope=\"a\xff\x00b\"", "\xff"}, {strings.Repeat(`Bearer a="b",`, 200), `{"error":"` + strings.Repeat("x", 500) + `"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		for _, name := range []string{"Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} {
			c := readChallenge(&http.Response{Header: http.Header{name: {header}}, Body: io.NopCloser(strings.NewReader(body))})
			if len(c.Scopes) > maxScopes || len(c.Description) > maxDescription || len(c.Error) > maxErrorCode || len(c.ResourceMetadata) > maxURL {
				t.Errorf("too much: %+v", c)
			}
			for i, scope := range c.Scopes {
				if scope == "" || len(scope) > 128 || slices.Contains(c.Scopes[:i], scope) || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
					t.Errorf("no scope: %q", scope)
				}
			}
			if strings.ContainsFunc(c.Description+c.Error, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
				t.Errorf("control characters: %q", c.Description+c.Error)
			}
		}
	})
}
