package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

// The chapter "Connect your host": what is to be pasted fits, and what people are said to see is what the server says.

func hostsChapter(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## Connect your host\n")
	chapter, _, ended := strings.Cut(rest, "\n## ")
	if !found || !ended {
		t.Fatal("the README has no such chapter")
	}
	return chapter
}

// TestReadmeHosts: what is to be pasted is JSON with the address of the MCP server, and the programs that npx fetches are those that
// scripts/clients tries.
func TestReadmeHosts(t *testing.T) {
	chapter := hostsChapter(t)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(chapter, -1)
	if len(blocks) != 3 {
		t.Errorf("%d blocks of JSON", len(blocks))
	}
	for _, b := range blocks {
		if !json.Valid([]byte(b[1])) || !strings.Contains(b[1], `"http://localhost:8080/mcp"`) {
			t.Errorf("%s", b[1])
		}
	}
	tried, err := os.ReadFile("../../scripts/clients/README.md")
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`((?:@modelcontextprotocol/)?(?:mcp-remote|inspector))@([0-9.]+[0-9])`).FindAllStringSubmatch(chapter, -1)
	if len(pinned) != 2 {
		t.Errorf("pinned: %v", pinned)
	}
	for _, p := range pinned {
		if !strings.Contains(string(tried), "`"+p[1]+"` "+p[2]) {
			t.Errorf("scripts/clients does not try %s", p[0])
		}
	}
}

// TestReadmeHostRedirects: an application with the redirect URLs of the table can be made in the console, and gets its answer there, on the person's
// machine at any port.
func TestReadmeHostRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.administrator()
	for _, row := range readmeTable(t, "Host", "Where the client id goes", "Redirect URLs") {
		uris := strings.Split(row[2], " and ")
		app := call[struct {
			ID string `json:"client_id"`
		}](admin, "POST", "/applications", map[string]any{"name": row[0], "template": "MCP client application", "redirect_uris": uris})
		for _, uri := range uris {
			u, err := url.Parse(uri)
			if err != nil {
				t.Fatal(err)
			}
			if u.Scheme == "http" {
				u.Host = u.Hostname() + ":51234"
			}
			// The application is authorized for nothing yet, and is told so there: the redirect URI was accepted.
			a := w.send("GET", "/oauth/authorize?"+w.request(url.Values{"client_id": {app.ID}, "redirect_uri": {u.String()}}).Encode(), "")
			if location := a.header.Get("Location"); a.status != http.StatusSeeOther || !strings.HasPrefix(location, u.String()) || !strings.Contains(location, "invalid_target") {
				t.Errorf("%s, %s: %d %s", row[0], u, a.status, location)
			}
		}
	}
}

