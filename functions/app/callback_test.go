package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// answer is where the authorization server sends a person back to, not yet visited.
func (p *person) answer(authorizeURL string) string {
	p.w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(authorizeURL)
	if err != nil {
		p.w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func edited(t *testing.T, address string, edit func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	edit(q)
	u.RawQuery = q.Encode()
	return u.String()
}

// TestCallbackMisuse: none of these may reach the token endpoint or connect anything.
func TestCallbackMisuse(t *testing.T) {
	for _, tc := range []struct {
		name   string
		edit   func(url.Values)
		status int
		want   string
	}{
		{"unknown state", func(q url.Values) { q.Set("state", "guess") }, 400, "used already, came too late"},
		{"no state", func(q url.Values) { q.Del("state") }, 400, "this was not one"},
		{"code twice", func(q url.Values) { q.Add("code", "another") }, 400, "this was not one"},
		{"no iss though promised", func(q url.Values) { q.Del("iss") }, 200, "did not come from the server"},
		{"another iss", func(q url.Values) { q.Set("iss", "https://evil.example") }, 200, "did not come from the server"},
		{"iss with a slash", func(q url.Values) { q.Set("iss", q.Get("iss")+"/") }, 200, "did not come from the server"},
		{"iss in capitals", func(q url.Values) { q.Set("iss", strings.ToUpper(q.Get("iss"))) }, 200, "did not come from the server"},
		{"error from another iss", func(q url.Values) {
			q.Del("code")
			q.Set("iss", "https://evil.example")
			q.Set("error", "access_denied")
			q.Set("error_description", "Call 555-EVIL")
		}, 200, "did not come from the server"},
		{"neither code nor error", func(q url.Values) { q.Del("code") }, 200, "held no code"},
		{"server error", func(q url.Values) { q.Del("code"); q.Set("error", "server_error") }, 200, "problem of its own"},
		{"invalid scope", func(q url.Values) {
			q.Del("code")
			q.Set("error", "invalid_scope")
			q.Set("error_description", "no <role> of yours")
		}, 200, "no &lt;role&gt; of yours"},
		{"unknown error", func(q url.Values) { q.Del("code"); q.Set("error", "interaction_required") }, 200, "refused the request (interaction_required)"},
		{"not for people", func(q url.Values) { q.Del("code"); q.Set("error", "unauthorized_client") }, 200, "must be registered as an MCP client application"},
		{"no such server", func(q url.Values) { q.Del("code"); q.Set("error", "invalid_target") }, 200, "Either that MCP server is not registered there yet, or this application is not authorized for it"},
		{"error and code", func(q url.Values) { q.Set("error", "access_denied") }, 200, "was not allowed to"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.person()
			status, page := p.get(edited(t, p.answer(p.say("vaccination").AuthorizeURL), tc.edit))
			if status != tc.status || !strings.Contains(page, tc.want) {
				t.Errorf("%d %s", status, page)
			}
			if strings.Contains(page, "555-EVIL") {
				t.Error("the words of a stranger are shown")
			}
			if len(w.forms) != 0 {
				t.Errorf("token endpoint was asked: %v", w.forms)
			}
			if a := p.say("vaccination"); a.Connected {
				t.Error("connected")
			}
		})
	}
}

// TestIssNotPromised is the second half of the specification's table.
func TestIssNotPromised(t *testing.T) {
	for iss, connected := range map[string]bool{"-": true, "": true, "https://evil.example": false} {
		w := newWorld(t)
		w.metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
		w.decide = func(q url.Values) ([]string, url.Values) {
			answer := url.Values{}
			if iss != "" {
				answer.Set("iss", iss)
			}
			return strings.Fields(q.Get("scope")), answer
		}
		p := w.person()
		_, page := p.get(p.say("vaccination").AuthorizeURL)
		if strings.Contains(page, "answer of get_pet") != connected {
			t.Errorf("iss %q: %s", iss, page)
		}
	}
}

func TestReplayedCallback(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	back := p.answer(p.say("vaccination").AuthorizeURL)
	if _, page := p.get(back); !strings.Contains(page, "answer of get_pet") {
		t.Fatal("not connected")
	}
	if status, page := p.get(back); status != http.StatusBadRequest || !strings.Contains(page, "Back to the chat") {
		t.Errorf("replay: %d %s", status, page)
	}
	if len(w.forms) != 1 || !p.say("vaccination").Connected {
		t.Error("the replay had an effect")
	}
}

// TestForeignCallback: an attacker's answer does not log the victim in as the attacker, and is not used up by the attempt.
func TestForeignCallback(t *testing.T) {
	w := newWorld(t)
	attacker, victim := w.person(), w.person()
	back := attacker.answer(attacker.say("vaccination").AuthorizeURL)
	if status, _ := victim.get(back); status != http.StatusBadRequest {
		t.Errorf("without a session: %d", status)
	}
	victim.say("hello")
	if status, _ := victim.get(back); status != http.StatusBadRequest || len(w.forms) != 0 {
		t.Errorf("with a session: %d", status)
	}
	if _, page := attacker.get(back); !strings.Contains(page, "answer of get_pet") {
		t.Error("its owner cannot use it any more")
	}
}

func TestLateCallback(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	back := p.answer(p.say("vaccination").AuthorizeURL)
	w.pass(authorizationLife + 1e9)
	if status, page := p.get(back); status != http.StatusBadRequest || !strings.Contains(page, "came too late") || len(w.forms) != 0 {
		t.Errorf("%d %s", status, page)
	}
	if _, page := p.get("/connect"); !strings.Contains(page, "answer of get_pet") {
		t.Errorf("the card's button does not work afterwards: %s", page)
	}
}

// TestCallbackRace: a double click redeems once and asks the question once.
func TestCallbackRace(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	back := p.answer(p.say("vaccination").AuthorizeURL)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			req, err := http.NewRequest(http.MethodGet, back, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.AddCookie(&http.Cookie{Name: "vetassist_app", Value: p.cookie()})
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	if len(w.forms) != 1 || count(w.calls, "get_pet_vaccination_info") != 1 {
		t.Errorf("%d token requests, calls %v", len(w.forms), w.calls)
	}
}

func TestBadTokenAnswers(t *testing.T) {
	good := func(edit func(map[string]any)) func(http.ResponseWriter, url.Values) bool {
		return func(rw http.ResponseWriter, _ url.Values) bool {
			m := map[string]any{"access_token": "abc", "token_type": "Bearer", "expires_in": 60, "refresh_token": "def"}
			edit(m)
			rw.Header().Set("Content-Type", "application/json")
			json.NewEncoder(rw).Encode(m)
			return true
		}
	}
	for name, answer := range map[string]func(http.ResponseWriter, url.Values) bool{
		"another token type": good(func(m map[string]any) { m["token_type"] = "DPoP" }),
		"no token type":      good(func(m map[string]any) { delete(m, "token_type") }),
		"no token":           good(func(m map[string]any) { delete(m, "access_token") }),
		"token with newline": good(func(m map[string]any) { m["access_token"] = "a\r\nX: y" }),
		"huge token":         good(func(m map[string]any) { m["access_token"] = strings.Repeat("a", maxToken+1) }),
		"html":               func(rw http.ResponseWriter, _ url.Values) bool { rw.Write([]byte("<html>")); return true },
		"refused":            func(rw http.ResponseWriter, f url.Values) bool { f.Set("code", "gone"); return false },
		"redirect": func(rw http.ResponseWriter, f url.Values) bool {
			rw.Header().Set("Location", "/token")
			rw.WriteHeader(http.StatusTemporaryRedirect)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onToken = answer
			p := w.person()
			_, page := p.get(p.say("vaccination").AuthorizeURL)
			if !strings.Contains(page, "Connecting did not work") || strings.Contains(page, "answer of get_pet") {
				t.Errorf("%s", page)
			}
			if len(w.forms) != 1 {
				t.Errorf("%d token requests: a code must not travel on", len(w.forms))
			}
		})
	}
}
