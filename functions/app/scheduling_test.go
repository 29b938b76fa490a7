package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/vetassist/vetassist/shared/clientkey"
	"github.com/vetassist/vetassist/shared/config"
)

// scheduling is a world in which there is a scheduling agent, and a person whose chat may book.
type scheduling struct {
	*world
	p    *person
	keys json.RawMessage

	mu        sync.Mutex
	exchanges []url.Values
	own       []string                             // tokens that the agent got
	booked    []string                             // tokens that book_vet_appointment was asked for with
	exchange  func(rw http.ResponseWriter) bool    // true: answered otherwise
	book      func(http.ResponseWriter, bool) bool // of the MCP server, told whether it is the agent who asks; true: answered otherwise
}

func newScheduling(t *testing.T, before ...func(*world)) *scheduling {
	w := &scheduling{world: newWorld(t)}
	for _, f := range before {
		f(w.world)
	}
	var err error
	if w.keys, err = AgentKeys(t.Context(), w.store); err != nil {
		t.Fatal(err)
	}
	w.onToken, w.mcp = w.answerExchange, w.watchBooking
	w.p = w.connected()
	return w
}

func (w *scheduling) say(message string) chatAnswer { return w.p.say(message) }

func (w *scheduling) answerExchange(rw http.ResponseWriter, form url.Values) bool {
	if form.Get("grant_type") != grantExchange {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, form)
	if w.exchange != nil && w.exchange(rw) {
		return true
	}
	w.world.mu.Lock()
	token := w.secret()
	w.access[token] = access{strings.Fields(form.Get("scope")), w.time.Add(time.Minute)}
	w.world.mu.Unlock()
	w.own = append(w.own, token)
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(map[string]any{"access_token": token, "issued_token_type": typeAccessToken, "token_type": "Bearer", "expires_in": 60, "scope": form.Get("scope")})
	return true
}

func (w *scheduling) watchBooking(rw http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Mcp-Name") != "book_vet_appointment" {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.booked = append(w.booked, token)
	byAgent := len(w.own) > 0 && token == w.own[len(w.own)-1]
	return w.book != nil && w.book(rw, byAgent)
}

const bookedForYou = "Scheduling Agent booked this for you."

// TestHandOver: the chat hands the booking to the agent, which makes a token of its own of the person's and books with that.
func TestHandOver(t *testing.T) {
	w := newScheduling(t)
	a := w.say("book")
	if len(w.exchanges) != 0 || a.AuthorizeURL == "" {
		t.Fatalf("handed over before the person allowed it: %v, %+v", w.exchanges, a)
	}
	_, page := w.p.get(a.AuthorizeURL)
	if !strings.Contains(page, "answer of book_vet_appointment") || !strings.Contains(page, bookedForYou) {
		t.Errorf("the page does not tell of the booking and the agent: %s", page)
	}
	if len(w.exchanges) != 1 || len(w.own) != 1 || len(w.booked) != 2 || w.booked[1] != w.own[0] {
		t.Fatalf("%d exchanges, booked with %q, the agent's are %q", len(w.exchanges), w.booked, w.own)
	}
	form := w.exchanges[0]
	for name, want := range map[string]string{"subject_token_type": typeAccessToken, "requested_token_type": typeAccessToken, "scope": "appointment:write",
		"resource": w.other.URL + "/mcp", "client_id": SchedulingAgent, "client_secret": "", "client_assertion_type": clientkey.AssertionType, "actor_token": ""} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	if held, ok := w.access[form.Get("subject_token")]; !ok || len(held.scopes) != 2 {
		t.Errorf("what was handed over is not the chat's token: %+v", held)
	}
	var claims jwt.RegisteredClaims
	parsed, _, err := jwt.NewParser().ParseUnverified(form.Get("client_assertion"), &claims)
	if err != nil || claims.Issuer != SchedulingAgent || claims.Subject != SchedulingAgent || len(claims.Audience) != 1 || claims.Audience[0] != w.other.URL ||
		!strings.Contains(string(w.keys), `"kid":"`+parsed.Header["kid"].(string)+`"`) {
		t.Errorf("the agent's assertion: %+v %v", claims, err)
	}

	b := w.say("book")
	if len(b.ToolCalls) != 1 || b.ToolCalls[0].By != "Scheduling Agent" || !strings.Contains(b.HTML, bookedForYou) || len(w.own) != 2 {
		t.Errorf("%+v", b)
	}
	if c := w.say("vaccination"); len(w.own) != 2 || c.ToolCalls[0].By != "" || strings.Contains(c.HTML, bookedForYou) {
		t.Errorf("what is not its task went to the agent: %+v", c)
	}
	for _, secret := range append(w.own, form.Get("client_assertion")) {
		if strings.Contains(w.store.written.String(), secret) {
			t.Error("the agent's token or assertion is in the store")
		}
	}
}

