package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// TestBrowserConsole is the administrator's work in Chromium, against the real API.
func TestBrowserConsole(t *testing.T) {
	browser := chromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"from empty": consoleFromEmpty, "people": consolePeople, "applications": consoleApplications, "settings": consoleSettings, "application keys": consoleClientKeys, "registration": consoleRegistration, "trust": consoleTrust, "what is open": consoleAccess,
		"keys and clinic": consoleKeysAndClinic, "audit log": consoleAudit, "old events": consoleOldEvents, "why": consoleWhy, "somebody else": consoleSomebodyElse,
		"mistakes": consoleConflict, "session": consoleSession, "read only": consoleReadOnly, "mix-up": consoleMixUp, "long list": consoleLongList, "by keyboard": consoleByKeyboard,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser) })
	}
}

// consoleTrust: a company and a platform are trusted, somebody is linked, and our word goes to a server elsewhere.
func consoleTrust(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	job, _ := w.administrator().machine([]string{"Vet Staff"}, "pet-profile:read")
	app, _ := w.administrator().assistant("pet-profile:read")
	b.screen("Trust", "Trust")
	b.see("p", "Nobody elsewhere is trusted")
	b.click("a", "Trust an issuer")
	b.fill("Issuer", w.URL)
	b.fill("Name", "Acme")
	b.click("button", "Trust it")
	b.see("p", "Must not be this server itself")
	b.expect("422")
	b.fill("Issuer", "https://login.acme.example")
	b.fill("Or its public keys themselves", "no keys")
	b.click("button", "Trust it")
	b.see("p[@class='error']", "object")
	b.expect("422")
	b.fill("Or its public keys themselves", kb.Backspace)
	b.click("label", "Assistant")
	b.click("button", "Trust it")
	b.see("h1", "Acme")
	b.fill("Subject at Acme", "u-17")
	b.pick("User here", "bo", "Bob Miller")
	b.click("button", "Link")
	b.toast("Linked")
	b.see("td", "u-17")
	b.click("button", "Remove")
	b.confirm("Remove")
	b.toast("The link is removed")
	b.see("p", "Nobody is linked yet")
	b.open("/admin/why?user_id=user-bob&client_id=" + app + "&issuer_id=" + directory.TrustID("https://login.acme.example"))
	b.see("p", "The word of Acme stands for the user's consent")
	b.see("span", "granted")

	b.screen("Trust", "Trust")
	b.click("a", "Trust an issuer")
	b.click("label", "Programs of a platform")
	b.see("label", "Which program is which application")
	b.fill("Issuer", "https://cluster.acme.example")
	b.fill("Name", "Our cluster")
	b.fill("Which program is which application", "system:serviceaccount:clinic:* "+job)
	b.click("button", "Trust it")
	b.see("h1", "Our cluster")

	b.screen("Trust", "Trust")
	b.click("a", "Add a server")
	b.fill("Issuer", "https://auth.chat.example")
	b.fill("Name", "Chat")
	b.fill("MCP servers there", "https://mcp.chat.example")
	b.fill("Scopes", "chat.read")
	b.fill("Applications that may bring our word", app+" there")
	b.click("button", "Add")
	b.see("h1", "Chat")
	b.screen("Trust", "Trust")
	b.see("td", "1 application")
	b.see("td", "programs of a platform")
}

