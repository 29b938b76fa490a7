package oauth_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

const (
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
	jwtToken      = "urn:ietf:params:oauth:token-type:jwt"
	bobsScope     = "pet-profile:read appointment:read appointment:write"
)

// delegating is a world in which our application names an agent, and bob has allowed the application some things. The agent is authorized
// for appointments only.
type delegating struct {
	*world
	agent, other program // both agents; our application names the first
	got          tokens  // bob's
}

// program is a client that proves itself in the header.
type program struct {
	id string
	as func(*http.Request)
}

func newDelegating(t *testing.T) *delegating {
	t.Helper()
	w := &delegating{world: newWorld(t)}
	w.agent, w.other = w.newAgent("appointment:read", "appointment:write"), w.newAgent("appointment:read", "appointment:write")
	w.names(clientID, w.agent.id)
	w.got = w.redeem(w.code("scope", bobsScope))
	w.got.expect(t, "")
	return w
}

func (w *world) newAgent(scopes ...string) program {
	w.t.Helper()
	id, secret := w.secretClient(directory.AgentTemplate, nil, scopes...)
	return program{id, basic(id, secret)}
}

// edit changes a client behind the server's back.
func (w *world) edit(id string, f func(*directory.Client)) {
	w.t.Helper()
	r, err := w.directory.ClientRecord(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	f(&r.Value)
	if err := w.directory.PutClient(w.t.Context(), r.Value, store.IfPresent()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) names(id, agent string) {
	w.t.Helper()
	w.edit(id, func(c *directory.Client) { c.MayAct = agent })
}

// exchanged is the answer of a token exchange.
type exchanged struct {
	tokens
	IssuedType string `json:"issued_token_type"`
}

// exchange lets an agent ask for a token of its own for one that it was handed; changes are as in world.request.
func (w *world) exchange(by program, subject string, changes ...string) exchanged {
	w.t.Helper()
	form := url.Values{"grant_type": {grantExchange}, "subject_token": {subject}, "subject_token_type": {accessToken}}
	for i := 0; i < len(changes); i += 2 {
		form[changes[i]] = strings.Fields(changes[i+1])
		if changes[i] == "scope" {
			form.Set("scope", changes[i+1])
		}
	}
	got, a := w.post("/oauth/token", form, by.as)
	out := exchanged{tokens: got}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		w.t.Fatal(err)
	}
	out.Status = got.Status
	return out
}

func (w *world) claims(raw string) token.Claims {
	w.t.Helper()
	claims, err := w.verifier.Verify(w.t.Context(), raw)
	if err != nil {
		w.t.Fatal(err)
	}
	return claims
}

// TestExchange: the user stays the subject, the agent stands beside, and the token is good for no more and no longer than what it came of.
func TestExchange(t *testing.T) {
	t.Parallel()
	w := newDelegating(t)
	if may := w.claims(w.got.Access).MayAct; may == nil || may.Subject != w.agent.id {
		t.Errorf("the application's token says of its agent %+v", may)
	}
	w.clock.Advance(4 * time.Minute)
	got := w.exchange(w.agent, w.got.Access)
	got.expect(t, "")
	if got.IssuedType != accessToken || got.Type != "Bearer" || got.Refresh != "" || got.ExpiresIn != 6*60 || got.Scope != "appointment:read appointment:write" {
		t.Errorf("%+v", got)
	}
	c := w.claims(got.Access)
	if c.Subject != "user-bob" || c.ClientID != w.agent.id || !slices.Equal(c.Actors(), []string{w.agent.id}) || c.MayAct != nil ||
		!slices.Equal(c.Roles, []string{"Pet Owner"}) || !slices.Equal(c.Audience, []string{w.url + "/mcp", mcp}) || c.Scope != got.Scope {
		t.Errorf("%+v", c)
	}
	if first := w.claims(w.got.Access); !c.ExpiresAt.Equal(first.ExpiresAt.Time) {
		t.Errorf("it ends at %s, and what it came of at %s", c.ExpiresAt, first.ExpiresAt)
	}
	for _, c := range []struct {
		what    string
		changes []string
		scope   string
	}{
		{"called a JWT", []string{"subject_token_type", jwtToken}, "appointment:read appointment:write"},
		{"asked for by name", []string{"requested_token_type", accessToken}, "appointment:read appointment:write"},
		{"one scope", []string{"scope", "appointment:write"}, "appointment:write"},
		{"more than the agent is authorized for", []string{"scope", "pet-profile:read appointment:read"}, "appointment:read"},
		{"the resource's URL", []string{"resource", w.url + "/mcp"}, "appointment:read appointment:write"},
		{"its identifier, as an audience", []string{"audience", mcp}, "appointment:read appointment:write"},
		{"both, and twice", []string{"resource", w.url + "/mcp " + mcp, "audience", mcp + " " + mcp}, "appointment:read appointment:write"},
		{"offline_access gives nothing", []string{"scope", "appointment:read offline_access"}, "appointment:read"},
	} {
		if got := w.exchange(w.agent, w.got.Access, c.changes...); got.Error != "" || got.Scope != c.scope || got.Refresh != "" {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
	other := w.exchange(w.other, w.got.Access)
	other.expect(t, "invalid_request")
	refused := w.events()[len(w.events())-1]
	if refused.Name != audit.Token || refused.Outcome != audit.Refused || refused.UserID != "user-bob" || refused.ClientID != w.other.id {
		t.Errorf("recorded: %+v", refused)
	}
	last := w.events()[len(w.events())-2]
	if last.Name != audit.Token || last.UserID != "user-bob" || last.ClientID != w.agent.id || last.Details["handed_over_by"] != clientID {
		t.Errorf("recorded: %+v", last)
	}
}

// TestExchangeRefused: RFC 8693 §2.2.2, §5. Nothing but the user's token for this server, from an application that names the agent, handed to
// that very agent.
func TestExchangeRefused(t *testing.T) {
	t.Parallel()
	w := newDelegating(t)
	unnamed := w.otherClient() // bob allowed it the same, but it names no agent
	machineID, machineSecret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "appointment:read", "appointment:write")
	webID, webSecret := w.secretClient(directory.WebTemplate, nil, "appointment:read", "appointment:write")
	exchangerID, exchangerSecret := w.secretClient(directory.WebTemplate, nil, "appointment:read", "appointment:write")
	w.edit(exchangerID, func(c *directory.Client) { c.GrantTypes = append(c.GrantTypes, directory.GrantExchange) })
	w.edit(w.agent.id, func(c *directory.Client) { c.Authorized["admin://vetassist"] = []string{"admin:read"} })
	elsewhere := newWorld(t) // another issuer
	machine, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(machineID, machineSecret))
	machine.expect(t, "")
	claims := w.claims(w.got.Access)
	mint := func(change func(*token.Grant)) string { // what we could sign, but did not issue
		g := token.Grant{ID: claims.ID, Subject: claims.Subject, ClientID: claims.ClientID, Audience: slices.Clone(claims.Audience), Scopes: claims.Scopes(), MayAct: claims.MayAct}
		change(&g)
		raw, _, err := token.NewKeyring(w.url, w.db, w.clock.Now, rand.Reader).Mint(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	own := w.exchange(w.agent, w.got.Access).Access
	public := program{clientID, func(r *http.Request) {}}
	for _, c := range []struct {
		what    string
		by      program
		subject string
		changes []string
		want    string // error, and words of its description
	}{
		// Who asks.
		{"the application itself, which is public", public, w.got.Access, []string{"client_id", clientID}, "unauthorized_client: not registered for this grant type"},
		{"a machine", program{machineID, basic(machineID, machineSecret)}, w.got.Access, nil, "unauthorized_client: not registered for this grant type"},
		{"a web application", program{webID, basic(webID, webSecret)}, w.got.Access, nil, "unauthorized_client: not registered for this grant type"},
		{"a web application that may exchange other tokens", program{exchangerID, basic(exchangerID, exchangerSecret)}, w.got.Access, nil, "unauthorized_client: only an agent"},
		{"the agent's name without its secret", program{w.agent.id, public.as}, w.got.Access, []string{"client_id", w.agent.id}, "invalid_client: has a secret"},
		{"the agent with another's secret", program{w.agent.id, basic(w.agent.id, machineSecret)}, w.got.Access, nil, "invalid_client: secret is wrong"},
		{"nobody", public, w.got.Access, nil, "invalid_client: client_id is missing"},
		{"another agent, which the application does not name", w.other, w.got.Access, nil, "invalid_request: does not name this agent in may_act"},
		// What it shows.
		{"no subject_token", w.agent, "", nil, "invalid_request: subject_token is missing"},
		{"no subject_token_type", w.agent, w.got.Access, []string{"subject_token_type", ""}, "invalid_request: subject_token_type must be"},
		{"two subject_tokens", w.agent, w.got.Access, []string{"subject_token", w.got.Access + " " + w.got.Access}, "invalid_request: sent twice"},
		{"called an ID token", w.agent, w.got.Access, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request: subject_token_type must be"},
		{"called a refresh token", w.agent, w.got.Access, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request: subject_token_type must be"},
		{"a refresh token", w.agent, w.got.Refresh, nil, "invalid_request: not a JWT"},
		{"a code", w.agent, w.code("scope", bobsScope), nil, "invalid_request: not a JWT"},
		{"a signature that was changed", w.agent, w.got.Access[:len(w.got.Access)-4] + "AAAA", nil, "invalid_request: signature does not verify"},
		{"nonsense of 9 KiB", w.agent, strings.Repeat("x", 9<<10), nil, "invalid_request: too long"},
		{"another issuer's token", w.agent, elsewhere.redeem(elsewhere.code()).Access, nil, "invalid_request: is not published"},
		{"a machine's token", w.agent, machine.Access, nil, "invalid_request: for an application, not for a user"},
		{"a machine's token that names the agent", w.agent, mint(func(g *token.Grant) { g.ID = "1" }), nil, "invalid_request: for an application, not for a user"},
		{"the token of an application that names no agent", w.agent, w.redeem(w.code("client_id", unnamed), "client_id", unnamed).Access, nil, "invalid_request: does not name this agent in may_act"},
		{"one of before the agent was named", w.agent, mint(func(g *token.Grant) { g.MayAct = nil }), nil, "invalid_request: does not name this agent in may_act"},
		{"one that names the agent, of an application that does not", w.agent, mint(func(g *token.Grant) { g.ClientID = unnamed }), nil, "invalid_request: does not name this agent any more"},
		{"of a grant that is not known", w.agent, mint(func(g *token.Grant) { g.ID = "nothing.1" }), nil, "invalid_request: has ended"},
		{"of a client that is not known", w.agent, mint(func(g *token.Grant) { g.ClientID = "nobody" }), nil, "invalid_request: has ended"},
		{"bound to a key, by an agent that shows none", w.agent, mint(func(g *token.Grant) { g.Key = "thumbprint" }), nil, "invalid_request: proof of one of your own"},
		{"the agent's own", w.agent, own, nil, "invalid_request: does not name this agent in may_act"},
		{"an actor_token", w.agent, w.got.Access, []string{"actor_token", own, "actor_token_type", accessToken}, "invalid_request: leave actor_token"},
		{"an actor_token_type alone", w.agent, w.got.Access, []string{"actor_token_type", accessToken}, "invalid_request: leave actor_token"},
		// What it wants.
		{"a refresh token for it", w.agent, w.got.Access, []string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request: requested_token_type must be"},
		{"another server", w.agent, w.got.Access, []string{"resource", "admin://vetassist"}, "invalid_target: for another server"},
		{"another server, as an audience", w.agent, w.got.Access, []string{"audience", "admin://vetassist"}, "invalid_target: for another server"},
		{"both servers", w.agent, w.got.Access, []string{"resource", mcp + " admin://vetassist"}, "invalid_target: one resource only"},
		{"a server that nobody knows", w.agent, w.got.Access, []string{"resource", "https://elsewhere.example/mcp"}, "invalid_target: not a server that this client may ask for"},
		{"a scope that bob did not allow", w.agent, w.got.Access, []string{"scope", "appointment:read reminder:read"}, "invalid_scope: more than was granted"},
		{"only a scope that the agent may not have", w.agent, w.got.Access, []string{"scope", "pet-profile:read"}, "invalid_scope: not authorized for what was asked for"},
		{"only who bob is", w.agent, w.got.Access, []string{"scope", "openid profile"}, "invalid_scope: not authorized for what was asked for"},
		{"scope that is none", w.agent, w.got.Access, []string{"scope", "a\"b"}, "invalid_scope"},
	} {
		t.Run(c.what, func(t *testing.T) {
			code, words, _ := strings.Cut(c.want, ": ")
			got := w.exchange(c.by, c.subject, c.changes...)
			if got.expect(t, code); !strings.Contains(got.Description, words) {
				t.Errorf("%q does not say %q", got.Description, words)
			}
		})
	}
	w.clock.Advance(10 * time.Minute)
	got := w.exchange(w.agent, w.got.Access)
	got.expect(t, "invalid_request") // it has expired
	// And what the agent got is no code, and no refresh token.
	for _, form := range []url.Values{
		{"grant_type": {"authorization_code"}, "code": {own}, "code_verifier": {verifier}}, {"grant_type": {"refresh_token"}, "refresh_token": {own}},
	} {
		form.Set("client_id", clientID)
		if got, _ := w.post("/oauth/token", form); got.Error != "invalid_grant" {
			t.Errorf("%v: %+v", form, got)
		}
	}
}

// TestExchangeAsksAtOnce: whatever ends the user's grant, or the agent's part in it, is known for the next exchange and for what was exchanged
// before.
func TestExchangeAsksAtOnce(t *testing.T) {
	t.Parallel()
	must := func(w *delegating, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	const all = "appointment:read appointment:write"
	for _, c := range []struct {
		what    string
		happens func(w *delegating, own string)
		told    string // scope of what was exchanged before; empty: not active
		want    string // error of the next exchange
	}{
		{"nothing", func(*delegating, string) {}, all, ""},
		{"the application revokes its access token", func(w *delegating, _ string) {
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {w.got.Access}})
		}, "", "invalid_request"},
		{"the application revokes its refresh token", func(w *delegating, _ string) {
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {w.got.Refresh}})
		}, "", "invalid_request"},
		{"the agent revokes its own", func(w *delegating, own string) { w.post("/oauth/revoke", url.Values{"token": {own}}, w.agent.as) }, "", ""},
		{"another agent tries to", func(w *delegating, own string) { w.post("/oauth/revoke", url.Values{"token": {own}}, w.other.as) }, all, ""},
		{"the application tries to", func(w *delegating, own string) {
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {own}})
		}, all, ""},
		{"the agent tries to end bob's", func(w *delegating, _ string) {
			w.post("/oauth/revoke", url.Values{"token": {w.got.Access}}, w.agent.as)
			w.post("/oauth/revoke", url.Values{"token": {w.got.Refresh}}, w.agent.as)
		}, all, ""},
		{"the refresh token is used", func(w *delegating, _ string) { w.refresh(w.got.Refresh) }, all, ""},
		{"bob is signed out everywhere", func(w *delegating, _ string) { w.signOut("user-bob") }, "", "invalid_request"},
		{"bob is disabled", func(w *delegating, _ string) {
			r, err := w.directory.UserRecord(t.Context(), "user-bob")
			must(w, err)
			off := true
			_, err = w.directory.UpdateUser(t.Context(), "user-bob", r.Version, directory.UserEdit{Disabled: &off})
			must(w, err)
		}, "", "invalid_request"},
		{"bob withdraws the consent", func(w *delegating, _ string) {
			must(w, w.directory.Withdraw(t.Context(), "user-bob", clientID, mcp))
		}, "", "invalid_request"},
		{"bob's role loses a scope", func(w *delegating, _ string) {
			must(w, w.directory.PutRole(t.Context(), directory.Role{Name: "Pet Owner", Permissions: map[string][]string{mcp: {"appointment:read"}}}, store.IfPresent()))
		}, "appointment:read", ""},
		{"the application loses a scope", func(w *delegating, _ string) {
			w.edit(clientID, func(c *directory.Client) { c.Authorized[mcp] = []string{"appointment:write"} })
		}, "appointment:write", ""},
		{"the application names the agent no more", func(w *delegating, _ string) { w.names(clientID, "") }, "", "invalid_request"},
		{"it names another", func(w *delegating, _ string) { w.names(clientID, w.other.id) }, "", "invalid_request"},
		{"the application is disabled", func(w *delegating, _ string) {
			w.edit(clientID, func(c *directory.Client) { c.Disabled = true })
		}, "", "invalid_request"},
		{"the agent gets another secret", func(w *delegating, _ string) { // whoever stole the one before may have made this exchange
			w.clock.Advance(2 * time.Second)
			w.edit(w.agent.id, func(c *directory.Client) { c.SecretChanged = w.clock.Now() })
		}, "", ""},
		{"the agent loses a scope", func(w *delegating, _ string) {
			w.edit(w.agent.id, func(c *directory.Client) { c.Authorized[mcp] = []string{"appointment:read"} })
		}, "appointment:read", ""},
		{"the agent loses all", func(w *delegating, _ string) {
			w.edit(w.agent.id, func(c *directory.Client) { c.Authorized = nil })
		}, "", "invalid_target"},
		{"the agent is an agent no more", func(w *delegating, _ string) {
			w.edit(w.agent.id, func(c *directory.Client) { c.Template = directory.WebTemplate })
		}, "", "unauthorized_client"},
		{"the agent may exchange no more", func(w *delegating, _ string) {
			w.edit(w.agent.id, func(c *directory.Client) { c.GrantTypes = nil })
		}, "", "unauthorized_client"},
		{"the agent is disabled", func(w *delegating, _ string) {
			w.edit(w.agent.id, func(c *directory.Client) { c.Disabled = true })
		}, "", "invalid_client"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := newDelegating(t)
			gatewayID, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
			own := w.exchange(w.agent, w.got.Access).Access
			c.happens(w, own)
			if got, _ := w.introspect(own, basic(gatewayID, secret))["scope"].(string); got != c.told {
				t.Errorf("what was exchanged is good for %q, want %q", got, c.told)
			}
			got := w.exchange(w.agent, w.got.Access)
			got.expect(t, c.want)
			if c.want == "" && c.told != "" && got.Scope != c.told {
				t.Errorf("the next is good for %q", got.Scope)
			}
		})
	}
}

