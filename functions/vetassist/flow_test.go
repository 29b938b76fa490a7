package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/trace"
)

// keeping has the test hold the store, to look into what was recorded.
func keeping(t *testing.T, into *store.Store) func(*Options) {
	return func(o *Options) {
		onFile(t)(o)
		file := o.DB
		o.Open = func(ctx context.Context, now func() time.Time) (store.Store, func() error, error) {
			db, err := sqlite.Open(ctx, file, now)
			if err != nil {
				return nil, nil, err
			}
			*into = db
			return db, db.Close, nil
		}
	}
}

// flow is what was recorded of a flow.
func (w *world) flow(db store.Store, id string) []trace.Record {
	w.t.Helper()
	w.recorder.Flush()
	records, err := trace.NewReader(db, w.clock.Now).Flow(w.t.Context(), id, trace.Viewer{All: true})
	if err != nil {
		w.t.Fatalf("flow %q: %v", id, err)
	}
	return records
}

// exchanges tell a flow: who said what to whom, with the answer. What a nonce of a proof takes, and what a process does once, is left out.
func exchanges(records []trace.Record) (out []string) {
	for _, r := range records {
		path, _, _ := strings.Cut(r.Request.URL, "?")
		greets := strings.Contains(r.Request.Body, `"server/discover"`) || strings.Contains(r.Request.Body, `"tools/list"`)
		if r.To == trace.JWKS || greets && r.Response.Status == http.StatusOK || asks(r, "nonce") {
			continue
		}
		out = append(out, fmt.Sprintf("%s > %s %s %d", r.From, r.To, path, r.Response.Status))
	}
	return out
}

func asks(r trace.Record, what string) bool {
	return slices.ContainsFunc(r.Decisions, func(d trace.Decision) bool {
		return d.Kind == trace.ProofCheck && d.Outcome == trace.Asked && strings.Contains(d.Text, what)
	})
}

// decisions tell why: each with all that it says, but for when it was.
func decisions(records []trace.Record) (out []string) {
	for _, r := range records {
		for _, d := range r.Decisions {
			d.At = trace.Moment{}
			out = append(out, fmt.Sprintf("%s %s %s: %s %v %+v", r.To, d.Kind, d.Outcome, d.Text, d.Compared, d.Sets))
		}
	}
	return out
}

func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFlows: each question of Bob's is one flow, whatever it takes.
func TestFlows(t *testing.T) {
	var db store.Store
	w := newWorld(t, keeping(t, &db))
	bob := w.person()
	connect := bob.ask("When is Fido's next vaccination?")
	bob.open(connect.AuthorizeURL)
	bob.login("bob")
	p := bob.submit("decision", url.Values{"decision": {"approve"}})
	if !strings.Contains(p.text, "What happened after you said: When is Fido's next vaccination?") {
		t.Errorf("no link to the flow: %s", p.text)
	}
	sameLines(t, "connect", exchanges(w.flow(db, connect.Flow)), []string{
		"browser > app /chat 200",
		"app > mcp /mcp 401",
		"app > mcp /.well-known/oauth-protected-resource/mcp 200",
		"app > oauth /.well-known/oauth-authorization-server 200",
		"browser > oauth /oauth/authorize 303",
		"browser > oauth /oauth/login 200",
		"browser > oauth /oauth/login 303",
		"browser > oauth /oauth/authorize 200",
		"browser > oauth /oauth/consent 303",
		"browser > app /callback 303",
		"app > oauth /oauth/token 200",
		"app > mcp /mcp 200",
	})

	stepUp := bob.ask("Book an appointment for Fido " + nextTuesday.words)
	bob.open("/") // the person goes by the button, some other time
	w.clock.turn(5 * time.Minute)
	bob.open(bob.page.Links["Review and allow"])
	bob.submit("decision", url.Values{"decision": {"approve"}})
	sameLines(t, "step-up", exchanges(w.flow(db, stepUp.Flow)), []string{
		"browser > app /chat 200",
		"app > mcp /mcp 403",
		"app > mcp /.well-known/oauth-protected-resource/mcp 200",
		"app > oauth /.well-known/oauth-authorization-server 200",
		"browser > app /connect 303",
		"browser > oauth /oauth/authorize 200",
		"browser > oauth /oauth/consent 303",
		"browser > app /callback 303",
		"app > oauth /oauth/token 200",
		"app > oauth /oauth/revoke 200", // of the refresh token that the first login gave
		"app > oauth /oauth/token 200",  // the booking is for the agent
		"app > mcp /mcp 200",
	})
	if stepUp.Flow == connect.Flow {
		t.Error("two questions are one flow")
	}

	luna, zork := bob.ask("Tell me about Luna"), bob.ask("Tell me about Zork")
	told := decisions(w.flow(db, luna.Flow))
	if all := strings.Join(told, "\n"); !strings.Contains(all, "owner refused: None of the pets of user-bob is called Luna. Others' pets are not looked at, so nothing can leak.") {
		t.Errorf("the refusal of Luna: %s", all)
	}
	for i := range told {
		told[i] = strings.ReplaceAll(told[i], "Luna", "Zork")
	}
	sameLines(t, "a pet of somebody else and one of nobody", told, decisions(w.flow(db, zork.Flow)))

	// The flow travels in the body too (MCP, General fields).
	for _, r := range w.flow(db, stepUp.Flow) {
		if r.To == trace.MCP && r.Request.Body != "" && !strings.Contains(r.Request.Body, `"traceparent":"00-`+stepUp.Flow+`-`) {
			t.Errorf("no traceparent in %s", r.Request.Body)
		}
	}

	// Whose flows they are. What was said before anybody had logged in is Bob's too.
	reader := trace.NewReader(db, w.clock.Now)
	if mine, err := reader.Flow(t.Context(), connect.Flow, trace.Viewer{User: "user-bob"}); err != nil || len(mine) != len(w.flow(db, connect.Flow)) {
		t.Errorf("Bob sees %d records, %v", len(mine), err)
	}
	for _, r := range w.flow(db, stepUp.Flow) {
		if r.Subject != "user-bob" && !strings.HasPrefix(r.Request.URL, "/.well-known/") && !asks(r, "nonce") {
			t.Errorf("%s is about %q", r.Request.URL, r.Subject)
		}
	}
	for _, id := range []string{connect.Flow, stepUp.Flow, luna.Flow} {
		if _, err := reader.Flow(t.Context(), id, trace.Viewer{User: "user-alice"}); err != trace.ErrNotFound {
			t.Errorf("Alice sees Bob's flow: %v", err)
		}
	}
}

// TestRecorderOff: nothing is stored, no browser is given a cookie, no answer links to what happened.
func TestRecorderOff(t *testing.T) {
	var db store.Store
	w := newWorld(t, keeping(t, &db), func(o *Options) { o.Recorder = config.RecorderOff })
	bob := w.person()
	bob.connect("When is Fido's next vaccination?", "bob")
	if a := bob.ask("When is Fido's next vaccination?"); a.Flow != "" {
		t.Errorf("a flow: %s", a.Flow)
	}
	if strings.Contains(bob.open("/").text, "What happened") {
		t.Error("the chat links to what happened")
	}
	base, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range bob.http.Jar.Cookies(base) {
		if strings.Contains(c.Name, "flow") {
			t.Errorf("%s was set", c.Name)
		}
	}
	flows, _, err := trace.NewReader(db, w.clock.Now).Flows(t.Context(), trace.Viewer{All: true}, "", 10)
	if err != nil || len(flows) > 0 {
		t.Errorf("%v, %v were stored", flows, err)
	}
}
