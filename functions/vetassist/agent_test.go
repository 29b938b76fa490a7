package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
)

const grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

// visits are what Bob's appointments are called by the MCP server.
type visits struct {
	Appointments []struct {
		Pet      struct{ Name string }
		Date     string
		Time     string
		BookedBy string `json:"booked_by"`
	}
}

func (w *world) visits() visits {
	w.t.Helper()
	return structured[visits](w.t, w.callTool(w.tokensFor("bob", "appointment:read").Access, "list_appointments", `{}`))
}

func (v visits) bookedBy(date, time string) string {
	for _, a := range v.Appointments {
		if a.Date == date && a.Time == time {
			return "by " + a.BookedBy
		}
	}
	return "not booked"
}

// lets changes an application behind the server's back.
func (w *world) lets(id string, f func(*directory.Client)) {
	w.t.Helper()
	w.change(func(d *directory.Directory) error {
		r, err := d.ClientRecord(w.t.Context(), id)
		if err != nil {
			return err
		}
		f(&r.Value)
		return d.PutClient(w.t.Context(), r.Value, store.IfVersion(r.Version))
	})
}

// TestAgent: the chat hands Bob's booking to the scheduling agent, and everybody is told of both.
func TestAgent(t *testing.T) {
	w := newWorld(t)
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	a := bob.ask("Book an appointment for Fido " + nextTuesday.words)
	bob.open(a.AuthorizeURL)
	if words := "It may hand tasks of this kind to Scheduling Agent"; !strings.Contains(bob.page.text, words) {
		t.Errorf("the consent page does not say %q: %s", words, bob.page.text)
	}
	p := bob.submit("decision", url.Values{"decision": {"approve"}})
	if !strings.Contains(p.text, "Scheduling Agent booked this for you.") || !strings.Contains(p.text, nextTuesday.day) {
		t.Errorf("the chat does not tell of the booking and the agent: %s", p.text)
	}
	if got := w.visits().bookedBy(nextTuesday.date, nextTuesday.time); got != "by scheduling-agent" {
		t.Errorf("the clinic's records say %q", got)
	}
	if line := `tool=book_vet_appointment sub=user-bob client=scheduling-agent act=scheduling-agent`; !strings.Contains(w.log.String(), line) {
		t.Errorf("the log does not say %s", line)
	}
	events := call[struct {
		Items []struct {
			Outcome string
			Details map[string]string
		}
	}](w.administrator(), "GET", "/audit?event=token&client_id=scheduling-agent&user_id=user-bob", nil).Items
	if len(events) != 1 || events[0].Outcome != "ok" || events[0].Details["handed_over_by"] != "vet-assist-ai" || events[0].Details["scope"] != "appointment:write" {
		t.Errorf("the audit log says %+v", events)
	}

	// A refusal is the chat's to tell, as ever.
	if a := bob.ask("Book an appointment for Luna " + nextTuesday.words); len(a.ToolCalls) != 1 || a.ToolCalls[0].Outcome != "tool_error" {
		t.Errorf("somebody else's pet: %+v", a)
	}
}

// TestWithoutAgent: wherever the agent is not let act for Bob, or is not there, the chat books by itself.
func TestWithoutAgent(t *testing.T) {
	t.Parallel()
	for what, take := range map[string]func(*world){
		"the chat names it no more": func(w *world) { w.lets("vet-assist-ai", func(c *directory.Client) { c.MayAct = "" }) },
		"it is disabled":            func(w *world) { w.lets("scheduling-agent", func(c *directory.Client) { c.Disabled = true }) },
		"it may not book":           func(w *world) { w.lets("scheduling-agent", func(c *directory.Client) { c.Authorized = nil }) },
		"it has another key": func(w *world) {
			w.lets("scheduling-agent", func(c *directory.Client) { c.JWKS = []byte(`{"keys":[]}`) })
		},
		"it is gone": func(w *world) {
			w.change(func(d *directory.Directory) error {
				r, err := d.ClientRecord(t.Context(), "scheduling-agent")
				if err != nil {
					return err
				}
				return d.DeleteClient(t.Context(), "scheduling-agent", r.Version, true)
			})
			w.restart() // which brings nothing back that an administrator deleted
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			take(w)
			bob := w.person()
			bob.connect("Which pets do I have?", "bob")
			bob.open(bob.ask("Book an appointment for Fido " + nextTuesday.words).AuthorizeURL)
			p := bob.submit("decision", url.Values{"decision": {"approve"}})
			if strings.Contains(p.text, "Scheduling Agent") || !strings.Contains(p.text, nextTuesday.day) {
				t.Errorf("%s", p.text)
			}
			if got := w.visits().bookedBy(nextTuesday.date, nextTuesday.time); got != "by " {
				t.Errorf("the clinic's records say %q", got)
			}
		})
	}
}

