package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/trace"
)

// maxAsks is how often one message may send its person away before we call it a permanent failure
// ("Step-Up Authorization Flow", step 4).
const maxAsks = 3

// errTurnOver stops what the SDK still sends in the background when its caller has gone on.
var errTurnOver = errors.New("the turn is over")

// errForbidden is a 403 that no permission would change.
var errForbidden = errors.New("the server forbids this")

// refusedError says that a permission was asked for because of this message, and still is not there.
type refusedError struct{ scopes []string }

func (e *refusedError) Error() string {
	return "permission not given: " + strings.Join(e.scopes, " ")
}

// oauthHandler serves one connection of one turn of one session: auth.OAuthHandler without waiting for anybody.
type oauthHandler struct {
	app       *app
	ctx       context.Context // of the turn: the SDK asks for tokens under a context without a deadline
	browser   *browser
	ex        *exchange
	tool      string // title of the tool that is being called
	anonymous bool   // to be asked for a login although there may be one

	mu        sync.Mutex     // the SDK tells the server of a call that timed out while we go on
	refreshed bool           // once a turn
	told      bool           // which token it is
	key       *clientkey.Key // that the token of the latest request is bound to; nil: it is a bearer token
	stopped   error          // a *need or a permanent failure: nothing more is sent
}

var _ auth.OAuthHandler = (*oauthHandler)(nil)

// TokenSource is asked before every request ("Access Token Usage": the token is in each of them).
func (h *oauthHandler) TokenSource(context.Context) (oauth2.TokenSource, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return nil, h.stopped // else the SDK would try again without being allowed to
	}
	if h.anonymous {
		return nil, nil
	}
	token, err := h.app.accessToken(h.ctx, h.browser)
	if err == nil && !h.told {
		h.told = true
		h.app.traceToken(h.ctx, token != "", h.browser.session.Login)
	}
	if err != nil || token == "" {
		return nil, err
	}
	if h.key, err = h.browser.proofKey(); err != nil {
		return nil, err
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), nil
}

// boundTo is the key for the request that TokenSource gave a token. It is the same for every token of a login.
func (h *oauthHandler) boundTo() *clientkey.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.key
}

// verdict is what stopped it, if something did.
func (h *oauthHandler) verdict() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopped
}

// retire ends this handler, so that nothing touches the session behind our back, and returns one for the next connection.
func (h *oauthHandler) retire() *oauthHandler {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped == nil {
		h.stopped = errTurnOver
	}
	return &oauthHandler{app: h.app, ctx: h.ctx, browser: h.browser, ex: h.ex, anonymous: h.anonymous, refreshed: h.refreshed, told: h.told}
}

// Authorize is called on a 401 and a 403. nil means: try again.
func (h *oauthHandler) Authorize(ctx context.Context, req *http.Request, resp *http.Response) error {
	c := readChallenge(resp)
	ctx = trace.With(ctx, h.ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped != nil {
		return h.stopped
	}
	if resp.StatusCode == http.StatusForbidden {
		if c.Error != "insufficient_scope" {
			return errForbidden
		}
		h.stopped = h.ask(ctx, needStepUp, c)
		return h.stopped
	}
	sent := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if l := h.browser.session.Login; sent != "" && !h.refreshed && !(l != nil && h.app.leaves(ctx, c.ResourceMetadata, l.Server.Issuer)) {
		h.refreshed = true
		traceRefresh(ctx, "The MCP server does not take the access token.")
		err := h.app.refresh(ctx, h.browser, sent)
		if !errors.Is(err, errLoginLost) {
			return err
		}
	}
	h.stopped = h.ask(ctx, needConnect, c)
	return h.stopped
}

// ask prepares an authorization request for what the challenge wants and returns it as a *need.
func (h *oauthHandler) ask(ctx context.Context, kind string, c challenge) error {
	s := h.browser.session
	if s.Login == nil {
		kind = needConnect
	}
	if kind == needStepUp && len(c.Scopes) > 0 && len(without(c.Scopes, h.ex.Asked)) == 0 {
		err := &refusedError{c.Scopes}
		traceNoNeed(ctx, err)
		return err
	}
	if h.ex.Asks >= maxAsks {
		return fmt.Errorf("asked %d times for one message, and the server is still not satisfied", h.ex.Asks)
	}
	srv, err := h.app.discover(ctx, c.ResourceMetadata)
	if err != nil {
		return &discoveryError{err}
	}
	was := s.Login != nil && s.Login.Key != "" // a step-up takes no protection away
	srv.Bound = srv.Bound || srv.proves && (c.Proofs || was)
	if srv, err = h.app.identify(ctx, srv); err != nil {
		return &discoveryError{err}
	}
	elsewhere := s.Login != nil && s.Login.Server.Issuer != srv.Issuer
	if elsewhere {
		kind = needConnect
	}
	n := &need{Kind: kind, Server: srv, Tool: h.tool, Description: c.Description, Reason: s.Lost}
	n.Scopes = scopesFor(c, srv, s.Requested)
	n.New = n.Scopes
	switch {
	case h.anonymous, elsewhere: // perhaps for another person, or where nothing was granted yet: only what the challenge wants
		n.Scopes = scopesFor(c, srv, nil)
		n.New = n.Scopes
		if elsewhere {
			n.Reason = "The logins of VetAssist are now kept at " + hostOf(srv.Issuer) + "."
		}
	case kind == needStepUp:
		n.New = without(n.Scopes, s.Login.Scopes)
	case s.Login != nil: // refreshed, and still refused
		n.Reason = "The server does not accept your login any more."
	}
	if kind == needConnect {
		n.Description = "" // "no token" is no news to a person
	}
	h.ex.Asks++
	h.ex.Asked = union(h.ex.Asked, c.Scopes)
	traceNeed(ctx, n, c)
	return n
}

// discoveryError says that we do not know where to send the person.
type discoveryError struct{ err error }

func (e *discoveryError) Error() string { return "discovery: " + e.err.Error() }
func (e *discoveryError) Unwrap() error { return e.err }
