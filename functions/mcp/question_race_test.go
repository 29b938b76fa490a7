package mcp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
)

// TestSlotGoneMeanwhile: whoever chose what somebody else was faster to take is asked again, a few times.
func TestSlotGoneMeanwhile(t *testing.T) {
	w := newWorld(t)
	q := w.asked(retry{})
	for n := 1; ; n++ {
		date, at, _ := strings.Cut(q.values[0], "T")
		for pet, of := range map[string]token.Grant{"Luna": alice(ownerScope...), "Rex": carol(everything...)} { // for both vets
			w.book(retry{as: of, args: fmt.Sprintf(`{"pet":%q,"date":%q,"time":%q}`, pet, date, at), caps: `{}`})
		}
		a := w.book(retry{state: q.state, responses: accept(q.values[0])})
		next, again := asks(a)
		if n == 5 {
			if got := booked(a); again || got != "slot_taken, 3 alternatives" {
				t.Errorf("the last time: %s", a.body)
			}
			break
		}
		if !again || !strings.Contains(next.message, "taken already") || next.values[0] == q.values[0] {
			t.Fatalf("round %d: %s", n, a.body)
		}
		fresh := slices.IndexFunc(next.values, func(v string) bool { return !slices.Contains(q.values, v) })
		if fresh < 0 {
			t.Fatalf("round %d offers nothing new: %v", n, next.values)
		}
		if got := booked(w.book(retry{state: q.state, responses: accept(next.values[fresh])})); !strings.Contains(got, "none of the choices") {
			t.Errorf("round %d: what only the new question offers, with the state of the old one: %s", n, got)
		}
		q = next
	}
}

// TestRaceForTheSlot: of two who choose the last place, one has it and the other one is asked again.
func TestRaceForTheSlot(t *testing.T) {
	w := newWorld(t)
	people := map[string]retry{
		"Bob":   {as: bob(ownerScope...)},
		"Alice": {as: alice(ownerScope...), args: strings.Replace(sunday, "Fido", "Luna", 1)},
		"Carol": {as: carol(everything...), args: strings.Replace(sunday, "Fido", "Rex", 1)},
	}
	questions, vets := map[string]question{}, 2
	for name, r := range people {
		questions[name] = w.asked(r)
	}
	slot := questions["Bob"].values[0]
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[string]int{}
	for name, r := range people {
		r.state, r.responses = questions[name].state, accept(slot)
		all.Go(func() {
			a := w.book(r)
			mu.Lock()
			defer mu.Unlock()
			if _, again := asks(a); again {
				got["asked again"]++
			} else {
				got[booked(a)]++
			}
		})
	}
	all.Wait()
	if got[slot] != vets && got[slot] != 1 || got["asked again"] != len(people)-got[slot] {
		t.Errorf("%v", got)
	}
}

// TestAnswersNeedTheScope: the second call is checked as the first one was.
func TestAnswersNeedTheScope(t *testing.T) {
	w := newWorld(t)
	q := w.asked(retry{})
	a := w.book(retry{state: q.state, responses: accept(q.values[0]), as: bob(rbac.PetProfileRead)})
	if a.status != 403 || !strings.Contains(a.header.Get("WWW-Authenticate"), `scope="appointment:write"`) {
		t.Errorf("without the scope: %d %s", a.status, a.body)
	}
	nobody := grant("user-bob", nil, rbac.PetProfileRead)
	if got := booked(w.book(retry{state: q.state, responses: accept(q.values[0]), as: nobody})); got != "role_forbidden, 0 alternatives" {
		t.Errorf("without the role: %s", got)
	}
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"book_vet_appointment","arguments":` + sunday + `,"requestState":"` + q.state + `",` + meta2026 + `}}`
	if a := w.post(w.mint(bob(ownerScope...)), body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: list_pets"); a.status != 400 {
		t.Errorf("a lying header: %d %s", a.status, a.body)
	}
	if a := w.send("POST", "/mcp", body, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: book_vet_appointment"); a.status != 401 {
		t.Errorf("without a token: %d %s", a.status, a.body)
	}
}

// TestForeignClientIsAsked: the official client fills in the form by its handler, and ends with an appointment.
func TestForeignClientIsAsked(t *testing.T) {
	w := newWorld(t)
	var asked []string
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{ElicitationHandler: func(_ context.Context, req *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
		asked = append(asked, req.Params.Message)
		form := req.Params.RequestedSchema.(map[string]any)["properties"].(map[string]any)["slot"].(map[string]any)
		return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"slot": form["oneOf"].([]any)[2].(map[string]any)["const"]}}, nil
	}})
	s, err := c.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: w.url + "/mcp", DisableStandaloneSSE: true, MaxRetries: -1,
		HTTPClient: &http.Client{Transport: bearerTransport{w.mint(bob(ownerScope...))}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := use(t, s, "book_vet_appointment", args{"pet": "Fido", "date": "2026-11-29", "time": "10:00"})
	if o.isError || len(asked) != 1 || !strings.Contains(o.text, "Booked: check-up on Monday 2026-11-30") {
		t.Errorf("%v: %s", asked, o.text)
	}
}

// FuzzRequestState sends any state with a good answer. Only the one that the server gave books something.
func FuzzRequestState(f *testing.F) {
	w := newWorld(f, func(c *mcp.Config) { c.Log = slog.New(slog.DiscardHandler) })
	q := w.asked(retry{})
	for _, s := range []string{"", ".", "..", "v1..", "v1.e30.", "v1.e30.AAAA", q.state, q.state[:40], q.state + "A", q.state + "\n", strings.ToUpper(q.state), "v1." + strings.Repeat("A", 3000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, state string) {
		w.t = t
		got := booked(w.book(retry{state: state, responses: accept(q.values[0])}))
		good := state == q.state && (got == q.values[0] || got == "conflict, 0 alternatives")
		if !good && !strings.Contains(got, "not open any more") {
			t.Errorf("%q: %s", state, got)
		}
	})
}
