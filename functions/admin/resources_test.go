package admin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/shared/directory"
)

// step is a call and what must come of it.
type step struct {
	what, method, path, body string
	status                   int
	blames                   string // locations of wrong fields
}

// walk makes the calls one after the other, each with If-Match *.
func (w *world) walk(steps []step) {
	w.t.Helper()
	for _, s := range steps {
		a := w.call(s.method, s.path, s.body, "If-Match", "*").want(w.t, s.what, s.status)
		if s.status >= 400 {
			if got := a.problem(w.t).locations(); got != s.blames {
				w.t.Errorf("%s blames %q, want %q: %s", s.what, got, s.blames, a.body)
			}
		}
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zoo := `{"identifier": "mcp://zoo", "name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "animal:read", "title": "See animals", "open": true}]}`
	a := w.call("POST", "/servers", zoo).want(t, "registering", 201)
	made := as[struct{ ID, ETag string }](t, a)
	at := "/servers/" + made.ID
	if a.header.Get("Location") != w.url+"/admin/api/v1"+at {
		t.Errorf("Location: %q", a.header.Get("Location"))
	}
	w.call("POST", "/servers", zoo).want(t, "registering it again", 200)
	w.walk([]step{
		{"another of that name", "POST", "/servers", `{"identifier": "mcp://zoo", "name": "Other", "url": "https://zoo.example/mcp"}`, 422, "body.identifier"},
		{"another address of that name", "POST", "/servers", `{"identifier": "mcp://zoo", "name": "Other", "url": "https://other.example/mcp"}`, 422, "body.identifier"},
		{"its address", "POST", "/servers", `{"identifier": "mcp://other", "name": "Other", "url": "https://zoo.example/mcp"}`, 422, "body.url"},
		{"http", "POST", "/servers", `{"identifier": "mcp://other", "name": "Other", "url": "http://other.example/mcp"}`, 422, "body.url"},
		{"no URI", "POST", "/servers", `{"identifier": "other", "name": "Other", "url": "https://other.example/mcp"}`, 422, "body.identifier"},
		{"a scope of OpenID Connect", "PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "openid", "title": "x"}]}`, 422, "body.scopes"},
		{"a scope with a space", "PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp", "scopes": [{"name": "a b", "title": "x"}]}`, 422, "body.scopes"},
		{"a role uses it", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper", "permissions": [{"server_id": %q, "scopes": ["animal:read"]}]}`, made.ID), 201, ""},
		{"an unknown scope in a role", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper 2", "permissions": [{"server_id": %q, "scopes": ["animal:eat"]}]}`, made.ID), 422, "body.permissions"},
		{"a server twice in a role", "POST", "/roles", fmt.Sprintf(`{"name": "Keeper 2", "permissions": [{"server_id": %[1]q, "scopes": ["animal:read"]}, {"server_id": %[1]q, "scopes": []}]}`, made.ID), 422, "body.permissions"},
		{"the admin API changed", "PUT", "/servers/" + adminAPI, `{"name": "Mine", "url": "https://mine.example/api"}`, 409, ""},
		{"the admin API deleted", "DELETE", "/servers/" + adminAPI + "?cascade=true", "", 409, ""},
	})
	p := w.call("PUT", at, `{"name": "Zoo", "url": "https://zoo.example/mcp"}`, "If-Match", "*").want(t, "dropping a scope in use", 409).problem(t)
	if len(p.Uses) != 1 || p.Uses[0].Kind != "role" || p.Uses[0].Name != "Keeper" {
		t.Errorf("used by %+v", p.Uses)
	}
	w.call("DELETE", at, "", "If-Match", "*").want(t, "deleting it in use", 409).problem(t)
	w.call("PUT", at+"?cascade=true", `{"name": "Zoo", "url": "https://zoo.example/mcp"}`, "If-Match", "*").want(t, "dropping the scope everywhere", 200)
	if role := as[struct{ Permissions []any }](t, w.call("GET", "/roles/Keeper", "")); len(role.Permissions) > 0 {
		t.Errorf("the role keeps %v", role.Permissions)
	}
	w.call("DELETE", at, "", "If-Match", "*").want(t, "deleting it", 204)
	w.call("GET", at, "").want(t, "afterwards", 404).problem(t)
	if ids := w.ids("/servers?limit=1"); !slices.Equal(ids, []string{adminAPI, vetassist}) {
		t.Errorf("page by page: %q", ids)
	}
}

// ids reads a list to its end.
func (w *world) ids(path string) (all []string) {
	w.t.Helper()
	for next := ""; ; {
		page := as[struct {
			Items []struct {
				ID       string
				ClientID string `json:"client_id"`
				Name     string
				Username string
			}
			Next string
		}](w.t, w.call("GET", path+next, "").want(w.t, path+next, 200))
		for _, item := range page.Items {
			switch {
			case item.Username != "":
				all = append(all, item.Username)
			case item.ClientID != "":
				all = append(all, item.ClientID)
			case item.ID != "":
				all = append(all, item.ID)
			default:
				all = append(all, item.Name)
			}
		}
		if page.Next == "" {
			return all
		}
		next = "&cursor=" + page.Next
		if !strings.Contains(path, "?") {
			next = "?cursor=" + page.Next
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	groomer := fmt.Sprintf(`{"name": "Groomer", "description": "Cuts hair.", "permissions": [{"server_id": %q, "scopes": ["pet-profile:read", "appointment:read"]}]}`, vetassist)
	w.call("POST", "/roles", groomer).want(t, "defining", 201)
	w.call("POST", "/roles", groomer).want(t, "defining it again", 200)
	w.walk([]step{
		{"another of that name", "POST", "/roles", `{"name": "Groomer", "description": "Other."}`, 422, "body.name"},
		{"the name in another case", "POST", "/roles", `{"name": "groomer", "description": "Cuts hair."}`, 422, "body.name"},
		{"dots for a name", "POST", "/roles", `{"name": ".."}`, 422, "body.name"},
		{"a slash in a name", "POST", "/roles", `{"name": "a/b"}`, 422, "body.name"},
		{"no such server", "POST", "/roles", `{"name": "X", "permissions": [{"server_id": "bWNwOi8vbm9ib2R5", "scopes": ["a"]}]}`, 422, "body.permissions"},
		{"given", "PUT", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"given again", "PUT", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"given to nobody", "PUT", "/roles/Groomer/members/user-nobody", "", 404, ""},
		{"nothing given", "PUT", "/roles/Nothing/members/user-carol", "", 404, ""},
		{"in use", "DELETE", "/roles/Groomer", "", 409, ""},
		{"the administrators' permission taken", "PUT", "/roles/Administrator", `{"permissions": []}`, 422, "body.permissions"},
		{"the administrators' role deleted", "DELETE", "/roles/Administrator?cascade=true", "", 409, ""},
		{"the last administrator's role taken", "DELETE", "/roles/Administrator/members/user-admin", "", 409, ""},
	})
	if got := w.ids("/roles/Groomer/members"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("members: %q", got)
	}
	w.walk([]step{
		{"taken", "DELETE", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"taken again", "DELETE", "/roles/Groomer/members/user-carol", "", 204, ""},
		{"and gone", "DELETE", "/roles/Groomer", "", 204, ""},
	})
	if got := w.ids("/roles?limit=2"); !slices.Equal(got, []string{"Administrator", "Pet Owner", "Vet Staff"}) {
		t.Errorf("roles: %q", got)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type made struct{ ID, Password, ETag string }
	first := as[made](t, w.call("POST", "/users", `{"username": "Dora", "name": "Dora", "roles": ["Pet Owner"]}`, "Idempotency-Key", "one").want(t, "creating", 201))
	if len(first.Password) < 20 {
		t.Errorf("the password that was made: %q", first.Password)
	}
	if u, err := w.directory.Authenticate(t.Context(), "dora", first.Password); err != nil || u.ID != first.ID {
		t.Errorf("dora cannot log in with it: %v", err)
	}
	if again := as[made](t, w.call("POST", "/users", `{"username": "Dora", "name": "Dora", "roles": ["Pet Owner"]}`, "Idempotency-Key", "one").want(t, "creating again", 200)); again.ID != first.ID || again.Password != "" {
		t.Errorf("again: %+v", again)
	}
	given := as[made](t, w.call("POST", "/users", `{"username": "erin", "name": "Erin", "password": "battery staple 7"}`).want(t, "with a password", 201))
	if given.Password != "" {
		t.Error("the answer repeats a password that was sent")
	}
	at := "/users/" + first.ID
	w.walk([]step{
		{"the username is taken", "POST", "/users", `{"username": "DORA", "name": "Another"}`, 422, "body.username"},
		{"a space in it", "POST", "/users", `{"username": "d ora", "name": "Another"}`, 422, "body.username"},
		{"a weak password", "POST", "/users", `{"username": "frank", "name": "Frank", "password": "password"}`, 422, "body.password"},
		{"a short password", "PUT", at + "/password", `{"password": "short"}`, 422, "body.password"},
		{"an unknown role", "PATCH", at, `{"roles": ["King"]}`, 422, "body.roles"},
		{"bob's username", "PATCH", at, `{"username": "bob"}`, 422, "body.username"},
		{"another username", "PATCH", at, `{"username": "dorothy"}`, 200, ""},
		{"disabled", "PATCH", at, `{"disabled": true}`, 200, ""},
		{"the last administrator disabled", "PATCH", "/users/user-admin", `{"disabled": true}`, 409, ""},
		{"the last administrator demoted", "PATCH", "/users/user-admin", `{"roles": []}`, 409, ""},
		{"the last administrator deleted", "DELETE", "/users/user-admin", "", 409, ""},
		{"another password", "PUT", at + "/password", `{"password": "battery staple 8"}`, 204, ""},
	})
	if _, err := w.directory.Authenticate(t.Context(), "dorothy", "battery staple 8"); err == nil {
		t.Error("a disabled user can log in")
	}
	w.call("PATCH", at, `{"disabled": false}`, "If-Match", "*").want(t, "enabled", 200)
	if _, err := w.directory.Authenticate(t.Context(), "dorothy", "battery staple 8"); err != nil {
		t.Error(err)
	}
	if got := w.ids("/users?limit=2"); !slices.Equal(got, []string{"admin", "alice", "bob", "carol", "dorothy", "erin"}) {
		t.Errorf("by username: %q", got)
	}
	if got := w.ids("/users?sort=name&prefix=DR"); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("by name: %q", got)
	}
	if got := w.ids("/users?prefix=E"); !slices.Equal(got, []string{"erin"}) {
		t.Errorf("by prefix: %q", got)
	}
	w.call("DELETE", at, "", "If-Match", w.tag(at)).want(t, "deleting", 204)
	w.call("GET", at, "").want(t, "afterwards", 404)
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess()
	page := as[struct{ Items []struct{ ID, Name string } }](t, w.call("GET", "/users/user-bob/passkeys", "").want(t, "listing", 200))
	if len(page.Items) != 1 || page.Items[0].Name != "Phone" {
		t.Errorf("%+v", page)
	}
	w.call("DELETE", "/users/user-bob/passkeys/bobs-passkey", "").want(t, "removing", 204)
	if left := w.ids("/users/user-bob/passkeys"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestUnlock: who typed ten wrong passwords is told apart, and can be let in again.
func TestUnlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	until := func() string {
		return as[struct {
			Until string `json:"locked_until"`
		}](t, w.call("GET", "/users/user-bob", "")).Until
	}
	if until() != "" {
		t.Error("locked from the start")
	}
	for range 10 {
		w.directory.Authenticate(t.Context(), "bob", "wrong")
	}
	if _, err := w.directory.Authenticate(t.Context(), "bob", "bob-demo"); err == nil || until() == "" {
		t.Errorf("not locked: %v, until %q", err, until())
	}
	w.call("POST", "/users/user-bob/unlock", "").want(t, "unlocking", 204)
	if _, err := w.directory.Authenticate(t.Context(), "bob", "bob-demo"); err != nil || until() != "" {
		t.Errorf("still locked: %v, until %q", err, until())
	}
	for range 10 {
		w.directory.Authenticate(t.Context(), "bob", "wrong")
	}
	w.call("PUT", "/users/user-bob/password", `{"password": "battery staple 9"}`).want(t, "another password", 204)
	if _, err := w.directory.Authenticate(t.Context(), "bob", "battery staple 9"); err != nil {
		t.Errorf("locked in spite of another password: %v", err)
	}
}

func TestApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type made struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		ETag    string
		Type    string `json:"application_type"`
		Granted []struct {
			Server struct{ ID, Name string }
			Scopes []string
		} `json:"authorizations"`
	}
	public := as[made](t, w.call("POST", "/applications", `{"name": "Host", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "public", 201))
	if public.Secret != "" || public.Type != "native" {
		t.Errorf("%+v", public)
	}
	if again := as[made](t, w.call("POST", "/applications", `{"name": "Host", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "again", 200)); again.ID != public.ID {
		t.Errorf("another one: %q", again.ID)
	}
	if other := as[made](t, w.call("POST", "/applications", `{"name": "Host 2", "template": "MCP client application", "redirect_uris": ["http://127.0.0.1:3000/cb"]}`, "Idempotency-Key", "k").want(t, "another with the key", 201)); other.ID == public.ID {
		t.Error("two applications are one")
	}
	machine := as[made](t, w.call("POST", "/applications", `{"name": "Night job", "template": "Machine-to-machine application", "roles": ["Vet Staff"]}`, "Idempotency-Key", "m").want(t, "machine", 201))
	if again := as[made](t, w.call("POST", "/applications", `{"name": "Night job", "template": "Machine-to-machine application", "roles": ["Vet Staff"]}`, "Idempotency-Key", "m").want(t, "machine again", 200)); again.Secret != "" || again.ID != machine.ID {
		t.Errorf("the secret was told twice: %+v", again)
	}
	fits := func(secret string) bool {
		c, err := w.directory.Client(t.Context(), machine.ID)
		return err == nil && c.SecretFits(secret)
	}
	rotated := as[made](t, w.call("POST", "/applications/"+machine.ID+"/secret", "").want(t, "rotating", 200))
	if !fits(rotated.Secret) || fits(machine.Secret) {
		t.Error("the new secret does not fit, or the old one does")
	}
	if strings.Contains(string(w.call("GET", "/applications/"+machine.ID, "").body), "secret_hash") {
		t.Error("the hash is told")
	}
	at := "/applications/" + public.ID
	w.walk([]step{
		{"a secret for a public one", "POST", at + "/secret", "", 409, ""},
		{"a redirect to http", "PATCH", at, `{"redirect_uris": ["http://app.example/"]}`, 422, "body.redirect_uris"},
		{"roles of a public one", "PATCH", at, `{"roles": ["Vet Staff"]}`, 422, "body.roles"},
		{"no such template", "POST", "/applications", `{"name": "X", "template": "Magic"}`, 422, "body.template"},
		{"no redirect", "POST", "/applications", `{"name": "X", "template": "MCP client application"}`, 422, "body.redirect_uris"},
		{"an unknown server", "PUT", at + "/authorizations/bWNwOi8vbm9ib2R5", `{"scopes": ["a"]}`, 404, ""},
		{"an unknown scope", "PUT", at + "/authorizations/" + vetassist, `{"scopes": ["a"]}`, 422, "body.scopes"},
		{"no scope", "PUT", at + "/authorizations/" + vetassist, `{"scopes": []}`, 422, "body.scopes"},
		{"what is not authorized taken", "DELETE", at + "/authorizations/" + vetassist, "", 404, ""},
		{"disabled", "PATCH", at, `{"disabled": true}`, 200, ""},
		{"the console disabled", "PATCH", "/applications/vetassist-console", `{"disabled": true}`, 409, ""},
		{"the console deleted", "DELETE", "/applications/vetassist-console?cascade=true", "", 409, ""},
		{"the console's authorization taken", "DELETE", "/applications/vetassist-console/authorizations/" + adminAPI, "", 409, ""},
	})
	got := as[made](t, w.call("PUT", at+"/authorizations/"+vetassist, `{"scopes": ["reminder:read", "pet-profile:read"]}`, "If-Match", w.tag(at)).want(t, "authorizing", 200))
	if len(got.Granted) != 1 || got.Granted[0].Server.Name != "VetAssist MCP Server" || !slices.Equal(got.Granted[0].Scopes, []string{"pet-profile:read", "reminder:read"}) {
		t.Errorf("authorized: %+v", got.Granted)
	}
	if got := as[made](t, w.call("DELETE", at+"/authorizations/"+vetassist, "", "If-Match", got.ETag).want(t, "taking it", 200)); len(got.Granted) > 0 {
		t.Errorf("still authorized: %+v", got.Granted)
	}
	if got := w.ids("/applications?sort=id&prefix=vet"); !slices.Equal(got, []string{"vet-assist-ai", "vetassist-console"}) {
		t.Errorf("by id: %q", got)
	}
	if got := w.ids("/applications?prefix=hOST&limit=1"); len(got) != 2 {
		t.Errorf("by name: %q", got)
	}

	w.bobsAccess()
	p := w.call("DELETE", "/applications/vet-assist-ai", "", "If-Match", "*").want(t, "deleting what people use", 409).problem(t)
	if p.Type != "problem:in-use" || len(p.Uses) != 1 || p.Uses[0].Name != "bob" {
		t.Errorf("used by %+v", p)
	}
	w.call("DELETE", "/applications/vet-assist-ai?cascade=true", "", "If-Match", "*").want(t, "deleting it all the same", 204)
	if left := w.ids("/grants?user_id=user-bob"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type key struct{ Kid, State string }
	keys := func() []key { return as[struct{ Items []key }](t, w.call("GET", "/keys", "")).Items }
	first := keys()
	if len(first) != 1 || first[0].State != "current" {
		t.Fatalf("%+v", first)
	}
	w.call("DELETE", "/keys/"+first[0].Kid, "").want(t, "retiring the key that signs", 409).problem(t)
	next := as[key](t, w.call("POST", "/keys", "").want(t, "rotating", 200))
	if all := keys(); len(all) != 2 || next.State != "next" || all[1].Kid != next.Kid {
		t.Errorf("%+v", all)
	}
	w.clock.Advance(5 * 60 * 1e9)
	w.admin = w.token("user-admin", "admin:write") // signed with the new key
	if all := keys(); all[0].State != "retiring" || all[1].State != "current" {
		t.Errorf("%+v", all)
	}
	w.call("DELETE", "/keys/"+first[0].Kid, "").want(t, "retiring the old one", 204)
	if all := keys(); len(all) != 1 || all[0].Kid != next.Kid {
		t.Errorf("%+v", all)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobsAccess() // he allowed pet-profile:read
	type why struct {
		User     *struct{ Roles []string }
		Granted  []string
		Verdicts []struct {
			Scope   string
			Granted bool
			Lacking []string
		}
		Sets    struct{ Requested, Client, Role, Consent []string }
		Blocked []string
	}
	got := as[why](t, w.call("GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id="+vetassist+"&scope=pet-profile:read+pet-profile:write+reminder:read+x", "").want(t, "bob", 200))
	var lines []string
	for _, v := range got.Verdicts {
		lines = append(lines, fmt.Sprintf("%s %v %v", v.Scope, v.Granted, v.Lacking))
	}
	want := []string{"pet-profile:read true []", "pet-profile:write false [role consent]", "reminder:read false [consent]", "x false [client role consent]"}
	if !slices.Equal(lines, want) || !slices.Equal(got.Granted, []string{"pet-profile:read"}) || !slices.Equal(got.Sets.Consent, []string{"pet-profile:read"}) {
		t.Errorf("%q\nwant %q", lines, want)
	}
	all := as[why](t, w.call("GET", "/why?user_id=user-carol&client_id=vet-assist-ai&server_id="+vetassist, "").want(t, "carol", 200))
	if len(all.Verdicts) != 6 || len(all.Granted) != 0 || len(all.Sets.Role) != 6 {
		t.Errorf("%+v", all)
	}
	off := true
	r, err := w.directory.UserRecord(t.Context(), "user-bob")
	if err == nil {
		_, err = w.directory.UpdateUser(t.Context(), "user-bob", r.Version, directory.UserEdit{Disabled: &off})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := as[why](t, w.call("GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id="+vetassist, "")); len(got.Blocked) != 1 {
		t.Errorf("a disabled user: %+v", got.Blocked)
	}
	machine := as[struct {
		ID string `json:"client_id"`
	}](t, w.call("POST", "/applications", `{"name": "M", "template": "Machine-to-machine application", "roles": ["Pet Owner"]}`))
	w.call("PUT", "/applications/"+machine.ID+"/authorizations/"+vetassist, `{"scopes": ["pet-profile:read", "pet-profile:write"]}`, "If-Match", "*").want(t, "authorizing", 200)
	if got := as[why](t, w.call("GET", "/why?client_id="+machine.ID+"&server_id="+vetassist, "").want(t, "a machine", 200)); got.User != nil || !slices.Equal(got.Granted, []string{"pet-profile:read"}) {
		t.Errorf("%+v", got)
	}
	w.walk([]step{
		{"nobody", "GET", "/why?user_id=x&client_id=vet-assist-ai&server_id=" + vetassist, "", 422, "query.user_id"},
		{"no application", "GET", "/why?user_id=user-bob&client_id=x&server_id=" + vetassist, "", 422, "query.client_id"},
		{"no server", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id=x", "", 422, "query.server_id"},
		{"no scope", "GET", "/why?user_id=user-bob&client_id=vet-assist-ai&scope=%22&server_id=" + vetassist, "", 422, "query.scope"},
		{"nothing", "GET", "/why", "", 422, "query.client_id query.server_id"},
	})
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.clock.Advance(1e9)
		w.call("POST", "/roles", fmt.Sprintf(`{"name": "Role %d"}`, i)).want(t, "a change", 201)
	}
	w.call("DELETE", "/roles/Nothing", "", "If-Match", "*").want(t, "a refusal", 404)
	type event struct {
		ID, Event, Outcome string
		Details            map[string]string
	}
	var seen []string
	for cursor := ""; ; {
		page := as[struct {
			Items []event
			Next  string
		}](t, w.call("GET", "/audit?event=administration&outcome=ok&limit=2"+cursor, "").want(t, "a page", 200))
		for _, e := range page.Items {
			seen = append(seen, e.Details["role"])
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if want := []string{"Role 4", "Role 3", "Role 2", "Role 1", "Role 0"}; !slices.Equal(seen, want) {
		t.Errorf("listed %q", seen)
	}
	a := w.call("GET", "/audit/export?outcome=refused", "").want(t, "exporting", 200)
	if lines := strings.Split(strings.TrimSpace(string(a.body)), "\n"); len(lines) != 1 || !strings.Contains(lines[0], "delete-role") ||
		a.header.Get("Content-Type") != "application/jsonl" || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("exported %q as %v", lines, a.header)
	}
	since := w.clock.Now().Add(-2e9).Format(http.TimeFormat)
	w.call("GET", "/audit?since="+strings.ReplaceAll(since, " ", "%20"), "").want(t, "a time in another form", 422)
	if got := as[struct{ Items []event }](t, w.call("GET", "/audit?event=administration&since="+w.clock.Now().Add(-1500e6).Format("2006-01-02T15:04:05.000Z"), "")); len(got.Items) != 3 {
		t.Errorf("since: %+v", got.Items)
	}
}
