package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// taken fills next Tuesday at ten, with a pet for each vet.
func (w *world) taken() {
	w.t.Helper()
	carol := w.tokensFor("carol", "pet-profile:read", "appointment:write").Access
	for _, pet := range []string{"Luna", "Rex", "Whiskers", "Milo"} {
		got := w.callTool(carol, "book_vet_appointment", `{"pet":"`+pet+`","date":"2026-12-01","time":"10:00"}`).result(w.t)
		if strings.Contains(string(got.Result.Structured), "slot_taken") {
			return
		}
	}
	w.t.Fatal("there are more vets than pets")
}

// choices are the buttons of the question that is open on the page.
func (p *page) choices() []string {
	var values []string
	for _, f := range p.Forms {
		for _, b := range f.Fields {
			if f.Action == "/answer" && b.Name == "f0" {
				values = append(values, b.Value)
			}
		}
	}
	return values
}

// bookTaken is Bob, who has asked for the time that nobody can have and allowed the booking: a step-up in between, and then the question.
func (w *world) bookTaken() *person {
	w.t.Helper()
	w.taken()
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	p := bob.connect("Book an appointment for Fido next Tuesday at 10", "bob")
	for _, words := range []string{"VetAssist MCP Server asks", "Tuesday 2026-12-01 at 10:00 is taken already. Nothing is booked yet.", "None of these", "Not now",
		"Your answer goes to " + w.host(), "waiting for your answer"} {
		if !strings.Contains(p.text, words) {
			w.t.Fatalf("the page does not say %q: %s", words, p.text)
		}
	}
	if n := len(p.choices()); n != 3 {
		w.t.Fatalf("%d choices", n)
	}
	return bob
}

// TestTakenTime: the story where the time that Bob wants is taken. A click on one of the free ones books it.
func TestTakenTime(t *testing.T) {
	w := newWorld(t)
	bob := w.bookTaken()
	choice := bob.page.choices()[1]
	p := bob.submit("/answer", url.Values{"f0": {choice}})
	_, at, _ := strings.Cut(choice, "T")
	for _, words := range []string{"You chose: Tuesday, 1 December 2026 at " + at, "Appointment booked: Tuesday, 1 December 2026 at " + at} {
		if !strings.Contains(p.text, words) {
			t.Errorf("the page does not say %q: %s", words, p.text)
		}
	}
	if len(p.choices()) > 0 {
		t.Error("the question is still open")
	}
	if a := bob.ask("When is Fido's next appointment?"); !strings.Contains(a.Reply+bob.open("/").text, at) {
		t.Errorf("it is not booked: %q", a.Reply)
	}
	// What was booked by a choice is what "it" is.
	if a := bob.ask("Cancel it"); !strings.Contains(a.Reply, at) && !strings.Contains(bob.open("/").text, "cancelled") {
		t.Errorf("%q", a.Reply)
	}
}

// TestTakenTimeInWords: whoever writes in place of a click is understood.
func TestTakenTimeInWords(t *testing.T) {
	w := newWorld(t)
	bob := w.bookTaken()
	_, at, _ := strings.Cut(bob.page.choices()[1], "T")
	if a := bob.ask("the second one"); !strings.Contains(a.Reply, "Appointment booked: Tuesday, 1 December 2026 at "+at) {
		t.Errorf("%q", a.Reply)
	}
}

