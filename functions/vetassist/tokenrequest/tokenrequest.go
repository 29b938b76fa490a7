// Package tokenrequest asks a token endpoint (RFC 6749 §3.2), for the programs here that are clients without a person: the nightly job and the
// federated client. What the answer holds is believed only as far as it is what it should be.
package tokenrequest

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

	"golang.org/x/oauth2"
)

const (
	maxAnswer  = 64 << 10         // bytes
	maxToken   = 16 << 10         // bytes
	renewAhead = 30 * time.Second // a token that ends sooner is replaced before it is used
)

// Answer is what a token endpoint says (RFC 6749 §5.1, RFC 8693 §2.2.1).
type Answer struct {
	Token      string  `json:"access_token"`
	IssuedType string  `json:"issued_token_type"`
	Type       string  `json:"token_type"`
	ExpiresIn  int64   `json:"expires_in"` // seconds
	Scope      *string `json:"scope"`      // nil: what was asked for
}

// Refusal is an error response (RFC 6749 §5.2).
type Refusal struct{ Code, Description string }

func (r *Refusal) Error() string {
	return fmt.Sprintf("the authorization server gives this client no token: %.100q, %.300q", r.Code, r.Description)
}

// StatusError is an answer that says nothing but its status, or that the endpoint cannot answer now.
type StatusError struct {
	Status int
	Header http.Header
}

func (e *StatusError) Error() string { return fmt.Sprintf("the token endpoint answered %d", e.Status) }

// ErrMethod says that a client cannot prove itself in any way that the authorization server offers.
var ErrMethod = errors.New("the authorization server takes no proof of this kind")

// Secret is the header for a client that has a secret, or puts it into the form: in exactly one way, of those that the authorization server
// offers (RFC 6749 §2.3; RFC 8414 §2 has the default). Or the error is ErrMethod.
func Secret(form url.Values, offered []string, id, secret string) (http.Header, error) {
	if len(offered) == 0 {
		offered = []string{"client_secret_basic"}
	}
	switch {
	case slices.Contains(offered, "client_secret_basic"):
		pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret) // RFC 6749 §2.3.1
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}, nil
	case slices.Contains(offered, "client_secret_post"):
		form.Set("client_id", id)
		form.Set("client_secret", secret)
		return http.Header{}, nil
	}
	return nil, fmt.Errorf("%w: it takes %.200q", ErrMethod, strings.Join(offered, " "))
}

// Send asks for a token. The client follows no redirect: what is sent must not travel on. Besides what can go wrong on the way, the error is a
// *Refusal or a *StatusError.
func Send(ctx context.Context, client *http.Client, endpoint string, form url.Values, header http.Header) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 { // whatever it says besides may be otherwise in a moment
		return Answer{}, &StatusError{resp.StatusCode, resp.Header}
	}
	return read(resp)
}

func read(resp *http.Response) (Answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the token endpoint's answer is larger than %d KiB", maxAnswer>>10)
	}
	if err != nil {
		return Answer{}, err
	}
	var a struct {
		Answer
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return Answer{}, fmt.Errorf("the token endpoint answered %d, without the JSON that it should have", resp.StatusCode)
	}
	switch {
	case a.Error != "":
		return Answer{}, &Refusal{a.Error, a.Description}
	case resp.StatusCode != http.StatusOK:
		return Answer{}, &StatusError{resp.StatusCode, resp.Header}
	case a.Token == "" || len(a.Token) > maxToken || strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Answer{}, errors.New("the token endpoint gave no usable token")
	}
	return a.Answer, nil
}

// Held is an access token that a program has; empty: none.
type Held struct {
	Token string
	Until time.Time // zero: nobody said
}

// Bearer is the token of an answer, if it is one that is sent as it is: a client uses no token of a kind that it does not know (RFC 6749 §7.1).
func (a Answer) Bearer(now time.Time) (Held, error) {
	if !strings.EqualFold(a.Type, "Bearer") {
		return Held{}, fmt.Errorf("the token endpoint gave a token of the kind %.30q", a.Type)
	}
	h := Held{Token: a.Token}
	if a.ExpiresIn > 0 && a.ExpiresIn < 1<<31 {
		h.Until = now.Add(time.Duration(a.ExpiresIn) * time.Second)
	}
	return h, nil
}

// Ends reports whether there is a token that is to be replaced before it is used.
func (h Held) Ends(now time.Time) bool {
	return h.Token != "" && !h.Until.IsZero() && !now.Add(renewAhead).Before(h.Until)
}

// Source is what the MCP SDK takes; nil without a token: the first request goes without one, and the answer says what is wanted.
func (h Held) Source() oauth2.TokenSource {
	if h.Token == "" {
		return nil
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: h.Token})
}
