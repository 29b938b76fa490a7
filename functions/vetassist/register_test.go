package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// registerHost registers a client as a host on a person's machine does, and returns its client_id.
func (w *world) registerHost(name string, headers ...string) (clientID string, a answer) {
	w.t.Helper()
	a = w.send("POST", "/oauth/register", `{"client_name": "`+name+`", "redirect_uris": ["http://127.0.0.1:33418/callback"], "token_endpoint_auth_method": "none",
		"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "application_type": "native"}`, append(headers, "Content-Type", "application/json")...)
	var made struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return made.ID, a
}

// TestRegisteredHost: a host that nobody here has heard of registers, finds Bob's consent, and does what Bob may (RFC 7591; MCP, "Dynamic
// Client Registration").
func TestRegisteredHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var metadata struct {
		Endpoint string `json:"registration_endpoint"`
	}
	if err := json.Unmarshal(w.send("GET", "/.well-known/oauth-authorization-server", "").body, &metadata); err != nil || metadata.Endpoint != w.URL+"/oauth/register" {
		t.Fatalf("registration is at %q, %v", metadata.Endpoint, err)
	}
	id, a := w.registerHost("A Host")
	if a.status != http.StatusCreated || id == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	const redirect = "http://127.0.0.1:51234/callback" // another port than it registered
	client := url.Values{"client_id": {id}, "redirect_uri": {redirect}}
	bob := w.person()
	got := bob.answerOf(w.request(url.Values{"client_id": {id}, "redirect_uri": {redirect}, "scope": {"pet-profile:read appointment:read"}}), "bob")
	tokens := w.redeem(got.Get("code"), client)
	if tokens.Access == "" || tokens.Refresh == "" || tokens.Scope != "pet-profile:read appointment:read" {
		t.Fatalf("%+v", tokens)
	}
	if a := w.callTool(tokens.Access, "get_pet_vaccination_info", `{"pet": "Fido"}`); a.status != http.StatusOK || !strings.Contains(string(a.body), "Rabies") {
		t.Errorf("the call: %d %s", a.status, a.body)
	}
	tokens = w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {tokens.Refresh}, "resource": {w.URL + "/mcp"}})
	if tokens.Access == "" {
		t.Fatalf("refreshing: %+v", tokens)
	}
	// An administrator disables it: that is the end of it, also for the next one that says the same.
	w.change(func(d *directory.Directory) error {
		r, err := d.ClientRecord(t.Context(), id)
		if err != nil {
			return err
		}
		off := true
		_, err = d.UpdateClient(t.Context(), id, r.Version, directory.ClientEdit{Disabled: &off})
		return err
	})
	tokens = w.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {tokens.Refresh}})
	if tokens.Error != "invalid_client" {
		t.Errorf("refreshing when disabled: %+v", tokens)
	}
	if _, a := w.registerHost("A Host"); a.status != http.StatusBadRequest {
		t.Errorf("registering when disabled: %d %s", a.status, a.body)
	}
}

// TestRegistrationSetting: who may register is a setting, and what the console's API makes for it is good for it.
func TestRegistrationSetting(t *testing.T) {
	t.Parallel()
	off := newWorld(t, func(o *Options) { o.Registration = config.RegistrationOff })
	if a := off.send("POST", "/oauth/register", "{}", "Content-Type", "application/json"); a.status != http.StatusNotFound {
		t.Errorf("off: %d %s", a.status, a.body)
	}
	w := newWorld(t, func(o *Options) { o.Registration = config.RegistrationToken })
	if _, a := w.registerHost("A Host"); a.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", a.status, a.body)
	}
	admin := w.administrator()
	var made struct{ ID, Token string }
	if err := json.Unmarshal(w.send("POST", "/admin/api/v1/registration-tokens", `{"note": "A host"}`, "Content-Type", "application/json", "Authorization", "Bearer "+admin.token).body, &made); err != nil || made.Token == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	id, a := w.registerHost("A Host", "Authorization", "Bearer "+made.Token)
	if a.status != http.StatusCreated {
		t.Fatalf("with a token: %d %s", a.status, a.body)
	}
	if _, a := w.registerHost("Another Host", "Authorization", "Bearer "+made.Token); a.status != http.StatusUnauthorized {
		t.Errorf("with a token that is used up: %d %s", a.status, a.body)
	}
	w.clock.turn(25 * time.Hour)
	if got := w.send("GET", "/oauth/authorize?"+w.request(url.Values{"client_id": {id}, "redirect_uri": {"http://127.0.0.1:33418/callback"}}).Encode(), ""); got.status != http.StatusBadRequest {
		t.Errorf("a day later, unused: %d", got.status)
	}
}
