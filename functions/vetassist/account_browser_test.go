package main

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// TestBrowserAccount is My account in Chromium: passkeys with a virtual authenticator, and the rest with the mouse.
func TestBrowserAccount(t *testing.T) {
	browser := chromium(t)
	dir := screenshotDir(t)

	t.Run("passkeys", func(t *testing.T) {
		w := newWorld(t)
		b := newTab(t, browser, w.URL)
		verify := b.authenticator()
		b.open("/oauth/account")
		b.login("bob")
		b.see("h1", "Your account")
		b.see("p", "You have not allowed any app anything")
		b.shot(dir, "account-1-new")

		b.do(chromedp.SendKeys(chromedp.CSS("#passkey-name"), "My laptop"))
		b.click("button", "Add a passkey")
		b.see("p", "The passkey is added")
		b.see("strong", "My laptop")
		b.see("span", "Not used yet")

		// This device has one already.
		b.do(chromedp.SendKeys(chromedp.CSS("#passkey-name"), "Once more"))
		b.click("button", "Add a passkey")
		b.see("p", "This device has a passkey for you here already")

		// Log in with it, for the chat.
		b.click("button", "Log out")
		b.see("h1", "You are logged out")
		w.clock.turn(time.Hour)
		b.open("/")
		b.say("When is Fido's next vaccination?")
		b.click("a", "Log in and connect")
		b.see("button", "Use a passkey")
		b.shot(dir, "account-2-login")
		verify(false) // the finger does not fit
		b.click("button", "Use a passkey")
		b.see("p", "No passkey was used")
		verify(true)
		b.click("button", "Use a passkey")
		b.see("button", "Deny")
		b.click("button", "Allow")
		b.see("article", "Rabies")

		b.open("/oauth/account")
		b.see("span", "with a passkey")
		b.see("strong", "Vet Assist AI")
		w.connectElsewhere("bob")
		b.open("/oauth/account")
		b.see("button", "Log out everywhere else")
		b.shot(dir, "account-3-full")

		b.click("button", "Log out everywhere else")
		b.see("p", "You are logged out everywhere else")
		b.click("button", "Remove access")
		b.see("p", "The access is removed")
		b.see("p", "You have not allowed any app anything")
		b.do(chromedp.Click(chromedp.CSS(`[aria-label="Remove the passkey My laptop"]`)))
		b.see("p", "The passkey is removed here")
		b.shot(dir, "account-4-removed")

		w.clock.turn(20 * time.Minute)
		b.open("/oauth/account")
		b.click("button", "Log in again")
		b.login("bob")
		b.see("button", "Add a passkey")
	})

	t.Run("password", func(t *testing.T) {
		b := newTab(t, browser, newWorld(t).URL)
		b.open("/oauth/account")
		b.login("alice")
		change := func(current, fresh string) {
			t.Helper()
			b.do(chromedp.WaitVisible(chromedp.CSS("#current")), chromedp.SendKeys(chromedp.CSS("#current"), current),
				chromedp.SendKeys(chromedp.CSS("#new"), fresh), chromedp.SendKeys(chromedp.CSS("#again"), fresh))
			b.click("button", "Change password")
		}
		change("alice-demo", "a brand new one")
		b.see("p", "Your password is changed")
		b.shot(dir, "account-5-password")
	})
}

// authenticator gives the tab a device that keeps passkeys. It verifies its owner, as long as it is told so.
func (b *tab) authenticator() (verify func(bool)) {
	b.t.Helper()
	b.do(command(webauthn.Enable, webauthn.EnableParams{}))
	var id webauthn.AuthenticatorID
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		added, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		id = added.AuthenticatorID
		return err
	}))
	return func(yes bool) {
		b.t.Helper()
		b.do(command(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: yes}))
	}
}

// connectElsewhere logs a user in with another browser.
func (w *world) connectElsewhere(username string) {
	w.t.Helper()
	w.person().connect("Which pets do I have?", username)
}
