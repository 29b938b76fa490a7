package course

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/trace"
)

const base = "http://localhost:8080"

var noon = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

// change makes a record another one.
type change func(*trace.Record)

func with(r trace.Record, changes ...change) trace.Record {
	for _, c := range changes {
		c(&r)
	}
	return r
}

func sender(p trace.Party) change { return func(r *trace.Record) { r.From = p } }
func flow(id string) change       { return func(r *trace.Record) { r.Flow = id } }
func status(n int) change         { return func(r *trace.Record) { r.Response.Status = n } }
func sent(body string) change     { return func(r *trace.Record) { r.Request.Body = body } }
func got(body string) change      { return func(r *trace.Record) { r.Response.Body = body } }
func at(url string) change        { return func(r *trace.Record) { r.Request.URL = url } }
func leads(to string) change {
	return func(r *trace.Record) {
		r.Response.Status, r.Response.Headers = 303, []trace.Header{{Name: "Location", Value: to}}
	}
}
func challenge(text string) change {
	return func(r *trace.Record) {
		r.Response.Headers = append(slices.Clone(r.Response.Headers), trace.Header{Name: "Www-Authenticate", Value: text})
	}
}
func replaced(old, text string) change {
	return func(r *trace.Record) {
		r.Request.URL, r.Request.Body = strings.ReplaceAll(r.Request.URL, old, text), strings.ReplaceAll(r.Request.Body, old, text)
	}
}

// claim changes a claim of every token in the record.
func claim(name string, value any) change {
	return func(r *trace.Record) {
		for _, tokens := range []*[]trace.Token{&r.Request.Tokens, &r.Response.Tokens} {
			*tokens = slices.Clone(*tokens)
			for i, t := range *tokens {
				var c map[string]any
				_ = json.Unmarshal(t.Claims, &c)
				c[name] = value
				(*tokens)[i].Claims, _ = json.Marshal(c)
			}
		}
	}
}

func token(where, scope string) []trace.Token {
	claims, _ := json.Marshal(map[string]any{"sub": "user-bob", "aud": []string{base + "/mcp", "mcp://vetassist"}, "client_id": "vet-assist-ai", "scope": scope,
		"iat": noon.Unix(), "exp": noon.Add(10 * time.Minute).Unix()})
	return []trace.Token{{Where: where, Header: json.RawMessage(`{"kid":"old"}`), Claims: claims}}
}

func exchange(from, to trace.Party, method, url string) trace.Record {
	return trace.Record{Flow: "f", From: from, To: to, Request: trace.Message{Method: method, URL: url}, Response: trace.Message{Status: 200}}
}

// The exchanges of the story.
var (
	refusal = with(exchange(trace.App, trace.MCP, "POST", "/mcp"), status(401),
		challenge(`Bearer resource_metadata="`+base+`/.well-known/oauth-protected-resource/mcp", scope="pet-profile:read"`))
	resourceMetadata = exchange(trace.App, trace.MCP, "GET", "/.well-known/oauth-protected-resource/mcp")
	serverMetadata   = exchange(trace.App, trace.OAuth, "GET", "/.well-known/oauth-authorization-server")
	query1           = url.Values{"client_id": {"vet-assist-ai"}, "response_type": {"code"}, "code_challenge": {"hash"}, "code_challenge_method": {"S256"},
		"resource": {base + "/mcp"}, "state": {"abcdef…"}, "redirect_uri": {base + "/callback"}}.Encode()
	asked = with(exchange(trace.Browser, trace.OAuth, "GET", "/oauth/authorize?"+query1), leads("/oauth/login?"+query1))
	login = with(exchange(trace.Browser, trace.OAuth, "POST", "/oauth/login?"+query1), leads("/oauth/authorize?"+query1))
	allow = with(exchange(trace.Browser, trace.OAuth, "POST", "/oauth/consent?"+query1), sent("decision=approve"), leads(base+"/callback?code=c…&state=abcdef…"))
	back  = with(exchange(trace.Browser, trace.App, "GET", "/callback?code=c…&iss="+url.QueryEscape(base)+"&state=abcdef…"), leads("/"))
	gave  = with(exchange(trace.App, trace.OAuth, "POST", "/oauth/token"), got(`{"access_token":"a…","refresh_token":"r…"}`),
		sent("grant_type=authorization_code&client_id=vet-assist-ai&code=c…&code_verifier=v…&resource="+url.QueryEscape(base+"/mcp")),
		func(r *trace.Record) { r.Response.Tokens = token("access_token", "pet-profile:read") })
	renewal = with(gave, sent("grant_type=refresh_token&client_id=vet-assist-ai&refresh_token=r…"))
	ended   = with(renewal, status(400), got(`{"error":"invalid_grant"}`), func(r *trace.Record) { r.Response.Tokens = nil })
	logout  = exchange(trace.Browser, trace.App, "POST", "/logout")
	gaveUp  = with(exchange(trace.App, trace.OAuth, "POST", "/oauth/revoke"), sent("token=r…"))
	noted   = with(exchange(trace.Browser, trace.OAuth, "GET", "/oauth/authorize?"+query1), status(400), got("Page: This did not work"))
	denial  = with(exchange(trace.Browser, trace.App, "GET", "/callback?error=access_denied&state=abcdef…"), leads("/"))
	noSuch  = with(asked, leads(base+"/callback?error=invalid_target&state=abcdef…"))
)

