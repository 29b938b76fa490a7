package nightly

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
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
	"github.com/vetassist/vetassist/shared/clientkey"
)

const (
	renewAhead = 30 * time.Second // a token that ends sooner is replaced before it is used
	maxToken   = 16 << 10
)

// handler gives the MCP client a token, and gets another one when that has ended: there is no refresh token (RFC 6749 §4.4.3).
type handler struct {
	program Program
	server  *url.URL
	http    *http.Client
	once    *http.Client // asks once, whatever the answer

	mu      sync.Mutex
	place   *discovery.Place
	asked   []string // scopes
	granted []string
	token   string
	until   time.Time // zero: not said
	stopped error     // nothing more is sent
}

var _ auth.OAuthHandler = (*handler)(nil)

// TokenSource is asked before every request. The first goes without a token: the answer says what is wanted.
func (h *handler) TokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return nil, h.stopped
	}
	if h.token != "" && !h.until.IsZero() && !h.program.Now().Add(renewAhead).Before(h.until) {
		if err := h.ask(ctx); err != nil {
			return nil, err
		}
	}
	if h.token == "" {
		return nil, nil
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: h.token}), nil
}

// Authorize is called on a 401 and a 403. nil means: try again, once.
func (h *handler) Authorize(ctx context.Context, req *http.Request, resp *http.Response) error {
	defer resp.Body.Close()
	c := discovery.ReadChallenge(resp.Header)
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	switch {
	case h.stopped != nil:
	case resp.StatusCode == http.StatusForbidden && c.Code == "insufficient_scope":
		h.stopped = lacking(c.Scopes)
	case resp.StatusCode == http.StatusForbidden:
		h.stopped = errors.New("the MCP server does not let this program in")
	case sent != "" && sent != h.token:
		return nil // there is a newer one already
	default:
		return h.begin(ctx, c)
	}
	return h.stopped
}

// begin finds out where to ask, the first time, and for what.
func (h *handler) begin(ctx context.Context, c discovery.Challenge) error {
	if h.place == nil {
		found, err := discovery.Find(ctx, h.http, h.server, h.program.Issuer, c.Metadata)
		if errors.Is(err, discovery.ErrElsewhere) {
			err = fmt.Errorf("%w. If that is right, say so with -issuer", err)
		}
		if err != nil {
			h.stopped = err
			return err
		}
		h.place, h.asked = &found, h.program.Scopes
		if len(h.asked) == 0 {
			h.asked = c.Scopes
		}
		if len(h.asked) == 0 { // MCP, "Scope Selection Strategy"
			h.asked = found.Scopes
		}
	}
	return h.ask(ctx)
}

// ask gets a token: RFC 6749 §4.4.2, with the resource that it is for (RFC 8707 §2).
func (h *handler) ask(ctx context.Context) error {
	err := h.askOnce(ctx)
	var busy *busyError
	for waits := 0; errors.As(err, &busy) && waits < maxWaits; waits++ {
		if err := h.program.Pause(ctx, busy.wait); err != nil {
			return err
		}
		err = h.askOnce(ctx) // with a new proof: the old one may have been used up (RFC 7523 §3, item 7)
	}
	var refused *refusal
	if errors.As(err, &refused) || errors.Is(err, errMethod) { // else it may do the next time
		h.stopped = err
	}
	return err
}

func (h *handler) askOnce(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {h.place.Resource}}
	if len(h.asked) > 0 {
		form.Set("scope", strings.Join(h.asked, " "))
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := h.prove(form, header); err != nil {
		return err
	}
	return h.post(ctx, form, header)
}

// busyError is a token endpoint that asks to come again.
type busyError struct{ wait time.Duration }

func (e *busyError) Error() string { return "the token endpoint is too busy" }

var errMethod = errors.New("the authorization server takes no proof of this kind")

// prove says who we are, in exactly one way (RFC 6749 §2.3).
func (h *handler) prove(form url.Values, header http.Header) error {
	p, offered := h.program, h.place.Methods
	if len(offered) == 0 {
		offered = []string{"client_secret_basic"} // RFC 8414 §2
	}
	switch {
	case p.Key != nil && slices.Contains(offered, "private_key_jwt"):
		assertion, err := p.Key.Assertion(p.ID, h.place.Issuer, p.Now())
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", clientkey.AssertionType)
		form.Set("client_assertion", assertion) // its sub is the client_id (RFC 7523 §3)
	case p.Key == nil && slices.Contains(offered, "client_secret_basic"):
		pair := url.QueryEscape(p.ID) + ":" + url.QueryEscape(p.Secret) // RFC 6749 §2.3.1
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case p.Key == nil && slices.Contains(offered, "client_secret_post"):
		form.Set("client_id", p.ID)
		form.Set("client_secret", p.Secret)
	default:
		return fmt.Errorf("%w: it takes %.200q", errMethod, strings.Join(offered, " "))
	}
	return nil
}

// refusal is an error response of the token endpoint (RFC 6749 §5.2).
type refusal struct{ code, description string }

func (e *refusal) Error() string {
	hints := map[string]string{
		"invalid_client":      "Is the client id right, and is it this key or secret that is registered?",
		"unauthorized_client": "It must be registered as a machine-to-machine application.",
		"invalid_scope":       "An administrator must authorize it for the MCP server, and give it a role.",
		"invalid_target":      "An administrator must authorize it for this MCP server.",
		"invalid_dpop_proof":  "It sends no proofs of possession, so it must be registered as an application that may go without.",
	}
	return strings.TrimSpace(fmt.Sprintf("the authorization server gives this program no token (%s: %s). %s", clean(e.code), clean(e.description), hints[e.code]))
}

func lacking(scopes []string) error {
	return fmt.Errorf("the program lacks the permission %s. An administrator must authorize it for that, and give it a role that has it", clean(strings.Join(scopes, " ")))
}

func (h *handler) post(ctx context.Context, form url.Values, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.place.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := h.once.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if wait, asked := retryAfter(resp); asked {
		return &busyError{wait}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var a struct {
		Token       string  `json:"access_token"`
		Type        string  `json:"token_type"`
		ExpiresIn   int64   `json:"expires_in"`
		Scope       *string `json:"scope"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("the token endpoint answered %d, without the JSON that it should have", resp.StatusCode)
	}
	switch {
	case a.Error != "" && resp.StatusCode >= 400 && resp.StatusCode < 500:
		return &refusal{a.Error, a.Description}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the token endpoint answered %d", resp.StatusCode)
	case !strings.EqualFold(a.Type, "Bearer"): // RFC 6749 §7.1
		return fmt.Errorf("the token endpoint gave a token of the kind %.30q", a.Type)
	case a.Token == "" || len(a.Token) > maxToken || strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token endpoint gave no usable token")
	}
	h.token, h.until, h.granted = a.Token, time.Time{}, h.asked // RFC 6749 §5.1: unless it says otherwise
	if a.ExpiresIn > 0 && a.ExpiresIn < 1<<31 {
		h.until = h.program.Now().Add(time.Duration(a.ExpiresIn) * time.Second)
	}
	if a.Scope != nil {
		h.granted = strings.Fields(*a.Scope)
	}
	return nil
}

// missing is what was asked for and not given.
func (h *handler) missing() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	missing := slices.DeleteFunc(slices.Clone(h.asked), func(s string) bool { return slices.Contains(h.granted, s) })
	if len(missing) > 0 {
		return lacking(missing)
	}
	return nil
}

// judge finds what stopped us under the layers of the SDK.
func (h *handler) judge(err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return h.stopped
	}
	return err
}
