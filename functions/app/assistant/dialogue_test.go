package assistant

import (
	"strings"
	"testing"
)

// line of a dialogue: what is said, the calls it leads to ("" for none), and words that the reply must have.
type turn struct{ say, calls, reply string }

// dialogue is a conversation on a clinic of its own.
type dialogue struct {
	setup func(*fakeClinic)
	turns []turn
}

func TestDialogues(t *testing.T) {
	runDialogues(t, map[string]dialogue{
		"the story": {nil, []turn{
			{"When is Fido's next vaccination?", `get_pet_vaccination_info {"pet":"Fido"}`, "Fido’s next vaccination is Rabies, due on Tuesday, 15 December 2026, in 22 days. Status: due soon."},
			{"and Milo?", `get_pet_vaccination_info {"pet":"Milo"}`, "Milo’s next vaccination is Rabies"},
			{"Book an appointment for Fido next Tuesday at 10", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"10:00"}`, "Appointment booked: Tuesday, 1 December 2026 at 10:00, check-up for Fido with Dr Rivera."},
			{"Tell me about Luna", `get_pet {"pet":"Luna"}`, `There is no pet called "Luna" that you can see.`},
		}},
		"book it, then think again": {nil, []turn{
			{"When is Milo's next vaccination?", `get_pet_vaccination_info {"pet":"Milo"}`, "Shall I look for a free appointment?"},
			{"book it", `find_appointment_slots {"kind":"vaccination"}`, "Which one would you like?"},
			{"the second one", `book_vet_appointment {"date":"2026-11-23","kind":"vaccination","pet":"Milo","time":"10:00"}`, "Appointment booked: Monday, 23 November 2026 at 10:00"},
			{"actually, cancel it", `cancel_vet_appointment {"appointment_id":"apt-1"}`, "Appointment cancelled: Monday, 23 November 2026 at 10:00"},
		}},
		"yes to a proposal": {nil, []turn{
			{"does my dog need any shots?", `list_pets {"species":"dog"}; get_pet_vaccination_info {"pet":"Fido"}`, "Shall I look"},
			{"yes please", `find_appointment_slots {"kind":"vaccination"}`, "Free times for Fido"},
			{"on Wednesday at 8:30 then", `book_vet_appointment {"date":"2026-11-25","kind":"vaccination","pet":"Fido","time":"08:30"}`, "Appointment booked: Wednesday, 25 November 2026 at 08:30"},
		}},
		"no to a proposal": {nil, []turn{
			{"When is Fido's next vaccination?", `get_pet_vaccination_info {"pet":"Fido"}`, "Shall I look"},
			{"no thanks", "", "I leave it at that"},
			{"yes", "", "There is nothing I was waiting to do"},
		}},
		"a time is taken": {nil, []turn{
			{"Book Fido next Tuesday at 10", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"10:00"}`, "Appointment booked"},
			{"Book Milo next Tuesday at 10", `book_vet_appointment {"date":"2026-12-01","pet":"Milo","time":"10:00"}`, "That time is already taken.\nThese are free instead:\n• Tuesday, 1 December 2026 at 08:00"},
			{"the second one", `book_vet_appointment {"date":"2026-12-01","kind":"check-up","pet":"Milo","time":"08:30"}`, "Appointment booked: Tuesday, 1 December 2026 at 08:30, check-up for Milo"},
			{"what appointments do I have?", `list_appointments {}`, "• Tuesday, 1 December 2026 at 10:00, check-up for Fido with Dr Rivera\n• Tuesday, 1 December 2026 at 08:30, check-up for Milo"},
			{"cancel the first one", `cancel_vet_appointment {"appointment_id":"apt-1"}`, "for Fido"},
		}},
		"another time than offered": {nil, []turn{
			{"Book Fido in next Tuesday morning", `find_appointment_slots {"date":"2026-12-01","days":1,"part_of_day":"morning"}`, "I read “next Tuesday” as Tuesday, 1 December 2026, in the week after this one."},
			{"at 11:30 then", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"11:30"}`, "Appointment booked: Tuesday, 1 December 2026 at 11:30"},
		}},
		"looking around first": {nil, []turn{
			{"What slots are free on Friday afternoon?", `find_appointment_slots {"date":"2026-11-27","days":1,"part_of_day":"afternoon"}`, "• 12:00 with Dr Rivera"},
			{"what about Thursday?", `find_appointment_slots {"date":"2026-11-26","days":1,"part_of_day":"afternoon"}`, "Thursday, 26 November 2026"},
			{"in the morning?", `find_appointment_slots {"date":"2026-11-26","days":1,"part_of_day":"morning"}`, "• 08:00"},
			{"book the first one", `list_pets {}`, "which pet do you mean? I see Fido, Milo."},
			{"Fido", `book_vet_appointment {"date":"2026-11-26","kind":"check-up","pet":"Fido","time":"08:00"}`, "Appointment booked"},
			{"and Milo?", `find_appointment_slots {"date":"2026-11-26","days":1,"kind":"check-up"}`, "Free times for Milo:\nThursday, 26 November 2026\n• 08:30"},
			{"10", `book_vet_appointment {"date":"2026-11-26","kind":"check-up","pet":"Milo","time":"10:00"}`, "at 10:00, check-up for Milo"},
		}},
		"two pets, one choice at a time": {nil, []turn{
			{"Fido and Milo need check-ups on Friday", `find_appointment_slots {"date":"2026-11-27","days":1,"kind":"check-up"}`, "After that I go on with Milo."},
			{"at 9", `book_vet_appointment {"date":"2026-11-27","kind":"check-up","pet":"Fido","time":"09:00"}; find_appointment_slots {"date":"2026-11-27","days":1,"kind":"check-up"}`, "Free times for Milo"},
			{"the last one", `book_vet_appointment {"date":"2026-11-27","kind":"check-up","pet":"Milo","time":"11:00"}`, "Appointment booked"},
		}},
		"booking and reminder": {nil, []turn{
			{"Book an appointment for Fido next Tuesday at 10 and remind me the day before", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"10:00"}; set_reminder {"date":"2026-11-30","pet":"Fido","text":"Appointment for Fido at 10:00 on Tuesday, 1 December 2026"}`, "Reminder set: Monday, 30 November 2026 at 09:00"},
			{"delete that reminder", `list_reminders {}`, "“Cancel a reminder”: Monday, 30 November 2026 at 09:00: Appointment for Fido at 10:00 on Tuesday, 1 December 2026.\nShall I do that?"},
			{"yes", `cancel_reminder {"reminder_id":"rem-1"}`, "Reminder cancelled"},
		}},
		"the reminder waits for the choice": {nil, []turn{
			{"Book Fido tomorrow morning and remind me", `find_appointment_slots {"date":"2026-11-24","days":1,"part_of_day":"morning"}`, "“Set a reminder” yet"},
			{"the earliest", `book_vet_appointment {"date":"2026-11-24","kind":"check-up","pet":"Fido","time":"08:00"}; set_reminder {"date":"2026-11-24","pet":"Fido","text":"Appointment for Fido at 08:00 on Tuesday, 24 November 2026"}`, "Reminder set"},
		}},
		"no booking, no reminder": {func(f *fakeClinic) { f.consent["book_vet_appointment"] = Denied }, []turn{
			{"Book Fido tomorrow at 10 and remind me", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}`, "You did not allow “Book an appointment” (appointment:write), so I did not do it."},
		}},
		"missing arguments": {nil, []turn{
			{"Remind me tomorrow", "", "what is the text?"},
			{"give Milo his tablet", `set_reminder {"date":"2026-11-24","pet":"Milo","text":"give Milo his tablet"}`, "Reminder set: Tuesday, 24 November 2026 at 09:00: give Milo his tablet."},
			{"remind me to buy food", "", "which day?"},
			{"on Friday at 6pm", `set_reminder {"date":"2026-11-27","text":"buy food","time":"18:00"}`, "Friday, 27 November 2026 at 18:00"},
			{"record a vaccination for Fido", "", "which vaccine? One of:"},
			{"kennel cough", `record_vaccination {"pet":"Fido","vaccine":"bordetella"}`, ""},
			{"Update Milo's profile", "", "What should I change for Milo?"},
			{"weight 5 kg", `update_pet {"pet":"Milo","weight_kg":5}`, "Done. Milo’s weight is now 5 kg."},
			{"and Fido's to 29", `update_pet {"pet":"Fido","weight_kg":29}`, "Done. Fido’s weight is now 29 kg."},
			{"rename fido", "", "what is the name?"},
			{"Rex", `update_pet {"name":"Rex","pet":"Fido"}`, "Fido’s name is now Rex"},
		}},
		"a question is not answered": {nil, []turn{
			{"book an appointment", `list_pets {}`, "which pet do you mean?"},
			{"what reminders do I have?", `list_reminders {}`, "I found no reminders."},
		}},
		"an answer that looks like an order": {nil, []turn{
			{"remind me tomorrow", "", "what is the text?"},
			{"book an appointment for Fido", `set_reminder {"date":"2026-11-24","pet":"Fido","text":"book an appointment for Fido"}`, "Reminder set"},
		}},
		"never mind": {nil, []turn{
			{"book an appointment for fido", `find_appointment_slots {}`, "Which one would you like?"},
			{"never mind", "", "I leave it at that"},
			{"the first one", "", "I did not understand"},
		}},
		"pronouns": {nil, []turn{
			{"Tell me about Milo", `get_pet {"pet":"Milo"}`, "Milo, cat, Tabby, age 2 years."},
			{"how old is he?", `get_pet {"pet":"Milo"}`, "Milo’s age: 2 years."},
			{"how heavy is he, and when is his next shot?", `get_pet {"pet":"Milo"}; get_pet_vaccination_info {"pet":"Milo"}`, "Milo’s weight: 4.6 kg."},
			{"does he have a chip?", `get_pet {"pet":"Milo"}`, "No microchip is recorded for Milo."},
			{"what about my dog?", `list_pets {"species":"dog"}; get_pet {"pet":"Fido"}`, "Fido"},
			{"book him in for thursday", `find_appointment_slots {"date":"2026-11-26","days":1}`, "Free times for Fido"},
		}},
		"his is the pet just named": {nil, []turn{
			{"Tell me about Milo", `get_pet {"pet":"Milo"}`, "Milo"},
			{"Fido got his rabies shot today", `record_vaccination {"date":"2026-11-23","pet":"Fido","vaccine":"rabies"}`, ""},
		}},
		"a pet that was not found is not meant later": {nil, []turn{
			{"Tell me about Luna", `get_pet {"pet":"Luna"}`, "There is no pet"},
			{"Book an appointment tomorrow at 10", `list_pets {}`, "which pet do you mean?"},
		}},
		"a change is about the pet just spoken of": {nil, []turn{
			{"Tell me about Milo", `get_pet {"pet":"Milo"}`, "Milo"},
			{"thanks", "", "You are welcome."},
			{"book an appointment tomorrow at 10", `list_pets {}`, "which pet do you mean?"},
			{"the cat", `book_vet_appointment {"date":"2026-11-24","pet":"Milo","time":"10:00"}`, "Appointment booked"},
			{"set the weight to 5 kg", `update_pet {"pet":"Milo","weight_kg":5}`, "Done. Milo’s weight is now 5 kg."},
		}},
		"another question instead of an answer": {nil, []turn{
			{"contact support", "", "what is the message?"},
			{"show my pets", `list_pets {}`, "Fido"},
		}},
		"both pets": {nil, []turn{
			{"are both pets vaccinated?", `list_pets {}; get_pet_vaccination_info {"pet":"Fido"}; get_pet_vaccination_info {"pet":"Milo"}`, "Milo’s next vaccination"},
			{"how old are they?", `get_pet {"pet":"Fido"}; get_pet {"pet":"Milo"}`, "Milo’s age: 2 years."},
		}},
		"a name in small letters is known from results": {nil, []turn{
			{"show my pets", `list_pets {}`, "• Fido, dog, Labrador, age 4 years, owner Bob"},
			{"fidos weight", `get_pet {"pet":"Fido"}`, "28.4 kg"},
			{"remind me to feed fido at 6pm", `set_reminder {"date":"2026-11-23","pet":"Fido","text":"feed fido","time":"18:00"}`, ""},
			{"and tell me about mlio", `get_pet {"pet":"Milo"}`, "Milo"},
		}},
		"reminders by their words": {nil, []turn{
			{"remind me tomorrow to give the worm tablet", `set_reminder {"date":"2026-11-24","text":"give the worm tablet"}`, ""},
			{"remind me on friday to buy litter", `set_reminder {"date":"2026-11-27","text":"buy litter"}`, ""},
			{"delete the reminder about worms", `list_reminders {}; cancel_reminder {"reminder_id":"rem-1"}`, "give the worm tablet"},
			{"delete the reminder about the dentist", `list_reminders {}`, "I am not sure which one you mean."},
			{"the first one", `cancel_reminder {"reminder_id":"rem-2"}`, "buy litter"},
			{"what reminders do I have", `list_reminders {}`, "I found no reminders."},
		}},
		"which appointment": {nil, []turn{
			{"Book Fido for Tuesday at 10 and Milo at 11", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}; book_vet_appointment {"date":"2026-11-24","pet":"Milo","time":"11:00"}`, ""},
			{"cancel my appointment", `list_appointments {}`, "Which one would you like?"},
			{"the one at 11", `cancel_vet_appointment {"appointment_id":"apt-2"}`, "for Milo"},
			{"when is Fido's next appointment?", `list_appointments {"pet":"Fido"}`, "The next appointment for Fido: Tuesday, 24 November 2026 at 10:00"},
			{"cancel Fido's appointment", `list_appointments {"pet":"Fido"}`, "“Cancel an appointment”: Tuesday, 24 November 2026 at 10:00, check-up for Fido with Dr Rivera.\nShall I do that?"},
			{"no", "", "I leave it at that"},
			{"cancel Fido's appointment on tuesday", `cancel_vet_appointment {"date":"2026-11-24","pet":"Fido"}`, "Appointment cancelled"},
			{"cancel Milo's appointment", `list_appointments {"pet":"Milo"}`, "I found no appointment for Milo"},
		}},
		"only if": {nil, []turn{
			{"If Fido is due, book an appointment for him tomorrow at 10", `get_pet_vaccination_info {"pet":"Fido"}`, "only on a condition (“If Fido is due”)"},
			{"yes", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}`, "Appointment booked"},
		}},
		"the role cannot": {func(f *fakeClinic) { f.role["update_pet"] = true }, []turn{
			{"Change Fido's weight to 30 kg", `update_pet {"pet":"Fido","weight_kg":30}`, "Your role does not allow this, and no consent of yours can change that. The clinic says: “The role Pet Owner cannot change pet records.”"},
		}},
		"consent is missing": {func(f *fakeClinic) { f.consent["book_vet_appointment"] = NeedsConsent }, []turn{
			{"Book Milo on Friday at 10", `book_vet_appointment {"date":"2026-11-27","pet":"Milo","time":"10:00"}`, "it needs a permission that you have not given this app (appointment:write). Nothing was done."},
		}},
		"the server is away": {func(f *fakeClinic) { f.consent["get_pet"] = Failed }, []turn{
			{"Tell me about Fido", `get_pet {"pet":"Fido"}`, "I could not reach the clinic"},
		}},
		"half of it understood": {nil, []turn{
			{"When is Fido's next vaccination and order a pizza", `get_pet_vaccination_info {"pet":"Fido"}`, "I cannot help with “order a pizza”"},
			{"hello, how old is Milo? asdf qwer zxcv.", `get_pet {"pet":"Milo"}`, "I did not understand “asdf qwer zxcv”"},
		}},
		"illness": {nil, []turn{
			{"Fido is limping. What should I do?", `search_pet_health {"query":"Fido is limping"}`, "I cannot diagnose or treat an animal; a vet can."},
			{"My cat collapsed and is bleeding, what now?", `search_pet_health {"limit":1,"query":"first aid bleeding"}`, "call a vet at once"},
		}},
	})
}

func runDialogues(t *testing.T, all map[string]dialogue) {
	t.Helper()
	for name, d := range all {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t)
			if d.setup != nil {
				d.setup(k.clinic)
			}
			for _, x := range d.turns {
				got, reply := k.say(x.say)
				if s := strings.Join(got, "; "); s != x.calls {
					t.Errorf("%q\n got %s\nwant %s\nreply %s", x.say, s, x.calls, reply)
				}
				if !strings.Contains(reply, x.reply) {
					t.Errorf("%q\nreply %s\n want %s", x.say, reply, x.reply)
				}
			}
		})
	}
}
