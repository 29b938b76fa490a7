package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// adminTab is a tab with the console, in which the administrator of the demo is logged in.
func adminTab(t *testing.T, browser context.Context, w *world) *tab {
	t.Helper()
	b := newTab(t, browser, w.URL)
	b.open("/admin/")
	b.loginWith("admin", "admin-demo")
	b.click("button", "Allow")
	b.see("h1", "Overview")
	return b
}

// control is the JavaScript for the last control that has a label beginning with these words and can be seen.
func control(label string) string {
	return fmt.Sprintf(`((words) => { const l = [...document.querySelectorAll("label")].filter((l) => l.textContent.trim().startsWith(words) && l.getClientRects().length).at(-1);
		return l && (document.getElementById(l.htmlFor) ?? l.querySelector("input, select, textarea")); })(%q)`, label)
}

// fill replaces what a field holds, with keys.
func (b *tab) fill(label, text string) {
	b.t.Helper()
	b.until(`!!` + control(label))
	eval[any](b, `{ const c = `+control(label)+`; c.focus(); c.select?.(); }`)
	b.press(text)
}

// pick types into a field that finds records, and takes the first one with Enter.
func (b *tab) pick(label, prefix, found string) {
	b.t.Helper()
	b.fill(label, prefix)
	b.see("li[@role='option']", found)
	b.press(kb.ArrowDown + kb.Enter)
}

// until waits until an expression of JavaScript is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(0)))
	b.must(err)
}

// toast waits for what was said of an action and for the screen to follow it, and takes the words away.
func (b *tab) toast(words string) {
	b.t.Helper()
	said := fmt.Sprintf(`[...document.querySelectorAll("#toasts .toast")].find((e) => e.textContent.includes(%q))`, words)
	b.until(`!!` + said)
	eval[any](b, said+`.remove()`)
	b.settled()
}

// screen goes to a screen by its link in the navigation.
func (b *tab) screen(link, heading string) {
	b.t.Helper()
	b.must(b.clickSoon(fmt.Sprintf(`//div[@id="navigation"]//a[normalize-space()=%q]`, link)))
	b.see("h1", heading)
}

// confirm clicks the button of the dialog that is open, and waits until that is gone.
func (b *tab) confirm(action string) {
	b.t.Helper()
	dialogs := eval[int](b, `document.querySelectorAll("dialog[open]").length`)
	b.must(b.clickSoon(fmt.Sprintf(`(//dialog[@open]//button[normalize-space()=%q])[last()]`, action)))
	b.until(fmt.Sprintf(`document.querySelectorAll("dialog[open]").length < %d || !!document.querySelector("dialog [role=alert] .notice, dialog .error:not([hidden])")`, max(dialogs, 1)))
}

// expect takes a complaint about an answer with this status off the tab's list: Chromium notes each 4xx on its console. It
// fails when there is none.
func (b *tab) expect(status string) {
	b.t.Helper()
	for range 500 {
		b.mu.Lock()
		for i, complaint := range b.bad {
			if strings.Contains(complaint, "status of "+status) {
				b.bad = append(b.bad[:i], b.bad[i+1:]...)
				b.mu.Unlock()
				return
			}
		}
		b.mu.Unlock()
		b.pass(20 * time.Millisecond) // the browser tells of it by another way than that of the page
	}
	b.t.Errorf("no answer had the status %s", status)
}

// in is the same tab for a subtest, which must fail by itself and has its own time.
func (b *tab) in(t *testing.T) *tab {
	ctx, cancel := context.WithTimeout(b.life, patience)
	t.Cleanup(cancel)
	return &tab{t: t, ctx: ctx, life: b.life, base: b.base, notes: b.notes}
}

// pass lets time pass in the page.
func (b *tab) pass(d time.Duration) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](fmt.Sprintf(`new Promise((r) => setTimeout(r, %d)).then(() => null)`, d.Milliseconds()), chromedp.EvalAwaitPromise))
	b.must(err)
}

// axe is the axe-core library, which scripts/axe fetches.
func axe(t *testing.T) string {
	t.Helper()
	name := os.Getenv("VETASSIST_AXE")
	if name == "" {
		if os.Getenv("VETASSIST_REQUIRE_BROWSER") == "1" {
			t.Fatal("VETASSIST_AXE does not name the file axe.min.js; scripts/axe fetches it and prints its name")
		}
		t.Skip("VETASSIST_AXE does not name the file axe.min.js: accessibility is not checked. scripts/axe fetches it and prints its name")
	}
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// accessible fails on every serious or critical finding of axe-core, in both colour schemes.
func (b *tab) accessible(axe, name string) {
	b.t.Helper()
	for _, colours := range []string{"light", "dark"} {
		b.do(scheme(colours))
		eval[any](b, axe+"; null")
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run().then((r) => r.passes.length < 10 ? ["axe found next to nothing to look at"] : r.violations
			.filter((v) => v.impact === "serious" || v.impact === "critical").flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html)))`, chromedp.EvalAwaitPromise))
		b.must(err)
		for _, finding := range found {
			b.t.Errorf("%s, %s: %s", name, colours, finding)
		}
	}
	b.do(scheme("light"))
}

// settled waits for the screen after a click that leads elsewhere.
func (b *tab) settled() {
	b.t.Helper()
	b.until(`!document.querySelector("#console").hasAttribute("aria-busy")`)
}
