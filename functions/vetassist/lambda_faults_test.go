//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/store/dynamo/faulty"
	"github.com/vetassist/vetassist/shared/web/lambda/lambdatest"
)

// What Lambda does to functions: they are killed at any moment, and have only so much time. That they are frozen whenever they
// have nothing to do is part of all of these tests.

// interrupted does something again and again. In the nth round the function is killed when it sends its nth request to the
// store, which arrives or not, until it needs no more than that. least is how many it needs.
func interrupted(t *testing.T, f *lambdatest.Function, proxy *faulty.Proxy, least int, prepare, ask, check func()) {
	t.Helper()
	defer proxy.Follow(well)
	for round := range 60 {
		prepare()
		killed := false
		sent := 0
		proxy.Follow(func(string) faulty.Fault { // for one at a time
			if sent++; sent != round/2+1 {
				return faulty.None
			}
			killed = true
			f.Kill()
			if round%2 == 0 {
				return faulty.None
			}
			return faulty.Lost
		})
		ask()
		proxy.Follow(well)
		check()
		if !killed {
			if round/2 < least {
				t.Errorf("it was interrupted at %d places only", round/2)
			}
			return
		}
	}
	t.Error("it never came to an end")
}

// killedBetween: whoever was not answered asks again. A code gives tokens once at most, a refresh token has one successor, and a
// pet gets one appointment.
func killedBetween(w *world, c *cloud, proxy *faulty.Proxy) {
	t := w.t
	bob := w.person()
	var code string
	var first tokens
	interrupted(t, c.functions["oauth"], proxy, 5,
		func() { code = bob.answerOf(w.request(nil), "bob").Get("code") },
		func() { first = w.redeem(code, nil) },
		func() {
			second := w.redeem(code, nil)
			if second.status != http.StatusOK {
				wantRefused(t, "a spent code", second, "invalid_grant")
			} else if first.status == http.StatusOK {
				t.Error("one code gave tokens twice")
			}
		})

	current := w.tokensFor("bob", "pet-profile:read").Refresh
	interrupted(t, c.functions["oauth"], proxy, 5,
		func() {},
		func() { first = w.refresh(current) },
		func() {
			second := w.refresh(current)
			wantTokens(t, "the refresh token again", second)
			if first.status == http.StatusOK && first.Refresh != second.Refresh {
				t.Error("a refresh token has two successors")
			}
			current = second.Refresh
		})

	token := w.tokensFor("bob", "appointment:write").Access
	var v visit
	var booked answer
	book := func() {
		booked = w.callTool(token, "book_vet_appointment", fmt.Sprintf(`{"pet":"Fido","date":%q,"time":%q}`, v.date, v.time))
	}
	interrupted(t, c.functions["mcp"], proxy, 3,
		func() { v = w.freeVisit() },
		book,
		func() {
			if booked.status != http.StatusOK {
				book()
			}
			if n := w.appointmentsAt(v.date, v.time); n != 1 {
				t.Errorf("%d appointments", n)
			}
			w.cancel(v)
		})
}

// outOfTime: when DynamoDB does not answer, the client hears that before API Gateway loses patience.
func outOfTime(w *world, proxy *faulty.Proxy) {
	token := w.tokensFor("bob", "pet-profile:read")
	over := make(chan struct{})
	proxy.Follow(func(string) faulty.Fault {
		<-over
		return faulty.Lost
	})
	defer proxy.Follow(well)
	defer close(over)
	start := time.Now()
	got := w.callTool(token.Access, "list_pets", "{}")
	honest(w.t, "a tool call", got.status, got.header)
	if got.status != http.StatusServiceUnavailable || time.Since(start) > 29*time.Second || !json.Valid(got.body) {
		w.t.Errorf("%d after %s: %s", got.status, time.Since(start), got.body)
	}
}

// withoutKeys: a cold JWKS function is waited for, and one that fails makes the MCP server say that it cannot tell.
func withoutKeys(w *world, c *cloud, proxy *faulty.Proxy) {
	token := w.tokensFor("bob", "pet-profile:read").Access
	c.functions["jwks"].Kill()
	c.functions["mcp"].Kill()
	if got := w.callTool(token, "list_pets", "{}"); got.status != http.StatusOK || !strings.Contains(string(got.body), "Fido") {
		w.t.Errorf("%d %s", got.status, got.body)
	}
	c.functions["mcp"].Kill()
	proxy.Follow(func(string) faulty.Fault { return faulty.Broken })
	defer c.functions["mcp"].Kill() // or it would remember for a moment that there were none
	defer proxy.Follow(well)
	got := w.callTool(token, "list_pets", "{}")
	honest(w.t, "a tool call", got.status, got.header)
	if got.status != http.StatusServiceUnavailable {
		w.t.Errorf("without keys: %d %s", got.status, got.body)
	}
}
