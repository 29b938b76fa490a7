package nightly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/functions/vetassist/discovery"
	"github.com/vetassist/vetassist/functions/vetassist/tokenrequest"
	"github.com/vetassist/vetassist/shared/clientkey"
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
	token   tokenrequest.Held
	stopped error // nothing more is sent
}

var _ auth.OAuthHandler = (*handler)(nil)

// TokenSource is asked before every request. The first goes without a token: the answer says what is wanted.
func (h *handler) TokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return nil, h.stopped
	}
	if h.token.Ends(h.program.Now()) {
		if err := h.ask(ctx); err != nil {
			return nil, err
		}
	}
	return h.token.Source(), nil
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
	case sent != "" && sent != h.token.Token:
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
	for waits := 0; waits < maxWaits; waits++ {
		var status *tokenrequest.StatusError
		if !errors.As(err, &status) {
			break
		}
		wait, asked := retryAfter(status.Status, status.Header)
		if !asked {
			break
		}
		if err := h.program.Pause(ctx, wait); err != nil {
			return err
		}
		err = h.askOnce(ctx) // with a new proof: the old one may have been used up (RFC 7523 §3, item 7)
	}
	var refused *tokenrequest.Refusal
	if errors.As(err, &refused) {
		err = hinted(*refused)
	}
	if refused != nil || errors.Is(err, tokenrequest.ErrMethod) { // else it may do the next time
		h.stopped = err
	}
	return err
}

func (h *handler) askOnce(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {h.place.Resource}}
	if len(h.asked) > 0 {
		form.Set("scope", strings.Join(h.asked, " "))
	}
	header, err := h.prove(form)
	if err != nil {
		return err
	}
	a, err := tokenrequest.Send(ctx, h.once, h.place.Endpoint, form, header)
	if err != nil {
		return err
	}
	held, err := a.Bearer(h.program.Now())
	if err != nil {
		return err
	}
	h.token, h.granted = held, h.asked // RFC 6749 §5.1: unless it says otherwise
	if a.Scope != nil {
		h.granted = strings.Fields(*a.Scope)
	}
	return nil
}

// prove says who we are, in exactly one way (RFC 6749 §2.3).
func (h *handler) prove(form url.Values) (http.Header, error) {
	p, offered := h.program, h.place.Methods
	if p.Key == nil {
		return tokenrequest.Secret(form, offered, p.ID, p.Secret)
	}
	if !slices.Contains(offered, "private_key_jwt") {
		return nil, fmt.Errorf("%w: it takes %.200q", tokenrequest.ErrMethod, strings.Join(offered, " "))
	}
	assertion, err := p.Key.Assertion(p.ID, h.place.Issuer, p.Now())
	form.Set("client_assertion_type", clientkey.AssertionType)
	form.Set("client_assertion", assertion) // its sub is the client_id (RFC 7523 §3)
	return nil, err
}

// hinted is a refusal with what to do about it.
func hinted(r tokenrequest.Refusal) error {
	hints := map[string]string{
		"invalid_client":      "Is the client id right, and is it this key or secret that is registered?",
		"unauthorized_client": "It must be registered as a machine-to-machine application.",
		"invalid_scope":       "An administrator must authorize it for the MCP server, and give it a role.",
		"invalid_target":      "An administrator must authorize it for this MCP server.",
		"invalid_dpop_proof":  "It sends no proofs of possession, so it must be registered as an application that may go without.",
	}
	return errors.New(strings.TrimSpace(fmt.Sprintf("the authorization server gives this program no token (%s: %s). %s", clean(r.Code), clean(r.Description), hints[r.Code])))
}

func lacking(scopes []string) error {
	return fmt.Errorf("the program lacks the permission %s. An administrator must authorize it for that, and give it a role that has it", clean(strings.Join(scopes, " ")))
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
