package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vetassist/vetassist/shared/config"
)

// TestBrowserFourClicks: from the base URL to Bob's answer, drawn as a diagram, with four clicks and no key.
func TestBrowserFourClicks(t *testing.T) {
	b := newTab(t, chromium(t), newWorld(t, pictured).URL)
	film := &film{tab: b, dir: screenshotDir(t)}
	b.do(size(1280, 760, false))
	b.open("/")
	b.see("strong", "Every step appears here")
	film.take(120)
	clicks := 0
	click := func(element, words string) {
		clicks++
		b.click(element, words)
	}
	click("button", "When is Fido's next vaccination?")
	b.see("a", "Log in and connect")
	b.until(`document.querySelectorAll("#flow-panel svg [data-step]").length > 5`)
	film.take(220)
	click("a", "Log in and connect")
	b.see("button", "Continue as bob")
	film.take(150)
	click("button", "Continue as bob")
	b.see("button", "Deny")
	film.take(180)
	click("button", "Allow")
	b.see("article", "Rabies")
	if clicks > 4 {
		t.Errorf("%d clicks", clicks)
	}
	readmeSays(t, "It takes four clicks to Bob's answer: *When is Fido's next vaccination?*, **Log in and connect**, **Continue as bob**")
	b.until(`["Done", "get_pet_vaccination_info"].every((words) => document.querySelector("#flow-panel").textContent.includes(words))`) // all is written by then
	for _, lane := range []string{"Browser", "Vet Assist AI", "Authorization server", "VetAssist MCP server"} {
		if !eval[bool](b, fmt.Sprintf(`[...document.querySelectorAll("#flow-panel .flow-lane title")].some((e) => e.textContent === %q)`, lane)) {
			t.Errorf("the diagram has no lane %q", lane)
		}
	}
	b.arrows(t, connectStory)
	if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("chat and diagram are wider than the window")
	}
	film.take(200)
	for eval[bool](b, `(() => { const s = document.querySelector("#flow-panel .flow-scroll"); s.scrollTop += 130; return s.scrollTop + s.clientHeight < s.scrollHeight - 2; })()`) {
		film.take(22)
	}
	film.take(120)
	eval[any](b, `document.querySelector('#flow-panel [aria-label*="Token issue: allowed"]').dispatchEvent(new MouseEvent("click", { bubbles: true }))`)
	b.see("caption", "The four sets")
	film.take(350)
}

// film takes the pictures of the README's moving one; the name of each ends in how long it is shown, in hundredths of a second.
type film struct {
	*tab
	dir   string
	taken int
}

