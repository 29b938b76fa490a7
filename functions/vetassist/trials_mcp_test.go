package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// access is a new access token of somebody who agreed to its scopes before.
func (tr *trying) access(user, scopes string) string {
	tr.t.Helper()
	answer := tr.people[user].answerOf(tr.request(url.Values{"scope": {scopes}}), user)
	got := tr.redeem(answer.Get("code"), nil)
	if got.Access == "" {
		tr.t.Fatalf("no token for %s: %+v (%v)", user, got, answer)
	}
	return got.Access
}

const bobMay = "pet-profile:read appointment:read appointment:write reminder:read reminder:write"

// message is a trial of an MCP message. One that changes something finds the clinic as it is after a reset.
func message(name, user, scopes, method, params string, once bool, after func(*trying, answer, answer)) trial {
	return trial{name: name, right: worked, once: once, begin: func(tr *trying) func() answer {
		if once {
			tr.reset()
		}
		token := tr.access(user, scopes)
		if tr.kept["token"] = token; user != "bob" {
			tr.kept["token"] = tr.access("bob", bobMay)
		}
		return func() answer {
			return tr.mcp(token, `{"jsonrpc":"2.0","id":7,"method":"`+method+`","params":`+params+`}`)
		}
	}, after: after}
}

func bobReads(method, params string) trial {
	return message(method+" "+params, "bob", bobMay, method, params, false, nil)
}

func tool(name, arguments string) (method, params string) {
	return "tools/call", `{"name":"` + name + `","arguments":` + arguments + `}`
}

func bobWrites(name, arguments string, once bool, after func(*trying, answer, answer)) trial {
	method, params := tool(name, arguments)
	return message(name, "bob", bobMay, method, params, once, after)
}

func carolWrites(name, arguments string, once bool) trial {
	method, params := tool(name, arguments)
	return message(name, "carol", "pet-profile:read pet-profile:write", method, params, once, nil)
}

// afterBooking is a trial of a clinic where Fido has an appointment.
func afterBooking(c trial) trial {
	begin := c.begin
	c.begin = func(tr *trying) func() answer {
		send := begin(tr)
		if a := tr.callTool(tr.kept["token"], "book_vet_appointment", `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`); !worked(tr, a) {
			tr.t.Fatalf("no appointment: %s", a.body)
		}
		return send
	}
	return c
}

// counted counts what a tool lists.
func (tr *trying) counted(name, list, words string) int {
	tr.t.Helper()
	all := structured[map[string]json.RawMessage](tr.t, tr.callTool(tr.kept["token"], name, "{}"))
	var items []json.RawMessage
	if err := json.Unmarshal(all[list], &items); err != nil {
		tr.t.Fatalf("%s: %v", name, err)
	}
	n := 0
	for _, item := range items {
		if strings.Contains(string(item), words) {
			n++
		}
	}
	return n
}

var mcpTrials = []trial{
	bobReads(tool("list_pets", `{}`)),
	bobReads(tool("get_pet", `{"pet":"Fido"}`)),
	bobReads(tool("get_pet_vaccination_info", `{"pet":"Fido"}`)),
	bobReads(tool("find_appointment_slots", `{"date":"2026-12-01"}`)),
	bobReads(tool("list_appointments", `{}`)),
	bobReads(tool("list_reminders", `{}`)),
	bobReads("resources/list", `{}`),
	bobReads("prompts/get", `{"name":"prepare_for_visit","arguments":{"pet":"Fido"}}`),
	// The one thing that must never be there twice: a visit at the clinic.
	bobWrites("book_vet_appointment", `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`, true, func(tr *trying, _, _ answer) {
		if n := tr.counted("list_appointments", "appointments", `"time":"10:00"`); n != 1 {
			tr.t.Errorf("%d appointments were booked", n)
		}
	}),
	afterBooking(bobWrites("cancel_vet_appointment", `{"pet":"Fido","date":"2026-12-01"}`, true, func(tr *trying, _, _ answer) {
		if n := tr.counted("list_appointments", "appointments", `"booked"`); n != 0 {
			tr.t.Errorf("%d appointments are left", n)
		}
	})),
	bobWrites("set_reminder", `{"text":"buy dog food","date":"2026-12-01","time":"09:00"}`, true, func(tr *trying, _, _ answer) {
		if n := tr.counted("list_reminders", "reminders", "dog food"); n == 0 || n > 1 && !tr.fault.done {
			tr.t.Errorf("%d reminders were set", n)
		}
	}),
	bobWrites("contact_support", `{"message":"Where do I park?","subject":"Parking"}`, true, nil),
	carolWrites("update_pet", `{"pet":"Fido","weight_kg":30}`, true),
	carolWrites("record_vaccination", `{"pet":"Fido","vaccine":"rabies","date":"2026-11-20"}`, true),

	{name: "a tool call with a proof", right: worked, begin: func(tr *trying) func() answer {
		h := tr.holder()
		raw := h.redeem(tr.code()).Access
		h.call(raw, "list_pets") // for the nonce
		return func() answer { return h.send(raw, h.proof("/mcp", raw), "list_pets") }
	}},
	{name: "a scope that the token lacks", right: is(http.StatusForbidden), begin: func(tr *trying) func() answer {
		token := tr.access("bob", "pet-profile:read")
		return func() answer {
			return tr.callTool(token, "book_vet_appointment", `{"pet":"Fido","date":"2026-12-01","time":"10:00"}`)
		}
	}},
}
