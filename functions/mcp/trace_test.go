package mcp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

// recorded puts a flight recorder before the server.
func (w *world) recorded() *trace.Recorder {
	w.t.Helper()
	r, err := trace.New(trace.Options{BaseURL: base, Store: w.store, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(web.Observe(slog.New(slog.DiscardHandler), r.Handler(trace.MCP, w.handler)))
	w.t.Cleanup(func() { server.Close(); r.Close() })
	w.url = server.URL
	return r
}

// last is the exchange that was recorded last.
func last(t testing.TB, s store.Store, r *trace.Recorder) trace.Record {
	t.Helper()
	r.Flush()
	reader := trace.NewReader(s, r.Now)
	flows, _, err := reader.Flows(t.Context(), trace.Viewer{All: true}, "", 20)
	var found trace.Record
	for _, id := range flows {
		records, err := reader.Flow(t.Context(), id, trace.Viewer{All: true})
		if err != nil {
			t.Fatal(err)
		}
		if rec := records[len(records)-1]; found.Begin.N < rec.Begin.N {
			found = rec
		}
	}
	if err != nil || found.ID == "" {
		t.Fatalf("nothing was recorded: %v", err)
	}
	return found
}

// told is what an exchange decided, a line for each decision, and below it what was compared.
func told(rec trace.Record) string {
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
	}
	return b.String()
}

const good = `token allowed: The access token is good. It speaks for the user user-bob.
  signature: by a key that the issuer publishes = it is
  type (typ): at+jwt = at+jwt
  issuer (iss): http://localhost:8080 = http://localhost:8080
  audience (aud): http://localhost:8080/mcp or mcp://vetassist = http://localhost:8080/mcp mcp://vetassist
  expires (exp): later than now = 2026-11-23T14:10:00Z
`

// TestTold is what a reader of a flow sees of each decision.
func TestTold(t *testing.T) {
	elsewhere := bob(ownerScope...)
	elsewhere.Audience = []string{"https://elsewhere.example/mcp"}
	agent := bob(ownerScope...)
	agent.Actor = &token.Actor{Subject: "scheduler"}
	machine := grant("kiosk", []string{"Pet Owner"}, ownerScope...)
	machine.ClientID = "kiosk"
	fido, luna, zork := call("get_pet", `{"pet":"Fido"}`), call("get_pet", `{"pet":"Luna"}`), call("get_pet", `{"pet":"Zork"}`)
	for _, c := range []struct {
		name    string
		grant   token.Grant // zero: no token
		body    string
		headers []string
		after   time.Duration // that the token is old
		subject string
		want    string
	}{
		{"no token", token.Grant{}, fido, nil, 0, "", `token asked: There is no access token. The answer says where to get one, and that the scope to begin with is pet-profile:read.
`},
		{"a token for another server", elsewhere, fido, nil, 0, "", `token refused: The access token was refused: it was issued for another resource.
  audience (aud): this server ≠ another resource
`},
		{"an expired token", bob(ownerScope...), fido, nil, time.Hour, "", `token refused: The access token was refused: it has expired.
  expires (exp): later than now ≠ earlier
`},
		{"no token at all", token.Grant{}, fido, []string{"Authorization: Bearer nonsense"}, 0, "", `token refused: The access token was refused: it is not a JWT.
`},
		{"his own pet", bob(ownerScope...), fido, nil, 0, "user-bob", good + `tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner allowed: Fido belongs to user-bob, who is the token's sub.
  owner: user-bob = user-bob
`},
		{"somebody else's pet", bob(ownerScope...), luna, nil, 0, "user-bob", good + `tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner refused: None of the pets of user-bob is called Luna. Others' pets are not looked at, so nothing can leak.
  pet: one of user-bob ≠ none is called Luna
`},
		{"nobody's pet", bob(ownerScope...), zork, nil, 0, "user-bob", good + `tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner refused: None of the pets of user-bob is called Zork. Others' pets are not looked at, so nothing can leak.
  pet: one of user-bob ≠ none is called Zork
`},
		{"a list", bob(ownerScope...), call("list_pets", `{}`), nil, 0, "user-bob", good + `tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner allowed: Only what belongs to user-bob, who is the token's sub, is listed.
`},
		{"a scope that a consent can add", bob(rbac.PetProfileRead), call("book_vet_appointment", `{"pet":"Fido","date":"2026-03-03","time":"10:00"}`), nil, 0, "user-bob", good + `tool asked: The token lacks a scope that a consent can add, since the role allows it: 403 names appointment:write.
  scope of the token: appointment:write ≠ pet-profile:read
  scopes of the role Pet Owner: appointment:write = appointment:read appointment:write pet-profile:read reminder:read reminder:write
`},
		{"a scope that the role forbids", bob(ownerScope...), call("update_pet", `{"pet":"Fido","weight_kg":30}`), nil, 0, "user-bob", good + `tool refused: The token lacks the scope that this needs, and no consent can add it, since the role does not allow it. So the answer is no challenge.
  scope of the token: pet-profile:write ≠ pet-profile:read appointment:read appointment:write reminder:read reminder:write
  scopes of the role Pet Owner: pet-profile:write ≠ appointment:read appointment:write pet-profile:read reminder:read reminder:write
`},
		{"any token", bob(), call("search_pet_health", `{"query":"ticks"}`), nil, 0, "user-bob", good + `tool allowed: Any good token may do this.
`},
		{"staff", carol(everything...), luna, nil, 0, "user-carol", `token allowed: The access token is good. It speaks for the user user-carol.
  signature: by a key that the issuer publishes = it is
  type (typ): at+jwt = at+jwt
  issuer (iss): http://localhost:8080 = http://localhost:8080
  audience (aud): http://localhost:8080/mcp or mcp://vetassist = http://localhost:8080/mcp mcp://vetassist
  expires (exp): later than now = 2026-11-23T14:10:00Z
tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write
owner allowed: The role Vet Staff sees all pets. Luna belongs to user-alice.
  role: Vet Staff = Vet Staff
`},
		{"an agent", agent, fido, nil, 0, "user-bob", `token allowed: The access token is good. It speaks for the user user-bob, for whom the agent scheduler acts.
  signature: by a key that the issuer publishes = it is
  type (typ): at+jwt = at+jwt
  issuer (iss): http://localhost:8080 = http://localhost:8080
  audience (aud): http://localhost:8080/mcp or mcp://vetassist = http://localhost:8080/mcp mcp://vetassist
  expires (exp): later than now = 2026-11-23T14:10:00Z
tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner allowed: Fido belongs to user-bob, who is the token's sub: the agent scheduler sees what this user sees.
  owner: user-bob = user-bob
`},
		{"a machine", machine, fido, nil, 0, "", `token allowed: The access token is good. It speaks for the application kiosk itself, and for no user.
  signature: by a key that the issuer publishes = it is
  type (typ): at+jwt = at+jwt
  issuer (iss): http://localhost:8080 = http://localhost:8080
  audience (aud): http://localhost:8080/mcp or mcp://vetassist = http://localhost:8080/mcp mcp://vetassist
  expires (exp): later than now = 2026-11-23T14:10:00Z
tool allowed: The token has the scope that this needs.
  scope of the token: pet-profile:read = pet-profile:read appointment:read appointment:write reminder:read reminder:write
owner refused: The application acts for no user, so no pet is its own. Others' pets are not looked at, so nothing can leak.
  pet: one of nobody ≠ none is called Fido
`},
		{"a foreign origin", bob(ownerScope...), fido, []string{"Origin: https://evil.example"}, 0, "", `client refused: A page of an Origin that is not allowed may not call this server.
`},
		{"a foreign host", bob(ownerScope...), fido, []string{"Host: evil.example"}, 0, "", `client refused: This Host is not ours: a page may have made its own name point here (DNS rebinding).
`},
		{"two methods in the header", bob(ownerScope...), fido, []string{"Mcp-Method: tools/call", "Mcp-Method: ping"}, 0, "user-bob", good + `client refused: The headers can be read in two ways: an MCP header came twice.
`},
		{"another tool in the header", bob(ownerScope...), `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_pet","arguments":{"pet":"Fido"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
			[]string{"MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: list_pets"}, 0, "user-bob", good + `client refused: The headers do not say what the body says. Somebody on the way may have gone by them, so the request is not carried out.
  Mcp-Name: get_pet ≠ list_pets
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.recorded()
			headers := c.headers
			if c.grant.Subject != "" {
				headers = append(headers, "Authorization: Bearer "+w.mint(c.grant))
			}
			w.clock.Advance(c.after)
			w.send("POST", "/mcp", c.body, headers...)
			rec := last(t, w.store, r)
			if got := told(rec); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
			if rec.Subject != c.subject {
				t.Errorf("it is about %q", rec.Subject)
			}
		})
	}
}

