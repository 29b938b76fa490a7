package assistant

import "testing"

// TestLimits has what cannot be done as it was said, and what must not be done before a yes.
func TestLimits(t *testing.T) {
	runDialogues(t, map[string]dialogue{
		"no weight below nought": {nil, []turn{
			{"set fido's weight to -5 kg", "", "I cannot set the weight to -5: it must be more than 0 and at most 200."},
			{"5 kg", `update_pet {"pet":"Fido","weight_kg":5}`, "Fido’s weight is now 5 kg"},
			{"Fido weighs 500 kg", "", "it must be more than 0 and at most 200"},
		}},
		"two fields of one pet": {nil, []turn{
			{"change fido's breed to Poodle and his weight to 29", `update_pet {"breed":"Poodle","pet":"Fido","weight_kg":29}`, "breed is now Poodle"},
			{"change Milo's weight to 5 kg and his breed to Siamese", `update_pet {"breed":"Siamese","pet":"Milo","weight_kg":5}`, "breed is now Siamese"},
		}},
		"the pet that is named, not the one before": {nil, []turn{
			{"tell me about fido", `get_pet {"pet":"Fido"}`, ""},
			{"remind me tomorrow at 8 to give milo his pill", `set_reminder {"date":"2026-11-24","pet":"Milo","text":"give milo his pill","time":"08:00"}`, "for Milo"},
			{"remind me to call Dora tomorrow at 8", `set_reminder {"date":"2026-11-24","text":"call Dora","time":"08:00"}`, "call Dora"},
		}},
		"again and again": {nil, []turn{
			{"remind me every day at 8 to feed the fish", "", "I can do this only once, not “every day”.\n“Set a reminder”: feed the fish, Tuesday, 24 November 2026, 08:00."},
			{"yes", `set_reminder {"date":"2026-11-24","text":"feed the fish","time":"08:00"}`, "Reminder set"},
			{"remind me to feed the fish every monday", "", "not “every monday”"},
			{"no thanks", "", "I leave it at that"},
			{"remind me to feed the fish daily", "", "only once, not “daily”. For “Set a reminder”: which day?"},
			{"tomorrow", `set_reminder {"date":"2026-11-24","text":"feed the fish"}`, "Reminder set"},
		}},
		"no such time, no such day": {nil, []turn{
			{"book fido tomorrow at 25:00", "", "There is no time “25:00”."},
			{"at 10", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}`, "Appointment booked"},
			{"book milo on february 30 at 10", "", "There is no day “february 30”."},
			{"2026-13-01", "", "There is no day “2026-13-01”."},
			{"friday", `book_vet_appointment {"date":"2026-11-27","pet":"Milo","time":"10:00"}`, "Appointment booked"},
			{"book milo on saturday", `find_appointment_slots {"date":"2026-11-28","days":1}`, ""},
		}},
		"a new request is no answer": {nil, []turn{
			{"remind me to buy food", "", "which day?"},
			{"remind me tomorrow to clean the cage", `set_reminder {"date":"2026-11-24","text":"clean the cage"}`, ""},
			{"contact support", "", "what is the message?"},
			{"book fido tomorrow at 10", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}`, "Appointment booked"},
			{"book Milo on friday", `find_appointment_slots {"date":"2026-11-27","days":1}`, ""},
			{"remind me tomorrow at 8 to buy food", `set_reminder {"date":"2026-11-24","text":"buy food","time":"08:00"}`, ""},
		}},
		"a message is sent only when that is plain": {nil, []turn{
			{"I want to talk to a human about my bill", "", "“Send the clinic a message”: my bill.\nShall I do that?"},
			{"yes", `contact_support {"message":"my bill"}`, "Ticket"},
			{"send the clinic a message: we are late", `contact_support {"message":"we are late"}`, "Ticket"},
			{"contact support", "", "what is the message?"},
			{"I have a question about Fido", `contact_support {"message":"I have a question about Fido"}`, "Ticket"},
		}},
		"two pets of one name": {func(f *fakeClinic) {
			f.pets = append(f.pets, object{"id": "pet-luna1", "name": "Luna", "species": "cat", "breed": "Siamese"}, object{"id": "pet-luna2", "name": "Luna", "species": "dog", "breed": "Beagle"})
		}, []turn{
			{"tell me about Luna", `get_pet {"pet":"Luna"}; list_pets {}`, "There are several pets called Luna."},
			{"the beagle", `get_pet {"pet":"pet-luna2"}`, "Luna, dog, Beagle"},
			{"book Luna tomorrow at 10", `book_vet_appointment {"date":"2026-11-24","pet":"Luna","time":"10:00"}; list_pets {}`, "There are several pets called Luna."},
			{"the cat", `book_vet_appointment {"date":"2026-11-24","pet":"pet-luna1","time":"10:00"}`, "Appointment booked"},
		}},
		"a day narrows free times": {nil, []turn{
			{"what slots are free this week", `find_appointment_slots {"date":"2026-11-23","days":7}`, ""},
			{"wednesday", `find_appointment_slots {"date":"2026-11-25","days":1}`, "Wednesday, 25 November 2026"},
			{"thanks, never mind", "", "I leave it at that"},
		}},
		"a refused day does not stick": {func(f *fakeClinic) { f.role["book_vet_appointment"] = true }, []turn{
			{"book fido on friday at 10", `book_vet_appointment {"date":"2026-11-27","pet":"Fido","time":"10:00"}`, "Your role does not allow this"},
			{"remind me to buy food", "", "which day?"},
			{"never mind", "", ""},
			{"Milo", `get_pet {"pet":"Milo"}`, "Milo"},
		}},
		"a day narrows what was offered for a pet": {nil, []turn{
			{"Milo needs a checkup", `find_appointment_slots {"kind":"check-up"}`, ""},
			{"wednesday", `find_appointment_slots {"date":"2026-11-25","days":1,"kind":"check-up"}`, "Free times for Milo:\nWednesday"},
			{"at 9", `book_vet_appointment {"date":"2026-11-25","kind":"check-up","pet":"Milo","time":"09:00"}`, "Appointment booked"},
		}},
		"cancelling": {nil, []turn{
			{"book fido tomorrow at 10", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}`, ""},
			{"what appointments do i have", `list_appointments {}`, ""},
			{"cancel it", "", "“Cancel an appointment”: Tuesday, 24 November 2026 at 10:00, check-up for Fido with Dr Rivera.\nShall I do that?"},
			{"yes", `cancel_vet_appointment {"appointment_id":"apt-1"}`, "Appointment cancelled"},
			{"remind me tomorrow to buy cat food", `set_reminder {"date":"2026-11-24","text":"buy cat food"}`, ""},
			{"remind me on friday to give Milo his pill", `set_reminder {"date":"2026-11-27","pet":"Milo","text":"give Milo his pill"}`, ""},
			{"delete the cat food reminder", `list_reminders {}; cancel_reminder {"reminder_id":"rem-1"}`, "buy cat food"},
			{"cancel the reminder for milo", `list_reminders {}`, "give Milo his pill.\nShall I do that?"},
			{"yes please", `cancel_reminder {"reminder_id":"rem-2"}`, "Reminder cancelled"},
		}},
	})
}
