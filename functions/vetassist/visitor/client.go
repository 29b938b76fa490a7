package visitor

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Client is an OAuth and MCP client, step by step: what any MCP host does, with nothing in between. Its fields may be changed between
// steps. It keeps no state but them.
type Client struct {
	Base     string // of VetAssist: "http://localhost:8080"
	ID       string // client_id
	Secret   string // of a confidential client: sent as client_secret_basic
	Redirect string
	Resource string // to name in requests (RFC 8707); empty: none is named
	Revision string // MCP-Protocol-Version; empty: none is said
	Agent    string // User-Agent
	Server   Server // where the authorization server is; Discover fills it in

	http *http.Client
}

// NewClient is the client that everybody here knows: the public one of the chat, at the addresses that VetAssist has unless discovery
// says otherwise. A transport of nil is the usual one.
func NewClient(base string, transport http.RoundTripper) *Client {
	base = strings.TrimSuffix(base, "/")
	return &Client{Base: base, ID: "vet-assist-ai", Redirect: base + "/callback", Resource: base + "/mcp", Revision: "2025-11-25",
		Agent: "vetassist-visitor/1.0 (client)", Server: serverAt(base), http: plain(transport, nil)}
}

// Authorization is a request that a person takes to the authorization server, and what the client keeps of it meanwhile.
type Authorization struct {
	URL      string
	Query    url.Values
	Verifier string // PKCE
	State    string
}

// Request makes an authorization request that is right. Changes replace parameters; an empty list leaves one out.
func (c *Client) Request(changes url.Values) Authorization {
	a := Authorization{Verifier: rand.Text() + rand.Text(), State: rand.Text()} // 260 bits: RFC 7636 §4.1 wants 256
	a.Query = url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.Redirect}, "state": {a.State}, "scope": {"pet-profile:read"},
		"code_challenge": {Challenge(a.Verifier)}, "code_challenge_method": {"S256"},
	}
	if c.Resource != "" {
		a.Query.Set("resource", c.Resource)
	}
	maps.Copy(a.Query, changes)
	a.URL = c.Server.Authorization + "?" + a.Query.Encode()
	return a
}

// Challenge is the PKCE challenge of a verifier (RFC 7636 §4.2, S256).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Tokens is an answer of the token endpoint, or of one like it, good or bad.
type Tokens struct {
	Answer      `json:"-"`
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	ID          string `json:"id_token"`
	Type        string `json:"token_type"`
	Scope       string `json:"scope"`
	Expires     int    `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// Claims are what the access token says, unverified: a client has no business with them, but a reader has.
func (t Tokens) Claims() map[string]any { return Claims(t.Access) }

// Claims are what a JWT says, unverified; nil if it is none.
func Claims(jwt string) map[string]any {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims map[string]any
	_ = json.Unmarshal(text, &claims)
	return claims
}

// Redeem changes a code into tokens (RFC 6749 §4.1.3). Changes are as in Request.
func (c *Client) Redeem(ctx context.Context, code, verifier string, changes url.Values) (Tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {c.Redirect}}
	if c.Resource != "" {
		form.Set("resource", c.Resource)
	}
	return c.Form(ctx, c.Server.Token, form, changes)
}

// Refresh changes a refresh token into new tokens (RFC 6749 §6).
func (c *Client) Refresh(ctx context.Context, token string, changes url.Values) (Tokens, error) {
	return c.Form(ctx, c.Server.Token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, changes)
}

// Revoke gives a token back (RFC 7009). The answer is 200 whatever became of it.
func (c *Client) Revoke(ctx context.Context, token string, changes url.Values) (Tokens, error) {
	return c.Form(ctx, c.Server.Revocation, url.Values{"token": {token}}, changes)
}

// Introspect asks what a token is worth now (RFC 7662). A public client is not told.
func (c *Client) Introspect(ctx context.Context, token string, changes url.Values) (Tokens, error) {
	return c.Form(ctx, c.Server.Introspection, url.Values{"token": {token}}, changes)
}

// Form sends a form to an endpoint, with what the client proves itself with.
func (c *Client) Form(ctx context.Context, endpoint string, form, changes url.Values) (Tokens, error) {
	headers := []string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json"}
	if c.Secret != "" { // RFC 6749 §2.3.1: each form-encoded first
		pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret)
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	} else if c.ID != "" {
		form.Set("client_id", c.ID)
	}
	maps.Copy(form, changes)
	a, err := c.Send(ctx, http.MethodPost, endpoint, form.Encode(), headers...)
	out := Tokens{Answer: a}
	if err != nil {
		return out, err
	}
	if len(a.Body) > 0 {
		if err := json.Unmarshal(a.Body, &out); err != nil {
			return out, fmt.Errorf("%s answered %d, and no JSON: %.200s", endpoint, a.Status, a.Body)
		}
	}
	return out, nil
}

// Send makes one request by hand: no redirect is followed, no cookie is sent. Headers come as name, value, name, value; a
// relative address begins at Base.
func (c *Client) Send(ctx context.Context, method, address, body string, headers ...string) (Answer, error) {
	if strings.HasPrefix(address, "/") {
		address = c.Base + address
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("User-Agent", c.Agent)
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
		}
		r.Header.Add(pair[0], pair[1])
	}
	a, err := exchange(c.http, r)
	if err != nil {
		return Answer{}, err
	}
	return *a, nil
}

// Authorize goes through an authorization request in a browser, as user, who allows all that is asked. It returns what comes back to
// the client: a code, or an error. Without a password nobody logs in: what is on the screen then is the login page.
func (c *Client) Authorize(ctx context.Context, b *Browser, a Authorization, user, password string) (url.Values, error) {
	b.StopAt(cmp.Or(a.Query.Get("redirect_uri"), c.Redirect))
	defer b.StopAt("")
	p, err := b.Open(ctx, a.URL)
	if err == nil && p.Has("username") && password != "" {
		p, err = b.Login(ctx, user, password)
	}
	if err == nil && p.Has("decision") {
		p, err = b.Allow(ctx)
	}
	if err != nil {
		return nil, err
	}
	if p.Target() == nil {
		return nil, fmt.Errorf("no way back to the client from %s", b.where())
	}
	return p.Redirect(), nil
}

// Connect does all of it: user logs in and allows the scopes, and the client gets its tokens.
func (c *Client) Connect(ctx context.Context, b *Browser, user, password string, scopes ...string) (Tokens, error) {
	a := c.Request(url.Values{"scope": {strings.Join(scopes, " ")}})
	got, err := c.Authorize(ctx, b, a, user, password)
	if err != nil {
		return Tokens{}, err
	}
	if got.Get("code") == "" || got.Get("state") != a.State {
		return Tokens{Error: got.Get("error"), Description: got.Get("error_description")}, nil
	}
	return c.Redeem(ctx, got.Get("code"), a.Verifier, nil)
}
