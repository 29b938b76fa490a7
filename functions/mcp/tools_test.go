package mcp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/shared/rbac"
)

// step is one call and what must come of it.
type step struct {
	tool  string
	args  map[string]any
	code  string // of the refusal; empty: success
	wants string // in the text
}

type args = map[string]any

// TestTools calls every tool with good and bad input, as an owner and as staff. The clock stands on Monday 2026-11-23, 09:00 in New York.
func TestTools(t *testing.T) {
	for who, c := range map[string]struct {
		as    func(...string) (g grantOf)
		steps []step
	}{
		"owner": {func(s ...string) grantOf { return bob(s...) }, []step{
			{"get_pet_vaccination_info", args{"pet": "Fido"}, "", "Fido's next vaccination is Rabies, due on 2026-12-17 (due soon)."},
			{"get_pet_vaccination_info", args{"pet": "pet-milo"}, "", "up to date"},
			{"get_pet_vaccination_info", args{"pet": "Luna"}, "not_found", `There is no pet called "Luna" that you can see.`},
			{"get_pet_vaccination_info", args{}, "invalid", `"pet" is missing`},
			{"get_pet_vaccination_info", args{"pet": 7}, "invalid", `"pet"`},
			{"get_pet_vaccination_info", args{"pet": ""}, "invalid", `"pet"`},
			{"get_pet_vaccination_info", args{"pet": "Fido", "vaccine": "rabies"}, "invalid", `no argument "vaccine"; there are pet`},
			{"list_pets", args{}, "", "Fido: Labrador (dog), male, 4 years, 28.4 kg"},
			{"list_pets", args{"species": "cat"}, "", "Milo"},
			{"list_pets", args{"species": "rabbit"}, "", "no such pets"},
			{"list_pets", args{"species": "horse"}, "invalid", "species"},
			{"list_pets", args{"owner": "Alice Grant"}, "not_found", "no owner"},
			{"list_pets", args{"cursor": "zzz"}, "invalid", "cursor"},
			{"get_pet", args{"pet": "milo"}, "", "Milo: Domestic Shorthair (cat)"},
			{"get_pet", args{"pet": "pet-luna"}, "not_found", `"pet-luna"`},
			{"add_pet", args{"name": "X", "species": "dog", "owner": "bob", "birth_date": "2026-01-01"}, "role_forbidden", "Pet Owner"},
			{"update_pet", args{"pet": "Fido", "weight_kg": 30}, "role_forbidden", "Pet Owner"},
			{"record_vaccination", args{"pet": "Fido", "vaccine": "rabies"}, "role_forbidden", "Pet Owner"},
			{"find_appointment_slots", args{}, "", "Free times from 2026-11-23 to 2026-11-29:\nMonday 2026-11-23: 09:30"},
			{"find_appointment_slots", args{"date": "2026-12-01", "days": 1, "part_of_day": "morning", "kind": "dental"}, "", "Tuesday 2026-12-01: 08:00 08:30"},
			{"find_appointment_slots", args{"date": "2026-11-29", "days": 1}, "", "no free time"},
			{"find_appointment_slots", args{"date": "tomorrow"}, "invalid", "YYYY-MM-DD"},
			{"find_appointment_slots", args{"date": "2026-11-22"}, "past", "2026-11-22"},
			{"find_appointment_slots", args{"days": 15}, "invalid", `"days"`},
			{"find_appointment_slots", args{"days": 1.5}, "invalid", `"days"`},
			{"list_appointments", args{}, "", "no appointments"},
			{"list_appointments", args{"pet": "Fido", "include_past": true}, "", "check-up on "},
			{"list_appointments", args{"pet": "Luna"}, "not_found", "Luna"},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-12-01", "time": "10:00", "reason": "limping"}, "", "Booked: check-up on Tuesday 2026-12-01 at 10:00 for Fido"},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-12-01", "time": "10:00"}, "conflict", "already"},
			{"book_vet_appointment", args{"pet": "Luna", "date": "2026-12-01", "time": "10:00"}, "not_found", "Luna"},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-11-29", "time": "10:00"}, "closed", "Free instead: Monday 2026-11-30"},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-12-01", "time": "10:10"}, "invalid", "every 30 minutes"},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-12-01", "time": "25:00"}, "invalid", `"time"`},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-12-01"}, "invalid", `"time" is missing`},
			{"book_vet_appointment", args{"pet": "Fido", "date": "2026-11-20", "time": "10:00"}, "past", "in the past"},
			{"cancel_vet_appointment", args{}, "invalid", "appointment_id, or both pet and date"},
			{"cancel_vet_appointment", args{"appointment_id": "apt-x"}, "not_found", "apt-x"},
			{"cancel_vet_appointment", args{"pet": "Fido", "date": "2026-12-02"}, "not_found", "no appointment to cancel"},
			{"cancel_vet_appointment", args{"pet": "Fido", "date": "2026-12-01"}, "", "Cancelled: check-up on Tuesday 2026-12-01"},
			{"list_reminders", args{}, "", "Give Fido his worming tablet (about Fido) (past)"},
			{"list_reminders", args{"pet": "Luna"}, "not_found", "Luna"},
			{"set_reminder", args{"text": "Buy food", "date": "2026-12-01", "pet": "Milo"}, "", "2026-12-01 at 09:00: Buy food (about Milo)"},
			{"set_reminder", args{"text": "Buy food", "date": "2026-11-22"}, "past", "in the past"},
			{"set_reminder", args{"text": strings.Repeat("x", 301), "date": "2026-12-01"}, "invalid", `"text"`},
			{"set_reminder", args{"text": "x", "date": "2026-12-01", "pet": "Luna"}, "not_found", "Luna"},
			{"set_reminder", args{"text": "x", "date": "2026-12-01", "pet": "Luna", "for_owner": true}, "not_found", "Luna"},
			{"list_reminders", args{"pet": "Luna", "for_owner": true}, "not_found", "Luna"},
			{"cancel_reminder", args{"reminder_id": "rem-x"}, "not_found", "rem-x"},
			{"search_pet_health", args{"query": "my dog is vomiting"}, "", "vetassist://knowledge/"},
			{"search_pet_health", args{"query": "xyzzy qwrty"}, "", "No article fits"},
			{"search_pet_health", args{"query": ""}, "invalid", `"query"`},
			{"search_pet_health", args{"query": "fleas", "limit": 11}, "invalid", `"limit"`},
			{"contact_support", args{"message": "Please call me", "contact": "555-0100"}, "", "reached the clinic"},
			{"contact_support", args{"message": "a\u0000b"}, "invalid", "printed"},
		}},
		"staff": {func(s ...string) grantOf { return carol(s...) }, []step{
			{"get_pet_vaccination_info", args{"pet": "Luna"}, "", "overdue"},
			{"get_pet_vaccination_info", args{"pet": "Nemo"}, "not_found", "Nemo"},
			{"list_pets", args{}, "", "Luna: Maine Coon (cat)"},
			{"list_pets", args{"owner": "Bob Miller", "species": "dog"}, "", "Fido"},
			{"list_pets", args{"owner": "nobody"}, "not_found", "no owner"},
			{"get_pet", args{"pet": "Bella"}, "invalid", "pet-bella-g (dog of Grace Abiola), pet-bella-h (cat of Hugo Martins)"},
			{"add_pet", args{"name": "Nala", "species": "cat", "owner": "Erin Walsh", "birth_date": "2026-09-01", "sex": "female", "weight_kg": 1.1}, "", "Added Nala: cat, female, 11 weeks, 1.1 kg"},
			{"add_pet", args{"name": "Nala", "species": "cat", "owner": "Erin", "birth_date": "2026-09-01"}, "conflict", "already"},
			{"add_pet", args{"name": "Nala", "species": "cat", "owner": "Erin", "birth_date": "2027-09-01"}, "invalid", "future"},
			{"add_pet", args{"name": "Nala", "species": "parrot", "owner": "Erin", "birth_date": "2026-09-01"}, "invalid", `"species"`},
			{"add_pet", args{"name": "Nala"}, "invalid", "is missing"},
			{"update_pet", args{"pet": "Fido", "weight_kg": 30}, "", "Changed weight_kg. Fido: Labrador (dog), male, 4 years, 30 kg"},
			{"update_pet", args{"pet": "Fido", "weight_kg": 30}, "", "Nothing was different."},
			{"update_pet", args{"pet": "Fido", "weight_kg": 0}, "invalid", `"weight_kg"`},
			{"update_pet", args{"pet": "Fido", "weight_kg": 201}, "invalid", `"weight_kg"`},
			{"update_pet", args{"pet": "Fido", "weight_kg": "30 kg"}, "invalid", `"weight_kg"`},
			{"update_pet", args{"pet": "Fido"}, "invalid", "what to change"},
			{"record_vaccination", args{"pet": "Fido", "vaccine": "rabies", "batch": "RB-9"}, "", "Recorded Rabies for Fido, given on 2026-11-23. The next dose is due on 2029-11-23."},
			{"record_vaccination", args{"pet": "Fido", "vaccine": "rabies"}, "conflict", "already"},
			{"record_vaccination", args{"pet": "Fido", "vaccine": "fvrcp"}, "invalid", "not a vaccine for a dog"},
			{"record_vaccination", args{"pet": "Fido", "vaccine": "flu"}, "invalid", `"vaccine"`},
			{"find_appointment_slots", args{"days": 14}, "", "There are more"},
			{"list_appointments", args{}, "", "Rex"},
			{"list_appointments", args{"pet": "Luna"}, "", "illness on "},
			{"book_vet_appointment", args{"pet": "Luna", "date": "2026-12-01", "time": "17:30", "kind": "dental"}, "", "Booked: dental on Tuesday 2026-12-01 at 17:30 for Luna"},
			{"book_vet_appointment", args{"pet": "Bella", "date": "2026-12-01", "time": "17:30"}, "invalid", "Several pets"},
			{"cancel_vet_appointment", args{"pet": "Luna", "date": "2026-12-01"}, "", "Cancelled"},
			{"list_reminders", args{}, "", "no reminders"},
			{"set_reminder", args{"text": "Call Alice", "date": "2026-12-01", "time": "15:30", "pet": "Luna"}, "", "about Luna"},
			{"set_reminder", args{"text": "Rabies is due", "date": "2026-12-01", "pet": "Luna", "for_owner": true}, "", "about Luna), from the clinic"},
			{"set_reminder", args{"text": "Rabies is due", "date": "2026-12-02", "pet": "Luna", "for_owner": true}, "conflict", "already"},
			{"list_reminders", args{"pet": "Luna", "for_owner": true}, "", "Rabies is due (about Luna), from the clinic"},
			{"list_reminders", args{"for_owner": true}, "invalid", "pet is missing"},
			{"cancel_reminder", args{}, "invalid", "missing"},
			{"search_pet_health", args{"query": "ferret distemper", "limit": 1}, "", "vetassist://knowledge/"},
			{"contact_support", args{"message": "The scanner is broken", "subject": "Scanner"}, "", "ticket"},
		}},
	} {
		t.Run(who, func(t *testing.T) {
			w := newWorld(t)
			scopes := everything
			if who == "owner" {
				scopes = ownerScope
			}
			s := w.connect(c.as(scopes...))
			schemas := outputSchemas(t, s)
			tried := map[string]bool{}
			for _, st := range c.steps {
				o := use(t, s, st.tool, st.args)
				tried[st.tool] = true
				if o.isError != (st.code != "") || o.code() != st.code || !strings.Contains(o.text, st.wants) {
					t.Errorf("%s(%v)\n got %q: %s\nwant %q: %s", st.tool, st.args, o.code(), o.text, st.code, st.wants)
				}
				// Some clients hold every result to the schema, refusals too.
				if err := schemas[st.tool].Validate(o.data); err != nil {
					t.Errorf("%s(%v): the result breaks the output schema: %v\n%v", st.tool, st.args, err, o.data)
				}
			}
			for name := range rbac.Tools {
				if !tried[name] {
					t.Errorf("%s was not tried", name)
				}
			}
		})
	}
}

