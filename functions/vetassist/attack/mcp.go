package attack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

func corsMCP(t *try) {
	raw := t.access("bob")
	t.control(worked(t.list(raw)), "without an origin the call does not work")
	for _, origin := range []string{evil, "null", t.base + ".evil.example", "http://localhost.evil.example", "file://"} {
		a := t.list(raw, "Origin", origin)
		t.judge("from "+origin, worked(a) || a.Header.Get("Access-Control-Allow-Origin") != "", a.Status == http.StatusForbidden, said(a))
	}
	a, err := t.client().Send(t.ctx, http.MethodOptions, "/mcp", "", "Origin", evil, "Access-Control-Request-Method", "POST")
	t.must(err)
	t.judge("the preflight", a.Header.Get("Access-Control-Allow-Origin") != "", a.Status == http.StatusForbidden, said(a))
}

func dnsRebinding(t *try) {
	if !t.local {
		t.skip("this VetAssist is not on this machine: which names lead to it, its gateway decides")
	}
	raw := t.access("bob")
	t.control(worked(t.list(raw)), "under its own name the server does not answer")
	for _, c := range []struct {
		what    string
		headers []string
	}{
		{"with Mallory's name as Host", []string{"Host", "rebind.evil.example"}},
		{"with her page's origin, too", []string{"Host", "rebind.evil.example:8080", "Origin", "http://rebind.evil.example:8080"}},
		{"with a name that begins like the right one", []string{"Host", "localhost.evil.example"}},
	} {
		a := t.list(raw, c.headers...)
		t.judge(c.what, worked(a), a.Status == http.StatusForbidden || a.Status == http.StatusMisdirectedRequest, said(a))
	}
}

func petGuess(t *try) {
	luna := t.pets("alice")[0]
	own := t.pets("bob")[0]
	raw := t.access("bob")
	t.control(worked(t.message(raw, "get_pet", map[string]any{"pet": own.ID})), "Bob cannot read his own pet by its id")
	const nobody = "Nessie"
	missing := t.message(raw, "get_pet", map[string]any{"pet": nobody})
	t.control(!worked(missing) && missing.Status == http.StatusOK, "a pet that does not exist is answered %s", said(missing))
	for what, guess := range inOrder(map[string]string{"by name": luna.Name, "by id": luna.ID}) {
		for _, name := range []string{"get_pet", "get_pet_vaccination_info"} {
			nothing := string(t.message(raw, name, map[string]any{"pet": nobody}).Body)
			a := t.message(raw, name, map[string]any{"pet": guess})
			told := worked(a) || strings.ReplaceAll(string(a.Body), guess, nobody) != nothing
			t.judge(name+", "+what, told, true, "as for a pet that does not exist: "+said(a))
		}
	}
	read := func(id string) visitor.Answer {
		a, err := t.client().Call(t.ctx, raw, "resources/read", map[string]any{"uri": "vetassist://pets/" + id})
		t.must(err)
		return a
	}
	t.control(worked(read(own.ID)), "Bob cannot read his own pet as a resource")
	made := own.ID + "x" // there is no such pet
	a, nothing := read(luna.ID), read(made)
	told := worked(a) || !bytes.Equal(bytes.ReplaceAll(a.Body, []byte(luna.ID), []byte(made)), nothing.Body)
	t.judge("as a resource", told, true, "as for a pet that does not exist: "+said(a))
	write := t.message(raw, "set_reminder", map[string]any{"text": "x", "date": "2030-01-08", "pet": luna.ID})
	t.judge("a reminder about her", worked(write), true, said(write))
}

func bookingRace(t *try) {
	const racers = 8
	raw, slot, mine := t.access("bob"), t.slots()[0], t.pets("bob")[0]
	args := map[string]any{"pet": mine.ID, "date": slot.Date, "time": slot.Time}
	booked := func() (ids []string) {
		list := tool[struct {
			Appointments []struct{ ID, Date, Time, Status string } `json:"appointments"`
		}](t, raw, "list_appointments", map[string]any{"pet": mine.ID})
		for _, a := range list.Appointments {
			if a.Status == "booked" && a.Date == slot.Date && a.Time == slot.Time {
				ids = append(ids, a.ID)
			}
		}
		return ids
	}
	if len(booked()) > 0 {
		t.skip("Bob has an appointment at the next free time already")
	}
	c := t.client()
	message, more, err := c.Message("tools/call", map[string]any{"name": "book_vet_appointment", "arguments": args})
	t.must(err)
	var all sync.WaitGroup
	answers := make([]visitor.Answer, racers)
	errs := make([]error, racers)
	for i := range racers {
		all.Go(func() { answers[i], errs[i] = c.MCP(t.ctx, raw, message, more...) })
	}
	all.Wait()
	won := 0
	for i, a := range answers {
		t.must(errs[i])
		if worked(a) {
			won++
		}
	}
	ids := booked()
	for _, id := range ids {
		a := t.message(raw, "cancel_vet_appointment", map[string]any{"appointment_id": id})
		t.control(worked(a), "the booking cannot be cancelled: %s", said(a))
	}
	t.control(won > 0 && len(ids) > 0, "nobody could book: %s", said(answers[0]))
	t.judge("eight at once", won > 1 || len(ids) > 1, true, "one was booked, and seven were told that it is taken")
}