func (f *film) take(hundredths int) {
	f.t.Helper()
	f.taken++
	png, err := chromedp.Run(f.ctx, chromedp.CaptureScreenshot())
	f.must(err)
	if err := os.WriteFile(filepath.Join(f.dir, fmt.Sprintf("film-%02d-%d.png", f.taken, hundredths)), png, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// TestBrowserFlows opens every arrow and every note of three flows, and looks at all pages of the recorder.
func TestBrowserFlows(t *testing.T) {
	library := axe(t)
	browser := chromium(t)
	dir := screenshotDir(t)
	w := newWorld(t)
	b := newTab(t, browser, w.URL)
	b.open("/flow/")
	b.see("strong", "Nothing is here yet")
	b.open("/")
	b.flowShots(library, dir, "chat-before")
	stories := []struct{ name, title string }{}
	did := func(name, title string) { stories = append(stories, struct{ name, title string }{name, title}) }

	b.say("When is Fido's next vaccination?")
	b.see("a", "Log in and connect")
	b.click("a", "Log in and connect")
	b.login("bob")
	b.see("button", "Deny")
	b.click("button", "Allow")
	b.see("article", "Rabies")
	did("connect", "When is Fido's next vaccination?")
	w.clock.turn(time.Second) // the list shows them in order
	b.say("Book an appointment for Fido next Tuesday at 10")
	b.click("a", "Review and allow")
	b.see("button", "Deny")
	b.click("button", "Allow")
	b.see("article", "Appointment booked")
	did("step-up", "Book an appointment for Fido next Tuesday at 10")
	w.clock.turn(time.Second)
	b.say("Change Fido's weight to 30 kg")
	b.see("article", "Pet Owner")
	did("refusal", "Change Fido's weight to 30 kg")
	b.until(`document.querySelectorAll("#flow-panel svg [data-step]").length > 5`)
	b.flowShots(library, dir, "chat")

	ids := map[string]string{}
	t.Run("list", func(t *testing.T) {
		b := b.in(t)
		b.open("/flow/")
		b.see("h1", "What really happened")
		for _, s := range stories {
			ids[s.name] = eval[string](b, fmt.Sprintf(`[...document.querySelectorAll(".flow-title")].find((a) => a.textContent === %q)?.pathname.split("/").pop() ?? ""`, s.title))
			if ids[s.name] == "" {
				t.Errorf("no flow %q", s.title)
			}
		}
		if got := eval[[]string](b, `[...document.querySelectorAll(".flow-title")].map((a) => a.textContent)`); !slices.Equal(got, []string{stories[2].title, stories[1].title, stories[0].title}) {
			t.Errorf("the newest is not first: %q", got)
		}
		if got := eval[[]string](b, `[...document.querySelectorAll(".flow-line .flow-outcome")].map((a) => a.textContent)`); !slices.Equal(got, []string{"Refused", "Done", "Done"}) {
			t.Errorf("outcomes: %q", got)
		}
		b.flowShots(library, dir, "list")
		b.open("/flow/?outcome=refused")
		b.see("a", stories[2].title)
		if n := eval[int](b, `document.querySelectorAll(".flow-line").length`); n != 1 {
			t.Errorf("%d flows are refused", n)
		}
		b.open("/flow/?q=zzz")
		b.see("p", "No flow fits that")
		b.flowShots(library, dir, "list-none")
	})
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { b.in(t).everyStep(t, ids[s.name], s.name != "refusal") })
	}
	t.Run("looks", func(t *testing.T) {
		b := b.in(t)
		for _, s := range stories {
			b.open("/flow/" + ids[s.name])
			b.until(`document.querySelectorAll("svg [data-step]").length > 5`)
			b.flowShots(library, dir, s.name)
		}
		b.open("/flow/" + ids["connect"] + "#step-2")
		b.see("h3", "Repeat it")
		b.flowShots(library, dir, "open-arrow")
	})
	t.Run("by keyboard", func(t *testing.T) {
		b := b.in(t)
		b.open("/flow/" + ids["connect"])
		b.until(`document.querySelectorAll("svg [data-step]").length > 5`)
		b.tabTo(`e.dataset.step === "1"`)
		at := func(want string) {
			t.Helper()
			if got := eval[string](b, `document.activeElement.dataset.step ?? document.activeElement.tagName`); got != want {
				t.Errorf("the focus is on %s, not %s", got, want)
			}
		}
		b.press(kb.ArrowRight)
		at("1.1")
		b.press(kb.End)
		b.press(kb.ArrowLeft)
		b.press(kb.Home)
		at("1")
		b.press(kb.ArrowRight + kb.ArrowRight)
		at("2")
		b.press(kb.Enter)
		b.see("h2", "POST /mcp")
		b.until(`document.activeElement.tagName === "H2"`)
		b.press(kb.ArrowRight) // the next one, which is open at once
		b.see("h2", "Token check")
		b.press(kb.Escape)
		b.until(`!document.querySelector(".flow-details").checkVisibility()`)
		at("2.1")
		if hash := eval[string](b, `location.hash`); hash != "" {
			t.Errorf("nothing is open at %s", hash)
		}
		b.do(size(390, 844, true)) // a phone has the list
		b.until(`document.querySelectorAll("ol [data-step]").length > 5 && !document.querySelector(".flow-svg")`)
		b.click("button", "needs a token")
		b.see("h3", "Repeat it")
		b.do(size(1280, 900, false))
	})
	t.Run("the panel stays closed", func(t *testing.T) {
		b := b.in(t)
		b.open("/")
		b.until(`document.querySelectorAll("#flow-panel svg [data-step]").length > 5`)
		b.do(chromedp.Click(chromedp.CSS(`#flow-panel [aria-label="Close the flight recorder"]`)))
		b.see("button", "Show what happens")
		b.open("/")
		b.see("button", "Show what happens")
		if eval[bool](b, `document.querySelector("#flow-panel").checkVisibility()`) {
			t.Error("it is open again")
		}
		b.click("button", "Show what happens")
		b.until(`document.querySelectorAll("#flow-panel svg [data-step]").length > 5`)
	})
	t.Run("compare", func(t *testing.T) {
		b := b.in(t)
		b.open("/flow/")
		b.do(chromedp.Click(chromedp.CSS(`[value="`+ids["connect"]+`"]`)), chromedp.Click(chromedp.CSS(`[value="`+ids["step-up"]+`"]`)))
		b.do(chromedp.Click(chromedp.CSS("#compare")))
		b.see("h1", "Two flows side by side")
		if at := eval[string](b, `location.search`); at != "?left="+ids["connect"]+"&right="+ids["step-up"] {
			t.Errorf("the older one is not on the left: %s", at)
		}
		for _, kind := range []string{"same", "differs", "left"} {
			if eval[int](b, `document.querySelectorAll("tr.flow-`+kind+`").length`) == 0 {
				t.Errorf("no step is %s", kind)
			}
		}
		b.flowShots(library, dir, "compare")
		b.click("label", "Show only what differs")
		b.until(`!document.querySelector("tr.flow-same").checkVisibility()`)
	})
}

