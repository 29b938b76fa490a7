package assistant

import "strings"

// smallTalk answers what needs no tool: greetings, thanks, who are you, what can you do. It answers only when the clause says
// nothing else.
func (r *round) smallTalk(c *clause) (string, bool) {
	lx := lex()
	w := words(c.toks)
	n := len(w)
	low := make([]string, n)
	for i := range w {
		low[i] = w.at(i)
	}
	s := " " + strings.Join(low, " ") + " "
	only := func(sets ...string) bool {
		for i := range w {
			ok := lx.is("polite", w.at(i)) || w.in(i, "there", "you", "very", "much", "a", "lot", "so", "that", "is", "was", "all", "for", "your", "day", "have", "good", "see", "my", "friend", "it", "vet", "assist", "assistant", "nice", "to", "meet", "and", "many", "bot", "again", "everyone", "too", "helpful")
			for _, set := range sets {
				ok = ok || lx.is(set, w.at(i))
			}
			if !ok {
				return false
			}
		}
		return true
	}
	has := func(phrases ...string) bool {
		for _, p := range phrases {
			if strings.Contains(s, " "+p+" ") {
				return true
			}
		}
		return false
	}
	switch {
	case n <= 8 && has("who are you", "what are you", "your name", "are you a robot", "are you human", "are you a bot", "are you real", "are you an ai", "who is this", "introduce yourself"):
		return "I am Vet Assist, the assistant of this app. I answer with what the clinic's tools return, and I make nothing up.", true
	case n <= 12 && (has("what can you do", "what do you do", "how can you help", "what can i ask", "what can i do", "what else can you do", "what are your abilities", "what do you offer", "how does this work", "what are you able to do", "what can you help", "help me please", "what should i ask") || n <= 2 && has("help", "menu", "options", "commands")):
		return r.abilities(), true
	case n <= 6 && has("how are you", "how are you doing", "how is it going", "what is up", "how do you do"):
		return "I am fine, thank you. How can I help you and your pets?", true
	case n <= 8 && (has("thank you", "thank", "thanks", "appreciate it") || only("thank") && n <= 4 && lx.is("thank", w.at(0))) && only("thank", "bye", "no", "yes"):
		return "You are welcome.", true
	case n <= 6 && (lx.is("bye", w.at(0)) || has("see you", "good night", "bye")) && only("bye", "thank"):
		return "Goodbye! Give your pets a pat from me.", true
	case n <= 7 && lx.is("greet", w.at(0)) && only("greet"), n <= 4 && has("good morning", "good afternoon", "good evening", "good day"):
		return "Hello! What can I do for you and your pets?", true
	case n <= 2 && (lx.is("yes", w.at(0)) || lx.is("no", w.at(0))) && only("yes", "no") && r.mem.proposal == nil && r.mem.offer == nil && r.mem.asked == nil && r.mem.lookup == "":
		return "Noted. There is nothing I was waiting to do. What would you like?", true
	}
	return "", false
}

// maxAbilities bounds the list of tools in a reply.
const maxAbilities = 20

// abilities tells what the offered tools do, in their own titles.
func (r *round) abilities() string {
	if r.unconnected {
		r.suggest = append(r.suggest, "What pets do I have?", "What slots are free tomorrow?", "Find articles about ticks")
		return "Once you have connected me to the clinic, I can look up your pets and their vaccinations, find, book and cancel appointments, keep reminders, search the clinic's articles on pet health and send the clinic a message. You connect me the first time a question needs it. Just ask."
	}
	if len(r.box.tools) == 0 {
		return "The clinic offers me no tools at the moment, so there is nothing I can look up or change."
	}
	if r.box.lister("pet") != nil {
		r.suggest = append(r.suggest, "What pets do I have?")
	}
	if r.box.searcher() != nil {
		r.suggest = append(r.suggest, "Find articles about ticks")
	}
	var sb strings.Builder
	sb.WriteString("With the clinic's tools I can do this:")
	for i, t := range r.box.tools {
		if i == maxAbilities {
			sb.WriteString("\n• and more")
			break
		}
		sb.WriteString("\n• " + t.label())
	}
	sb.WriteString("\nJust say it in your own words.")
	return sb.String()
}

// maxInstead bounds its short form.
const maxInstead = 6

// instead is the short form, for after a refusal.
func (r *round) instead() string {
	if len(r.box.tools) == 0 {
		return "I can answer questions about your pets with the clinic's tools."
	}
	var list []string
	for _, reads := range []bool{true, false} {
		for _, t := range r.box.tools {
			if (t.class == read) == reads && len(list) < maxInstead {
				list = append(list, t.label())
			}
		}
	}
	s := "I can help with: " + strings.Join(list, "; ")
	if len(list) < len(r.box.tools) {
		s += "; and more"
	}
	return s + "."
}
