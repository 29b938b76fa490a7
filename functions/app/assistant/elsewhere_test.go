package assistant

import "testing"

// TestElsewhere has what tools cannot do, what the page does, and what is no question at all.
func TestElsewhere(t *testing.T) {
	runDialogues(t, map[string]dialogue{
		"what no tool changes": {nil, []turn{
			{"set fido's birth date to 3 march 2020", "", "None of my tools can change the birth date."},
			{"change Fido's owner to Alice", "", "None of my tools can change the owner."},
			{"change the species of Milo to dog", "", "None of my tools can change the species."},
		}},
		"moving": {nil, []turn{
			{"book fido on friday at 10", `book_vet_appointment {"date":"2026-11-27","pet":"Fido","time":"10:00"}`, ""},
			{"what did i just book?", "", "This is what I did last:\nAppointment booked: Friday, 27 November 2026 at 10:00"},
			{"move it to wednesday at 11", "", "I cannot move or change an appointment. I can cancel it and make a new one"},
			{"can I change my appointment?", "", "I cannot move or change an appointment."},
			{"postpone my appointment to next week", "", "I cannot move or change an appointment."},
		}},
		"nothing done yet": {nil, []turn{
			{"what did i just book?", "", "I have not changed anything in this chat"},
			{"never mind", "", "I leave it at that"},
		}},
		"what no tool tells": {nil, []turn{
			{"what are your opening hours", "", "I cannot look up “what are your opening hours”"},
			{"when are you open?", "", "I cannot look up"},
			{"do you have vets for snakes", "", "I cannot look up"},
			{"who is the vet", "", "I cannot look up"},
		}},
		"the page's header": {nil, []turn{
			{"what scopes do i have", "", "“Connected”"},
			{"which permissions did I give you?", "", "“Connected”"},
			{"log me out", "", "“Log out”"},
			{"sign out please", "", "“Log out”"},
		}},
		"nothing to go by": {nil, []turn{
			{"<script>alert(1)</script>", "", "it looks like code"},
			{"wat", "", "I did not understand “wat”."},
			{"fido dog", "", "say for example “tell me about Fido”"},
			{"whichever comes first", "", "I did not understand"},
			{"привет как дела", "", "I understand only English"},
			{"hola, necesito una cita para mi perro", "", "I understand only English"},
			{"ich brauche einen Termin für meine Katze", "", "I understand only English"},
		}},
		"a new patient": {nil, []turn{
			{"please add a new dog named Rocky for Bob Miller", "", "what is the birth date?"},
			{"3 March 2025", `add_pet {"birth_date":"2025-03-03","name":"Rocky","owner":"Bob Miller","species":"dog"}`, ""},
			{"new patient: Misty, cat, born 1 May 2024, owner Bob Miller", `add_pet {"birth_date":"2024-05-01","name":"Misty","owner":"Bob Miller","species":"cat"}`, ""},
			{"add a pet", "", "what is the name?"},
			{"Rocky", "", "which species?"},
			{"dog", "", "which owner do you mean?"},
			{"Bob Miller", "", "what is the birth date?"},
			{"3 March 2025", `add_pet {"birth_date":"2025-03-03","name":"Rocky","owner":"Bob Miller","species":"dog"}`, ""},
		}},
		"whose pets": {nil, []turn{
			{"show me all pets of alice", `list_pets {"owner":"Alice"}`, ""},
			{"list the cats of Bob Miller", `list_pets {"owner":"Bob Miller","species":"cat"}`, ""},
			{"what's fidos microchip number", `get_pet {"pet":"Fido"}`, "Fido’s microchip: 985112001234567."},
		}},
	})
}

// TestNoDayToBeBorn offers no coming day for a birth.
func TestNoDayToBeBorn(t *testing.T) {
	k := newTalk(t)
	k.say("add a dog named Rocky, owner Bob Miller")
	for _, s := range k.last.Suggestions {
		if s == "Tomorrow" {
			t.Errorf("suggestions for a birth date: %q", k.last.Suggestions)
		}
	}
}

// TestAbilitiesBeforeConnecting names what can be asked, with questions that lead to a tool.
func TestAbilitiesBeforeConnecting(t *testing.T) {
	s := ask(t, nil, "What can you do?")
	if s.NeedsTools || len(s.Suggestions) < 3 {
		t.Fatalf("%+v", s)
	}
	for _, m := range s.Suggestions {
		if x := ask(t, clinicTools(t), m); len(x.Calls) == 0 {
			t.Errorf("the suggestion %q led to no call: %s", m, x.Reply)
		}
	}
}
