package assistant

import (
	"slices"
	"strings"
)

// reader reads messages: it knows the calendar, the names that tools returned and the verbs that only tools know.
type reader struct {
	cal   calendar
	known []string
	verbs map[string][]sense
}

// senses are the meanings of a word as an order.
func (rd reader) senses(word string) []sense {
	if s := rd.verbs[word]; s != nil {
		return s
	}
	return lex().verbs[word]
}

// split cuts a message into clauses, one wish each: at the ends of sentences, and at "and", "then", "but" or a comma where a
// new wish begins. "Fido and Milo" stays together; "Fido on Tuesday and Milo on Friday" does not.
func (rd reader) split(toks []token) [][]token {
	var out [][]token
	for start := 0; start < len(toks); {
		end := start + 1
		for end < len(toks) && (!strings.ContainsAny(toks[end-1].sep, ".?!;:\n") || toks[end-1].sep == ":" && introduces(toks[start:end])) {
			end++
		}
		out = append(out, rd.splitSentence(toks[start:end])...)
		start = end
	}
	return out
}

// introduces reports whether a colon after these words only presents an animal: "new patient: Misty, cat".
func introduces(w words) bool {
	last := len(w) - 1
	return w.has("new", "add", "register") && (w.in(last, "patient", "pet", "animal") || slices.ContainsFunc(lex().objects[w.at(last)], func(o string) bool { return animals[o] }))
}

// joiners are the words that may stand between two wishes.
var joiners = set("and then also but plus or")

// proseVerbs are verbs that a person also uses inside a reminder or a message.
var proseVerbs = set("ask call phone write send note open give check make put take get plan log pay buy order look see email speak talk tell order play turn find read enter reach feed call add fix switch pull print")

func (rd reader) splitSentence(toks []token) [][]token {
	w := words(toks)
	taken := make([]bool, len(toks))
	for _, s := range rd.cal.find(toks) {
		mark(taken, s.i, s.j)
	}
	var out [][]token
	start := 0
	for k := 1; k < len(toks); k++ {
		joined := joiners[w.at(k)]
		comma := toks[k-1].sep == ","
		if !joined && !comma || taken[k] {
			continue
		}
		right := k
		for right < len(toks) && (joiners[w.at(right)] || w.in(right, "please")) {
			right++
		}
		if right == len(toks) || saying(w[start:k]) {
			continue
		}
		prose := w[start:k].has("remind", "reminder", "note", "message", "support") || w[start:k].hasVerb("contact")
		if rd.beginsWish(w, right, prose) || rd.beginsPair(toks, start, k, right, taken) || beginsList(w, start, k, right) {
			out = append(out, toks[start:k])
			start = right
			k = right
		}
	}
	return append(out, toks[start:])
}

func mark(taken []bool, i, j int) {
	for ; i < j && i < len(taken); i++ {
		taken[i] = true
	}
}

func (w words) has(list ...string) bool {
	for i := range w {
		if w.in(i, list...) {
			return true
		}
	}
	return false
}

func (w words) hasVerb(concept string) bool {
	for _, t := range w {
		for _, s := range lex().verbs[t.low] {
			if s.concept == concept && !lex().is("stop", t.low) && t.low != "tell" && t.low != "call" && t.low != "ask" {
				return true
			}
		}
	}
	return false
}

// saying reports whether a clause quotes: "tell support that …", after which "and" belongs to what is said.
func saying(w words) bool {
	for i := range w {
		if i > 0 && w.in(i, "that", "saying") && (w[:i].hasVerb("contact") || w[:i].has("tell", "inform", "support")) {
			return true
		}
	}
	return false
}

// beginsWish reports whether a new wish begins at token i: an order, or a question.
func (rd reader) beginsWish(w words, i int, prose bool) bool {
	lx := lex()
	polite := false
	for i < len(w) && (lx.is("polite", w.at(i)) && !lx.is("negation", w.at(i)) || w.in(i, "you", "that", "me")) && !(lx.is("modal", w.at(i)) && !w.in(i+1, "you", "i", "we")) {
		polite = polite || lx.is("modal", w.at(i)) || w.in(i, "need")
		i++
	}
	switch {
	case i >= len(w):
		return polite && !prose
	case lx.is("wh", w.at(i)), lx.is("negation", w.at(i)):
		return !prose || w.at(i) == "when" || w.at(i) == "what"
	case lx.is("aux", w.at(i)) && i+1 < len(w):
		return !prose && (w[i+1].upper || lx.is("determiner", w.at(i+1)) || lx.is("pronoun", w.at(i+1)) || w.in(i+1, "there", "i", "you", "we") || !lx.knows(w.at(i+1)))
	case polite && !prose:
		return true
	}
	if s := rd.senses(w.at(i)); len(s) > 0 && !(prose && proseVerbs[w.at(i)]) {
		// "book" after "and" is an order; "appointments and bookings" is not.
		return !strings.HasSuffix(w.at(i), "ing") && i+1 < len(w) && !w.in(i+1, "is", "are", "was")
	}
	return false
}

// window bounds the words that are looked at on either side of an "and".
const window = 12

// beginsPair reports whether "Milo at 11" begins at token right, another animal with its own day or time.
func (rd reader) beginsPair(toks []token, start, k, right int, taken []bool) bool {
	rest := toks[right:min(len(toks), right+window)]
	start = max(start, k-window)
	own := make([]bool, len(rest))
	for _, s := range rd.cal.find(rest) {
		mark(own, s.i, s.j)
	}
	times := findTimes(rest, own)
	dated := len(times) > 0
	for _, b := range own {
		dated = dated || b
	}
	m := findMentions(rest, own, rd.known, animals)
	left := findMentions(toks[start:k], taken[start:k], rd.known, animals)
	if !dated || len(m) == 0 || m[0].i > 1 || len(left) == 0 {
		return false
	}
	if m[0].kind == byPronoun {
		return false
	}
	// "Fido and Milo on Tuesday": the left side must have its own day or time too.
	for _, b := range taken[start:k] {
		if b {
			return true
		}
	}
	return len(findTimes(toks[start:k], taken[start:k])) > 0
}

// beginsList reports whether a second thing to show begins: "Fido's vaccinations and appointments".
func beginsList(w words, start, k, right int) bool {
	lx := lex()
	i := right
	for i < len(w) && lx.is("determiner", w.at(i)) {
		i++
	}
	if i >= len(w) || !lx.is("plural", w.at(i)) || lx.objects[w.at(i)] == nil {
		return false
	}
	for j := start; j < k; j++ {
		if lx.is("plural", w.at(j)) && lx.objects[w.at(j)][0] != lx.objects[w.at(i)][0] {
			return i+1 == len(w) || joiners[w.at(i+1)] || w[i].sep != "" || w.in(i+1, "for", "of", "please")
		}
	}
	return false
}

// animals are what a person may call theirs: "my dog".
var animals = set("dog cat rabbit ferret")