// consoleFromEmpty: the overview leads through the guide, from nothing to an application that may ask for something.
func consoleFromEmpty(t *testing.T, browser context.Context) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) {
		o.Stdout, o.DB, o.Seed = &out, filepath.Join(t.TempDir(), "empty.db"), config.SeedNone
	})
	b := newTab(t, browser, w.URL)
	b.open("/admin/")
	b.loginWith("admin", printedPassword.FindStringSubmatch(out.String())[1])
	b.see("span", "VetAssist Console")
	b.click("button", "Allow")
	b.see("h2", "step 1 is next")

	b.click("a", "Register the MCP server")
	b.fill("Name", "VetAssist MCP Server")
	b.fill("Identifier", "mcp://vetassist")
	b.fill("URL", w.URL+"/mcp")
	b.click("button", "Register")
	b.see("h1", "VetAssist MCP Server")
	for _, scope := range []string{"pet-profile:read", "pet-profile:write"} {
		b.click("button", "Add a scope")
		b.fill("Scope", scope)
		b.fill("Display name", "Pets: "+scope)
		b.fill("Description", "Permission for "+scope)
		b.confirm("Add")
		b.toast("Added " + scope)
		b.see("code", scope)
	}
	b.screen("Overview", "Overview")
	b.see("h2", "step 3 is next")

	b.click("a", "Define a role")
	b.fill("Role name", "Pet Owner")
	b.fill("Description", "Every customer")
	b.click("button", "Create")
	b.see("h1", "Pet Owner")
	b.click("label", "Pets: pet-profile:read")
	b.click("button", "Save")
	b.toast("Saved")

	b.screen("Users", "Users")
	b.click("a", "New user")
	b.see("h1", "New user")
	b.fill("Username", "bob")
	b.fill("Name", "Bob Miller")
	b.click("button", "Create")
	b.see("h1", "Bob Miller can log in now")
	password := eval[string](b, control("Password")+`.value`)
	b.screen("Roles", "Roles")
	b.click("a", "Pet Owner")
	b.see("h1", "Pet Owner")
	b.click("a", "Users")
	b.see("h2", "Add a user")
	b.pick("Add a user", "bo", "Bob Miller")
	b.click("button", "Add")
	b.toast("bob has the role Pet Owner now")
	b.see("td", "bob")

	b.screen("Applications", "Applications")
	b.click("a", "New Application")
	b.see("h1", "New Application")
	b.see("label", "MCP client application")
	b.fill("Name", "Vet Assist AI")
	b.fill("Redirect URLs", w.URL+"/callback")
	b.click("button", "Create")
	b.see("h1", "Vet Assist AI is registered")
	client := eval[string](b, control("Client id")+`.value`)
	b.click("a", "Authorization tab")
	b.see("p", "no API resource yet")
	b.click("button", "Authorize an API Resource")
	b.do(chromedp.WaitVisible(chromedp.CSS("dialog[open] select")))
	eval[any](b, `{ const s = document.querySelector("dialog select"); s.value = [...s.options].find((o) => o.text.includes("mcp://vetassist")).value; s.dispatchEvent(new Event("change")); }`)
	b.click("label", "Pets: pet-profile:read")
	b.click("label", "Pets: pet-profile:write")
	b.confirm("Authorize")
	b.toast("may ask for pet-profile:read, pet-profile:write")
	b.screen("Overview", "Overview")
	b.see("h2", "Everything is set up")

	// And it holds: the application gets Bob's permission, and no more.
	bob := newTab(t, browser, w.URL)
	bob.open("/oauth/authorize?" + w.request(url.Values{"client_id": {client}, "redirect_uri": {w.URL + "/callback"}, "scope": {"pet-profile:read pet-profile:write"}, "resource": {w.URL + "/mcp"}}).Encode())
	bob.loginWith("bob", password)
	bob.see("label", "Pets: pet-profile:read")
	bob.see("h2", "not available to you")
}

func consolePeople(t *testing.T, browser context.Context) {
	b := adminTab(t, browser, newWorld(t))
	b.screen("Users", "Users")
	b.see("td", "carol")
	b.fill("Search users", "bo")
	b.until(`document.querySelectorAll("tbody tr").length === 1 && document.querySelector("tbody").textContent.includes("bob")`)
	b.click("a", "bob")
	b.see("h1", "Bob Miller")
	b.fill("Name", "Robert Miller")
	b.click("label", "Vet Staff")
	b.click("button", "Save")
	b.toast("Saved")
	b.see("h1", "Robert Miller")
	b.until(`document.querySelector("input[value='Vet Staff']").checked`)
	b.click("button", "Set password")
	b.fill("New password", "a-better-one-for-bob")
	b.confirm("Save")
	b.toast("new password")
	b.click("button", "Disable")
	b.confirm("Disable")
	b.toast("is disabled")
	b.see("span", "disabled")
	b.click("button", "Enable")
	b.toast("can log in again")
	b.click("button", "Sign out")
	b.confirm("Sign out")
	b.toast("Ended 0 sessions")
	b.click("button", "Delete")
	b.fill("Type", "bob")
	b.confirm("Delete")
	b.toast("Deleted bob")
	b.see("h1", "Users")
	b.until(`!document.querySelector("tbody").textContent.includes("bob")`)

	b.screen("Roles", "Roles")
	b.click("a", "Vet Staff")
	b.see("h1", "Vet Staff")
	b.click("a", "Users")
	b.see("td", "carol")
	b.click("button", "Remove")
	b.confirm("Remove")
	b.toast("carol does not have the role")
	b.see("p", "Nobody has this role")
	eval[any](b, `history.back()`)
	b.see("legend", "VetAssist MCP Server")
	if title := eval[string](b, `document.title`); title != "Vet Staff · VetAssist console" {
		t.Errorf("title %q", title)
	}
	if focus := eval[string](b, `document.activeElement.tagName`); focus != "H1" {
		t.Errorf("after a change of screens the focus is on %s", focus)
	}
}

