package workshop

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

var now = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// Everything that an attendee has follows from the number, and differs from everybody else's.
func TestAttendees(t *testing.T) {
	if len(dogs) != MaxAttendees {
		t.Fatalf("%d names", len(dogs))
	}
	demo := []string{"Fido", "Milo", "Luna", "Rex", "Clover", "Whiskers", "Bandit", "Bella"}
	seen := map[string]bool{}
	for n := 1; n <= MaxAttendees; n++ {
		a := attendee{"attendee", n}
		p := a.pet()
		if key := strings.ToLower(p.name); seen[key] || slices.Contains(demo, p.name) {
			t.Errorf("two dogs are called %s", p.name)
		} else {
			seen[key] = true
		}
		if back, ok := numbered("attendee", a.username()); !ok || back != a {
			t.Errorf("%s is not found again", a.username())
		}
		if other := a.neighbour(MaxAttendees); other == a || a.n < MaxAttendees && other.pet().dueIn == p.dueIn {
			t.Errorf("%s and the neighbour are the same", a.username())
		}
		doses := p.doses()
		if p.dueIn < 7 || p.dueIn > 27 || doses[0].age < 7*14 || doses[0].age >= p.age || p.weight <= 0 {
			t.Errorf("%+v", p)
		}
	}
	for _, name := range []string{"attendee-0", "attendee-00", "attendee-7", "attendee-007", "attendee-101", "attendee-+7", "attendee-", "attendee", "bob", "lyon-07"} {
		if a, ok := numbered("attendee", name); ok {
			t.Errorf("%s is %+v", name, a)
		}
	}
	for prefix, want := range map[string]bool{"attendee": true, "lyon2": true, "": false, "A": false, "a-b": false, "1a": false, "a/b": false, strings.Repeat("a", 21): false} {
		if got := CheckPrefix(prefix) == nil; got != want {
			t.Errorf("%q: %v", prefix, got)
		}
	}
}

// What a workshop may touch: by name, by mark, and by what the user is now.
func TestOurs(t *testing.T) {
	a := attendee{"attendee", 7}
	for _, c := range []struct {
		user user
		want bool
	}{
		{user{Username: "attendee-07", Name: "Attendee 07 (workshop)", Roles: []string{"Pet Owner"}}, true},
		{user{Username: "attendee-07", Name: "Attendee 07 (workshop)"}, true},
		{user{Username: "attendee-07", Name: "Attendee 08 (workshop)", Roles: []string{"Pet Owner"}}, false},
		{user{Username: "attendee-07", Name: "Jo", Roles: []string{"Pet Owner"}}, false},
		{user{Username: "attendee-07", Name: "Attendee 07 (workshop)", Roles: []string{"Pet Owner", "Administrator"}}, false},
	} {
		if got, why := a.ours(c.user); got != c.want || got == (why != "") {
			t.Errorf("%+v: %v, %q", c.user, got, why)
		}
	}
}

func TestPasswords(t *testing.T) {
	got, err := newPassword(bytes.NewReader([]byte{0, 1, 2, 255, 248, 3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39}))
	if err != nil || got != "abcd-9abc-defg" { // 248 and 255 are thrown away: they would make some letters likelier
		t.Errorf("%q, %v", got, err)
	}
	if _, err := newPassword(strings.NewReader("short")); err == nil {
		t.Error("a password of too few random bytes")
	}
}

