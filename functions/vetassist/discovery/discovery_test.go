package discovery_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
)

// TestFind: where a client finds its token endpoint, and what it takes for none.
func TestFind(t *testing.T) {
	t.Parallel()
	type document = map[string]any
	for _, c := range []struct {
		what     string
		path     string // of the metadata of the authorization server; empty: the one of RFC 8414
		resource document
		server   document
		says     string
	}{
		{"all as it should be", "", nil, nil, ""},
		{"an OpenID provider", "/.well-known/openid-configuration", nil, nil, ""},
		{"no metadata", "/elsewhere", nil, nil, "does not say what it offers"},
		{"the MCP server trusts another", "", document{"authorization_servers": []string{"https://evil.example"}}, nil, "nothing was sent there"},
		{"the MCP server speaks of another resource", "", document{"resource": "https://evil.example/mcp"}, nil, "does not say who issues"},
		{"the metadata is of another issuer", "", nil, document{"issuer": "https://evil.example"}, "does not say what it offers"},
		{"no token endpoint", "", nil, document{"token_endpoint": ""}, "no address to send a proof to"},
		{"a token endpoint that is not encrypted", "", nil, document{"token_endpoint": "http://as.example/token"}, "does not say what it offers"},
		{"a token endpoint that looks like another one", "", nil, document{"token_endpoint": "https://bank.example@evil.example/token"}, "no address to send a proof to"},
		{"a token endpoint with a fragment", "", nil, document{"token_endpoint": "https://as.example/token#x"}, "no address to send a proof to"},
		{"a token endpoint without end", "", nil, document{"token_endpoint": "https://as.example/" + strings.Repeat("x", 2048)}, "no address to send a proof to"},
	} {
		t.Run(c.what, func(t *testing.T) {
			mux := http.NewServeMux()
			srv := httptest.NewServer(mux)
			defer srv.Close()
			serve := func(path string, d, change document) {
				for name, value := range change {
					d[name] = value
				}
				mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					json.NewEncoder(w).Encode(d)
				})
			}
			if c.path == "" {
				c.path = "/.well-known/oauth-authorization-server"
			}
			serve("/.well-known/oauth-protected-resource/mcp", document{"resource": srv.URL + "/mcp", "authorization_servers": []string{srv.URL}, "scopes_supported": []string{"read"}}, c.resource)
			serve(c.path, document{"issuer": srv.URL, "token_endpoint": srv.URL + "/token", "authorization_endpoint": srv.URL + "/authorize", "token_endpoint_auth_methods_supported": []string{"private_key_jwt"},
				"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}}, c.server)
			server, _ := url.Parse(srv.URL + "/mcp")
			found, err := discovery.Find(t.Context(), srv.Client(), server, srv.URL, "https://evil.example/metadata")
			switch {
			case c.says == "" && (err != nil || found.Endpoint != srv.URL+"/token" || found.Resource != srv.URL+"/mcp" || !slices.Equal(found.Scopes, []string{"read"}) || !slices.Equal(found.Methods, []string{"private_key_jwt"})):
				t.Errorf("%+v, %v", found, err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || found.Endpoint != ""):
				t.Errorf("%+v, %v", found, err)
			}
			if elsewhere := c.says == "nothing was sent there"; errors.Is(err, discovery.ErrElsewhere) != elsewhere {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestReadChallenge: under the name that API Gateway gives it, too, and for bearer tokens alone.
func TestReadChallenge(t *testing.T) {
	t.Parallel()
	const says = `Bearer error="insufficient_scope", scope="a b", resource_metadata="https://mcp.example/metadata"`
	for _, name := range []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} {
		h := http.Header{}
		h.Add(name, `DPoP scope="c", resource_metadata="https://mcp.example/other"`)
		h.Add(name, says)
		if c := discovery.ReadChallenge(h); c.Metadata != "https://mcp.example/metadata" || c.Code != "insufficient_scope" || !slices.Equal(c.Scopes, []string{"a", "b"}) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := discovery.ReadChallenge(http.Header{"Www-Authenticate": {`Basic realm="x"`}}); c.Metadata != "" || c.Code != "" || len(c.Scopes) > 0 {
		t.Errorf("%+v", c)
	}
}
