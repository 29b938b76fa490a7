package nightly_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/token"
)

// TestProof: a program proves itself in the one way that it has and the server takes (RFC 6749 §2.3, RFC 7523 §2.2).
func TestProof(t *testing.T) {
	const basic, post, key = "client_secret_basic", "client_secret_post", "private_key_jwt"
	for what, c := range map[string]struct {
		key     bool
		offered []string // nil: not said
		want    string   // the way that is used; empty: none, and nothing is sent
	}{
		"a key":                             {true, []string{basic, key}, key},
		"a key where there are secrets":     {true, []string{basic, post}, ""},
		"a key where nothing is said":       {true, nil, ""}, // RFC 8414 §2: client_secret_basic then
		"a secret":                          {false, []string{key, post, basic}, basic},
		"a secret in the body":              {false, []string{key, post}, post},
		"a secret where nothing is said":    {false, nil, basic},
		"a secret where there are keys":     {false, []string{key}, ""},
		"a secret where only none is taken": {false, []string{"none"}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.metadata = func(m map[string]any) {
				if m["token_endpoint_auth_methods_supported"] = c.offered; c.offered == nil {
					delete(m, "token_endpoint_auth_methods_supported")
				}
			}
			p := w.program()
			p.ID, p.Secret = "app x", "s:ö+ß%"
			if c.key {
				p = withKey(t, p)
			}
			session, err := p.Connect(t.Context(), w.url())
			if c.want == "" {
				if err == nil || len(w.forms) > 0 || !strings.Contains(err.Error(), "takes no proof of this kind") {
					t.Errorf("%v, %d token requests", err, len(w.forms))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			session.Close()
			form, head := w.forms[0], w.heads[0]
			if form.Get("grant_type") != "client_credentials" || form.Get("resource") != w.url() || form.Get("scope") != "a:read" {
				t.Errorf("%v", form)
			}
			id, secret, _ := (&http.Request{Header: head}).BasicAuth()
			id, _ = url.QueryUnescape(id)
			secret, _ = url.QueryUnescape(secret)
			used := map[string]bool{basic: id == p.ID && secret == p.Secret && id != "", post: form.Get("client_id") == p.ID && form.Get("client_secret") == p.Secret,
				key: form.Get("client_assertion") != ""}
			for way, was := range used {
				if was != (way == c.want) {
					t.Errorf("%s: %v: %v %v", way, was, form, head)
				}
			}
			if c.want != key {
				return
			}
			keys, err := token.ParseKeys(p.Key.JWKS())
			if err != nil {
				t.Fatal(err)
			}
			var claims jwt.RegisteredClaims
			_, err = jwt.ParseWithClaims(form.Get("client_assertion"), &claims, func(*jwt.Token) (any, error) { return keys[0].Key(), nil },
				jwt.WithTimeFunc(w.now), jwt.WithIssuer("app x"), jwt.WithSubject("app x"), jwt.WithAudience(w.srv.URL), jwt.WithExpirationRequired())
			if err != nil || len(claims.Audience) != 1 || claims.ExpiresAt.After(w.time.Add(time.Minute)) || form.Has("client_secret") ||
				form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("%+v %v %v", claims, err, form)
			}
		})
	}
}

