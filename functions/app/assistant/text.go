package assistant

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	emailPattern = compiled(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)
	phonePattern = compiled(`\+?\(?\d[\d ().-]{6,18}\d`)
	quotePattern = compiled(`"([^"]{1,500})"`)
	chipPattern  = compiled(`\b\d{9,15}\b`)
	idPattern    = compiled(`\b[a-z]{2,}[-_][a-z0-9]*\d[a-z0-9_-]*\b|\b[a-z]{3,4}_[a-z0-9]{4,}\b`)
)

// linkers join a property to its value, or an order to its text.
var linkers = set("to is as about for that of saying because on with was are say regarding concerning called named and")

// prose is the free text of a clause for a tool: what is left when the order, the tool's own nouns and, for a tool with a day,
// days and times are taken away.
func (c *clause) prose(t *tool) string {
	if c.rest != "" {
		return tidy(c.rest)
	}
	if m := quotePattern().FindStringSubmatch(c.raw); m != nil && t.class != read {
		return tidy(m[1])
	}
	w := words(c.toks)
	lx := lex()
	i := 0
	for i < len(w) && (joiners[w.at(i)] || lx.is("polite", w.at(i)) || w.in(i, "you", "me")) && !(lx.is("modal", w.at(i)) && !w.in(i+1, "you", "i", "we")) {
		i++
	}
	if t.class == read && c.verb < 0 && c.mood != moodAsk {
		return c.between(i, len(w), false)
	}
	if t.class == read && c.mood == moodAsk {
		// "What do you know about fleas?": what follows counts, not the phrase.
		for j := i; j < len(w) && j < i+8; j++ {
			if w.in(j, "about", "on") && w[i:j].has("you") && j+1 < len(w) {
				return c.between(j+1, len(w), false)
			}
		}
		return c.between(i, len(w), false)
	}
	if c.verb >= i {
		i = c.verb + 1
	} else if c.mood == moodStatement && t.class != read {
		return c.between(i, len(w), t.first(kDate) != nil)
	}
	dated := t.first(kDate) != nil
	own := func(k int) bool {
		if k >= len(w) || c.taken[k] && !c.inMention(k) {
			return false
		}
		for _, o := range append([]string{w[k].stem}, lx.about(w[k])...) {
			if slices.Contains(t.nouns, o) || t.verbs[o] {
				return true
			}
		}
		return lx.is("filler", w.at(k)) || w.in(k, "message", "note", "team", "someone", "article", "articles", "tip", "tips", "advice")
	}
	linked := false
	for i < len(w) {
		switch {
		case !linked && w.in(i, "me", "us", "you", "a", "an", "the", "my", "your", "some", "any", "it") && !(w.in(i, "my") && !own(i+1)):
		case !linked && own(i):
		case dated && c.taken[i] && c.inDay(i):
		case linkers[w.at(i)] && (i+1 < len(w)):
			// "to a human", "to the support team": still the order.
			k := i + 1
			for w.in(k, "a", "an", "the", "my", "your", "someone") {
				k++
			}
			if !linked && own(k) && t.class != read && !w.in(i, "about", "that") {
				i = k
				break
			}
			if linked && !w.in(i, "that", "to", "about", "of") {
				return c.between(i, len(w), dated)
			}
			linked = true
		default:
			return c.between(i, len(w), dated)
		}
		i++
	}
	return ""
}

func (c *clause) inDay(i int) bool {
	for _, s := range c.days {
		if i >= s.i && i < s.j {
			return true
		}
	}
	for _, s := range c.times {
		if i >= s.i && i < s.j {
			return true
		}
	}
	return false
}

func (c *clause) inMention(i int) bool {
	for _, s := range c.who {
		if i >= s.i && i < s.j {
			return true
		}
	}
	return false
}

