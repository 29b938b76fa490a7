package assistant

import "strings"

// mood is what kind of sentence a clause is.
type mood int

const (
	moodBare      mood = iota // "Fido vaccinations", "and Milo?"
	moodAsk                   // a question
	moodCommand               // "book …", "can you book …"
	moodWish                  // "I need an appointment", "Fido needs a check-up"
	moodStatement             // "Fido weighs 31 kg now"
)

// A clause is one wish, with everything found in it.
type clause struct {
	toks  []token
	msg   string // the whole message, cleaned
	raw   string // this clause as typed
	rest  string // for a clause that ends with a colon: the remainder of the message
	taken []bool // tokens inside days, times, numbers or mentions

	mood        mood
	question    bool // ends with a question mark or begins like a question
	negated     bool // "do not book"
	conditional bool // "if he is due"
	howto       bool // "how do I book"
	indefinite  bool // "an appointment"
	told        bool // "got", "had": something that happened
	past        bool
	verb        int // the main verb's token, -1 for none
	senses      []sense

	days  []dateSpan
	times []timeSpan
	nums  []number
	who   []mention

	badDay, badTime string // a day or time that does not exist
	repeat          string // "every day"
}

// analyse finds in a clause's tokens what can be found without knowing the tools.
func (rd reader) analyse(toks []token, message string) *clause {
	c := &clause{toks: toks, msg: message, verb: -1, taken: make([]bool, len(toks))}
	c.raw = strings.TrimSpace(message[toks[0].start:toks[len(toks)-1].end])
	last := toks[len(toks)-1]
	c.question = last.sep == "?"
	if last.sep == ":" {
		c.rest = strings.TrimSpace(strings.TrimLeft(message[last.end:], " :"))
	}
	c.days = rd.cal.find(toks)
	for _, s := range c.days {
		mark(c.taken, s.i, s.j)
	}
	c.times = findTimes(toks, c.taken)
	for _, s := range c.times {
		mark(c.taken, s.i, s.j)
	}
	c.findRepeats()
	c.findImpossible(rd.cal)
	c.nums = findNumbers(toks, c.taken)
	for _, s := range c.nums {
		mark(c.taken, s.i, s.j)
	}
	c.who = findMentions(toks, c.taken, rd.known, animals)
	for _, s := range c.who {
		mark(c.taken, s.i, s.j)
	}
	c.findMood(rd)
	return c
}