// TestNowhereElse: a proof goes to the authorization server where the program is registered, and a token to the MCP server, whatever the
// servers say (MCP, "Authorization Server Binding"; OAuth 2.1 §1.5).
func TestNowhereElse(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for what, c := range map[string]struct {
		set  func(w *world)
		want string
	}{
		"the MCP server names another": {func(w *world) {
			w.resource = func(m map[string]any) { m["authorization_servers"] = []string{other.URL} }
		}, "nothing was sent there"},
		"it names none":                 {func(w *world) { w.resource = func(m map[string]any) { delete(m, "authorization_servers") } }, "nothing was sent there"},
		"it is about another resource":  {func(w *world) { w.resource = func(m map[string]any) { m["resource"] = other.URL + "/mcp" } }, "does not say who issues"},
		"the metadata is about another": {func(w *world) { w.metadata = func(m map[string]any) { m["issuer"] = other.URL } }, "does not say what it offers"},
		"or about nearly the same":      {func(w *world) { w.metadata = func(m map[string]any) { m["issuer"] = w.srv.URL + "/" } }, "does not say what it offers"},
		"the endpoint is not encrypted": {func(w *world) {
			w.metadata = func(m map[string]any) { m["token_endpoint"] = "http://as.example/token" }
		}, "does not say what it offers"},
		"the endpoint leads on": {func(w *world) {
			w.token = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, other.URL, http.StatusTemporaryRedirect)
			}
		}, "answered 307"},
		"the MCP server leads on": {func(w *world) {
			w.mcp = func(rw http.ResponseWriter, r *http.Request) bool {
				http.Redirect(rw, r, other.URL, http.StatusTemporaryRedirect)
				return true
			}
		}, ""},
		"the challenge leads elsewhere": {func(w *world) {
			w.mcp = func(rw http.ResponseWriter, r *http.Request) bool {
				rw.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+other.URL+`/metadata"`)
				rw.WriteHeader(http.StatusUnauthorized)
				return true
			}
		}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			c.set(w)
			session, err := w.program().Connect(t.Context(), w.url())
			if err == nil {
				session.Close()
				t.Fatal("connected")
			}
			if !strings.Contains(err.Error(), c.want) || elsewhere > 0 {
				t.Errorf("%d requests elsewhere: %v", elsewhere, err)
			}
		})
	}
	for _, address := range []string{"http://clinic.example/mcp", "ftp://localhost/mcp", "localhost/mcp", "https://user@clinic.example/mcp", "https://clinic.example/mcp?x=y", "https://clinic.example/mcp#x", ""} {
		if _, err := newWorld(t).program().Connect(t.Context(), address); err == nil || !strings.Contains(err.Error(), "not the address of an MCP server") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestBadAnswers: what a token endpoint answers is believed only if it is what it should be, and no answer makes us ask without end.
func TestBadAnswers(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			rw.Write([]byte(body))
		}
	}
	for what, c := range map[string]struct {
		token http.HandlerFunc
		want  string
	}{
		"invalid_client":            {refuse("invalid_client", "no such client"), "is it this key or secret that is registered"},
		"unauthorized_client":       {refuse("unauthorized_client", ""), "machine-to-machine application"},
		"invalid_scope":             {refuse("invalid_scope", "not a:read"), "give it a role"},
		"invalid_target":            {refuse("invalid_target", ""), "authorize it for this MCP server"},
		"commands for the terminal": {refuse("invalid_client\x1b[2J", "\x07\u202e"), "invalid_client·[2J: ··"},
		"a server error":            {answer(500, `{"error":"server_error"}`), "answered 500"},
		"no JSON":                   {answer(200, `<html>`), "without the JSON"},
		"no token":                  {answer(200, `{"token_type":"Bearer"}`), "no usable token"},
		"a token with a line break": {answer(200, `{"token_type":"Bearer","access_token":"a\nb"}`), "no usable token"},
		"too long a token":          {answer(200, `{"token_type":"Bearer","access_token":"`+strings.Repeat("x", 17<<10)+`"}`), "no usable token"},
		"another kind":              {answer(200, `{"token_type":"mac","access_token":"a"}`), `"mac"`},
		"a bound one":               {answer(200, `{"token_type":"DPoP","access_token":"a"}`), `"DPoP"`},
		"no kind":                   {answer(200, `{"access_token":"a"}`), `the kind ""`},
		"too much":                  {answer(200, strings.Repeat(" ", 2<<20)), "larger than"},
		"one that does not work":    {answer(200, `{"token_type":"Bearer","access_token":"nobody-knows-it"}`), "Unauthorized"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.token = c.token
			session, err := w.program().Connect(t.Context(), w.url())
			if err == nil {
				session.Close()
				t.Fatal("connected")
			}
			if !strings.Contains(err.Error(), c.want) || len(w.forms) > 3 {
				t.Errorf("%d token requests: %v", len(w.forms), err)
			}
		})
	}
}