// TestBrowserCompare: an administrator sees in which step Bob was refused and Carol was not.
func TestBrowserCompare(t *testing.T) {
	library := axe(t)
	browser := chromium(t)
	w := newWorld(t)
	for _, who := range []struct {
		name, first, until string
		stepUp             bool
	}{{"bob", "Which pets do I have?", "Pet Owner", false}, {"carol", "Show me all pets", "30 kg", true}} {
		b := newTab(t, browser, w.URL)
		b.open("/")
		b.say(who.first)
		b.see("a", "Log in and connect")
		b.click("a", "Log in and connect")
		b.login(who.name)
		b.see("button", "Deny")
		b.click("button", "Allow")
		b.see("article", "Fido")
		w.clock.turn(time.Second)
		b.say("Change Fido's weight to 30 kg")
		if who.stepUp {
			b.see("a", "Review and allow")
			b.click("a", "Review and allow")
			b.see("button", "Deny")
			b.click("button", "Allow")
		}
		b.see("article", who.until)
		w.clock.turn(time.Second)
	}
	b := newTab(t, browser, w.URL)
	b.open("/oauth/login")
	b.login("admin")
	b.see("h1", "account")
	b.open("/flow/?q=weight")
	b.see("p", "Carol Reyes (carol)")
	if got := eval[[]string](b, `[...document.querySelectorAll(".flow-line .flow-outcome")].map((a) => a.textContent)`); !slices.Equal(got, []string{"Done", "Refused"}) {
		t.Errorf("outcomes: %q", got)
	}
	eval[any](b, `document.querySelectorAll("[name=flow]").forEach((box) => box.click())`)
	b.do(chromedp.Click(chromedp.CSS("#compare")))
	b.see("h1", "Two flows side by side")
	b.see("tr[contains(@class, 'flow-differs')]", "Tool check: refused")
	b.see("th", "Bob Miller (bob)")
	b.flowShots(library, screenshotDir(t), "compare-people")
}

// everyStep opens each arrow and note, by mouse, and checks that it is explained. consents says that somebody consents in this flow.
func (b *tab) everyStep(t *testing.T, id string, consents bool) {
	b.open("/flow/" + id)
	b.until(`document.querySelectorAll("svg [data-step]").length > 5`)
	type explained struct{ Step, Wrong string }
	wrong, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]explained](strings.ReplaceAll(`(async () => {
		const wrong = [];
		let sets = 0, claims = 0;
		const steps = [...document.querySelectorAll("svg [data-step]")].map((e) => e.dataset.step);
		for (const step of steps) {
			const said = (what) => wrong.push({ Step: step + " " + document.querySelector('svg [data-step="' + step + '"]').getAttribute("aria-label"), Wrong: what });
			document.querySelector('svg [data-step="' + step + '"]').dispatchEvent(new MouseEvent("click", { bubbles: true }));
			const sheet = document.querySelector(".flow-details");
			for (let i = 0; i < 500 && !(location.hash === "#step-" + step && sheet.querySelector(".flow-curl") && sheet.dataset.step === step); i++) {
				await new Promise((done) => setTimeout(done, 10));
			}
			if (sheet.dataset.step !== step) { said("does not open"); continue; }
			const text = sheet.textContent;
			if (!/Request/.test(text)) said("no request");
			if (!/Response/.test(text)) said("no response");
			if (!sheet.querySelector(".flow-rule a[href^='https://']")) said("no rule with a link");
			if (!(sheet.querySelector(".flow-rule p")?.textContent.length > 20)) said("no sentence of a rule");
			if (!sheet.querySelector(".flow-curl pre")?.textContent.includes("curl")) said("no curl");
			if (step.includes(".") && !sheet.querySelector(".flow-verdict")?.textContent.trim().length) said("no decision");
			if (sheet.querySelector(".flow-verdict .refused") && !sheet.querySelector(".flow-compared, .flow-sets")) said("refused, and nothing compared");
			sets += sheet.querySelectorAll(".flow-sets").length;
			claims += sheet.querySelectorAll(".flow-claims").length;
			for (const row of sheet.querySelectorAll(".flow-claims tbody tr")) {
				if (!row.lastElementChild.textContent.trim()) said("claim without a meaning: " + row.textContent);
			}
		}
		if (!claims) wrong.push({ Step: "all", Wrong: "no token is explained" });
		if (!sets && ${consents}) wrong.push({ Step: "all", Wrong: "the four sets are nowhere" });
		return wrong;
	})()`, "${consents}", strconv.FormatBool(consents)), chromedp.EvalAwaitPromise))
	b.must(err)
	for _, w := range wrong {
		t.Errorf("%s: %s", w.Step, w.Wrong)
	}
}