// TestTakenTimeLeftOpen: no, not now, too late and something else. Nothing is booked by any of them.
func TestTakenTimeLeftOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do    func(*world, *person) *page
		words string
	}{
		"none of these": {func(_ *world, bob *person) *page { return bob.submit("/answer", url.Values{"do": {"decline"}}) },
			"Nothing was booked, since none of the free times was chosen."},
		"not now": {func(_ *world, bob *person) *page { return bob.submit("/answer", url.Values{"do": {"cancel"}}) },
			"Nothing was booked, since none of the free times was chosen."},
		"too late": {func(w *world, bob *person) *page {
			w.clock.turn(11 * time.Minute)
			return bob.submit("/answer", url.Values{"f0": bob.page.choices()[:1]})
		}, "The question was open for too long, so nothing was done. Please ask again."},
		"something else": {func(_ *world, bob *person) *page {
			if a := bob.ask("When is Fido's next vaccination?"); !strings.Contains(a.Reply, "Rabies") {
				bob.t.Errorf("it does not go on: %q", a.Reply)
			}
			return bob.open("/")
		}, "You went on without an answer, so nothing was done."},
		"a time by hand": {func(_ *world, bob *person) *page {
			if a := bob.ask("at 15:00 then"); !strings.Contains(a.Reply, "15:00") {
				bob.t.Errorf("it does not go on: %q", a.Reply)
			}
			return bob.open("/")
		}, "Appointment booked: Tuesday, 1 December 2026 at 15:00"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := c.do(w, w.bookTaken())
			if !strings.Contains(p.text, c.words) || len(p.choices()) > 0 {
				t.Errorf("%v: %s", p.choices(), p.text)
			}
			if booked := strings.Contains(p.text, "Appointment booked"); booked != (name == "a time by hand") {
				t.Errorf("booked: %v: %s", booked, p.text)
			}
		})
	}
}

// TestTakenTimeInTwoTabs: the question outlives a reload, a restart and a token, and is answered once.
func TestTakenTimeInTwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.bookTaken()
	w.restart()
	other := bob.open("/") // a second tab
	choices := other.choices()
	w.clock.turn(9*time.Minute + 55*time.Second) // the access token is as good as over, the question not quite
	bob.submit("/answer", url.Values{"f0": choices[:1]})
	bob.page = other
	p := bob.submit("/answer", url.Values{"f0": choices[1:2]})
	if n := strings.Count(p.text, "Appointment booked"); n != 1 || len(p.choices()) > 0 {
		t.Errorf("%d bookings: %s", n, p.text)
	}
	if p.url.Path != "/" || slices.Contains(p.choices(), choices[0]) {
		t.Errorf("%s", p.url)
	}
}

// TestBrowserQuestion: with scripts, the question comes into the conversation, a click on a choice answers it, and a message leaves it
// open. Every button is big enough for a finger, and has its place in the order of the Tab key.
func TestBrowserQuestion(t *testing.T) {
	dir := screenshotDir(t)
	browser := chromium(t)
	w := newWorld(t)
	w.taken()
	bob := newTab(t, browser, w.URL)
	bob.open("/")
	bob.say("Which pets do I have?")
	bob.click("a", "Log in and connect")
	bob.login("bob")
	bob.click("button", "Allow")
	bob.see("li", "Milo")
	bob.say("Book an appointment for Fido next Tuesday at 10")
	bob.click("a", "Review and allow")
	bob.click("button", "Allow")
	bob.see("h2", "VetAssist MCP Server asks")
	bob.shot(dir, "question")
	if small := eval[int](bob, `[...document.querySelectorAll(".question button")].filter((b) => b.getBoundingClientRect().height < 36).length`); small > 0 {
		t.Errorf("%d buttons are too small", small)
	}
	if n := eval[int](bob, `document.querySelectorAll(".question button").length`); n != 5 {
		t.Errorf("%d buttons, want three times and two ways out", n)
	}
	bob.say("Which pets do I have?") // leaves it open
	bob.see("article[3]//li", "Milo")
	if n := eval[int](bob, `document.querySelectorAll(".question").length`); n > 0 {
		t.Error("the buttons are still there")
	}
	bob.say("Book an appointment for Fido next Tuesday at 10")
	bob.see("h2", "VetAssist MCP Server asks")
	bob.click("button", "Tuesday, 1 December 2026 at")
	bob.see("p", "Appointment booked: Tuesday, 1 December 2026 at")
	bob.see("p", "You chose: Tuesday, 1 December 2026 at")
	bob.shot(dir, "question-answered")
	bob.say("Book an appointment for Milo next Tuesday at 10")
	bob.see("h2", "VetAssist MCP Server asks")
	n := eval[int](bob, `document.querySelectorAll("article").length`)
	bob.say("the last one") // in words: it answers the same question, in its place
	bob.see("article[last()]//p", "Appointment booked: Tuesday, 1 December 2026 at")
	if now := eval[int](bob, `document.querySelectorAll("article").length`); now != n {
		t.Errorf("%d exchanges, and there were %d", now, n)
	}
}
