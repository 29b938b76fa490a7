package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// emptyWorld is a server that was begun from empty, and the administrator's password, which it printed.
func emptyWorld(t *testing.T, change ...func(*Options)) (*world, string) {
	t.Helper()
	var out bytes.Buffer
	w := newWorld(t, append(change, func(o *Options) {
		o.Stdout, o.DB, o.Seed = &out, filepath.Join(t.TempDir(), "empty.db"), config.SeedNone
	})...)
	m := printedPassword.FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no password in\n%s", &out)
	}
	return w, m[1]
}

// guideTools are what scripts/guide.sh needs besides bash.
var guideTools = []string{"curl", "jq", "openssl"}

// guide runs scripts/guide.sh, with settings such as "ADMIN_PASSWORD=…". It leaves no files behind, and shows nothing secret to
// whoever lists the machine's processes.
func guide(w *world, settings ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	needs(w.t, append(guideTools, "bash")...)
	tools, temp, calls := w.t.TempDir(), w.t.TempDir(), filepath.Join(w.t.TempDir(), "calls")
	for _, name := range guideTools { // in front of each stands one that notes how it was called
		real, err := exec.LookPath(name)
		if err != nil {
			w.t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$*\" >>%q\nexec %q \"$@\"\n", calls, real)
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(w.t.Context(), "../../scripts/guide.sh", w.URL)
	cmd.Env = append([]string{"PATH=" + tools + ":" + os.Getenv("PATH"), "TMPDIR=" + temp}, settings...)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err = cmd.Run()
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		w.t.Errorf("it leaves files behind: %v %v", left, err)
	}
	seen, missing := os.ReadFile(calls)
	if missing != nil && err == nil {
		w.t.Errorf("it did all that without a tool: %v", missing)
	}
	if missing == nil {
		secrets := []string{}
		if token := shapeOfToken.Find(seen); token != nil {
			secrets = append(secrets, string(token))
		}
		for _, s := range settings {
			if name, value, _ := strings.Cut(s, "="); strings.HasSuffix(name, "PASSWORD") {
				secrets = append(secrets, value)
			}
		}
		for _, m := range toldPassword.FindAllStringSubmatch(out.String(), -1) {
			secrets = append(secrets, m[1])
		}
		for _, secret := range secrets {
			if bytes.Contains(seen, []byte(secret)) {
				w.t.Errorf("%s stands on a command line", secret)
			}
		}
	}
	return out.String(), bad.String(), err
}

// toldPassword is a password that the script made or got, and told.
var toldPassword = regexp.MustCompile(`(?m)(?:with the password|has a new password,) ([^\s:]+)`)

// shapeOfToken is that of an access token. The challenge of PKCE stands on a command line, and may have any three letters.
var shapeOfToken = regexp.MustCompile(`eyJ[\w-]{12,}\.eyJ[\w-]{12,}\.[\w-]+`)

// says fails unless each of the words stands there.
func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(text, want) {
			t.Errorf("%s: it does not say %q:\n%s", what, want, text)
		}
	}
}