// findMood tells orders, questions, wishes and statements apart, and finds the main verb.
func (c *clause) findMood(rd reader) {
	lx := lex()
	w := words(c.toks)
	for i := range w {
		if lx.is("pasttense", w.at(i)) {
			c.past = true
		}
		if lx.is("told", w.at(i)) && !c.taken[i] {
			c.told = true
		}
	}
	i := 0
	for joiners[w.at(i)] || w.in(i, "oh", "so", "well", "ok", "okay", "now", "hey", "hi", "hello", "please") && i+1 < len(w) {
		i++
	}
	if w.in(i, "if", "unless", "when", "whenever") && w.at(i) != "when" && c.toks[len(c.toks)-1].sep != "?" || w.in(i, "in") && w.in(i+1, "case") {
		c.conditional = true
	}
	if w.in(i, "is", "would") && w.in(i+1, "it") && w[i:].has("possible") {
		for j := i; j < len(w); j++ {
			if w.in(j, "to") {
				i = j + 1
				break
			}
		}
	}
	if w.in(i, "how") && (w.in(i+1, "do", "can", "could", "would", "should", "to")) {
		c.howto = true
		for j := i + 2; j < len(w) && j < i+5; j++ {
			if s := rd.senses(w.at(j)); s != nil && !verbOnly[w.at(j)] && !w.in(j, "make", "put", "set", "take") {
				c.question, c.mood, c.verb, c.senses = true, moodCommand, j, s
				return
			}
		}
	}
	// "I do not want to cancel", "don't book anything".
	for j := i; j < len(w) && j < i+6; j++ {
		if lx.is("negation", w.at(j)) && !c.question {
			for k := j + 1; k < len(w) && k <= j+4; k++ {
				if s := lx.senses(w[k]); len(s) > 0 && !c.taken[k] {
					c.negated, c.verb, c.senses, c.mood = true, k, s, moodCommand
					return
				}
				if !lx.is("stop", w.at(k)) && !lx.is("polite", w.at(k)) {
					break
				}
			}
		}
	}
	wished := false
	for i < len(w) && lx.is("polite", w.at(i)) {
		if lx.is("modal", w.at(i)) && !w.in(i+1, "you", "i", "we", "u") {
			break
		}
		wished = wished || w.in(i, "need", "like")
		i++
		for w.in(i, "you", "me") {
			i++
		}
	}
	indefinite := func(from int) bool {
		for j := from; j < len(w); j++ {
			if w.in(j, "vetvisit") && !w.in(j-1, "the", "my", "his", "her") {
				return true
			}
			if w.in(j, "a", "an", "another", "any", "some", "new") && !c.taken[j] {
				for k := j + 1; k < len(w) && k <= j+4; k++ {
					if lx.objects[w.at(k)] != nil && !c.taken[k] {
						return true
					}
				}
			}
		}
		return false
	}
	c.indefinite = indefinite(i)
	switch {
	case i >= len(w):
		c.mood = moodBare
		if c.question {
			c.mood = moodAsk
		}
		return
	case lx.is("wh", w.at(i)) || lx.is("aux", w.at(i)) && w.at(i) != "have" && !w.in(i-1, "i", "we") || lx.is("modal", w.at(i)):
		c.question, c.mood = true, moodAsk
		if w.in(i, "when") && !w.in(len(w)-1, "?") && c.conditional {
			c.mood = moodStatement
		}
		return
	}
	if s := rd.senses(w.at(i)); s != nil && !c.taken[i] && !(len(lx.objects[w.at(i)]) > 0 && i+1 == len(w) && !wished && i == 0) {
		c.mood, c.verb, c.senses = moodCommand, i, s
		// "get/have an appointment" asks for one; "get his records" reads.
		if w.in(i, "get", "have") && c.indefinite {
			c.mood, c.verb, c.senses = moodWish, -1, nil
		}
		return
	}
	for j := i; j < len(w); j++ {
		wished = wished || w.in(j, "need", "needs", "needed") && !c.taken[j]
	}
	wished = wished || w.in(i, "get", "have") && i > 0
	switch {
	case c.question && !wished:
		c.mood = moodAsk
	case wished:
		c.mood = moodWish
		// "Fido needs to be booked in": the verb counts.
		for j := i; j < len(w); j++ {
			if s := lx.verbs[strings.TrimSuffix(w.at(j), "ed")]; s != nil && !c.taken[j] && w.in(j-1, "to", "be") {
				c.mood, c.verb, c.senses = moodCommand, j, s
				return
			}
		}
	case c.subject(i):
		c.mood = moodStatement
	default:
		c.mood = moodBare
	}
}

// subject reports whether the clause from token i states something: "Fido weighs", "my dog got", "I gave", "his weight is".
func (c *clause) subject(i int) bool {
	w := words(c.toks)
	for j := i; j < len(w); j++ {
		if lex().is("aux", w.at(j)) || lex().is("told", w.at(j)) || w.in(j, "weighs", "now", "has", "keeps", "won't", "i", "we", "my") || strings.HasSuffix(w.at(j), "ing") && !c.taken[j] {
			return true
		}
	}
	return false
}

// content are the tokens that say what the clause is about.
func (c *clause) content() []token {
	lx := lex()
	var out []token
	for i, t := range c.toks {
		if c.taken[i] || lx.is("stop", t.low) || lx.is("filler", t.low) || lx.is("polite", t.low) || t.low == "" || t.low[0] <= '9' {
			continue
		}
		if i == c.verb && lx.objects[t.low] == nil {
			continue
		}
		// Other plain verbs say little: "is there", "do you know". One with a noun's meaning ("booked") is content.
		if lx.objects[t.low] == nil && lx.weak[t.low] == nil && len(lx.senses(t)) > 0 && i != c.verb && c.mood != moodCommand && verbOnly[t.low] {
			continue
		}
		out = append(out, t)
	}
	return out
}

var verbOnly = set("show tell give know see find get check look list display have view let lookup say said told")

// clock is the time of day that was said, "" for none.
func (c *clause) clock() string {
	for _, t := range c.times {
		if t.clock != "" {
			return t.clock
		}
	}
	return ""
}

// part is the part of the day that was said, "" for none.
func (c *clause) part() string {
	for _, t := range c.times {
		if t.part != "" {
			return t.part
		}
	}
	return ""
}
