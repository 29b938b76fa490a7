package main

import (
	"encoding/json"
	"errors"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/learn/diagram"
	"github.com/vetassist/vetassist/shared/trace"
)

var update = flag.Bool("update", false, "write the golden diagrams anew")

// goldens are the diagrams as text, beside the package that draws them.
const goldens = "../learn/diagram/testdata"

// recorded is every flow of the world, the oldest first, as an administrator may see them. The server stops and starts for that, which
// writes what it still holds.
func (w *world) recorded() [][]trace.Record {
	w.t.Helper()
	w.restart()
	db, closeDB, err := w.options.Open(w.t.Context(), w.clock.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := closeDB(); err != nil {
			w.t.Error(err)
		}
	}()
	reader, all := trace.NewReader(db, w.clock.Now), trace.Viewer{All: true}
	var flows [][]trace.Record
	for before := ""; ; {
		ids, next, err := reader.Flows(w.t.Context(), all, before, 50)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, id := range ids {
			records, err := reader.Flow(w.t.Context(), id, all)
			if errors.Is(err, trace.ErrNotFound) {
				continue
			}
			if err != nil {
				w.t.Fatal(err)
			}
			flows = append(flows, records)
		}
		if before = next; next == "" {
			break
		}
	}
	slices.Reverse(flows)
	return flows
}

// flowCalled is the latest recorded flow of a title.
func (w *world) flowCalled(title string) []trace.Record {
	w.t.Helper()
	var titles []string
	var found []trace.Record
	for _, records := range w.recorded() {
		titles = append(titles, diagram.Title(records))
		if diagram.Title(records) == title {
			found = records
		}
	}
	if found == nil {
		w.t.Fatalf("no flow is called %q; there are %q", title, titles)
	}
	return found
}

const (
	asksVaccination = "When is Fido's next vaccination?"
	asksBooking     = "Book an appointment for Fido next Tuesday at 10"
	asksChange      = "Change Fido's weight to 30 kg"
)

