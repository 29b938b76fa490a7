package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/shared/store/dynamo/faulty"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

// The whole over a DynamoDB that is throttled, slow, broken and hard to reach: what must happen once happens at most once, and
// everybody is told what they may do.

// newFaultyWorld has a bad network between the server and its table. Until told otherwise it is good.
func newFaultyWorld(t *testing.T) (*world, *faulty.Proxy) {
	t.Helper()
	table := storetest.NewTable(t)
	good := table
	proxy := faulty.New(t, table.Endpoint, well)
	table.Endpoint = proxy.URL
	db, _, err := onTable(good)(t.Context(), newClock().Now)
	if err == nil {
		err = storetest.Replay(t.Context(), db, seeding)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) { o.Open, o.Now = onTable(table), newClock().Now })
	return w, proxy
}

func well(string) faulty.Fault { return faulty.None }

// honest holds an answer to what every client may rely on: it is good, or a refusal of the protocol, or a failure of ours
// with a number to report, that says when to try again.
func honest(t *testing.T, what string, status int, header http.Header) {
	t.Helper()
	if status >= 500 && (header.Get("X-Request-Id") == "" || status == http.StatusServiceUnavailable && header.Get("Retry-After") == "") {
		t.Errorf("%s: %d, request %q, Retry-After %q", what, status, header.Get("X-Request-Id"), header.Get("Retry-After"))
	}
	if status == http.StatusInternalServerError {
		t.Errorf("%s: the store's trouble is passing, and the answer is 500", what)
	}
}

// atOnce lets n do the same at the same time.
func atOnce[T any](n int, f func(i int) T) []T {
	all := make([]T, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { all[i] = f(i) })
	}
	wg.Wait()
	return all
}

// Bob's story goes through: the engine mends what can be mended.
func TestDynamoDBFaultsStory(t *testing.T) {
	w, proxy := newFaultyWorld(t)
	proxy.Follow(faulty.Seeded(7, 0.15))
	story(w, nextTuesday)
}

// One who presents a code gets tokens although answers get lost, and of many who present it at most one does.
func TestDynamoDBFaultsCodes(t *testing.T) {
	w, proxy := newFaultyWorld(t)
	bob := w.person()
	code := func() string { return bob.answerOf(w.request(nil), "bob").Get("code") }
	// At least 8 rounds, and as many more as it takes until everything has gone wrong once: who is first depends on the machine.
	for i := 0; i < 8 || i < 80 && len(proxy.Missing()) > 0; i++ {
		alone, wanted := code(), code()
		proxy.Follow(faulty.Seeded(uint64(i), 0.2))
		got := w.redeem(alone, nil)
		wantTokens(t, "the only one", got)
		won := 0
		for _, got := range atOnce(6, func(int) tokens { return w.redeem(wanted, nil) }) {
			honest(t, "redeeming", got.status, got.header)
			if got.status == http.StatusOK {
				won++
			} else if got.status < 500 && got.Error != "invalid_grant" {
				t.Errorf("%d %s", got.status, got.Error)
			}
		}
		proxy.Follow(well)
		if won > 1 {
			t.Errorf("%d got tokens for one code", won)
		}
		wantRefused(t, "the code afterwards", w.redeem(wanted, nil), "invalid_grant")
	}
	if missing := proxy.Missing(); len(missing) > 0 {
		t.Errorf("these never happened: %v", missing)
	}
}

// A refresh token has one successor, whoever asks how often, and a client that lost the answer goes on with it.
func TestDynamoDBFaultsRefresh(t *testing.T) {
	w, proxy := newFaultyWorld(t)
	current := w.tokensFor("bob", "pet-profile:read").Refresh
	for i := range 8 {
		proxy.Follow(faulty.Seeded(uint64(i), 0.2))
		successors := map[string]bool{}
		for _, got := range atOnce(6, func(int) tokens { return w.refresh(current) }) {
			honest(t, "refreshing", got.status, got.header)
			if got.status < 500 {
				wantTokens(t, "refreshing", got)
				successors[got.Refresh] = true
			}
		}
		proxy.Follow(well)
		if got := w.refresh(current); got.status != http.StatusOK || len(successors) > 1 || len(successors) == 1 && !successors[got.Refresh] {
			t.Fatalf("%d successors; afterwards %d %s", len(successors), got.status, got.Error)
		} else {
			current = got.Refresh
		}
	}
}

