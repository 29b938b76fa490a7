package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/possession"
)

const (
	maxTokenBody = 64 << 10
	maxToken     = 16 << 10
)

// tokens is a good answer of a token endpoint.
type tokens struct {
	Key *clientkey.Key // that they are bound to; nil: to none

	Access, Refresh string
	Expires         time.Time // zero: not said
	Scopes          []string  // granted
	ID              string    // ID token; empty: none
}

// tokenError is a refusal of a token endpoint (RFC 6749 §5.2).
type tokenError struct{ Code, Description string }

func (e *tokenError) Error() string { return "token endpoint: " + e.Code }

// refusalCode is the code of a tokenError: invalid_grant when a code or refresh token is used up, revoked or expired, so that only the
// person can help; invalid_client when we are not known, or our secret is wrong.
func refusalCode(err error) string {
	var e *tokenError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// client is as which we speak to an authorization server.
type client struct {
	Issuer string `json:"issuer,omitempty"`
	ID     string `json:"client_id,omitempty"`
	Method string `json:"token_endpoint_auth_method,omitempty"`

	key *clientkey.Key // to be proved at the token endpoint; nil: none
}

func (s server) client() client { return client{Issuer: s.Issuer, ID: s.Client, Method: s.AuthMethod} }

// requestToken asks a token endpoint, with proofs of a key unless it is nil.
// A code and the refresh token are answered with the scopes granted; when the server does not name them,
// they are the requested ones (RFC 6749 §5.1).
func (a *app) requestToken(ctx context.Context, s server, key *clientkey.Key, form url.Values, requested []string) (tokens, error) {
	c, kind := s.client(), "Bearer"
	if c.key = key; key != nil {
		kind = possession.Scheme
	}
	status, body, err := a.postForm(ctx, s.Token, c, form)
	if err != nil {
		return tokens{}, err
	}
	var answer struct {
		AccessToken  string      `json:"access_token"`
		TokenType    string      `json:"token_type"`
		ExpiresIn    json.Number `json:"expires_in"`
		RefreshToken string      `json:"refresh_token"`
		IDToken      string      `json:"id_token"`
		Scope        *string     `json:"scope"`
		Error        string      `json:"error"`
		Description  string      `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return tokens{}, fmt.Errorf("token endpoint: status %d without the JSON it should have: %w", status, err)
	}
	switch {
	case answer.Error != "" && status >= 400 && status < 500:
		return tokens{}, &tokenError{clip(answer.Error, 60), clip(answer.Description, maxDescription)}
	case status != http.StatusOK:
		return tokens{}, fmt.Errorf("token endpoint: status %d", status)
	case key != nil && strings.EqualFold(answer.TokenType, "Bearer"): // discarded, since both servers promised the protection (RFC 9449 §5)
		return tokens{}, errNotBound
	case !strings.EqualFold(answer.TokenType, kind): // a token of another type must not be used (RFC 6749 §7.1)
		return tokens{}, fmt.Errorf("token endpoint: token type %q", clip(answer.TokenType, 30))
	case answer.AccessToken == "" || len(answer.AccessToken) > maxToken || len(answer.RefreshToken) > maxToken || len(answer.IDToken) > maxToken ||
		strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return tokens{}, errors.New("token endpoint: no usable access token")
	}
	t := tokens{Access: answer.AccessToken, Refresh: answer.RefreshToken, ID: answer.IDToken, Scopes: requested}
	if n, err := answer.ExpiresIn.Int64(); err == nil && n > 0 && n < 1<<31 {
		t.Expires = a.now().Add(time.Duration(n) * time.Second)
	}
	if answer.Scope != nil {
		t.Scopes = scopeList(*answer.Scope)
	}
	t.Key = key
	return t, nil
}

// secretOf returns the secret that came with a client id, from the authorization server that it is for.
func (a *app) secretOf(ctx context.Context, c client) (string, error) {
	if c.ID == a.clientID && c.Issuer == a.issuer && a.secret != "" {
		return a.secret, nil
	}
	r, _, err := a.readRegistration(ctx, c.Issuer)
	if err == nil && (r.ClientID != c.ID || r.Secret == "") {
		err = &tokenError{Code: "invalid_client", Description: "the secret is gone"}
	}
	return r.Secret, err
}

// authenticate says in a request to the token or revocation endpoint who we are, in exactly one way (RFC 6749 §2.3). Where nobody gave
// us a secret we are a public client: client_id in the body (RFC 6749 §3.2.1).
func (a *app) authenticate(ctx context.Context, c client, form url.Values, h http.Header) error {
	id := cmp.Or(c.ID, a.clientID) // a grant stays bound to its client (RFC 6749 §10.4); older records do not name it
	if c.Method == "" || c.Method == methodNone {
		form.Set("client_id", id)
		return nil
	}
	secret, err := a.secretOf(ctx, c)
	switch {
	case err != nil:
		return err
	case c.Method == methodPost:
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	default:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))) // RFC 6749 §2.3.1
	}
	return nil
}

// revoke tells the authorization server to forget a token (RFC 7009 §2.1).
func (a *app) revoke(ctx context.Context, endpoint string, c client, token string) error {
	status, _, err := a.postForm(ctx, endpoint, c, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("revocation endpoint: status %d", status)
	}
	return err
}

// postForm returns the status and, when it is JSON, the body. Where the server wants a nonce in the proof, it is asked once more with it.
func (a *app) postForm(ctx context.Context, endpoint string, c client, form url.Values) (int, []byte, error) {
	nonce := a.nonces.at(endpoint)
	status, body, err := a.postOnce(ctx, endpoint, c, form, nonce)
	if err == nil && c.key != nil && status == http.StatusBadRequest && errorCode(body) == useNonce && a.nonces.at(endpoint) != nonce {
		return a.postOnce(ctx, endpoint, c, form, a.nonces.at(endpoint)) // nothing was used up (RFC 9449 §8)
	}
	return status, body, err
}

func (a *app) postOnce(ctx context.Context, endpoint string, c client, form url.Values, nonce string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := a.authenticate(ctx, c, form, header); err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	if c.key != nil {
		proof, err := possession.Prove(*c.key, possession.Request{Method: req.Method, URL: endpoint, Nonce: nonce}, a.now())
		if err != nil {
			return 0, nil, err
		}
		header.Set(possession.Header, proof)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	a.nonces.note(endpoint, resp.Header)
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return resp.StatusCode, nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenBody))
	return resp.StatusCode, body, err
}