// TestDiagrams draws what really happened, and compares it with the diagrams that a person has read and found right. What makes them right
// is checked in code as well.
func TestDiagrams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		tell  func(w *world) []trace.Record
		check func(t *testing.T, f drawing)
	}{
		{"connect", func(w *world) []trace.Record {
			w.person().connect(asksVaccination, "bob")
			return w.flowCalled(asksVaccination)
		}, func(t *testing.T, f drawing) {
			f.follow(t, "browser→app POST /chat", "app→mcp POST /mcp", "mcp⇢app 401", "app→mcp GET /.well-known/oauth-protected-resource",
				"app→oauth GET /.well-known/oauth-authorization-server", "app⇢browser 200 · please connect", "browser→oauth GET /oauth/authorize", "oauth⇢browser 303 → login",
				"browser→oauth POST /oauth/login · name and password", "browser→oauth GET /oauth/authorize", "oauth⇢browser 200 · page “Allow Vet Assist AI?”",
				"browser→oauth POST /oauth/consent · allow", "oauth⇢browser 303 → /callback with the code", "browser→app GET /callback · with the code",
				"app→oauth POST /oauth/token · authorization code", "oauth⇢app 200 · access token", "app→mcp POST /mcp · tools/call get_pet_vaccination_info", "mcp⇢app 200", "app⇢browser 303")
			f.asksOnlyFor(t, "pet-profile:read")
		}},
		{"step-up", func(w *world) []trace.Record {
			bob := w.person()
			bob.connect(asksVaccination, "bob")
			w.clock.turn(time.Minute)
			bob.connect(asksBooking, "bob")
			return w.flowCalled(asksBooking)
		}, func(t *testing.T, f drawing) {
			f.follow(t, "browser→app POST /chat", "app→mcp POST /mcp · tools/call book_vet_appointment", "mcp⇢app 403 · insufficient_scope: appointment:write", "app⇢browser 200 · please allow more",
				"browser→oauth GET /oauth/authorize", "oauth⇢browser 200 · page “Allow Vet Assist AI?”", "browser→oauth POST /oauth/consent · allow", "browser→app GET /callback · with the code",
				"app→oauth POST /oauth/token · authorization code", "app→mcp POST /mcp · tools/call book_vet_appointment", "mcp⇢app 200")
			if f.has("browser→oauth POST /oauth/login") {
				t.Error("Bob logs in again")
			}
			f.asksOnlyFor(t, "appointment:write")
		}},
		{"refusal", func(w *world) []trace.Record {
			bob := w.person()
			bob.connect(asksVaccination, "bob")
			w.clock.turn(time.Minute)
			bob.ask(asksChange)
			return w.flowCalled(asksChange)
		}, func(t *testing.T, f drawing) {
			f.follow(t, "browser→app POST /chat", "app→mcp POST /mcp · tools/call update_pet", "mcp⇢app 200 · refused: The role Pet Owner", "app⇢browser 200")
			if f.has("browser→oauth") || f.has("mcp⇢app 403") {
				t.Error("Bob is sent to a consent that cannot help")
			}
		}},
		{"denial", func(w *world) []trace.Record {
			bob := w.person()
			a := bob.ask(asksVaccination)
			bob.open(a.AuthorizeURL)
			bob.login("bob")
			bob.submit("decision", url.Values{"decision": {"deny"}})
			return w.flowCalled(asksVaccination)
		}, func(t *testing.T, f drawing) {
			f.follow(t, "browser→oauth POST /oauth/consent · deny", "oauth⇢browser 303 → /callback with access_denied", "browser→app GET /callback · access_denied", "app⇢browser 303")
			if f.has("app→oauth POST /oauth/token") || f.has("app→mcp POST /mcp · tools/call") {
				t.Error("the app goes on as if it had been allowed to")
			}
		}},
		{"refresh", func(w *world) []trace.Record {
			bob := w.person()
			bob.connect(asksVaccination, "bob")
			w.clock.turn(15 * time.Minute)
			bob.ask("Which pets do I have?")
			return w.flowCalled("Which pets do I have?")
		}, func(t *testing.T, f drawing) {
			f.follow(t, "browser→app POST /chat", "app→oauth POST /oauth/token · refresh token", "oauth⇢app 200 · access token, refresh token", "app→mcp POST /mcp · tools/call list_pets", "mcp⇢app 200", "app⇢browser 200")
			if f.has("browser→oauth") {
				t.Error("the person is asked")
			}
		}},
		{"revocation", func(w *world) []trace.Record {
			tokens := w.tokensFor("bob", "pet-profile:read")
			w.clock.turn(5 * time.Minute)
			w.post("/oauth/revoke", url.Values{"token": {tokens.Refresh}, "token_type_hint": {"refresh_token"}, "client_id": {"vet-assist-ai"}})
			w.refresh(tokens.Refresh)
			return w.flowCalled("Go-http-client: revocation")
		}, func(t *testing.T, f drawing) {
			f.follow(t, "client→oauth POST /oauth/revoke · refresh token", "oauth⇢client 200 · revoked", "client→oauth POST /oauth/token · refresh token", "oauth⇢client 400 · invalid_grant")
		}},
		{"foreign-client", func(w *world) []trace.Record {
			foreign(w)
			return w.flowCalled("AHost: connects")
		}, func(t *testing.T, f drawing) {
			f.follow(t, "client→mcp POST /mcp · initialize", "mcp⇢client 401 · needs a token", "client→mcp GET /.well-known/oauth-protected-resource", "client→oauth GET /.well-known/oauth-authorization-server",
				"client→oauth POST /oauth/register", "oauth⇢client 201 · client_id", "browser→oauth GET /oauth/authorize", "oauth⇢browser 303 → /callback with the code",
				"client→oauth POST /oauth/token · authorization code", "oauth⇢client 200 · access token", "client→mcp POST /mcp · tools/call get_pet_vaccination_info", "mcp⇢client 200")
			if f.has("→app") {
				t.Error("the chat has no part in it")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			records := c.tell(w)
			f := drawingOf(records, w.host())
			f.isWhole(t)
			c.check(t, f)
			text := strings.ReplaceAll(diagram.Mermaid(records), w.host(), "localhost:8080")
			golden(t, filepath.Join(goldens, c.name+".mmd"), text)
		})
	}
}

