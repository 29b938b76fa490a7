package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
)

type grantOf = token.Grant

func TestResources(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who      grantOf
		has, not string
		pets     int
	}{
		{bob(ownerScope...), "vetassist://pets/pet-fido", "vetassist://pets/pet-luna", 2},
		{alice(ownerScope...), "vetassist://pets/pet-luna", "vetassist://pets/pet-fido", 1},
		{carol(everything...), "vetassist://pets/pet-bella-g", "nothing", 9},
		{bob(rbac.ReminderRead), "vetassist://knowledge/rabies", "vetassist://pets/pet-fido", 0},
	} {
		s := w.connect(c.who)
		res, err := s.ListResources(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		pets, uris := 0, ""
		for _, r := range res.Resources {
			uris += r.URI + "\n"
			if strings.HasPrefix(r.URI, "vetassist://pets/") {
				pets++
			}
		}
		if res.CacheScope != "private" || pets != c.pets || !strings.Contains(uris, c.has) || strings.Contains(uris, c.not) || len(res.Resources) < pets+25 {
			t.Errorf("%s: %s, %d pets\n%s", c.who.Subject, res.CacheScope, pets, uris)
		}
	}
	s := w.connect(bob(ownerScope...))
	pet, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "vetassist://pets/pet-fido"})
	if err != nil || pet.CacheScope != "private" || pet.TTLMs != 0 || pet.Contents[0].MIMEType != "application/json" || !strings.Contains(pet.Contents[0].Text, `"name": "Fido"`) {
		t.Errorf("%+v %v", pet, err)
	}
	text, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "vetassist://knowledge/rabies"})
	if err != nil || text.CacheScope != "public" || text.Contents[0].MIMEType != "text/markdown" || !strings.HasPrefix(text.Contents[0].Text, "# ") {
		t.Errorf("%+v %v", text, err)
	}
	// A name is no id, and what is Alice's is like what is nobody's.
	var errs []string
	for _, id := range []string{"pet-luna", "pet-nemo", "Fido", "..%2Fpet-fido"} {
		_, err := s.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "vetassist://pets/" + id})
		errs = append(errs, strings.ReplaceAll(fmt.Sprint(err), id, "ID"))
	}
	if errs[0] != errs[1] || !strings.Contains(errs[0], "not found") || !strings.Contains(errs[2], "not found") || !strings.Contains(errs[3], "not found") {
		t.Errorf("%q", errs)
	}
	templates, err := s.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(templates.ResourceTemplates) != 2 || templates.CacheScope != "public" {
		t.Errorf("%+v %v", templates, err)
	}
	if a := w.post(w.mint(carol(everything...)), `{"jsonrpc":"2.0","id":1,"method":"resources/list","params":{"cursor":"zzz"}}`); a.json(t)["error"] == nil {
		t.Errorf("%s", a.body)
	}
}

func TestPrompts(t *testing.T) {
	w := newWorld(t)
	s := w.connect(bob(ownerScope...))
	list, err := s.ListPrompts(t.Context(), nil)
	if err != nil || len(list.Prompts) != 2 || list.CacheScope != "public" {
		t.Fatalf("%+v %v", list, err)
	}
	for _, name := range []string{"prepare_for_visit", "explain_vaccination_plan"} {
		res, err := s.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: name, Arguments: map[string]string{"pet": "fido", "concern": "He limps."}})
		if err != nil {
			t.Fatal(err)
		}
		record := res.Messages[0].Content.(*sdk.EmbeddedResource).Resource
		text := res.Messages[1].Content.(*sdk.TextContent).Text
		if record.URI != "vetassist://pets/pet-fido" || !strings.Contains(record.Text, "rabies") || !strings.Contains(text, "Fido") ||
			(name == "prepare_for_visit") != strings.Contains(text, "He limps") {
			t.Errorf("%s: %s\n%s", name, record.Text, text)
		}
		for _, bad := range []map[string]string{nil, {"pet": "Luna"}, {"pet": "fido", "concern": strings.Repeat("x", 501)}} {
			if _, err := s.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: name, Arguments: bad}); err == nil {
				t.Errorf("%s(%v) was answered", name, bad)
			}
		}
	}
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	prompt := &sdk.CompleteReference{Type: "ref/prompt", Name: "prepare_for_visit"}
	pet := &sdk.CompleteReference{Type: "ref/resource", URI: "vetassist://pets/{id}"}
	article := &sdk.CompleteReference{Type: "ref/resource", URI: "vetassist://knowledge/{slug}"}
	for _, c := range []struct {
		who       grantOf
		ref       *sdk.CompleteReference
		arg, text string
		want      string
	}{
		{bob(ownerScope...), prompt, "pet", "", "[Fido Milo]"},
		{bob(ownerScope...), prompt, "pet", "fi", "[Fido]"},
		{bob(ownerScope...), prompt, "pet", "Lu", "[]"},
		{bob(ownerScope...), prompt, "concern", "x", "[]"},
		{bob(ownerScope...), pet, "id", "mi", "[pet-milo]"},
		{bob(ownerScope...), pet, "id", "pet-", "[pet-fido pet-milo]"},
		{alice(ownerScope...), prompt, "pet", "", "[Luna]"},
		{carol(everything...), prompt, "pet", "b", "[Bandit pet-bella-g pet-bella-h]"},
		{bob(rbac.ReminderRead), prompt, "pet", "", "[]"},
		{bob(), article, "slug", "rabi", "[rabies]"},
	} {
		res, err := w.connect(c.who).Complete(t.Context(), &sdk.CompleteParams{Ref: c.ref, Argument: sdk.CompleteParamsArgument{Name: c.arg, Value: c.text}})
		if err != nil || fmt.Sprint(res.Completion.Values) != c.want {
			t.Errorf("%s %s %q: %v %v, want %s", c.who.Subject, c.arg, c.text, res, err, c.want)
		}
	}
	s := w.connect(bob())
	for _, ref := range []*sdk.CompleteReference{{Type: "ref/prompt", Name: "x"}, {Type: "ref/resource", URI: "file:///x"}} {
		if _, err := s.Complete(t.Context(), &sdk.CompleteParams{Ref: ref, Argument: sdk.CompleteParamsArgument{Name: "pet"}}); err == nil {
			t.Errorf("%+v was completed", ref)
		}
	}
}