func consoleApplications(t *testing.T, browser context.Context) {
	b := adminTab(t, browser, newWorld(t))
	b.screen("Applications", "Applications")
	b.click("a", "New Application")
	b.see("h1", "New Application")
	b.click("label", "Machine-to-machine application")
	b.fill("Name", "Nightly job")
	b.click("label", "Vet Staff")
	b.click("button", "Create")
	b.see("h1", "Nightly job is registered")
	secret := eval[string](b, control("Client secret")+`.value`)
	b.click("a", "Authorization tab")
	b.see("h1", "Nightly job")
	b.click("a", "Protocol")
	b.click("button", "Rotate secret")
	b.confirm("Rotate")
	b.see("h2", "The new secret")
	if again := eval[string](b, control("Client secret")+`.value`); len(again) < 30 || again == secret {
		t.Errorf("the secret was %q and is %q", secret, again)
	}
	b.confirm("I have it")
	b.click("a", "Roles")
	b.until(`document.querySelector("input[value='Vet Staff']")?.checked`)
	b.screen("Applications", "Applications")
	b.fill("Search applications", "vet a")
	b.until(`document.querySelectorAll("tbody tr").length === 1`)
	b.click("a", "Vet Assist AI")
	b.see("h1", "Vet Assist AI")
	b.click("a", "Authorization")
	b.see("strong", "VetAssist MCP Server")
	b.click("button", "Edit")
	b.click("label", "reminder:write")
	b.confirm("Save")
	b.toast("Saved")
	b.until(`!document.querySelector(".act").textContent.includes("reminder:write")`)
	b.click("button", "Remove")
	b.confirm("Remove")
	b.toast("may not ask for")
	b.see("p", "no API resource yet")
	b.click("a", "General")
	b.click("button", "Delete")
	b.confirm("Delete")
	b.toast("Deleted Vet Assist AI")
	b.see("h1", "Applications")
}

// consoleAccess: what is open in somebody's name is listed, and ends at a click; what does not end is told.
func consoleAccess(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.tokensFor("bob", "pet-profile:read")
	w.change(func(d *directory.Directory) error {
		return d.AddPasskey(t.Context(), "user-bob", time.Now(), time.Time{}, directory.Passkey{ID: "bobs-phone", Name: "Bob's phone", Credential: []byte("{}")})
	})
	b := adminTab(t, browser, w)
	b.screen("Sessions and consents", "Sessions and consents")
	b.pick("User", "bob", "Bob Miller")
	b.see("a", "Vet Assist AI")
	b.see("td", "password")
	b.click("button", "End") // the grant
	b.confirm("End")
	b.toast("at most ten minutes")
	b.see("td", "at most ten minutes")
	b.click("button", "Revoke")
	b.confirm("Revoke")
	b.toast("at most ten minutes")
	b.click("a", "By application")
	b.pick("Application", "vet assist", "vet-assist-ai")
	b.see("p", "Nothing has been allowed")

	b.open("/admin/users/user-bob")
	b.see("td", "Bob's phone")
	b.click("button", "Remove")
	b.confirm("Remove")
	b.toast("Ended")
	b.open("/admin/users/user-bob")
	b.see("p", "This user has no passkey")
}

func consoleKeysAndClinic(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	b.screen("Signing keys", "Signing keys")
	b.see("span", "signs now")
	b.click("button", "Rotate")
	b.confirm("Rotate")
	b.toast("on its way")
	b.see("span", "signs next")
	b.click("button", "Retire")
	b.fill("Type", eval[string](b, `document.querySelector("dialog code").textContent`))
	b.confirm("Retire")
	b.toast("retired")
	b.until(`!document.querySelector("tbody").textContent.includes("signs next")`)

	b.screen("Clinic", "Clinic")
	b.fill("Name", "Before the workshop")
	b.click("button", "Make a snapshot")
	b.toast("Kept ")
	b.click("button", "Reset")
	b.fill("Type", "reset")
	b.confirm("Reset")
	b.toast("The clinic has ")
	b.click("button", "Restore")
	b.fill("Type", "restore")
	b.confirm("Restore")
	b.toast("The clinic is as it was")
	b.click("button", "Delete")
	b.confirm("Delete")
	b.toast("deleted")
	b.see("p", "no snapshots yet")
}

