package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vetassist/vetassist/shared/token"
)

// guided is the guide as it is followed: the administrator's tab and Bob's, and where the pictures go.
type guided struct {
	*testing.T
	w          *world
	admin, bob *tab
	dir        string
	policy     policy // what is typed in: the demo's words
	*copied
}

// copied is what a person carries from one window to the other.
type copied struct {
	redirect string // the chat's redirect URL
	client   string // the client id that the console gave
}

const bobsPassword = "fido-likes-long-walks"

// pictured has the README's pictures show the README's address.
func pictured(o *Options) {
	if os.Getenv("VETASSIST_SCREENSHOTS") != "" {
		o.Addr = "localhost:8080"
	}
}

// TestBrowserGuide follows the guide from empty, click by click, to Bob's answer; each step is a picture.
func TestBrowserGuide(t *testing.T) {
	browser := chromium(t)
	w, password := emptyWorld(t, pictured)
	g := guided{T: t, w: w, copied: &copied{}, dir: screenshotDir(t), policy: readPolicy(t, "policy.json"), admin: newTab(t, browser, w.URL), bob: newTab(t, browser, w.URL)}
	for _, step := range []struct {
		name string
		do   func(guided)
	}{
		{"the chat is not set up", guided.theChatIsNotSetUp},
		{"log in to the console", func(g guided) { g.logIn(password) }},
		{"register the MCP server", guided.registerTheServer},
		{"define its scopes", guided.defineScopes},
		{"define roles", guided.defineRoles},
		{"create users", guided.createUsers},
		{"assign a role", guided.assignTheRole},
		{"register the application", guided.registerTheApplication},
		{"authorize the MCP server", guided.authorizeTheServer},
		{"fill the clinic", guided.fillTheClinic},
		{"set up the chat", guided.setUpTheChat},
		{"ask", guided.ask},
		{"narrow the role", guided.narrowTheRole},
		{"ask why", guided.askWhy},
		{"look into the audit log", guided.lookIntoTheLog},
	} {
		ok := t.Run(step.name, func(t *testing.T) {
			g := g
			g.T, g.w, g.admin, g.bob = t, w.in(t), g.admin.in(t), g.bob.in(t)
			step.do(g)
		})
		if !ok {
			break // the next steps stand on this one
		}
	}
}

// picture takes what a window of this height shows, with the element on top that a CSS selector names, if one does.
func (g guided) picture(b *tab, name string, height int64, top string) {
	g.Helper()
	b.until(`!document.querySelector("#console[aria-busy]")`)
	b.do(size(1280, height, false))
	eval[any](b, fmt.Sprintf(`{ document.activeElement?.blur(); const top = %q; scrollTo(0, 0); if (top) document.querySelector(top).scrollIntoView(); }`, top))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must(err)
	b.do(size(1280, 900, false))
	if err := os.WriteFile(filepath.Join(g.dir, "guide-"+name+".png"), png, 0o644); err != nil {
		g.Fatal(err)
	}
}

func (g guided) theChatIsNotSetUp() {
	g.bob.open("/")
	g.bob.see("h1", "Set up Vet Assist AI")
	g.redirect = eval[string](g.bob, `document.querySelector("#redirect").value`)
	g.picture(g.bob, "1-setup", 780, "")
}

func (g guided) logIn(password string) {
	b := g.admin
	b.open("/admin/")
	b.loginWith("admin", password)
	b.see("h1", "VetAssist Console")
	b.click("button", "Allow")
	b.see("h2", "step 1 is next")
	g.picture(b, "2-console", 700, "")
}

func (g guided) registerTheServer() {
	b, s := g.admin, g.policy.Servers[0]
	b.screen("MCP Servers", "MCP Servers")
	b.click("a", "New MCP Server")
	b.fill("Name", s.Name)
	b.fill("Identifier", s.Identifier)
	b.fill("URL", g.w.URL+"/mcp")
	b.click("button", "Register")
	b.toast("Registered " + s.Name)
	b.see("h1", s.Name)
}

