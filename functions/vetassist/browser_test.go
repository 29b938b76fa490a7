package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// TestBrowser is the story in Chromium.
func TestBrowser(t *testing.T) {
	browser := chromium(t)
	dir := screenshotDir(t)

	t.Run("story", func(t *testing.T) {
		browserStory(newTab(t, browser, newWorld(t, pictured).URL), dir, nextTuesday)
	})

	t.Run("consent with a refusal in it", func(t *testing.T) {
		w := newWorld(t)
		b := newTab(t, browser, w.URL)
		all := "pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write"
		b.open("/oauth/authorize?" + w.request(url.Values{"scope": {all}}).Encode())
		b.login("bob")
		b.see("h2", "not available to you")
		b.shot(dir, "12-consent-long")
		b.click("button", "Switch user")
		b.login("admin")
		b.see("h1", "nothing here that you could allow")
		b.shot(dir, "13-nothing-to-allow")
	})

	t.Run("without scripts", func(t *testing.T) {
		b := newTab(t, browser, newWorld(t).URL, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		b.open("/")
		b.do(chromedp.SendKeys(chromedp.CSS("#message"), "When is Fido's next vaccination?"), chromedp.Click(chromedp.CSS("button.send")))
		b.click("a", "Log in and connect")
		b.login("bob")
		b.click("button", "Allow")
		b.see("article", "Rabies")
	})

	t.Run("back to another port", func(t *testing.T) { toAnotherPort(t, browser) })
	t.Run("by keyboard", func(t *testing.T) { byKeyboard(t, browser) })
}

// TestBrowserAt is the story in Chromium at a VetAssist that somebody runs, as TestStoryAt is without one.
func TestBrowserAt(t *testing.T) {
	browser := chromium(t) // first: without one there is nothing to clean up
	w := worldAt(t)
	v := w.freeVisit()
	defer w.cancel(v)
	for _, user := range []string{"bob", "carol"} {
		w.forget(user)
	}
	browserStory(newTab(t, browser, w.URL), t.ArtifactDir(), v)
}

// browserStory is told of people who have not consented to anything.
func browserStory(b *tab, dir string, v visit) {
	b.open("/")
	b.shot(dir, "1-welcome")
	b.say("When is Fido's next vaccination?")
	b.see("a", "Log in and connect")
	b.shot(dir, "2-connect")
	b.click("a", "Log in and connect")
	b.do(chromedp.WaitVisible(chromedp.CSS("#username")))
	b.shot(dir, "3-login")
	b.login("bob")
	b.see("button", "Deny")
	b.shot(dir, "4-consent")
	b.click("button", "Allow")
	b.see("article", "Rabies")
	b.click("summary", "get_pet_vaccination_info")
	b.see("dd", "pet-profile:read")
	b.shot(dir, "5-answer")

	b.say("Book an appointment for Fido " + v.words)
	b.see("a", "Review and allow")
	b.shot(dir, "6-step-up")
	b.click("a", "Review and allow")
	b.see("li", "appointment:write")
	b.shot(dir, "7-step-up-consent")
	b.click("button", "Allow")
	b.see("article", "Appointment booked: "+v.day+" at "+v.time)
	b.say("Change Fido's weight to 30 kg")
	b.see("article", "Pet Owner")
	b.say("Tell me about Luna")
	b.see("article", "no pet called")
	b.shot(dir, "8-conversation")
	b.click("summary", "Connected")
	b.see("li", "appointment:write")
	b.shot(dir, "9-connection")
	b.click("button", "Log out")
	b.see("h1", "logged out")
	b.shot(dir, "10-logged-out")

	b.do(chromedp.Click(chromedp.CSS(`a[href="/connect?switch=1"]`)))
	b.login("carol")
	b.click("button", "Allow")
	b.see("summary", "Connected")
	b.say("Show me all pets")
	b.see("article", "Luna")
	b.say("Change Fido's weight to 30 kg")
	b.click("a", "Review and allow")
	b.click("button", "Allow")
	b.see("article", "30 kg")
	b.shot(dir, "11-staff")
}

// toAnotherPort: Chromium applies a page's form-action to the redirect that follows the form. With 'self' there, this
// client's answer would never arrive.
func toAnotherPort(t *testing.T, browser context.Context) {
	w := newWorld(t)
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, `<!doctype html><link rel="icon" href="data:,"><h1>Back at the client</h1><p>%s</p>`, url.QueryEscape(r.FormValue("error")+r.FormValue("state")))
	}))
	defer host.Close()
	redirect := host.URL + "/callback"
	w.change(func(d *directory.Directory) error {
		return d.PutClient(t.Context(), directory.Client{ID: "elsewhere", Name: "Another Client", ApplicationType: "native", RedirectURIs: []string{redirect},
			GrantTypes: []string{"authorization_code"}, Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}, store.IfAbsent())
	})
	for decision, want := range map[string]string{"Allow": testState, "Deny": "access_denied" + testState} {
		t.Run(decision, func(t *testing.T) {
			b := newTab(t, browser, w.URL)
			b.open("/oauth/authorize?" + w.request(url.Values{"client_id": {"elsewhere"}, "redirect_uri": {redirect}, "prompt": {"consent"}}).Encode())
			b.login("bob")
			b.see("code", strings.TrimPrefix(host.URL, "http://"))
			b.click("button", decision)
			b.see("h1", "Back at the client")
			b.see("p", want)
			b.mu.Lock()
			delete(b.gone, strings.TrimPrefix(host.URL, "http://")) // where it was meant to go
			b.mu.Unlock()
		})
	}
}

// byKeyboard tells the beginning of the story without a mouse.
func byKeyboard(t *testing.T, browser context.Context) {
	b := newTab(t, browser, newWorld(t).URL)
	b.open("/")
	b.tabTo(`e.id === "message"`)
	b.press("When is Fido's next vaccination?" + kb.Enter)
	b.see("a", "Log in and connect")
	b.tabTo(`e.tagName === "A" && e.textContent.includes("Log in and connect")`)
	b.press(kb.Enter)
	b.do(chromedp.WaitVisible(chromedp.CSS("#username")))
	b.tabTo(`e.id === "username"`)
	b.press("bob" + kb.Tab + "bob-demo" + kb.Enter)
	b.see("button", "Deny")
	b.tabTo(`e.type === "checkbox"`)
	b.press(" ") // off
	b.press(" ") // and on again
	b.tabTo(`e.tagName === "BUTTON" && e.value === "approve"`)
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" || outline == "" {
		t.Error("nothing shows which button has the focus")
	}
	b.press(kb.Enter)
	b.see("article", "Rabies")
	b.tabTo(`e.tagName === "SUMMARY" && e.closest(".calls")`)
	b.press(kb.Enter)
	b.see("dd", "pet-profile:read")
}

func (b *tab) press(keys string) { b.t.Helper(); b.do(chromedp.KeyEvent(keys)) }

// tabTo presses Tab until the element e that has the focus fits.
func (b *tab) tabTo(fits string) {
	b.t.Helper()
	for range 40 {
		if eval[bool](b, `((e) => !!(`+fits+`))(document.activeElement)`) {
			return
		}
		b.press(kb.Tab)
	}
	b.t.Fatalf("Tab does not lead to %s; the page is %s", fits, b.look())
}
