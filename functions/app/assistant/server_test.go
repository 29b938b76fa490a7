package assistant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeClinic is a tool server small enough to read: two pets, free times on the half hour from Monday to Friday, and lists.
type fakeClinic struct {
	pets         []object
	appointments []object
	reminders    []object
	calls        []Call
	consent      map[string]Outcome // outcome to give instead, by tool
	role         map[string]bool    // tools that the role forbids
}

func newClinic() *fakeClinic {
	return &fakeClinic{pets: []object{
		{"id": "pet-fido", "name": "Fido", "species": "dog", "breed": "Labrador", "sex": "male", "birth_date": "2022-10-03", "age": "4 years", "weight_kg": 28.4, "microchip": "985112001234567", "notes": "", "owner": object{"id": "user-bob", "name": "Bob"}},
		{"id": "pet-milo", "name": "Milo", "species": "cat", "breed": "Tabby", "sex": "male", "birth_date": "2024-08-19", "age": "2 years", "weight_kg": 4.6, "microchip": "", "notes": "Shy.", "owner": object{"id": "user-bob", "name": "Bob"}},
	}, consent: map[string]Outcome{}, role: map[string]bool{}}
}

func (f *fakeClinic) pet(v any) object {
	for _, p := range f.pets {
		if s, _ := v.(string); strings.EqualFold(s, p["name"].(string)) || s == p["id"] {
			return p
		}
	}
	return nil
}

func (f *fakeClinic) taken(date, at string) bool {
	return slices.ContainsFunc(f.appointments, func(a object) bool { return a["date"] == date && a["time"] == at && a["status"] == "booked" })
}

func (f *fakeClinic) slots(from string, days int, part, kind string) []any {
	out := []any{}
	d, _ := time.Parse(time.DateOnly, from)
	for range days {
		for h := 8; h < 18 && d.Weekday() != 0 && d.Weekday() != 6; h++ {
			for _, m := range []string{"00", "30"} {
				at := fmt.Sprintf("%02d:%s", h, m)
				if !f.taken(isoDate(d), at) && (part == "" || inPart(part, at)) {
					out = append(out, object{"date": isoDate(d), "time": at, "weekday": d.Weekday().String(), "vet": "Dr Rivera", "duration_minutes": 30.0, "kind": kind})
				}
			}
		}
		d = d.AddDate(0, 0, 1)
	}
	return out
}

func str(args map[string]any, key, def string) string {
	if s, ok := args[key].(string); ok {
		return s
	}
	return def
}

