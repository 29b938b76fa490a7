package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	ctx  context.Context // with an end
	life context.Context // without
	base string
	*notes
}

type notes struct {
	mu   sync.Mutex
	bad  []string
	gone map[string]bool // hosts that were asked for something
}

func newTab(t *testing.T, browser context.Context, base string, actions ...action) *tab {
	t.Helper()
	b := &tab{t: t, base: base, notes: &notes{gone: map[string]bool{}}}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx, b.life = ctx, ctx
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
	b.must(b.clickSoon(fmt.Sprintf(`(//%s[contains(normalize-space(), %q)])[last()]`, element, words)))
}

// moved is what chromedp says of an element that was drawn anew, hidden or put elsewhere after it was found, and before the click.
var moved = regexp.MustCompile(`Could not find node|does not have a layout object|invalid dimensions`)

// clickSoon clicks what it finds; when a script draws that part of the page anew between finding and clicking, it looks again,
// as a person would.
func (b *tab) clickSoon(selector string) (err error) {
	for range 10 {
		if err = chromedp.Do(b.ctx, chromedp.Click(selector)); err == nil || !moved.MatchString(err.Error()) {
			return err
		}
	}
	return err
}

// say types a message and sends it with Enter.
func (b *tab) say(message string) {
	b.t.Helper()
	b.do(chromedp.WaitEnabled(chromedp.CSS("#message")))
	b.until(`document.readyState === "complete"`) // the panel's scripts load after the page, and what was found before may be gone then
	b.do(chromedp.SendKeys(chromedp.CSS("#message"), message+kb.Enter))
}

func (b *tab) login(user string) { b.t.Helper(); b.loginWith(user, passwordOf(user)) }

// loginWith fills in the login page and sends it with Enter: it has another button, for passkeys.
func (b *tab) loginWith(user, password string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS("#username")), chromedp.SendKeys(chromedp.CSS("#username"), user), chromedp.SendKeys(chromedp.CSS("#password"), password+kb.Enter))
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
