package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/token"
)

// operation is one of the API's, as its OpenAPI document tells.
type operation struct {
	id, method, path string
	match            bool // it takes If-Match
	body             bool
	paged            bool
}

// operations are all of them: so a new one is tested below without a word, or the test fails.
func operations(t testing.TB) (all []operation) {
	t.Helper()
	body, err := document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody json.RawMessage
			Parameters  []struct{ Name string }
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			has := func(name string) bool {
				return slices.ContainsFunc(op.Parameters, func(p struct{ Name string }) bool { return p.Name == name })
			}
			all = append(all, operation{op.OperationID, strings.ToUpper(method), path, has("If-Match"), len(op.RequestBody) > 0, has("cursor")})
		}
	}
	slices.SortFunc(all, func(x, y operation) int { return strings.Compare(x.id, y.id) })
	if len(all) < 40 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

// examples are requests that are right, by operation: an address, and a body where there is one.
var examples = map[string]struct{ path, body string }{
	"me":                      {"/me", ""},
	"list-servers":            {"/servers", ""},
	"register-server":         {"/servers", `{"identifier": "mcp://zoo", "name": "Zoo", "url": "https://zoo.example/mcp"}`},
	"read-server":             {"/servers/" + vetassist, ""},
	"update-server":           {"/servers/" + vetassist, `{"name": "Clinic", "url": "https://clinic.example/mcp", "scopes": [{"name": "pet-profile:read", "title": "See pets"}]}`},
	"delete-server":           {"/servers/" + vetassist, ""},
	"list-roles":              {"/roles", ""},
	"define-role":             {"/roles", `{"name": "Groomer"}`},
	"read-role":               {"/roles/Pet%20Owner", ""},
	"update-role":             {"/roles/Pet%20Owner", `{"description": "x"}`},
	"delete-role":             {"/roles/Pet%20Owner", ""},
	"list-members":            {"/roles/Pet%20Owner/members", ""},
	"add-member":              {"/roles/Vet%20Staff/members/user-bob", ""},
	"remove-member":           {"/roles/Pet%20Owner/members/user-bob", ""},
	"list-users":              {"/users", ""},
	"create-user":             {"/users", `{"username": "dora", "name": "Dora"}`},
	"read-user":               {"/users/user-bob", ""},
	"update-user":             {"/users/user-bob", `{"name": "Robert"}`},
	"delete-user":             {"/users/user-bob", ""},
	"set-password":            {"/users/user-bob/password", `{"password": "correct horse 1"}`},
	"sign-out":                {"/users/user-bob/sign-out", ""},
	"unlock-user":             {"/users/user-bob/unlock", ""},
	"list-passkeys":           {"/users/user-bob/passkeys", ""},
	"remove-passkey":          {"/users/user-bob/passkeys/bobs-passkey", ""},
	"list-applications":       {"/applications", ""},
	"create-application":      {"/applications", `{"name": "App", "template": "MCP client application", "redirect_uris": ["https://app.example/"]}`},
	"read-application":        {"/applications/vet-assist-ai", ""},
	"update-application":      {"/applications/vet-assist-ai", `{"name": "Another name"}`},
	"delete-application":      {"/applications/vet-assist-ai", ""},
	"rotate-secret":           {"/applications/app-secret/secret", ""},
	"authorize-application":   {"/applications/vet-assist-ai/authorizations/" + vetassist, `{"scopes": ["pet-profile:read"]}`},
	"unauthorize-application": {"/applications/vet-assist-ai/authorizations/" + vetassist, ""},
	"list-consents":           {"/consents?user_id=user-bob", ""},
	"revoke-consent":          {"/consents/" + bobsConsent, ""},
	"list-grants":             {"/grants?client_id=vet-assist-ai", ""},
	"revoke-grant":            {"/grants/bobs-grant", ""},
	"list-sessions":           {"/sessions?user_id=user-bob", ""},
	"end-session":             {"/sessions/bobs-login", ""},
	"list-keys":               {"/keys", ""},
	"rotate-keys":             {"/keys", ""},
	"retire-key":              {"/keys/{kid}", ""},
	"list-events":             {"/audit", ""},
	"export-events":           {"/audit/export", ""},
	"reset-clinic":            {"/clinic/reset", ""},
	"list-snapshots":          {"/clinic/snapshots", ""},
	"make-snapshot":           {"/clinic/snapshots", `{"name": "Before the break"}`},
	"restore-snapshot":        {"/clinic/snapshots/{id}/restore", ""},
	"delete-snapshot":         {"/clinic/snapshots/{id}", ""},
	"why":                     {"/why?user_id=user-bob&client_id=vet-assist-ai&server_id=" + vetassist, ""},
}