func (f *fakeClinic) call(c Call) Observation {
	f.calls = append(f.calls, c)
	o := Observation{Call: c, Outcome: OK}
	if out := f.consent[c.Name]; out != "" {
		o.Outcome = out
		return o
	}
	fail := func(code, message string, more object) Observation {
		m := object{"error": code, "message": message}
		for k, v := range more {
			m[k] = v
		}
		o.Outcome, o.Text = ToolError, message
		o.Structured, _ = json.Marshal(m)
		return o
	}
	if f.role[c.Name] {
		return fail("role_forbidden", "The role Pet Owner cannot change pet records.", nil)
	}
	a := c.Arguments
	p := f.pet(a["pet"])
	if a["pet"] != nil && p == nil {
		return fail("not_found", fmt.Sprintf("There is no pet called %q that you can see.", a["pet"]), nil)
	}
	if same := slices.DeleteFunc(slices.Clone(f.pets), func(x object) bool { return !strings.EqualFold(str(a, "pet", ""), x["name"].(string)) }); len(same) > 1 {
		return fail("invalid", fmt.Sprintf("Several pets are called %q: %v (%v of Bob), %v (%v of Bob). Use the id.", a["pet"], same[0]["id"], same[0]["species"], same[1]["id"], same[1]["species"]), nil)
	}
	ref := object{}
	if p != nil {
		ref = object{"id": p["id"], "name": p["name"]}
	}
	var res object
	switch c.Name {
	case "get_pet":
		res = object{"pet": p}
	case "list_pets":
		list := []any{}
		for _, x := range f.pets {
			if s := str(a, "species", ""); s == "" || s == x["species"] {
				list = append(list, x)
			}
		}
		res = object{"pets": list, "next_cursor": ""}
	case "update_pet":
		changed := []any{}
		for k, v := range a {
			if k != "pet" {
				p[k] = v
				changed = append(changed, k)
			}
		}
		res = object{"pet": p, "changed": changed}
	case "get_pet_vaccination_info":
		next := object{"vaccine": "rabies", "vaccine_name": "Rabies", "due": "2026-12-15", "status": "due soon", "days_until": 22.0}
		res = object{"pet": p, "status": "due soon", "next": next, "as_of": "2026-11-23",
			"vaccinations": []any{object{"vaccine": "rabies", "vaccine_name": "Rabies", "last_given": "2025-12-15", "next_due": "2026-12-15", "status": "due soon"}}}
	case "find_appointment_slots":
		days, _ := a["days"].(float64)
		if days == 0 {
			days = 7
		}
		res = object{"slots": f.slots(str(a, "date", "2026-11-23"), int(days), str(a, "part_of_day", ""), str(a, "kind", "check-up")), "time_zone": "America/New_York", "from": "", "to": "", "next_cursor": ""}
	case "book_vet_appointment":
		date, at := str(a, "date", ""), str(a, "time", "")
		if f.taken(date, at) {
			return fail("slot_taken", "That time is already taken.", object{"alternatives": f.slots(date, 1, "", "check-up")[:3]})
		}
		d, _ := time.Parse(time.DateOnly, date)
		app := object{"id": fmt.Sprintf("apt-%d", len(f.appointments)+1), "pet": ref, "date": date, "time": at, "weekday": d.Weekday().String(), "duration_minutes": 30.0, "kind": str(a, "kind", "check-up"), "vet": "Dr Rivera", "reason": str(a, "reason", ""), "status": "booked"}
		f.appointments = append(f.appointments, app)
		res = object{"appointment": app}
	case "list_appointments":
		list := []any{}
		for _, x := range f.appointments {
			if x["status"] == "booked" && (p == nil || x["pet"].(object)["name"] == p["name"]) {
				list = append(list, x)
			}
		}
		res = object{"appointments": list, "time_zone": "America/New_York", "next_cursor": ""}
	case "cancel_vet_appointment":
		for _, x := range f.appointments {
			if x["status"] == "booked" && (x["id"] == a["appointment_id"] || p != nil && x["pet"].(object)["name"] == p["name"] && x["date"] == a["date"]) {
				x["status"] = "cancelled"
				res = object{"appointment": x}
			}
		}
	case "set_reminder":
		r := object{"id": fmt.Sprintf("rem-%d", len(f.reminders)+1), "text": a["text"], "date": a["date"], "time": str(a, "time", "09:00"), "pet": nil}
		if p != nil {
			r["pet"] = ref
		}
		f.reminders = append(f.reminders, r)
		res = object{"reminder": r}
	case "list_reminders":
		list := []any{}
		for _, r := range f.reminders {
			list = append(list, r)
		}
		res = object{"reminders": list, "time_zone": "America/New_York"}
	case "cancel_reminder":
		i := slices.IndexFunc(f.reminders, func(r object) bool { return r["id"] == a["reminder_id"] })
		if i >= 0 {
			res = object{"reminder": f.reminders[i]}
			f.reminders = slices.Delete(f.reminders, i, i+1)
		}
	case "search_pet_health":
		res = object{"query": a["query"], "results": []any{object{"slug": "ticks", "title": "Ticks", "summary": "Take them off soon.", "excerpt": "", "uri": "vetassist://knowledge/ticks", "score": 2.5}}}
	case "contact_support":
		res = object{"ticket": object{"id": "T-1", "created": "2026-11-23T14:00:00Z", "subject": ""}, "message": "Somebody will answer within one working day."}
	}
	if res == nil {
		return fail("not_found", "There is nothing like that.", nil)
	}
	o.Structured, _ = json.Marshal(res)
	return o
}

// talk is a conversation with the fake clinic.
type talk struct {
	t       *testing.T
	clinic  *fakeClinic
	tools   []Tool
	history []Exchange
	last    Step
}

func newTalk(t *testing.T) *talk { return &talk{t: t, clinic: newClinic(), tools: clinicTools(t)} }

// say carries one message to its reply, and returns the calls that were made as "name {arguments}".
func (k *talk) say(message string) (calls []string, reply string) {
	k.t.Helper()
	var done []Observation
	for range 8 {
		step, err := planner.Next(context.Background(), Turn{Now: monday(k.t), Tools: k.tools, History: k.history, Message: message, Done: done})
		if err != nil {
			k.t.Fatal(err)
		}
		if len(step.Calls) == 0 {
			k.last = step
			// The app keeps the history as JSON.
			raw, err := json.Marshal(Exchange{At: monday(k.t), Message: message, Reply: step.Reply, Done: done})
			if err != nil {
				k.t.Fatal(err)
			}
			var ex Exchange
			if err := json.Unmarshal(raw, &ex); err != nil {
				k.t.Fatal(err)
			}
			k.history = append(k.history, ex)
			return calls, step.Reply
		}
		for _, c := range step.Calls {
			calls = append(calls, show(c))
			done = append(done, k.clinic.call(c))
		}
	}
	k.t.Fatalf("%q: no reply after eight steps, calls: %v", message, calls)
	return nil, ""
}

func show(c Call) string {
	args, _ := json.Marshal(c.Arguments)
	return c.Name + " " + string(args)
}