// foreign is a host of somebody else that has never heard of this server: it asks, is told where to go, registers and connects.
func foreign(w *world) {
	w.t.Helper()
	agent := []string{"User-Agent", "AHost/1.2 (somewhere)"}
	send := func(method, path, body string, headers ...string) answer {
		return w.send(method, path, body, slices.Concat(agent, headers)...)
	}
	asJSON := []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-06-18"}
	send("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"AHost","version":"1.2"}}}`, asJSON...)
	send("GET", "/.well-known/oauth-protected-resource/mcp", "")
	send("GET", "/.well-known/oauth-authorization-server", "")
	id, _ := w.registerHost("A Host", agent...)
	const redirect = "http://127.0.0.1:51234/callback"
	got := w.person().answerOf(w.request(url.Values{"client_id": {id}, "redirect_uri": {redirect}}), "bob")
	form := url.Values{"grant_type": {"authorization_code"}, "code": {got.Get("code")}, "code_verifier": {verifier}, "client_id": {id}, "redirect_uri": {redirect}, "resource": {w.URL + "/mcp"}}
	a := send("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	token := tokenIn(w.t, a)
	send("POST", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_pet_vaccination_info","arguments":{"pet":"Fido"}}}`, append(asJSON, "Authorization", "Bearer "+token)...)
}

// tokenIn is the access token in an answer of the token endpoint.
func tokenIn(t *testing.T, a answer) string {
	t.Helper()
	var got tokens
	if err := json.Unmarshal(a.body, &got); err != nil || got.Access == "" {
		t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return got.Access
}

// golden compares a text with a file, or writes it with -update.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s is not what happened now (-update writes it anew):\n%s", file, text)
	}
}

// drawing is a recorded flow, as a reader of the diagram sees it.
type drawing struct {
	records []trace.Record
	steps   []diagram.Step
	lines   []string // "browser→app POST /chat", "app⇢browser 200"; a note is "note oauth Login: allowed"
}

func drawingOf(records []trace.Record, host string) drawing {
	f := drawing{records: records, steps: diagram.Steps(records)}
	for _, s := range f.steps {
		line := string(s.From) + "→" + string(s.To) + " " + s.Label
		switch {
		case s.Kind == diagram.Note:
			line = "note " + string(s.To) + " " + s.Label
		case s.Dashed:
			line = string(s.From) + "⇢" + string(s.To) + " " + s.Label
		}
		f.lines = append(f.lines, strings.ReplaceAll(line, host, "localhost:8080"))
	}
	return f
}

func (f drawing) has(line string) bool {
	return slices.ContainsFunc(f.lines, func(l string) bool { return strings.Contains(l, line) })
}

// follow checks that lines come in this order, each beginning so, with others in between.
func (f drawing) follow(t *testing.T, lines ...string) {
	t.Helper()
	at := 0
	for _, want := range lines {
		i := slices.IndexFunc(f.lines[at:], func(l string) bool { return strings.HasPrefix(l, want) })
		if i < 0 {
			t.Fatalf("no %q after the first %d of\n%s", want, at, strings.Join(f.lines, "\n"))
		}
		at += i + 1
	}
}

// isWhole checks what is right of every diagram: arrows are numbered in order, each request has its answer, the other way, later, and a
// decision of its exchange stands in between.
func (f drawing) isWhole(t *testing.T) {
	t.Helper()
	n, asked, answered := 0, map[string]diagram.Step{}, map[string]bool{}
	code := -1 // the answer that carried a code
	for i, s := range f.steps {
		if s.Kind == diagram.Note {
			if _, ok := asked[s.Record]; !ok || answered[s.Record] {
				t.Errorf("%q stands outside its exchange", f.lines[i])
			}
			continue
		}
		if n++; s.N != n {
			t.Errorf("%q is number %d, not %d", f.lines[i], s.N, n)
		}
		switch s.Part {
		case diagram.Request:
			asked[s.Record] = s
			if strings.Contains(s.Label, "/oauth/token · authorization code") && code < 0 {
				t.Errorf("%q comes before any redirect with a code", f.lines[i])
			}
		case diagram.Response:
			a, ok := asked[s.Record]
			if !ok || a.From != s.To || a.To != s.From || !s.Dashed || answered[s.Record] {
				t.Errorf("%q is no answer to %+v", f.lines[i], a)
			}
			answered[s.Record] = true
			if strings.HasSuffix(s.Label, "with the code") {
				code = i
			}
		}
		if s.Label == "" {
			t.Errorf("arrow %d says nothing", s.N)
		}
	}
	if len(asked) != len(f.records) || len(answered) != len(asked) {
		t.Errorf("%d records, %d requests, %d answers", len(f.records), len(asked), len(answered))
	}
	for _, r := range f.records {
		if len(diagram.Rules(r)) == 0 {
			t.Errorf("%s %s obeys no rule of the catalogue", r.Request.Method, r.Request.URL)
		}
	}
}

// asksOnlyFor checks that the consent which a flow asks for is this one permission: in the request, and in the form that allows it.
func (f drawing) asksOnlyFor(t *testing.T, scope string) {
	t.Helper()
	consents := 0
	for _, r := range f.records {
		path, _, _ := strings.Cut(r.Request.URL, "?")
		if path != "/oauth/consent" {
			continue
		}
		consents++
		form, err := url.ParseQuery(r.Request.Body)
		if err != nil || !slices.Equal(form["scope"], []string{scope}) {
			t.Errorf("the form allows %v, %v", form["scope"], err)
		}
	}
	if consents != 1 {
		t.Errorf("%d consents", consents)
	}
}

// TestCurlOfRecords runs the commands that the recorder shows, as a reader who pastes them does: some as they are, the others with what their
// lines of comment say where to get.
func TestCurlOfRecords(t *testing.T) {
	t.Parallel()
	needs(t, "sh", "curl")
	w := newWorld(t)
	foreign(w)
	tokens := w.tokensFor("bob", "pet-profile:read")
	var records []trace.Record
	for _, flow := range w.recorded() {
		records = append(records, flow...)
	}
	run := func(r trace.Record, variables ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "set -u\n"+diagram.Curl(r, w.URL))
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, variables...)
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%v\n%s", err, diagram.Curl(r, w.URL))
		}
		return string(out)
	}
	for _, c := range []struct {
		name      string
		find      func(trace.Record) bool
		variables []string
		says      []string
	}{
		{"resource metadata", recordOf("GET /.well-known/oauth-protected-resource/mcp", 200), nil, []string{"200 OK", `"authorization_servers"`}},
		{"server metadata", recordOf("GET /.well-known/oauth-authorization-server", 200), nil, []string{"200 OK", `"token_endpoint"`}},
		{"keys", recordOf("GET /.well-known/jwks.json", 200), nil, []string{"200 OK", `"keys"`}},
		{"a call without a token", recordOf("POST /mcp", 401), nil, []string{"401 Unauthorized", "resource_metadata="}},
		{"a call", recordOf("POST /mcp", 200), []string{"ACCESS_TOKEN=" + tokens.Access}, []string{"200 OK", "Rabies"}},
		{"a code that was used", recordOf("POST /oauth/token", 200), []string{"CODE=used", "CODE_VERIFIER=" + verifier}, []string{"400 Bad Request", "invalid_grant"}},
		{"the authorization request", recordOf("GET /oauth/authorize", 303), []string{"STATE=st4te"}, []string{"303 See Other", "Location: /oauth/login?"}},
	} {
		i := slices.IndexFunc(records, c.find)
		if i < 0 {
			t.Errorf("no record of %s", c.name)
			continue
		}
		out := run(records[i], c.variables...)
		for _, want := range c.says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s\nof\n%s", c.name, want, out, diagram.Curl(records[i], w.URL))
			}
		}
	}
}

