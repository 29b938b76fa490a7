package attack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/shared/attacks"
)

// TestPrograms: each attack of the catalogue has its program, and each program is in the catalogue.
func TestPrograms(t *testing.T) {
	for _, a := range attacks.All() {
		if programs[a.ID] == nil {
			t.Errorf("%s is not tried", a.ID)
		}
	}
	for id := range programs {
		if _, ok := attacks.Find(id); !ok {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

// TestOutcomes: how a program ends decides how the attack does.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		what string
		p    program
		want Outcome
	}{
		{"all refused", func(t *try) { t.judge("a", false, true, ""); t.judge("b", false, true, "") }, Refused},
		{"one of two succeeds", func(t *try) { t.judge("a", true, false, ""); t.judge("b", false, true, "") }, Succeeded},
		{"refused for another reason", func(t *try) { t.judge("a", false, true, ""); t.judge("b", false, false, "500") }, Failed},
		{"succeeds before a control fails", func(t *try) { t.judge("a", true, true, ""); t.control(false, "x") }, Succeeded},
		{"a control fails", func(t *try) { t.judge("a", false, true, ""); t.control(false, "x") }, Failed},
		{"nothing was tried", func(*try) {}, Failed},
		{"not to be had here", func(t *try) { t.skip("no feature") }, NotTried},
		{"half of it not to be had here", func(t *try) { t.judge("a", false, true, ""); t.skip("no feature") }, NotTried},
		{"no answer", func(t *try) { t.must(http.ErrServerClosed) }, Failed},
	} {
		programs["test"] = c.p
		r := Result{Attack: attacks.Attack{ID: "test"}}
		(&lab{wire: &wire{}}).run(t.Context(), &r)
		if r.Outcome != c.want {
			t.Errorf("%s: %s %s", c.what, r.Outcome, r.Why)
		}
	}
	delete(programs, "test")
}

// TestJudges: what an attacker got, and what was refused for the right reason.
func TestJudges(t *testing.T) {
	answer := func(status int, location, body string) visitor.Answer {
		a := visitor.Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
		if location != "" {
			a.Header.Set("Location", location)
		}
		return a
	}
	const client = "https://client.example/cb"
	for _, c := range []struct {
		what string
		p    program
		want Outcome
	}{
		{"an access token", func(t *try) { t.noTokens("", visitor.Tokens{Access: "a", Error: "invalid_grant"}, "invalid_grant") }, Succeeded},
		{"a refresh token only", func(t *try) { t.noTokens("", visitor.Tokens{Refresh: "r", Error: "invalid_grant"}, "invalid_grant") }, Succeeded},
		{"an ID token only", func(t *try) { t.noTokens("", visitor.Tokens{ID: "i", Error: "invalid_grant"}, "invalid_grant") }, Succeeded},
		{"no token", func(t *try) { t.noTokens("", visitor.Tokens{Error: "invalid_grant"}, "invalid_grant") }, Refused},
		{"another error", func(t *try) { t.noTokens("", visitor.Tokens{Error: "invalid_client"}, "invalid_grant") }, Failed},

		{"a page", func(t *try) { t.noCode("", answer(400, "", ""), "") }, Refused},
		{"a page that is fine", func(t *try) { t.noCode("", answer(200, "", ""), "") }, Failed},
		{"an error to the client", func(t *try) {
			t.noCode("", answer(303, "http://localhost:8080/callback?error=invalid_request", ""), "invalid_request")
		}, Refused},
		{"a code", func(t *try) { t.noCode("", answer(303, client+"?code=k", ""), "invalid_request") }, Succeeded},
		{"a code beside the error", func(t *try) { t.noCode("", answer(303, client+"?error=invalid_request&code=k", ""), "invalid_request") }, Succeeded},
		{"a code in the fragment", func(t *try) { t.noCode("", answer(303, "http://localhost:8080/#code=k", ""), "invalid_request") }, Succeeded},
		{"an error to a stranger", func(t *try) {
			t.noCode("", answer(303, "https://attacker.example/?error=invalid_request", ""), "invalid_request")
		}, Succeeded},
		{"a name that only begins as ours", func(t *try) { t.noCode("", answer(303, "http://localhost:8080@attacker.example/?error=x", ""), "x") }, Succeeded},
		{"ours, with somebody's name before it", func(t *try) { t.noCode("", answer(303, "http://x@localhost:8080/?error=x", ""), "x") }, Succeeded},

		{"a tool that worked", func(t *try) { t.noCall("", answer(200, "", `{"result":{"content":[]}}`), 403) }, Succeeded},
		{"a tool that refused", func(t *try) {
			t.noCall("", answer(200, "", `{"result":{"isError":true,"content":[{"text":"no such pet"}]}}`), 200, "no such pet")
		}, Refused},
		{"a tool that refused something else", func(t *try) {
			t.noCall("", answer(200, "", `{"result":{"isError":true,"content":[{"text":"busy"}]}}`), 200, "no such pet")
		}, Failed},
		{"an entry", func(t *try) { t.noEntry("", answer(204, "", ""), 401) }, Succeeded},
		{"no entry", func(t *try) { t.noEntry("", answer(401, "", ""), 401, 403) }, Refused},
		{"a failure is no refusal", func(t *try) { t.noEntry("", answer(500, "", ""), 401) }, Failed},
	} {
		programs["test"] = c.p
		r := Result{Attack: attacks.Attack{ID: "test"}}
		(&lab{base: "http://localhost:8080", wire: &wire{}}).run(t.Context(), &r)
		if r.Outcome != c.want {
			t.Errorf("%s: %s %s %+v", c.what, r.Outcome, r.Why, r.Findings)
		}
	}
	delete(programs, "test")
}

// TestAddresses: passwords go there.
func TestAddresses(t *testing.T) {
	for typed, want := range map[string]string{"http://localhost:8080": "http://localhost:8080", "localhost:8080/": "http://localhost:8080", "https://vet.example": "https://vet.example",
		"http://vet.example": "", "https://vet.example/mcp": "", "https://bob@vet.example": "", "ftp://localhost": "", "": ""} {
		if got, _, err := readAddress(typed); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
}

// TestWire: what -v shows holds no secret, whatever form it has.
func TestWire(t *testing.T) {
	const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLWJvYiJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
	secrets := []string{"the-secret-code-0123456789-abcdef", "the-secret-verifier-0123456789-abcd", "hunter2-password", jwt, "the-secret-refresh-token-0123456789", "the-secret-cookie-0123456789-abcd",
		"the-secret-state-0123456789-abcdef"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "https://a.example/callback?code="+secrets[0]+"&iss=x&state="+secrets[6])
		w.Header().Set("Set-Cookie", "login="+secrets[5])
		_, _ = w.Write([]byte(`{"access_token":"` + jwt + `","refresh_token" : "` + secrets[4] + `","scope":"pet-profile:read","note":"` + jwt + `"}`))
	}))
	defer s.Close()
	w := &wire{}
	w.begin(true)
	c := visitor.NewClient(s.URL, w)
	_, err := c.Send(t.Context(), "POST", "/oauth/token?access_token="+jwt, "grant_type=authorization_code&code="+secrets[0]+"&code_verifier="+secrets[1]+"&password="+secrets[2]+"&client_assertion="+jwt,
		"Content-Type", "application/x-www-form-urlencoded", "Authorization", "Bearer "+jwt, "DPoP", jwt, "Cookie", "login="+secrets[5])
	kept := w.end()
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	text := kept[0].Request + kept[0].Answer
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("it shows %s: %s", secret, text)
		}
	}
	for _, words := range []string{"POST " + s.URL, "grant_type=authorization_code", "code=the-se…", "Bearer eyJhbG…", `"scope":"pet-profile:read"`, "200 OK"} {
		if !strings.Contains(text, words) {
			t.Errorf("it does not show %q: %s", words, text)
		}
	}
}
