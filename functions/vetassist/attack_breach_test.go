package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/attack"
)

// Each of these takes one defence away, in front of a server that has it.
var breaches = map[string]struct {
	breaks func(*gate) func(http.Handler) http.Handler
	notice []string // who must succeed then
}{
	"pages can be framed": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			a.Header().Del("X-Frame-Options")
			a.Header().Del("Content-Security-Policy")
		})
	}, []string{"clickjacking"}},
	"pages of all origins may read": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(r *http.Request, a *httptest.ResponseRecorder) {
			a.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			a.Header().Set("Access-Control-Allow-Credentials", "true")
		})
	}, []string{"cors-pages", "cors-mcp"}},
	"whoever asks again gets the same answer": {func(*gate) func(http.Handler) http.Handler {
		return remembers(func(r *http.Request, _ []byte) bool {
			return r.URL.Path == "/oauth/token" || r.URL.Path == "/mcp" && r.Header.Get("DPoP") != ""
		})
	}, []string{"code-replay", "assertion-replay", "dpop-replay", "refresh-theft"}},
	"whoever books again is told that it worked": {func(*gate) func(http.Handler) http.Handler {
		return remembers(func(_ *http.Request, body []byte) bool { return bytes.Contains(body, []byte("book_vet_appointment")) })
	}, []string{"booking-race"}},
	"others' pets are refused in other words": {func(*gate) func(http.Handler) http.Handler {
		return rewrites("/mcp", `There is no pet called \"Luna\"`, `You may not see \"Luna\"`)
	}, []string{"pet-guess"}},
	"the assistant does what it reads": {func(*gate) func(http.Handler) http.Handler {
		return rewrites("/chat", `"tool_calls":[{`, `"tool_calls":[{"name":"get_pet","arguments":{"pet":"Luna"},"outcome":"ok"},{`)
	}, []string{"prompt-injection"}},
	"a token has more scopes than the consent": {func(*gate) func(http.Handler) http.Handler {
		return rewrites("/oauth/token", `"scope":"pet-profile:read"`, `"scope":"pet-profile:read appointment:write"`)
	}, []string{"consent-scope"}},
	"any Host is ours": {func(g *gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			r.Host = strings.TrimPrefix(g.options.BaseURL, "http://")
			r.Header.Del("Origin")
		})
	}, []string{"dns-rebinding", "cors-mcp"}},
	"a token in the query counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if raw := r.URL.Query().Get("access_token"); raw != "" {
				r.Header.Set("Authorization", "Bearer "+raw)
			}
		})
	}, []string{"token-in-query"}},
	"the first of several headers counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			for _, name := range []string{"Authorization", "Mcp-Name", "Mcp-Method", "Mcp-Protocol-Version"} {
				if values := r.Header.Values(name); len(values) > 1 {
					r.Header.Set(name, values[0])
				}
			}
		})
	}, []string{"two-authorizations"}},
	"headers are made to fit": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if r.URL.Path == "/mcp" && r.Header.Get("Mcp-Protocol-Version") == "2026-07-28" {
				r.Header.Set("Mcp-Method", "tools/call")
				r.Header.Set("Mcp-Name", "list_pets")
			}
		})
	}, []string{"header-body"}},
	"any issuer may answer": {func(g *gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/callback" {
				q.Set("iss", g.options.BaseURL)
				r.URL.RawQuery = q.Encode()
			}
		})
	}, []string{"mix-up"}},
	"the last of several parameters counts": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			q := r.URL.Query()
			for name, values := range q {
				q[name] = values[len(values)-1:]
			}
			r.URL.RawQuery = q.Encode()
		})
	}, []string{"parameter-twice"}},
	"any redirect URI will do": {func(g *gate) func(http.Handler) http.Handler {
		asked := ""
		in := requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/oauth/authorize" && q.Get("client_id") == "vet-assist-ai" {
				asked = q.Get("redirect_uri")
				q.Set("redirect_uri", g.options.BaseURL+"/callback")
				r.URL.RawQuery = q.Encode()
			}
		})
		out := answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			if to := a.Header().Get("Location"); asked != "" && strings.HasPrefix(to, g.options.BaseURL+"/callback?") {
				a.Header().Set("Location", asked+strings.TrimPrefix(to, g.options.BaseURL+"/callback"))
			}
		})
		return func(next http.Handler) http.Handler { return in(out(next)) }
	}, []string{"redirect-suffix", "redirect-userinfo", "redirect-fragment", "redirect-encoded", "redirect-traversal", "redirect-loopback"}},
	"PKCE may be left out": {func(*gate) func(http.Handler) http.Handler {
		return requests(func(r *http.Request) {
			if q := r.URL.Query(); r.URL.Path == "/oauth/authorize" && q.Has("response_type") {
				if len(q.Get("code_challenge")) != 43 {
					q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
				}
				q.Set("code_challenge_method", "S256")
				r.URL.RawQuery = q.Encode()
			}
		})
	}, []string{"pkce-downgrade"}},
	"after a logout anywhere is fine": {func(*gate) func(http.Handler) http.Handler {
		return answers(func(r *http.Request, a *httptest.ResponseRecorder) {
			if to := r.URL.Query().Get("post_logout_redirect_uri"); to != "" {
				a.Header().Set("Location", to)
				a.Code = http.StatusSeeOther
			}
		})
	}, []string{"logout-redirect"}},
	"who has no account is told so": {func(*gate) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if r.URL.Path == "/oauth/login" && bytes.Contains(body, []byte("username=nobody")) {
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, "There is no such user.")
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}, []string{"user-enumeration"}},
	"no signature is checked": {func(*gate) func(http.Handler) http.Handler {
		good, raw := "", ""
		seen := answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
			var got struct {
				Access string `json:"access_token"`
				Type   string `json:"token_type"`
				Scope  string `json:"scope"`
			}
			if json.Unmarshal(a.Body.Bytes(), &got) == nil && got.Type == "Bearer" && strings.Contains(got.Scope, "pet-profile:read") {
				good = got.Access
			}
		})
		in := requests(func(r *http.Request) {
			raw = r.Header.Get("Authorization")
			if r.URL.Path == "/mcp" && strings.Count(raw, ".") == 2 && raw != "Bearer "+good {
				r.Header.Set("Authorization", "Bearer "+good)
			}
		})
		return func(next http.Handler) http.Handler { return in(seen(next)) }
	}, []string{"alg-none", "alg-hs256", "kid-injection", "issuer-other", "token-edited", "audience-admin-to-mcp"}},
	"a login keeps the cookie of before": {func(*gate) func(http.Handler) http.Handler {
		now := map[string]string{} // what a browser believes to have, and what the server knows it by
		in := requests(func(r *http.Request) {
			if c, err := r.Cookie("vetassist_login"); err == nil && now[c.Value] != "" {
				r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), c.Value, now[c.Value]))
			}
		})
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				had, err := r.Cookie("vetassist_login")
				if err != nil || r.URL.Path != "/oauth/login" || r.Method != http.MethodPost {
					in(next).ServeHTTP(w, r)
					return
				}
				old := had.Value
				answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
					for _, c := range a.Result().Cookies() {
						if c.Name == "vetassist_login" && c.Value != "" {
							now[old] = c.Value
							a.Header().Del("Set-Cookie")
						}
					}
				})(next).ServeHTTP(w, r)
			})
		}
	}, []string{"session-fixation"}},
	"names can be guessed for ever": {func(*gate) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if r.URL.Path == "/oauth/login" && bytes.Contains(body, []byte("password=wrong-")) { // none of them counts
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}, []string{"password-guessing"}},
}