// between is the text from token i up to token j as it was typed; without days, times and the prepositions before them.
func (c *clause) between(i, j int, undated bool) string {
	if i >= j {
		return ""
	}
	if !undated {
		return tidy(c.msg[c.toks[i].start:c.toks[j-1].end])
	}
	var out []string
	for k := i; k < j; {
		if c.inDay(k) {
			k++
			continue
		}
		from := k
		for k < j && !c.inDay(k) {
			k++
		}
		to := k
		for k < j && to > from && (lex().is("prep", c.toks[to-1].low) || c.toks[to-1].low == "the") { // "on" before a day
			to--
		}
		if to > from {
			out = append(out, c.msg[c.toks[from].start:c.toks[to-1].end])
		}
	}
	return tidy(strings.Join(out, " "))
}

// tidy trims a text: spaces, closing punctuation, "please" and quotes around it.
func tidy(s string) string {
	s = strings.TrimSpace(s)
	for {
		t := strings.Trim(s, " \n?!.,;:\"")
		for _, end := range []string{" please", " thanks", " too", " as well"} {
			if len(t) >= len(end) && strings.EqualFold(t[len(t)-len(end):], end) {
				t = t[:len(t)-len(end)]
			}
		}
		if t == s {
			return s
		}
		s = t
	}
}

// bound cuts a text to n characters.
func bound(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimRightFunc(string([]rune(s)[:max(n-1, 0)]), unicode.IsSpace) + "…"
}

// cue finds the token that names a property; -1 for none.
func (c *clause) cue(p *property) int {
	lx := lex()
	for i, t := range c.toks {
		if c.taken[i] && !(i > 0 && t.poss) || lx.is("stop", t.low) {
			continue
		}
		for _, o := range append([]string{t.stem}, append(lx.objects[t.low], lx.weak[t.low]...)...) {
			if slices.Contains(p.concepts, o) && o != "pet" {
				return i
			}
		}
	}
	return -1
}

// stated is the value a clause gives for a property, where words say that it is meant.
func (c *clause) stated(p *property) (any, bool) {
	at := c.cue(p)
	switch p.kind {
	case kNumber:
		return c.numberFor(p, at)
	case kEnum:
		v, ok := c.enumValue(p)
		return v, ok
	case kBool:
		return true, c.says(p)
	case kLabel:
		return c.labelFor(p, at)
	case kText:
		return c.textFor(p, at)
	case kID:
		if m := idPattern().FindString(c.raw); m != "" {
			return m, true
		}
	}
	return nil, false
}

func (c *clause) numberFor(p *property, at int) (any, bool) {
	for _, n := range c.nums {
		near := at >= 0 && n.i > at
		for _, o := range p.concepts {
			for _, l := range n.labels {
				near = near || o == l || strings.Contains(strings.ToLower(p.desc), l)
			}
		}
		if p.unit == "" && n.unit != "" || p.unit != "" && n.unit == "" && !near || p.unit == "" && !near {
			continue
		}
		v, ok := n.in(p.unit)
		if !ok || p.integer && v != float64(int64(v)) {
			continue
		}
		return v, true
	}
	return nil, false
}

// enumValue finds one of a property's values among the words of a clause, by stem or by synonym.
func (c *clause) enumValue(p *property) (string, bool) {
	lx := lex()
	if part := c.part(); part != "" && slices.Contains(p.enum, part) {
		return part, true
	}
	for i, t := range c.toks {
		if c.inDay(i) || lx.is("stop", t.low) || t.poss && c.inMention(i) {
			continue
		}
		for _, v := range p.enum {
			parts := tokenize(strings.ToLower(strings.ReplaceAll(v, "_", " ")))
			if len(parts) == 0 {
				continue
			}
			joined := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(v), "-", ""), "_", "")
			if t.low == strings.ToLower(v) || t.low == joined || slices.Contains(lx.about(t), joined) && lx.objects[t.low] != nil {
				return v, true
			}
			for k, part := range parts {
				if i+k >= len(c.toks) || c.toks[i+k].stem != part.stem {
					break
				}
				if k == len(parts)-1 {
					return v, true
				}
			}
		}
	}
	return "", false
}

