package federation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	jwtGrant  = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523 §2.1
	maxAnswer = 64 << 10                                      // bytes of a token endpoint's answer
	maxToken  = 16 << 10
)

// ask brings an assertion and gets a token for the MCP server (RFC 7521 §4.1).
func (h *handler) ask(ctx context.Context) error {
	assertion, err := h.client.Word(ctx, Place{h.place.Issuer, h.place.Resource, h.place.Scopes})
	if err == nil && assertion == "" {
		err = errors.New("there is no assertion")
	}
	if err != nil {
		h.stopped = fmt.Errorf("nobody vouches for this client: %w", err)
		return h.stopped
	}
	form := url.Values{"grant_type": {jwtGrant}, "assertion": {assertion}, "resource": {h.place.Resource}}
	if len(h.place.Scopes) > 0 {
		form.Set("scope", strings.Join(h.place.Scopes, " "))
	}
	a, err := post(ctx, h.http, h.place.Endpoint, form, h.client.ID, h.client.Secret, h.place.Methods)
	if err == nil && !strings.EqualFold(a.Type, "Bearer") { // RFC 6749 §7.1
		err = fmt.Errorf("the token endpoint gave a token of the kind %.30q", a.Type)
	}
	if err != nil { // a refusal is final
		h.stopped = err
		return err
	}
	h.token, h.until = a.Token, time.Time{}
	if a.ExpiresIn > 0 && a.ExpiresIn < 1<<31 {
		h.until = h.client.Now().Add(time.Duration(a.ExpiresIn) * time.Second)
	}
	return nil
}

// answer is what a token endpoint says (RFC 6749 §5.1, §5.2, RFC 8693 §2.2.1).
type answer struct {
	Token       string `json:"access_token"`
	IssuedType  string `json:"issued_token_type"`
	Type        string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// post sends a form to a token endpoint, with who we are in exactly one way (RFC 6749 §2.3).
func post(ctx context.Context, client *http.Client, endpoint string, form url.Values, id, secret string, methods []string) (a answer, err error) {
	if len(methods) == 0 {
		methods = []string{"client_secret_basic"} // RFC 8414 §2
	}
	basic := ""
	switch {
	case secret == "" && id != "":
		form.Set("client_id", id)
	case secret == "":
	case slices.Contains(methods, "client_secret_basic"):
		basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret))) // RFC 6749 §2.3.1
	case slices.Contains(methods, "client_secret_post"):
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	default:
		return a, fmt.Errorf("the authorization server takes no secret, but %.200q", strings.Join(methods, " "))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return a, err
	}
	req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if basic != "" {
		req.Header.Set("Authorization", basic)
	}
	resp, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("the token endpoint answered %d, without the JSON that it should have", resp.StatusCode)
	}
	switch {
	case a.Error != "":
		return a, fmt.Errorf("the authorization server gives this client no token: %.100q, %.300q", a.Error, a.Description)
	case resp.StatusCode != http.StatusOK:
		return a, fmt.Errorf("the token endpoint answered %d", resp.StatusCode)
	case a.Token == "" || len(a.Token) > maxToken || strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return a, errors.New("the token endpoint gave no usable token")
	}
	return a, nil
}
