package main

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The console as an OAuth client in the browser.

// consoleSomebodyElse: who is no administrator is told so, and can come back as one.
func consoleSomebodyElse(t *testing.T, browser context.Context) {
	b := newTab(t, browser, newWorld(t).URL)
	b.open("/admin/users?prefix=ca")
	b.login("bob")
	b.see("h1", "nothing here that you could allow")
	b.click("button", "Go back")
	b.see("h1", "This console is for administrators")
	b.see("code", "access_denied")
	b.click("button", "Log in as somebody else")
	b.login("admin")
	b.click("button", "Allow")
	b.see("h1", "Overview")

	b.open("/admin/callback?code=stolen&state=unknown&iss=" + b.base)
	b.see("h1", "cannot start")
	b.see("p", "belongs to no login that began in this tab")
}

// consoleMixUp: an answer that belongs to a login, but comes from another server than the one that was asked, is not believed
// (RFC 9207).
func consoleMixUp(t *testing.T, browser context.Context) {
	b := newTab(t, browser, newWorld(t).URL)
	for _, issuer := range []string{"", "http://evil.example", b.base + "/"} {
		b.open("/admin/")
		b.do(chromedp.WaitVisible(chromedp.CSS("#username")))
		state := eval[string](b, `new URLSearchParams(location.search).get("state")`)
		b.open("/admin/callback?" + url.Values{"code": {"x"}, "state": {state}, "iss": {issuer}}.Encode())
		b.see("p", "comes from another authorization server")
		if at := eval[string](b, `location.href`); at != b.base+"/admin/callback" {
			t.Errorf("the address still holds %s", at)
		}
	}
}

// consoleSession: a reload needs no login, an expired token is renewed, a copy of the tab gets tokens of its own, and logging
// out ends it all.
func consoleSession(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	b.open("/admin/roles/Pet%20Owner?tab=users")
	b.see("td", "bob")
	if eval[bool](b, `performance.getEntriesByType("navigation")[0].redirectCount > 0 || document.referrer.includes("/oauth/")`) {
		t.Error("a reload went by the authorization server")
	}
	w.clock.turn(11 * time.Minute)
	b.screen("Roles", "Roles")
	b.see("td", "Pet Owner")
	b.expect("401")

	const kept = `sessionStorage.getItem("vetassist-console.refresh")`
	eval[any](b, `document.querySelector("h1").addEventListener("click", () => { window.copy = open("/admin/keys"); })`)
	b.click("h1", "Roles")
	b.until(`window.copy?.document.querySelector("h1")?.textContent === "Signing keys"`)
	if !eval[bool](b, `copy.`+kept+` !== null && `+kept+` !== null && copy.`+kept+` !== `+kept) {
		t.Error("two tabs share a refresh token")
	}
	eval[any](b, `copy.close()`)

	refresh := eval[string](b, kept)
	b.click("button", "Log out")
	b.see("h1", "Logged out")
	if eval[bool](b, kept+` !== null`) {
		t.Error("a refresh token is left")
	}
	answer := w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"vetassist-console"}, "refresh_token": {refresh}})
	if answer.status != 400 {
		t.Errorf("the refresh token still works: %d", answer.status)
	}
}

// consoleReadOnly: an administrator need not allow the console everything, and can do so later.
func consoleReadOnly(t *testing.T, browser context.Context) {
	b := newTab(t, browser, newWorld(t).URL)
	b.open("/admin/users/user-bob")
	b.login("admin")
	b.click("label", "admin:write")
	b.click("button", "Allow")
	b.see("h1", "Bob Miller") // where the administrator wanted to be
	b.fill("Name", "Robert Miller")
	b.click("button", "Save")
	b.see("p", "scope admin:write")
	b.expect("403")
	b.click("button", "Allow it")
	b.see("label", "admin:write")
	b.click("button", "Allow")
	b.see("h1", "Bob Miller")
	b.fill("Name", "Robert Miller")
	b.click("button", "Save")
	b.toast("Saved")
	b.see("h1", "Robert Miller")
}
