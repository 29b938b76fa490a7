package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vetassist/vetassist/functions/learn/course"
)

// TestBrowserCourse opens every lesson, sees a check pass while the page is open, and moves the clock.
func TestBrowserCourse(t *testing.T) {
	library := axe(t)
	browser := chromium(t)
	dir := screenshotDir(t)
	w := newWorld(t)
	b := newTab(t, browser, w.URL)
	b.open("/")
	b.open("/learn/ask")
	b.see("li", "open")
	if n := eval[int](b, `document.querySelectorAll("li.passed").length`); n != 0 {
		t.Errorf("%d checks are passed at the beginning", n)
	}

	// Something happens in another window of this browser, and the page says so by itself.
	eval[any](b, `fetch("/chat", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({message: "When is Fido's next vaccination?"})}); null`)
	b.until(`document.querySelector("[data-check=turned-away]").classList.contains("passed")`)
	if said := eval[string](b, `document.querySelector("[data-said]").textContent`); said != "Passed: The MCP server turned the app away" {
		t.Errorf("a screen reader hears %q", said)
	}
	if href := eval[string](b, `document.querySelector("[data-check=turned-away] a").getAttribute("href")`); len(href) != len("/flow/")+32 {
		t.Errorf("the link to the flow is %q", href)
	}

	b.open("/")
	b.click("a", "Log in and connect")
	b.login("bob")
	b.click("button", "Allow")
	b.see("article", "Rabies")
	b.open("/learn/")
	b.until(`document.querySelector("[data-lesson=ask]").classList.contains("passed")`)
	look := func(t *testing.T, b *tab, name string) {
		t.Helper()
		b.shot(dir, "course-"+name)
		b.accessible(library, name)
	}
	look(t, b, "list")
	for _, l := range course.Lessons {
		t.Run(l.ID, func(t *testing.T) {
			b := b.in(t)
			b.open("/learn/" + l.ID)
			b.see("h1", l.Title)
			if n := eval[int](b, `document.querySelectorAll("[data-check]").length`); n != len(l.Checks) {
				t.Errorf("%d checks, want %d", n, len(l.Checks))
			}
			look(t, b, l.ID)
		})
	}

	t.Run("clock", func(t *testing.T) {
		b := b.in(t)
		b.open("/learn/time")
		b.do(chromedp.SetValue(chromedp.CSS("#forward"), "1d"))
		b.click("button", "Move")
		b.see("p", "which is 1 day ahead")
		if at := eval[string](b, `location.pathname`); at != "/learn/time" {
			t.Errorf("the form leads to %s", at)
		}
	})

	t.Run("board", func(t *testing.T) {
		b := b.in(t)
		b.open("/learn/board")
		b.expect("403")
		b.see("p", "The board is for administrators")
		look(t, b, "no-board")
		admin := newTab(t, browser, w.URL)
		admin.open("/oauth/login")
		admin.login("admin")
		admin.see("h1", "Your account")
		admin.open("/learn/board")
		admin.see("td", "✓")
		look(t, admin, "board")
	})

	t.Run("commands on a phone", func(t *testing.T) {
		b := b.in(t)
		b.do(size(390, 844, false))
		b.open("/learn/attacks")
		if eval[bool](b, `[...document.querySelectorAll(".words pre")].some((p) => p.scrollWidth > p.clientWidth)`) {
			t.Error("a command to paste is cut off")
		}
	})

	t.Run("no such lesson", func(t *testing.T) {
		b := b.in(t)
		b.open("/learn/no-such-lesson")
		b.expect("404")
		b.see("h1", "There is no such lesson")
	})
}
