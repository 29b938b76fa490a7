package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
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

// FuzzForm: whatever schema a server sends and whatever a person types into it, what goes out fits the schema, and can be sent.
func FuzzForm(f *testing.F) {
	f.Add(slots, "a")
	f.Add(slots, "c")
	f.Add(person1, "30")
	for _, schema := range []string{`{}`, `null`, `{"type":"object"}`, `{"type":"object","properties":{"a":null}}`, `{"type":"object","properties":{"a":true}}`, `{"type":"object","required":["a"]}`,
		`{"type":"object","properties":{"a":{"type":"number","default":"x"}}}`, `{"type":"object","properties":{"a":{"type":"string","pattern":"^a$"}}}`,
		`{"type":"object","properties":{"a":{"type":"string","$ref":"#"}}}`, `{"type":"object","properties":{"a":{"type":"array","items":{"enum":["a"]}}}}`,
		`{"type":"object","not":{},"properties":{"a":{"type":"boolean"}}}`, `{"type":"object","properties":{"a":{"type":"string","$ref":"#"}},"properties":{"b":{"type":"string"}}}`,
		`{"type":"object","properties":{"a":{"type":"string","oneOf":[{"const":1}]}}}`} {
		f.Add(schema, "a")
	}
	f.Fuzz(func(t *testing.T, schema, typed string) {
		if !json.Valid([]byte(schema)) {
			return
		}
		read, kept, err := readForm(json.RawMessage(schema))
		if err != nil {
			return
		}
		if len(read.fields) > maxFields || len(kept) > maxSchema {
			t.Errorf("%d fields", len(read.fields))
		}
		form := url.Values{}
		for i, one := range read.fields {
			form.Set(inputName(i), typed)
			if len(one.title) > maxLabel+8 || len(one.options) > maxOptions {
				t.Errorf("too much: %+v", one)
			}
		}
		content, problem := read.fill(form)
		if problem != "" {
			return
		}
		if err := read.schema.Validate(content); err != nil {
			t.Errorf("%v does not fit: %v", content, err)
		}
		if _, err := json.Marshal(content); err != nil {
			t.Errorf("%v cannot be sent: %v", content, err)
		}
		(&question{Schema: kept}).spoken(typed)
	})
}
