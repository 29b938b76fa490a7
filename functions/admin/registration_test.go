package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/audit"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

// registered is a client that registered itself, under the id that it got.
func (w *world) registered(name string) string {
	w.t.Helper()
	r, err := w.directory.Register(w.t.Context(), directory.Client{Name: name, RedirectURIs: []string{"http://127.0.0.1:1234/cb"}, GrantTypes: []string{"authorization_code"}}, false)
	if err == nil {
		err = w.store.Write(w.t.Context(), r.Ops...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Client.ID
}

// TestSelfRegistered: what registered itself can be disabled, enabled and deleted, and not be changed.
func TestSelfRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.registered("A Host")
	at := "/applications/" + id
	type application struct {
		ID         string
		ClientID   string `json:"client_id"`
		Source     string
		Type       string   `json:"application_type"`
		Redirects  []string `json:"redirect_uris"`
		AuthMethod string   `json:"auth_method"`
		Expires    time.Time
		Disabled   bool
	}
	got := as[application](t, w.call("GET", at, "").want(t, "reading", 200))
	if got.ID != id || got.ClientID != id || got.Source != "dynamic registration" || got.Type != "native" || got.AuthMethod != "none" || len(got.Redirects) != 1 || !got.Expires.Equal(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v", got)
	}
	w.walk([]step{
		{"another name", "PATCH", at, `{"name": "Mine"}`, 409, ""},
		{"other redirects", "PATCH", at, `{"redirect_uris": ["https://app.example/"]}`, 409, ""},
		{"another name, disabled", "PATCH", at, `{"name": "Mine", "disabled": true}`, 409, ""},
		{"a secret", "POST", at + "/secret", "", 409, ""},
		{"authorized", "PUT", at + "/authorizations/" + vetassist, `{"scopes": ["pet-profile:read"]}`, 409, ""},
		{"authorized for administration", "PUT", at + "/authorizations/" + adminAPI, `{"scopes": ["admin:read"]}`, 409, ""},
		{"disabled", "PATCH", at, `{"disabled": true}`, 200, ""},
	})
	if p := w.call("PATCH", at, `{"name": "Mine"}`, "If-Match", "*").problem(t); !strings.Contains(p.Detail, "registered itself") {
		t.Errorf("it says %q", p.Detail)
	}
	w.clock.Advance(9 * time.Minute)
	if got := as[application](t, w.call("GET", at, "")); !got.Disabled || !got.Expires.IsZero() {
		t.Errorf("a disabled one will be forgotten, and come back: %+v", got)
	}
	w.walk([]step{{"enabled", "PATCH", at, `{"disabled": false}`, 200, ""}})
	w.call("DELETE", at, "", "If-Match", "*").want(t, "deleting", 204)
	w.call("GET", at, "").want(t, "gone", 404)
}

// TestURLClients: one that describes itself at a URL is known by that; in addresses it has an id, and either finds it.
func TestURLClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const url = "https://app.example/client.json"
	id := directory.ClientKey(url)
	c := directory.Client{ID: id, URL: url, Name: "Described", Source: directory.SourceMetadata, ApplicationType: "web", RedirectURIs: []string{"https://app.example/cb"},
		GrantTypes: []string{"authorization_code"}, Fetched: w.clock.Now()}
	if err := w.directory.PutClient(t.Context(), c, store.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	type named struct {
		ID       string
		ClientID string `json:"client_id"`
		Fetched  time.Time
	}
	for _, segment := range []string{id, "https:%2F%2Fapp.example%2Fclient.json"} {
		if got := as[named](t, w.call("GET", "/applications/"+segment, "").want(t, segment, 200)); got.ID != id || got.ClientID != url || !got.Fetched.Equal(w.clock.Now()) {
			t.Errorf("%s: %+v", segment, got)
		}
	}
	w.call("PATCH", "/applications/https:%2F%2Fapp.example%2Fclient.json", `{"disabled": true}`, "If-Match", "*").want(t, "disabling by URL", 200)
	w.call("PATCH", "/applications/"+id, `{"disabled": false}`, "If-Match", "*").want(t, "enabling by id", 200)
	if got := as[struct{ Items []named }](t, w.call("GET", "/applications?sort=id&prefix=https://app.example/", "")); len(got.Items) != 1 || got.Items[0].ID != id {
		t.Errorf("by client id: %+v", got)
	}
	_, ops, err := w.directory.Allow(t.Context(), "user-bob", id, "mcp://vetassist", []string{"pet-profile:read"})
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(w.store, w.clock.Now, strings.NewReader(strings.Repeat("x", 100)), nil)
	op, err := log.Op(t.Context(), audit.Event{Name: audit.Consent, Outcome: audit.OK, UserID: "user-bob", ClientID: id})
	if err == nil {
		err = w.store.Write(t.Context(), append(ops, op)...)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"client_id=" + id, "client_id=https%3A%2F%2Fapp.example%2Fclient.json", "user_id=user-bob"} {
		got := as[struct {
			Items []struct {
				Application string `json:"application_id"`
				ClientID    string `json:"client_id"`
				Name        string `json:"client_name"`
			}
		}](t, w.call("GET", "/consents?"+query, "").want(t, query, 200))
		if len(got.Items) != 1 || got.Items[0].Application != id || got.Items[0].ClientID != url || got.Items[0].Name != "Described (app.example)" {
			t.Errorf("consents of %s: %+v", query, got)
		}
	}
	got := as[struct {
		Items []struct {
			ClientID string `json:"client_id"`
			Name     string `json:"client_name"`
			URL      string `json:"client_url"`
		}
	}](t, w.call("GET", "/audit?event=consent&client_id=https%3A%2F%2Fapp.example%2Fclient.json", ""))
	if len(got.Items) != 1 || got.Items[0].ClientID != id || got.Items[0].Name != "Described" || got.Items[0].URL != url {
		t.Errorf("in the audit log: %+v", got)
	}
	why := as[struct{ Application named }](t, w.call("GET", "/why?user_id=user-bob&server_id="+vetassist+"&client_id=https%3A%2F%2Fapp.example%2Fclient.json", "").want(t, "why", 200))
	if why.Application.ID != id || why.Application.ClientID != url {
		t.Errorf("why: %+v", why)
	}
}

// TestRegistrationTokens: an initial access token is shown once, and bounded in number, time and uses.
func TestRegistrationTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const at = "/registration-tokens"
	type made struct {
		ID, Note, Token string
		By              string `json:"created_by"`
		Expires         time.Time
		Uses            int
	}
	first := as[made](t, w.call("POST", at, `{"note": "Workshop", "days": 2, "uses": 30}`).want(t, "making", 200))
	if first.Token == "" || first.Note != "Workshop" || first.By != "admin" || first.Uses != 30 || !first.Expires.Equal(w.clock.Now().Add(48*time.Hour)) {
		t.Errorf("%+v", first)
	}
	if second := as[made](t, w.call("POST", at, `{"note": "One"}`)); second.Uses != 1 || !second.Expires.Equal(w.clock.Now().Add(7*24*time.Hour)) {
		t.Errorf("by default: %+v", second)
	}
	if a := w.call("GET", at, ""); strings.Contains(string(a.body), first.Token) || len(as[struct{ Items []made }](t, a).Items) != 2 {
		t.Errorf("listed: %s", a.body)
	}
	w.walk([]step{
		{"no note", "POST", at, `{"days": 1}`, 422, "body"},
		{"an empty note", "POST", at, `{"note": ""}`, 422, "body.note"},
		{"no days", "POST", at, `{"note": "x", "days": 0}`, 422, "body.days"},
		{"a year", "POST", at, `{"note": "x", "days": 365}`, 422, "body.days"},
		{"too many", "POST", at, `{"note": "x", "uses": 1001}`, 422, "body.uses"},
		{"none", "POST", at, `{"note": "x", "uses": -1}`, 422, "body.uses"},
	})
	if _, _, err := w.directory.UseRegistrationToken(t.Context(), first.Token); err != nil {
		t.Error(err)
	}
	w.call("DELETE", at+"/"+first.ID, "").want(t, "taking it back", 204)
	w.call("DELETE", at+"/"+first.ID, "").want(t, "again", 404)
	if _, _, err := w.directory.UseRegistrationToken(t.Context(), first.Token); err == nil {
		t.Error("it still works")
	}
	for _, e := range w.events() {
		for _, value := range e.Details {
			if strings.Contains(value, first.Token) {
				t.Errorf("recorded %+v", e)
			}
		}
	}
	var actions []string
	for _, e := range w.events() {
		if e.Outcome == audit.OK {
			actions = append(actions, e.Details["action"]+" "+e.Details["note"])
		}
	}
	if got := strings.Join(actions, ", "); got != "create-registration-token Workshop, create-registration-token One, delete-registration-token Workshop" {
		t.Errorf("recorded %s", got)
	}
}
