package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/token"
)

// What an administrator does to tokens that are out there, over real HTTP: the admin API with a token from the code flow.

const mcpServerID = "bWNwOi8vdmV0YXNzaXN0" // mcp://vetassist, as the admin API names it

// administrator is somebody who calls the admin API.
type administrator struct {
	*world
	token string
}

func (w *world) administrator() administrator {
	w.t.Helper()
	client := url.Values{"client_id": {"vetassist-console"}, "redirect_uri": {w.URL + "/admin/callback"}, "resource": {w.URL + "/admin/api"}}
	request := w.request(client)
	request.Set("scope", "admin:read admin:write")
	answer := w.person().answerOf(request, "admin")
	got := w.redeem(answer.Get("code"), client)
	if got.status != http.StatusOK || got.Scope != "admin:read admin:write" {
		w.t.Fatalf("no token for the admin API: %d %s %s (redirect: %v)", got.status, got.Error, got.Description, answer)
	}
	return administrator{w, got.Access}
}

// call makes a call that must succeed, and decodes the answer. headers are name and value in turn.
func call[T any](a administrator, method, path string, body any, headers ...string) (v T) {
	a.t.Helper()
	var sent string
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		sent = string(b)
	}
	got := a.send(method, "/admin/api/v1"+path, sent, append(headers, "Authorization", "Bearer "+a.token, "Content-Type", "application/json")...)
	if got.status >= http.StatusBadRequest {
		a.t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
	if len(got.body) > 0 {
		if err := json.Unmarshal(got.body, &v); err != nil {
			a.t.Fatalf("%s %s: %v in %s", method, path, err, got.body)
		}
	}
	return v
}

// permit gives Pet Owner these scopes of the MCP server.
func (a administrator) permit(scopes ...string) {
	a.t.Helper()
	const path = "/roles/Pet%20Owner"
	etag := call[struct{ ETag string }](a, "GET", path, nil).ETag
	call[any](a, "PUT", path, map[string]any{"permissions": []any{map[string]any{"server_id": mcpServerID, "scopes": append([]string{}, scopes...)}}}, "If-Match", etag)
}

// ended is the answer to a revocation.
type ended struct {
	Logins, Grants int
	Until          time.Time `json:"access_tokens_valid_until"`
	Note           string
}

func TestRoleChangeNarrowsTheNextRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.administrator()
	tokens := w.tokensFor("bob", "pet-profile:read", "appointment:read", "appointment:write")

	admin.permit("pet-profile:read", "appointment:read")
	if got := w.callTool(tokens.Access, "list_appointments", "{}"); got.status != http.StatusOK {
		t.Errorf("the token that Bob holds ends at once: %d %s", got.status, got.body)
	}
	narrow := w.refresh(tokens.Refresh)
	wantTokens(t, "the next refresh", narrow)
	if narrow.Scope != "pet-profile:read appointment:read" {
		t.Errorf("the next token has %q", narrow.Scope)
	}
	const booking = `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`
	if got := w.callTool(narrow.Access, "book_vet_appointment", booking).result(t).Result; !got.IsError || !strings.Contains(got.Content[0].Text, "Pet Owner") {
		t.Errorf("what the role has lost: %+v", got)
	}

	admin.permit("pet-profile:read", "appointment:read", "appointment:write")
	wide := w.refresh(narrow.Refresh)
	if wantTokens(t, "given back", wide); wide.Scope != "pet-profile:read appointment:read appointment:write" {
		t.Errorf("the token after it has %q", wide.Scope)
	}
	if got := w.callTool(wide.Access, "book_vet_appointment", booking).result(t).Result; got.IsError {
		t.Errorf("what the role has again: %+v", got)
	}

	admin.permit() // nothing at all
	wantRefused(t, "a role without permissions", w.refresh(wide.Refresh), "invalid_grant")
}

// Revoking ends refresh at once; what was issued lasts up to ten minutes more, and the answer says so.
func TestRevokingByTheAdministrator(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(administrator) ended{
		"a consent": func(a administrator) ended {
			consents := call[struct{ Items []struct{ ID string } }](a, "GET", "/consents?user_id=user-bob", nil).Items
			if len(consents) != 1 {
				a.t.Fatalf("Bob's consents: %+v", consents)
			}
			return call[ended](a, "DELETE", "/consents/"+consents[0].ID, nil)
		},
		"a grant": func(a administrator) ended {
			grants := call[struct{ Items []struct{ ID string } }](a, "GET", "/grants?user_id=user-bob", nil).Items
			if len(grants) != 1 {
				a.t.Fatalf("Bob's grants: %+v", grants)
			}
			return call[ended](a, "DELETE", "/grants/"+grants[0].ID, nil)
		},
		"everywhere": func(a administrator) ended { return call[ended](a, "POST", "/users/user-bob/sign-out", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bob := w.person()
			tokens := w.redeem(bob.answerOf(w.request(nil), "bob").Get("code"), nil)
			wantTokens(t, "before", tokens)
			w.clock.turn(time.Minute)

			got := revoke(w.administrator())
			if want := w.clock.Now().Add(token.Lifetime); got.Grants != 1 || !got.Until.Equal(want) || !strings.Contains(got.Note, "ten minutes") {
				t.Errorf("%+v, want an end at %s", got, want)
			}
			wantRefused(t, "refresh", w.refresh(tokens.Refresh), "invalid_grant")
			if got := w.callTool(tokens.Access, "list_pets", "{}"); got.status != http.StatusOK {
				t.Errorf("the access token ended with it: %d %s", got.status, got.body)
			}
			w.clock.turn(token.Lifetime)
			if got := w.callTool(tokens.Access, "list_pets", "{}"); got.status != http.StatusUnauthorized {
				t.Errorf("the access token does not end: %d %s", got.status, got.body)
			}

			bob.stopAt(w.URL + "/callback")
			bob.open(w.URL + "/oauth/authorize?" + w.request(url.Values{"prompt": {"none"}}).Encode())
			want := map[string]string{"a consent": "consent_required", "everywhere": "login_required"}[name] // a grant can come again without a question
			if got := bob.redirected().Get("error"); got != want {
				t.Errorf("what Bob has to do now: %q, want %q", got, want)
			}
		})
	}
}