// asking is a call of a tool by a client that can show a form.
func (t *try) asking(token string, args, more map[string]any) visitor.Answer {
	c := t.client()
	c.Revision = "2026-07-28"
	const key = "io.modelcontextprotocol/"
	params := map[string]any{"name": "book_vet_appointment", "arguments": args, "_meta": map[string]any{key + "protocolVersion": c.Revision,
		key + "clientCapabilities": map[string]any{"elicitation": map[string]any{"form": map[string]any{}}}, key + "clientInfo": map[string]any{"name": "attack", "version": "1"}}}
	message := asJSON(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": changed(params, more)})
	a, err := c.MCP(t.ctx, token, message, "Mcp-Method", "tools/call", "Mcp-Name", "book_vet_appointment")
	t.must(err)
	return a
}

func requestState(t *try) {
	raw, mine := t.access("bob"), t.pets("bob")[0]
	slot := t.slots()[1]
	args := map[string]any{"pet": mine.ID, "date": "2020-01-01", "time": "10:00"}
	a := t.asking(raw, args, nil)
	var question struct {
		Result struct {
			State string `json:"requestState"`
			Input map[string]struct {
				Params struct {
					Schema struct {
						Properties map[string]struct {
							OneOf []struct{ Const string } `json:"oneOf"`
						} `json:"properties"`
					} `json:"requestedSchema"`
				} `json:"params"`
			} `json:"inputRequests"`
		} `json:"result"`
	}
	t.must(json.Unmarshal(a.Body, &question))
	state := question.Result.State
	parts := strings.Split(state, ".")
	t.control(len(parts) == 3, "the server asks nothing: %s", said(a))
	offered := question.Result.Input["slot"].Params.Schema.Properties["slot"].OneOf
	t.control(len(offered) > 0, "the question offers nothing")
	with := func(state, choice string) map[string]any {
		return map[string]any{"requestState": state, "inputResponses": map[string]any{"slot": map[string]any{"action": "accept", "content": map[string]any{"slot": choice}}}}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	t.must(err)
	var memory map[string]any
	t.must(json.Unmarshal(payload, &memory))
	mallorys := slot.Date + "T" + slot.Time
	edited := encode([]byte(asJSON(changed(memory, map[string]any{"offered": []string{mallorys}, "exp": 4102444800}))))
	first := offered[0].Const
	other := map[string]any{"pet": mine.ID, "date": "2020-01-02", "time": "10:00"}
	for _, c := range []struct {
		what, token   string
		args, answers map[string]any
	}{
		{"with another time offered in it", raw, args, with(parts[0]+"."+edited+"."+parts[2], mallorys)},
		{"with its signature cut off", raw, args, with(parts[0]+"."+parts[1]+".", first)},
		{"with the signature of nothing", raw, args, with(parts[0]+"."+parts[1]+"."+encode(make([]byte, 32)), first)},
		{"made up", raw, args, with("v1.e30.e30", first)},
		{"for another call", raw, other, with(state, first)},
		{"in Alice's hands", t.access("alice"), args, with(state, first)},
		{"with an answer that was not offered", raw, args, with(state, "2030-01-08T03:00")},
	} {
		a := t.asking(c.token, c.args, c.answers)
		got := worked(a) && !bytes.Contains(a.Body, []byte("input_required"))
		said := said(a)
		t.judge(c.what, got, strings.Contains(said, "not open any more") || strings.Contains(said, "was not understood"), said)
	}
	a = t.asking(raw, args, with(state, first))
	var made struct {
		Result struct {
			Structured struct{ Appointment struct{ ID string } } `json:"structuredContent"`
		} `json:"result"`
	}
	t.must(json.Unmarshal(a.Body, &made))
	id := made.Result.Structured.Appointment.ID
	t.control(worked(a) && id != "", "the honest answer books nothing: %s", said(a))
	a = t.message(raw, "cancel_vet_appointment", map[string]any{"appointment_id": id})
	t.control(worked(a), "the booking cannot be cancelled: %s", said(a))
}

func headerBody(t *try) {
	raw := t.access("bob")
	c := t.client()
	c.Revision = "2026-07-28"
	message, headers, err := c.Message("tools/call", map[string]any{"name": "list_pets", "arguments": map[string]any{}})
	t.must(err)
	send := func(headers ...string) visitor.Answer {
		a, err := c.MCP(t.ctx, raw, message, headers...)
		t.must(err)
		return a
	}
	a := send(headers...)
	t.control(worked(a), "with headers that agree the call does not work: %s", said(a))
	for _, x := range []struct {
		what    string
		headers []string
	}{
		{"another method", []string{"Mcp-Method", "tools/list", "Mcp-Name", "list_pets"}},
		{"another tool", []string{"Mcp-Method", "tools/call", "Mcp-Name", "search_pet_health"}},
		{"no method", []string{"Mcp-Name", "list_pets"}},
		{"no tool", []string{"Mcp-Method", "tools/call"}},
		{"two tools", []string{"Mcp-Method", "tools/call", "Mcp-Name", "search_pet_health", "Mcp-Name", "list_pets"}},
		{"two methods", []string{"Mcp-Method", "tools/list", "Mcp-Method", "tools/call", "Mcp-Name", "list_pets"}},
		{"another revision", append([]string{"MCP-Protocol-Version", "2025-06-18"}, headers...)},
	} {
		t.noCall(x.what, send(x.headers...), http.StatusBadRequest)
	}
}
