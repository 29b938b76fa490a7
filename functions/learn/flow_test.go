package learn_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/learn"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/access"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web"
)

const base = "http://localhost:8080"

// world is a recorder with an app that answers anything, and the pages of this package.
type world struct {
	t        *testing.T
	db       store.Store
	now      time.Time
	handler  http.Handler
	recorder *trace.Recorder
	app      http.Handler
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.db = storetest.Open(t, clock)
	d := directory.New(w.db, base, true, clock)
	if err := d.Seed(t.Context(), seed.Files); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var err error
	if w.recorder, err = trace.New(trace.Options{BaseURL: base, Store: w.db, Now: clock, Log: log, Direct: true}); err != nil {
		t.Fatal(err)
	}
	w.app = w.recorder.Handler(trace.App, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		trace.Subject(r.Context(), r.Header.Get("X-Test-Subject"))
		trace.Decide(r.Context(), trace.Decision{Kind: trace.Login, Outcome: trace.Allowed, Text: "Bob is who he says."})
		io.Copy(io.Discard, r.Body)
		web.JSON(rw, http.StatusOK, map[string]string{"reply": "Rabies"})
	}))
	w.handler, err = learn.New(learn.Config{BaseURL: base, Recorder: true, Directory: d, Access: access.New(w.db, clock), Flows: trace.NewReader(w.db, clock), Now: clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ask sends a message to the chat, about somebody, and returns the browser's cookie.
func (w *world) ask(message, subject, cookie string) string {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	r := httptest.NewRequest("POST", base+"/chat", strings.NewReader(fmt.Sprintf(`{"message":%q}`, message)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Test-Subject", subject)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	w.app.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return cookie
}

// login is the cookie of somebody who is logged in at the authorization server.
func (w *world) login(user string) string {
	w.t.Helper()
	secret := strings.Repeat("s", web.SecretLength-len(user)) + user
	if err := w.db.Write(w.t.Context(), access.BeginLogin(access.Login{ID: web.Hash(secret), UserID: user, Since: w.now})...); err != nil {
		w.t.Fatal(err)
	}
	return access.CookieName + "=" + secret
}

func (w *world) get(path, cookie string, headers ...string) *http.Response {
	r := httptest.NewRequest("GET", base+path, nil)
	r.Header.Set("Cookie", cookie)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type list struct {
	Flows []struct {
		ID, Title, Outcome string
		Who                []string
		Exchanges          int
	}
	Next string
}

func (w *world) list(query, cookie string) list {
	w.t.Helper()
	var l list
	resp := w.get("/flow/api/flows"+query, cookie)
	if err := json.NewDecoder(resp.Body).Decode(&l); err != nil || resp.StatusCode != 200 {
		w.t.Fatalf("%d %v", resp.StatusCode, err)
	}
	return l
}

// TestWhoSees: a person's own flows, an administrator's all, and of others' not even that they are there.
func TestWhoSees(t *testing.T) {
	w := newWorld(t)
	browser := w.ask("Which pets do I have?", "", "")
	w.ask("When is Fido's next vaccination?", "user-bob", "")
	w.ask("How is Luna?", "user-alice", "")
	bob, alice, admin := w.login("user-bob"), w.login("user-alice"), w.login("user-admin")
	bobs := w.list("", bob).Flows[0].ID
	for _, tt := range []struct {
		name, cookie, query string
		want                []string
	}{
		{"nobody", "", "", nil},
		{"a browser", browser, "", []string{"Which pets do I have?"}},
		{"Bob", bob, "", []string{"When is Fido's next vaccination?"}},
		{"Bob in that browser", bob + "; " + browser, "", []string{"When is Fido's next vaccination?", "Which pets do I have?"}},
		{"Alice", alice, "", []string{"How is Luna?"}},
		{"an administrator", admin, "", []string{"How is Luna?", "When is Fido's next vaccination?", "Which pets do I have?"}},
		{"an administrator looks for Bob", admin, "?person=bob", []string{"When is Fido's next vaccination?"}},
		{"Bob looks for Alice", bob, "?person=alice", []string{"When is Fido's next vaccination?"}}, // it says nothing
		{"text", admin, "?q=LUNA", []string{"How is Luna?"}},
		{"a party that took part", admin, "?party=app&q=luna", []string{"How is Luna?"}},
		{"a party that did not", admin, "?party=jwks", nil},
		{"how it ended", admin, "?outcome=refused", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range w.list(tt.query, tt.cookie).Flows {
				got = append(got, f.Title)
			}
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	for name, path := range map[string]string{"the flow": "", "its export": "/export?as=har", "a record of it": "/records/0123456789abcdef"} {
		other := w.get("/flow/api/flows/"+bobs+path, alice)
		none := w.get("/flow/api/flows/"+strings.Repeat("0", 32)+path, alice)
		if a, b := body(t, other), body(t, none); other.StatusCode != 404 || none.StatusCode != 404 || a != b {
			t.Errorf("%s of somebody else: %d %s; that is not there: %d %s", name, other.StatusCode, a, none.StatusCode, b)
		}
	}
	if a, b := body(t, w.get("/flow/"+bobs, alice)), body(t, w.get("/flow/"+strings.Repeat("0", 32), alice)); a != b || !strings.Contains(a, "No such flow") {
		t.Error("the page of somebody else's flow is not that of none")
	}
	if resp := w.get("/flow/api/flows/latest", admin); resp.StatusCode != 204 {
		t.Errorf("the latest flow of an administrator who did nothing: %d", resp.StatusCode)
	}
}

// TestWhoNoLonger: a login that has ended shows nothing, whatever ended it.
func TestWhoNoLonger(t *testing.T) {
	off := true
	for name, end := range map[string]func(d *directory.Directory, version int64) error{
		"disabled": func(d *directory.Directory, version int64) error {
			_, err := d.UpdateUser(t.Context(), "user-bob", version, directory.UserEdit{Disabled: &off})
			return err
		},
		"signed out everywhere": func(d *directory.Directory, _ int64) error { return d.SignOut(t.Context(), "user-bob") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ask("When is Fido's next vaccination?", "user-bob", "")
			bob := w.login("user-bob")
			if n := len(w.list("", bob).Flows); n != 1 {
				t.Fatalf("%d flows before", n)
			}
			w.now = w.now.Add(time.Minute)
			d := directory.New(w.db, base, true, func() time.Time { return w.now })
			u, err := d.UserRecord(t.Context(), "user-bob")
			if err == nil {
				err = end(d, u.Version)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := len(w.list("", bob).Flows); n != 0 {
				t.Errorf("%d flows after", n)
			}
		})
	}
}

// TestFlowAPI: what a diagram needs, and what is behind a step.
func TestFlowAPI(t *testing.T) {
	w := newWorld(t)
	w.ask("Fido?", "user-bob", "")
	bob := w.login("user-bob")
	resp := w.get("/flow/api/flows/latest", bob)
	var flow struct {
		ID, Title string
		Lanes     []struct{ Party, Title string }
		Steps     []struct{ Kind, Label, Record, Part, Anchor string }
	}
	text := body(t, resp)
	if err := json.Unmarshal([]byte(text), &flow); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range flow.Steps {
		got = append(got, s.Anchor+" "+s.Kind+" "+s.Part)
	}
	if want := "1 arrow request|1.1 note decision:0|2 arrow response"; strings.Join(got, "|") != want || flow.Title != "Fido?" || len(flow.Lanes) != 2 {
		t.Errorf("%s", text)
	}
	tag := resp.Header.Get("ETag")
	for _, path := range []string{"/flow/api/flows/latest", "/flow/api/flows/" + flow.ID} {
		if again := w.get(path, bob, "If-None-Match", tag); again.StatusCode != 304 || body(t, again) != "" {
			t.Errorf("%s has nothing new: %d", path, again.StatusCode)
		}
	}
	w.ask("Milo?", "user-bob", "")
	if again := w.get("/flow/api/flows/latest", bob, "If-None-Match", tag); again.StatusCode != 200 || !strings.Contains(body(t, again), "Milo?") {
		t.Errorf("a new flow: %d", again.StatusCode)
	}

	var record struct {
		From, To, Person, Curl string
		Rules                  []struct{ Sentence, URL string }
		Decisions              []struct {
			Label, Text string
			Rules       []struct{ Title string }
		}
	}
	resp = w.get("/flow/api/flows/"+flow.ID+"/records/"+flow.Steps[0].Record, bob)
	if err := json.NewDecoder(resp.Body).Decode(&record); err != nil {
		t.Fatal(err)
	}
	if record.From != "Browser" || record.Person != "Bob Miller (bob)" || !strings.Contains(record.Curl, "curl -i") || len(record.Rules) == 0 || record.Decisions[0].Label != "Login: allowed" || record.Decisions[0].Rules[0].Title != "First of all: who is it?" {
		t.Errorf("%+v", record)
	}
	if resp := w.get("/flow/api/flows/"+flow.ID+"/records/0123456789abcdef", bob); resp.StatusCode != 404 {
		t.Errorf("a record that is not there: %d", resp.StatusCode)
	}
	for as, want := range map[string]string{"har": `"version":"1.2"`, "mermaid": "sequenceDiagram", "markdown": "# Fido?"} {
		resp := w.get("/flow/api/flows/"+flow.ID+"/export?as="+as, bob)
		if text := strings.ReplaceAll(body(t, resp), `": `, `":`); resp.StatusCode != 200 || !strings.Contains(text, want) || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), `attachment; filename="vetassist-flow-`) {
			t.Errorf("%s: %d %q %.200s", as, resp.StatusCode, resp.Header.Get("Content-Disposition"), text)
		}
	}
	if resp := w.get("/flow/api/flows/"+flow.ID+"/export?as=exe", bob); resp.StatusCode != 400 {
		t.Errorf("another form: %d", resp.StatusCode)
	}
}

// TestFlowPaging: a list has an end, and what one request reads too.
func TestFlowPaging(t *testing.T) {
	w := newWorld(t)
	for i := range 130 {
		w.ask(fmt.Sprintf("Question %d", i), "user-bob", "")
	}
	bob := w.login("user-bob")
	seen := map[string]bool{}
	for query, pages := "?limit=50", 0; ; pages++ {
		l := w.list(query, bob)
		for _, f := range l.Flows {
			seen[f.ID] = true
		}
		if l.Next == "" {
			break
		}
		if query = "?limit=50&before=" + l.Next; pages > 5 {
			t.Fatal("it has no end")
		}
	}
	if len(seen) != 130 {
		t.Errorf("%d flows", len(seen))
	}
	l := w.list("?q=Question+0", bob) // the oldest
	if len(l.Flows) != 0 || l.Next == "" {
		t.Errorf("one request looked through all: %+v", l)
	}
	if l = w.list("?q=Question+0&before="+l.Next, bob); len(l.Flows) != 1 || l.Next != "" {
		t.Errorf("the next one does not find it: %+v", l)
	}
	if l := w.list("?limit=1000000", bob); len(l.Flows) != 20 {
		t.Errorf("a page of %d flows", len(l.Flows))
	}
}

// TestFlowPages: what the pages say before any script runs, and what they hold the browser to.
func TestFlowPages(t *testing.T) {
	w := newWorld(t)
	cookie := w.ask(`<img src=x onerror=alert(1)> & Fido?`, "", "")
	cookie = w.ask("And Milo?", "", cookie)
	flows := w.list("", cookie).Flows
	for path, want := range map[string]string{
		"/flow/":                   "&lt;img src=x onerror=alert(1)&gt;",
		"/flow/" + flows[1].ID:     "&lt;img src=x onerror=alert(1)&gt;",
		"/flow/?q=%22%3E%3Cscript": "No flow fits that",
		"/flow/compare?left=" + flows[0].ID + "&right=" + flows[1].ID: "Two flows side by side",
	} {
		resp := w.get(path, cookie)
		text := body(t, resp)
		if resp.StatusCode != 200 || !strings.Contains(text, want) || strings.Contains(text, "<img src=x") || strings.Contains(text, `"><script`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
		if csp := strings.Join(resp.Header.Values("Content-Security-Policy"), "\n"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "require-trusted-types-for 'script'") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	for path, want := range map[string]string{"/flow/": "Ask Vet Assist AI something", "/flow/compare": "Two flows are needed", "/flow/compare?left=a&right=b": "No such flow"} {
		if text := body(t, w.get(path, "")); !strings.Contains(text, want) {
			t.Errorf("%s says nothing of %q", path, want)
		}
	}
	resp := w.get("/flow/compare?flow="+flows[0].ID+"&flow="+flows[1].ID, cookie)
	if at := resp.Header.Get("Location"); at != "/flow/compare?left="+flows[1].ID+"&right="+flows[0].ID {
		t.Errorf("two that were ticked lead to %s", at)
	}
	script := body(t, w.get("/flow/panel.js", ""))
	address, _, _ := strings.Cut(strings.TrimPrefix(script, `import "`), `"`)
	if resp := w.get(address, ""); resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the panel's script %q leads to %d", script, resp.StatusCode)
	}
}
