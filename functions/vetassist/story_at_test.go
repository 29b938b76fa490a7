package main

import (
	"cmp"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

// The story can be told of any VetAssist that somebody runs, as scripts/check samlocal does (scripts/deploy has it walked through):
//
//	VETASSIST_STORY_URL=https://vet.example go test -count=1 -run '^TestStoryAt$' ./functions/vetassist
//
// Where the demo's passwords do not work, the people's own come from VETASSIST_STORY_BOB_PASSWORD and so on.

// passwordOf is what a person of the demo types.
func passwordOf(user string) string {
	return cmp.Or(os.Getenv("VETASSIST_STORY_"+strings.ToUpper(user)+"_PASSWORD"), user+"-demo")
}

// worldAt is the server that somebody runs. Without one it is a new one, with the time of day.
func worldAt(t *testing.T) *world {
	t.Helper()
	if base := os.Getenv("VETASSIST_STORY_URL"); base != "" {
		return &world{t: t, Server: &Server{URL: strings.TrimSuffix(base, "/")}}
	}
	return newWorld(t, func(o *Options) { o.Now = time.Now })
}

// TestStoryAt leaves the server as it found it, but for consents and Fido's weight.
func TestStoryAt(t *testing.T) { tellAt(worldAt(t)) }

func tellAt(w *world) {
	v := w.freeVisit()
	defer w.cancel(v) // even when the story fails after the booking
	for _, user := range []string{"bob", "carol", "admin"} {
		w.forget(user)
	}
	story(w, v)
}

// freeVisit is the first time from tomorrow on at which the clinic is free.
func (w *world) freeVisit() visit {
	w.t.Helper()
	type slots struct {
		Slots []struct{ Date, Time string } `json:"slots"`
	}
	bob := w.tokensFor("bob", "appointment:read").Access
	tomorrow := time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly) // or the day after, in the clinic's zone
	free := structured[slots](w.t, w.callTool(bob, "find_appointment_slots", `{"days":14,"date":"`+tomorrow+`"}`)).Slots
	if len(free) == 0 {
		w.t.Fatal("the clinic has no free appointment in the next two weeks")
	}
	day, err := time.Parse(time.DateOnly, free[0].Date)
	if err != nil {
		w.t.Fatal(err)
	}
	return visit{"on " + free[0].Date + " at " + free[0].Time, free[0].Date, free[0].Time, day.Format("Monday, 2 January 2006")}
}

func (w *world) cancel(v visit) {
	bob := w.tokensFor("bob", "appointment:write").Access
	if a := w.callTool(bob, "cancel_vet_appointment", `{"pet":"Fido","date":"`+v.date+`"}`); a.status != http.StatusOK || a.result(w.t).Result.IsError {
		w.t.Errorf("cancelling: %d %s", a.status, a.body)
	}
}

// forget withdraws on the account page what a user allowed before.
func (w *world) forget(user string) {
	w.t.Helper()
	const remove = "/oauth/account/apps/remove"
	p := w.person()
	p.open("/oauth/login")
	p.login(user)
	p.open("/oauth/account")
	for slices.ContainsFunc(p.page.Forms, func(f visitor.Form) bool { return f.Action == remove }) {
		p.submit(remove, url.Values{})
	}
}
