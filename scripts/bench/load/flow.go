package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Flow is how to get tokens from an authorization server: as a browser and a client (RFC 6749 §4.1, RFC 7636).
type Flow struct {
	Authorize string            `json:"authorize"` // paths
	Token     string            `json:"token"`
	Client    string            `json:"client"`
	Redirect  string            `json:"redirect"` // where the code comes
	Scope     string            `json:"scope"`
	Resource  string            `json:"resource,omitempty"` // RFC 8707
	Cookies   []string          `json:"cookies,omitempty"`  // name=value of browsers that are logged in: each connection takes its own
	Login     string            `json:"login,omitempty"`    // path of a login form that has to be filled in each time; its field id is a parameter of the address
	LoginID   string            `json:"login_id,omitempty"` // that parameter
	Fields    map[string]string `json:"fields,omitempty"`   // the rest of the form
}

const maxSteps = 15 // of redirects

// browser is a person's browser, and the client that it comes back to.
type browser struct {
	*conn
	Flow
	cookies map[string]string
}

func newBrowser(c *conn, f Flow, n int) *browser {
	b := &browser{conn: c, Flow: f, cookies: map[string]string{}}
	if len(f.Cookies) > 0 {
		b.keep(f.Cookies[n%len(f.Cookies) : n%len(f.Cookies)+1])
	}
	return b
}

func (b *browser) keep(cookies []string) {
	for _, c := range cookies {
		if name, value, _ := strings.Cut(c, "="); value == "" {
			delete(b.cookies, name)
		} else {
			b.cookies[name] = value
		}
	}
}

// flow goes through it once, and returns the refresh token.
func (b *browser) flow() (refresh string, err error) {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	state := rand.Text()
	q := url.Values{"response_type": {"code"}, "client_id": {b.Client}, "redirect_uri": {b.Redirect}, "scope": {b.Scope}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	if b.Resource != "" {
		q.Set("resource", b.Resource)
	}
	back, err := b.follow(b.Authorize + "?" + q.Encode())
	if err != nil {
		return "", err
	}
	if back.Get("code") == "" || back.Get("state") != state {
		return "", fmt.Errorf("came back without a code or its state: %s", back.Encode())
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {b.Client}, "code": {back.Get("code")}, "redirect_uri": {b.Redirect}, "code_verifier": {verifier}}
	return b.token(form)
}

// follow goes where the server sends the browser, until it is back at the client.
func (b *browser) follow(path string) (url.Values, error) {
	for range maxSteps {
		at, err := url.Parse(path)
		if err != nil {
			return nil, err
		}
		r := Request{Method: "GET", Path: at.RequestURI(), Headers: map[string]string{}}
		if b.Login != "" && at.Path == b.Login {
			form := url.Values{"id": {at.Query().Get(b.LoginID)}}
			for name, value := range b.Fields {
				form.Set(name, value)
			}
			r = post(at.Path, form)
		}
		if len(b.cookies) > 0 {
			var all []string
			for name, value := range b.cookies {
				all = append(all, name+"="+value)
			}
			r.Headers["Cookie"] = strings.Join(all, "; ")
		}
		a, err := b.do(r.bytes(b.addr))
		if err != nil {
			return nil, err
		}
		b.keep(a.cookies)
		if a.location == "" {
			return nil, fmt.Errorf("%s leads nowhere: %d %.200s", at.Path, a.status, a.body)
		}
		to, err := at.Parse(a.location)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(a.location, b.Redirect) {
			return to.Query(), nil
		}
		if path, err = b.here(to); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d steps", maxSteps)
}

// here is the path of an address on the server itself.
func (b *browser) here(to *url.URL) (string, error) {
	if to.Host != "" && to.Host != b.addr {
		return "", fmt.Errorf("sent to a stranger: %s", to.Host)
	}
	return to.RequestURI(), nil
}

// refresh swaps a refresh token for the next one (RFC 6749 §6); it must be another.
func (b *browser) refresh(token string) (string, error) {
	next, err := b.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {b.Client}, "refresh_token": {token}})
	if err == nil && next == token {
		err = fmt.Errorf("the refresh token did not rotate")
	}
	return next, err
}

func (b *browser) token(form url.Values) (refresh string, err error) {
	a, err := b.do(post(b.Token, form).bytes(b.addr))
	if err != nil {
		return "", err
	}
	var t struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(a.body, &t); err != nil || a.status != 200 || t.Access == "" || t.Refresh == "" {
		return "", fmt.Errorf("no tokens: %d %.200s", a.status, a.body)
	}
	return t.Refresh, nil
}

func post(path string, form url.Values) Request {
	return Request{Method: "POST", Path: path, Headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, Body: form.Encode()}
}