// TestGuideByAPI: from empty to Bob's answer with curl alone, and once more.
func TestGuideByAPI(t *testing.T) {
	w, password := emptyWorld(t)
	first, stderr, err := guide(w, "ADMIN_PASSWORD="+password)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, first, stderr)
	}
	vaccination := []string{
		"Fido's next vaccination is Rabies, due on 2026-12-19 (due soon)",
		"pet-profile:write   not granted: lacks role and consent",
		"Granted:   pet-profile:read appointment:read appointment:write reminder:read reminder:write\n",
		"appointment:write   not granted: lacks role\n   Bob's next token: pet-profile:read appointment:read reminder:read reminder:write\n",
		"And the one after: pet-profile:read appointment:read appointment:write reminder:read reminder:write\n",
	}
	says(t, "the first time", first, append(vaccination, "VetAssist MCP Server is registered", "Pet Owner is defined", "bob is created", "Vet Assist AI is registered", "9 pets")...)
	before := w.policy()
	w.holdsTheGuide(before)
	bob := regexp.MustCompile(`bob is created, with the password (\S+)`).FindStringSubmatch(first)
	if bob == nil {
		t.Fatalf("no password of Bob's in\n%s", first)
	}
	w.logsIn("bob", bob[1])

	t.Run("again", func(t *testing.T) {
		w := w.in(t)
		again, stderr, err := guide(w, "ADMIN_PASSWORD="+password, "BOB_PASSWORD="+bob[1])
		if err != nil {
			t.Fatalf("%v\n%s%s", err, again, stderr)
		}
		says(t, "the second time", again, append(vaccination, "VetAssist MCP Server is there already", "All six are there already",
			"Pet Owner is there already", "bob is there already", "Vet Assist AI is there already", "the clinic stays as it is")...)
		if after := w.policy(); !reflect.DeepEqual(before, after) {
			t.Errorf("it changed something: %+v\nbefore: %+v", after, before)
		}
		w.logsIn("bob", bob[1])
	})
	t.Run("again, without Bob's password", func(t *testing.T) {
		w := w.in(t)
		again, stderr, err := guide(w, "ADMIN_PASSWORD="+password, "RESET_CLINIC=1")
		if err != nil {
			t.Fatalf("%v\n%s%s", err, again, stderr)
		}
		says(t, "the third time", again, append(vaccination, "bob has a new password, ", "9 pets")...)
		w.holdsTheGuide(w.policy())
	})
	t.Run("nothing stays open", func(t *testing.T) {
		w := w.in(t)
		w.change(func(d *directory.Directory) error {
			for _, name := range []string{"admin", "bob"} {
				id, err := d.UserIDByUsername(t.Context(), name)
				if err != nil {
					return err
				}
				if n := count(t, w.options.DB, "grants WHERE user_id = '"+id+"'"); n != 0 {
					t.Errorf("%s has %d grants", name, n)
				}
			}
			return nil
		})
	})
}

// TestGuideOverTheDemo: what the demo brought is what the guide makes, so nothing is made.
func TestGuideOverTheDemo(t *testing.T) {
	w := newWorld(t)
	before := w.policy()
	out, stderr, err := guide(w, "ADMIN_PASSWORD=admin-demo", "BOB_PASSWORD=bob-demo")
	if err != nil || strings.Contains(out, "is created") || strings.Contains(out, "is registered") {
		t.Fatalf("%v\n%s%s", err, out, stderr)
	}
	says(t, "over the demo", out, "Its client id is vet-assist-ai", "Fido's next vaccination is Rabies")
	if after := w.policy(); !reflect.DeepEqual(before, after) {
		t.Errorf("it changed something: %+v\nbefore: %+v", after, before)
	}
}

// TestGuideRefused: the script stops at the first refusal, and says it.
func TestGuideRefused(t *testing.T) {
	w, password := emptyWorld(t)
	for name, c := range map[string]struct {
		settings []string
		says     string
	}{
		"wrong password": {[]string{"ADMIN_PASSWORD=not-the-one-0"}, "admin could not log in: That username and password do not fit."},
		"nobody":         {[]string{"ADMIN_PASSWORD=" + password, "ADMIN_USERNAME=nobody"}, "nobody could not log in: That username and password do not fit."},
		"no password":    {nil, "The password of the administrator is missing."},
	} {
		t.Run(name, func(t *testing.T) {
			out, stderr, err := guide(w.in(t), c.settings...)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Contains(out, "Register") {
				t.Errorf("%v\n%s", err, out)
			}
			says(t, name, stderr, c.says)
			if strings.Contains(out+stderr, "not-the-one") {
				t.Errorf("it repeats the password:\n%s%s", out, stderr)
			}
		})
	}
	t.Run("no administrator", func(t *testing.T) {
		_, stderr, err := guide(newWorld(t), "ADMIN_PASSWORD=bob-demo", "ADMIN_USERNAME=bob")
		if err == nil {
			t.Error("it goes on")
		}
		says(t, "no administrator", stderr, "bob has nothing to allow: There is nothing here that you could allow")
	})
	t.Run("a problem of the API", func(t *testing.T) {
		w, password := emptyWorld(t)
		w.change(func(d *directory.Directory) error {
			_, err := d.AddServer(t.Context(), directory.Server{Identifier: "mcp://another", Name: "Another", URL: w.URL + "/mcp"})
			return err
		})
		out, stderr, err := guide(w, "ADMIN_PASSWORD="+password)
		if err == nil || strings.Contains(out, "scopes: what") {
			t.Errorf("%v\n%s", err, out)
		}
		says(t, "an address that is taken", stderr, "POST /servers was refused: 422 ", "body.url: ")
	})
}

