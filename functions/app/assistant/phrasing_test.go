package assistant

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// phrasings say what a message leads to on its own, on Monday, 23 November 2026 at 09:00: the first calls, exactly, or words of
// the reply (after "="). Conversations are in dialogue_test.go.
var phrasings = []struct{ message, want string }{
	// Vaccinations.
	{"When is Fido's next vaccination?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"when is fido's next vaccination", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"WHEN IS FIDO'S NEXT VACCINATION?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"When Is Fido's Next Vaccination?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"when is fidos next vacination", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"is fido up to date with his shots?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"Does Milo need any jabs?", `get_pet_vaccination_info {"pet":"Milo"}`},
	{"Fido is due for a vaccine", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"When did Fido last get his rabies shot?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"Is Milo vaccinated against rabies?", `get_pet_vaccination_info {"pet":"Milo"}`},
	{"Which vaccinations is Luna missing?", `get_pet_vaccination_info {"pet":"Luna"}`},
	{"hi, when is fido's next shot? thanks", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"Could you please tell me when Fido's next booster is?", `get_pet_vaccination_info {"pet":"Fido"}`},
	{"Mr. Whiskers needs his shots", `get_pet_vaccination_info {"pet":"Mr. Whiskers"}`},
	{"When's Bella Rose's next shot", `get_pet_vaccination_info {"pet":"Bella Rose"}`},
	{"vaccination", `list_pets {}`},
	{"my dog's vaccinations", `list_pets {"species":"dog"}`},
	{"what vaccines does my cat still need?", `list_pets {"species":"cat"}`},
	{"When are all my pets due?", `list_pets {}`},
	// Two pets, two wishes.
	{"When are Fido and Milo due for their vaccines?", `get_pet_vaccination_info {"pet":"Fido"}; get_pet_vaccination_info {"pet":"Milo"}`},
	{"vaccinations for fido, milo and luna", `get_pet_vaccination_info {"pet":"Fido"}; get_pet_vaccination_info {"pet":"Milo"}; get_pet_vaccination_info {"pet":"Luna"}`},
	{"Milo and Fido's next vaccinations", `get_pet_vaccination_info {"pet":"Milo"}; get_pet_vaccination_info {"pet":"Fido"}`},
	{"What breed is Fido and how old is Milo?", `get_pet {"pet":"Fido"}; get_pet {"pet":"Milo"}`},
	{"Show me Fido's vaccinations and appointments", `get_pet_vaccination_info {"pet":"Fido"}; list_appointments {"pet":"Fido"}`},
	{"Thank you, and when is Milo's next vaccination?", `get_pet_vaccination_info {"pet":"Milo"}`},
	{"Book Fido for Tuesday at 10 and Milo at 11", `book_vet_appointment {"date":"2026-11-24","pet":"Fido","time":"10:00"}; book_vet_appointment {"date":"2026-11-24","pet":"Milo","time":"11:00"}`},
	{"Book Fido and Milo for Friday at 10", `book_vet_appointment {"date":"2026-11-27","pet":"Fido","time":"10:00"}; book_vet_appointment {"date":"2026-11-27","pet":"Milo","time":"10:00"}`},
	{"Book Fido next Tuesday at 10 please, and also show my reminders", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"10:00"}; list_reminders {}`},
	// Pets.
	{"Tell me about Luna", `get_pet {"pet":"Luna"}`},
	{"tell me about fido", `get_pet {"pet":"Fido"}`},
	{"Tell me about Lucky", `get_pet {"pet":"Lucky"}`},
	{"Luna", `get_pet {"pet":"Luna"}`},
	{"How old is Fido?", `get_pet {"pet":"Fido"}`},
	{"How much does Milo weigh?", `get_pet {"pet":"Milo"}`},
	{"does Fido have a chip", `get_pet {"pet":"Fido"}`},
	{"Who is Fido's owner?", `get_pet {"pet":"Fido"}`},
	{"Tell me about Fido and Milo", `get_pet {"pet":"Fido"}; get_pet {"pet":"Milo"}`},
	{"What is my dog's weight?", `list_pets {"species":"dog"}`},
	{"What pets do I have?", `list_pets {}`},
	{"Show me all my pets", `list_pets {}`},
	{"tell me about my pets", `list_pets {}`},
	{"Do I have any cats?", `list_pets {"species":"cat"}`},
	{"list all cats", `list_pets {"species":"cat"}`},
	{"Show Alice's pets", `list_pets {"owner":"Alice"}`},
	// Changing records.
	{"Change Fido's weight to 30 kg", `update_pet {"pet":"Fido","weight_kg":30}`},
	{"Fido weighs 66 lb now", `update_pet {"pet":"Fido","weight_kg":29.94}`},
	{"Milo now weighs 4.2 kg", `update_pet {"pet":"Milo","weight_kg":4.2}`},
	{"Fido is 31 kilos", `update_pet {"pet":"Fido","weight_kg":31}`},
	{"change the wieght of Milo to 4,5 kg", `update_pet {"pet":"Milo","weight_kg":4.5}`},
	{"set Fido's weight to 28", `update_pet {"pet":"Fido","weight_kg":28}`},
	{"Rename Milo to Miles", `update_pet {"name":"Miles","pet":"Milo"}`},
	{"Change Fido's breed to Golden Retriever", `update_pet {"breed":"Golden Retriever","pet":"Fido"}`},
	{"Add a note to Fido's profile: limps after walks", `update_pet {"notes":"limps after walks","pet":"Fido"}`},
	{"Fido's microchip is 985112003456789", `update_pet {"microchip":"985112003456789","pet":"Fido"}`},
	{"Update Fido's profile", `= What should I change for Fido?`},
	{"rename fido", `= what is the name?`},
	{"Add a new dog called Rex, born on 3 March 2025, owner Alice", `add_pet {"birth_date":"2025-03-03","name":"Rex","owner":"Alice","species":"dog"}`},
	{"Register a new cat named Whiskers, born 2024-05-01, owner Bob", `add_pet {"birth_date":"2024-05-01","name":"Whiskers","owner":"Bob","species":"cat"}`},
	{"add a pet", `= what is the name?`},
	{"Fido got his rabies shot today", `record_vaccination {"date":"2026-11-23","pet":"Fido","vaccine":"rabies"}`},
	{"Record a rabies vaccination for Fido", `record_vaccination {"pet":"Fido","vaccine":"rabies"}`},
	{"Record that Milo was given fvrcp yesterday, batch A-123", `record_vaccination {"batch":"A-123","date":"2026-11-22","pet":"Milo","vaccine":"fvrcp"}`},
	{"log fido's rabies vaccination from last friday", `record_vaccination {"date":"2026-11-20","pet":"Fido","vaccine":"rabies"}`},
	// Booking.
	{"Book an appointment for Fido next Tuesday at 10", `book_vet_appointment {"date":"2026-12-01","pet":"Fido","time":"10:00"}`},
	{"bok an apointment for milo tommorow at 3pm", `book_vet_appointment {"date":"2026-11-24","pet":"Milo","time":"15:00"}`},
	{"Please book a check-up for Milo on Friday at half past three", `book_vet_appointment {"date":"2026-11-27","kind":"check-up","pet":"Milo","time":"15:30"}`},
	{"schedule a visit for luna on 12/5 at 9:30", `book_vet_appointment {"date":"2026-12-05","pet":"Luna","time":"09:30"}`},
	{"make an appointment for milo on friday at 10:30", `book_vet_appointment {"date":"2026-11-27","pet":"Milo","time":"10:30"}`},
	{"book me in for Thursday 2pm with Fido", `book_vet_appointment {"date":"2026-11-26","pet":"Fido","time":"14:00"}`},
	{"Book Fido for a rabies shot on 5 December at 10am", `book_vet_appointment {"date":"2026-12-05","kind":"vaccination","pet":"Fido","time":"10:00"}`},
	{"Book a vaccination appointment for Fido in two weeks at noon", `book_vet_appointment {"date":"2026-12-07","kind":"vaccination","pet":"Fido","time":"12:00"}`},
	{"Put Fido down for a dental on 5 Dec 9am", `book_vet_appointment {"date":"2026-12-05","kind":"dental","pet":"Fido","time":"09:00"}`},
	{"Book Fido for tomorrow at 10 because he is limping", `book_vet_appointment {"date":"2026-11-24","kind":"illness","pet":"Fido","reason":"he is limping","time":"10:00"}`},
	{"Book Fido in next Tuesday morning", `find_appointment_slots {"date":"2026-12-01","days":1,"part_of_day":"morning"}`},
	{"I need an appointment for Fido", `find_appointment_slots {}`},
	{"Can I get an appointment for Fido this week?", `find_appointment_slots {"date":"2026-11-23","days":7}`},
	{"Fido needs a dental check-up", `find_appointment_slots {"kind":"dental"}`},
	{"I'd like to bring Fido in tomorrow afternoon", `find_appointment_slots {"date":"2026-11-24","days":1,"part_of_day":"afternoon"}`},
	{"I need to see a vet with Milo", `find_appointment_slots {}`},
	{"book an appointment", `list_pets {}`},
	{"my rabbit needs a check-up on monday at 9", `list_pets {"species":"rabbit"}`},
	{"Book an appointment for Fido tomorrow at 10 if he is overdue", `= only on a condition`},
	// Free times.
	{"What slots are free on Friday afternoon?", `find_appointment_slots {"date":"2026-11-27","days":1,"part_of_day":"afternoon"}`},
	{"any openings next week?", `find_appointment_slots {"date":"2026-11-30","days":7}`},
	{"is there anything free on saturday morning?", `find_appointment_slots {"date":"2026-11-28","days":1,"part_of_day":"morning"}`},
	{"What's free tomorrow?", `find_appointment_slots {"date":"2026-11-24","days":1}`},
	{"when can you see Milo?", `find_appointment_slots {}`},
	{"Are there any slots for a dental cleaning between Monday and Wednesday next week?", `find_appointment_slots {"date":"2026-11-30","days":3,"kind":"dental"}`},
	{"free slots for Fido next week in the afternoon", `find_appointment_slots {"date":"2026-11-30","days":7,"part_of_day":"afternoon"}`},
	{"Do not book anything, just show me free slots tomorrow", `find_appointment_slots {"date":"2026-11-24","days":1}`},
	// Appointments there are.
	{"What appointments does Fido have?", `list_appointments {"pet":"Fido"}`},
	{"When is Fido's next appointment?", `list_appointments {"pet":"Fido"}`},
	{"is milo booked for anything this week?", `list_appointments {"pet":"Milo"}`},
	{"what's coming up?", `list_appointments {}`},
	{"show my past appointments", `list_appointments {"include_past":true}`},
	{"When was Fido's last appointment?", `list_appointments {"include_past":true,"pet":"Fido"}`},
	{"Cancel Fido's appointment on Friday", `cancel_vet_appointment {"date":"2026-11-27","pet":"Fido"}`},
	{"please cancel the appointment on the 5th for Milo", `cancel_vet_appointment {"date":"2026-12-05","pet":"Milo"}`},
	{"cancle fido's apointment", `list_appointments {"pet":"Fido"}`},
	{"Cancel my appointment tomorrow", `list_appointments {}`},
	{"How do I cancel an appointment?", `= You can ask me for it here`},
	{"Don't cancel anything", `= I will not do that`},
	{"I don't want to cancel the appointment", `= I will not do that`},
	{"cancel everything", `= None of my tools can do`},
	{"reschedule Fido's appointment to Friday", `= I cannot move or change an appointment. I can cancel it`},
	// Reminders.
	{"What reminders do I have for Fido?", `list_reminders {"pet":"Fido"}`},
	{"Remind me to give Milo his worm tablet tomorrow at 8", `set_reminder {"date":"2026-11-24","pet":"Milo","text":"give Milo his worm tablet","time":"08:00"}`},
	{"Set a reminder for Fido's flea treatment on 5 December", `set_reminder {"date":"2026-12-05","pet":"Fido","text":"Fido's flea treatment"}`},
	{"Don't forget to give Milo his pill on Friday at 7pm", `set_reminder {"date":"2026-11-27","pet":"Milo","text":"give Milo his pill","time":"19:00"}`},
	{"remind me in two weeks to buy dog food", `set_reminder {"date":"2026-12-07","text":"buy dog food"}`},
	{"Remind me at 5 to feed Fido", `set_reminder {"date":"2026-11-23","pet":"Fido","text":"feed Fido","time":"17:00"}`},
	{"remind me tomorrow to pack the carrier", `set_reminder {"date":"2026-11-24","text":"pack the carrier"}`},
	{"schedule a reminder for tomorrow to clean the litter box", `set_reminder {"date":"2026-11-24","text":"clean the litter box"}`},
	{"set a reminder for next monday at 18:00: give Fido heart pills and walk him", `set_reminder {"date":"2026-11-30","pet":"Fido","text":"give Fido heart pills and walk him","time":"18:00"}`},
	{"remind me to give Fido and Milo their tablets on the 1st", `set_reminder {"date":"2026-12-01","text":"give Fido and Milo their tablets"}`},
	{"remind me tomorrow", `= what is the text?`},
	{"cancel reminder rem-1234", `cancel_reminder {"reminder_id":"rem-1234"}`},
	{"Delete the reminder about worm tablets", `list_reminders {}`},
	// Advice.
	{"What should I feed a puppy?", `search_pet_health {"query":"What should I feed a puppy"}`},
	{"Is chocolate bad for dogs?", `search_pet_health {"query":"Is chocolate bad for dogs"}`},
	{"can my dog eat grapes?", `search_pet_health {"query":"can my dog eat grapes"}`},
	{"how often should I brush my cat's teeth?", `search_pet_health {"query":"how often should I brush my cat's teeth"}`},
	{"tell me about diabetes in cats", `search_pet_health {"query":"diabetes in cats"}`},
	{"What do you know about ticks?", `search_pet_health {"query":"ticks"}`},
	{"Find articles about flea treatment", `search_pet_health {"query":"flea treatment"}`},
	{"How do I remove a tick?", `search_pet_health {"query":"How do I remove a tick"}`},
	{"contact support: hello there", `contact_support {"message":"hello there"}`},
	{"Fido is limping. What should I do?", `search_pet_health {"query":"Fido is limping"}`},
	{"Give me the 5 best articles about obesity", `search_pet_health {"limit":5,"query":"5 best articles about obesity"}`},
	{"can i give fido ibuprofen?", `search_pet_health {"query":"give fido ibuprofen"}`},
	{"is it ok to give my cat paracetamol", `search_pet_health {"query":"is it ok to give my cat paracetamol"}`},
	{"is aspirin safe for dogs", `search_pet_health {"query":"is aspirin safe for dogs"}`},
	{"can I give my cat human painkillers", `search_pet_health {"query":"give my cat human painkillers"}`},
	{"can dogs eat bread?", `search_pet_health {"query":"can dogs eat bread"}`},
	{"how many appointments do I have?", `list_appointments {}`},
	{"how many pets do I have?", `list_pets {}`},
	{"can you give me a list of my pets?", `list_pets {}`},
	{"milo is constipated", `search_pet_health {"query":"milo is constipated"}`},
	{"my cat hasn't eaten in 3 days", `search_pet_health {"query":"my cat hasn't eaten in 3 days"}`},
	{"are bananas ok for rabbits?", `search_pet_health {"query":"are bananas ok for rabbits"}`},
	{"how often should I worm my cat", `search_pet_health {"query":"how often should I worm my cat"}`},
	// People.
	{"I want to talk to a human about my bill", `= my bill.
Shall I do that?`},
	{"Contact support: my invoice is wrong and I was charged twice. Please call me", `contact_support {"message":"my invoice is wrong and I was charged twice. Please call me"}`},
	{"Send a message to the clinic that we will be late", `contact_support {"message":"we will be late"}`},
	{"I was charged twice, I want to speak to a person", `= I was charged twice.
Shall I do that?`},
	{"my email is bob@example.com, please contact support about a refund", `contact_support {"contact":"bob@example.com","message":"a refund"}`},
	// Small talk.
	{"hello", `= Hello!`},
	{"Good morning!", `= Hello!`},
	{"Thanks!", `= You are welcome.`},
	{"thank you very much, bye", `= You are welcome.`},
	{"how are you?", `= I am fine`},
	{"who are you?", `= I am Vet Assist`},
	{"what can you do?", `= • List pets`},
	// What it cannot do or understand.
	{"Order a pizza", `= I cannot help with “Order a pizza”`},
	{"What's the weather tomorrow?", `= I cannot help with`},
	{"Tell me a joke", `= I cannot help with`},
	{"What's the capital of France?", `= I cannot help with`},
	{"Diagnose Fido", `= I cannot diagnose`},
	{"What's wrong with Fido?", `= I cannot diagnose`},
	{"asdf qwer zxcv", `= I did not understand “asdf qwer zxcv”`},
	{"😀😀", `= I did not find any words`},
	{"", `= I did not find any words`},
	{"When is Fido's next vaccination and order a pizza", `get_pet_vaccination_info {"pet":"Fido"}`},
}

// TestPhrasings runs the table on the server's tool list, on one with other descriptions, and on one in another order.
func TestPhrasings(t *testing.T) {
	reworded, err := os.ReadFile("testdata/tools_reworded.json")
	if err != nil {
		t.Fatal(err)
	}
	other, err := readTools(reworded)
	if err != nil {
		t.Fatal(err)
	}
	backwards := clinicTools(t)
	slices.Reverse(backwards)
	for name, tools := range map[string][]Tool{"as listed": clinicTools(t), "other words": other, "backwards": backwards} {
		t.Run(name, func(t *testing.T) {
			for _, p := range phrasings {
				step, err := planner.Next(context.Background(), Turn{Now: monday(t), Tools: tools, Message: p.message})
				if err != nil {
					t.Fatal(err)
				}
				if words, ok := strings.CutPrefix(p.want, "= "); ok {
					if len(step.Calls) > 0 || !strings.Contains(step.Reply, words) {
						t.Errorf("%q\n got %s%s\nwant %s", p.message, calls(step), step.Reply, p.want)
					}
				} else if got := calls(step); got != p.want {
					t.Errorf("%q\n got %s%s\nwant %s", p.message, got, step.Reply, p.want)
				}
			}
		})
	}
}

func calls(s Step) string {
	var out []string
	for _, c := range s.Calls {
		out = append(out, show(c))
	}
	return strings.Join(out, "; ")
}