// No vet has two pets at a time and no pet two appointments, however many ask for them and ask again.
func TestDynamoDBFaultsBookings(t *testing.T) {
	w, proxy := newFaultyWorld(t)
	people := []struct{ token, pet string }{
		{w.tokensFor("bob", "appointment:read", "appointment:write").Access, "Fido"},
		{w.tokensFor("bob", "appointment:write").Access, "Milo"},
		{w.tokensFor("alice", "appointment:write").Access, "Luna"},
	}
	for i := range 6 {
		date, hour := "2026-12-01", fmt.Sprintf("%02d:00", []int{9, 10, 11, 13, 14, 15}[i])
		proxy.Follow(faulty.Seeded(uint64(i), 0.25))
		booked := atOnce(6, func(n int) (booked bool) {
			p := people[n%len(people)]
			for range 3 { // the one who got no answer asks again
				got := w.callTool(p.token, "book_vet_appointment", fmt.Sprintf(`{"pet":%q,"date":%q,"time":%q}`, p.pet, date, hour))
				honest(t, "booking", got.status, got.header)
				var r result
				if err := json.Unmarshal(got.body, &r); err != nil {
					t.Errorf("%d: %s", got.status, got.body)
				}
				if r.Error.Message == "" {
					return !r.Result.IsError
				}
			}
			return false
		})
		proxy.Follow(well)
		var yes int
		for _, b := range booked {
			if b {
				yes++
			}
		}
		if n := w.appointmentsAt(date, hour); n < max(1, yes) {
			t.Errorf("%s: %d were told that they have an appointment, and %d have", hour, yes, n)
		}
	}
}

// appointmentsAt counts what is in the books for a time. No vet and no pet may be in there twice.
func (w *world) appointmentsAt(date, hour string) (n int) {
	w.t.Helper()
	type list struct {
		Appointments []struct {
			Date, Time, Vet string
			Pet             struct{ ID string }
		} `json:"appointments"`
	}
	seen := map[string]bool{}
	for _, user := range []string{"bob", "alice"} {
		token := w.tokensFor(user, "appointment:read").Access
		for _, a := range structured[list](w.t, w.callTool(token, "list_appointments", "{}")).Appointments {
			if a.Date != date || a.Time != hour {
				continue
			}
			if n++; seen["vet "+a.Vet] || seen["pet "+a.Pet.ID] || a.Vet == "" || a.Pet.ID == "" {
				w.t.Errorf("%s has %s twice at %s", a.Vet, a.Pet.ID, hour)
			}
			seen["vet "+a.Vet], seen["pet "+a.Pet.ID] = true, true
		}
	}
	return n
}

// While DynamoDB is away everybody hears that it may be better soon, and then it is.
func TestDynamoDBFaultsOutage(t *testing.T) {
	w, proxy := newFaultyWorld(t)
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	got := w.tokensFor("bob", "pet-profile:read")
	admin := w.administrator()
	code := bob.answerOf(w.request(nil), "bob").Get("code")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	cookies := []string{"Cookie", cookiesOf(bob)}
	requests := map[string]func() answer{
		"token": func() answer {
			return w.send("POST", "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
				"client_id": {"vet-assist-ai"}, "redirect_uri": {w.URL + "/callback"}}.Encode(), form...)
		},
		"refresh": func() answer {
			return w.send("POST", "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"vet-assist-ai"}}.Encode(), form...)
		},
		"revoke": func() answer {
			return w.send("POST", "/oauth/revoke", url.Values{"token": {got.Refresh}, "client_id": {"vet-assist-ai"}}.Encode(), form...)
		},
		"authorize": func() answer { return w.send("GET", "/oauth/authorize?"+w.request(nil).Encode(), "", cookies...) },
		"account":   func() answer { return w.send("GET", "/oauth/account", "", cookies...) },
		"chat": func() answer {
			return w.send("POST", "/chat", `{"message":"Which pets do I have?"}`, append(cookies, "Content-Type", "application/json")...)
		},
		"home": func() answer { return w.send("GET", "/", "", cookies...) },
		"tool": func() answer { return w.callTool(got.Access, "list_pets", "{}") },
		"administration": func() answer {
			return w.send("GET", "/admin/api/v1/users", "", "Authorization", "Bearer "+admin.token)
		},
	}
	for name, plan := range map[string]faulty.Plan{
		"throttled":   func(string) faulty.Fault { return faulty.Throttled },
		"broken":      func(string) faulty.Fault { return faulty.Broken },
		"unreachable": func(string) faulty.Fault { return faulty.Lost },
	} {
		proxy.Follow(plan)
		names := slices.Sorted(maps.Keys(requests))
		for i, a := range atOnce(len(names), func(i int) answer { return requests[names[i]]() }) {
			honest(t, name+", "+names[i], a.status, a.header)
			if a.status < 400 && !strings.Contains(string(a.body), "try again") {
				t.Errorf("%s, %s: %d %.200s", name, names[i], a.status, a.body)
			}
		}
	}
	proxy.Follow(well)
	wantTokens(t, "the code, when it is over", w.redeem(code, nil))
	wantTokens(t, "the refresh token, when it is over", w.refresh(got.Refresh))
	if a := bob.ask("Which pets do I have?"); !strings.Contains(a.Reply, "Milo") {
		t.Errorf("when it is over: %+v", a)
	}
}

// cookiesOf are the cookies that a person's browser sends.
func cookiesOf(p *person) string {
	var all []string
	u, _ := url.Parse(p.base + "/oauth/")
	for _, c := range p.http.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}