// consoleAudit: what happens elsewhere comes to light by itself, while somebody looks.
func consoleAudit(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	b.screen("Audit log", "Audit log")
	b.see("td", "login")
	logIn(w, "alice")
	b.see("td", "alice")
	b.click("button", "Following")
	b.see("button", "Paused")
	logIn(w, "carol")
	b.pass(2500 * time.Millisecond)
	if eval[bool](b, `document.querySelector("tbody").textContent.includes("carol")`) {
		t.Error("it follows though it is paused")
	}
	b.click("button", "Paused")
	b.see("td", "carol")
	b.fill("Event", "login"+kb.Enter)
	b.until(`location.search === "?event=login" && [...document.querySelectorAll("tbody tr td:nth-child(2) strong")].every((e) => e.textContent === "login")`)
	b.catchDownload()
	b.click("button", "Export")
	b.until(`!!window.exported && !!window.saved`)
	if lines := eval[[]string](b, `exported.trim().split("\n").map((line) => JSON.parse(line).event)`); len(lines) < 3 || strings.Join(lines, "") != strings.Repeat("login", len(lines)) {
		t.Errorf("exported %v", lines)
	}

	// A long log comes in parts, and is one file.
	const many = 2500
	w.recordLong(many)
	b.open("/admin/audit?event=revocation")
	b.see("td", "revocation")
	b.catchDownload()
	b.click("button", "Export")
	b.until(`!!window.exported && !!window.saved`)
	if ids := eval[int](b, `new Set(exported.trim().split("\n").map((line) => JSON.parse(line).id)).size`); ids != many {
		t.Errorf("exported %d events of %d", ids, many)
	}
}

// consoleRegistration: a token that the console makes registers an application, which the console shows, disables and deletes.
func consoleRegistration(t *testing.T, browser context.Context) {
	w := newWorld(t, func(o *Options) { o.Registration = config.RegistrationToken })
	b := adminTab(t, browser, w)
	b.screen("Registration", "Registration")
	b.see("dd", "only who has an initial access token")
	b.see("p", "no initial access tokens")
	b.click("button", "New token")
	b.fill("For", "A host")
	b.fill("Applications", "many")
	b.confirm("Make it")
	b.see("p", "Expected integer")
	b.expect("422")
	b.fill("Applications", "1")
	b.click("button", "Make it") // the next dialog opens at once
	b.see("h2", "The new token")
	token := eval[string](b, control("Initial access token")+`.value`)
	b.confirm("I have it")
	b.see("td", "admin")
	id, a := w.registerHost("A Host", "Authorization", "Bearer "+token)
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	b.open("/admin/registration")
	b.see("span", "used up")
	b.click("button", "Delete")
	b.confirm("Delete")
	b.toast("The token is deleted.")

	b.screen("Applications", "Applications")
	b.see("span", "dynamic registration")
	b.click("a", "A Host")
	b.see("h1", "A Host")
	b.see("dt", "Forgotten")
	if eval[bool](b, `!!document.querySelector("#console form")`) {
		t.Error("it can be edited")
	}
	b.click("a", "Protocol")
	b.see("code", "http://127.0.0.1:33418/callback")
	b.click("a", "Authorization")
	b.see("p", "registered itself")
	b.see("code", "pet-profile:write")
	b.click("a", "General")
	b.click("button", "Disable")
	b.confirm("Disable")
	b.toast("A Host is disabled.")
	b.click("button", "Delete")
	b.confirm("Delete")
	b.toast("Deleted A Host")
	b.open("/admin/audit?event=registration")
	b.see("td", "registration")
	b.see("td", id) // its name is gone
}

// catchDownload keeps the next file that the page saves in window.exported, until the page is left.
func (b *tab) catchDownload() {
	b.t.Helper()
	eval[any](b, `URL.createObjectURL = (file) => { file.text().then((text) => { window.exported = text; }); return "about:blank"; }; HTMLAnchorElement.prototype.click = function () { window.saved = this.download; }`)
}

