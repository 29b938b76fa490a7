package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/walkthrough"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
)

// walkAt runs the subcommand at a server, as a person would who presses Enter now and then.
func (w *world) walkAt(stdin string, args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	var out, errs bytes.Buffer
	code = walk(append(args, w.URL), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// newWalkWorld has the time of day, since whoever walks through has it too.
func newWalkWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	return newWorld(t, append(change, func(o *Options) { o.Now = time.Now })...)
}

var aToken = regexp.MustCompile(`eyJ[\w-]{12,}|[\w-]{40,}`) // a JWT, or what else is long enough to be a secret

// TestWalkthrough tells each story twice: the second time it must find things as the first one did.
func TestWalkthrough(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	before := w.found()
	for _, c := range []struct {
		name string
		args []string
		says []string
	}{
		{"story", nil, []string{"22/22  Leave things as they were", "= scope that is missing: appointment:write", "the page asks for: pet-profile:write, and for nothing else",
			"= about Luna: There is no pet called", "= the app gets: access_denied", "= refresh: invalid_grant", "taken back: what Bob allowed vet-assist-ai", ">   password=…", "Authorization: Bearer eyJ"}},
		{"clients", []string{"-clients"}, []string{"POST /oauth/register", "GET /oauth-client.json 200", "This app registered itself.", "scope      the same for all: pet-profile:read", "/flow/compare?left="}},
		{"revisions", []string{"-revisions"}, []string{"server/discover", "iss must be compared  no", "goes through still", "would take another", "aud                      the same for all"}},
	} {
		for range 2 {
			code, out, errs := w.walkAt("", append(c.args, "-yes")...)
			if code != exitOK || errs != "" || !strings.HasSuffix(out, "All of it came as it should.\n") {
				t.Fatalf("%s: %d %s\n%s", c.name, code, errs, out)
			}
			for _, words := range c.says {
				if !strings.Contains(out, words) {
					t.Errorf("%s does not say %q:\n%s", c.name, words, out)
				}
			}
			for _, secret := range aToken.FindAllString(out, -1) {
				if !strings.HasPrefix(secret, "draft-ietf-") {
					t.Errorf("%s shows %q", c.name, secret)
				}
			}
			if strings.Contains(out, "bob-demo") || strings.Contains(out, "carol-demo") {
				t.Errorf("%s shows a password", c.name)
			}
		}
		if after := w.found(); after != before {
			t.Errorf("%s leaves\n%s\nand found\n%s", c.name, after, before)
		}
	}
}

// found is what a walkthrough must leave as it was: what people allowed, what is booked, how heavy Fido is, and who is logged in.
func (w *world) found() string {
	w.t.Helper()
	var out strings.Builder
	for _, user := range []string{"bob", "carol", "admin"} {
		p := w.person()
		p.open("/oauth/login")
		p.login(user)
		_, apps, _ := strings.Cut(p.open("/oauth/account").text, "Apps with access")
		apps, logins, _ := strings.Cut(apps, "Where you are logged in")
		out.WriteString(apps + "\n")
		if n := strings.Count(logins, "Unknown browser"); n != 1 { // this one
			w.t.Errorf("%s is logged in in %d browsers", user, n)
		}
		if user == "bob" {
			bob := w.tokensFor("bob", "pet-profile:read", "appointment:read").Access
			for _, call := range [][2]string{{"get_pet", `{"pet":"Fido"}`}, {"list_appointments", `{"pet":"Fido"}`}} {
				out.Write(w.callTool(bob, call[0], call[1]).result(w.t).Result.Structured)
			}
			w.forget("bob")
		}
		if p.open("/oauth/account"); strings.Contains(p.page.text, "Log out everywhere else") { // what this function began
			p.submit("/oauth/account/logins/end-others", nil)
		}
		p.submit("/oauth/logout", nil)
	}
	return out.String()
}

// TestWalkthroughKeeps: what Bob had allowed before stays allowed.
func TestWalkthroughKeeps(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	bob := w.person()
	bob.connect("When is Fido's next vaccination?", "bob")
	code, out, errs := w.walkAt("", "-yes")
	if code != exitOK || !strings.Contains(out, "kept: what Bob had allowed vet-assist-ai before") || !strings.Contains(out, "nothing new: Bob allowed pet-profile:read on another day") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
	if a := bob.ask("When is Fido's next vaccination?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "Rabies") {
		t.Errorf("Bob's chat is disconnected: %+v", a)
	}
}

// TestWalkthroughForMachines: one JSON object a step, in order, and no pause.
func TestWalkthroughForMachines(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	for _, c := range []struct {
		tale     string
		args     []string
		variants int
	}{{"story", nil, 1}, {"clients", []string{"-clients"}, 3}, {"revisions", []string{"-revisions"}, 4}} {
		code, out, errs := w.walkAt("", append(c.args, "-json")...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != exitOK || errs != "" {
			t.Errorf("%s: %d %s", c.tale, code, errs)
		}
		for i, line := range lines {
			var told walkthrough.Told
			if err := json.Unmarshal([]byte(line), &told); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if !told.OK || told.Tale != c.tale || told.N != i+1 || told.Of != len(lines) || told.Name == "" || strings.Count(told.Why, ". ") < 1 || len(told.Runs) != c.variants {
				t.Errorf("%s", line)
			}
			for _, r := range told.Runs {
				if len(r.Exchanges)+len(r.Facts) == 0 {
					t.Errorf("%s %s tells nothing of %s", c.tale, told.Name, r.Variant)
				}
			}
		}
	}
}

// TestWalkthroughPauses between the steps, for as long as somebody is there.
func TestWalkthroughPauses(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	_, out, _ := w.walkAt("\n\n\n", "-clients")
	if n := strings.Count(out, "Press Enter to go on."); n != 4 { // the fourth is not answered
		t.Errorf("%d pauses:\n%s", n, out)
	}
	if _, out, _ = w.walkAt("\n", "-clients", "-yes"); strings.Contains(out, "Press Enter") {
		t.Error("-yes, and it waits")
	}
}

// TestWalkthroughDrawn: the addresses at the end show the logins of two clients side by side, to Bob and to nobody else.
func TestWalkthroughDrawn(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	w.person().connect("When is Fido's next vaccination?", "bob") // another flow of the registered client
	code, out, errs := w.walkAt("", "-clients", "-yes")
	if code != exitOK {
		t.Fatalf("%d %s\n%s", code, errs, out)
	}
	bob, alice := w.person(), w.person()
	for user, p := range map[string]*person{"bob": bob, "alice": alice} {
		p.open("/oauth/login")
		p.login(user)
	}
	addresses := regexp.MustCompile(`(?m)^  ([a-z -]+): `+regexp.QuoteMeta(w.URL)+`(/flow/\S+)$`).FindAllStringSubmatch(out, -1)
	if len(addresses) != 3 {
		t.Fatalf("%q in\n%s", addresses, out)
	}
	for i, c := range []struct{ variant, says string }{{"pre-registered", "vet-assist-ai"}, {"metadata document", "oauth-client.json"}, {"registered itself", "/oauth/register"}} {
		variant, address := addresses[i][1], addresses[i][2]
		if variant != c.variant {
			t.Errorf("%q, want %q", variant, c.variant)
		}
		for page, says := range map[string]string{address: c.says, "/flow/" + address[len(address)-32:]: ""} {
			if p := bob.open(page); p.status != http.StatusOK || i > 0 && !strings.Contains(p.raw, says) {
				t.Errorf("%s of %s is answered with %d, and does not show %q", page, variant, p.status, says)
			}
			if p := alice.open(page); p.status != http.StatusNotFound {
				t.Errorf("Alice sees %s: %d", page, p.status)
			}
		}
	}
	w = newWalkWorld(t, func(o *Options) { o.Recorder = config.RecorderOff })
	code, out, errs = w.walkAt("", "-clients", "-yes")
	if code != exitOK || !strings.Contains(out, "the same for all: no: the flight recorder is off here") || strings.Contains(out, "/flow/compare") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
}

// TestWalkthroughSurprise: whatever is otherwise than told ends with 1, and says what was expected and what came.
func TestWalkthroughSurprise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		args   []string
		change func(w *world)
		says   []string
	}{
		{"Bob's role has lost the permission to read", nil, func(w *world) { w.changeRole("Pet Owner", nil) },
			[]string{"consent: expected a page that asks for pet-profile:read, and got []: ", "There is nothing here that you could allow"}},
		{"Bob's role may not book", nil, func(w *world) { w.changeRole("Pet Owner", []string{"pet-profile:read"}) },
			[]string{"challenge: expected 403 for book_vet_appointment, and got 200", "does not have the permission appointment:write"}},
		{"owners may change records", nil, func(w *world) {
			w.changeRole("Pet Owner", []string{"pet-profile:read", "pet-profile:write", "appointment:write"})
		},
			[]string{"role: expected 200 for update_pet, and got 403"}},
		{"another password", nil, func(w *world) { w.changePassword("user-carol", "another-one-than-before") },
			[]string{"carol: expected carol to be logged in, and got the login page again"}},
		{"the client is disabled", []string{"-clients"}, func(w *world) { w.disable("vet-assist-ai") }, []string{"send (pre-registered): expected a login page, and got 400"}},
		{"the server is down", nil, func(w *world) { w.URL = "http://localhost:1" }, []string{"ask: expected an answer of http://localhost:1, and got ", "refused"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWalkWorld(t)
			c.change(w)
			code, out, errs := w.walkAt("", append(c.args, "-yes")...)
			if code != exitFailed {
				t.Fatalf("%d\n%s", code, out)
			}
			for _, words := range c.says {
				if !strings.Contains(errs, words) {
					t.Errorf("it does not say %q: %s", words, errs)
				}
			}
			if !strings.Contains(out, "THIS IS NOT AS IT SHOULD BE") || strings.Contains(out, "All of it came") {
				t.Errorf("what a reader sees:\n%s", out)
			}
		})
	}
}