// TestReadmeTroubles provokes each trouble of the table, and compares what the server says with what people are told that they see.
func TestReadmeTroubles(t *testing.T) {
	t.Parallel()
	closed := func(o *Options) { o.Registration = config.RegistrationOff }
	byToken := func(o *Options) { o.Registration = config.RegistrationToken }
	w, deployed, guarded := newWorld(t), newWorld(t, closed), newWorld(t, byToken)
	got := func(a answer) string { return fmt.Sprintf("%d %s %s", a.status, a.header.Get("Location"), a.body) }
	authorize := func(changes url.Values) string {
		return got(w.send("GET", "/oauth/authorize?"+w.request(changes).Encode(), ""))
	}
	token := w.tokensFor("bob", "pet-profile:read")
	host, _ := w.registerHost("A Host")
	loopback := url.Values{"client_id": {host}, "redirect_uri": {"http://127.0.0.1:33418/callback"}}
	metadata := "/.well-known/oauth-protected-resource"
	troubles := []struct {
		sees string // the beginning of the first column
		says string // what has to be in the answer; empty: what stands there as code
		from func() string
	}{
		{"405, for an address with a slash", "", func() string { return got(w.send("POST", "/mcp/", "{}")) }},
		{"404, for an address with /prod", "", func() string { return got(w.send("GET", "/prod"+metadata, "")) }},
		{"405, when the host talks to the address without /mcp", "", func() string { return got(w.send("POST", "/", "{}")) }},
		{"the host finds no authorization server", `"authorization_servers":["` + w.URL + `"]`, func() string {
			atPath, atRoot := got(w.send("GET", metadata+"/mcp", "")), got(w.send("GET", metadata, ""))
			if atPath != atRoot {
				return "two documents"
			}
			return atPath
		}},
		{"the host says that resource or issuer does not match", `"resource":"` + w.URL + `/mcp"`, func() string {
			return got(w.send("GET", metadata+"/mcp", "", "Host", strings.Replace(w.host(), "localhost", "127.0.0.1", 1)))
		}},
		{"unknown client_id", "", func() string { return authorize(url.Values{"client_id": {"forgotten"}}) }},
		{"redirect_uri is not one that this client registered", "", func() string { // the client is one of the web: no other port
			return authorize(url.Values{"redirect_uri": {"http://localhost:1/callback"}})
		}},
		{"We could not find out what app sent you here.", "", func() string {
			bob := w.person()
			bob.stopAt(w.URL + "/never")
			bob.open("/oauth/authorize?" + w.request(url.Values{"client_id": {"https://127.0.0.1/client.json"}, "redirect_uri": {"https://app.example/"}}).Encode())
			return bob.login("bob").text
		}},
		{"registering here needs an initial access token", "", func() string {
			return got(guarded.send("POST", "/oauth/register", "{}", "Content-Type", "application/json"))
		}},
		{"the host says that it cannot register itself", "404", func() string {
			if m := got(deployed.send("GET", "/.well-known/oauth-authorization-server", "")); strings.Contains(m, "registration_endpoint") {
				return m
			}
			return got(deployed.send("POST", "/oauth/register", "{}", "Content-Type", "application/json"))
		}},
		{"too many clients registered within the last hour", "", func() string {
			var last answer
			for i := range 31 {
				_, last = w.registerHost(fmt.Sprint("Host ", i))
			}
			return got(last)
		}},
		{"Pages of this Origin may not call this server.", "", func() string { return got(w.send("POST", "/mcp", "{}", "Origin", "https://inspector.example")) }},
		{"This VetAssist answers at", "", func() string { return got(w.send("POST", "/mcp", "{}", "Host", "host.docker.internal:8080")) }},
		{"the browser cannot reach localhost after the consent", "", nil}, // it is not our server that says so
		{"resource is not a server that this client may ask for", "", func() string {
			unescaped, err := url.QueryUnescape(authorize(url.Values{"resource": {w.URL + "/mcp/"}}))
			if err != nil {
				return err.Error()
			}
			return unescaped
		}},
		{"a new consent again and again", "appointment:write", func() string { // the challenge names the one that is missing, and what the host adds is its own business
			return w.callTool(token.Access, "book_vet_appointment", "{}").header.Get("WWW-Authenticate")
		}},
		{"No consent can change that", "", func() string {
			return got(w.callTool(token.Access, "update_pet", `{"pet": "Fido", "breed": "Beagle"}`))
		}},
		{"the consent page each time, although all is allowed", "You allowed this before", func() string {
			bob := w.person()
			bob.answerOf(w.request(loopback), "bob")
			return bob.open("/oauth/authorize?" + w.request(loopback).Encode()).text
		}},
		{"the refresh token was used before; its grant is revoked", "", func() string {
			w.refresh(token.Refresh)
			w.clock.turn(31 * time.Second)
			return w.refresh(token.Refresh).Description
		}},
		{"it has expired, right after the login", "", func() string {
			access := w.tokensFor("bob", "pet-profile:read").Access
			w.clock.turn(11 * time.Minute)
			return got(w.callTool(access, "list_pets", "{}"))
		}},
		{"it was issued for another resource", "", func() string { return got(w.callTool(w.administrator().token, "list_pets", "{}")) }},
	}
	rows := readmeTable(t, "You see", "Why", "What to do")
	if len(rows) != len(troubles) {
		t.Fatalf("%d rows, and %d are tried", len(rows), len(troubles))
	}
	text := hostsChapter(t)
	for i, row := range rows {
		trouble := troubles[i]
		if !strings.HasPrefix(row[0], trouble.sees) {
			t.Errorf("row %d is %q, and %q is tried", i+1, row[0], trouble.sees)
			continue
		}
		says := trouble.says
		if quoted := regexp.MustCompile("\n\\| `([^`]+)`").FindAllStringSubmatch(text, -1); says == "" && trouble.from != nil {
			at := slices.IndexFunc(quoted, func(q []string) bool { return strings.HasPrefix(row[0], q[1]) })
			if at < 0 {
				t.Errorf("row %d quotes nothing", i+1)
				continue
			}
			says = quoted[at][1]
		}
		if trouble.from == nil {
			continue
		}
		if said := trouble.from(); !strings.Contains(said, says) {
			t.Errorf("%s: the server says %.600s", says, said)
		}
	}
}
