package mcp_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/token"
)

// kept is a log that a test reads.
type kept struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buf.Write(b)
}

func (k *kept) last(t *testing.T, words string) string {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	found := ""
	for line := range strings.Lines(k.buf.String()) {
		if strings.Contains(line, words) {
			found = line
		}
	}
	return found
}

// TestAgent: what an agent does for Bob is done as Bob, within his scopes and his pets, and everybody can see that it was the agent.
func TestAgent(t *testing.T) {
	log := &kept{}
	w := newWorld(t, func(c *mcp.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	acting := func(scopes ...string) token.Grant {
		g := bob(scopes...)
		g.ClientID, g.Actor = "second", &token.Actor{Subject: "second", Actor: &token.Actor{Subject: "first"}}
		return g
	}
	type result struct {
		Result struct {
			IsError           bool
			Meta              map[string]any `json:"_meta"`
			StructuredContent struct {
				Error        string
				Appointment  map[string]any
				Appointments []map[string]any
			}
			Content []struct{ Text string }
		}
	}
	try := func(g token.Grant, tool, args string) (r result) {
		t.Helper()
		read(t, w.post(w.mint(g), call(tool, args)), &r)
		return r
	}
	booked := try(acting(rbac.AppointmentWrite), "book_vet_appointment", `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`).Result
	if booked.IsError || booked.StructuredContent.Appointment["booked_by"] != "second" || booked.Meta["vetassist/agent"] != "second" ||
		!strings.Contains(booked.Content[0].Text, "booked by second") {
		t.Errorf("booked: %+v", booked)
	}
	if line := log.last(t, "tool=book_vet_appointment"); !strings.Contains(line, "sub=user-bob") || !strings.Contains(line, "client=second") || !strings.Contains(line, `act="second first"`) {
		t.Errorf("logged: %s", line)
	}

	own := try(bob(rbac.AppointmentRead, rbac.AppointmentWrite), "list_appointments", `{"pet":"Fido"}`).Result // Bob sees whose work it was
	if n := len(own.StructuredContent.Appointments); n == 0 || own.StructuredContent.Appointments[n-1]["booked_by"] != "second" || own.Meta["vetassist/agent"] != nil {
		t.Errorf("listed: %+v", own)
	}
	if line := log.last(t, "tool=list_appointments"); !strings.Contains(line, `act=""`) {
		t.Errorf("logged: %s", line)
	}
	self := try(bob(rbac.AppointmentWrite), "book_vet_appointment", `{"pet":"Milo","date":"2026-12-01","time":"11:00"}`).Result
	if _, there := self.StructuredContent.Appointment["booked_by"]; there || self.IsError {
		t.Errorf("booked by himself: %+v", self)
	}

	// It is Bob still: whose pets, and what his role allows.
	if r := try(acting(rbac.AppointmentWrite), "book_vet_appointment", `{"pet":"Luna","date":"2026-12-01","time":"12:00"}`).Result; r.StructuredContent.Error != "not_found" {
		t.Errorf("somebody else's pet: %+v", r)
	}
	if r := try(acting(rbac.AppointmentWrite), "update_pet", `{"pet":"Fido","weight_kg":30}`).Result; r.StructuredContent.Error != "role_forbidden" {
		t.Errorf("against his role: %+v", r)
	}
	a := w.post(w.mint(acting(rbac.AppointmentWrite)), call("list_reminders", `{}`))
	if c := a.header.Get("WWW-Authenticate"); a.status != 403 || !strings.Contains(c, `error="insufficient_scope"`) || !strings.Contains(c, `scope="reminder:read"`) {
		t.Errorf("a scope that it lacks: %d %s", a.status, c)
	}
}

// TestAgentSharesTheRate: who hands tasks to agents may not ask more often by it.
func TestAgentSharesTheRate(t *testing.T) {
	w := newWorld(t, func(c *mcp.Config) { c.Rate = 0.5 })
	g := bob()
	g.ClientID, g.Actor = "agent", &token.Actor{Subject: "agent"}
	statuses := []int{
		w.post(w.mint(bob()), call("search_pet_health", `{"query":"fleas"}`)).status,
		w.post(w.mint(g), call("search_pet_health", `{"query":"fleas"}`)).status,
		w.post(w.mint(g), call("search_pet_health", `{"query":"fleas"}`)).status,
		w.post(w.mint(bob()), call("search_pet_health", `{"query":"fleas"}`)).status,
		w.post(w.mint(alice()), call("search_pet_health", `{"query":"fleas"}`)).status,
	}
	for i, want := range []int{200, 200, 429, 429, 200} {
		if statuses[i] != want {
			t.Errorf("%v", statuses)
			break
		}
	}
}

func read(t *testing.T, a answer, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
}