// recordOf finds the first record with such a line and such an answer.
func recordOf(line string, status int) func(trace.Record) bool {
	return func(r trace.Record) bool {
		path, _, _ := strings.Cut(r.Request.URL, "?")
		return r.Request.Method+" "+path == line && r.Response.Status == status
	}
}

// TestCompareFlows: what Bob's connect and his step-up have in common, and in what Bob, who is refused, and Carol, who is allowed, differ.
func TestCompareFlows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person()
	bob.connect(asksVaccination, "bob")
	connect := w.flowCalled(asksVaccination)
	bob.connect(asksBooking, "bob")
	stepUp := w.flowCalled(asksBooking)
	bob.ask(asksChange)
	refused := w.flowCalled(asksChange)
	w.clock.turn(time.Minute)
	carol := w.person()
	carol.connect("Show me all pets", "carol")
	w.clock.turn(time.Minute)
	carol.connect(asksChange, "carol")
	allowed := w.flowCalled(asksChange)

	both, differs := 0, []string{}
	for _, p := range diagram.Compare(connect, stepUp) {
		if p.Left != nil && p.Right != nil {
			both++
		}
		for _, d := range p.Differs {
			differs = append(differs, d.What+": "+d.Left+" | "+d.Right)
		}
	}
	for _, want := range []string{"scope: pet-profile:read offline_access openid profile | pet-profile:read appointment:write offline_access openid profile", "scope: pet-profile:read | appointment:write"} {
		if both < 20 || !slices.Contains(differs, want) {
			t.Errorf("%d in common; no %q in what differs:\n%s", both, want, strings.Join(differs, "\n"))
		}
	}
	first := ""
	for _, p := range diagram.Compare(refused, allowed) {
		if p.Left != nil && p.Right != nil && strings.Contains(p.Left.Label, "refused: ") {
			first = p.Left.Label + " / " + p.Right.Label
		}
	}
	if !strings.Contains(first, "The role Pet Owner") || strings.Count(first, "refused") != 1 {
		t.Errorf("Bob is refused and Carol is not: %q", first)
	}
	same := diagram.Compare(refused, refused)
	if slices.ContainsFunc(same, func(p diagram.Pair) bool { return !p.Same }) {
		t.Error("a flow differs from itself")
	}
}