// requests changes what comes in.
func requests(change func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			change(r)
			next.ServeHTTP(w, r)
		})
	}
}

// answers changes what goes out.
func answers(change func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := httptest.NewRecorder()
			next.ServeHTTP(a, r)
			change(r, a)
			relay(w, a)
		})
	}
}

// rewrites replaces words in what an address answers.
func rewrites(path, old, words string) func(http.Handler) http.Handler {
	return answers(func(r *http.Request, a *httptest.ResponseRecorder) {
		if r.URL.Path == path {
			a.Body = bytes.NewBufferString(strings.ReplaceAll(a.Body.String(), old, words))
			a.Header().Del("Content-Length")
		}
	})
}

func relay(w http.ResponseWriter, a *httptest.ResponseRecorder) {
	for name, values := range a.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Code)
	_, _ = w.Write(a.Body.Bytes()) // what fails is the caller's connection
}

// remembers gives a request that comes again the first answer.
func remembers(which func(*http.Request, []byte) bool) func(http.Handler) http.Handler {
	first := map[string]*httptest.ResponseRecorder{}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !which(r, body) {
				next.ServeHTTP(w, r)
				return
			}
			key := string(body) + r.Header.Get("DPoP")
			if first[key] == nil {
				first[key] = httptest.NewRecorder()
				next.ServeHTTP(first[key], r)
			}
			relay(w, first[key])
		})
	}
}

// TestLabNotices: without a defence, the attack that it is against succeeds, and the lab says so.
func TestLabNotices(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for what, b := range breaches { // each leaves the server as it was
		g.breaks = b.breaks(g)
		for _, id := range b.notice {
			report := g.attacked(attack.Options{Only: []string{id}})
			if r := report.Results[0]; r.Outcome != attack.Succeeded || attackStatus(report) != exitFailed {
				t.Errorf("%s: %s is %s, %s %+v", what, id, r.Outcome, r.Why, r.Findings)
			}
		}
	}
	// A server that answers nobody refuses nothing: that is no defence.
	g.breaks = requests(func(r *http.Request) {
		if r.URL.Path == "/mcp" {
			r.URL.Path = "/nowhere"
		}
	})
	report := g.attacked(attack.Options{Only: []string{"alg-none", "cors-mcp", "pet-guess"}})
	if report.Counts[attack.Failed] != 3 || attackStatus(report) != exitControl {
		t.Errorf("without an MCP server: %+v", report.Counts)
	}
}
