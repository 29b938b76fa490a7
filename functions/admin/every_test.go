package admin_test

import (
	"encoding/json"
	"fmt"
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
				g := token.Grant{Subject: "user-admin", ClientID: "vetassist-console", Audience: admin.Audience,
					Scopes: []string{"admin:read", "admin:write"}, Roles: []string{"Administrator"}}
				change(&g)
				return "Bearer " + w.mint(g)
			}
			refuse("without a token", "-", 401, `resource_metadata="`+w.url+`/.well-known/oauth-protected-resource/admin/api", scope="`+scope+`"`)
			refuse("with a password", "Basic YWRtaW46YWRtaW4tZGVtbw==", 401, "scope=")
			refuse("with nonsense", "Bearer nonsense", 401, `error="invalid_token"`)
			refuse("bound to a key", with(func(g *token.Grant) { g.Key = strings.Repeat("A", 43) }), 401, `error="invalid_token"`) // RFC 9449 §7.2
			refuse("for the MCP server", with(func(g *token.Grant) { g.Audience = []string{w.url + "/mcp", "mcp://vetassist"} }), 401, `error="invalid_token"`)
			if op.id != "me" { // tells everybody who they are
				refuse("without a scope", with(func(g *token.Grant) { g.Scopes = nil }), 403, `error="insufficient_scope"`)
				refuse("another role", with(func(g *token.Grant) { g.Subject, g.Roles = "user-carol", []string{"Vet Staff"} }), 403, "")
				refuse("a role that only the token has", with(func(g *token.Grant) { g.Subject = "user-carol" }), 403, "")
				refuse("a role that only the user has", with(func(g *token.Grant) { g.Roles = nil }), 403, "")
				refuse("a user who is gone", with(func(g *token.Grant) { g.Subject = "user-nobody" }), 401, `error="invalid_token"`)
				refuse("a client that is gone", with(func(g *token.Grant) { g.ClientID = "nobody" }), 401, `error="invalid_token"`)
				refuse("a client that is not authorized here", with(func(g *token.Grant) { g.ClientID = "vet-assist-ai" }), 401, `error="invalid_token"`)
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

// TestOnceIsEnough: who loses the role, the login, all logins or the consent to the application can do nothing more,
// whatever the token says.
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
		"withdrawn": func(w *world, r store.Record[directory.User]) error {
			return w.directory.Withdraw(t.Context(), r.Value.ID, "vetassist-console", directory.AdminServer)
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
		status := 401
		if what == "demoted" {
			status = 403
		}
		w.call("GET", "/users", "", "Authorization", "Bearer "+carol).want(t, what, status).problem(t)
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
		"user-admin vetassist-console set-password ok ",
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

// TestApplicationsThatAdminister: a token of an application's is worth what the application is now.
func TestApplicationsThatAdminister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := as[struct {
		ID string `json:"client_id"`
	}](t, w.call("POST", "/applications", `{"name": "Robot", "template": "Machine-to-machine application", "roles": ["Administrator"]}`).want(t, "making it", 201))
	at := "/applications/" + made.ID
	authorize := func(scopes string) {
		t.Helper()
		w.call("PUT", at+"/authorizations/"+adminAPI, `{"scopes": [`+scopes+`]}`, "If-Match", "*").want(t, "authorizing", 200)
	}
	authorize(`"admin:read", "admin:write"`)
	robot := w.mint(token.Grant{Subject: made.ID, ClientID: made.ID, Audience: admin.Audience, Scopes: []string{"admin:read", "admin:write"}, Roles: []string{"Administrator"}})
	try := func(what string, status int) {
		t.Helper()
		w.call("POST", "/roles", `{"name": "Robots"}`, "Authorization", "Bearer "+robot).want(t, what, status)
	}
	try("as it was made", 201)
	authorize(`"admin:read"`)
	try("without admin:write", 401)
	authorize(`"admin:read", "admin:write"`)
	w.call("PATCH", at, `{"roles": []}`, "If-Match", "*").want(t, "taking the role", 200)
	try("without the role", 403)
	w.call("PATCH", at, `{"roles": ["Administrator"], "disabled": true}`, "If-Match", "*").want(t, "disabling", 200)
	try("disabled", 401)
	w.call("PATCH", at, `{"disabled": false}`, "If-Match", "*").want(t, "enabling", 200)
	try("enabled", 200)
	w.clock.Advance(time.Second)
	w.call("POST", at+"/secret", "").want(t, "rotating the secret", 200)
	try("with another secret", 401)
	if refused := w.events()[len(w.events())-1]; refused.ClientID != made.ID || refused.Outcome != "refused" {
		t.Errorf("recorded %+v", refused)
	}
}

// TestMadeAgain: what was deleted and made again is another thing, though its version begins at 1 again: a change that was
// made from the first does not fall on it.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("POST", "/roles", `{"name": "Groomer", "description": "Cuts hair."}`).want(t, "defining", 201)
	first := w.tag("/roles/Groomer")
	w.call("DELETE", "/roles/Groomer", "", "If-Match", first).want(t, "deleting", 204)
	w.call("POST", "/roles", `{"name": "Groomer", "description": "Grooms horses."}`).want(t, "defining again", 201)
	w.call("DELETE", "/roles/Groomer", "", "If-Match", first).want(t, "deleting the first", 412).problem(t)
	w.call("DELETE", "/roles/Groomer", "", "If-Match", w.tag("/roles/Groomer")).want(t, "deleting the second", 204)
}
