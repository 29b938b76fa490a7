package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// patience bounds one subtest, so that a page that never comes is a failure and not a hang.
const patience = 90 * time.Second

func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("VETASSIST_REQUIRE_BROWSER") == "1" {
		t.Fatal("no Chromium on the PATH, and VETASSIST_REQUIRE_BROWSER=1 says that there must be one")
	}
	t.Skip("no Chromium on the PATH: the browser story needs one")
	return ""
}

// chromium starts a browser with a fresh profile; each tab of it has cookies of its own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	profile, err := os.MkdirTemp("", "vetassist-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("headless", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-prefers-reduced-motion", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses to run as root
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser's end
		cancel()
		stop()
		os.RemoveAll(profile) // some helper process may still write there; it lies in a temporary folder anyway
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// action is a step that a tab takes.
type action = chromedp.Action[chromedp.Void]

// command is a command of the DevTools protocol as an action.
func command[P, R any](c cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// tab is a window of its own, as of another person. It notes whatever the browser complains about.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	mu   sync.Mutex
	bad  []string
	gone map[string]bool // hosts that were asked for something
}

func newTab(t *testing.T, browser context.Context, base string, actions ...action) *tab {
	t.Helper()
	b := &tab{t: t, base: base, gone: map[string]bool{}}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	b.do(command(audits.Enable, cdp.Empty{}), size(1280, 900, false)) // the tab lives as long as the context of its first action
	ctx, stop := context.WithTimeout(ctx, patience)
	t.Cleanup(stop)
	b.ctx = ctx
	b.do(actions...)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, complaint := range b.bad {
			t.Errorf("the browser complains: %s", complaint)
		}
		for host := range b.gone {
			if host != strings.TrimPrefix(base, "http://") {
				t.Errorf("a page wanted something of %s", host)
			}
		}
	})
	return b
}

// listen collects errors of scripts and console, broken rules of the Content-Security-Policy, and where requests go.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, fmt.Sprintf("script: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.bad = append(b.bad, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.bad = append(b.bad, e.Entry.Text+" "+e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Details.ContentSecurityPolicyIssueDetails != nil {
			b.bad = append(b.bad, fmt.Sprintf("CSP: %+v", *e.Issue.Details.ContentSecurityPolicyIssueDetails))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Host != "" {
			b.gone[u.Host] = true
		}
	}
}

func (b *tab) do(actions ...action) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, actions...))
}

func (b *tab) must(err error) {
	b.t.Helper()
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it did not come")
	}
	if err != nil {
		b.t.Fatalf("%v; the page is %s", err, b.look())
	}
}

// eval returns the value of an expression of JavaScript.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	b.must(err)
	return v
}

// look describes the page for a failure's message, by a clock of its own.
func (b *tab) look() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 5*time.Second)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return err.Error()
	}
	return at + ":\n" + text
}

func (b *tab) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.base + path)) }

// see waits until an element with these words is visible.
func (b *tab) see(element, words string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(fmt.Sprintf(`//%s[contains(normalize-space(), %q)]`, element, words)))
}

// click clicks the last element with these words.
func (b *tab) click(element, words string) {
	b.t.Helper()
	b.do(chromedp.Click(fmt.Sprintf(`(//%s[contains(normalize-space(), %q)])[last()]`, element, words)))
}

// say types a message and sends it with Enter.
func (b *tab) say(message string) {
	b.t.Helper()
	b.do(chromedp.WaitEnabled(chromedp.CSS("#message")), chromedp.SendKeys(chromedp.CSS("#message"), message+kb.Enter))
}

func (b *tab) login(user string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS("#username")),
		chromedp.SendKeys(chromedp.CSS("#username"), user),
		chromedp.SendKeys(chromedp.CSS("#password"), user+"-demo"))
	b.click("button", "Log in")
}

func size(width, height int64, mobile bool) action {
	return command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: mobile})
}

func scheme(name string) action {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// shot takes the page in four ways, and checks that none of them is wider than the window.
func (b *tab) shot(dir, name string) {
	b.t.Helper()
	for _, colours := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			b.do(scheme(colours), size(width, 900, width < 500))
			if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
				b.t.Errorf("%s is wider than a window of %d", name, width)
			}
			capture := chromedp.FullScreenshot(100)
			if eval[bool](b, `!!document.querySelector(".composer")`) { // a chat is as high as the window, and scrolls
				eval[any](b, `scrollTo(0, document.documentElement.scrollHeight)`)
				capture = chromedp.CaptureScreenshot()
			}
			png, err := chromedp.Run(b.ctx, capture)
			b.must(err)
			file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, colours))
			if err := os.WriteFile(file, png, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.do(scheme("light"), size(1280, 900, false))
}

func screenshotDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("VETASSIST_SCREENSHOTS")
	if dir == "" {
		return t.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBrowser is the story in Chromium.
func TestBrowser(t *testing.T) {
	browser := chromium(t)
	dir := screenshotDir(t)

	t.Run("story", func(t *testing.T) {
		b := newTab(t, browser, newWorld(t).URL)
		b.open("/")
		b.shot(dir, "1-welcome")
		b.say("When is Fido's next vaccination?")
		b.see("a", "Log in and connect")
		b.shot(dir, "2-connect")
		b.click("a", "Log in and connect")
		b.do(chromedp.WaitVisible(chromedp.CSS("#username")))
		b.shot(dir, "3-login")
		b.login("bob")
		b.see("button", "Deny")
		b.shot(dir, "4-consent")
		b.click("button", "Allow")
		b.see("article", "Rabies")
		b.click("summary", "get_pet_vaccination_info")
		b.see("dd", "pet-profile:read")
		b.shot(dir, "5-answer")

		b.say("Book an appointment for Fido next Tuesday at 10")
		b.see("a", "Review and allow")
		b.shot(dir, "6-step-up")
		b.click("a", "Review and allow")
		b.see("li", "appointment:write")
		b.shot(dir, "7-step-up-consent")
		b.click("button", "Allow")
		b.see("article", "Appointment booked: Tuesday, 1 December 2026 at 10:00")
		b.say("Change Fido's weight to 30 kg")
		b.see("article", "Pet Owner")
		b.say("Tell me about Luna")
		b.see("article", "no pet called")
		b.shot(dir, "8-conversation")
		b.click("summary", "Connected")
		b.see("li", "appointment:write")
		b.shot(dir, "9-connection")
		b.click("button", "Log out")
		b.see("h1", "logged out")
		b.shot(dir, "10-logged-out")

		b.do(chromedp.Click(chromedp.CSS(`a[href="/connect?switch=1"]`)))
		b.login("carol")
		b.click("button", "Allow")
		b.see("summary", "Connected")
		b.say("Show me all pets")
		b.see("article", "Luna")
		b.say("Change Fido's weight to 30 kg")
		b.click("a", "Review and allow")
		b.click("button", "Allow")
		b.see("article", "30 kg")
		b.shot(dir, "11-staff")
	})

	t.Run("consent with a refusal in it", func(t *testing.T) {
		w := newWorld(t)
		b := newTab(t, browser, w.URL)
		all := "pet-profile:read pet-profile:write appointment:read appointment:write reminder:read reminder:write"
		b.open("/oauth/authorize?" + w.request(url.Values{"scope": {all}}).Encode())
		b.login("bob")
		b.see("h2", "not available to you")
		b.shot(dir, "12-consent-long")
		b.click("button", "Switch user")
		b.login("admin")
		b.see("h1", "nothing here that you could allow")
		b.shot(dir, "13-nothing-to-allow")
	})

	t.Run("without scripts", func(t *testing.T) {
		b := newTab(t, browser, newWorld(t).URL, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		b.open("/")
		b.do(chromedp.SendKeys(chromedp.CSS("#message"), "When is Fido's next vaccination?"), chromedp.Click(chromedp.CSS("button.send")))
		b.click("a", "Log in and connect")
		b.login("bob")
		b.click("button", "Allow")
		b.see("article", "Rabies")
	})

	t.Run("back to another port", func(t *testing.T) { toAnotherPort(t, browser) })
	t.Run("by keyboard", func(t *testing.T) { byKeyboard(t, browser) })
}

// toAnotherPort: Chromium applies a page's form-action to the redirect that follows the form. With 'self' there, this
// client's answer would never arrive.
func toAnotherPort(t *testing.T, browser context.Context) {
	w := newWorld(t)
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, `<!doctype html><link rel="icon" href="data:,"><h1>Back at the client</h1><p>%s</p>`, url.QueryEscape(r.FormValue("error")+r.FormValue("state")))
	}))
	defer host.Close()
	redirect := host.URL + "/callback"
	w.change(func(d *directory.Directory) error {
		return d.PutClient(t.Context(), directory.Client{ID: "elsewhere", Name: "Another Client", ApplicationType: "native", RedirectURIs: []string{redirect},
			GrantTypes: []string{"authorization_code"}, Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}, store.IfAbsent())
	})
	for decision, want := range map[string]string{"Allow": testState, "Deny": "access_denied" + testState} {
		t.Run(decision, func(t *testing.T) {
			b := newTab(t, browser, w.URL)
			b.open("/oauth/authorize?" + w.request(url.Values{"client_id": {"elsewhere"}, "redirect_uri": {redirect}, "prompt": {"consent"}}).Encode())
			b.login("bob")
			b.see("code", strings.TrimPrefix(host.URL, "http://"))
			b.click("button", decision)
			b.see("h1", "Back at the client")
			b.see("p", want)
			b.mu.Lock()
			delete(b.gone, strings.TrimPrefix(host.URL, "http://")) // where it was meant to go
			b.mu.Unlock()
		})
	}
}

// byKeyboard tells the beginning of the story without a mouse.
func byKeyboard(t *testing.T, browser context.Context) {
	b := newTab(t, browser, newWorld(t).URL)
	b.open("/")
	b.tabTo(`e.id === "message"`)
	b.press("When is Fido's next vaccination?" + kb.Enter)
	b.see("a", "Log in and connect")
	b.tabTo(`e.tagName === "A" && e.textContent.includes("Log in and connect")`)
	b.press(kb.Enter)
	b.do(chromedp.WaitVisible(chromedp.CSS("#username")))
	b.tabTo(`e.id === "username"`)
	b.press("bob" + kb.Tab + "bob-demo" + kb.Enter)
	b.see("button", "Deny")
	b.tabTo(`e.type === "checkbox"`)
	b.press(" ") // off
	b.press(" ") // and on again
	b.tabTo(`e.tagName === "BUTTON" && e.value === "approve"`)
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" || outline == "" {
		t.Error("nothing shows which button has the focus")
	}
	b.press(kb.Enter)
	b.see("article", "Rabies")
	b.tabTo(`e.tagName === "SUMMARY" && e.closest(".calls")`)
	b.press(kb.Enter)
	b.see("dd", "pet-profile:read")
}

func (b *tab) press(keys string) { b.t.Helper(); b.do(chromedp.KeyEvent(keys)) }

// tabTo presses Tab until the element e that has the focus fits.
func (b *tab) tabTo(fits string) {
	b.t.Helper()
	for range 40 {
		if eval[bool](b, `((e) => !!(`+fits+`))(document.activeElement)`) {
			return
		}
		b.press(kb.Tab)
	}
	b.t.Fatalf("Tab does not lead to %s; the page is %s", fits, b.look())
}
