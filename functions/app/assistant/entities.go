package assistant

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mentionKind tells how a clause speaks of a pet or another thing with a name.
type mentionKind int

const (
	byName    mentionKind = iota // Fido
	bySpecies                    // my dog
	byPronoun                    // him
	byAll                        // both pets, all my cats
)

// A mention is a pet spoken of in the tokens i to j-1.
type mention struct {
	kind   mentionKind
	name   string // as the person wrote it, or as a tool spelled it
	value  string // species: dog
	plural bool
	guess  bool // a word in small letters that no tool has told: perhaps no name
	i, j   int
}

// nameLeads are words after which an unknown word in lower case is a name.
var nameLeads = set("for about of with and is are does has did was were can should pet named called book bring show update or to when's vs versus if cancel from give me")

// nameFollows are words before which an unknown first word is a name.
var nameFollows = set("is was has had needs need got gets weighs and or does should can will seems just now received too also at on instead next tomorrow today please due as")

// findMentions marks the pets of a clause. Known are the names that tools returned, in the tools' spelling.
func findMentions(toks []token, taken []bool, known []string, species map[string]bool) []mention {
	lx := lex()
	w := words(toks)
	var out []mention
	for i := 0; i < len(toks); {
		if taken[i] {
			i++
			continue
		}
		if m, ok := knownAt(toks, i, known); ok {
			if k := len(out) - 1; k >= 0 && out[k].kind == bySpecies && out[k].j == i {
				out = out[:k]
			}
			out = append(out, m)
			i = m.j
			continue
		}
		if m, ok := groupAt(w, i, species); ok {
			m.i = i
			out = append(out, m)
			i = m.j
			continue
		}
		if lx.is("pronoun", w.at(i)) && !(w.in(i, "it", "its") && !toks[i].poss) {
			out = append(out, mention{kind: byPronoun, i: i, j: i + 1, plural: strings.HasPrefix(w.at(i), "the")})
			i++
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].j == i-1 && w.in(i-1, "is", "are", "was", "were") && !toks[i].upper { // "Milo is constipated"
			i++
			continue
		}
		if n := nameAt(toks, taken, i); n > 0 {
			if k := len(out) - 1; k >= 0 && out[k].kind == bySpecies && out[k].j == i && toks[i-1].sep != "," { // "my cat Milo"
				out = out[:k]
			}
			parts := make([]string, 0, n)
			for _, t := range toks[i : i+n] {
				if !t.upper && t.text == strings.ToUpper(t.text) { // THE WHOLE MESSAGE SHOUTS
					t.text = t.low
				}
				parts = append(parts, properCase(t.text))
			}
			if i > 0 && courtesy[toks[i-1].low] {
				parts = append([]string{properCase(toks[i-1].text)}, parts...)
			}
			// "fidos vaccination": an apostrophe is missing.
			if low := parts[0]; n == 1 && !toks[i].poss && !toks[i].upper && strings.HasSuffix(low, "s") && len(low) > 3 && i+1 < len(toks) && owned(toks[i+1]) {
				parts[0] = low[:len(low)-1]
			}
			out = append(out, mention{kind: byName, name: strings.Join(parts, " "), guess: !toks[i].upper && !toks[i].poss, i: i, j: i + n})
			i += n
			continue
		}
		i++
	}
	return out
}

// owned reports whether a word is a thing that a pet has: what follows a possessive.
func owned(t token) bool {
	return lex().objects[t.low] != nil && len(lex().verbs[t.low]) == 0 || lex().weak[t.low] != nil || t.low == "next" || t.low == "last"
}

// knownAt reads a name that a tool returned, also misspelled by one letter or with a possessive s but no apostrophe.
func knownAt(toks []token, i int, known []string) (mention, bool) {
	for _, name := range known {
		parts := strings.Fields(strings.ToLower(name))
		if len(parts) == 0 || i+len(parts) > len(toks) {
			continue
		}
		ok := true
		for k, p := range parts {
			ok = ok && strings.ToLower(toks[i+k].text) == p
		}
		// A pet called Lucky is meant by "lucky" only with a capital or a possessive.
		if ok && len(parts) == 1 && lex().knows(parts[0]) && !toks[i].upper && !toks[i].poss && len(toks) > 1 {
			ok = false
		}
		if ok {
			return mention{kind: byName, name: name, i: i, j: i + len(parts)}, true
		}
	}
	low := strings.ToLower(toks[i].text)
	if lex().knows(low) {
		return mention{}, false
	}
	hit := ""
	for _, name := range known {
		n := strings.ToLower(name)
		if low == n+"s" || len(n) >= 4 && len(low) >= 4 && distance(low, n, 1) <= 1 && low[0] == n[0] {
			if hit != "" && hit != name {
				return mention{}, false
			}
			hit = name
		}
	}
	return mention{kind: byName, name: hit, i: i, j: i + 1}, hit != ""
}

