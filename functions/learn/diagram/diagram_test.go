package diagram

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/trace"
)

// begin is when the recorded flows of these tests begin.
var begin = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

func moment(n int64) trace.Moment {
	return trace.Moment{Time: begin.Add(time.Duration(n) * time.Millisecond), N: n}
}

// exchangeOf makes a record that lasts from one moment to another.
func exchangeOf(id, parent string, from, to trace.Party, start, end int64, line string) trace.Record {
	method, address, _ := strings.Cut(line, " ")
	return trace.Record{ID: id, Parent: parent, From: from, To: to, Begin: moment(start), End: moment(end),
		Request: trace.Message{Method: method, URL: address}, Response: trace.Message{Status: 200}}
}

// drawn is a diagram on one line a step.
func drawn(steps []Step) string {
	var lines []string
	for _, s := range steps {
		switch {
		case s.Kind == Note:
			lines = append(lines, fmt.Sprintf("note %s: %s", s.To, s.Label))
		case s.Dashed:
			lines = append(lines, fmt.Sprintf("%d %s<-%s %s", s.N, s.To, s.From, s.Label))
		default:
			lines = append(lines, fmt.Sprintf("%d %s->%s %s", s.N, s.From, s.To, s.Label))
		}
	}
	return strings.Join(lines, "\n")
}

func TestSteps(t *testing.T) {
	chat := exchangeOf("a", "", trace.Browser, trace.App, 1, 9, "POST /chat")
	call := exchangeOf("b", "a", trace.App, trace.MCP, 2, 8, "POST /mcp")
	call.Decisions = []trace.Decision{{At: moment(3), Kind: trace.TokenCheck, Outcome: trace.Allowed}, {At: moment(6), Kind: trace.ToolCheck, Outcome: trace.Refused}}
	keys := exchangeOf("c", "b", trace.MCP, trace.JWKS, 4, 5, "GET /.well-known/jwks.json")
	const nested = `1 browser->app POST /chat
2 app->mcp POST /mcp
note mcp: Token check: allowed
3 mcp->jwks GET /.well-known/jwks.json
4 mcp<-jwks 200
note mcp: Tool check: refused
5 app<-mcp 200
6 browser<-app 200`
	early := call // the clock of its machine is an hour behind
	early.Begin.Time, early.End.Time = call.Begin.Time.Add(-time.Hour), call.End.Time.Add(-time.Hour)
	early.Decisions = nil
	circle := exchangeOf("x", "y", trace.App, trace.MCP, 1, 2, "POST /mcp")
	other := exchangeOf("y", "x", trace.App, trace.MCP, 3, 4, "POST /mcp")
	for _, c := range []struct {
		name    string
		records []trace.Record
		want    string
	}{
		{"nothing", nil, ""},
		{"what happens in an exchange stands within it", []trace.Record{chat, call, keys}, nested},
		{"in whatever order the records come", []trace.Record{keys, call, chat}, nested},
		{"even where clocks disagree", []trace.Record{chat, early}, "1 browser->app POST /chat\n2 app->mcp POST /mcp\n3 app<-mcp 200\n4 browser<-app 200"},
		{"an exchange whose parent is not there stands by itself", []trace.Record{keys}, "1 mcp->jwks GET /.well-known/jwks.json\n2 mcp<-jwks 200"},
		{"two at once", []trace.Record{exchangeOf("p", "", trace.Client, trace.MCP, 1, 4, "POST /mcp"), exchangeOf("q", "", trace.Client, trace.OAuth, 2, 3, "GET /x")},
			"1 client->mcp POST /mcp\n2 client->oauth GET /x\n3 client<-oauth 200\n4 client<-mcp 200"},
		{"a circle, which nobody records", []trace.Record{circle, other}, ""},
	} {
		if got := drawn(Steps(c.records)); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.want)
		}
	}
}