// TestGivesUp: a program that lacks a permission has nobody whom it could ask ("Step-Up Authorization Flow": it may give up).
func TestGivesUp(t *testing.T) {
	w := newWorld(t)
	session, err := w.program().Connect(t.Context(), w.url())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	w.mcp = func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="a:read b:write"`)
		rw.WriteHeader(http.StatusForbidden)
		return true
	}
	before := w.count("/mcp")
	for range 2 {
		if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_pets"}); err == nil || !strings.Contains(err.Error(), "lacks the permission a:read b:write") {
			t.Error(err)
		}
	}
	if n := w.count("/mcp") - before; n != 1 || len(w.forms) != 1 {
		t.Errorf("%d requests and %d for tokens", n, len(w.forms))
	}
}

// TestRenews: a token that ends in the middle of the night is replaced, before it ends or when the server says so.
func TestRenews(t *testing.T) {
	w := newWorld(t)
	session, err := withKey(t, w.program()).Connect(t.Context(), w.url())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	use := func(want int) {
		t.Helper()
		if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_pets", Arguments: map[string]any{}}); err != nil || len(w.forms) != want {
			t.Errorf("%d token requests, want %d: %v", len(w.forms), want, err)
		}
	}
	use(1)
	w.pass(9*time.Minute + 40*time.Second)
	before := w.count("/mcp")
	use(2)
	if n := w.count("/mcp") - before; n != 1 {
		t.Errorf("%d requests: the old token was tried", n)
	}
	clear(w.tokens) // the keys were changed there
	use(3)
	var ids []string
	for _, f := range w.forms {
		var claims jwt.RegisteredClaims
		if _, _, err := jwt.NewParser().ParseUnverified(f.Get("client_assertion"), &claims); err != nil || slices.Contains(ids, claims.ID) {
			t.Errorf("assertion %v %v", claims, err)
		}
		ids = append(ids, claims.ID)
	}
}

// TestWaits: a server that is too busy is given the time that it asks for, and no more than that.
func TestWaits(t *testing.T) {
	for what, c := range map[string]struct {
		status int
		after  string
		times  int // that it is busy
		waits  int
		ok     bool
	}{
		"too many requests":     {429, "2", 3, 3, true},
		"busy":                  {503, "1", 1, 1, true},
		"without end":           {503, "1", 1000, 5, false},
		"it does not say":       {503, "", 1, 0, false},
		"for an hour":           {503, "3600", 1, 0, false},
		"for less than no time": {503, "-5", 1, 0, false},
		"something else":        {500, "1", 1, 0, false},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			session, err := w.program().Connect(t.Context(), w.url())
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			n := 0
			w.mcp = func(rw http.ResponseWriter, _ *http.Request) bool {
				if n++; n > c.times {
					return false
				}
				if c.after != "" {
					rw.Header().Set("Retry-After", c.after)
				}
				rw.WriteHeader(c.status)
				return true
			}
			_, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_pets", Arguments: map[string]any{}})
			if (err == nil) != c.ok || len(w.waited) != c.waits {
				t.Errorf("waited %v: %v", w.waited, err)
			}
		})
	}
}

// TestWaitsAtTheTokenEndpoint: each time it comes with a new proof.
func TestWaitsAtTheTokenEndpoint(t *testing.T) {
	for busy, ok := range map[int]bool{2: true, 5: true, 100: false} {
		w := newWorld(t)
		w.token = func(rw http.ResponseWriter, r *http.Request) {
			if len(w.forms)%(busy+1) == 0 {
				w.give(rw, r)
				return
			}
			rw.Header().Set("Retry-After", "3")
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		session, err := withKey(t, w.program()).Connect(t.Context(), w.url())
		if (err == nil) != ok || ok && len(w.waited) != busy {
			t.Errorf("busy %d times: waited %v: %v", busy, w.waited, err)
		}
		if err == nil {
			session.Close()
		}
		proofs := map[string]bool{}
		for _, f := range w.forms {
			proofs[f.Get("client_assertion")] = true
		}
		if len(proofs) != len(w.forms) {
			t.Errorf("%d requests with %d proofs", len(w.forms), len(proofs))
		}
	}
}

func TestProgramNeedsOneProof(t *testing.T) {
	w := newWorld(t)
	both := withKey(t, w.program())
	both.Secret = "s"
	for what, p := range map[string]nightly.Program{"none": {ID: "x"}, "both": both, "no id": {Secret: "s"}} {
		if _, err := p.Connect(t.Context(), w.url()); err == nil || len(w.asked) > 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}