func TestCards(t *testing.T) {
	w := &Workshop{Base: "https://vet.example", Prefix: "attendee"}
	one, two := w.card(attendee{"attendee", 1}, 2), w.card(attendee{"attendee", 2}, 2)
	one.Password, one.ClientID = "abcd-efgh-jkmn", "app-1"
	two.ClientID = `<b>"x"`
	cards := Cards([]Made{{Card: one}, {Card: two}, {Card: Card{Username: "attendee-03"}, Err: errors.New("no")}, {Card: Card{Username: "attendee-04", Password: "p"}, Err: errors.New("half")}})
	if len(cards) != 3 || cards[2].Username != "attendee-04" {
		t.Fatalf("%+v", cards) // one that failed after its password was made is the only copy of it
	}
	cards = cards[:2]
	write := func(ending string) string {
		var out bytes.Buffer
		if err := Formats[ending](&out, cards); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, want := range []string{"attendee-01   password  abcd-efgh-jkmn   pet  Biscuit\n", "say first  When is Biscuit's next vaccination?\n", "attendee-02   password  (on the card from before)", "https://vet.example/mcp   client_id  app-1"} {
		if !strings.Contains(write(".txt"), want) {
			t.Errorf("the text lacks %q:\n%s", want, write(".txt"))
		}
	}
	page := write(".html")
	for _, want := range []string{"<code>abcd-efgh-jkmn</code>", "&lt;b&gt;", "break-after: page", "When is Pepper&#39;s next vaccination?", "Tell me about Biscuit"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(page, `<section class="card"`) != 2 || strings.Contains(page, "<b>") {
		t.Error("the page has not two cards")
	}
	rows, err := csv.NewReader(strings.NewReader(write(".csv"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "attendee-01" || rows[1][1] != "abcd-efgh-jkmn" || rows[2][1] != "" || strings.Count(rows[1][7], "\n") != 3 {
		t.Errorf("%q, %v", rows, err)
	}
	var back []Card
	if err := json.Unmarshal([]byte(write(".json")), &back); err != nil || len(back) != 2 || back[0].Password != one.Password || back[0].Say[0] != one.Say[0] {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestPatience(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if asked.Add(1); string(body) != "hello" {
			t.Errorf("attempt %d: %q", asked.Load(), body)
		}
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
		if r.URL.Query().Get("busy") >= fmt.Sprint(asked.Load()) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	for query, want := range map[string]struct {
		status int
		asked  int64
	}{
		"busy=0": {200, 1}, "busy=2&after=3": {200, 3}, "busy=2": {503, 1}, "busy=2&after=3600": {503, 1}, "busy=2&after=soon": {503, 1}, "busy=2&after=-1": {503, 1}, "busy=9&after=0": {503, maxWaits + 1},
	} {
		asked.Store(0)
		var waited time.Duration
		client := http.Client{Transport: Patience{Pause: func(_ context.Context, d time.Duration) error { waited += d; return nil }}}
		resp, err := client.Post(s.URL+"?"+query, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want.status || asked.Load() != want.asked {
			t.Errorf("%s: %d after %d", query, resp.StatusCode, asked.Load())
		}
		if query == "busy=2&after=3" && (waited < 6*time.Second || waited > 12*time.Second+2) {
			t.Errorf("waited %v", waited)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestCrew(t *testing.T) {
	var mu sync.Mutex
	running, most, done := 0, 0, 0
	full := make(chan struct{}) // closed when as many are at work as may be
	crew(t.Context(), make([]int, 20), func(context.Context, int) {
		mu.Lock()
		running++
		if most = max(most, running); running == crewSize && done == 0 {
			close(full)
		}
		mu.Unlock()
		<-full
		mu.Lock()
		running--
		done++
		mu.Unlock()
	})
	if most != crewSize || done != 20 {
		t.Errorf("%d at once, %d done", most, done)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var begun atomic.Int64
	crew(ctx, make([]int, 20), func(context.Context, int) { begun.Add(1); cancel() })
	if n := begun.Load(); n == 0 || n > 2*crewSize {
		t.Errorf("%d were begun after the end", n)
	}
}

func TestTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := FromFile(file, nil)
	if _, err := l.Token(t.Context(), ""); err == nil {
		t.Error("no file, no error")
	}
	for _, c := range []struct{ text, refused, want string }{
		{"first\n", "", "first"}, {"second", "", "first"}, {"second", "first", "second"}, {"second", "second", ""}, {"", "second", ""}, {"third line\nfourth", "second", ""}, {"third", "second", "third"},
	} {
		put(c.text)
		if got, err := l.Token(t.Context(), c.refused); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if got, err := FromFile("-", strings.NewReader("typed\n")).Token(t.Context(), ""); got != "typed" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// fixed is a login that always has a token.
type fixed string

func (f fixed) Token(context.Context, string) (string, error) { return string(f), nil }
func (f fixed) End(context.Context)                           {}

// A login is refreshed before it ends and when its token is refused, with what the last answer gave, and revoked at the end.
func TestRefresh(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.FormValue("refresh_token")+r.FormValue("token"))
		if r.FormValue("refresh_token") == "r3" {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"signed out"}`)
			return
		}
		n := len(asked) + 1
		fmt.Fprintf(w, `{"access_token":"a%d","refresh_token":"r%d","expires_in":600}`, n, n)
	}))
	defer s.Close()
	clock := now
	l, err := newLogin(commandClient(s.URL, nil), visitor.Tokens{Access: "a1", Refresh: "r1", Expires: 600}, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		later   time.Duration
		refused string
		want    string
	}{{0, "", "a1"}, {569 * time.Second, "", "a1"}, {2 * time.Second, "", "a2"}, {0, "a1", "a2"}, {0, "a2", "a3"}, {time.Hour, "", ""}} {
		clock = clock.Add(c.later)
		got, err := l.Token(t.Context(), c.refused)
		if c.want != got && c.want != "" || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	l.End(t.Context())
	if want := []string{"/oauth/token r1", "/oauth/token r2", "/oauth/token r3", "/oauth/revoke r3"}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	if _, err := newLogin(nil, visitor.Tokens{Error: "access_denied"}, nil); err == nil {
		t.Error("a login without a token")
	}
}

// course is a server with attendees and a board.
func course(t *testing.T, board http.HandlerFunc) *Workshop {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/api/v1/users", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("prefix") != "attendee-" || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		if r.FormValue("cursor") == "" { // two pages
			fmt.Fprint(w, `{"items": [{"id": "user-1", "username": "attendee-01", "name": "Attendee 01 (workshop)", "roles": ["Pet Owner"]}], "next": "more"}`)
			return
		}
		fmt.Fprint(w, `{"items": [{"id": "user-2", "username": "attendee-02", "name": "Attendee 02 (workshop)", "roles": ["Pet Owner"]},
			{"id": "user-x", "username": "attendee-03", "name": "Somebody", "roles": ["Pet Owner"]}]}`)
	})
	mux.HandleFunc("GET /admin/api/v1/applications", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"items": []}`) })
	mux.HandleFunc("GET /learn/api/board", board)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return &Workshop{Base: s.URL, Prefix: "attendee", Login: fixed("t0ken"), Progress: io.Discard, Now: func() time.Time { return now }}
}

func TestBoard(t *testing.T) {
	w := course(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("users") != "attendee-01,attendee-02" || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		lessons := `"lessons": [{"id": "connect", "title": "Connect"}, {"id": "step-up", "title": "Step up\u001b[2J"}]`
		if r.FormValue("cursor") == "" {
			fmt.Fprintf(w, `{%s, "people": [{"user": "user-1", "username": "attendee-01", "passed": {"connect": "2026-11-28T08:00:00Z", "gone": "2026-11-28T08:00:00Z"}, "last": "2026-11-28T08:55:00Z"}], "next": "2"}`, lessons)
			return
		}
		fmt.Fprintf(w, `{%s, "people": [], "next": ""}`, lessons)
	})
	b, err := w.Board(t.Context())
	if err != nil || len(b.Lessons) != 2 || len(b.People) != 2 || b.People[1].Username != "attendee-02" || b.People[1].User != "user-2" {
		t.Fatalf("%+v, %v", b, err)
	}
	var out strings.Builder
	if err := b.WriteText(&out, now); err != nil {
		t.Fatal(err)
	}
	const want = `attendee     1  2   passed  last
attendee-01  ✓  ·      1/2  5 min ago
attendee-02  ·  ·      0/2  -
all          1  0

 1  Connect
 2  Step up·[2J
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestNoBoard(t *testing.T) {
	for what, c := range map[string]struct {
		board http.HandlerFunc
		want  string
	}{
		"no course":      {http.NotFound, "has no course"},
		"another's page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "has no course"},
		"a refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"detail": "Only the role Administrator may do this."}`)
		}, "Only the role Administrator may do this. (403)"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"next": "again"}`) }, "no end"},
	} {
		if _, err := course(t, c.board).Board(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestComeBackOnce(t *testing.T) {
	answers := make(chan url.Values, 1)
	h := comeBack("s1", "https://vet.example", answers)
	for i, want := range []int{200, 400} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/callback?state=s1&code=c&iss="+url.QueryEscape("https://vet.example"), nil))
		if w.Code != want || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d: %d %v", i, w.Code, w.Header())
		}
	}
}
