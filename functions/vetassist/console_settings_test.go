package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/directory"
)

// pressIn clicks a button of the section that has this title.
func (b *tab) pressIn(section, button string) {
	b.t.Helper()
	b.do(chromedp.Click(fmt.Sprintf(`//section[h2[normalize-space()=%q]]//button[normalize-space()=%q]`, section, button)))
}

// client is how the directory knows an application.
func (w *world) client(id string) (c directory.Client) {
	w.t.Helper()
	w.change(func(d *directory.Directory) (err error) {
		c, err = d.Client(w.t.Context(), id)
		return err
	})
	return c
}

// consoleSettings makes a device and an agent, and sets of the chat's application all that can be set.
func consoleSettings(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := adminTab(t, browser, w)
	b.see("p", "Vet Assist AI") // the overview's client, and not the agent that comes before it in the alphabet
	b.screen("Applications", "Applications")
	b.click("a", "New Application")
	b.see("h1", "New Application")
	b.click("label", "Device or command line")
	b.fill("Name", "Kiosk")
	if eval[bool](b, `!!`+control("Redirect URLs")) {
		t.Error("a device is asked for redirect URLs")
	}
	b.click("button", "Create")
	b.see("h1", "Kiosk is registered")
	if eval[bool](b, `!!`+control("Client secret")) {
		t.Error("a device got a secret")
	}
	b.screen("Applications", "Applications")
	b.click("a", "New Application")
	b.see("h1", "New Application")
	b.click("label", "Agent")
	b.fill("Name", "Night nurse")
	b.click("button", "Create")
	b.see("h1", "Night nurse is registered")
	b.see("p", "that this is its agent")
	agent := eval[string](b, control("Client id")+`.value`)

	b.open("/admin/applications/vet-assist-ai?tab=protocol")
	b.see("h2", "Protection")
	b.click("strong", "Only pushed authorization requests")
	b.click("strong", "Only tokens that are bound to its key")
	b.pressIn("Protection", "Save")
	b.toast("Saved")
	b.fill("Logout URLs", "http://app.example/")
	b.pressIn("Protocol", "Save")
	b.see("p", "Must not hold")
	b.expect("422")
	b.click("summary", "API")
	b.see("pre", "http://app.example/")
	b.fill("Logout URLs", w.URL+"/bye")
	b.pressIn("Protocol", "Save")
	b.toast("Saved")
	b.fill("Agent", "nobody")
	b.pressIn("Agent", "Save")
	b.see("p", "Choose an agent from the list")
	b.pick("Agent", "ni", "Night nurse")
	b.pressIn("Agent", "Save")
	b.toast("Saved")
	c := w.client("vet-assist-ai")
	if !c.RequirePushed || !c.BoundTokens || c.MayAct != agent || !slices.Equal(c.LogoutURIs, []string{w.URL + "/bye"}) {
		t.Errorf("the application is %+v", c)
	}
	b.click("a", "See the agent")
	b.see("h1", "Night nurse")
	b.click("a", "Acts for")
	b.click("a", "Vet Assist AI")
	b.see("h2", "Protection")
	b.screen("Why", "Why")
	b.pick("User", "bob", "Bob Miller")
	b.pick("Application", "night", agent)
	b.see("label", "Handed over by")
	b.click("button", "Show")
	b.see("p", "hands over: what both are authorized for")
	b.open("/admin/applications/vet-assist-ai?tab=protocol")
	b.see("h2", "Protection")
	b.fill("Agent", " \b")
	b.pressIn("Agent", "Save")
	b.toast("Saved")
	if c := w.client("vet-assist-ai"); c.MayAct != "" || !c.RequirePushed {
		t.Errorf("without an agent it is %+v", c)
	}
}

// consoleClientKeys has a program prove itself with a key, and with a secret again. A private key is not sent.
func consoleClientKeys(t *testing.T, browser context.Context) {
	w := newWorld(t)
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	const id = "app-night"
	w.change(func(d *directory.Directory) error {
		_, _, err := d.AddClient(t.Context(), directory.NewClient{ID: id, Name: "Night job", Template: directory.MachineTemplate})
		return err
	})
	b := adminTab(t, browser, w)
	b.open("/admin/applications/" + id + "?tab=protocol")
	b.click("button", "Use a key instead")
	b.fill("Public keys", strings.Replace(string(key.JWKS()), `"crv"`, `"d":"secret","crv"`, 1))
	b.click("button", "Use it")
	b.see("p", "This is a private key")
	sent := func() bool { return eval[bool](b, `document.querySelector(".calls").textContent.includes("PATCH")`) }
	if sent() {
		t.Error("a private key was sent")
	}
	b.fill("Public keys", `{"keys": [{"kty": "EC", "crv": "P-384"}]}`)
	b.click("button", "Use it")
	b.see("p", "Must hold a key that signs with one of")
	b.expect("422")
	if !sent() {
		t.Error("what is sent is not in the list of calls")
	}
	b.fill("Public keys", string(key.JWKS()))
	b.confirm("Use it")
	b.toast("proves itself with its key")
	b.see("code", key.ID())
	if c := w.client(id); c.HasSecret() || c.AuthMethod != directory.PrivateKeyJWT {
		t.Errorf("with a key it is %+v", c)
	}
	b.click("button", "Change the key")
	b.fill("Or their address", "https://night.example/jwks.json")
	b.confirm("Use it")
	b.toast("proves itself with its key")
	b.see("code", "https://night.example/jwks.json")
	b.click("button", "Use a secret instead")
	b.click("button", "Use a secret") // the next dialog opens at once
	b.see("h2", "The new secret")
	secret := eval[string](b, control("Client secret")+`.value`)
	b.confirm("I have it")
	b.see("h2", "Secret")
	if c := w.client(id); !c.SecretFits(secret) || c.AuthMethod != "" || c.JWKSURI != "" {
		t.Errorf("with a secret again it is %+v", c)
	}
}

// addKinds adds an application of each newer kind, and gives the chat's an agent.
func (w *world) addKinds() {
	w.t.Helper()
	key, err := clientkey.New()
	if err != nil {
		w.t.Fatal(err)
	}
	w.change(func(d *directory.Directory) error {
		for _, n := range []directory.NewClient{
			{ID: "app-night", Name: "Night job", Template: directory.MachineTemplate, BoundTokens: true, Keys: &directory.PublicKeys{JWKS: key.JWKS()}},
			{ID: "app-nurse", Name: "Night nurse", Template: directory.AgentTemplate},
			{ID: "app-relief", Name: "Relief", Template: directory.AgentTemplate},
			{ID: "app-kiosk", Name: "Kiosk", Template: directory.DeviceTemplate},
		} {
			if _, _, err := d.AddClient(w.t.Context(), n); err != nil {
				return err
			}
		}
		chat, err := d.ClientRecord(w.t.Context(), "vet-assist-ai")
		if err != nil {
			return err
		}
		on, agent := true, "app-nurse"
		_, err = d.UpdateClient(w.t.Context(), chat.Value.ID, chat.Version, directory.ClientEdit{RequirePushed: &on, MayAct: &agent, LogoutURIs: &[]string{"https://vet.example/bye"}})
		return err
	})
}
