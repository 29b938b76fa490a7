package main

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/storetest"
)

var shownPassword = regexp.MustCompile(`(?m)^  ([a-z]+) +([a-z0-9]{5}(?:-[a-z0-9]{5}){3})$`)

// TestDynamoDBSeed: the demo's people of a deployment get passwords that nobody knew, once, and log in with them.
func TestDynamoDBSeed(t *testing.T) {
	endpoint := storetest.Endpoint(t)
	table := storetest.Table().Table
	env := map[string]string{config.EnvEndpoint: endpoint, config.EnvTable: table, config.EnvBaseURL: "https://demo.example.com"}
	vetassist := func(args ...string) string {
		t.Helper()
		var out, bad bytes.Buffer
		if code := run(args, func(name string) string { return env[name] }, &out, &bad); code != exitOK {
			t.Fatalf("%q: %d, %s", args, code, &bad)
		}
		return out.String()
	}
	out := vetassist("seed", "-create")
	logins := map[string]string{}
	for _, m := range shownPassword.FindAllStringSubmatch(out, -1) {
		logins[m[1]] = m[2]
	}
	if len(logins) < 4 || logins["bob"] == "" || strings.Contains(out, "-demo") {
		t.Fatalf("it says\n%s", out)
	}
	if out := vetassist("seed"); shownPassword.MatchString(out) || !strings.Contains(out, "passwords of their own already") {
		t.Errorf("again, it says\n%s", out)
	}
	if out := vetassist("admin-password", "-table", table); !strings.Contains(out, "new password of admin") {
		t.Errorf("it says\n%s", out)
	}

	w := newWorld(t, func(o *Options) {
		o.BaseURL, o.Now = "https://demo.example.com", time.Now
		o.Open = onTable(dynamo.Options{Table: table, Endpoint: endpoint})
	})
	for user, password := range logins {
		p := behind(t, w).person()
		p.open("/oauth/login")
		got := p.submit("username", url.Values{"username": {user}, "password": {password}})
		want := http.StatusOK
		if user == "admin" { // who got another one since
			want = http.StatusUnauthorized
		}
		if got.status != want {
			t.Errorf("%s: %d, want %d: %s", user, got.status, want, got.text)
		}
	}
}

// TestDynamoDBSeedAtOnce: two people deploy at the same moment. Every password that either is shown works.
func TestDynamoDBSeedAtOnce(t *testing.T) {
	endpoint := storetest.Endpoint(t)
	table := storetest.NewTable(t).Table
	env := map[string]string{config.EnvEndpoint: endpoint, config.EnvTable: table, config.EnvBaseURL: "https://demo.example.com"}
	said := make(chan string)
	for range 3 {
		go func() {
			var out, bad bytes.Buffer
			if code := run([]string{"seed"}, func(name string) string { return env[name] }, &out, &bad); code != exitOK {
				t.Errorf("%d: %s", code, &bad)
			}
			said <- out.String()
		}()
	}
	var shown [][]string
	for range 3 {
		shown = append(shown, shownPassword.FindAllStringSubmatch(<-said, -1)...)
	}
	db, err := dynamo.Open(dynamo.Options{Table: table, Endpoint: endpoint}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	people := directory.New(store.Restrict(db, directory.Partitions...), "https://demo.example.com", false, time.Now)
	for _, m := range shown {
		if _, err := people.Authenticate(t.Context(), m[1], m[2], ""); err != nil {
			t.Errorf("%s was shown a password: %v", m[1], err)
		}
	}
	if len(shown) != 4 {
		t.Errorf("%d passwords were shown", len(shown))
	}
}