// TestWalkthroughOffered: what a server does not offer is no surprise, but is said.
func TestWalkthroughOffered(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t, func(o *Options) { o.Registration, o.ClientDomains = "off", config.Hosts{} })
	code, out, errs := w.walkAt("", "-clients", "-yes")
	for _, words := range []string{"registered itself ended: this server lets no client register itself", "metadata document ended: this server takes no client that describes itself", "All of it came as it should."} {
		if code != exitOK || !strings.Contains(out, words) {
			t.Errorf("%d %s: it does not say %q\n%s", code, errs, words, out)
		}
	}
	if code, out, errs = w.walkAt("", "-revisions", "-yes"); code != exitOK || !strings.Contains(out, "2026-07-28 ended: this server knows no way for a stranger") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
	w = newWalkWorld(t, func(o *Options) { o.Registration = "token" })
	if code, out, errs = w.walkAt("", "-clients", "-yes"); code != exitOK || !strings.Contains(out, "registered itself ended: to register here takes an initial access token") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
}

// TestWalkthroughPasswords come from a file that is one's own, or from the standard input, in the form in which seed shows them.
func TestWalkthroughPasswords(t *testing.T) {
	t.Parallel()
	w := newWalkWorld(t)
	w.changePassword("user-bob", "a-password-of-his-own")
	text := "Nobody else knows these:\n\n  bob        a-password-of-his-own\n  carol      carol-demo\n  admin      admin-demo\n"
	if code, out, errs := w.walkAt(text, "-yes", "-password-file", "-"); code != exitOK || strings.Contains(out, "of-his-own") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte("bob a-password-of-his-own\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := w.walkAt("", "-clients", "-yes", "-password-file", file); code != exitOK {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := w.walkAt("", "-yes", "-password-file", file); code != exitFailed || !strings.Contains(errs, "the passwords lack that of carol") {
		t.Errorf("%d %s", code, errs)
	}
}