// example makes an operation's example true in a world: what it names is there.
func (w *world) example(op operation) (path, body string) {
	w.t.Helper()
	e, ok := examples[op.id]
	if !ok {
		w.t.Fatalf("the operation %s has no example: add one", op.id)
	}
	w.bobsAccess()
	if op.id == "rotate-secret" {
		_, _, err := w.directory.AddClient(w.t.Context(), directory.NewClient{ID: "app-secret", Name: "Secret", Template: directory.MachineTemplate})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if op.id == "retire-key" {
		if _, err := w.keys.Rotate(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		keys, err := w.keys.Keys(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		e.path = "/keys/" + keys[len(keys)-1].ID
	}
	if strings.HasSuffix(op.id, "-snapshot") && op.id != "make-snapshot" {
		made := as[struct{ ID string }](w.t, w.call("POST", "/clinic/snapshots", `{"name": "Morning"}`))
		e.path = strings.Replace(e.path, "{id}", made.ID, 1)
	}
	w.store.writes() // those do not count
	return e.path, e.body
}

// right are the headers that a right request needs besides its token.
func (w *world) right(op operation, path string) []string {
	if !op.match {
		return nil
	}
	record, _, _ := strings.Cut(path, "/authorizations")
	return []string{"If-Match", w.tag(record)}
}

// TestEveryOperation: each answers who may, and changes nothing for anybody else.
func TestEveryOperation(t *testing.T) {
	for _, op := range operations(t) {
		t.Run(op.id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path, body := w.example(op)
			headers := w.right(op, path)
			refuse := func(what, raw string, status int, challenge string) {
				t.Helper()
				a := w.call(op.method, path, body, append(headers, "Authorization", raw)...).want(t, what, status)
				a.problem(t)
				if got := a.header.Get("WWW-Authenticate"); (challenge == "") != (got == "") || !strings.Contains(got, challenge) {
					t.Errorf("%s: WWW-Authenticate %q, want %q in it", what, got, challenge)
				}
				if written := w.store.writes(); len(written) > 0 {
					t.Errorf("%s wrote %q", what, written)
				}
			}
			scope := "admin:write"
			if op.method == "GET" {
				scope = "admin:read"
			}
			with := func(change func(*token.Grant)) string {
				g := token.Grant{Subject: "user-admin", ClientID: "vetassist-console", Audience: admin.Audience(w.url),
					Scopes: []string{"admin:read", "admin:write"}, Roles: []string{"Administrator"}}
				change(&g)
				return "Bearer " + w.mint(g)
			}
			refuse("without a token", "-", 401, `resource_metadata="`+w.url+`/.well-known/oauth-protected-resource/admin/api", scope="`+scope+`"`)
			refuse("with a password", "Basic YWRtaW46YWRtaW4tZGVtbw==", 401, "scope=")
			refuse("with nonsense", "Bearer nonsense", 401, `error="invalid_token"`)
			refuse("for the MCP server", with(func(g *token.Grant) { g.Audience = []string{w.url + "/mcp", "mcp://vetassist"} }), 401, `error="invalid_token"`)
			if op.id != "me" { // tells everybody who they are
				refuse("without a scope", with(func(g *token.Grant) { g.Scopes = nil }), 403, `error="insufficient_scope"`)
				refuse("another role", with(func(g *token.Grant) { g.Subject, g.Roles = "user-carol", []string{"Vet Staff"} }), 403, "")
				refuse("a role that only the token has", with(func(g *token.Grant) { g.Subject = "user-carol" }), 403, "")
				refuse("a role that only the user has", with(func(g *token.Grant) { g.Roles = nil }), 403, "")
				refuse("a user who is gone", with(func(g *token.Grant) { g.Subject = "user-nobody" }), 403, "")
				refuse("an application without the role", with(func(g *token.Grant) { g.Subject, g.ClientID = "vet-assist-ai", "vet-assist-ai" }), 403, "")
			}
			if op.method != "GET" {
				refuse("with the scope to read", with(func(g *token.Grant) { g.Scopes = []string{"admin:read"} }), 403, `error="insufficient_scope", error_description=`)
			}
			if op.match {
				a := w.call(op.method, path, body).want(t, "without If-Match", 428)
				a.problem(t)
				for _, stale := range []string{`"1-AAAAAAAA"`, `W/` + headers[1], `"*"`, headers[1] + "x", "nonsense"} {
					w.call(op.method, path, body, "If-Match", stale).want(t, "with If-Match "+stale, 412).problem(t)
				}
				if written := w.store.writes(); len(written) > 0 {
					t.Errorf("a refused change wrote %q", written)
				}
			}
			w.right(op, path) // nothing changed so far
			if op.match && !slices.Equal(headers, w.right(op, path)) {
				t.Errorf("the ETag moved without a change")
			}
			if a := w.call(op.method, path, body, headers...); a.status/100 != 2 && a.status != 409 {
				t.Errorf("the administrator got %d: %s", a.status, a.body)
			}
			if op.method == "GET" && len(w.store.writes()) > 0 {
				t.Error("looking changed something")
			}
			w.store.writes()
			if log := w.log.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("logged: %s", log)
			}
			w.clock.Advance(token.Lifetime)
			refuse("after ten minutes", "Bearer "+w.admin, 401, `error="invalid_token"`)
		})
	}
}

// TestBadInput: what is no request of the operation is refused, as a problem, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range operations(t) {
		path, _, _ := strings.Cut(examples[op.id].path, "?")
		query := "?"
		if strings.Contains(examples[op.id].path, "?") {
			path, query = examples[op.id].path, "&"
		}
		bad := func(what, path, body string, status int, headers ...string) {
			t.Helper()
			a := w.call(op.method, path, body, append([]string{"If-Match", "*"}, headers...)...).want(t, op.id+" "+what, status)
			a.problem(t)
			if strings.Contains(string(a.body), "s3cr3t-1") {
				t.Errorf("%s %s: the answer repeats what was sent: %s", op.id, what, a.body)
			}
		}
		if op.body {
			bad("with no body", path, "", 400)
			bad("with half of one", path, `{"password": "s3cr3t-1`, 400)
			bad("with a list", path, `[]`, 422)
			bad("with null", path, `null`, 422)
			bad("with a field too many", path, `{"sudo": "s3cr3t-1"}`, 422)
			bad("with a password of another type", path, `{"password": ["s3cr3t-1"]}`, 422)
			bad("as a form", path, "a=b", 415, "Content-Type", "application/x-www-form-urlencoded")
			bad("of 65 KB", path, `{"name": "`+strings.Repeat("x", 65<<10)+`"}`, 413)
		}
		bad("with a parameter too many", path+query+"sudo=1", examples[op.id].body, 422)
		if op.paged {
			for _, q := range []string{"limit=0", "limit=201", "limit=-1", "limit=x", "cursor=%21", "cursor=" + strings.Repeat("x", 9000)} {
				bad("with "+q[:min(len(q), 20)], path+query+q, "", 422)
			}
		}
	}
	if written := w.store.writes(); len(written) > 0 {
		t.Errorf("bad input wrote %q", written)
	}
}

