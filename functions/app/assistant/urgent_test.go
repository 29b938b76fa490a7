package assistant

import (
	"context"
	"strings"
	"testing"
)

// emergencies say what is searched for when an animal may be in danger.
var emergencies = []struct{ message, query string }{
	{"fido cant breathe", "first aid trouble breathing"},
	{"My dog is having trouble breathing", "first aid trouble breathing"},
	{"he has stopped breathing!!", "first aid trouble breathing"},
	{"my cat can't pee", "urinary blockage"},
	{"milo is not peeing", "urinary blockage"},
	{"Milo is straining in the litter tray", "urinary blockage"},
	{"my dog is choking on a bone", "first aid choking"},
	{"my cat was hit by a car", "first aid road accident"},
	{"a car hit my cat", "first aid road accident"},
	{"Luna got run over", "first aid road accident"},
	{"Luna fell off the balcony", "first aid fall wound"},
	{"fido collapsed", "first aid collapse unconscious"},
	{"Fido won't wake up", "first aid collapse unconscious"},
	{"my dog's belly is swollen and he tries to vomit", "bloat"},
	{"Fido has a bloated stomach", "bloat"},
	{"my dog drank antifreeze", "toxic foods antifreeze"},
	{"my dog ate chocolate", "toxic foods chocolate"},
	{"hello, Fido has just eaten a whole bar of chocolate", "toxic foods chocolate"},
	{"my dog ate xylitol", "toxic foods xylitol"},
	{"my dog ate rat poison", "toxic foods poison"},
	{"Milo has eaten lilies", "toxic foods lilies"},
	{"Fido ate my pills", "human medicines pills"},
	{"Fido stole an ibuprofen", "human medicines ibuprofen"},
	{"my snake swallowed a coin", "swallowed objects"},
	{"Fido ate a sock", "swallowed objects"},
	{"fido has been vomiting all night and now he won't move", "first aid collapse unconscious"},
	{"FIDO CANT BREATHE", "first aid trouble breathing"},
	{"someone ran over my cat", "first aid road accident"},
	{"fido is dying", "first aid emergency"},
	{"help my dog is drowning", "first aid emergency"},
	{"my dog is bleeding", "first aid bleeding"},
	{"my dog had a seizure. what should i do?", "seizures"},
	{"Milo is having a fit", "seizures"},
	{"my rabbit is not eating", "rabbits not eating"},
}

// TestEmergencies wants the advice to call a vet first of all: before connecting too, where no tool is needed for it.
func TestEmergencies(t *testing.T) {
	for _, x := range emergencies {
		if s := ask(t, nil, x.message); s.NeedsTools || !strings.HasPrefix(s.Reply, callVet) || len(s.Suggestions) == 0 {
			t.Errorf("%q before connecting: %+v", x.message, s)
		}
		got, reply := newTalk(t).say(x.message)
		if want := `search_pet_health {"limit":1,"query":"` + x.query + `"}`; strings.Join(got, "; ") != want || !strings.HasPrefix(reply, callVet) {
			t.Errorf("%q led to %v\n%s", x.message, got, reply)
		}
	}
}

// TestNoEmergency keeps the advice for where it counts.
func TestNoEmergency(t *testing.T) {
	for _, m := range []string{"Is chocolate bad for dogs?", "can my dog eat grapes?", "When is Fido's next vaccination?", "How do I remove a tick?", "tell me about diabetes in cats",
		"Fido got his rabies shot today", "remind me to buy cat food tomorrow", "my dog died this morning", "What slots are free on Friday afternoon?", "hello",
		"Do you have a slot that would fit on Friday?", "my dog got a new ball", "what are the signs of cancer in cats?", "my bill is wrong", "my dog ran over to me"} {
		if _, reply := newTalk(t).say(m); strings.Contains(reply, callVet) {
			t.Errorf("%q is no emergency: %s", m, reply)
		}
	}
}

// TestEmergencyThenConnect looks the article up once the tools are there.
func TestEmergencyThenConnect(t *testing.T) {
	first := ask(t, nil, "fido collapsed")
	turn := Turn{Now: monday(t), Message: "yes please", History: []Exchange{{At: monday(t), Message: "fido collapsed", Reply: first.Reply}}}
	s, err := planner.Next(context.Background(), turn)
	if err != nil || !s.NeedsTools {
		t.Fatalf("yes before connecting: %+v %v", s, err)
	}
	turn.Tools = clinicTools(t)
	s, err = planner.Next(context.Background(), turn)
	if err != nil || calls(s) != `search_pet_health {"limit":1,"query":"first aid collapse unconscious"}` {
		t.Errorf("yes after connecting: %s%s %v", calls(s), s.Reply, err)
	}
	for _, m := range first.Suggestions {
		if s := ask(t, clinicTools(t), m); !strings.HasPrefix(calls(s), "search_pet_health") {
			t.Errorf("the suggestion %q led to %s%s", m, calls(s), s.Reply)
		}
	}
}

// TestGrief is met kindly: nothing is changed, nothing is claimed, and no search result is thrown at it.
func TestGrief(t *testing.T) {
	for _, m := range []string{"my dog died this morning", "I think I want to put fido to sleep", "fido has cancer", "Luna passed away", "we lost our cat yesterday", "Milo was diagnosed with lymphoma", "is it time to let Fido go"} {
		got, reply := newTalk(t).say(m)
		if len(got) > 0 || !strings.HasPrefix(reply, "I am so sorry.") || !strings.Contains(reply, "send the clinic a message") {
			t.Errorf("%q led to %v\n%s", m, got, reply)
		}
		if s := ask(t, nil, m); s.NeedsTools || s.Reply != reply {
			t.Errorf("%q before connecting: %+v", m, s)
		}
	}
}

// TestUnwell tells who was not understood to call a vet where it sounds like an animal in trouble.
func TestUnwell(t *testing.T) {
	for _, m := range []string{"my poor hamster is wounded", "our hamster looks very weak", "I am worried about fido"} {
		if got, reply := newTalk(t).say(m); !strings.Contains(reply, "call a vet at once") {
			t.Errorf("%q led to %v\n%s", m, got, reply)
		}
	}
}