// changeRole sets what a role may do at the MCP server.
func (w *world) changeRole(name string, scopes []string) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error {
		r, err := d.RoleRecord(w.t.Context(), name)
		if err != nil {
			return err
		}
		r.Value.Permissions = map[string][]string{"mcp://vetassist": scopes}
		_, err = d.UpdateRole(w.t.Context(), r.Value, r.Version)
		return err
	})
}

func (w *world) changePassword(id, password string) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error { return d.SetPassword(w.t.Context(), id, password) })
}

func (w *world) disable(client string) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error {
		r, err := d.ClientRecord(w.t.Context(), client)
		if err != nil {
			return err
		}
		off := true
		_, err = d.UpdateClient(w.t.Context(), client, r.Version, directory.ClientEdit{Disabled: &off})
		return err
	})
}

// TestReadmeWalkthrough runs each command of the README that walks, and finds there what the README shows of it.
func TestReadmeWalkthrough(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	w := newWalkWorld(t)
	lines := regexp.MustCompile("go run ./functions/vetassist walkthrough([^`\n]*)").FindAllStringSubmatch(string(text), -1)
	said := map[string]string{}
	for _, l := range lines {
		args := strings.Fields(l[1])
		key := strings.Join(args, " ")
		if said[key] != "" {
			continue
		}
		code, out, errs := w.walkAt("", args...) // nobody presses Enter, so it goes on
		if code != exitOK {
			t.Errorf("%s: %d %s\n%s", l[0], code, errs, out)
		}
		said[key] = out
	}
	if len(said) != 4 {
		t.Errorf("the README has %d kinds of walkthrough", len(said))
	}
	_, shown, _ := strings.Cut(string(text), "The tenth of its 22 steps:\n\n```\n")
	shown, _, _ = strings.Cut(shown, "```")
	rest := said[""]
	for line := range strings.Lines(shown) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimSpace(line) == "…" || line == "" {
			continue
		}
		_, after, found := strings.Cut(rest, line+"\n")
		if !found {
			t.Fatalf("the README shows %q, and the program says\n%s", line, rest)
		}
		rest = after
	}
}