// directoryHolds is what the guide is about; what has no name of its own goes by that of the record.
type directoryHolds struct {
	Servers map[string]directory.Server
	Roles   map[string]directory.Role
	Users   map[string][]string // roles by username
	Clients map[string]directory.Client
}

func (w *world) policy() directoryHolds {
	w.t.Helper()
	h := directoryHolds{map[string]directory.Server{}, map[string]directory.Role{}, map[string][]string{}, map[string]directory.Client{}}
	w.change(func(d *directory.Directory) error {
		ctx := w.t.Context()
		servers, err := d.ServerRecords(ctx)
		for _, r := range servers {
			h.Servers[r.Value.Identifier] = r.Value
		}
		roles, err2 := d.RoleRecords(ctx)
		for _, r := range roles {
			h.Roles[r.Value.Name] = r.Value
		}
		users, err3 := d.UsersByUsername(ctx, directory.Query{})
		for _, u := range users.Items {
			h.Users[u.Username] = u.Roles
		}
		clients, err4 := d.ClientsByName(ctx, directory.Query{})
		for _, c := range clients.Items {
			r, err := d.ClientRecord(ctx, c.ID)
			if err != nil {
				return err
			}
			h.Clients[r.Value.Name] = r.Value
		}
		if len(h.Clients) != len(clients.Items) {
			w.t.Errorf("two applications have one name: %+v", clients.Items)
		}
		return errors.Join(err, err2, err3, err4)
	})
	return h
}

// holdsTheGuide compares with what the demo is seeded with: that is the result of the guide.
func (w *world) holdsTheGuide(got directoryHolds) {
	w.t.Helper()
	want := readPolicy(w.t, "policy.json")
	server := got.Servers["mcp://vetassist"]
	if server.Name != want.Servers[0].Name || server.URL != w.URL+"/mcp" || !reflect.DeepEqual(server.Scopes, want.Servers[0].Scopes) || len(got.Servers) != 2 {
		w.t.Errorf("the MCP server is %+v\nwant %+v", server, want.Servers[0])
	}
	for _, role := range want.Roles {
		if got.Roles[role.Name].Description != role.Description {
			w.t.Errorf("the role is %+v, want %+v", got.Roles[role.Name], role)
		}
		sameSet(w.t, role.Name, got.Roles[role.Name].Permissions["mcp://vetassist"], role.Permissions["mcp://vetassist"])
	}
	people, err := directory.DemoPeople(seed.Files)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range people {
		sameSet(w.t, p.Username, got.Users[p.Username], p.Roles)
	}
	app := got.Clients["Vet Assist AI"]
	if app.Template != "MCP client application" || !reflect.DeepEqual(app.RedirectURIs, []string{w.URL + "/callback"}) || app.Confidential() || len(got.Clients) != 3 {
		w.t.Errorf("the application is %+v", app)
	}
	sameSet(w.t, "the authorization", app.Authorized["mcp://vetassist"], want.scopes())
	if len(got.Roles) != len(want.Roles)+1 || len(got.Users) != len(people) {
		w.t.Errorf("there is more: %+v", got)
	}
}

// logsIn fails unless the password is the user's.
func (w *world) logsIn(username, password string) {
	w.t.Helper()
	p := w.person()
	p.open("/oauth/login")
	p.submit("username", url.Values{"username": {username}, "password": {password}})
	if p.page.status != http.StatusOK || !strings.Contains(p.page.text, "Your account") {
		w.t.Errorf("%s cannot log in: %d %s", username, p.page.status, p.page.text)
	}
}