// TestCarriedByBody: a request whose header says nothing belongs to the flow that its _meta names, as MCP reserves it there; a stranger's
// trace context, and one without ours, does not count.
func TestCarriedByBody(t *testing.T) {
	w := newWorld(t)
	r := w.recorded()
	var parent, state string // as the chat sends them
	r.Handler(trace.App, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		parent, state = trace.Carry(req.Context(), trace.App)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", base+"/chat", nil))
	_, id, _ := strings.Cut(strings.TrimPrefix(parent, "00-"), "-")
	flow, id := parent[3:35], id[:16]
	foreign := "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
	body := func(parent, state string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_pet","arguments":{"pet":"Fido"},"_meta":{"traceparent":"` + parent + `","tracestate":"` + state + `"}}}`
	}
	for _, c := range []struct {
		name, body string
		want       bool
		from       trace.Party
	}{
		{"ours", body(parent, state), true, trace.App},
		{"a stranger's", body(foreign, state), false, trace.Client},
		{"of somebody who knows the flow", body(parent, "vetassist=app"), false, trace.Client},
		{"without our tracestate", body(parent, "other=1"), false, trace.Client},
		{"of a party that there is not", body(parent, strings.Replace(state, "app", "client", 1)), false, trace.Client},
	} {
		raw := w.mint(alice(ownerScope...)) // another token, so that nothing else joins them
		w.post(raw, c.body, "User-Agent: "+strings.ReplaceAll(c.name, " ", "-")+"/1")
		rec := last(t, w.store, r)
		if (rec.Flow == flow) != c.want || rec.From != c.from || c.want && rec.Parent != id {
			t.Errorf("%s: from %s in %s, within %q; want %s", c.name, rec.From, rec.Flow, rec.Parent, flow)
		}
		if _, seal, _ := strings.Cut(state, ":"); strings.Contains(rec.Request.Body, seal) {
			t.Errorf("%s: the seal is stored: %s", c.name, rec.Request.Body)
		}
	}
}

// BenchmarkRecordedCall is BenchmarkCall with the flight recorder on. Every 300 calls another client comes, since a flow has a bound; and
// beyond 2000 calls in a run the recorder leaves some out, as it does in a flood.
func BenchmarkRecordedCall(b *testing.B) {
	w := newWorld(b)
	r := w.recorded()
	raw, agent := "", ""
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%300 == 0 {
			raw, agent = w.mint(bob(ownerScope...)), fmt.Sprintf("User-Agent: bench-%d/1", n)
		}
		if a := w.post(raw, call("get_pet_vaccination_info", `{"pet":"Fido"}`), agent); a.status != 200 {
			b.Fatalf("%d %s", a.status, a.body)
		}
	}
	b.ReportMetric(float64(r.LeftOut()), "left-out")
}
