package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/federation"
)

// fake is an MCP server that lets nobody in, its authorization server, and a company's login, on one address. It notes what is sent to its token endpoints.
type fake struct {
	URL      string
	mu       sync.Mutex
	sent     []string
	named    string         // authorization server that the MCP server names; empty: this one
	about    string         // issuer in the metadata; empty: this one
	endpoint string         // token endpoint in the metadata; empty: this one's
	answer   map[string]any // of the token endpoint
	exchange map[string]any // of the company's
	redirect bool           // the token endpoint leads elsewhere
}

func newFake(t *testing.T) *fake {
	f := &fake{answer: map[string]any{"error": "invalid_grant", "error_description": "no\x1b[31m"}, exchange: map[string]any{"access_token": "the-companys-word", "token_type": "N_A",
		"issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"}}
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, v map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		if v["error"] != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		json.NewEncoder(w).Encode(v)
	}
	note := func(r *http.Request) {
		r.ParseForm()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sent = append(f.sent, r.URL.Path+" "+r.PostForm.Encode()+" "+r.Header.Get("Authorization"))
	}
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+f.URL+`/.well-known/oauth-protected-resource/mcp", scope="pet-profile:read"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	mux.HandleFunc("/.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, r *http.Request) {
		say(w, map[string]any{"resource": f.URL + "/mcp", "authorization_servers": []string{or(f.named, f.URL)}})
	})
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, r *http.Request) {
		say(w, map[string]any{"issuer": or(f.about, f.URL), "token_endpoint": or(f.endpoint, f.URL+"/token"), "authorization_endpoint": f.URL + "/authorize",
			"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		note(r)
		if f.redirect {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		say(w, f.answer)
	})
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) { note(r) })
	mux.HandleFunc("/company", func(w http.ResponseWriter, r *http.Request) { note(r); say(w, f.exchange) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// TestRefusals: a refusal is final and told; what could be stolen goes nowhere but where it is for, and that once.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		change func(*fake, *federation.Client)
		says   string
		sent   int // requests with something worth stealing
	}{
		{"the token endpoint refuses", func(*fake, *federation.Client) {}, "invalid_grant", 1},
		{"the MCP server wants the assertion for another server", func(f *fake, _ *federation.Client) { f.named = "https://evil.example" }, "nothing was sent there", 0},
		{"the metadata is about another server", func(f *fake, _ *federation.Client) { f.about = "https://evil.example" }, "does not say what it offers", 0},
		{"the token endpoint is not encrypted", func(f *fake, _ *federation.Client) { f.endpoint = "http://evil.example/token" }, "does not use HTTPS", 0},
		{"the token endpoint leads elsewhere", func(f *fake, _ *federation.Client) { f.redirect = true }, "answered 307", 1},
		{"a token of another kind", func(f *fake, _ *federation.Client) {
			f.answer = map[string]any{"access_token": "x", "token_type": "mac"}
		}, "of the kind", 1},
		{"a token that breaks the line", func(f *fake, _ *federation.Client) {
			f.answer = map[string]any{"access_token": "x\r\nEvil: y", "token_type": "Bearer"}
		}, "no usable token", 1},
		{"nobody vouches", func(_ *fake, c *federation.Client) {
			c.Word = func(context.Context, federation.Place) (string, error) { return "", errors.New("the file is gone") }
		}, "the file is gone", 0},
		{"an empty word", func(_ *fake, c *federation.Client) {
			c.Word = func(context.Context, federation.Place) (string, error) { return "", nil }
		}, "no assertion", 0},
		{"the company refuses", func(f *fake, c *federation.Client) {
			f.exchange = map[string]any{"error": "invalid_target"}
			c.Word = company(f)
		}, "invalid_target", 1},
		{"the company gives an access token instead", func(f *fake, c *federation.Client) {
			f.exchange["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
			c.Word = company(f)
		}, "something else", 1},
		{"the company vouches, and that is refused", func(f *fake, c *federation.Client) { c.Word = company(f) }, "invalid_grant", 2},
		{"the company's login is not encrypted", func(f *fake, c *federation.Client) {
			c.Word = federation.Enterprise{TokenEndpoint: "http://evil.example/token", IDToken: func(context.Context) (string, error) { return "the-id-token", nil }}.Word
		}, "no address to send an ID token to", 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			client := federation.Client{ID: "app", Secret: "s3cr3t", Issuer: f.URL, Word: func(context.Context, federation.Place) (string, error) { return "the-word", nil }}
			c.change(f, &client)
			session, err := client.Connect(t.Context(), f.URL+"/mcp")
			if session != nil {
				session.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\x1b") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("it says %v", err)
			}
			if len(f.sent) != c.sent {
				t.Errorf("sent %q", f.sent)
			}
			for _, sent := range f.sent {
				if strings.HasPrefix(sent, "/token") && strings.Contains(sent, "the-id-token") {
					t.Errorf("the ID token went beyond the company: %s", sent)
				}
			}
		})
	}
}

func company(f *fake) federation.Word {
	return federation.Enterprise{TokenEndpoint: f.URL + "/company", ID: "app-there", IDToken: func(context.Context) (string, error) { return "the-id-token", nil }}.Word
}