// TestAgentKey: a start makes the agent's key once. Only the chat app can read its private half, and a later start changes nothing.
func TestAgentKey(t *testing.T) {
	w := newWorld(t)
	keys := func() (public string, private []byte) {
		t.Helper()
		w.lets("scheduling-agent", func(c *directory.Client) { public = string(c.JWKS) })
		db, closeDB, err := w.options.Open(t.Context(), w.clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer closeDB()
		page, err := store.Restrict(db, app.Partitions...).List(t.Context(), store.Query{Partition: "app/agent/scheduling-agent"})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(page, err)
		}
		return public, page.Items[0].Body
	}
	public, private := keys()
	if !strings.Contains(public, `"kty":"EC"`) || strings.Contains(public, `"d"`) || !bytes.Contains(private, []byte(`"key":`)) {
		t.Errorf("%s", public)
	}
	w.restart()
	if again, same := keys(); again != public || !bytes.Equal(same, private) {
		t.Error("a second start made another key")
	}
	for name, f := range lambdas {
		mayRead := slices.ContainsFunc(f.partitions, func(p string) bool { return strings.HasPrefix("app/agent/scheduling-agent", p) })
		if mayRead != (name == "App") {
			t.Errorf("%s may read the agent's key: %v", name, mayRead)
		}
	}
}

// TestReadmeAgents runs what the README shows of an agent, as one that somebody made in the console.
func TestReadmeAgents(t *testing.T) {
	needs(t, "bash", "curl")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "### Agents that act for somebody")
	chapter, _, _ = strings.Cut(chapter, "\n### ")
	m := regexp.MustCompile("(?s)```bash\n(.*?)```\n\n```\n(.*?)```").FindStringSubmatch(chapter)
	if m == nil {
		t.Fatalf("no command with its output: %s", chapter)
	}
	w := newWorld(t)
	var agent, secret string
	w.change(func(d *directory.Directory) error {
		r, s, err := d.AddClient(t.Context(), directory.NewClient{Name: "My Agent", Template: directory.AgentTemplate})
		if err == nil {
			_, err = d.AuthorizeClient(t.Context(), r.Value.ID, r.Version, "mcp://vetassist", []string{"appointment:write"})
		}
		agent, secret = r.Value.ID, s
		return err
	})
	w.lets("vet-assist-ai", func(c *directory.Client) { c.MayAct = agent })
	access := w.tokensFor("bob", "pet-profile:read", "appointment:write").Access
	here := func(s string) string { return strings.ReplaceAll(s, "http://localhost:8080", w.URL) }
	cmd := exec.CommandContext(t.Context(), "bash", "-u", "-c", "field() { sed 's/.*\"'$1'\":\"\\([^\"]*\\)\".*/\\1/'; }\n"+here(m[1]))
	cmd.Env = append(os.Environ(), "BASE="+w.URL, "AGENT="+agent, "SECRET="+secret, "ACCESS="+access)
	out, err := cmd.CombinedOutput()
	if err != nil || !likeness(here(m[2])).MatchString(strings.TrimSpace(string(out))) {
		t.Errorf("%v: it printed\n%s\nand the README says\n%s", err, out, m[2])
	}
	if !strings.Contains(string(out), fmt.Sprintf(`"act":{"sub":%q}`, agent)) {
		t.Errorf("the agent is not in its token: %s", out)
	}
	// The very same with the app's name instead of the agent's.
	if got := w.post("/oauth/token", url.Values{"grant_type": {grantExchange}, "client_id": {"vet-assist-ai"}, "subject_token": {access},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}); got.status != http.StatusBadRequest || got.Error != "unauthorized_client" {
		t.Errorf("%+v", got)
	}
}
