package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

// TestStoryOfEachClient is the same story for every way in which the authorization server may come to know the chat app. The third of
// them is how any other host of the world would come.
func TestStoryOfEachClient(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]func(w *world, id string) bool{
		"vet-assist-ai":            func(_ *world, id string) bool { return id == "vet-assist-ai" },
		config.AppClientDocument:   func(w *world, id string) bool { return id == w.URL+"/oauth-client.json" },
		config.AppClientRegistered: func(_ *world, id string) bool { return id != "" && id != "vet-assist-ai" && !strings.Contains(id, "/") },
		config.AppClientAuto:       func(w *world, id string) bool { return id == w.URL+"/oauth-client.json" },
	} {
		t.Run(setting, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.AppClientID = setting })
			w.stranger = setting != "vet-assist-ai"
			if id := w.comesAs(); !want(w, id) {
				t.Fatalf("it comes as %q", id)
			}
			story(w, nextTuesday)
		})
	}
}

// comesAs is the client_id that the chat sends a new person to the authorization server with.
func (w *world) comesAs() string {
	w.t.Helper()
	u, err := url.Parse(w.person().ask("When is Fido's next vaccination?").AuthorizeURL)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query().Get("client_id")
}

// TestRegistrationIsKept: the chat stays who it is as long as the authorization server knows it, and introduces itself anew when that
// has forgotten it, before a person is sent to a page that says so.
func TestRegistrationIsKept(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.AppClientID = config.AppClientRegistered })
	first := w.comesAs()
	w.clock.turn(2 * time.Hour)
	if again := w.comesAs(); again != first {
		t.Errorf("after two hours it comes as %q, not as %q", again, first)
	}
	w.clock.turn(3 * 24 * time.Hour) // nobody logged in: forgotten
	second := w.comesAs()
	if second == first {
		t.Error("it comes as somebody who is forgotten")
	}
	w.person().connect("When is Fido's next vaccination?", "bob")
	w.clock.turn(3 * 24 * time.Hour)
	if again := w.comesAs(); again != second {
		t.Errorf("after a login it comes as %q, not as %q", again, second)
	}
}
