package oauth_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/secrettest"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
)

const (
	clientID = "vet-assist-ai"
	verifier = "a-code-verifier-of-at-least-43-characters-0123456789"
)

var challenge = challengeOf(verifier)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// world is an authorization server with the demo's people, its clock and its store.
type world struct {
	t         testing.TB
	url       string
	clock     *storetest.Clock
	db        store.Store
	directory *directory.Directory
	verifier  *token.Verifier
	keys      *token.Keyring
	internet  *internet
	handler   http.Handler
	front     http.Handler           // what stands before it
	meanwhile atomic.Pointer[func()] // see beforeNextWrite
	mu        sync.Mutex
	written   strings.Builder // all that the server wrote
}

// seeding is what brings the demo's people into a store, by the tests' clock. URLs are stored with {base} in them, so it
// fits every port.
var seeding = storetest.Seeding(storetest.NewClock().Now, func(s store.Store) error {
	s = store.Restrict(s, oauth.Partitions...)
	return directory.New(s, "http://localhost:8080", true, storetest.NewClock().Now).Seed(context.Background(), seed.Files)
})

// newWorld opens a seeded store, which is its alone.
func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOver(t, func(s store.Store) store.Store { return s })
}

// newWorldOver puts something between the authorization server and its store.
func newWorldOver(t testing.TB, between func(store.Store) store.Store) *world {
	t.Helper()
	return newWorldAt(t, "127.0.0.1", between)
}

// newWorldAt gives it another name of this machine.
func newWorldAt(t testing.TB, host string, between func(store.Store) store.Store, edit ...func(*oauth.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: storetest.NewClock(), internet: &internet{}}
	w.db = storetest.OpenSeeded(t, w.clock.Now, seeding)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = strings.Replace(server.URL, "127.0.0.1", host, 1)

	s := between(interrupted{store.Restrict(w.db, oauth.Partitions...), w})
	w.directory = directory.New(s, w.url, true, w.clock.Now)
	w.keys = token.NewKeyring(w.url, s, w.clock.Now, rand.Reader)
	log := slog.New(slog.NewTextHandler(secrettest.Log(io.Discard), nil))
	var err error
	c := oauth.Config{BaseURL: w.url, Store: s, Directory: w.directory, Registration: config.RegistrationOpen, ClientDomains: config.AnyHost,
		Keys: w.keys, Outside: &http.Client{Transport: w.internet}, Now: w.clock.Now, Rand: rand.Reader, Log: log}
	for _, e := range edit {
		e(&c)
	}
	handler, err = oauth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.handler, w.front = handler, handler
	observed := secrettest.Watch(web.Observe(log, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.front.ServeHTTP(rw, r) })))
	handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Test-From"); from != "" { // as if it came from there
			r.RemoteAddr = net.JoinHostPort(from, "1")
		}
		observed.ServeHTTP(rw, r)
	})
	w.verifier = token.NewVerifier(w.url, []string{w.url + "/mcp"}, token.StoredKeys(s, w.clock.Now), w.clock.Now)
	return w
}

// internet is what is out there: documents at URLs. Package egress, which keeps us from what should not be asked, has tests of its own.
type internet struct {
	mu    sync.Mutex
	pages map[string]string
	asked int

	meanwhile func() // happens while it is asked, once
}

func (i *internet) put(url, page string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.pages == nil {
		i.pages = map[string]string{}
	}
	i.pages[url] = page
}

func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if f := i.meanwhile; f != nil {
		i.meanwhile = nil
		f()
	}
	rec := httptest.NewRecorder()
	if page, ok := i.pages[r.URL.String()]; ok {
		io.WriteString(rec, page)
	} else {
		http.NotFound(rec, r)
	}
	return rec.Result(), nil
}

// beforeNextWrite lets f happen when the server has read all it wants to, but before it writes.
func (w *world) beforeNextWrite(f func()) { w.meanwhile.Store(&f) }

// interrupted is the server's store, with a place for what happens in between, and for what is written.
type interrupted struct {
	store.Store
	world *world
}

func (i interrupted) Write(ctx context.Context, ops ...store.Op) error {
	if f := i.world.meanwhile.Swap(nil); f != nil {
		(*f)()
	}
	i.world.mu.Lock()
	for _, op := range ops {
		fmt.Fprintf(&i.world.written, "%s %s %s\n", op.Item.Partition, op.Item.Sort, op.Item.Body)
	}
	i.world.mu.Unlock()
	return i.Store.Write(ctx, ops...)
}

