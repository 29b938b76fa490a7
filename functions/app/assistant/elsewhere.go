package assistant

import (
	"slices"
	"strings"
	"unicode"
)

// markup is what no person says: tags of a page.
var markup = compiled(`</?[A-Za-z!][^<>]*>`)

// foreign reports why a message cannot be read at all, "" where it can: code, another script, another language.
func foreign(msg string, toks []token) string {
	if markup().MatchString(msg) {
		return "I did not understand that: it looks like code. Please write plain words."
	}
	latin, other := 0, 0
	for _, r := range msg {
		if unicode.Is(unicode.Latin, r) {
			latin++
		} else if unicode.IsLetter(r) {
			other++
		}
	}
	strange, plain := 0, 0
	for _, t := range toks {
		switch low := strings.ToLower(t.text); {
		case lex().is("foreign", low):
			strange++
		case lex().knows(low) || isCalendarWord(low):
			plain++
		}
	}
	if other > latin || strange >= 2 && strange > plain {
		return "I am sorry, I understand only English so far. Could you say that in English?"
	}
	return ""
}

// elsewhere answers what no tool is needed for: what the page does, and what was done last in this chat.
func (r *round) elsewhere(c *clause) (string, bool) {
	w := words(c.toks)
	switch {
	case len(w) <= 4 && (w.has("never") && w.has("mind") || w.has("nevermind") || w.in(0, "forget") && w.in(1, "it", "that")):
		r.next.goals = nil
		return "All right, I leave it at that.", true
	case findPattern("page", c.toks) != nil:
		return "That is in the header of this page: “Connected” shows the permissions you have given this app, and “Log out” ends your session.", true
	case findPattern("done", c.toks) != nil && len(c.who)+len(c.days) > 0:
		return "", false
	case findPattern("done", c.toks) != nil && r.mem.did != "":
		return "This is what I did last:\n" + r.mem.did, true
	case findPattern("done", c.toks) != nil:
		return "I have not changed anything in this chat so far.", true
	}
	return "", false
}

// general reports whether a clause asks what is good for animals, not about what the clinic keeps of one.
func (c *clause) general() bool {
	if c.mood == moodStatement || len(c.days)+len(c.times) > 0 || findPattern("advice", c.toks) == nil {
		return false
	}
	return !slices.ContainsFunc(c.content(), func(w token) bool {
		return slices.ContainsFunc(lex().objects[w.low], func(o string) bool { return kinds[o] && o != "support" || o == "vaccination" })
	})
}

// fragment reports whether a clause is a name that nobody has told, perhaps with an animal, and nothing else: too little to
// ask the clinic about it.
func (c *clause) fragment() bool {
	if c.mood != moodBare || c.question || len(c.who) == 0 || len(c.days)+len(c.times)+len(c.nums) > 0 {
		return false
	}
	for _, m := range c.who {
		if !m.guess {
			return false
		}
	}
	for _, w := range c.content() {
		if !slices.ContainsFunc(lex().about(w), func(o string) bool { return animals[o] }) {
			return false
		}
	}
	return true
}

// unsettable says what a clause wants changed where no tool can: a field that is given only when a pet is added, or the day
// of what is booked.
func (r *round) unsettable(c *clause) (string, bool) {
	changes := slices.ContainsFunc(c.senses, func(s sense) bool { return s.class == change })
	if c.mood != moodCommand || !changes {
		return "", false
	}
	makes := slices.ContainsFunc(c.senses, func(s sense) bool { return s.class == create }) // "set a reminder"
	if kind := r.movable(c); kind != "" && !makes {
		return "I cannot move or change " + indefinite(kind) + ". I can cancel it and make a new one: tell me to cancel it first, and then the new day and time.", true
	}
	for _, t := range r.box.tools {
		for _, p := range t.order {
			if t.class != create || p == t.prose || p.kind == kLabel || !slices.Contains(t.nouns, "pet") || c.cue(p) < 0 {
				continue
			}
			at := c.cue(p)
			w := words(c.toks)
			linked := w[at:].has("to", "as", "is") && (at > 0 && c.toks[at-1].poss || lex().is("pronoun", w.at(at-1)) || w[at:].has("of", "for"))
			if linked && !slices.ContainsFunc(r.box.tools, func(t *tool) bool {
				return t.class == change && slices.ContainsFunc(t.order, func(q *property) bool { return c.cue(q) == at })
			}) {
				return "None of my tools can change the " + plainLabel(p) + ". If it is wrong, I can send the clinic a message about it.", true
			}
		}
	}
	return "", false
}

// movable is the kind of thing that a clause wants moved where no tool changes such things but tools make and undo them.
func (r *round) movable(c *clause) string {
	var kinds []string
	for _, w := range c.content() {
		kinds = append(kinds, lex().about(w)...)
	}
	if len(r.mem.things) > 0 && words(c.toks).has("it", "that", "this") {
		kinds = append(kinds, r.mem.things[0].kind)
	}
	for _, k := range kinds {
		of := func(cl class) bool {
			return slices.ContainsFunc(r.box.tools, func(t *tool) bool { return t.class == cl && slices.Contains(t.nouns, k) })
		}
		if of(destroy) && of(create) && !of(change) {
			return k
		}
	}
	return ""
}

// indefinite puts "a" or "an" before a noun.
func indefinite(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
