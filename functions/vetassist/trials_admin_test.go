package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// console is the console's authorization request.
func (tr *trying) console() url.Values {
	request := tr.request(url.Values{"client_id": {"vetassist-console"}, "redirect_uri": {tr.URL + "/admin/callback"}, "resource": {tr.URL + "/admin/api"}})
	request.Set("scope", "admin:read admin:write")
	return request
}

// admin is an administrator with a new token.
func (tr *trying) admin() administrator {
	tr.t.Helper()
	answer := tr.people["admin"].answerOf(tr.console(), "admin")
	got := tr.redeem(answer.Get("code"), url.Values{"client_id": {"vetassist-console"}, "redirect_uri": {tr.URL + "/admin/callback"}, "resource": {tr.URL + "/admin/api"}})
	if got.Access == "" {
		tr.t.Fatalf("no token for the administrator: %+v", got)
	}
	return administrator{tr.world, got.Access}
}

// reset fills the clinic anew.
func (tr *trying) reset() {
	tr.t.Helper()
	a := tr.admin()
	call[any](a, "POST", "/clinic/reset", nil)
}

// calls is a trial of a call of the admin API. {n} in it is another number each time.
func calls(method, path, body string, right func(*trying, answer) bool, after func(*trying, answer, answer)) trial {
	n := 0
	return trial{name: method + " " + path, right: right, after: after, begin: func(tr *trying) func() answer {
		a := tr.admin()
		n++
		number := fmt.Sprint(n)
		path, body := strings.ReplaceAll(path, "{n}", number), strings.ReplaceAll(body, "{n}", number)
		tr.kept["n"] = number
		return func() answer {
			return tr.send(method, "/admin/api/v1"+path, body, "Authorization", "Bearer "+a.token, "Content-Type", "application/json", "Idempotency-Key", "key-"+number)
		}
	}}
}

func done(_ *trying, a answer) bool { return a.status/100 == 2 }

// patient is a trial of what keeps others out until it is done, or for that long.
func patient(d time.Duration, c trial) trial {
	c.patience = d
	begin := c.begin
	c.begin = func(tr *trying) func() answer {
		tr.clock.turn(d)
		return begin(tr)
	}
	return c
}

func adminTrials() (all []trial) {
	for _, path := range []string{
		"/users", "/users/user-bob", "/users/user-bob/passkeys", "/roles", "/roles/Pet%20Owner", "/roles/Pet%20Owner/members", "/servers", "/servers/" + mcpServerID,
		"/applications", "/applications/vet-assist-ai", "/consents?user_id=user-bob", "/grants?user_id=user-bob", "/sessions?user_id=user-bob",
		"/keys", "/audit", "/audit/export", "/me", "/clinic/snapshots", "/why?user_id=user-bob&client_id=vet-assist-ai&server_id=" + mcpServerID,
	} {
		all = append(all, calls("GET", path, "", done, nil))
	}
	return append(all,
		calls("POST", "/users", `{"username":"new-{n}","name":"New","password":"a brand new password"}`, done, func(tr *trying, _, _ answer) {
			list := tr.send("GET", "/admin/api/v1/users?prefix=new-"+tr.kept["n"], "", "Authorization", "Bearer "+tr.admin().token)
			if n := strings.Count(string(list.body), `"username":"new-`+tr.kept["n"]+`"`); n != 1 {
				tr.t.Errorf("%d users were made: %s", n, list.body)
			}
		}),
		calls("POST", "/applications", `{"name":"App {n}","template":"MCP client application","redirect_uris":["https://a.example/{n}"]}`, done, nil),
		calls("POST", "/roles", `{"name":"Role {n}"}`, done, nil),
		calls("POST", "/users/user-alice/unlock", "", done, nil),
		calls("POST", "/users/user-alice/sign-out", "", done, nil),
		patient(time.Minute, calls("POST", "/clinic/snapshots", `{"name":"Before lunch {n}"}`, done, func(tr *trying, _, _ answer) {
			a := tr.admin()
			for _, s := range call[struct{ Items []struct{ ID string } }](a, "GET", "/clinic/snapshots", nil).Items {
				tr.send("DELETE", "/admin/api/v1/clinic/snapshots/"+s.ID, "", "Authorization", "Bearer "+a.token) // or their number reaches its limit
			}
		})),
		patient(time.Minute, calls("POST", "/clinic/reset", "", done, nil)),
		calls("DELETE", "/keys/none-{n}", "", is(http.StatusNotFound), nil),
	)
}
