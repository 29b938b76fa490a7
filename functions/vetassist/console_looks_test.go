package main

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBrowserConsoleLooks opens every screen of the console: none is wider than a window, or hard to use for somebody who
// cannot see or use a mouse, as far as axe-core can tell.
func TestBrowserConsoleLooks(t *testing.T) {
	library := axe(t)
	browser := chromium(t)
	dir := screenshotDir(t)
	w := newWorld(t)
	w.tokensFor("bob", "pet-profile:read", "appointment:read")
	host, _ := w.registerHost("A Host")
	w.addKinds()
	server := "/admin/servers/" + base64.RawURLEncoding.EncodeToString([]byte("mcp://vetassist"))
	b := adminTab(t, browser, w)
	admin := w.administrator()
	app, _ := admin.assistant("pet-profile:read")
	job, _ := admin.machine([]string{"Vet Staff"}, "pet-profile:read")
	type made struct{ ID string }
	acme := call[made](admin, "POST", "/trusted-issuers", map[string]any{"issuer": "https://login.acme.example", "kind": "enterprise", "name": "Acme", "enabled": true,
		"jwks_uri": "https://login.acme.example/keys", "clients": []string{app}}).ID
	call[any](admin, "POST", "/trusted-issuers/"+acme+"/links", map[string]any{"subject": "U019488227-0b5a4f1e-4d8a-4b0e-9d7e-a-very-long-subject-of-a-company", "user_id": "user-bob"})
	cluster := call[made](admin, "POST", "/trusted-issuers", map[string]any{"issuer": "https://cluster.acme.example", "kind": "workload", "name": "Our cluster",
		"workloads": []any{map[string]any{"subject": "system:serviceaccount:clinic:*", "client_id": job}}}).ID
	chat := call[made](admin, "POST", "/relying-servers", map[string]any{"issuer": "https://auth.chat.example", "name": "Chat", "enabled": true, "resources": []string{"https://mcp.chat.example"},
		"scopes": []string{"chat.read", "chat.history"}, "clients": []any{map[string]any{"id": app, "client_id": "f53f191f9311af35"}}}).ID
	look := func(t *testing.T, name string) {
		t.Helper()
		b := b.in(t)
		b.shot(dir, "console-"+name)
		b.accessible(library, name)
	}
	for _, s := range []struct{ name, path, heading string }{
		{"overview", "/admin/", "Overview"},
		{"servers", "/admin/servers", "MCP Servers"},
		{"server-new", "/admin/servers/new", "New MCP Server"},
		{"server", server, "VetAssist MCP Server"},
		{"users", "/admin/users", "Users"},
		{"users-none", "/admin/users?prefix=zzz", "Users"},
		{"user-new", "/admin/users/new", "New user"},
		{"user", "/admin/users/user-bob", "Bob Miller"},
		{"roles", "/admin/roles", "Roles"},
		{"role-new", "/admin/roles/new", "New role"},
		{"role-permissions", "/admin/roles/Pet%20Owner", "Pet Owner"},
		{"role-users", "/admin/roles/Pet%20Owner?tab=users", "Pet Owner"},
		{"applications", "/admin/applications", "Applications"},
		{"application-new", "/admin/applications/new", "New Application"},
		{"application-general", "/admin/applications/vet-assist-ai", "Vet Assist AI"},
		{"application-protocol", "/admin/applications/vet-assist-ai?tab=protocol", "Vet Assist AI"},
		{"application-keyed", "/admin/applications/app-night?tab=protocol", "Night job"},
		{"application-secret", "/admin/applications/app-nurse?tab=protocol", "Night nurse"},
		{"application-device", "/admin/applications/app-kiosk?tab=protocol", "Kiosk"},
		{"application-acts-for", "/admin/applications/app-nurse?tab=acts-for", "Night nurse"},
		{"application-acts-for-nobody", "/admin/applications/app-relief?tab=acts-for", "Relief"},
		{"application-authorization", "/admin/applications/vet-assist-ai?tab=authorization", "Vet Assist AI"},
		{"application-access", "/admin/applications/vet-assist-ai?tab=access", "Vet Assist AI"},
		{"application-system", "/admin/applications/vetassist-console?tab=authorization", "VetAssist Console"},
		{"application-itself", "/admin/applications/" + host, "A Host"},
		{"application-itself-protocol", "/admin/applications/" + host + "?tab=protocol", "A Host"},
		{"application-itself-authorization", "/admin/applications/" + host + "?tab=authorization", "A Host"},
		{"registration-none", "/admin/registration", "Registration"},
		{"trust", "/admin/trust", "Trust"},
		{"issuer-new", "/admin/trust/issuers/new", "Trust an issuer"},
		{"issuer-new-workload", "/admin/trust/issuers/new?kind=workload", "Trust an issuer"},
		{"issuer", "/admin/trust/issuers/" + acme, "Acme"},
		{"issuer-workload", "/admin/trust/issuers/" + cluster, "Our cluster"},
		{"relying-new", "/admin/trust/servers/new", "A server that takes our word"},
		{"relying", "/admin/trust/servers/" + chat, "Chat"},
		{"access", "/admin/access?user_id=user-bob", "Sessions and consents"},
		{"access-application", "/admin/access?tab=application", "Sessions and consents"},
		{"keys", "/admin/keys", "Signing keys"},
		{"audit", "/admin/audit", "Audit log"},
		{"why", "/admin/why?user_id=user-bob&client_id=vet-assist-ai", "Why"},
		{"why-agent", "/admin/why?user_id=user-bob&client_id=app-nurse", "Why"},
		{"why-vouched", "/admin/why?user_id=user-bob&client_id=vet-assist-ai&issuer_id=" + acme, "Why"},
		{"clinic", "/admin/clinic", "Clinic"},
		{"nothing", "/admin/no/such/screen", "There is no such screen"},
	} {
		t.Run(s.name, func(t *testing.T) {
			b := b.in(t)
			b.open(s.path)
			b.see("h1", s.heading)
			b.settled()
			look(t, s.name)
		})
	}

	t.Run("dialogs", func(t *testing.T) {
		b := b.in(t)
		b.open(server)
		b.click("button", "Add a scope")
		look(t, "dialog-form")
		b.confirm("Cancel")
		b.click("button", "Delete")
		look(t, "dialog-danger")
		b.confirm("Cancel")
	})

	t.Run("key of an application", func(t *testing.T) {
		b := b.in(t)
		b.open("/admin/applications/app-nurse?tab=protocol")
		b.click("button", "Use a key instead")
		b.fill("Public keys", "{")
		b.click("button", "Use it")
		b.see("p", "This is no JSON")
		look(t, "dialog-key")
		b.confirm("Cancel")
		b.open("/admin/applications/new")
		b.click("label", "Agent")
		look(t, "application-new-agent")
	})

	t.Run("initial access token", func(t *testing.T) {
		b := b.in(t)
		b.open("/admin/registration")
		b.click("button", "New token")
		look(t, "registration-new")
		b.fill("For", "Workshop on Tuesday")
		b.fill("Applications", "30")
		b.click("button", "Make it")
		b.see("h2", "The new token")
		look(t, "registration-made")
		b.confirm("I have it")
		b.see("strong", "Workshop on Tuesday")
		look(t, "registration")
	})

	t.Run("on a phone", func(t *testing.T) {
		b := b.in(t)
		b.open("/admin/users")
		b.do(size(390, 844, true))
		b.see("h1", "Users")
		if eval[bool](b, `document.querySelector("#navigation").getClientRects().length > 0`) {
			t.Error("the navigation takes the room of the screen")
		}
		b.do(chromedp.Click(chromedp.CSS("#menu")))
		b.accessible(library, "menu")
		b.screen("Roles", "Roles")
		b.click("summary", "API")
		b.see("pre", "$TOKEN")
		b.accessible(library, "API calls")
		b.do(size(1280, 900, false))
	})

	t.Run("logged out", func(t *testing.T) {
		b := b.in(t)
		b.open("/admin/")
		b.see("h1", "Overview")
		b.click("button", "Log out")
		b.see("h1", "Logged out")
		look(t, "logged-out")
	})
}

