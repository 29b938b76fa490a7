package mcp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// What is here proves requirements of the MCP specification that no other test of this package is about. Which, says
// scripts/conformance/README.md.

// TestNoRequestWithoutToken: there is no method that a stranger may call, by whatever name and of whatever revision.
func TestNoRequestWithoutToken(t *testing.T) {
	w := newWorld(t)
	elsewhere := bob(everything...)
	elsewhere.Audience = []string{"https://elsewhere.example/mcp"}
	foreign := "Authorization: Bearer " + w.mint(elsewhere)
	for _, method := range []string{"initialize", "server/discover", "ping", "notifications/initialized", "notifications/cancelled", "tools/list", "tools/call",
		"resources/list", "resources/templates/list", "resources/read", "prompts/list", "prompts/get", "completion/complete", "tasks/get", "nonsense"} {
		for _, params := range []string{`{}`, `{` + meta2026 + `}`, `{"name":"search_pet_health","arguments":{"query":"rabies"}}`, `{"uri":"vetassist://knowledge/rabies"}`} {
			body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
			for _, sent := range []string{body, `[` + body + `]`, strings.Replace(body, `"id":1,`, "", 1)} {
				refusedAs(t, sent, w.send("POST", "/mcp", sent), 401, "", rbac.PetProfileRead)
				refusedAs(t, sent, w.send("POST", "/mcp", sent, foreign), 401, "invalid_token", rbac.PetProfileRead)
			}
		}
	}
	for _, method := range []string{"GET", "DELETE", "PUT", "PATCH"} {
		refusedAs(t, method, w.send(method, "/mcp", ""), 401, "", rbac.PetProfileRead)
		refusedAs(t, method, w.send(method, "/mcp", "", foreign), 401, "invalid_token", rbac.PetProfileRead)
	}
}

// TestOfflineAccessIsNoNeedOfOurs: how long a client keeps its login is between it and the authorization server.
func TestOfflineAccessIsNoNeedOfOurs(t *testing.T) {
	w := newWorld(t)
	answers := []answer{w.send("GET", "/.well-known/oauth-protected-resource", ""), w.send("GET", "/.well-known/oauth-protected-resource/mcp", ""),
		w.send("POST", "/mcp", call("list_pets", `{}`)), w.post("abc", call("list_pets", `{}`))}
	for tool := range rbac.Tools {
		answers = append(answers, w.post(w.mint(carol()), call(tool, `{}`)))
	}
	for _, a := range answers {
		if strings.Contains(a.header.Get("WWW-Authenticate")+string(a.body), "offline_access") {
			t.Errorf("%d %s %s", a.status, a.header.Get("WWW-Authenticate"), a.body)
		}
	}
}

// TestTokensGoNowhere: all that the server asks of others, over every tool, resource and prompt, is the public keys; a token that it was
// given goes nowhere.
func TestTokensGoNowhere(t *testing.T) {
	var (
		mu    sync.Mutex
		asked []*http.Request
	)
	record := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r)
	}
	var w *world
	keys := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		record(r)
		jwks, err := token.Published(r.Context(), store.Restrict(w.store, token.PublicPartitions...))
		if err != nil {
			t.Error(err)
		}
		rw.Write(jwks)
	}))
	t.Cleanup(keys.Close)
	w = newWorld(t, func(c *mcp.Config) {
		c.Verifier = token.NewVerifier(base, []string{base + "/mcp"}, token.RemoteKeys(keys.URL+"/keys", keys.Client(), c.Now), c.Now)
	})
	usual := http.DefaultTransport
	http.DefaultTransport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/mcp" { // the test's own
			record(r)
		}
		return usual.RoundTrip(r)
	})
	t.Cleanup(func() { http.DefaultTransport = usual })

	raw := w.mint(carol(everything...))
	bodies := []string{`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"vetassist://pets/pet-fido"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"prepare_for_visit","arguments":{"pet":"Fido"}}}`}
	for tool := range rbac.Tools {
		bodies = append(bodies, call(tool, `{"pet":"Fido","query":"rabies","message":"hello","text":"x","date":"2026-12-01","time":"10:00"}`), call(tool, `{}`))
	}
	for _, body := range bodies {
		if a := w.post(raw, body); a.status != 200 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) == 0 {
		t.Error("not even the keys were asked for")
	}
	for _, r := range asked {
		if r.Method != "GET" || r.URL.Path != "/keys" || r.URL.RawQuery != "" || r.ContentLength > 0 || r.Header.Get("Authorization") != "" {
			t.Errorf("it asked %s %s with %v", r.Method, r.URL, r.Header)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestHandlesAreNoKeys: the ids that tools give out cannot be guessed, and in another person's hands they are like ids of nothing.
func TestHandlesAreNoKeys(t *testing.T) {
	w := newWorld(t)
	his, hers := w.connect(bob(everything...)), w.connect(alice(everything...))
	id := func(tool, record string, in args) string {
		o := use(t, his, tool, in)
		got, _ := o.data[record].(map[string]any)
		s, _ := got["id"].(string)
		if o.isError || s == "" {
			t.Fatalf("%s: %+v", tool, o)
		}
		return s
	}
	appointment := id("book_vet_appointment", "appointment", args{"pet": "Fido", "date": "2026-12-01", "time": "10:00"})
	first := id("set_reminder", "reminder", args{"text": "one", "date": "2026-12-01", "time": "10:00"})
	second := id("set_reminder", "reminder", args{"text": "two", "date": "2026-12-01", "time": "10:00"})
	random := func(id string) string { return id[strings.LastIndex(id, "-")+1:] }
	if strings.TrimSuffix(first, random(first)) != strings.TrimSuffix(second, random(second)) || random(first) == random(second) || len(random(first)) < 10 {
		t.Errorf("two reminders of one time are %s and %s", first, second)
	}
	for _, c := range []struct{ tool, argument, id string }{
		{"cancel_vet_appointment", "appointment_id", appointment}, {"cancel_reminder", "reminder_id", first},
	} {
		guess := strings.TrimSuffix(c.id, random(c.id)) + strings.Repeat("0", len(random(c.id)))
		theirs, nobodys := use(t, hers, c.tool, args{c.argument: c.id}), use(t, hers, c.tool, args{c.argument: guess})
		if !theirs.isError || theirs.code() != "not_found" || strings.ReplaceAll(theirs.text, c.id, guess) != nobodys.text {
			t.Errorf("%s with another's id: %+v; with nobody's: %+v", c.tool, theirs, nobodys)
		}
		if o := use(t, his, c.tool, args{c.argument: c.id}); o.isError {
			t.Errorf("%s by its owner afterwards: %+v", c.tool, o)
		}
	}
}