// recordLong adds n events of 1.7 KB to the audit log, so that its export takes more than one answer.
func (w *world) recordLong(n int) {
	w.t.Helper()
	db, closeDB, err := w.options.Open(w.t.Context(), w.clock.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	details := map[string]string{}
	for i := range 8 {
		details[fmt.Sprint("detail", i)] = strings.Repeat("x", 200)
	}
	log := audit.New(db, w.clock.Now, rand.Reader, w.options.Log)
	for range n {
		log.Record(w.t.Context(), audit.Event{Name: "revocation", Outcome: audit.OK, UserID: "user-bob", Details: details})
	}
	if err := closeDB(); err != nil {
		w.t.Fatal(err)
	}
}

func logIn(w *world, user string) {
	p := w.person()
	p.open("/oauth/login")
	p.login(user)
}

func consoleWhy(t *testing.T, browser context.Context) {
	b := adminTab(t, browser, newWorld(t))
	b.screen("Why", "Why")
	b.pick("User", "bob", "Bob Miller")
	b.pick("Application", "vet assist", "vet-assist-ai")
	b.click("button", "Show")
	b.see("h2", "What Vet Assist AI may do for Bob Miller")
	cell := func(scope string, column int) string {
		row := `//table//tr[th//code[text()="` + scope + `"]]/td[` + string(rune('0'+column)) + `]`
		return eval[string](b, `document.evaluate('`+row+`', document, null, XPathResult.STRING_TYPE).stringValue`)
	}
	for column, want := range []string{"yes", "yes", "no", "no"} { // requested, application, role, consent
		if got := cell("pet-profile:write", column+1); got != want {
			t.Errorf("pet-profile:write, column %d: %q", column+1, got)
		}
	}
	if got := cell("pet-profile:read", 3); got != "yes" {
		t.Errorf("the role permits pet-profile:read: %q", got)
	}
	b.see("th", "none of the user's roles permits it")
}

// consoleConflict: nobody's change is lost, what is wrong is said where it is, and what is in use says by what.
func consoleConflict(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	b.screen("Users", "Users")
	b.click("a", "alice")
	b.see("h1", "Alice Grant")
	w.change(func(d *directory.Directory) error {
		r, err := d.UserRecord(t.Context(), "user-alice")
		if err != nil {
			return err
		}
		name := "Alice Grant-Lee"
		_, err = d.UpdateUser(t.Context(), "user-alice", r.Version, directory.UserEdit{Name: &name})
		return err
	})
	b.fill("Username", "alice2")
	b.click("button", "Save")
	b.see("p", "Somebody else changed this")
	b.expect("412")
	b.see("li", "Alice Grant-Lee")
	if typed := eval[string](b, control("Username")+`.value`); typed != "alice2" {
		t.Errorf("what was typed became %q", typed)
	}
	b.fill("Name", "Alice Grant-Lee")
	b.click("button", "Save")
	b.toast("Saved")

	b.fill("Username", "bob")
	b.click("button", "Save")
	b.see("p", "Is taken")
	b.expect("422")
	if !eval[bool](b, control("Username")+` === document.activeElement && document.activeElement.getAttribute("aria-invalid") === "true"`) {
		t.Error("the field that is wrong does not have the focus")
	}

	b.screen("MCP Servers", "MCP Servers")
	b.click("a", "VetAssist MCP Server")
	b.see("h1", "VetAssist MCP Server")
	b.click("button", "Delete")
	b.fill("Type", "mcp://vetassist")
	b.do(chromedp.Click(`//dialog//button[text()="Delete"]`))
	b.see("h2", "is in use")
	b.expect("409")
	b.see("li", "Pet Owner")
	b.confirm("Delete, and remove it there too")
	b.toast("Deleted VetAssist MCP Server")
	b.see("h1", "MCP Servers")
}

// consoleLongList: the rest of a list comes on demand, and the focus goes to where it begins.
func consoleLongList(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.change(func(d *directory.Directory) error {
		for i := range 55 {
			if _, err := d.AddRole(t.Context(), directory.Role{Name: fmt.Sprintf("A role %02d", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	b := adminTab(t, browser, w)
	b.screen("Roles", "Roles")
	b.see("p", "50 shown, there are more")
	b.click("button", "Load more")
	b.see("p", "58 shown")
	if focus := eval[string](b, `document.activeElement.closest("tr") === document.querySelectorAll("tbody tr")[50] ? "" : document.activeElement.outerHTML`); focus != "" {
		t.Errorf("the focus is on %s", focus)
	}
	if eval[bool](b, `!!document.querySelector(".more button:not([hidden])")`) {
		t.Error("it offers more than there is")
	}
}