func TestNoteLabels(t *testing.T) {
	for _, c := range []struct {
		kind    trace.Kind
		outcome trace.Outcome
		want    string
	}{
		{trace.TokenCheck, trace.Allowed, "Token check: allowed"},
		{trace.TokenCheck, trace.Asked, "Token check: a token is needed"},
		{trace.ToolCheck, trace.Asked, "Tool check: consent is missing"},
		{trace.Login, trace.Asked, "Login: needed"},
		{trace.Consent, trace.Asked, "Consent: the person is asked"},
		{trace.OwnerCheck, trace.Refused, "Owner check: refused"},
		{"other", trace.Asked, "other: asked"},
	} {
		if got := NoteLabel(trace.Decision{Kind: c.kind, Outcome: c.outcome}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestLanes(t *testing.T) {
	named := exchangeOf("a", "", trace.Client, trace.MCP, 1, 2, "POST /mcp")
	named.Name = "VSCode"
	second := named
	second.Name = "Inspector"
	outside := exchangeOf("b", "", trace.OAuth, trace.Outside, 1, 2, "GET /client.json")
	outside.Host = "client.example"
	for _, c := range []struct {
		records []trace.Record
		want    string
	}{
		{nil, ""},
		{[]trace.Record{exchangeOf("a", "", trace.MCP, trace.JWKS, 1, 2, "GET /"), exchangeOf("b", "", trace.Browser, trace.App, 1, 2, "GET /"), exchangeOf("c", "", trace.App, trace.OAuth, 1, 2, "GET /")},
			"Browser, Vet Assist AI, Authorization server, Public keys (JWKS), VetAssist MCP server"},
		{[]trace.Record{named}, "VSCode, VetAssist MCP server"},
		{[]trace.Record{named, second}, "MCP client, VetAssist MCP server"},
		{[]trace.Record{outside}, "Authorization server, client.example"},
	} {
		var got []string
		for _, lane := range Lanes(c.records) {
			got = append(got, lane.Title)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
}

// with fills in a record.
func with(r trace.Record, request, requestType string, status int, answer, answerType string, headers ...string) trace.Record {
	r.Request.Body, r.Request.Type, r.Request.Size = request, requestType, len(request)
	r.Response = trace.Message{Status: status, Body: answer, Type: answerType, Size: len(answer)}
	for pair := range slices.Chunk(headers, 2) {
		r.Response.Headers = append(r.Response.Headers, trace.Header{Name: pair[0], Value: pair[1]})
	}
	return r
}

const jsonType = "application/json"

// TestLabels: what stands on the arrows of a request and its answer.
func TestLabels(t *testing.T) {
	oauth := func(line string) trace.Record { return exchangeOf("a", "", trace.Browser, trace.OAuth, 1, 2, line) }
	mcpCall := exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp")
	app := func(line string) trace.Record { return exchangeOf("a", "", trace.Browser, trace.App, 1, 2, line) }
	for _, c := range []struct {
		record          trace.Record
		request, answer string
		failed          bool
	}{
		{with(oauth("GET /oauth/authorize?scope=openid+pet-profile%3Aread"), "", "", 303, "", "", "Location", "/oauth/login?x=1"), "GET /oauth/authorize · asks for pet-profile:read", "303 → login", false},
		{with(oauth("GET /oauth/authorize?scope=a+b+c"), "", "", 200, "Page: Allow Vet Assist AI? · VetAssist", "text/html"), "GET /oauth/authorize · asks for 3 permissions", "200 · page “Allow Vet Assist AI?”", false},
		{with(oauth("GET /oauth/authorize?scope=openid"), "", "", 303, "", "", "Location", "com.example.app:/cb?code=abc…"), "GET /oauth/authorize · asks who it is", "303 → /cb with the code", false},
		{with(oauth("POST /oauth/login"), "username=…&password=…", formType, 401, "Page: Log in · VetAssist", "text/html"), "POST /oauth/login · name and password", "401 · page “Log in”", true},
		{with(oauth("POST /oauth/consent"), "decision=approve", formType, 303, "", "", "Location", "http://localhost:8080/callback?code=abc…&state=x"), "POST /oauth/consent · allow", "303 → /callback with the code", false},
		{with(oauth("POST /oauth/consent"), "decision=deny", formType, 303, "", "", "Location", "http://localhost:8080/callback?error=access_denied"), "POST /oauth/consent · deny", "303 → /callback with access_denied", true},
		{with(oauth("POST /oauth/token"), "grant_type=authorization_code", formType, 200, `{"access_token":"e…","refresh_token":"r…","id_token":"i…"}`, jsonType), "POST /oauth/token · authorization code", "200 · access token, refresh token, ID token", false},
		{with(oauth("POST /oauth/token"), "grant_type=urn:ietf:params:oauth:grant-type:token-exchange", formType, 400, `{"error":"invalid_target"}`, jsonType), "POST /oauth/token · token exchange", "400 · invalid_target", true},
		{with(oauth("POST /oauth/introspect"), "token=…", formType, 200, `{"active":false}`, jsonType), "POST /oauth/introspect", "200 · not active", false},
		{with(mcpCall, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_pet_vaccination_info"}}`, jsonType, 401, `{"error":{"code":-32001}}`, jsonType, "Www-Authenticate", `Bearer resource_metadata="http://x", scope="pet-profile:read"`),
			"POST /mcp · tools/call get_pet_vaccination_info", "401 · needs a token", true},
		{with(mcpCall, `{"method":"tools/call","params":{"name":"book_vet_appointment"}}`, jsonType, 403, `{}`, jsonType, "X-Amzn-Remapped-Www-Authenticate", `Bearer error="insufficient_scope", scope="appointment:write", error_description="a, b=\"c"`),
			"POST /mcp · tools/call book_vet_appointment", "403 · insufficient_scope: appointment:write", true},
		{with(mcpCall, `[{"method":"initialize"},{"method":"ping"}]`, jsonType, 202, "", ""), "POST /mcp · batch of 2, first initialize", "202", false},
		{with(mcpCall, `{"method":"tools/call","params":{"name":"update_pet"}}`, jsonType, 200, `{"result":{"isError":true,"content":[{"text":"No.\nReally."}]}}`, jsonType), "POST /mcp · tools/call update_pet", "200 · refused: No.", true},
		{with(mcpCall, `{"method":"nonsense"}`, jsonType, 404, `{"error":{"code":-32601,"message":"no such method"}}`, jsonType), "POST /mcp · nonsense", "404 · error -32601: no such method", true},
		{with(mcpCall, `{"method":"tools/call","params":{"name":"book"}}`, jsonType, 200, `{"result":{"resultType":"input_required"}}`, jsonType), "POST /mcp · tools/call book", "200 · asks the person", false},
		{with(app("POST /chat"), `{"message":"Hello there"}`, jsonType, 200, `{"reply":"","authorize_url":"http://x"}`, jsonType), "POST /chat · “Hello there”", "200 · please connect", false},
		{with(app("POST /chat"), `{"message":"Book it"}`, jsonType, 200, `{"connected":true,"authorize_url":"http://x"}`, jsonType), "POST /chat · “Book it”", "200 · please allow more", false},
		{with(app("POST /chat"), "message=Hello+there", formType, 303, "", "", "Location", "/#x"), "POST /chat · “Hello there”", "303 → the chat", false},
		{with(app("GET /callback?code=abc…"), "", "", 0, "", ""), "GET /callback · with the code", "no answer", true},
		{with(exchangeOf("a", "", trace.MCP, trace.JWKS, 1, 2, "GET /.well-known/jwks.json"), "", "", 200, `{"keys":[{},{}]}`, jsonType), "GET /.well-known/jwks.json", "200 · 2 public keys", false},
	} {
		steps := Steps([]trace.Record{c.record})
		if steps[0].Label != c.request || steps[1].Label != c.answer || steps[1].Failed != c.failed {
			t.Errorf("%q, %q (failed: %v), want %q, %q", steps[0].Label, steps[1].Label, steps[1].Failed, c.request, c.answer)
		}
	}
}

func TestTitle(t *testing.T) {
	foreign := func(line string) trace.Record {
		r := exchangeOf("a", "", trace.Client, trace.OAuth, 1, 2, line)
		r.Name = "VSCode"
		return r
	}
	token := func(grant string) trace.Record {
		return with(foreign("POST /oauth/token"), "grant_type="+grant, formType, 200, "{}", jsonType)
	}
	mcpCall := foreign("POST /mcp")
	mcpCall.To = trace.MCP
	for _, c := range []struct {
		records []trace.Record
		want    string
	}{
		{nil, "Nothing"},
		{[]trace.Record{foreign("GET /x"), with(exchangeOf("b", "", trace.Browser, trace.App, 1, 2, "POST /chat"), `{"message":"When?"}`, jsonType, 200, "{}", jsonType)}, "When?"},
		{[]trace.Record{with(exchangeOf("b", "", trace.Browser, trace.App, 1, 2, "POST /chat"), `{"message":" \n"}`, jsonType, 200, "{}", jsonType)}, "POST /chat"},
		{[]trace.Record{exchangeOf("b", "", trace.Browser, trace.App, 1, 2, " \u2003")}, "Nothing"},
		{[]trace.Record{mcpCall, exchangeOf("b", "", trace.Browser, trace.OAuth, 1, 2, "GET /oauth/authorize"), token("authorization_code")}, "VSCode: connects"},
		{[]trace.Record{token("refresh_token")}, "VSCode: refresh"},
		{[]trace.Record{foreign("POST /oauth/revoke")}, "VSCode: revocation"},
		{[]trace.Record{with(mcpCall, `{"method":"tools/call","params":{"name":"list_pets"}}`, jsonType, 200, "{}", jsonType)}, "VSCode: calls list_pets"},
		{[]trace.Record{exchangeOf("b", "", trace.Browser, trace.OAuth, 1, 2, "GET /oauth/login")}, "Login"},
	} {
		if got := Title(c.records); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestMermaidEscapes: nothing that a stranger says is read as part of the diagram.
func TestMermaidEscapes(t *testing.T) {
	r := with(exchangeOf("a", "", trace.Client, trace.MCP, 1, 2, "POST /mcp"), `{"method":"tools/call","params":{"name":"x; end\nNote over mcp: <script>#35;%%{init: {}}%%"}}`, jsonType, 200, "", "")
	r.Name = "evil;\nparticipant x"
	want := `sequenceDiagram
    autonumber
    participant client as evil#59; participant x
    participant mcp as VetAssist MCP server
    client->>mcp: POST /mcp · tools/call x#59; end Note over mcp: #lt;script#gt;#35;35#59;#37;#37;#123;init: #123;#125;#125;#37;#37;
    mcp-->>client: 200
`
	if got := Mermaid([]trace.Record{r}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestClaims(t *testing.T) {
	token := trace.Token{Where: "access_token", Header: json.RawMessage(`{"alg":"ES256","typ":"at+jwt"}`),
		Claims: json.RawMessage(`{"exp":1764072600,"aud":["http://x/mcp","mcp://vetassist"],"act":{"sub":"agent","act":{"sub":"other"}},"cnf":{"jkt":"abc"},"what":1,"iss":"http://x"}`)}
	got := map[string]Claim{}
	var order []string
	for _, c := range ClaimsOf(token) {
		got[c.Name] = c
		order = append(order, c.Name)
	}
	if want := "alg typ exp aud act act.sub act.act act.act.sub cnf cnf.jkt what iss"; strings.Join(order, " ") != want {
		t.Errorf("%v, want %s", order, want)
	}
	if c := got["exp"]; c.Time != "25 November 2025, 12:10:00 UTC" || c.Value != "1764072600" || !c.Known {
		t.Errorf("%+v", c)
	}
	if c := got["aud"]; c.Value != "http://x/mcp, mcp://vetassist" {
		t.Errorf("%+v", c)
	}
	if c := got["what"]; c.Known || c.Meaning != unknownClaim {
		t.Errorf("%+v", c)
	}
	token.Where = "client_assertion"
	for _, c := range ClaimsOf(token) {
		if c.Name == "iss" && !strings.Contains(c.Meaning, "client") {
			t.Errorf("the issuer of a client's assertion: %+v", c)
		}
	}
	for _, broken := range []string{"", "null", "[1]", `{"a":`, `{"a":1`} {
		ClaimsOf(trace.Token{Header: json.RawMessage(broken), Claims: json.RawMessage(broken)})
	}
	for name, meaning := range payloadMeanings {
		if !strings.HasSuffix(meaning, ".") {
			t.Errorf("%s: %q is no sentence", name, meaning)
		}
	}
}

// TestCatalogue: each rule can be read, and looked up where it stands.
func TestCatalogue(t *testing.T) {
	for _, e := range catalogue {
		official := slices.ContainsFunc([]string{"https://www.rfc-editor.org/rfc/rfc", "https://modelcontextprotocol.io/specification/2026-07-28/", "https://openid.net/specs/openid-connect-"},
			func(prefix string) bool { return strings.HasPrefix(e.URL, prefix) })
		if e.Title == "" || len(e.Sentence) < 30 || e.Source == "" || !official || !strings.Contains(e.URL, "#") || strings.ContainsAny(e.About, " ") {
			t.Errorf("%+v", e.Rule)
		}
		if number, section, ok := strings.Cut(e.Source, " §"); ok && strings.HasPrefix(number, "RFC ") && e.URL != rfc+number[4:]+"#section-"+section {
			t.Errorf("%s is said to be at %s", e.Source, e.URL)
		}
	}
}

func TestRules(t *testing.T) {
	mcpCall := exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp")
	for _, c := range []struct {
		record trace.Record
		want   []string
	}{
		{with(mcpCall, "", "", 401, "{}", jsonType, "Www-Authenticate", "Bearer scope=\"x\""), []string{"RFC 9728 §5.1"}},
		{with(mcpCall, "", "", 403, "{}", jsonType, "Www-Authenticate", `Bearer error="insufficient_scope"`), []string{"RFC 6750 §3.1", "RFC 9728 §5.1"}},
		{with(exchangeOf("a", "", trace.App, trace.OAuth, 1, 2, "POST /oauth/token"), "grant_type=authorization_code&resource=x", formType, 200, `{"access_token":"x"}`, jsonType),
			[]string{"RFC 6749 §4.1.2", "RFC 7636 §4.6", "RFC 6749 §5.1", "RFC 9068 §2.1", "RFC 8707 §2"}},
		{with(exchangeOf("a", "", trace.App, trace.OAuth, 1, 2, "POST /oauth/token"), "grant_type=refresh_token", formType, 200, `{"access_token":"x"}`, jsonType), []string{"RFC 9700 §4.14.2", "RFC 9700 §2.2.2"}},
		{exchangeOf("a", "", trace.Browser, trace.OAuth, 1, 2, "GET /oauth/nothing"), []string{"RFC 6749 §3.1"}},
		{exchangeOf("a", "", trace.OAuth, trace.Outside, 1, 2, "GET /client.json"), []string{"MCP Authorization, Authorization Server Abuse Protection"}},
		{exchangeOf("a", "", trace.Client, trace.OAuth, 1, 2, "POST /oauth/register"), []string{"RFC 7591 §3.1"}},
	} {
		var got []string
		for _, r := range Rules(c.record) {
			got = append(got, r.Source)
		}
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s %s: no %s in %v", c.record.Request.Method, c.record.Request.URL, want, got)
			}
		}
	}
}

// TestRulesByTitle: each of these exchanges is about this rule.
func TestRulesByTitle(t *testing.T) {
	oauth := func(line string) trace.Record { return exchangeOf("a", "", trace.Browser, trace.OAuth, 1, 2, line) }
	app := func(line string) trace.Record { return exchangeOf("a", "", trace.Browser, trace.App, 1, 2, line) }
	mcpCall := exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp")
	for _, c := range []struct {
		record trace.Record
		want   string
	}{
		{exchangeOf("a", "", trace.OAuth, trace.App, 1, 2, "GET /oauth-client.json"), "A client that describes itself"},
		{with(mcpCall, "", "", 401, "{}", jsonType, "Www-Authenticate", `Bearer error="invalid_token"`), "A token that is not valid"},
		{with(mcpCall, `{"method":"ping","params":{"_meta":{"traceparent":"00-…"}}}`, jsonType, 200, "{}", jsonType), "The flow travels along"},
		{with(mcpCall, "", "", 429, "{}", jsonType), "A status that says what is wrong"},
		{oauth("GET /oauth/authorize?client_id=https%3A%2F%2Fclient.example%2Fc.json"), "Who is this client?"},
		{with(oauth("GET /oauth/authorize"), "", "", 400, "Page: Sorry", "text/html"), "A request that is not redirected"},
		{with(oauth("POST /oauth/consent"), "", "", 303, "", "", "Location", "http://x/cb?error=access_denied"), "Nobody agreed"},
		{with(oauth("POST /oauth/token"), "", "", 400, `{"error":"invalid_grant"}`, jsonType), "Not valid, or not yours"},
		{with(oauth("POST /oauth/token"), "", "", 400, `{"error":"use_dpop_nonce"}`, jsonType), "The proof must be fresh"},
		{with(oauth("POST /oauth/token"), "", "", 401, `{"error":"invalid_client"}`, jsonType), "A refusal says which"},
		{with(oauth("GET /oauth/authorize?request_uri=urn:x"), "", "", 303, "", "", "Location", "/oauth/login"), "A pushed request"},
		{oauth("GET /oauth/logout"), "Nobody is logged out by surprise"},
		{oauth("POST /oauth/passkey/login/begin"), "First of all: who is it?"},
		{app("GET /connect"), "One step up"},
		{app("GET /callback?error=access_denied"), "Nobody agreed"},
		{app("GET /callback?code=x&iss=y&state=z"), "From the server that was asked, or not at all"},
		{exchangeOf("a", "", trace.App, trace.Outside, 1, 2, "POST /token"), "What one server gave goes to no other"},
		{oauth("GET /nothing"), "No parameter twice"},
	} {
		if !slices.ContainsFunc(Rules(c.record), func(r Rule) bool { return r.Title == c.want }) {
			t.Errorf("%s %s: %q is not in %+v", c.record.Request.Method, c.record.Request.URL, c.want, Rules(c.record))
		}
	}
}

// TestRulesOfDecisions: a decision goes by the rule that it is about, not by what else its exchange obeys.
func TestRulesOfDecisions(t *testing.T) {
	authorize := with(exchangeOf("a", "", trace.Browser, trace.OAuth, 1, 2, "GET /oauth/authorize?code_challenge=x&resource=y&redirect_uri=z&state=s"), "", "", 200, "Page: Allow?", "text/html")
	redeem := with(exchangeOf("a", "", trace.App, trace.OAuth, 1, 2, "POST /oauth/token"), "grant_type=authorization_code&resource=x", formType, 200, `{"access_token":"x"}`, jsonType)
	call := exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp")
	stranger := with(call, "", "", 401, "{}", jsonType, "Www-Authenticate", "Bearer scope=\"x\"")
	holder := call
	holder.Request.Headers = append(slices.Clone(holder.Request.Headers), trace.Header{Name: "Authorization", Value: "DPoP x…"}, trace.Header{Name: "DPoP", Value: "x…"})
	stale := with(holder, "", "", 401, "{}", jsonType, "Www-Authenticate", `DPoP error="use_dpop_nonce"`)
	chat := exchangeOf("a", "", trace.Browser, trace.App, 1, 2, "POST /chat")
	callback := exchangeOf("a", "", trace.Browser, trace.App, 1, 2, "GET /callback?code=x&iss=y&state=z")
	for _, c := range []struct {
		record trace.Record
		kind   trace.Kind
		what   string // was compared
		got    string
		want   string
	}{
		{authorize, trace.ClientCheck, "", "", "The answer goes to a known address only"},
		{authorize, trace.Login, "", "", "First of all: who is it?"},
		{authorize, trace.Policy, "", "", "Not all that is asked for is given"},
		{authorize, trace.Consent, "", "", "Nothing without the person's consent"},
		{callback, trace.StateCheck, "", "", "Only an answer to one's own request"},
		{callback, trace.TokenCheck, "issuer (iss)", "", "Who has logged in"},
		{callback, trace.TokenCheck, "server", "", "Only a token of that server's own login"},
		{redeem, trace.ClientCheck, "", "", "The code needs its verifier"},
		{redeem, trace.Mint, "", "", "Not all that is asked for is given"},
		{stranger, trace.TokenCheck, "", "", "No token: where to get one"},
		{holder, trace.TokenCheck, "", "", "Made for this server, or refused"},
		{holder, trace.ProofCheck, "", "", "A proof for this call and this token"},
		{stale, trace.ProofCheck, "", "", "The proof must be fresh"},
		{holder, trace.ToolCheck, "", "", "The token must be good, and enough"},
		{holder, trace.OwnerCheck, "", "", "To each their own"},
		{chat, trace.ToolCheck, "scopes", "none", "A refusal that says where to log in"},
		{chat, trace.ToolCheck, "scopes", "pet-profile:read", "One step up"},
		{chat, "other", "", "", "Tokens stay on the server"},
	} {
		d := trace.Decision{Kind: c.kind}
		if c.what != "" {
			d.Compared = []trace.Compared{{What: c.what, Got: c.got}}
		}
		if got := RulesOf(c.record, d); len(got) == 0 || got[0].Title != c.want {
			t.Errorf("%s at %s: %+v, want %q first", c.kind, c.record.Request.URL, got, c.want)
		}
	}
	if got := Rules(stale)[0].Title; got != "The proof must be fresh" {
		t.Errorf("a challenge for a fresh proof is about %q", got)
	}
	titles := map[string]bool{}
	for _, e := range catalogue {
		titles[e.Title] = true
	}
	for kind, governing := range governs {
		for _, title := range governing {
			if !titles[title] {
				t.Errorf("%s: no rule is called %q", kind, title)
			}
		}
	}
	for _, e := range decided {
		if !strings.HasPrefix(e.URL, "https://") || e.Source == "" || e.Sentence == "" {
			t.Errorf("%+v", e.Rule)
		}
	}
}

// TestCompareNotYet: where one decision was made and the other was not yet, that is said in these words.
func TestCompareNotYet(t *testing.T) {
	with := func(o trace.Outcome) []trace.Record {
		r := exchangeOf("a", "", trace.App, trace.MCP, 1, 2, "POST /mcp")
		r.Decisions = []trace.Decision{{At: moment(1), Kind: trace.TokenCheck, Outcome: o}}
		return []trace.Record{r}
	}
	var got []string
	for _, p := range Compare(with(trace.Asked), with(trace.Allowed)) {
		for _, d := range p.Differs {
			got = append(got, d.What+": "+d.Left+" / "+d.Right)
		}
	}
	if !slices.Contains(got, "outcome: not yet / allowed") {
		t.Errorf("%q", got)
	}
}

func TestCompare(t *testing.T) {
	chat := with(exchangeOf("a", "", trace.Browser, trace.App, 1, 9, "POST /chat"), `{"message":"Change it"}`, jsonType, 200, `{"reply":"No."}`, jsonType)
	bob := with(exchangeOf("b", "a", trace.App, trace.MCP, 2, 8, "POST /mcp"), `{"method":"tools/call","params":{"name":"update_pet"}}`, jsonType, 200, `{"result":{"isError":true,"content":[{"text":"no"}]}}`, jsonType)
	bob.Decisions = []trace.Decision{{At: moment(3), Kind: trace.ToolCheck, Outcome: trace.Refused, Text: "The role does not have it.", Sets: &trace.Sets{Role: []string{"a"}}}}
	carol := bob
	carol.Response.Body = `{"result":{"content":[{"text":"done"}]}}`
	carol.Decisions = []trace.Decision{{At: moment(3), Kind: trace.ToolCheck, Outcome: trace.Allowed, Text: "It has it.", Sets: &trace.Sets{Role: []string{"a", "b"}}}}
	keys := exchangeOf("c", "b", trace.MCP, trace.JWKS, 4, 5, "GET /.well-known/jwks.json")
	var got []string
	for _, p := range Compare([]trace.Record{chat, bob}, []trace.Record{chat, carol, keys}) {
		switch {
		case p.Left == nil:
			got = append(got, "only right: "+p.Right.Label)
		case p.Right == nil:
			got = append(got, "only left: "+p.Left.Label)
		default:
			line := p.Left.Label
			for _, d := range p.Differs {
				line += fmt.Sprintf(" | %s: %s / %s", d.What, d.Left, d.Right)
			}
			if p.Same != (len(p.Differs) == 0) {
				t.Errorf("%+v", p)
			}
			got = append(got, line)
		}
	}
	want := `POST /chat · “Change it”
POST /mcp · tools/call update_pet
Tool check: refused | outcome: refused / allowed | reason: The role does not have it. / It has it. | allowed by the role: a / a b
only right: GET /.well-known/jwks.json
only right: 200
200 · refused: no | label: 200 · refused: no / 200 · done
200 · No.`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