// TestHandOverBound: where the person's tokens are bound to a key, so is the agent's, and to another one. A nonce that it did not know costs it one more request.
func TestHandOverBound(t *testing.T) {
	var j *proofJudge
	w := newScheduling(t, func(w *world) { j = w.judged() })
	w.p.get(w.say("book").AuthorizeURL)
	j.tokenNonce, j.mcpNonce = "of-the-token-endpoint", "of-the-mcp-server"
	for range 2 {
		if a := w.say("book"); len(a.ToolCalls) != 1 || a.ToolCalls[0].By != "Scheduling Agent" {
			t.Errorf("%+v", a)
		}
	}
	if len(j.found) > 0 || j.bare > 0 || len(w.own) != 3 {
		t.Errorf("%q, %d bearer tokens, %d tokens of the agent's", j.found, j.bare, len(w.own))
	}
	keys := map[string]bool{j.keys[w.exchanges[0].Get("subject_token")]: true}
	for _, token := range w.own {
		keys[j.keys[token]] = true
	}
	if keys[""] || len(keys) != 4 { // the chat's, and one for each task
		t.Errorf("%d keys: %v", len(keys), keys)
	}
}

// TestHandOverFails: where the agent is not let do its task, the chat does it, and nobody has to hear of it. What may have been done is not done again.
func TestHandOverFails(t *testing.T) {
	refuse := func(status int, body string) func(http.ResponseWriter) bool {
		return func(rw http.ResponseWriter) bool {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			io.WriteString(rw, body)
			return true
		}
	}
	agentOnly := func(status int) func(http.ResponseWriter, bool) bool {
		return func(rw http.ResponseWriter, byAgent bool) bool {
			if byAgent {
				rw.WriteHeader(status)
			}
			return byAgent
		}
	}
	toolError := func(rw http.ResponseWriter, byAgent bool) bool {
		return byAgent && refuse(200, `{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","isError":true,"content":[{"type":"text","text":"taken"}]}}`)(rw)
	}
	for _, c := range []struct {
		what     string
		exchange func(http.ResponseWriter) bool
		book     func(http.ResponseWriter, bool) bool
		bookings int // requests to book, by whomever
		again    bool
	}{
		{"the exchange is refused", refuse(400, `{"error":"invalid_request"}`), nil, 1, true},
		{"the agent is not known", refuse(401, `{"error":"invalid_client"}`), nil, 1, true},
		{"the authorization server has no such grant", refuse(400, `{"error":"unsupported_grant_type"}`), nil, 1, true},
		{"it is broken", refuse(500, `oops`), nil, 1, true},
		{"it gives a token of another kind", refuse(200, `{"access_token":"x","token_type":"N_A"}`), nil, 1, true},
		{"it gives none", refuse(200, `{"token_type":"Bearer"}`), nil, 1, true},
		{"the MCP server does not take its token", nil, agentOnly(401), 2, true},
		{"it lacks a scope", nil, agentOnly(403), 2, true},
		{"it asks too often", nil, agentOnly(429), 2, true},
		{"the tool refuses", nil, toolError, 2, true},
		{"the MCP server breaks off", nil, func(_ http.ResponseWriter, byAgent bool) bool { panic(http.ErrAbortHandler) }, 1, false},
		{"the MCP server fails", nil, agentOnly(500), 1, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newScheduling(t)
			w.p.get(w.say("book").AuthorizeURL) // allowed, and booked once
			w.mu.Lock()
			w.booked, w.exchange, w.book = nil, c.exchange, c.book
			w.mu.Unlock()
			a := w.say("book")
			if strings.Contains(a.HTML, bookedForYou) || a.AuthorizeURL != "" || len(a.ToolCalls) != 1 || a.ToolCalls[0].By != "" {
				t.Errorf("%+v", a)
			}
			w.mu.Lock() // a server that breaks off does not wait for us
			defer w.mu.Unlock()
			if len(w.booked) != c.bookings || c.again != strings.Contains(a.Reply, "ok answer of book_vet_appointment") {
				t.Errorf("asked to book %d times, want %d: %s", len(w.booked), c.bookings, a.Reply)
			}
			if !c.again && !strings.Contains(a.Reply, "got no answer") {
				t.Errorf("nothing is said of what may have happened: %s", a.Reply)
			}
		})
	}
}

// TestAgentKeys: the agent is made once, whoever asks.
func TestAgentKeys(t *testing.T) {
	w := newWorld(t)
	made := make([]string, 8)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			keys, err := AgentKeys(t.Context(), w.store)
			if err != nil {
				t.Error(err)
			}
			made[i] = string(keys)
		})
	}
	all.Wait()
	for _, keys := range made {
		if keys != made[0] || !strings.Contains(keys, `"crv":"P-256"`) || strings.Contains(keys, `"d"`) {
			t.Errorf("%s", keys)
		}
	}
}

// TestHandOverElsewhere: the agent is known at one authorization server. To another one its key is not shown, and no token handed.
func TestHandOverElsewhere(t *testing.T) {
	w := newScheduling(t, func(w *world) {
		w.offers("documents")
		w.client = described
		w.set(config.AppClientDocument, func(c *Config) { c.Issuer, c.Outside = "https://home.example", &http.Client{} })
	})
	w.p.get(w.say("book").AuthorizeURL)
	if a := w.say("book"); len(a.ToolCalls) != 1 || a.ToolCalls[0].By != "" || len(w.booked) == 0 {
		t.Errorf("the chat does not book by itself: %+v", a)
	}
	if len(w.exchanges) > 0 {
		t.Errorf("handed over at a server that the agent is not registered with: %v", w.exchanges)
	}
}
