package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxTokenBody = 64 << 10
	maxToken     = 16 << 10
)

// tokens is a good answer of a token endpoint.
type tokens struct {
	Access, Refresh string
	Expires         time.Time // zero: not said
	Scopes          []string  // granted
}

// tokenError is a refusal of a token endpoint (RFC 6749 §5.2).
type tokenError struct{ Code, Description string }

func (e *tokenError) Error() string { return "token endpoint: " + e.Code }

// invalidGrant tells that a code or refresh token is used up, revoked or expired: only the person can help.
func invalidGrant(err error) bool {
	var e *tokenError
	return errors.As(err, &e) && e.Code == "invalid_grant"
}

// requestToken asks a token endpoint. We are a public client: client_id in the body, no secret (RFC 6749 §3.2.1).
// A code and the refresh token are answered with the scopes granted; when the server does not name them,
// they are the requested ones (RFC 6749 §5.1).
func (a *app) requestToken(ctx context.Context, s server, form url.Values, requested []string) (tokens, error) {
	form.Set("client_id", a.clientAt(s.Client))
	status, body, err := a.postForm(ctx, s.Token, form)
	if err != nil {
		return tokens{}, err
	}
	var answer struct {
		AccessToken  string      `json:"access_token"`
		TokenType    string      `json:"token_type"`
		ExpiresIn    json.Number `json:"expires_in"`
		RefreshToken string      `json:"refresh_token"`
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
	case !strings.EqualFold(answer.TokenType, "Bearer"): // a token of another type must not be used (RFC 6749 §7.1)
		return tokens{}, fmt.Errorf("token endpoint: token type %q", clip(answer.TokenType, 30))
	case answer.AccessToken == "" || len(answer.AccessToken) > maxToken || len(answer.RefreshToken) > maxToken ||
		strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return tokens{}, errors.New("token endpoint: no usable access token")
	}
	t := tokens{Access: answer.AccessToken, Refresh: answer.RefreshToken, Scopes: requested}
	if n, err := answer.ExpiresIn.Int64(); err == nil && n > 0 && n < 1<<31 {
		t.Expires = a.now().Add(time.Duration(n) * time.Second)
	}
	if answer.Scope != nil {
		t.Scopes = scopeList(*answer.Scope)
	}
	return t, nil
}

// clientAt is the client that a grant was given to, and that it stays bound to (RFC 6749 §10.4). Older records do not name it.
func (a *app) clientAt(client string) string { return cmp.Or(client, a.clientID) }

// revoke tells the authorization server to forget a token (RFC 7009 §2.1).
func (a *app) revoke(ctx context.Context, endpoint, client, token string) error {
	status, _, err := a.postForm(ctx, endpoint, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}, "client_id": {a.clientAt(client)}})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("revocation endpoint: status %d", status)
	}
	return err
}

// postForm returns the status and, when it is JSON, the body.
func (a *app) postForm(ctx context.Context, endpoint string, form url.Values) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return resp.StatusCode, nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenBody))
	return resp.StatusCode, body, err
}
