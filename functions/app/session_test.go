package app

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/app/assistant"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/web"
)

// TestNothingInTheStoreOpens searches every byte that was ever written for every secret that ever was.
func TestNothingInTheStoreOpens(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	cookies := []string{}
	p.get(p.say("vaccination").AuthorizeURL)
	cookies = append(cookies, p.cookie())
	p.get(p.say("book").AuthorizeURL)
	cookies = append(cookies, p.cookie())
	w.pass(w.ttl)
	p.say("vaccination") // refreshes
	for _, q := range w.authorize {
		w.secrets = append(w.secrets, q.Get("state"))
	}
	secrets := append(w.secrets, cookies...)
	if len(secrets) < 14 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	written := w.store.written.String()
	for _, s := range secrets {
		if strings.Contains(written, s) {
			t.Errorf("%q is in the store", s)
		}
	}
	if !strings.Contains(written, `"access":"`) || !strings.Contains(written, web.Hash(cookies[1])) {
		t.Error("looked in the wrong place")
	}
}

func TestSealed(t *testing.T) {
	w := newWorld(t)
	a := &app{rand: zeros{}, now: w.now}
	b, _, err := a.newBrowser(session{}, "")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := b.seal("access token", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.open("access token", sealed); err != nil || got != "secret" {
		t.Errorf("%q %v", got, err)
	}
	for name, tc := range map[string][2]string{
		"another name": {"refresh token", sealed}, "changed": {"access token", sealed[:len(sealed)-2] + "AA"}, "short": {"access token", "AAAA"}, "no base64": {"access token", "%"},
	} {
		if got, err := b.open(tc[0], tc[1]); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSessionExpiry(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.pass(sessionIdle - time.Minute)
	if _, page := p.get("/"); !strings.Contains(page, "answer of get_pet") {
		t.Error("ended too early")
	}
	w.pass(sessionIdle - time.Minute) // looking at the page put the end off
	if _, page := p.get("/"); !strings.Contains(page, "answer of get_pet") {
		t.Error("looking does not keep it alive")
	}
	old := p.cookie()
	w.pass(sessionIdle + time.Minute)
	_, page := p.get("/")
	if strings.Contains(page, "answer of get_pet") || !strings.Contains(page, "Your earlier conversation here has ended") {
		t.Errorf("%s", page)
	}
	if a := p.say("vaccination"); a.AuthorizeURL == "" || !strings.Contains(a.Reply, "Your earlier session here ended") {
		t.Errorf("%+v", a)
	}
	if p.cookie() == old {
		t.Error("an ended cookie lives again")
	}
}

// TestVisit: a session that was never connected ends soon, with its conversation.
func TestVisit(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	p.say("hello")
	w.pass(visitIdle - time.Second)
	if _, page := p.get("/"); !strings.Contains(page, "You said: hello") {
		t.Error("ended too early")
	}
	w.pass(visitIdle)
	if _, page := p.get("/"); strings.Contains(page, "You said: hello") || !strings.Contains(page, "Your earlier conversation here has ended") {
		t.Errorf("%s", page)
	}
}

func TestManyNewSessions(t *testing.T) {
	w := newWorld(t)
	known := w.person()
	known.say("hello")
	for range sessionsAtOnce - 1 {
		w.person().say("hello")
	}
	resp, err := w.person().Post(w.app.URL+"/chat", "application/json", strings.NewReader(`{"message":"hello"}`))
	status, body := known.read(resp, err)
	if status != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"error":"busy"`) || len(resp.Cookies()) != 0 {
		t.Errorf("%d %v %s", status, resp.Header, body)
	}
	known.say("hello again")
	w.pass(time.Second)
	w.person().say("hello")
}

func TestCookie(t *testing.T) {
	w := newWorld(t)
	resp, err := http.Post(w.app.URL+"/chat", "application/json", strings.NewReader(`{"message":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c := resp.Cookies()[0]
	if c.Name != "vetassist_app" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	// A planted cookie of good form is not taken on.
	planted := strings.Repeat("A", 43)
	req, err := http.NewRequest(http.MethodPost, w.app.URL+"/chat", strings.NewReader(`{"message":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.AddCookie(&http.Cookie{Name: "vetassist_app", Value: planted})
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(resp.Cookies()) == 0 || resp.Cookies()[0].Value == planted {
		t.Error("the planted cookie became a session")
	}
}

// TestOldCookieIsNothing: who planted the cookie before the login cannot use it after.
func TestOldCookieIsNothing(t *testing.T) {
	w := newWorld(t)
	p, thief := w.person(), w.person()
	a := p.say("vaccination")
	u, err := url.Parse(p.base)
	if err != nil {
		t.Fatal(err)
	}
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: "vetassist_app", Value: p.cookie()}})
	p.get(a.AuthorizeURL)
	if _, page := thief.get("/"); strings.Contains(page, "answer of get_pet") {
		t.Error("the old cookie shows the conversation")
	}
	if status, body := thief.post("/chat", "application/json", `{"message":"vaccination"}`); status != http.StatusConflict || !strings.Contains(body, `"error":"moved"`) {
		t.Errorf("just after the login: %d %s", status, body)
	}
	w.pass(movedLife)
	if thief.say("vaccination").Connected {
		t.Error("the old cookie is connected")
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	status, page := p.post("/logout", "application/x-www-form-urlencoded", "")
	if status != http.StatusOK || !strings.Contains(page, "may still be there") || !strings.Contains(page, "/connect?switch=1") {
		t.Errorf("%d %s", status, page)
	}
	if len(w.revoked) != 1 || len(w.refreshes) != 0 || p.cookie() != "" {
		t.Errorf("revoked %v, left %v, cookie %q", w.revoked, w.refreshes, p.cookie())
	}
	// As somebody else: a fresh login, a new conversation, the first scopes only.
	if _, page := p.click("/connect?switch=1"); !strings.Contains(page, "Connected to VetAssist") {
		t.Errorf("%s", page)
	}
	q := w.authorize[len(w.authorize)-1]
	if q.Get("prompt") != "login" || q.Get("scope") != "pet-profile:read" {
		t.Errorf("%v", q)
	}
	if status, _ := w.person().post("/logout", "application/x-www-form-urlencoded", ""); status != http.StatusOK {
		t.Errorf("without a session: %d", status)
	}
}

// TestSomebodyElseFromTheCard: before anybody was connected there is nothing to leave behind, so the question goes on.
func TestSomebodyElseFromTheCard(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	p.say("vaccination")
	_, page := p.get("/")
	link := regexp.MustCompile(`href="(/connect\?for=[^"]*switch=1)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the card has no such link: %s", page)
	}
	_, page = p.click(html.UnescapeString(link[1]))
	if q := w.authorize[len(w.authorize)-1]; q.Get("prompt") != "login" || !strings.Contains(page, "ok answer of get_pet_vaccination_info") {
		t.Errorf("prompt %q: %s", q.Get("prompt"), page)
	}
}

func TestLogoutWithoutRevocation(t *testing.T) {
	w := newWorld(t)
	w.metadata = func(m map[string]any) { delete(m, "revocation_endpoint") }
	if _, page := w.connected().post("/logout", "application/x-www-form-urlencoded", ""); !strings.Contains(page, "could not be told") {
		t.Errorf("%s", page)
	}
}

func TestSwitchWhileConnected(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	p.get(p.say("book").AuthorizeURL)
	_, page := p.get("/connect?switch=1")
	if strings.Contains(page, "answer of") || !strings.Contains(page, "Connected to VetAssist") {
		t.Errorf("the next person sees what the one before did: %s", page)
	}
	if q := w.authorize[len(w.authorize)-1]; q.Get("scope") != "pet-profile:read" {
		t.Errorf("asks the next person for %q", q.Get("scope"))
	}
}

func TestStartOver(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	_, page := p.post("/new", "application/x-www-form-urlencoded", "")
	if strings.Contains(page, "answer of") || !strings.Contains(page, "Connected</summary>") {
		t.Errorf("%s", page)
	}
	if status, _ := w.person().post("/new", "application/x-www-form-urlencoded", ""); status != http.StatusOK {
		t.Errorf("without a session: %d", status)
	}
}

// alone is an assistant that must not be asked by two at once.
type alone struct {
	script
	t    *testing.T
	busy *atomic.Bool
}

func (a alone) Next(ctx context.Context, turn assistant.Turn) (assistant.Step, error) {
	if !a.busy.CompareAndSwap(false, true) {
		a.t.Error("two turns of one session at once")
	}
	defer a.busy.Store(false)
	return a.script.Next(ctx, turn)
}

// TestConcurrentMessages: one after the other is answered, and all of them are kept.
func TestConcurrentMessages(t *testing.T) {
	w := newWorld(t)
	w.app = w.start(func(c *Config) { c.Assistant = alone{t: t, busy: new(atomic.Bool)} })
	p := w.connected()
	var wg sync.WaitGroup
	for i := range maxInLine {
		wg.Go(func() {
			status, body := p.post("/chat", "application/json", `{"message":"number `+string(rune('a'+i))+`"}`)
			if status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	wg.Wait()
	_, page := p.get("/")
	for i := range maxInLine {
		if !strings.Contains(page, "<p>number "+string(rune('a'+i))+"</p>") {
			t.Errorf("message %d is lost", i)
		}
	}
}

// TestContended answers 409 when a conversation never rests.
func TestContended(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	busy := &busyStore{Store: w.store}
	second := w.start(func(c *Config) { c.Store = busy })
	p.base = second.URL
	if status, body := p.post("/chat", "application/json", `{"message":"hello"}`); status != http.StatusConflict || !strings.Contains(body, `"error":"conflict"`) {
		t.Errorf("%d %s", status, body)
	}
}

// busyStore lets somebody else be faster with every conversation.
type busyStore struct{ store.Store }

func (b *busyStore) Write(ctx context.Context, ops ...store.Op) error {
	for _, op := range ops {
		if strings.HasPrefix(op.Item.Partition, conversationPartition) {
			return &store.ConflictError{}
		}
	}
	return b.Store.Write(ctx, ops...)
}

func TestBrokenStore(t *testing.T) {
	w := newWorld(t)
	broken := w.start(func(c *Config) { c.Store = brokenStore{} })
	p := w.person()
	p.base = broken.URL
	if status, body := p.post("/chat", "application/json", `{"message":"hello"}`); status != http.StatusInternalServerError || strings.Contains(body, "disk on fire") || !strings.Contains(body, `"error":"internal"`) {
		t.Errorf("%d %s", status, body)
	}
}

type brokenStore struct{}

var errFire = errors.New("disk on fire")

func (brokenStore) Get(context.Context, string, string) (store.Item, error) {
	return store.Item{}, errFire
}
func (brokenStore) List(context.Context, store.Query) (store.Page, error) {
	return store.Page{}, errFire
}
func (brokenStore) Write(context.Context, ...store.Op) error { return errFire }