func (g guided) defineScopes() {
	b := g.admin
	for i, s := range g.policy.Servers[0].Scopes {
		b.click("button", "Add a scope")
		b.fill("Scope", s.Name)
		b.fill("Display name", s.Title)
		b.fill("Description", s.Description)
		b.click("label", "Clients that register themselves")
		if i == 0 {
			g.picture(b, "3-scope", 700, "")
		}
		b.confirm("Add")
		b.toast("Added " + s.Name)
		b.see("code", s.Name)
	}
	g.picture(b, "4-server", 760, "")
}

func (g guided) defineRoles() {
	b := g.admin
	for _, r := range slices.Backward(g.policy.Roles) {
		b.screen("Roles", "Roles")
		b.click("a", "New role")
		b.fill("Role name", r.Name)
		b.fill("Description", r.Description)
		b.click("button", "Create")
		b.toast("Created " + r.Name)
		b.see("h1", r.Name)
		for _, scope := range r.Permissions["mcp://vetassist"] {
			g.tick("", scope)
		}
		b.click("button", "Save")
		b.toast("Saved")
		b.settled()
	}
	g.picture(b, "5-role", 985, "")
}

// tick ticks or unticks the box of a scope of the MCP server, within what a CSS selector names.
func (g guided) tick(within, scope string) {
	g.Helper()
	box := fmt.Sprintf(`%s input[type=checkbox][value="%s"]`, within, scope)
	g.admin.until(fmt.Sprintf(`!!document.querySelector(%q)`, box))
	before := eval[bool](g.admin, fmt.Sprintf(`document.querySelector(%q).checked`, box))
	g.admin.do(chromedp.Click(chromedp.CSS(box)))
	g.admin.until(fmt.Sprintf(`document.querySelector(%q).checked !== %v`, box, before))
}

func (g guided) createUsers() {
	b := g.admin
	for _, u := range []struct{ username, name, role string }{{"carol", "Dr. Carol Reyes", "Vet Staff"}, {"bob", "Bob Miller", ""}} {
		b.screen("Users", "Users")
		b.click("a", "New user")
		b.fill("Username", u.username)
		b.fill("Name", u.name)
		if u.role != "" {
			b.click("label", u.role)
			b.click("button", "Create")
			b.see("h1", u.name+" can log in now") // with the password that was made
			continue
		}
		b.click("label", "I set it")
		b.fill("Password", bobsPassword)
		b.click("button", "Create")
		b.see("h1", u.name)
	}
}

func (g guided) assignTheRole() {
	b := g.admin
	b.screen("Roles", "Roles")
	b.click("a", "Pet Owner")
	b.see("h1", "Pet Owner")
	b.do(chromedp.Click(`//nav[contains(@class, "tabs")]//a[normalize-space()="Users"]`))
	b.see("h2", "Add a user")
	b.pick("Add a user", "bo", "Bob Miller")
	b.click("button", "Add")
	b.toast("bob has the role Pet Owner now")
	b.see("td", "bob")
	g.picture(b, "6-members", 640, "")
}

func (g guided) registerTheApplication() {
	b := g.admin
	b.screen("Applications", "Applications")
	b.click("a", "New Application")
	b.see("h1", "New Application")
	b.see("label", "MCP client application")
	b.fill("Name", "Vet Assist AI")
	b.fill("Redirect URLs", g.redirect)
	g.picture(b, "7-application", 760, "")
	b.click("button", "Create")
	b.see("h1", "Vet Assist AI is registered")
	g.client = eval[string](b, control("Client id")+`.value`)
	g.picture(b, "8-client-id", 480, "")
}

