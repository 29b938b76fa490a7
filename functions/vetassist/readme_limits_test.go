package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/store/storetest"
)

// TestReadmeLimits holds the README's numbers against two instances over one store, which are asked in turn: they refuse together. What counts
// for an address goes to the store in steps, so that one instance may lag behind the other by less than two of 20.
func TestReadmeLimits(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`the (\d+)th wrong password for a username locks it for (\d+) seconds, .* has (\d+) wrong passwords .* it may fail (\d+) times, and (\d+) times with one`).
		FindStringSubmatch(strings.Join(strings.Fields(string(text)), " "))
	if said == nil {
		t.Fatal("the README does not say the limits")
	}
	numbers := make([]int, 5)
	for i := range numbers {
		numbers[i], _ = strconv.Atoi(said[i+1]) // digits
	}
	locks, seconds, names, failures, ofClient := numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]

	clock := newClock()
	db := storetest.Open(t, clock.Now)
	if err := storetest.Replay(t.Context(), db, seeding); err != nil {
		t.Fatal(err)
	}
	var instances []*world
	for range 2 {
		instances = append(instances, newWorld(t, func(o *Options) { o.Open, o.Now = always(db), clock.Now }))
	}
	// until asks the instances in turn until one says 429, and returns how many it let through.
	until := func(ask func(w *world, n int) answer) (n int, refusal answer) {
		for ; n < 2000; n++ {
			if refusal = ask(instances[n%2], n); refusal.status == http.StatusTooManyRequests {
				return n, refusal
			}
		}
		return n, refusal
	}
	login := func(w *world, name string) answer {
		s := w.surfer(t)
		return s.form("/oauth/login", url.Values{"form_token": {s.token("/oauth/login")}, "username": {name}, "password": {"a-wrong-one"}})
	}
	token := func(w *world, form url.Values) answer {
		return w.surfer(t).form("/oauth/token", form)
	}
	const lag = 40
	for _, c := range []struct {
		what      string
		says, lag int
		ask       func(w *world, n int) answer
	}{
		{"one client", ofClient, lag, func(w *world, _ int) answer {
			return token(w, url.Values{"client_id": {"vet-assist-ai"}, "grant_type": {"refresh_token"}, "refresh_token": {"x"}})
		}},
		{"any clients", failures - ofClient, lag, func(w *world, n int) answer { // those before count, too
			return token(w, url.Values{"client_id": {fmt.Sprint("nobody-", n)}, "grant_type": {"refresh_token"}, "refresh_token": {"x"}})
		}},
		{"one username", locks, 0, func(w *world, _ int) answer { return login(w, "bob") }},
		{"any usernames", names - locks, lag, func(w *world, n int) answer { return login(w, fmt.Sprint("name-", n)) }},
	} {
		n, refusal := until(c.ask)
		if n < c.says-c.lag || n > c.says+c.lag {
			t.Errorf("%s: %d got through, the README says %d", c.what, n, c.says)
		}
		if wait, err := strconv.Atoi(refusal.header.Get("Retry-After")); err != nil || wait < 1 || c.what == "one username" && wait != seconds {
			t.Errorf("%s: Retry-After %q", c.what, refusal.header.Get("Retry-After"))
		}
	}
}