// browser is a person's browser: cookies, and redirects that are looked at, not followed.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, target string, form url.Values, edit ...func(*http.Request)) answer {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.url + target
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, e := range edit {
		e(req)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (b *browser) get(target string) answer { b.t.Helper(); return b.do(http.MethodGet, target, nil) }

// request is a right authorization request; changes are name, value pairs, and an empty value removes the name.
func (w *world) request(changes ...string) string {
	q := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {w.url + "/callback"}, "state": {"s t/a+te"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "scope": {"pet-profile:read"}, "resource": {w.url + "/mcp"}}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "/oauth/authorize?" + q.Encode()
}

var (
	formRE   = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">(.*?)</form>`)
	hiddenRE = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	boxRE    = regexp.MustCompile(`<input type="checkbox" name="scope" value="([^"]*)" checked>`)
)

// form finds the form on a page that goes to path, with its hidden fields and ticked boxes filled in.
func (b *browser) form(page answer, path string) (action string, values url.Values) {
	b.t.Helper()
	for _, m := range formRE.FindAllStringSubmatch(page.body, -1) {
		action = html.UnescapeString(m[1])
		if action != path && !strings.HasPrefix(action, path+"?") {
			continue
		}
		values = url.Values{}
		for _, h := range hiddenRE.FindAllStringSubmatch(m[2], -1) {
			values.Set(html.UnescapeString(h[1]), html.UnescapeString(h[2]))
		}
		for _, box := range boxRE.FindAllStringSubmatch(m[2], -1) {
			values.Add("scope", html.UnescapeString(box[1]))
		}
		return action, values
	}
	b.t.Fatalf("no form for %s on this page, status %d:\n%s", path, page.status, page.body)
	return "", nil
}

// follow goes where a 303 points, as long as that is this server.
func (b *browser) follow(a answer) answer {
	b.t.Helper()
	for a.status == http.StatusSeeOther && strings.HasPrefix(a.header.Get("Location"), "/") {
		a = b.get(a.header.Get("Location"))
	}
	return a
}

// login goes through the login page that target leads to, and returns what comes after it.
func (b *browser) login(username, target string) answer {
	b.t.Helper()
	action, values := b.form(b.follow(b.get(target)), "/oauth/login")
	values.Set("username", username)
	values.Set("password", username+"-demo")
	a := b.do(http.MethodPost, action, values)
	if a.status != http.StatusSeeOther {
		b.t.Fatalf("login of %s: %d\n%s", username, a.status, a.body)
	}
	return b.follow(a)
}

// approve allows what a consent page asks, or only the given scopes.
func (b *browser) approve(page answer, scopes ...string) answer {
	b.t.Helper()
	action, values := b.form(page, "/oauth/consent")
	if len(scopes) > 0 {
		values["scope"] = scopes
	}
	values.Set("decision", "approve")
	return b.do(http.MethodPost, action, values)
}

// callback reads the authorization response that an answer redirects to, and checks iss and state.
func (b *browser) callback(a answer) url.Values {
	b.t.Helper()
	target, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(target.String(), b.url+"/callback?") {
		b.t.Fatalf("not sent back to the client: %d %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
	if got := target.Query().Get("iss"); got != b.url {
		b.t.Errorf("iss is %q", got)
	}
	return target.Query()
}

// code gets a code for bob, who agrees to all that the request (see world.request) asks.
func (w *world) code(changes ...string) string {
	w.t.Helper()
	b := w.browser()
	a := b.login("bob", w.request(changes...))
	if a.status == http.StatusOK {
		a = b.approve(a)
	}
	code := b.callback(a).Get("code")
	if code == "" {
		w.t.Fatalf("no code: %s", a.header.Get("Location"))
	}
	return code
}

// otherClient registers a client that may do all that ours may, lets bob agree to it, and returns its id: so nothing
// but the name keeps it from our client's codes and tokens.
func (w *world) otherClient() string {
	w.t.Helper()
	other := directory.Client{ID: "other", Name: "Other", RedirectURIs: []string{w.url + "/callback"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Authorized: map[string][]string{"mcp://vetassist": {"pet-profile:read"}}}
	if err := w.directory.PutClient(w.t.Context(), other, store.IfAbsent()); err != nil {
		w.t.Fatal(err)
	}
	w.code("client_id", other.ID)
	return other.ID
}

// tokens is what the token endpoint said, well or not.
type tokens struct {
	Status      int    `json:"-"`
	Access      string `json:"access_token"`
	Type        string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Refresh     string `json:"refresh_token"`
	Scope       string `json:"scope"`
	ID          string `json:"id_token"`
	Issued      string `json:"issued_token_type"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (w *world) post(path string, form url.Values, edit ...func(*http.Request)) (tokens, answer) {
	w.t.Helper()
	a := w.browser().do(http.MethodPost, path, form, edit...)
	var out tokens
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			w.t.Fatalf("%s answered %d %s", path, a.status, a.body)
		}
	}
	out.Status = a.status
	return out, a
}

// redeem sends a code to the token endpoint; changes are as in request.
func (w *world) redeem(code string, changes ...string) tokens {
	w.t.Helper()
	return w.tokenRequest(w.codeForm(code), changes)
}

// codeForm is the right form to redeem a code with.
func (w *world) codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {code},
		"redirect_uri": {w.url + "/callback"}, "code_verifier": {verifier}, "resource": {w.url + "/mcp"}}
}

func (w *world) refresh(refreshToken string, changes ...string) tokens {
	w.t.Helper()
	return w.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {refreshToken}}, changes)
}

func (w *world) tokenRequest(form url.Values, changes []string) tokens {
	w.t.Helper()
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	out, _ := w.post("/oauth/token", form)
	return out
}

func (got tokens) expect(t *testing.T, code string) {
	t.Helper()
	want := http.StatusBadRequest
	switch code {
	case "":
		want = http.StatusOK
	case "invalid_client":
		want = http.StatusUnauthorized
	}
	if got.Error != code || got.Status != want || (code != "" && got.Access != "") || (code == "" && got.Access == "") {
		t.Errorf("got %d %s (%s), want %q", got.Status, got.Error, got.Description, code)
	}
}

// setBody gives a request another body than a form.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = nil
}

// location is the query of where an answer sends the browser.
func (a answer) location(t testing.TB) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
