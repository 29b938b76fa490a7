package app

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const (
	maxChallengeBody = 64 << 10
	maxScopes        = 30
	maxDescription   = 240 // bytes of an error_description that we show
	maxErrorCode     = 60
)

// challenge is what a 401 or 403 of the MCP server asks for (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1).
type challenge struct {
	ResourceMetadata string
	Scopes           []string
	Error            string
	Description      string
	Proofs           bool // it takes bound tokens, with proofs that we can make (RFC 9449 §7.1)
}

// readChallenge reads the headers, and for what they do not say the JSON body, and closes it. API Gateway renames
// WWW-Authenticate, and other gateways drop it.
func readChallenge(resp *http.Response) challenge {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxChallengeBody))
	if err != nil {
		body = nil // the headers may still say enough
	}
	var c challenge
	for _, name := range []string{"WWW-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} {
		parsed, err := oauthex.ParseWWWAuthenticate(resp.Header.Values(name))
		if err != nil {
			continue // as if it had no header: the well-known addresses remain
		}
		for _, scheme := range []string{"dpop", "bearer"} { // who offers both says the same with both, and an error with the one that was used
			for _, p := range parsed {
				if p.Scheme != scheme {
					continue
				}
				c.fill(p.Params["resource_metadata"], p.Params["scope"], p.Params["error"], p.Params["error_description"])
				algorithms, named := p.Params["algs"]
				c.Proofs = c.Proofs || scheme == "dpop" && (!named || slices.Contains(strings.Fields(algorithms), proofAlgorithm))
			}
		}
	}
	c.fillFromBody(body)
	return c
}

// fill takes what is not known yet.
func (c *challenge) fill(metadata, scope, code, description string) {
	if c.ResourceMetadata == "" && len(metadata) <= maxURL {
		c.ResourceMetadata = metadata
	}
	if c.Scopes == nil {
		c.Scopes = scopeList(scope)
	}
	if c.Error == "" {
		c.Error = clip(code, maxErrorCode)
	}
	if c.Description == "" {
		c.Description = clip(description, maxDescription)
	}
}

type challengeBody struct {
	Error            json.RawMessage `json:"error"` // a code, or the error object of JSON-RPC
	Scope            string          `json:"scope"`
	ResourceMetadata string          `json:"resource_metadata"`
	Description      string          `json:"error_description"`
}

func (c *challenge) fillFromBody(body []byte) {
	var b challengeBody
	if json.Unmarshal(body, &b) != nil {
		return
	}
	var code string
	if json.Unmarshal(b.Error, &code) == nil {
		c.fill(b.ResourceMetadata, b.Scope, code, b.Description)
		return
	}
	c.fill(b.ResourceMetadata, b.Scope, "", b.Description)
	var rpc struct {
		Data challengeBody `json:"data"`
	}
	if json.Unmarshal(b.Error, &rpc) == nil && json.Unmarshal(rpc.Data.Error, &code) == nil {
		c.fill(rpc.Data.ResourceMetadata, rpc.Data.Scope, code, rpc.Data.Description)
	}
}

// scopeList splits a scope value and drops what RFC 6749 §3.3 does not allow in a scope.
func scopeList(s string) []string {
	var out []string
	for _, scope := range strings.Fields(s) {
		bad := strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' })
		if !bad && len(scope) <= 128 && len(out) < maxScopes && !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// union keeps the order: first a, then what b adds.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// without is what a has and b has not.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
