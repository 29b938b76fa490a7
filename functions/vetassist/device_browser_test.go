package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// deviceCodes are what the demo's device got to show and to ask with.
type deviceCodes struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	Complete string `json:"verification_uri_complete"`
}

func (w *world) askForDevice() (c deviceCodes) {
	w.t.Helper()
	form := url.Values{"client_id": {"smart-feeder"}, "scope": {"pet-profile:read pet-profile:write"}}
	got := w.send("POST", "/oauth/device_authorization", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if err := json.Unmarshal(got.body, &c); err != nil || c.User == "" {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	return c
}

// form is the token request of the device.
func (c deviceCodes) form() url.Values {
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"smart-feeder"}, "device_code": {c.Device}}
}

// TestBrowserDevice is a device's code in Chromium, as on a phone: typed by hand, opened as a link, refused.
func TestBrowserDevice(t *testing.T) {
	browser := chromium(t)
	dir := screenshotDir(t)
	w := newWorld(t)
	b := newTab(t, browser, w.URL, size(390, 844, true))
	fetch := func(c deviceCodes) string { return w.post("/oauth/token", c.form()).Error }
	enter := func(code string) {
		t.Helper()
		b.do(chromedp.WaitVisible(chromedp.CSS("#user_code")))
		eval[any](b, `document.querySelector("#user_code").select()`) // what stands there is typed over
		b.do(chromedp.SendKeys(chromedp.CSS("#user_code"), code+kb.Enter))
	}

	first := w.askForDevice()
	b.open("/oauth/device")
	b.see("h1", "Connect a device")
	b.shot(dir, "device-1-code")
	enter("bcdf")
	b.see("p", "A code has eight letters")
	b.expect("400")
	enter(strings.ToLower(first.User))
	b.login("bob")
	b.see("h1", "Smart Feeder")
	b.see("p", first.User)
	b.see("strong", "in front of you")
	b.shot(dir, "device-2-consent")
	b.click("button", "Allow")
	b.see("h1", "Smart Feeder is connected")
	b.shot(dir, "device-3-allowed")
	if got := fetch(first); got != "" {
		t.Errorf("the device is told %s", got)
	}

	second := w.askForDevice()
	b.open(strings.TrimPrefix(second.Complete, w.URL))
	b.see("h2", "You allowed this before")
	b.click("button", "Deny")
	b.see("h1", "Smart Feeder got nothing")
	b.shot(dir, "device-4-denied")
	if got := fetch(second); got != "access_denied" {
		t.Errorf("the device is told %q", got)
	}
	b.open("/oauth/device")
	enter(second.User)
	b.see("p", "No device waits with this code")
	b.expect("400")
	b.shot(dir, "device-5-unknown")
}