// TestExchangeChain: an agent hands a task on to another one, which it names. Each is in the token, and what one gives back takes
// with it what came of it.
func TestExchangeChain(t *testing.T) {
	t.Parallel()
	w := newDelegating(t)
	agents := []program{w.agent, w.other, w.newAgent("appointment:read"), w.newAgent("appointment:read", "appointment:write"), w.newAgent("appointment:read")}
	for i, a := range agents[:len(agents)-1] {
		w.names(a.id, agents[i+1].id)
	}
	w.names(agents[len(agents)-1].id, w.agent.id) // round in a circle
	raw := []string{w.got.Access}
	var acting []string
	for _, a := range agents[:4] {
		got := w.exchange(a, raw[len(raw)-1])
		got.expect(t, "")
		raw, acting = append(raw, got.Access), append([]string{a.id}, acting...)
		if c := w.claims(got.Access); !slices.Equal(c.Actors(), acting) || c.Subject != "user-bob" || c.ClientID != a.id {
			t.Errorf("%+v", c)
		}
	}
	if got := w.claims(raw[4]).Scope; got != "appointment:read" {
		t.Errorf("the third may only read, and the fourth has got %q through it", got)
	}
	for what, got := range map[string]exchanged{
		"a fifth":                         w.exchange(agents[4], raw[4]),
		"one that was left out":           w.exchange(agents[1], raw[0]),
		"one that the second did not ask": w.exchange(agents[3], raw[2]),
		"one that acts already":           w.exchange(agents[0], raw[4]),
	} {
		if got.Error != "invalid_request" || got.Access != "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	w.names(agents[1].id, agents[0].id) // and back
	back := w.exchange(agents[0], w.exchange(agents[1], raw[1]).Access)
	back.expect(t, "invalid_request")
	w.names(agents[1].id, agents[2].id)

	told := w.introspect(raw[2], agents[1].as)
	act, _ := json.Marshal(told["act"])
	if want := `{"act":{"sub":"` + agents[0].id + `"},"sub":"` + agents[1].id + `"}`; string(act) != want || told["sub"] != "user-bob" || told["client_id"] != agents[1].id {
		t.Errorf("told: %v, want act %s", told, want)
	}
	if w.isActive(raw[2], agents[0].as) {
		t.Error("an agent is told about another's token")
	}
	active := func() (all []bool) {
		for i, a := range agents[:4] {
			all = append(all, w.isActive(raw[i+1], a.as))
		}
		return all
	}
	if got := active(); !slices.Equal(got, []bool{true, true, true, true}) {
		t.Errorf("at first: %v", got)
	}
	w.post("/oauth/revoke", url.Values{"token": {raw[2]}}, agents[1].as)
	if got := active(); !slices.Equal(got, []bool{true, false, false, false}) {
		t.Errorf("when the second gives back its own: %v", got)
	}
	w.names(clientID, "")
	if got := active(); !slices.Equal(got, []bool{false, false, false, false}) {
		t.Errorf("when the first is named no more: %v", got)
	}
}

// An agent that names itself gains nothing by it.
func TestSelfDelegation(t *testing.T) {
	t.Parallel()
	w := newDelegating(t)
	w.names(w.agent.id, w.agent.id)
	first := w.exchange(w.agent, w.got.Access)
	first.expect(t, "")
	again := w.exchange(w.agent, first.Access)
	again.expect(t, "invalid_request")
}

// TestConsentNamesTheAgent: who is asked to allow an application something is told whom it may hand it to.
func TestConsentNamesTheAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := w.newAgent("pet-profile:read")
	const words = "It may hand tasks of this kind to <strong>Has a secret</strong>, which then acts for you too."
	page := func() bool {
		b := w.browser()
		return strings.Contains(b.login("bob", w.request()).body, words)
	}
	w.names(clientID, "")
	if page() {
		t.Error("it names no agent, and the page says so")
	}
	w.names(clientID, agent.id)
	if !page() {
		t.Error("the page does not tell of the agent")
	}
	w.code() // bob allows it
	const reminder = "It may hand tasks of this kind to Has a secret."
	if b := w.browser(); !strings.Contains(b.login("bob", "/oauth/account").body, reminder) {
		t.Error("My account does not tell of the agent")
	}
	w.edit(agent.id, func(c *directory.Client) { c.Authorized[mcp] = []string{"appointment:write"} })
	if page() {
		t.Error("the page tells of an agent that may do nothing of what is asked for")
	}
	w.edit(agent.id, func(c *directory.Client) { c.Authorized[mcp], c.Disabled = []string{"pet-profile:read"}, true })
	if b := w.browser(); strings.Contains(b.login("bob", "/oauth/account").body, reminder) {
		t.Error("My account tells of an agent that is disabled")
	}
	if page() {
		t.Error("the page tells of an agent that is disabled")
	}
	w.names(clientID, "nobody")
	if page() {
		t.Error("the page tells of an agent that there is not")
	}
}