func outputSchemas(t *testing.T, s *sdk.ClientSession) map[string]*jsonschema.Resolved {
	t.Helper()
	res, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*jsonschema.Resolved{}
	for _, tool := range res.Tools {
		raw, err := json.Marshal(tool.OutputSchema)
		if err != nil {
			t.Fatal(err)
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		if out[tool.Name], err = schema.Resolve(nil); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestNothingLeaks compares every byte of the answers about another owner's pet and about none.
func TestNothingLeaks(t *testing.T) {
	w := newWorld(t)
	raw := w.mint(bob(everything...)) // with more than his role allows: the owner is checked after the scope
	for tool, format := range map[string]string{
		"get_pet_vaccination_info": `{"pet":%q}`, "get_pet": `{"pet":%q}`, "update_pet": `{"pet":%q,"weight_kg":3}`,
		"record_vaccination": `{"pet":%q,"vaccine":"rabies"}`, "list_appointments": `{"pet":%q}`,
		"book_vet_appointment": `{"pet":%q,"date":"2026-12-01","time":"10:00"}`, "cancel_vet_appointment": `{"pet":%q,"date":"2026-12-01"}`,
		"list_reminders": `{"pet":%q}`, "set_reminder": `{"text":"x","date":"2026-12-01","pet":%q}`,
	} {
		for luna, nemo := range map[string]string{"Luna": "Nemo", "pet-luna": "pet-nemo"} {
			theirs := string(w.post(raw, call(tool, fmt.Sprintf(format, luna))).body)
			nobodys := string(w.post(raw, call(tool, fmt.Sprintf(format, nemo))).body)
			if !strings.Contains(theirs, "not_found") || strings.ReplaceAll(theirs, luna, nemo) != nobodys {
				t.Errorf("%s:\n%s\n%s", tool, theirs, nobodys)
			}
		}
	}
}

func TestBookingPages(t *testing.T) {
	w := newWorld(t)
	s := w.connect(bob(ownerScope...))
	seen := map[string]bool{}
	for cursor, pages := "", 0; ; pages++ {
		in := args{"days": 7}
		if cursor != "" {
			in["cursor"] = cursor
		}
		o := use(t, s, "find_appointment_slots", in)
		for _, v := range o.data["slots"].([]any) {
			slot := v.(map[string]any)
			key := fmt.Sprint(slot["date"], slot["time"])
			if seen[key] || slot["kind"] != "check-up" || slot["duration_minutes"] != 30.0 {
				t.Errorf("%v", slot)
			}
			seen[key] = true
		}
		if cursor = o.data["next_cursor"].(string); cursor == "" || pages > 9 {
			break
		}
	}
	if len(seen) < 90 {
		t.Errorf("%d slots in a week", len(seen))
	}
}