// groupAt reads "my dog", "the cat", "both pets", "all my animals", "both".
func groupAt(w words, i int, species map[string]bool) (mention, bool) {
	j := i
	all, det := false, false
	for ; w.in(j, "all", "both", "every", "each", "my", "our", "the", "of", "his", "her", "this", "that"); j++ {
		all = all || w.in(j, "all", "both", "every", "each")
		det = det || !w.in(j, "of")
	}
	if w.in(i, "everyone") {
		return mention{kind: byAll, j: i + 1, plural: true}, true
	}
	if !det {
		return mention{}, false
	}
	// A word or two between "my" and the animal: "my old dog".
	k := j
	if k < len(w) && k-j < 1 && lex().common[w.at(k)] && !w[k].poss && len(lex().objects[w.at(k)]) == 0 && j > i {
		k++
	}
	for _, at := range []int{j, k} {
		word := w.at(at)
		compound := lex().is("gear", w.at(at+1)) && !w[min(at, len(w)-1)].poss // "the cat food"
		if word == "pet" || word == "pets" || word == "animal" || word == "animals" {
			plural := strings.HasSuffix(word, "s") || all
			if compound {
				return mention{}, false
			}
			return mention{kind: byAll, j: at + 1, plural: plural}, true
		}
		for _, c := range lex().objects[word] {
			if species[c] && !compound {
				plural := all || strings.HasSuffix(word, "s") && word != c || strings.HasSuffix(word, "ies")
				return mention{kind: bySpecies, value: c, j: at + 1, plural: plural}, true
			}
		}
	}
	if all && j == i+1 && w.in(i, "both") {
		return mention{kind: byAll, j: j, plural: true}, true
	}
	return mention{}, false
}

// nameAt returns how many tokens at i form a name that no tool has told yet.
func nameAt(toks []token, taken []bool, i int) int {
	t := toks[i]
	if !isWord(t) || isTitle(t.low) || strings.ContainsAny(t.text, "0123456789") && !strings.HasPrefix(t.low, "pet") {
		return 0
	}
	lx := lex()
	capital := t.upper && !t.first
	raw := strings.ToLower(t.text)
	ordinary := lx.knows(raw) || lx.is("stop", raw) || t.mended || t.low != raw
	lead := i > 0 && toks[i-1].sep == "" && nameLeads[toks[i-1].low]
	animal := lx.objects[t.low] != nil || len(lx.verbs[t.low]) > 0 || lx.is("stop", raw) || isCalendarWord(raw)
	ok := false
	if courtesy[t.low] {
		return 0
	}
	switch {
	case i > 0 && courtesy[toks[i-1].low] && !lx.is("stop", raw):
		ok = true
	case capital && !ordinary:
		ok = true
	case capital && t.poss && !lx.is("stop", raw): // "Lucky's shots"
		ok = true
	case capital && lead && !animal: // "tell me about Lucky", "about March"
		ok = true
	case capital && lead && monthNames[raw] != 0:
		ok = true
	case !ordinary && (lead || t.poss || i == 0 && (len(toks) == 1 || nameFollows[toks[1].low] || toks[1].low == "and")):
		ok = true
	case !ordinary && i > 0 && (toks[i-1].sep == "," || taken[i-1]) && (i+1 == len(toks) || nameFollows[toks[i+1].low]):
		ok = true
	case !ordinary && i == len(toks)-1 && i > 0 && (len(lx.objects[toks[i-1].low]) > 0 || len(lx.verbs[toks[i-1].low]) > 0):
		ok = true // "vaccination fido", "show fido"
	case !ordinary && i == 0 && len(toks) > 1 && len(lx.objects[toks[1].low]) > 0:
		ok = true // "fido vaccination"
	}
	if !ok {
		return 0
	}
	n := 1
	for capital && !t.poss && t.sep == "" && i+n < len(toks) && n < 3 && !taken[i+n] {
		next := toks[i+n]
		if !next.upper || !isWord(next) || lx.objects[next.low] != nil || isCalendarWord(next.low) {
			break
		}
		n++
		if next.poss || next.sep != "" {
			break
		}
	}
	return n
}

// has reports whether the clause mentions an animal in this way at or after token i.
func (c *clause) has(k mentionKind, i int) bool {
	return slices.ContainsFunc(c.who, func(m mention) bool { return m.kind == k && m.i >= i })
}

func isWord(t token) bool {
	r, _ := utf8.DecodeRuneInString(t.text)
	return unicode.IsLetter(r) && !strings.ContainsAny(t.text, "@") && utf8.RuneCountInString(t.text) > 1 && utf8.RuneCountInString(t.text) <= 40
}

// courtesy are titles that are part of a pet's name.
var courtesy = set("mr mrs ms miss sir lady")

func isTitle(low string) bool { return low == "dr" || low == "doctor" || low == "vet" }

// properCase writes a name that was typed in small letters as names are written; anything else, an id too, stays as typed.
func properCase(s string) string {
	if s != strings.ToLower(s) || strings.ContainsAny(s, "-_0123456789") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