// TestNobody: an id that names nothing is 404, whatever it looks like.
func TestNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range operations(t) {
		if !strings.Contains(op.path, "{") {
			continue
		}
		for _, id := range []string{"nobody", "%2e%2e", "..%2fadmin", "a%2Fb", "%00", "%ff", "%F0%9F%90%95", "bWNwOi8vbm9ib2R5", strings.Repeat("x", 200)} {
			path := op.path
			for strings.Contains(path, "{") {
				from, to := strings.Index(path, "{"), strings.Index(path, "}")
				path = path[:from] + id + path[to+1:]
			}
			a := w.call(op.method, path, examples[op.id].body, "If-Match", "*").want(t, op.id+" of "+id, 404)
			a.problem(t)
		}
	}
	if written := w.store.writes(); len(written) > 0 {
		t.Errorf("wrote %q", written)
	}
}

// TestConcurrentEdits: of many who change the same thing from the same state one succeeds, and the others hear of it.
func TestConcurrentEdits(t *testing.T) {
	for _, op := range operations(t) {
		if !op.match {
			continue
		}
		t.Run(op.id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path, body := w.example(op)
			headers := w.right(op, path)
			if strings.HasPrefix(op.id, "delete-") || op.id == "update-server" {
				if op.id != "delete-user" {
					path += "?cascade=true"
				}
			}
			var mu sync.Mutex
			count := map[int]int{}
			var wait sync.WaitGroup
			for range 8 {
				wait.Go(func() {
					a, err := w.try(op.method, path, body, headers...)
					mu.Lock()
					defer mu.Unlock()
					if count[a.status]++; err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			if good := count[200] + count[204]; good != 1 || good+count[412]+count[404] != 8 {
				t.Errorf("answers by status: %v", count)
			}
		})
	}
}

// TestOnceIsEnough: who loses the role, the login or all logins can do nothing more, whatever the token says.
func TestOnceIsEnough(t *testing.T) {
	t.Parallel()
	off := true
	for what, change := range map[string]func(*world, store.Record[directory.User]) error{
		"demoted": func(w *world, r store.Record[directory.User]) error {
			_, err := w.directory.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Roles: &[]string{"Vet Staff"}})
			return err
		},
		"disabled": func(w *world, r store.Record[directory.User]) error {
			_, err := w.directory.UpdateUser(t.Context(), r.Value.ID, r.Version, directory.UserEdit{Disabled: &off})
			return err
		},
		"deleted": func(w *world, r store.Record[directory.User]) error {
			return w.directory.DeleteUser(t.Context(), r.Value.ID, r.Version)
		},
		"signed out": func(w *world, r store.Record[directory.User]) error {
			return w.directory.SignOut(t.Context(), r.Value.ID)
		},
	} {
		w := newWorld(t)
		w.call("PUT", "/roles/Administrator/members/user-carol", "").want(t, "another administrator", 204)
		carol := w.token("user-carol", "admin:write")
		w.call("GET", "/users", "", "Authorization", "Bearer "+carol).want(t, what+", before", 200)
		r, err := w.directory.UserRecord(t.Context(), "user-carol")
		if err == nil {
			err = change(w, r)
		}
		if err != nil {
			t.Fatal(what, err)
		}
		w.call("GET", "/users", "", "Authorization", "Bearer "+carol).want(t, what, 403).problem(t)
		if what == "signed out" {
			w.clock.Advance(time.Second)
			w.call("GET", "/users", "", "Authorization", "Bearer "+w.token("user-carol", "admin:read")).want(t, "after another login", 200)
		}
	}
}

