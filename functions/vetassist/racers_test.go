package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A thousand ask for the same thing at the same moment, each over a connection of its own, and one gets it. Like all tests with a world, these
// run over SQLite and, in "scripts/check dynamodb", over DynamoDB.
const racers = 1000

// lost holds an answer to what a loser of a race may be told: that somebody was faster, or that too many ask, and then when to come again.
func lost(t *testing.T, status int, header http.Header) {
	t.Helper()
	switch status {
	case http.StatusBadRequest:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if header.Get("Retry-After") == "" {
			t.Errorf("%d without Retry-After", status)
		}
	default:
		t.Errorf("a loser was answered %d", status)
	}
}

// One gets tokens for a code. Since the others show that it is in several hands, what the winner got ends with the race (RFC 6749 §4.1.2).
func TestRacersForCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.person().answerOf(w.request(nil), "bob").Get("code")
	var winners []tokens
	for _, got := range atOnce(racers, func(int) tokens { return w.redeem(code, nil) }) {
		if got.status == http.StatusOK {
			winners = append(winners, got)
		} else {
			lost(t, got.status, got.header)
		}
	}
	if len(winners) != 1 {
		t.Fatalf("%d got tokens for one code", len(winners))
	}
	w.clock.turn(time.Hour) // so that nobody is told to come later
	wantRefused(t, "what the winner got", w.refresh(winners[0].Refresh), "invalid_grant")
}

// A refresh token has one successor, which whoever lost an answer may ask for again within the retry window; there is never a second line of tokens.
func TestRacersForRefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := w.tokensFor("bob", "pet-profile:read").Refresh
	successors := map[string]int{}
	for _, got := range atOnce(racers, func(int) tokens { return w.refresh(current) }) {
		if got.status == http.StatusOK {
			successors[got.Refresh]++
		} else {
			lost(t, got.status, got.header)
		}
	}
	if len(successors) != 1 || successors[""] != 0 {
		t.Fatalf("successors of one refresh token, and how many got each: %v", successors)
	}
	w.clock.turn(time.Hour)
	for next := range successors {
		wantTokens(t, "the successor", w.refresh(next))
		wantRefused(t, "the first, long after", w.refresh(current), "invalid_grant")
	}
}

// One vet is there on a Saturday, so one pet of three gets the time.
func TestRacersForSlot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const date, hour = "2026-12-05", "10:00"
	bob, alice := w.tokensFor("bob", "appointment:write").Access, w.tokensFor("alice", "appointment:write").Access
	askers := []struct{ token, pet string }{{bob, "Fido"}, {alice, "Luna"}, {bob, "Milo"}}
	winners := 0
	for _, got := range atOnce(racers, func(n int) answer {
		a := askers[n%len(askers)]
		return w.callTool(a.token, "book_vet_appointment", fmt.Sprintf(`{"pet":%q,"date":%q,"time":%q}`, a.pet, date, hour))
	}) {
		var r result
		if err := json.Unmarshal(got.body, &r); err != nil {
			t.Errorf("%d: %s", got.status, got.body)
		}
		switch {
		case got.status != http.StatusOK:
			lost(t, got.status, got.header)
		case !r.Result.IsError && r.Error.Message == "":
			winners++
		}
	}
	w.clock.turn(time.Minute) // so that nobody is told to come later
	if n := w.appointmentsAt(date, hour); winners != 1 || n != 1 {
		t.Errorf("%d were told that they have the time, and %d have it", winners, n)
	}
}