// A token is for one audience (RFC 8707 §2): what opens the MCP server does not open the admin API, nor the other way round.
func TestTokensStayWithTheirServer(t *testing.T) {
	w := newWorld(t)
	admin := w.administrator()
	bob := w.tokensFor("bob", "pet-profile:read")
	got := w.send("GET", "/admin/api/v1/users", "", "Authorization", "Bearer "+bob.Access)
	if challenge := got.header.Get("WWW-Authenticate"); got.status != http.StatusUnauthorized || !strings.Contains(challenge, `error="invalid_token"`) ||
		!strings.Contains(challenge, w.URL+"/.well-known/oauth-protected-resource/admin/api") {
		t.Errorf("the admin API with Bob's token: %d, %s", got.status, challenge)
	}
	got = w.callTool(admin.token, "list_pets", "{}")
	if challenge := got.header.Get("WWW-Authenticate"); got.status != http.StatusUnauthorized || !strings.Contains(challenge, `error="invalid_token"`) ||
		!strings.Contains(challenge, w.URL+"/.well-known/oauth-protected-resource/mcp") {
		t.Errorf("the MCP server with the administrator's token: %d, %s", got.status, challenge)
	}
}

// machine registers a machine-to-machine application that may ask for these scopes.
func (a administrator) machine(roles []string, scopes ...string) (clientID, secret string) {
	a.t.Helper()
	app := call[struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		ETag         string `json:"etag"`
	}](a, "POST", "/applications", map[string]any{"name": "Nightly job", "template": "Machine-to-machine application", "roles": roles})
	call[any](a, "PUT", "/applications/"+app.ClientID+"/authorizations/"+mcpServerID, map[string]any{"scopes": scopes}, "If-Match", app.ETag)
	return app.ClientID, app.ClientSecret
}

// askAlone is the client credentials grant (RFC 6749 §4.4.2).
func (w *world) askAlone(clientID, secret string) tokens {
	w.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {w.URL + "/mcp"}}
	got := w.send("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(clientID+":"+secret)))
	out := tokens{status: got.status, header: got.header}
	if err := json.Unmarshal(got.body, &out); err != nil {
		w.t.Fatalf("%d: %s", got.status, got.body)
	}
	return out
}

// An application that acts for itself is what its own roles make it.
func TestMachineToMachine(t *testing.T) {
	w := newWorld(t)
	admin := w.administrator()

	got := w.askAlone(admin.machine([]string{"Vet Staff"}, "pet-profile:read", "appointment:read"))
	if got.status != http.StatusOK || got.Scope != "pet-profile:read appointment:read" || got.Refresh != "" {
		t.Fatalf("%d %+v", got.status, got)
	}
	type pets struct{ Pets []struct{ Name string } }
	all := structured[pets](t, w.callTool(got.Access, "list_pets", "{}")).Pets
	for _, name := range []string{"Fido", "Luna", "Whiskers"} {
		if !slices.ContainsFunc(all, func(p struct{ Name string }) bool { return p.Name == name }) {
			t.Errorf("it does not see %s: %+v", name, all)
		}
	}
	if got := w.callTool(got.Access, "update_pet", `{"pet":"Fido","weight_kg":30}`); got.status != http.StatusForbidden {
		t.Errorf("it does what it is not authorized for: %d %s", got.status, got.body)
	}

	wantRefused(t, "no role", w.askAlone(admin.machine(nil, "pet-profile:read")), "invalid_scope")
}

// TestReadmeMachineToMachine runs the command that the README shows for it.
func TestReadmeMachineToMachine(t *testing.T) {
	needs(t, "bash", "curl")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^curl .*client_credentials.*$`).FindString(string(text))
	w := newWorld(t)
	clientID, secret := w.administrator().machine([]string{"Vet Staff"}, "pet-profile:read")
	cmd := exec.CommandContext(t.Context(), "bash", "-uc", strings.ReplaceAll(command, "http://localhost:8080", w.URL))
	cmd.Env = append(os.Environ(), "CLIENT_ID="+clientID, "CLIENT_SECRET="+secret)
	out, err := cmd.Output()
	var got tokens
	if err != nil || json.Unmarshal(out, &got) != nil || got.Scope != "pet-profile:read" {
		t.Errorf("%q: %v: %s", command, err, out)
	}
}
