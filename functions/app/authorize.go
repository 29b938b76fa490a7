package app

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	authorizationPartition = "app/authorization/" // + SHA-256 of the state
	authorizationSort      = "request"
	authorizationLife      = 10 * time.Minute
)

// need says that a person must act before a call can go on. It is an error for the MCP client and a card in the conversation.
type need struct {
	Kind        string   `json:"kind"`
	Server      server   `json:"server"`
	Scopes      []string `json:"scopes"`                // to request
	New         []string `json:"new"`                   // of these, what the person has not granted yet
	Tool        string   `json:"tool,omitempty"`        // title of the tool that needs it
	Description string   `json:"description,omitempty"` // the server's error_description
	Reason      string   `json:"reason,omitempty"`      // why a login from before does not do
}

const (
	needConnect = "connect"
	needStepUp  = "step_up"
)

func (n *need) Error() string { return "authorization needed: " + strings.Join(n.New, " ") }

// authorization is one request that is on its way; the key of its record is the hash of its state.
type authorization struct {
	Family   string    `json:"family"`        // whose answer it may be: SHA-256 of the session's family
	Verifier string    `json:"verifier"`      // sealed under the family
	Key      string    `json:"key,omitempty"` // sealed likewise; that the tokens will be bound to
	Server   server    `json:"server"`
	Scopes   []string  `json:"scopes"`
	New      []string  `json:"new"`                // of them, what the person had not granted
	Exchange string    `json:"exchange,omitempty"` // what waits for it
	Switch   bool      `json:"switch,omitempty"`
	Created  time.Time `json:"created"`
}

// scopesFor follows "Scope Selection Strategy": the challenge's scopes, else all that the resource names; and with them
// what was granted before, so that a step-up loses nothing ("Step-Up Authorization Flow", step 2). A request that the
// person refused does not count, or every later step-up would ask for it again.
func scopesFor(c challenge, s server, before []string) []string {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = s.Scopes
	}
	return union(before, scopes)
}

// authorizeURL starts an authorization request: it stores what the callback will need and returns where to send the person.
// switched asks for a login as somebody else.
func (a *app) authorizeURL(ctx context.Context, b *browser, n *need, exchangeID string, switched bool) (string, error) {
	state, err := web.NewSecret(a.rand)
	if err != nil {
		return "", err
	}
	verifier, err := web.NewSecret(a.rand) // 43 characters (RFC 7636 §4.1)
	if err != nil {
		return "", err
	}
	family, err := newSealer(b.family, a.rand)
	if err != nil {
		return "", err
	}
	known, err := a.identify(ctx, n.Server) // again: it may have changed since we asked
	if err != nil {
		return "", err
	}
	rec := authorization{Family: web.Hash(b.family), Server: known, Scopes: n.Scopes, New: n.New, Exchange: exchangeID, Created: a.now(),
		Switch: switched && b.session.everConnected()}
	if rec.Verifier, err = family.seal("code verifier", verifier); err != nil {
		return "", err
	}
	thumbprint := ""
	if n.Server.Bound {
		if rec.Key, thumbprint, err = newProofKey(family); err != nil {
			return "", err
		}
	}
	u, err := url.Parse(n.Server.Authorize)
	if err != nil {
		return "", err
	}
	q := u.Query() // what the endpoint has in it stays (RFC 6749 §3.1)
	q.Set("response_type", "code")
	q.Set("client_id", known.Client)
	q.Set("redirect_uri", a.base+"/callback")
	q.Set("state", state)
	q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
	q.Set("code_challenge_method", "S256")
	q.Set("resource", n.Server.Resource) // "Resource Parameter Implementation": in both requests
	scopes := slices.Clone(n.Scopes)
	if n.Server.Offline { // "Refresh Tokens": only where the server lists it
		scopes = union(scopes, []string{"offline_access"})
	}
	if len(n.Server.Identity) > 0 && len(scopes) > 0 { // alone they would ask for no permission
		scopes = union(scopes, n.Server.Identity)
		q.Set("nonce", nonceOf(verifier))
	}
	if len(scopes) > 0 {
		q.Set("scope", strings.Join(scopes, " "))
	}
	if switched {
		q.Set("prompt", "login")
	}
	if thumbprint != "" { // the code is then of no use to whoever has not the key (RFC 9449 §10)
		q.Set("dpop_jkt", thumbprint)
	}
	u.RawQuery = q.Encode()
	item := store.Encode(authorizationPartition+web.Hash(state), authorizationSort, rec, a.now().Add(authorizationLife))
	return u.String(), a.store.Write(ctx, store.Put(item, store.IfAbsent()))
}