func TestOrigins(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(ownerScope...))
	for _, c := range []struct {
		header string
		ok     bool
	}{
		{"Origin: http://localhost:8080", true},
		{"Origin: http://localhost:6274", true}, // MCP Inspector on this machine
		{"Origin: http://127.0.0.1:3000", true},
		{"Origin: https://[::1]:9", true},
		{"Origin: https://host.example", true},
		{"Origin: https://host.example.evil.example", false},
		{"Origin: http://host.example", false},
		{"Origin: https://evil.example", false},
		{"Origin: http://localhost.evil.example", false},
		{"Origin: http://localhost:8080/path", false},
		{"Origin: http://evil@localhost:8080", false},
		{"Origin: http://localhost:8080?x", false},
		{"Origin: http://localhost:8080#x", false},
		{"Origin: null", false},
		{"Origin: file://", false},
		{"Host: localhost:8080", true},
		{"Host: 127.0.0.1", true},
		{"Host: [::1]:8080", true},
		{"Host: evil.example", false},
		{"Host: localhost.evil.example:8080", false},
	} {
		a := w.post(raw, call("list_pets", `{}`), c.header)
		if (a.status == 200) != c.ok || !c.ok && (a.status != 403 || a.json(t)["error"] == nil || a.header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d %s", c.header, a.status, a.body)
		}
		origin, isOrigin := strings.CutPrefix(c.header, "Origin: ")
		if cors := a.header.Get("Access-Control-Allow-Origin"); isOrigin && c.ok != (cors == origin) || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", c.header, cors)
		}
	}
	if a := w.post(raw, call("list_pets", `{}`), "Origin: http://localhost:8080", "Origin: https://evil.example"); a.status != 403 {
		t.Errorf("two origins: %d", a.status)
	}
	a := w.send("POST", "/mcp", call("list_pets", `{}`), "Origin: http://localhost:6274")
	if a.status != 401 || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate, X-Amzn-Remapped-Www-Authenticate") || a.header.Get("Vary") != "Origin" {
		t.Errorf("%d %v", a.status, a.header)
	}
	a = w.send("OPTIONS", "/mcp", "", "Origin: http://localhost:6274", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,mcp-protocol-version")
	if a.status != 204 || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "MCP-Protocol-Version") || a.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	if a := w.send("OPTIONS", "/mcp", "", "Origin: https://evil.example"); a.status != 403 {
		t.Errorf("foreign preflight: %d", a.status)
	}
}