// consoleByKeyboard adds a scope without a mouse.
func consoleByKeyboard(t *testing.T, browser context.Context) {
	b := adminTab(t, browser, newWorld(t))
	b.tabTo(`e.tagName === "A" && e.textContent === "MCP Servers"`)
	b.press(kb.Enter)
	b.see("h1", "MCP Servers")
	b.tabTo(`e.tagName === "A" && e.textContent === "VetAssist MCP Server"`)
	b.press(kb.Enter)
	b.see("h1", "VetAssist MCP Server")
	b.tabTo(`e.tagName === "BUTTON" && e.textContent === "Add a scope"`)
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" || outline == "" {
		t.Error("nothing shows which button has the focus")
	}
	b.press(kb.Enter)
	b.see("h2", "Add a scope")
	b.press("insurance:read" + kb.Tab + "See the insurance" + kb.Tab + "What it pays" + kb.Tab + " " + kb.Enter)
	b.toast("Added insurance:read")
	b.see("li", "open to self-registered clients")
	b.tabTo(`e.tagName === "A" && e.textContent === "Why"`)
	b.press(kb.Enter)
	b.see("h1", "Why")
	b.press(kb.Tab + "bob")
	b.see("li[@role='option']", "Bob Miller")
	b.press(kb.ArrowDown + kb.Enter + kb.Tab + "vet assist")
	b.see("li[@role='option']", "vet-assist-ai")
	b.press(kb.ArrowDown + kb.Enter + kb.Enter)
	b.see("th", "insurance:read")
}
