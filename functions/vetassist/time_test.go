package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/token"
)

// After ten minutes the access token has ended; the app refreshes it, and Bob notices nothing.
func TestRefreshBehindTheScenes(t *testing.T) {
	w := newWorld(t, onFile(t))
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	for range 3 {
		w.clock.turn(token.Lifetime + time.Second)
		if a := bob.ask("When is Fido's next vaccination?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "Rabies") {
			t.Fatalf("%+v", a)
		}
	}
	db, err := sql.Open("sqlite", "file:"+w.options.DB+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const refreshes = `SELECT body FROM items WHERE partition GLOB 'audit/*' AND body ->> 'event' = 'refresh' AND body ->> 'outcome' = 'ok'`
	if n := len(query(t, db, refreshes)); n != 3 {
		t.Errorf("refreshed %d times, want 3", n)
	}
}

// A session that nobody used for half a day ends, here and at the authorization server, and the app says so.
func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	w.clock.turn(13 * time.Hour)

	p := bob.open("/")
	if strings.Contains(p.text, "Fido, dog") || p.status != http.StatusOK {
		t.Errorf("%d: %s", p.status, p.text)
	}
	a := bob.ask("Which pets do I have?")
	if a.AuthorizeURL == "" {
		t.Fatalf("%+v", a)
	}
	bob.open(a.AuthorizeURL)
	if !bob.page.has("password") {
		t.Fatalf("the login lives on: %s", bob.page.text)
	}
	p = bob.login("bob")
	if p.has("decision") {
		t.Error("the consent has to be given again")
	}
	if !strings.Contains(p.text, "Milo") {
		t.Errorf("the question did not go on: %s", p.text)
	}
}

// A login that ends while the consent page is open: log in again, and nothing is lost.
func TestLoginEndsAtTheConsentPage(t *testing.T) {
	w := newWorld(t)
	bob := w.person()
	request := w.request(nil)
	bob.open("/oauth/authorize?" + request.Encode())
	bob.login("bob")
	w.clock.turn(9 * time.Hour)
	p := bob.submit("decision", url.Values{"decision": {"approve"}})
	if !p.has("password") {
		t.Fatalf("no login page: %s", p.text)
	}
	bob.login("bob")
	bob.stopAt(w.URL + "/callback")
	bob.submit("decision", url.Values{"decision": {"approve"}})
	if got := bob.redirected(); got.Get("code") == "" || got.Get("state") != testState {
		t.Errorf("%v", got)
	}
}

// Ctrl-C and a new start on the same file: everything is there.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	bob.connect("Book an appointment for Fido next Tuesday at 10", "bob")
	before := w.tokensFor("bob", "pet-profile:read")
	w.restart()

	if p := bob.open("/"); !strings.Contains(p.text, "Appointment booked") {
		t.Errorf("the conversation is gone: %s", p.text)
	}
	if a := bob.ask("Which appointments do I have?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "10:00") {
		t.Errorf("the connection, or the booking, is gone: %+v", a)
	}
	if got := w.callTool(before.Access, "list_pets", "{}"); got.status != http.StatusOK {
		t.Errorf("an access token of before: %d %s", got.status, got.body)
	}
	wantTokens(t, "a refresh token of before", w.refresh(before.Refresh))
	if p := bob.open("/oauth/login"); !strings.Contains(p.text, "Bob Miller") {
		t.Errorf("the login is gone: %s", p.text)
	}

	// The slot is taken for everybody.
	taken := w.callTool(w.tokensFor("alice", "pet-profile:read", "appointment:write").Access, "book_vet_appointment",
		`{"pet":"Luna","date":"2026-12-01","time":"10:00"}`)
	if r := taken.result(t); taken.status != http.StatusOK {
		t.Errorf("%d %s", taken.status, taken.body)
	} else if !r.Result.IsError && strings.Contains(string(r.Result.Structured), "Reyes") {
		t.Errorf("one vet, two pets: %s", r.Result.Structured)
	}
}

// openDay is a day, by the real clock, on which the clinic is open: a Tuesday that is no holiday.
func openDay() string {
	day := time.Now().AddDate(0, 0, 2)
	for day.Weekday() != time.Tuesday || strings.Contains("01-01 07-04 12-25", day.Format("01-02")) {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format("2 January 2006")
}