// TestManyAtOnce lets people of different rights call at the same time: nobody gets another's answer, and one slot has as many winners as vets.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	people := []struct {
		raw, own string
	}{
		{w.mint(bob(ownerScope...)), "Fido"}, {w.mint(alice(ownerScope...)), "Luna"},
	}
	var wg sync.WaitGroup
	for n := range 60 {
		p, other := people[n%2], people[1-n%2]
		wg.Go(func() {
			a := string(w.post(p.raw, call("list_pets", `{}`)).body)
			if !strings.Contains(a, p.own) || strings.Contains(a, other.own) {
				t.Errorf("%s: %s", p.own, a)
			}
		})
	}
	var mu sync.Mutex
	booked := 0
	saturday := in(5*24*time.Hour, w) // one vet
	for n := range 12 {
		p := people[n%2]
		wg.Go(func() {
			a := string(w.post(p.raw, call("book_vet_appointment", fmt.Sprintf(`{"pet":%q,"date":%q,"time":"12:30"}`, p.own, saturday))).body)
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(a, "Booked:") {
				booked++
			} else if !strings.Contains(a, "slot_taken") && !strings.Contains(a, "conflict") {
				t.Errorf("%s", a)
			}
		})
	}
	wg.Wait()
	if booked != 1 {
		t.Errorf("%d winners", booked)
	}
}

// TestChallengeIsReadableByClients: a client with no idea of OAuth gets the protocol's own error from a challenge, and the SDK's parser reads
// the header.
func TestChallengeIsReadableByClients(t *testing.T) {
	w := newWorld(t)
	s := w.connect(bob())
	_, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "list_pets"})
	if err == nil || !strings.Contains(err.Error(), "needs your permission") {
		t.Errorf("%v", err)
	}
	if _, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "dance"}); err == nil || !strings.Contains(err.Error(), "unknown tool") {
		t.Errorf("%v", err)
	}
	a := w.post(w.mint(bob()), call("list_pets", `{}`))
	challenges, err := oauthex.ParseWWWAuthenticate(a.header.Values("WWW-Authenticate"))
	if err != nil || len(challenges) != 1 || challenges[0].Params["scope"] != "pet-profile:read" || challenges[0].Params["error"] != "insufficient_scope" {
		t.Errorf("%+v %v", challenges, err)
	}
}

// fickle answers the challenge and fails the tool.
type fickle struct {
	calls atomic.Int32
	fail  func() error
}

func (f *fickle) RoleScopes(context.Context, []string, string) ([]string, error) {
	if f.calls.Add(1)%2 == 1 {
		return nil, nil
	}
	return nil, f.fail()
}

func TestFailuresSayNothing(t *testing.T) {
	for what, fail := range map[string]func() error{
		"error": func() error { return errors.New("secret cause") },
		"panic": func() error { panic("secret cause") },
	} {
		w := newWorld(t, func(c *mcp.Config) { c.Roles = &fickle{fail: fail} })
		for range 2 { // the process lives on
			a := w.post(w.mint(bob()), call("list_pets", `{}`))
			e, _ := a.json(t)["error"].(map[string]any)
			if e["code"] != -32603.0 || strings.Contains(string(a.body), "secret") {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
	}
	w := newWorld(t, func(c *mcp.Config) {
		f := &fickle{fail: func() error { return errors.New("secret cause") }}
		f.calls.Add(1)
		c.Roles = f
	})
	if a := w.post(w.mint(bob()), call("list_pets", `{}`)); a.status != 500 || strings.Contains(string(a.body), "secret") || a.json(t)["error"] == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestOriginsElsewhere(t *testing.T) {
	w := newWorld(t, func(c *mcp.Config) { c.BaseURL, c.Issuer = "https://vet.example", base })
	for header, status := range map[string]int{
		"Origin: https://vet.example": 401, "Origin: https://host.example": 401, "Origin: http://localhost:6274": 403, "Origin: http://vet.example": 403,
		"Host: gateway.internal": 401, // whoever routes to us may change the name
	} {
		a := w.send("POST", "/mcp", call("list_pets", `{}`), header)
		if a.status != status {
			t.Errorf("%s: %d %s", header, a.status, a.body)
		}
		if status == 401 && !strings.Contains(a.header.Get("WWW-Authenticate"), `"https://vet.example/.well-known/oauth-protected-resource/mcp"`) {
			t.Errorf("%s: %s", header, a.header.Get("WWW-Authenticate"))
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []mcp.Config{{}, {BaseURL: "http://localhost:8080"}, {BaseURL: "::"}} {
		if _, err := mcp.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// BenchmarkCall measures one tool call over HTTP, client included.
func BenchmarkCall(b *testing.B) {
	w := newWorld(b)
	raw := w.mint(bob(ownerScope...))
	b.ReportAllocs()
	for b.Loop() {
		if a := w.post(raw, call("get_pet_vaccination_info", `{"pet":"Fido"}`)); a.status != 200 {
			b.Fatalf("%d %s", a.status, a.body)
		}
	}
}