func (g guided) authorizeTheServer() {
	b := g.admin
	b.click("a", "Authorization tab")
	b.see("p", "no API resource yet")
	b.click("button", "Authorize an API Resource")
	b.do(chromedp.WaitVisible(chromedp.CSS("dialog[open] select")))
	eval[any](b, `{ const s = document.querySelector("dialog select"); s.value = [...s.options].find((o) => o.text.includes("mcp://vetassist")).value; s.dispatchEvent(new Event("change")); }`)
	for _, s := range g.policy.Servers[0].Scopes {
		g.tick("dialog", s.Name)
	}
	g.picture(b, "9-authorize", 1000, "")
	b.confirm("Authorize")
	b.toast("may ask for pet-profile:read")
	b.see("strong", "VetAssist MCP Server")
	b.screen("Overview", "Overview")
	b.see("h2", "Everything is set up")
}

func (g guided) fillTheClinic() {
	b := g.admin
	b.screen("Clinic", "Clinic")
	b.click("button", "Reset")
	b.fill("Type reset", "reset")
	b.confirm("Reset")
	b.toast("The clinic has 9 pets of 7 owners again")
}

func (g guided) setUpTheChat() {
	b := g.bob
	b.fill("Client ID", g.client)
	b.click("button", "Save")
	b.see("p", "Ask something that needs your data")
}

func (g guided) ask() {
	b := g.bob
	b.say("When is Fido's next vaccination?")
	b.click("a", "Log in and connect")
	b.loginWith("bob", bobsPassword)
	b.see("button", "Deny")
	g.picture(b, "10-consent", 640, "")
	b.click("button", "Allow")
	b.see("article", "Rabies")
	b.click("summary", "get_pet_vaccination_info")
	b.see("dd", "pet-profile:read")
	g.picture(b, "11-answer", 640, "")

	b.say("Book an appointment for Fido next Tuesday at 10")
	b.click("a", "Review and allow")
	b.see("li", "appointment:write")
	b.click("button", "Allow")
	b.see("article", "Appointment booked: Tuesday, 1 December 2026 at 10:00")
	b.click("summary", "Connected")
	b.see("li", "appointment:write")
}

// narrowTheRole: Bob is connected; the token that he has goes on, the next one has less.
func (g guided) narrowTheRole() {
	b := g.admin
	b.screen("Roles", "Roles")
	b.click("a", "Pet Owner")
	b.see("h1", "Pet Owner")
	g.tick("", "appointment:write")
	b.click("button", "Save")
	b.toast("Tokens follow at their next refresh")

	g.w.clock.turn(token.Lifetime + time.Second)
	g.bob.say("Book an appointment for Milo next Wednesday at 10")
	g.bob.see("article", "your role")
	g.bob.open("/")
	g.bob.click("summary", "Connected")
	g.bob.see("li", "pet-profile:read")
	if allowed := eval[string](g.bob, `document.querySelector(".permissions").textContent`); strings.Contains(allowed, "appointment:write") {
		g.Errorf("the chat still has %s", allowed)
	}
}

func (g guided) askWhy() {
	b := g.admin
	b.open("/admin/why") // the console's token has ended, too: loading it again, it gets another
	b.see("h1", "Why")
	b.pick("User", "bob", "Bob Miller")
	b.pick("Application", "vet assist", g.client)
	b.click("button", "Show")
	b.see("h2", "What Vet Assist AI may do for Bob Miller")
	b.see("th", "none of the user's roles permits it")
	row := `document.evaluate('//table//tr[th//code[text()="appointment:write"]]', document, null, XPathResult.STRING_TYPE).stringValue`
	if got := eval[string](b, row); !strings.Contains(got, "not granted: none of the user's roles permits it") || strings.Contains(got, "consented") {
		g.Errorf("appointment:write: %q", got)
	}
	g.picture(b, "12-why", 875, "section.card h2")
}

func (g guided) lookIntoTheLog() {
	b := g.admin
	b.screen("Audit log", "Audit log")
	b.see("td", "refresh")
	b.see("td", "administration")
	g.picture(b, "13-audit", 800, "")
}