// says reports whether a clause speaks of what a switch stands for: every telling word of its name.
func (c *clause) says(p *property) bool {
	for _, o := range p.concepts {
		if o == "include" || o == "includ" {
			continue
		}
		found := o == "past" && c.past && c.question
		for i, t := range c.toks {
			if found = found || !c.taken[i] && (t.stem == o || slices.Contains(lex().about(t), o)); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(p.concepts) > 0
}

// labelFor finds a name to give: "called Rex", "rename Milo to Miles".
func (c *clause) labelFor(p *property, at int) (any, bool) {
	w := words(c.toks)
	for i := range w {
		if w.in(i, "called", "named") && i+1 < len(w) {
			return c.nameFrom(i + 1)
		}
		if i > 0 && w[i-1].sep == ":" { // "new patient: Misty"
			return c.nameFrom(i)
		}
		if w.in(i, "name") && w.in(i+1, "is") && i+2 < len(w) {
			return c.nameFrom(i + 2)
		}
	}
	if at < 0 {
		return nil, false
	}
	for i := at + 1; i+1 < len(w); i++ {
		if w.in(i, "to", "as", "into") {
			return c.nameFrom(i + 1)
		}
	}
	return nil, false
}

// nameFrom is the name that begins at token i: one word, or several with capitals.
func (c *clause) nameFrom(i int) (any, bool) {
	j := i + 1
	for j < len(c.toks) && c.toks[j-1].sep == "" && c.toks[j].upper && c.toks[i].upper && j < i+4 && !isCalendarWord(c.toks[j].low) {
		j++
	}
	return properCase(c.msg[c.toks[i].start : c.toks[j-1].start+len(c.toks[j-1].text)]), isWord(c.toks[i])
}

// textFor finds the value of a text property that the clause names: "breed to Golden Retriever", "because he limps".
func (c *clause) textFor(p *property, at int) (any, bool) {
	if slices.Contains(p.concepts, "contact") {
		if m := emailPattern().FindString(c.raw); m != "" {
			return m, true
		}
		if m := phonePattern().FindString(c.raw); m != "" && len(chipPattern().FindString(m)) < 15 && at >= 0 {
			return m, true
		}
		return nil, false
	}
	if slices.Contains(p.concepts, "microchip") {
		if m := chipPattern().FindString(c.raw); m != "" {
			return m, true
		}
	}
	if at < 0 {
		return nil, false
	}
	if c.rest != "" {
		return bound(tidy(c.rest), limit(p)), true
	}
	w := words(c.toks)
	i := at + 1
	if !w.in(at, "because") {
		// Up to the linker, over whose it is: "a note to Fido's profile that he limps".
		last := -1
		for k := i; k < len(w) && k < i+6; k++ {
			if w.in(k, "to", "is", "as", "that", "saying", "about", "on") && k+1 < len(w) && !(c.inMention(k+1) && w[k+1].poss) {
				last = k
				break
			}
		}
		if last < 0 {
			if i < len(w) && strings.ContainsFunc(w[i].text, unicode.IsDigit) { // "batch A123"
				return w[i].text, true
			}
			if m := quotePattern().FindStringSubmatch(c.raw); m != nil {
				return bound(tidy(m[1]), limit(p)), true
			}
			return nil, false
		}
		i = last + 1
	}
	v := bound(c.between(i, c.valueEnd(i), false), limit(p))
	return v, v != ""
}

// valueEnd is where a value that begins at token i ends: before "and his weight to 29", where another field is set.
func (c *clause) valueEnd(i int) int {
	w := words(c.toks)
	for j := i + 1; j+2 < len(w); j++ {
		if !joiners[w.at(j)] && w[j-1].sep != "," {
			continue
		}
		k := j
		for joiners[w.at(k)] || lex().is("determiner", w.at(k)) || lex().is("pronoun", w.at(k)) {
			k++
		}
		if (lex().objects[w.at(k)] != nil || lex().weak[w.at(k)] != nil) && w.in(k+1, "to", "is", "as") {
			return j
		}
	}
	return len(w)
}

func limit(p *property) int {
	if p.maxLen > 0 {
		return p.maxLen
	}
	return 1000
}
