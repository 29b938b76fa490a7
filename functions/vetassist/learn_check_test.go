package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/progress"
	"github.com/vetassist/vetassist/shared/token"
)

// runLearn runs the subcommand.
func runLearn(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = learnCheck(append([]string{"check"}, args...), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestLearnCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, out, errs := runLearn(w.URL)
	own := strings.Count(out, "  passed  You have logged in") // the command's own login, if the recorder has kept it by then; nothing else
	if code != exitFailed || errs != "" || !strings.Contains(out, "open    Bob has connected the app") ||
		strings.Count(out, "  passed  ") != own || !strings.Contains(out, fmt.Sprintf("bob has passed %d of ", own)) {
		t.Fatalf("%d %s\n%s", code, errs, out)
	}
	l := w.learner()
	l.connect("When is Fido's next vaccination?", "bob")
	l.passes("answered") // and with that it is kept for Bob
	code, out, errs = runLearn("-lesson", "ask", w.URL)
	if code != exitOK || !strings.Contains(out, "passed  Bob has connected the app") || !strings.Contains(out, "bob has passed 3 of 3 checks.") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
	if code, out, _ := runLearn("-lesson", "time", w.URL); code != exitFailed || !strings.Contains(out, "open    A refresh token was rotated") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _ = runLearn("-json", w.URL)
	var report progress.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitFailed || report.User != "bob" || !report.Lessons[0].Passed || report.Lessons[8].Passed {
		t.Errorf("%d %v %s", code, err, out)
	}
	if code, _, errs := runLearn("-lesson", "nothing", w.URL); code != exitUsage || !strings.Contains(errs, `no lesson "nothing"`) {
		t.Errorf("%d %s", code, errs)
	}
	if code, out, errs := runLearn("-user", "mallory", w.URL); code != exitFailed || out != "" || !strings.Contains(errs, "did not succeed") {
		t.Errorf("%d %s %s", code, out, errs)
	}
}

// The checks are asked for every few seconds: nothing new costs nothing.
func TestChecksAreNotSentTwice(t *testing.T) {
	w := newWorld(t)
	got := w.send("GET", "/learn/api/checks", "")
	tag := got.header.Get("ETag")
	if got.status != http.StatusOK || tag == "" || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if again := w.send("GET", "/learn/api/checks", "", "If-None-Match", tag); again.status != http.StatusNotModified || len(again.body) > 0 {
		t.Errorf("%d %s", again.status, again.body)
	}
}

// boardFor is the board as `vetassist workshop` reads it.
type boardFor struct {
	Lessons []struct{ ID, Title string }
	People  []struct {
		User, Username string
		Passed, Checks map[string]time.Time
		Last           time.Time
	}
	Next   string
	Detail string
}

func (w *world) board(token, query string) (answer, boardFor) {
	w.t.Helper()
	var headers []string
	if token != "" {
		headers = []string{"Authorization", "Bearer " + token}
	}
	got := w.send("GET", "/learn/api/board?"+query, "", headers...)
	var b boardFor
	if err := json.Unmarshal(got.body, &b); err != nil {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	return got, b
}

func TestBoard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.learner()
	l.connect("When is Fido's next vaccination?", "bob")
	l.passes("answered")

	got, b := w.board(l.admin.token, "users=bob,alice,nobody")
	if got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" || len(b.People) != 2 || b.Next != "" {
		t.Fatalf("%d %+v", got.status, b)
	}
	bob, alice := b.People[0], b.People[1]
	if bob.Username != "bob" || bob.User != "user-bob" || bob.Passed["ask"].IsZero() || !bob.Passed["time"].IsZero() || bob.Checks["connected"].IsZero() || bob.Last.IsZero() {
		t.Errorf("%+v", bob)
	}
	if alice.Username != "alice" || len(alice.Passed) != 0 || alice.Passed == nil {
		t.Errorf("%+v", alice)
	}
	for _, lesson := range b.Lessons {
		if lesson.ID == "" || lesson.Title == "" || len(lesson.Title) > 60 {
			t.Errorf("%+v", lesson)
		}
	}
	if _, b := w.board(l.admin.token, "prefix=b"); len(b.People) != 1 || b.People[0].Username != "bob" {
		t.Errorf("%+v", b.People)
	}

	// Only an administrator, and one who still is.
	reader := w.tokensFor("bob", "pet-profile:read").Access
	for name, c := range map[string]struct {
		token  string
		query  string
		status int
	}{
		"no token":                     {"", "users=bob", 401},
		"a token for the MCP server":   {reader, "users=bob", 401},
		"no token at all":              {"abc", "users=bob", 401},
		"too many":                     {l.admin.token, "users=" + strings.Repeat("bob,", 50) + "bob", 400},
		"a cursor that nobody gave":    {l.admin.token, "cursor=%00", 400},
		"a cursor of another question": {l.admin.token, "cursor=!!!&prefix=b", 400},
	} {
		if got, b := w.board(c.token, c.query); got.status != c.status || b.Detail == "" || len(b.People) > 0 || got.header.Get("Content-Type") != "application/problem+json" ||
			(c.status == 401) != (got.header.Get("WWW-Authenticate") != "") || (c.status == 401 && c.token != "") != strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if p := l.open("/learn/api/board?users=bob"); p.status != http.StatusForbidden {
		t.Errorf("Bob in his browser: %d %s", p.status, p.text)
	}
	if p := l.open("/learn/board"); p.status != http.StatusForbidden || strings.Contains(p.text, "Usernames") {
		t.Errorf("Bob at the board: %d %s", p.status, p.text)
	}
	admin := w.person()
	admin.open("/oauth/login")
	admin.login("admin")
	if p := admin.open("/learn/api/board?users=bob"); p.status != http.StatusOK || !strings.Contains(p.text, `"username":"bob"`) {
		t.Errorf("the administrator in a browser: %d %s", p.status, p.text)
	}
	call[any](l.admin, "POST", "/users/user-admin/sign-out", nil)
	if got, _ := w.board(l.admin.token, "users=bob"); got.status != http.StatusUnauthorized {
		t.Errorf("signed out everywhere: %d %s", got.status, got.body)
	}
	w.clock.turn(token.Lifetime)
	if got, _ := w.board(l.admin.token, "users=bob"); got.status != http.StatusUnauthorized {
		t.Errorf("an old token: %d %s", got.status, got.body)
	}
}

// The clock goes forward only, for pages of ours only, and on somebody's own machine only.
func TestCourseClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(w *world, forward string, headers ...string) answer {
		return w.send("POST", "/learn/clock", url.Values{"forward": {forward}}.Encode(),
			append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
	}
	for _, forward := range []string{"", "-10m", "0s", "10", "1ms", "401d", "1000000h", "-1d", "NaNd", "d", "9999999999999999d"} {
		if got := post(w, forward); got.status != http.StatusBadRequest {
			t.Errorf("%q: %d", forward, got.status)
		}
	}
	if got := post(w, "10m", "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example"); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
	tokens := w.tokensFor("bob", "pet-profile:read")
	for _, back := range []string{"https://elsewhere.example/", "//elsewhere.example/learn/", "/\\elsewhere.example", "/oauth/login"} {
		got := w.send("POST", "/learn/clock", url.Values{"forward": {"1s"}, "back": {back}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		if to := got.header.Get("Location"); got.status != http.StatusSeeOther || to != "/learn/" {
			t.Errorf("back to %q leads to %q", back, to)
		}
	}

	// An access token ends, and the refresh token gives the next one.
	if got := w.callTool(tokens.Access, "list_pets", "{}"); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	post(w, "601s")
	got := w.callTool(tokens.Access, "list_pets", "{}")
	if got.status != http.StatusUnauthorized || !strings.Contains(got.header.Get("WWW-Authenticate"), "expired") {
		t.Errorf("after ten minutes: %d %s", got.status, got.header.Get("WWW-Authenticate"))
	}
	next := w.refresh(tokens.Refresh)
	wantTokens(t, "refresh", next)
	if got := w.callTool(next.Access, "list_pets", "{}"); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}

	// A key leaves the JWKS by itself, a quarter of an hour after somebody rotates.
	keys := func() int {
		var set struct{ Keys []any }
		if err := json.Unmarshal(w.send("GET", "/.well-known/jwks.json", "").body, &set); err != nil {
			t.Fatal(err)
		}
		return len(set.Keys)
	}
	call[any](w.administrator(), "POST", "/keys", nil)
	if n := keys(); n != 2 {
		t.Errorf("%d keys after rotating", n)
	}
	post(w, "16m")
	if n := keys(); n != 1 {
		t.Errorf("%d keys a quarter of an hour later", n)
	}

	// A refresh token that nobody used ends, too.
	post(w, "91d")
	wantRefused(t, "a refresh token that nobody used for a quarter of a year", w.refresh(next.Refresh), "invalid_grant")

	// In the end the clock stays.
	if got := post(w, "308d"); got.status != http.StatusSeeOther {
		t.Errorf("up to 400 days: %d", got.status)
	}
	if got := post(w, "2d"); got.status != http.StatusBadRequest {
		t.Errorf("beyond: %d", got.status)
	}
	w.restart() // which finds a time that it may have

	deployed := newWorld(t, func(o *Options) { o.BaseURL, o.Recorder = "https://vetassist.example.com", "on" })
	at := "http://" + deployed.listeners[0].Addr().String()
	resp, err := http.PostForm(at+"/learn/clock", url.Values{"forward": {"10m"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("deployed: %d", resp.StatusCode)
	}
	resp, err = http.Get(at + "/learn/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || strings.Contains(string(body), "Move it forward") {
		t.Errorf("a deployed course: %d, or it offers to move the clock", resp.StatusCode)
	}
}

// Thirty people have done the first lessons; the board of all of them is one request, and quick enough to be asked for every few seconds.
func TestBoardOfThirty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.administrator()
	var wg sync.WaitGroup
	for i := range 30 {
		name, password := fmt.Sprintf("attendee-%02d", i), fmt.Sprintf("a long password of %d", i)
		call[any](admin, "POST", "/users", map[string]any{"username": name, "name": "Attendee", "password": password, "roles": []string{"Pet Owner"}})
		p := w.person()
		wg.Go(func() {
			p.open("/")
			p.open(p.ask("Which pets do I have?").AuthorizeURL)
			p.submit("username", url.Values{"username": {name}, "password": {password}})
			p.submit("decision", url.Values{"decision": {"approve"}})
			for range 5 {
				p.ask("Tell me about Luna")
			}
			p.open("/learn/")
		})
	}
	wg.Wait()
	began := time.Now()
	_, board := w.board(admin.token, "prefix=attendee-")
	took := time.Since(began)
	if len(board.People) != 30 {
		t.Fatalf("%d people", len(board.People))
	}
	for _, p := range board.People {
		if p.Passed["discovery"].IsZero() {
			t.Errorf("%s has passed %v", p.Username, p.Checks)
		}
	}
	t.Logf("the board took %s", took)
	if took > 10*time.Second { // far more than it takes on a busy machine
		t.Errorf("the board took %s", took)
	}
}

// TestReadmeLearnCheck runs the command that the README shows for it, at the end of the first lesson.
func TestReadmeLearnCheck(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```\ngo run ./functions/vetassist learn check ([^\n]*)\n```\n\n```\n(.*?)```").FindStringSubmatch(string(text))
	if shown == nil {
		t.Fatal("the README shows no learn check")
	}
	l := newWorld(t).learner()
	l.connect("When is Fido's next vaccination?", "bob")
	l.passes("answered")
	code, out, errs := runLearn(append(strings.Fields(shown[1]), l.base)...)
	if want := strings.ReplaceAll(shown[2], "http://localhost:8080", l.base); code != exitOK || errs != "" || out != want {
		t.Errorf("%d %s\n%s\nwant\n%s", code, errs, out, want)
	}
}