func called(tool, result string) trace.Record {
	return with(exchange(trace.App, trace.MCP, "POST", "/mcp"), sent(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":{}}}`),
		got(`{"jsonrpc":"2.0","id":1,"result":`+result+`}`), func(r *trace.Record) { r.Request.Tokens = token("Authorization", "pet-profile:read") })
}

var (
	fine  = called("list_pets", `{"content":[]}`)
	luna  = called("get_pet", `{"isError":true,"structuredContent":{"error":"not_found","message":"There is no pet called \"Luna\" that you can see."}}`)
	role  = called("update_pet", `{"isError":true,"structuredContent":{"error":"role_forbidden","message":"The role Pet Owner does not have the permission pet-profile:write, which this needs."}}`)
	short = with(called("book_vet_appointment", "null"), status(403), got(""), challenge(`Bearer error="insufficient_scope", scope="appointment:write"`))
	wider = with(gave, claim("scope", "pet-profile:read appointment:write"))
	noKey = with(fine, status(401), got(""), challenge(`Bearer error="invalid_token", error_description="…"`))
)

type story []trace.Record

// TestChecks: for each check what passes it, and what comes nearest and does not.
func TestChecks(t *testing.T) {
	lacksBooking := with(role, got(strings.ReplaceAll(role.Response.Body, "pet-profile:write", "appointment:write")))
	foreign := with(gave, sender(trace.Client))
	event := func(name audit.Name) audit.Event {
		return audit.Event{Name: name, Outcome: audit.OK, UserID: "user-bob"}
	}
	var now []change
	later := func(r trace.Record, d time.Duration) trace.Record {
		return with(r, append(now, func(r *trace.Record) { r.Begin.Time = noon.Add(d) })...)
	}
	for _, c := range []struct {
		id     string
		passes []story
		not    []story
		before []string // checks passed at noon
		change func(*Seen)
		events []audit.Event
	}{
		{id: "turned-away", passes: []story{{refusal}}, not: []story{{with(refusal, status(200))}, {with(refusal, sender(trace.Client))}, {noKey}}},
		{id: "connected", passes: []story{{gave}}, not: []story{{renewal}, {foreign}, {with(gave, status(400))}, {with(gave, claim("sub", "user-carol"))}}},
		{id: "answered", passes: []story{{fine}}, not: []story{{luna}, {short}, {with(fine, sender(trace.Client))}, {with(fine, func(r *trace.Record) { r.Request.Tokens = nil })},
			{with(fine, sent(`{"method":"tools/list"}`))}, {with(fine, got(`{"jsonrpc":"2.0","error":{"code":-32602}}`))}}},
		{id: "challenge", passes: []story{{refusal}}, not: []story{{with(refusal, func(r *trace.Record) { r.Response.Headers = nil })}, {noKey}}},
		{id: "resource-metadata", passes: []story{{refusal, resourceMetadata}}, not: []story{{resourceMetadata}, {resourceMetadata, with(refusal, flow("another"))}, {refusal, with(resourceMetadata, status(404))}}},
		{id: "server-metadata", passes: []story{{refusal, serverMetadata}, {refusal, with(serverMetadata, at("/.well-known/openid-configuration"))}},
			not: []story{{refusal, resourceMetadata}, {serverMetadata}}},
		{id: "pkce", passes: []story{{asked, gave}}, not: []story{{gave}, {with(asked, replaced("S256", "plain")), gave}, {asked, with(gave, replaced("code_verifier", "x"))}, {with(asked, flow("another")), gave}}},
		{id: "resource", passes: []story{{asked, gave}}, not: []story{{with(asked, replaced("%2Fmcp", "%2Fother")), gave}, {asked, with(gave, replaced("resource", "x"))}, {asked, renewal}}},
		{id: "state", passes: []story{{asked, back}}, not: []story{{back}, {with(asked, replaced("abcdef", "fedcba")), back}, {asked, with(back, replaced("iss", "x"))}, {asked, with(back, replaced(url.QueryEscape(base), "https%3A%2F%2Felsewhere.example"))}, {asked, denial}}},
		{id: "redirect-broken", passes: []story{{noted}}, not: []story{{asked}, {noSuch}, {with(noted, replaced("vet-assist-ai", "somebody"))}, {with(noted, status(500))}, {with(noted, leads(base+"/wrong"), status(400))}}},
		{id: "redirect-mended", before: []string{"redirect-broken"}, passes: []story{{later(gave, time.Second)}}, not: []story{{gave}, {later(renewal, time.Second)}}},
		{id: "logged-in", passes: []story{{login}}, not: []story{{with(login, status(401))}, {asked}}},
		{id: "role-broken", passes: []story{{lacksBooking}}, not: []story{{role}, {short}, {luna}}},
		{id: "role-mended", before: []string{"role-broken"}, passes: []story{{later(wider, time.Second)}}, not: []story{{wider}, {later(gave, time.Second)}}},
		{id: "consented", passes: []story{{allow}}, not: []story{{with(allow, sent("decision=deny"))}, {with(allow, leads(base+"/callback?error=access_denied"))}, {with(allow, status(400))}}},
		{id: "consent-refused", before: []string{"consent-withdrawn"}, passes: []story{{later(ended, time.Second)}},
			not: []story{{ended}, {later(renewal, time.Second)}, {later(with(ended, replaced("refresh_token", "authorization_code")), time.Second)}, {later(with(ended, got(`{"error":"use_dpop_nonce"}`)), time.Second)}}},
		{id: "consent-mended", before: []string{"consent-withdrawn", "consent-refused"}, passes: []story{{later(allow, time.Second)}}, not: []story{{allow}, {later(asked, time.Second)}}},
		{id: "audience", passes: []story{{gave}, {with(gave, claim("aud", base+"/mcp"))}}, not: []story{{with(gave, claim("aud", base+"/admin/api"))}, {with(gave, claim("aud", base+"/mcp/"))}}},
		{id: "short-lived", passes: []story{{gave}}, not: []story{{with(gave, claim("exp", noon.Add(601*time.Second).Unix()))}, {with(gave, claim("exp", 0))}}},
		{id: "server-broken", passes: []story{{noSuch}}, not: []story{{asked}, {with(noSuch, leads(base+"/callback?error=invalid_scope"))}, {with(noSuch, status(400))}}},
		{id: "server-mended", before: []string{"server-broken"}, passes: []story{{later(gave, time.Second)}}, not: []story{{gave}}},
		{id: "server-mended", before: []string{"server-broken"}, not: []story{{later(gave, time.Second)}}, change: func(s *Seen) { s.Server.URL = base + "/elsewhere" }},
		{id: "token-check", passes: []story{{fine}}, not: []story{{luna}, {with(fine, claim("sub", "user-carol"))}}},
		{id: "scope-check", passes: []story{{short}}, not: []story{{noKey}, {refusal}, {with(short, status(401))}}},
		{id: "owner-check", passes: []story{{luna}}, not: []story{{role}, {fine}, {with(luna, replaced("get_pet", "cancel_reminder"))}}},
		{id: "step-up", passes: []story{{short, wider}}, not: []story{{wider}, {short, gave}, {short, with(wider, flow("another"))}}},
		{id: "role-refused", passes: []story{{role}}, not: []story{{lacksBooking}, {luna}, {short}}},
		{id: "denied", passes: []story{{denial}}, not: []story{{back}, {with(denial, replaced("access_denied", "invalid_target"))}}},
		{id: "allowed-after-all", before: []string{"denied"}, passes: []story{{later(allow, time.Second)}}, not: []story{{allow}, {later(with(allow, sent("decision=deny")), time.Second)}}},
		{id: "renewed", passes: []story{{gave, later(renewal, 10*time.Minute)}}, not: []story{{gave, later(renewal, 599*time.Second)}, {later(renewal, 10*time.Minute)}, {foreign, later(ended, 10*time.Minute)}}},
		{id: "rotated", passes: []story{{renewal}}, not: []story{{gave}, {with(renewal, got(`{"access_token":"a…"}`))}, {ended}}},
		{id: "life-broken", passes: []story{{with(gave, claim("exp", noon.Add(time.Minute).Unix()))}, {with(renewal, claim("exp", noon.Add(599*time.Second).Unix()))}},
			not: []story{{gave}, {with(gave, claim("exp", 0))}, {with(gave, claim("exp", noon.Add(time.Minute).Unix()), claim("sub", "user-carol"))}}},
		{id: "life-mended", before: []string{"life-broken"}, passes: []story{{later(renewal, time.Second)}}, not: []story{{gave}, {later(with(gave, claim("exp", noon.Add(time.Minute).Unix())), time.Second)}}},
		{id: "key-broken", passes: []story{{noKey}}, not: []story{{later(noKey, 10*time.Minute)}, {short}, {with(noKey, kid("new"))}}},
		{id: "key-mended", before: []string{"key-broken"}, passes: []story{{later(with(fine, kid("new")), time.Second)}}, not: []story{{later(fine, time.Second)}, {with(fine, kid("new"))}}},
		{id: "revoked", passes: []story{{logout, gaveUp}}, not: []story{{gaveUp}, {logout, with(gaveUp, sender(trace.Client))}, {logout}}},
		{id: "foreign", passes: []story{{foreign}}, not: []story{{gave}, {with(foreign, claim("aud", "x"))}, {with(foreign, claim("sub", "user-carol"))}, {with(foreign, claim("sub", "vet-assist-ai"))}}},
		{id: "foreign-call", passes: []story{{with(fine, sender(trace.Client))}}, not: []story{{fine}, {with(luna, sender(trace.Client))}}},
		{id: "consent-withdrawn", events: []audit.Event{event(audit.Withdrawal)}, passes: []story{{}}},
		{id: "consent-withdrawn", events: []audit.Event{event(audit.Consent), event(audit.Revocation)}, not: []story{{allow}}},
		{id: "code-replay", events: []audit.Event{event(audit.CodeReuse)}, passes: []story{{}}},
		{id: "code-replay", events: []audit.Event{event(audit.RefreshReuse), event(audit.Token)}, not: []story{{}}},
		{id: "refresh-theft", events: []audit.Event{event(audit.RefreshReuse)}, passes: []story{{}}},
		{id: "refresh-theft", events: []audit.Event{event(audit.CodeReuse), event(audit.Refresh)}, not: []story{{}}},
	} {
		judge := func(s story) bool {
			seen := &Seen{Base: base, User: "user-bob", Server: Server{"VetAssist MCP Server", base + "/mcp"}, Keys: []string{"new"}, Now: noon}
			for i, r := range s {
				r.ID = fmt.Sprint(i)
				if r.Begin.Time.IsZero() {
					r.Begin.Time = noon
				}
				r.Begin.N = int64(i)
				seen.Records = append(seen.Records, r)
			}
			for _, e := range c.events {
				e.Time = noon
				seen.Events = append(seen.Events, e)
			}
			if c.change != nil {
				c.change(seen)
			}
			before := map[string]Pass{}
			for _, id := range c.before {
				before[id] = Pass{At: noon}
			}
			_, passed := Judge(seen, before)[c.id]
			return passed
		}
		for i, s := range c.passes {
			if !judge(s) {
				t.Errorf("%s is not passed by story %d", c.id, i)
			}
		}
		for i, s := range c.not {
			if judge(s) {
				t.Errorf("%s is passed by story %d, which only comes near", c.id, i)
			}
		}
		tried[c.id] = tried[c.id] || len(c.passes) > 0
		missed[c.id] = missed[c.id] || len(c.not) > 0
	}
	for _, l := range Lessons {
		for _, check := range l.Checks {
			if !tried[check.ID] || !missed[check.ID] {
				t.Errorf("%s has no story that passes it, or none that comes near", check.ID)
			}
		}
	}
}

var tried, missed = map[string]bool{}, map[string]bool{}

func kid(id string) change {
	return func(r *trace.Record) {
		r.Request.Tokens = slices.Clone(r.Request.Tokens)
		r.Request.Tokens[0].Header = json.RawMessage(`{"kid":"` + id + `"}`)
	}
}

// Nothing is passed by nothing, and what is mended must have been broken.
func TestNothingPassesByItself(t *testing.T) {
	if got := Judge(&Seen{Base: base, Server: Server{URL: base + "/mcp"}, Keys: []string{"new"}, Now: noon}, nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
	all := &Seen{Base: base, User: "user-bob", Server: Server{URL: base + "/mcp"}, Keys: []string{"old"}, Now: noon}
	for i, r := range []trace.Record{refusal, asked, login, allow, back, wider, fine} {
		r.ID, r.Begin = fmt.Sprint(i), trace.Moment{Time: noon.Add(time.Duration(i) * time.Second), N: int64(i)}
		all.Records = append(all.Records, r)
	}
	for id := range Judge(all, nil) {
		if strings.HasSuffix(id, "-mended") || id == "allowed-after-all" {
			t.Errorf("%s is passed, and nothing was broken", id)
		}
	}
	// What was passed stays so, when its flows are gone.
	before := Judge(all, nil)
	if after := Judge(&Seen{Base: base, Now: noon.AddDate(0, 1, 0)}, before); len(after) != len(before) {
		t.Errorf("%d of %d are left", len(after), len(before))
	}
}

// Every lesson has all its words, and every check says how it is known and what to do.
func TestLessons(t *testing.T) {
	ids := map[string]bool{}
	for _, l := range Lessons {
		if l.ID == "" || len(l.Title) > 60 || l.Short == "" || len(l.Checks) == 0 || ids[l.ID] || l.ID == "board" || l.ID == "api" || l.ID == "clock" {
			t.Errorf("lesson %+v", l.ID)
		}
		ids[l.ID] = true
		for _, w := range []Words{{Base: base}, {Base: base, Clock: true, Demo: true}} {
			for _, part := range []string{"do", "see"} {
				if text, err := l.Text(part, w); err != nil || len(text) < 100 {
					t.Errorf("%s, %s: %v %q", l.ID, part, err, text)
				}
			}
			text, err := l.Text("break", w)
			breaks := slices.ContainsFunc(l.Checks, func(c Check) bool { return strings.HasPrefix(c.Title, "Broken") })
			if err != nil || (text != "") != breaks || breaks != strings.Contains(string(text), "Mend it") {
				t.Errorf("%s, break: %v %q", l.ID, err, text)
			}
		}
		for i, c := range l.Checks {
			if c.ID == "" || c.Title == "" || c.Hint == "" || !strings.HasSuffix(c.How, ".") || strings.Count(c.How, ". ") > 0 || ids["check "+c.ID] {
				t.Errorf("check %s", c.ID)
			}
			if c.After != "" && !slices.ContainsFunc(l.Checks[:i], func(b Check) bool { return b.ID == c.After }) {
				t.Errorf("%s comes before %s", c.ID, c.After)
			}
			ids["check "+c.ID] = true
		}
	}
}