// TestAuditedAll: every change and every refusal is in the audit log: who, what, and how it ended.
func TestAuditedAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("POST", "/roles", `{"name": "Groomer"}`).want(t, "defining", 201)
	w.call("PATCH", "/users/user-bob", `{"roles": ["Groomer", "Pet Owner"]}`, "If-Match", "*").want(t, "giving", 200)
	w.call("PUT", "/users/user-bob/password", `{"password": "s3cr3t-password"}`).want(t, "setting", 204)
	w.call("DELETE", "/roles/Groomer", "", "If-Match", "*").want(t, "deleting", 409)
	w.call("DELETE", "/users/user-admin", "", "If-Match", "*").want(t, "deleting oneself", 409)
	w.call("GET", "/users", "", "Authorization", "Bearer "+w.token("user-carol", "admin:read")).want(t, "looking", 403)
	var got []string
	for _, e := range w.events() {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", e.UserID, e.ClientID, e.Details["action"], e.Outcome, e.Details["status"]+e.Details["role"]+e.Details["username"]))
		if line, _ := json.Marshal(e); strings.Contains(string(line), "s3cr3t") || e.From == "" || e.RequestID == "" {
			t.Errorf("recorded %s", line)
		}
	}
	want := []string{
		"user-admin vetassist-console define-role ok Groomer",
		"user-admin vetassist-console update-user ok bob",
		"user-admin vetassist-console set-password ok bob",
		"user-admin vetassist-console delete-role refused 409Groomer",
		"user-admin vetassist-console delete-user refused 409admin",
		"user-carol vetassist-console GET /admin/api/v1/users refused ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(w.log.String(), "s3cr3t") {
		t.Error("a password was logged")
	}
}

func TestMethodsAndAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/nothing", 404}, {"GET", "/", 404}, {"POST", "/users/user-bob", 405}, {"DELETE", "/users", 405}, {"PUT", "/keys", 405},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), c.method, w.url+"/admin/api/v1"+c.path, nil)
		r.Header.Set("Authorization", "Bearer "+w.admin)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status || (c.status == 405) != (resp.Header.Get("Allow") != "") {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}