// flowShots takes a page as a desktop and a phone show it, in both colours, and has axe-core look at each.
func (b *tab) flowShots(library, dir, name string) {
	b.t.Helper()
	for _, width := range []int64{1440, 390} {
		b.do(size(width, 900, width < 500))
		b.until(`!document.querySelector(".flow-details[aria-busy]")`)
		if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
			b.t.Errorf("%s is wider than a window of %d", name, width)
		}
		b.accessible(library, fmt.Sprintf("%s at %d", name, width))
		b.looks(dir, fmt.Sprintf("%s-%d", name, width))
	}
	b.do(size(1280, 900, false))
}

// connectStory is what the connect is about, in its order: parts of what a screen reader says of the arrows.
var connectStory = []string{
	"Browser asks Vet Assist AI: POST /chat",
	"Vet Assist AI asks VetAssist MCP server: POST /mcp",
	"VetAssist MCP server answers Vet Assist AI: 401",
	"/.well-known/oauth-protected-resource",
	"/.well-known/oauth-authorization-server",
	"Browser asks Vet Assist AI: GET /connect",
	"Browser asks Authorization server: GET /oauth/authorize",
	"Browser asks Authorization server: POST /oauth/login",
	"Browser asks Authorization server: POST /oauth/consent",
	"Browser asks Vet Assist AI: GET /callback",
	"Vet Assist AI asks Authorization server: POST /oauth/token",
	"Authorization server answers Vet Assist AI: 200",
	"tools/call get_pet_vaccination_info",
	"VetAssist MCP server answers Vet Assist AI: 200",
}

// arrows checks that the diagram on the page has these, in this order.
func (b *tab) arrows(t *testing.T, want []string) {
	t.Helper()
	said := eval[[]string](b, `[...document.querySelectorAll("svg [data-step]")].map((e) => e.getAttribute("aria-label"))`)
	at := 0
	for _, part := range want {
		for at < len(said) && !strings.Contains(said[at], part) {
			at++
		}
		if at == len(said) {
			t.Fatalf("no arrow %q at its place in\n%s", part, strings.Join(said, "\n"))
		}
	}
}

// looks takes the page as it is, without changing its size, and once more in dark colours.
func (b *tab) looks(dir, name string) {
	b.t.Helper()
	for _, colours := range []string{"light", "dark"} {
		b.do(scheme(colours))
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		b.must(err)
		if err := os.WriteFile(filepath.Join(dir, "flow-"+name+"-"+colours+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(scheme("light"))
}

// TestBrowserLongFlow: a flow of as many exchanges as are kept is drawn at once, and asking for news of it stays cheap.
func TestBrowserLongFlow(t *testing.T) {
	browser := chromium(t)
	w := newWorld(t)
	for range 400 {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/.well-known/oauth-protected-resource", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "Long-Client/1")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	b := newTab(t, browser, w.URL)
	b.open("/oauth/login")
	b.login("admin")
	b.see("h1", "account")
	b.open("/flow/?person=Long-Client")
	b.click("a", "Long-Client")
	b.see("h1", "Long-Client")
	b.until(`document.querySelectorAll("svg [data-step]").length === 800`)
	times := eval[[]float64](b, `(() => {
		const toggle = document.querySelector(".flow-toggle");
		toggle.click();
		const began = performance.now();
		toggle.click();
		const drawn = performance.now();
		document.body.offsetHeight; // with the layout
		return [drawn - began, performance.now() - began];
	})()`)
	t.Logf("800 arrows drawn in %.0f ms, with the layout %.0f ms", times[0], times[1])
	took := times[1]
	if took > 5000 {
		t.Errorf("800 arrows are drawn in %.0f ms", took)
	}
	asked := eval[float64](b, `performance.getEntriesByType("resource").find((e) => e.name.includes("/flow/api/flows/")).duration`)
	t.Logf("asked for in %.0f ms", asked)
}

// TestNoPanelWithoutRecorder: the chat says nothing of what is not there, and the recorder's page says how to have it.
func TestNoPanelWithoutRecorder(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Recorder = config.RecorderOff })
	get := func(path string) string {
		resp, err := http.Get(w.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if page := get("/"); strings.Contains(page, "flow-panel") || strings.Contains(page, "/flow/") {
		t.Error("the chat has a panel that would stay empty")
	}
	if page := get("/flow/"); !strings.Contains(page, "VETASSIST_RECORDER=on") {
		t.Error("the page does not say how to turn the recorder on")
	}
}
