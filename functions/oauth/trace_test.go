package oauth_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/trace"
)

// recorded puts a flight recorder before the authorization server.
func (w *world) recorded() *trace.Recorder {
	w.t.Helper()
	r, err := trace.New(trace.Options{BaseURL: w.url, Store: w.db, Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { r.Close() })
	w.front = r.Handler(trace.OAuth, w.handler)
	return r
}

// last is the exchange with an endpoint that was recorded last.
func (w *world) last(r *trace.Recorder, endpoint string) (found trace.Record) {
	w.t.Helper()
	r.Flush()
	reader := trace.NewReader(w.db, w.clock.Now)
	flows, _, err := reader.Flows(w.t.Context(), trace.Viewer{All: true}, "", 50)
	for _, id := range flows {
		records, err := reader.Flow(w.t.Context(), id, trace.Viewer{All: true})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, rec := range records {
			path, _, _ := strings.Cut(rec.Request.URL, "?")
			if rec.Request.Method+" "+path == endpoint && found.Begin.N < rec.Begin.N {
				found = rec
			}
		}
	}
	if err != nil || found.ID == "" {
		w.t.Fatalf("%s was not recorded: %v", endpoint, err)
	}
	return found
}

// thumbprint is another one in each test.
var thumbprint = regexp.MustCompile(`(key \(jkt\): .* )\S+…`)

// told is what an exchange decided, a line for each decision, and below it what was compared.
func (w *world) told(rec trace.Record) string {
	var b strings.Builder
	for _, d := range rec.Decisions {
		fmt.Fprintf(&b, "%s %s: %s\n", d.Kind, d.Outcome, d.Text)
		for _, c := range d.Compared {
			sign := "≠"
			if c.OK {
				sign = "="
			}
			fmt.Fprintf(&b, "  %s: %s %s %s\n", c.What, c.Wanted, sign, c.Got)
		}
		if s := d.Sets; s != nil {
			fmt.Fprintf(&b, "  %v ∩ %v ∩ %v ∩ %v = %v\n", s.Requested, s.Client, s.Role, s.Consent, s.Granted)
		}
	}
	text := strings.ReplaceAll(b.String(), w.url, "{base}")
	if rec.Client != "" && rec.Client != clientID && rec.Client != "other" {
		text = strings.ReplaceAll(text, rec.Client, "{client}")
	}
	return thumbprint.ReplaceAllString(text, "$1{key}")
}

// What every right request is told first.
const (
	isClient = `client allowed: The client is Vet Assist AI. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = vet-assist-ai
`
	isRequest = `client allowed: The client is Vet Assist AI, and the answer goes to an address that it registered.
  client_id: a client that is known = vet-assist-ai
  redirect_uri: one that the client registered, to the letter = {base}/callback
  code_challenge_method: S256 = S256
  resource: a server that the client may ask for = mcp://vetassist
`
)

// TestTold is what a reader of a flow sees of each decision of the authorization server.
func TestTold(t *testing.T) {
	t.Parallel()
	const authorize, login, consent, tokenEndpoint = "GET /oauth/authorize", "POST /oauth/login", "POST /oauth/consent", "POST /oauth/token"
	wrongLogin := func(name, password string) func(*world) {
		return func(w *world) {
			b := w.browser()
			action, values := b.form(b.follow(b.get(w.request())), "/oauth/login")
			values.Set("username", name)
			values.Set("password", password)
			b.do(http.MethodPost, action, values)
		}
	}
	twoScopes := []string{"scope", "pet-profile:read pet-profile:write"}
	for _, c := range []struct {
		name     string
		do       func(*world)
		endpoint string
		subject  string
		want     string
	}{
		{"nobody is logged in", func(w *world) { w.browser().get(w.request()) }, authorize, "", isRequest + `login asked: Nobody is logged in here, so somebody is asked to.
`},
		{"an unknown client", func(w *world) { w.browser().get(w.request("client_id", "nobody")) }, authorize, "", `client refused: Unknown client_id.
`},
		{"another redirect URI", func(w *world) { w.browser().get(w.request("redirect_uri", w.url+"/callback/evil")) }, authorize, "", `client refused: redirect_uri is not one that this client registered.
`},
		{"no PKCE", func(w *world) { w.browser().get(w.request("code_challenge", "")) }, authorize, "", `client refused: code_challenge is missing: PKCE is required (invalid_request).
`},
		{"a resource that is none", func(w *world) { w.browser().get(w.request("resource", "https://evil.example")) }, authorize, "", `client refused: Resource is not a server that this client may ask for (invalid_target).
`},
		{"the right password", func(w *world) { w.browser().login("bob", w.request()) }, login, "user-bob", `login allowed: It is Bob Miller.
  password: that of bob = it is
`},
		{"a wrong password", wrongLogin("bob", "guess"), login, "", `login refused: That username and password do not fit. Please try again.
`},
		{"a name that nobody has", wrongLogin("zork", "guess"), login, "", `login refused: That username and password do not fit. Please try again.
`},
		{"what a role lacks", func(w *world) { w.browser().login("bob", w.request(twoScopes...)) }, authorize, "user-bob", isRequest + `login allowed: Bob Miller is logged in here since 14:00:00 UTC (password), and is not asked again.
policy asked: The client and the role may have pet-profile:read. Only the person's consent is missing. No consent can give the others.
  pet-profile:read: in all four sets ≠ not in: consent
  pet-profile:write: in all four sets ≠ not in: role, consent
  [pet-profile:read pet-profile:write] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [] = []
consent asked: Vet Assist AI asks for pet-profile:read.
`},
		{"nothing can be had", func(w *world) { w.browser().login("bob", w.request("scope", "pet-profile:write")) }, authorize, "user-bob", isRequest + `login allowed: Bob Miller is logged in here since 14:00:00 UTC (password), and is not asked again.
policy refused: Nothing that was asked for can be had.
  pet-profile:write: in all four sets ≠ not in: role, consent
  [pet-profile:write] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [] = []
consent asked: There is nothing that this person could allow, and the page says why.
`},
		{"consent", func(w *world) { b := w.browser(); b.approve(b.login("bob", w.request(twoScopes...))) }, consent, "user-bob", `policy asked: The client and the role may have pet-profile:read. Only the person's consent is missing. No consent can give the others.
  pet-profile:read: in all four sets ≠ not in: consent
  pet-profile:write: in all four sets ≠ not in: role, consent
  [pet-profile:read pet-profile:write] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [] = []
consent allowed: The person allows pet-profile:read.
  pet-profile:read: ticked = ticked
`},
		{"consent to one of two", func(w *world) {
			b := w.browser()
			b.approve(b.login("bob", w.request("scope", "pet-profile:read appointment:write")), "pet-profile:read")
		}, consent, "user-bob", `policy asked: The client and the role may have pet-profile:read appointment:write. Only the person's consent is missing.
  pet-profile:read: in all four sets ≠ not in: consent
  appointment:write: in all four sets ≠ not in: consent
  [pet-profile:read appointment:write] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [] = []
consent allowed: The person allows pet-profile:read.
  pet-profile:read: ticked = ticked
  appointment:write: ticked ≠ not ticked
`},
		{"denial", func(w *world) {
			b := w.browser()
			action, values := b.form(b.login("bob", w.request()), "/oauth/consent")
			values.Set("decision", "deny")
			b.do(http.MethodPost, action, values)
		}, consent, "user-bob", `policy asked: The client and the role may have pet-profile:read. Only the person's consent is missing.
  pet-profile:read: in all four sets ≠ not in: consent
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [] = []
consent refused: The person denies it.
`},
		{"consent of before", func(w *world) {
			b := w.browser()
			b.approve(b.login("bob", w.request()))
			b.get(w.request("state", "another"))
		}, authorize, "user-bob", isRequest + `login allowed: Bob Miller is logged in here since 14:00:00 UTC (password), and is not asked again.
policy allowed: All that was asked for was allowed before.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
consent allowed: The person allowed this client all of it before, so there is no question now.
  pet-profile:read: ticked = allowed before
`},
		{"a code", func(w *world) { w.redeem(w.code(twoScopes...)) }, tokenEndpoint, "user-bob", isClient + `client allowed: The code is good: it is this client's, was not used before, and the code verifier fits the challenge.
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now = 2026-11-23T14:01:00Z
  redirect_uri: {base}/callback = {base}/callback
  code_verifier, hashed: the code_challenge QVCtZS… = QVCtZS…
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"a wrong verifier", func(w *world) { w.redeem(w.code(), "code_verifier", strings.Repeat("wrong", 10)) }, tokenEndpoint, "user-bob", isClient + `client refused: code_verifier does not fit the code_challenge (invalid_grant).
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now = 2026-11-23T14:01:00Z
  redirect_uri: {base}/callback = {base}/callback
  code_verifier, hashed: the code_challenge QVCtZS… ≠ JoG0PO…
`},
		{"a code for another address", func(w *world) { w.redeem(w.code(), "redirect_uri", w.url+"/other") }, tokenEndpoint, "user-bob", isClient + `client refused: redirect_uri is not the one that the code was sent to (invalid_grant).
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now = 2026-11-23T14:01:00Z
  redirect_uri: {base}/callback ≠ {base}/other
`},
		{"a code once more", func(w *world) { code := w.code(); w.redeem(code); w.redeem(code) }, tokenEndpoint, "user-bob", isClient + `client refused: The code was used before; what it gave is revoked (invalid_grant).
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none ≠ one
`},
		{"a code too late", func(w *world) { code := w.code(); w.clock.Advance(2 * time.Minute); w.redeem(code) }, tokenEndpoint, "user-bob", isClient + `client refused: The code has expired (invalid_grant).
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now ≠ 2026-11-23T14:01:00Z
`},
		{"another client's code", func(w *world) { other := w.otherClient(); w.redeem(w.code(), "client_id", other) }, tokenEndpoint, "user-bob", `client allowed: The client is Other. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = other
client refused: The code was issued to another client (invalid_grant).
  client: the one that it was issued to ≠ other
`},
		{"a code that is none", func(w *world) { w.redeem("guess") }, tokenEndpoint, "", isClient + `client refused: The code is not known, or was forgotten long ago (invalid_grant).
`},
		{"a client that is none", func(w *world) { w.redeem("guess", "client_id", "nobody") }, tokenEndpoint, "", `client refused: Unknown client_id (invalid_client).
`},
		{"refresh", func(w *world) { w.refresh(w.redeem(w.code()).Refresh) }, tokenEndpoint, "user-bob", isClient + `client allowed: The refresh token is good. It is replaced by its successor, and good no more.
  client: the one that it was issued to = vet-assist-ai
  uses of the refresh token before: none = none
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"refresh once more", func(w *world) { first := w.redeem(w.code()).Refresh; w.refresh(first); w.refresh(first) }, tokenEndpoint, "user-bob", isClient + `client allowed: The refresh token was used a moment ago, so the answer was lost: the client gets the same successor once more.
  client: the one that it was issued to = vet-assist-ai
  uses of the refresh token before: none, or one a moment ago = one
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"a refresh token that was stolen", func(w *world) {
			first := w.redeem(w.code()).Refresh
			w.refresh(first)
			w.clock.Advance(time.Minute)
			w.refresh(first)
		}, tokenEndpoint, "user-bob", isClient + `client refused: The refresh token was used before; its grant is revoked (invalid_grant).
  client: the one that it was issued to = vet-assist-ai
  uses of the refresh token before: none, or one a moment ago ≠ one
`},
		{"revocation", func(w *world) {
			w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {w.redeem(w.code()).Refresh}})
		}, "POST /oauth/revoke", "user-bob", isClient + `token allowed: The token is this client's, so the whole grant ends: nothing of it can be refreshed any more.
`},
		{"revocation of nothing", func(w *world) { w.post("/oauth/revoke", url.Values{"client_id": {clientID}, "token": {"guess"}}) }, "POST /oauth/revoke", "", isClient},
		{"userinfo", func(w *world) {
			access := w.redeem(w.code("scope", "openid pet-profile:read")).Access
			w.browser().do(http.MethodGet, "/oauth/userinfo", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
		}, "GET /oauth/userinfo", "user-bob", `token allowed: The token stands, and has the scope openid.
  scope: openid = pet-profile:read openid
`},
		{"a token that also says who it is", func(w *world) { w.redeem(w.code("scope", "openid pet-profile:read")) }, tokenEndpoint, "user-bob", isClient + `client allowed: The code is good: it is this client's, was not used before, and the code verifier fits the challenge.
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now = 2026-11-23T14:01:00Z
  redirect_uri: {base}/callback = {base}/callback
  code_verifier, hashed: the code_challenge QVCtZS… = QVCtZS…
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"an application for itself", func(w *world) {
			id, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
			w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(id, secret))
		}, tokenEndpoint, "", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read. There is no user, so the roles of the application stand for role and consent.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read] ∩ [appointment:read appointment:write pet-profile:read pet-profile:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read pet-profile:write reminder:read reminder:write] = [pet-profile:read]
`},
		{"a wrong secret", func(w *world) {
			id, secret := w.secretClient(directory.MachineTemplate, []string{"Vet Staff"}, "pet-profile:read")
			w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(id, secret+"x"))
		}, tokenEndpoint, "", `client refused: The client secret is wrong (invalid_client).
`},
		{"a device that waits", func(w *world) { c := w.deviceClient("pet-profile:read"); w.poll(c, w.ask(c).DeviceCode) }, tokenEndpoint, "", `client allowed: The client is Smart Feeder. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = {client}
consent asked: Nobody has answered yet (authorization_pending).
`},
		{"a device that was allowed", func(w *world) {
			c := w.deviceClient("pet-profile:read")
			asked := w.ask(c)
			w.allows("bob", asked.UserCode)
			w.poll(c, asked.DeviceCode)
		}, tokenEndpoint, "user-bob", `client allowed: The client is Smart Feeder. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = {client}
consent allowed: The person has allowed it.
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"a device that was denied", func(w *world) {
			c := w.deviceClient("pet-profile:read")
			asked := w.ask(c)
			b := w.browser()
			b.decides(b.login("bob", typed(asked.UserCode)), "deny")
			w.poll(c, asked.DeviceCode)
		}, tokenEndpoint, "user-bob", `client allowed: The client is Smart Feeder. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = {client}
consent refused: The person has denied it.
`},
		{"an agent", func(w *world) {
			agent := w.newAgent("pet-profile:read")
			w.names(clientID, agent.id)
			w.exchange(agent, w.redeem(w.code()).Access)
		}, tokenEndpoint, "user-bob", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
client allowed: The token names this agent as one who may act for its user.
  may_act: {client} = {client}
mint allowed: The new token is still about user-bob, and says in act that {client} acts. It does not outlive the token that was handed over.
  scopes of the token that was handed over: pet-profile:read = pet-profile:read
  [pet-profile:read] ∩ [pet-profile:read] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
		{"an agent that is not named", func(w *world) { w.exchange(w.newAgent("pet-profile:read"), w.redeem(w.code()).Access) }, tokenEndpoint, "user-bob", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
client refused: subject_token: it does not name this agent in may_act (invalid_request).
  may_act: {client} ≠ scheduling-agent
`},
		{"introspection", func(w *world) {
			id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
			w.introspect(w.redeem(w.code()).Access, basic(id, secret))
		}, "POST /oauth/introspect", "user-bob", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
token allowed: The token is active: it was not taken back, and it is good for pet-profile:read now.
`},
		{"introspection of nothing", func(w *world) {
			id, secret := w.secretClient(directory.MachineTemplate, nil, "pet-profile:read")
			w.introspect("guess", basic(id, secret))
		}, "POST /oauth/introspect", "", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
token refused: The token is not active, or not one of which this client may know.
`},
		{"introspection by another client", func(w *world) {
			id, secret := w.secretClient(directory.WebTemplate, nil, "pet-profile:read")
			w.introspect(w.redeem(w.code()).Access, basic(id, secret))
		}, "POST /oauth/introspect", "", `client allowed: The client is Has a secret. It has proved that with its secret.
  client_id: a client that is known = {client}
token refused: The token is not active, or not one of which this client may know.
`},
		{"a proof without a nonce", func(w *world) {
			w.post("/oauth/token", w.codeForm(w.code()), proving(w.holder().proof(nil)))
		}, tokenEndpoint, "", `proof asked: DPoP proof: put the value of the DPoP-Nonce header of this answer into a new one, as its nonce (use_dpop_nonce).
`},
		{"a proof", func(w *world) { w.holder().redeem(w.code()) }, tokenEndpoint, "user-bob", `proof allowed: The sender has proved to have a key, to which the tokens will be bound.
  key (jkt): that which signed the proof = {key}
client allowed: The client is Vet Assist AI. It has no secret to prove that with, so PKCE and the rotation of its refresh tokens stand for it.
  client_id: a client that is known = vet-assist-ai
client allowed: The code is good: it is this client's, was not used before, and the code verifier fits the challenge.
  client: the one that it was issued to = vet-assist-ai
  uses of the code before: none = none
  expires: later than now = 2026-11-23T14:01:00Z
  redirect_uri: {base}/callback = {base}/callback
  code_verifier, hashed: the code_challenge QVCtZS… = QVCtZS…
mint allowed: The token gets what is in all four sets at this moment: pet-profile:read.
  pet-profile:read: in all four sets = it is
  [pet-profile:read] ∩ [pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write] ∩ [appointment:read appointment:write pet-profile:read reminder:read reminder:write] ∩ [pet-profile:read] = [pet-profile:read]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.recorded()
			c.do(w)
			rec := w.last(r, c.endpoint)
			if got := w.told(rec); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
			if rec.Subject != c.subject {
				t.Errorf("it is about %q", rec.Subject)
			}
		})
	}
}
