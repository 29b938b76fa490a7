package assistant

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func ask(t *testing.T, tools []Tool, message string, done ...Observation) Step {
	t.Helper()
	s, err := planner.Next(context.Background(), Turn{Now: monday(t), Tools: tools, Message: message, Done: done})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kennel is a tool the planner has never heard of.
var kennel = Tool{
	Name: "rent_kennel", Title: "Rent a kennel", Description: "Rents a kennel for a pet while its people are away.", Scope: "kennel:write",
	InputSchema: json.RawMessage(`{"type":"object","required":["pet","check_in","check_out"],"properties":{
		"pet":{"type":"string","description":"Name or id of a pet."},
		"check_in":{"type":"string","format":"date","description":"First day."},
		"check_out":{"type":"string","format":"date","description":"Last day."},
		"size":{"type":"string","enum":["small","medium","large"]},
		"meals_per_day":{"type":"integer","description":"How many meals a day."},
		"heated":{"type":"boolean","description":"A heated kennel."}}}`),
}

func TestUnknownTool(t *testing.T) {
	tools := append(clinicTools(t), kennel, Tool{
		Name: "groom_pet", Title: "Groom a pet", Description: "Washes and trims a pet.",
		InputSchema: json.RawMessage(`{"type":"object","required":["pet","date"],"properties":{"pet":{"type":"string","description":"Name or id of a pet."},"date":{"type":"string","format":"date"}}}`),
	}, Tool{
		Name: "getClinicOpeningHours", Title: "Opening hours", Description: "Tells when the clinic is open.", ReadOnly: true,
		InputSchema: json.RawMessage(`{"type":"object"}`),
	})
	for message, want := range map[string]string{
		"Rent a kennel for Fido from 5 December to 9 December":           `rent_kennel {"check_in":"2026-12-05","check_out":"2026-12-09","pet":"Fido"}`,
		"book a big kennel for milo from 5 to 9 December":                `rent_kennel {"check_in":"2026-12-05","check_out":"2026-12-09","pet":"Milo","size":"large"}`,
		"I need a heated kennel for Fido from Monday to Friday, 3 meals": `rent_kennel {"check_in":"2026-11-30","check_out":"2026-12-04","heated":true,"meals_per_day":3,"pet":"Fido"}`,
		"Groom Fido tomorrow":                                                 `groom_pet {"date":"2026-11-24","pet":"Fido"}`,
		"please groom Fido and Milo on Friday":                                `groom_pet {"date":"2026-11-27","pet":"Fido"}; groom_pet {"date":"2026-11-27","pet":"Milo"}`,
		"What are the opening hours of the clinic?":                           `getClinicOpeningHours {}`,
		"Groom Fido tomorrow and book an appointment for Milo on Friday at 9": `groom_pet {"date":"2026-11-24","pet":"Fido"}; book_vet_appointment {"date":"2026-11-27","pet":"Milo","time":"09:00"}`,
	} {
		if s := ask(t, tools, message); calls(s) != want {
			t.Errorf("%q\n got %s%s\nwant %s", message, calls(s), s.Reply, want)
		}
	}
	if s := ask(t, tools, "rent a kennel for Fido"); !strings.Contains(s.Reply, "what is the check in? (First day)") {
		t.Errorf("a missing day is not asked for: %s%s", calls(s), s.Reply)
	}
}

// TestMissingTools takes tools away one by one: what remains must never be misused for what is gone.
func TestMissingTools(t *testing.T) {
	for message, gone := range map[string]string{
		"Book an appointment for Fido next Tuesday at 10": "book_vet_appointment",
		"Change Fido's weight to 30 kg":                   "update_pet",
		"Cancel Fido's appointment on Friday":             "cancel_vet_appointment",
		"Remind me tomorrow to feed Fido":                 "set_reminder",
		"Record a rabies vaccination for Fido":            "record_vaccination",
		"What reminders do I have?":                       "list_reminders",
		"Contact support about my bill":                   "contact_support",
	} {
		tools := slices.DeleteFunc(clinicTools(t), func(x Tool) bool { return x.Name == gone })
		s := ask(t, tools, message)
		for _, c := range s.Calls {
			if i := slices.IndexFunc(tools, func(x Tool) bool { return x.Name == c.Name }); !tools[i].ReadOnly {
				t.Errorf("%q without %s led to %s", message, gone, show(c))
			}
		}
		if len(s.Calls) == 0 && !strings.Contains(s.Reply, "None of my tools can") && !strings.Contains(s.Reply, "I cannot look up") && !strings.Contains(s.Reply, "I did not understand") {
			t.Errorf("%q without %s: %s", message, gone, s.Reply)
		}
	}
	if s := ask(t, []Tool{}, "When is Fido's next vaccination?"); len(s.Calls) > 0 || s.NeedsTools || s.Reply == "" {
		t.Errorf("with no tools at all: %+v", s)
	}
}

// TestBeforeConnecting needs tools only where a tool could help.
func TestBeforeConnecting(t *testing.T) {
	for message, needs := range map[string]bool{
		"When is Fido's next vaccination?":      true,
		"hello, when is Fido's next shot?":      true,
		"Book an appointment for Fido tomorrow": true,
		"Change Fido's weight to 30 kg":         true,
		"Luna":                                  true,
		"hello":                                 false,
		"thanks":                                false,
		"who are you?":                          false,
		"what can you do?":                      false,
		"What's the weather like today?":        false,
		"order a pizza":                         false,
		"":                                      false,
		"order a pizza and tell me about Fido":  true,
	} {
		s := ask(t, nil, message)
		if s.NeedsTools != needs || needs != (s.Reply == "") || len(s.Calls) > 0 {
			t.Errorf("%q before connecting: %+v", message, s)
		}
	}
}

// TestBadTools gives lists that no server should send.
func TestBadTools(t *testing.T) {
	for _, in := range []string{``, `null`, `true`, `[]`, `"x"`, `{`, `{"properties":7}`, `{"properties":{"a":null,"b":true,"c":{"type":["string","null"],"pattern":"("}}}`, `{"required":["x"]}`,
		`{"type":"object","properties":{"date":{"type":"string","format":"date","x-time-zone":"Nowhere/At_All"}}}`} {
		s := ask(t, []Tool{{Name: "show_pet", InputSchema: json.RawMessage(in), OutputSchema: json.RawMessage(in)}, {Name: ""}, {Name: "___"}}, "show the pet Fido tomorrow")
		if s.Reply == "" && len(s.Calls) == 0 {
			t.Errorf("schema %s: nothing came of it", in)
		}
	}
}

// TestZone takes the day from the tools' zone, not from where the reader sits.
func TestZone(t *testing.T) {
	tokyo := time.FixedZone("Tokyo", 9*3600)
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, tokyo) // still Monday evening in New York
	s, err := planner.Next(context.Background(), Turn{Now: now, Tools: clinicTools(t), Message: "Book Fido tomorrow at 10"})
	if err != nil || calls(s) != `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}` {
		t.Errorf("%s%s %v", calls(s), s.Reply, err)
	}
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := planner.Next(ctx, Turn{Message: "hello"}); err == nil {
		t.Error("an ended context is ignored")
	}
}

// TestOlderDaysStay replays history with the day on which it was said.
func TestOlderDaysStay(t *testing.T) {
	now := monday(t)
	turn := Turn{Now: now, Tools: clinicTools(t), Message: "Fido",
		History: []Exchange{{At: now.AddDate(0, 0, -3), Message: "book an appointment tomorrow at 10", Reply: "…"}}}
	s, err := planner.Next(context.Background(), turn)
	if err != nil || calls(s) != `book_vet_appointment {"date":"2026-11-21","pet":"Fido","time":"10:00"}` {
		t.Errorf("%s%s %v", calls(s), s.Reply, err)
	}
}
