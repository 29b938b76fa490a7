//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/url"
)

// overInstances: one code gives tokens once, one refresh token has one successor, a pet gets one appointment at a time, and ten
// passwords can be tried for a name, however many instances are asked at the same moment. None knows of the others.
func overInstances(w *world, c *cloud) {
	t := w.t
	const many = 12
	code := w.person().answerOf(w.request(nil), "carol").Get("code")
	if got := tally(atOnce(many, func(int) int { return w.redeem(code, nil).status })); got[http.StatusOK] != 1 || got[http.StatusBadRequest] != many-1 {
		t.Errorf("one code: %v", got)
	}

	current := w.tokensFor("carol", "pet-profile:read").Refresh
	successors := tally(atOnce(many, func(int) string { return w.refresh(current).Refresh }))
	if len(successors) != 1 || successors[""] != 0 {
		t.Errorf("successors of one refresh token: %v", successors)
	}

	v := w.freeVisit()
	token := w.tokensFor("bob", "appointment:write").Access
	booked := tally(atOnce(many, func(int) int {
		return w.callTool(token, "book_vet_appointment", fmt.Sprintf(`{"pet":"Fido","date":%q,"time":%q}`, v.date, v.time)).status
	}))
	if n := w.appointmentsAt(v.date, v.time); n != 1 || booked[http.StatusOK] != many {
		t.Errorf("%d appointments, answered %v", n, booked)
	}
	w.cancel(v)

	people := make([]*person, 24)
	for i := range people {
		people[i] = w.person()
		people[i].open("/oauth/login")
	}
	guesses := tally(atOnce(len(people), func(i int) int {
		return people[i].submit("username", url.Values{"username": {[]string{"carol", "Carol"}[i%2]}, "password": {fmt.Sprint("guess ", i)}}).status
	}))
	if guesses[http.StatusUnauthorized] != 5 || guesses[http.StatusTooManyRequests] != len(people)-5 {
		t.Errorf("guesses were answered %v", guesses)
	}
	if got := people[0]; got.submit("username", url.Values{"username": {"carol"}, "password": {passwordOf("carol")}}).status != http.StatusTooManyRequests {
		t.Errorf("the right password was answered %d", got.page.status)
	}
	if n := c.functions["oauth"].Starts(); n < 2 {
		t.Errorf("%d instance was asked", n)
	}
}

// tally counts what is the same.
func tally[T comparable](all []T) map[T]int {
	counts := map[T]int{}
	for _, v := range all {
		counts[v]++
	}
	return counts
}
