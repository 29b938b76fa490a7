package app

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

// with is a browser of its own that holds a cookie.
func (p *person) with(cookie string) *person {
	p.w.t.Helper()
	other := p.w.person()
	u, err := url.Parse(p.base)
	if err != nil {
		p.w.t.Fatal(err)
	}
	other.Jar.SetCookies(u, []*http.Cookie{{Name: "vetassist_app", Value: cookie}})
	return other
}

// TestTwoStepUps: two tabs wait for a permission each. The first answer moves the session to another cookie; the second one
// still fits, and what the first one gave is not lost by it.
func TestTwoStepUps(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	before := p.cookie()
	first, second := p.answer(p.say("book").AuthorizeURL), p.answer(p.say("remind").AuthorizeURL)
	if _, page := p.get(first); !strings.Contains(page, "answer of book_vet_appointment") {
		t.Fatalf("first tab: %s", page)
	}
	if p.cookie() == before {
		t.Fatal("the session kept its cookie")
	}

	stranger := w.connected()
	if status, _ := stranger.get(second); status != http.StatusBadRequest {
		t.Errorf("another browser: %d", status)
	}
	if status, _ := p.with(before).get(second); status != http.StatusConflict {
		t.Errorf("the cookie from before the login: %d", status)
	}
	w.pass(movedLife)
	if status, _ := p.with(before).get(second); status != http.StatusBadRequest {
		t.Errorf("the cookie from before the login, later: %d", status)
	}

	status, page := p.get(second)
	if status != http.StatusOK || !strings.Contains(page, "answer of set_reminder") || !strings.Contains(page, "You allowed Vet Assist AI to add and change reminders.") {
		t.Fatalf("second tab: %d %s", status, page)
	}
	for _, scope := range []string{"pet-profile:read", "appointment:write", "reminder:write"} {
		if !strings.Contains(page, "<code>"+scope+"</code></li>") {
			t.Errorf("%s is lost", scope)
		}
	}
	if a := p.say("book and remind"); a.AuthorizeURL != "" || len(a.ToolCalls) != 2 || a.ToolCalls[0].Outcome != assistant.OK || a.ToolCalls[1].Outcome != assistant.OK {
		t.Errorf("afterwards: %+v", a)
	}
}

// TestStepUpOfThePersonBefore: what somebody allowed before another person took over must not come into the other's session.
func TestStepUpOfThePersonBefore(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	late := p.answer(p.say("book").AuthorizeURL)
	p.get("/connect?switch=1")
	if status, _ := p.get(late); status != http.StatusBadRequest {
		t.Errorf("%d", status)
	}
}

// pausing is an assistant that stops at the word "wait" until it is let go.
type pausing struct {
	script
	reached, letGo chan struct{}
}

func (a pausing) Next(ctx context.Context, t assistant.Turn) (assistant.Step, error) {
	if strings.Contains(t.Message, "wait") {
		a.reached <- struct{}{}
		<-a.letGo
	}
	return a.script.Next(ctx, t)
}

// TestLateAnswer: an answer that began before a login and comes after it does not bring the old cookie back.
func TestLateAnswer(t *testing.T) {
	w := newWorld(t)
	slow := pausing{reached: make(chan struct{}), letGo: make(chan struct{})}
	w.app = w.start(func(c *Config) { c.Assistant = slow })
	p := w.person()
	p.say("hello")
	w.pass(touchAfter) // so that it is written again when it is used
	answered := make(chan *http.Response)
	go func() {
		resp, err := p.Post(p.base+"/chat", "application/json", strings.NewReader(`{"message":"wait"}`))
		if err != nil {
			t.Error(err)
		}
		answered <- resp
	}()
	<-slow.reached
	if _, page := p.get("/connect"); !strings.Contains(page, "Connected to VetAssist") {
		t.Fatalf("not connected: %s", page)
	}
	cookie := p.cookie()
	slow.letGo <- struct{}{}
	resp := <-answered
	if resp == nil {
		return
	}
	if status, body := p.read(resp, nil); status != http.StatusOK || !strings.Contains(body, "You said: wait") {
		t.Errorf("%d %s", status, body)
	}
	if len(resp.Cookies()) != 0 || p.cookie() != cookie {
		t.Errorf("the late answer sets %v", resp.Cookies())
	}
	if _, page := p.get("/"); !strings.Contains(page, "Connected</summary>") || !strings.Contains(page, "You said: wait") {
		t.Errorf("%s", page)
	}
}
